//! The losses that transformers' heads define: means over what is labelled.

use burn::tensor::{Int, Tensor, TensorData, activation};

/// The label that means "not labelled".
pub const IGNORED: i64 = -100;

/// Mean cross-entropy, in nats, of `logits`, `[rows, classes]`, against one class per row.
///
/// # Panics
/// If there is no row, or a label is no class.
pub fn cross_entropy(logits: Tensor<2>, labels: &[i64]) -> Tensor<1> {
    let [rows, classes] = logits.dims();
    assert!(
        rows == labels.len()
            && labels
                .iter()
                .all(|&label| 0 <= label && label < classes as i64),
        "cross_entropy: {} labels for {rows} rows of {classes} classes",
        labels.len()
    );
    let indices = TensorData::new(labels.to_vec(), [rows, 1]);
    let indices = Tensor::<2, Int>::from_data(indices, &logits.device());
    activation::log_softmax(logits, 1)
        .gather(1, indices)
        .mean()
        .neg()
}

/// Mean binary cross-entropy, in nats, over all entries of `logits`, `[rows, labels]`, against
/// `targets` of the same layout: `max(z, 0) - z y + ln(1 + exp(-|z|))`.
///
/// # Panics
/// If there are not as many targets as logits.
pub fn binary_cross_entropy(logits: Tensor<2>, targets: &[f32]) -> Tensor<1> {
    let shape = logits.dims();
    let targets = TensorData::new(targets.to_vec(), shape);
    let targets = Tensor::<2>::from_data(targets, &logits.device());
    let softplus = logits.clone().abs().neg().exp().log1p();
    (activation::relu(logits.clone()) - logits * targets + softplus).mean()
}
