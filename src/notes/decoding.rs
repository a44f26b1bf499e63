//! The text that the bytes of a file spell, and what in them is no text.

use std::fmt;
use std::ops::Range;

use encoding_rs::WINDOWS_1252;

use super::counting::counted;
use super::encoding::{Encoding, mark_of, recognise};
use super::map::Runs;

/// The text of a file.
pub(super) struct Decoded {
    pub(super) text: String,
    pub(super) runs: Runs,
    pub(super) encoding: Encoding,
    /// Whether nothing in the file says that this is its encoding.
    pub(super) guessed: bool,
    /// What is no text in it, in order; a mark for it stands in the text.
    pub(super) damage: Vec<Damage>,
}

impl Decoded {
    /// The text if all of it is text.
    ///
    /// # Errors
    /// A sentence that says where it is not.
    pub(super) fn whole(self) -> Result<Self, String> {
        match self.damage.first() {
            None => Ok(self),
            Some(Damage { byte, what, .. }) if *what == NUL => {
                Err(format!("byte {byte} {NUL}, so this is no text file"))
            }
            Some(damage) => Err(format!(
                "{damage}; name another --encoding, or save it as UTF-8"
            )),
        }
    }
}

/// A place in a file that is no text.
pub(super) struct Damage {
    /// The byte of the decoded text where a mark stands for it.
    at: usize,
    /// Its byte in the file, after decompression.
    byte: usize,
    what: &'static str,
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "byte {} {}", self.byte, self.what)
    }
}

/// What is no text in these bytes of a decoded text, if anything is.
pub(super) fn damaged(damage: &[Damage], bytes: &Range<usize>) -> Option<String> {
    let first = damage.partition_point(|one| one.at < bytes.start);
    let found = damage.get(first).filter(|one| one.at < bytes.end);
    found.map(Damage::to_string)
}

const NUL: &str = "is NUL";
const NOT_UTF8: &str = "is not UTF-8 text";
const NOT_UTF16: &str = "is not UTF-16 text";

/// Damage of a file that is a text all the same; one with more is something else.
const MOST_DAMAGE: usize = 10_000;

/// What the first bytes of well-known files that are no text look like, and what to do with them.
const NO_TEXT: &[(&[u8], &str)] = &[
    (b"%PDF", "this is a PDF; save its text as .txt"),
    (
        b"PK\x03\x04",
        "this is a ZIP archive, as Word's .docx are; save its text as .txt",
    ),
    (
        b"\xD0\xCF\x11\xE0",
        "this is an old Office file such as .doc; save its text as .txt",
    ),
    (b"{\\rtf", "this is RTF; save its text as .txt"),
    (
        b"\x89PNG",
        "this is a picture; there is no text in it that could be read",
    ),
    (
        b"\xFF\xD8\xFF",
        "this is a picture; there is no text in it that could be read",
    ),
    (
        b"SQLite format 3\0",
        "this is a database; export its table as .csv",
    ),
    (b"PAR1", "this is a Parquet file; export its table as .csv"),
    (
        b"BZh",
        "this is compressed with bzip2; decompress it, or use gzip",
    ),
    (
        b"\xFD7zXZ",
        "this is compressed with xz; decompress it, or use gzip",
    ),
    (
        b"\x28\xB5\x2F\xFD",
        "this is compressed with zstd; decompress it, or use gzip",
    ),
];

