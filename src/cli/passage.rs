//! Words for a terminal: parts of notes on one line.

/// Bytes `start..end` of a text on one line, cut at the borders of characters.
pub(super) fn passage(text: &str, start: usize, end: usize) -> String {
    let start = text.ceil_char_boundary(start.min(text.len()));
    let end = text.floor_char_boundary(end.min(text.len())).max(start);
    visible(&text[start..end])
}

/// The beginning of a text, at most `length` characters of it, on one line.
pub(super) fn beginning(text: &str, length: usize) -> String {
    let text = text.trim();
    let mut shown = visible(&text.chars().take(length).collect::<String>());
    if text.chars().count() > length {
        shown.push('…');
    }
    shown
}

/// Text on one line of a terminal: what would move its cursor or change its colours is replaced.
pub(super) fn visible(text: &str) -> String {
    let shown = text.chars().filter(|c| *c != '\r').map(|c| match c {
        '\n' => '⏎',
        '\t' => ' ',
        c if c.is_control() => '·',
        c => c,
    });
    shown.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_passage_keeps_to_one_line_and_whole_characters() {
        assert_eq!(passage("a\r\nbé", 1, 4), "⏎b");
        assert_eq!(passage("éa", 1, 3), "a");
        assert_eq!(passage("a", 5, 9), "");
        assert_eq!(passage("a\u{1b}[31mb", 0, 9), "a·[31mb");
        assert_eq!(beginning(" éa\nb ", 3), "éa⏎…");
        assert_eq!(beginning("é", 3), "é");
    }
}
