//! Divides notes into parts for training, validation and test.
//!
//! Which note goes where follows from the seed and from what is in the notes, not from their order:
//! units are taken in the order of a hash, and each goes where its labels are missing most.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::str::FromStr;

use serde::Serialize;

use super::columns::ColumnError;
use super::stratify::{Unit, assign};
use super::traces::{Key, Trace, Traces};
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
    /// Shares of validation and test; the rest is for training.
    ///
    /// # Panics
    /// If a share is negative, or nothing is left for training.
    pub fn of_shares(validation: f64, test: f64) -> Self {
        // As near as a number can be to what is left in decimals: 0.7 and not 0.7000000000000001, so
        // that 0.2 and 0.1 are the same ratio as 70:20:10.
        let train = ((1.0 - validation - test) * 1e9).round() / 1e9;
        assert!(train > 0.0 && validation >= 0.0 && test >= 0.0, "shares");
        Self([train, validation, test])
    }

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

/// What keeps notes together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Together {
    /// The same text.
    #[default]
    Text,
    /// The same patient.
    Patient,
    /// The same value in the column that the traces' options name.
    Group,
}

/// Notes in parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Split {
    /// The part of each note.
    pub parts: Vec<Part>,
    /// What stays together, one note or several.
    pub units: usize,
    /// Notes without a patient or group, where these count; those of the same text stay together.
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

/// Divides notes; with `stratify` each part gets its share of each label. The same notes, options and
/// seed give the same parts on every machine.
///
/// # Errors
/// [`SplitError`] when no note has a column that is named, or the user stopped.
pub fn split(
    traces: &Traces,
    ratio: Ratio,
    together: Together,
    stratify: bool,
    job: &Job,
) -> Result<Split, SplitError> {
    traces.check()?;
    let (units, ungrouped) = units(traces, together, stratify, job)?;
    let notes = traces.len();
    let mut parts = vec![Part::Train; notes];
    for (unit, part) in units.iter().zip(assign(&units, notes, ratio)) {
        unit.notes.iter().for_each(|&note| parts[note] = part);
    }
    let missing = |part: &Part| ratio.of(*part) > 0.0 && !parts.contains(part);
    Ok(Split {
        empty: Part::ALL.into_iter().filter(missing).collect(),
        units: units.len(),
        ungrouped,
        parts,
    })
}

/// The units in their order, and the notes that are in no group.
fn units(
    traces: &Traces,
    together: Together,
    stratify: bool,
    job: &Job,
) -> Result<(Vec<Unit>, usize), Cancelled> {
    let group = |trace: &Trace| match together {
        Together::Text => Some(trace.text),
        Together::Patient => trace.patient,
        Together::Group => trace.group,
    };
    let mut found: HashMap<Key, Vec<usize>> = HashMap::new();
    let mut ungrouped = 0;
    for (number, trace) in traces.all().iter().enumerate() {
        job.step(number, traces.len(), "notes")?;
        let own = group(trace);
        ungrouped += usize::from(own.is_none());
        found
            .entry(own.unwrap_or(trace.text))
            .or_default()
            .push(number);
    }
    job.step(traces.len(), traces.len(), "notes")?;
    let classes = stratify.then(|| traces.classes());
    let mut units: Vec<Unit> = found
        .into_iter()
        .map(|(order, notes)| {
            let mut counts: BTreeMap<usize, usize> = BTreeMap::new();
            if let Some(classes) = &classes {
                let own = notes.iter().map(|&note| &traces.all()[note]);
                for class in own.flat_map(|trace| classes.of(trace)) {
                    *counts.entry(class).or_default() += 1;
                }
            }
            Unit {
                notes,
                order,
                classes: counts.into_iter().collect(),
            }
        })
        .collect();
    units.sort_unstable_by_key(|unit| unit.order);
    Ok((units, ungrouped))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notes::labels::LabelQuery;
    use crate::notes::traces::TraceOptions;
    use crate::notes::{Details, Note, Source};
    use proptest::prelude::*;

    fn note(text: String, group: Option<usize>, labels: &[usize]) -> Note {
        Note::new(Source::Typed, text).with_details(Details {
            patient: group.map(|group| format!("p{group}")),
            labels: labels.iter().map(|label| format!("l{label}")).collect(),
            ..Details::default()
        })
    }

    fn traces(notes: &[Note], seed: u64, group: Option<&str>) -> Traces {
        let options = TraceOptions {
            seed,
            group: group.map(str::to_owned),
            labels: LabelQuery::default(),
        };
        Traces::of(notes, options, &Job::silent()).unwrap()
    }

    fn divided(notes: &[Note], ratio: &str, seed: u64, group: bool, stratify: bool) -> Split {
        let together = match group {
            true => Together::Group,
            false => Together::Text,
        };
        let traces = traces(notes, seed, group.then_some("patient"));
        let ratio = ratio.parse().unwrap();
        split(&traces, ratio, together, stratify, &Job::silent()).unwrap()
    }

    #[test]
    fn ratios_are_read_and_refused() {
        let ratio: Ratio = "80:10:10".parse().unwrap();
        assert_eq!(Part::ALL.map(|part| ratio.of(part)), [0.8, 0.1, 0.1]);
        assert_eq!("9 : 1".parse::<Ratio>().unwrap().of(Part::Test), 0.0);
        for (shares, same) in [
            ((0.2, 0.1), "70:20:10"),
            ((0.1, 0.0), "90:10"),
            ((0.15, 0.15), "70:15:15"),
        ] {
            assert_eq!(Ratio::of_shares(shares.0, shares.1), same.parse().unwrap());
        }
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
        let split = divided(&notes, "80:10:10", 3, false, true);
        for (part, all, rare) in [
            (Part::Train, 800, 80),
            (Part::Validation, 100, 10),
            (Part::Test, 100, 10),
        ] {
            let own = split.of(part);
            assert_eq!(own.len(), all);
            assert_eq!(own.iter().filter(|n| **n % 10 == 0).count(), rare);
        }
        let plain = divided(&notes, "80:10:10", 3, false, false);
        assert_eq!(Part::ALL.map(|part| plain.of(part).len()), [800, 100, 100]);
        let other = divided(&notes, "80:10:10", 4, false, false);
        assert_ne!(plain.parts, other.parts);
    }

    #[test]
    fn the_order_of_notes_decides_nothing_and_same_texts_stay_together() {
        let notes: Vec<Note> = (0..200)
            .map(|n| note(format!("Text  {}", n % 150), None, &[]))
            .collect();
        let forth = divided(&notes, "2:1:1", 1, false, false);
        let backwards: Vec<Note> = notes.iter().rev().cloned().collect();
        let back = divided(&backwards, "2:1:1", 1, false, false);
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
            let split = divided(&notes, "80:10:10", seed, false, true);
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
        let split = divided(&notes, "80:10:10", 1, true, false);
        assert_eq!((split.units, split.ungrouped), (2, 1));
        assert_eq!(split.empty, [Part::Validation, Part::Test]);
        let wrong = traces(&notes, 0, Some("ward"));
        let error = super::split(
            &wrong,
            Ratio::default(),
            Together::Group,
            false,
            &Job::silent(),
        )
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
            let split = divided(&notes, "70:15:15", seed, true, stratify);
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
