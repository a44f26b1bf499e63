//! Would catch: a fault in a thread that takes the window, another job or what was found before with it;
//! a failure without a sentence of what to do next; a job that cannot be done again afterwards.
//!
//! Faults are planted where they arise: a panic and an error in the thread that answers, a device that is
//! taken away or asked for more memory than there is, files that are not there any more.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use eframe::egui::Context;

use super::act::Actor;
use super::command::{Action, Command};
use super::jobs::Purpose;
use super::messages::{Message, Weight};
use super::points::Wanted;
use super::state::{ModelState, State};
use super::train::Ask;
use super::train::live::Ended;
use super::worker::{Lane, Planted, Question};
use super::{App, Options};
use crate::engine::{DeviceFault, EngineError, TrainOutcome, planted_faults};

/// A window that nobody sees, with a folder of its own.
struct Seat {
    app: App,
    ctx: Context,
    folder: PathBuf,
}

impl Drop for Seat {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

impl Seat {
    /// With invented notes of two kinds that a word tells apart.
    fn on(device: &str) -> Self {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("auscult-faults-{}-{number}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).unwrap();
        let rows: String = (0..48)
            .map(|row| {
                let (label, word) = [("lung", "cough"), ("heart", "chest pain")][row % 2];
                format!("{row},She has {word} for {row} days and no fever.,{label}\n")
            })
            .collect();
        let notes = folder.join("visits.csv");
        fs::write(&notes, format!("id,text,kind\n{rows}")).unwrap();
        let model = folder.join("model");
        copy(&repository().join("tests/fixtures/tiny"), &model);
        let ctx = Context::default();
        let options = Options {
            model: Some(model),
            device: Some(device.to_owned()),
            notes: Vec::from([notes]),
            settings: Some(folder.join("settings")),
            data: Some(folder.join("data")),
            measure: false,
        };
        let app = App::new(&ctx, options);
        let mut own = Self { app, ctx, folder };
        own.settle();
        own
    }

    fn actor(&mut self) -> &mut Actor {
        &mut self.app.actor
    }

    fn state(&self) -> &State {
        self.app.state()
    }

    fn act(&mut self, action: Action) {
        self.app.execute(Command::Do(action));
    }

    fn until(&mut self, what: &str, so: impl Fn(&State) -> bool) {
        let begun = Instant::now();
        loop {
            self.app.advance(&self.ctx);
            if so(self.app.state()) {
                return;
            }
            assert!(begun.elapsed() < Duration::from_secs(240), "{what}");
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    fn settle(&mut self) {
        self.until("nothing runs", |state| state.jobs.running().is_empty());
    }

    /// Has a thread do something in place of what it would do for this purpose.
    fn plant(&mut self, lane: Lane, purpose: Purpose, planted: Planted) {
        let question = Question::Planted(planted);
        self.actor().ask(lane, None, purpose, question);
        self.settle();
    }

    fn failures(&self) -> Vec<Message> {
        let all = self.state().messages.all().cloned();
        all.filter(|own| own.weight == Weight::Failure).collect()
    }

    /// A word is masked, and the model fills it.
    fn fills(&mut self) {
        self.act(Action::Read);
        self.act(Action::NextWord);
        self.act(Action::MaskWord);
        self.settle();
        let fill = &self.state().results().unwrap().fill;
        assert_eq!(fill.failure, None);
        assert!(fill.value.is_some());
    }

    /// Describes a run of so many steps on the open notes, and begins it.
    fn begins_run(&mut self, steps: &str) {
        self.act(Action::TrainOnOpen);
        self.settle();
        for (field, word) in [
            ("label", "kind"),
            ("max-tokens", "48"),
            ("steps", steps),
            ("evaluate-every", "10"),
            ("validation-share", "0.25"),
        ] {
            let own = Ask::Field(field, Vec::from([word.to_owned()]));
            self.app.execute(Command::Train(Box::new(own)));
        }
        self.act(Action::StartRun);
    }

    fn ends_run(&mut self) {
        self.until("the run has ended", |state| !state.train.runs_now());
        self.settle();
    }

    /// Goes on with the run that failed, by what its message offers, to its end.
    fn goes_on(&mut self, steps: usize) {
        let offered = self.failures()[0].next.clone().unwrap();
        assert_eq!(offered.title, "Go on");
        self.app.execute(offered.command);
        assert!(self.failures().iter().all(|own| !own.on_screen));
        self.ends_run();
        let live = self.state().train.live.as_ref().unwrap();
        assert_eq!(live.failure(), None);
        assert_eq!(live.report().unwrap().outcome, TrainOutcome::Finished);
        assert_eq!(live.curves.loss.len(), steps);
    }

    fn losses(&self) -> Vec<f64> {
        let live = self.state().train.live.as_ref().unwrap();
        live.curves.loss.iter().map(|own| own[1]).collect()
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            fs::copy(&path, to.join(path.file_name().unwrap())).unwrap();
        }
    }
}

/// Every purpose that something may fail for, with the thread that does it.
fn purposes(seat: &Seat) -> Vec<(Lane, Purpose)> {
    let key = seat.state().library.entries()[0].key;
    let model = seat.folder.join("model");
    let run = seat.folder.join("data/runs/classify-1");
    vec![
        (Lane::Files, Purpose::Import),
        (Lane::Files, Purpose::Paste),
        (Lane::Hand, Purpose::Model(model.clone())),
        (Lane::Hand, Purpose::Predictor(model)),
        (Lane::Long, Purpose::Measure),
        (Lane::Hand, Purpose::Trim),
        (Lane::Hand, Purpose::Tokens(key)),
        (Lane::Hand, Purpose::Fill(key, 0..3)),
        (Lane::Long, Purpose::Surprise(key)),
        (Lane::Hand, Purpose::Classify(key)),
        (Lane::Hand, Purpose::Tag(key)),
        (Lane::Hand, Purpose::Attend(key, 0..3)),
        (Lane::Hand, Purpose::Overview(key, 0)),
        (Lane::Hand, Purpose::Map(key)),
        (Lane::Hand, Purpose::Cell(key)),
        (Lane::Long, Purpose::Flow(key)),
        (Lane::Long, Purpose::MeanFlow),
        (
            Lane::Long,
            Purpose::Points(Wanted::default(), Vec::from([key])),
        ),
        (Lane::Long, Purpose::Arrange(0)),
        (Lane::Long, Purpose::NearPoints(0)),
        (Lane::Files, Purpose::SavePoints),
        (Lane::Training, Purpose::CheckRun),
        (Lane::Files, Purpose::Columns),
        (Lane::Training, Purpose::TrainRun(run.clone())),
        (Lane::Long, Purpose::Judge),
        (Lane::Files, Purpose::Runs),
        (Lane::Files, Purpose::OpenRun(run.clone())),
        (Lane::Files, Purpose::OpenRecipe(run.clone())),
        (Lane::Files, Purpose::SaveRecipe(run.clone())),
        (Lane::Files, Purpose::Frames(run)),
        (Lane::Files, Purpose::RestoreFrame),
        (Lane::Long, Purpose::Similar(key, 0..3, Vec::from([key]))),
    ]
}

/// What the hand does again by itself, or nobody asked for: its panel says what failed, or nothing does.
fn is_quiet(purpose: &Purpose) -> bool {
    use Purpose as P;
    matches!(
        purpose,
        P::Attend(..) | P::Map(_) | P::Cell(_) | P::Measure | P::Trim | P::Columns | P::Frames(_)
    )
}

#[test]
fn whatever_panics_or_has_no_memory_loses_nothing_else() {
    let mut seat = Seat::on("cpu");
    seat.fills();
    let notes = seat.state().library.entries().len();
    for panics in [true, false] {
        for (lane, purpose) in purposes(&seat) {
            let before = seat.failures().len();
            let planted: Planted = match panics {
                true => Box::new(|_| panic!("planted: text of a note")),
                false => Box::new(|_| Err(EngineError::Fault(DeviceFault::Memory))),
            };
            seat.plant(lane, purpose.clone(), planted);
            let new = seat.failures().len() - before;
            assert_eq!(new, usize::from(!is_quiet(&purpose)), "{purpose:?}");
            if let Some(message) = seat.failures().first().filter(|_| new == 1) {
                let said = &message.details;
                assert!(message.title.contains(purpose.title()), "{said}");
                assert!(
                    !said.contains("text of a note") && !said.contains("--"),
                    "{said}"
                );
                let known = said.contains("no memory left") && said.contains("compute on the");
                assert!(known || panics, "{said}");
                // Their panels have the button that asks again.
                let beside = matches!(purpose, Purpose::NearPoints(_) | Purpose::RestoreFrame);
                let offered = message.next.is_some() || beside;
                assert!(offered, "{purpose:?}");
            }
        }
        assert_eq!(seat.state().library.entries().len(), notes);
        let model = seat.folder.join("model");
        seat.app.execute(Command::UseModel(model));
        seat.settle();
        // Every thread still answers.
        seat.fills();
        seat.act(Action::DrawPoints);
        seat.settle();
        assert!(seat.state().points.map.value.is_some());
        let more = seat.folder.join("more.txt");
        fs::write(&more, "He was seen again.").unwrap();
        seat.app.execute(Command::Open(vec![more]));
        seat.settle();
        seat.begins_run("4");
        seat.ends_run();
        let live = seat.state().train.live.as_ref().unwrap();
        assert_eq!(live.failure(), None);
        seat.act(Action::CloseNotes);
        let visits = seat.folder.join("visits.csv");
        seat.app.execute(Command::Open(vec![visits]));
        seat.settle();
    }
}

#[test]
fn a_run_whose_thread_panics_or_has_no_memory_goes_on_as_if_it_had_not() {
    let mut whole = Seat::on("cpu");
    whole.begins_run("30");
    whole.ends_run();
    for panics in [true, false] {
        let mut seat = Seat::on("cpu");
        seat.begins_run("30");
        let live = seat.state().train.live.as_ref().unwrap();
        live.feed
            .plant(Box::new(move |step, _| match (step, panics) {
                (17, true) => panic!("planted"),
                (17, false) => planted_faults::next(DeviceFault::Memory),
                _ => {}
            }));
        // Notes are read meanwhile.
        seat.fills();
        seat.act(Action::Train);
        seat.ends_run();
        let live = seat.state().train.live.as_ref().unwrap();
        let said = live.failure().expect("it fails").to_owned();
        assert!(matches!(&live.ended, Some(Ended::Failed(_))));
        assert!(panics || said.contains("no memory left"), "{said}");
        assert!(!said.contains("--"), "{said}");
        seat.fills();
        if !panics {
            // On another device as well, which is what the message offers where there is one.
            let offered = seat.failures()[0].next.clone().unwrap();
            assert_eq!(offered.title, "Go on");
        }
        seat.goes_on(30);
        assert_eq!(seat.losses(), whole.losses());
    }
}

#[test]
fn a_full_disk_ends_a_run_and_what_was_saved_goes_on() {
    let mut whole = Seat::on("cpu");
    whole.begins_run("30");
    whole.ends_run();
    let mut seat = Seat::on("cpu");
    seat.begins_run("30");
    let live = seat.state().train.live.as_ref().unwrap();
    let checkpoints = live.folder.join("checkpoints");
    let (away, blocked) = (seat.folder.join("away"), checkpoints.clone());
    let aside = away.clone();
    live.feed.plant(Box::new(move |step, _| {
        if step == 17 {
            // A file where the folder was: nothing can be written into it.
            fs::rename(&blocked, &aside).unwrap();
            fs::write(&blocked, "").unwrap();
        }
    }));
    seat.ends_run();
    let live = seat.state().train.live.as_ref().unwrap();
    let said = live.failure().expect("it fails");
    assert!(
        said.contains("cannot be written") && said.contains("“Go on”"),
        "{said}"
    );
    seat.fills();
    fs::remove_file(&checkpoints).unwrap();
    fs::rename(&away, &checkpoints).unwrap();
    seat.goes_on(30);
    assert_eq!(seat.losses(), whole.losses());
}

#[test]
fn files_and_models_that_are_gone_are_named_and_come_back() {
    let mut seat = Seat::on("cpu");
    let (visits, away) = (seat.folder.join("visits.csv"), seat.folder.join("away"));
    let model = seat.folder.join("model");
    fs::rename(&model, &away).unwrap();
    // What is in memory stays.
    seat.fills();
    seat.app.execute(Command::UseModel(model.clone()));
    seat.settle();
    assert!(matches!(seat.state().model, ModelState::Failed(..)));
    assert_eq!(seat.state().settings.model.as_ref(), Some(&model));
    let message = seat.failures().remove(0);
    assert!(message.details.contains("model"), "{}", message.details);
    let entries = seat.state().library.entries().len();
    fs::rename(&away, &model).unwrap();
    let again = message.next.unwrap();
    assert_eq!(again.title, "Try again");
    seat.app.execute(again.command);
    seat.settle();
    seat.fills();

    fs::rename(&visits, &away).unwrap();
    assert_eq!(seat.state().library.entries().len(), entries);
    seat.app.execute(Command::Open(vec![visits.clone()]));
    seat.settle();
    let message = seat.failures().remove(0);
    assert!(
        message.details.contains("visits.csv"),
        "{}",
        message.details
    );
    seat.fills();
    // Training reads them from the disk.
    seat.begins_run("6");
    seat.ends_run();
    let live = seat.state().train.live.as_ref().unwrap();
    assert!(live.failure().unwrap().contains("visits.csv"));
    fs::rename(&away, &visits).unwrap();
    let again = seat.failures().remove(0).next.unwrap();
    assert_eq!(again.title, "Start again");
    seat.app.execute(again.command);
    seat.ends_run();
    let live = seat.state().train.live.as_ref().unwrap();
    assert_eq!(live.failure(), None);
}

#[test]
#[ignore = "needs a software adapter"]
fn a_lost_device_and_a_refused_allocation_lose_nothing_else() {
    let mut seat = Seat::on("software");
    seat.fills();
    let key = seat.state().on_view.as_ref().unwrap().key;
    let fill = Purpose::Fill(key, 0..3);
    // The driver refuses: the device goes on.
    let refused: Planted = Box::new(|engines| {
        let engine = engines.open().next().unwrap();
        engine.overfill()?;
        panic!("there is no such memory");
    });
    seat.plant(Lane::Hand, fill.clone(), refused);
    let refused = seat.failures().remove(0);
    assert!(
        refused.details.contains("no memory left"),
        "{}",
        refused.details
    );
    let to_cpu = refused.next.unwrap();
    assert_eq!(to_cpu.title, "Compute on the processor");
    seat.fills();

    // The device is lost while a run is made on it: the run fails and goes on, and so do words.
    seat.begins_run("24");
    let live = seat.state().train.live.as_ref().unwrap();
    live.feed.plant(Box::new(|step, engine| {
        if step == 13 {
            engine.lose();
        }
    }));
    seat.ends_run();
    let live = seat.state().train.live.as_ref().unwrap();
    let said = live.failure().expect("it fails");
    assert!(said.contains("was lost"), "{said}");
    let go_on = seat.failures().remove(0).next.unwrap();
    assert_eq!(go_on.title, "Go on");
    seat.act(Action::Read);
    seat.act(Action::MaskWord);
    seat.settle();
    let lost = seat.state().results().unwrap().fill.failure.clone();
    assert!(lost.is_none_or(|own| own.contains("was lost")));
    seat.fills();
    seat.app.execute(go_on.command);
    seat.ends_run();
    let losses = seat.losses();
    assert_eq!(losses.len(), 24, "{:?}", seat.failures());

    let mut whole = Seat::on("software");
    whole.begins_run("24");
    whole.ends_run();
    for (own, whole) in losses.iter().zip(whole.losses()) {
        assert!((own / whole - 1.0).abs() <= 1e-5, "{own} is not {whole}");
    }

    // What was offered works as well, also when the device is lost then; and nothing that fails on the
    // processor is laid to that.
    let lost: Planted = Box::new(|engines| {
        engines.open().next().unwrap().lose();
        panic!("zyxa");
    });
    seat.plant(Lane::Hand, fill.clone(), lost);
    assert!(seat.failures()[0].details.contains("was lost"));
    seat.app.execute(to_cpu.command);
    seat.settle();
    assert_eq!(seat.state().settings.device, "cpu");
    seat.fills();
    seat.plant(Lane::Hand, fill, Box::new(|_| panic!("zyxa")));
    let said = &seat.failures()[0].details;
    assert!(said.contains("does not know"), "{said}");
    seat.fills();
}

#[test]
fn another_window_is_asked_for_nothing_that_the_one_before_has_done() {
    let mut seat = Seat::on("cpu");
    let state = seat.app.state_mut();
    (state.points.closer, state.points.focus) = (3.0, 1);
    (state.find.focus, state.find_all.focus) = (1, 2);
    seat.act(Action::Read);
    seat.act(Action::NextWord);
    assert!(seat.state().selection.reveal() > 0);
    let ctx = Context::default();
    seat.app.move_to(&ctx);
    // Its views are new and have seen nothing.
    let state = seat.state();
    assert_eq!((state.points.closer, state.points.focus), (0.0, 0));
    assert_eq!((state.find.focus, state.find_all.focus), (0, 0));
    assert_eq!(state.selection.reveal(), 0);
    assert!(state.selection.bytes().is_some());
}
