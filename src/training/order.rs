//! The order in which examples are read: shuffled anew in every epoch, from any position on.

use serde::{Deserialize, Serialize};

use super::packing::pack;
use super::randomness::{Purpose, Randomness};

/// How micro-batches are made of examples.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Batching {
    /// This many examples each.
    Examples(usize),
    /// As many sequences each as fit into so many tokens.
    Tokens(usize),
}

/// Where in the order a run is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Position {
    /// Times that every example was read.
    pub epoch: u64,
    /// Micro-batches of this epoch that were read.
    pub micro_batch: u64,
}

impl Position {
    /// A number that no other position has.
    pub fn number(self) -> u64 {
        self.epoch << 32 | self.micro_batch
    }
}

/// Micro-batches without end.
#[derive(Debug)]
pub struct Order {
    lengths: Vec<usize>,
    batching: Batching,
    randomness: Randomness,
    position: Position,
    epoch: Vec<Vec<usize>>,
}

impl Order {
    /// The micro-batches of examples of these lengths, from `position` on.
    ///
    /// # Panics
    /// If there is no example.
    pub fn new(
        lengths: Vec<usize>,
        batching: Batching,
        randomness: Randomness,
        position: Position,
    ) -> Self {
        assert!(!lengths.is_empty(), "an order of no examples");
        let mut order = Self {
            lengths,
            batching,
            randomness,
            position,
            epoch: Vec::new(),
        };
        order.epoch = order.of_epoch(position.epoch);
        order
    }

    /// The position of what [`next_batch`](Self::next_batch) gives.
    pub fn position(&mut self) -> Position {
        if self.position.micro_batch as usize >= self.epoch.len() {
            self.position = Position {
                epoch: self.position.epoch + 1,
                micro_batch: 0,
            };
            self.epoch = self.of_epoch(self.position.epoch);
        }
        self.position
    }

    /// The examples of the next micro-batch.
    pub fn next_batch(&mut self) -> &[usize] {
        let at = self.position().micro_batch as usize;
        self.position.micro_batch += 1;
        &self.epoch[at]
    }

    /// Micro-batches of the current epoch.
    pub fn in_epoch(&self) -> usize {
        self.epoch.len()
    }

    fn of_epoch(&self, epoch: u64) -> Vec<Vec<usize>> {
        let mut examples: Vec<usize> = (0..self.lengths.len()).collect();
        let mut stream = self.randomness.stream(Purpose::Order, epoch);
        stream.shuffle(&mut examples);
        match self.batching {
            Batching::Examples(count) => examples.chunks(count).map(<[usize]>::to_vec).collect(),
            Batching::Tokens(capacity) => {
                let lengths: Vec<usize> = examples.iter().map(|&own| self.lengths[own]).collect();
                let mut packed = pack(&lengths, capacity);
                // Long sequences are packed first and would come first.
                self.randomness
                    .stream(Purpose::Bins, epoch)
                    .shuffle(&mut packed);
                let own = |row: &Vec<usize>| row.iter().map(|&own| examples[own]).collect();
                packed.iter().map(own).collect()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BATCHINGS: [Batching; 2] = [Batching::Examples(4), Batching::Tokens(40)];

    fn order(batching: Batching, position: Position) -> Order {
        let lengths = (0..23).map(|example| 3 + example * 7 % 15).collect();
        Order::new(lengths, batching, Randomness::new(3), position)
    }

    #[test]
    fn every_example_is_read_once_an_epoch_in_another_order() {
        for batching in BATCHINGS {
            let mut order = order(batching, Position::default());
            let mut epochs = Vec::new();
            for _ in 0..2 {
                let micro_batches = order.in_epoch();
                let read: Vec<usize> = (0..micro_batches)
                    .flat_map(|_| order.next_batch().to_vec())
                    .collect();
                let mut sorted = read.clone();
                sorted.sort_unstable();
                assert!(sorted.into_iter().eq(0..23));
                order.position();
                epochs.push(read);
            }
            assert_ne!(epochs[0], epochs[1]);
        }
    }

    #[test]
    fn an_order_goes_on_from_any_position() {
        for batching in BATCHINGS {
            let mut whole = order(batching, Position::default());
            for _ in 0..20 {
                let position = whole.position();
                let mut from_there = order(batching, position);
                let next = whole.next_batch().to_vec();
                assert_eq!(from_there.next_batch(), next);
                // Also from what is saved before anybody asked for the next position.
                let mut after = order(batching, whole.position);
                assert_eq!(after.position(), whole.position());
            }
            assert!(whole.position().epoch > 0);
        }
    }
}
