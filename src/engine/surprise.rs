//! How surprised a masked language model is by each token of a note.

use std::iter::Peekable;
use std::ops::Range;

use serde::Serialize;

use super::pass::ROWS_AT_ONCE;
use super::reading::{ReadNote, Reader};
use super::units::first_letter;
use super::{
    Coverage, Engine, EngineError, Finished, Job, Loaded, Note, ReadingOptions, each_note,
};
use crate::model::Batch;
use crate::model::capture::Capture;
use crate::model::checkpoint::Head;
use crate::notes::words::words;
use crate::tasks::softmax::Softmax;
use crate::tokenization::Encoding;

/// How to measure surprise.
#[derive(Clone, Default)]
pub struct SurpriseQuery {
    /// Hide every token that is this far from the next hidden one at the same time. Without it each
    /// token is hidden by itself, which is exact and takes a pass per token.
    pub mask_every: Option<usize>,
    /// Read at most this many tokens on either side of a hidden one.
    pub context: Option<usize>,
    /// How to read notes that are too long.
    pub reading: ReadingOptions,
}

/// The surprise of one note.
#[derive(Clone, PartialEq, Serialize)]
pub struct SurprisingNote {
    /// Where the note came from.
    pub note: String,
    /// How it was read.
    #[serde(flatten)]
    pub coverage: Coverage,
    /// Whether the model's weights are random, so that the numbers mean nothing.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub random_weights: bool,
    /// Whether several tokens were hidden at a time, or not all of the context was read.
    pub approximate: bool,
    /// Whether every token was measured; not so if it was stopped.
    pub complete: bool,
    /// Mean of the losses, in nats.
    pub mean_loss: f64,
    /// `exp(mean_loss)`: the pseudo-perplexity (Salazar et al. 2020).
    pub pseudo_perplexity: f64,
    /// The tokens that were measured, in the order of the note.
    pub measured: Vec<TokenLoss>,
}

/// The surprise of one token.
#[derive(Clone, PartialEq, Serialize)]
pub struct TokenLoss {
    /// First byte of the token in the note.
    pub start: usize,
    /// The byte after its last.
    pub end: usize,
    /// Its id in the vocabulary.
    pub id: u32,
    /// `-ln` of the softmax that the model gives to this token where it is hidden, in nats.
    pub loss: f32,
}

/// Tokens that are read at once, copies of a note together.
const TOKENS_AT_ONCE: usize = 4096;

/// A copy of a part of a window with hidden tokens.
struct Copy {
    ids: Vec<u32>,
    types: Vec<u32>,
    /// Rows of the copy that are hidden, with the row of the whole note.
    hidden: Vec<(usize, usize)>,
}

impl Engine {
    /// Measures the surprise of each token of each note.
    ///
    /// A stopped note gives what was measured of it.
    ///
    /// # Errors
    /// [`EngineError`] when no masked language model is loaded or it cannot read in this way. What is
    /// wrong with a single note is among the failures.
    pub fn surprise(
        &self,
        notes: &[Note],
        query: &SurpriseQuery,
        job: &Job,
    ) -> Result<Finished<SurprisingNote>, EngineError> {
        let loaded = self.loaded()?;
        loaded.needs(Head::MaskedLm, "measure surprise")?;
        let mask = loaded.mask_id("measure surprise")?;
        let reader = loaded.reader(&query.reading)?;
        let mut finished = each_note(notes, job, |note| {
            let read = loaded.read_for_surprise(note, &reader, query)?;
            loaded.surprise_note(note, &read, query, mask, job)
        });
        finished.stopped |= finished.results.iter().any(|note| !note.complete);
        Ok(finished)
    }
}

impl Loaded {
    /// The id of the mask token.
    pub(super) fn mask_id(&self, operation: &'static str) -> Result<u32, EngineError> {
        self.tokenizer
            .special_tokens()
            .mask
            .ok_or_else(|| EngineError::Unable {
                operation,
                reason: "its tokenizer has no mask token".to_owned(),
            })
    }

