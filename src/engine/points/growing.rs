//! Points as they are read: as many as there is room for, left to chance where there are more.

use std::collections::{BTreeSet, BinaryHeap, HashMap};

use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};

use super::{OfEach, Point, PointUnit, Points, PointsQuery};
use crate::engine::codes::Code;

/// One part of so many of the memory is left for names.
const NAMES: usize = 50;

/// Points that there is room for at once, before it is known how many there will be.
const FIRST: usize = 1024;

/// How many more points are reckoned with than those read so far let expect.
const MORE: f64 = 1.1;

/// Points as they come.
pub(super) struct Growing {
    pub(super) points: Points,
    numbers: HashMap<String, u32>,
    /// Points that are kept at most.
    most: usize,
    /// Whether memory is what decides that, and no wish.
    by_room: bool,
    of_each: OfEach,
    /// Of each kind the points that are kept, each with its lot: that with the highest goes first.
    kinds: HashMap<u32, BinaryHeap<(u64, u32)>>,
    /// The kinds by how many points of them are kept.
    sizes: BTreeSet<(usize, u32)>,
    /// For each point its note, and its place among the points of that.
    order: Vec<(u32, u32)>,
    random: ChaCha8Rng,
}

/// A point that comes, with what is needed to decide whether it stays.
pub(super) struct Coming<'a> {
    pub(super) point: Point,
    /// Its place among the points of its note.
    pub(super) place: usize,
    /// The class of its note, for [`OfEach::Class`].
    pub(super) class: Option<&'a str>,
    pub(super) vector: &'a [f32],
}

impl Growing {
    /// None yet, of vectors of `width` numbers.
    pub(super) fn new(query: &PointsQuery, width: usize, random_weights: bool) -> Self {
        let code = match query.unit {
            PointUnit::Code => size_of::<Code>() + super::CODE_TEXT,
            _ => 0,
        };
        let each = Points::each(width) + code + query.beside;
        let room = (query.most_bytes - query.most_bytes / NAMES) / each;
        Self {
            points: Points {
                unit: query.unit,
                width,
                vectors: Vec::new(),
                points: Vec::new(),
                names: Vec::new(),
                codes: Vec::new(),
                plane: Vec::new(),
                explained: [0.0; 2],
                failures: Vec::new(),
                read: 0,
                all: 0,
                complete: true,
                full: false,
                random_weights,
                scales: Vec::new(),
            },
            numbers: HashMap::new(),
            most: room.min(query.most),
            by_room: room < query.most,
            of_each: query.of_each,
            kinds: HashMap::new(),
            sizes: BTreeSet::new(),
            order: Vec::new(),
            random: ChaCha8Rng::seed_from_u64(query.seed),
        }
    }

    /// Points that are kept at most.
    pub(super) fn most(&self) -> usize {
        self.most
    }

    /// The places of so many things, in an order that is left to chance: whoever stops does not have
    /// the first of them alone.
    pub(super) fn shuffled(&mut self, count: usize) -> Vec<usize> {
        let mut all: Vec<usize> = (0..count).collect();
        all.shuffle(&mut self.random);
        all
    }

    /// The number of a name.
    pub(super) fn name(&mut self, name: &str) -> u32 {
        if let Some(&number) = self.numbers.get(name) {
            return number;
        }
        let number = self.points.names.len() as u32;
        self.points.names.push(name.to_owned());
        self.numbers.insert(name.to_owned(), number);
        number
    }

    /// Makes room for `coming` points, and for those after them as far as a `share` of the text lets
    /// expect: to double what is there each time would take up to twice what is needed.
    pub(super) fn reserve(&mut self, coming: usize, share: f64) {
        let (here, width) = (self.points.points.len(), self.points.width.max(1));
        let need = (here + coming).min(self.most);
        if need * width <= self.points.vectors.capacity() {
            return;
        }
        let expected = (self.points.all + coming) as f64 / share.max(f64::MIN_POSITIVE) * MORE;
        let most = self.most.min((2 * need).max(FIRST));
        let more = (expected as usize).clamp(need, most.max(need)) - here;
        self.points.vectors.reserve_exact(more * width);
        self.points.points.reserve_exact(more);
    }

