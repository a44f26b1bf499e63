//! All that a run learns from and is judged by.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::example::{Example, Label};
use super::store::{Store, StoreError};
use crate::job::{Cancelled, Job};
use crate::notes::division::PartReport;
use crate::notes::flat::Unflat;
use crate::notes::leakage::Leak;
use crate::notes::split::Part;
use crate::tasks::loss::IGNORED;

/// All that a run learns from and is judged by.
#[derive(Debug)]
pub struct Dataset {
    /// What is learned from.
    pub train: Examples,
    /// What is judged by during the run; may be empty.
    pub validation: Examples,
    /// What the best model is judged by at the end; may be empty.
    pub test: Examples,
    /// Names of the classes in order; none for masked-LM.
    pub labels: Vec<String>,
    /// What was read.
    pub fingerprint: Fingerprint,
    /// How it was divided.
    pub report: DataReport,
    /// What was left out, each with its place and the reason; never text of a note.
    pub left_out: Vec<String>,
}

/// What was read, so that a run goes on with the same data only.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fingerprint {
    /// Files with the SHA-256 of their bytes.
    pub files: Vec<(PathBuf, String)>,
    /// Examples to learn from.
    pub train_examples: usize,
    /// Their tokens.
    pub train_tokens: usize,
    /// Examples to be judged by.
    pub validation_examples: usize,
    /// Their tokens.
    pub validation_tokens: usize,
    /// Examples that the best model is judged by.
    #[serde(default)]
    pub test_examples: usize,
    /// Their tokens.
    #[serde(default)]
    pub test_tokens: usize,
    /// Names of the classes.
    pub labels: Vec<String>,
    /// SHA-256 of all token ids and labels, in order.
    pub examples_sha256: String,
}

/// What the parts of a data set hold, and what they share.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct DataReport {
    /// The column by which notes were kept together when they were divided, `patient` if none was
    /// named and notes have patients; none where that was done by their texts, or not at all.
    pub group: Option<String>,
    /// Notes without a value there, where notes were divided by it.
    pub ungrouped: usize,
    /// What each part holds.
    pub parts: Vec<PartReport>,
    /// What parts share that they should not.
    pub leaks: Vec<Leak>,
    /// Parts that were to get a share of the notes and got none.
    pub empty: Vec<Part>,
    /// Labels, or kinds of spans, that no note to learn from has.
    pub unlearned: Vec<String>,
    /// Marked spans that are not learned, by the reason.
    pub unflat: BTreeMap<Unflat, usize>,
    /// Marked spans that are learned longer or shorter than they are, since a token holds a part of
    /// them and something else.
    pub inexact: usize,
    /// Bytes of tokens that lie in a file, since they were more than data-memory.
    pub on_disk: u64,
}

/// The examples of a part. They may lie in a file: asking for one can fail.
#[derive(Clone)]
pub struct Examples {
    all: Arc<All>,
    numbers: Vec<u32>,
}

/// The examples of all parts.
pub(super) struct All {
    /// Of each: its ids; then its type ids, if it has them; then, for tokens, its labels.
    pub(super) store: Store,
    pub(super) kept: Vec<Kept>,
    pub(super) labels: Labels,
}

/// What is known of an example without its row.
pub(super) struct Kept {
    pub(super) tokens: u32,
    /// Whether any of its type ids is not 0.
    pub(super) typed: bool,
}

/// The labels of examples.
pub(super) enum Labels {
    /// The text itself.
    Text,
    /// A class of each.
    Class(Vec<u32>),
    /// The classes that hold of each, of so many.
    Classes(Vec<Box<[u32]>>, usize),
    /// In the rows, as places in this list of classes.
    Tokens(Vec<i64>),
}

/// A label of a token in a row that means "not labelled".
pub(super) const UNLABELLED: u32 = u32::MAX;

impl All {
    fn example(&self, number: usize) -> Result<Example, StoreError> {
        let mut ids = self.store.row(number)?;
        let Kept { tokens, typed } = self.kept[number];
        let count = tokens as usize;
        let mut rest = ids.split_off(count);
        let type_ids = match typed {
            true => rest.drain(..count).collect(),
            false => vec![0; count],
        };
        Ok(Example {
            ids,
            type_ids,
            label: self.label(number, &rest),
        })
    }

    /// The label of an example; `rest` is what of its row tells those of its tokens.
    fn label(&self, number: usize, rest: &[u32]) -> Label {
        match &self.labels {
            Labels::Text => Label::Text,
            Labels::Class(own) => Label::Class(own[number] as usize),
            Labels::Classes(own, classes) => {
                let mut holds = vec![0.0; *classes];
                own[number].iter().for_each(|&at| holds[at as usize] = 1.0);
                Label::Classes(holds)
            }
            Labels::Tokens(classes) => {
                let class = |own: &u32| match *own {
                    UNLABELLED => IGNORED,
                    own => classes[own as usize],
                };
                Label::Tokens(rest.iter().map(class).collect())
            }
        }
    }
}

