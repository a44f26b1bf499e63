//! Rows of numbers, in memory up to a limit and beyond it in a file that has no name.

use std::fmt;
use std::fs::File;
use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// Why rows could not be kept.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The file could not be made or written.
    #[error(
        "the tokens of the notes are more than data-memory allows to hold, and what is beyond cannot be \
         kept on the disk of {}: {error}; make room there, or give more data-memory", folder.display()
    )]
    Write {
        /// The folder whose disk it is on.
        folder: PathBuf,
        /// Why not.
        error: io::Error,
    },
    /// What was written could not be read again.
    #[error("the tokens of the notes cannot be read again from the disk of {}: {error}", folder.display())]
    Read {
        /// The folder whose disk it is on.
        folder: PathBuf,
        /// Why not.
        error: io::Error,
    },
}

/// Rows of numbers, each read by its place in the order in which they were added.
///
/// The file has no name in any folder, or on Windows one that goes when it is closed: the system takes
/// it away with the process, however that ends, and what was made of notes does not stay. `Debug`
/// prints sizes only.
pub(super) struct Store {
    folder: PathBuf,
    rows: Vec<Row>,
    /// Bytes in memory, and how many may be.
    held: usize,
    limit: usize,
    file: Option<Mutex<BufWriter<File>>>,
    written: u64,
}

enum Row {
    Held(Box<[u32]>),
    /// First byte and count in the file.
    Written(u64, u32),
}

/// Bytes that a row in memory takes beside its numbers.
const ROW: usize = 48;

impl Store {
    /// No row yet; at most `limit` bytes of them are held in memory, and the rest is kept on the disk
    /// of `folder`, or of the first of the folders around it that is there.
    pub(super) fn new(folder: &Path, limit: usize) -> Self {
        // The last of the folders around a relative one has no name: it is the current one.
        let named = |folder: &Path| match folder.as_os_str().is_empty() {
            true => PathBuf::from("."),
            false => folder.to_owned(),
        };
        let mut around = folder.ancestors().map(named);
        let there = around.find(|folder| folder.is_dir());
        Self {
            folder: there.unwrap_or_else(|| folder.to_owned()),
            rows: Vec::new(),
            held: 0,
            limit,
            file: None,
            written: 0,
        }
    }

    /// Adds a row.
    ///
    /// # Errors
    /// [`StoreError`] when memory is used up and the disk does not take it.
    pub(super) fn push(&mut self, row: &[u32]) -> Result<(), StoreError> {
        let bytes = ROW + size_of_val(row);
        if self.held + bytes <= self.limit {
            self.held += bytes;
            self.rows.push(Row::Held(row.into()));
            return Ok(());
        }
        let start = self.written;
        self.write(row).map_err(|error| StoreError::Write {
            folder: self.folder.clone(),
            error,
        })?;
        self.rows.push(Row::Written(start, row.len() as u32));
        Ok(())
    }

    fn write(&mut self, row: &[u32]) -> io::Result<()> {
        let file = match &mut self.file {
            Some(file) => file,
            None => {
                let file = tempfile::tempfile_in(&self.folder)?;
                self.file.insert(Mutex::new(BufWriter::new(file)))
            }
        };
        let file = file.get_mut().unwrap_or_else(PoisonError::into_inner);
        for number in row {
            file.write_all(&number.to_le_bytes())?;
        }
        self.written += size_of_val(row) as u64;
        Ok(())
    }

    /// Ends the adding: from now on rows are read.
    ///
    /// # Errors
    /// [`StoreError`] when the disk does not take the last of them.
    pub(super) fn seal(&mut self) -> Result<(), StoreError> {
        let flushed = self.file.as_mut().map_or(Ok(()), |file| {
            let file = file.get_mut().unwrap_or_else(PoisonError::into_inner);
            file.flush()
        });
        flushed.map_err(|error| StoreError::Write {
            folder: self.folder.clone(),
            error,
        })
    }

    /// The numbers of a row.
    ///
    /// # Errors
    /// [`StoreError`] when the disk does not give them back.
    ///
    /// # Panics
    /// If there is no such row.
    pub(super) fn row(&self, row: usize) -> Result<Vec<u32>, StoreError> {
        let (start, count) = match &self.rows[row] {
            Row::Held(row) => return Ok(row.to_vec()),
            Row::Written(start, count) => (*start, *count as usize),
        };
        self.read(start, count).map_err(|error| StoreError::Read {
            folder: self.folder.clone(),
            error,
        })
    }

    fn read(&self, start: u64, count: usize) -> io::Result<Vec<u32>> {
        let file = self.file.as_ref().expect("a row was written to it");
        let file = file.lock().unwrap_or_else(PoisonError::into_inner);
        let mut file = file.get_ref();
        let mut bytes = vec![0; count * size_of::<u32>()];
        file.seek(SeekFrom::Start(start))?;
        file.read_exact(&mut bytes)?;
        let (numbers, _) = bytes.as_chunks();
        Ok(numbers
            .iter()
            .map(|bytes| u32::from_le_bytes(*bytes))
            .collect())
    }

    /// Bytes on the disk.
    pub(super) fn written(&self) -> u64 {
        self.written
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (rows, held, written) = (self.rows.len(), self.held, self.written);
        write!(
            f,
            "Store({rows} rows, {held} bytes held, {written} written)"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(folder: &Path, limit: usize) -> Store {
        let mut store = Store::new(folder, limit);
        for row in 0..50u32 {
            let row: Vec<u32> = (0..row).map(|at| at * 1000 + row).collect();
            store.push(&row).unwrap();
        }
        store.seal().unwrap();
        store
    }

    #[test]
    fn rows_come_back_from_memory_and_from_the_file_which_no_folder_shows() {
        let folder = std::env::temp_dir().join(format!("auscult-store-{}", std::process::id()));
        std::fs::create_dir(&folder).unwrap();
        for (limit, on_disk) in [(usize::MAX, false), (1000, true), (0, true)] {
            let store = filled(&folder.join("run/not/there"), limit);
            assert_eq!(store.written() > 0, on_disk);
            assert!(store.held <= limit);
            // Not in the order in which they were written.
            for row in (0..50).rev() {
                let want: Vec<u32> = (0..row).map(|at| at * 1000 + row).collect();
                assert_eq!(store.row(row as usize).unwrap(), want);
            }
            let left = std::fs::read_dir(&folder).unwrap().count();
            assert!(left == 0 || cfg!(windows), "limit {limit}");
            assert!(!format!("{store:?}").contains("1001"));
        }
        std::fs::remove_dir(&folder).unwrap();
        let mut lost = Store::new(&folder.join("x"), 0);
        lost.folder = folder;
        let said = lost.push(&[1]).unwrap_err().to_string();
        assert!(said.contains("data-memory"), "{said}");
    }
}
