//! Chooses and opens a device to compute on.

use std::fmt;
use std::str::FromStr;
use std::sync::{Mutex, MutexGuard};

use burn::backend::{Backend, Dispatch};
use burn::tensor::Device;
use serde::Serialize;

use super::adapter::{Adapter, Kind, choosable};
use super::instance;
use crate::kernels::{self, DeviceFault};
use crate::model::checkpoint::ParameterSpec;
use crate::notes::counted;

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
    /// Only adapters that kernels cannot run on.
    #[error("{name} cannot compute here: {reason}; update its driver or use --device cpu")]
    BelowLimits {
        /// The adapter.
        name: String,
        /// Which limit is too low.
        reason: String,
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
    /// Name, graphics API and driver, of an adapter.
    adapter: Option<String>,
}

impl OpenDevice {
    /// Name, graphics API and driver, if the device is an adapter.
    pub(super) fn adapter(&self) -> Option<&str> {
        self.adapter.as_deref()
    }

    /// The error of a device that computes something else than it should.
    pub(super) fn wrong(&self, reason: &dyn fmt::Display) -> DeviceError {
        DeviceError::Refused {
            name: self.info.name.clone(),
            reason: reason.to_string(),
        }
    }

    /// The largest tensor that the device can address, in bytes, if that is limited.
    pub(super) fn tensor_bytes(&self) -> Option<u64> {
        self.tensor_bytes
    }

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
    let none = |software: bool| {
        let mut of_kind = adapters
            .iter()
            .filter(|adapter| (adapter.kind == Kind::Software) == software);
        let lacking = of_kind.find_map(|adapter| Some((adapter, adapter.lacks.as_ref()?)));
        match (lacking, software) {
            (Some((adapter, reason)), _) => DeviceError::BelowLimits {
                name: adapter.name.clone(),
                reason: reason.clone(),
            },
            (None, true) => DeviceError::NoSoftware,
            (None, false) => DeviceError::NoGpu,
        }
    };
    match choice {
        DeviceChoice::Cpu => Ok(None),
        DeviceChoice::Auto => {
            Ok(best().filter(|best| matches!(best.kind, Kind::DiscreteGpu | Kind::IntegratedGpu)))
        }
        DeviceChoice::Gpu(None) => best().ok_or_else(|| none(false)).map(Some),
        DeviceChoice::Gpu(Some(number)) => match gpus().count() {
            0 => Err(none(false)),
            count => gpus()
                .nth(number)
                .ok_or(DeviceError::NoSuchGpu { number, count })
                .map(Some),
        },
        DeviceChoice::Software => {
            let software = usable().find(|adapter| adapter.kind == Kind::Software);
            software.ok_or_else(|| none(true)).map(Some)
        }
    }
}

/// What `auto` takes among `adapters`: `gpu:N` or `cpu`.
pub fn taken_by_auto(adapters: &[Adapter]) -> &str {
    let best = choose(DeviceChoice::Auto, adapters).ok().flatten();
    best.and_then(|adapter| adapter.choice.as_deref())
        .unwrap_or("cpu")
}

/// Opens what the user asks for.
///
/// # Errors
/// [`DeviceError`] when it is not there or its driver refuses.
pub fn open(choice: DeviceChoice) -> Result<OpenDevice, DeviceError> {
    let adapters = match choice {
        DeviceChoice::Cpu => Vec::new(),
        _ => choosable(),
    };
    let chosen = choose(choice, &adapters)?;
    let (device, name, kind, tensor_bytes) = match chosen {
        None => (Device::flex(), cpu_name(), Kind::Cpu, None),
        Some(adapter) => {
            let mut known = locked(&CHOSEN);
            known.retain(|own| own.0 != choice);
            known.push((choice, (adapter.backend, adapter.index)));
            drop(known);
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
        adapter: chosen
            .map(|adapter| format!("{}, {}, {}", adapter.name, adapter.api, adapter.driver)),
    })
}

