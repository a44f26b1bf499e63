//! Attention adds up, over tokens and units, in rows and columns.

use auscult::engine::{
    AttentionQuery, AttentionResult, Direction, Engine, FlowQuery, HeadChoice, Job, LayerChoice,
    LongNotes, ReadingOptions, Reduction, Selection, Unit,
};

use crate::{TEXT, note, reading, tiny};

pub(super) fn query(selection: Selection, direction: Direction, unit: Unit) -> AttentionQuery {
    AttentionQuery {
        selection,
        direction,
        layers: LayerChoice::All,
        heads: HeadChoice::All,
        reduction: Reduction::Mean,
        unit,
        hide_sinks: false,
        rollout: false,
        reading: ReadingOptions::default(),
    }
}

pub(super) fn ask(engine: &Engine, query: &AttentionQuery) -> AttentionResult {
    engine.attention(&note(), query, &Job::silent()).unwrap()
}

fn sum(result: &AttentionResult) -> f64 {
    let values = result.items.iter().map(|item| f64::from(item.value));
    values.sum::<f64>() + f64::from(result.outside)
}

fn word(word: &str) -> Selection {
    let start = TEXT.find(word).unwrap();
    Selection::Bytes(start..start + word.len())
}

#[test]
fn rows_sum_to_one_and_units_are_sums_of_tokens() {
    let engine = tiny();
    for layers in [
        LayerChoice::Only(vec![0]),
        LayerChoice::Only(vec![1]),
        LayerChoice::Global,
        LayerChoice::Local,
        LayerChoice::All,
    ] {
        for selection in [Selection::Token(0), Selection::Token(9), word("metoprolol")] {
            for direction in [Direction::LooksAt, Direction::LookedAtBy] {
                let of = |unit| {
                    ask(
                        &engine,
                        &AttentionQuery {
                            layers: layers.clone(),
                            ..query(selection.clone(), direction, unit)
                        },
                    )
                };
                let tokens = of(Unit::Token);
                assert!((sum(&tokens) - f64::from(tokens.total)).abs() < 1e-5);
                if direction == Direction::LooksAt {
                    assert!((tokens.total - 1.0).abs() < 1e-5, "{}", tokens.total);
                }
                for unit in [Unit::Word, Unit::Sentence, Unit::Section] {
                    let units = of(unit);
                    assert!((sum(&units) - sum(&tokens)).abs() < 1e-5);
                    assert!(units.items.len() < tokens.items.len());
                }
            }
        }
    }
}

#[test]
fn a_column_is_made_of_rows() {
    let engine = tiny();
    let tokens = ask(
        &engine,
        &query(Selection::Token(5), Direction::LookedAtBy, Unit::Token),
    );
    for (index, item) in tokens.items.iter().enumerate().step_by(11) {
        let row = ask(
            &engine,
            &query(Selection::Token(index + 1), Direction::LooksAt, Unit::Token),
        );
        // Token 5 is the fifth with a place in the note, after [CLS].
        assert!((row.items[4].value - item.value).abs() < 1e-6);
    }
}

#[test]
fn one_head_of_a_sliding_layer_sees_its_window_only() {
    let engine = tiny();
    let mut one = query(Selection::Token(60), Direction::LooksAt, Unit::Token);
    one.layers = LayerChoice::Local;
    one.heads = HeadChoice::Only(vec![1]);
    let row = ask(&engine, &one);
    let seen: Vec<usize> = (0..row.items.len())
        .filter(|&index| row.items[index].value > 0.0)
        .collect();
    assert!(seen.contains(&59) && seen.len() < row.items.len());
    assert_eq!(seen.len(), seen[seen.len() - 1] - seen[0] + 1);
    let mut largest = query(Selection::Token(60), Direction::LooksAt, Unit::Token);
    largest.reduction = Reduction::Max;
    let largest = ask(&engine, &largest);
    assert!(largest.total >= 1.0);
    assert!(
        row.items
            .iter()
            .zip(&largest.items)
            .all(|(a, b)| a.value <= b.value + 1e-6)
    );
}

