//! The inputs of a case with a model, packed, and the way back to the layout that is expected.

use super::tensors::References;
use crate::kernels::Sequences;
use crate::model::Batch;
use crate::tasks::loss;

/// The inputs of a case, packed.
pub(super) struct Input {
    pub(super) batch: Batch,
    /// Sequences and their padded length.
    padded: [usize; 2],
    /// Where each packed row lies in the padded layout.
    places: Vec<usize>,
    /// The rows that the expected tensors hold, where they do not hold all.
    selected: Option<Vec<usize>>,
    /// Query rows of sequence 0 whose attention is expected, where it is not all.
    pub(super) attention_rows: Option<Vec<usize>>,
    pub(super) labels: Option<LabelValues>,
}

pub(super) enum LabelValues {
    Classes(Vec<i64>),
    Targets(Vec<f32>),
}

impl Input {
    pub(super) fn read(io: &References) -> Result<Self, String> {
        let (shape, ids) = io.ints("input.input_ids")?;
        let &[rows, columns] = shape else {
            return Err(format!(
                "input.input_ids has shape {shape:?}, expected [batch, length]"
            ));
        };
        let (_, mask) = io.ints("input.attention_mask")?;
        let types = io
            .ints("input.token_type_ids")
            .map_or(vec![0; ids.len()], |(_, t)| t.to_vec());
        if mask.len() != ids.len() || types.len() != ids.len() {
            return Err("input ids, mask and token types differ in size".to_owned());
        }
        let places: Vec<usize> = (0..ids.len()).filter(|&place| mask[place] == 1).collect();
        let row = |values: &[i64], row: usize| -> Vec<u32> {
            let own = places.iter().filter(|&&place| place / columns == row);
            own.map(|&place| values[place] as u32).collect()
        };
        let sequences: Vec<[Vec<u32>; 2]> = (0..rows)
            .map(|index| [row(ids, index), row(&types, index)])
            .collect();
        let batch = Batch::new(sequences.iter().map(|[ids, types]| (&ids[..], &types[..])));
        let selected = io.ints("input.selected").ok().map(|(_, pairs)| {
            let pairs = pairs.chunks_exact(2);
            let sequences = batch.sequences();
            pairs
                .map(|p| sequences.range(p[0] as usize).start + p[1] as usize)
                .collect()
        });
        let indices = |name: &str| -> Option<Vec<usize>> {
            let (_, values) = io.ints(name).ok()?;
            Some(values.iter().map(|&value| value as usize).collect())
        };
        let labels = match (io.ints("input.labels"), io.floats("input.labels")) {
            (Ok((_, classes)), _) => Some(LabelValues::Classes(classes.to_vec())),
            (_, Ok((_, targets))) => Some(LabelValues::Targets(targets.to_vec())),
            _ => None,
        };
        Ok(Self {
            padded: [rows, columns],
            selected,
            attention_rows: indices("input.attention_rows"),
            labels,
            batch,
            places,
        })
    }

    pub(super) fn sequences(&self) -> &Sequences {
        self.batch.sequences()
    }

    /// Rows of packed values in the layout that is expected: selected ones, or padded with zeros.
    pub(super) fn arrange(&self, rows: &[f32]) -> Vec<f32> {
        let width = rows.len() / self.places.len();
        let row = |index: usize| &rows[index * width..(index + 1) * width];
        if let Some(selected) = &self.selected {
            return selected
                .iter()
                .flat_map(|&index| row(index).to_vec())
                .collect();
        }
        let [sequences, length] = self.padded;
        let mut padded = vec![0.0; sequences * length * width];
        for (index, place) in self.places.iter().enumerate() {
            padded[place * width..(place + 1) * width].copy_from_slice(row(index));
        }
        padded
    }

    /// Labels of tokens in packed order: rows that have one, and which.
    pub(super) fn token_labels(&self, labels: &[i64]) -> (Vec<usize>, Vec<i64>) {
        let labelled = self
            .places
            .iter()
            .enumerate()
            .map(|(row, &place)| (row, labels[place]));
        labelled
            .filter(|&(_, label)| label != loss::IGNORED)
            .unzip()
    }
}
