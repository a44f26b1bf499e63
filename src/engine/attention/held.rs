//! The attention of a window, held so that it can be asked again and again without a forward pass.

use super::taps::Taps;
use super::{Asked, AttentionQuery, AttentionResult, FORWARD, Selection, chosen};
use crate::engine::reading::ReadNote;
use crate::engine::{Engine, EngineError, Job, Note, ReadingOptions};
use crate::model::capture::LayerAttention;

/// Rotated q and k and the row statistics of every layer of one window of a note.
///
/// It belongs to the engine that made it, and to the model that was loaded then.
pub struct HeldAttention {
    note: Note,
    reading: ReadingOptions,
    read: ReadNote,
    /// The window whose layers are held; none before the first question.
    held: Option<(usize, Vec<LayerAttention>)>,
}

impl HeldAttention {
    fn is_of(&self, note: &Note, reading: &ReadingOptions) -> bool {
        let own = &self.reading;
        own.long == reading.long
            && own.overlap == reading.overlap
            && own.max_tokens == reading.max_tokens
            && own.rules == reading.rules
            && self.note == *note
    }

    /// The memory that it takes on the device, in bytes.
    pub fn bytes(&self) -> usize {
        let layers = self.held.iter().flat_map(|(_, layers)| layers);
        let numbers = layers.map(|own| {
            let [rows, columns] = own.qkv.dims();
            rows * columns + own.stats.dims().iter().product::<usize>()
        });
        size_of::<f32>() * numbers.sum::<usize>()
    }
}

/// What is held for a question.
pub(super) struct ForQuestion<'a> {
    pub(super) read: &'a ReadNote,
    /// The number of the window, and the attention of all layers there.
    pub(super) window: usize,
    pub(super) layers: &'a [LayerAttention],
    /// The chosen tokens by their rows in the window, and how many more lie outside of it.
    pub(super) rows: Vec<usize>,
    pub(super) left_out: usize,
    /// Which share of the work is done.
    pub(super) done: f64,
}

impl Engine {
    /// Makes sure that `held` has the window of this note in which these tokens are.
    pub(super) fn hold<'a>(
        &self,
        held: &'a mut Option<HeldAttention>,
        note: &Note,
        reading: &ReadingOptions,
        selection: &Selection,
        job: &Job,
    ) -> Result<ForQuestion<'a>, EngineError> {
        let loaded = self.loaded()?;
        let own = match held.take().filter(|own| own.is_of(note, reading)) {
            Some(own) => own,
            None => HeldAttention {
                note: note.clone(),
                reading: reading.clone(),
                read: loaded.reader(reading)?.read(note)?,
                held: None,
            },
        };
        let own = held.insert(own);
        let (window, rows, left_out) = chosen(note, &own.read, selection)?;
        let mut done = 0.0;
        if own.held.as_ref().is_none_or(|(held, _)| *held != window) {
            own.held = None;
            let all: Vec<usize> = (0..loaded.info.layers).collect();
            let taken = loaded.capture(note, &own.read.windows[window], &all, job)?;
            own.held = Some((window, taken));
            done = FORWARD;
        }
        let layers = own.held.as_ref().map(|(_, layers)| &layers[..]);
        Ok(ForQuestion {
            read: &own.read,
            window,
            layers: layers.unwrap_or_default(),
            rows,
            left_out,
            done,
        })
    }

    /// As [`Engine::attention`], but what `held` has of this note is taken instead of a forward pass,
    /// and what it lacks is put there. It is emptied first where it is of another note, so that never
    /// two are held.
    ///
    /// # Errors
    /// As [`Engine::attention`].
    pub fn attention_held(
        &self,
        held: &mut Option<HeldAttention>,
        note: &Note,
        query: &AttentionQuery,
        job: &Job,
    ) -> Result<AttentionResult, EngineError> {
        let loaded = self.loaded()?;
        let (layers, heads) = loaded.asked(query)?;
        let own = self.hold(held, note, &query.reading, &query.selection, job)?;
        let chosen = own.layers.iter().enumerate();
        let chosen = chosen.filter(|(layer, _)| layers.contains(layer));
        let taps = Taps {
            layers: chosen.map(|(_, own)| own.clone()).collect(),
            heads: &heads,
            tokens: own.read.windows[own.window].encoding.len(),
            job,
        };
        let asked = Asked {
            note,
            query,
            read: own.read,
            window: own.window,
            rows: own.rows,
            left_out: own.left_out,
            random_weights: loaded.info.random_weights,
        };
        job.within(own.done..1.0, || asked.answer(&taps, layers))
    }
}