    fn read_for_surprise(
        &self,
        note: &Note,
        reader: &Reader<'_>,
        query: &SurpriseQuery,
    ) -> Result<ReadNote, EngineError> {
        let wrong = |reason: &str| EngineError::NoResult {
            note: note.source().to_string(),
            reason: reason.to_owned(),
        };
        if query.mask_every == Some(0) || query.context == Some(0) {
            return Err(wrong("the distance and the context are at least 1"));
        }
        let read = reader.read(note)?;
        match read.whole.special.iter().all(|&special| special) {
            true => Err(wrong("there is no token in it")),
            false => Ok(read),
        }
    }

    fn surprise_note(
        &self,
        note: &Note,
        read: &ReadNote,
        query: &SurpriseQuery,
        mask: u32,
        job: &Job,
    ) -> Result<SurprisingNote, EngineError> {
        let mut losses: Vec<Option<f32>> = vec![None; read.whole.len()];
        let mut complete = true;
        let (mut done, total) = (0, read.whole.len());
        let mut copies = copies(read, query, mask).peekable();
        while copies.peek().is_some() {
            let batch = next_batch(&mut copies);
            let measured = job
                .step(done, total, "tokens")
                .map_err(EngineError::from)
                .and_then(|()| self.losses(note, &read.whole, &batch, job));
            match measured {
                Ok(measured) => {
                    done += measured.len();
                    let measured = measured.into_iter();
                    measured.for_each(|(row, loss)| losses[row] = Some(loss));
                }
                // What was measured of the note is worth keeping.
                Err(EngineError::Cancelled(_)) if done > 0 => {
                    complete = false;
                    break;
                }
                Err(error) => return Err(error),
            }
        }
        let measured: Vec<TokenLoss> = losses
            .iter()
            .enumerate()
            .filter_map(|(row, loss)| {
                let span = &read.whole.spans[row];
                Some(TokenLoss {
                    start: span.start,
                    end: span.end,
                    id: read.whole.ids[row],
                    loss: (*loss)?,
                })
            })
            .collect();
        let sum: f64 = measured.iter().map(|token| f64::from(token.loss)).sum();
        let mean_loss = sum / measured.len().max(1) as f64;
        Ok(SurprisingNote {
            note: note.source().to_string(),
            coverage: read.coverage.clone(),
            random_weights: self.info.random_weights,
            approximate: query.mask_every.is_some() || query.context.is_some(),
            complete,
            mean_loss,
            pseudo_perplexity: mean_loss.exp(),
            measured,
        })
    }

    /// Row of the whole note and loss of every hidden token of some copies.
    fn losses(
        &self,
        note: &Note,
        whole: &Encoding,
        copies: &[Copy],
        job: &Job,
    ) -> Result<Vec<(usize, f32)>, EngineError> {
        let batch = Batch::new(copies.iter().map(|copy| (&copy.ids[..], &copy.types[..])));
        self.model
            .check(&batch)
            .map_err(|error| EngineError::Input {
                note: note.source().to_string(),
                error,
            })?;
        let encoded = self.encode(&batch, &Capture::default(), job)?;
        let starts = batch.sequences().ranges().map(|range| range.start);
        let hidden: Vec<(usize, usize)> = copies
            .iter()
            .zip(starts)
            .flat_map(|(copy, start)| {
                copy.hidden
                    .iter()
                    .map(move |&(row, own)| (start + row, own))
            })
            .collect();
        let rows: Vec<usize> = hidden.iter().map(|&(row, _)| row).collect();
        let mut losses = Vec::with_capacity(hidden.len());
        self.masked_lm_rows(note, &encoded.last, &rows, &mut |number, logits| {
            let row = hidden[number].1;
            let loss = Softmax::over(logits).loss(logits[whole.ids[row] as usize]);
            losses.push((row, loss));
        })?;
        Ok(losses)
    }
}

