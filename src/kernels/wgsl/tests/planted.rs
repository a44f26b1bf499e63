//! Kernels that are wrong, slow or no WGSL at all, planted where the trial takes its shaders from:
//! none of them may be chosen, and none may end in anything but an error.

use std::cell::RefCell;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard};
use std::time::Duration;

use burn::tensor::wgpu::WgpuBackend;
use burn::tensor::{Device, DeviceKind, Tensor, TensorData};
use sha2::{Digest, Sha256};

use super::{ADAPTER, in_form, read, tensor};
use crate::kernels::attention::AttentionCall;
use crate::kernels::ops::AttentionParts;
use crate::kernels::sequences::{HeadShape, Sequences};
use crate::kernels::tests::{doubles, error, floor, layers, mixed, qkv};
use crate::kernels::wgsl::source::Elem;
use crate::kernels::wgsl::source::Shader;
use crate::kernels::wgsl::tiling::{Abilities, Tiling};
use crate::kernels::wgsl::tune::{Trial, Tuned, Tuning, assume, tune_within};
use crate::kernels::{DeviceFault, attention, linear, reference, values};
use burn::backend::wgpu::CubeBackend;

/// A device of its own: what is chosen here is chosen for no other test, and these wait for each
/// other, since a trial takes every form of a kernel in turn.
fn own() -> MutexGuard<'static, Device> {
    static OWN: LazyLock<Mutex<Device>> = LazyLock::new(|| {
        let device = Device::wgpu_options()
            .device_kind(DeviceKind::DefaultDevice)
            .graphics_api(WgpuBackend::Vulkan)
            .init()
            .expect("an adapter");
        Mutex::new(device)
    });
    OWN.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

type Edit = fn(&Shader) -> Option<String>;

thread_local! {
    static PLANTED: RefCell<Option<Edit>> = const { RefCell::new(None) };
}

/// The shader, or what was planted in its place.
pub(in crate::kernels::wgsl) fn planted(shader: Arc<Shader>) -> Arc<Shader> {
    let text = PLANTED.with_borrow(|edit| edit.and_then(|edit| edit(&shader)));
    match text {
        None => shader,
        Some(text) => Arc::new(Shader {
            id: Sha256::digest(text.as_bytes()).into(),
            text,
            ..(*shader).clone()
        }),
    }
}

fn with<T>(edit: Edit, work: impl FnOnce() -> T) -> T {
    PLANTED.set(Some(edit));
    let result = work();
    PLANTED.set(None);
    result
}

/// Of three tilings the heavy ones: few invocations with large parts.
fn is_heavy(shader: &Shader) -> bool {
    match shader.name {
        "matmul" => shader.text.contains("const ROWS: u32 = 128u") && shader.threads == 64,
        "attention_forward" => shader.threads == 32,
        "attention_grad_q" | "attention_grad_kv" => shader.threads == 16,
        _ => false,
    }
}

fn replaced(shader: &Shader, from: &str, to: &str) -> Option<String> {
    assert!(shader.text.contains(from), "{}: no {from:?}", shader.name);
    Some(shader.text.replacen(from, to, 1))
}

fn wrong(shader: &Shader) -> Option<String> {
    match shader.name {
        _ if !is_heavy(shader) => None,
        "matmul" => replaced(shader, "results[at] +=", "results[at] -="),
        _ => replaced(
            shader,
            "block[m * COLUMN_PART + n] += vec4",
            "block[m * COLUMN_PART + n] -= vec4",
        ),
    }
}

fn wrong_gradient(shader: &Shader) -> Option<String> {
    match shader.name.starts_with("attention_grad") {
        true => wrong(shader),
        false => None,
    }
}

fn no_wgsl(shader: &Shader) -> Option<String> {
    is_heavy(shader).then(|| shader.text.replacen("fn main(", "fn main(is no WGSL ", 1))
}

