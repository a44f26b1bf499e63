//! Watching a run shows it as it is and changes nothing of it.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use auscult::engine::{
    Aggregation, AttentionQuery, ClassifyQuery, DeviceChoice, Direction, EmbedQuery, Engine,
    FillMaskQuery, Film, HeadChoice, Job, LayerChoice, Note, Pooling, Probe, Reduction, Says,
    Selection, Source, StopFlag, TagQuery, TrainConfig, TrainEvent, TrainObserver, TrainOutcome,
    TrainReport, TrainStart, Unit, WatchEvery, WatchPlan, Watched, film, probe_reading,
    restore_frame, text_sha256,
};

use crate::common::Temporary;
use crate::{Watch, bytes, config, notes, train};

/// Watches notes, and remembers what was told of it.
struct Watching {
    inner: Watch,
    plan: WatchPlan,
    told: Vec<Watched>,
    /// Done before each event.
    meanwhile: Box<dyn FnMut(&TrainEvent)>,
    /// The question after which the next one panics.
    asked: usize,
    panics: Option<usize>,
}

impl TrainObserver for Watching {
    fn begins(&mut self, start: &TrainStart) {
        self.inner.begins(start);
    }

    fn happens(&mut self, event: &TrainEvent) {
        (self.meanwhile)(event);
        self.inner.happens(event);
    }

    fn watches(&mut self) -> Option<WatchPlan> {
        self.asked += 1;
        assert!(self.panics != Some(self.asked), "zyxa was asked about");
        Some(self.plan.clone())
    }

    fn watched(&mut self, watched: &Watched) {
        self.told.push(watched.clone());
    }
}

/// Two invented notes: one with a word that is chosen, one that is too long.
fn probes() -> Vec<Probe> {
    let note = |text: String| Arc::new(Note::new(Source::Typed, text));
    let short = note("Zyxaquorum has cough and no fever.".to_owned());
    let long = note("She has chest pain for days and no zyxafever. ".repeat(20));
    vec![
        Probe {
            note: short,
            chosen: Some(15..20),
        },
        Probe {
            note: long,
            chosen: None,
        },
    ]
}

fn watching(every: WatchEvery, stop_after: Option<u64>) -> Watching {
    Watching {
        inner: Watch {
            stop_after,
            ..Watch::default()
        },
        plan: WatchPlan {
            probes: probes(),
            every,
        },
        told: Vec::new(),
        meanwhile: Box::new(|_| {}),
        asked: 0,
        panics: None,
    }
}

fn watch(config: TrainConfig, watching: &mut Watching) -> TrainReport {
    let engine = Engine::open(DeviceChoice::Cpu).unwrap();
    let job = Job::new(watching.inner.stop.clone());
    engine.train(config, &job, watching).unwrap()
}

fn go_on(run: &Path, watching: &mut Watching) -> TrainReport {
    let engine = Engine::open(DeviceChoice::Cpu).unwrap();
    let job = Job::new(watching.inner.stop.clone());
    engine.resume_training(run, &job, watching).unwrap()
}

/// A run of a task, and the name of its folder.
fn of_task(temporary: &Temporary, task: &str, mode: &str) -> TrainConfig {
    let rows = "id,text,label\n1,She has cough.,lung\n2,He has pain.,heart\n3,A cough.,lung\n4,The pain.,heart\n";
    let spans: String = (0..6)
        .map(|row| {
            format!(
                "{{\"id\":\"{row}\",\"text\":\"She has cough on day {row}.\",\"label\":[[8,13,\"SIGN\"]]}}\n"
            )
        })
        .collect();
    let file = match task {
        "tag" => temporary.file("spans.jsonl", spans),
        "classify" => temporary.file("rows.csv", rows),
        _ => notes(temporary, 16),
    };
    TrainConfig {
        task: serde_json::from_value(task.into()).unwrap(),
        mode: serde_json::from_value(mode.into()).unwrap(),
        label: (task == "classify").then(|| "label".to_owned()),
        validation_share: 0.34,
        evaluate_every: 4,
        ..config(temporary, &format!("{task}-{mode}"), file)
    }
}

