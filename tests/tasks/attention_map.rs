//! The image of a head is made of exact values, whatever part of it and however coarse.

use auscult::engine::{
    AttentionMap, Block, CellQuery, Direction, Engine, HeadChoice, HeadPlace, HeldAttention, Job,
    LayerChoice, MapQuery, ReadingOptions, Selection, Unit,
};

use super::attention::{ask, query};
use crate::{note, tiny};

fn map_query(layer: usize, side: usize) -> MapQuery {
    MapQuery {
        of: HeadPlace { layer, head: 2 },
        selection: Selection::Token(0),
        rows: 0..usize::MAX,
        columns: 0..usize::MAX,
        side,
        block: Block::Max,
        reading: ReadingOptions::default(),
    }
}

fn draw(engine: &Engine, held: &mut Option<HeldAttention>, query: &MapQuery) -> AttentionMap {
    engine
        .attention_map(held, &note(), query, &Job::silent())
        .unwrap()
}

#[test]
fn blocks_of_one_token_are_the_rows_that_the_lens_shows() {
    let engine = tiny();
    let mut held = None;
    for layer in [0, 1] {
        let map = draw(&engine, &mut held, &map_query(layer, 1));
        let [down, across] = map.shape();
        assert_eq!((down, across), (map.spans.len(), map.spans.len()));
        assert_eq!(map.reach.is_some(), layer == 1, "kinds of the tiny model");
        for row in [0, 9, down - 1] {
            let own = auscult::engine::AttentionQuery {
                layers: LayerChoice::Only(vec![layer]),
                heads: HeadChoice::Only(vec![2]),
                ..query(Selection::Token(row), Direction::LooksAt, Unit::Token)
            };
            let want = ask(&engine, &own);
            let drawn = &map.values[row * across..][..across];
            let tokens = map
                .spans
                .iter()
                .zip(drawn)
                .filter(|(own, _)| !own.is_empty());
            let tokens: Vec<f32> = tokens.map(|(_, value)| *value).collect();
            assert_eq!(tokens.len(), want.items.len());
            for (value, item) in tokens.iter().zip(&want.items) {
                assert!((value - item.value).abs() < 1e-6);
            }
            assert!((drawn.iter().sum::<f32>() - 1.0).abs() < 1e-5);
        }
    }
}

#[test]
fn coarse_blocks_and_parts_are_of_the_same_values() {
    let engine = tiny();
    let mut held = None;
    for layer in [0, 1] {
        let fine = draw(&engine, &mut held, &map_query(layer, 1));
        let tokens = fine.spans.len();
        for (side, block) in [(4, Block::Max), (7, Block::Max), (7, Block::Mean)] {
            let whole = MapQuery {
                block,
                ..map_query(layer, side)
            };
            let part = MapQuery {
                rows: 10..21,
                columns: 15..tokens + 5,
                ..whole.clone()
            };
            for query in [whole, part] {
                let map = draw(&engine, &mut held, &query);
                assert!(map.rows.start <= query.rows.start && map.rows.start.is_multiple_of(side));
                let [down, across] = map.shape();
                assert_eq!(map.values.len(), down * across);
                for (at, value) in map.values.iter().enumerate() {
                    let place = |first: usize, number: usize| {
                        let first = first + number * side;
                        first..(first + side).min(tokens)
                    };
                    let rows = place(map.rows.start, at / across);
                    let columns = place(map.columns.start, at % across);
                    let all = rows.flat_map(|row| {
                        let line = &fine.values[row * tokens..][..tokens];
                        line[columns.clone()].to_vec()
                    });
                    let all: Vec<f32> = all.collect();
                    let want = match block {
                        Block::Max => all.iter().copied().fold(0.0, f32::max),
                        Block::Mean => all.iter().sum::<f32>() / all.len() as f32,
                    };
                    assert!((value - want).abs() < 1e-6, "layer {layer}, {side}: {at}");
                }
            }
        }
    }
}

#[test]
fn a_cell_is_the_largest_of_its_block_with_its_place_in_the_row() {
    let engine = tiny();
    let mut held = None;
    for layer in [0, 1] {
        let fine = draw(&engine, &mut held, &map_query(layer, 1));
        let tokens = fine.spans.len();
        for (rows, columns) in [(3..4, 5..6), (8..16, 8..16), (0..tokens, 0..tokens)] {
            let own = CellQuery {
                of: fine.of,
                selection: Selection::Token(0),
                rows: rows.clone(),
                columns: columns.clone(),
                reading: ReadingOptions::default(),
            };
            let cell = engine
                .attention_cell(&mut held, &note(), &own, &Job::silent())
                .unwrap();
            let value = |row: usize, column: usize| fine.values[row * tokens + column];
            let pairs = rows.flat_map(|row| columns.clone().map(move |column| (row, column)));
            let most = pairs
                .map(|(row, column)| value(row, column))
                .fold(0.0, f32::max);
            assert!((cell.value - most).abs() < 1e-6);
            assert!((value(cell.row, cell.column) - most).abs() < 1e-6);
            let row = &fine.values[cell.row * tokens..][..tokens];
            let more = row.iter().filter(|own| **own > most + 1e-6).count();
            assert_eq!(cell.rank, more + 1);
            let seen = row.iter().filter(|own| **own > 0.0).count();
            assert_eq!(cell.seen, seen, "every visible token has some");
        }
    }
}

#[test]
fn a_part_that_is_not_there_is_said() {
    let engine = tiny();
    let tokens = draw(&engine, &mut None, &map_query(0, 1)).spans.len();
    let beyond = MapQuery {
        rows: tokens..tokens + 4,
        ..map_query(0, 1)
    };
    let none = MapQuery {
        of: HeadPlace { layer: 0, head: 9 },
        ..map_query(0, 1)
    };
    for (query, says) in [(beyond, "there are none"), (none, "no head 9")] {
        let error = engine.attention_map(&mut None, &note(), &query, &Job::silent());
        let error = error.err().unwrap().to_string();
        assert!(error.contains(says), "{error}");
    }
}
