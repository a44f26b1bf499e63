//! How a note was read is said truly, and how far the reading is.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use auscult::engine::{
    EmbedQuery, FillMaskQuery, Job, LongNotes, Note, Pooling, Progress, ReadingOptions,
    SearchQuery, Source, StopFlag, SurpriseQuery, Unit, Way, surprising_words,
};

use serde_json::Value;

use crate::common::{Temporary, copy_folder, fixture};
use crate::{TEXT, embed, engine, note, reading, tiny};

#[test]
fn overlap_is_named_where_windows_share_tokens() {
    let engine = tiny();
    let coverage = |long, max_tokens| {
        let reading = reading(long, max_tokens, 8);
        embed(&engine, Unit::Note, Pooling::Mean, reading).coverage
    };
    // Every section fits, but not all of them.
    let whole = coverage(LongNotes::Sections, 50);
    assert_eq!((whole.read, whole.overlap), (Way::Sections, None));
    let cut = coverage(LongNotes::Sections, 20);
    assert_eq!((cut.read, cut.overlap), (Way::Sections, Some(8)));
    assert_eq!(coverage(LongNotes::Windows, 50).overlap, Some(8));
    assert_eq!(coverage(LongNotes::First, 50).overlap, None);
}

/// A mask in a window has what it would have if its window were the note.
#[test]
fn a_mask_is_read_in_its_window_and_an_unread_one_stays() {
    let engine = tiny();
    let fill = |notes: &[Note], together, reading| {
        let query = FillMaskQuery {
            word: Some("chest".to_owned()),
            together,
            candidates: 3,
            reading,
            ..FillMaskQuery::default()
        };
        let found = engine.fill_mask(notes, &query, &Job::silent()).unwrap();
        assert!(found.failures.is_empty(), "{:?}", found.failures);
        found.results
    };
    for together in [false, true] {
        let windows = reading(LongNotes::Windows, 30, 10);
        let found = fill(&[note()], together, windows).remove(0);
        assert!(found.coverage.windows > 2 && found.masks.len() == 2);
        assert!(
            found
                .masks
                .iter()
                .all(|mask| mask.was_read && mask.candidates.len() == 3)
        );
        for mask in &found.masks {
            assert_eq!(TEXT[mask.start..mask.end].trim(), "chest");
        }
        let first = reading(LongNotes::First, 30, 10);
        let found = fill(&[note()], together, first).remove(0);
        let read: Vec<bool> = found.masks.iter().map(|mask| mask.was_read).collect();
        assert_eq!(read, [true, false]);
        let unread = &found.masks[1];
        assert!(unread.candidates.is_empty() && TEXT[unread.start..unread.end].trim() == "chest");
        // The window alone, as a note of its own, gives the same.
        let own = TEXT[..found.coverage.read_end].to_owned();
        let own = Note::new(Source::Typed, own);
        let alone = fill(&[own], together, ReadingOptions::default()).remove(0);
        assert!(alone.coverage.windows == 1 && alone.masks[0] == found.masks[0]);
    }
}

/// All that a job reports.
fn reports(work: impl FnOnce(&Job)) -> Vec<Progress> {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let list = Arc::clone(&seen);
    let job = Job::reporting(StopFlag::default(), Duration::ZERO, move |progress| {
        list.lock().unwrap().push(progress);
    });
    work(&job);
    let seen = seen.lock().unwrap();
    seen.clone()
}

#[test]
fn one_long_note_says_how_far_it_is() {
    let engine = tiny();
    let query = EmbedQuery {
        unit: Unit::Note,
        pooling: Pooling::Mean,
        normalize: false,
        reading: reading(LongNotes::Windows, 50, 10),
    };
    let mask = FillMaskQuery {
        word: Some("a".to_owned()),
        candidates: 1,
        ..FillMaskQuery::default()
    };
    let surprise = SurpriseQuery::default();
    let embedding = reports(|job| drop(engine.embed(&[note()], &query, job).unwrap()));
    let filling = reports(|job| drop(engine.fill_mask(&[note()], &mask, job).unwrap()));
    let measuring = reports(|job| drop(engine.surprise(&[note()], &surprise, job).unwrap()));
    // One mask, so that the layers of its pass are what is left to count.
    let units = [
        (&embedding, "windows"),
        (&filling, "layers"),
        (&measuring, "tokens"),
    ];
    for (seen, unit) in units {
        let inside = seen.iter().filter_map(|progress| progress.inside);
        assert!(
            inside
                .clone()
                .any(|inside| inside.unit == unit && inside.done > 0),
            "{unit}"
        );
        assert!(seen.iter().all(|progress| progress.total == 1));
        assert!(seen.is_sorted_by(|a, b| a.share <= b.share), "{unit}");
        assert!(
            seen.iter()
                .any(|own| own.done == 0 && own.remaining.is_some()),
            "{unit}"
        );
        assert_eq!(seen.last().unwrap().share, 1.0);
    }
}

