//! Judges a classifier by the labels of notes.

use super::super::{EngineError, Evaluation, Finished, Job, Loaded, Note};
use super::{EvaluateQuery, Judged, Parts, READING, finished, judged, share_of_test, tables};
use crate::evaluation::classes::{self, judge_classes, slice_classes};
use crate::evaluation::labels::{self, judge_labels, slice_labels};
use crate::evaluation::{DataFacts, Judgement};
use crate::tasks::classification::Function;

impl Loaded {
    pub(super) fn evaluate_classes(
        &self,
        mut parts: Parts<'_>,
        query: &EvaluateQuery,
        job: &Job,
    ) -> Result<Finished<Evaluation>, EngineError> {
        let names = &self.model.config().labels;
        let positive = self.positive(query)?;
        let truth = self.one_class_each(parts.test, query, "test", &mut parts.remarks)?;
        let fit = parts.validation.map(|notes| {
            let truth = self.one_class_each(notes, query, "validation", &mut parts.remarks)?;
            Ok::<_, EngineError>((notes, truth))
        });
        let fit = fit.transpose()?;
        let read = |notes: &[Note], truth: &[Option<usize>]| {
            let judged = self.logits(notes, truth, Function::Softmax, query, job)?;
            let scored = classes::Scored {
                logits: judged.results.concat(),
                truth: judged
                    .numbers
                    .iter()
                    .filter_map(|&number| truth[number])
                    .collect(),
            };
            Ok::<_, EngineError>((judged.numbers, scored, judged.failures))
        };
        let share = share_of_test(parts.test, parts.validation);
        let (numbers, scored, mut failures) =
            job.within(0.0..share, || read(parts.test, &truth))?;
        let mut fitted = None;
        if let Some((notes, truth)) = &fit {
            let (_, scored, more) = job.within(share..READING, || read(notes, truth))?;
            failures.extend(more);
            if scored.truth.is_empty() {
                // What was to be chosen on them cannot be; the failures say why.
                return Ok(finished(None, failures));
            }
            fitted = Some(scored);
        }
        if scored.truth.is_empty() {
            return Ok(finished(None, failures));
        }
        let settings = query.settings;
        let result = job.within(READING..1.0, || {
            judge_classes(names, positive, &scored, fitted.as_ref(), &settings, job)
        })?;
        let slices = tables(parts.test, &numbers, &query.slices, |column, values| {
            slice_classes(names.len(), &scored, column, values)
        })?;
        let data = DataFacts {
            test: numbers.len(),
            validation: fitted.map(|fitted| fitted.truth.len()),
            truth: "one label of each note".to_owned(),
            remarks: parts.remarks,
        };
        let evaluation = self.report(data, settings, Judgement::SingleLabel(result), slices);
        Ok(finished(Some(evaluation), failures))
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
        let truth = self.any_labels(parts.test, query, "test", &mut parts.remarks)?;
        let fit = parts.validation.map(|notes| {
            let truth = self.any_labels(notes, query, "validation", &mut parts.remarks)?;
            Ok::<_, EngineError>((notes, truth))
        });
        let fit = fit.transpose()?;
        let read = |notes: &[Note], truth: &[Option<Vec<bool>>]| {
            let judged = self.logits(notes, truth, Function::Sigmoid, query, job)?;
            let rows = judged
                .numbers
                .iter()
                .filter_map(|&number| truth[number].as_ref());
            let scored = labels::Scored {
                logits: judged.results.concat(),
                truth: rows.flatten().copied().collect(),
            };
            Ok::<_, EngineError>((judged.numbers, scored, judged.failures))
        };
        let share = share_of_test(parts.test, parts.validation);
        let (numbers, scored, mut failures) =
            job.within(0.0..share, || read(parts.test, &truth))?;
        let mut fitted = None;
        if let Some((notes, truth)) = &fit {
            let (_, scored, more) = job.within(share..READING, || read(notes, truth))?;
            failures.extend(more);
            if scored.truth.is_empty() {
                // What was to be chosen on them cannot be; the failures say why.
                return Ok(finished(None, failures));
            }
            fitted = Some(scored);
        }
        if scored.truth.is_empty() {
            return Ok(finished(None, failures));
        }
        let settings = query.settings;
        let result = job.within(READING..1.0, || {
            judge_labels(names, &scored, fitted.as_ref(), &settings, job)
        })?;
        let slices = tables(parts.test, &numbers, &query.slices, |column, values| {
            slice_labels(&result, &scored, column, values)
        })?;
        let data = DataFacts {
            test: numbers.len(),
            validation: fitted.map(|fitted| fitted.truth.len() / names.len()),
            truth: "the labels of each note".to_owned(),
            remarks: parts.remarks,
        };
        let evaluation = self.report(data, settings, Judgement::MultiLabel(result), slices);
        Ok(finished(Some(evaluation), failures))
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
        judged(notes, truth, job, |note| {
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
