//! Where a row of a table ends if its quotes are not in order.

use std::ops::Range;

use super::super::sections::lines;

/// What parts the cells of a table, and whether they can be quoted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Form {
    pub(super) delimiter: u8,
    pub(super) quotes: bool,
}

/// How a row ends.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum RowEnd {
    /// All its quotes are closed.
    Closed {
        /// The byte after its line end.
        end: usize,
        /// Bytes of its cells, without the quotes around them.
        cells: Vec<Range<usize>>,
        /// Whether each quote is where RFC 4180 has it.
        in_order: bool,
    },
    /// A quote in it is not closed, as the next cell that opens one (at this byte) or the end of
    /// the table tells.
    Open(usize),
}

/// How the row that begins at byte `start` ends.
///
/// A quote that is neither doubled nor at an end of its cell is taken as a character of the cell.
pub(super) fn row_end(text: &str, start: usize, form: Form) -> RowEnd {
    let bytes = text.as_bytes();
    let parts = |byte: &u8| [form.delimiter, b'\n', b'\r'].contains(byte);
    let (mut cells, mut in_order, mut at) = (Vec::new(), true, start);
    loop {
        let first = at;
        if form.quotes && bytes.get(at) == Some(&b'"') {
            at += 1;
            loop {
                let Some(quote) = text[at..].find('"').map(|found| at + found) else {
                    return RowEnd::Open(text.len());
                };
                at = quote + 1;
                match bytes.get(at) {
                    Some(b'"') => at += 1,
                    next if next.is_none_or(&parts) => {
                        cells.push(first + 1..quote);
                        break;
                    }
                    _ if parts(&bytes[quote - 1]) => return RowEnd::Open(quote),
                    _ => in_order = false,
                }
            }
        } else {
            let rest = &bytes[at..];
            at += rest.iter().position(&parts).unwrap_or(rest.len());
            cells.push(first..at);
        }
        if bytes.get(at) == Some(&form.delimiter) {
            at += 1;
            continue;
        }
        let end = match &bytes[at..] {
            [b'\r', b'\n', ..] => at + 2,
            [] => at,
            _ => at + 1,
        };
        return RowEnd::Closed {
            end,
            cells,
            in_order,
        };
    }
}

/// What the rows of a table have in common.
pub(super) struct Shape {
    columns: usize,
    /// Columns that were numbers in every row so far; empty before the first row.
    numbers: Vec<usize>,
    rows: usize,
}

impl Shape {
    pub(super) fn new(columns: usize) -> Self {
        Self {
            columns,
            numbers: Vec::new(),
            rows: 0,
        }
    }

    /// Learns from a row that was read.
    pub(super) fn learn<'a>(&mut self, cell: impl Fn(usize) -> &'a str) {
        if self.rows == 0 {
            self.numbers = (0..self.columns).collect();
        }
        self.rows += 1;
        self.numbers.retain(|&column| is_number(cell(column)));
    }

    /// Where the rows go on after the one at `start`, in which a quote is not closed: at the next
    /// line that begins a row like those before it. What stands between may be the rest of a note.
    ///
    /// `budget` bounds the bytes that are looked at, since each line may have to be read to the
    /// end of the table.
    pub(super) fn next_row(
        &self,
        text: &str,
        start: usize,
        form: Form,
        budget: &mut usize,
    ) -> usize {
        for line in lines(&text[start..]).skip(1) {
            let at = start + line.start;
            if line.is_empty() {
                continue;
            }
            let seen = match row_end(text, at, form) {
                RowEnd::Closed {
                    cells,
                    in_order: true,
                    ..
                } if self.fits(text, &cells) => return at,
                RowEnd::Closed { end, .. } => end,
                RowEnd::Open(at) => at,
            };
            match budget.checked_sub(seen - at) {
                Some(rest) => *budget = rest,
                None => break,
            }
        }
        text.len()
    }

    fn fits(&self, text: &str, cells: &[Range<usize>]) -> bool {
        let number = |&column: &usize| is_number(&text[cells[column].clone()]);
        cells.len() == self.columns && self.numbers.iter().all(number)
    }
}

fn is_number(cell: &str) -> bool {
    let cell = cell.trim();
    cell.bytes().any(|byte| byte.is_ascii_digit())
        && cell
            .bytes()
            .all(|byte| byte.is_ascii_digit() || b"+-.".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    const CSV: Form = Form {
        delimiter: b',',
        quotes: true,
    };

    #[test]
    fn rows_end_where_their_quotes_say() {
        let closed = |text: &str| match row_end(text, 0, CSV) {
            RowEnd::Closed {
                end,
                cells,
                in_order,
            } => (&text[end..] == "next", cells.len(), in_order),
            RowEnd::Open(_) => panic!("open"),
        };
        assert_eq!(closed("a,b\nnext"), (true, 2, true));
        assert_eq!(
            closed("a,\"b\n,\"\"c\"\"\n\",\"\"\r\nnext"),
            (true, 3, true)
        );
        assert_eq!(closed("\"a \"b\" c\nd, e\",f\rnext"), (true, 2, false));
        assert_eq!(closed("a\"b,\"\"c\nd\"\nnext"), (true, 2, false));
        for text in ["1,\"a\n2,b\n", "1,\"a\n2,\"b\"\n", "1,\"a\"\"\n"] {
            assert!(matches!(row_end(text, 0, CSV), RowEnd::Open(_)), "{text}");
        }
    }

    #[test]
    fn rows_go_on_at_one_like_those_before() {
        let text = "1,a\n2,\"b\nfever, cough\n\nmore\n3,c\n";
        let mut shape = Shape::new(2);
        let (open, next) = (text.find('2').unwrap(), text.find('3').unwrap());
        let after = |shape: &Shape, budget: usize| shape.next_row(text, open, CSV, &mut { budget });
        assert_eq!(after(&shape, 999), text.find('f').unwrap());
        shape.learn(|column| ["1", "a"][column]);
        assert_eq!(after(&shape, 999), next);
        assert_eq!(after(&shape, 3), text.len());
    }
}
