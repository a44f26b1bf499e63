//! CoNLL: a row is a token with its label, as described at
//! <https://www.clips.uantwerpen.be/conll2003/ner/>.
//!
//! The text is the tokens with a space between them. Where `-DOCSTART-` begins documents, each is a
//! note with a line for each sentence; otherwise each sentence is a note.

use std::collections::BTreeMap;
use std::ops::Range;

use super::super::annotation::{Annotations, Span};
use super::super::counting::counted;
use super::fields::{has_text, position};
use super::iob::{Joiner, Scheme, Step, is_label};
use super::{Columns, Details, Failure, FileContext, Importer, Place, Runs};

/// Tokens with IOB labels.
pub(super) const CONLL: Importer = Importer {
    name: "CoNLL",
    endings: &["conll", "iob", "bio"],
    rows: true,
    recognises: |text, hint| is_conll(text) && (hint.named || !is_table_for(text, hint.columns)),
    read,
};

/// What begins a document.
pub(super) const DOCUMENT: &str = "-DOCSTART-";

/// Whether a line begins a document.
fn is_document(line: &str) -> bool {
    line.split_ascii_whitespace().next() == Some(DOCUMENT)
}

/// Rows at the beginning that tell what the columns hold.
const FIRST_ROWS: usize = 1000;

/// Whether most of the first rows have as many columns, one of which holds labels.
///
/// Columns that only spaces divide could be words of a text, so that one of them has to be a label
/// with a kind.
pub(super) fn is_conll(text: &str) -> bool {
    let look = Look::new(text);
    let labels = look.label_columns();
    let Some(&label) = labels.last() else {
        return false;
    };
    let alike = look.alike().count();
    let marked = |row: &&Vec<&str>| row[label].contains('-');
    // A table of notes can have a column of such letters.
    let table = look.names(label).is_some_and(|names| has_text(&names));
    alike > 1
        && !table
        && alike * 4 >= look.rows.len() * 3
        && (look.separator == Separator::Tab || look.alike().any(|row| marked(&row)))
}

/// Whether a person names a column that the first line has: then it is a table.
fn is_table_for(text: &str, columns: &Columns) -> bool {
    let first = text.lines().next().unwrap_or_default();
    let mut cells = first.split(['\t', ',', ';', '|']);
    let named = |cell: &str| {
        columns
            .text
            .iter()
            .chain(&columns.form)
            .any(|name| name == cell)
    };
    cells.any(|cell| named(cell.trim()))
}

/// What divides the columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Separator {
    Tab,
    /// Any number of spaces or tabs.
    Spaces,
}

impl Separator {
    /// The bytes of each cell of a line.
    fn cells(self, line: &str) -> Vec<Range<usize>> {
        let cells: Vec<&str> = match self {
            Self::Tab => line.trim_end_matches(['\r', '\n']).split('\t').collect(),
            Self::Spaces => line.split_ascii_whitespace().collect(),
        };
        let start = |cell: &str| cell.as_ptr() as usize - line.as_ptr() as usize;
        let range = |cell: &str| start(cell)..start(cell) + cell.len();
        cells.into_iter().map(range).collect()
    }
}

/// The first rows of a file.
struct Look<'a> {
    separator: Separator,
    rows: Vec<Vec<&'a str>>,
    /// Columns of most of them.
    columns: usize,
}