/// As many copies as are read at once; at least one if there is one.
fn next_batch(copies: &mut Peekable<impl Iterator<Item = Copy>>) -> Vec<Copy> {
    let mut batch: Vec<Copy> = Vec::new();
    let mut tokens = 0;
    while let Some(next) = copies.peek()
        && (batch.is_empty() || tokens + next.ids.len() <= TOKENS_AT_ONCE)
        && batch.len() < ROWS_AT_ONCE
    {
        tokens += next.ids.len();
        batch.extend(copies.next());
    }
    batch
}

/// Copies of a note's windows in which every token of the note is hidden once, in the window where it
/// has the most context.
fn copies<'a>(
    read: &'a ReadNote,
    query: &'a SurpriseQuery,
    mask: u32,
) -> impl Iterator<Item = Copy> + 'a {
    let owners = read.owners();
    let windows = read.windows.iter().enumerate();
    windows.flat_map(move |(index, window)| {
        let own: Vec<usize> = window
            .rows
            .clone()
            .filter(|&row| owners[row] == Some(index) && !read.whole.special[row])
            .collect();
        groups(own, query.mask_every).into_iter().map(move |rows| {
            let encoding = &window.encoding;
            let local = |row: usize| row - window.rows.start + window.lead;
            let (first, last) = (local(rows[0]), local(rows[rows.len() - 1]));
            let body = window.lead..window.lead + window.rows.len();
            let context = query.context.unwrap_or(usize::MAX);
            let kept = first.saturating_sub(context).max(body.start)
                ..last.saturating_add(context).saturating_add(1).min(body.end);
            let order: Vec<usize> = (0..body.start)
                .chain(kept.clone())
                .chain(body.end..encoding.len())
                .collect();
            let place = |row: usize| body.start + local(row) - kept.start;
            let mut ids: Vec<u32> = order.iter().map(|&row| encoding.ids[row]).collect();
            rows.iter().for_each(|&row| ids[place(row)] = mask);
            Copy {
                ids,
                types: order.iter().map(|&row| encoding.type_ids[row]).collect(),
                hidden: rows.iter().map(|&row| (place(row), row)).collect(),
            }
        })
    })
}

/// Rows that are hidden together: each by itself, or every so many.
fn groups(rows: Vec<usize>, every: Option<usize>) -> Vec<Vec<usize>> {
    match every {
        None => rows.into_iter().map(|row| Vec::from([row])).collect(),
        Some(every) => (0..every.min(rows.len()))
            .map(|first| rows.iter().copied().skip(first).step_by(every).collect())
            .collect(),
    }
}

/// The words of a note with the sum of their tokens' losses: bytes, nats, and how many tokens.
///
/// Words are those of [`Unit::Word`](super::Unit::Word), those of which no token was measured left
/// out. The sum is the loss of the whole word if its tokens are taken for independent.
pub fn surprising_words(text: &str, tokens: &[TokenLoss]) -> Vec<(Range<usize>, f32, usize)> {
    let mut found: Vec<(Range<usize>, f32, usize)> =
        words(text).into_iter().map(|word| (word, 0.0, 0)).collect();
    for token in tokens {
        let at = first_letter(text, &(token.start..token.end));
        let word = found.partition_point(|(word, ..)| word.end <= at);
        if let Some((word, loss, count)) = found.get_mut(word)
            && word.contains(&at)
        {
            *loss += token.loss;
            *count += 1;
        }
    }
    found.retain(|(_, _, count)| *count > 0);
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_hidden_once() {
        assert_eq!(groups(vec![3, 4, 5], None), [[3], [4], [5]]);
        assert_eq!(
            groups(vec![3, 4, 5, 6, 7], Some(2)),
            [vec![3, 5, 7], vec![4, 6]]
        );
        assert_eq!(groups(vec![3], Some(9)), [[3]]);
    }

    #[test]
    fn a_word_has_the_loss_of_all_its_tokens() {
        let token = |start, end| TokenLoss {
            start,
            end,
            id: 0,
            loss: 1.0,
        };
        let tokens = [token(0, 2), token(2, 5), token(5, 8), token(8, 9)];
        let words = surprising_words("no fever.\nx", &tokens);
        assert_eq!(words, [(0..2, 1.0, 1), (3..8, 2.0, 2), (8..9, 1.0, 1)]);
    }
}
