//! Runs a recorded launch by wgpu itself, with every index of its shader checked.

use std::fmt::Write;

use burn::backend::read_sync as block_on;
use wgpu::util::{BufferInitDescriptor, DeviceExt};

use super::watch::Launch;

/// A device of the software adapter that is not burn's.
pub(super) struct Checked {
    device: wgpu::Device,
    queue: wgpu::Queue,
}

impl Checked {
    pub(super) fn open() -> Self {
        let descriptor = wgpu::InstanceDescriptor {
            backends: wgpu::Backends::VULKAN,
            ..wgpu::InstanceDescriptor::new_without_display_handle()
        };
        let instance = wgpu::Instance::new(descriptor);
        let adapter = block_on(instance.enumerate_adapters(wgpu::Backends::VULKAN))
            .into_iter()
            .find(|adapter| adapter.get_info().device_type == wgpu::DeviceType::Cpu)
            .expect("a software adapter");
        let (device, queue) = block_on(adapter.request_device(&wgpu::DeviceDescriptor {
            required_features: adapter.features()
                & (wgpu::Features::SHADER_F16 | wgpu::Features::SUBGROUP),
            required_limits: adapter.limits(),
            ..Default::default()
        }))
        .expect("the adapter can be opened");
        Self { device, queue }
    }

    /// The tensors after the launch.
    fn run(&self, launch: &Launch) -> Vec<Vec<u8>> {
        // Safe modules are compiled with all of wgpu's run-time checks.
        let module = self
            .device
            .create_shader_module(wgpu::ShaderModuleDescriptor {
                label: None,
                source: wgpu::ShaderSource::Wgsl(launch.shader.text.as_str().into()),
            });
        let pipeline = self
            .device
            .create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
                label: None,
                layout: None,
                module: &module,
                entry_point: Some("main"),
                compilation_options: Default::default(),
                cache: None,
            });
        let words: Vec<u8> = launch
            .words
            .iter()
            .flat_map(|word| word.to_le_bytes())
            .collect();
        let usage = wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_SRC;
        let buffers: Vec<wgpu::Buffer> = launch
            .before
            .iter()
            .chain([&words])
            .map(|contents| {
                let descriptor = BufferInitDescriptor {
                    label: None,
                    contents,
                    usage,
                };
                self.device.create_buffer_init(&descriptor)
            })
            .collect();
        let entries: Vec<wgpu::BindGroupEntry> = (0..)
            .zip(&buffers)
            .map(|(binding, buffer)| wgpu::BindGroupEntry {
                binding,
                resource: buffer.as_entire_binding(),
            })
            .collect();
        let group = self.device.create_bind_group(&wgpu::BindGroupDescriptor {
            label: None,
            layout: &pipeline.get_bind_group_layout(0),
            entries: &entries,
        });
        let mut encoder = self.device.create_command_encoder(&Default::default());
        let mut pass = encoder.begin_compute_pass(&Default::default());
        pass.set_pipeline(&pipeline);
        pass.set_bind_group(0, &group, &[]);
        let [x, y, z] = launch.grid;
        pass.dispatch_workgroups(x, y, z);
        drop(pass);
        let copies: Vec<wgpu::Buffer> = buffers[..launch.before.len()]
            .iter()
            .map(|buffer| {
                let copy = self.device.create_buffer(&wgpu::BufferDescriptor {
                    label: None,
                    size: buffer.size(),
                    usage: wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST,
                    mapped_at_creation: false,
                });
                encoder.copy_buffer_to_buffer(buffer, 0, &copy, 0, buffer.size());
                copy
            })
            .collect();
        self.queue.submit([encoder.finish()]);
        copies
            .iter()
            .zip(&launch.before)
            .map(|(copy, before)| {
                copy.map_async(wgpu::MapMode::Read, .., |result| {
                    result.expect("it can be read")
                });
                let wait = wgpu::PollType::wait_indefinitely();
                self.device.poll(wait).expect("the device answers");
                let view = copy.get_mapped_range(..).expect("it was mapped");
                view[..before.len()].to_vec()
            })
            .collect()
    }

    /// Fails unless every launch gives the same bytes as without checks.
    pub(super) fn compare(&self, launches: &[Launch]) {
        assert!(!launches.is_empty());
        let mut off = String::new();
        for launch in launches {
            if self.run(launch) != launch.after {
                let _ = writeln!(off, "{} {:?}", launch.shader.name, launch.grid);
            }
        }
        assert!(
            off.is_empty(),
            "differs when its bounds are checked:\n{off}"
        );
    }
}