    /// Takes a point in. Where there are too many, one goes of the kind that has most: which, is left
    /// to chance, and each of a kind has the same.
    pub(super) fn push(&mut self, coming: &Coming<'_>) {
        let point = coming.point;
        self.points.all += 1;
        if self.most == 0 {
            return;
        }
        let kind = match self.of_each {
            OfEach::Any => 0,
            OfEach::Section => point.section,
            OfEach::Label => point.label,
            OfEach::Note => point.of,
            OfEach::Class => coming.class.map_or(Point::NONE, |own| self.name(own)),
        };
        let lot = self.random.next_u64();
        let own = self.kinds.get(&kind).map_or(0, BinaryHeap::len);
        if self.points.points.len() < self.most {
            let row = self.points.points.len() as u32;
            self.points.points.push(point);
            self.points.vectors.extend_from_slice(coming.vector);
            self.order.push((point.of, coming.place as u32));
            self.keep(kind, own, (lot, row));
            return;
        }
        let largest = self.sizes.last().copied().unwrap_or_default();
        let from = if own + 1 >= largest.0 {
            kind
        } else {
            largest.1
        };
        let Some(heap) = self.kinds.get_mut(&from) else {
            return;
        };
        if from == kind && heap.peek().is_none_or(|own| own.0 <= lot) {
            return;
        }
        let size = heap.len();
        let Some((_, row)) = heap.pop() else {
            return;
        };
        self.sizes.remove(&(size, from));
        self.sizes.insert((size - 1, from));
        let (place, width) = (row as usize, self.points.width);
        self.points.points[place] = point;
        self.points.vectors[place * width..][..width].copy_from_slice(coming.vector);
        self.order[place] = (point.of, coming.place as u32);
        let own = if from == kind { own - 1 } else { own };
        self.keep(kind, own, (lot, row));
    }

    fn keep(&mut self, kind: u32, size: usize, own: (u64, u32)) {
        self.kinds.entry(kind).or_default().push(own);
        self.sizes.remove(&(size, kind));
        self.sizes.insert((size + 1, kind));
    }

    /// Counts what the points are of anew, without what nothing was made of.
    pub(super) fn renumber(&mut self, stays: &[bool]) {
        let mut next = 0;
        let numbers: Vec<u32> = (stays.iter())
            .map(|&own| {
                next += u32::from(own);
                next.saturating_sub(1)
            })
            .collect();
        for (point, order) in self.points.points.iter_mut().zip(&mut self.order) {
            point.of = numbers[point.of as usize];
            order.0 = point.of;
        }
    }

    /// What is left out was asked for, and not for want of room.
    pub(super) fn leaves_out_as_asked(&mut self) {
        self.by_room = false;
    }

    /// The points, in the order of the notes and in that of each note.
    pub(super) fn done(mut self) -> Points {
        self.kinds = HashMap::new();
        let mut points = self.points;
        points.full = self.by_room && points.all > points.points.len();
        let mut order: Vec<usize> = (0..points.points.len()).collect();
        order.sort_unstable_by_key(|&row| self.order[row]);
        points.points = order.iter().map(|&row| points.points[row]).collect();
        sort_rows(&mut points.vectors, points.width, order);
        points.vectors.shrink_to_fit();
        points
    }
}

