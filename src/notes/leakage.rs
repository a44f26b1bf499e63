//! What the parts of a data set share that they should not.

use std::collections::HashMap;

use serde::Serialize;

use super::Source;
use super::near::{SIMILAR, Shingles, Sketch};
use super::source::Place;
use super::split::Part;
use super::traces::{Key, Traces};
use crate::job::{Cancelled, Job};

/// What two notes have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Shared {
    /// The text, but for case and white space.
    Text,
    /// Nearly all of the text: 80 % of their runs of five words.
    NearText,
    /// The group, such as the patient.
    Group,
    /// The row of the file.
    Row,
}

impl Shared {
    /// What it is, in words.
    pub fn sentence(self) -> &'static str {
        match self {
            Self::Text => "the same text",
            Self::NearText => "nearly the same text",
            Self::Group => "the same group",
            Self::Row => "the same row of the same file",
        }
    }
}

/// A note that shares something with one of an earlier part.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Leak {
    /// What it is.
    pub shared: Shared,
    /// The part of the note.
    pub part: Part,
    /// The note, by its source.
    pub note: String,
    /// The earlier part: that from which it leaks.
    pub other_part: Part,
    /// The first note there that shares it, by its source.
    pub other: String,
    /// The shared share of all runs of five words, for texts that are nearly the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub similarity: Option<f64>,
}

/// A text with small letters and single spaces.
pub fn normalised(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for word in text.split_whitespace() {
        if !plain.is_empty() {
            plain.push(' ');
        }
        plain.extend(word.chars().flat_map(char::to_lowercase));
    }
    plain
}

/// The first note with each value, of parts before the one that is looked at. Values that no note
/// asks for are not kept.
struct First {
    seen: HashMap<Key, Option<(Part, usize)>>,
}

impl First {
    /// Keeps these values only.
    fn of(asked: impl Iterator<Item = Key>) -> Self {
        Self {
            seen: asked.map(|key| (key, None)).collect(),
        }
    }

    /// The first note of an earlier part with this value; the note itself is kept for later ones.
    fn earlier(&mut self, value: Key, part: Part, note: usize) -> Option<(Part, usize)> {
        let first = *self.seen.get_mut(&value)?.get_or_insert((part, note));
        (first.0 < part).then_some(first)
    }
}

/// Looks for what notes share with notes of an earlier part, where train comes before validation
/// and validation before test. Each note is listed once for each thing that it shares.
///
/// The group's column has values that belong to one part; the patient always does. `shingles` gives
/// those of the note of a number, from its [`normalised`] text.
///
/// Texts that are nearly the same are found by MinHash (Broder 1997) with bands: of two texts that
/// share 80 % of their runs of five words 99.96 % are found, unless more than eight are alike, and each
/// is then compared exactly. Time
/// grows with the text and not with the pairs, memory with the notes of all parts but the first.
///
/// # Errors
/// [`Cancelled`] when the user stopped, or what `shingles` returns.
pub fn leaks<E: From<Cancelled>>(
    traces: &Traces,
    parts: &[Part],
    mut shingles: impl FnMut(usize) -> Result<Shingles, E>,
    job: &Job,
) -> Result<Vec<Leak>, E> {
    let mut order: Vec<usize> = (0..parts.len()).collect();
    order.sort_by_key(|&note| parts[note]);
    let first = order.first().map(|&note| parts[note]);
    let asking = order.partition_point(|&note| Some(parts[note]) == first);
    let steps = order.len() - asking + order.len();
    let all = traces.all();
    let asked = || order[asking..].iter().map(|&note| &all[note]);
    let mut texts = First::of(asked().map(|own| own.text));
    let mut groups = First::of(asked().filter_map(|own| own.group));
    let mut patients = First::of(asked().filter_map(|own| own.patient));
    let mut rows = First::of(asked().filter_map(|own| row_of(&own.source)));
    let mut sketches = Sketch::default();
    for (done, &note) in order[asking..].iter().enumerate() {
        job.step(done, steps, "notes")?;
        if let Some(bands) = shingles(note)?.bands() {
            sketches.expect(&bands);
        }
    }
    let mut found = Vec::new();
    let compared = if asking < order.len() {
        &order[..]
    } else {
        &[]
    };
    for (done, number) in compared.iter().copied().enumerate() {
        job.step(order.len() - asking + done, steps, "notes")?;
        let (part, note) = (parts[number], &all[number]);
        let mut tell = |shared, other: Option<(Part, usize)>, similarity| {
            if let Some((other_part, other)) = other {
                found.push(Leak {
                    shared,
                    part,
                    note: note.source.to_string(),
                    other_part,
                    other: all[other].source.to_string(),
                    similarity,
                });
            }
        };
        let same = texts.earlier(note.text, part, number);
        tell(Shared::Text, same, None);
        // What is the same is not said again, and whoever is nearly the same as it finds its twin.
        if same.is_none() {
            let own = shingles(number)?;
            if let Some(bands) = own.bands() {
                let mut near: Option<(usize, f64)> = None;
                for other in sketches.candidates(&bands, |other| parts[other] < part) {
                    let similarity = own.similarity(&shingles(other)?);
                    let nearer = near.is_none_or(|(_, best)| similarity > best);
                    if similarity >= SIMILAR && nearer {
                        near = Some((other, similarity));
                    }
                }
                let other = near.map(|(other, _)| (parts[other], other));
                tell(Shared::NearText, other, near.map(|(_, own)| own));
                sketches.add(&bands, number);
            }
        }
        let by_group = note.group.and_then(|own| groups.earlier(own, part, number));
        let by_patient = note
            .patient
            .and_then(|own| patients.earlier(own, part, number));
        tell(Shared::Group, by_group.or(by_patient), None);
        let row = row_of(&note.source).and_then(|row| rows.earlier(row, part, number));
        tell(Shared::Row, row, None);
    }
    job.step(steps, steps, "notes")?;
    Ok(found)
}