#[test]
fn rollout_sums_to_one_and_its_column_to_its_rows() {
    let engine = tiny();
    let rollout = |token, direction| {
        let mut own = query(Selection::Token(token), direction, Unit::Token);
        own.rollout = true;
        ask(&engine, &own)
    };
    let column = rollout(7, Direction::LookedAtBy);
    for token in [1usize, 7, 40] {
        let row = rollout(token, Direction::LooksAt);
        assert!((row.total - 1.0).abs() < 1e-5);
        assert!((row.items[6].value - column.items[token - 1].value).abs() < 1e-6);
        // The residual path keeps at least 2^-layers of a token for itself.
        assert!(row.items[token - 1].value > 1.0 / 32.0);
    }
}

#[test]
fn flow_is_the_mean_of_rows() {
    let engine = tiny();
    let flow = |unit| {
        let query = FlowQuery {
            layers: LayerChoice::Only(vec![0, 1]),
            heads: HeadChoice::Only(vec![0, 2]),
            unit,
            reading: ReadingOptions::default(),
        };
        engine
            .attention_flow(&note(), &query, &Job::silent())
            .unwrap()
    };
    let sections = flow(Unit::Section);
    let units = sections.units.len();
    for (row, outside) in sections.matrix.chunks(units).zip(&sections.outside) {
        assert!((row.iter().sum::<f32>() + outside - 1.0).abs() < 1e-5);
    }
    // The row of a section is what its tokens look at, by the other operation.
    let section = &sections.units[1];
    let mut own = query(
        Selection::Bytes(section.start..section.end),
        Direction::LooksAt,
        Unit::Section,
    );
    own.layers = LayerChoice::Only(vec![0, 1]);
    own.heads = HeadChoice::Only(vec![0, 2]);
    let row = ask(&engine, &own);
    assert_eq!(row.chosen_tokens, section.tokens);
    for (item, value) in row.items.iter().zip(&sections.matrix[units..2 * units]) {
        assert!((item.value - value).abs() < 1e-5);
    }
    // Of each layer alone.
    let alone = FlowQuery {
        layers: LayerChoice::Only(vec![1]),
        heads: HeadChoice::Only(vec![0, 2]),
        unit: Unit::Section,
        reading: ReadingOptions::default(),
    };
    let own = engine.attention_flow(&note(), &alone, &Job::silent());
    assert_eq!(own.unwrap().matrix, sections.by_layer[1]);
    assert_eq!(sections.by_layer.len(), 2);

    // Of a note twice the mean is its own; a note without a word gives none.
    let empty = auscult::engine::Note::new(auscult::engine::Source::Typed, String::new());
    let notes = [note(), empty, note()].map(std::sync::Arc::new);
    let mean = engine.attention_mean_flow(&notes, &alone, &Job::silent());
    let mean = mean.unwrap();
    assert_eq!((mean.notes, mean.left_out, mean.complete), (2, 1, true));
    assert_eq!(mean.sections.len(), units, "names of this note differ");
    let single = engine.attention_flow(&note(), &alone, &Job::silent());
    for (value, want) in mean.matrix.iter().zip(&single.unwrap().matrix) {
        assert!((value - want).abs() < 1e-6);
    }
}

#[test]
fn of_a_long_note_the_window_around_the_tokens_is_read() {
    let engine = tiny();
    let mut long = query(word("aspirin"), Direction::LooksAt, Unit::Token);
    long.reading = reading(LongNotes::Windows, 60, 20);
    let row = ask(&engine, &long);
    let place = TEXT.find("aspirin").unwrap();
    assert!(
        row.coverage.windows > 1
            && (row.coverage.read_start..row.coverage.read_end).contains(&place)
    );
    assert!((row.total - 1.0).abs() < 1e-5);
    let mut last = query(word("aspirin"), Direction::LooksAt, Unit::Token);
    last.reading = reading(LongNotes::Last, 20, 4);
    let error = engine
        .attention(&note(), &last, &Job::silent())
        .err()
        .unwrap()
        .to_string();
    assert!(error.contains("not read"), "{error}");
    for token in [0, row.coverage.tokens - 1] {
        let mut end = query(Selection::Token(token), Direction::LooksAt, Unit::Word);
        end.reading = reading(LongNotes::Windows, 60, 20);
        assert!((ask(&engine, &end).total - 1.0).abs() < 1e-5);
    }
}

