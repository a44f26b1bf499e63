//! Embeds notes: one vector for each.

use serde::Serialize;

use super::{Engine, EngineError, Finished, Job, Note, Pooling, on_each};
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
    /// The vector, as wide as the model's hidden states.
    pub vector: Vec<f32>,
}

impl Engine {
    /// Embeds each note.
    ///
    /// # Errors
    /// [`EngineError`] when no model is loaded or a note cannot be read by it.
    pub fn embed(
        &self,
        notes: &[Note],
        query: EmbedQuery,
        job: &Job,
    ) -> Result<Finished<Embedding>, EngineError> {
        let loaded = self.loaded()?;
        // What cannot be read is said before the first minute is spent.
        let mut encodings = Vec::with_capacity(notes.len());
        for note in notes {
            job.check()?;
            let encoding = loaded.tokenizer.encode(note.text())?;
            loaded.batch(note, &encoding)?;
            encodings.push(encoding);
        }
        let mut encodings = encodings.into_iter();
        on_each(notes, job, |note| {
            let encoding = encodings.next().expect("there is one per note");
            let batch = loaded.batch(note, &encoding)?;
            let encoded = loaded
                .model
                .encode(&batch, &Capture::default(), &mut &*job)?;
            let width = loaded.model.config().hidden_size;
            let mut vector = analysis::pool(&values(encoded.last), width, query.pooling);
            if query.normalize {
                analysis::normalize(&mut vector);
            }
            Ok(Embedding {
                note: note.source().to_string(),
                tokens: encoding.len(),
                vector,
            })
        })
    }
}