fn shown(run: &Path) -> Film {
    let film = film(run, &Job::silent()).unwrap();
    assert_eq!(film.wrong, Vec::<String>::new());
    film
}

fn steps(run: &Path) -> Vec<u64> {
    shown(run).frames.iter().map(|own| own.step).collect()
}

#[test]
fn a_run_that_is_watched_makes_the_same_losses_and_weights_to_the_last_bit() {
    let temporary = Temporary::new();
    for (task, mode) in [("masked-lm", "full"), ("classify", "lora"), ("tag", "full")] {
        let config = of_task(&temporary, task, mode);
        let alone = TrainConfig {
            run: temporary.path().join(format!("{task}-alone")),
            ..config.clone()
        };
        let (alone, unseen) = train(alone, None);
        let mut own = watching(WatchEvery::Steps(1), None);
        let report = watch(config, &mut own);
        assert_eq!(own.inner.losses(), unseen.losses(), "{task}");
        for file in [
            "best/model.safetensors",
            "checkpoints/step-000000008/optimizer.safetensors",
        ] {
            let same = bytes(&report.run, file) == bytes(&alone.as_ref().unwrap().run, file);
            assert!(same, "{task}: {file}");
        }
        assert_eq!(steps(&report.run), (0..=8).collect::<Vec<u64>>(), "{task}");
        assert_eq!(own.told.len(), 9, "{task}: {:?}", own.told);
        assert!(!alone.unwrap().run.join("watch").exists());
    }
}

