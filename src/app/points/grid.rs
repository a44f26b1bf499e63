//! Which points are where: under the pointer, in a box, inside of a line, or next in a direction.

/// Points by the squares of a grid.
#[derive(Default)]
pub struct Grid {
    least: [f32; 2],
    side: f32,
    /// Squares along both axes.
    squares: [usize; 2],
    /// For each square the place in `order` where its points begin; one more at the end.
    starts: Vec<u32>,
    order: Vec<u32>,
}

/// Points of a square, in the mean.
const EACH: f32 = 4.0;

impl Grid {
    /// Of these places. A place that is no number is in no square.
    pub fn new(places: &[[f32; 2]]) -> Self {
        let Some([least, most]) = super::camera::bounds(places) else {
            return Self::default();
        };
        let extent = [0, 1].map(|axis| (most[axis] - least[axis]).max(0.0));
        let along = (places.len() as f32 / EACH).sqrt().max(1.0);
        let side = (extent[0].max(extent[1]) / along).max(f32::MIN_POSITIVE);
        let squares = extent.map(|own| (own / side) as usize + 1);
        let mut own = Self {
            least,
            side,
            squares,
            starts: vec![0; squares[0] * squares[1] + 1],
            order: vec![0; places.len()],
        };
        let of: Vec<usize> = places.iter().map(|place| own.number(*place)).collect();
        for &square in &of {
            own.starts[square + 1] += 1;
        }
        for square in 1..own.starts.len() {
            own.starts[square] += own.starts[square - 1];
        }
        let mut next = own.starts.clone();
        for (row, &square) in of.iter().enumerate() {
            own.order[next[square] as usize] = row as u32;
            next[square] += 1;
        }
        own
    }

    /// The square along an axis that a value lies in, or that is nearest to it.
    fn square(&self, axis: usize, value: f32) -> usize {
        let number = ((value - self.least[axis]) / self.side).max(0.0) as usize;
        number.min(self.squares[axis].saturating_sub(1))
    }

    fn number(&self, place: [f32; 2]) -> usize {
        self.square(1, place[1]) * self.squares[0] + self.square(0, place[0])
    }

    /// The points of all squares that touch a box.
    fn touched(&self, least: [f32; 2], most: [f32; 2]) -> impl Iterator<Item = usize> + '_ {
        let [x, y] =
            [0, 1].map(|axis| self.square(axis, least[axis])..self.square(axis, most[axis]) + 1);
        let rows = if self.order.is_empty() { 0..0 } else { y };
        rows.flat_map(move |row| {
            let first = self.starts[row * self.squares[0] + x.start] as usize;
            let last = self.starts[row * self.squares[0] + x.end] as usize;
            self.order[first..last].iter().map(|own| *own as usize)
        })
    }

    /// The point nearest to a place and not farther than `radius`, among those that are `wanted`; the
    /// first of equal ones.
    pub fn nearest(
        &self,
        places: &[[f32; 2]],
        at: [f32; 2],
        radius: f32,
        wanted: impl Fn(usize) -> bool,
    ) -> Option<usize> {
        let (least, most) = (at.map(|own| own - radius), at.map(|own| own + radius));
        let near = self
            .touched(least, most)
            .map(|row| (distance(places[row], at), row));
        let near = near.filter(|(far, row)| *far <= radius * radius && wanted(*row));
        let first = near.min_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        first.map(|own| own.1)
    }

    /// The points in a box, in order.
    pub fn in_box(&self, places: &[[f32; 2]], a: [f32; 2], b: [f32; 2]) -> Vec<u32> {
        let least = [0, 1].map(|axis| a[axis].min(b[axis]));
        let most = [0, 1].map(|axis| a[axis].max(b[axis]));
        let inside = |own: &usize| {
            let place = places[*own];
            (0..2).all(|axis| least[axis] <= place[axis] && place[axis] <= most[axis])
        };
        let mut found: Vec<u32> = (self.touched(least, most).filter(inside))
            .map(|own| own as u32)
            .collect();
        found.sort_unstable();
        found
    }

    /// The points inside of a closed line, in order.
    pub fn in_line(&self, places: &[[f32; 2]], line: &[[f32; 2]]) -> Vec<u32> {
        let Some([least, most]) = super::camera::bounds(line) else {
            return Vec::new();
        };
        let mut found = self.in_box(places, least, most);
        found.retain(|&own| is_inside(line, places[own as usize]));
        found
    }
}

/// The square of the distance.
fn distance(a: [f32; 2], b: [f32; 2]) -> f32 {
    (a[0] - b[0]).powi(2) + (a[1] - b[1]).powi(2)
}

/// Whether a place is inside of a closed line: whether a ray from it crosses the line an odd number of
/// times.
pub fn is_inside(line: &[[f32; 2]], place: [f32; 2]) -> bool {
    let [x, y] = place;
    let mut inside = false;
    let mut before = line.last().copied().unwrap_or_default();
    for &corner in line {
        if (corner[1] > y) != (before[1] > y) {
            let share = (y - corner[1]) / (before[1] - corner[1]);
            inside ^= x < corner[0] + share * (before[0] - corner[0]);
        }
        before = corner;
    }
    inside
}