/// Puts rows into an order, where they lie: a second array of them might not fit. `order` has for each
/// place the row that belongs there.
fn sort_rows(rows: &mut [f32], width: usize, mut order: Vec<usize>) {
    for first in 0..order.len() {
        if order[first] == first {
            continue;
        }
        let moved = rows[first * width..][..width].to_vec();
        let mut place = first;
        loop {
            let from = std::mem::replace(&mut order[place], place);
            if from == first {
                rows[place * width..][..width].copy_from_slice(&moved);
                break;
            }
            rows.copy_within(from * width..(from + 1) * width, place * width);
            place = from;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{Pooling, ReadingOptions};

    fn query(most: usize, of_each: OfEach, seed: u64) -> PointsQuery {
        PointsQuery {
            unit: PointUnit::Word,
            pooling: Pooling::Mean,
            reading: ReadingOptions::default(),
            codes: 0,
            most,
            of_each,
            seed,
            most_bytes: usize::MAX,
            beside: 0,
        }
    }

    /// Points of 40 notes, 25 of each: of section 0, but every 25th of section 1 and the 5 last of
    /// the last note of section 2. The notes come backwards.
    fn grown(query: &PointsQuery) -> Points {
        let mut growing = Growing::new(query, 2, false);
        for of in (0..40).rev() {
            growing.reserve(25, f64::from(40 - of) / 40.0);
            for place in 0..25 {
                let section = match (of, place) {
                    (39, 20..) => 2,
                    (_, 0) => 1,
                    _ => 0,
                };
                let point = Point {
                    of,
                    start: place as u32,
                    end: place as u32 + 1,
                    section,
                    label: Point::NONE,
                };
                growing.push(&Coming {
                    point,
                    place,
                    class: None,
                    vector: &[of as f32, place as f32],
                });
            }
        }
        growing.done()
    }

    #[test]
    fn all_are_kept_in_order_where_there_is_room() {
        let own = grown(&query(usize::MAX, OfEach::Any, 1));
        assert_eq!((own.points.len(), own.all, own.full), (1000, 1000, false));
        for (row, point) in own.points.iter().enumerate() {
            assert_eq!(
                (point.of as usize, point.start as usize),
                (row / 25, row % 25)
            );
            assert_eq!(
                own.vectors[2 * row..][..2],
                [point.of as f32, point.start as f32]
            );
        }
        // No more memory stays than they take.
        assert!(
            own.vectors.capacity() < 2 * 1000 + 64,
            "{}",
            own.vectors.capacity()
        );
    }

    #[test]
    fn a_sample_is_of_all_notes_and_each_point_has_the_same_chance() {
        let mut counts = vec![0; 1000];
        for seed in 0..400 {
            let own = grown(&query(100, OfEach::Any, seed));
            assert_eq!((own.points.len(), own.all, own.full), (100, 1000, false));
            assert!(own.points.is_sorted_by_key(|own| (own.of, own.start)));
            for (row, point) in own.points.iter().enumerate() {
                assert_eq!(own.vectors[2 * row], point.of as f32);
                counts[(25 * point.of + point.start) as usize] += 1;
            }
        }
        // 40 are expected of each, with a deviation of 6.
        assert!(
            counts.iter().all(|own| (10..=75).contains(own)),
            "{counts:?}"
        );
        let half: i32 = counts[..500].iter().sum();
        assert!((19_400..=20_600).contains(&half), "{half}");
        let again = grown(&query(100, OfEach::Any, 3));
        assert!(again.points == grown(&query(100, OfEach::Any, 3)).points);
        assert!(again.points != grown(&query(100, OfEach::Any, 4)).points);
    }

    #[test]
    fn as_many_of_each_section_are_taken_or_all_that_it_has() {
        for seed in 0..20 {
            let own = grown(&query(45, OfEach::Section, seed));
            let count = |section| {
                own.points
                    .iter()
                    .filter(|own| own.section == section)
                    .count()
            };
            assert_eq!([count(0), count(1), count(2)], [20, 20, 5]);
            let own = grown(&query(80, OfEach::Note, seed));
            let count = |of| own.points.iter().filter(|own| own.of == of).count();
            assert!((0..40).all(|of| count(of) == 2));
        }
    }

    #[test]
    fn memory_is_a_bound_and_no_wish() {
        let each = Points::each(2) + 30;
        let little = PointsQuery {
            most_bytes: 60 * each,
            beside: 30,
            ..query(usize::MAX, OfEach::Any, 1)
        };
        let own = grown(&little);
        assert!(own.full && own.all == 1000);
        assert!(
            (55..=60).contains(&own.points.len()),
            "{}",
            own.points.len()
        );
        assert!(own.bytes() + 30 * own.points.len() <= little.most_bytes);
        // They are of all notes, and not of those that came first.
        let notes: BTreeSet<u32> = own.points.iter().map(|own| own.of).collect();
        assert!(notes.len() > 20, "{notes:?}");
    }
}
