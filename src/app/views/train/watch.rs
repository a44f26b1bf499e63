//! Notes that are watched while a run is made: a timeline of what they came to, step by step.

mod map;
mod note;
mod timeline;

use std::time::Duration;

use eframe::egui::{self, RichText, ScrollArea, Ui};

use super::{ask, bad};
use crate::app::command::{Action, Command};
use crate::app::controls;
use crate::app::jobs::Purpose;
use crate::app::state::State;
use crate::app::theme;
use crate::app::train::Ask;
use crate::app::train::watch::{WatchAsk, WatchState, called};
use crate::app::views::View;
use crate::app::widgets::parts::{self, name, thousands};
use crate::engine::{Film, FilmFrame, MOST_PROBES, Says, WatchEvery};

/// The panel.
#[derive(Default)]
pub struct WatchView {
    note: note::ProbeView,
    /// When the frame came that is shown, while they are shown one after the other; in seconds of the
    /// window's clock.
    since: Option<f64>,
}

/// How long a frame is shown.
const SHOWN: Duration = Duration::from_millis(200);

fn watch(commands: &mut Vec<Command>, own: WatchAsk) {
    ask(commands, Ask::Watch(own));
}

impl View for WatchView {
    fn ui(&mut self, ui: &mut Ui, state: &State, commands: &mut Vec<Command>) {
        let size = ui.available_size();
        match size.x < NARROW || size.y < LOW {
            true => {
                let area = ScrollArea::vertical().auto_shrink(false);
                area.show(ui, |ui| self.all(ui, Room::Scrolled, state, commands));
            }
            false => self.all(ui, Room::Whole, state, commands),
        }
    }

    fn numbers(&self, state: &State) -> Option<String> {
        let film = state.train.watch.film.value.as_ref()?;
        (!film.frames.is_empty()).then(|| table(film))
    }

    fn help(&self) -> &'static str {
        "What notes come to while a run is made: what the model says of them, what a word looks at in the \
         mean of the global layers, and where they stand on a map whose axes are the same for all frames. \
         With the timeline chosen, the arrows go from frame to frame, Home and End to the ends. Every frame \
         is a checkpoint. Frames are kept in the folder of the run, without the text of the notes."
    }
}

/// With less room than this, in points, the panel is scrolled as a whole.
const NARROW: f32 = 520.0;
const LOW: f32 = 320.0;

/// How much room there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Room {
    /// All of the panel is in sight.
    Whole,
    /// It is scrolled.
    Scrolled,
}

impl WatchView {
    fn all(&mut self, ui: &mut Ui, room: Room, state: &State, commands: &mut Vec<Command>) {
        let watching = &state.train.watch;
        pins(ui, state, commands);
        wrong(ui, state);
        let (Some(film), Some(place)) = (&watching.film.value, watching.place()) else {
            empty(ui, state, commands);
            return;
        };
        self.play(ui, watching, place, commands);
        ui.separator();
        ui.horizontal_wrapped(|ui| {
            let playing = watching.playing;
            let text = if playing { "Stop playing" } else { "Play" };
            let button = ui.add_enabled(film.frames.len() > 1, egui::Button::new(text));
            if controls::hint(button, Action::PlayFrames, state).clicked() {
                watch(commands, WatchAsk::Play(!playing));
            }
            let button = ui.button("Use this model");
            let said = "Restores the checkpoint of this frame under “restored” in the run's folder, and opens it";
            if button.on_hover_text(said).clicked() {
                watch(commands, WatchAsk::Use(film.frames[place].step));
            }
            if state.jobs.is_running(|own| *own == Purpose::RestoreFrame) {
                ui.spinner();
            }
            if room == Room::Whole {
                place_of(ui, film, place);
            }
        });
        if room == Room::Scrolled {
            place_of(ui, film, place);
        }
        timeline::ui(ui, film, place, commands);
        notes(ui, film, state, commands);
        ui.add_space(4.0);
        self.note.ui(ui, room, film, place, state);
    }

