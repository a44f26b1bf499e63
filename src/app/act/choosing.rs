//! Chooses parts of the note on view, and looks for words in it.

use std::ops::Range;
use std::sync::Arc;

use super::Actor;
use crate::app::find::Wanted;
use crate::app::messages::Weight;
use crate::app::moving;
use crate::app::selection::Place;
use crate::app::state::Workspace;
use crate::engine::SectionRules;

impl Actor {
    pub(super) fn walk(&mut self, forward: bool) {
        self.state.selection.walk(forward);
        self.follow();
    }

    pub(super) fn select(&mut self, bytes: Range<usize>, jump: bool, reveal: bool) {
        self.state.map.marked = None;
        self.choose(bytes, jump, reveal);
    }

    /// The same for a value of a map, whose other token stays marked.
    pub(super) fn select_marked(&mut self, bytes: Range<usize>) {
        self.choose(bytes, true, true);
    }

    fn choose(&mut self, bytes: Range<usize>, jump: bool, reveal: bool) {
        let Some(view) = &self.state.on_view else {
            return;
        };
        let place = Place {
            note: view.key,
            bytes: moving::whole(view.note.text(), &bytes),
        };
        self.state.selection.go(place, jump, reveal);
        self.attend();
    }

    pub(super) fn step(&mut self, unit: moving::Unit, by: isize, extend: bool) {
        let state = &self.state;
        let Some(view) = &state.on_view else {
            return;
        };
        let now = state.selection.bytes();
        let tokens = state.tokens().map(|own| &own.tokens[..]);
        let text = view.note.text();
        if let (true, false, Some(now)) = (extend, by > 0, &now) {
            let parts = moving::parts(text, tokens, &view.outline, unit);
            let bytes = moving::shrunk(&parts, now.clone());
            self.select(bytes, false, true);
            return;
        }
        let next = moving::step(text, tokens, &view.outline, now.clone(), unit, by);
        let Some(next) = next else {
            return;
        };
        let bytes = match (extend, now) {
            (true, Some(now)) => moving::extended(now, next),
            (_, _) => next,
        };
        self.select(bytes, unit == moving::Unit::Section, true);
    }

    pub(super) fn clear(&mut self) {
        if self.state.over.is_none() && !self.state.find.open && self.clear_points() {
            return;
        }
        let state = &mut self.state;
        if state.over.is_some() {
            state.over = None;
        } else if state.find.open {
            state.find.open = false;
            state.look_for();
        } else if state.find_all.open {
            self.find_in_library(Wanted::default());
            self.state.find_all.open = false;
        } else if state.selection.bytes().is_some() {
            self.select(0..0, false, false);
        } else if state.activity {
            state.activity = false;
        } else {
            self.unpin_last();
        }
    }

    /// Lets go of the newest pin, where pins are in sight.
    fn unpin_last(&mut self) {
        let looks = self.state.workspace == Workspace::Look;
        if let Some(results) = self.results_on_view().filter(|_| looks) {
            results.pins.pop();
        }
    }

    pub(super) fn find_in_library(&mut self, wanted: Wanted) {
        let state = &mut self.state;
        match wanted.compiled() {
            Ok(pattern) => {
                state.library.set_search(pattern);
                state.find_all.wrong = None;
                // What is looked for everywhere is looked for here.
                state.find.wanted = wanted.clone();
                state.find.open |= !wanted.text.is_empty();
            }
            Err(wrong) => {
                state.library.set_search(None);
                state.find_all.wrong = Some(wrong);
            }
        }
        state.find_all.wanted = wanted;
        state.look_for();
    }

    pub(super) fn hit(&mut self, by: isize) {
        let state = &self.state;
        let Some(view) = &state.on_view else {
            return;
        };
        let now = state.selection.bytes();
        if let Some(hit) = moving::hit(&view.hits, now.as_ref(), by) {
            self.select(hit, true, true);
        }
    }

    /// The sections of notes after what a heading is has changed.
    pub(super) fn headings(&mut self) {
        let state = &mut self.state;
        let rules = SectionRules::default().with_headings(&state.settings.headings);
        state.rules = Arc::new(rules);
        if let Some(view) = &mut state.on_view {
            view.outline = state.rules.outline(view.note.text());
        }
        self.keep();
        // Sections are units, and parts that long notes are read in.
        self.read_anew();
    }

    pub(super) fn make_heading(&mut self) {
        let state = &mut self.state;
        let chosen = state.selection.bytes();
        let text = state
            .on_view
            .as_ref()
            .and_then(|own| own.note.text().get(chosen?));
        let words = text.map_or("", |own| own.trim().trim_end_matches(':').trim_end());
        if words.is_empty() || words.contains('\n') {
            let said =
                "Drag over the words of the heading first: a line of their own, or before a colon";
            state.messages.tell(Weight::Note, said, "");
            return;
        }
        let words = words.to_owned();
        state.settings.headings.insert(words.clone(), words);
        self.headings();
    }
}
