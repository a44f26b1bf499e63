//! Training runs: a new one, or one that goes on.

use std::path::Path;

use super::device::OpenDevice;
use super::watch::{Onlooking, WatchPlan};
use super::{Engine, EngineError, Job};
use crate::job::Cancelled;
use crate::kernels::blocks::Kept;
use crate::model::OpenError;
use crate::training::config::{MetricName, TrainConfig};
use crate::training::dataset::DataReport;
use crate::training::from_notes::DataError;
use crate::training::history::Event;
use crate::training::report::Report;
use crate::training::session::{Session, TrainError};
use crate::training::watch::Watched;

/// What a run is, told before its first step.
#[derive(Debug, Clone, serde::Serialize)]
pub struct TrainStart {
    /// Examples to learn from and to be judged by.
    pub examples: [usize; 2],
    /// Examples that the best model is judged by at the end.
    pub test: usize,
    /// What the parts hold, and what they share.
    pub data: DataReport,
    /// Names of the classes; none for masked-LM.
    pub labels: Vec<String>,
    /// What was left out, each with its place and the reason.
    pub left_out: Vec<String>,
    /// Parameters of the model that begin with random values.
    pub new_parameters: Vec<String>,
    /// Numbers that are trained.
    pub trained: usize,
    /// What tells the best model.
    pub metric: MetricName,
    /// Steps that were made before.
    pub step: u64,
    /// Steps of the whole run.
    pub total: u64,
}

/// Told of what happens in a run.
pub trait TrainObserver {
    /// The run is about to make its next step.
    fn begins(&mut self, start: &TrainStart);
    /// Something happened.
    fn happens(&mut self, event: &Event);

    /// Notes that are watched from the next frame on, and how often; none if none are.
    fn watches(&mut self) -> Option<WatchPlan> {
        None
    }

    /// What became of watching.
    fn watched(&mut self, _watched: &Watched) {}
}

impl Engine {
    /// Trains a model as `config` says, in a new folder.
    ///
    /// # Errors
    /// [`EngineError::Train`] says what is wrong; what was saved before is whole.
    pub fn train(
        &self,
        config: TrainConfig,
        job: &Job,
        observer: &mut dyn TrainObserver,
    ) -> Result<Report, EngineError> {
        let _kept = Kept::new();
        let session = Session::begin(config, &self.device.device, job)?;
        run(session, &self.device, job, observer)
    }

    /// Goes on with a run from its newest checkpoint.
    ///
    /// # Errors
    /// [`EngineError::Train`] says what is wrong; what was saved before is whole.
    pub fn resume_training(
        &self,
        run_folder: &Path,
        job: &Job,
        observer: &mut dyn TrainObserver,
    ) -> Result<Report, EngineError> {
        let _kept = Kept::new();
        let session = Session::resume(run_folder, &self.device.device, job)?;
        run(session, &self.device, job, observer)
    }
}

fn run(
    mut session: Session,
    device: &OpenDevice,
    job: &Job,
    observer: &mut dyn TrainObserver,
) -> Result<Report, EngineError> {
    let data = session.data();
    observer.begins(&TrainStart {
        examples: [data.train.len(), data.validation.len()],
        test: data.test.len(),
        data: data.report.clone(),
        labels: data.labels.clone(),
        left_out: data.left_out.clone(),
        new_parameters: session.new_parameters().to_vec(),
        trained: session.weights().trained().count(),
        metric: session.metric(),
        step: session.state().step,
        total: session.total(),
    });
    let mut onlooking = Onlooking::new(observer, device.clone(), &session);
    Ok(session.run_before(job, &mut onlooking)?)
}

impl From<TrainError> for EngineError {
    fn from(error: TrainError) -> Self {
        match error {
            TrainError::Model(OpenError::Cancelled(_))
            | TrainError::Data(DataError::Cancelled(_)) => Self::Cancelled(Cancelled),
            error => Self::Train(Box::new(error)),
        }
    }
}
