//! How the bytes of a file spell its text.

use std::fmt;
use std::str::FromStr;

use serde::Serialize;

/// How bytes spell characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Encoding {
    /// UTF-8, with or without a byte order mark.
    #[serde(rename = "utf-8")]
    Utf8,
    /// UTF-16, low byte first.
    #[serde(rename = "utf-16le")]
    Utf16le,
    /// UTF-16, high byte first.
    #[serde(rename = "utf-16be")]
    Utf16be,
    /// Windows-1252, which contains Latin-1's letters.
    #[serde(rename = "windows-1252")]
    Windows1252,
}

impl Encoding {
    /// All of them, the most common first.
    pub const ALL: [Self; 4] = [Self::Utf8, Self::Windows1252, Self::Utf16le, Self::Utf16be];
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
            "utf-16le" | "utf16le" | "utf-16" | "utf16" => Ok(Self::Utf16le),
            "utf-16be" | "utf16be" => Ok(Self::Utf16be),
            "windows-1252" | "cp1252" | "latin-1" | "latin1" | "iso-8859-1" => {
                Ok(Self::Windows1252)
            }
            _ => Err("known are utf-8, utf-16le, utf-16be and windows-1252"),
        }
    }
}

/// Length of the byte order mark with which the bytes begin.
pub(super) fn mark_of(encoding: Encoding, bytes: &[u8]) -> usize {
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
pub(super) fn recognise(bytes: &[u8]) -> (Encoding, usize, bool) {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_encoding_is_written_as_it_is_named() {
        for encoding in [
            Encoding::Utf8,
            Encoding::Utf16le,
            Encoding::Utf16be,
            Encoding::Windows1252,
        ] {
            let written = serde_json::to_value(encoding).unwrap();
            assert_eq!(written.as_str().unwrap().parse(), Ok(encoding));
            assert_eq!(encoding.to_string().parse(), Ok(encoding));
        }
    }
}
