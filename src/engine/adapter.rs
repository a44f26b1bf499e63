//! Lists the adapters that wgpu finds on this machine.

use std::ffi::OsString;
use std::fmt;

use burn::tensor::DeviceKind;
use burn::tensor::wgpu::WgpuBackend;
use serde::Serialize;

/// What kind of hardware a device is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A graphics card with memory of its own.
    DiscreteGpu,
    /// A GPU that shares the processor's memory.
    IntegratedGpu,
    /// A GPU passed through to a virtual machine.
    VirtualGpu,
    /// A GPU of a kind that its driver does not tell.
    OtherGpu,
    /// A driver that computes on the processor.
    Software,
    /// The processor itself.
    Cpu,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::DiscreteGpu => "discrete GPU",
            Self::IntegratedGpu => "integrated GPU",
            Self::VirtualGpu => "virtual GPU",
            Self::OtherGpu => "GPU",
            Self::Software => "software adapter",
            Self::Cpu => "CPU",
        })
    }
}

/// An adapter that wgpu finds on this machine.
#[derive(Debug, Clone, Serialize)]
pub struct Adapter {
    /// How to ask for it: `gpu:N` or `software`; `None` if it cannot be chosen, because the same
    /// hardware is reached through another graphics API.
    pub choice: Option<String>,
    /// The hardware's name.
    pub name: String,
    /// What kind it is.
    pub kind: Kind,
    /// The graphics API.
    pub api: String,
    /// Name and version of the driver.
    pub driver: String,
    /// Limits that decide what fits, as the adapter reports them.
    pub limits: Limits,
    /// Optional abilities that matter to computing, by wgpu's names.
    pub features: Vec<String>,
    /// burn's name for it.
    #[serde(skip)]
    pub(super) device_kind: DeviceKind,
    /// The API through which it was found.
    #[serde(skip)]
    pub(super) graphics_api: WgpuBackend,
}

/// The limits of an adapter that decide what fits.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Limits {
    /// Largest buffer, in bytes.
    pub buffer_bytes: u64,
    /// Largest part of a buffer that a shader can reach, in bytes.
    pub binding_bytes: u64,
    /// Memory that a workgroup shares, in bytes.
    pub workgroup_bytes: u32,
    /// Invocations in a workgroup.
    pub invocations: u32,
    /// Storage buffers per shader.
    pub storage_buffers: u32,
}

/// The features worth listing.
const FEATURES: [wgpu::Features; 4] = [
    wgpu::Features::SHADER_F16,
    wgpu::Features::SUBGROUP,
    wgpu::Features::EXPERIMENTAL_COOPERATIVE_MATRIX,
    wgpu::Features::TIMESTAMP_QUERY,
];

/// Graphics APIs in the order in which they are tried.
const APIS: [(wgpu::Backend, WgpuBackend); 4] = [
    (wgpu::Backend::Vulkan, WgpuBackend::Vulkan),
    (wgpu::Backend::Metal, WgpuBackend::Metal),
    (wgpu::Backend::Dx12, WgpuBackend::Dx12),
    (wgpu::Backend::Gl, WgpuBackend::Gl),
];

/// All adapters, the API that will be used first.
pub fn adapters() -> Vec<Adapter> {
    listed(true)
}

/// The adapters that can be chosen, as [`adapters`] numbers them.
///
/// APIs behind the one that is used are not asked: their drivers may take long, or speak to the person
/// at the terminal.
pub(super) fn choosable() -> Vec<Adapter> {
    let mut listed = listed(false);
    listed.retain(|adapter| adapter.choice.is_some());
    listed
}

fn listed(all: bool) -> Vec<Adapter> {
    let is_gpu = |adapter: &wgpu::Adapter| adapter.get_info().device_type != wgpu::DeviceType::Cpu;
    let apis = APIS.into_iter().filter(|(backend, _)| {
        *backend != wgpu::Backend::Gl || has_session(|name| std::env::var_os(name))
    });
    let found = probed(apis, all, &mut of_backend, &is_gpu);
    // One API serves all devices: the first with a GPU, else the first with anything.
    let used = found
        .iter()
        .find(|(_, adapters)| adapters.iter().any(is_gpu))
        .or(found.first())
        .map(|(api, _)| *api);
    let mut listed = Vec::new();
    for (api, adapters) in &found {
        let mut numbers = Numbers::default();
        for adapter in adapters {
            listed.push(numbers.describe(adapter, *api, Some(*api) == used));
        }
    }
    listed.sort_by_key(|adapter| adapter.choice.is_none());
    listed
}

/// Keeps drivers from writing to standard error where there is no session of a person: switches off
/// Mesa's layer that asks the session which device it draws with.
///
/// # Safety
/// As [`std::env::set_var`]: no other thread may read or write the environment meanwhile, so that a
/// program does this before it starts any.
pub unsafe fn quiet_drivers() {
    if !has_session(|name| std::env::var_os(name)) {
        // SAFETY: as the caller guarantees.
        unsafe { std::env::set_var("NODEVICE_SELECT", "1") };
    }
}

