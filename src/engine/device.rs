//! Finds and opens a device to compute on, and says what it is.

use std::fmt;
use std::str::FromStr;

use burn::backend::{Backend, Dispatch};
use burn::tensor::wgpu::WgpuInitError;
use burn::tensor::{Device, DeviceKind};
use serde::Serialize;

use crate::model::checkpoint::ParameterSpec;

/// What the user asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DeviceChoice {
    /// A discrete GPU, else an integrated one, else the CPU.
    #[default]
    Auto,
    /// The CPU.
    Cpu,
    /// A GPU: number `n` of `auscult doctor`'s list, or the best one.
    Gpu(Option<usize>),
    /// A software adapter such as lavapipe; for tests.
    Software,
}

impl FromStr for DeviceChoice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "auto" => Ok(Self::Auto),
            "cpu" => Ok(Self::Cpu),
            "gpu" => Ok(Self::Gpu(None)),
            "software" => Ok(Self::Software),
            _ => match text.strip_prefix("gpu:").map(str::parse) {
                Some(Ok(number)) => Ok(Self::Gpu(Some(number))),
                _ => Err("expected auto, cpu, gpu, gpu:N or software".to_owned()),
            },
        }
    }
}

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
    #[serde(skip)]
    device_kind: DeviceKind,
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
const APIS: [wgpu::Backend; 4] = [
    wgpu::Backend::Vulkan,
    wgpu::Backend::Metal,
    wgpu::Backend::Dx12,
    wgpu::Backend::Gl,
];

/// All adapters, the API that will be used first.
pub fn adapters() -> Vec<Adapter> {
    let found: Vec<(wgpu::Backend, Vec<wgpu::Adapter>)> = APIS
        .into_iter()
        .map(|api| {
            let descriptor = wgpu::InstanceDescriptor {
                backends: api.into(),
                ..wgpu::InstanceDescriptor::new_without_display_handle()
            };
            let instance = wgpu::Instance::new(descriptor);
            (
                api,
                pollster::block_on(instance.enumerate_adapters(api.into())),
            )
        })
        .filter(|(_, adapters)| !adapters.is_empty())
        .collect();
    // One API serves all devices: the first with a GPU, else the first with anything.
    let is_gpu = |adapter: &wgpu::Adapter| adapter.get_info().device_type != wgpu::DeviceType::Cpu;
    let used = found
        .iter()
        .find(|(_, adapters)| adapters.iter().any(is_gpu))
        .or(found.first())
        .map(|(api, _)| *api);
    let mut listed = Vec::new();
    for (api, adapters) in &found {
        let mut numbers = Numbers::default();
        for adapter in adapters {
            listed.push(numbers.describe(adapter, Some(*api) == used));
        }
    }
    listed.sort_by_key(|adapter| adapter.choice.is_none());
    listed
}

/// Numbers adapters of one API: all GPUs together for the user, each kind apart for burn.
#[derive(Default)]
struct Numbers {
    gpus: usize,
    kinds: [usize; 3],
}

impl Numbers {
    fn describe(&mut self, adapter: &wgpu::Adapter, used: bool) -> Adapter {
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
        }
    }

    fn next(&mut self, kind: usize) -> usize {
        self.kinds[kind] += 1;
        self.kinds[kind] - 1
    }
}

/// Why no device was opened.
#[derive(Debug, thiserror::Error)]
pub enum DeviceError {
    /// No GPU at all.
    #[error("no GPU found on this machine; use --device cpu, and see `auscult doctor`")]
    NoGpu,
    /// Not as many GPUs.
    #[error("there is no gpu:{number}: this machine has {count}; see `auscult doctor`")]
    NoSuchGpu {
        /// What was asked for.
        number: usize,
        /// How many there are.
        count: usize,
    },
    /// No software adapter.
    #[error(
        "no software adapter found; install one (Debian and Ubuntu: mesa-vulkan-drivers) or use \
         --device cpu"
    )]
    NoSoftware,
    /// A parameter that the device cannot address as one tensor.
    #[error(
        "{name} cannot hold this model: {parameter} needs {needed} MiB, and one tensor may have \
         {limit} MiB there; use --device cpu"
    )]
    TooLarge {
        /// The device.
        name: String,
        /// The parameter.
        parameter: String,
        /// Its size, in MiB.
        needed: u64,
        /// The largest size, in MiB.
        limit: u64,
    },
    /// The driver refused.
    #[error("{name} cannot be opened: {reason}; use --device cpu meanwhile")]
    Refused {
        /// The adapter.
        name: String,
        /// What the driver said.
        reason: String,
    },
}

/// An opened device.
#[derive(Debug, Clone)]
pub struct OpenDevice {
    pub(super) device: Device,
    /// What it is.
    pub info: DeviceInfo,
    /// The largest tensor that it can address, in bytes, if that is limited.
    tensor_bytes: Option<u64>,
}

impl OpenDevice {
    /// Whether every parameter can be addressed as one tensor.
    ///
    /// # Errors
    /// [`DeviceError::TooLarge`] names the first that cannot.
    pub(super) fn fits(&self, layout: &[ParameterSpec]) -> Result<(), DeviceError> {
        let Some(limit) = self.tensor_bytes else {
            return Ok(());
        };
        let bytes = |parameter: &&ParameterSpec| {
            parameter.shape.iter().product::<usize>() as u64 * size_of::<f32>() as u64
        };
        match layout.iter().find(|parameter| bytes(parameter) > limit) {
            None => Ok(()),
            Some(parameter) => Err(DeviceError::TooLarge {
                name: self.info.name.clone(),
                parameter: parameter.name.clone(),
                needed: bytes(&parameter) >> 20,
                limit: limit >> 20,
            }),
        }
    }
}

