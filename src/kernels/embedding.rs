//! Rows of a table by index, and the gradient of the table with one order of summation.

use std::sync::Arc;

use burn::backend::tensor::{FloatTensor, IntTensor};
use burn::backend::{Backend, TensorMetadata, get_device_settings};
use burn::tensor::{IndexingUpdateOp, TensorData};

/// Which rows of a table are looked up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lookup {
    indices: Arc<[u32]>,
    padding: Option<u32>,
}

impl Lookup {
    /// `padding` is the entry that gets no gradient.
    ///
    /// # Panics
    /// If an index does not fit 32 bits.
    pub fn new(indices: &[usize], padding: Option<usize>) -> Self {
        let narrow = |index: usize| u32::try_from(index).expect("a table fits a device");
        Self {
            indices: indices.iter().map(|&index| narrow(index)).collect(),
            padding: padding.map(narrow),
        }
    }

    /// How many rows are looked up.
    pub fn len(&self) -> usize {
        self.indices.len()
    }

    /// Whether no row is looked up.
    pub fn is_empty(&self) -> bool {
        self.indices.is_empty()
    }

    /// The largest index; `None` if no row is looked up.
    pub fn largest(&self) -> Option<usize> {
        self.indices.iter().max().map(|&index| index as usize)
    }

    /// Each entry that gets a gradient, with the places where it is looked up, in their order.
    pub(super) fn by_entry(&self) -> Vec<(u32, Vec<u32>)> {
        let mut places: Vec<(u32, u32)> = (0..)
            .zip(self.indices.iter())
            .map(|(at, &entry)| (entry, at))
            .collect();
        places.retain(|&(entry, _)| Some(entry) != self.padding);
        places.sort_unstable();
        places
            .chunk_by(|a, b| a.0 == b.0)
            .map(|chunk| (chunk[0].0, chunk.iter().map(|&(_, at)| at).collect()))
            .collect()
    }
}

fn int_tensor<B: Backend>(values: Vec<i64>, device: &B::Device) -> IntTensor<B> {
    let length = values.len();
    let dtype = get_device_settings::<B>(device).int_dtype;
    let data = TensorData::new(values, [length]).convert_dtype(dtype.into());
    B::int_from_data(data, device)
}

/// The rows of `table`, `[entries, width]`, at the indices: `[indices, width]`.
pub(super) fn look_up<B: Backend>(table: FloatTensor<B>, lookup: &Lookup) -> FloatTensor<B> {
    let indices = lookup
        .indices
        .iter()
        .map(|&index| i64::from(index))
        .collect();
    let indices = int_tensor::<B>(indices, &table.device());
    B::float_select(table, 0, indices)
}

/// The gradient of a table of `entries` rows: `d_out` added up by index.
pub(super) fn backward<B: Backend>(
    d_out: FloatTensor<B>,
    lookup: &Lookup,
    entries: usize,
) -> FloatTensor<B> {
    let device = d_out.device();
    let width = d_out.shape()[1];
    let zeros = B::float_zeros([entries, width].into(), &device, d_out.dtype().into());
    let (places, entries): (Vec<i64>, Vec<i64>) = lookup
        .by_entry()
        .into_iter()
        .flat_map(|(entry, places)| {
            places
                .into_iter()
                .map(move |place| (i64::from(place), i64::from(entry)))
        })
        .unzip();
    if places.is_empty() {
        return zeros;
    }
    let rows = B::float_select(d_out, 0, int_tensor::<B>(places, &device));
    B::float_select_assign(
        zeros,
        0,
        int_tensor::<B>(entries, &device),
        rows,
        IndexingUpdateOp::Add,
    )
}
