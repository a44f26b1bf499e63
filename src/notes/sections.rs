//! Finds the sections of a note by rules that a person can edit.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::fmt;
use std::ops::Range;
use std::path::Path;
use std::sync::LazyLock;

use regex::Regex;
use serde::{Deserialize, Serialize};

/// The rules that come with the program, as a file to start from.
pub const BUNDLED_RULES: &str = include_str!("../../assets/section-rules.toml");

/// Characters of the longest line that can be a heading no rule knows.
const LONGEST_UNKNOWN: usize = 60;

/// What a heading looks like, and what the section under it is called.
#[derive(Clone, PartialEq, Eq)]
pub struct SectionRules {
    /// From the heading in its compared form to the section's name.
    names: HashMap<String, String>,
    /// What looks like a heading and is none, in its compared form.
    none: HashSet<String>,
    unknown_headings: bool,
}

/// One section of a note; the sections of a note follow each other without a gap.
#[derive(Clone, PartialEq, Eq)]
pub struct Section {
    /// The name its rule gives it, the heading's own words if no rule knows it, or nothing for what
    /// stands before the first heading.
    pub name: String,
    /// Whether a rule knows the heading.
    pub known: bool,
    /// Bytes of the heading; empty before the first one.
    pub title: Range<usize>,
    /// Bytes of heading and text, up to the next heading.
    pub span: Range<usize>,
    /// Bytes of the text without the heading.
    pub body: Range<usize>,
}

/// A heading no rule knows is the note's own words, so its name is not printed.
impl fmt::Debug for Section {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = if self.known { &self.name } else { "…" };
        write!(f, "Section({name:?}, {:?})", self.span)
    }
}

impl fmt::Debug for SectionRules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SectionRules({} headings)", self.names.len())
    }
}

/// Why a file of rules cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RulesError {
    /// The file cannot be read.
    #[error("{path}: {error}")]
    Io {
        /// The file.
        path: String,
        /// Why.
        error: std::io::Error,
    },
    /// The file is not as it has to be.
    #[error("{path}: {reason}; `auscult notes rules` prints a file to start from")]
    Invalid {
        /// The file.
        path: String,
        /// What is wrong, and in which line where that is known.
        reason: String,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    unknown_headings: bool,
    #[serde(default)]
    section: Vec<Rule>,
}

/// A section and the headings under which it stands.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// What the section is called.
    pub name: String,
    /// Its headings.
    pub headings: Vec<String>,
}

/// The rules of a text, one by one.
///
/// # Errors
/// A sentence that says what is wrong, and in which line.
pub fn rule_list(text: &str) -> Result<Vec<Rule>, String> {
    Ok(File::parse(text)?.section)
}

impl File {
    fn parse(text: &str) -> Result<Self, String> {
        toml::from_str(text).map_err(|error| {
            let line = error.span().map(|span| line_of(text, span.start));
            match line {
                Some(line) => format!("line {line}: {}", error.message()),
                None => error.message().to_owned(),
            }
        })
    }
}

impl Default for SectionRules {
    fn default() -> Self {
        static BUNDLED: LazyLock<SectionRules> = LazyLock::new(|| {
            SectionRules::parse(BUNDLED_RULES).expect("a test parses the bundled rules")
        });
        BUNDLED.clone()
    }
}

impl SectionRules {
    /// Reads a file of rules, TOML as the bundled one.
    ///
    /// # Errors
    /// [`RulesError`] when it cannot be read or contradicts itself.
    pub fn read(path: &Path) -> Result<Self, RulesError> {
        let name = path.display().to_string();
        let text = std::fs::read_to_string(path).map_err(|error| RulesError::Io {
            path: name.clone(),
            error,
        })?;
        Self::parse(&text).map_err(|reason| RulesError::Invalid { path: name, reason })
    }

    /// Reads rules from a text.
    ///
    /// # Errors
    /// A sentence that says what is wrong, and in which line.
    pub fn parse(text: &str) -> Result<Self, String> {
        let file = File::parse(text)?;
        if file.section.is_empty() && !file.unknown_headings {
            return Err("there is no rule in it: nothing would be a heading".to_owned());
        }
        let mut names = HashMap::new();
        for Rule { name, headings } in file.section {
            if name.trim().is_empty() {
                return Err("a section has an empty name".to_owned());
            }
            if headings.is_empty() {
                return Err(format!("section \"{name}\" has no headings"));
            }
            for heading in headings {
                let key = compared(&heading);
                if key.is_empty() {
                    return Err(format!("section \"{name}\" has an empty heading"));
                }
                if let Some(other) = names.insert(key, name.clone()) {
                    return Err(format!(
                        "the heading \"{heading}\" stands under \"{other}\" and under \"{name}\"; \
                         one of them has to go"
                    ));
                }
            }
        }
        Ok(Self {
            names,
            none: HashSet::new(),
            unknown_headings: file.unknown_headings,
        })
    }

