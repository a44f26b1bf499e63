//! Would catch: a check that does not see that memory is short, or a proposal of it that is not what is
//! applied. What a process needs is counted with all that it holds, so this is a process of its own.

#![cfg(all(feature = "gui", target_os = "linux"))]
#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod common;

use std::time::{Duration, Instant};

use auscult::app::{Action, App, Command, Options, TrainAsk};
use auscult::engine::TrainConfig;
use eframe::egui::Context;

use common::{Temporary, fixture};

/// The resident memory of this process.
fn held_bytes() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|own| own.strip_prefix("VmRSS:"));
    let kilobytes = line.unwrap().trim().trim_end_matches(" kB").trim();
    1024.0 * kilobytes.parse::<f64>().unwrap()
}

fn settle(app: &mut App, ctx: &Context) {
    let begun = Instant::now();
    while !app.state().jobs.running().is_empty() {
        app.advance(ctx);
        assert!(
            begun.elapsed() < Duration::from_secs(300),
            "it takes too long"
        );
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn the_change_that_the_check_proposes_is_applied_and_fits() {
    let temporary = Temporary::new();
    let words = "She has cough and no fever and was seen again on the next day. ".repeat(20);
    let rows: String = (0..48)
        .map(|row| {
            let (label, word) = [("lung", "cough"), ("heart", "chest pain")][row % 2];
            format!("{row},{word} {row}. {words},{label}\n")
        })
        .collect();
    let notes = temporary.file("long.csv", format!("id,text,kind\n{rows}"));
    let ctx = Context::default();
    let options = Options {
        model: Some(fixture("tiny")),
        device: Some("cpu".to_owned()),
        notes: Vec::from([notes]),
        settings: Some(temporary.path().join("settings")),
        data: Some(temporary.path().join("data")),
        measure: false,
    };
    let mut app = App::new(&ctx, options);
    settle(&mut app, &ctx);
    app.execute(Command::Do(Action::TrainOnOpen));
    for (field, word) in [
        ("label", "kind"),
        ("steps", "4"),
        ("batch", "16"),
        ("max-tokens", "256"),
    ] {
        let words = Vec::from([word.to_owned()]);
        app.execute(Command::Train(Box::new(TrainAsk::Field(field, words))));
    }
    app.execute(Command::Do(Action::CheckRun));
    settle(&mut app, &ctx);
    let checked = app.state().train.checked().unwrap().clone();
    assert!(checked.found.fits(), "{}", checked.found.in_words());
    let needed = checked.found.measured.needed_bytes.unwrap() as f64;
    // Far from both what is held without the run, and what the run takes.
    let held = held_bytes();
    assert!(needed > held + 4e7, "{needed} of {held}");
    let gigabytes = format!("{:.4}", (held + 0.6 * (needed - held)) / 1e9);
    app.execute(Command::Train(Box::new(TrainAsk::Memory(gigabytes))));
    app.execute(Command::Do(Action::CheckRun));
    settle(&mut app, &ctx);
    let checked = app.state().train.checked().unwrap().clone();
    assert!(!checked.found.fits(), "{}", checked.found.in_words());
    let Some(proposal) = &checked.found.proposal else {
        panic!("{}", checked.found.in_words());
    };
    assert!(!proposal.changes.is_empty());
    app.execute(Command::Train(Box::new(TrainAsk::Apply)));
    settle(&mut app, &ctx);
    let config = app.state().train.draft.config().unwrap();
    let of = |own: &TrainConfig| (own.batch, own.accumulate, own.recompute, own.max_tokens);
    assert_eq!(of(config), of(&proposal.config));
    let again = app.state().train.checked().expect("it is checked anew");
    assert!(again.config == *config);
}
