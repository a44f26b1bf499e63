//! Labels of tokens that mark spans: IOB1, IOB2, IO, IOBES and BILOU.

/// What a label says of its token's place in a span.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Outside,
    Begins,
    GoesOn,
    Ends,
    Alone,
}

/// What the kind of a span is called whose labels have none, such as a bare `B`.
const NO_KIND: &str = "ENTITY";

/// Place and kind of a label; `None` if it is none of these schemes'.
fn parts(label: &str) -> Option<(Place, &str)> {
    let (prefix, kind) = label.split_once('-').unwrap_or((label, NO_KIND));
    let place = match prefix {
        "O" => Place::Outside,
        "B" => Place::Begins,
        "I" | "M" => Place::GoesOn,
        "E" | "L" => Place::Ends,
        "S" | "U" => Place::Alone,
        _ => return None,
    };
    match place {
        Place::Outside => (label == "O").then_some((place, "")),
        _ => (!kind.is_empty()).then_some((place, kind)),
    }
}

/// Whether a cell is a label of one of these schemes.
pub(super) fn is_label(cell: &str) -> bool {
    parts(cell).is_some()
}

/// A scheme as it is used in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scheme {
    /// `B-` only where a span follows another of its kind.
    Iob1,
    /// `B-` where any span begins.
    Iob2,
    /// No `B-` at all.
    Io,
    /// `E-` and `S-`, or `L-` and `U-`, where spans end and stand alone.
    Iobes,
    /// Spans begin with `B-` here and with `I-` there.
    Mixed,
}

impl Scheme {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Iob1 => "IOB1",
            Self::Iob2 => "IOB2",
            Self::Io => "IO",
            Self::Iobes => "IOBES",
            Self::Mixed => "IOB, mixed",
        }
    }
}

/// Joins labels to spans, and learns which scheme they follow.
///
/// One rule reads all schemes, that of conlleval: `B-` and `S-` begin a span; `I-` and `E-` go on with
/// one of their kind, and begin one where none is open; `E-`, `S-` and `O` leave none open.
#[derive(Default)]
pub(super) struct Joiner {
    open: Option<String>,
    /// `B-` where IOB1 would have `I-`, and where it has to be.
    begins_new: usize,
    begins_after_own: usize,
    /// `I-` or `E-` that begin a span.
    goes_on_from_nothing: usize,
    marks_ends: bool,
}

/// What a token is to the spans.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    /// In none.
    Outside,
    /// The first of one, of this kind.
    Begins(String),
    /// Part of the one before.
    GoesOn,
}

impl Joiner {
    /// Takes the next label; `None` if it is no label.
    pub(super) fn next(&mut self, label: &str) -> Option<Step> {
        let (place, kind) = parts(label)?;
        let own = self.open.as_deref() == Some(kind);
        let step = match place {
            Place::Outside => Step::Outside,
            Place::GoesOn | Place::Ends if own => Step::GoesOn,
            _ => Step::Begins(kind.to_owned()),
        };
        match place {
            Place::Begins if own => self.begins_after_own += 1,
            Place::Begins => self.begins_new += 1,
            Place::GoesOn | Place::Ends if !own => self.goes_on_from_nothing += 1,
            _ => {}
        }
        self.marks_ends |= matches!(place, Place::Ends | Place::Alone);
        self.open = matches!(place, Place::Begins | Place::GoesOn).then(|| kind.to_owned());
        Some(step)
    }

    /// No span goes on from here.
    pub(super) fn close(&mut self) {
        self.open = None;
    }

    /// The scheme of all labels so far; `None` if they mark nothing.
    pub(super) fn scheme(&self) -> Option<Scheme> {
        let begins = self.begins_new + self.begins_after_own;
        match (begins, self.goes_on_from_nothing) {
            _ if self.marks_ends && self.goes_on_from_nothing == 0 => Some(Scheme::Iobes),
            _ if self.marks_ends => Some(Scheme::Mixed),
            (0, 0) => None,
            (0, _) => Some(Scheme::Io),
            (_, 0) => Some(Scheme::Iob2),
            _ if self.begins_new == 0 => Some(Scheme::Iob1),
            _ => Some(Scheme::Mixed),
        }
    }

    /// Spans that begin with a label which goes on, in a file where others begin with `B-`.
    pub(super) fn irregular(&self) -> usize {
        self.goes_on_from_nothing
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Spans as kind, first and end token; and the scheme.
    fn read(labels: &str) -> (Vec<(String, usize, usize)>, Option<Scheme>) {
        let mut joiner = Joiner::default();
        let mut spans: Vec<(String, usize, usize)> = Vec::new();
        for (token, label) in labels.split(' ').enumerate() {
            match joiner.next(label).unwrap() {
                Step::Outside => {}
                Step::Begins(kind) => spans.push((kind, token, token + 1)),
                Step::GoesOn => spans.last_mut().unwrap().2 = token + 1,
            }
        }
        (spans, joiner.scheme())
    }

    #[test]
    fn one_text_in_every_scheme() {
        let want = [("X", 0, 2), ("X", 2, 3), ("Y", 3, 5), ("X", 6, 7)];
        let want = want.map(|(kind, start, end)| (kind.to_owned(), start, end));
        for (labels, scheme) in [
            ("I-X I-X B-X I-Y I-Y O I-X", Scheme::Iob1),
            ("B-X I-X B-X B-Y I-Y O B-X", Scheme::Iob2),
            ("B-X E-X S-X B-Y E-Y O S-X", Scheme::Iobes),
            ("B-X L-X U-X B-Y L-Y O U-X", Scheme::Iobes),
            ("B-X I-X B-X I-Y I-Y O B-X", Scheme::Mixed),
        ] {
            assert_eq!(read(labels), (want.to_vec(), Some(scheme)), "{labels}");
        }
        assert_eq!(
            read("I-A-1 I-A-1 O I O").0,
            [("A-1".to_owned(), 0, 2), (NO_KIND.to_owned(), 3, 4)]
        );
        assert_eq!(read("I-X O I-Y").1, Some(Scheme::Io));
        assert_eq!(read("O O"), (Vec::new(), None));
    }

    #[test]
    fn what_is_no_label() {
        for cell in ["", "Ox", "o", "B-", "O-X", "NN", "B_X", "-X"] {
            assert!(!is_label(cell), "{cell}");
        }
        for cell in ["O", "B", "I-X", "S-a b", "U-Dis-1"] {
            assert!(is_label(cell), "{cell}");
        }
    }
}