    /// The same rules, with some headings that stand for other sections: from the heading's words to
    /// the section's name, which is empty for what is no heading.
    #[must_use]
    pub fn with_headings(&self, headings: &BTreeMap<String, String>) -> Self {
        let mut own = self.clone();
        for (heading, name) in headings {
            let key = compared(heading);
            match name.trim() {
                "" => {
                    own.names.remove(&key);
                    own.none.insert(key);
                }
                name => {
                    own.none.remove(&key);
                    own.names.insert(key, name.to_owned());
                }
            }
        }
        own
    }

    /// The names of sections that headings stand for, in order of the alphabet.
    pub fn section_names(&self) -> Vec<&str> {
        let names: BTreeSet<&str> = self.names.values().map(String::as_str).collect();
        names.into_iter().collect()
    }

    /// The sections of `text`, in order; together they are the whole of it.
    ///
    /// The first one holds what stands before the first heading, unless that is nothing.
    pub fn outline(&self, text: &str) -> Vec<Section> {
        let mut sections: Vec<Section> = Vec::new();
        let first = Section {
            name: String::new(),
            known: false,
            title: 0..0,
            span: 0..text.len(),
            body: 0..text.len(),
        };
        sections.push(first);
        for line in lines(text) {
            let Some((name, known, title, body)) = self.heading(text, line.clone()) else {
                continue;
            };
            if let Some(before) = sections.last_mut() {
                before.span.end = line.start;
                before.body.end = line.start.max(before.body.start);
            }
            sections.push(Section {
                name,
                known,
                title,
                span: line.start..text.len(),
                body: body..text.len(),
            });
        }
        if sections.len() > 1 && sections[0].span.is_empty() {
            sections.remove(0);
        }
        sections
    }

    /// Name, whether a rule knows it, bytes of the heading, and where its text begins, if this line
    /// begins with a heading.
    fn heading(
        &self,
        text: &str,
        line: Range<usize>,
    ) -> Option<(String, bool, Range<usize>, usize)> {
        static LEAD: LazyLock<Regex> = LazyLock::new(|| {
            let pattern =
                r"^[\s\u{feff}\u{200b}*•\-–#>=_]*(?:(?:[0-9]{1,2}|[IVX]{1,5})[.)]\s+)?[*_]*";
            Regex::new(pattern).expect("the pattern is fixed")
        });
        let own = &text[line.clone()];
        let lead = LEAD.find(own).map_or(0, |found| found.end());
        let rest = &own[lead..];
        // The heading ends at a colon, at a dash between spaces, or with the line.
        let (end, after) = [(":", 1), (" - ", 3), (" – ", 5)]
            .into_iter()
            .filter_map(|(mark, length)| rest.find(mark).map(|at| (at, at + length)))
            .min()
            .unwrap_or((rest.len(), rest.len()));
        let title = rest[..end].trim_end_matches(|c: char| c.is_whitespace() || "*_=#".contains(c));
        let title_span = line.start + lead..line.start + lead + title.len();
        let after = after + rest[after..].len()
            - rest[after..]
                .trim_start_matches(|c: char| c.is_whitespace() || "*_".contains(c))
                .len();
        let body = line.start + lead + after;
        let ends_line = rest[after..].trim().is_empty();
        let colon = rest[end..].starts_with(':');
        let mut key = compared(title);
        if !self.names.contains_key(&key)
            && let Some((plain, _)) = title.split_once('(')
            && title.ends_with(')')
        {
            // "PE (pulmonary embolism)" is a problem, and no examination.
            let plain = compared(plain);
            key = if plain.len() > 2 { plain } else { key };
        }
        if self.none.contains(&key) {
            return None;
        }
        if let Some(name) = self.names.get(&key) {
            // One letter or a word such as "history" in running text needs the mark of a heading.
            let marked = end < rest.len() || ends_line;
            let short = key.chars().count() > 1 || colon;
            return (marked && short).then(|| (name.clone(), true, title_span, body));
        }
        // One word behind a bullet, as in "- GERD", is an item of a list.
        let item = !colon && own[..lead].contains(['-', '–', '*', '•']) && !own.contains("**");
        let unknown =
            self.unknown_headings && ends_line && !item && looks_like_heading(title, colon);
        unknown.then(|| (title.to_owned(), false, title_span, body))
    }
}

