//! The gradient of a table whose rows were looked up.

use crate::kernels::embedding::Lookup;

/// The gradient of a table, `[entries, width]`: rows of `d_out` added up by index, in their order.
///
/// Memory that is asked for as zeros comes as pages that the system clears when they are first
/// written, so entries that no token names cost nothing here.
pub(super) fn backward(d_out: &[f32], lookup: &Lookup, [entries, width]: [usize; 2]) -> Vec<f32> {
    let mut d_table = vec![0.0; entries * width];
    for (entry, places) in lookup.by_entry() {
        let sum = &mut d_table[entry as usize * width..][..width];
        for place in places {
            let row = &d_out[place as usize * width..][..width];
            for (sum, &d) in sum.iter_mut().zip(row) {
                *sum += d;
            }
        }
    }
    d_table
}