/// What a device is, for people and for results.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DeviceInfo {
    /// The hardware's name.
    pub name: String,
    /// What kind it is.
    pub kind: Kind,
    /// burn's name of the runtime.
    pub runtime: String,
}

impl fmt::Display for DeviceInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}, {})", self.name, self.kind, self.runtime)
    }
}

/// Chooses among `adapters`; `None` is the CPU.
///
/// # Errors
/// [`DeviceError`] when what was asked for is not there.
pub fn choose(choice: DeviceChoice, adapters: &[Adapter]) -> Result<Option<&Adapter>, DeviceError> {
    let usable = || adapters.iter().filter(|adapter| adapter.choice.is_some());
    let gpus = || usable().filter(|adapter| adapter.kind != Kind::Software);
    let best = || gpus().min_by_key(|adapter| adapter.kind);
    match choice {
        DeviceChoice::Cpu => Ok(None),
        DeviceChoice::Auto => {
            Ok(best().filter(|best| matches!(best.kind, Kind::DiscreteGpu | Kind::IntegratedGpu)))
        }
        DeviceChoice::Gpu(None) => best().ok_or(DeviceError::NoGpu).map(Some),
        DeviceChoice::Gpu(Some(number)) => match gpus().count() {
            0 => Err(DeviceError::NoGpu),
            count => gpus()
                .nth(number)
                .ok_or(DeviceError::NoSuchGpu { number, count })
                .map(Some),
        },
        DeviceChoice::Software => {
            let software = usable().find(|adapter| adapter.kind == Kind::Software);
            software.ok_or(DeviceError::NoSoftware).map(Some)
        }
    }
}

/// Opens what the user asks for.
///
/// # Errors
/// [`DeviceError`] when it is not there or its driver refuses.
pub fn open(choice: DeviceChoice) -> Result<OpenDevice, DeviceError> {
    let adapters = match choice {
        DeviceChoice::Cpu => Vec::new(),
        _ => adapters(),
    };
    let (device, name, kind, tensor_bytes) = match choose(choice, &adapters)? {
        None => (Device::flex(), cpu_name(), Kind::Cpu, None),
        Some(adapter) => {
            let limit = adapter.limits.binding_bytes;
            (
                open_adapter(adapter)?,
                adapter.name.clone(),
                adapter.kind,
                Some(limit),
            )
        }
    };
    let runtime = Dispatch::name(device.as_dispatch());
    Ok(OpenDevice {
        device,
        info: DeviceInfo {
            name,
            kind,
            runtime,
        },
        tensor_bytes,
    })
}

fn open_adapter(adapter: &Adapter) -> Result<Device, DeviceError> {
    match Device::wgpu_options()
        .device_kind(adapter.device_kind.clone())
        .init()
    {
        Ok(device) => Ok(device),
        // An engine of this process has opened it before: burn keeps one runtime per adapter.
        Err(WgpuInitError::Registration { .. }) => Ok(Device::wgpu(adapter.device_kind.clone())),
        Err(error) => Err(DeviceError::Refused {
            name: adapter.name.clone(),
            reason: error.to_string(),
        }),
    }
}

/// The processor with the number of threads that will compute.
fn cpu_name() -> String {
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    format!("{} with {threads} threads", std::env::consts::ARCH)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn adapter(choice: Option<&str>, kind: Kind) -> Adapter {
        Adapter {
            choice: choice.map(str::to_owned),
            name: "test".to_owned(),
            kind,
            api: "vulkan".to_owned(),
            driver: String::new(),
            limits: Limits {
                buffer_bytes: 0,
                binding_bytes: 0,
                workgroup_bytes: 0,
                invocations: 0,
                storage_buffers: 0,
            },
            features: Vec::new(),
            device_kind: DeviceKind::Cpu,
        }
    }

    #[test]
    fn auto_takes_a_discrete_gpu_then_an_integrated_one_then_the_cpu() {
        let software = adapter(Some("software"), Kind::Software);
        let integrated = adapter(Some("gpu:0"), Kind::IntegratedGpu);
        let discrete = adapter(Some("gpu:1"), Kind::DiscreteGpu);
        let auto = |adapters: &[Adapter]| {
            choose(DeviceChoice::Auto, adapters)
                .unwrap()
                .map(|adapter| adapter.kind)
        };
        assert_eq!(auto(std::slice::from_ref(&software)), None);
        let two = [software.clone(), integrated.clone()];
        assert_eq!(auto(&two), Some(Kind::IntegratedGpu));
        let all = [software, integrated, discrete];
        assert_eq!(auto(&all), Some(Kind::DiscreteGpu));
        let first = choose(DeviceChoice::Gpu(Some(0)), &all).unwrap().unwrap();
        assert_eq!(first.kind, Kind::IntegratedGpu);
        assert!(matches!(
            choose(DeviceChoice::Gpu(Some(2)), &all),
            Err(DeviceError::NoSuchGpu {
                number: 2,
                count: 2
            })
        ));
        assert!(matches!(
            choose(DeviceChoice::Gpu(None), &[]),
            Err(DeviceError::NoGpu)
        ));
        let elsewhere = [adapter(None, Kind::DiscreteGpu)];
        assert!(matches!(
            choose(DeviceChoice::Gpu(None), &elsewhere),
            Err(DeviceError::NoGpu)
        ));
    }

    #[test]
    fn devices_are_asked_for_by_name() {
        assert_eq!("gpu:3".parse(), Ok(DeviceChoice::Gpu(Some(3))));
        assert_eq!("software".parse(), Ok(DeviceChoice::Software));
        for wrong in ["", "gpu:", "gpu:-1", "gpu:x", "GPU", "cuda"] {
            assert!(wrong.parse::<DeviceChoice>().is_err(), "{wrong}");
        }
    }
}
