//! Gives each part its share of every class.
//!
//! Iterative stratification (Sechidis, Tsoumakas and Vlahavas 2011, "On the stratification of
//! multi-label data"), for units of several notes.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use super::split::{Part, Ratio};
use super::traces::Key;

/// What stays together.
pub(super) struct Unit {
    pub(super) notes: Vec<usize>,
    /// Its place in the order of units.
    pub(super) order: Key,
    /// How many of its notes have each of its classes.
    pub(super) classes: Vec<(usize, usize)>,
}

/// What each part still lacks of its share, in notes; negative where it has more.
struct Missing {
    ratio: Ratio,
    notes: [f64; 3],
    of_class: BTreeMap<usize, [f64; 3]>,
}

impl Missing {
    /// All of the shares of so many notes, and of those of each class.
    fn new(ratio: Ratio, notes: usize, totals: &BTreeMap<usize, usize>) -> Self {
        let shares = |count: usize| Part::ALL.map(|part| ratio.of(part) * count as f64);
        let of_class = totals.iter().map(|(&class, &count)| (class, shares(count)));
        Self {
            ratio,
            notes: shares(notes),
            of_class: of_class.collect(),
        }
    }

    /// Puts a unit where most notes of this class are missing, then where most notes are, then where
    /// the share is the larger.
    fn place(&mut self, unit: &Unit, class: Option<usize>) -> Part {
        let own = class.and_then(|class| self.of_class.get(&class));
        let own = own.copied().unwrap_or_default();
        let open = |part: &Part| self.ratio.of(*part) > 0.0;
        let parts = Part::ALL.into_iter().rev().filter(open);
        let most = parts.max_by(|&a, &b| {
            let (a, b) = (a as usize, b as usize);
            own[a]
                .total_cmp(&own[b])
                .then(self.notes[a].total_cmp(&self.notes[b]))
        });
        let part = most.unwrap_or(Part::Train);
        self.notes[part as usize] -= unit.notes.len() as f64;
        for (class, count) in &unit.classes {
            if let Some(missing) = self.of_class.get_mut(class) {
                missing[part as usize] -= *count as f64;
            }
        }
        part
    }
}

/// Units, with how many of their notes count, in the order in which they are placed: those larger
/// than the smallest part's share first, while there is room for them anywhere.
fn in_order(mut units: Vec<(usize, usize)>, total: usize, ratio: Ratio) -> Vec<usize> {
    let shares = Part::ALL.map(|part| ratio.of(part)).into_iter();
    let least = shares.filter(|share| *share > 0.0).fold(1.0, f64::min);
    let large = |count: usize| count as f64 > (least * total as f64).max(1.0);
    units.sort_by_key(|&(_, count)| Reverse(if large(count) { count } else { 0 }));
    units.into_iter().map(|(number, _)| number).collect()
}

/// The part of each unit: units of the rarest class first, at the end those without a class.
pub(super) fn assign(units: &[Unit], notes: usize, ratio: Ratio) -> Vec<Part> {
    // The units of each class, with how many of their notes have it.
    let mut having: BTreeMap<usize, Vec<(usize, usize)>> = BTreeMap::new();
    let mut totals: BTreeMap<usize, usize> = BTreeMap::new();
    for (number, unit) in units.iter().enumerate() {
        for &(class, count) in &unit.classes {
            having.entry(class).or_default().push((number, count));
            *totals.entry(class).or_default() += count;
        }
    }
    let mut missing = Missing::new(ratio, notes, &totals);
    let left = having.iter().map(|(&class, own)| (class, own.len()));
    let mut left: BTreeMap<usize, usize> = left.collect();
    let mut rarest: BTreeSet<(usize, usize)> =
        left.iter().map(|(&class, &units)| (units, class)).collect();
    let mut parts: Vec<Option<Part>> = vec![None; units.len()];
    while let Some((_, class)) = rarest.pop_first() {
        let own = having.remove(&class).unwrap_or_default();
        for number in in_order(own, totals[&class], ratio) {
            if parts[number].is_some() {
                continue;
            }
            parts[number] = Some(missing.place(&units[number], Some(class)));
            for (other, _) in &units[number].classes {
                if let Some(count) = left.get_mut(other)
                    && rarest.remove(&(*count, *other))
                {
                    *count -= 1;
                    rarest.insert((*count, *other));
                }
            }
        }
    }
    let rest = parts.iter().zip(units).enumerate();
    let rest = rest.filter(|(_, (part, _))| part.is_none());
    let rest: Vec<(usize, usize)> = rest
        .map(|(number, (_, unit))| (number, unit.notes.len()))
        .collect();
    for number in in_order(rest, notes, ratio) {
        parts[number] = Some(missing.place(&units[number], None));
    }
    parts.into_iter().flatten().collect()
}