#[test]
fn a_note_is_itself_whatever_its_path_is_called() {
    let engine = tiny();
    let temporary = Temporary::new();
    let file = temporary.file("a.csv", "id,text\n1,No cough.\n2,Cough.\n");
    let folder = temporary.path().file_name().unwrap();
    let other = temporary.path().join("..").join(folder).join("a.csv");
    let import = |path: &std::path::Path| {
        auscult::engine::import(&[path.to_owned()], &Default::default(), &Job::silent()).notes
    };
    let (notes, again) = (import(&file), import(&other));
    let query = SearchQuery {
        unit: Unit::Note,
        pooling: Pooling::Mean,
        top: 9,
        reading: ReadingOptions::default(),
    };
    let found = engine
        .search(&again[0], &notes, &query, &Job::silent())
        .unwrap();
    assert_eq!((found.compared, found.hits[0].text.as_str()), (1, "Cough."));
    assert_eq!(
        (found.query.read, found.hits[0].coverage.windows),
        (Way::Whole, 1)
    );
}

#[test]
fn words_have_one_meaning() {
    let engine = tiny();
    let words = embed(
        &engine,
        Unit::Word,
        Pooling::Mean,
        ReadingOptions::default(),
    );
    let query = SurpriseQuery {
        mask_every: Some(3),
        ..SurpriseQuery::default()
    };
    let found = engine.surprise(&[note()], &query, &Job::silent()).unwrap();
    let own = surprising_words(TEXT, &found.results[0].measured);
    let spans: Vec<_> = own.into_iter().map(|(span, ..)| span).collect();
    let units: Vec<_> = words
        .units
        .iter()
        .map(|unit| unit.start..unit.end)
        .collect();
    assert_eq!(spans, units);
}

#[test]
fn a_search_finds_the_passage_itself() {
    let engine = tiny();
    let wanted = Note::new(Source::Typed, "No chest pain.".to_owned());
    let folder = fixture("notes/good");
    let paths = [folder.join("clinic.csv"), folder.join("plain.txt")];
    let mut notes = auscult::engine::import(&paths, &Default::default(), &Job::silent()).notes;
    let file = notes[0].source().clone();
    notes.push(Note::new(
        file,
        "Something else.\n\nNo chest pain.\n\n---".to_owned(),
    ));
    let query = SearchQuery {
        unit: Unit::Sentence,
        pooling: Pooling::Cls,
        top: 3,
        reading: ReadingOptions::default(),
    };
    let found = engine
        .search(&wanted, &notes, &query, &Job::silent())
        .unwrap();
    assert_eq!(found.hits[0].text, "No chest pain.");
    assert!((found.hits[0].score - 1.0).abs() < 1e-6 && found.hits[1].score < 1.0);
    assert!(found.hits.len() == 3 && found.compared > 5);
    assert!(found.hits.is_sorted_by(|a, b| a.score >= b.score));
}

/// A tokenizer that has lost a byte, so that it cannot spell every text.
#[test]
fn what_the_tokenizer_cannot_read_names_its_note() {
    let temporary = Temporary::new();
    let folder = temporary.path().join("model");
    copy_folder(&fixture("tiny"), &folder);
    let file = folder.join("tokenizer.json");
    let mut definition: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    let vocabulary = definition["model"]["vocab"].as_object_mut().unwrap();
    // The second byte of `ß`.
    let id = vocabulary.remove("Ł").unwrap();
    vocabulary.insert("ŁŁ".to_owned(), id);
    definition["model"]["unk_token"] = "[NONE]".into();
    std::fs::write(&file, definition.to_string()).unwrap();
    let engine = engine(&folder);
    let query = EmbedQuery {
        unit: Unit::Note,
        pooling: Pooling::Mean,
        normalize: false,
        reading: ReadingOptions::default(),
    };
    let unreadable = Note::new(Source::Typed, "Weiß".to_owned());
    let plain = Note::new(Source::Typed, "No cough.".to_owned());
    let notes = [plain, unreadable];
    let found = engine.embed(&notes, &query, &Job::silent()).unwrap();
    assert_eq!((found.results.len(), found.failures.len()), (1, 1));
    let error = found.failures[0].to_string();
    assert!(
        error.starts_with("(typed): ") && !error.contains("Wei"),
        "{error}"
    );
}
