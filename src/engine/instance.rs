//! Instances of the graphics APIs, and devices opened through them.

use std::sync::Mutex;

use burn::tensor::Device;
use burn::tensor::wgpu::WgpuSetup;

use super::adapter::Adapter;

/// One instance of each API that was asked, kept: loaders do not bear that instances come and go on
/// several threads.
static INSTANCES: Mutex<Vec<(wgpu::Backend, wgpu::Instance)>> = Mutex::new(Vec::new());

fn instance(backend: wgpu::Backend) -> wgpu::Instance {
    let mut instances = INSTANCES
        .lock()
        .unwrap_or_else(|poisoned| poisoned.into_inner());
    if let Some((_, instance)) = instances.iter().find(|(own, _)| *own == backend) {
        return instance.clone();
    }
    let instance = wgpu::Instance::new(wgpu::InstanceDescriptor {
        backends: backend.into(),
        ..wgpu::InstanceDescriptor::new_without_display_handle()
    });
    instances.push((backend, instance.clone()));
    instance
}

/// The adapters of one API, in its order.
pub(super) fn enumerate(backend: wgpu::Backend) -> Vec<wgpu::Adapter> {
    pollster::block_on(instance(backend).enumerate_adapters(backend.into()))
}

/// A new device of an adapter, for burn, and the same as wgpu has it.
///
/// # Errors
/// The driver's words, when it refuses or the adapter is there no more.
pub(super) fn open(adapter: &Adapter) -> Result<(Device, wgpu::Device), String> {
    let backend = adapter.backend;
    let found = enumerate(backend)
        .into_iter()
        .nth(adapter.index)
        .filter(|found| found.get_info().name == adapter.name)
        .ok_or("it is no longer there")?;
    // burn maps no buffers of its own; what wgpu calls experimental has to be asked for by name.
    let left_out =
        wgpu::Features::MAPPABLE_PRIMARY_BUFFERS | wgpu::Features::all_experimental_mask();
    let (device, queue) = pollster::block_on(found.request_device(&wgpu::DeviceDescriptor {
        required_features: found.features().difference(left_out),
        required_limits: found.limits(),
        // burn asks for large pieces and divides them itself.
        memory_hints: wgpu::MemoryHints::MemoryUsage,
        ..Default::default()
    }))
    .map_err(|error| error.to_string())?;
    let setup = WgpuSetup {
        instance: instance(backend),
        adapter: found,
        device: device.clone(),
        queue,
        backend,
    };
    let opened = Device::wgpu_options().setup(setup).init();
    Ok((opened.map_err(|error| error.to_string())?, device))
}

#[cfg(test)]
mod tests {
    //! Would catch: a device that is lost, or has no room, ending in a panic, a wait without end, or
    //! numbers.
    //!
    //! These need a software adapter (Debian: mesa-vulkan-drivers) and fail without one, so they are
    //! ignored by default; `.ci/run` runs them.

    use burn::tensor::Tensor;

    use super::open;
    use crate::engine::adapter::{Kind, choosable};
    use crate::kernels::{DeviceFault, is_lost, values, watch};

    fn software() -> (burn::tensor::Device, wgpu::Device) {
        let adapters = choosable();
        let software = adapters
            .iter()
            .find(|adapter| adapter.kind == Kind::Software);
        let (device, of_wgpu) = open(software.expect("a software adapter")).unwrap();
        watch(&device, &of_wgpu);
        (device, of_wgpu)
    }

    fn sum(side: usize, device: &burn::tensor::Device) -> Result<Vec<f32>, DeviceFault> {
        values(Tensor::<2>::ones([side, side], device).sum())
    }

    #[test]
    #[ignore = "needs a software adapter"]
    fn a_lost_device_is_an_error_and_the_next_one_computes() {
        let (device, of_wgpu) = software();
        assert_eq!(sum(8, &device), Ok(vec![64.0]));
        let enqueued = Tensor::<2>::ones([8, 8], &device) + 1.0;
        of_wgpu.destroy();
        for result in [values(enqueued.sum()), sum(8, &device), sum(9, &device)] {
            let fault = result.unwrap_err();
            assert!(matches!(fault, DeviceFault::Lost(_)), "{fault}");
            assert!(fault.to_string().contains("--device cpu"), "{fault}");
        }
        assert!(is_lost(&device));
        let (again, _) = software();
        assert!(!is_lost(&again));
        assert_eq!(sum(8, &again), Ok(vec![64.0]));
    }

    #[test]
    #[ignore = "needs a software adapter"]
    fn a_refused_allocation_is_an_error_and_the_device_goes_on() {
        let (device, _) = software();
        assert_eq!(sum(40_000, &device), Err(DeviceFault::Memory));
        assert_eq!(sum(8, &device), Ok(vec![64.0]));
    }
}
