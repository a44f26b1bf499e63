//! What an engine's sentence says to do, in the words of the window.

use std::sync::LazyLock;

use regex::{Captures, Regex};

use super::train::draft::title;

/// What the commands call something, and what the window calls it. The first that fits is taken.
const WORDS: [(&str, &str); 13] = [
    ("--resume goes on", "“Go on” continues"),
    ("use --device cpu", "compute on the processor"),
    (", and see `auscult doctor`", ""),
    ("; see `auscult doctor`", ""),
    ("name it with --text", "give that column the name text"),
    ("name another with --text", "give another the name text"),
    (
        "name one with --label NUMBER",
        "name its number as the label column",
    ),
    (
        "name another with --label",
        "the label column may be another",
    ),
    (
        "--label names another column",
        "the label column may be another",
    ),
    ("name the column with --label", "name the label column"),
    ("name another --encoding", "choose another encoding"),
    ("; `auscult notes rules` prints a file to start from", ""),
    ("start again, update", "update"),
];

/// A run that is there already: the window has a list of them.
static THERE: LazyLock<Regex> = LazyLock::new(|| {
    let own = r"or go on with it: auscult train[ \n]+--resume [^\n]*";
    Regex::new(own).expect("it is tested")
});

/// A name of a field as a flag.
static FLAG: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"--([a-z][a-z-]*)").expect("it is tested"));

/// An engine's sentence without the words of its commands, which the window does not have.
pub fn in_window(sentence: &str) -> String {
    let mut own = sentence.to_owned();
    let there = "or open it under Runs and go on with it";
    own = THERE.replace_all(&own, there).into_owned();
    for (command, window) in WORDS {
        own = own.replace(command, window);
    }
    let field = |own: &Captures<'_>| format!("“{}”", title(&own[1]));
    FLAG.replace_all(&own, field).into_owned()
}

#[cfg(test)]
mod tests {
    //! Would catch: a sentence that tells a person in the window to use a flag or a command.

    use std::fs;
    use std::path::{Path, PathBuf};

    use super::*;

    #[test]
    fn the_window_names_its_own_buttons() {
        let said = in_window(
            "r: is there already and not empty; name a new folder, or go on with it: auscult train \
             --resume r",
        );
        assert!(said.ends_with("name a new folder, or open it under Runs and go on with it"));
        let said = in_window("what was saved before is whole, and --resume goes on from there");
        assert!(said.ends_with("and “Go on” continues from there"), "{said}");
        let said = in_window(
            "the device was lost (x); start again, update its driver if that repeats, or use --device cpu",
        );
        let as_is = "the device was lost (x); update its driver if that repeats, or compute on the processor";
        assert_eq!(said, as_is);
    }

    fn sources(folder: &Path, all: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            // Documents that are written, the commands themselves, and tests.
            let other = [
                "cli", "app", "sweep", "tests", "tests.rs", "main.rs", "card.rs",
            ];
            if other.contains(&&*name) {
                continue;
            }
            match path.is_dir() {
                true => sources(&path, all),
                false => all.push(path),
            }
        }
    }

    #[test]
    fn no_sentence_of_the_engine_names_a_flag_or_a_command() {
        let mut all = Vec::new();
        sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut all);
        let text = Regex::new(r#"(?s)"(?:[^"\\]|\\.)*""#).unwrap();
        let command = Regex::new("--[a-z]|`auscult").unwrap();
        let line_end = Regex::new(r"\\\n\s*").unwrap();
        let (mut told, mut wrong) = (0, Vec::new());
        for path in all {
            let source = fs::read_to_string(&path).unwrap();
            let source = source.split("#[cfg(test)]").next().unwrap();
            let code = source
                .lines()
                .filter(|own| !own.trim_start().starts_with("//"));
            let code: String = code.map(|own| format!("{own}\n")).collect();
            let code = code.replace("'\"'", "' '").replace("\\\"", "”");
            for own in text.find_iter(&code) {
                let joined = line_end.replace_all(own.as_str(), "");
                if command.is_match(&joined) {
                    told += 1;
                    if command.is_match(&in_window(&joined)) {
                        wrong.push(format!("{}: {joined}", path.display()));
                    }
                }
            }
        }
        assert!(told >= 20, "only {told} were found");
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }
}