impl Examples {
    pub(super) fn new(all: Arc<All>, numbers: Vec<u32>) -> Self {
        Self { all, numbers }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.numbers.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.numbers.is_empty()
    }

    /// How many tokens each has, those of the template included.
    pub fn lengths(&self) -> impl Iterator<Item = usize> + Clone {
        let kept = self.numbers.iter().map(|&own| &self.all.kept[own as usize]);
        kept.map(|kept| kept.tokens as usize)
    }

    /// The examples in these places, in the order of the places.
    ///
    /// # Errors
    /// [`StoreError`] when they cannot be read.
    ///
    /// # Panics
    /// If there is no such place.
    pub fn read(
        &self,
        places: impl IntoIterator<Item = usize>,
    ) -> Result<Vec<Example>, StoreError> {
        let numbers = places.into_iter().map(|place| self.numbers[place] as usize);
        numbers.map(|number| self.all.example(number)).collect()
    }

    /// All of them in order, so many at a time, as `[T]::chunks` has it.
    ///
    /// # Panics
    /// If `size` is 0.
    pub fn chunks(
        &self,
        size: usize,
    ) -> impl Iterator<Item = Result<Vec<Example>, StoreError>> + '_ {
        self.numbers.chunks(size).map(|numbers| {
            let numbers = numbers.iter().map(|&number| number as usize);
            numbers.map(|number| self.all.example(number)).collect()
        })
    }

    /// All of them in order, so many to a part.
    ///
    /// # Panics
    /// If `size` is 0.
    pub fn parts(&self, size: usize) -> impl Iterator<Item = Self> + '_ {
        let numbers = self.numbers.chunks(size);
        numbers.map(|numbers| Self::new(self.all.clone(), numbers.to_vec()))
    }

    /// The label of each, in order.
    pub(super) fn labels(&self) -> impl Iterator<Item = Result<Label, StoreError>> + '_ {
        let numbers = self.numbers.iter().map(|&number| number as usize);
        numbers.map(|number| match &self.all.labels {
            Labels::Tokens(_) => Ok(self.all.example(number)?.label),
            // Their rows need not be read.
            Labels::Text | Labels::Class(_) | Labels::Classes(..) => {
                Ok(self.all.label(number, &[]))
            }
        })
    }

    /// Adds all token ids and labels in order to a hash.
    pub(super) fn hash(&self, hash: &mut Sha256, job: &Job) -> Result<(), Unhashed> {
        hash.update((self.len() as u64).to_le_bytes());
        for (done, &number) in self.numbers.iter().enumerate() {
            job.step(done, self.len(), "examples")?;
            let example = self.all.example(number as usize)?;
            hash.update((example.ids.len() as u64).to_le_bytes());
            for id in &example.ids {
                hash.update(id.to_le_bytes());
            }
            match &example.label {
                Label::Text => {}
                Label::Class(class) => hash.update((*class as u64).to_le_bytes()),
                Label::Classes(holds) => {
                    holds.iter().for_each(|own| hash.update(own.to_le_bytes()));
                }
                Label::Tokens(classes) => {
                    let mut add = |class: &i64| hash.update(class.to_le_bytes());
                    classes.iter().for_each(&mut add);
                }
            }
        }
        Ok(())
    }
}

/// Why examples were not hashed.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unhashed {
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl fmt::Debug for Examples {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Examples({}, {:?})", self.len(), self.all.store)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_example_is_what_its_row_says() {
        let mut store = Store::new(&std::env::temp_dir(), 0);
        let rows: [&[u32]; 2] = [&[7, 8, 0, 1, UNLABELLED, 2], &[9, 0]];
        for row in rows {
            store.push(row).unwrap();
        }
        store.seal().unwrap();
        let kept = [(2, true), (1, false)].map(|(tokens, typed)| Kept { tokens, typed });
        let all = Arc::new(All {
            store,
            kept: Vec::from(kept),
            // Met as O, I-X, B-X.
            labels: Labels::Tokens(vec![0, 2, 1]),
        });
        let examples = Examples::new(all, vec![1, 0]);
        assert_eq!((examples.len(), examples.lengths().sum::<usize>()), (2, 3));
        let read = examples.read([1, 0]).unwrap();
        assert_eq!(
            (&read[0].ids[..], &read[0].type_ids[..]),
            (&[7, 8][..], &[0, 1][..])
        );
        assert!(read[0].label == Label::Tokens(vec![IGNORED, 1]));
        assert_eq!(
            (&read[1].ids[..], &read[1].type_ids[..]),
            (&[9][..], &[0][..])
        );
        assert!(read[1].label == Label::Tokens(vec![0]));
        let chunks: Vec<_> = examples.chunks(1).map(Result::unwrap).collect();
        assert!(chunks[0][0] == read[1] && chunks[1][0] == read[0]);
        assert!(!format!("{examples:?}").contains('7'));
    }
}
