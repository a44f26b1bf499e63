//! Looks at attention: the lens, its pins, all heads.

use std::sync::Arc;

use super::Actor;
use crate::app::jobs::Purpose;
use crate::app::lens::Lens;
use crate::app::library::NoteKey;
use crate::app::messages::Weight;
use crate::app::results::{Heads, PINS, Pin, Results};
use crate::app::state::Workspace;
use crate::app::worker::{Lane, Question};
use crate::engine::{ModelInfo, OverviewQuery, Selection};

/// Points of a side of a head's picture.
const POINTS: usize = 64;

impl Actor {
    pub(super) fn go_to(&mut self, workspace: Workspace) {
        self.state.welcome = false;
        self.state.workspace = workspace;
        self.state.hovered = None;
        self.attend();
    }

    pub(super) fn results_on_view(&mut self) -> Option<&mut Results> {
        let key = self.state.on_view.as_ref()?.key;
        Some(self.state.results.entry(key).or_default())
    }

    pub(super) fn change_lens(&mut self, change: impl FnOnce(&mut Lens, &ModelInfo)) {
        let mut lens = self.state.lens.clone();
        if let Some(model) = self.state.model.info() {
            change(&mut lens, model);
            self.look_through(lens);
        }
    }

    pub(super) fn look_through(&mut self, lens: Lens) {
        self.state.lens = lens;
        self.attend();
    }

    /// Asks for what the lens is to show, unless it shows that already. While a question of this kind
    /// runs the next one waits: the first of a note takes a forward pass, which a pointer that moves
    /// would stop again and again.
    pub(super) fn attend(&mut self) {
        let state = &self.state;
        if state.workspace != Workspace::Look || state.welcome {
            return;
        }
        let (Some(view), Some(folder)) = (&state.on_view, state.model.folder()) else {
            return;
        };
        let Some(bytes) = state.looked_at() else {
            return;
        };
        let wanted = (view.key, bytes.clone(), state.lens.clone());
        if self.attended.as_ref() == Some(&wanted) {
            return;
        }
        if state
            .jobs
            .is_running(|own| matches!(own, Purpose::Attend(..)))
        {
            self.attend_next = true;
            return;
        }
        let (key, note, folder) = (view.key, Arc::clone(&view.note), folder.clone());
        let query = state.lens.query(bytes.clone(), state.reading());
        self.attended = Some(wanted);
        let question = Question::Attend(note, Box::new(query));
        self.ask(
            Lane::Hand,
            Some(&folder),
            Purpose::Attend(key, bytes),
            question,
        );
    }

    /// Goes on with what waits for the lens.
    pub(super) fn attend_on(&mut self) {
        if std::mem::take(&mut self.attend_next) {
            self.attend();
        }
    }

    /// Looks at the heads of all layers, one layer after the other.
    pub(super) fn all_heads(&mut self) {
        let Some((key, _)) = self.asked("Looking at all heads") else {
            return;
        };
        self.go_to(Workspace::Look);
        let chosen = self.state.selection.bytes().unwrap_or(0..0);
        let heads = Heads {
            chosen,
            layers: Vec::new(),
        };
        self.state.results.entry(key).or_default().heads.set(heads);
        self.overview(key, 0);
    }

    pub(super) fn overview(&mut self, key: NoteKey, layer: usize) {
        let state = &self.state;
        let (Some(entry), Some(folder)) = (state.library.get(key), state.model.folder()) else {
            return;
        };
        let results = state.results.get(&key);
        let Some(heads) = results.and_then(|own| own.heads.value.as_ref()) else {
            return;
        };
        let (note, folder) = (Arc::clone(&entry.note), folder.clone());
        let query = OverviewQuery {
            layer,
            selection: match heads.chosen.is_empty() {
                true => Selection::Token(0),
                false => Selection::Bytes(heads.chosen.clone()),
            },
            points: POINTS,
            reading: state.reading(),
        };
        let question = Question::Overview(note, query);
        let purpose = Purpose::Overview(key, layer);
        self.ask(Lane::Hand, Some(&folder), purpose, question);
    }

    /// Keeps the range of what the lens shows for all that it shows next, or lets it go.
    pub(super) fn keep_range(&mut self) {
        if self.state.workspace != Workspace::Look {
            return;
        }
        let attention = self.state.results().map(|own| &own.attention);
        let most = attention.and_then(|own| Some(own.value.as_ref()?.strongest()));
        let shown = &mut self.state.shown;
        match (shown.range, most.filter(|own| *own > 0.0)) {
            (Some(_), _) => shown.range = None,
            (None, Some(most)) => shown.range = Some(most),
            (None, None) => {
                let said = "The lens shows nothing yet: choose a word in Look first";
                self.state.messages.tell(Weight::Note, said, "");
            }
        }
    }

    pub(super) fn pin(&mut self) {
        let Some(model) = self.state.model.info().cloned() else {
            return;
        };
        let Some(results) = self.results_on_view() else {
            return;
        };
        let Some(attention) = results.attention.value.clone() else {
            let said = "The lens shows nothing yet: choose a word in Look first";
            self.state.messages.tell(Weight::Note, said, "");
            return;
        };
        let how = Lens::of(&attention, &model).words(&model);
        let full = results.pins.len() == PINS;
        if full {
            results.pins.remove(0);
        }
        results.pins.push(Pin { attention, how });
        if full {
            let said = format!("The oldest pin was let go of: a note has at most {PINS}");
            self.state.messages.tell(Weight::Note, said, "");
        }
    }
}