#[test]
fn a_frame_that_is_restored_says_what_it_said_in_the_run() {
    let temporary = Temporary::new();
    for (task, mode) in [("masked-lm", "full"), ("classify", "lora"), ("tag", "head")] {
        let config = of_task(&temporary, task, mode);
        let reading = probe_reading(config.max_tokens);
        let run = watch(config, &mut watching(WatchEvery::Steps(4), None)).run;
        let film = shown(&run);
        assert_eq!((film.notes.len(), film.frames.len()), (2, 3));
        let mut vectors = Vec::new();
        for frame in &film.frames {
            let folder = restore_frame(&run, frame.step).unwrap();
            assert!(folder.starts_with(run.join("restored")));
            assert_eq!(folder.join("adapter").is_dir(), mode == "lora");
            let mut engine = Engine::open(DeviceChoice::Cpu).unwrap();
            engine.load_model(&folder, &Job::silent()).unwrap();
            for (number, probe) in probes().iter().enumerate() {
                let note = &*probe.note;
                let of = std::slice::from_ref(note);
                let own = frame.probe(number).unwrap();
                assert_eq!(film.notes[own.note].sha256, text_sha256(note));
                let seen = own.seen.as_ref().unwrap();
                let silent = Job::silent();
                let tokens = engine.tokens(note, &reading).unwrap();
                assert_eq!(seen.read_end, tokens.coverage.read_end);
                assert_eq!(seen.read_end == note.text().len(), number == 0, "cut");
                match &seen.says {
                    Says::Labels { labels } => {
                        let query = ClassifyQuery {
                            function: None,
                            reading: reading.clone(),
                        };
                        let found = engine.classify(of, &query, &silent).unwrap();
                        let found = &found.results[0].labels;
                        assert_eq!(labels.len(), 2);
                        for (own, true_one) in labels.iter().zip(found) {
                            assert_eq!((&own.0, own.1), (&true_one.label, true_one.score));
                        }
                    }
                    Says::Spans { spans } => {
                        let query = TagQuery {
                            aggregation: Aggregation::First,
                            tidy: true,
                            ignored: vec!["O".to_owned()],
                            reading: reading.clone(),
                        };
                        let found = engine.tag(of, &query, &silent).unwrap();
                        let found = &found.results[0].spans;
                        let of = |own: (usize, usize, &String, f32)| format!("{own:?}");
                        let own: Vec<String> = (spans.iter())
                            .map(|own| of((own.start, own.end, &own.label, own.score)))
                            .collect();
                        let found: Vec<String> = (found.iter())
                            .map(|own| of((own.start, own.end, &own.label, own.score)))
                            .collect();
                        assert_eq!(own, found);
                    }
                    Says::Word {
                        start,
                        end,
                        candidates,
                    } => {
                        let query = FillMaskQuery {
                            at: Some(*start..*end),
                            candidates: 8,
                            reading: reading.clone(),
                            ..FillMaskQuery::default()
                        };
                        let found = engine.fill_mask(of, &query, &silent).unwrap();
                        let found = &found.results[0].masks[0].candidates;
                        let own: Vec<(u32, f32)> =
                            (found.iter()).map(|own| (own.id, own.score)).collect();
                        assert_eq!((candidates, candidates.len()), (&own, 8));
                    }
                }
                let query = AttentionQuery {
                    selection: match &probe.chosen {
                        Some(own) => Selection::Bytes(own.clone()),
                        None => Selection::Token(0),
                    },
                    direction: Direction::LooksAt,
                    layers: LayerChoice::Global,
                    heads: HeadChoice::All,
                    reduction: Reduction::Mean,
                    unit: Unit::Word,
                    hide_sinks: true,
                    rollout: false,
                    reading: reading.clone(),
                };
                let found = engine.attention(note, &query, &silent).unwrap();
                let words: Vec<(usize, usize, f32)> = (found.items.iter())
                    .map(|own| (own.start, own.end, own.value))
                    .collect();
                assert!(seen.lens.words == words, "the lens at {}", frame.step);
                assert_eq!(Some(seen.lens.hidden), found.hidden);
                let all: f32 = words.iter().map(|own| own.2).sum();
                let all = all + seen.lens.hidden + seen.lens.outside;
                assert!((all - 1.0).abs() < 1e-4, "{all}");
                let query = EmbedQuery {
                    unit: Unit::Note,
                    pooling: Pooling::Mean,
                    normalize: false,
                    reading: reading.clone(),
                };
                let found = engine.embed(of, &query, &silent).unwrap();
                vectors.push((own.place.unwrap(), found.results[0].units[0].vector.clone()));
            }
        }
        near_is_near(&vectors);
        restored_stays(&run);
    }
}

/// Distances on the map are no longer than those of the vectors at length 1: its axes are the same for all.
fn near_is_near(vectors: &[([f32; 2], Vec<f32>)]) {
    let length = |own: &[f32]| own.iter().map(|own| own * own).sum::<f32>().sqrt();
    let mut widest = 0.0f32;
    for (a, one) in vectors {
        for (b, other) in vectors {
            let (own, their) = (length(one), length(other));
            let apart: Vec<f32> = (one.iter().zip(other))
                .map(|(a, b)| a / own - b / their)
                .collect();
            let drawn = (a[0] - b[0]).hypot(a[1] - b[1]);
            assert!(drawn <= length(&apart) + 1e-4, "{drawn}");
            widest = widest.max(drawn);
        }
    }
    assert!(widest > 1e-3, "two notes are in two places: {widest}");
}

/// What was restored stays although its frame goes.
fn restored_stays(run: &Path) {
    fs::remove_dir_all(run.join("watch/step-000000004")).unwrap();
    assert_eq!(steps(run), [0, 8]);
    assert!(run.join("restored/step-000000004/config.json").is_file());
    let said = restore_frame(run, 4).unwrap_err().to_string();
    assert!(said.contains("choose another"), "{said}");
}