    /// The next frame, once this one was seen.
    fn play(&mut self, ui: &Ui, watching: &WatchState, place: usize, commands: &mut Vec<Command>) {
        if !watching.playing {
            self.since = None;
            return;
        }
        let now = ui.input(|input| input.time);
        if now - *self.since.get_or_insert(now) >= SHOWN.as_secs_f64() {
            self.since = Some(now);
            match watching.frames().get(place + 1) {
                Some(next) => watch(commands, WatchAsk::Frame(Some(next.step))),
                None => watch(commands, WatchAsk::Play(false)),
            }
        }
        ui.ctx().request_repaint_after(SHOWN);
    }
}

fn place_of(ui: &mut Ui, film: &Film, place: usize) {
    let text = RichText::new(caption(film, place));
    ui.label(text.color(theme::palette(ui).soft));
}

/// Where the film is, in words.
fn caption(film: &Film, place: usize) -> String {
    let frame = &film.frames[place];
    let mut said = vec![format!("Step {}", thousands(frame.step as usize))];
    match frame.loss {
        Some(loss) => said.push(format!("loss {loss:.4}")),
        None => said.push("before the first step".to_owned()),
    }
    said.push(format!("frame {} of {}", place + 1, film.frames.len()));
    said.join(" · ")
}

/// Which notes are watched from now on, and how often.
fn pins(ui: &mut Ui, state: &State, commands: &mut Vec<Command>) {
    let watching = &state.train.watch;
    ui.horizontal_wrapped(|ui| {
        if !watching.pins.is_empty() {
            parts::soft(ui, "Watched");
        }
        for own in &watching.pins {
            let button = ui.button(format!("{}  ×", own.title));
            let said = format!("Stop watching {}", own.title);
            name(&button, &said);
            if button.on_hover_text(said).clicked() {
                watch(commands, WatchAsk::Unpin(own.key));
            }
        }
        let on_view = state.on_view.as_ref().map(|own| own.key);
        let known = |key| watching.pins.iter().any(|own| own.key == key);
        let can = on_view.is_some_and(|own| !known(own)) && watching.pins.len() < MOST_PROBES;
        // Where nothing is watched the middle of the panel has this button.
        if can && !(watching.pins.is_empty() && watching.frames().is_empty()) {
            let text = "Watch this note learn";
            controls::action_button(ui, text, Action::WatchNote, state, commands);
        }
        let every = watching.every;
        let chosen = egui::ComboBox::from_id_salt("how often")
            .selected_text(words(every))
            .show_ui(ui, |ui| {
                for own in EVERY {
                    if ui.selectable_label(own == every, words(own)).clicked() {
                        watch(commands, WatchAsk::Every(own));
                    }
                }
            });
        name(&chosen.response, "How often frames are made");
    });
}

const EVERY: [WatchEvery; 5] = [
    WatchEvery::Affordable,
    WatchEvery::Steps(1),
    WatchEvery::Steps(10),
    WatchEvery::Steps(100),
    WatchEvery::Steps(1000),
];

fn words(every: WatchEvery) -> String {
    match every {
        WatchEvery::Affordable => "As often as costs at most 5 % of the time".to_owned(),
        WatchEvery::Steps(1) => "After each step".to_owned(),
        WatchEvery::Steps(steps) => format!("Every {} steps", thousands(steps as usize)),
    }
}

/// What went wrong.
fn wrong(ui: &mut Ui, state: &State) {
    let watching = &state.train.watch;
    let live = state
        .train
        .live
        .as_ref()
        .filter(|_| !state.train.shows_opened);
    let ended = live.and_then(|own| own.unwatched.as_ref());
    let unread = watching.film.value.iter().flat_map(|own| &own.wrong);
    let all = ended.into_iter().chain(&watching.film.failure);
    for own in all.chain(unread) {
        bad(ui, own);
    }
}

