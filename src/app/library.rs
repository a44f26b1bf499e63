//! The notes that are open, and which of them are listed.

use std::collections::{BTreeSet, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use regex::Regex;

use super::find;
use crate::engine::{Note, Source, file_columns};

/// A note for as long as the window is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NoteKey(u32);

/// A note of the library.
pub struct Entry {
    /// Which.
    pub key: NoteKey,
    /// The note.
    pub note: Arc<Note>,
    /// What it is called in lists.
    pub title: String,
    /// The file it came from, without its folders; what it is otherwise.
    pub origin: String,
}

/// What a note's labels are called among its columns.
const LABEL: &str = "label";

/// All notes that are open.
#[derive(Default)]
pub struct Library {
    entries: Vec<Entry>,
    /// Files and folders that were opened, in order.
    opened: Vec<PathBuf>,
    next: u32,
    pasted: usize,
    /// The names of all fields of notes, and whether one has a label.
    columns: (bool, BTreeSet<String>),
    /// The names of columns as their files have them, those of labels and patients too.
    in_files: BTreeSet<String>,
    /// Words that a listed note's title has.
    filter: String,
    shown: Vec<usize>,
    search: Option<Search>,
}

/// A search in the text of all notes, done a little at a time.
struct Search {
    pattern: Regex,
    next: usize,
    hits: Vec<(usize, usize)>,
}

/// How far a search is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SearchState {
    /// Notes that were looked through.
    pub looked: usize,
    /// Notes with a hit.
    pub notes: usize,
    /// Hits in them.
    pub hits: usize,
}

impl Library {
    /// All notes, in the order in which they were opened.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The note with this key.
    pub fn get(&self, key: NoteKey) -> Option<&Entry> {
        // Keys rise.
        let place = self.entries.binary_search_by_key(&key, |own| own.key);
        place.ok().map(|place| &self.entries[place])
    }

    /// Adds notes that are not there yet, and gives the key of the first of them, new or not.
    pub fn add(&mut self, notes: Vec<Note>) -> Option<NoteKey> {
        let name = |note: &Note| match note.source() {
            Source::File(file, _) => Some((note.source().to_string(), file.sha256.clone())),
            Source::Typed => None,
        };
        let known: HashSet<_> = (self.entries.iter())
            .filter_map(|own| name(&own.note))
            .collect();
        let (mut first, before) = (None, self.entries.len());
        for note in notes {
            let own = name(&note);
            if own.as_ref().is_some_and(|own| known.contains(own)) {
                let mut same = self.entries.iter();
                let same = same.find(|entry| name(&entry.note) == own);
                first = first.or(same.map(|entry| entry.key));
                continue;
            }
            if is_pasted(&note) {
                self.pasted += 1;
            }
            let key = NoteKey(self.next);
            self.next += 1;
            first = first.or(Some(key));
            let (title, origin) = named(&note, self.pasted);
            self.entries.push(Entry {
                key,
                note: Arc::new(note),
                title,
                origin,
            });
        }
        self.add_columns(before);
        self.list();
        first
    }

    /// What a note can have beside its text: a label first, if one has some, then the fields of all.
    pub fn columns(&self) -> impl Iterator<Item = &str> {
        let (labelled, names) = (self.columns.0, self.columns.1.iter());
        let names = names.map(String::as_str);
        let label = labelled.then_some(LABEL);
        label
            .into_iter()
            .chain(names.filter(move |own| *own != LABEL || !labelled))
    }

    /// The columns of notes as their files call them.
    pub fn file_columns(&self) -> &BTreeSet<String> {
        &self.in_files
    }

    /// Remembers what the notes from this place on have.
    fn add_columns(&mut self, from: usize) {
        let (labelled, names) = &mut self.columns;
        for entry in &self.entries[from..] {
            let details = entry.note.details();
            *labelled |= !details.labels.is_empty();
            let new = details.fields.keys().filter(|own| !names.contains(*own));
            let new: Vec<String> = new.cloned().collect();
            names.extend(new);
            let new = file_columns(&entry.note).filter(|own| !self.in_files.contains(*own));
            let new: Vec<String> = new.cloned().collect();
            self.in_files.extend(new);
        }
    }

