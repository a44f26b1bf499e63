//! Fills rows of a fixed number of tokens with sequences.

use std::collections::BTreeMap;

/// Puts every sequence into a row in which it has room: the sequences of each row, by their index.
/// Of two ways the one is taken that needs fewer rows: the longest first, which is good where
/// lengths differ much, or rows filled one after the other, which is good where they do not.
///
/// A sequence that is longer than a row has one for itself.
pub fn pack(lengths: &[usize], capacity: usize) -> Vec<Vec<usize>> {
    let decreasing = longest_first(lengths, capacity);
    let used: usize = lengths.iter().sum();
    // Nothing needs fewer rows than that.
    if decreasing.len() <= used.div_ceil(capacity) {
        return decreasing;
    }
    let filled = row_after_row(lengths, capacity);
    match filled.len() < decreasing.len() {
        true => filled,
        false => decreasing,
    }
}

/// Best fit decreasing (Johnson 1973): the longest first and equal ones in the order given, into
/// the row with the least room that is enough, or into a new one.
fn longest_first(lengths: &[usize], capacity: usize) -> Vec<Vec<usize>> {
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

/// First sequences that are tried for the last two of a row.
const TRIED: usize = 64;

/// Takes sequences in the order given until two more would fill a row, and then those two, or the
/// one, that leave the least room.
fn row_after_row(lengths: &[usize], capacity: usize) -> Vec<Vec<usize>> {
    let mut left = Left::new(lengths);
    let longest = lengths.iter().copied().max().unwrap_or(0);
    let mut rows = Vec::new();
    while let Some(first) = left.next() {
        let mut row = vec![first];
        let mut room = capacity.saturating_sub(lengths[first]);
        while room > 2 * longest
            && let Some(next) = left.next_leaving_two(room)
        {
            room -= lengths[next];
            row.push(next);
        }
        while let Some(last) = left.best(room) {
            for length in last.into_iter().flatten() {
                row.push(left.take(length));
                room -= length;
            }
        }
        rows.push(row);
    }
    rows
}

/// The sequences that stand in no row yet.
struct Left<'a> {
    lengths: &'a [usize],
    taken: Vec<bool>,
    /// Where to look for the next one in the order given.
    next: usize,
    by_length: BTreeMap<usize, OfLength>,
}

/// The sequences of one length.
#[derive(Default)]
struct OfLength {
    /// How many of them are left.
    left: usize,
    /// All that were not taken by their length, the first one last; some may be taken in order.
    sequences: Vec<usize>,
}

impl<'a> Left<'a> {
    fn new(lengths: &'a [usize]) -> Self {
        let mut by_length: BTreeMap<usize, OfLength> = BTreeMap::new();
        for (sequence, &length) in lengths.iter().enumerate().rev() {
            let own = by_length.entry(length).or_default();
            own.left += 1;
            own.sequences.push(sequence);
        }
        Self {
            lengths,
            taken: vec![false; lengths.len()],
            next: 0,
            by_length,
        }
    }

    /// The next one in the order given.
    fn peek(&mut self) -> Option<usize> {
        while self.taken.get(self.next) == Some(&true) {
            self.next += 1;
        }
        (self.next < self.taken.len()).then_some(self.next)
    }

    /// Takes the next one in the order given.
    fn next(&mut self) -> Option<usize> {
        let sequence = self.peek()?;
        self.mark(sequence);
        Some(sequence)
    }

    /// Takes the next one, or where that would not leave room for two more, the longest that does.
    fn next_leaving_two(&mut self, room: usize) -> Option<usize> {
        let (shortest, _) = self.by_length.first_key_value()?;
        let spare = room.saturating_sub(2 * shortest);
        let next = self.peek()?;
        match self.by_length.range(..=spare).next_back() {
            Some((&length, _)) if self.lengths[next] > spare => Some(self.take(length)),
            _ => self.next(),
        }
    }

    /// Takes one of this length.
    fn take(&mut self, length: usize) -> usize {
        let own = self.by_length.get_mut(&length);
        let own = own.expect("one of this length is left");
        let sequence = loop {
            let sequence = own.sequences.pop().expect("as many are there as are left");
            if !self.taken[sequence] {
                break sequence;
            }
        };
        self.mark(sequence);
        sequence
    }

    fn mark(&mut self, sequence: usize) {
        self.taken[sequence] = true;
        let length = self.lengths[sequence];
        let own = self.by_length.get_mut(&length);
        let own = own.expect("what is not taken is there by its length");
        own.left -= 1;
        if own.left == 0 {
            self.by_length.remove(&length);
        }
    }

    /// The lengths of the one or two that leave the least of `room`; `None` if none fits.
    fn best(&self, room: usize) -> Option<[Option<usize>; 2]> {
        let longest = |room: usize| {
            let fitting = self.by_length.range(..=room).next_back();
            fitting.map(|(&length, _)| length)
        };
        let single = longest(room)?;
        let mut best = (single, [Some(single), None]);
        // Halves first: if the longest were tried first, only short ones would be left in the end.
        for (&one, own) in self.by_length.range(..=room / 2).rev().take(TRIED) {
            if best.0 == room {
                break;
            }
            let other = longest(room - one).filter(|&other| other != one || own.left > 1);
            if let Some(other) = other.filter(|other| one + other > best.0) {
                best = (one + other, [Some(one), Some(other)]);
            }
        }
        Some(best.1)
    }
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

    #[track_caller]
    fn assert_full(lengths: &[usize], capacity: usize) {
        let rows = pack(lengths, capacity);
        let mut seen: Vec<usize> = rows.iter().flatten().copied().collect();
        seen.sort_unstable();
        assert!(seen.into_iter().eq(0..lengths.len()), "every sequence once");
        for row in &rows {
            assert!(row.iter().map(|&own| lengths[own]).sum::<usize>() <= capacity);
        }
        let efficiency = lengths.iter().sum::<usize>() as f64 / (rows.len() * capacity) as f64;
        assert!(efficiency > 0.99, "{capacity}: {efficiency}");
    }

    /// Lengths as notes have them: log-normal, most far below the limit, some cut at it; and as
    /// abstracts have them, of which two do not fit into the tokens of a long one.
    #[test]
    fn rows_are_full_to_more_than_99_percent() {
        let mut stream = Randomness::new(11).stream(Purpose::Order, 0);
        for (median, limit, capacity) in
            [(200.0, 1024, 1024), (300.0, 512, 512), (60.0, 8192, 8192)]
        {
            let lengths: Vec<usize> = (0..20_000)
                .map(|_| ((median * stream.normal().exp()) as usize).clamp(3, limit))
                .collect();
            assert_full(&lengths, capacity);
        }
        let lengths: Vec<usize> = (0..20_000).map(|_| 260 + stream.below(140)).collect();
        assert_full(&lengths, 8 * 512);
    }
}