/// What is said where there is no frame, with the one thing to do.
fn empty(ui: &mut Ui, state: &State, commands: &mut Vec<Command>) {
    let train = &state.train;
    let reads = state
        .jobs
        .is_running(|own| matches!(own, Purpose::Frames(_)));
    let runs = train.runs_now() && !train.shows_opened;
    let pinned = !train.watch.pins.is_empty();
    let waits = runs
        && pinned
        && train
            .live
            .as_ref()
            .is_some_and(|own| own.unwatched.is_none());
    if reads || waits {
        ui.horizontal(|ui| {
            ui.spinner();
            parts::soft(
                ui,
                if waits {
                    "The first frame comes soon."
                } else {
                    "Reading what was watched…"
                },
            );
        });
        return;
    }
    let (title, text, action) = match (pinned, state.on_view.is_some()) {
        (true, _) => (
            "No frame yet",
            "The notes above are watched in the next run that is made here.",
            ("Start the run", Action::StartRun),
        ),
        (false, true) => (
            "No note is watched",
            "What a note comes to while a run is made: what the model says of it, what its words look at, and \
             where it stands on a map, as a film of the run. Every frame of it is a checkpoint.",
            ("Watch this note learn", Action::WatchNote),
        ),
        (false, false) => (
            "No note is watched",
            "Open a note and watch it learn: what the model says of it while a run is made, as a film.",
            ("Open notes…", Action::OpenFiles),
        ),
    };
    let action = (!runs || !pinned).then_some((action.0, Command::Do(action.1)));
    controls::empty(ui, title, text, action, commands);
}

/// The colour of a note, on its button and on the map.
fn colour(ui: &Ui, note: usize) -> egui::Color32 {
    let palette = theme::palette(ui);
    palette.classes[note % palette.classes.len()]
}

/// What a note is called; its text is known only if it is open.
fn title(film: &Film, note: usize, state: &State) -> String {
    let open = state.train.watch.open.get(note).copied().flatten();
    if let Some(entry) = open.and_then(|own| state.library.get(own)) {
        return called(entry);
    }
    let source = &film.notes[note].source;
    let short = source.rsplit(['/', '\\']).next();
    short.unwrap_or(source).to_owned()
}

/// Which note of the film is shown.
fn notes(ui: &mut Ui, film: &Film, state: &State, commands: &mut Vec<Command>) {
    let shown = state.train.watch.note;
    ui.horizontal_wrapped(|ui| {
        for note in 0..film.notes.len() {
            let text = format!("{} {}", note + 1, title(film, note, state));
            let text = RichText::new(text).color(match note == shown {
                true => theme::palette(ui).ink,
                false => colour(ui, note),
            });
            if ui.selectable_label(note == shown, text).clicked() {
                watch(commands, WatchAsk::Note(note));
            }
        }
    });
}

/// What was said of each note at each step, for a spreadsheet.
fn table(film: &Film) -> String {
    let mut out = String::from("step\tloss\tnote\twhat\tscore\tstart\tend\tx\ty\n");
    for frame in &film.frames {
        lines(&mut out, film, frame);
    }
    out
}

fn lines(out: &mut String, film: &Film, frame: &FilmFrame) {
    let loss = frame.loss.map_or_else(String::new, |own| own.to_string());
    for probe in &frame.probes {
        let note = &film.notes[probe.note].source;
        let [x, y] = probe.place.unwrap_or([f32::NAN; 2]);
        let mut line = |what: &str, score: f32, bytes: Option<(usize, usize)>| {
            let bytes = bytes.map_or_else(|| "\t".to_owned(), |(a, b)| format!("{a}\t{b}"));
            out.push_str(&format!(
                "{}\t{loss}\t{note}\t{what}\t{score}\t{bytes}\t{x}\t{y}\n",
                frame.step
            ));
        };
        let Ok(seen) = &probe.seen else {
            continue;
        };
        match &seen.says {
            Says::Labels { labels } => {
                labels
                    .iter()
                    .for_each(|(label, score)| line(label, *score, None));
            }
            Says::Spans { spans } => spans
                .iter()
                .for_each(|own| line(&own.label, own.score, Some((own.start, own.end)))),
            Says::Word {
                start,
                end,
                candidates,
            } => (probe.words.iter().zip(candidates))
                .for_each(|(word, (_, score))| line(word.trim(), *score, Some((*start, *end)))),
        }
    }
}
