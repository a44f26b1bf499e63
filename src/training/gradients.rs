//! Loss and gradients of a micro-batch: all at once, or a layer at a time.
//!
//! At once, everything that a layer computes is held until its gradient is made. A layer at a time
//! (Chen et al. 2016), only what it reads is held, and the rest is computed again when its turn
//! comes: a forward pass more, and the memory of one layer. The numbers are the same.

use burn::tensor::Tensor;

use super::objective::{Objective, Output, Prepared};
use super::optimizer::accumulate;
use super::weights::{Tracked, Weights, of_head};
use crate::model::Parameter;

/// The losses of the micro-batches of a step, `[1]` each, which add up to its mean loss, and the
/// gradient of every trained parameter; `weight` is what all targets of the step count together.
pub fn of_step(
    weights: &Weights,
    objective: &Objective,
    parts: &[Prepared],
    weight: f64,
    recompute: bool,
) -> (Vec<Tensor<1>>, Vec<Option<Parameter>>) {
    let differentiate = match recompute {
        true => by_layer,
        false => at_once,
    };
    let (mut sum, mut losses) = (Vec::new(), Vec::new());
    for part in parts {
        if let Some((loss, more)) = differentiate(weights, objective, part, weight) {
            accumulate(&mut sum, more);
            losses.push(loss);
        }
    }
    (losses, sum)
}

/// The sum of losses divided by `weight`, `[1]`, and the gradient of every trained parameter;
/// `None` if nothing is wanted of the micro-batch.
pub fn at_once(
    weights: &Weights,
    objective: &Objective,
    prepared: &Prepared,
    weight: f64,
) -> Option<(Tensor<1>, Vec<Option<Parameter>>)> {
    let tracked = weights.tracked();
    let loss = objective.loss(&tracked.model, prepared, weight)?;
    let gradients = tracked.gradients(&loss);
    Some((loss.inner(), gradients))
}

/// [`at_once`] with the memory of one layer.
pub fn by_layer(
    weights: &Weights,
    objective: &Objective,
    prepared: &Prepared,
    weight: f64,
) -> Option<(Tensor<1>, Vec<Option<Parameter>>)> {
    if prepared.weight == 0.0 {
        return None;
    }
    let plain = weights.model();
    let stages = plain.stages(&prepared.batch);
    let mut x = stages.embed();
    let mut inputs = Vec::with_capacity(stages.layers());
    for layer in 0..stages.layers() {
        inputs.push(x.clone());
        x = stages.layer(layer, x);
    }
    drop(stages);
    // Of low-rank changes the merged matrices would be held twice.
    drop(plain);

    let tracked = weights.tracked();
    let Tracked { model, .. } = &tracked;
    let stages = model.stages(&prepared.batch);
    let leaf = x.autodiff().require_grad();
    let output = Output::of_last(model, prepared, stages.finish(leaf.clone()));
    let loss = objective.sum(model, prepared, output).div_scalar(weight);
    let mut back = loss.backward();
    let mut upstream = leaf.grad_remove(&mut back);
    let mut gradients = tracked.take_gradients(&mut back);
    let loss = loss.inner();
    let encoder_stays = weights.trained().iter().all(|(name, _)| of_head(name));
    if encoder_stays {
        return Some((loss, gradients));
    }
    while let Some(input) = inputs.pop() {
        let leaf = input.autodiff().require_grad();
        let out = stages.layer(inputs.len(), leaf.clone());
        let mut back = along(out, upstream).backward();
        upstream = leaf.grad_remove(&mut back);
        accumulate(&mut gradients, tracked.take_gradients(&mut back));
    }
    let embedded = stages.embed();
    // Where the embedding stays, nothing is left to do.
    if embedded.is_tracked() {
        let mut back = along(embedded, upstream).backward();
        accumulate(&mut gradients, tracked.take_gradients(&mut back));
    }
    Some((loss, gradients))
}

/// A number whose gradient with respect to `out` is `upstream`, exactly.
fn along(out: Tensor<2>, upstream: Option<Tensor<2>>) -> Tensor<1> {
    let upstream = upstream.expect("a gradient reaches what the next piece reads");
    (out * upstream.autodiff()).sum()
}
