//! Takes in what the threads said.

use std::sync::Arc;

use super::Actor;
use crate::app::command::{Action, Command};
use crate::app::jobs::{Ended, Purpose};
use crate::app::messages::{Next, Weight};
use crate::app::results::{Results, Similar, Surprise};
use crate::app::state::{ModelState, Workspace};
use crate::app::worker::{Answer, Event, Said};
use crate::engine::Head;

/// How long a frame may search in the library.
const SEARCH_TIME: std::time::Duration = std::time::Duration::from_millis(4);

impl Actor {
    /// Takes in what the threads said, and goes on with what is done a little at a time. Whether
    /// there is more of that.
    pub fn take_in(&mut self) -> bool {
        let events: Vec<Event> = self.workers.events().collect();
        for Event { ticket, said, held } in events {
            if let Some((lane, held)) = held {
                self.holds.insert(lane, held);
                self.state.held = self.holds.values().sum();
            }
            match said {
                Said::Progress(progress) => self.state.jobs.progress(ticket, progress),
                Said::Answer(answer) => {
                    let ended = match &answer {
                        Answer::Import(import) if import.stopped => Ended::Stopped,
                        Answer::Surprise(note) if !note.complete => Ended::Stopped,
                        Answer::MeanFlow(flow) if !flow.complete => Ended::Stopped,
                        Answer::Points(own) if !own.complete && !own.full => Ended::Stopped,
                        Answer::Train(own) if own.is_of_stopped_run() => Ended::Stopped,
                        _ => Ended::Done,
                    };
                    if let Some(purpose) = self.state.jobs.end(ticket, ended, None) {
                        self.answered(purpose, answer);
                    }
                    self.state.make_room();
                }
                Said::Stopped => {
                    let purpose = self.state.jobs.end(ticket, Ended::Stopped, None);
                    if let Some(purpose) = purpose {
                        self.stopped(&purpose);
                    }
                }
                Said::Failed(failure) => {
                    let reason = Some(&*failure.sentence);
                    let purpose = self.state.jobs.end(ticket, Ended::Failed, reason);
                    if let Some(purpose) = purpose {
                        self.failed(&purpose, failure);
                    }
                }
            }
        }
        self.points_sketched();
        self.take_in_run();
        self.watch_on();
        self.state.library.search_on(SEARCH_TIME)
    }

