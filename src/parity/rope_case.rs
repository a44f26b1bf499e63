//! Cases with the rotation alone, and its gradient.

use burn::tensor::{Device, Tensor, TensorData};

use super::ParityError;
use super::case::{Case, Io};
use super::compare::Check;
use super::outputs::Outputs;
use super::tensors::values;
use crate::kernels::{HeadShape, RopeTable, rope};

/// Runs every rotation of the case; `None` if it is not of this kind.
pub(super) fn run(
    case: &Case,
    device: &Device,
    outputs: &mut Outputs,
) -> Option<Result<Vec<Check>, ParityError>> {
    let cases = case.has("cases.json").then(|| case.json("cases.json"))?;
    let cases = match cases {
        Ok(cases) => cases,
        Err(error) => return Some(Err(error)),
    };
    let all = cases.as_object()?;
    all.values().all(|one| one.get("theta").is_some()).then(|| {
        let io = Io::read(&case.folder, "io", "noise.json")?;
        let mut checks = Vec::new();
        for (id, one) in all {
            let theta = one["theta"].as_f64().unwrap_or(f64::NAN);
            let more = run_one(&io, id, theta, device, outputs);
            checks.extend(more.map_err(|reason| ParityError::new(&case.folder, reason))?);
        }
        Ok(checks)
    })
}

fn run_one(
    io: &Io,
    id: &str,
    theta: f64,
    device: &Device,
    outputs: &mut Outputs,
) -> Result<Vec<Check>, String> {
    let input = |name: &str| io.tensors.floats(&format!("input.{id}.{name}"));
    let (shape, q) = input("q")?;
    let (_, k) = input("k")?;
    let (_, d_rotated) = input("dq_rot")?;
    let &[1, heads, tokens, head_dim] = shape else {
        return Err(format!(
            "input.{id}.q has shape {shape:?}, expected [1, heads, rows, width]"
        ));
    };
    let heads = HeadShape { heads, head_dim };
    let (_, positions) = io.tensors.ints(&format!("input.{id}.positions"))?;
    let positions: Vec<usize> = positions
        .iter()
        .map(|&position| position as usize)
        .collect();
    let device = device.clone().autodiff();
    let table = RopeTable::at(&positions, head_dim, theta, &device);

    // q and k as given, and v to see that it passes through.
    let qkv = Tensor::<2>::from_data(
        TensorData::new(
            interleave(&[q, k, q], heads, tokens),
            [tokens, 3 * heads.width()],
        ),
        &device,
    )
    .require_grad();
    let rotated = rope(qkv.clone(), &table, heads);
    let weights = interleave(&[d_rotated, &vec![0.0; q.len()], d_rotated], heads, tokens);
    let weights = Tensor::from_data(TensorData::new(weights, rotated.dims()), &device);
    let gradients = (rotated.clone() * weights).sum().backward();
    let gradient = values(qkv.grad(&gradients).ok_or("no gradient")?)?;
    let rotated = values(rotated.inner())?;
    let frequencies = RopeTable::frequencies(head_dim, theta);

    let passed = separate(&rotated, 2, heads, tokens) == q
        && separate(&gradient, 2, heads, tokens) == d_rotated;
    let fault = (!passed).then(|| "v did not pass through unchanged".to_owned());
    let mut checks = vec![Check::exact(format!("{id}: v"), fault)];
    let got = [
        ("q_rot", separate(&rotated, 0, heads, tokens)),
        ("k_rot", separate(&rotated, 1, heads, tokens)),
        ("dq", separate(&gradient, 0, heads, tokens)),
        ("cos", values(table.cos())?),
        ("sin", values(table.sin())?),
        (
            "inv_freq",
            frequencies
                .iter()
                .map(|&frequency| frequency as f32)
                .collect(),
        ),
    ];
    for (name, got) in got {
        let name = format!("output.{id}.{name}");
        let (shape, want) = io.tensors.floats(&name)?;
        checks.push(Check::values(&name, &got, want, io.noise(&name)));
        outputs.tensor(&name, shape, got);
    }
    Ok(checks)
}

/// `[heads, tokens, head_dim]` of each part to `[tokens, parts * heads * head_dim]`.
fn interleave(parts: &[&[f32]], heads: HeadShape, tokens: usize) -> Vec<f32> {
    let dim = heads.head_dim;
    let mut rows = Vec::new();
    for token in 0..tokens {
        for part in parts {
            for head in 0..heads.heads {
                let start = (head * tokens + token) * dim;
                rows.extend_from_slice(&part[start..start + dim]);
            }
        }
    }
    rows
}

/// One part of `[tokens, 3 * heads * head_dim]` as `[heads, tokens, head_dim]`.
fn separate(rows: &[f32], part: usize, heads: HeadShape, tokens: usize) -> Vec<f32> {
    let dim = heads.head_dim;
    let mut out = Vec::new();
    for head in 0..heads.heads {
        for token in 0..tokens {
            let start = token * 3 * heads.width() + part * heads.width() + head * dim;
            out.extend_from_slice(&rows[start..start + dim]);
        }
    }
    out
}
