use std::path::Path;
use std::time::Duration;

use super::*;
use crate::engine::{DeviceChoice, EmbedQuery, Engine, EngineError, Job, Source, StopFlag};

const TEXTS: [&str; 3] = [
    "HISTORY: Denies chest pain. Takes 81 mg of aspirin; no fever — none.\nPLAN:\nRest. Return in a week.",
    "A short one.",
    "Complaint: cough.\n\n***\nASSESSMENT: Likely viral. No antibiotics.",
];

fn engine() -> Engine {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/tiny");
    let mut engine = Engine::open(DeviceChoice::Cpu).unwrap();
    engine.load_model(&folder, &Job::silent()).unwrap();
    engine
}

fn notes() -> Vec<PointNote> {
    let note = |text: &&str| PointNote {
        note: Arc::new(Note::new(Source::Typed, (*text).to_owned())),
        spans: Vec::new(),
        class: None,
    };
    TEXTS.iter().map(note).collect()
}

fn query(unit: PointUnit, pooling: Pooling) -> PointsQuery {
    PointsQuery {
        unit,
        pooling,
        reading: ReadingOptions::default(),
        codes: 150,
        most: usize::MAX,
        of_each: OfEach::Any,
        seed: 1,
        most_bytes: usize::MAX,
        beside: 0,
    }
}

#[test]
fn the_values_are_those_of_embedding_and_places_follow_from_them() {
    let (engine, notes) = (engine(), notes());
    let plain: Vec<Note> = notes.iter().map(|own| (*own.note).clone()).collect();
    for (unit, pooling) in [
        (PointUnit::Note, Pooling::Max),
        (PointUnit::Section, Pooling::Mean),
        (PointUnit::Sentence, Pooling::Cls),
        (PointUnit::Sentence, Pooling::Mean),
        (PointUnit::Word, Pooling::Mean),
        (PointUnit::Token, Pooling::Mean),
    ] {
        let found = engine
            .points(&notes, &query(unit, pooling), &Job::silent())
            .unwrap();
        let embed = EmbedQuery {
            unit: unit.unit().unwrap(),
            pooling,
            normalize: false,
            reading: ReadingOptions::default(),
        };
        let want = engine.embed(&plain, &embed, &Job::silent()).unwrap();
        let mut rows = Vec::new();
        for (of, own) in want.results.iter().enumerate() {
            for unit in &own.units {
                let text = &plain[of].text()[unit.start..unit.end];
                if text.chars().any(char::is_alphanumeric) {
                    rows.push((of as u32, unit.start..unit.end, unit.vector.clone()));
                }
            }
        }
        assert_eq!(found.points.len(), rows.len(), "{unit:?}");
        assert!(found.complete && found.read == 3 && found.random_weights);
        for (number, (of, bytes, vector)) in rows.iter().enumerate() {
            let point = &found.points[number];
            assert_eq!((point.of, &point.bytes()), (*of, bytes));
            assert_eq!(
                &found.vectors[number * found.width..][..found.width],
                vector
            );
        }
        assert_eq!(found.plane.len(), rows.len());
        assert!(found.explained[0] >= found.explained[1] && found.explained[1] > 0.0);
    }
}

#[test]
fn a_point_knows_its_section() {
    let found = engine();
    let query = query(PointUnit::Sentence, Pooling::Mean);
    let found = found.points(&notes(), &query, &Job::silent()).unwrap();
    let name = |point: &Point| found.names.get(point.section as usize).map(String::as_str);
    let of = |text: &str| {
        let at = found
            .points
            .iter()
            .find(|own| TEXTS[own.of as usize][own.bytes()].contains(text));
        name(at.unwrap()).unwrap_or("none").to_lowercase()
    };
    assert!(of("aspirin").contains("history"), "{}", of("aspirin"));
    assert!(of("Return").contains("plan"), "{}", of("Return"));
    assert!(of("Likely").contains("assessment"), "{}", of("Likely"));
}

