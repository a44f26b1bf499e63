//! Passes of a note's windows through the model, with progress inside each.

use burn::tensor::Tensor;

use super::chunks::in_chunks;
use super::{Cancelled, EngineError, Job, Loaded, Note};
use crate::kernels::values;
use crate::model::Batch;
use crate::model::capture::{Capture, Encoded, Observer, Part};
use crate::tokenization::Encoding;

/// Rows whose logits over the whole vocabulary exist at a time.
pub(super) const ROWS_AT_ONCE: usize = 64;

/// Counts the layers of a pass.
struct LayerSteps<'a> {
    job: &'a Job,
    done: usize,
    layers: usize,
}

impl Observer for LayerSteps<'_> {
    fn after(&mut self, part: Part) -> Result<(), Cancelled> {
        match part {
            // Every layer has one attention, and most of its work is still to come.
            Part::GlobalAttention | Part::SlidingAttention => {
                self.job.step(self.done, self.layers, "layers")?;
                self.done += 1;
                Ok(())
            }
            _ => self.job.check(),
        }
    }
}

impl Loaded {
    /// The note as a batch of one, checked.
    pub(super) fn batch(&self, note: &Note, encoding: &Encoding) -> Result<Batch, EngineError> {
        let batch = Batch::new([(&encoding.ids[..], &encoding.type_ids[..])]);
        match self.model.check(&batch) {
            Ok(()) => Ok(batch),
            Err(error) => Err(EngineError::Input {
                note: note.source().to_string(),
                error,
            }),
        }
    }

    /// Runs the encoder; its layers are steps inside the current one.
    pub(super) fn encode(
        &self,
        batch: &Batch,
        capture: &Capture,
        job: &Job,
    ) -> Result<Encoded, Cancelled> {
        let mut steps = LayerSteps {
            job,
            done: 0,
            layers: self.info.layers,
        };
        job.within(0.0..1.0, || self.model.encode(batch, capture, &mut steps))
    }

    /// Calls `each` with the number and the logits over the vocabulary of each of `rows` of the
    /// encoder's output.
    ///
    /// # Panics
    /// If the model is no masked language model.
    pub(super) fn masked_lm_rows(
        &self,
        note: &Note,
        last: &Tensor<2>,
        rows: &[usize],
        each: &mut dyn FnMut(usize, &[f32]),
    ) -> Result<(), EngineError> {
        let width = self.model.config().vocab_size;
        let device = self.model.device();
        in_chunks(rows.len(), ROWS_AT_ONCE, device, &mut |piece| {
            let chosen: Vec<i64> = rows[piece.clone()].iter().map(|&row| row as i64).collect();
            let chosen = Tensor::from_data(chosen.as_slice(), device);
            let logits = self.model.masked_lm_logits(last.clone().select(0, chosen));
            let logits = finite(values(logits.expect("the caller has seen the head"))?, note)?;
            for (number, logits) in piece.zip(logits.chunks_exact(width)) {
                each(number, logits);
            }
            Ok(())
        })
    }
}

/// The values, if all of them are numbers.
pub(super) fn finite(values: Vec<f32>, note: &Note) -> Result<Vec<f32>, EngineError> {
    match values.iter().all(|value| value.is_finite()) {
        true => Ok(values),
        false => Err(EngineError::NoResult {
            note: note.source().to_string(),
            reason: "the model computes no finite numbers for it; check its weights".to_owned(),
        }),
    }
}
