//! What is chosen, in one place for all views, and the way back to what was chosen before.

use std::ops::Range;

use super::library::NoteKey;

/// What is chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The note on view.
    pub note: NoteKey,
    /// Bytes of the note; empty if none are chosen.
    pub bytes: Range<usize>,
}

/// Places that are remembered.
const REMEMBERED: usize = 500;

/// What is chosen and what was.
#[derive(Debug, Default)]
pub struct Selection {
    places: Vec<Place>,
    /// One more than the number of the place that is now.
    now: usize,
    /// Whether the chosen bytes are to be brought into view.
    reveal: u64,
}

impl Selection {
    /// The place that is now.
    pub fn place(&self) -> Option<&Place> {
        self.places.get(self.now.checked_sub(1)?)
    }

    /// The note on view.
    pub fn note(&self) -> Option<NoteKey> {
        self.place().map(|place| place.note)
    }

    /// The chosen bytes of the note on view.
    pub fn bytes(&self) -> Option<Range<usize>> {
        let bytes = &self.place()?.bytes;
        (!bytes.is_empty()).then(|| bytes.clone())
    }

    /// Goes to a place. A step within the same note takes the place of the step before, so that the
    /// way back is not one token at a time: only a jump is remembered.
    pub fn go(&mut self, place: Place, jump: bool, reveal: bool) {
        self.reveal += u64::from(reveal);
        if self.place() == Some(&place) {
            return;
        }
        let step = !jump && self.note() == Some(place.note);
        if step && self.now == self.places.len() && self.now > 1 && {
            let before = &self.places[self.now - 2];
            before.note == place.note
        } {
            self.places[self.now - 1] = place;
            return;
        }
        self.places.truncate(self.now);
        self.places.push(place);
        let more = self.places.len().saturating_sub(REMEMBERED);
        self.places.drain(..more);
        self.now = self.places.len();
    }

    /// Whether there is a way back, and one forward.
    pub fn ways(&self) -> [bool; 2] {
        [self.now > 1, self.now < self.places.len()]
    }

    /// Goes back, or forward, if there is a way.
    pub fn walk(&mut self, forward: bool) {
        match (forward, self.ways()) {
            (false, [true, _]) => self.now -= 1,
            (true, [_, true]) => self.now += 1,
            _ => return,
        }
        self.reveal += 1;
    }

    /// How often the chosen bytes were to be brought into view.
    pub fn reveal(&self) -> u64 {
        self.reveal
    }

    /// Forgets the places of these notes.
    pub fn close(&mut self, notes: &[NoteKey]) {
        let gone = |own: &Place| notes.contains(&own.note);
        let before = self.places[..self.now]
            .iter()
            .filter(|own| gone(own))
            .count();
        self.now -= before;
        self.places.retain(|own| !gone(own));
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        *self = Self {
            reveal: self.reveal,
            ..Self::default()
        };
    }

    /// The chosen bytes are not to be brought into view any more.
    pub fn nothing_is_asked(&mut self) {
        self.reveal = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::library::Library;
    use crate::engine::{Note, Source};

    #[test]
    fn the_way_back_is_made_of_jumps() {
        let mut library = Library::default();
        let note = |text: &str| Note::new(Source::Typed, text.to_owned());
        let a = library.add(vec![note("one")]).unwrap();
        let b = library.add(vec![note("two")]).unwrap();
        let place = |note, bytes| Place { note, bytes };
        let mut own = Selection::default();
        own.walk(false);
        own.go(place(a, 0..0), true, false);
        let before = own.reveal();
        own.go(place(a, 0..1), true, true);
        assert_eq!(own.reveal(), before + 1);
        for step in 1..3 {
            own.go(place(a, step..step + 1), false, false);
        }
        own.go(place(b, 0..0), true, false);
        assert_eq!(own.ways(), [true, false]);
        own.walk(false);
        assert_eq!(own.place(), Some(&place(a, 2..3)));
        own.walk(false);
        assert_eq!((own.bytes(), own.ways()), (None, [false, true]));
        own.walk(true);
        own.walk(true);
        own.walk(true);
        assert_eq!(own.note(), Some(b));
        own.walk(false);
        own.go(place(b, 0..2), true, false);
        assert_eq!(own.ways(), [true, false]);
    }
}
