//! Judges a classifier by the labels of notes.

use super::super::{EngineError, Evaluation, Finished, Job, Loaded, Note};
use super::{
    EvaluateQuery, Judged, Parts, READING, finished, judged, named, patients, share_of_test, tables,
};
use crate::evaluation::Judgement;
use crate::evaluation::classes::{self, judge_classes, slice_classes};
use crate::evaluation::labels::{self, judge_labels, slice_labels};
use crate::evaluation::outcomes::{of_classes, of_labels};
use crate::tasks::classification::Function;

/// Notes of one part with their logits and what is true of them.
struct Part<K> {
    numbers: Vec<usize>,
    /// `[notes, classes]`, row-major.
    logits: Vec<f64>,
    truth: Vec<K>,
}

/// What the model says of both parts; none where nothing of one could be read.
struct Both<K> {
    parts: Option<(Part<K>, Option<Part<K>>)>,
    failures: Vec<EngineError>,
}

/// What is true of the notes of a part, and remarks on those that it is not known of.
type Truth<K> = fn(
    &Loaded,
    &[Note],
    &EvaluateQuery,
    &str,
    &mut Vec<String>,
) -> Result<Vec<Option<K>>, EngineError>;

impl Loaded {
    pub(super) fn evaluate_classes(
        &self,
        mut parts: Parts<'_>,
        query: &EvaluateQuery,
        job: &Job,
    ) -> Result<Finished<Evaluation>, EngineError> {
        let names = &self.model.config().labels;
        let positive = self.positive(query)?;
        let truth: Truth<usize> = Self::one_class_each;
        let both = self.both(&mut parts, truth, Function::Softmax, query, job)?;
        let Some((test, validation)) = both.parts else {
            return Ok(finished(None, both.failures));
        };
        let scored = |part: Part<usize>, patients| classes::Scored {
            logits: part.logits,
            truth: part.truth,
            patients,
        };
        let data = parts.facts(
            &test.numbers,
            validation.as_ref().map(|own| own.truth.len()),
        );
        let data = data.of("one label of each note");
        let numbers = test.numbers.clone();
        let patients = patients(parts.test, &numbers);
        let (test, fitted) = (
            scored(test, patients),
            validation.map(|own| scored(own, None)),
        );
        let settings = query.settings;
        let result = job.within(READING..1.0, || {
            judge_classes(names, positive, &test, fitted.as_ref(), &settings, job)
        })?;
        let slices = tables(parts.test, &numbers, &query.slices, |column, values| {
            slice_classes(names.len(), &test, column, values)
        })?;
        let notes = named(parts.test, &numbers, of_classes(&result, &test));
        let result = Judgement::SingleLabel(result);
        let evaluation = self.report(data, settings, result, slices, notes);
        Ok(finished(Some(evaluation), both.failures))
    }

    pub(super) fn evaluate_labels(
        &self,
        mut parts: Parts<'_>,
        query: &EvaluateQuery,
        job: &Job,
    ) -> Result<Finished<Evaluation>, EngineError> {
        if query.positive.is_some() {
            let reason = "of several labels that a note can have none is the positive one: each is \
                          judged by itself";
            return Err(EngineError::Choice(reason.to_owned()));
        }
        let names = &self.model.config().labels;
        let truth: Truth<Vec<bool>> = Self::any_labels;
        let both = self.both(&mut parts, truth, Function::Sigmoid, query, job)?;
        let Some((test, validation)) = both.parts else {
            return Ok(finished(None, both.failures));
        };
        let scored = |part: Part<Vec<bool>>, patients| labels::Scored {
            logits: part.logits,
            truth: part.truth.concat(),
            patients,
        };
        let data = parts.facts(
            &test.numbers,
            validation.as_ref().map(|own| own.truth.len()),
        );
        let data = data.of("the labels of each note");
        let numbers = test.numbers.clone();
        let patients = patients(parts.test, &numbers);
        let (test, fitted) = (
            scored(test, patients),
            validation.map(|own| scored(own, None)),
        );
        let settings = query.settings;
        let result = job.within(READING..1.0, || {
            judge_labels(names, &test, fitted.as_ref(), &settings, job)
        })?;
        let slices = tables(parts.test, &numbers, &query.slices, |column, values| {
            slice_labels(&result, &test, column, values)
        })?;
        let notes = named(parts.test, &numbers, of_labels(&result, &test));
        let result = Judgement::MultiLabel(result);
        let evaluation = self.report(data, settings, result, slices, notes);
        Ok(finished(Some(evaluation), both.failures))
    }

