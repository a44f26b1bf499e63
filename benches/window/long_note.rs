//! A long note: read, attended to, masked, with all heads and its sections.

use std::time::Duration;

use auscult::app::{Action, Command, Options, State};
use auscult::engine::Unit;
use eframe::egui::{Modifiers, Pos2};

use super::{Bench, FRAMES, idle, many, once, row};

pub fn long_note(options: Options) {
    let (mut own, took) = Bench::open(options);
    once("first frame, system's window not counted", took, "2 s");
    own.until(Some(Command::Do(Action::TryDemo)), |state| {
        state.tokens().is_some() && state.predictor.folder().is_some() && idle(state)
    });
    let state = own.app.state();
    let tokens = state.tokens().unwrap().tokens.len();
    let text = state.on_view.as_ref().unwrap().note.text().to_owned();
    let device = state.device.as_ref().unwrap().to_string();
    row("the long note", &format!("{tokens} tokens"), "");
    row("computed on", &device, "");

    let text_at = Pos2::new(600.0, 400.0);
    let frames = own.scrolled(text_at, -3.0, Modifiers::NONE);
    many("M2 a frame while scrolling", frames, "16.7 ms");
    own.act(Action::Predict, idle);
    own.act(Action::TokenIds, idle);
    let results = own.app.state().results().unwrap();
    let spans = results.tags.value.as_ref().map_or(0, |own| own.spans.len());
    let frames = own.scrolled(text_at, 3.0, Modifiers::NONE);
    let what = format!("M2 the same with {spans} spans, all tokens and numbers");
    many(&what, frames, "16.7 ms");
    own.act(Action::TokenIds, idle);
    own.act(Action::Tokens, idle);

    // The lens: one forward pass, then all words are read from what is held of it.
    // One window of them, the first: attention does not go from one window to another.
    own.act(Action::FirstPart, |state| {
        state.tokens().is_some_and(|own| own.windows.len() == 1) && idle(state)
    });
    let tokens = own.app.state().tokens().unwrap().clone();
    let read = tokens.windows[0].clone();
    row("its first part", &format!("{} tokens", read.len()), "");
    let end = tokens.tokens[read.end - 1].end;
    let words = text[..end].match_indices(" the ");
    let words: Vec<usize> = words.map(|own| own.0 + 1).collect();
    let took = own.act(Action::Look, idle);
    once("M6 the first look, with the forward pass", took, "");
    let shows = |byte: usize| {
        move |state: &State| {
            let found = state.results().and_then(|own| own.attention.value.as_ref());
            found.is_some_and(|own| own.chosen.start <= byte && byte < own.chosen.end)
        }
    };
    let first = words[words.len() / 2];
    let took = own.until(Some(Command::Point(first..first + 3)), shows(first));
    once(
        "M6 the first word",
        took,
        "200 ms on the processor, 50 on a GPU",
    );
    own.until(None, idle);
    // Chosen instead of hovered, which takes a pointer; the way to the numbers is the same.
    let others = words.iter().filter(|own| **own != first);
    let others = others.step_by(words.len().div_ceil(40));
    let all = others.map(|&byte| own.until(Some(Command::Point(byte..byte + 3)), shows(byte)));
    let all: Vec<Duration> = all.collect();
    many(
        "M6 another word",
        all,
        "200 ms on the processor, 50 on a GPU",
    );
    own.until(None, idle);

    // The map, once more from nothing: another head.
    let head = |layer: usize, head: usize| {
        move |state: &State| {
            let map = state.results().and_then(|own| own.map.value.as_ref());
            map.is_some_and(|own| (own.of.layer, own.of.head) == (layer, head))
        }
    };
    let took = own.until(Some(Command::Head(0, 1)), head(0, 1));
    once("M7 the whole map of a global head", took, "300 ms");
    let took = own.until(Some(Command::Head(1, 1)), head(1, 1));
    once("M7 the whole map of a local head", took, "300 ms");
    own.until(Some(Command::Head(0, 1)), head(0, 1));
    own.until(None, idle);
    for (times, what) in [(2, "a quarter of the side"), (3, "to single values")] {
        for _ in 0..times {
            own.app.execute(Command::Do(Action::MapIn));
        }
        let took = own.until(None, |state| {
            let (view, results) = (state.map_view(), state.results());
            let part = results.and_then(|own| own.part.value.as_ref());
            part.is_some_and(|own| own.side == view.side() && own.of.head == 1)
        });
        once(&format!("M7 a sharp part, {what}"), took, "100 ms");
    }
    own.until(None, idle);
    let map_at = Pos2::new(1030.0, 640.0);
    let frames = own.scrolled(map_at, 1.0, Modifiers::NONE);
    many("M7 a frame while zooming", frames, "16.7 ms");
    own.act(Action::MapWhole, idle);

    let layers = own.app.state().model.info().unwrap().layers;
    let took = own.act(Action::AllHeads, |state| {
        let heads = state.results().and_then(|own| own.heads.value.as_ref());
        heads.is_some_and(|own| own.layers.len() == layers)
    });
    once("M8 all heads", took, "2 s on a GPU");

    let before = |state: &State| state.results().and_then(|own| own.attention.value.clone());
    for (unit, what) in [(Unit::Sentence, "sentences"), (Unit::Section, "sections")] {
        let mut lens = own.app.state().lens.clone();
        lens.unit = unit;
        let took = own.until(Some(Command::Lens(Box::new(lens))), |state| {
            before(state).is_some_and(|own| own.unit == unit)
        });
        once(&format!("M9 gathered into {what}"), took, "");
    }
    let took = own.act(Action::Rollout, |state| {
        before(state).is_some_and(|own| own.reduction.is_none())
    });
    once("M9 rollout through all layers", took, "");
    own.act(Action::Rollout, idle);
    let took = own.act(Action::Flow, |state| {
        state.results().is_some_and(|own| own.flow.value.is_some())
    });
    let sections = own
        .app
        .state()
        .results()
        .unwrap()
        .flow
        .value
        .clone()
        .unwrap();
    let what = format!(
        "X2 {} sections by sections, in numbers",
        sections.units.len()
    );
    once(&what, took, "");
    let frames = (0..FRAMES).map(|_| own.draw(Vec::new())).collect();
    many("X2 a frame with them", frames, "100 ms");
    let (held, most) = (own.app.state().cached(), own.app.state().cache_limit());
    let found = format!("{} of {} MB", held >> 20, most >> 20);
    row(
        "memory that is held",
        &found,
        "within 10 % of what is allowed",
    );
}
