//! Fills rows of a fixed number of tokens with sequences.

use std::collections::BTreeMap;

/// Puts every sequence, the longest first and equal ones in the order given, into the row with the
/// least room that is enough, or into a new one (best fit decreasing; Johnson 1973): the sequences
/// of each row, by their index.
///
/// A sequence that is longer than a row has one for itself.
pub fn pack(lengths: &[usize], capacity: usize) -> Vec<Vec<usize>> {
    let mut order: Vec<usize> = (0..lengths.len()).collect();
    order.sort_by_key(|&sequence| std::cmp::Reverse(lengths[sequence]));
    let mut rows: Vec<Vec<usize>> = Vec::new();
    let mut by_room: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for sequence in order {
        let length = lengths[sequence];
        let fitting = by_room.range_mut(length..).next();
        let (row, room) = match fitting {
            Some((&room, open)) => {
                let row = open.pop().expect("a room without rows is taken out");
                if open.is_empty() {
                    by_room.remove(&room);
                }
                (row, room)
            }
            None => {
                rows.push(Vec::new());
                (rows.len() - 1, capacity.max(length))
            }
        };
        rows[row].push(sequence);
        if room > length {
            by_room.entry(room - length).or_default().push(row);
        }
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::training::randomness::{Purpose, Randomness};

    #[test]
    fn rows_by_hand() {
        let rows = pack(&[6, 5, 4, 5, 11], 10);
        assert_eq!(rows, [vec![4], vec![0, 2], vec![1, 3]]);
        assert!(pack(&[], 10).is_empty());
    }

    /// Lengths as notes have them: log-normal, most far below the limit, some cut at it.
    #[test]
    fn rows_are_full_to_more_than_99_percent() {
        for (median, capacity) in [(200.0, 1024), (300.0, 512), (60.0, 8192)] {
            let mut stream = Randomness::new(11).stream(Purpose::Order, 0);
            let lengths: Vec<usize> = (0..20_000)
                .map(|_| ((median * stream.normal().exp()) as usize).clamp(3, capacity))
                .collect();
            let rows = pack(&lengths, capacity);
            let mut seen: Vec<usize> = rows.iter().flatten().copied().collect();
            seen.sort_unstable();
            assert!(seen.into_iter().eq(0..lengths.len()), "every sequence once");
            for row in &rows {
                assert!(row.iter().map(|&own| lengths[own]).sum::<usize>() <= capacity);
            }
            let efficiency = lengths.iter().sum::<usize>() as f64 / (rows.len() * capacity) as f64;
            assert!(efficiency > 0.99, "{median} {capacity}: {efficiency}");
        }
    }
}
