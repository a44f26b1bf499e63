//! Work in pieces that become smaller where the device has no room for them.

use std::ops::Range;

use burn::tensor::Device;

use super::EngineError;
use crate::kernels::DeviceFault;

/// Calls `each` with `0..count` in pieces of at most `most`. A piece for which `device` has no
/// memory is tried again in halves, after what the device keeps for later was given back.
///
/// `each` is called again from the start of a piece that failed, so it must leave nothing of it.
///
/// # Errors
/// What `each` returns; [`DeviceFault::Memory`] when there is no room for a single one.
pub(super) fn in_chunks(
    count: usize,
    most: usize,
    device: &Device,
    each: &mut dyn FnMut(Range<usize>) -> Result<(), EngineError>,
) -> Result<(), EngineError> {
    let mut size = most.max(1);
    let mut start = 0;
    while start < count {
        let end = (start + size).min(count);
        match each(start..end) {
            Ok(()) => start = end,
            Err(EngineError::Fault(DeviceFault::Memory)) if end - start > 1 => {
                size = (end - start) / 2;
                device.memory_cleanup();
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_halved_until_they_fit_and_nothing_is_lost() {
        let device = Device::flex();
        for room in [1, 3, 7, 100] {
            let mut done = Vec::new();
            let result = in_chunks(40, 16, &device, &mut |range| match range.len() <= room {
                true => {
                    done.extend(range);
                    Ok(())
                }
                false => Err(DeviceFault::Memory.into()),
            });
            assert!(result.is_ok(), "room for {room}");
            assert_eq!(done, (0..40).collect::<Vec<_>>(), "room for {room}");
        }
    }

    #[test]
    fn without_room_for_one_and_with_other_faults_it_ends() {
        let device = Device::flex();
        for fault in [DeviceFault::Memory, DeviceFault::Lost("gone".to_owned())] {
            let mut calls = 0;
            let result = in_chunks(40, 16, &device, &mut |_| {
                calls += 1;
                Err(fault.clone().into())
            });
            assert!(matches!(result, Err(EngineError::Fault(found)) if found == fault));
            assert_eq!(calls, if fault == DeviceFault::Memory { 5 } else { 1 });
        }
    }
}
