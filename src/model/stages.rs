//! The encoder a piece at a time, for those who do not want to hold what is between the pieces.

use burn::tensor::Tensor;

use super::{Batch, Encoder, Model};
use crate::job::Job;
use crate::kernels::RopeTable;

/// The pieces of a pass over one batch: what stands before the layers, each layer, what stands
/// behind them. Done in order they give [`Model::encode`]'s last output.
#[derive(Debug)]
pub struct Stages<'a> {
    encoder: &'a Encoder,
    batch: &'a Batch,
    /// The rotations; BERT has none.
    tables: Option<[RopeTable; 2]>,
}

impl Model {
    /// The pieces of a pass over `batch`.
    pub fn stages<'a>(&'a self, batch: &'a Batch) -> Stages<'a> {
        let tables = match &self.encoder {
            Encoder::ModernBert(encoder) => Some(encoder.tables(batch, &self.device)),
            Encoder::Bert(_) => None,
        };
        Stages {
            encoder: &self.encoder,
            batch,
            tables,
        }
    }
}

impl Stages<'_> {
    /// How many layers there are.
    pub fn layers(&self) -> usize {
        match self.encoder {
            Encoder::ModernBert(encoder) => encoder.layers(),
            Encoder::Bert(encoder) => encoder.layers(),
        }
    }

    /// What the first layer reads, `[tokens, hidden]`.
    ///
    /// # Panics
    /// If [`Model::check`] would refuse the batch.
    pub fn embed(&self) -> Tensor<2> {
        match self.encoder {
            Encoder::ModernBert(encoder) => encoder.embed(self.batch),
            Encoder::Bert(encoder) => encoder.embed(self.batch),
        }
    }

    /// The output of one layer, `[tokens, hidden]` to the same.
    ///
    /// # Panics
    /// If there is no such layer.
    pub fn layer(&self, index: usize, x: Tensor<2>) -> Tensor<2> {
        let job = Job::silent();
        let done = match (self.encoder, &self.tables) {
            (Encoder::ModernBert(encoder), Some(tables)) => {
                encoder.layer(index, x, self.batch, tables, &mut &job)
            }
            (Encoder::Bert(encoder), _) => encoder.layer(index, x, self.batch, &mut &job),
            (Encoder::ModernBert(_), None) => unreachable!("its tables were made with the stages"),
        };
        let (x, _) = done.expect("nobody stops a silent job");
        x
    }

    /// The encoder's output from that of the last layer, `[tokens, hidden]` to the same.
    pub fn finish(&self, x: Tensor<2>) -> Tensor<2> {
        match self.encoder {
            Encoder::ModernBert(encoder) => encoder.finish(x),
            Encoder::Bert(_) => x,
        }
    }
}
