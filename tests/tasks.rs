//! Would catch: predictions or attention that differ between the ways to read a note where they must
//! not, that miss a part of it in silence, or that do not add up.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod common;

#[path = "tasks/attention.rs"]
mod attention;
#[path = "tasks/attention_map.rs"]
mod attention_map;
#[path = "tasks/labels.rs"]
mod labels;
#[path = "tasks/reading.rs"]
mod reading_notes;
#[path = "tasks/windows.rs"]
mod windows;

use std::path::Path;
use std::time::Duration;

use auscult::engine::{
    Aggregation, ClassifyQuery, DeviceChoice, EmbedQuery, Engine, FillMaskQuery, Function, Job,
    LongNotes, Note, Pooling, ReadingOptions, Source, StopFlag, SurpriseQuery, TagQuery, Unit, Way,
};
use common::{Temporary, fixture};

const TEXT: &str = "HPI: 3 days of cough and fever, worse at night.\nNo chest pain.\n\n\
                    Medications:\n- aspirin 81 mg daily\n- metoprolol 25 mg twice daily\n\n\
                    Plan: chest film, rest, and a call in two days. Naïve to opioids 😀.";

fn engine(model: &Path) -> Engine {
    let mut engine = Engine::open(DeviceChoice::Cpu).unwrap();
    engine.load_model(model, &Job::silent()).unwrap();
    engine
}

fn tiny() -> Engine {
    engine(&fixture("tiny"))
}

fn note() -> Note {
    Note::new(Source::Typed, TEXT.to_owned())
}

fn reading(long: LongNotes, max_tokens: usize, overlap: usize) -> ReadingOptions {
    ReadingOptions {
        long,
        max_tokens: Some(max_tokens),
        overlap: Some(overlap),
        ..ReadingOptions::default()
    }
}

/// A reference model with a tokenizer that spells.
fn spelling(case: &str, temporary: &Temporary) -> Engine {
    engine(&common::spelling(case, temporary))
}

#[test]
fn spans_lie_in_the_note_however_it_is_read() {
    let temporary = Temporary::new();
    let engine = spelling("token-classification", &temporary);
    let tag = |aggregation, reading| {
        let query = TagQuery {
            aggregation,
            tidy: false,
            ignored: vec!["O".to_owned()],
            reading,
        };
        let mut found = engine.tag(&[note()], &query, &Job::silent()).unwrap();
        assert!(found.failures.is_empty(), "{:?}", found.failures);
        found.results.remove(0)
    };
    let whole = tag(Aggregation::First, ReadingOptions::default());
    assert_eq!(
        (whole.coverage.read, whole.coverage.windows),
        (Way::Whole, 1)
    );
    assert!(!whole.spans.is_empty());
    for long in [
        LongNotes::First,
        LongNotes::Last,
        LongNotes::Windows,
        LongNotes::Sections,
    ] {
        for aggregation in [
            Aggregation::None,
            Aggregation::Simple,
            Aggregation::First,
            Aggregation::Average,
            Aggregation::Max,
        ] {
            let found = tag(aggregation, reading(long, 60, 10));
            assert!(found.coverage.tokens > 60);
            let merged = matches!(long, LongNotes::Windows | LongNotes::Sections);
            assert_eq!(found.coverage.windows > 1, merged);
            for span in &found.spans {
                assert_eq!(span.text, TEXT[span.start..span.end]);
                assert_eq!(span.text.trim(), span.text);
                let read = found.coverage.read_start..found.coverage.read_end;
                assert!(read.start <= span.start && span.end <= read.end);
            }
            assert!(found.spans.windows(2).all(|two| two[0].end <= two[1].start));
            if merged {
                let reach = found.coverage.read_start..found.coverage.read_end;
                assert_eq!(reach, 0..TEXT.len());
            }
        }
    }
    let first = tag(Aggregation::First, reading(LongNotes::First, 60, 10));
    assert!(first.coverage.read_end < TEXT.len() && first.coverage.read == Way::First);
}

#[test]
fn scores_of_windows_are_averaged_by_their_tokens() {
    let temporary = Temporary::new();
    let engine = spelling("sequence-classification-cls", &temporary);
    let classify = |function, reading| {
        let query = ClassifyQuery { function, reading };
        let mut found = engine.classify(&[note()], &query, &Job::silent()).unwrap();
        found.results.remove(0)
    };
    let whole = classify(None, ReadingOptions::default());
    assert_eq!(whole.function, Function::Softmax);
    let sum: f32 = whole.labels.iter().map(|label| label.score).sum();
    assert!((sum - 1.0).abs() < 1e-6 && whole.labels.is_sorted_by(|a, b| a.score >= b.score));
    // 60 - 2 tokens in each window but the last.
    let windows = classify(None, reading(LongNotes::Windows, 60, 0));
    let tokens = windows.coverage.tokens - 2;
    let count = windows.window_scores.len();
    assert_eq!(count, tokens.div_ceil(58));
    let weight = |index: usize| match index + 1 == count {
        true => (tokens - 58 * (count - 1)) as f64 / tokens as f64,
        false => 58.0 / tokens as f64,
    };
    let best = &windows.labels[0];
    let means: Vec<f64> = (0..windows.labels.len())
        .map(|label| {
            (0..count)
                .map(|w| weight(w) * f64::from(windows.window_scores[w][label]))
                .sum()
        })
        .collect();
    let largest = means.iter().copied().fold(0.0, f64::max);
    assert!((largest - f64::from(best.score)).abs() < 1e-6);

    let multi = spelling("sequence-classification-multilabel", &temporary);
    let query = ClassifyQuery {
        function: None,
        reading: ReadingOptions::default(),
    };
    let found = multi.classify(&[note()], &query, &Job::silent()).unwrap();
    assert_eq!(found.results[0].function, Function::Sigmoid);
}

