//! Would catch: a shader that differs from the f64 loops, in any tile size, at the edges of tiles,
//! windows and sequences; one that writes beyond its tensor or depends on what was in memory
//! before; a run that does not repeat.
//!
//! These need a software adapter (Debian: mesa-vulkan-drivers) and fail without one, so they are
//! ignored by default; `.ci/run` runs them: `cargo test --lib wgsl -- --ignored`.

mod attention;
mod broken;
mod broken_adam;
mod checked;
pub(super) mod planted;
pub(super) mod watch;

use std::ops::Range;
use std::sync::LazyLock;

use burn::backend::ops::FloatTensorOps;
use burn::backend::wgpu::{CubeBackend, CubeTensor};
use burn::backend::{CubeDevice, DType, DispatchDevice, Flex};
use burn::cubecl::MemoryScope;
use burn::tensor::f16;
use burn::tensor::wgpu::WgpuBackend;
use burn::tensor::{Device, DeviceKind, Distribution, Shape, Tensor, TensorData};

use super::attention::Attention;
use super::rope::Rope;
use super::source::Elem;
use super::tiling::{Abilities, Tiling};
use super::tune::assume;
use crate::kernels::adam::AdamRule;
use crate::kernels::adam::tests as adam;
use crate::kernels::attention::{AttentionCall, HeadMix};
use crate::kernels::cross_entropy::Targets;
use crate::kernels::ops::{AttentionParts, EncoderOps};
use crate::kernels::rope::{Direction, RopeTable};
use crate::kernels::sequences::{HeadShape, Sequences};
use crate::kernels::tests::layers::{self, On};
use crate::kernels::tests::{
    Numbers, describe, doubles, error, floats, floor, primitive, probability_row, qkv,
};
use crate::kernels::tests::{gradients, mixed};
use crate::kernels::{attention as plain_attention, attention_backward, reference};

/// burn opens an adapter once in a process.
static SOFTWARE: LazyLock<Device> = LazyLock::new(|| {
    let device = Device::wgpu_options()
        .device_kind(DeviceKind::Cpu)
        .graphics_api(WgpuBackend::Vulkan)
        .init()
        .expect("a software adapter");
    let abilities = Abilities {
        software: true,
        subgroups: true,
        half: true,
    };
    assume(&device, abilities);
    device
});

fn device() -> CubeDevice {
    match SOFTWARE.as_dispatch() {
        DispatchDevice::Cube(device) => device.clone(),
        _ => unreachable!("wgpu's devices are cubecl's"),
    }
}

fn tensor<const D: usize>(values: &[f32], shape: [usize; D], elem: Elem) -> CubeTensor {
    let data = TensorData::new(values.to_vec(), shape);
    let data = match elem {
        Elem::F32 => data,
        Elem::F16 => data.convert_dtype(DType::F16),
    };
    CubeBackend::float_from_data(data, &device())
}

fn read(tensor: CubeTensor) -> Vec<f32> {
    let data = burn::backend::read_sync(CubeBackend::float_into_data(tensor)).unwrap();
    data.convert_dtype(DType::F32).try_into_vec().unwrap()
}

struct Adapter {
    of: fn(TensorData) -> CubeTensor,
    on: On<CubeBackend>,
}

const ADAPTER: Adapter = Adapter {
    of: |data| CubeBackend::float_from_data(data, &device()),
    on: On {
        tensor: |values, shape| {
            let data = TensorData::new(values.to_vec(), shape.to_vec());
            CubeBackend::float_from_data(data, &device())
        },
        read,
    },
};

/// The values as 16-bit floats hold them.
fn halves(values: &[f32]) -> Vec<f32> {
    values.iter().map(|&x| f16::from_f32(x).to_f32()).collect()
}

/// Every tiling, and one of them with subgroup operations.
const FORMS: [(Tiling, bool); 4] = [
    (Tiling::Small, false),
    (Tiling::Heavy, false),
    (Tiling::Wide, false),
    (Tiling::Wide, true),
];

fn in_form(qkv: &CubeTensor, call: &AttentionCall, form: (Tiling, bool)) -> Attention {
    Attention::for_tensor(qkv, call)
        .expect("there is a kernel")
        .in_form(form.0, form.1)
}

