//! Compares the operations of a device with plain f64 loops, in a second or two.

use burn::tensor::{Tensor, TensorData};
use serde::Serialize;

use super::{Engine, EngineError, Job};
use crate::kernels::{
    self, AttentionCall, Direction, HeadShape, RopeTable, Sequences, reference, values,
};
use crate::parity::limit;

/// One operation compared.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SelfCheck {
    /// The operation.
    pub operation: &'static str,
    /// Largest absolute difference; NaN if something was not a number.
    pub difference: f64,
    /// The largest difference allowed.
    pub limit: f64,
}

impl SelfCheck {
    /// Whether the difference is within the limit. NaN never passes.
    pub fn passed(&self) -> bool {
        self.difference <= self.limit
    }

    fn new(operation: &'static str, got: &[f32], want: &[f64]) -> Self {
        let difference = match got.len() == want.len() && got.iter().all(|x| x.is_finite()) {
            true => got
                .iter()
                .zip(want)
                .map(|(&got, want)| (f64::from(got) - want).abs())
                .fold(0.0, f64::max),
            false => f64::NAN,
        };
        let want: Vec<f32> = want.iter().map(|&want| want as f32).collect();
        Self {
            operation,
            difference,
            limit: limit(&want, 0.0),
        }
    }
}

const HEADS: HeadShape = HeadShape {
    heads: 3,
    head_dim: 16,
};
const LENGTHS: [usize; 3] = [1, 37, 90];
const THETA: f64 = 10_000.0;

fn doubles(values: &[f32]) -> Vec<f64> {
    values.iter().copied().map(f64::from).collect()
}

impl Engine {
    /// Runs the operations of the encoder's forward pass on small inputs and compares them with
    /// plain f64 loops.
    ///
    /// # Errors
    /// [`EngineError::Cancelled`] when stopped, [`EngineError::Fault`] when the device gives nothing.
    pub fn self_check(&self, job: &Job) -> Result<Vec<SelfCheck>, EngineError> {
        let device = &self.device.device;
        let tensor = |values: &[f32], columns: usize| {
            let rows = values.len() / columns;
            Tensor::<2>::from_data(TensorData::new(values.to_vec(), [rows, columns]), device)
        };
        let sequences = Sequences::from_lengths(&LENGTHS);
        let tokens = sequences.tokens();
        let width = HEADS.width();
        let qkv = reference::numbers(tokens * 3 * width, 1);
        let weight = reference::numbers(3 * width, 2);
        let mut checks = Vec::new();

        job.check()?;
        let product = kernels::linear(tensor(&qkv, 3 * width), tensor(&weight, 3 * width));
        let by_hand: Vec<f64> = qkv
            .chunks_exact(3 * width)
            .map(|row| {
                row.iter()
                    .zip(&weight)
                    .map(|(&a, &b)| f64::from(a) * f64::from(b))
                    .sum()
            })
            .collect();
        checks.push(SelfCheck::new(
            "matrix product",
            &values(product)?,
            &by_hand,
        ));

        let normed = kernels::layer_norm(
            tensor(&qkv, 3 * width),
            Tensor::from_data(weight.as_slice(), device),
            None,
            1e-5,
        );
        let by_hand = reference::layer_norm(&doubles(&qkv), &doubles(&weight), None, 1e-5);
        checks.push(SelfCheck::new("LayerNorm", &values(normed)?, &by_hand));

        job.check()?;
        let gated = kernels::geglu(tensor(&qkv, 2 * width));
        let by_hand = reference::geglu(&doubles(&qkv), width);
        checks.push(SelfCheck::new("GeGLU", &values(gated)?, &by_hand));

        let table = RopeTable::new(&sequences, HEADS.head_dim, THETA, device);
        let rotated = kernels::rope(tensor(&qkv, 3 * width), &table, HEADS);
        let by_hand = reference::rope(&doubles(&qkv), &sequences, HEADS, THETA, Direction::Forward);
        checks.push(SelfCheck::new("RoPE", &values(rotated)?, &by_hand));

        for (operation, half_window) in [("global attention", None), ("sliding attention", Some(7))]
        {
            job.check()?;
            let call = AttentionCall::new(HEADS, sequences.clone(), half_window);
            let result = kernels::attention(tensor(&qkv, 3 * width), &call);
            let by_hand = reference::attention(&doubles(&qkv), &call);
            checks.push(SelfCheck::new(
                operation,
                &values(result.out)?,
                &by_hand.out,
            ));
        }
        Ok(checks)
    }
}
