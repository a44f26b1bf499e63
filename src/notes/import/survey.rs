//! Looks at a file once, in pieces, before its notes are read in pieces.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;

use flate2::read::MultiGzDecoder;
use sha2::{Digest, Sha256};

use crate::job::Job;

/// Bytes that are looked at together.
const PIECE: usize = 1 << 20;

/// What is known of a file that can be read in pieces.
pub(super) struct Survey {
    /// SHA-256 of its bytes, in hexadecimal digits.
    pub(super) sha256: String,
    /// Bytes of a mark in front of its text.
    pub(super) mark: usize,
    /// Bytes of its content, decompressed.
    pub(super) length: u64,
}

/// The content of a file, decompressed.
pub(super) fn open(path: &Path) -> io::Result<Box<dyn Read + Send>> {
    let file = BufReader::with_capacity(PIECE, File::open(path)?);
    Ok(match is_packed(path)? {
        true => Box::new(MultiGzDecoder::new(file)),
        false => Box::new(file),
    })
}

fn is_packed(path: &Path) -> io::Result<bool> {
    let mut start = Vec::new();
    File::open(path)?.take(2).read_to_end(&mut start)?;
    Ok(start == b"\x1F\x8B")
}

/// Looks at all of a file; `None` if it is not UTF-8 from end to end, without NUL and with few other
/// control characters, so that it has to be decoded as a whole, or if the user stopped.
pub(super) fn survey(path: &Path, job: &Job) -> io::Result<Option<Survey>> {
    let mut sha256 = Sha256::new();
    let mut raw = File::open(path)?;
    let mut piece = vec![0; PIECE];
    loop {
        let count = raw.read(&mut piece)?;
        if count == 0 {
            break;
        }
        if job.check().is_err() {
            return Ok(None);
        }
        sha256.update(&piece[..count]);
    }
    let mut content = open(path)?;
    // Bytes of a character that goes on in the next piece.
    let mut rest = 0;
    let mut length = 0;
    let mut mark = 0;
    let mut controls = 0;
    loop {
        let count = match content.read(&mut piece[rest..]) {
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            // A file that is cut or damaged is told so by who reads it as a whole.
            Err(_) => return Ok(None),
        };
        let bytes = &piece[..rest + count];
        if length == 0 && bytes.starts_with(b"\xEF\xBB\xBF") {
            mark = 3;
        }
        length += count as u64;
        let valid = match std::str::from_utf8(bytes) {
            Ok(_) => bytes.len(),
            Err(error) if error.error_len().is_none() && count > 0 => error.valid_up_to(),
            Err(_) => return Ok(None),
        };
        if bytes.contains(&0) || job.check().is_err() {
            return Ok(None);
        }
        let odd =
            |byte: &&u8| byte.is_ascii_control() && !matches!(**byte, b'\t' | b'\n' | b'\r' | 0xC);
        controls += bytes[..valid].iter().filter(odd).count() as u64;
        if count == 0 {
            break;
        }
        rest = bytes.len() - valid;
        piece.copy_within(valid..valid + rest, 0);
    }
    if controls * 50 > length {
        return Ok(None);
    }
    let digest = sha256.finalize();
    Ok(Some(Survey {
        sha256: digest.iter().map(|byte| format!("{byte:02x}")).collect(),
        mark,
        length,
    }))
}
