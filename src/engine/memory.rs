//! How much memory is used and how much is free, as far as system and device tell it.

use std::fs;

use burn::tensor::Device;
use sysinfo::{MemoryRefreshKind, ProcessRefreshKind, ProcessesToUpdate, RefreshKind, System};

use crate::kernels::blocks;
use crate::training::check::Meter;

/// Starts the process's peak memory anew; where the system cannot, the peak is that of the whole
/// process so far.
pub(super) fn reset_peak() {
    let _ = fs::write("/proc/self/clear_refs", "5");
}

/// The largest resident memory of this process, in bytes; Linux alone tells it as a file.
pub(super) fn peak_bytes() -> Option<u64> {
    of_status("VmHWM:")
}

/// The resident memory of this process, in bytes.
pub(super) fn in_use() -> Option<u64> {
    of_status("VmRSS:")
}

fn of_status(name: &str) -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes * 1024)
}

/// The memory that this process may have, in bytes, what it has already included: what the system
/// could give it without swapping, and what the limits of its container and of its own group leave.
pub(super) fn for_this_process() -> Option<u64> {
    let memory = RefreshKind::nothing().with_memory(MemoryRefreshKind::nothing().with_ram());
    let mut system = System::new_with_specifics(memory);
    let free = match system.available_memory() {
        0 => return None,
        free => free,
    };
    let own = sysinfo::get_current_pid().ok();
    let of_group = own.and_then(|own| {
        let (only, nothing) = (
            ProcessesToUpdate::Some(&[own]),
            ProcessRefreshKind::nothing(),
        );
        system.refresh_processes_specifics(only, false, nothing);
        system.process(own)?.cgroup_limits()
    });
    // Pages of files that a group has read are in its use, and are given up when asked for.
    let limits = [system.cgroup_limits(), of_group].into_iter().flatten();
    let free = limits.fold(free, |free, limits| {
        free.min(limits.total_memory.saturating_sub(limits.rss))
    });
    Some(free + in_use().unwrap_or(0))
}

/// The memory of this process, which on the CPU is that of the computation.
pub(super) struct ProcessMeter;

impl Meter for ProcessMeter {
    fn restart(&mut self) {
        // Or what was tried before would count.
        blocks::give_back();
        reset_peak();
    }

    fn peak(&mut self) -> Option<u64> {
        peak_bytes()
    }
}

/// What burn holds on an adapter: pages that it took and keeps for the next step.
pub(super) struct DeviceMeter<'a>(pub(super) &'a Device);

impl DeviceMeter<'_> {
    /// How much that is, in bytes; `None` where it is not told.
    pub(super) fn held(&self) -> Option<u64> {
        self.0.memory_pool_usage().map(|usage| usage.bytes_reserved)
    }
}

impl Meter for DeviceMeter<'_> {
    fn restart(&mut self) {
        self.0.memory_cleanup();
    }

    fn peak(&mut self) -> Option<u64> {
        self.held()
    }
}
