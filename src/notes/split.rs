//! Divides notes into parts for training, validation and test.
//!
//! Which note goes where follows from the seed and from what is in the notes, not from their order:
//! units are taken in the order of a hash, and each goes where its labels are missing most.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::str::FromStr;

use serde::Serialize;
use sha2::{Digest, Sha256};

use super::Note;
use super::columns::{ColumnError, check_column, column_value};
use super::labels::{LabelQuery, document_labels};
use super::leakage::normalised;
use super::stratify::{Unit, assign};
use crate::job::{Cancelled, Job};

/// A part of the notes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Part {
    /// What a model learns from.
    Train,
    /// What choices are made by.
    Validation,
    /// What is only measured.
    Test,
}

impl Part {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Train, Self::Validation, Self::Test];

    /// Its name in files and sentences.
    pub fn name(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Validation => "validation",
            Self::Test => "test",
        }
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The shares of train, validation and test; they sum to 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ratio([f64; 3]);

impl Ratio {
    /// The share of a part.
    pub fn of(self, part: Part) -> f64 {
        self.0[part as usize]
    }
}

impl Default for Ratio {
    fn default() -> Self {
        Self([0.8, 0.1, 0.1])
    }
}

impl FromStr for Ratio {
    type Err = String;

    /// Reads `80:10:10`, or `90:10` for no test part; only the proportions count.
    fn from_str(text: &str) -> Result<Self, String> {
        let numbers: Result<Vec<f64>, _> = text.split(':').map(|own| own.trim().parse()).collect();
        let wrong = "a ratio is two or three numbers with colons between them, as 80:10:10 for \
                     train, validation and test";
        let numbers = numbers.map_err(|_| wrong)?;
        let mut shares = match numbers[..] {
            [train, validation] => [train, validation, 0.0],
            [train, validation, test] => [train, validation, test],
            _ => return Err(wrong.to_owned()),
        };
        let sum: f64 = shares.iter().sum();
        if !(sum.is_finite() && shares.iter().all(|share| *share >= 0.0) && shares[0] > 0.0) {
            return Err(
                "each number of a ratio is 0 or more, and the first more than 0".to_owned(),
            );
        }
        shares.iter_mut().for_each(|share| *share /= sum);
        Ok(Self(shares))
    }
}

/// How notes are divided.
#[derive(Debug, Clone, Default)]
pub struct SplitOptions {
    /// How much goes where.
    pub ratio: Ratio,
    /// Another number gives another division.
    pub seed: u64,
    /// Notes with the same value in this column stay together. Without it notes of the same text do.
    pub group: Option<String>,
    /// Each part gets its share of each label in this column.
    pub stratify: Option<LabelQuery>,
}

/// Notes in parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Split {
    /// The part of each note.
    pub parts: Vec<Part>,
    /// What stays together, one note or several.
    pub units: usize,
    /// Notes without a value in the group's column; each is a group of its own.
    pub ungrouped: usize,
    /// Parts that were to get notes and got none.
    pub empty: Vec<Part>,
}

impl Split {
    /// Numbers of the notes of a part, in order.
    pub fn of(&self, part: Part) -> Vec<usize> {
        let all = self.parts.iter().enumerate();
        all.filter(|(_, own)| **own == part)
            .map(|(note, _)| note)
            .collect()
    }
}

/// Why notes cannot be divided.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SplitError {
    /// A column that no note has.
    #[error(transparent)]
    Column(#[from] ColumnError),
    /// Stopped by the user.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
}

/// Divides notes. The same notes, options and seed give the same parts on every machine.
///
/// # Errors
/// [`SplitError`] when no note has a column that is named, or the user stopped.
pub fn split_notes(notes: &[Note], options: &SplitOptions, job: &Job) -> Result<Split, SplitError> {
    let targets = match &options.stratify {
        Some(query) => document_labels(notes, query)?.targets,
        None => vec![Vec::new(); notes.len()],
    };
    if let Some(group) = &options.group {
        check_column(notes, group)?;
    }
    let (units, ungrouped) = units(notes, options, &targets, job)?;
    let mut parts = vec![Part::Train; notes.len()];
    for (unit, part) in units.iter().zip(assign(&units, notes.len(), options.ratio)) {
        unit.notes.iter().for_each(|&note| parts[note] = part);
    }
    let missing = |part: &Part| options.ratio.of(*part) > 0.0 && !parts.contains(part);
    Ok(Split {
        empty: Part::ALL.into_iter().filter(missing).collect(),
        units: units.len(),
        ungrouped,
        parts,
    })
}

