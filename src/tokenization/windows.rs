//! Texts longer than the model, cut into pieces that it can read.
//!
//! A text is always tokenized as a whole first. Each piece, a [`Window`], holds some of its tokens
//! between the template's own (`[CLS]` and `[SEP]`), so that the same token has the same id wherever
//! the cut falls.

use std::fmt;
use std::ops::Range;

use super::Encoding;

/// How to cut a text that is too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut<'a> {
    /// Its beginning only.
    First,
    /// Its end only.
    Last,
    /// Windows from the beginning to the end; each shares `overlap` tokens with the one before.
    Windows {
        /// Tokens shared by neighbours, template tokens not counted.
        overlap: usize,
    },
    /// As many whole parts as fit together; a part that is too long is cut into windows.
    Parts {
        /// Bytes where each part but the first begins, in order.
        starts: &'a [usize],
        /// Tokens shared by the windows of one part.
        overlap: usize,
    },
}

/// Some tokens of a text as the model reads them at once.
#[derive(Clone, PartialEq, Eq)]
pub struct Window {
    /// The tokens with those of the template; spans count from the beginning of the whole text.
    pub encoding: Encoding,
    /// Which rows of the whole text's encoding they are, template tokens not counted.
    pub rows: Range<usize>,
    /// Template tokens in front of them.
    pub lead: usize,
}

impl fmt::Debug for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Window")
            .field("rows", &self.rows)
            .field("lead", &self.lead)
            .finish_non_exhaustive()
    }
}

impl Window {
    /// The row of this window that holds row `row` of the whole text, if it does.
    pub fn local(&self, row: usize) -> Option<usize> {
        self.rows
            .contains(&row)
            .then(|| row - self.rows.start + self.lead)
    }

    /// How many tokens there are between row `row` of the whole text and the nearer end.
    fn context(&self, row: usize) -> usize {
        (row - self.rows.start).min(self.rows.end - 1 - row)
    }
}

/// Why a text cannot be cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CutError {
    /// No room for text beside the template.
    #[error(
        "windows of {limit} tokens hold no text: {template} of them are the tokenizer's own; \
         allow more tokens"
    )]
    NoRoom {
        /// Tokens of a window.
        limit: usize,
        /// Tokens of the template.
        template: usize,
    },
    /// Neighbours would share everything.
    #[error(
        "an overlap of {overlap} tokens leaves nothing new in a window that has room for {room}; \
         choose a smaller overlap"
    )]
    Overlap {
        /// Tokens to share.
        overlap: usize,
        /// Tokens of the text in a window.
        room: usize,
    },
}

/// Cuts an encoded text into windows of at most `limit` tokens, template tokens included.
///
/// A text that fits is one window, whatever `cut` says.
///
/// # Errors
/// [`CutError`] when no window can hold text, or when neighbours would share all of it.
pub fn windows(whole: &Encoding, limit: usize, cut: Cut<'_>) -> Result<Vec<Window>, CutError> {
    let body = body(whole);
    if whole.len() <= limit {
        return Ok(vec![window(whole, &body, body.clone())]);
    }
    let template = whole.len() - body.len();
    let room = limit.saturating_sub(template);
    if room == 0 {
        return Err(CutError::NoRoom { limit, template });
    }
    if let Cut::Windows { overlap } | Cut::Parts { overlap, .. } = cut
        && overlap >= room
    {
        return Err(CutError::Overlap { overlap, room });
    }
    let pieces = match cut {
        Cut::First => overlapping(body.start..body.start + room, room, 0),
        Cut::Last => overlapping(body.end - room..body.end, room, 0),
        Cut::Windows { overlap } => overlapping(body.clone(), room, overlap),
        Cut::Parts { starts, overlap } => joined(parts(whole, &body, starts), room)
            .into_iter()
            .flat_map(|part| overlapping(part, room, overlap))
            .collect(),
    };
    let windows = pieces.into_iter().map(|rows| window(whole, &body, rows));
    Ok(windows.collect())
}

/// For each row of the whole text the window in which it has the most context on its poorer side,
/// the first of equal ones; `None` for rows that no window holds, and for template tokens.
pub fn owners(windows: &[Window], rows: usize) -> Vec<Option<usize>> {
    let mut owners: Vec<Option<usize>> = vec![None; rows];
    for (index, window) in windows.iter().enumerate() {
        for row in window.rows.clone() {
            let better =
                owners[row].is_none_or(|owner| window.context(row) > windows[owner].context(row));
            if better {
                owners[row] = Some(index);
            }
        }
    }
    owners
}

/// Rows between the template's leading and trailing tokens.
fn body(whole: &Encoding) -> Range<usize> {
    let lead = whole.special.iter().take_while(|&&special| special).count();
    let rest = &whole.special[lead..];
    let trail = rest.iter().rev().take_while(|&&special| special).count();
    lead..whole.len() - trail
}

/// The rows `rows` between the template tokens of the whole.
fn window(whole: &Encoding, body: &Range<usize>, rows: Range<usize>) -> Window {
    let order: Vec<usize> = (0..body.start)
        .chain(rows.clone())
        .chain(body.end..whole.len())
        .collect();
    fn pick<T: Clone>(values: &[T], order: &[usize]) -> Vec<T> {
        order.iter().map(|&row| values[row].clone()).collect()
    }
    Window {
        encoding: Encoding {
            ids: pick(&whole.ids, &order),
            type_ids: pick(&whole.type_ids, &order),
            spans: pick(&whole.spans, &order),
            words: pick(&whole.words, &order),
            special: pick(&whole.special, &order),
            sequences: pick(&whole.sequences, &order),
        },
        rows,
        lead: body.start,
    }
}