/// All that frames say, without what depends on the time.
fn said(run: &Path) -> Vec<String> {
    let frames = shown(run).frames.into_iter();
    let own = frames.map(|frame| {
        let text = fs::read_to_string(run.join(format!("watch/step-{:09}/frame.json", frame.step)));
        let mut own: serde_json::Value = serde_json::from_str(&text.unwrap()).unwrap();
        let own = own.as_object_mut().unwrap();
        own.remove("cost").unwrap();
        own.remove("spent").unwrap();
        serde_json::to_string(own).unwrap()
    });
    own.collect()
}

#[test]
fn frames_go_on_where_a_run_was_stopped_or_killed() {
    let temporary = Temporary::new();
    let config = of_task(&temporary, "masked-lm", "full");
    let whole = TrainConfig {
        run: temporary.path().join("whole"),
        ..config.clone()
    };
    let whole = watch(whole, &mut watching(WatchEvery::Steps(1), None)).run;
    let mut first = watching(WatchEvery::Steps(1), Some(6));
    let run = watch(config, &mut first).run;
    // A person who stops a run does not wait for a frame.
    assert_eq!(steps(&run), [0, 1, 2, 3, 4, 5]);
    // As if it had been killed: the newest checkpoints are not there, and a frame is there by half.
    fs::remove_dir_all(run.join("checkpoints/step-000000006")).unwrap();
    fs::create_dir(run.join("watch/.step-000000007.partial")).unwrap();
    let mut second = watching(WatchEvery::Steps(1), None);
    let report = go_on(&run, &mut second);
    assert_eq!(report.outcome, TrainOutcome::Finished);
    assert!(!run.join("watch/.step-000000007.partial").exists());
    assert_eq!(said(&run), said(&whole));
    // What was spent before counts.
    let spent = |step: u64| -> f64 {
        let file = run.join(format!("watch/step-{step:09}/frame.json"));
        let own: serde_json::Value = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
        own["spent"].as_f64().unwrap()
    };
    assert!(spent(8) > spent(5) && spent(5) > spent(4) && spent(4) > spent(0));
}

#[test]
fn frames_are_thinned_and_both_ends_stay() {
    let temporary = Temporary::new();
    let config = TrainConfig {
        steps: 70,
        validation_share: 0.0,
        keep: 1,
        ..of_task(&temporary, "masked-lm", "head")
    };
    let run = watch(config, &mut watching(WatchEvery::Steps(1), None)).run;
    let steps = steps(&run);
    assert_eq!((steps.len(), steps[0], steps[59]), (60, 0, 70));
    let gaps: Vec<u64> = steps.windows(2).map(|own| own[1] - own[0]).collect();
    assert!(gaps.iter().all(|own| *own <= 2), "{gaps:?}");
    let left = fs::read_dir(run.join("watch")).unwrap().count();
    assert_eq!(left, 60, "what was thinned is gone");
}

#[test]
fn the_usual_pace_makes_a_first_frame_and_no_more_than_it_may() {
    let temporary = Temporary::new();
    let run = watch(
        of_task(&temporary, "masked-lm", "full"),
        &mut watching(WatchEvery::Affordable, None),
    )
    .run;
    // Eight steps are shorter than twenty frames.
    assert_eq!(steps(&run)[0], 0);
    assert!(steps(&run).len() <= 2, "{:?}", steps(&run));
}

#[test]
fn no_word_of_a_note_is_written_or_printed() {
    let temporary = Temporary::new();
    for task in ["masked-lm", "classify", "tag"] {
        let run = watch(
            of_task(&temporary, task, "full"),
            &mut watching(WatchEvery::Steps(8), None),
        )
        .run;
        for step in [0, 8] {
            let folder = run.join(format!("watch/step-{step:09}"));
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                // Words of the vocabulary are no note's.
                if path.file_name().unwrap() == "tokenizer.json" {
                    continue;
                }
                let text = String::from_utf8_lossy(&fs::read(&path).unwrap()).to_lowercase();
                for word in ["zyxa", "quorum", "cough", "fever", "chest"] {
                    assert!(!text.contains(word), "{word} is in {}", path.display());
                }
            }
        }
        let printed = format!("{:?} {:?}", shown(&run), probes());
        assert!(!printed.to_lowercase().contains("zyxa"), "{printed}");
    }
}

