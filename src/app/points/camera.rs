//! Which part of the map of points is on the screen.

use eframe::egui::{Pos2, Rect, Vec2, pos2, vec2};

/// A part of the map.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Camera {
    /// The place in the middle.
    pub centre: [f32; 2],
    /// Points of the screen for a unit of the map.
    pub scale: f32,
}

/// Space around all points, as a share of the side.
const MARGIN: f32 = 0.06;

/// How much closer a step by keys is.
pub const STEP: f32 = 1.5;

/// How much closer than all points it goes at most, and how much farther.
const CLOSEST: f32 = 5_000.0;
const FARTHEST: f32 = 0.3;

/// The smallest and the largest place along both axes; none without a place.
pub fn bounds(places: &[[f32; 2]]) -> Option<[[f32; 2]; 2]> {
    let first = *places.first()?;
    let mut found = [first, first];
    for place in places {
        for (axis, value) in place.iter().enumerate() {
            found[0][axis] = found[0][axis].min(*value);
            found[1][axis] = found[1][axis].max(*value);
        }
    }
    Some(found)
}

impl Camera {
    /// All of the map, in a part of the screen of this size.
    pub fn whole(bounds: [[f32; 2]; 2], size: Vec2) -> Self {
        let [least, most] = bounds;
        let centre = [0, 1].map(|axis| (least[axis] + most[axis]) / 2.0);
        let room = size * (1.0 - 2.0 * MARGIN);
        let extent = [0, 1].map(|axis| most[axis] - least[axis]);
        let of = |room: f32, extent: f32| match extent > 0.0 {
            true => room.max(1.0) / extent,
            false => f32::INFINITY,
        };
        let scale = of(room.x, extent[0]).min(of(room.y, extent[1]));
        Self {
            centre,
            scale: if scale.is_finite() { scale } else { 1.0 },
        }
    }

    /// Where a place is on the screen; upwards is up.
    pub fn to_screen(self, rect: Rect, place: [f32; 2]) -> Pos2 {
        let x = (place[0] - self.centre[0]) * self.scale;
        let y = (place[1] - self.centre[1]) * self.scale;
        rect.center() + vec2(x, -y)
    }

    /// The place under a point of the screen.
    pub fn to_place(self, rect: Rect, at: Pos2) -> [f32; 2] {
        let off = (at - rect.center()) / self.scale;
        [self.centre[0] + off.x, self.centre[1] - off.y]
    }

    /// Closer by `factor`, so that what is under `at` stays there.
    pub fn zoomed(self, factor: f32, rect: Rect, at: Pos2, whole: Self) -> Self {
        let held = self.to_place(rect, at);
        let scale = (self.scale * factor).clamp(whole.scale * FARTHEST, whole.scale * CLOSEST);
        let own = Self { scale, ..self };
        let now = own.to_place(rect, at);
        Self {
            centre: [0, 1].map(|axis| own.centre[axis] + held[axis] - now[axis]),
            scale,
        }
    }

    /// Moved with the pointer by so much of the screen.
    pub fn moved(self, by: Vec2) -> Self {
        Self {
            centre: [
                self.centre[0] - by.x / self.scale,
                self.centre[1] + by.y / self.scale,
            ],
            ..self
        }
    }

    /// So that a place is on the screen, moved no more than that takes.
    pub fn showing(self, rect: Rect, place: [f32; 2]) -> Self {
        let inner = rect.shrink2(rect.size() * 0.08);
        let at = self.to_screen(rect, place);
        let near = pos2(
            at.x.clamp(inner.min.x, inner.max.x),
            at.y.clamp(inner.min.y, inner.max.y),
        );
        self.moved(near - at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_points_are_inside_and_what_is_under_the_pointer_stays() {
        let places = [[-3.0, 1.0], [5.0, 2.0], [0.0, -7.0]];
        let rect = Rect::from_min_size(pos2(100.0, 50.0), vec2(400.0, 300.0));
        let whole = Camera::whole(bounds(&places).unwrap(), rect.size());
        for place in places {
            let at = whole.to_screen(rect, place);
            assert!(rect.contains(at), "{at:?}");
            let back = whole.to_place(rect, at);
            assert!((back[0] - place[0]).abs() < 1e-3 && (back[1] - place[1]).abs() < 1e-3);
        }
        assert!(whole.to_screen(rect, [0.0, 1.0]).y < whole.to_screen(rect, [0.0, 0.0]).y);
        let at = pos2(170.0, 300.0);
        let near = whole.zoomed(3.0, rect, at, whole);
        let (before, after) = (whole.to_place(rect, at), near.to_place(rect, at));
        assert!((before[0] - after[0]).abs() < 1e-3 && (before[1] - after[1]).abs() < 1e-3);
        assert!((near.scale / whole.scale - 3.0).abs() < 1e-4);
        assert_eq!(
            near.zoomed(1e9, rect, at, whole).scale,
            whole.scale * CLOSEST
        );
        let far = near.moved(vec2(3000.0, 0.0));
        assert!(!rect.contains(far.to_screen(rect, [0.0, 0.0])));
        assert!(rect.contains(far.showing(rect, [0.0, 0.0]).to_screen(rect, [0.0, 0.0])));
        // One point, or many in one place.
        let same = Camera::whole([[2.0, 2.0]; 2], rect.size());
        assert_eq!(same.to_screen(rect, [2.0, 2.0]), rect.center());
    }
}
