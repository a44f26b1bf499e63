//! Reads notes one after the other, so that a data set may be larger than memory.
//!
//! JSON Lines and tables in UTF-8, also compressed, are read in blocks of rows: memory holds one
//! block and its notes. Anything else is read one file at a time, as [`import`](super::import) does.

use std::collections::VecDeque;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::super::Note;
use super::super::encoding::Encoding;
use super::super::map::Runs;
use super::super::source::SourceFile;
use super::records::Records;
use super::survey::{Survey, open, survey};
use super::table::Table;
use super::{
    Block, Columns, Failure, FileContext, FileReport, Import, ImportOptions, choose, files, json,
    table,
};
use crate::job::Job;

/// Bytes of a block. What is smaller is read as a whole.
const BLOCK: usize = 8 << 20;

/// The longest line that is read, in bytes.
const LONGEST_LINE: usize = 1 << 30;

/// Notes of files, one after the other.
///
/// The notes are those that [`import`](super::import) gives. One that lies in a file which is read in
/// blocks is always named by its line: whether its id is there twice is known at the end only.
pub struct NoteStream<'a> {
    options: &'a ImportOptions,
    job: &'a Job,
    files: VecDeque<PathBuf>,
    block: usize,
    reading: Option<Reading>,
    ready: VecDeque<Note>,
    import: Import,
}

/// A file that is read in blocks.
struct Reading {
    path: PathBuf,
    content: Box<dyn Read + Send>,
    rows: Rows,
    file: Arc<SourceFile>,
    /// What was read of it and is no note yet.
    buffer: Vec<u8>,
    /// Bytes and lines of the content in front of the buffer.
    bytes: usize,
    lines: u64,
    length: u64,
    format: String,
    notes: usize,
    skipped: usize,
    record: usize,
    /// Whether no block of it was read.
    first: bool,
    /// Where its warnings begin.
    warnings: usize,
}

/// How rows become notes, with what is known from those before.
enum Rows {
    Lines(Records),
    Table(Option<Table>),
}

impl<'a> NoteStream<'a> {
    /// The notes of each path: a file, a folder with all that is in it, or `-` for standard input.
    pub fn new(paths: &[PathBuf], options: &'a ImportOptions, job: &'a Job) -> Self {
        Self::in_blocks(paths, options, job, BLOCK)
    }

    /// [`new`](Self::new) with blocks of this many bytes.
    pub fn in_blocks(
        paths: &[PathBuf],
        options: &'a ImportOptions,
        job: &'a Job,
        block: usize,
    ) -> Self {
        let mut import = Import::default();
        let files = files::list(paths, &mut import);
        import.total = files.len();
        Self {
            options,
            job,
            files: files.into(),
            block: block.max(1),
            reading: None,
            ready: VecDeque::new(),
            import,
        }
    }

    /// What was read so far, and what could not be; without the notes.
    pub fn report(&self) -> &Import {
        &self.import
    }

    /// [`report`](Self::report), at the end.
    pub fn into_report(self) -> Import {
        self.import
    }

    /// Begins with a file, or reads all of it.
    fn open(&mut self, path: &Path) {
        let result = match self.begin(path) {
            Ok(Some(reading)) => {
                self.reading = Some(reading);
                return;
            }
            Ok(None) => self.import.file(path, self.options, self.job),
            Err(failure) => Err(failure),
        };
        self.end(path, result);
    }

    /// Notes how a file ended.
    fn end(&mut self, path: &Path, result: Result<(), Failure>) {
        self.ready.extend(self.import.notes.drain(..));
        if !self.import.end(path, result) {
            self.files.clear();
        }
    }

    /// The file, if it can be read in blocks and is worth it.
    fn begin(&mut self, path: &Path) -> Result<Option<Reading>, Failure> {
        let (done, total) = (self.import.done, self.import.total);
        self.job.step(done, total, "files")?;
        let other = self
            .options
            .encoding
            .is_some_and(|own| own != Encoding::Utf8);
        if path.as_os_str() == "-" || !path.is_file() || other {
            return Ok(None);
        }
        let size = path.metadata().map_err(unreadable)?.len();
        let ending = files::ending(path);
        if size <= self.block as u64
            && !path
                .extension()
                .is_some_and(|own| own.eq_ignore_ascii_case("gz"))
        {
            return Ok(None);
        }
        let survey = survey(path, self.job).map_err(unreadable)?;
        self.job.check()?;
        let Some(Survey {
            sha256,
            mark,
            length,
        }) = survey
        else {
            return Ok(None);
        };
        if length <= self.block as u64 {
            return Ok(None);
        }
        let mut content = open(path).map_err(unreadable)?;
        io::copy(&mut content.by_ref().take(mark as u64), &mut io::sink()).map_err(unreadable)?;
        let mut buffer = Vec::new();
        fill(&mut content, &mut buffer, self.block)?;
        let end = whole_lines(&buffer);
        let start = std::str::from_utf8(&buffer[..end]).map_err(|_| changed())?;
        let importer = choose(&ending, start, &self.options.columns);
        let rows = match importer.name {
            name if name == json::LINES.name => Rows::Lines(Records::default()),
            name if name == table::TABLE.name => Rows::Table(None),
            _ => return Ok(None),
        };
        if !importer.endings.contains(&ending.as_str()) {
            let kind = importer.name;
            let reason = format!("read as {kind}, which is what is in it, whatever its name says");
            self.import.warn(path, None, reason);
        }
        Ok(Some(Reading {
            path: path.to_owned(),
            content,
            rows,
            file: Arc::new(SourceFile {
                path: path.to_owned(),
                sha256,
                encoding: Encoding::Utf8,
                guessed: false,
                columns: Columns::default(),
            }),
            buffer,
            bytes: mark,
            lines: 0,
            length,
            format: importer.name.to_owned(),
            notes: 0,
            skipped: 0,
            record: 0,
            first: true,
            warnings: self.import.warnings.len(),
        }))
    }

