//! Looks for the change that makes a run fit and its result the least different.

use serde::Serialize;
use toml::{Table, Value};

use super::plan::Plan;
use super::{CheckError, Measured, NUMBER, Trial};
use crate::job::Job;
use crate::training::config::{FIELDS, TrainConfig};
use crate::training::from_notes;

/// Shorter lengths that are tried.
const TRIES: usize = 5;

/// The shortest length that is proposed, in tokens.
const SHORTEST: usize = 16;

/// A field with another value.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Change {
    /// The field.
    pub field: &'static str,
    /// What it was.
    pub from: Value,
    /// What it should be.
    pub to: Value,
}

/// A change that makes a run fit; real steps were made with it.
#[derive(Debug, Clone, Serialize)]
pub struct Proposal {
    /// The fields, in the order of the help.
    pub changes: Vec<Change>,
    /// Whether every step still learns from the same number of whole notes or windows: the result
    /// is the same, or differs by rounding and by which notes meet in a packed batch.
    pub same_result: bool,
    /// The whole description with them.
    #[serde(skip)]
    pub config: TrainConfig,
    /// Memory and time with them.
    #[serde(flatten)]
    pub measured: Measured,
}

impl Trial<'_> {
    /// What makes the run fit that did not, as `measured` says: layers that are computed again, then
    /// smaller micro-batches of which more make a step, then both, then shorter sequences. `None`
    /// if nothing does.
    ///
    /// # Errors
    /// [`CheckError`] when a step fails otherwise than for want of memory, or `job` is stopped.
    pub fn proposal(
        &mut self,
        measured: &Measured,
        job: &Job,
    ) -> Result<Option<Proposal>, CheckError> {
        let mut config = self.config.clone();
        let mut known = measured.clone();
        if !config.recompute {
            let again = TrainConfig {
                recompute: true,
                ..config.clone()
            };
            let measured = self.measure_with(&again, job)?;
            if measured.fits {
                return Ok(Some(self.proposed(again, measured)));
            }
            if let Some(found) = self.smaller_batch(&config, &known, job)? {
                return Ok(Some(found));
            }
            (config, known) = (again, measured);
        }
        if let Some(found) = self.smaller_batch(&config, &known, job)? {
            return Ok(Some(found));
        }
        config.accumulate *= config.batch;
        config.batch = 1;
        self.shorter(config, &known, job)
    }

    /// The largest micro-batch that divides `batch` and fits; `known` is what was found out of
    /// `config` as it is.
    fn smaller_batch(
        &mut self,
        config: &TrainConfig,
        known: &Measured,
        job: &Job,
    ) -> Result<Option<Proposal>, CheckError> {
        let divisors = (1..config.batch).filter(|own| config.batch.is_multiple_of(*own));
        for batch in divisors.rev() {
            let smaller = TrainConfig {
                batch,
                accumulate: config.accumulate * (config.batch / batch),
                ..config.clone()
            };
            if self.is_too_much(&smaller, known) {
                continue;
            }
            let measured = self.measure_with(&smaller, job)?;
            if measured.fits {
                return Ok(Some(self.proposed(smaller, measured)));
            }
        }
        Ok(None)
    }

    /// Whether `known`, of another micro-batch, says that this one does not fit.
    fn is_too_much(&self, config: &TrainConfig, known: &Measured) -> bool {
        let (Some(line), Some(limit)) = (known.line, self.limit) else {
            return false;
        };
        let plan = Plan::new(config, &self.data, self.randomness);
        // What accumulates the gradients, unless it was there before.
        let held = match self.config.accumulate {
            1 => NUMBER * self.numbers()[0],
            _ => 0,
        };
        line.at(plan.largest_tokens) + held > limit
    }

    /// The longest sequences that fit, as nearly as the line of `known` tells.
    fn shorter(
        &mut self,
        mut config: TrainConfig,
        known: &Measured,
        job: &Job,
    ) -> Result<Option<Proposal>, CheckError> {
        let (Some(line), Some(limit)) = (known.line, self.limit) else {
            return Ok(None);
        };
        if line.slope <= 0.0 {
            return Ok(None);
        }
        let held = (NUMBER * self.numbers()[0]) as f64;
        let tokens = ((limit as f64 - held - line.start) / line.slope).max(0.0) as usize;
        let longest = self.data.train.lengths().max();
        let mut tokens = tokens.min(longest.unwrap_or(0).saturating_sub(1));
        for _ in 0..TRIES {
            tokens -= match tokens {
                0..128 => tokens % 8,
                _ => tokens % 64,
            };
            if tokens < SHORTEST {
                break;
            }
            config.max_tokens = tokens;
            let data = from_notes::read(&config, &self.tokenizer, job)?;
            let whole = std::mem::replace(&mut self.data, data);
            let measured = self.measure_with(&config, job);
            self.data = whole;
            let measured = measured?;
            if measured.fits {
                return Ok(Some(self.proposed(config, measured)));
            }
            tokens = tokens * 3 / 4;
        }
        Ok(None)
    }

    fn proposed(&self, config: TrainConfig, measured: Measured) -> Proposal {
        Proposal {
            changes: changes(&self.config, &config),
            same_result: config.max_tokens == self.config.max_tokens,
            config,
            measured,
        }
    }
}

/// The fields in which two descriptions differ.
fn changes(before: &TrainConfig, after: &TrainConfig) -> Vec<Change> {
    let table = |config| Table::try_from(config).expect("a description is a table");
    let (before, after): (Table, Table) = (table(before), table(after));
    let pairs = FIELDS.iter().filter_map(|field| {
        let (from, to) = (before.get(field.name)?, after.get(field.name)?);
        (from != to).then(|| Change {
            field: field.name,
            from: from.clone(),
            to: to.clone(),
        })
    });
    pairs.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_are_said_by_the_names_of_fields() {
        let before = TrainConfig::default();
        let after = TrainConfig {
            batch: 2,
            accumulate: 4,
            recompute: true,
            ..before.clone()
        };
        let found = changes(&before, &after);
        let said: Vec<_> = found
            .iter()
            .map(|own| format!("{} {} {}", own.field, own.from, own.to))
            .collect();
        assert_eq!(
            said,
            ["batch 8 2", "accumulate 1 4", "recompute false true"]
        );
    }
}
