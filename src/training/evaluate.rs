//! A pass over examples that says how good a model is.

use burn::tensor::Tensor;

use super::config::MetricName;
use super::dataset::Examples;
use super::figures::Evaluation;
use super::objective::{Objective, Output, Prepared, Wanted};
use super::randomness::{Purpose, Randomness};
use super::store::StoreError;
use super::tally::Tally;
use crate::job::{Cancelled, Job};
use crate::kernels::{DeviceFault, values};
use crate::metrics::MetricsError;
use crate::model::Model;

/// Rows whose logits over the vocabulary exist at a time.
const ROWS: usize = 256;

/// Why nothing was judged.
#[derive(Debug, thiserror::Error)]
pub enum Unjudged {
    /// Stopped by the user.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
    /// The device gave nothing.
    #[error(transparent)]
    Fault(#[from] DeviceFault),
    /// The examples could not be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// It gave what cannot be measured.
    #[error(transparent)]
    Metrics(#[from] MetricsError),
}

/// What is judged.
#[derive(Debug)]
pub struct Validation<'a> {
    /// What the model is for.
    pub objective: &'a Objective,
    /// What it is judged by.
    pub examples: &'a Examples,
    /// Examples that are read at once.
    pub batch: usize,
    /// The share of tokens that is hidden; the same ones every time.
    pub mask_rate: f64,
    /// Where the masks come from.
    pub randomness: Randomness,
    /// Names of the classes; none for masked-LM.
    pub labels: &'a [String],
    /// What has to be among the figures, however much memory it takes.
    pub metric: MetricName,
}

impl Validation<'_> {
    /// Judges a model; `None` if there is nothing to judge by.
    ///
    /// # Errors
    /// [`Unjudged`] when `job` is stopped or the device gives nothing that can be measured.
    pub fn run(&self, model: &Model, job: &Job) -> Result<Option<Evaluation>, Unjudged> {
        let objective = self.objective.plain();
        let ranked = self.metric == MetricName::Auroc;
        let mut tally = Tally::new(&objective, self.labels, self.examples.len(), ranked);
        let batches = self.examples.len().div_ceil(self.batch);
        for (number, examples) in self.examples.chunks(self.batch).enumerate() {
            job.step(number, batches, "validation batches")?;
            let mut stream = self
                .randomness
                .stream(Purpose::ValidationMasks, number as u64);
            let prepared = objective.prepare(&examples?, self.mask_rate, &mut stream);
            if let Some(output) = Output::of(model, &prepared) {
                let sum = objective.sum(model, &prepared, output.clone());
                let sum = values(sum)?.into_iter().map(f64::from).sum();
                tally.add_loss(sum, prepared.weight);
                judge(&mut tally, model, &prepared, output)?;
            }
        }
        job.step(batches, batches, "validation batches")?;
        Ok(tally.evaluation()?)
    }
}

fn judge(
    tally: &mut Tally<'_>,
    model: &Model,
    prepared: &Prepared,
    output: Output,
) -> Result<(), Unjudged> {
    match (output, &prepared.wanted) {
        (Output::Hidden(rows), Wanted::Guesses { targets, .. }) => {
            let [count, width] = rows.dims();
            for start in (0..count).step_by(ROWS) {
                let end = (start + ROWS).min(count);
                let part = rows.clone().slice([start..end, 0..width]);
                let logits = model.masked_lm_logits(part).expect("it has given a loss");
                let guesses = largest(logits)?.into_iter().zip(&targets[start..end]);
                let right = guesses.filter(|(guess, target)| guess == *target).count();
                tally.add_guesses(right, end - start);
            }
        }
        (Output::Logits(logits), _) => tally.add_logits(prepared, &values(logits)?)?,
        _ => panic!("the batch was prepared for another objective"),
    }
    Ok(())
}

/// The first largest column of each row.
fn largest(logits: Tensor<2>) -> Result<Vec<usize>, DeviceFault> {
    let [_, columns] = logits.dims();
    let values = values(logits)?;
    let rows = values.chunks_exact(columns);
    let largest = rows.map(|row| {
        let better = |best: usize, column: usize| match row[column] > row[best] {
            true => column,
            false => best,
        };
        (0..columns).fold(0, better)
    });
    Ok(largest.collect())
}