    /// Reads the next block of a file; at its end it says how that went.
    fn next_block(&mut self, mut reading: Reading) {
        let result = match self.read_block(&mut reading) {
            Ok(false) => {
                self.ready.extend(self.import.notes.drain(..));
                self.reading = Some(reading);
                return;
            }
            result => result.map(|_| ()),
        };
        let Reading { path, notes, .. } = reading;
        let result = match result {
            Ok(()) if notes == 0 => Err(self.import.nothing_read(reading.warnings)),
            result => result,
        };
        if !matches!(result, Err(Failure::Reason(_))) {
            self.import.files.push(FileReport {
                path: path.clone(),
                format: reading.format,
                encoding: Encoding::Utf8,
                guessed: false,
                sha256: reading.file.sha256.clone(),
                notes,
                skipped: reading.skipped,
            });
        }
        self.end(&path, result);
    }

    /// Whether that was the last block.
    fn read_block(&mut self, reading: &mut Reading) -> Result<bool, Failure> {
        let (done, total) = (self.import.done, self.import.total);
        let share = |bytes: usize| {
            let own = (bytes as f64 / reading.length as f64).min(1.0);
            (done as f64 + own) / total as f64
        };
        let next = share(reading.bytes)..share(reading.bytes + self.block);
        self.job.step_of(done, total, "files", next)?;
        let last = fill(&mut reading.content, &mut reading.buffer, self.block)?;
        let end = match last {
            true => reading.buffer.len(),
            false => whole_lines(&reading.buffer),
        };
        let text = std::str::from_utf8(&reading.buffer[..end]).map_err(|_| changed())?;
        let block = match (reading.first, last) {
            (true, true) => Block::Whole,
            (true, false) => Block::First,
            (false, false) => Block::Middle,
            (false, true) => Block::Last,
        };
        let mut file = FileContext {
            import: &mut self.import,
            options: self.options,
            job: self.job,
            path: &reading.path,
            text,
            runs: Arc::new(Runs::copy(reading.bytes, text.len())),
            file: Arc::clone(&reading.file),
            damage: Vec::new(),
            format: std::mem::take(&mut reading.format),
            skipped: reading.skipped,
            lines_before: reading.lines,
            record: reading.record,
            records: Vec::new(),
        };
        let consumed = match &mut reading.rows {
            Rows::Lines(records) => {
                let read = json::read_block(&mut file, records);
                if last {
                    std::mem::take(records).finish(&mut file, "JSON Lines");
                }
                read.map(|()| end)
            }
            Rows::Table(Some(table)) => table.rows(&mut file, block),
            Rows::Table(table) => {
                Table::new(&mut file).and_then(|new| table.insert(new).rows(&mut file, block))
            }
        };
        reading.format = file.format;
        reading.skipped = file.skipped;
        reading.record = file.record;
        reading.file = file.file;
        reading.notes += self.import.notes.len();
        reading.first = false;
        let consumed = consumed?;
        reading.lines += text[..consumed].matches('\n').count() as u64;
        reading.bytes += consumed;
        reading.buffer.drain(..consumed);
        Ok(last)
    }
}

impl Iterator for NoteStream<'_> {
    type Item = Note;

    fn next(&mut self) -> Option<Note> {
        loop {
            if let Some(note) = self.ready.pop_front() {
                return Some(note);
            }
            match self.reading.take() {
                Some(reading) => self.next_block(reading),
                None => {
                    let Some(path) = self.files.pop_front() else {
                        let _ = self.job.step(self.import.total, self.import.total, "files");
                        return None;
                    };
                    self.open(&path);
                }
            }
        }
    }
}

/// Reads a block behind what is there, and more until a line ends; whether that was all.
fn fill(content: &mut dyn Read, buffer: &mut Vec<u8>, block: usize) -> Result<bool, Failure> {
    loop {
        let read = content
            .take(block as u64)
            .read_to_end(buffer)
            .map_err(unreadable)?;
        if read < block {
            return Ok(true);
        }
        if buffer[buffer.len() - read..].contains(&b'\n') {
            return Ok(false);
        }
        if buffer.len() > LONGEST_LINE {
            return Err(format!("a line has more than {LONGEST_LINE} bytes").into());
        }
    }
}

/// Bytes up to the end of the last line that is whole.
fn whole_lines(bytes: &[u8]) -> usize {
    let last = bytes.iter().rposition(|&byte| byte == b'\n');
    last.map_or(0, |last| last + 1)
}

fn unreadable(error: io::Error) -> Failure {
    files::unreadable(&error).into()
}

fn changed() -> Failure {
    "it changed while it was read".into()
}
