//! Measures how fast the encoder runs, and where the time goes.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde::Serialize;

use super::memory::{peak_bytes, reset_peak};
use super::{DeviceInfo, Engine, EngineError, InputError, Job};
use crate::model::capture::{Capture, Part, PartTimes};
use crate::model::checkpoint::{Head, Structure};
use crate::model::config::ModelConfig;
use crate::model::{Batch, Model, layout};

/// Sizes of models with random weights.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Size {
    /// ModernBERT-base: 22 layers, 768 wide, 150 million parameters.
    Base,
    /// Four layers, 64 wide: for trying the command out.
    Tiny,
}

/// A model with random weights.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RandomModel {
    /// How large.
    pub size: Size,
    /// Entries of its vocabulary, if not those that such models have: for devices that cannot hold
    /// the whole table.
    pub vocabulary: Option<usize>,
}

impl RandomModel {
    fn config(self) -> ModelConfig {
        let (vocabulary, hidden, inner, heads, layers) = match self.size {
            Size::Base => (50_368, 768, 1152, 12, 22),
            Size::Tiny => (512, 64, 96, 4, 4),
        };
        let vocabulary = self.vocabulary.unwrap_or(vocabulary);
        let json = serde_json::json!({
            "model_type": "modernbert",
            "vocab_size": vocabulary,
            "hidden_size": hidden,
            "intermediate_size": inner,
            "num_attention_heads": heads,
            "num_hidden_layers": layers,
            "max_position_embeddings": 8192,
            "pad_token_id": null,
        });
        ModelConfig::parse(&json.to_string(), "the built-in configuration".as_ref())
            .expect("the built-in configurations are valid")
    }
}

/// What was measured on one device.
#[derive(Debug, Clone, Serialize)]
pub struct BenchReport {
    /// Where.
    pub device: DeviceInfo,
    /// The model's name, or the size of one with random weights.
    pub model: String,
    /// Its parameters.
    pub parameters: usize,
    /// One entry per length.
    pub lengths: Vec<LengthReport>,
    /// Whether the user stopped it before the last length.
    pub stopped: bool,
}

/// What was measured for one length, batch 1.
#[derive(Debug, Clone, Serialize)]
pub struct LengthReport {
    /// Tokens of the one sequence.
    pub tokens: usize,
    /// Timed runs, after one that was not.
    pub runs: usize,
    /// Median time of a run, in seconds.
    pub seconds: f64,
    /// Tokens per second at the median.
    pub tokens_per_second: f64,
    /// The largest resident memory of the process meanwhile, in bytes, where the system tells it.
    pub peak_bytes: Option<u64>,
    /// Time of each part in one more run, in seconds; on a GPU their sum is longer than a run,
    /// because the device is waited for after each part.
    pub parts: BTreeMap<Part, f64>,
}

impl Engine {
    /// Runs the encoder on sequences of random tokens, one at a time: the loaded model, or `model`
    /// with random weights. `each` is told of every length as it ends.
    ///
    /// # Errors
    /// [`EngineError`] when a length is more than the model reads or no memory can hold it.
    pub fn bench_encoder(
        &self,
        model: RandomModel,
        lengths: &[usize],
        job: &Job,
        each: &mut dyn FnMut(&LengthReport),
    ) -> Result<BenchReport, EngineError> {
        let random;
        let (model, name) = match &self.loaded {
            Some(loaded) => (&loaded.model, loaded.info.name.clone()),
            None => {
                random = self.random_model(model, Head::None)?;
                (&random, model.to_string())
            }
        };
        let mut report = BenchReport {
            device: self.device.info.clone(),
            model: name,
            parameters: model.parameters().count(),
            lengths: Vec::new(),
            stopped: false,
        };
        let batches = lengths
            .iter()
            .map(|&tokens| batch(model, tokens))
            .collect::<Result<Vec<_>, _>>()?;
        for (done, batch) in batches.iter().enumerate() {
            let measured = job
                .step(done, batches.len(), "lengths")
                .map_err(EngineError::from)
                .and_then(|()| measure(model, batch, job));
            match measured {
                Ok(length) => {
                    each(&length);
                    report.lengths.push(length);
                }
                Err(EngineError::Cancelled(_)) => {
                    report.stopped = true;
                    break;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(report)
    }

    /// The model on this device, with a head whose decoder is the embedding.
    pub(super) fn random_model(
        &self,
        model: RandomModel,
        head: Head,
    ) -> Result<Model, EngineError> {
        let config = model.config();
        let structure = Structure {
            head,
            pooler: false,
            tied_decoder: head == Head::MaskedLm,
        };
        self.device.fits(&layout(&config, structure))?;
        Ok(Model::random(config, structure, &self.device.device))
    }
}

impl std::fmt::Display for RandomModel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let size = match self.size {
            Size::Base => "base",
            Size::Tiny => "tiny",
        };
        write!(f, "random weights, size {size}")?;
        match self.vocabulary {
            Some(entries) => write!(f, ", {entries} tokens"),
            None => Ok(()),
        }
    }
}

/// Random ids, the same every time.
pub(super) fn batch(model: &Model, tokens: usize) -> Result<Batch, EngineError> {
    let too_long = |error| EngineError::Input {
        note: format!("{tokens} tokens"),
        error,
    };
    let limit = model.config().max_positions;
    if tokens > limit {
        return Err(too_long(InputError::TooLong { tokens, limit }));
    }
    let vocabulary = model.config().vocab_size as u64;
    let id = |index: u64| (index.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 20) % vocabulary;
    let ids: Vec<u32> = (1..=tokens as u64).map(|index| id(index) as u32).collect();
    let batch = Batch::new([(&ids[..], &vec![0; tokens][..])]);
    model.check(&batch).map_err(too_long)?;
    Ok(batch)
}

fn measure(model: &Model, batch: &Batch, job: &Job) -> Result<LengthReport, EngineError> {
    let tokens = batch.sequences().tokens();
    let runs = match tokens {
        ..1024 => 5,
        1024..4096 => 3,
        _ => 1,
    };
    let run = || -> Result<Duration, EngineError> {
        let start = Instant::now();
        let encoded = model.encode(batch, &Capture::default(), &mut &*job)?;
        // Reading one number waits for the device.
        let width = encoded.last.dims()[1];
        crate::kernels::values(encoded.last.slice([tokens - 1..tokens, 0..width]))?;
        Ok(start.elapsed())
    };
    reset_peak();
    run()?;
    let mut times = (0..runs).map(|_| run()).collect::<Result<Vec<_>, _>>()?;
    times.sort();
    let seconds = times[runs / 2].as_secs_f64();
    let peak_bytes = peak_bytes();
    let mut clock = PartTimes::start(model.device());
    model.encode(batch, &Capture::default(), &mut clock)?;
    let parts = clock
        .times
        .into_iter()
        .map(|(part, time)| (part, time.as_secs_f64()));
    Ok(LengthReport {
        tokens,
        runs,
        seconds,
        tokens_per_second: tokens as f64 / seconds,
        peak_bytes,
        parts: parts.collect(),
    })
}
