//! The operations as plain f64 loops over slices: slow, obviously right, the oracle of the tests.
//!
//! Layouts are those of the parent module.

use super::adam::{AdamRule, AdamStep};
use super::attention::AttentionCall;
use super::rope::Direction;
use super::sequences::{HeadShape, Sequences};

/// Which part of a row of `qkv`.
#[derive(Debug, Clone, Copy)]
enum Part {
    Q,
    K,
    V,
}

/// Index of element `d` of head `head` of `part` in row `row` of `qkv`.
fn at(heads: HeadShape, row: usize, part: Part, head: usize, d: usize) -> usize {
    row * 3 * heads.width() + part as usize * heads.width() + head * heads.head_dim + d
}

/// What [`attention`] computes.
#[derive(Debug, Clone, PartialEq)]
pub struct Attention {
    /// `[tokens, heads * head_dim]`.
    pub out: Vec<f64>,
    /// `[heads, tokens]`.
    pub lse: Vec<f64>,
}

/// Scaled logit of a query and a key.
fn logit(qkv: &[f64], call: &AttentionCall, head: usize, query: usize, key: usize) -> f64 {
    let heads = call.heads;
    let dot: f64 = (0..heads.head_dim)
        .map(|d| qkv[at(heads, query, Part::Q, head, d)] * qkv[at(heads, key, Part::K, head, d)])
        .sum();
    f64::from(call.scale) * dot
}

/// Calls `visit(head, query, visible keys)` for every row of every head.
fn each_row(call: &AttentionCall, mut visit: impl FnMut(usize, usize, Vec<usize>)) {
    for head in 0..call.heads.heads {
        for sequence in call.sequences.ranges() {
            for query in sequence.clone() {
                let keys = sequence
                    .clone()
                    .filter(|&key| call.sees(query, key))
                    .collect();
                visit(head, query, keys);
            }
        }
    }
}

/// Attention of every token over the visible tokens of its own sequence.
pub fn attention(qkv: &[f64], call: &AttentionCall) -> Attention {
    let heads = call.heads;
    let tokens = call.sequences.tokens();
    let mut out = vec![0.0; tokens * heads.width()];
    let mut lse = vec![0.0; heads.heads * tokens];
    each_row(call, |head, query, keys| {
        let logits: Vec<f64> = keys
            .iter()
            .map(|&key| logit(qkv, call, head, query, key))
            .collect();
        let max = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let sum: f64 = logits.iter().map(|logit| (logit - max).exp()).sum();
        lse[head * tokens + query] = max + sum.ln();
        for (&key, logit) in keys.iter().zip(&logits) {
            let weight = (logit - max).exp() / sum;
            for d in 0..heads.head_dim {
                out[query * heads.width() + head * heads.head_dim + d] +=
                    weight * qkv[at(heads, key, Part::V, head, d)];
            }
        }
    });
    Attention { out, lse }
}

/// Gradient of [`attention`] with respect to `qkv`.
pub fn attention_backward(qkv: &[f64], d_out: &[f64], call: &AttentionCall) -> Vec<f64> {
    let heads = call.heads;
    let tokens = call.sequences.tokens();
    let Attention { out, lse } = attention(qkv, call);
    let mut d_qkv = vec![0.0; qkv.len()];
    let column =
        |query: usize, head: usize, d: usize| query * heads.width() + head * heads.head_dim + d;
    each_row(call, |head, query, keys| {
        let delta: f64 = (0..heads.head_dim)
            .map(|d| d_out[column(query, head, d)] * out[column(query, head, d)])
            .sum();
        for key in keys {
            let p = (logit(qkv, call, head, query, key) - lse[head * tokens + query]).exp();
            let d_p: f64 = (0..heads.head_dim)
                .map(|d| d_out[column(query, head, d)] * qkv[at(heads, key, Part::V, head, d)])
                .sum();
            let d_logit = f64::from(call.scale) * p * (d_p - delta);
            for d in 0..heads.head_dim {
                let q = at(heads, query, Part::Q, head, d);
                let k = at(heads, key, Part::K, head, d);
                d_qkv[q] += d_logit * qkv[k];
                d_qkv[k] += d_logit * qkv[q];
                d_qkv[at(heads, key, Part::V, head, d)] += p * d_out[column(query, head, d)];
            }
        }
    });
    d_qkv
}

/// Rotates q and k of `qkv` by their positions.
pub fn rope(
    qkv: &[f64],
    sequences: &Sequences,
    heads: HeadShape,
    theta: f64,
    direction: Direction,
) -> Vec<f64> {
    let half = heads.head_dim / 2;
    let mut out = qkv.to_vec();
    for (row, position) in sequences.positions().enumerate() {
        for part in [Part::Q, Part::K] {
            for head in 0..heads.heads {
                for m in 0..half {
                    let angle =
                        position as f64 * theta.powf(-2.0 * m as f64 / heads.head_dim as f64);
                    let (sin, cos) = match direction {
                        Direction::Forward => angle.sin_cos(),
                        Direction::Backward => (-angle).sin_cos(),
                    };
                    let first = at(heads, row, part, head, m);
                    let second = at(heads, row, part, head, m + half);
                    out[first] = qkv[first] * cos - qkv[second] * sin;
                    out[second] = qkv[second] * cos + qkv[first] * sin;
                }
            }
        }
    }
    out
}