#[test]
fn a_span_is_the_mean_of_its_tokens_and_may_be_in_pieces() {
    let engine = engine();
    let mut notes = notes();
    let of = |text: &str| {
        let start = TEXTS[0].find(text).unwrap();
        start..start + text.len()
    };
    let sentence = of("Takes 81 mg of aspirin; no fever — none.");
    let span = |label: &str, pieces: Vec<Range<usize>>| PointSpan {
        label: label.to_owned(),
        pieces,
    };
    notes[0].spans = vec![
        span("whole", vec![sentence.clone()]),
        span("inside", vec![of("aspirin")]),
        span("both", vec![of("Takes"), of("fever")]),
    ];
    let found = engine.points(
        &notes,
        &query(PointUnit::Span, Pooling::Mean),
        &Job::silent(),
    );
    let found = found.unwrap();
    let row = |number: usize| &found.vectors[number * found.width..][..found.width];
    assert_eq!(found.points.len(), 3);
    let label = |number: usize| found.names[found.points[number].label as usize].as_str();
    assert_eq!([label(0), label(1), label(2)], ["whole", "inside", "both"]);
    assert_eq!(found.points[2].bytes(), of("Takes").start..of("fever").end);

    let units = |unit| {
        let found = engine
            .points(&notes, &query(unit, Pooling::Mean), &Job::silent())
            .unwrap();
        let width = found.width;
        let points = found.points.into_iter().zip(
            found
                .vectors
                .chunks(width)
                .map(<[f32]>::to_vec)
                .collect::<Vec<_>>(),
        );
        points
            .filter(|(own, _)| own.of == 0)
            .map(|(own, vector)| (own.bytes(), vector))
            .collect::<Vec<_>>()
    };
    let sentences = units(PointUnit::Sentence);
    let whole = sentences
        .iter()
        .find(|(bytes, _)| *bytes == sentence)
        .unwrap();
    assert_eq!(row(0), whole.1);
    // Each word of "both" has as many tokens as it has: their mean is that of all of its tokens.
    let tokens = units(PointUnit::Token);
    let inside = |own: &Range<usize>| {
        let text = &TEXTS[0][own.clone()];
        let at = own.end - text.trim_start().len();
        of("Takes").contains(&at) || of("fever").contains(&at)
    };
    let rows: Vec<&Vec<f32>> = tokens
        .iter()
        .filter(|(own, _)| inside(own))
        .map(|own| &own.1)
        .collect();
    for (place, found) in row(2).iter().enumerate() {
        let want = rows.iter().map(|row| row[place]).sum::<f32>() / rows.len() as f32;
        assert!((found - want).abs() < 1e-5, "{found} {want}");
    }
}

#[test]
fn codes_are_read_many_at_once_and_are_the_same_as_one_by_one() {
    let engine = engine();
    for pooling in [Pooling::Mean, Pooling::Cls] {
        let found = engine
            .points(&[], &query(PointUnit::Code, pooling), &Job::silent())
            .unwrap();
        assert_eq!(
            (found.points.len(), found.codes.len(), found.names.len()),
            (150, 150, 22)
        );
        for number in [0, 1, 74, 149] {
            let code = &found.codes[number];
            assert_eq!(found.points[number].section as usize, code.chapter);
            let note = Note::new(Source::Typed, code.text());
            let embed = EmbedQuery {
                unit: Unit::Note,
                pooling,
                normalize: false,
                reading: ReadingOptions::default(),
            };
            let want = engine.embed(&[note], &embed, &Job::silent()).unwrap();
            let want = &want.results[0].units[0].vector;
            let row = &found.vectors[number * found.width..][..found.width];
            for (found, want) in row.iter().zip(want) {
                assert!((found - want).abs() < 1e-4, "{found} {want}");
            }
        }
    }
}