/// Whether a line of its own that no rule knows is a heading: short, with letters, no sentence,
/// and in capitals or before a colon.
fn looks_like_heading(title: &str, colon: bool) -> bool {
    let letters: Vec<char> = title.chars().filter(|c| c.is_alphabetic()).collect();
    let capitals = letters.len() >= 3 && letters.iter().all(|c| !c.is_lowercase());
    let starts = title.chars().next().is_some_and(char::is_alphabetic);
    let few = title.chars().count() <= LONGEST_UNKNOWN && title.split_whitespace().count() <= 6;
    let plain = !title.contains([',', ';', '?', '!', '"']) && !title.ends_with('.');
    let named = colon && letters.first().is_some_and(|c| c.is_uppercase()) && letters.len() >= 3;
    // "Patient is a 5 year old:" is a sentence that goes on.
    let verbs = ["is", "are", "was", "were", "has", "had"];
    let sentence = title.split_whitespace().any(|word| verbs.contains(&word));
    starts && few && plain && (capitals || named && !sentence)
}

/// A heading as it is compared: small letters, one space between words, `&`, `/`, `+` as "and".
fn compared(heading: &str) -> String {
    let spelled = heading
        .to_lowercase()
        .replace(['&', '/', '+'], " and ")
        .replace(['-', '–', '_', '(', ')'], " ");
    let words = spelled.split_whitespace().map(|word| match word {
        "hx" => "history",
        word => word,
    });
    words.collect::<Vec<_>>().join(" ")
}

/// Lines of a text without their ends: a line feed, with the carriage returns before it, or a
/// carriage return alone, as old systems write.
pub(super) fn lines(text: &str) -> impl Iterator<Item = Range<usize>> {
    let mut start = 0;
    // The next line feed and the end of the carriage returns here, so that neither is searched for
    // again at each line.
    let mut feed = text.find('\n').unwrap_or(text.len());
    let mut returns = text.len() - text.trim_start_matches('\r').len();
    std::iter::from_fn(move || {
        if start == text.len() {
            return None;
        }
        if feed < start {
            feed = text[start..].find('\n').map_or(text.len(), |at| start + at);
        }
        let own = start..text[start..feed].find('\r').map_or(feed, |at| start + at);
        if returns < own.end {
            let run = text[own.end..].bytes().take_while(|&byte| byte == b'\r');
            returns = own.end + run.count();
        }
        start = match text.as_bytes().get(returns) {
            Some(b'\n') => returns + 1,
            _ => (own.end + 1).min(text.len()),
        };
        Some(own)
    })
}

