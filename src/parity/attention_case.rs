//! Cases with attention alone: q, k, v and the output's gradient in, everything out.

use burn::tensor::{Device, Tensor, TensorData};
use serde::Deserialize;

use super::ParityError;
use super::case::{Case, Io};
use super::compare::Check;
use super::outputs::Outputs;
use super::tensors::values;
use crate::kernels::{AttentionCall, HeadShape, Sequences, attention};

/// What `cases.json` says of one computation.
#[derive(Debug, Deserialize)]
struct Parameters {
    file: String,
    #[serde(rename = "B")]
    batch: usize,
    #[serde(rename = "H")]
    heads: usize,
    #[serde(rename = "S")]
    length: usize,
    #[serde(rename = "D")]
    head_dim: usize,
    half_window: Option<usize>,
    scale: f32,
    lengths: Option<Vec<usize>>,
    cu_seqlens: Option<Vec<usize>>,
}

/// Runs every computation of the case; `None` if it is not of this kind.
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
    all.values()
        .all(|one| one.get("half_window").is_some())
        .then(|| {
            let mut checks = Vec::new();
            for (id, one) in all {
                let parameters = Parameters::deserialize(one)
                    .map_err(|error| ParityError::new(&case.folder.join("cases.json"), error))?;
                checks.extend(run_one(case, id, &parameters, device, outputs)?);
            }
            Ok(checks)
        })
}

fn run_one(
    case: &Case,
    id: &str,
    parameters: &Parameters,
    device: &Device,
    outputs: &mut Outputs,
) -> Result<Vec<Check>, ParityError> {
    let failed = |reason: String| ParityError::new(&case.folder.join(&parameters.file), reason);
    let stem = parameters.file.trim_end_matches(".safetensors");
    let io = Io::read(&case.folder, stem, &format!("noise-{stem}.json"))?;
    let input = |name: &str| {
        io.tensors
            .floats(&format!("input.{id}.{name}"))
            .map_err(failed)
    };
    let packing = Packing::new(parameters);
    let qkv = packing.pack(&[input("q")?.1, input("k")?.1, input("v")?.1]);
    let tokens = packing.rows.len();
    let width = parameters.heads * parameters.head_dim;
    let tensor = |values: Vec<f32>, columns: usize| {
        Tensor::<2>::from_data(
            TensorData::new(values, [tokens, columns]),
            &device.clone().autodiff(),
        )
    };
    let qkv = tensor(qkv, 3 * width).require_grad();
    let d_out = tensor(packing.pack(&[input("do")?.1]), width);

    let result = attention(qkv.clone(), &packing.call);
    let gradients = (result.out.clone() * d_out).sum().backward();
    let d_qkv = qkv
        .grad(&gradients)
        .ok_or_else(|| failed("no gradient".to_owned()))?;
    let d_qkv = values(d_qkv).map_err(failed)?;
    let part = |index: usize| -> Vec<f32> {
        let rows = d_qkv.chunks_exact(3 * width);
        rows.flat_map(|row| row[index * width..(index + 1) * width].to_vec())
            .collect()
    };

    let lse = packing.unpack_lse(&values(result.lse().inner()).map_err(failed)?);
    let out = values(result.out.inner()).map_err(failed)?;
    let got = [
        ("o", packing.unpack(&out)),
        ("lse", lse),
        ("dq", packing.unpack(&part(0))),
        ("dk", packing.unpack(&part(1))),
        ("dv", packing.unpack(&part(2))),
    ];
    let mut checks = Vec::new();
    for (name, got) in got {
        let name = format!("output.{id}.{name}");
        let (shape, want) = io.tensors.floats(&name).map_err(failed)?;
        checks.push(Check::values(&name, &got, want, io.noise(&name)));
        outputs.tensor(&name, shape, got);
    }
    Ok(checks)
}

/// Between `[batch, heads, length, head_dim]` with padding and packed rows.
struct Packing<'a> {
    parameters: &'a Parameters,
    /// Batch entry and position of each packed row.
    rows: Vec<(usize, usize)>,
    call: AttentionCall,
}

impl<'a> Packing<'a> {
    fn new(parameters: &'a Parameters) -> Self {
        let Parameters { batch, length, .. } = *parameters;
        let lengths: Vec<usize> = match (&parameters.lengths, &parameters.cu_seqlens) {
            (Some(lengths), _) => lengths.clone(),
            (None, Some(bounds)) => bounds.windows(2).map(|pair| pair[1] - pair[0]).collect(),
            (None, None) => vec![length; batch],
        };
        let rows = match &parameters.cu_seqlens {
            Some(bounds) => (0..bounds.last().copied().unwrap_or(0))
                .map(|row| (0, row))
                .collect(),
            None => {
                let own = lengths.iter().enumerate();
                own.flat_map(|(entry, &length)| (0..length).map(move |row| (entry, row)))
                    .collect()
            }
        };
        let heads = HeadShape {
            heads: parameters.heads,
            head_dim: parameters.head_dim,
        };
        let mut call = AttentionCall::new(
            heads,
            Sequences::from_lengths(&lengths),
            parameters.half_window,
        );
        call.scale = parameters.scale;
        Self {
            parameters,
            rows,
            call,
        }
    }

    /// Where the row of a head begins in the padded layout, in rows.
    fn place(&self, (entry, position): (usize, usize), head: usize) -> usize {
        (entry * self.parameters.heads + head) * self.parameters.length + position
    }

    /// Packed rows, the heads of each part side by side, one part after the other.
    fn pack(&self, parts: &[&[f32]]) -> Vec<f32> {
        let dim = self.parameters.head_dim;
        let mut packed = Vec::new();
        for &row in &self.rows {
            for part in parts {
                for head in 0..self.parameters.heads {
                    let start = self.place(row, head) * dim;
                    packed.extend_from_slice(&part[start..start + dim]);
                }
            }
        }
        packed
    }

    /// The padded layout, zeros at padding, of packed `[tokens, heads * head_dim]`.
    fn unpack(&self, packed: &[f32]) -> Vec<f32> {
        let Parameters {
            batch,
            heads,
            length,
            head_dim: dim,
            ..
        } = *self.parameters;
        let mut padded = vec![0.0; batch * heads * length * dim];
        for (index, &row) in self.rows.iter().enumerate() {
            for head in 0..heads {
                let from = (index * heads + head) * dim;
                let to = self.place(row, head) * dim;
                padded[to..to + dim].copy_from_slice(&packed[from..from + dim]);
            }
        }
        padded
    }

    /// The padded layout of `[heads, tokens]`.
    fn unpack_lse(&self, lse: &[f32]) -> Vec<f32> {
        let Parameters {
            batch,
            heads,
            length,
            ..
        } = *self.parameters;
        let mut padded = vec![0.0; batch * heads * length];
        for (index, &row) in self.rows.iter().enumerate() {
            for head in 0..heads {
                padded[self.place(row, head)] = lse[head * self.rows.len() + index];
            }
        }
        padded
    }
}
