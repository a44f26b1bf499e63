//! How much memory is held so that it need not be computed again, and what goes first.

use super::jobs::Purpose;
use super::library::NoteKey;
use super::messages::Weight;
use super::results::Results;
use super::state::{State, Workspace};
use crate::engine::{AttentionMap, AttentionResult, Film};

/// What an item of a list takes, with what it points to.
fn list<T>(own: &[T], more: usize) -> usize {
    own.len() * (size_of::<T>() + more)
}

fn of_map(own: &AttentionMap) -> usize {
    // Beside the values there are their colours, here and on the graphics card.
    list(&own.values, 8) + list(&own.spans, 0)
}

fn of_row(own: &AttentionResult) -> usize {
    list(&own.items, 0)
}

fn of_film(own: &Film) -> usize {
    let probes = own.frames.iter().flat_map(|own| &own.probes);
    let seen = probes.filter_map(|own| own.seen.as_ref().ok());
    seen.map(|own| list(&own.lens.words, 0) + list(&own.vector, 0))
        .sum()
}

impl Results {
    /// The memory that it takes, in bytes; strings are counted as a usual length.
    pub fn bytes(&self) -> usize {
        let tokens = self.tokens.value.as_ref();
        let surprise = self.surprise.value.as_ref();
        let (classes, tags) = (self.classes.value.as_ref(), self.tags.value.as_ref());
        let fill = self.fill.value.as_ref();
        let heads = self.heads.value.iter().flat_map(|own| &own.layers);
        let pictures = heads.flat_map(|own| &own.heads);
        let flow = self.flow.value.as_ref();
        let similar = self.similar.value.as_ref();
        let maps = [&self.map.value, &self.part.value];
        [
            tokens.map_or(0, |own| list(&own.tokens, 8)),
            surprise.map_or(0, |own| list(&own.words, 0) + list(&own.note.measured, 0)),
            classes.map_or(0, |own| list(&own.labels, 24)),
            tags.map_or(0, |own| list(&own.spans, 24)),
            fill.map_or(0, |own| {
                own.masks.iter().map(|own| list(&own.candidates, 12)).sum()
            }),
            pictures.map(|own| list(&own.picture, 8)).sum(),
            maps.into_iter().flatten().map(|own| of_map(own)).sum(),
            flow.map_or(0, |own| list(&own.matrix, 0) * (1 + own.by_layer.len())),
            similar.map_or(0, |own| list(&own.hits, 0)),
            self.attention.value.as_ref().map_or(0, |own| of_row(own)),
            self.pins.iter().map(|own| of_row(&own.attention)).sum(),
        ]
        .iter()
        .sum()
    }
}

impl State {
    /// The memory that is held so that it need not be computed again, in bytes: what was asked of
    /// notes, what was watched, and the attention that the threads hold.
    pub fn cached(&self) -> usize {
        let results: usize = self.results.values().map(Results::bytes).sum();
        let flow = self.mean_flow.value.as_ref();
        let flow = flow.map_or(0, |own| list(&own.matrix, 0) * (1 + own.by_layer.len()));
        let film = self.train.watch.film.value.as_ref();
        results + self.held + self.points.bytes() + flow + film.map_or(0, |own| of_film(own))
    }

    /// How much it may be, in bytes.
    pub fn cache_limit(&self) -> usize {
        self.settings.cache_mb.saturating_mul(1 << 20)
    }

    /// Forgets the points that are drawn, and says so. Those that are being read are still to come.
    fn let_go_of_points(&mut self) {
        if self.points.map.value.is_none() {
            return;
        }
        let of_these = |own: &Purpose| matches!(own, Purpose::Arrange(_) | Purpose::NearPoints(_));
        self.jobs.forget(of_these);
        self.points.forget();
        let said = "No more memory may be held. Draw it again, or allow more memory in Settings.";
        let title = "The map of points was let go of";
        self.messages.tell(Weight::Warning, title, said);
    }

    /// Forgets what was asked of notes that are not on view, the one that was on view longest ago
    /// first, until there is room.
    pub fn make_room(&mut self) {
        let limit = self.cache_limit();
        let mut held = self.cached();
        while held > limit {
            let on_view = self.on_view.as_ref().map(|own| own.key);
            let others = self
                .results
                .iter()
                .filter(|(key, _)| Some(**key) != on_view);
            let oldest: Option<NoteKey> = others.min_by_key(|(_, own)| own.seen).map(|own| *own.0);
            let Some(key) = oldest else {
                // What is left is looked at, or takes long to be made again: the points go last.
                if self.workspace != Workspace::Map {
                    self.let_go_of_points();
                }
                return;
            };
            let gone = self.results.remove(&key);
            held -= gone.map_or(0, |own| own.bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::app::settings::Settings;
    use crate::engine::{Block, HeadPlace, Note, Source};

    fn map(values: usize) -> AttentionMap {
        AttentionMap {
            of: HeadPlace { layer: 0, head: 0 },
            reach: None,
            rows: 0..1,
            columns: 0..values,
            side: 1,
            block: Block::Max,
            spans: Vec::new(),
            values: vec![0.0; values],
        }
    }

    #[test]
    fn what_was_on_view_longest_ago_goes_first_and_the_limit_holds() {
        let mut state = State::new(Settings {
            cache_mb: 4,
            ..Settings::default()
        });
        let note = |text: &str| Note::new(Source::Typed, text.to_owned());
        let first = state.library.add(vec![note("a"), note("b"), note("c")]);
        let keys: Vec<NoteKey> = state.library.entries().iter().map(|own| own.key).collect();
        let quarter = 1 << 20;
        for (key, seen) in keys.iter().zip([2, 1, 3]) {
            let own = state.results.entry(*key).or_default();
            own.seen = seen;
            own.map.value = Some(Arc::new(map(quarter / 12)));
        }
        state.make_room();
        assert_eq!(state.results.len(), 3, "3 of 4 MB");
        state.held = quarter + quarter / 2;
        state.make_room();
        assert_eq!(state.results.len(), 2);
        assert!(!state.results.contains_key(&keys[1]));
        assert!(state.cached() <= state.cache_limit());
        assert_eq!(first, Some(keys[0]));
    }
}