/// Decodes a file, in `chosen` or in what its bytes look like.
///
/// What cannot be decoded is listed, so that a table loses no more than the rows it is in.
///
/// # Errors
/// A sentence: what the file is instead of text.
pub(super) fn decode(bytes: Vec<u8>, chosen: Option<Encoding>) -> Result<Decoded, String> {
    if let Some((_, what)) = NO_TEXT.iter().find(|(magic, _)| bytes.starts_with(magic)) {
        return Err((*what).to_owned());
    }
    let (encoding, mark, guessed) = match chosen {
        Some(encoding) => (encoding, mark_of(encoding, &bytes), false),
        None => recognise(&bytes),
    };
    let (text, runs, mut damage) = match encoding {
        Encoding::Utf8 => utf8(bytes, mark),
        Encoding::Utf16le | Encoding::Utf16be => utf16(&bytes, mark, encoding),
        Encoding::Windows1252 => single_bytes(&bytes),
    };
    // A text has line ends and tabs; other control characters are a sign of something else.
    let odd =
        |c: &char| c.is_control() && !matches!(c, '\0' | '\t' | '\n' | '\r' | '\u{c}' | '\u{85}');
    let controls = text.chars().filter(odd).count();
    let too_many = controls * 50 > text.chars().count();
    let nuls = text.match_indices('\0').take(MOST_DAMAGE + 1);
    damage.extend(nuls.map(|(at, _)| Damage {
        at,
        byte: runs.origin(at),
        what: NUL,
    }));
    damage.sort_by_key(|damage| damage.at);
    let decoded = Decoded {
        text,
        runs,
        encoding,
        guessed,
        damage,
    };
    let decoded = match too_many || decoded.damage.len() > MOST_DAMAGE {
        true => decoded.whole()?,
        false => decoded,
    };
    match too_many {
        true => Err(format!(
            "{} in it, so this is no text file",
            counted(controls, "control character")
        )),
        false => Ok(decoded),
    }
}

/// A text, where its characters come from, and what is no text.
type Parts = (String, Runs, Vec<Damage>);

fn utf8(mut bytes: Vec<u8>, mark: usize) -> Parts {
    bytes.drain(..mark);
    let length = bytes.len();
    let bytes = match String::from_utf8(bytes) {
        Ok(text) => return (text, Runs::copy(mark, length), Vec::new()),
        Err(error) => error.into_bytes(),
    };
    let (mut text, mut runs, mut damage) = (String::new(), Runs::default(), Vec::new());
    let mut byte = mark;
    for chunk in bytes.utf8_chunks() {
        let (valid, invalid) = (chunk.valid(), chunk.invalid().len());
        if !valid.is_empty() {
            runs.bytes(byte, valid.len());
            text.push_str(valid);
            byte += valid.len();
        }
        if invalid > 0 {
            replace(&mut text, &mut runs, &mut damage, (byte, invalid), NOT_UTF8);
            byte += invalid;
        }
        if damage.len() > MOST_DAMAGE {
            break;
        }
    }
    (text, runs, damage)
}

/// Lets a mark stand for `length` bytes from `byte` on, which are no text.
fn replace(
    text: &mut String,
    runs: &mut Runs,
    damage: &mut Vec<Damage>,
    (byte, length): (usize, usize),
    what: &'static str,
) {
    let at = text.len();
    damage.push(Damage { at, byte, what });
    runs.character(byte, char::REPLACEMENT_CHARACTER.len_utf8(), length);
    text.push(char::REPLACEMENT_CHARACTER);
}

fn utf16(bytes: &[u8], mark: usize, encoding: Encoding) -> Parts {
    let unit = match encoding {
        Encoding::Utf16be => u16::from_be_bytes,
        _ => u16::from_le_bytes,
    };
    let (pairs, rest) = bytes[mark..].as_chunks::<2>();
    let (mut text, mut runs, mut damage) = (String::new(), Runs::default(), Vec::new());
    let mut byte = mark;
    for c in char::decode_utf16(pairs.iter().map(|pair| unit(*pair))) {
        match c {
            Ok(c) => {
                runs.character(byte, c.len_utf8(), 2 * c.len_utf16());
                text.push(c);
                byte += 2 * c.len_utf16();
            }
            Err(_) => {
                replace(&mut text, &mut runs, &mut damage, (byte, 2), NOT_UTF16);
                byte += 2;
            }
        }
        if damage.len() > MOST_DAMAGE {
            break;
        }
    }
    if !rest.is_empty() {
        replace(&mut text, &mut runs, &mut damage, (byte, 1), NOT_UTF16);
    }
    (text, runs, damage)
}