#[test]
fn a_model_without_the_head_says_what_it_takes() {
    let tiny = tiny();
    let query = TagQuery {
        aggregation: Aggregation::Simple,
        tidy: false,
        ignored: Vec::new(),
        reading: ReadingOptions::default(),
    };
    let error = tiny
        .tag(&[note()], &query, &Job::silent())
        .err()
        .unwrap()
        .to_string();
    assert!(
        error.contains("masked language model") && error.contains("label tokens"),
        "{error}"
    );
    let query = ClassifyQuery {
        function: None,
        reading: ReadingOptions::default(),
    };
    let error = tiny
        .classify(&[note()], &query, &Job::silent())
        .err()
        .unwrap()
        .to_string();
    assert!(error.contains("classify texts"), "{error}");
}

fn surprise(engine: &Engine, query: &SurpriseQuery) -> auscult::engine::SurprisingNote {
    let mut found = engine.surprise(&[note()], query, &Job::silent()).unwrap();
    assert!(found.failures.is_empty(), "{:?}", found.failures);
    found.results.remove(0)
}

#[test]
fn surprise_is_the_loss_behind_a_mask() {
    let engine = tiny();
    let exact = surprise(&engine, &SurpriseQuery::default());
    assert!(exact.complete && !exact.approximate);
    assert_eq!(exact.measured.len(), exact.coverage.tokens - 2);
    let sum: f64 = exact
        .measured
        .iter()
        .map(|token| f64::from(token.loss))
        .sum();
    assert!((exact.mean_loss - sum / exact.measured.len() as f64).abs() < 1e-9);
    // The same question asked as fill-mask: the score of the token that stands there.
    let mut compared = 0;
    for token in exact.measured.iter().step_by(7) {
        let word = TEXT[token.start..token.end].trim();
        let places = auscult::engine::occurrences(TEXT, word);
        let own = places.iter().position(|place| place.end == token.end);
        let alone = own.filter(|&own| {
            let inside = exact
                .measured
                .iter()
                .filter(|t| t.start < places[own].end && places[own].start < t.end);
            inside.count() == 1
        });
        let Some(own) = alone else { continue };
        let query = FillMaskQuery {
            word: Some(word.to_owned()),
            occurrence: Some(own + 1),
            candidates: usize::MAX,
            ..FillMaskQuery::default()
        };
        let filled = engine.fill_mask(&[note()], &query, &Job::silent()).unwrap();
        let candidates = &filled.results[0].masks[0].candidates;
        let score = candidates
            .iter()
            .find(|candidate| candidate.id == token.id)
            .unwrap()
            .score;
        assert!((f64::from(token.loss) + f64::from(score).ln()).abs() < 1e-4);
        compared += 1;
    }
    assert!(compared >= 3, "{compared}");
    // Hiding "every 10,000th" token and reading 10,000 on either side are the exact thing.
    let far = SurpriseQuery {
        mask_every: Some(10_000),
        context: Some(10_000),
        ..SurpriseQuery::default()
    };
    let far = surprise(&engine, &far);
    assert!(far.approximate);
    for (a, b) in far.measured.iter().zip(&exact.measured) {
        assert!((a.loss - b.loss).abs() < 1e-4 && a.id == b.id);
    }
    let near = SurpriseQuery {
        context: Some(2),
        mask_every: Some(5),
        ..SurpriseQuery::default()
    };
    let near = surprise(&engine, &near);
    assert_eq!(near.measured.len(), exact.measured.len());
    assert!(
        near.measured
            .iter()
            .zip(&exact.measured)
            .any(|(a, b)| (a.loss - b.loss).abs() > 1e-4)
    );
}

#[test]
fn surprise_of_windows_covers_every_token() {
    let engine = tiny();
    let query = SurpriseQuery {
        mask_every: Some(7),
        reading: reading(LongNotes::Windows, 40, 8),
        ..SurpriseQuery::default()
    };
    let found = surprise(&engine, &query);
    assert!(found.coverage.windows > 2);
    assert_eq!(found.measured.len(), found.coverage.tokens - 2);
}

