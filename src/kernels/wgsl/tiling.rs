//! Sizes of tiles, and which of them each device uses.

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex, MutexGuard};

use burn::backend::CubeDevice;
use burn::backend::wgpu::CubeTensor;
use serde::{Deserialize, Serialize};

/// How a kernel divides its work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Tiling {
    /// Small tiles: WebGPU's default limits, so that it runs on every adapter.
    Small,
    /// Large tiles, few invocations with many numbers each: where loads are dear.
    Heavy,
    /// Large tiles, many invocations: what keeps a GPU busy.
    Wide,
}

impl Tiling {
    /// Every tiling, the least demanding first.
    pub const ALL: [Self; 3] = [Self::Small, Self::Heavy, Self::Wide];

    /// Workgroup memory that a kernel may use, in bytes.
    pub fn workgroup_bytes(self) -> usize {
        match self {
            Self::Small => 16 << 10,
            Self::Heavy | Self::Wide => 32 << 10,
        }
    }
}

/// What a device can do beyond WebGPU's default, and what it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Abilities {
    /// It computes on the processor.
    pub software: bool,
    /// Its shaders know subgroup operations.
    pub subgroups: bool,
    /// Its shaders know 16-bit floats.
    pub half: bool,
}

/// The kernels of a device. `None` stands for burn's own operations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Choice {
    /// Attention, forward.
    pub attention: Option<Tiling>,
    /// Whether its rows are reduced by subgroup operations.
    pub attention_subgroups: bool,
    /// Its gradients; both passes round alike, so they go with the forward pass if that is `None`.
    pub attention_grad: Tiling,
    /// The products of linear layers.
    pub matmul: Option<Tiling>,
    /// Pairs of query and key, times the width of all heads, that one dispatch of attention visits.
    pub attention_per_dispatch: usize,
    /// Multiplications that one dispatch of a linear layer does.
    pub matmul_per_dispatch: usize,
}

impl Choice {
    /// What is taken until something was measured.
    fn unmeasured(device: &CubeDevice, abilities: Abilities) -> Self {
        let room = workgroup_bytes(device) >= Tiling::Wide.workgroup_bytes();
        let tiling = match (room, abilities.software) {
            (false, _) => Tiling::Small,
            (true, true) => Tiling::Heavy,
            (true, false) => Tiling::Wide,
        };
        Self {
            attention: Some(tiling),
            attention_subgroups: false,
            attention_grad: tiling,
            matmul: Some(tiling),
            // About 50 ms on a GPU that reaches 100 GFLOP/s: a driver stops what takes seconds.
            attention_per_dispatch: 500_000_000,
            matmul_per_dispatch: 2_500_000_000,
        }
    }
}

static DEVICES: LazyLock<Mutex<HashMap<CubeDevice, (Abilities, Choice)>>> =
    LazyLock::new(Mutex::default);

/// What the device of `tensor` uses.
pub(super) fn choice(tensor: &CubeTensor) -> Choice {
    chosen(&tensor.device)
}

/// What is known of `device`.
fn known(device: &CubeDevice) -> (Abilities, Choice) {
    *locked().entry(device.clone()).or_insert_with(|| {
        let abilities = Abilities::default();
        (abilities, Choice::unmeasured(device, abilities))
    })
}

fn locked() -> MutexGuard<'static, HashMap<CubeDevice, (Abilities, Choice)>> {
    DEVICES
        .lock()
        .unwrap_or_else(|poisoned| poisoned.into_inner())
}

/// What `device` uses.
pub(super) fn chosen(device: &CubeDevice) -> Choice {
    known(device).1
}

/// What `device` can do.
pub(super) fn abilities(device: &CubeDevice) -> Abilities {
    known(device).0
}

/// Sets what `device` can do, and that nothing was measured on it.
pub(super) fn assume(device: CubeDevice, abilities: Abilities) {
    let choice = Choice::unmeasured(&device, abilities);
    locked().insert(device, (abilities, choice));
}

/// The tilings that `device` has room for.
pub(super) fn fits(device: &CubeDevice) -> Vec<Tiling> {
    let bytes = workgroup_bytes(device);
    let fits = |tiling: &Tiling| tiling.workgroup_bytes() <= bytes;
    Tiling::ALL.into_iter().filter(fits).collect()
}

fn workgroup_bytes(device: &CubeDevice) -> usize {
    device.client().properties().hardware.max_shared_memory_size
}

/// Sets what `device` uses from now on.
pub(super) fn choose(device: CubeDevice, choice: Choice) {
    let abilities = abilities(&device);
    locked().insert(device, (abilities, choice));
}
