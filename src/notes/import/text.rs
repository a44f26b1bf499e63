//! Plain text: a file is a note.

use super::{Failure, FileContext, Importer, Place, Runs};

/// Any text.
pub(super) const TEXT: Importer = Importer {
    name: "text",
    endings: &["txt"],
    // Anything can be text: it is what is left.
    rows: false,
    recognises: |_, _| false,
    read,
};

/// The largest text that is one note, in bytes; a long note has 40 kB.
const MOST_BYTES: usize = 64 << 20;

fn read(file: &mut FileContext<'_>) -> Result<(), Failure> {
    let length = file.text.len();
    if length > MOST_BYTES {
        return Err(format!("{length} bytes are too many for one note").into());
    }
    if is_pubtator(file.text) {
        return Err("this is PubTator's format, which is not read; convert it to brat".into());
    }
    if let Some(kind) = markup(file.text) {
        let reason =
            format!("this is {kind}, and its tags are read as text; save the text as .txt");
        file.warn(None, reason);
    }
    let details = super::brat::beside(file)?;
    file.add(
        Place::Whole,
        file.text.to_owned(),
        details.unwrap_or_default(),
        Runs::copy(0, length),
    );
    Ok(())
}

/// The language of tags in which a text is written, if it is.
fn markup(text: &str) -> Option<&'static str> {
    let start = text.trim_start();
    let start = &start[..start.floor_char_boundary(start.len().min(14))];
    let start = start.to_ascii_lowercase();
    let begins = |with: &[&str]| with.iter().any(|one| start.starts_with(one));
    if begins(&["<!doctype html", "<html"]) {
        Some("HTML")
    } else if begins(&["<?xml", "<!doctype", "<!--"]) {
        Some("XML")
    } else {
        None
    }
}

/// Whether a text is abstracts in PubTator's format: `number|t|title`, `number|a|abstract`.
fn is_pubtator(text: &str) -> bool {
    let first = text.trim_start().lines().next().unwrap_or_default();
    let mut parts = first.splitn(3, '|');
    let number = parts.next().unwrap_or_default();
    !number.is_empty()
        && number.bytes().all(|byte| byte.is_ascii_digit())
        && matches!(parts.next(), Some("t" | "a"))
        && parts.next().is_some()
}
