//! Cross-entropy over a large vocabulary, a chunk of it at a time: the logits of all entries never
//! exist together.
//!
//! For each row, with `z = x Wᵀ + b`: `loss = (m - z[label]) + ln Σ exp(z - m)`, with the running
//! maximum `m` of attention's softmax. The gradient computes each chunk again:
//! `dz = (softmax(z) - [label]) · dLoss`, `dx = dz W`, `dW = dzᵀ x`, `db = Σ dz`.

use std::ops::Range;
use std::sync::Arc;

use burn::backend::tensor::{Device, FloatTensor, IntTensor};
use burn::backend::{Backend, DType, Slice, TensorMetadata, get_device_settings};
use burn::tensor::{IndexingUpdateOp, Shape, TensorData};

use super::ops::{CrossEntropyGrads, CrossEntropyParts, EncoderOps};

/// Logits that exist at a time, of all rows together: 64 MiB of f32.
const LOGITS: usize = 1 << 24;

/// The entry of the vocabulary that each row should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Targets(Arc<[u32]>);

impl Targets {
    /// One entry per row.
    ///
    /// # Panics
    /// If an entry does not fit 32 bits.
    pub fn new(targets: &[usize]) -> Self {
        let narrow = |&target: &usize| u32::try_from(target).expect("a vocabulary fits a device");
        Self(targets.iter().map(narrow).collect())
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// The entries themselves.
    pub(super) fn entries(&self) -> &[u32] {
        &self.0
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The largest entry; `None` if there is no row.
    pub fn largest(&self) -> Option<usize> {
        self.0.iter().max().map(|&target| target as usize)
    }

    /// Whether a row's target is no entry of `chunk`, and the column of that entry if it is one.
    fn within(&self, chunk: &Range<usize>) -> (Vec<bool>, Vec<i64>) {
        let within = |&target: &u32| chunk.contains(&(target as usize));
        let elsewhere = self.0.iter().map(|target| !within(target));
        let column = self.0.iter().map(|target| match within(target) {
            true => (*target as usize - chunk.start) as i64,
            false => 0,
        });
        (elsewhere.collect(), column.collect())
    }
}

/// The vocabulary in chunks of which `rows` rows of logits fit.
fn chunks(rows: usize, entries: usize) -> impl Iterator<Item = Range<usize>> {
    // A multiple of 4 keeps rows where kernels can read them four at a time.
    let size = (LOGITS / rows.max(1) / 4 * 4).clamp(64, entries.max(64));
    (0..entries)
        .step_by(size)
        .map(move |start| start..(start + size).min(entries))
}

/// Products of `x` with `chunk` of the vocabulary, `[rows, chunk]`: logits but for the bias.
fn products<B: EncoderOps>(
    x: &FloatTensor<B>,
    weight: &FloatTensor<B>,
    chunk: &Range<usize>,
) -> FloatTensor<B> {
    <B as EncoderOps>::linear(x.clone(), rows_of::<B>(weight, chunk))
}

/// Sums over a vocabulary are f32 whatever is stored.
fn wide<B: Backend>(tensor: FloatTensor<B>) -> FloatTensor<B> {
    B::float_cast(tensor, DType::F32.into())
}

fn logits<B: Backend>(
    products: FloatTensor<B>,
    bias: FloatTensor<B>,
    chunk: &Range<usize>,
) -> FloatTensor<B> {
    let bias = B::float_slice(bias, &[Slice::from(chunk.clone())]);
    let bias = B::float_reshape(bias, Shape::new([1, chunk.len()]));
    B::float_add(wide::<B>(products), wide::<B>(bias))
}

fn rows_of<B: Backend>(tensor: &FloatTensor<B>, range: &Range<usize>) -> FloatTensor<B> {
    B::float_slice(tensor.clone(), &[Slice::from(range.clone()), Slice::full()])
}

/// A column of `tensor`, `[rows, 1]`, for each row: the target's; and 0 for rows whose target is no
/// entry of the chunk, whatever stands in the column.
fn at_targets<B: Backend>(
    tensor: FloatTensor<B>,
    columns: &IntTensor<B>,
    elsewhere: Vec<bool>,
) -> FloatTensor<B> {
    let device = tensor.device();
    let bool_dtype = get_device_settings::<B>(&device).bool_dtype;
    let rows = elsewhere.len();
    let elsewhere = TensorData::new(elsewhere, [rows, 1]).convert_dtype(bool_dtype.into());
    let elsewhere = B::bool_from_data(elsewhere, &device);
    let own = B::float_gather(1, tensor, columns.clone());
    B::float_mask_fill(own, elsewhere, 0f32.into())
}

/// Columns as the device takes indices, `[rows, 1]`.
fn indices<B: Backend>(columns: Vec<i64>, device: &Device<B>) -> IntTensor<B> {
    let int_dtype = get_device_settings::<B>(device).int_dtype;
    let rows = columns.len();
    let columns = TensorData::new(columns, [rows, 1]).convert_dtype(int_dtype.into());
    B::int_from_data(columns, device)
}

/// Stands for minus infinity: the maximum of nothing. Finite, so that its difference from a logit is
/// a number.
const NOTHING: f32 = -1e30;

/// Loss of each row, `[rows, 1]`, and what the gradient needs: largest logit and logarithm of the
/// sum, `[rows, 2]`.
pub(super) fn forward<B: EncoderOps>(
    x: FloatTensor<B>,
    weight: FloatTensor<B>,
    bias: FloatTensor<B>,
    targets: &Targets,
) -> CrossEntropyParts<B> {
    let rows = targets.len();
    let start = TensorData::new([NOTHING, 0.0, 0.0].repeat(rows), [rows, 3]);
    let mut running = B::float_from_data(start, &x.device());
    for chunk in chunks(rows, weight.shape()[0]) {
        let products = products::<B>(&x, &weight, &chunk);
        let (bias, targets) = (bias.clone(), targets.clone());
        running = B::cross_entropy_add(running, products, bias, chunk, targets);
    }
    let column =
        |at: usize| B::float_slice(running.clone(), &[Slice::full(), Slice::from(at..at + 1)]);
    let (max, target) = (column(0), column(2));
    let log_sum = B::float_log(column(1));
    let losses = B::float_add(B::float_sub(max.clone(), target), log_sum.clone());
    CrossEntropyParts {
        losses: B::float_cast(losses, x.dtype().into()),
        stats: B::float_cat(vec![max, log_sum], 1),
    }
}

/// The running maximum, sum and logit of the target, `[rows, 3]`, with those of `chunk`.
pub(super) fn add<B: EncoderOps>(
    running: FloatTensor<B>,
    products: FloatTensor<B>,
    bias: FloatTensor<B>,
    chunk: &Range<usize>,
    targets: &Targets,
) -> FloatTensor<B> {
    let device = products.device();
    let before =
        |at: usize| B::float_slice(running.clone(), &[Slice::full(), Slice::from(at..at + 1)]);
    let logits = logits::<B>(products, bias, chunk);
    let (elsewhere, columns) = targets.within(chunk);
    let own = at_targets::<B>(logits.clone(), &indices::<B>(columns, &device), elsewhere);
    let own_max = B::float_max_dim(logits.clone(), 1);
    let max = B::float_max_dim(B::float_cat(vec![before(0), own_max], 1), 1);
    let sum = B::float_sum_dim(B::float_exp(B::float_sub(logits, max.clone())), 1);
    let rescale = B::float_exp(B::float_sub(before(0), max.clone()));
    let sum = B::float_add(sum, B::float_mul(before(1), rescale));
    B::float_cat(vec![max, sum, B::float_add(own, before(2))], 1)
}

/// Gradients with respect to x, weight and bias; `d_losses` is `[rows, 1]`.
pub(super) fn backward<B: EncoderOps>(
    [x, weight, bias]: [FloatTensor<B>; 3],
    stats: FloatTensor<B>,
    d_losses: FloatTensor<B>,
    targets: &Targets,
) -> CrossEntropyGrads<B> {
    let mut d_x: Option<FloatTensor<B>> = None;
    let (mut d_weight, mut d_bias) = (Vec::new(), Vec::new());
    for chunk in chunks(targets.len(), weight.shape()[0]) {
        let d_logits = B::cross_entropy_grad(
            products::<B>(&x, &weight, &chunk),
            bias.clone(),
            stats.clone(),
            d_losses.clone(),
            chunk.clone(),
            targets.clone(),
        );
        let own = B::linear_grad_x(d_logits.clone(), rows_of::<B>(&weight, &chunk));
        d_x = Some(match d_x {
            None => own,
            Some(sum) => B::float_add(sum, own),
        });
        d_bias.push(B::float_sum_dim(d_logits.clone(), 0));
        d_weight.push(B::linear_grad_weight(d_logits, x.clone()));
    }
    let d_bias = joined::<B>(d_bias, 1);
    CrossEntropyGrads {
        d_x: d_x.expect("a vocabulary has entries"),
        d_weight: joined::<B>(d_weight, 0),
        d_bias: B::float_reshape(d_bias, bias.shape()),
    }
}

/// Pieces one after the other; a single one is not copied, which may be as large as the embedding.
fn joined<B: Backend>(mut pieces: Vec<FloatTensor<B>>, dim: usize) -> FloatTensor<B> {
    match pieces.len() {
        1 => pieces.remove(0),
        _ => B::float_cat(pieces, dim),
    }
}

/// The gradient with respect to the logits of `chunk`, `[rows, chunk]`.
pub(super) fn grad<B: EncoderOps>(
    [products, bias, stats, d_losses]: [FloatTensor<B>; 4],
    chunk: &Range<usize>,
    targets: &Targets,
) -> FloatTensor<B> {
    let (device, dtype) = (products.device(), products.dtype());
    let stat = |at: usize| B::float_slice(stats.clone(), &[Slice::full(), Slice::from(at..at + 1)]);
    let d_losses = wide::<B>(d_losses);
    let logits = logits::<B>(products, bias, chunk);
    let shifted = B::float_sub(B::float_sub(logits, stat(0)), stat(1));
    let d_logits = B::float_mul(B::float_exp(shifted), d_losses.clone());
    let (elsewhere, columns) = targets.within(chunk);
    let columns = indices::<B>(columns, &device);
    let first = indices::<B>(vec![0; targets.len()], &device);
    let at_target = B::float_neg(at_targets::<B>(d_losses, &first, elsewhere));
    let d_logits = B::float_scatter(1, d_logits, columns, at_target, IndexingUpdateOp::Add);
    B::float_cast(d_logits, dtype.into())
}