/// The units in their order, and the notes that are in no group.
fn units(
    notes: &[Note],
    options: &SplitOptions,
    targets: &[Vec<usize>],
    job: &Job,
) -> Result<(Vec<Unit>, usize), Cancelled> {
    let mut found: HashMap<[u8; 32], Vec<usize>> = HashMap::new();
    let mut ungrouped = 0;
    for (number, note) in notes.iter().enumerate() {
        job.step(number, notes.len(), "notes")?;
        let value = options
            .group
            .as_ref()
            .and_then(|group| column_value(note, group));
        ungrouped += usize::from(options.group.is_some() && value.is_none());
        let mut hash = Sha256::new();
        hash.update(options.seed.to_le_bytes());
        match (&options.group, value) {
            (Some(_), Some(value)) => hash.update([b"group:", value.as_bytes()].concat()),
            (None, _) => hash.update([b"text:", normalised(note.text()).as_bytes()].concat()),
            (Some(_), None) => {
                let note = format!("note:{}:{}", note.source(), number);
                hash.update(note);
            }
        }
        found
            .entry(hash.finalize().into())
            .or_default()
            .push(number);
    }
    job.step(notes.len(), notes.len(), "notes")?;
    let mut units: Vec<Unit> = found
        .into_iter()
        .map(|(order, notes)| {
            let mut classes: BTreeMap<usize, usize> = BTreeMap::new();
            for &class in notes.iter().flat_map(|&note| &targets[note]) {
                *classes.entry(class).or_default() += 1;
            }
            Unit {
                notes,
                order,
                classes: classes.into_iter().collect(),
            }
        })
        .collect();
    units.sort_unstable_by_key(|unit| unit.order);
    Ok((units, ungrouped))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notes::{Details, Source};
    use proptest::prelude::*;

    fn note(text: String, group: Option<usize>, labels: &[usize]) -> Note {
        Note::new(Source::Typed, text).with_details(Details {
            patient: group.map(|group| format!("p{group}")),
            labels: labels.iter().map(|label| format!("l{label}")).collect(),
            ..Details::default()
        })
    }

    fn options(ratio: &str, seed: u64, group: bool, stratify: bool) -> SplitOptions {
        SplitOptions {
            ratio: ratio.parse().unwrap(),
            seed,
            group: group.then(|| "patient".to_owned()),
            stratify: stratify.then(LabelQuery::default),
        }
    }

    #[test]
    fn ratios_are_read_and_refused() {
        let ratio: Ratio = "80:10:10".parse().unwrap();
        assert_eq!(Part::ALL.map(|part| ratio.of(part)), [0.8, 0.1, 0.1]);
        assert_eq!("9 : 1".parse::<Ratio>().unwrap().of(Part::Test), 0.0);
        for text in [
            "", "80", "1:2:3:4", "a:b", "-1:1:1", "0:1:1", "nan:1", "inf:1:1",
        ] {
            assert!(text.parse::<Ratio>().is_err(), "{text}");
        }
    }

    #[test]
    fn each_part_gets_its_share_of_each_label() {
        let notes: Vec<Note> = (0..1000)
            .map(|n| note(format!("text {n}"), None, &[usize::from(n % 10 == 0)]))
            .collect();
        let split =
            split_notes(&notes, &options("80:10:10", 3, false, true), &Job::silent()).unwrap();
        for (part, all, rare) in [
            (Part::Train, 800, 80),
            (Part::Validation, 100, 10),
            (Part::Test, 100, 10),
        ] {
            let own = split.of(part);
            assert_eq!(own.len(), all);
            assert_eq!(own.iter().filter(|n| **n % 10 == 0).count(), rare);
        }
        let plain = split_notes(
            &notes,
            &options("80:10:10", 3, false, false),
            &Job::silent(),
        )
        .unwrap();
        assert_eq!(Part::ALL.map(|part| plain.of(part).len()), [800, 100, 100]);
        let other = split_notes(
            &notes,
            &options("80:10:10", 4, false, false),
            &Job::silent(),
        )
        .unwrap();
        assert_ne!(plain.parts, other.parts);
    }

    #[test]
    fn the_order_of_notes_decides_nothing_and_same_texts_stay_together() {
        let notes: Vec<Note> = (0..200)
            .map(|n| note(format!("Text  {}", n % 150), None, &[]))
            .collect();
        let forth =
            split_notes(&notes, &options("2:1:1", 1, false, false), &Job::silent()).unwrap();
        let backwards: Vec<Note> = notes.iter().rev().cloned().collect();
        let back = split_notes(
            &backwards,
            &options("2:1:1", 1, false, false),
            &Job::silent(),
        )
        .unwrap();
        assert!(forth.parts.iter().eq(back.parts.iter().rev()));
        assert!((0..50).all(|n| forth.parts[n] == forth.parts[n + 150]));
        assert_eq!(forth.units, 150);
    }

    /// A text that many notes have comes first, so that the others make up for it.
    #[test]
    fn a_large_unit_spoils_no_share() {
        let text = |n: usize| {
            if n < 25 {
                "None.".to_owned()
            } else {
                format!("text {n}")
            }
        };
        let notes: Vec<Note> = (0..60).map(|n| note(text(n), None, &[1])).collect();
        for seed in 0..20 {
            let split = split_notes(
                &notes,
                &options("80:10:10", seed, false, true),
                &Job::silent(),
            )
            .unwrap();
            assert_eq!(Part::ALL.map(|part| split.of(part).len()), [48, 6, 6]);
        }
    }

    #[test]
    fn what_cannot_be_done_is_said() {
        let notes = [
            note("a".to_owned(), Some(1), &[]),
            note("b".to_owned(), Some(1), &[]),
            note("c".to_owned(), None, &[]),
        ];
        let split =
            split_notes(&notes, &options("80:10:10", 1, true, false), &Job::silent()).unwrap();
        assert_eq!((split.units, split.ungrouped), (2, 1));
        assert_eq!(split.empty, [Part::Validation, Part::Test]);
        let wrong = SplitOptions {
            group: Some("ward".to_owned()),
            ..SplitOptions::default()
        };
        let error = split_notes(&notes, &wrong, &Job::silent())
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("\"ward\"") && error.contains("patient"),
            "{error}"
        );
    }

    proptest! {
        #[test]
        fn no_group_is_divided_and_shares_are_near(
            groups in prop::collection::vec((prop::option::of(0usize..30), prop::collection::vec(0usize..6, 0..3)), 1..200),
            seed in any::<u64>(),
            stratify in any::<bool>(),
        ) {
            let notes: Vec<Note> = groups.iter().enumerate().map(|(n, (group, labels))| note(format!("t{n}"), *group, labels)).collect();
            let split = split_notes(&notes, &options("70:15:15", seed, true, stratify), &Job::silent()).unwrap();
            prop_assert_eq!(split.parts.len(), notes.len());
            let mut parts: HashMap<usize, Part> = HashMap::new();
            for ((group, _), part) in groups.iter().zip(&split.parts) {
                if let Some(group) = group {
                    prop_assert_eq!(*parts.entry(*group).or_insert(*part), *part);
                }
            }
            let mut sizes: HashMap<usize, usize> = HashMap::new();
            groups.iter().filter_map(|(group, _)| *group).for_each(|group| *sizes.entry(group).or_default() += 1);
            let largest = sizes.values().copied().max().unwrap_or(1) as f64;
            if !stratify {
                // A part ends within one group of its share.
                for part in Part::ALL {
                    let wanted = split_share(part) * notes.len() as f64;
                    prop_assert!((split.of(part).len() as f64 - wanted).abs() <= 2.0 * largest + 1.0);
                }
            }
        }
    }

    fn split_share(part: Part) -> f64 {
        match part {
            Part::Train => 0.7,
            _ => 0.15,
        }
    }
}