    /// Remembers that these were opened.
    pub fn opened(&mut self, paths: &[PathBuf]) {
        for path in paths {
            if !self.opened.contains(path) {
                self.opened.push(path.clone());
            }
        }
    }

    /// Files and folders that were opened.
    pub fn paths(&self) -> &[PathBuf] {
        &self.opened
    }

    /// Closes the notes of a file, and gives their keys.
    pub fn close_file(&mut self, path: &Path) -> Vec<NoteKey> {
        let mut closed = Vec::new();
        self.entries.retain(|own| {
            let of = matches!(own.note.source(), Source::File(file, _) if file.path == path);
            if of {
                closed.push(own.key);
            }
            !of
        });
        self.columns = Default::default();
        self.in_files.clear();
        self.add_columns(0);
        // Hits are counted by places.
        let pattern = self.search.take().map(|own| own.pattern);
        self.set_search(pattern);
        closed
    }

    /// Closes a note.
    pub fn close(&mut self, key: NoteKey) {
        self.entries.retain(|own| own.key != key);
        // Hits are counted by places.
        let pattern = self.search.take().map(|own| own.pattern);
        self.set_search(pattern);
    }

    /// Closes all notes.
    pub fn clear(&mut self) {
        self.entries.clear();
        self.columns = Default::default();
        self.in_files.clear();
        self.opened.clear();
        self.search = None;
        self.list();
    }

    /// Words that a listed note's title or file has.
    pub fn filter(&self) -> &str {
        &self.filter
    }

    /// Lists only the notes whose title or file has all these words.
    pub fn set_filter(&mut self, filter: &str) {
        if self.filter != filter {
            filter.clone_into(&mut self.filter);
            self.list();
        }
    }

    /// Looks for `pattern` in all texts, and lists only the notes that have it; nothing for an empty one.
    pub fn set_search(&mut self, pattern: Option<Regex>) {
        self.search = pattern.map(|pattern| Search {
            pattern,
            next: 0,
            hits: Vec::new(),
        });
        self.list();
    }

    /// Goes on with the search for `time` at most; whether there is more to be looked through.
    pub fn search_on(&mut self, time: Duration) -> bool {
        let Some(search) = &mut self.search else {
            return false;
        };
        let (start, before) = (Instant::now(), search.hits.len());
        while let Some(entry) = self.entries.get(search.next) {
            let hits = find::count(&search.pattern, entry.note.text());
            if hits > 0 {
                search.hits.push((search.next, hits));
            }
            search.next += 1;
            if start.elapsed() > time {
                break;
            }
        }
        let (more, found) = (search.next < self.entries.len(), search.hits.len());
        if found != before {
            self.list();
        }
        more
    }

    /// How far the search is, if there is one.
    pub fn search_state(&self) -> Option<SearchState> {
        self.search.as_ref().map(|search| SearchState {
            looked: search.next,
            notes: search.hits.len(),
            hits: search.hits.iter().map(|(_, hits)| hits).sum(),
        })
    }

    /// The notes that are listed, each with its hits where text is searched.
    pub fn shown(&self) -> impl ExactSizeIterator<Item = (&Entry, Option<usize>)> {
        self.shown.iter().map(|&number| {
            let hits = self.search.as_ref().and_then(|search| {
                let place = search.hits.binary_search_by_key(&number, |(own, _)| *own);
                Some(search.hits[place.ok()?].1)
            });
            (&self.entries[number], hits)
        })
    }

    /// The listed note after this one, or before it for -1.
    pub fn neighbour(&self, key: Option<NoteKey>, by: isize) -> Option<NoteKey> {
        let of = |place: usize| {
            self.shown
                .get(place)
                .map(|&number| self.entries[number].key)
        };
        let here = self
            .shown
            .iter()
            .position(|&number| Some(self.entries[number].key) == key);
        match (here, by) {
            (None, _) => of(0),
            (Some(here), by) => of(here.checked_add_signed(by)?),
        }
    }

    fn list(&mut self) {
        let words: Vec<String> = (self.filter.split_whitespace())
            .map(str::to_lowercase)
            .collect();
        let has_words = |entry: &Entry| {
            let (title, origin) = (entry.title.to_lowercase(), entry.origin.to_lowercase());
            words
                .iter()
                .all(|word| title.contains(word) || origin.contains(word))
        };
        let all: Vec<usize> = match &self.search {
            Some(search) => search.hits.iter().map(|(number, _)| *number).collect(),
            None => (0..self.entries.len()).collect(),
        };
        self.shown = all
            .into_iter()
            .filter(|&number| has_words(&self.entries[number]))
            .collect();
    }
}