#[test]
fn flow_of_a_long_note_is_the_mean_of_what_tokens_look_at_in_their_windows() {
    let engine = tiny();
    let flow = FlowQuery {
        layers: LayerChoice::Only(vec![0, 1]),
        heads: HeadChoice::Only(vec![0, 2]),
        unit: Unit::Section,
        reading: reading(LongNotes::Windows, 60, 20),
    };
    let found = engine
        .attention_flow(&note(), &flow, &Job::silent())
        .unwrap();
    let units = found.units.len();
    assert!(found.coverage.windows > 1 && units > 2);
    assert_eq!(found.coverage.read_end, TEXT.len());
    let whole = found.coverage.tokens;
    let (mut sums, mut tokens) = (vec![0.0; units * units], vec![0; units]);
    for token in 1..whole - 1 {
        let mut own = query(Selection::Token(token), Direction::LooksAt, Unit::Section);
        own.layers = flow.layers.clone();
        own.heads = flow.heads.clone();
        own.reading = flow.reading.clone();
        let row = ask(&engine, &own);
        // Byte-level tokens begin with the space before their word.
        let own = &TEXT[row.chosen.clone()];
        let blank = match own.trim_start().len() {
            0 => 0,
            rest => own.len() - rest,
        };
        let number = |at: usize| {
            let own = found.units.iter();
            own.take_while(|unit| unit.start <= at).count() - 1
        };
        let from = number(row.chosen.start + blank);
        tokens[from] += 1;
        for item in &row.items {
            sums[from * units + number(item.start)] += f64::from(item.value);
        }
    }
    assert_eq!(
        tokens,
        found.units.iter().map(|own| own.tokens).collect::<Vec<_>>()
    );
    for (place, (value, sum)) in found.matrix.iter().zip(sums).enumerate() {
        let want = sum / tokens[place / units] as f64;
        assert!((f64::from(*value) - want).abs() < 1e-5, "{value} {want}");
    }
    // What lies in no common window is not looked at.
    assert_eq!(found.matrix[units - 1], 0.0);
    // The mean over notes takes it as it is, and says so.
    let notes = [std::sync::Arc::new(note())];
    let mean = engine.attention_mean_flow(&notes, &flow, &Job::silent());
    let mean = mean.unwrap();
    assert_eq!((mean.notes, mean.in_windows, mean.left_out), (1, 1, 0));
    for (value, want) in mean.matrix.iter().zip(&found.matrix) {
        assert!((value - want).abs() < 1e-6);
    }
    for (row, outside) in found.matrix.chunks(units).zip(&found.outside) {
        assert!((row.iter().sum::<f32>() + outside - 1.0).abs() < 1e-5);
    }
}

#[test]
fn what_goes_to_sinks_is_left_out_and_told() {
    let engine = tiny();
    for unit in [Unit::Token, Unit::Word] {
        for direction in [Direction::LooksAt, Direction::LookedAtBy] {
            let whole = query(word("fever"), direction, unit);
            let hiding = AttentionQuery {
                hide_sinks: true,
                ..whole.clone()
            };
            let (whole, less) = (ask(&engine, &whole), ask(&engine, &hiding));
            let hidden = f64::from(less.hidden.unwrap());
            assert!(hidden > 0.0 && whole.hidden.is_none());
            assert!((sum(&less) + hidden - sum(&whole)).abs() < 1e-5);
            assert!((f64::from(less.total) - f64::from(whole.total)).abs() < 1e-6);
            for (own, all) in less.items.iter().zip(&whole.items) {
                let letters = TEXT[own.start..own.end].chars().any(char::is_alphanumeric);
                let want = if letters { all.value } else { 0.0 };
                // A word may hold tokens without a letter, such as a hyphen.
                assert!(own.value <= all.value && (unit == Unit::Word || own.value == want));
            }
        }
    }
}

