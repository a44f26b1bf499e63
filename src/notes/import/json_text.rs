//! Finds values in JSON text that is known to be right.
//!
//! serde_json says what a value is, but not where it stands; a note has to know.

use std::ops::Range;

use super::super::map::Runs;

/// Elements of the array that is `range`.
pub(super) fn elements(text: &str, range: Range<usize>) -> Vec<Range<usize>> {
    let bytes = text.as_bytes();
    let mut found = Vec::new();
    let mut at = white(bytes, range.start + 1);
    while at < range.end && bytes[at] != b']' {
        let end = value_end(bytes, at);
        found.push(at..end);
        at = white(bytes, end);
        if bytes.get(at) == Some(&b',') {
            at = white(bytes, at + 1);
        }
    }
    found
}

/// Names and values of the object that is `range`; names are decoded.
pub(super) fn members(text: &str, range: Range<usize>) -> Vec<(String, Range<usize>)> {
    let bytes = text.as_bytes();
    let mut found = Vec::new();
    let mut at = white(bytes, range.start + 1);
    while at < range.end && bytes[at] != b'}' {
        let name_end = value_end(bytes, at);
        let name = serde_json::from_str(&text[at..name_end]).unwrap_or_default();
        let start = white(bytes, white(bytes, name_end) + 1);
        let end = value_end(bytes, start);
        found.push((name, start..end));
        at = white(bytes, end);
        if bytes.get(at) == Some(&b',') {
            at = white(bytes, at + 1);
        }
    }
    found
}

/// The value under nested names inside the object that is `range`; of equal names the last, as
/// serde_json takes it.
pub(super) fn find(text: &str, range: Range<usize>, path: &[String]) -> Option<Range<usize>> {
    path.iter().try_fold(range, |range, name| {
        if text.as_bytes().get(range.start) != Some(&b'{') {
            return None;
        }
        let members = members(text, range);
        members
            .into_iter()
            .rev()
            .find(|(own, _)| own == name)
            .map(|(_, value)| value)
    })
}

/// Where the characters of the string that is `range`, quotes included, stand.
pub(super) fn string_runs(text: &str, range: Range<usize>) -> Runs {
    let mut runs = Runs::default();
    let inner = range.start + 1..range.end.saturating_sub(1).max(range.start + 1);
    let bytes = text.as_bytes();
    let mut at = inner.start;
    while at < inner.end {
        if bytes[at] != b'\\' {
            let rest = &bytes[at..inner.end];
            let length = rest.iter().position(|&b| b == b'\\').unwrap_or(rest.len());
            runs.bytes(at, length);
            at += length;
            continue;
        }
        let (text_bytes, own) = escape(&text[at..inner.end]);
        runs.character(at, text_bytes, own);
        at += own;
    }
    runs
}

/// Bytes of the character that an escape means, and bytes of the escape.
fn escape(text: &str) -> (usize, usize) {
    if !text.starts_with("\\u") {
        return (1, 2);
    }
    let unit = |at: usize| {
        let digits = text.get(at..at + 4)?;
        u16::from_str_radix(digits, 16).ok()
    };
    let Some(first) = unit(2) else { return (1, 2) };
    match char::from_u32(first.into()) {
        Some(c) => (c.len_utf8(), 6),
        // The first of a pair of units, which is written as two escapes.
        None => (4, 12.min(text.len())),
    }
}

fn white(bytes: &[u8], mut at: usize) -> usize {
    while bytes.get(at).is_some_and(u8::is_ascii_whitespace) {
        at += 1;
    }
    at
}

/// The byte after the value that begins at `at`.
pub(super) fn value_end(bytes: &[u8], at: usize) -> usize {
    match bytes.get(at) {
        Some(b'"') => string_end(bytes, at),
        Some(b'{' | b'[') => {
            let (mut depth, mut at) = (0usize, at);
            while let Some(&byte) = bytes.get(at) {
                match byte {
                    b'"' => {
                        at = string_end(bytes, at);
                        continue;
                    }
                    b'{' | b'[' => depth += 1,
                    b'}' | b']' => depth -= 1,
                    _ => {}
                }
                at += 1;
                if depth == 0 {
                    break;
                }
            }
            at
        }
        _ => {
            let rest = &bytes[at.min(bytes.len())..];
            let ends = |&b: &u8| matches!(b, b',' | b']' | b'}') || b.is_ascii_whitespace();
            at + rest.iter().position(ends).unwrap_or(rest.len())
        }
    }
}

fn string_end(bytes: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'\\' => at += 2,
            b'"' => return at + 1,
            _ => at += 1,
        }
    }
    bytes.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_found_and_characters_mapped() {
        let text = r#" {"a": [1, "x,]\"", {"b}": null}], "c\u00e9": {"d": "\n\u00e9\ud83d\ude00\"z"}, "c\u00e9": {"d": "A"} } "#;
        serde_json::from_str::<serde_json::Value>(text).unwrap();
        let whole = 1..value_end(text.as_bytes(), 1);
        let names: Vec<String> = members(text, whole.clone())
            .into_iter()
            .map(|m| m.0)
            .collect();
        assert_eq!(names, ["a", "cé", "cé"]);
        let list = find(text, whole.clone(), &["a".to_owned()]).unwrap();
        let items: Vec<&str> = elements(text, list).into_iter().map(|e| &text[e]).collect();
        assert_eq!(items, ["1", r#""x,]\"""#, r#"{"b}": null}"#]);
        let path = ["cé".to_owned(), "d".to_owned()];
        assert_eq!(&text[find(text, whole.clone(), &path).unwrap()], r#""A""#);
        assert!(find(text, whole, &["a".to_owned(), "x".to_owned()]).is_none());

        let string = r#""\n\u00e9\ud83d\ude00\"z""#;
        let runs = string_runs(string, 0..string.len());
        let decoded: String = serde_json::from_str(string).unwrap();
        assert_eq!(runs.len(), decoded.len());
        let at: Vec<usize> = decoded
            .char_indices()
            .map(|(at, _)| runs.origin(at))
            .collect();
        assert_eq!(at, [1, 3, 9, 21, 23]);
    }
}