/// Lengths that end before, at and after the edges of tiles, and one of nothing.
fn calls() -> Vec<AttentionCall> {
    let mut calls = Vec::new();
    for (heads, head_dim, lengths) in [
        (3, 16, &[5, 0, 1, 9][..]),
        (2, 24, &[63, 64, 65]),
        (1, 64, &[130, 3]),
        (2, 32, &[257, 128]),
        (1, 128, &[70]),
        (1, 4, &[33]),
    ] {
        for half_window in [None, Some(0), Some(1), Some(7), Some(64), Some(1000)] {
            let shape = HeadShape { heads, head_dim };
            calls.push(AttentionCall::new(
                shape,
                Sequences::from_lengths(lengths),
                half_window,
            ));
        }
    }
    calls
}

fn lse(stats: &[f32]) -> Vec<f32> {
    let (max, log_sum) = stats.split_at(stats.len() / 2);
    let pairs = max.iter().zip(log_sum);
    pairs.map(|(max, log_sum)| max + log_sum).collect()
}

#[test]
#[ignore = "needs a software adapter"]
fn rope_agrees_with_the_loops_in_both_directions() {
    let cpu = Device::flex();
    for (heads, head_dim) in [(3, 16), (2, 64), (1, 40)] {
        let shape = HeadShape { heads, head_dim };
        let sequences = Sequences::from_lengths(&[1, 0, 50, 33]);
        let tokens = sequences.tokens();
        let values = Numbers(3).take(tokens * 3 * shape.width());
        let table = RopeTable::new(&sequences, head_dim, 10_000.0, &cpu);
        let tables = || {
            [table.cos(), table.sin()].map(|table| {
                let values: Vec<f32> = table.into_data().try_into_vec().unwrap();
                tensor(&values, [tokens, head_dim / 2], Elem::F32)
            })
        };
        for direction in [Direction::Forward, Direction::Backward] {
            let want = reference::rope(&doubles(&values), &sequences, shape, 10_000.0, direction);
            let input = tensor(&values, [tokens, 3 * shape.width()], Elem::F32);
            let rope = Rope::for_tensor(&input, shape).unwrap();
            // Held a second time, so it must not change in place.
            let held = input.clone();
            let got = rope.rotate(input, tables(), shape, direction);
            assert!(error(&read(got), &want) < 3e-7);
            assert_eq!(read(held), values);
        }
    }
}

#[test]
#[ignore = "needs a software adapter"]
fn products_agree_with_the_loops() {
    layers::assert_near(layers::products(&ADAPTER.on));
}

#[test]
#[ignore = "needs a software adapter"]
fn rows_agree_with_the_loops() {
    layers::assert_near(layers::rows(&ADAPTER.on));
}

#[test]
#[ignore = "needs a software adapter"]
fn the_vocabulary_agrees_with_the_loops() {
    layers::assert_near(layers::vocabulary(&ADAPTER.on));
}

#[test]
#[ignore = "needs a software adapter"]
fn updates_agree_with_the_loops() {
    for rule in AdamRule::ALL {
        let excess = adam::excess(&ADAPTER.on, adam::own::<CubeBackend>, rule, &adam::SHAPES);
        assert!(excess <= 1.0, "{rule:?}: {excess} times the allowed");
    }
}

#[test]
#[ignore = "needs a software adapter"]
fn a_banned_token_costs_nothing() {
    layers::assert_a_banned_token_costs_nothing(&ADAPTER.on);
}

/// Losses from 16-bit logits are off by what those were rounded by.
#[test]
#[ignore = "needs a software adapter"]
fn losses_of_half_precision_are_rounded_as_their_logits() {
    let (rows, width, entries) = (33, 16, 132);
    let [x, weight] = [rows, entries].map(|count| halves(&Numbers(9).take(count * width)));
    let bias = halves(&Numbers(11).take(entries));
    let targets: Vec<usize> = (0..rows).map(|row| row * 7 % entries).collect();
    let turned = reference::transpose(&doubles(&weight), width);
    let mut logits = reference::matmul(&doubles(&x), &turned, [rows, width, entries]);
    let largest = logits.iter().fold(0.0, |a: f64, b| a.max(b.abs()));
    for row in logits.chunks_exact_mut(entries) {
        let pairs = row.iter_mut().zip(&bias);
        pairs.for_each(|(logit, &bias)| *logit += f64::from(bias));
    }
    let (want, _) = reference::cross_entropy(&logits, &targets);
    let size = want.iter().fold(largest, |a: f64, b| a.max(b.abs()));
    let x = tensor(&x, [rows, width], Elem::F16);
    let weight = tensor(&weight, [entries, width], Elem::F16);
    let bias = tensor(&bias, [entries], Elem::F16);
    let parts = CubeBackend::cross_entropy(x, weight, bias, Targets::new(&targets));
    let off = error(&read(parts.losses), &want);
    assert!(off <= 3.0 * size * f64::powi(2.0, -11), "{off:e}");
}