fn of_backend(backend: wgpu::Backend) -> Vec<wgpu::Adapter> {
    let descriptor = wgpu::InstanceDescriptor {
        backends: backend.into(),
        ..wgpu::InstanceDescriptor::new_without_display_handle()
    };
    let instance = wgpu::Instance::new(descriptor);
    pollster::block_on(instance.enumerate_adapters(backend.into()))
}

/// What each API has, of those that have anything; without `all`, up to the first with a GPU.
fn probed<T>(
    apis: impl Iterator<Item = (wgpu::Backend, WgpuBackend)>,
    all: bool,
    of_backend: &mut dyn FnMut(wgpu::Backend) -> Vec<T>,
    is_gpu: &dyn Fn(&T) -> bool,
) -> Vec<(WgpuBackend, Vec<T>)> {
    let mut found: Vec<(WgpuBackend, Vec<T>)> = Vec::new();
    for (backend, api) in apis {
        let adapters = of_backend(backend);
        let enough = !all && adapters.iter().any(is_gpu);
        if !adapters.is_empty() {
            found.push((api, adapters));
        }
        if enough {
            break;
        }
    }
    found
}

/// Whether a person's session could be there, by the variables that name it. Where none is, what looks
/// for it on Linux complains on standard error: the library below GL, and a layer of Mesa's above Vulkan.
fn has_session(variable: impl Fn(&str) -> Option<OsString>) -> bool {
    let is_set = |name| variable(name).is_some_and(|value| !value.is_empty());
    let mut names = ["DISPLAY", "WAYLAND_DISPLAY", "XDG_RUNTIME_DIR"].into_iter();
    !cfg!(target_os = "linux") || names.any(is_set)
}

/// Numbers adapters of one API: all GPUs together for the user, each kind apart for burn.
#[derive(Default)]
struct Numbers {
    gpus: usize,
    kinds: [usize; 3],
}

impl Numbers {
    fn describe(
        &mut self,
        adapter: &wgpu::Adapter,
        graphics_api: WgpuBackend,
        used: bool,
    ) -> Adapter {
        let info = adapter.get_info();
        let (kind, device_kind) = match info.device_type {
            wgpu::DeviceType::DiscreteGpu => {
                (Kind::DiscreteGpu, DeviceKind::DiscreteGpu(self.next(0)))
            }
            wgpu::DeviceType::IntegratedGpu => {
                (Kind::IntegratedGpu, DeviceKind::IntegratedGpu(self.next(1)))
            }
            wgpu::DeviceType::VirtualGpu => {
                (Kind::VirtualGpu, DeviceKind::VirtualGpu(self.next(2)))
            }
            wgpu::DeviceType::Cpu => (Kind::Software, DeviceKind::Cpu),
            wgpu::DeviceType::Other => (Kind::OtherGpu, DeviceKind::DefaultDevice),
        };
        let choice = match kind {
            Kind::Software => "software".to_owned(),
            _ => {
                self.gpus += 1;
                format!("gpu:{}", self.gpus - 1)
            }
        };
        let limits = adapter.limits();
        let features = adapter.features();
        let names = FEATURES
            .iter()
            .filter(|feature| features.contains(**feature));
        Adapter {
            choice: used.then_some(choice),
            name: info.name,
            kind,
            api: info.backend.to_string(),
            driver: format!("{} {}", info.driver, info.driver_info)
                .trim()
                .to_owned(),
            limits: Limits {
                buffer_bytes: limits.max_buffer_size,
                binding_bytes: limits.max_storage_buffer_binding_size,
                workgroup_bytes: limits.max_compute_workgroup_storage_size,
                invocations: limits.max_compute_invocations_per_workgroup,
                storage_buffers: limits.max_storage_buffers_per_shader_stage,
            },
            features: names
                .flat_map(|feature| feature.iter_names().map(|(n, _)| n.to_owned()))
                .collect(),
            device_kind,
            graphics_api,
        }
    }

    fn next(&mut self, kind: usize) -> usize {
        self.kinds[kind] += 1;
        self.kinds[kind] - 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn apis_behind_the_first_with_a_gpu_are_not_asked() {
        let asked = |gpus: [usize; 4], all| {
            let mut asked = Vec::new();
            let mut gpus = gpus.into_iter();
            let mut of_backend = |backend| {
                asked.push(backend);
                let count = gpus.next().unwrap_or_default();
                // Beside a software adapter.
                (0..=count).map(|number| number > 0).collect::<Vec<bool>>()
            };
            let found = probed(APIS.into_iter(), all, &mut of_backend, &|is_gpu| *is_gpu);
            assert_eq!(found.len(), asked.len());
            asked.len()
        };
        assert_eq!(asked([1, 0, 0, 0], false), 1);
        assert_eq!(asked([0, 0, 2, 0], false), 3);
        assert_eq!(asked([0, 0, 0, 0], false), 4);
        assert_eq!(asked([1, 0, 0, 0], true), 4);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_session_is_seen_by_its_variables() {
        let with = |set: &'static str, value: &'static str| {
            has_session(|name| (name == set).then(|| value.into()))
        };
        assert!(with("DISPLAY", ":0") && with("XDG_RUNTIME_DIR", "/run/user/0"));
        assert!(!with("DISPLAY", "") && !with("HOME", "/root"));
    }
}
