//! When the model of a run is judged, and what becomes of it then.

use std::path::Path;
use std::time::Instant;

use super::adapter;
use super::checkpoint::{Best, CheckpointError};
use super::dataset::Examples;
use super::evaluate::{Unjudged, Validation};
use super::figures::Evaluation;
use super::from_notes::DataError;
use super::history::Event;
use super::report::{Judged, TEST, VALIDATION};
use super::run_folder::write_whole;
use super::session::{Session, TrainError};
use super::telling::CARD;
use crate::job::{Cancelled, Job};
use crate::model::{Model, OpenError};

impl Session {
    /// The parts that the best model is judged by when the run is over, each with its name.
    fn held_back(&self) -> [(&'static str, &Examples); 2] {
        [(VALIDATION, &self.data.validation), (TEST, &self.data.test)]
    }

    /// Judges a model by a part; `None` if nothing in it can be judged by, or that the user does
    /// not want to wait.
    fn figures(
        &self,
        model: &Model,
        examples: &Examples,
        job: &Job,
    ) -> Result<Result<Option<Evaluation>, Cancelled>, TrainError> {
        let validation = Validation {
            objective: &self.objective,
            examples,
            batch: self.config.batch,
            mask_rate: self.config.last_mask_rate(),
            randomness: self.randomness,
            labels: &self.data.labels,
            metric: self.config.settled_metric(),
        };
        let step = self.state.step;
        match job.within(0.0..1.0, || validation.run(model, job)) {
            Ok(Some(evaluation)) if !evaluation.loss.is_finite() => Err(TrainError::NotFinite {
                step,
                what: "loss of what the model is judged by",
                value: evaluation.loss,
            }),
            Ok(evaluation) => Ok(Ok(evaluation)),
            Err(Unjudged::Cancelled(cancelled)) => Ok(Err(cancelled)),
            Err(Unjudged::Store(error)) => Err(DataError::from(error).into()),
            Err(Unjudged::Fault(fault)) => Err(TrainError::device(step, &fault)),
            Err(Unjudged::Metrics(error)) => Err(TrainError::Unfit(format!(
                "after step {step} the model could not be judged: {error}"
            ))),
        }
    }

    pub(super) fn is_to_be_judged(&self) -> bool {
        let step = self.state.step;
        let judged = self.state.evaluated == Some(step);
        !self.data.validation.is_empty() && !judged && self.is_due(self.config.evaluate_every)
    }

    /// Judges the model as it is, and keeps it if it is the best; or says that the user does not
    /// want to wait for that.
    pub(super) fn judge(&mut self, job: &Job) -> Result<Result<Event, Cancelled>, TrainError> {
        let start = Instant::now();
        let model = self.weights.model();
        let evaluation = match self.figures(&model, &self.data.validation, job)? {
            Ok(Some(evaluation)) => evaluation,
            Ok(None) => {
                let reason = "the validation notes hold nothing that could be judged by";
                return Err(TrainError::Unfit(reason.to_owned()));
            }
            Err(cancelled) => return Ok(Err(cancelled)),
        };
        let goodness = evaluation.goodness(self.config.settled_metric());
        let is_best = self.state.best.is_none_or(|best| goodness > best.goodness);
        if is_best {
            let judged = Judged {
                part: VALIDATION,
                evaluation: evaluation.clone(),
            };
            self.keep_best(&[judged])?;
            let step = self.state.step;
            self.state.best = Some(Best { step, goodness });
            self.state.without_better = 0;
        } else {
            self.state.without_better += 1;
        }
        self.state.evaluated = Some(self.state.step);
        Ok(Ok(Event::Evaluated {
            step: self.state.step,
            evaluation: Box::new(evaluation),
            best: is_best,
            seconds: start.elapsed().as_secs_f64(),
        }))
    }

    /// Writes the model as it is, with a card, into the folder of the best one.
    pub(super) fn keep_best(&self, judged: &[Judged]) -> Result<(), CheckpointError> {
        self.run
            .replace_best(|folder| self.keep_model(folder, judged))
    }

    /// Writes the model as it is into a new folder, with a card; low-rank changes also by themselves.
    pub(super) fn keep_model(
        &self,
        folder: &Path,
        judged: &[Judged],
    ) -> Result<(), CheckpointError> {
        let model = self.weights.model();
        model.save(folder, &self.tokenizer_files)?;
        if let Some(low_rank) = self.weights.thin() {
            let folder = folder.join("adapter");
            adapter::save(&folder, &self.weights, low_rank, &self.run.start())?;
        }
        Ok(write_whole(
            &folder.join(CARD),
            self.card(judged).as_bytes(),
        )?)
    }

    /// Judges the best model, as it lies in its folder, by every part that was held back; parts that
    /// the user does not want to wait for are missing.
    pub(super) fn judge_best(&self, job: &Job) -> Result<Vec<Judged>, TrainError> {
        let parts = self.held_back();
        let parts = parts.iter().filter(|(_, examples)| !examples.is_empty());
        let mut judged = Vec::new();
        let mut best = None;
        for (part, examples) in parts {
            let model = match &best {
                Some(model) => model,
                None => match job.within(0.0..1.0, || self.open_best(job)) {
                    Ok(model) => best.insert(model),
                    Err(OpenError::Cancelled(_)) => break,
                    Err(error) => return Err(error.into()),
                },
            };
            match self.figures(model, examples, job)? {
                Ok(Some(evaluation)) => judged.push(Judged { part, evaluation }),
                Ok(None) => {}
                Err(Cancelled) => break,
            }
        }
        Ok(judged)
    }

    fn open_best(&self, job: &Job) -> Result<Model, OpenError> {
        Model::load(&self.run.best(), self.weights.device(), job)
    }
}