fn single_bytes(bytes: &[u8]) -> Parts {
    let (text, _) = WINDOWS_1252.decode_without_bom_handling(bytes);
    let mut runs = Runs::default();
    for (at, c) in text.chars().enumerate() {
        runs.character(at, c.len_utf8(), 1);
    }
    (text.into_owned(), runs, Vec::new())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> Result<(String, Encoding, bool), String> {
        let decoded = decode(bytes.to_vec(), None).and_then(Decoded::whole);
        decoded.map(|d| (d.text, d.encoding, d.guessed))
    }

    fn utf16(text: &str, to_bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
        text.encode_utf16().flat_map(to_bytes).collect()
    }

    #[test]
    fn encodings_are_told_by_mark_and_by_look() {
        let text = "Temp 38.5 °C, 5 µg 😀";
        let is = |bytes: &[u8], encoding, guessed| {
            assert_eq!(read(bytes), Ok((text.to_owned(), encoding, guessed)));
        };
        is(text.as_bytes(), Encoding::Utf8, false);
        is(
            &[b"\xEF\xBB\xBF", text.as_bytes()].concat(),
            Encoding::Utf8,
            false,
        );
        is(&utf16(text, u16::to_le_bytes), Encoding::Utf16le, true);
        is(&utf16(text, u16::to_be_bytes), Encoding::Utf16be, true);
        let marked = [&b"\xFE\xFF"[..], &utf16(text, u16::to_be_bytes)].concat();
        is(&marked, Encoding::Utf16be, false);
        assert_eq!(
            read(b"5 \xB5g \x96 ok\x80"),
            Ok(("5 µg – ok€".to_owned(), Encoding::Windows1252, true))
        );
    }

    #[test]
    fn what_is_no_text_gets_a_sentence() {
        for (bytes, says) in [
            (&b"%PDF-1.4 secretword"[..], "PDF"),
            (b"PK\x03\x04secretword", "ZIP"),
            (b"{\\rtf1 secretword}", "RTF"),
            (b"secretword\0x", "NUL"),
            (b"\x01\x02\x03\x04secretword", "control characters"),
            (b"secret\xFF\0word", "byte 6"),
            (b"secret \xC2\xB5g \xC2\xB0 \xFF", "byte 14"),
        ] {
            let error = read(bytes).unwrap_err();
            assert!(error.contains(says) && !error.contains("secret"), "{error}");
        }
        for (bytes, encoding) in [
            (&b"a\xFF"[..], Encoding::Utf8),
            (b"abc", Encoding::Utf16le),
            (b"a\0\x3D\xD8b\0", Encoding::Utf16le),
        ] {
            let decoded = decode(bytes.to_vec(), Some(encoding));
            assert!(decoded.and_then(Decoded::whole).is_err(), "{bytes:?}");
        }
        assert!(decode(vec![b'\xFF'; 20_000], Some(Encoding::Utf8)).is_err());
    }

    #[test]
    fn what_is_no_text_stands_where_it_is() {
        let big = [0, b'a', 0, 0, 0xD8, 0x3D, 0, b'b', 7];
        for (bytes, encoding, text, places) in [
            (
                &b"\xEF\xBB\xBFa\xFF\xC2b\0c"[..],
                Encoding::Utf8,
                "a\u{fffd}\u{fffd}b\0c",
                &[(1, 4), (4, 5), (8, 7)][..],
            ),
            (
                &big,
                Encoding::Utf16be,
                "a\0\u{fffd}b\u{fffd}",
                &[(1, 2), (2, 4), (6, 8)],
            ),
        ] {
            let decoded = decode(bytes.to_vec(), Some(encoding))
                .map_err(|_| ())
                .unwrap();
            assert_eq!(decoded.text, text);
            let found: Vec<_> = decoded.damage.iter().map(|d| (d.at, d.byte)).collect();
            assert_eq!(found, places);
            let b = decoded.runs.origin(text.find('b').unwrap());
            assert!(bytes[b..].starts_with(b"b") || bytes[b..].starts_with(b"\0b"));
        }
    }

    #[test]
    fn every_character_knows_its_bytes() {
        let text = "é😀a°\u{301}\r\n";
        let bytes = utf16(text, u16::to_le_bytes);
        let decoded = decode(bytes.clone(), Some(Encoding::Utf16le))
            .map_err(|_| ())
            .unwrap();
        for (at, c) in text.char_indices() {
            let mut units = [0; 2];
            let own: Vec<u8> = c
                .encode_utf16(&mut units)
                .iter()
                .flat_map(|u| u.to_le_bytes())
                .collect();
            assert!(bytes[decoded.runs.origin(at)..].starts_with(&own));
        }
        let decoded = decode(b"a\xE9\xE9b".to_vec(), None)
            .map_err(|_| ())
            .unwrap();
        assert_eq!([0, 1, 3, 5].map(|at| decoded.runs.origin(at)), [0, 1, 2, 3]);
    }
}