/// The point next to one in a direction (`[1, 0]` is to the right, `[0, 1]` upwards), among those that
/// are `wanted`: the nearest of those that lie more in this direction than to its sides.
pub fn next(
    places: &[[f32; 2]],
    from: usize,
    direction: [f32; 2],
    wanted: impl Fn(usize) -> bool,
) -> Option<usize> {
    let start = *places.get(from)?;
    let mut best: Option<(f32, usize)> = None;
    for (row, place) in places.iter().enumerate() {
        let off = [place[0] - start[0], place[1] - start[1]];
        let along = off[0] * direction[0] + off[1] * direction[1];
        let aside = (off[0] * direction[1] - off[1] * direction[0]).abs();
        if row == from || along <= 0.0 || aside > along || !wanted(row) {
            continue;
        }
        // What lies aside counts twice: straight on is meant.
        let far = along + 2.0 * aside;
        if best.is_none_or(|(least, _)| far < least) {
            best = Some((far, row));
        }
    }
    best.map(|own| own.1)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Places that are the same in every run, some of them twice.
    fn places(count: usize) -> Vec<[f32; 2]> {
        let mut state = 12345u32;
        let mut number = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as f32 / (1 << 24) as f32
        };
        let mut all: Vec<[f32; 2]> = (0..count)
            .map(|_| [8.0 * number() - 3.0, number()])
            .collect();
        all[count / 2] = all[0];
        all
    }

    #[test]
    fn it_finds_what_a_look_at_all_points_finds() {
        let all = places(1500);
        let grid = Grid::new(&all);
        let odd = |row: usize| row % 2 == 1;
        for at in places(300) {
            for radius in [0.01, 0.1, 2.0] {
                let near = (0..all.len()).filter(|&row| odd(row));
                let near = near.map(|row| (distance(all[row], at), row));
                let near = near.filter(|(far, _)| *far <= radius * radius);
                let want = near.min_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
                let found = grid.nearest(&all, at, radius, odd);
                assert_eq!(found, want.map(|own| own.1), "{at:?} {radius}");
            }
        }
        for pair in places(60).windows(2) {
            let [a, b] = [pair[0], pair[1]];
            let inside = |place: &[f32; 2]| {
                (0..2).all(|axis| {
                    let (low, high) = (a[axis].min(b[axis]), a[axis].max(b[axis]));
                    (low..=high).contains(&place[axis])
                })
            };
            let want: Vec<u32> = (0..all.len() as u32)
                .filter(|&row| inside(&all[row as usize]))
                .collect();
            assert_eq!(grid.in_box(&all, a, b), want);
        }
        let far = [1e6, -1e6];
        assert_eq!(grid.nearest(&all, far, 1.0, |_| true), None);
        assert_eq!(Grid::new(&[]).nearest(&[], far, 1.0, |_| true), None);
        assert!(Grid::new(&[]).in_box(&[], far, [0.0, 0.0]).is_empty());
        let one = Grid::new(&[[2.0, 2.0]; 3]);
        assert_eq!(
            one.nearest(&[[2.0, 2.0]; 3], [2.0, 2.0], 0.5, |row| row > 0),
            Some(1)
        );
    }

    #[test]
    fn a_line_holds_what_is_inside_of_it() {
        // A C that opens to the right.
        let line = [
            [0.0, 0.0],
            [4.0, 0.0],
            [4.0, 1.0],
            [1.0, 1.0],
            [1.0, 3.0],
            [4.0, 3.0],
            [4.0, 4.0],
            [0.0, 4.0],
        ];
        let all = [
            [0.5, 2.0],
            [2.0, 2.0],
            [2.0, 0.5],
            [2.0, 3.5],
            [5.0, 0.5],
            [-1.0, 2.0],
            [3.0, 1.5],
        ];
        assert_eq!(Grid::new(&all).in_line(&all, &line), [0, 2, 3]);
        let turned: Vec<[f32; 2]> = line.iter().rev().copied().collect();
        assert_eq!(Grid::new(&all).in_line(&all, &turned), [0, 2, 3]);
        assert!(Grid::new(&all).in_line(&all, &[]).is_empty());
        assert!(Grid::new(&all).in_line(&all, &line[..2]).is_empty());
    }

    #[test]
    fn a_direction_goes_to_what_lies_there() {
        let all = [
            [0.0, 0.0],
            [1.0, 0.0],
            [2.0, 0.1],
            [0.0, 3.0],
            [-1.0, -2.0],
            [0.5, 0.6],
        ];
        let step = |from, direction| next(&all, from, direction, |_| true);
        assert_eq!(step(0, [1.0, 0.0]), Some(1));
        assert_eq!(step(1, [1.0, 0.0]), Some(2));
        assert_eq!(step(0, [0.0, 1.0]), Some(5));
        assert_eq!(step(0, [0.0, -1.0]), Some(4));
        assert_eq!(step(0, [-1.0, 0.0]), None);
        assert_eq!(next(&all, 0, [1.0, 0.0], |row| row != 1), Some(2));
        assert_eq!(step(77, [1.0, 0.0]), None);
    }
}