#[test]
fn held_attention_gives_the_same_and_follows_the_note() {
    let engine = tiny();
    let mut held = None;
    for chosen in ["fever", "cough", "fever"] {
        let own = query(word(chosen), Direction::LooksAt, Unit::Token);
        let found = engine.attention_held(&mut held, &note(), &own, &Job::silent());
        assert!(found.unwrap() == ask(&engine, &own));
        assert!(held.as_ref().unwrap().bytes() > 0);
    }
    // Some layers of what is held, in small windows, and another note.
    let small = AttentionQuery {
        layers: LayerChoice::Only(vec![1, 3]),
        heads: HeadChoice::Only(vec![2]),
        reduction: Reduction::Max,
        reading: reading(LongNotes::Windows, 24, 4),
        ..query(word("fever"), Direction::LookedAtBy, Unit::Word)
    };
    let found = engine.attention_held(&mut held, &note(), &small, &Job::silent());
    assert!(found.unwrap() == ask(&engine, &small));
    // The same note in the same way, but a word of another window.
    let last = AttentionQuery {
        selection: word("opioids"),
        ..small
    };
    let found = engine.attention_held(&mut held, &note(), &last, &Job::silent());
    assert!(found.unwrap() == ask(&engine, &last));
    let other = auscult::engine::Note::new(auscult::engine::Source::Typed, "No pain.".to_owned());
    let own = query(Selection::Bytes(0..2), Direction::LooksAt, Unit::Token);
    let found = engine.attention_held(&mut held, &other, &own, &Job::silent());
    assert!(found.unwrap() == engine.attention(&other, &own, &Job::silent()).unwrap());
}

#[test]
fn what_does_not_exist_is_said() {
    let engine = tiny();
    for (change, says) in [
        (
            AttentionQuery {
                layers: LayerChoice::Only(vec![4]),
                ..query(Selection::Token(0), Direction::LooksAt, Unit::Word)
            },
            "0 to 3",
        ),
        (
            AttentionQuery {
                heads: HeadChoice::Only(vec![9]),
                ..query(Selection::Token(0), Direction::LooksAt, Unit::Word)
            },
            "no head 9",
        ),
        (
            query(Selection::Token(9999), Direction::LooksAt, Unit::Word),
            "there is no 9999",
        ),
        (
            query(Selection::Bytes(9000..9001), Direction::LooksAt, Unit::Word),
            "no token at these bytes",
        ),
    ] {
        let error = engine
            .attention(&note(), &change, &Job::silent())
            .err()
            .unwrap()
            .to_string();
        assert!(error.contains(says), "{error}");
    }
}

/// What lies outside of the window is counted, not passed over.
#[test]
fn chosen_tokens_outside_of_the_window_are_counted() {
    let engine = tiny();
    let all = Selection::Bytes(0..TEXT.len());
    let mut whole = query(all.clone(), Direction::LooksAt, Unit::Word);
    let everything = ask(&engine, &whole);
    assert_eq!(everything.chosen_left_out, 0);
    whole.reading = reading(LongNotes::Windows, 40, 8);
    let part = ask(&engine, &whole);
    assert_eq!(part.chosen_tokens, 38);
    assert_eq!(
        part.chosen_tokens + part.chosen_left_out,
        everything.chosen_tokens
    );
    // Units of the window only: nothing with 0 because it was not read.
    assert!(
        part.items
            .iter()
            .all(|item| item.tokens > 0 && item.value > 0.0)
    );
    assert!(part.items.len() < everything.items.len());
}

#[test]
fn flow_leaves_out_what_is_not_read() {
    let flow = FlowQuery {
        layers: LayerChoice::All,
        heads: HeadChoice::All,
        unit: Unit::Word,
        reading: reading(LongNotes::First, 40, 8),
    };
    let found = tiny()
        .attention_flow(&note(), &flow, &Job::silent())
        .unwrap();
    let units = found.units.len();
    assert!(
        found
            .units
            .iter()
            .all(|unit| unit.start < found.coverage.read_end)
    );
    for (row, outside) in found.matrix.chunks(units).zip(&found.outside) {
        assert!((row.iter().sum::<f32>() + outside - 1.0).abs() < 1e-5);
    }
}