    pub(super) fn answered(&mut self, purpose: Purpose, answer: Answer) {
        match (purpose, answer) {
            (Purpose::Import, Answer::Import(import)) => self.imported(import, false),
            (Purpose::Paste, Answer::Import(import)) => self.imported(import, true),
            (Purpose::Model(folder), Answer::Model(info, device)) => {
                self.state.device = Some(device);
                self.told_ready(&info);
                self.state.lens.fit(&info);
                self.state.model = ModelState::Ready(folder, info);
                // Values of another model are of another size.
                self.state.shown.range = None;
                // What another model said of these notes is no longer true.
                let predictor = self.state.predictor.folder().is_some();
                for own in self.state.results.values_mut() {
                    let (classes, tags) = (own.classes.clone(), own.tags.clone());
                    *own = match predictor {
                        true => Results {
                            classes,
                            tags,
                            seen: own.seen,
                            ..Default::default()
                        },
                        false => Results {
                            seen: own.seen,
                            ..Default::default()
                        },
                    };
                }
                self.tokens();
                self.forget_maps();
                self.forget_points();
                self.attended = None;
                self.attend();
                if self.state.shown.surprise {
                    self.measure_surprise();
                }
            }
            (Purpose::Predictor(folder), Answer::Model(info, device)) => {
                self.state.device = Some(device);
                self.told_ready(&info);
                self.state.predictor = ModelState::Ready(folder, info);
                for own in self.state.results.values_mut() {
                    own.classes = Default::default();
                    own.tags = Default::default();
                }
                self.points_predicted();
            }
            (Purpose::Measure, Answer::Measure(found)) => self.state.measured = Some(found),
            (Purpose::Tokens(key), Answer::Tokens(tokens)) => {
                let results = self.state.results.entry(key).or_default();
                results.tokens.set(tokens);
                if self.surprise_waits && self.state.shown.surprise {
                    // It depends on how many they are.
                    self.measure_surprise();
                }
            }
            (Purpose::Fill(key, _), Answer::Fill(filled)) => {
                self.state.results.entry(key).or_default().fill.set(filled);
            }
            (Purpose::Surprise(key), Answer::Surprise(found)) => {
                if let Some(entry) = self.state.library.get(key) {
                    let own = Surprise::new(entry.note.text(), found);
                    self.state.results.entry(key).or_default().surprise.set(own);
                }
            }
            (Purpose::Classify(key), Answer::Classify(found)) => {
                self.state
                    .results
                    .entry(key)
                    .or_default()
                    .classes
                    .set(found);
                self.points_predicted();
            }
            (Purpose::Tag(key), Answer::Tag(found)) => {
                self.state.results.entry(key).or_default().tags.set(found);
                self.points_predicted();
            }
            (Purpose::Attend(key, _), Answer::Attend(found)) => {
                let results = self.state.results.entry(key).or_default();
                results.attention.set(found);
                self.attend_on();
            }
            (Purpose::Overview(key, layer), Answer::Overview(found)) => {
                let layers = self.state.model.info().map_or(0, |info| info.layers);
                let heads = &mut self.state.results.entry(key).or_default().heads;
                if let Some(own) = heads.value.as_deref() {
                    let mut own = own.clone();
                    own.layers.push(Arc::new(found));
                    heads.set(own);
                }
                if layer + 1 < layers {
                    self.overview(key, layer + 1);
                }
            }
            (Purpose::Map(key), Answer::Map(found)) => self.map_drawn(key, found),
            (Purpose::Cell(key), Answer::Cell(found)) => self.cell_read(key, found),
            (Purpose::Flow(key), Answer::Flow(found)) => {
                self.state.results.entry(key).or_default().flow.set(found);
            }
            (Purpose::MeanFlow, Answer::MeanFlow(found)) => self.state.mean_flow.set(found),
            (Purpose::Similar(key, bytes, among), Answer::Search(found)) => {
                let own = bytes.clone();
                let hits = found.hits.into_iter().filter_map(|hit| {
                    let found = *among.get(hit.number)?;
                    // That it is most like itself is nothing new.
                    let itself = found == key && hit.start < own.end && own.start < hit.end;
                    (!itself).then_some((found, hit.start..hit.end, hit.score))
                });
                let own = Similar {
                    bytes,
                    hits: hits.collect(),
                    compared: found.compared,
                };
                self.state.results.entry(key).or_default().similar.set(own);
            }
            (Purpose::Points(wanted, keys), Answer::Points(found)) => {
                self.points_read(wanted, keys, *found);
            }
            (Purpose::Arrange(seed), Answer::Arrange(places)) => self.points_arranged(seed, places),
            (Purpose::NearPoints(point), Answer::NearPoints(found)) => {
                self.near_found(point, found)
            }
            (Purpose::SavePoints, Answer::Saved(path)) => self.points_saved(&path),
            (purpose, Answer::Train(found)) => self.train_answered(purpose, found),
            // No question has an answer of another kind.
            (_, _) => {}
        }
    }

    pub(super) fn told_ready(&mut self, info: &crate::engine::ModelInfo) {
        let details = match info.random_weights {
            true => "Its weights are random: what it says means nothing.".to_owned(),
            false => info.left_aside.join("\n"),
        };
        if self.quiet {
            return;
        }
        let title = format!("Ready: {}", info.name);
        let predicts = matches!(
            info.task,
            Head::SequenceClassification | Head::TokenClassification
        );
        // Elsewhere nothing would show that it is there.
        let away = self.state.workspace != Workspace::Read;
        let next = (predicts && away && self.state.on_view.is_some()).then_some(Next {
            title: "Predict with it",
            command: Command::Do(Action::Predict),
        });
        let messages = &mut self.state.messages;
        messages.offer(Weight::Note, title, details, next);
    }

    pub(super) fn stopped(&mut self, purpose: &Purpose) {
        match purpose {
            Purpose::Attend(..) => {
                self.attended = None;
                self.attend_next = false;
            }
            Purpose::Map(_) | Purpose::Cell(_) => self.unasked(),
            Purpose::Tokens(key) => {
                let results = self.state.results.entry(*key).or_default();
                results.tokens.failure = Some("Stopped; choose the note again".to_owned());
            }
            Purpose::Model(_) => self.state.model = ModelState::None,
            Purpose::Predictor(_) => self.state.predictor = ModelState::None,
            own if own.is_of_training() => self.train_stopped(own),
            _ => {}
        }
    }
}
