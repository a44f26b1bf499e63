//! Which part of a head's map is on the screen, from the whole note to a few tokens.

use std::ops::Range;

/// A square part of a map, in tokens.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Viewport {
    /// The row at its upper edge.
    pub top: f64,
    /// The column at its left edge.
    pub left: f64,
    /// Tokens from edge to edge.
    pub tokens: f64,
}

/// Tokens from edge to edge at least.
const LEAST: f64 = 6.0;

/// Blocks from edge to edge at most, so that a picture is never larger than any device's textures.
const BLOCKS: f64 = 512.0;

impl Viewport {
    /// All of a map of so many tokens.
    pub fn whole(tokens: usize) -> Self {
        Self {
            top: 0.0,
            left: 0.0,
            tokens: tokens.max(1) as f64,
        }
    }

    /// Larger by `factor` around a point, given in shares of the view from its upper left; it stays
    /// within a map of so many tokens.
    pub fn zoomed(self, factor: f64, [down, across]: [f64; 2], tokens: usize) -> Self {
        let all = tokens.max(1) as f64;
        let side = (self.tokens / factor).clamp(LEAST.min(all), all);
        let more = self.tokens - side;
        Self {
            top: self.top + more * down,
            left: self.left + more * across,
            tokens: side,
        }
        .within(tokens)
    }

    /// Moved by shares of itself.
    pub fn moved(self, [down, across]: [f64; 2], tokens: usize) -> Self {
        Self {
            top: self.top + down * self.tokens,
            left: self.left + across * self.tokens,
            ..self
        }
        .within(tokens)
    }

    /// Around a row and a column, as large as it is.
    pub fn around(self, row: f64, column: f64, tokens: usize) -> Self {
        Self {
            top: row - self.tokens / 2.0,
            left: column - self.tokens / 2.0,
            ..self
        }
        .within(tokens)
    }

    /// The same within a map of so many tokens.
    pub fn within(self, tokens: usize) -> Self {
        let all = tokens.max(1) as f64;
        let side = self.tokens.clamp(LEAST.min(all), all);
        Self {
            top: self.top.clamp(0.0, all - side),
            left: self.left.clamp(0.0, all - side),
            tokens: side,
        }
    }

    /// Tokens of a side of a block: a power of two, so that the same blocks are met again.
    pub fn side(self) -> usize {
        let mut side = 1usize;
        while self.tokens / side as f64 > BLOCKS {
            side *= 2;
        }
        side
    }

    /// The rows and columns that it shows, with as much again around them as half of it, in steps of a
    /// quarter: small moves show what is there already.
    pub fn part(self, tokens: usize) -> [Range<usize>; 2] {
        [self.top, self.left].map(|first| {
            let step = (self.tokens / 4.0).max(1.0);
            let start = ((first - self.tokens / 2.0) / step).floor() * step;
            let end = ((first + 1.5 * self.tokens) / step).ceil() * step;
            let end = (end.ceil() as usize).min(tokens);
            (start.max(0.0) as usize).min(end)..end
        })
    }

    /// The row and the column at a point, given in shares from the upper left.
    pub fn at(self, [down, across]: [f64; 2]) -> [f64; 2] {
        [
            self.top + down * self.tokens,
            self.left + across * self.tokens,
        ]
    }

    /// Where a row and a column are, in shares of the view from its upper left.
    pub fn place(self, row: f64, column: f64) -> [f32; 2] {
        [row - self.top, column - self.left].map(|own| (own / self.tokens) as f32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_under_the_pointer_stays_there_and_the_edges_hold() {
        let mut own = Viewport::whole(8192);
        let point = [0.25, 0.75];
        for _ in 0..40 {
            let before = own.at(point);
            own = own.zoomed(1.5, point, 8192);
            let after = own.at(point);
            assert!((before[0] - after[0]).abs() < 1e-6 && (before[1] - after[1]).abs() < 1e-6);
        }
        assert_eq!(own.tokens, LEAST);
        own = own.moved([-1000.0, 1000.0], 8192);
        let edge = 8192.0 - LEAST;
        assert_eq!((own.top, own.left), (0.0, edge));
        own = own.zoomed(1e-9, point, 8192);
        assert_eq!(own, Viewport::whole(8192));
        assert_eq!(Viewport::whole(3).zoomed(2.0, point, 3), Viewport::whole(3));
    }

    #[test]
    fn blocks_are_few_and_the_part_covers_the_view() {
        assert_eq!(Viewport::whole(8192).side(), 16);
        assert_eq!(Viewport::whole(512).side(), 1);
        assert_eq!(Viewport::whole(513).side(), 2);
        assert_eq!(Viewport::whole(8192).part(8192), [0..8192, 0..8192]);
        let own = Viewport {
            top: 100.3,
            left: 8000.0,
            tokens: 64.0,
        };
        let [rows, columns] = own.part(8192);
        assert!(rows.start as f64 <= own.top && rows.end as f64 >= own.top + own.tokens);
        assert!(columns.start <= 8000 && columns.end >= 8064);
        assert_eq!(own.moved([0.001, 0.0], 8192).part(8192), [rows, columns]);
        assert_eq!(own.place(own.top, 8064.0), [0.0, 1.0]);
    }
}
