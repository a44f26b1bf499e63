//! Judges a tagger by the spans that are marked in notes.

use super::super::{Aggregation, EngineError, Evaluation, Finished, Job, Loaded, TagQuery};
use super::{EvaluateQuery, Parts, READING, finished, judged, named, patients, tables};
use crate::evaluation::Judgement;
use crate::evaluation::outcomes::of_spans;
use crate::evaluation::spans::{Marked, judge_spans, slice_spans};
use crate::metrics::spans::Span;

impl Loaded {
    pub(super) fn evaluate_tagger(
        &self,
        mut parts: Parts<'_>,
        query: &EvaluateQuery,
        job: &Job,
    ) -> Result<Finished<Evaluation>, EngineError> {
        let notes = parts.test;
        let truth = self.true_spans(notes, query, &mut parts.remarks)?;
        let tag = TagQuery {
            aggregation: query.aggregation.unwrap_or(Aggregation::First),
            // With a rule of transformers its spans are judged as they are.
            tidy: query.aggregation.is_none(),
            ignored: vec!["O".to_owned()],
            reading: query.reading.clone(),
        };
        let reader = self.reader(&tag.reading)?;
        let judged = job.within(0.0..READING, || {
            judged(notes, &truth, job, |_, note| {
                self.tag_note(note, &reader, &tag, job)
            })
        })?;
        let patients = patients(notes, &judged.numbers);
        let pairs = judged.numbers.iter().zip(judged.results);
        let marked: Vec<Marked> = pairs
            .enumerate()
            .map(|(own, (&number, tagged))| Marked {
                truth: truth[number].clone().unwrap_or_default(),
                patient: patients.as_ref().map(|patients| patients[own]),
                marked: tagged
                    .spans
                    .into_iter()
                    .map(|span| Span::new(span.label, span.start..span.end))
                    .collect(),
            })
            .collect();
        if marked.is_empty() {
            return Ok(finished(None, judged.failures));
        }
        let result = job.within(READING..1.0, || judge_spans(&marked, &query.settings, job))?;
        let slices = tables(notes, &judged.numbers, &query.slices, |column, values| {
            slice_spans(&marked, column, values)
        })?;
        let data = parts.facts(&judged.numbers, None);
        let data = data.of("the spans that are marked in the notes");
        let outcomes = named(notes, &judged.numbers, of_spans(&marked));
        let result = Judgement::Spans(result);
        let evaluation = self.report(data, query.settings, result, slices, outcomes);
        Ok(finished(Some(evaluation), judged.failures))
    }
}
