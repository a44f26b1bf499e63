//! What the parts of a data set share that they should not.

use std::collections::HashMap;

use serde::Serialize;
use sha2::{Digest, Sha256};

use super::columns::column_value;
use super::near::{SIMILAR, Shingles, Sketch};
use super::source::Place;
use super::split::Part;
use super::{Note, Source};
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

/// The first note with each value, of parts before the one that is looked at.
struct First<K> {
    seen: HashMap<K, (Part, usize)>,
}

impl<K: std::hash::Hash + Eq> First<K> {
    fn new() -> Self {
        Self {
            seen: HashMap::new(),
        }
    }

    /// The first note of an earlier part with this value; the note itself is kept for later ones.
    fn earlier(&mut self, value: K, part: Part, note: usize) -> Option<(Part, usize)> {
        let first = *self.seen.entry(value).or_insert((part, note));
        (first.0 < part).then_some(first)
    }
}

/// Looks for what notes share with notes of an earlier part, where train comes before validation
/// and validation before test. Each note is listed once for each thing that it shares.
///
/// `group` names a column whose values belong to one part; the patient always does.
///
/// Texts that are nearly the same are found by MinHash (Broder 1997) with bands: of two texts that
/// share 80 % of their runs of five words 99.96 % are found, and each is then compared exactly. Time
/// and memory grow with the text, not with the pairs.
///
/// # Errors
/// [`Cancelled`] when the user stopped.
pub fn leaks(
    parts: &[(Part, &Note)],
    group: Option<&str>,
    job: &Job,
) -> Result<Vec<Leak>, Cancelled> {
    let mut order: Vec<usize> = (0..parts.len()).collect();
    order.sort_by_key(|&note| parts[note].0);
    let mut texts = First::new();
    let mut groups = First::new();
    let mut patients = First::new();
    let mut rows = First::new();
    let mut sketches = Sketch::default();
    let mut found = Vec::new();
    for (done, number) in order.iter().copied().enumerate() {
        job.step(done, order.len(), "notes")?;
        let (part, note) = parts[number];
        let mut tell = |shared, other: Option<(Part, usize)>, similarity| {
            if let Some((other_part, other)) = other {
                found.push(Leak {
                    shared,
                    part,
                    note: note.source().to_string(),
                    other_part,
                    other: parts[other].1.source().to_string(),
                    similarity,
                });
            }
        };
        let plain = normalised(note.text());
        let hash: [u8; 32] = Sha256::digest(plain.as_bytes()).into();
        let same = texts.earlier(hash, part, number);
        tell(Shared::Text, same, None);
        let shingles = Shingles::new(&plain);
        // What is the same is not said again, and whoever is nearly the same as it finds its twin.
        if same.is_none()
            && let Some(bands) = shingles.bands()
        {
            let near = sketches
                .candidates(&bands, |other| parts[other].0 < part)
                .into_iter()
                .map(|other| {
                    let own = Shingles::new(&normalised(parts[other].1.text()));
                    (other, shingles.similarity(&own))
                })
                .filter(|(_, similarity)| *similarity >= SIMILAR)
                .max_by(|a, b| a.1.total_cmp(&b.1).then(b.0.cmp(&a.0)));
            let other = near.map(|(other, _)| (parts[other].0, other));
            tell(Shared::NearText, other, near.map(|(_, own)| own));
            sketches.add(&bands, number);
        }
        let value = group.and_then(|group| column_value(note, group));
        let value = value.map(|value| value.into_owned());
        let patient = note.details().patient.clone();
        let by_group = value.and_then(|value| groups.earlier(value, part, number));
        let by_patient = patient.and_then(|patient| patients.earlier(patient, part, number));
        tell(Shared::Group, by_group.or(by_patient), None);
        let row = row_of(note).and_then(|row| rows.earlier(row, part, number));
        tell(Shared::Row, row, None);
    }
    job.step(order.len(), order.len(), "notes")?;
    Ok(found)
}

/// The file by its content, and the place in it.
fn row_of(note: &Note) -> Option<(String, String)> {
    let Source::File(file, place) = note.source() else {
        return None;
    };
    let place = match place {
        Place::Whole => String::new(),
        Place::Line(line) => format!("line {line}"),
        Place::Record(number) => format!("record {number}"),
        Place::Id(id) => format!("id {id}"),
    };
    Some((file.sha256.clone(), place))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notes::Details;

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
        let all: Vec<(Part, &Note)> = parts
            .into_iter()
            .flat_map(|(part, notes)| notes.iter().map(move |note| (part, note)))
            .collect();
        let found = leaks(&all, Some("ward"), &Job::silent()).unwrap();
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
        let by_patient = leaks(&all, None, &Job::silent()).unwrap();
        assert_eq!(
            (by_patient[2].shared, by_patient[2].other_part),
            (Shared::Group, Part::Train)
        );
        let stop = crate::job::StopFlag::default();
        stop.stop();
        assert_eq!(leaks(&all, None, &Job::new(stop)), Err(Cancelled));
    }

    #[test]
    fn words_with_other_space_and_case_are_the_same() {
        assert_eq!(normalised(" Ä\u{a0}B\r\n\tc "), "ä b c");
    }
}