#[test]
fn a_stopped_measurement_keeps_what_it_has() {
    let engine = tiny();
    let stop = StopFlag::default();
    let flag = stop.clone();
    let job = Job::reporting(stop, Duration::ZERO, move |progress| {
        let tokens = progress.inside.filter(|inside| inside.unit == "tokens");
        if progress.done == 1 && tokens.is_some_and(|inside| inside.done > 0) {
            flag.stop();
        }
    });
    let notes = [note(), note(), note(), note()];
    let found = engine
        .surprise(&notes, &SurpriseQuery::default(), &job)
        .unwrap();
    assert!(found.stopped && found.failures.is_empty());
    let [first, second] = &found.results[..] else {
        panic!("{} notes", found.results.len());
    };
    assert!(first.complete && first.measured.len() == first.coverage.tokens - 2);
    // What was measured of the second note before its second batch of tokens.
    assert!(!second.complete && !second.measured.is_empty());
    assert!(second.measured.len() < first.measured.len());
    assert!(second.measured == first.measured[..second.measured.len()]);
}

#[test]
fn every_occurrence_is_masked_by_itself_unless_together() {
    let engine = tiny();
    let fill = |together| {
        let query = FillMaskQuery {
            word: Some("chest".to_owned()),
            together,
            candidates: 5,
            ..FillMaskQuery::default()
        };
        let found = engine.fill_mask(&[note()], &query, &Job::silent()).unwrap();
        found.results[0]
            .masks
            .iter()
            .map(|m| (m.start, m.candidates[0].score))
            .collect::<Vec<_>>()
    };
    let (alone, together) = (fill(false), fill(true));
    assert_eq!(alone.len(), 2);
    assert!(alone[0].0 == together[0].0 && alone != together);
    let targets = FillMaskQuery {
        word: Some("chest".to_owned()),
        candidates: 5,
        targets: vec!["a".to_owned(), "the".to_owned()],
        ..FillMaskQuery::default()
    };
    let found = engine
        .fill_mask(&[note()], &targets, &Job::silent())
        .unwrap();
    assert_eq!(found.results[0].masks[0].candidates.len(), 2);
}

fn embed(
    engine: &Engine,
    unit: Unit,
    pooling: Pooling,
    reading: ReadingOptions,
) -> auscult::engine::Embedding {
    let query = EmbedQuery {
        unit,
        pooling,
        normalize: false,
        reading,
    };
    let mut found = engine.embed(&[note()], &query, &Job::silent()).unwrap();
    assert!(found.failures.is_empty(), "{:?}", found.failures);
    found.results.remove(0)
}

#[test]
fn units_are_made_of_their_tokens() {
    let engine = tiny();
    let tokens = embed(
        &engine,
        Unit::Token,
        Pooling::Mean,
        ReadingOptions::default(),
    );
    assert_eq!(tokens.units.len(), tokens.coverage.tokens - 2);
    for (unit, at_least) in [(Unit::Section, 3), (Unit::Sentence, 6), (Unit::Word, 30)] {
        let found = embed(&engine, unit, Pooling::Mean, ReadingOptions::default());
        assert!(found.units.len() >= at_least);
        for part in &found.units {
            // A token belongs where its first letter lies.
            let own: Vec<_> = tokens
                .units
                .iter()
                .filter(|token| {
                    let text = &TEXT[token.start..token.end];
                    let first = token.start + text.len() - text.trim_start().len();
                    let at = if text.trim().is_empty() {
                        token.start
                    } else {
                        first
                    };
                    (part.start..part.end).contains(&at)
                })
                .collect();
            for (index, value) in part.vector.iter().enumerate() {
                let mean: f64 =
                    own.iter().map(|t| f64::from(t.vector[index])).sum::<f64>() / own.len() as f64;
                assert!((mean - f64::from(*value)).abs() < 1e-6);
            }
        }
    }
    let alone = embed(
        &engine,
        Unit::Sentence,
        Pooling::Cls,
        ReadingOptions::default(),
    );
    let first = &alone.units[0];
    let own = Note::new(Source::Typed, TEXT[first.start..first.end].to_owned());
    let query = EmbedQuery {
        unit: Unit::Note,
        pooling: Pooling::Cls,
        normalize: false,
        reading: ReadingOptions::default(),
    };
    let whole = engine.embed(&[own], &query, &Job::silent()).unwrap();
    assert_eq!(whole.results[0].units[0].vector, first.vector);
}

#[test]
fn windows_that_hold_everything_change_nothing() {
    let engine = tiny();
    for unit in [Unit::Note, Unit::Sentence, Unit::Token] {
        let plain = embed(&engine, unit, Pooling::Mean, ReadingOptions::default());
        let same = embed(
            &engine,
            unit,
            Pooling::Mean,
            reading(LongNotes::Sections, 2000, 5),
        );
        assert!(plain.units == same.units);
        let windows = embed(
            &engine,
            unit,
            Pooling::Mean,
            reading(LongNotes::Windows, 50, 10),
        );
        assert!(windows.coverage.windows > 1 && windows.units.len() == plain.units.len());
        assert!(windows.units != plain.units);
    }
}
