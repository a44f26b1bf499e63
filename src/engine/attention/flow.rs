//! How the units of a note look at each other: a matrix.

use serde::Serialize;

use super::taps::Taps;
use super::{FORWARD, HeadChoice, LayerChoice, of_window};
use crate::analysis::attention::{Flow, Groups};
use crate::engine::units::gathered;
use crate::engine::{Coverage, Engine, EngineError, Job, Note, ReadingOptions, Unit};

/// How units look at units.
#[derive(Clone)]
pub struct FlowQuery {
    /// Which layers; their mean is taken.
    pub layers: LayerChoice,
    /// Which heads; their mean is taken.
    pub heads: HeadChoice,
    /// Sections, sentences or words.
    pub unit: Unit,
    /// How to read a note that is too long: its first window or its last.
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
    /// [`EngineError`] as [`Engine::attention`]; also for a note in several windows, between which
    /// there is no attention, and for more units than a matrix should have.
    pub fn attention_flow(
        &self,
        note: &Note,
        query: &FlowQuery,
        job: &Job,
    ) -> Result<AttentionFlow, EngineError> {
        let loaded = self.loaded()?;
        let read = loaded.reader(&query.reading)?.read(note)?;
        let no_result = |reason: String| EngineError::NoResult {
            note: note.source().to_string(),
            reason,
        };
        let [window] = &read.windows[..] else {
            let count = read.windows.len();
            return Err(no_result(format!(
                "it is read in {count} windows, and there is no attention from one to another; read \
                 its first or its last part"
            )));
        };
        let (layers, heads) = (loaded.layers(&query.layers)?, loaded.heads(&query.heads)?);
        let rules = &query.reading.rules;
        let (pieces, of_token) = gathered(note.text(), &window.encoding, query.unit, rules);
        few_enough(pieces.len()).map_err(no_result)?;
        let groups = Groups::new(of_token, pieces.len());
        let taps = Taps {
            layers: loaded.capture(note, window, &layers, job)?,
            heads: &heads,
            tokens: window.encoding.len(),
            job,
        };
        let count = taps.layers.len();
        let (mut by_layer, mut all_outside) = (Vec::new(), Vec::new());
        job.within(FORWARD..1.0, || {
            for (done, layer) in taps.layers.iter().enumerate() {
                job.step(done, count, "layers")?;
                let mut flow = Flow::new(&groups);
                let own = std::slice::from_ref(layer);
                job.within(0.0..1.0, || {
                    taps.each_row(own, &mut |row, looks_at| flow.add(row, looks_at))
                })?;
                let (matrix, outside) = flow.finish();
                by_layer.push(matrix);
                all_outside.push(outside);
            }
            Ok::<(), EngineError>(())
        })?;
        let (matrix, outside) = (mean(&by_layer), mean(&all_outside));
        let units = pieces.into_iter().zip(groups.sizes());
        let units = units.map(|(piece, &tokens)| FlowUnit {
            start: piece.span.start,
            end: piece.span.end,
            section: piece.section,
            tokens,
        });
        Ok(AttentionFlow {
            note: note.source().to_string(),
            coverage: of_window(&read, window),
            random_weights: loaded.info.random_weights,
            layers,
            heads: heads.clone(),
            units: units.collect(),
            matrix,
            outside,
            by_layer,
        })
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
