//! Examples while notes are still read, when not all classes are known.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use super::config::{TaskKind, TrainConfig};
use super::dataset::{All, Kept, Labels, UNLABELLED};
use super::from_notes::DataError;
use super::store::Store;
use crate::notes::Note;
use crate::notes::flat::Unflat;
use crate::notes::labels::in_order;
use crate::notes::numbers::Numbers;
use crate::tasks::loss::IGNORED;
use crate::tasks::token_labels::{TagSet, TokenLabels, token_labels};
use crate::tokenization::windows::{Cut, windows};
use crate::tokenization::{Encoding, Tokenizer};

/// Examples with labels numbered in the order in which they are met.
pub(super) struct Drafts<'a> {
    config: &'a TrainConfig,
    tokenizer: &'a Tokenizer,
    store: Store,
    kept: Vec<Kept>,
    /// The labels of each example, where it has labels as a whole.
    own: Vec<Box<[u32]>>,
    /// Names of labels, or kinds of spans, by their numbers.
    names: Numbers,
    /// Spans that are not learned, by the reason.
    pub(super) unflat: BTreeMap<Unflat, usize>,
    /// Spans that are learned longer or shorter than they are.
    pub(super) inexact: usize,
}

impl<'a> Drafts<'a> {
    /// None yet; at most `limit` bytes of tokens are held in memory.
    pub(super) fn new(
        config: &'a TrainConfig,
        tokenizer: &'a Tokenizer,
        folder: &Path,
        limit: usize,
    ) -> Self {
        Self {
            config,
            tokenizer,
            store: Store::new(folder, limit),
            kept: Vec::new(),
            own: Vec::new(),
            names: Numbers::default(),
            unflat: BTreeMap::new(),
            inexact: 0,
        }
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.kept.len()
    }

    /// Adds the examples of a note with these labels, or says why it gives none.
    pub(super) fn add(
        &mut self,
        note: &Note,
        labels: &[String],
    ) -> Result<Result<(), String>, DataError> {
        let task = self.config.task;
        if let Err(reason) = self.fits(labels) {
            return Ok(Err(reason));
        }
        let encoding = match self.tokenizer.encode(note.text()) {
            Ok(encoding) => encoding,
            Err(error) => return Ok(Err(error.to_string())),
        };
        if encoding.special.iter().all(|&special| special) {
            return Ok(Err("there is no token in it".to_owned()));
        }
        let cut = match task {
            TaskKind::Classify => Cut::First,
            TaskKind::MaskedLm | TaskKind::Tag => Cut::Windows { overlap: 0 },
        };
        let own: Box<[u32]> = match task {
            TaskKind::Classify => labels.iter().map(|label| self.names.of(label)).collect(),
            TaskKind::MaskedLm | TaskKind::Tag => Box::default(),
        };
        let tags = (task == TaskKind::Tag).then(|| self.tags(note, &encoding));
        for window in windows(&encoding, self.config.max_tokens, cut)? {
            let Encoding { ids, type_ids, .. } = &window.encoding;
            let typed = type_ids.iter().any(|&own| own != 0);
            self.kept.push(Kept {
                tokens: ids.len() as u32,
                typed,
            });
            let mut row = ids.clone();
            if typed {
                row.extend(type_ids);
            }
            if let Some((labels, places)) = &tags {
                let place = |label: i64| match label {
                    IGNORED => UNLABELLED,
                    label => places[label as usize],
                };
                row.extend(labels.in_window(&window).into_iter().map(place));
            }
            self.store.push(&row)?;
            if task == TaskKind::Classify {
                self.own.push(own.clone());
            }
        }
        Ok(Ok(()))
    }

    /// That a note has as many labels as the task needs.
    fn fits(&self, labels: &[String]) -> Result<(), String> {
        match (self.config.task, self.config.several_labels, labels) {
            (TaskKind::Classify, false, []) => {
                Err("it has no label; name its column with label".to_owned())
            }
            (TaskKind::Classify, false, several) if several.len() > 1 => Err(format!(
                "it has {} labels; several-labels = true learns them all",
                several.len()
            )),
            _ => Ok(()),
        }
    }

    /// The labels of a note's tokens, and for each of them its place among the classes: 0 for O, then
    /// two for each kind in the order in which kinds are met.
    fn tags(&mut self, note: &Note, encoding: &Encoding) -> (TokenLabels, Vec<u32>) {
        let spans = &note.details().annotations.spans;
        let tags = TagSet::of_kinds(spans.iter().map(|span| &span.label[..]));
        let found = token_labels(note.text(), spans, encoding, &tags);
        for (_, why) in &found.left_out {
            *self.unflat.entry(*why).or_default() += 1;
        }
        self.inexact += found.inexact.len();
        let mut places = vec![UNLABELLED; tags.names().len()];
        for &label in found.labels.iter().filter(|&&label| label != IGNORED) {
            let label = label as usize;
            places[label] = match tags.names()[label].split_once('-') {
                Some((prefix, kind)) => 2 * self.names.of(kind) + 1 + u32::from(prefix == "I"),
                None => 0,
            };
        }
        (found, places)
    }

    /// The examples, and the names of all classes in order: labels by name or value; for tokens O,
    /// and then B- and I- of each kind.
    pub(super) fn finish(mut self) -> Result<(All, Vec<String>), DataError> {
        self.store.seal()?;
        let names = match self.config.task {
            TaskKind::MaskedLm => Vec::new(),
            TaskKind::Classify => {
                let names = self.names.names().iter().map(|name| (name.clone(), 0));
                let classes = in_order(names).into_iter();
                classes.map(|class| class.label).collect()
            }
            TaskKind::Tag => {
                let kinds = self.names.names().iter().map(String::as_str);
                TagSet::of_kinds(kinds).names().to_vec()
            }
        };
        let places = names.iter().enumerate();
        let places: HashMap<&str, usize> =
            places.map(|(place, name)| (name.as_str(), place)).collect();
        let class = |number: &u32| places[self.names.names()[*number as usize].as_str()] as u32;
        let classes = self
            .own
            .iter()
            .map(|own| own.iter().map(class).collect::<Box<[u32]>>());
        let labels = match (self.config.task, self.config.several_labels) {
            (TaskKind::MaskedLm, _) => Labels::Text,
            (TaskKind::Classify, true) => Labels::Classes(classes.collect(), names.len()),
            (TaskKind::Classify, false) => Labels::Class(classes.map(|own| own[0]).collect()),
            (TaskKind::Tag, _) => {
                let kinds = self.names.names().iter();
                let both = kinds.flat_map(|kind| [format!("B-{kind}"), format!("I-{kind}")]);
                let both = both.map(|name| places[name.as_str()] as i64);
                Labels::Tokens(std::iter::once(0).chain(both).collect())
            }
        };
        let all = All {
            store: self.store,
            kept: self.kept,
            labels,
        };
        Ok((all, names))
    }
}