#[test]
fn what_was_read_stays_when_it_is_stopped_or_memory_is_full() {
    let engine = engine();
    let query = query(PointUnit::Word, Pooling::Mean);
    let all = engine.points(&notes(), &query, &Job::silent()).unwrap();
    let stop = StopFlag::default();
    let flag = stop.clone();
    let job = Job::reporting(stop.clone(), Duration::ZERO, move |progress| {
        if progress.done == 1 {
            flag.stop();
        }
    });
    let some = engine.points(&notes(), &query, &job).unwrap();
    assert!(!some.complete && !some.full && some.read == 1);
    assert_eq!(some.plane.len(), some.points.len());
    // One of the notes, whole: which, is left to the seed.
    let of = some.points[0].of;
    let of_note = |own: &&Point| own.of == of;
    let want: Vec<Point> = all.points.iter().filter(of_note).copied().collect();
    assert!(some.points == want && some.all == want.len());
    // Nor is it lost when it is stopped while it is drawn.
    let late = StopFlag::default();
    let flag = late.clone();
    let job = Job::reporting(late.clone(), Duration::ZERO, move |progress| {
        if progress.share > 0.95 {
            flag.stop();
        }
    });
    let drawn = engine.points(&notes(), &query, &job).unwrap();
    assert!(late.is_set() && drawn.complete && drawn.points == all.points);
    assert_eq!(drawn.plane, all.plane);
    let nothing = engine.points(&notes(), &query, &Job::new(stop));
    assert!(matches!(nothing, Err(EngineError::Cancelled(_))));
    // With no room for all of them these are any of all notes, and take no more than they may.
    let little = PointsQuery {
        most_bytes: 20 * (Points::each(all.width) + 50),
        beside: 50,
        ..query.clone()
    };
    let full = engine.points(&notes(), &little, &Job::silent()).unwrap();
    assert!(full.full && full.complete && full.read == 3);
    assert_eq!(full.all, all.points.len());
    let count = full.points.len();
    assert!((10..=20).contains(&count), "{count}");
    assert!(full.bytes() + 50 * count <= little.most_bytes);
    for (row, point) in full.points.iter().enumerate() {
        let same = all.points.iter().position(|own| own == point).unwrap();
        let vector =
            |own: &Points, row: usize| own.vectors[row * own.width..][..own.width].to_vec();
        assert_eq!(vector(&full, row), vector(&all, same));
    }
    assert!(full.points[..] != all.points[..count]);
    // With no room at all there are none, which is no failure.
    let none = PointsQuery {
        most_bytes: 0,
        ..query
    };
    let none = engine.points(&notes(), &none, &Job::silent()).unwrap();
    assert!(none.full && none.points.is_empty() && none.all == all.points.len());
}

#[test]
fn codes_that_are_stopped_or_have_no_room_are_of_all_chapters() {
    let engine = engine();
    let query = PointsQuery {
        codes: 1500,
        ..query(PointUnit::Code, Pooling::Mean)
    };
    let chapters = |own: &Points| {
        let all: std::collections::BTreeSet<u32> =
            own.points.iter().map(|own| own.section).collect();
        assert!(own.points.iter().enumerate().all(|(row, point)| {
            point.of as usize == row && own.codes[row].chapter == point.section as usize
        }));
        all.len()
    };
    let stop = StopFlag::default();
    let flag = stop.clone();
    let job = Job::reporting(stop.clone(), Duration::ZERO, move |progress| {
        if progress.done > 200 {
            flag.stop();
        }
    });
    let some = engine.points(&[], &query, &job).unwrap();
    assert!(!some.complete && !some.full && some.points.len() < 1000);
    assert_eq!(some.codes.len(), some.points.len());
    assert!(chapters(&some) > 20, "{}", chapters(&some));
    let little = PointsQuery {
        most_bytes: 200_000,
        ..query
    };
    let full = engine.points(&[], &little, &Job::silent()).unwrap();
    assert!(full.full && full.complete && full.all == 1500);
    assert!(full.bytes() <= 200_000 && full.points.len() > 200);
    assert_eq!(chapters(&full), 22);
}

#[test]
fn they_are_arranged_or_stopped_and_neighbours_are_exact() {
    let engine = engine();
    let found = engine.points(
        &notes(),
        &query(PointUnit::Word, Pooling::Mean),
        &Job::silent(),
    );
    let found = found.unwrap();
    let sketch = Sketch::default();
    assert!(sketch.newer(0).is_none());
    let places = found.arranged(3, &sketch, &Job::silent()).unwrap().unwrap();
    assert_eq!(places.len(), found.points.len());
    let (number, seen) = sketch.newer(0).unwrap();
    assert!(seen == places && sketch.newer(number).is_none());
    assert_eq!(
        found.arranged(3, &sketch, &Job::silent()).unwrap().unwrap(),
        places
    );
    let stop = StopFlag::default();
    stop.stop();
    assert!(found.arranged(3, &sketch, &Job::new(stop)).is_err());

    let near = found.near(4, 5, &Job::silent()).unwrap();
    let row = |number: usize| &found.vectors[number * found.width..][..found.width];
    let want = crate::analysis::nearest(row(4), &found.vectors, 6);
    let want: Vec<usize> = want
        .iter()
        .map(|own| own.row)
        .filter(|&own| own != 4)
        .take(5)
        .collect();
    assert_eq!(near.iter().map(|own| own.point).collect::<Vec<_>>(), want);
    assert!(near[0].cosine >= near[4].cosine);
    assert!(found.near(100_000, 5, &Job::silent()).unwrap().is_empty());
}