#[test]
#[ignore = "needs a software adapter"]
fn two_runs_are_equal_to_the_bit() {
    let heads = HeadShape {
        heads: 3,
        head_dim: 64,
    };
    let call = AttentionCall::new(heads, Sequences::from_lengths(&[200, 77]), None);
    let (tokens, width) = (277, heads.width());
    let values = qkv(tokens, heads);
    let d_out = Numbers(7).take(tokens * width);
    let run = || {
        let input = || tensor(&values, [tokens, 3 * width], Elem::F32);
        let attention = Attention::for_tensor(&input(), &call).unwrap();
        let parts: AttentionParts<CubeBackend> = attention.forward(input(), &call);
        let d_out = tensor(&d_out, [tokens, width], Elem::F32);
        let out = read(parts.out.clone());
        let grad = attention.backward([input(), parts.out, parts.stats, d_out], &call);
        [out, read(grad)].concat()
    };
    let bits = |values: Vec<f32>| -> Vec<u32> { values.iter().map(|x| x.to_bits()).collect() };
    assert_eq!(bits(run()), bits(run()));
}

/// One of everything, small.
fn every_kernel(elem: Elem) {
    let heads = HeadShape {
        heads: 2,
        head_dim: 24,
    };
    let (tokens, width) = (75, heads.width());
    for half_window in [None, Some(5)] {
        let call = AttentionCall::new(heads, Sequences::from_lengths(&[41, 1, 33]), half_window);
        let values = qkv(tokens, heads);
        let d_out = Numbers(7).take(tokens * width);
        for form in FORMS {
            let input = || tensor(&values, [tokens, 3 * width], elem);
            let attention = in_form(&input(), &call, form);
            let parts: AttentionParts<CubeBackend> = attention.forward(input(), &call);
            attention.probabilities([input(), parts.stats.clone()], &call, 41..42, 41..42);
            attention.probabilities([input(), parts.stats.clone()], &call, 3..30, 0..41);
            let so_far = tensor(&[0.0; 27 * 41], [27, 41], Elem::F32);
            let mix = HeadMix::Sum(vec![0.5; 2]);
            let all = [so_far, input(), parts.stats.clone()];
            attention.mixed(all, &call, 3..30, 0..41, &mix);
            let d_out = tensor(&d_out, [tokens, width], elem);
            attention.backward([input(), parts.out, parts.stats, d_out], &call);
        }
    }
    let [x, weight, bias] = [[33, 16], [131, 16], [131, 1]]
        .map(|shape: [usize; 2]| tensor(&Numbers(9).take(shape[0] * shape[1]), shape, elem));
    let bias = CubeBackend::float_reshape(bias, Shape::new([131]));
    let targets = Targets::new(&(0..33).map(|row| 4 * row).collect::<Vec<_>>());
    let inputs = || (x.clone(), weight.clone(), bias.clone());
    let (x, weight, bias) = inputs();
    let parts = CubeBackend::cross_entropy(x, weight, bias, targets.clone());
    let (x, weight, bias) = inputs();
    CubeBackend::cross_entropy_backward(x, weight, bias, parts.stats, parts.losses, targets);
    if elem == Elem::F32 {
        layers::assert_near(layers::products(&ADAPTER.on));
        layers::assert_near(layers::rows(&ADAPTER.on));
        for rule in AdamRule::ALL {
            let shapes = &adam::SHAPES[..3];
            adam::excess(&ADAPTER.on, adam::own::<CubeBackend>, rule, shapes);
        }
    }
}

/// Bands behind every output stay untouched, every element of it is written.
#[test]
#[ignore = "needs a software adapter"]
fn kernels_write_all_of_their_outputs_and_nothing_else() {
    for elem in [Elem::F32, Elem::F16] {
        watch::watched(false, || every_kernel(elem));
    }
}

/// A launch whose bounds wgpu checks gives the same bytes: nothing is read outside either.
#[test]
#[ignore = "needs a software adapter"]
fn checked_shaders_give_the_same_bytes() {
    let checked = checked::Checked::open();
    for elem in [Elem::F32, Elem::F16] {
        checked.compare(&watch::watched(true, || every_kernel(elem)));
    }
}

