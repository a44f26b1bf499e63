//! Reads one safetensors file, tensor by tensor.

use std::collections::HashSet;
use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use ::safetensors::tensor::{Metadata, TensorInfo};
use memmap2::MmapOptions;
use serde::Deserialize;
use serde::de::{Deserializer, Error as _, IgnoredAny, MapAccess, Visitor};

use super::Dtype;
use super::error::Fault;
use crate::model::config::file::{self, IMPOSTOR_BYTES};

/// The longest header that the format allows, in bytes.
const MAX_HEADER: u64 = 100_000_000;

/// Bytes before the header: its length.
const LENGTH_BYTES: u64 = 8;

/// An open file whose header has been checked against its size.
#[derive(Debug)]
pub(super) struct SafetensorsFile {
    file: File,
    /// Where the data begin, in bytes from the start of the file.
    data_start: u64,
    tensors: Vec<(String, TensorInfo)>,
}

impl SafetensorsFile {
    /// Opens a file, reads its header and checks that every tensor lies inside.
    pub(super) fn open(path: &Path) -> Result<Self, Fault> {
        let (mut file, size) = file::open(path)?;
        let mut start = Vec::new();
        file.by_ref()
            .take(IMPOSTOR_BYTES as u64)
            .read_to_end(&mut start)?;
        if let Some(fault) = file::impostor(&start) {
            return Err(fault.into());
        }
        if start.starts_with(b"PK\x03\x04") {
            return Err(Fault::Pytorch);
        }
        let Some(length) = start.first_chunk().map(|bytes| u64::from_le_bytes(*bytes)) else {
            return Err(Fault::Truncated {
                expected: LENGTH_BYTES,
                found: size,
            });
        };
        if length > MAX_HEADER {
            return Err(Fault::HeaderLength {
                bytes: length,
                limit: MAX_HEADER,
            });
        }
        let data_start = LENGTH_BYTES + length;
        if data_start > size {
            return Err(Fault::Truncated {
                expected: data_start,
                found: size,
            });
        }
        start.drain(..LENGTH_BYTES as usize);
        start.truncate(length as usize);
        let rest = length - start.len() as u64;
        file.by_ref().take(rest).read_to_end(&mut start)?;
        let (tensors, data_bytes) = parse(&start)?;
        match data_start.saturating_add(data_bytes) {
            end if end > size => Err(Fault::Truncated {
                expected: end,
                found: size,
            }),
            end if end < size => Err(Fault::Surplus {
                surplus: size - end,
            }),
            _ => Ok(Self {
                file,
                data_start,
                tensors,
            }),
        }
    }

    /// Name, type and shape of every tensor, in the order of their data.
    pub(super) fn tensors(&self) -> impl Iterator<Item = (&str, Dtype, &[usize])> {
        self.tensors
            .iter()
            .map(|(name, info)| (name.as_str(), info.dtype, info.shape.as_slice()))
    }

    /// Lends the bytes of one tensor. Only they are mapped, and only meanwhile, so that the
    /// memory never holds the file beside the model made from it.
    pub(super) fn lend<T>(
        &self,
        tensor: usize,
        borrow: impl FnOnce(&[u8]) -> T,
    ) -> Result<T, Fault> {
        let (start, end) = self.tensors[tensor].1.data_offsets;
        if start == end {
            return Ok(borrow(&[]));
        }
        let (expected, found) = (self.data_start + end as u64, self.file.metadata()?.len());
        if found < expected {
            return Err(Fault::Truncated { expected, found });
        }
        // SAFETY: the range lies inside the file, which has just been looked at, and the map is
        // read-only and gone before the file is closed. Nothing but another program that writes
        // to the file at this very moment could change the bytes.
        let map = unsafe {
            MmapOptions::new()
                .offset(self.data_start + start as u64)
                .len(end - start)
                .map(&self.file)?
        };
        Ok(borrow(&map))
    }
}

/// The tensors of a header in the order of their data, and the size of the data in bytes.
fn parse(header: &[u8]) -> Result<(Vec<(String, TensorInfo)>, u64), Fault> {
    let Header(mut tensors) =
        serde_json::from_slice(header).map_err(|error| Fault::Header(error.to_string()))?;
    tensors.sort_by_key(|(_, info)| info.data_offsets);
    let checked =
        Metadata::new(None, tensors.clone()).map_err(|error| Fault::Header(error.to_string()))?;
    Ok((tensors, checked.data_len() as u64))
}

/// The entries of a header; unlike a map it notices when two have the same name.
struct Header(Vec<(String, TensorInfo)>);

impl<'de> Deserialize<'de> for Header {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(HeaderVisitor)
    }
}

struct HeaderVisitor;

impl<'de> Visitor<'de> for HeaderVisitor {
    type Value = Header;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with one entry per tensor")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Header, A::Error> {
        let mut seen = HashSet::new();
        let mut tensors = Vec::new();
        while let Some(name) = map.next_key::<String>()? {
            if name == "__metadata__" {
                map.next_value::<IgnoredAny>()?;
                continue;
            }
            let info = map
                .next_value()
                .map_err(|error| A::Error::custom(format!("tensor {name}: {error}")))?;
            if !seen.insert(name.clone()) {
                return Err(A::Error::custom(format!("two tensors are called {name}")));
            }
            tensors.push((name, info));
        }
        Ok(Header(tensors))
    }
}