/// No more than 65,535 rounds of all loops together: that is where lavapipe ends them.
fn slow(shader: &Shader) -> Option<String> {
    const BUSY: &str = "var busy = f32(thread);
    for (var i = 0u; i < 30000u; i++) {
        busy = fract(sin(busy) + cos(busy) + sin(busy + 1.0) + cos(busy + 1.0));
        busy = fract(sin(busy) + cos(busy) + sin(busy + 1.0) + cos(busy + 1.0));
    }
    let thread_row = (thread + select(0u, 1u, busy > 2.0)) / COLUMN_THREADS;";
    match is_heavy(shader) {
        true => replaced(shader, "let thread_row = thread / COLUMN_THREADS;", BUSY),
        false => None,
    }
}

/// The choice of kernels with `edit` planted.
fn tuned(edit: Edit, budget: Duration) -> Tuning {
    let abilities = Abilities {
        software: true,
        ..Abilities::default()
    };
    let device = own();
    assume(&device, abilities);
    let tuning = with(edit, || tune_within(budget, &device, &mut |_, _| true));
    tuning.unwrap().expect("an adapter has kernels to choose")
}

/// What became of the planted kernels, of which there is one for each of `kinds`.
fn heavy<'a>(tuning: &'a Tuning, kinds: &[Tuned]) -> Vec<&'a Trial> {
    let of_heavy = |trial: &&Trial| trial.form.tiling == Some(Tiling::Heavy);
    let trials: Vec<_> = tuning
        .trials
        .iter()
        .filter(of_heavy)
        .filter(|trial| kinds.contains(&trial.tuned))
        .collect();
    assert_eq!(trials.len(), kinds.len(), "{:?}", tuning.trials);
    trials
}

#[test]
#[ignore = "needs a software adapter"]
fn a_wrong_or_slow_kernel_is_never_chosen() {
    let forward = [Tuned::Matmul, Tuned::Attention];
    let gradient = [Tuned::AttentionGrad];
    let bad: [(&str, Edit, &[Tuned]); 3] = [
        ("wrong", wrong, &forward),
        ("wrong gradient", wrong_gradient, &gradient),
        ("no WGSL", no_wgsl, &forward),
    ];
    for (what, edit, kinds) in bad {
        let tuning = tuned(edit, Duration::from_secs(1));
        for trial in heavy(&tuning, kinds) {
            let refused = trial.error > 1.0 && trial.seconds.is_none() && !trial.chosen;
            assert!(refused, "{what}: {trial:?}");
        }
        let choice = tuning.choice;
        for &kind in kinds {
            let chosen = match kind {
                Tuned::Matmul => choice.matmul,
                Tuned::Attention => choice.attention,
                Tuned::AttentionGrad => Some(choice.attention_grad),
            };
            assert_ne!(chosen, Some(Tiling::Heavy), "{what}: {kind:?}");
        }
    }
    let tuning = tuned(slow, Duration::from_secs(20));
    for trial in heavy(&tuning, &forward) {
        let late = trial.error <= 1.0 && trial.seconds.is_some() && !trial.chosen;
        assert!(late, "{trial:?}");
    }
}

#[test]
#[ignore = "needs a software adapter"]
fn a_shader_that_does_not_compile_is_an_error_and_the_device_goes_on() {
    let device = own();
    let ones = |rows: usize| {
        let data = TensorData::new(vec![1.0f32; rows * 8], [rows, 8]);
        Tensor::<2>::from_data(data, &*device)
    };
    let broken: Edit = |shader| Some(shader.text.replacen("fn main(", "fn main(is no WGSL ", 1));
    let fault = with(broken, || values(linear(ones(8), ones(4)))).unwrap_err();
    assert!(matches!(fault, DeviceFault::Shader(_)), "{fault}");
    assert_eq!(values(linear(ones(8), ones(4))), Ok(vec![8.0; 32]));
}