/// Pieces of at most `room` rows, each beginning `room - overlap` after the one before; the last
/// ends with `rows` and may be shorter. These are the windows that transformers' tokenizers give
/// for `max_length` and `stride`.
fn overlapping(rows: Range<usize>, room: usize, overlap: usize) -> Vec<Range<usize>> {
    let mut pieces = Vec::new();
    let mut start = rows.start;
    loop {
        let end = (start + room).min(rows.end);
        pieces.push(start..end);
        if end == rows.end {
            return pieces;
        }
        start += room - overlap;
    }
}

/// Rows of each part: a token belongs to the part in which its first byte after white space lies.
fn parts(whole: &Encoding, body: &Range<usize>, starts: &[usize]) -> Vec<Range<usize>> {
    let mut parts = Vec::new();
    let mut start = body.start;
    for &byte in starts {
        let spans = &whole.spans[start..body.end];
        // A byte-level token begins with the white space before its word: its end decides.
        let end = start + spans.iter().take_while(|span| span.end <= byte).count();
        if end > start {
            parts.push(start..end);
            start = end;
        }
    }
    if start < body.end {
        parts.push(start..body.end);
    }
    parts
}

/// Neighbours put together as long as they have at most `room` rows.
fn joined(parts: Vec<Range<usize>>, room: usize) -> Vec<Range<usize>> {
    let mut joined: Vec<Range<usize>> = Vec::new();
    for part in parts {
        match joined.last_mut() {
            Some(last) if part.end - last.start <= room => last.end = part.end,
            _ => joined.push(part),
        }
    }
    joined
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `[CLS] 0 1 2 ... [SEP]`, each token two bytes long: a space and a letter.
    fn encoding(tokens: usize) -> Encoding {
        let special = |row| row == 0 || row == tokens + 1;
        let rows = 0..tokens + 2;
        Encoding {
            ids: rows.clone().map(|row| row as u32).collect(),
            type_ids: vec![0; tokens + 2],
            spans: rows
                .clone()
                .map(|row| match special(row) {
                    true => 0..0,
                    false => 2 * (row - 1)..2 * row,
                })
                .collect(),
            words: rows.clone().map(|_| None).collect(),
            special: rows.clone().map(special).collect(),
            sequences: rows.map(|row| (!special(row)).then_some(0)).collect(),
        }
    }

    fn rows(tokens: usize, limit: usize, cut: Cut<'_>) -> Vec<Range<usize>> {
        let windows = windows(&encoding(tokens), limit, cut).unwrap();
        windows.into_iter().map(|window| window.rows).collect()
    }

    #[test]
    fn what_fits_is_one_window_and_stays_as_it_is() {
        let whole = encoding(6);
        for cut in [Cut::First, Cut::Last, Cut::Windows { overlap: 100 }] {
            let found = windows(&whole, 8, cut).unwrap();
            assert!(found.len() == 1 && found[0].encoding == whole && found[0].rows == (1..7));
        }
    }

    #[test]
    fn the_first_and_the_last_part_are_as_long_as_they_may_be() {
        let first = windows(&encoding(10), 6, Cut::First).unwrap();
        assert_eq!((first.len(), first[0].rows.clone()), (1, 1..5));
        let found = windows(&encoding(10), 6, Cut::Last).unwrap();
        assert_eq!((found.len(), found[0].rows.clone()), (1, 7..11));
        assert_eq!(found[0].encoding.ids, [0, 7, 8, 9, 10, 11]);
        assert_eq!(found[0].encoding.spans[1], 12..14);
        assert_eq!((found[0].local(7), found[0].local(6)), (Some(1), None));
    }

    #[test]
    fn windows_share_their_overlap_and_end_with_the_text() {
        assert_eq!(
            rows(10, 6, Cut::Windows { overlap: 1 }),
            [1..5, 4..8, 7..11]
        );
        assert_eq!(
            rows(11, 6, Cut::Windows { overlap: 1 }),
            [1..5, 4..8, 7..11, 10..12]
        );
        assert_eq!(
            rows(10, 6, Cut::Windows { overlap: 0 }),
            [1..5, 5..9, 9..11]
        );
    }

    #[test]
    fn parts_stay_whole_where_they_fit() {
        // Parts of 2, 3 and 7 tokens; a window has room for 5.
        let starts = [4, 10];
        let cut = Cut::Parts {
            starts: &starts,
            overlap: 1,
        };
        assert_eq!(rows(12, 7, cut), [1..6, 6..11, 10..13]);
        // The second part begins inside the second token, behind its space.
        let starts = [3];
        let cut = Cut::Parts {
            starts: &starts,
            overlap: 0,
        };
        assert_eq!(rows(4, 5, cut), [1..2, 2..5]);
    }

    #[test]
    fn a_row_is_owned_by_the_window_that_shows_most_around_it() {
        let whole = encoding(10);
        let windows = windows(&whole, 8, Cut::Windows { overlap: 4 }).unwrap();
        assert_eq!(
            windows.iter().map(|w| w.rows.clone()).collect::<Vec<_>>(),
            [1..7, 3..9, 5..11]
        );
        let owners = owners(&windows, whole.len());
        let owners: Vec<i64> = owners.iter().map(|o| o.map_or(-1, |o| o as i64)).collect();
        assert_eq!(owners, [-1, 0, 0, 0, 0, 1, 1, 2, 2, 2, 2, -1]);
    }

    #[test]
    fn no_room_and_too_much_overlap_are_said() {
        let whole = encoding(10);
        assert!(matches!(
            windows(&whole, 2, Cut::First),
            Err(CutError::NoRoom { template: 2, .. })
        ));
        assert!(matches!(
            windows(&whole, 6, Cut::Windows { overlap: 4 }),
            Err(CutError::Overlap { room: 4, .. })
        ));
    }
}
