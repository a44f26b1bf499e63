//! Rotary position embedding: rotates pairs of elements of q and k by an angle that grows with the position.
//!
//! Su et al. 2021, in the "rotate half" form: element `m` is paired with element `m + D/2`,
//! `out[m] = x[m] cos - x[m + D/2] sin`, `out[m + D/2] = x[m + D/2] cos + x[m] sin`, with angle
//! `position * theta^(-2m / D)`. The gradient is the same rotation turned the other way.

use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, Slice, TensorMetadata};
use burn::tensor::{Device, Shape, Tensor, TensorData};

use super::sequences::{HeadShape, Sequences};

/// Which way to turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Direction {
    /// By the positions: what the model does.
    Forward,
    /// Back again: what its gradient does.
    Backward,
}

/// Cosines and sines of every row of a packed batch, for one theta.
#[derive(Debug, Clone)]
pub struct RopeTable {
    cos: Tensor<2>,
    sin: Tensor<2>,
}

impl RopeTable {
    /// Angles for the positions of `sequences`, which restart in each of them; computed in f64.
    pub fn new(sequences: &Sequences, head_dim: usize, theta: f64, device: &Device) -> Self {
        let positions: Vec<usize> = sequences.positions().collect();
        Self::at(&positions, head_dim, theta, device)
    }

    /// Angles for the given positions, one per row.
    pub fn at(positions: &[usize], head_dim: usize, theta: f64, device: &Device) -> Self {
        let half = head_dim / 2;
        let frequencies = Self::frequencies(head_dim, theta);
        let mut cos = Vec::with_capacity(positions.len() * half);
        let mut sin = Vec::with_capacity(positions.len() * half);
        for &position in positions {
            for frequency in &frequencies {
                let (s, c) = (position as f64 * frequency).sin_cos();
                cos.push(c as f32);
                sin.push(s as f32);
            }
        }
        let shape = [positions.len(), half];
        Self {
            cos: Tensor::from_data(TensorData::new(cos, shape), device),
            sin: Tensor::from_data(TensorData::new(sin, shape), device),
        }
    }

    /// Angle per position of each pair, `head_dim / 2` of them: `theta^(-2m / head_dim)`.
    pub fn frequencies(head_dim: usize, theta: f64) -> Vec<f64> {
        (0..head_dim / 2)
            .map(|m| theta.powf(-2.0 * m as f64 / head_dim as f64))
            .collect()
    }

    /// How many rows the table is for.
    pub fn tokens(&self) -> usize {
        self.cos.dims()[0]
    }

    /// Cosines, `[tokens, head_dim / 2]`.
    pub fn cos(&self) -> Tensor<2> {
        self.cos.clone()
    }

    /// Sines, `[tokens, head_dim / 2]`.
    pub fn sin(&self) -> Tensor<2> {
        self.sin.clone()
    }
}

/// The rotation from burn's own operations.
pub(super) fn rotate<B: Backend>(
    qkv: FloatTensor<B>,
    cos: FloatTensor<B>,
    sin: FloatTensor<B>,
    heads: HeadShape,
    direction: Direction,
) -> FloatTensor<B> {
    let tokens = qkv.shape()[0];
    let half = heads.head_dim / 2;
    let width = heads.width();
    let sin = match direction {
        Direction::Forward => sin,
        Direction::Backward => B::float_neg(sin),
    };
    let table = Shape::new([tokens, 1, half]);
    let cos = B::float_reshape(cos, table.clone());
    let sin = B::float_reshape(sin, table);

    let rotated = B::float_slice(qkv.clone(), &[Slice::full(), Slice::from(0..2 * width)]);
    let v = B::float_slice(qkv, &[Slice::full(), Slice::from(2 * width..3 * width)]);
    let pairs = B::float_reshape(
        rotated,
        Shape::new([tokens, 2 * heads.heads, heads.head_dim]),
    );
    let columns = |range: std::ops::Range<usize>| {
        B::float_slice(
            pairs.clone(),
            &[Slice::full(), Slice::full(), Slice::from(range)],
        )
    };
    let (first, second) = (columns(0..half), columns(half..heads.head_dim));
    let turned = B::float_cat(
        vec![
            B::float_sub(
                B::float_mul(first.clone(), cos.clone()),
                B::float_mul(second.clone(), sin.clone()),
            ),
            B::float_add(B::float_mul(second, cos), B::float_mul(first, sin)),
        ],
        2,
    );
    let turned = B::float_reshape(turned, Shape::new([tokens, 2 * width]));
    B::float_cat(vec![turned, v], 1)
}
