//! How the bytes of a file spell its text.

use std::fmt;
use std::str::FromStr;

use encoding_rs::{UTF_16BE, UTF_16LE, WINDOWS_1252};
use serde::Serialize;

use super::map::Runs;

/// How bytes spell characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Encoding {
    /// UTF-8, with or without a byte order mark.
    Utf8,
    /// UTF-16, low byte first.
    Utf16le,
    /// UTF-16, high byte first.
    Utf16be,
    /// Windows-1252, which contains Latin-1's letters.
    #[serde(rename = "windows-1252")]
    Windows1252,
}

impl fmt::Display for Encoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Utf8 => "UTF-8",
            Self::Utf16le => "UTF-16LE",
            Self::Utf16be => "UTF-16BE",
            Self::Windows1252 => "Windows-1252",
        })
    }
}

impl FromStr for Encoding {
    type Err = &'static str;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        match name.to_ascii_lowercase().as_str() {
            "utf-8" | "utf8" => Ok(Self::Utf8),
            "utf-16le" | "utf-16" | "utf16" => Ok(Self::Utf16le),
            "utf-16be" => Ok(Self::Utf16be),
            "windows-1252" | "cp1252" | "latin-1" | "latin1" | "iso-8859-1" => {
                Ok(Self::Windows1252)
            }
            _ => Err("known are utf-8, utf-16le, utf-16be and windows-1252"),
        }
    }
}

/// The text of a file.
pub(super) struct Decoded {
    pub(super) text: String,
    pub(super) runs: Runs,
    pub(super) encoding: Encoding,
    /// Whether nothing in the file says that this is its encoding.
    pub(super) guessed: bool,
}

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
/// # Errors
/// A sentence: what the file is instead of text, or where it stops being text.
pub(super) fn decode(bytes: Vec<u8>, chosen: Option<Encoding>) -> Result<Decoded, String> {
    if let Some((_, what)) = NO_TEXT.iter().find(|(magic, _)| bytes.starts_with(magic)) {
        return Err((*what).to_owned());
    }
    let (encoding, mark, guessed) = match chosen {
        Some(encoding) => (encoding, mark_of(encoding, &bytes), false),
        None => recognise(&bytes),
    };
    let decoded = match encoding {
        Encoding::Utf8 => utf8(bytes, mark)?,
        Encoding::Utf16le | Encoding::Utf16be => utf16(&bytes, mark, encoding)?,
        Encoding::Windows1252 => single_bytes(&bytes),
    };
    let (text, runs) = decoded;
    // A text has line ends and tabs; other control characters are a sign of something else.
    let odd = |c: &char| c.is_control() && !matches!(c, '\t' | '\n' | '\r' | '\u{c}' | '\u{85}');
    let controls = text.chars().filter(odd).count();
    if let Some(at) = text.find('\0') {
        let at = runs.origin(at);
        return Err(format!("byte {at} is NUL, so this is no text file"));
    }
    if controls * 50 > text.chars().count() {
        return Err(format!(
            "{controls} control characters are in it, so this is no text file"
        ));
    }
    Ok(Decoded {
        text,
        runs,
        encoding,
        guessed,
    })
}

fn mark_of(encoding: Encoding, bytes: &[u8]) -> usize {
    let mark: &[u8] = match encoding {
        Encoding::Utf8 => b"\xEF\xBB\xBF",
        Encoding::Utf16le => b"\xFF\xFE",
        Encoding::Utf16be => b"\xFE\xFF",
        Encoding::Windows1252 => return 0,
    };
    if bytes.starts_with(mark) {
        mark.len()
    } else {
        0
    }
}

/// Encoding, length of its byte order mark, and whether it is a guess.
fn recognise(bytes: &[u8]) -> (Encoding, usize, bool) {
    for encoding in [Encoding::Utf8, Encoding::Utf16le, Encoding::Utf16be] {
        let mark = mark_of(encoding, bytes);
        if mark > 0 {
            return (encoding, mark, false);
        }
    }
    // Western text in UTF-16 has a zero in every other byte.
    let start = &bytes[..bytes.len().min(4096) / 2 * 2];
    let zeros = |offset: usize| {
        start
            .iter()
            .skip(offset)
            .step_by(2)
            .filter(|&&b| b == 0)
            .count()
    };
    let (even, odd) = (zeros(0), zeros(1));
    let half = start.len() / 2;
    if half >= 2 && bytes.len().is_multiple_of(2) {
        if odd * 10 >= half * 7 && even * 10 <= half {
            return (Encoding::Utf16le, 0, true);
        }
        if even * 10 >= half * 7 && odd * 10 <= half {
            return (Encoding::Utf16be, 0, true);
        }
    }
    match std::str::from_utf8(bytes) {
        Ok(_) => (Encoding::Utf8, 0, false),
        // What holds zeros is no Windows text, and what spells most of its characters in UTF-8 is
        // damaged UTF-8: its error says where.
        Err(_) if bytes.contains(&0) || mostly_utf8(bytes) => (Encoding::Utf8, 0, true),
        Err(_) => (Encoding::Windows1252, 0, true),
    }
}

/// Whether more characters beyond ASCII are spelled in UTF-8 than there are bytes that are not.
fn mostly_utf8(bytes: &[u8]) -> bool {
    let (mut right, mut wrong) = (0, 0);
    for chunk in bytes.utf8_chunks() {
        right += chunk.valid().chars().filter(|c| !c.is_ascii()).count();
        wrong += chunk.invalid().len();
    }
    right > wrong
}

fn utf8(mut bytes: Vec<u8>, mark: usize) -> Result<(String, Runs), String> {
    bytes.drain(..mark);
    let length = bytes.len();
    let text = String::from_utf8(bytes).map_err(|error| {
        let at = mark + error.utf8_error().valid_up_to();
        format!("byte {at} is not UTF-8 text; name another --encoding, or save it as UTF-8")
    })?;
    Ok((text, Runs::copy(mark, length)))
}

fn utf16(bytes: &[u8], mark: usize, encoding: Encoding) -> Result<(String, Runs), String> {
    if !bytes.len().is_multiple_of(2) {
        return Err(format!(
            "{} bytes are no whole number of UTF-16 characters",
            bytes.len()
        ));
    }
    let decoder = match encoding {
        Encoding::Utf16be => UTF_16BE,
        _ => UTF_16LE,
    };
    let (text, wrong) = decoder.decode_without_bom_handling(&bytes[mark..]);
    if wrong {
        return Err("it is not UTF-16 text; name another --encoding".to_owned());
    }
    let mut runs = Runs::default();
    let mut at = mark;
    for c in text.chars() {
        let bytes = 2 * c.len_utf16();
        runs.character(at, c.len_utf8(), bytes);
        at += bytes;
    }
    Ok((text.into_owned(), runs))
}

fn single_bytes(bytes: &[u8]) -> (String, Runs) {
    let (text, _) = WINDOWS_1252.decode_without_bom_handling(bytes);
    let mut runs = Runs::default();
    for (at, c) in text.chars().enumerate() {
        runs.character(at, c.len_utf8(), 1);
    }
    (text.into_owned(), runs)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> Result<(String, Encoding, bool), String> {
        decode(bytes.to_vec(), None).map(|d| (d.text, d.encoding, d.guessed))
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
        assert!(decode(b"a\xFF".to_vec(), Some(Encoding::Utf8)).is_err());
        assert!(decode(b"abc".to_vec(), Some(Encoding::Utf16le)).is_err());
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
