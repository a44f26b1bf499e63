//! Cutting texts and putting results together again, on texts nobody wrote.

use std::ops::Range;

use auscult::tokenization::Encoding;
use auscult::tokenization::windows::{Cut, owners, windows};
use proptest::prelude::*;

/// `[CLS]`, tokens of these lengths in bytes, `[SEP]`.
fn encoding(lengths: &[usize]) -> Encoding {
    let count = lengths.len() + 2;
    let mut spans: Vec<Range<usize>> = Vec::new();
    spans.push(0..0);
    let mut at = 0;
    for length in lengths {
        spans.push(at..at + length);
        at += length;
    }
    spans.push(0..0);
    Encoding {
        ids: (0..count as u32).collect(),
        type_ids: vec![0; count],
        words: vec![None; count],
        special: (0..count).map(|row| row == 0 || row + 1 == count).collect(),
        sequences: vec![None; count],
        spans,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn windows_hold_every_token_once_merged(
        lengths in prop::collection::vec(1usize..5, 1..80),
        room in 1usize..30,
        part in 0usize..30,
        starts in prop::collection::btree_set(1usize..200, 0..6),
    ) {
        let whole = encoding(&lengths);
        let overlap = part % room;
        let starts: Vec<usize> = starts.into_iter().collect();
        for cut in [Cut::Windows { overlap }, Cut::Parts { starts: &starts, overlap }] {
            let found = windows(&whole, room + 2, cut).unwrap();
            let owners = owners(&found, whole.len());
            prop_assert_eq!((owners[0], owners[whole.len() - 1]), (None, None));
            for (row, owner) in owners.iter().enumerate().skip(1).take(lengths.len()) {
                let owner = owner.unwrap();
                let context = |window: usize| {
                    let rows = &found[window].rows;
                    rows.contains(&row).then(|| (row - rows.start).min(rows.end - 1 - row))
                };
                let best = (0..found.len()).filter_map(context).max().unwrap();
                prop_assert_eq!(context(owner), Some(best));
                let local = found[owner].local(row).unwrap();
                prop_assert_eq!(found[owner].encoding.ids[local], whole.ids[row]);
                prop_assert_eq!(&found[owner].encoding.spans[local], &whole.spans[row]);
            }
            for window in &found {
                prop_assert!(window.encoding.len() <= room + 2 || found.len() == 1);
                prop_assert_eq!(window.encoding.len(), window.rows.len() + 2);
            }
            let steps = found.windows(2).all(|two| two[0].rows.start < two[1].rows.start && two[1].rows.start <= two[0].rows.end);
            prop_assert!(steps);
        }
        for (cut, end) in [(Cut::First, 1), (Cut::Last, lengths.len() + 1)] {
            let found = windows(&whole, room + 2, cut).unwrap();
            prop_assert_eq!(found.len(), 1);
            let rows = &found[0].rows;
            prop_assert_eq!(rows.len(), room.min(lengths.len()));
            prop_assert!(rows.start == end || rows.end == end);
        }
    }
}