/// The error function: Maclaurin series below 2.5, continued fraction above (Abramowitz and
/// Stegun 1964, 7.1.5 and 7.1.14).
fn erf(x: f64) -> f64 {
    let z = x.abs();
    let value = if z < 2.5 {
        let mut term = z;
        let mut sum = z;
        let mut n = 0.0;
        while term.abs() > 1e-18 * sum.abs() {
            n += 1.0;
            term *= -z * z / n;
            sum += term / (2.0 * n + 1.0);
        }
        sum * std::f64::consts::FRAC_2_SQRT_PI
    } else {
        let fraction = (1..=60)
            .rev()
            .fold(z, |below, n| z + f64::from(n) / 2.0 / below);
        1.0 - (-z * z).exp() / (std::f64::consts::PI.sqrt() * fraction)
    };
    value.copysign(x)
}

/// The exact GELU, `x / 2 * (1 + erf(x / sqrt 2))`.
pub fn gelu(x: f64) -> f64 {
    0.5 * x * (1.0 + erf(x / std::f64::consts::SQRT_2))
}

/// `gelu(a) * b` for rows `[a | b]` of `2 * width` elements.
pub fn geglu(x: &[f64], width: usize) -> Vec<f64> {
    x.chunks_exact(2 * width)
        .flat_map(|row| {
            let (a, b) = row.split_at(width);
            a.iter().zip(b).map(|(&a, &b)| gelu(a) * b)
        })
        .collect()
}

/// LayerNorm of rows as wide as `weight`.
pub fn layer_norm(x: &[f64], weight: &[f64], bias: Option<&[f64]>, eps: f64) -> Vec<f64> {
    let width = weight.len();
    x.chunks_exact(width)
        .flat_map(|row| {
            let mean = row.iter().sum::<f64>() / width as f64;
            let variance = row.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / width as f64;
            let scale = (variance + eps).sqrt().recip();
            row.iter().enumerate().map(move |(i, x)| {
                (x - mean) * scale * weight[i] + bias.map_or(0.0, |bias| bias[i])
            })
        })
        .collect()
}

/// Gradients of [`layer_norm`] with respect to `x` and to the weight.
pub fn layer_norm_backward(
    x: &[f64],
    weight: &[f64],
    d_out: &[f64],
    eps: f64,
) -> (Vec<f64>, Vec<f64>) {
    let width = weight.len();
    let ones = vec![1.0; width];
    let normed = layer_norm(x, &ones, None, eps);
    let mut d_x = vec![0.0; x.len()];
    let mut d_weight = vec![0.0; width];
    for (row, x) in x.chunks_exact(width).enumerate() {
        let at = row * width..(row + 1) * width;
        let (normed, d_out) = (&normed[at.clone()], &d_out[at.clone()]);
        let mean = x.iter().sum::<f64>() / width as f64;
        let variance = x.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / width as f64;
        let g: Vec<f64> = d_out.iter().zip(weight).map(|(d, w)| d * w).collect();
        let mean_g = g.iter().sum::<f64>() / width as f64;
        let mean_gn = g.iter().zip(normed).map(|(g, n)| g * n).sum::<f64>() / width as f64;
        for i in 0..width {
            d_x[at.start + i] = (g[i] - mean_g - normed[i] * mean_gn) / (variance + eps).sqrt();
            d_weight[i] += d_out[i] * normed[i];
        }
    }
    (d_x, d_weight)
}

/// The derivative of [`gelu`]: `Φ(x) + x φ(x)`.
pub fn gelu_slope(x: f64) -> f64 {
    let density = (-0.5 * x * x).exp() / std::f64::consts::TAU.sqrt();
    0.5 * (1.0 + erf(x / std::f64::consts::SQRT_2)) + x * density
}

/// Gradient of [`geglu`].
pub fn geglu_backward(x: &[f64], d_out: &[f64], width: usize) -> Vec<f64> {
    x.chunks_exact(2 * width)
        .zip(d_out.chunks_exact(width))
        .flat_map(|(row, d_out)| {
            let (a, b) = row.split_at(width);
            let d_a = a
                .iter()
                .zip(b)
                .zip(d_out)
                .map(|((&a, b), d)| d * b * gelu_slope(a));
            let d_b = a.iter().zip(d_out).map(|(&a, d)| d * gelu(a));
            d_a.chain(d_b).collect::<Vec<_>>()
        })
        .collect()
}

/// `a b` of a `[rows, depth]` and a `[depth, columns]` matrix.
pub fn matmul(a: &[f64], b: &[f64], [rows, depth, columns]: [usize; 3]) -> Vec<f64> {
    let mut out = vec![0.0; rows * columns];
    for row in 0..rows {
        for column in 0..columns {
            out[row * columns + column] = (0..depth)
                .map(|k| a[row * depth + k] * b[k * columns + column])
                .sum();
        }
    }
    out
}

