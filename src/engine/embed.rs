//! Embeds notes: one vector for each.

use serde::Serialize;

use super::{Engine, EngineError, Finished, Job, Note, Pooling, finite, on_each};
use crate::analysis;
use crate::model::capture::Capture;
use crate::model::values;

/// How to embed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct EmbedQuery {
    /// How the vectors of a note's tokens become one; special tokens take part.
    pub pooling: Pooling,
    /// Whether to scale the result to length 1.
    pub normalize: bool,
}

/// The embedding of one note.
#[derive(Clone, PartialEq, Serialize)]
pub struct Embedding {
    /// Where the note came from.
    pub note: String,
    /// Its tokens, special tokens included.
    pub tokens: usize,
    /// Whether the model's weights are random, so that the vector means nothing.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub random_weights: bool,
    /// The vector, as wide as the model's hidden states.
    pub vector: Vec<f32>,
}

impl Engine {
    /// Embeds each note.
    ///
    /// # Errors
    /// [`EngineError::NoModel`]. What is wrong with a single note is among the failures.
    pub fn embed(
        &self,
        notes: &[Note],
        query: EmbedQuery,
        job: &Job,
    ) -> Result<Finished<Embedding>, EngineError> {
        let loaded = self.loaded()?;
        Ok(on_each(notes, job, |note| {
            let encoding = loaded.tokenizer.encode(note.text())?;
            let batch = loaded.batch(note, &encoding)?;
            let encoded = loaded
                .model
                .encode(&batch, &Capture::default(), &mut &*job)?;
            let width = loaded.model.config().hidden_size;
            let values = finite(values(encoded.last), note)?;
            let mut vector = analysis::pool(&values, width, query.pooling);
            if query.normalize {
                analysis::normalize(&mut vector);
            }
            Ok(Embedding {
                note: note.source().to_string(),
                tokens: encoding.len(),
                random_weights: loaded.info.random_weights,
                vector,
            })
        }))
    }
}
