//! Pins notes that are watched while a run is made, and shows what they came to.

use super::Actor;
use crate::app::command::Action;
use crate::app::jobs::Purpose;
use crate::app::messages::Weight;
use crate::app::state::Workspace;
use crate::app::train::watch::{Pinned, WatchAsk, called};
use crate::app::train::work::Work;
use crate::app::worker::{Lane, Question};
use crate::engine::{MOST_PROBES, Probe};

impl Actor {
    pub(super) fn act_on_watching(&mut self, action: Action) {
        match action {
            Action::WatchNote => {
                self.pin_note();
                self.go_to(Workspace::Train);
            }
            Action::UnwatchNotes => {
                self.state.train.watch.pins.clear();
                self.state.train.watch.tell();
            }
            Action::PlayFrames => {
                let playing = !self.state.train.watch.playing;
                self.go_to(Workspace::Train);
                self.watch_ask(WatchAsk::Play(playing));
            }
            Action::UseFrame => match self.state.train.watch.place() {
                Some(place) => {
                    let step = self.state.train.watch.frames()[place].step;
                    self.watch_ask(WatchAsk::Use(step));
                }
                None => self.say(
                    "No frame is shown: watch a note while a run is made, or open a run that was watched",
                ),
            },
            _ => {}
        }
    }

    fn say(&mut self, said: &str) {
        self.state.messages.tell(Weight::Note, said, "");
    }

    fn pin_note(&mut self) {
        let Some(entry) = self.state.entry() else {
            self.say("No note is on view; open one, and watch it learn");
            return;
        };
        let own = Pinned {
            key: entry.key,
            title: called(entry),
            probe: Probe {
                note: entry.note.clone(),
                chosen: self.state.selection.bytes(),
            },
        };
        let pins = &mut self.state.train.watch.pins;
        match pins.iter().position(|other| other.key == own.key) {
            // What is chosen now takes the place of what was.
            Some(place) => pins[place] = own,
            None if pins.len() < MOST_PROBES => pins.push(own),
            None => {
                let said = format!(
                    "{MOST_PROBES} notes are watched at a time; stop watching one of them first"
                );
                self.say(&said);
                return;
            }
        }
        self.state.train.watch.tell();
    }

    pub(super) fn watch_ask(&mut self, ask: WatchAsk) {
        let watch = &mut self.state.train.watch;
        match ask {
            WatchAsk::Unpin(key) => {
                watch.pins.retain(|own| own.key != key);
                watch.tell();
            }
            WatchAsk::Every(every) => {
                watch.every = every;
                watch.tell();
            }
            WatchAsk::Frame(step) => watch.at = step,
            WatchAsk::Note(place) => watch.note = place,
            WatchAsk::Play(playing) => {
                let last = watch.frames().len().saturating_sub(1);
                if playing && watch.place().is_none_or(|own| own >= last) {
                    // From the beginning, as any film that is over.
                    watch.at = watch.frames().first().map(|own| own.step);
                }
                watch.playing = playing && last > 0;
            }
            WatchAsk::Use(step) => {
                let Some(film) = &watch.film.value else {
                    return;
                };
                let run = film.run.clone();
                let question = Question::Train(Work::Restore(run, step));
                self.ask(Lane::Files, None, Purpose::RestoreFrame, question);
            }
        }
    }

    /// Asks for the frames of the run that is shown, where there are newer ones, and lets go of notes that
    /// were closed.
    pub(super) fn watch_on(&mut self) {
        let (train, library) = (&mut self.state.train, &self.state.library);
        let before = train.watch.pins.len();
        (train.watch.pins).retain(|own| library.get(own.key).is_some());
        if train.watch.pins.len() < before {
            train.watch.tell();
        }
        train.watch.look_for_notes(library);
        let wanted = train.shown_run();
        let wanted = wanted.map(|(folder, told)| (folder.clone(), told));
        let watch = &mut train.watch;
        if watch.of == wanted {
            return;
        }
        let folder = |own: &Option<(std::path::PathBuf, usize)>| {
            own.as_ref().map(|(folder, _)| folder.clone())
        };
        if folder(&watch.of) != folder(&wanted) {
            watch.film = Default::default();
            watch.at = None;
            watch.playing = false;
        } else if (self.state.jobs).is_running(|own| matches!(own, Purpose::Frames(_))) {
            // The next will have all that came meanwhile.
            return;
        }
        watch.of.clone_from(&wanted);
        if let Some((folder, _)) = wanted {
            let question = Question::Train(Work::Film(folder.clone()));
            self.ask(Lane::Files, None, Purpose::Frames(folder), question);
        }
    }
}
