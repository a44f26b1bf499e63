//! How sections of many notes look at each other: the mean over the notes that have them.

use std::collections::HashMap;
use std::sync::Arc;

use serde::Serialize;

use super::{AttentionFlow, FlowQuery};
use crate::engine::{Engine, EngineError, Job, Note, Unit};

/// How sections of the same name look at each other, in the mean over notes.
#[derive(Clone, PartialEq, Serialize)]
pub struct MeanFlow {
    /// Notes that went into it.
    pub notes: usize,
    /// Notes that gave nothing, such as those without a section.
    pub left_out: usize,
    /// Notes of these that were read in several windows: sections without a common one look at each
    /// other with 0.
    pub in_windows: usize,
    /// Sections that few notes have, which count as none here: names are as many as people think of.
    pub others: usize,
    /// Whether all notes were asked; a person may have stopped it before.
    pub complete: bool,
    /// The names of the sections, in the order in which notes first have them; of one that has no
    /// heading the name is empty. Letters may be large or small.
    pub sections: Vec<String>,
    /// Of each section the notes that have it.
    pub of_notes: Vec<usize>,
    /// `[sections, sections]`, row-major: how much of what a section looks at lies in each, a mean
    /// over the notes that have the one that looks; 0 in a note without the other, or that has them in no
    /// common window.
    pub matrix: Vec<f32>,
    /// What goes to tokens of no section, `[sections]`: with it each row sums to 1.
    pub outside: Vec<f32>,
    /// The layers that were taken.
    pub layers: Vec<usize>,
    /// Their heads.
    pub heads: Vec<usize>,
    /// The matrix of each layer alone, in their order.
    pub by_layer: Vec<Vec<f32>>,
}

impl Engine {
    /// How the sections of these notes look at each other, in the mean. The unit of `query` is not
    /// asked for: it is the section. When `job` is stopped, what was read stays.
    ///
    /// # Errors
    /// As [`Engine::attention_flow`], but for a note that gives no result: it is counted. When
    /// none gives one, the first one's reason.
    pub fn attention_mean_flow(
        &self,
        notes: &[Arc<Note>],
        query: &FlowQuery,
        job: &Job,
    ) -> Result<MeanFlow, EngineError> {
        let query = FlowQuery {
            unit: Unit::Section,
            ..query.clone()
        };
        let (mut sums, mut left_out, mut first) = (Sums::default(), 0, None);
        let mut complete = true;
        for (number, note) in notes.iter().enumerate() {
            let asked = job.step(number, notes.len(), "notes");
            let found = asked.map_err(EngineError::from).and_then(|()| {
                let range = 0.0..1.0;
                job.within(range, || self.attention_flow(note, &query, job))
            });
            match found {
                Ok(flow) if flow.units.is_empty() => left_out += 1,
                Ok(flow) => sums.add(&flow),
                Err(error @ EngineError::NoResult { .. }) => {
                    left_out += 1;
                    first.get_or_insert(error);
                }
                Err(EngineError::Cancelled(stopped)) if sums.notes == 0 => {
                    return Err(stopped.into());
                }
                Err(EngineError::Cancelled(_)) => {
                    complete = false;
                    break;
                }
                Err(error) => return Err(error),
            }
        }
        match first {
            Some(error) if sums.notes == 0 => Err(error),
            _ => Ok(sums.mean(left_out, complete)),
        }
    }
}

/// Sections at most.
const MOST: usize = 48;

#[derive(Default)]
struct Sums {
    notes: usize,
    in_windows: usize,
    numbers: HashMap<String, usize>,
    sections: Vec<String>,
    of_notes: Vec<usize>,
    /// Of each pair the sum over all layers together, then that of each alone.
    pairs: HashMap<(usize, usize), Vec<f64>>,
    outside: Vec<f64>,
    layers: Vec<usize>,
    heads: Vec<usize>,
}

impl Sums {
    fn number(&mut self, name: &str) -> usize {
        let key = name.trim().to_lowercase();
        *self.numbers.entry(key).or_insert_with(|| {
            self.sections.push(name.trim().to_owned());
            self.of_notes.push(0);
            self.outside.push(0.0);
            self.sections.len() - 1
        })
    }

    /// Adds a note. Sections of one name are one section of it.
    fn add(&mut self, flow: &AttentionFlow) {
        self.notes += 1;
        self.in_windows += usize::from(flow.coverage.windows > 1);
        let names = flow.units.iter();
        let names: Vec<usize> = names
            .map(|unit| self.number(unit.section.as_deref().unwrap_or_default()))
            .collect();
        let mut tokens: HashMap<usize, usize> = HashMap::new();
        for (unit, &name) in flow.units.iter().zip(&names) {
            *tokens.entry(name).or_default() += unit.tokens;
        }
        tokens.keys().for_each(|&name| self.of_notes[name] += 1);
        self.layers.clone_from(&flow.layers);
        self.heads.clone_from(&flow.heads);
        let matrices: Vec<&[f32]> = std::iter::once(&flow.matrix[..])
            .chain(flow.by_layer.iter().map(Vec::as_slice))
            .collect();
        let units = flow.units.iter().zip(&names).enumerate();
        for (row, (unit, &from)) in units {
            let share = unit.tokens as f64 / tokens[&from].max(1) as f64;
            for (column, &to) in names.iter().enumerate() {
                let sums = self.pairs.entry((from, to)).or_default();
                sums.resize(matrices.len(), 0.0);
                for (sum, matrix) in sums.iter_mut().zip(&matrices) {
                    *sum += share * f64::from(matrix[row * names.len() + column]);
                }
            }
            self.outside[from] += share * f64::from(flow.outside[row]);
        }
    }