impl<'a> Look<'a> {
    fn new(text: &'a str) -> Self {
        let lines = text.lines().filter(|line| !line.trim().is_empty());
        let lines = lines.filter(|line| !is_document(line) && !line.starts_with("# "));
        let lines: Vec<&str> = lines.take(FIRST_ROWS).collect();
        let tabs = lines.iter().filter(|line| line.contains('\t')).count();
        let separator = match tabs * 2 > lines.len() {
            true => Separator::Tab,
            false => Separator::Spaces,
        };
        let cells = |line: &&'a str| {
            let ranges = separator.cells(line).into_iter();
            ranges.map(|range| &line[range]).collect::<Vec<&str>>()
        };
        let rows: Vec<Vec<&str>> = lines.iter().map(cells).collect();
        let mut counts: BTreeMap<usize, usize> = BTreeMap::new();
        for row in &rows {
            *counts.entry(row.len()).or_default() += 1;
        }
        let most = counts.into_iter().max_by_key(|&(_, count)| count);
        Self {
            separator,
            rows,
            columns: most.map_or(0, |(columns, _)| columns),
        }
    }

    /// The rows with as many columns as most have.
    fn alike(&self) -> impl Iterator<Item = &Vec<&'a str>> + Clone {
        self.rows.iter().filter(|row| row.len() == self.columns)
    }

    /// The columns, but the first, that hold labels in three rows of four; of several those
    /// that mark something come last.
    fn label_columns(&self) -> Vec<usize> {
        let rows = self.alike().count();
        let holds = |column: &usize| {
            let labels = self.alike().map(|row| is_label(row[*column].trim()));
            // The first row may name the columns.
            let first = usize::from(rows > 1 && labels.clone().next() == Some(false));
            labels.filter(|label| *label).count() * 4 >= (rows - first) * 3
        };
        let marks = |column: &usize| {
            let cells = self.alike().map(|row| row[*column].trim());
            cells.filter(|cell| is_label(cell)).any(|cell| cell != "O")
        };
        let mut found: Vec<usize> = (1..self.columns).filter(holds).collect();
        found.sort_by_key(marks);
        found
    }

    /// The first row, if it names the columns instead of holding a label.
    fn names(&self, label: usize) -> Option<Vec<String>> {
        let first = self.alike().next()?;
        let named = !is_label(first[label].trim()) && self.rows.first() == Some(first);
        named.then(|| first.iter().map(|&name| name.to_owned()).collect())
    }

    /// The column that a person names, by its number or by its name.
    fn named(&self, wanted: &str, flag: &str) -> Result<usize, String> {
        if let Ok(number) = wanted.trim().parse::<usize>() {
            return match (1..=self.columns).contains(&number) {
                true => Ok(number - 1),
                false => Err(format!(
                    "there is no column {number}, which {flag} names; the rows have {}",
                    self.columns
                )),
            };
        }
        let first = self.rows.first().into_iter().flatten();
        let names: Vec<String> = first.map(|&name| name.to_owned()).collect();
        position(&names, wanted).ok_or_else(|| {
            format!(
                "there is no column \"{wanted}\", which {flag} names; columns without names have \
                 numbers, from 1 to {}",
                self.columns
            )
        })
    }
}

/// Which column holds what.
struct Layout {
    separator: Separator,
    columns: usize,
    token: usize,
    label: usize,
    /// Whether the first row names them.
    named: bool,
    /// Whether a person says so, too, who names one of them.
    told: bool,
}

impl Layout {
    fn new(file: &mut FileContext<'_>) -> Result<Self, String> {
        let look = Look::new(file.text);
        let wanted = &file.options.columns;
        let token = match &wanted.text[..] {
            [] => 0,
            [one] => look.named(one, "--text")?,
            _ => return Err("tokens stand in one column; name one with --text".to_owned()),
        };
        let mut others = Vec::new();
        let label = match &wanted.label {
            Some(label) => look.named(label, "--label")?,
            None => {
                let mut found = look.label_columns();
                found.retain(|&column| column != token);
                let label = found.pop().ok_or(
                    "no column holds labels of tokens (B-…, I-…, O); name one with --label NUMBER",
                )?;
                others = found;
                label
            }
        };
        if wanted.id.is_some() || wanted.patient.is_some() {
            file.warn(
                None,
                "rows are tokens: --id and --patient mean nothing here",
            );
        }
        if !others.is_empty() {
            let numbers: Vec<String> = others.iter().map(|one| (one + 1).to_string()).collect();
            let reason = format!(
                "column {} is taken as the label; name another with --label: {}",
                label + 1,
                numbers.join(", ")
            );
            file.warn(None, reason);
        }
        Ok(Self {
            named: look.names(label).is_some(),
            told: wanted
                .names()
                .any(|name| name.trim().parse::<usize>().is_err()),
            separator: look.separator,
            columns: look.columns,
            token,
            label,
        })
    }
}

