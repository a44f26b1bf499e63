//! How the units of a note look at each other: a matrix.

use serde::Serialize;

use super::taps::Taps;
use super::{FORWARD, HeadChoice, LayerChoice};
use crate::analysis::attention::{Flow, Groups};
use crate::engine::reading::ReadNote;
use crate::engine::units::{Piece, assign, held, pieces};
use crate::engine::{Coverage, Engine, EngineError, Job, Note, ReadingOptions, Unit};
use crate::tokenization::windows::Window;

/// How units look at units.
#[derive(Clone)]
pub struct FlowQuery {
    /// Which layers; their mean is taken.
    pub layers: LayerChoice,
    /// Which heads; their mean is taken.
    pub heads: HeadChoice,
    /// Sections, sentences or words.
    pub unit: Unit,
    /// How to read a note that is too long. In windows a token looks from the one in which it has
    /// the most context, and at nothing outside of it.
    pub reading: ReadingOptions,
}

/// How the units of a note look at each other.
#[derive(Clone, PartialEq, Serialize)]
pub struct AttentionFlow {
    /// Where the note came from.
    pub note: String,
    /// How it was read.
    #[serde(flatten)]
    pub coverage: Coverage,
    /// Whether the model's weights are random, so that the values mean nothing.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub random_weights: bool,
    /// The layers that were taken.
    pub layers: Vec<usize>,
    /// Their heads.
    pub heads: Vec<usize>,
    /// The units, in the order of the note; those of which a token was read.
    pub units: Vec<FlowUnit>,
    /// `[units, units]`, row-major: how much of what a unit's tokens look at lies in each unit, as the
    /// mean over the tokens that look. With `outside` each row sums to 1.
    pub matrix: Vec<f32>,
    /// What goes to tokens of no unit, `[units]`.
    pub outside: Vec<f32>,
    /// The matrix of each layer alone, in their order; not written into files.
    #[serde(skip)]
    pub by_layer: Vec<Vec<f32>>,
}

/// A unit of a flow.
#[derive(Clone, PartialEq, Serialize)]
pub struct FlowUnit {
    /// First byte in the note.
    pub start: usize,
    /// The byte after its last.
    pub end: usize,
    /// The section's name, for sections.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub section: Option<String>,
    /// Its tokens.
    pub tokens: usize,
}

/// Units beyond which a matrix is no longer something to look at.
const MOST_UNITS: usize = 4096;

impl Engine {
    /// How the units of a note look at each other.
    ///
    /// # Errors
    /// [`EngineError`] as [`Engine::attention`]; also for more units than a matrix should have.
    pub fn attention_flow(
        &self,
        note: &Note,
        query: &FlowQuery,
        job: &Job,
    ) -> Result<AttentionFlow, EngineError> {
        let loaded = self.loaded()?;
        let read = loaded.reader(&query.reading)?.read(note)?;
        let (layers, heads) = (loaded.layers(&query.layers)?, loaded.heads(&query.heads)?);
        let units = Units::of(note, &read, query);
        few_enough(units.pieces.len()).map_err(|reason| EngineError::NoResult {
            note: note.source().to_string(),
            reason,
        })?;
        let mut flows: Vec<Option<Flow>> = layers.iter().map(|_| None).collect();
        let (mut by_layer, mut all_outside) = (Vec::new(), Vec::new());
        for (number, window) in read.windows.iter().enumerate() {
            let share = 1.0 / read.windows.len() as f64;
            let range = number as f64 * share..(number + 1) as f64 * share;
            job.within(range, || {
                let taps = Taps {
                    layers: loaded.capture(note, window, &layers, job)?,
                    heads: &heads,
                    tokens: window.encoding.len(),
                    job,
                };
                job.within(FORWARD..1.0, || {
                    let last = number + 1 == read.windows.len();
                    units.look(number, window, &taps, &mut flows, &mut |flow| {
                        // Of a note in one window one layer's sums exist at a time.
                        if last && let Some(flow) = flow.take() {
                            let (matrix, outside) = flow.finish();
                            by_layer.push(matrix);
                            all_outside.push(outside);
                        }
                    })
                })
            })?;
        }
        Ok(AttentionFlow {
            note: note.source().to_string(),
            random_weights: loaded.info.random_weights,
            layers,
            heads,
            units: units.told(),
            matrix: mean(&by_layer),
            outside: mean(&all_outside),
            by_layer,
            coverage: read.coverage,
        })
    }
}