/// The file by its content, and the place in it.
fn row_of(source: &Source) -> Option<Key> {
    let Source::File(file, place) = source else {
        return None;
    };
    let place = match place {
        Place::Whole => String::new(),
        Place::Line(line) => format!("line {line}"),
        Place::Record(number) => format!("record {number}"),
        Place::Id(id) => format!("id {id}"),
    };
    Some(Key::new(&[file.sha256.as_bytes(), place.as_bytes()]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notes::traces::TraceOptions;
    use crate::notes::{Details, Note};

    fn leaks_of(
        all: &[(Part, Note)],
        group: Option<&str>,
        job: &Job,
    ) -> Result<Vec<Leak>, Cancelled> {
        let (parts, notes): (Vec<Part>, Vec<Note>) = all.iter().cloned().unzip();
        let options = TraceOptions {
            group: group.map(str::to_owned),
            ..TraceOptions::default()
        };
        let traces = Traces::of(&notes, options, &Job::silent()).unwrap();
        let shingles = |note: usize| Ok(Shingles::new(&normalised(notes[note].text())));
        leaks(&traces, &parts, shingles, job)
    }

    fn note(text: &str, patient: Option<&str>, ward: &str) -> Note {
        Note::new(Source::Typed, text.to_owned()).with_details(Details {
            patient: patient.map(str::to_owned),
            fields: std::iter::once(("ward".to_owned(), ward.to_owned())).collect(),
            ..Details::default()
        })
    }

    #[test]
    fn what_parts_share_is_found_and_what_one_part_holds_twice_is_not() {
        let word = |n: usize, other: &str| {
            if n == 50 {
                other.to_owned()
            } else {
                format!("w{n}")
            }
        };
        let long = |other: &str| {
            (0..100)
                .map(|n| word(n, other))
                .collect::<Vec<_>>()
                .join(" ")
        };
        let train = [
            note("Chest pain\n and cough.", Some("p1"), "w1"),
            note(&long("first"), Some("p2"), "w2"),
            note("chest pain and cough.", Some("p1"), "w1"),
        ];
        let validation = [
            note("CHEST pain  and cough.", None, "w3"),
            note(&long("second"), Some("p3"), "w4"),
        ];
        let test = [
            note("Nothing like it.", Some("p1"), "w4"),
            note("", None, ""),
        ];
        let parts = [
            (Part::Test, &test[..]),
            (Part::Train, &train[..]),
            (Part::Validation, &validation[..]),
        ];
        let all: Vec<(Part, Note)> = parts
            .into_iter()
            .flat_map(|(part, notes)| notes.iter().map(move |note| (part, note.clone())))
            .collect();
        let found = leaks_of(&all, Some("ward"), &Job::silent()).unwrap();
        let short: Vec<(Shared, Part, Part)> = found
            .iter()
            .map(|leak| (leak.shared, leak.part, leak.other_part))
            .collect();
        assert_eq!(
            short,
            [
                (Shared::Text, Part::Validation, Part::Train),
                (Shared::NearText, Part::Validation, Part::Train),
                (Shared::Group, Part::Test, Part::Validation),
            ]
        );
        assert_eq!(found[1].similarity, Some(91.0 / 101.0));
        let by_patient = leaks_of(&all, None, &Job::silent()).unwrap();
        assert_eq!(
            (by_patient[2].shared, by_patient[2].other_part),
            (Shared::Group, Part::Train)
        );
        let stop = crate::job::StopFlag::default();
        stop.stop();
        assert_eq!(leaks_of(&all, None, &Job::new(stop)), Err(Cancelled));
    }

    #[test]
    fn words_with_other_space_and_case_are_the_same() {
        assert_eq!(normalised(" Ä\u{a0}B\r\n\tc "), "ä b c");
    }
}