/// What a run does whose watching goes wrong.
fn ends_alone(mut own: Watching, says: &str) {
    let temporary = Temporary::new();
    let config = of_task(&temporary, "masked-lm", "full");
    let folder = config.run.clone();
    let alone = TrainConfig {
        run: temporary.path().join("alone"),
        ..config.clone()
    };
    let (alone, unseen) = train(alone, None);
    if own.panics.is_none() {
        // No folder can be made in a file, as on a disk that is full.
        own.meanwhile = Box::new(move |event| {
            if event.step() == 3 {
                let watch = folder.join("watch");
                let _ = fs::remove_dir_all(&watch);
                let _ = fs::write(&watch, "");
            }
        });
    }
    let report = watch(config, &mut own);
    assert_eq!(report.outcome, TrainOutcome::Finished);
    assert_eq!(own.inner.losses(), unseen.losses());
    assert_eq!(report.judged, alone.unwrap().judged);
    let ended: Vec<&String> = (own.told.iter())
        .filter_map(|own| match own {
            Watched::Ended(said) => Some(said),
            Watched::Kept { .. } => None,
        })
        .collect();
    let [said] = &ended[..] else {
        panic!("it is said once: {ended:?}");
    };
    assert!(said.contains(says) && !said.contains("zyxa"), "{said}");
    assert!(report.remarks.contains(said), "{:?}", report.remarks);
}

#[test]
fn a_frame_that_cannot_be_written_ends_watching_and_not_the_run() {
    ends_alone(watching(WatchEvery::Steps(1), None), "cannot be written");
}

#[test]
fn a_panic_in_watching_ends_watching_and_not_the_run() {
    let own = Watching {
        // The first question is how often, the second what is watched.
        panics: Some(6),
        ..watching(WatchEvery::Steps(1), None)
    };
    ends_alone(own, "does not know");
}

#[test]
fn a_note_that_gives_nothing_loses_no_other_and_pins_change_in_a_run() {
    let temporary = Temporary::new();
    let mut own = watching(WatchEvery::Steps(4), None);
    let empty = Arc::new(Note::new(Source::Typed, " ".to_owned()));
    own.plan.probes[1].note = empty;
    let run = watch(of_task(&temporary, "masked-lm", "full"), &mut own).run;
    for frame in shown(&run).frames {
        assert!(frame.probes[0].seen.is_ok());
        let said = frame.probes[1].seen.as_ref().err().unwrap();
        assert!(said.contains("no word"), "{said}");
    }
    let mut stopped = watching(WatchEvery::Steps(1), Some(3));
    stopped.plan.probes.truncate(1);
    let run = watch(of_task(&temporary, "classify", "full"), &mut stopped).run;
    go_on(&run, &mut watching(WatchEvery::Steps(1), None));
    let film = shown(&run);
    let watched = |step: usize| film.frames[step].probes.len();
    assert_eq!((watched(2), watched(8), film.notes.len()), (1, 2, 2));
}

#[test]
fn a_run_can_be_stopped_while_a_frame_is_made() {
    let temporary = Temporary::new();
    let mut own = watching(WatchEvery::Steps(1), None);
    let stop: StopFlag = own.inner.stop.clone();
    own.meanwhile = Box::new(move |event| {
        if event.step() == 2 {
            stop.stop();
        }
    });
    let report = watch(of_task(&temporary, "masked-lm", "full"), &mut own);
    assert_eq!((report.outcome, report.steps), (TrainOutcome::Stopped, 2));
    assert_eq!(steps(&report.run), [0, 1]);
    assert!(report.remarks.is_empty(), "{:?}", report.remarks);
}
