//! Judges tags of tokens by the entities that they spell.

use serde::{Deserialize, Serialize};

use super::MetricsError;
use super::error::lengths;
use super::spans::{Matching, Span, SpanReport, count};

/// How tags spell entities.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scheme {
    /// As conlleval, and seqeval without a mode: an entity is `B-x`, or an `I-x` with no x open before
    /// it, and goes on over `I-x`.
    Default,
    /// As seqeval's mode strict with IOB2: only `B-x` starts one. An `I-x` that continues nothing is
    /// nothing, and ends what was open.
    Strict,
}

/// One tag, taken apart; the type is all after the first hyphen.
#[derive(Clone, Copy, PartialEq)]
enum Tag<'a> {
    Outside,
    Begin(&'a str),
    Inside(&'a str),
}

fn tag(text: &str) -> Option<Tag<'_>> {
    match text.split_once('-') {
        None if text == "O" => Some(Tag::Outside),
        Some(("B", kind)) => Some(Tag::Begin(kind)),
        Some(("I", kind)) => Some(Tag::Inside(kind)),
        _ => None,
    }
}

/// The entities that a sequence of tags spells, in order; places are tokens.
///
/// # Errors
/// [`MetricsError::Tag`] when a tag is none, as tag of sequence `sequence`.
pub fn entities(
    tags: &[impl AsRef<str>],
    scheme: Scheme,
    sequence: usize,
) -> Result<Vec<Span>, MetricsError> {
    let mut found = Vec::new();
    let mut open: Option<(&str, usize)> = None;
    for (position, text) in tags.iter().enumerate() {
        let tag = tag(text.as_ref()).ok_or(MetricsError::Tag { sequence, position })?;
        if let (Some((kind, _)), Tag::Inside(own)) = (open, tag)
            && kind == own
        {
            continue;
        }
        if let Some((kind, start)) = open.take() {
            found.push(Span::new(kind, start..position));
        }
        open = match (tag, scheme) {
            (Tag::Begin(kind), _) | (Tag::Inside(kind), Scheme::Default) => Some((kind, position)),
            _ => None,
        };
    }
    if let Some((kind, start)) = open {
        found.push(Span::new(kind, start..tags.len()));
    }
    Ok(found)
}

/// Judges predicted tags of sequences against the true ones; an entity is right if sequence, type,
/// first and last token are.
///
/// # Errors
/// [`MetricsError`] when the lists differ in length, are empty or a tag is none.
pub fn judge_tags(
    truth: &[Vec<String>],
    predicted: &[Vec<String>],
    scheme: Scheme,
) -> Result<SpanReport, MetricsError> {
    lengths("predicted sequences", predicted.len(), truth.len())?;
    let mut counts = Vec::with_capacity(truth.len());
    for (sequence, (truth, predicted)) in truth.iter().zip(predicted).enumerate() {
        if truth.len() != predicted.len() {
            lengths("predicted tags", predicted.len(), truth.len())?;
        }
        let own = entities(truth, scheme, sequence)?;
        let found = entities(predicted, scheme, sequence)?;
        counts.push(count(&own, &found, Matching::Exact));
    }
    Ok(SpanReport::of(&counts))
}

/// The share of tokens with the right tag, `O` included; `None` without tokens.
///
/// # Errors
/// [`MetricsError`] when the lists differ in length or are empty.
pub fn token_accuracy(
    truth: &[Vec<String>],
    predicted: &[Vec<String>],
) -> Result<Option<f64>, MetricsError> {
    lengths("predicted sequences", predicted.len(), truth.len())?;
    let (mut right, mut all) = (0usize, 0usize);
    for (truth, predicted) in truth.iter().zip(predicted) {
        if truth.len() != predicted.len() {
            lengths("predicted tags", predicted.len(), truth.len())?;
        }
        right += truth.iter().zip(predicted).filter(|(a, b)| a == b).count();
        all += truth.len();
    }
    Ok((all > 0).then(|| right as f64 / all as f64))
}