    fn mean(self, left_out: usize, complete: bool) -> MeanFlow {
        let others = self.sections.len().saturating_sub(MOST);
        // Those that most notes have, in their order.
        let mut kept: Vec<usize> = (0..self.sections.len()).collect();
        kept.sort_by_key(|&own| std::cmp::Reverse(self.of_notes[own]));
        kept.truncate(MOST);
        kept.sort_unstable();
        let count = kept.len();
        let place: HashMap<usize, usize> = kept.iter().copied().zip(0..).collect();
        let mean = |sum: f64, section: usize| (sum / self.of_notes[section].max(1) as f64) as f32;
        let matrices = self.pairs.values().map(Vec::len).max().unwrap_or(1);
        let mut matrices = vec![vec![0.0; count * count]; matrices];
        let mut outside: Vec<f32> = kept
            .iter()
            .map(|&own| mean(self.outside[own], own))
            .collect();
        for (&(from, to), sums) in &self.pairs {
            match (place.get(&from), place.get(&to)) {
                (Some(row), Some(column)) => {
                    for (matrix, &sum) in matrices.iter_mut().zip(sums) {
                        matrix[row * count + column] = mean(sum, from);
                    }
                }
                (Some(row), None) => outside[*row] += mean(sums[0], from),
                (None, _) => {}
            }
        }
        let mut matrices = matrices.into_iter();
        MeanFlow {
            notes: self.notes,
            in_windows: self.in_windows,
            left_out,
            others,
            complete,
            sections: kept.iter().map(|&own| self.sections[own].clone()).collect(),
            of_notes: kept.iter().map(|&own| self.of_notes[own]).collect(),
            matrix: matrices.next().unwrap_or_default(),
            outside,
            by_layer: matrices.collect(),
            layers: self.layers,
            heads: self.heads,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{Coverage, FlowUnit, Way};

    fn flow(sections: &[(&str, usize)], matrix: &[f32], outside: &[f32]) -> AttentionFlow {
        let unit = |&(name, tokens): &(&str, usize)| FlowUnit {
            start: 0,
            end: 0,
            section: Some(name.to_owned()),
            tokens,
        };
        AttentionFlow {
            note: String::new(),
            coverage: Coverage {
                tokens: 4,
                read: Way::Whole,
                windows: 1,
                max_tokens: 8,
                overlap: None,
                read_start: 0,
                read_end: 0,
            },
            random_weights: false,
            layers: vec![0],
            heads: vec![0],
            units: sections.iter().map(unit).collect(),
            matrix: matrix.to_vec(),
            outside: outside.to_vec(),
            by_layer: Vec::new(),
        }
    }

    #[test]
    fn of_many_names_those_that_most_notes_have_are_kept() {
        let mut sums = Sums::default();
        for note in 0..2 * MOST {
            let rare = format!("Rare {note}");
            let often = format!("Section {}", note % MOST);
            let own = [(rare.as_str(), 1), (often.as_str(), 1)];
            sums.add(&flow(&own, &[0.5, 0.5, 0.25, 0.5], &[0.0, 0.25]));
        }
        let mean = sums.mean(0, true);
        assert_eq!((mean.sections.len(), mean.others), (MOST, 2 * MOST));
        assert!(mean.of_notes.iter().all(|own| *own == 2));
        for (row, outside) in mean.matrix.chunks(MOST).zip(&mean.outside) {
            assert!((row.iter().sum::<f32>() + outside - 1.0).abs() < 1e-6);
            assert!(
                (outside - 0.5).abs() < 1e-6,
                "0.25 of before, 0.25 to rare sections"
            );
        }
    }

    #[test]
    fn notes_count_alike_and_sections_of_one_name_are_one() {
        let mut sums = Sums::default();
        // Plan twice, with one token and with three.
        let own = [("Plan", 1), ("Labs", 2), ("PLAN ", 3)];
        let matrix = [0.5, 0.25, 0.0, 0.0, 1.0, 0.0, 0.0, 0.5, 0.25];
        // Of two layers the second has half of what both have in the mean.
        let layered = |mut own: AttentionFlow| {
            let scaled = |by: f32| own.matrix.iter().map(|value| by * value).collect();
            own.by_layer = vec![scaled(1.5), scaled(0.5)];
            own.layers = vec![0, 3];
            own
        };
        sums.add(&layered(flow(&own, &matrix, &[0.25, 0.0, 0.25])));
        sums.add(&layered(flow(&[("plan", 7)], &[0.5], &[0.5])));
        let mean = sums.mean(1, true);
        assert_eq!(mean.sections, ["Plan", "Labs"]);
        assert_eq!((mean.notes, mean.left_out), (2, 1));
        assert_eq!(mean.of_notes, [2, 1]);
        // Of the first note: Plan to Plan 0.25 * 0.5 + 0.75 * 0.25.
        let first = 0.25 * 0.5 + 0.75 * 0.25;
        let labs = 0.25 * 0.25 + 0.75 * 0.5;
        let want = [(first + 0.5) / 2.0, labs / 2.0, 0.0, 1.0];
        let near = |a: &[f32], b: &[f32]| a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-6);
        assert!(near(&mean.matrix, &want), "{:?}", mean.matrix);
        assert!(near(&mean.outside, &[0.375, 0.0]), "{:?}", mean.outside);
        assert_eq!((&mean.layers[..], mean.by_layer.len()), (&[0, 3][..], 2));
        for (own, by) in mean.by_layer.iter().zip([1.5, 0.5]) {
            assert!(near(own, &want.map(|value| by * value)), "{own:?}");
        }
    }
}
