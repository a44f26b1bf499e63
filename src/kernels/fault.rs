//! Results that a device did not give, as values.
//!
//! What goes wrong on a device shows when a result is read: operations are only enqueued.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard};

use burn::backend::{CubeDevice, DispatchDevice};
use burn::tensor::{Device, Tensor};

/// Why a device gave no result.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DeviceFault {
    /// It has no room.
    #[error(
        "the device has no memory left for this; close what else uses it, give it shorter pieces, or \
         use --device cpu"
    )]
    Memory,
    /// It is gone: reset by its driver, stopped because a dispatch took too long, or taken away.
    #[error(
        "the device was lost ({0}); start again, update its driver if that repeats, or use --device cpu"
    )]
    Lost(String),
    /// Its driver cannot compile a shader.
    #[error("the device's driver refuses a shader ({0}); update the driver or use --device cpu")]
    Shader(String),
    /// Anything else.
    #[error("the device failed ({0}); use --device cpu, and see `auscult doctor`")]
    Other(String),
}

/// The devices that are watched.
static WATCHED: LazyLock<Mutex<HashMap<CubeDevice, Arc<Watched>>>> = LazyLock::new(Mutex::default);

struct Watched {
    of_wgpu: wgpu::Device,
    /// What wgpu said since a result was last read.
    said: Mutex<Option<DeviceFault>>,
    /// Whether it is being asked for its state: then a refused step is an answer.
    asked: AtomicBool,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex
        .lock()
        .unwrap_or_else(|poisoned| poisoned.into_inner())
}

/// Lets [`values`] tell what wgpu says of `device`.
///
/// burn's own handler panics, and with it the panic hook prints; the thread that computes goes on
/// in both cases, and what the failed step should have written counts as never written.
pub fn watch(device: &Device, of_wgpu: &wgpu::Device) {
    let DispatchDevice::Cube(cube) = device.as_dispatch() else {
        return;
    };
    let watched = Arc::new(Watched {
        of_wgpu: of_wgpu.clone(),
        said: Mutex::default(),
        asked: AtomicBool::new(false),
    });
    locked(&WATCHED).insert(cube.clone(), Arc::clone(&watched));
    // The device keeps its handler, so that the handler must not keep the device.
    let watched = Arc::downgrade(&watched);
    of_wgpu.on_uncaptured_error(Arc::new(move |error| {
        let fault = match error {
            wgpu::Error::OutOfMemory { .. } => DeviceFault::Memory,
            error => DeviceFault::Other(first_line(&error.to_string())),
        };
        let Some(watched) = watched.upgrade() else {
            return;
        };
        // The first is the cause of the others.
        locked(&watched.said).get_or_insert(fault);
        if !watched.asked.load(Ordering::SeqCst) {
            resume_unwind(Box::new("wgpu refused a step"));
        }
    }));
}

/// Lets go of a device that was lost.
pub fn unwatch(device: &Device) {
    if let DispatchDevice::Cube(cube) = device.as_dispatch() {
        locked(&WATCHED).remove(cube);
    }
}

/// The values of a tensor, row-major.
///
/// # Errors
/// [`DeviceFault`] when they could not be computed or cannot be fetched.
pub fn values<const D: usize>(tensor: Tensor<D>) -> Result<Vec<f32>, DeviceFault> {
    #[cfg(test)]
    if let Some(fault) = planted::fault() {
        return Err(fault);
    }
    let device = tensor.device();
    let fetched = catch_unwind(AssertUnwindSafe(|| {
        let data = tensor
            .try_into_data()
            .map_err(|error| classified(error.reason(), error.is_device_poisoned()))?;
        // Bytes that are still on the device arrive here.
        match data.bytes().read(Default::default()) {
            Ok(_) => Ok(data),
            Err(error) => Err(DeviceFault::Other(first_line(&error.to_string()))),
        }
    }));
    let outcome = match fetched {
        Ok(outcome) => outcome,
        Err(_) => Err(DeviceFault::Other("it refused a step".to_owned())),
    };
    let watched = watched(&device);
    let said = watched.as_ref().and_then(|own| locked(&own.said).take());
    match (outcome, said) {
        (Ok(data), None) => data
            .try_into_vec_as()
            .map_err(|error| DeviceFault::Other(error.to_string())),
        (Err(fault @ DeviceFault::Lost(_)), _) => Err(fault),
        (_, Some(fault)) | (Err(fault), None) => Err(lost(&device).unwrap_or(fault)),
    }
}

fn watched(device: &Device) -> Option<Arc<Watched>> {
    match device.as_dispatch() {
        DispatchDevice::Cube(cube) => locked(&WATCHED).get(cube).cloned(),
        _ => None,
    }
}

/// Whether `device` is gone for good. Only a device that is watched can tell.
pub fn is_lost(device: &Device) -> bool {
    lost(device).is_some()
}

/// Why `device` is gone for good, if it is. Only a device that is watched can tell.
pub fn lost(device: &Device) -> Option<DeviceFault> {
    let watched = watched(device)?;
    watched.asked.store(true, Ordering::SeqCst);
    // wgpu tells of a loss when it is polled.
    let _ = watched.of_wgpu.poll(wgpu::PollType::Poll);
    let synced = catch_unwind(AssertUnwindSafe(|| device.sync()));
    watched.asked.store(false, Ordering::SeqCst);
    // What was said meanwhile is the answer to this question.
    *locked(&watched.said) = None;
    match synced {
        Ok(Err(error)) if error.is_device_poisoned() => {
            Some(DeviceFault::Lost(first_line(error.reason())))
        }
        _ => None,
    }
}

/// How burn begins to say that a shader cannot be used.
const SHADER: [&str; 2] = ["WGSL compilation failed", "the device refused the"];

/// A fault by burn's words for it; there are no others to go by.
fn classified(reason: &str, poisoned: bool) -> DeviceFault {
    let has = |words: &str| reason.contains(words);
    if poisoned {
        DeviceFault::Lost(first_line(reason))
    } else if has("can't allocate") || has("out of device memory") || has("Can't allocate") {
        DeviceFault::Memory
    } else if let Some(at) = SHADER.iter().find_map(|words| reason.find(words)) {
        DeviceFault::Shader(first_line(&reason[at..]))
    } else {
        DeviceFault::Other(first_line(reason))
    }
}

fn first_line(text: &str) -> String {
    let line = text.lines().find(|line| !line.trim().is_empty());
    line.unwrap_or("no reason given").trim().to_owned()
}

#[cfg(test)]
pub(crate) mod planted {
    //! Faults that a test plants, for what stands above.

    use std::cell::RefCell;

    use super::{Device, DeviceFault, watched};

    thread_local! {
        static NEXT: RefCell<Option<DeviceFault>> = const { RefCell::new(None) };
    }

    /// What this thread reads next gives this fault.
    pub(crate) fn next(fault: DeviceFault) {
        NEXT.with(|own| *own.borrow_mut() = Some(fault));
    }

    pub(super) fn fault() -> Option<DeviceFault> {
        NEXT.with(|own| own.borrow_mut().take())
    }

    /// Takes a device away, as a driver does that starts again.
    pub(crate) fn lose(device: &Device) {
        watched(device).expect("an adapter").of_wgpu.destroy();
    }
}