fn read(file: &mut FileContext<'_>) -> Result<(), Failure> {
    let layout = Layout::new(file)?;
    let text = file.text;
    let documents = text.lines().any(is_document);
    let mut building = Building::default();
    let mut start = 0;
    let mut names = layout.named;
    for (line, own) in (1..).zip(text.split_inclusive('\n')) {
        let bytes = start..start + own.len();
        start = bytes.end;
        if own.trim().is_empty() {
            building.end_sentence();
            if !documents {
                file.check()?;
                building.finish(file);
            }
            continue;
        }
        if is_document(own) {
            file.check()?;
            building.finish(file);
            continue;
        }
        let cells = layout.separator.cells(own);
        if own.starts_with("# ") && cells.len() != layout.columns {
            continue;
        }
        if std::mem::take(&mut names) {
            if !layout.told {
                file.warn(Some(line), "this row is taken for the names of the columns");
            }
            continue;
        }
        let token = match row(&layout, own, &cells) {
            Ok(token) => token,
            Err(reason) => {
                file.skip(line, reason);
                continue;
            }
        };
        if let Some(reason) = file.damaged(&bytes) {
            file.skip(line, reason);
            continue;
        }
        let label = own[cells[layout.label].clone()].trim();
        if !building.add(own, bytes.start, token, label, line) {
            let reason = "its label is none of O, B-…, I-…, E-…, S-…, L-… and U-…";
            file.skip(line, reason);
        }
    }
    building.finish(file);
    building.tell(file);
    Ok(())
}

/// The bytes of a row's token, if the row is as the others.
fn row(layout: &Layout, line: &str, cells: &[Range<usize>]) -> Result<Range<usize>, String> {
    if cells.len() != layout.columns {
        let own = counted(cells.len(), "column");
        return Err(format!("{own} instead of {}", layout.columns));
    }
    let token = cells[layout.token].clone();
    match line[token.clone()].trim_ascii().is_empty() {
        true => Err("there is no token in it".to_owned()),
        false => Ok(token),
    }
}

/// A note while its rows are read.
#[derive(Default)]
struct Building {
    text: String,
    runs: Runs,
    spans: Vec<Span>,
    /// Its first line, once there is one.
    line: Option<u64>,
    new_sentence: bool,
    joiner: Joiner,
}

impl Building {
    /// Adds a token, which lies in `line` at `token`; `false` if its label is none.
    fn add(
        &mut self,
        line: &str,
        start: usize,
        token: Range<usize>,
        label: &str,
        number: u64,
    ) -> bool {
        let Some(step) = self.joiner.next(label) else {
            return false;
        };
        let mut first = None;
        // A token with spaces in it is several words: written again it would be.
        for word in line[token].split_ascii_whitespace() {
            if !self.text.is_empty() {
                let between = if self.new_sentence { '\n' } else { ' ' };
                self.text.push(between);
                self.runs.character(self.runs.origin(self.runs.len()), 1, 0);
            }
            self.new_sentence = false;
            first.get_or_insert(self.text.len());
            let at = word.as_ptr() as usize - line.as_ptr() as usize;
            self.text.push_str(word);
            self.runs.bytes(start + at, word.len());
        }
        self.line.get_or_insert(number);
        let (first, end) = (first.unwrap_or_default(), self.text.len());
        match (step, self.spans.last_mut()) {
            (Step::Outside, _) | (Step::GoesOn, None) => {}
            (Step::GoesOn, Some(span)) => span.pieces[0].end = end,
            (Step::Begins(label), _) => self.spans.push(Span {
                id: format!("T{}", self.spans.len() + 1),
                label,
                pieces: std::iter::once(first..end).collect(),
            }),
        }
        true
    }

    fn end_sentence(&mut self) {
        self.joiner.close();
        self.new_sentence = true;
    }

    /// Adds the note, if it has any token.
    fn finish(&mut self, file: &mut FileContext<'_>) {
        self.joiner.close();
        self.new_sentence = false;
        let text = std::mem::take(&mut self.text);
        let runs = std::mem::take(&mut self.runs);
        let spans = std::mem::take(&mut self.spans);
        let Some(line) = self.line.take() else {
            return;
        };
        file.record += 1;
        let details = Details {
            annotations: Annotations {
                spans,
                ..Annotations::default()
            },
            ..Details::default()
        };
        file.add(Place::Line(line), text, details, runs);
    }

    /// Says which scheme the labels follow.
    fn tell(&self, file: &mut FileContext<'_>) {
        let scheme = self.joiner.scheme();
        if let Some(scheme) = scheme {
            file.format = format!("CoNLL, {}", scheme.name());
        }
        if scheme == Some(Scheme::Mixed) {
            let spans = counted(self.joiner.irregular(), "span");
            let reason = format!("{spans} without B- or S- where they begin, read as spans");
            file.warn(None, reason);
        }
    }
}
