//! Lists the adapters that wgpu finds on this machine.

use std::ffi::OsString;
use std::fmt;

use serde::Serialize;

use super::instance::enumerate;

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
    /// How to ask for it: `gpu:N` or `software`; `None` if it cannot be chosen: the same hardware is
    /// reached through another graphics API, or it lacks something.
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
    /// Which limit is too low to compute there.
    pub lacks: Option<String>,
    /// The API through which it was found,
    #[serde(skip)]
    pub(super) backend: wgpu::Backend,
    /// and its number there.
    #[serde(skip)]
    pub(super) index: usize,
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

impl Limits {
    /// Which limit is below what kernels rely on, WebGPU's default: `None` if all are enough.
    pub(super) fn lacks(&self) -> Option<String> {
        let defaults = wgpu::Limits::default();
        let needed: [(&str, u64, u64); 4] = [
            (
                "bytes in a binding",
                self.binding_bytes,
                defaults.max_storage_buffer_binding_size,
            ),
            (
                "bytes of workgroup memory",
                self.workgroup_bytes.into(),
                defaults.max_compute_workgroup_storage_size.into(),
            ),
            (
                "invocations in a workgroup",
                self.invocations.into(),
                defaults.max_compute_invocations_per_workgroup.into(),
            ),
            (
                "storage buffers in a shader",
                self.storage_buffers.into(),
                defaults.max_storage_buffers_per_shader_stage.into(),
            ),
        ];
        let mut short = needed.into_iter().filter(|(_, has, needs)| has < needs);
        short
            .next()
            .map(|(what, has, needs)| format!("it has {has} {what}, and {needs} are needed"))
    }
}

/// The features worth listing.
const FEATURES: [wgpu::Features; 4] = [
    wgpu::Features::SHADER_F16,
    wgpu::Features::SUBGROUP,
    wgpu::Features::EXPERIMENTAL_COOPERATIVE_MATRIX,
    wgpu::Features::TIMESTAMP_QUERY,
];

/// Graphics APIs in the order in which they are tried.
const APIS: [wgpu::Backend; 4] = [
    wgpu::Backend::Vulkan,
    wgpu::Backend::Metal,
    wgpu::Backend::Dx12,
    wgpu::Backend::Gl,
];

/// All adapters, the API that will be used first.
pub fn adapters() -> Vec<Adapter> {
    listed(true)
}

/// The adapters that can be chosen, as [`adapters`] numbers them, and those that lack something.
///
/// APIs behind the one that is used are not asked: their drivers may take long, or speak to the person
/// at the terminal.
pub(super) fn choosable() -> Vec<Adapter> {
    let mut listed = listed(false);
    listed.retain(|adapter| adapter.choice.is_some() || adapter.lacks.is_some());
    listed
}

fn listed(all: bool) -> Vec<Adapter> {
    let is_gpu = |adapter: &wgpu::Adapter| adapter.get_info().device_type != wgpu::DeviceType::Cpu;
    let apis = APIS.into_iter().filter(|backend| {
        *backend != wgpu::Backend::Gl || has_session(|name| std::env::var_os(name))
    });
    let found = probed(apis, all, &mut enumerate, &is_gpu);
    // One API serves all devices: the first with a GPU, else the first with anything.
    let used = found
        .iter()
        .find(|(_, adapters)| adapters.iter().any(is_gpu))
        .or(found.first())
        .map(|(api, _)| *api);
    let mut listed = Vec::new();
    for (api, adapters) in &found {
        let mut gpus = 0;
        for (index, adapter) in adapters.iter().enumerate() {
            let mut described = describe(adapter, *api, index);
            if Some(*api) == used && described.lacks.is_none() {
                described.choice = Some(match described.kind {
                    Kind::Software => "software".to_owned(),
                    _ => {
                        gpus += 1;
                        format!("gpu:{}", gpus - 1)
                    }
                });
            }
            listed.push(described);
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

/// What each API has, of those that have anything; without `all`, up to the first with a GPU.
fn probed<T>(
    apis: impl Iterator<Item = wgpu::Backend>,
    all: bool,
    of_backend: &mut dyn FnMut(wgpu::Backend) -> Vec<T>,
    is_gpu: &dyn Fn(&T) -> bool,
) -> Vec<(wgpu::Backend, Vec<T>)> {
    let mut found: Vec<(wgpu::Backend, Vec<T>)> = Vec::new();
    for backend in apis {
        let adapters = of_backend(backend);
        let enough = !all && adapters.iter().any(is_gpu);
        if !adapters.is_empty() {
            found.push((backend, adapters));
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

/// An adapter, not to be chosen yet.
fn describe(adapter: &wgpu::Adapter, backend: wgpu::Backend, index: usize) -> Adapter {
    let info = adapter.get_info();
    let limits = adapter.limits();
    let features = adapter.features();
    let names = FEATURES
        .iter()
        .filter(|feature| features.contains(**feature));
    let limits = Limits {
        buffer_bytes: limits.max_buffer_size,
        binding_bytes: limits.max_storage_buffer_binding_size,
        workgroup_bytes: limits.max_compute_workgroup_storage_size,
        invocations: limits.max_compute_invocations_per_workgroup,
        storage_buffers: limits.max_storage_buffers_per_shader_stage,
    };
    Adapter {
        choice: None,
        name: info.name,
        kind: match info.device_type {
            wgpu::DeviceType::DiscreteGpu => Kind::DiscreteGpu,
            wgpu::DeviceType::IntegratedGpu => Kind::IntegratedGpu,
            wgpu::DeviceType::VirtualGpu => Kind::VirtualGpu,
            wgpu::DeviceType::Cpu => Kind::Software,
            wgpu::DeviceType::Other => Kind::OtherGpu,
        },
        api: info.backend.to_string(),
        driver: format!("{} {}", info.driver, info.driver_info)
            .trim()
            .to_owned(),
        lacks: limits.lacks(),
        limits,
        features: names
            .flat_map(|feature| feature.iter_names().map(|(n, _)| n.to_owned()))
            .collect(),
        backend,
        index,
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
    fn an_adapter_below_webgpus_limits_says_which() {
        let enough = Limits {
            buffer_bytes: 256 << 20,
            binding_bytes: 128 << 20,
            workgroup_bytes: 16 << 10,
            invocations: 256,
            storage_buffers: 8,
        };
        assert_eq!(enough.lacks(), None);
        let few = Limits {
            storage_buffers: 4,
            ..enough
        };
        let text = few.lacks().unwrap();
        assert!(
            text.contains("4 storage buffers") && text.contains('8'),
            "{text}"
        );
        let without_compute = Limits {
            workgroup_bytes: 0,
            invocations: 0,
            ..enough
        };
        assert!(without_compute.lacks().is_some());
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