/// The units of a note, and which of its tokens are theirs.
struct Units {
    pieces: Vec<Piece>,
    /// For each row of the whole note its unit.
    of_row: Vec<Option<usize>>,
    /// For each row of the whole note the window from which it looks.
    owners: Vec<Option<usize>>,
}

impl Units {
    /// Those of which a token is read.
    fn of(note: &Note, read: &ReadNote, query: &FlowQuery) -> Self {
        let (text, owners) = (note.text(), read.owners());
        let all = pieces(text, &read.whole, query.unit, &query.reading.rules);
        let mut of_row = assign(text, &read.whole, query.unit, &all);
        for (unit, owner) in of_row.iter_mut().zip(&owners) {
            *unit = unit.filter(|_| owner.is_some());
        }
        let (pieces, of_row) = held(all, &of_row);
        Self {
            pieces,
            of_row,
            owners,
        }
    }

    /// Adds what the tokens of one window look at, layer by layer, and tells of each.
    fn look(
        &self,
        number: usize,
        window: &Window,
        taps: &Taps<'_>,
        flows: &mut [Option<Flow>],
        looked: &mut dyn FnMut(&mut Option<Flow>),
    ) -> Result<(), EngineError> {
        let row_of = |local: usize| {
            let row = window.rows.start + local.checked_sub(window.lead)?;
            window.rows.contains(&row).then_some(row)
        };
        let seen = (0..taps.tokens).map(|local| self.of_row[row_of(local)?]);
        let seen = Groups::new(seen.collect(), self.pieces.len());
        let count = taps.layers.len();
        for (done, (layer, flow)) in taps.layers.iter().zip(flows).enumerate() {
            taps.job.step(done, count, "layers")?;
            let own = std::slice::from_ref(layer);
            let sums = flow.get_or_insert_with(|| Flow::new(self.pieces.len()));
            taps.job.within(0.0..1.0, || {
                taps.each_row(own, &mut |local, looks_at| {
                    let row = row_of(local).filter(|row| self.owners[*row] == Some(number));
                    if let Some(unit) = row.and_then(|row| self.of_row[row]) {
                        sums.add(unit, looks_at, &seen);
                    }
                })
            })?;
            looked(flow);
        }
        Ok(())
    }

    /// The units as they are told.
    fn told(&self) -> Vec<FlowUnit> {
        let mut tokens = vec![0; self.pieces.len()];
        self.of_row
            .iter()
            .flatten()
            .for_each(|&own| tokens[own] += 1);
        let units = self.pieces.iter().zip(tokens);
        let told = units.map(|(piece, tokens)| FlowUnit {
            start: piece.span.start,
            end: piece.span.end,
            section: piece.section.clone(),
            tokens,
        });
        told.collect()
    }
}

/// The mean of lists of one length.
fn mean(all: &[Vec<f32>]) -> Vec<f32> {
    let length = all.first().map_or(0, Vec::len);
    let at = |place: usize| all.iter().map(|own| f64::from(own[place])).sum::<f64>();
    let share = 1.0 / all.len().max(1) as f64;
    (0..length).map(|own| (at(own) * share) as f32).collect()
}

/// That a matrix of so many units is not too large, or what is wrong.
fn few_enough(count: usize) -> Result<(), String> {
    match count {
        ..=MOST_UNITS => Ok(()),
        _ => Err(format!(
            "{count} units would make a matrix of {count} x {count}; at most {MOST_UNITS} are taken, \
             so choose larger units"
        )),
    }
}