    /// Reads both parts. What is true of them is looked at first, so that nothing is read in vain.
    fn both<K: Clone>(
        &self,
        parts: &mut Parts<'_>,
        truth: Truth<K>,
        function: Function,
        query: &EvaluateQuery,
        job: &Job,
    ) -> Result<Both<K>, EngineError> {
        let own = truth(self, parts.test, query, "test", &mut parts.remarks)?;
        let fit = parts.validation.map(|notes| {
            let own = truth(self, notes, query, "validation", &mut parts.remarks)?;
            Ok::<_, EngineError>((notes, own))
        });
        let fit = fit.transpose()?;
        let mut failures = Vec::new();
        let mut read = |notes: &[Note], truth: &[Option<K>]| {
            let judged = self.logits(notes, truth, function, query, job)?;
            failures.extend(judged.failures);
            let truths = judged.numbers.iter();
            Ok::<_, EngineError>(Part {
                truth: truths.filter_map(|&number| truth[number].clone()).collect(),
                logits: judged.results.concat(),
                numbers: judged.numbers,
            })
        };
        let share = share_of_test(parts.test, parts.validation);
        let test = job.within(0.0..share, || read(parts.test, &own))?;
        let mut fitted = None;
        if let Some((notes, truth)) = &fit {
            fitted = Some(job.within(share..READING, || read(notes, truth))?);
        }
        // Without validation notes what was to be chosen on them cannot be; the failures say why.
        let is_empty = |part: &Part<K>| part.truth.is_empty();
        let nothing = is_empty(&test) || fitted.as_ref().is_some_and(is_empty);
        Ok(Both {
            parts: (!nothing).then_some((test, fitted)),
            failures,
        })
    }

    /// Logits of notes of which the truth is known.
    fn logits<K>(
        &self,
        notes: &[Note],
        truth: &[Option<K>],
        function: Function,
        query: &EvaluateQuery,
        job: &Job,
    ) -> Result<Judged<Vec<f64>>, EngineError> {
        let reader = self.reader(&query.reading)?;
        judged(notes, truth, job, |_, note| {
            let read = reader.read(note)?;
            Ok(joined(&self.window_logits(note, &read, job)?, function))
        })
    }
}

/// Logits whose probabilities are the weighted mean of those of the windows; weights sum up to 1.
/// Those of a single window are as they are.
fn joined(windows: &[(f64, Vec<f32>)], function: Function) -> Vec<f64> {
    if let [(_, only)] = windows {
        return only.iter().map(|&logit| f64::from(logit)).collect();
    }
    // ln of the weighted mean of numbers of which the logarithms are given.
    let mean = |logarithm: &dyn Fn(&[f32]) -> f64| {
        let terms: Vec<f64> = windows
            .iter()
            .filter(|(weight, _)| *weight > 0.0)
            .map(|(weight, logits)| weight.ln() + logarithm(logits))
            .collect();
        log_sum_exp(&terms)
    };
    let classes = windows.first().map_or(0, |(_, logits)| logits.len());
    let logit = |class: usize| match function {
        Function::Softmax => mean(&|logits| {
            let all: Vec<f64> = logits.iter().map(|&logit| f64::from(logit)).collect();
            all[class] - log_sum_exp(&all)
        }),
        // ln σ(z) = -ln(1 + exp(-z)), and 1 - σ(z) = σ(-z).
        _ => {
            let sigmoid =
                |sign: f64| mean(&|logits| -log_sum_exp(&[0.0, -sign * f64::from(logits[class])]));
            sigmoid(1.0) - sigmoid(-1.0)
        }
    };
    (0..classes).map(logit).collect()
}

fn log_sum_exp(terms: &[f64]) -> f64 {
    let top = terms.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    top + terms
        .iter()
        .map(|term| (term - top).exp())
        .sum::<f64>()
        .ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn joined_logits_give_the_mean_of_probabilities() {
        let windows = [
            (0.25, vec![1.0f32, -2.0, 0.5]),
            (0.75, vec![-3.0, 4.0, 0.0]),
            (0.0, vec![9.0; 3]),
        ];
        for function in [Function::Softmax, Function::Sigmoid] {
            let mut mean = [0.0; 3];
            for (weight, logits) in &windows {
                for (mean, score) in mean.iter_mut().zip(function.scores(logits)) {
                    *mean += weight * f64::from(score);
                }
            }
            let logits: Vec<f32> = joined(&windows, function)
                .iter()
                .map(|&z| z as f32)
                .collect();
            for (got, want) in function.scores(&logits).iter().zip(mean) {
                assert!((f64::from(*got) - want).abs() < 1e-6, "{got} {want}");
            }
        }
        let far = [
            (0.5, vec![1000.0f32, -1000.0]),
            (0.5, vec![-1000.0, 1000.0]),
        ];
        for function in [Function::Softmax, Function::Sigmoid] {
            let logits = joined(&far, function);
            assert!((logits[0] - logits[1]).abs() < 1e-9 && logits[0].is_finite());
        }
    }
}