/// Workgroup memory is not cleared between workgroups: what another kernel left must not matter.
#[test]
#[ignore = "needs a software adapter"]
fn what_was_in_workgroup_memory_does_not_matter() {
    const POISON: &str = "
var<workgroup> memory: array<vec4<f32>, 2048>;
@group(0) @binding(0) var<storage, read_write> out: array<f32>;
@group(0) @binding(1) var<storage, read> call: array<u32>;
@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let poison = bitcast<f32>(call[0]);
    for (var index = thread; index < 2048u; index += 64u) {
        memory[index] = vec4<f32>(poison);
    }
    workgroupBarrier();
    out[group.x * 64u + thread] = memory[(thread * 7u) % 2048u].x;
}
";
    let file = super::source::ShaderFile {
        name: "poison",
        text: POISON,
    };
    let shader = std::sync::Arc::new(super::source::Source::new(file, 64).compose());
    let heads = HeadShape {
        heads: 2,
        head_dim: 64,
    };
    let call = AttentionCall::new(heads, Sequences::from_lengths(&[70, 33]), Some(7));
    let (tokens, width) = (103, heads.width());
    let values = qkv(tokens, heads);
    let input = || tensor(&values, [tokens, 3 * width], Elem::F32);
    let run = || -> Vec<f32> {
        let attention = Attention::for_tensor(&input(), &call).unwrap();
        let parts: AttentionParts<CubeBackend> = attention.forward(input(), &call);
        let d_out = tensor(&values[..tokens * width], [tokens, width], Elem::F32);
        let out = read(parts.out.clone());
        [
            out,
            read(attention.backward([input(), parts.out, parts.stats, d_out], &call)),
        ]
        .concat()
    };
    let want = run();
    let poisoned = tensor(&[0.0; 64 * 64], [64, 64], Elem::F32);
    let write = [super::launch::Use::Write(&poisoned)];
    super::launch::launch(&shader, &write, &[f32::NAN.to_bits()], [64, 1, 1]);
    assert!(read(poisoned).iter().all(|value| value.is_nan()));
    assert_eq!(run(), want);
}

/// What is no number stays visible, and does not cross into another sequence.
#[test]
#[ignore = "needs a software adapter"]
fn what_is_no_number_shows() {
    let heads = HeadShape {
        heads: 1,
        head_dim: 16,
    };
    let call = AttentionCall::new(heads, Sequences::from_lengths(&[20, 20]), None);
    for bad in [f32::NAN, f32::INFINITY] {
        for part in 0..3 {
            let mut values = qkv(40, heads);
            // Row 5 of q, k or v.
            values[5 * 48 + part * 16 + 3] = bad;
            let input = tensor(&values, [40, 48], Elem::F32);
            let attention = Attention::for_tensor(&input, &call).unwrap();
            let parts: AttentionParts<CubeBackend> = attention.forward(input, &call);
            let out = read(parts.out);
            let (own, other) = out.split_at(20 * 16);
            let row = |row: usize| &own[row * 16..][..16];
            let shows = |row: &[f32]| row.iter().any(|value| !value.is_finite());
            assert!(shows(row(5)), "{bad} in part {part}");
            assert!(!shows(other), "{bad} in part {part}");
        }
    }
}

/// A thousand steps of the same size need no more memory than the first hundred.
#[test]
#[ignore = "needs a software adapter"]
fn memory_does_not_grow() {
    let heads = HeadShape {
        heads: 2,
        head_dim: 16,
    };
    let call = AttentionCall::new(heads, Sequences::from_lengths(&[40, 9]), Some(7));
    let device = SOFTWARE.clone();
    let input = Tensor::<2>::random([49, 96], Distribution::Default, &device);
    let input = input.autodiff().require_grad();
    // Each thread has memory of its own there: other tests do not count.
    let reserved = || {
        let client = self::device().client();
        client
            .memory_report(MemoryScope::CurrentStream)
            .usage()
            .bytes_reserved
    };
    let mut early = 0;
    for step in 0..1000 {
        let out = crate::kernels::attention(input.clone() * 0.5, &call).out;
        let loss = crate::kernels::geglu(out).sum();
        let gradient = input.grad(&loss.backward()).unwrap();
        if step % 50 == 0 {
            device.sync().unwrap();
            drop(gradient);
        }
        if step == 200 {
            early = reserved();
        }
    }
    device.sync().unwrap();
    let late = reserved();
    assert!(early > 0 && late <= early, "{early} bytes, then {late}");
}
