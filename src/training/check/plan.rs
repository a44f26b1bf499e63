//! Which micro-batches a run reads, and which of them stand for the others.

use crate::training::config::TrainConfig;
use crate::training::example::{Example, Label};
use crate::training::from_notes::Dataset;
use crate::training::order::{Order, Position};
use crate::training::preparation::batching;
use crate::training::randomness::Randomness;
use crate::training::store::StoreError;

/// Epochs of which every micro-batch is looked at; others are as large within a few tokens.
const LOOKED_AT: u64 = 10;

/// The micro-batches of a run, by the numbers of their examples.
pub(super) struct Plan {
    /// The one with most tokens; of several the one with the longest sequence.
    largest: Vec<usize>,
    /// Its tokens.
    pub(super) largest_tokens: usize,
    /// Those of the first epoch, the fewest tokens first.
    pub(super) epoch: Vec<Vec<usize>>,
    /// Steps after which every example was read once.
    pub(super) steps_per_epoch: u64,
    /// Steps of the run.
    pub(super) steps: u64,
    /// The largest share of tokens that is hidden, and the mean one.
    pub(super) most_hidden: f64,
    pub(super) usually_hidden: f64,
}

impl Plan {
    pub(super) fn new(config: &TrainConfig, data: &Dataset, randomness: Randomness) -> Self {
        let lengths: Vec<usize> = data.train.lengths().collect();
        let tokens = |own: &Vec<usize>| own.iter().map(|&at| lengths[at]).sum::<usize>();
        let longest = |own: &Vec<usize>| own.iter().map(|&at| lengths[at]).max();
        let mut order = Order::new(
            lengths.clone(),
            batching(config),
            randomness,
            Position::default(),
        );
        let in_epoch = order.in_epoch();
        let mut epoch: Vec<Vec<usize>> =
            (0..in_epoch).map(|_| order.next_batch().to_vec()).collect();
        let steps_per_epoch = in_epoch.div_ceil(config.accumulate) as u64;
        let steps = match config.steps {
            0 => config.epochs * steps_per_epoch,
            steps => steps,
        };
        let epochs = steps.div_ceil(steps_per_epoch).min(LOOKED_AT);
        let mut largest = epoch.iter().max_by_key(|own| (tokens(own), longest(own)));
        let mut others = Vec::new();
        while order.position().epoch < epochs {
            others.push(order.next_batch().to_vec());
        }
        if let Some(other) = others.iter().max_by_key(|own| (tokens(own), longest(own)))
            && largest.is_none_or(|own| tokens(own) < tokens(other))
        {
            largest = Some(other);
        }
        let largest = largest.cloned().unwrap_or_default();
        let largest_tokens = tokens(&largest);
        epoch.sort_by_key(tokens);
        let end = config.last_mask_rate();
        Self {
            largest,
            largest_tokens,
            epoch,
            steps_per_epoch,
            steps,
            most_hidden: config.mask_rate.max(end),
            usually_hidden: (config.mask_rate + end) / 2.0,
        }
    }

    /// The first tokens of the largest micro-batch.
    pub(super) fn cut(&self, data: &Dataset, tokens: usize) -> Result<Vec<Example>, StoreError> {
        let mut left = tokens;
        let mut examples = Vec::new();
        for example in data.train.read(self.largest.iter().copied())? {
            let own = example.ids.len().min(left);
            if own > 0 {
                examples.push(beginning(&example, own));
            }
            left -= own;
        }
        Ok(examples)
    }
}

/// The first tokens of an example, with its label.
fn beginning(example: &Example, tokens: usize) -> Example {
    Example {
        ids: example.ids[..tokens].to_vec(),
        type_ids: example.type_ids[..tokens].to_vec(),
        label: match &example.label {
            Label::Tokens(labels) => Label::Tokens(labels[..tokens].to_vec()),
            label => label.clone(),
        },
    }
}