/// Which adapter was opened for a choice: by API and number.
static CHOSEN: Mutex<Vec<(DeviceChoice, (wgpu::Backend, usize))>> = Mutex::new(Vec::new());

/// The devices that are open, to be shared: by API and number of the adapter.
static OPENED: Mutex<Vec<(wgpu::Backend, usize, Device)>> = Mutex::new(Vec::new());

fn open_adapter(adapter: &Adapter) -> Result<Device, DeviceError> {
    let refused = |reason: String| DeviceError::Refused {
        name: adapter.name.clone(),
        reason,
    };
    let mut opened = locked(&OPENED);
    let is_this = |(backend, index, _): &&(wgpu::Backend, usize, Device)| {
        *backend == adapter.backend && *index == adapter.index
    };
    if let Some(at) = opened.iter().position(|own| is_this(&own)) {
        if !kernels::is_lost(&opened[at].2) {
            return Ok(opened[at].2.clone());
        }
        kernels::unwatch(&opened.swap_remove(at).2);
    }
    let (device, of_wgpu) = instance::open(adapter).map_err(refused)?;
    let runtime = Dispatch::name(device.as_dispatch());
    if !runtime.contains(WGSL_RUNTIME) {
        return Err(refused(format!(
            "the runtime is {runtime}, under which no WGSL launches; build without burn's features \
             `vulkan` and `metal`"
        )));
    }
    kernels::watch(&device, &of_wgpu);
    let has = |feature| of_wgpu.features().contains(feature);
    let abilities = kernels::Abilities {
        software: adapter.kind == Kind::Software,
        subgroups: has(wgpu::Features::SUBGROUP),
        half: has(wgpu::Features::SHADER_F16),
    };
    kernels::assume(&device, abilities);
    opened.push((adapter.backend, adapter.index, device.clone()));
    Ok(device)
}

/// Why the adapter of this choice computes nothing any more, if it is open and does not.
pub fn lost_device(choice: DeviceChoice) -> Option<DeviceFault> {
    // A card that is gone may not be listed any more, so it is known by what was opened for the choice.
    let chosen = locked(&CHOSEN).iter().find(|own| own.0 == choice)?.1;
    let opened = locked(&OPENED);
    let own = opened
        .iter()
        .find(|(backend, index, _)| (*backend, *index) == chosen);
    kernels::lost(&own?.2)
}

fn locked<T>(own: &Mutex<T>) -> MutexGuard<'_, T> {
    own.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

/// burn's name of the runtime under which shaders of one's own can be launched.
const WGSL_RUNTIME: &str = "wgpu<wgsl>";

/// The processor with the number of threads that will compute.
fn cpu_name() -> String {
    let threads = crate::kernels::cpu_threads();
    let threads = counted(threads, "thread");
    format!("{} with {threads}", std::env::consts::ARCH)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::adapter::Limits;

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
            lacks: None,
            backend: wgpu::Backend::Vulkan,
            index: 0,
        }
    }

    #[test]
    fn auto_takes_a_discrete_gpu_then_an_integrated_one_then_the_cpu() {
        let software = adapter(Some("software"), Kind::Software);
        let integrated = adapter(Some("gpu:0"), Kind::IntegratedGpu);
        let discrete = adapter(Some("gpu:1"), Kind::DiscreteGpu);
        assert_eq!(taken_by_auto(&[]), "cpu");
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
        let mut weak = adapter(None, Kind::IntegratedGpu);
        weak.lacks = Some("it has 4 storage buffers".to_owned());
        let weak = [weak];
        assert_eq!(taken_by_auto(&weak), "cpu");
        for number in [None, Some(0)] {
            let error = choose(DeviceChoice::Gpu(number), &weak).unwrap_err();
            assert!(matches!(error, DeviceError::BelowLimits { .. }));
        }
        assert!(matches!(
            choose(DeviceChoice::Software, &weak),
            Err(DeviceError::NoSoftware)
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