/// Whether a note comes from the clipboard: then its file is the one that has no name.
fn is_pasted(note: &Note) -> bool {
    match note.source() {
        Source::File(file, _) => file.path.as_os_str() == "-",
        Source::Typed => true,
    }
}

/// What a note is called, and where it is from.
fn named(note: &Note, pasted: usize) -> (String, String) {
    let file = match note.source() {
        Source::File(file, _) if !is_pasted(note) => file,
        _ => return (format!("Pasted note {pasted}"), "Only in memory".to_owned()),
    };
    let of = |path: &Path| {
        let name = path.file_name().unwrap_or(path.as_os_str());
        name.to_string_lossy().into_owned()
    };
    let origin = of(&file.path);
    let whole = note.source().to_string();
    let place = whole.strip_prefix(&file.path.display().to_string());
    let title = match (&note.details().id, place) {
        (Some(id), _) if !id.trim().is_empty() => id.trim().to_owned(),
        (_, Some(place)) if !place.is_empty() => {
            place.trim_matches([':', '[', ']', '#']).to_owned()
        }
        _ => {
            let stem = file.path.file_stem().unwrap_or_default();
            return (stem.to_string_lossy().replace(['-', '_'], " "), origin);
        }
    };
    (title, origin)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(texts: &[&str]) -> Vec<Note> {
        let notes = texts.iter();
        notes
            .map(|text| Note::new(Source::Typed, (*text).to_owned()))
            .collect()
    }

    #[test]
    fn every_column_is_known_once_and_goes_with_its_file() {
        let mut library = Library::default();
        assert_eq!(library.columns().count(), 0);
        let folder = std::env::temp_dir().join(format!("auscult-columns-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let path = folder.join("notes.jsonl");
        let fields: Vec<String> = (0..15).map(|own| format!("\"f{own:02}\": \"x\"")).collect();
        let line = |fields: &str, label: &str| {
            format!("{{\"text\": \"Cough.\", \"labels\": [{label}], \"fields\": {{{fields}}}}}\n")
        };
        let text = line(&fields.join(", "), "") + &line("\"f03\": \"y\"", "\"a\"");
        std::fs::write(&path, text).unwrap();
        let read = crate::engine::import(
            std::slice::from_ref(&path),
            &Default::default(),
            &crate::engine::Job::silent(),
        );
        std::fs::remove_dir_all(&folder).unwrap();
        library.add(read.notes);
        library.add(typed(&["no field"]));
        let columns: Vec<&str> = library.columns().collect();
        assert_eq!(columns.len(), 16, "{columns:?}");
        assert_eq!(
            (columns[0], columns[1], columns[15]),
            ("label", "f00", "f14")
        );
        library.close_file(&path);
        assert_eq!((library.entries().len(), library.columns().count()), (1, 0));
    }

    #[test]
    fn lists_follow_filter_and_search() {
        let mut library = Library::default();
        let first = library.add(typed(&["no fever", "Fever. A fever again.", "cough"]));
        assert_eq!(library.shown().len(), 3);
        library.set_filter("note 2");
        let shown: Vec<&str> = library.shown().map(|(own, _)| own.title.as_str()).collect();
        assert_eq!(shown, ["Pasted note 2"]);
        library.set_filter("");
        library.set_search(Some(Regex::new("(?i)fever").unwrap()));
        while library.search_on(Duration::ZERO) {}
        let state = library.search_state().unwrap();
        assert_eq!((state.looked, state.notes, state.hits), (3, 2, 3));
        let hits: Vec<_> = library.shown().map(|(_, hits)| hits).collect();
        assert_eq!(hits, [Some(1), Some(2)]);
        let second = library.neighbour(first, 1).unwrap();
        assert_eq!(library.get(second).unwrap().title, "Pasted note 2");
        assert_eq!(library.neighbour(Some(second), 1), None);
        assert_eq!(library.neighbour(Some(second), -1), first);
        library.set_search(None);
        assert_eq!(library.shown().len(), 3);
    }
}