/// The second pass writes into the same tensor as the first, and must not hide that it failed.
#[test]
#[ignore = "needs a software adapter"]
fn half_a_gradient_is_an_error() {
    let heads = HeadShape {
        heads: 1,
        head_dim: 16,
    };
    let call = AttentionCall::new(heads, Sequences::from_lengths(&[9]), None);
    let device = own();
    let gradient = || {
        let qkv = Tensor::<2>::ones([9, 48], &*device)
            .autodiff()
            .require_grad();
        let loss = attention(qkv.clone(), &call).out.sum();
        values(qkv.grad(&loss.backward()).expect("a gradient reaches qkv"))
    };
    for pass in ["attention_grad_q", "attention_grad_kv"] {
        let broken: Edit = match pass {
            "attention_grad_q" => |shader| no_wgsl_if(shader, "attention_grad_q"),
            _ => |shader| no_wgsl_if(shader, "attention_grad_kv"),
        };
        let fault = with(broken, gradient).unwrap_err();
        assert!(matches!(fault, DeviceFault::Shader(_)), "{pass}: {fault}");
    }
    assert!(gradient().is_ok());
}

fn no_wgsl_if(shader: &Shader, name: &str) -> Option<String> {
    (shader.name == name).then(|| shader.text.replacen("fn main(", "fn main(is no WGSL ", 1))
}

/// Where invocations of a row turn out not to be neighbours in a subgroup.
#[test]
#[ignore = "needs a software adapter"]
fn without_neighbours_rows_are_reduced_through_memory() {
    let apart: Edit = |shader| {
        let text = &shader.text;
        shader.subgroups.then(|| {
            assert!(text.contains("neighbours = true;"));
            text.replacen("neighbours = true;", "neighbours = thread == 999u;", 1)
        })
    };
    let heads = HeadShape {
        heads: 2,
        head_dim: 32,
    };
    let call = AttentionCall::new(heads, Sequences::from_lengths(&[70, 33]), Some(20));
    let numbers = qkv(103, heads);
    let want = reference::attention(&doubles(&numbers), &call).out;
    let out = with(apart, || {
        let input = tensor(&numbers, [103, 3 * heads.width()], Elem::F32);
        let parts: AttentionParts<CubeBackend> =
            in_form(&input, &call, (Tiling::Wide, true)).forward(input, &call);
        read(parts.out)
    });
    assert!(error(&out, &want) <= 1e-6 + floor(&want));
}

/// Mistakes in shaders whose comparisons are shared with the CPU.
#[test]
#[ignore = "needs a software adapter"]
fn mistakes_in_mixing_and_cross_entropy_are_seen() {
    let mistakes: [(&str, Edit); 7] = [
        ("a head left out", |shader| {
            edited(
                shader,
                "attention_mixed",
                "var head = 0u;",
                "var head = 1u;",
            )
        }),
        ("layers not added", |shader| {
            edited(
                shader,
                "attention_mixed",
                "var value = mixed[at];",
                "var value = 0.0;",
            )
        }),
        ("the sum not rescaled", |shader| {
            edited(shader, "cross_entropy", " * exp(before - largest)", "")
        }),
        ("the bias of another chunk", |shader| {
            edited(
                shader,
                "cross_entropy",
                "bias[call.first + column]",
                "bias[column]",
            )
        }),
        ("the target not seen", |shader| {
            edited(
                shader,
                "cross_entropy",
                "if column < call.columns {",
                "if column == 99999u {",
            )
        }),
        ("the target not taken off", |shader| {
            edited(shader, "cross_entropy_grad", "probability -= 1.0;", "")
        }),
        ("the gradient not scaled", |shader| {
            edited(
                shader,
                "cross_entropy_grad",
                "probability * d_loss",
                "probability",
            )
        }),
    ];
    for (what, edit) in mistakes {
        let seen = with(edit, || {
            let compare = || match what.contains("head") || what.contains("layers") {
                true => mixed::assert_near(&ADAPTER.on),
                false => layers::assert_near(layers::vocabulary(&ADAPTER.on)),
            };
            std::panic::catch_unwind(compare).is_err()
        });
        PLANTED.set(None);
        assert!(seen, "{what}");
    }
}

fn edited(shader: &Shader, name: &str, from: &str, to: &str) -> Option<String> {
    match shader.name == name {
        true => replaced(shader, from, to),
        false => None,
    }
}