/// The columns of a `[rows, columns]` matrix as rows.
pub fn transpose(a: &[f64], columns: usize) -> Vec<f64> {
    (0..columns)
        .flat_map(|column| a.iter().skip(column).step_by(columns).copied())
        .collect()
}

/// Gradient of a table of `entries` rows of which `indices` were looked up.
pub fn look_up_backward(
    d_out: &[f64],
    indices: &[usize],
    padding: Option<usize>,
    [entries, width]: [usize; 2],
) -> Vec<f64> {
    let mut d_table = vec![0.0; entries * width];
    for (&index, row) in indices.iter().zip(d_out.chunks_exact(width)) {
        if Some(index) != padding {
            for (sum, d) in d_table[index * width..].iter_mut().zip(row) {
                *sum += d;
            }
        }
    }
    d_table
}

/// Loss of each row of `logits`, `[rows, entries]`, and the gradient of their sum.
pub fn cross_entropy(logits: &[f64], targets: &[usize]) -> (Vec<f64>, Vec<f64>) {
    let entries = logits.len() / targets.len();
    let mut losses = Vec::new();
    let mut gradient = Vec::new();
    for (row, &target) in logits.chunks_exact(entries).zip(targets) {
        let max = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let sum: f64 = row.iter().map(|z| (z - max).exp()).sum();
        losses.push(max + sum.ln() - row[target]);
        gradient.extend(row.iter().enumerate().map(|(entry, z)| {
            let hit = f64::from(u8::from(entry == target));
            (z - max).exp() / sum - hit
        }));
    }
    (losses, gradient)
}

/// One update of a parameter by a gradient, in place: `[parameter, first, second]`.
pub fn adam([p, m, v]: [&mut [f64]; 3], g: &[f64], step: &AdamStep) {
    let AdamStep {
        lr,
        betas: [b1, b2],
        eps,
        weight_decay,
        ..
    } = *step;
    let t = step.step as i32;
    let (bias1, bias2) = (1.0 - b1.powi(t), 1.0 - b2.powi(t));
    let [k1, k2] = match step.rule {
        AdamRule::StableAdamW => [b1, b2].map(|b| b * (1.0 - b.powi(t - 1)) / (1.0 - b.powi(t))),
        _ => [b1, b2],
    };
    for ((m, v), g) in m.iter_mut().zip(v.iter_mut()).zip(g) {
        *m = k1 * *m + (1.0 - k1) * g;
        *v = k2 * *v + (1.0 - k2) * g * g;
    }
    let norm = |values: &mut dyn Iterator<Item = f64>| values.map(|x| x * x).sum::<f64>().sqrt();
    match step.rule {
        AdamRule::AdamW => {
            for ((p, m), v) in p.iter_mut().zip(&*m).zip(&*v) {
                *p *= 1.0 - lr * weight_decay;
                *p -= lr * (m / bias1) / ((v / bias2).sqrt() + eps);
            }
        }
        AdamRule::StableAdamW => {
            let shares = g.iter().zip(&*v).map(|(g, v)| g * g / v.max(eps * eps));
            let rms = (shares.sum::<f64>() / g.len() as f64).sqrt();
            let rate = lr / rms.max(1.0);
            for ((p, m), v) in p.iter_mut().zip(&*m).zip(&*v) {
                *p *= 1.0 - rate * weight_decay;
                *p -= rate * m / (v.sqrt() + eps);
            }
        }
        AdamRule::StableAdamWPublished => {
            let of_update = norm(&mut m.iter().map(|m| m / bias1));
            let of_root = norm(&mut v.iter().map(|v| v.sqrt() + eps));
            let clip = if of_update > of_root {
                of_root / of_update
            } else {
                1.0
            };
            for ((p, m), v) in p.iter_mut().zip(&*m).zip(&*v) {
                *p *= 1.0 - lr * weight_decay;
                *p -= lr / bias2.sqrt() * (m / bias1 * clip) / (v.sqrt() + eps);
            }
        }
    }
}

/// Numbers in [-2, 2) that follow no pattern, the same every time (xorshift64, Marsaglia 2003).
pub fn numbers(count: usize, seed: u64) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 40) as f32 / (1u64 << 22) as f32 - 2.0
    };
    (0..count).map(|_| next()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values of the error function from published tables.
    #[test]
    fn the_error_function_agrees_with_the_tables() {
        for (x, expected) in [
            (0.0, 0.0),
            (0.5, 0.520_499_877_813_046_5),
            (1.0, 0.842_700_792_949_714_9),
            (2.0, 0.995_322_265_018_952_7),
            (3.0, 0.999_977_909_503_001_4),
            (-1.0, -0.842_700_792_949_714_9),
        ] {
            assert!((erf(x) - expected).abs() < 1e-14, "erf({x}) = {}", erf(x));
        }
        assert!((erf(2.499_999_999) - erf(2.500_000_001)).abs() < 1e-10);
    }
}