fn line_of(text: &str, byte: usize) -> usize {
    text[..byte.min(text.len())].matches('\n').count() + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headings_can_be_named_and_taken_away() {
        let text = "PLAN\nrest\nWARD ROUND\nseen\nMeds: none\n";
        let changes = [("ward round", "Progress"), ("Plan", ""), ("MEDS", "Pills")];
        let changes = changes.map(|(heading, name)| (heading.to_owned(), name.to_owned()));
        let rules = SectionRules::default().with_headings(&changes.into());
        let found = rules.outline(text).into_iter();
        let found: Vec<(String, bool)> = found.map(|own| (own.name, own.known)).collect();
        let want = [("", false), ("Progress", true), ("Pills", true)];
        assert_eq!(found, want.map(|(name, known)| (name.to_owned(), known)));
        // What was taken away comes back under a name.
        let back = [("plan".to_owned(), "Plan".to_owned())];
        let rules = rules.with_headings(&back.into());
        assert_eq!(rules.outline(text)[0].name, "Plan");
    }

    fn names(text: &str) -> Vec<String> {
        let sections = SectionRules::default().outline(text);
        sections.into_iter().map(|section| section.name).collect()
    }

    #[test]
    fn headings_are_found_where_clinicians_write_them() {
        assert_eq!(
            names("HPI: fever\nPMH:\n- DM2\n\nA&P\n1. rest"),
            [
                "History of present illness",
                "Past medical history",
                "Assessment and plan"
            ]
        );
        assert_eq!(names("Seen today.\nMedications: none"), ["", "Medications"]);
        assert_eq!(names("## Assessment / Plan\nok"), ["Assessment and plan"]);
        assert_eq!(
            names("2. Review of Systems - negative"),
            ["Review of systems"]
        );
        assert_eq!(
            names("S: cough\r\nO: clear\r\n"),
            ["Subjective", "Objective"]
        );
        assert_eq!(names("**Allergies:** none"), ["Allergies"]);
        assert_eq!(names("FAM/SOCHX\nsmokes"), ["Family and social history"]);
        assert_eq!(
            names("CARDIAC RISK\nnone\nHome setup:\nstairs"),
            ["CARDIAC RISK", "Home setup"]
        );
    }

    #[test]
    fn headings_have_remarks_and_short_forms() {
        for (text, name) in [
            ("Past Medical History (PMH): dm", "Past medical history"),
            (
                "History of Present Illness (HPI):",
                "History of present illness",
            ),
            ("Family hx: none", "Family history"),
            ("Social Hx\nnone", "Social history"),
            ("Meds (home)\naspirin", "Medications"),
            ("LABS (03/03/2031)\nNa 140", "Results"),
            (
                "Assessment and Plan (by problem)\nrest",
                "Assessment and plan",
            ),
            ("OBJECTIVE: To find out.\nMETHODS: x", "Objective"),
        ] {
            assert_eq!(names(text)[0], name, "{text}");
        }
        assert_eq!(
            names("Problem list:\n- GERD\n- HTN\n"),
            ["Past medical history"]
        );
        assert_eq!(names("- **GOALS**\nrest"), ["GOALS"]);
    }

    #[test]
    fn running_text_is_no_heading() {
        for text in [
            "Patient is a 5 year old:",
            "PE (pulmonary embolism)",
            "Medications were reviewed with the patient.",
            "BP: 120/80",
            "Time: 10:30",
            "A fever was noted: 38.5",
            "The patient said the following, among others:",
            "NaCl 0.9% at 75 mL/h",
            "A\nfever",
        ] {
            assert_eq!(names(text), [""], "{text}");
        }
    }

    #[test]
    fn a_section_knows_heading_and_text() {
        let text = "x\n  HPI: fever\nPlan\nrest";
        let sections = SectionRules::default().outline(text);
        assert_eq!(&text[sections[1].title.clone()], "HPI");
        assert_eq!(&text[sections[1].body.clone()], "fever\n");
        assert_eq!(&text[sections[1].span.clone()], "  HPI: fever\n");
        assert_eq!(&text[sections[2].body.clone()], "\nrest");
        assert!(format!("{sections:?}").contains("History of present illness"));
        let unknown = SectionRules::default().outline("SECRET WORD\nx");
        assert!(!format!("{unknown:?}").contains("SECRET"));
    }

    #[test]
    fn lines_end_in_every_usual_way() {
        let split = |text: &'static str| lines(text).map(|line| &text[line]).collect::<Vec<_>>();
        assert_eq!(split("a\nb\r\nc\rd"), ["a", "b", "c", "d"]);
        assert_eq!(split("\r\r\na\r\r\nb\r\rc\n"), ["", "a", "b", "", "c"]);
        assert!(split("").is_empty());
        assert_eq!(lines(&"\r".repeat(200_000)).count(), 200_000);
        assert_eq!(
            names("HPI: fever\rPMH:\rDM2\r"),
            ["History of present illness", "Past medical history"]
        );
    }

    #[test]
    fn wrong_rules_are_refused_with_a_reason() {
        for (text, says) in [
            ("unknown_headings = false", "no rule"),
            ("[[section]]\nname = \"\"\nheadings = [\"a\"]", "empty name"),
            ("[[section]]\nname = \"A\"\nheadings = []", "no headings"),
            (
                "[[section]]\nname = \"A\"\nheadings = [\" \"]",
                "empty heading",
            ),
            (
                "[[section]]\nname = \"A\"\nheadings = [\"x\", \"X\"]",
                "stands under",
            ),
            ("[[section]]\nname = \"A\"\nheadigs = [\"x\"]", "line 3"),
            ("[[section", "line 1"),
        ] {
            let error = SectionRules::parse(text).unwrap_err();
            assert!(error.contains(says), "{error}");
        }
        assert!(SectionRules::read(Path::new("no/such/file.toml")).is_err());
    }
}
