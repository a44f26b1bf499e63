//! Notes written as CoNLL, in IOB2: what its importer reads back.

use std::fmt::Write;
use std::ops::Range;

use super::super::Note;
use super::super::flat::{FlatSpan, Unflat, flat_spans};
use super::conll::DOCUMENT;

/// Notes as CoNLL, and what it cannot hold.
///
/// `Debug` is left out: the text is a patient's.
#[derive(Default)]
pub struct ConllText {
    /// Rows of a word and its label with a tab between them; a blank line behind each line of a
    /// note, and `-DOCSTART-` in front of each note if one has several lines.
    pub text: String,
    /// Notes that are not written, by their sources, since a word of theirs is `-DOCSTART-` or they
    /// have no words.
    pub notes_left_out: Vec<String>,
    /// Spans that are not written, by note and number, and why.
    pub spans_left_out: Vec<(String, usize, Unflat)>,
    /// Words that a span begins or ends in: they are two rows, and two words when read again.
    pub words_cut: usize,
    /// Spans that go on in the next line of their note: they are written as one for each line.
    pub spans_divided: usize,
}

/// Writes notes as CoNLL: words, and spans as IOB2 labels. Nothing else of a note is kept.
///
/// Notes that were read from CoNLL are read back as they were.
pub fn conll_text(notes: &[Note]) -> ConllText {
    let mut written = ConllText::default();
    let several = |note: &Note| lines(note.text()).count() > 1;
    let documents = notes.iter().any(several);
    for note in notes {
        let mut words = words_of(note.text(), 0).peekable();
        if words.peek().is_none() || words.any(|word| &note.text()[word] == DOCUMENT) {
            written.notes_left_out.push(note.source().to_string());
            continue;
        }
        if documents {
            let _ = writeln!(written.text, "{DOCUMENT}\tO\n");
        }
        written.note(note);
    }
    written
}

impl ConllText {
    fn note(&mut self, note: &Note) {
        let text = note.text();
        let spans = &note.details().annotations.spans;
        let (mut flat, mut left_out) = flat_spans(spans);
        flat.retain(|one| {
            let blank = text[one.span.clone()].trim_ascii().is_empty();
            left_out.extend(blank.then_some((one.number, Unflat::Blank)));
            !blank
        });
        let source = || note.source().to_string();
        let left_out = left_out
            .into_iter()
            .map(|(number, why)| (source(), number, why));
        self.spans_left_out.extend(left_out);
        let mut flat = flat.iter().peekable();
        for (start, line) in lines(text) {
            let mut before: Option<usize> = None;
            for word in words_of(line, start) {
                for piece in cut(&word, flat.clone()) {
                    while flat.next_if(|one| one.span.end <= piece.start).is_some() {}
                    let span = flat.peek().filter(|one| one.span.start < piece.end);
                    self.words_cut += usize::from(piece.start > word.start);
                    let place = span.map(|one| match one.span.start {
                        own if before == Some(own) => "I",
                        own => {
                            let anew =
                                own < piece.start && !text[own..piece.start].trim().is_empty();
                            self.spans_divided += usize::from(anew);
                            "B"
                        }
                    });
                    before = span.map(|one| one.span.start);
                    let word = &text[piece];
                    let _ = match (place, span) {
                        (Some(place), Some(one)) => {
                            writeln!(self.text, "{word}\t{place}-{}", one_line(&one.label))
                        }
                        _ => writeln!(self.text, "{word}\tO"),
                    };
                }
            }
            self.text.push('\n');
        }
    }
}

/// The lines that have words, each with where it begins.
fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut start = 0;
    let lines = text.split_inclusive('\n').map(move |line| {
        start += line.len();
        (start - line.len(), line)
    });
    lines.filter(|(_, line)| !line.trim_ascii().is_empty())
}

/// The bytes of the words between white space, where the text begins at `start`.
fn words_of(text: &str, start: usize) -> impl Iterator<Item = Range<usize>> {
    let first = text.as_ptr() as usize;
    text.split_ascii_whitespace().map(move |word| {
        let at = start + (word.as_ptr() as usize - first);
        at..at + word.len()
    })
}

/// The pieces of a word between which spans begin or end; `flat` are spans that do not end before it.
fn cut<'a>(word: &Range<usize>, flat: impl Iterator<Item = &'a FlatSpan>) -> Vec<Range<usize>> {
    let near = flat.take_while(|one| one.span.start < word.end);
    let borders = near.flat_map(|one| [one.span.start, one.span.end]);
    let mut pieces = Vec::new();
    let mut start = word.start;
    for border in borders {
        if start < border && border < word.end {
            pieces.push(start..border);
            start = border;
        }
    }
    pieces.push(start..word.end);
    pieces
}

/// A label without what would end its cell.
fn one_line(label: &str) -> String {
    match label.trim() {
        "" => "ENTITY".to_owned(),
        label => label.replace(char::is_control, " "),
    }
}
