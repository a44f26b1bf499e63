//! Which column or field holds what.

use super::Columns;

/// Usual names of the text, the likeliest first.
const TEXT: &[&str] = &[
    "text",
    "note_text",
    "note",
    "report_text",
    "report",
    "section_text",
    "clinical_note",
    "body",
    "content",
    "transcription",
    "document",
    "abstract",
    "contexts",
    "dialogue",
    "sentence",
];
const ID: &[&str] = &[
    "note_id",
    "row_id",
    "id",
    "document_id",
    "doc_id",
    "note_nr",
    "encounter_id",
    "pmid",
    "key",
];
const PATIENT: &[&str] = &[
    "subject_id",
    "patient_id",
    "patient",
    "person_id",
    "mrn",
    "pid",
];
const LABEL: &[&str] = &[
    "final_decision",
    "label",
    "labels",
    "section_header",
    "class",
    "category",
    "target",
];

/// Tables that many people have, with columns that only they have together.
const KNOWN: &[(&str, &[&str])] = &[
    (
        "MIMIC-III NOTEEVENTS",
        &[
            "row_id",
            "subject_id",
            "hadm_id",
            "category",
            "iserror",
            "text",
        ],
    ),
    (
        "MIMIC-IV notes",
        &[
            "note_id",
            "subject_id",
            "hadm_id",
            "note_type",
            "note_seq",
            "text",
        ],
    ),
];

/// Which of a file's columns holds what, by number.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Roles {
    /// The text; several are joined.
    pub(super) text: Vec<usize>,
    pub(super) id: Option<usize>,
    pub(super) patient: Option<usize>,
    pub(super) label: Option<usize>,
    /// Marks a row as wrong if it holds a 1.
    pub(super) error: Option<usize>,
    /// What the table is known as.
    pub(super) known: Option<&'static str>,
    /// Columns that could be the text as well.
    pub(super) other_texts: Vec<String>,
    /// Whether the text is made of columns that keep their own meaning, too.
    pub(super) stands_in: bool,
}

impl Roles {
    /// Whether a column is the text and nothing else.
    pub(super) fn is_taken(&self, column: usize) -> bool {
        !self.stands_in && self.text.contains(&column)
    }
}

/// Whether one of the columns has a usual name of the text.
pub(super) fn has_text(names: &[String]) -> bool {
    names.iter().any(|name| rank(TEXT, name).is_some())
}

/// How many of the names are usual ones.
pub(super) fn known_names(names: &[String]) -> usize {
    let usual = [TEXT, ID, PATIENT, LABEL];
    let known = |name: &&String| usual.iter().any(|usual| rank(usual, name).is_some());
    names.iter().filter(known).count()
}

/// Whether a cell says that its row is wrong: a number that is not zero, as pandas writes 1.0.
pub(super) fn is_error(cell: &str) -> bool {
    let cell = cell.trim();
    let number = cell
        .parse::<f64>()
        .is_ok_and(|number| number != 0.0 && !number.is_nan());
    number || cell.eq_ignore_ascii_case("true")
}

fn rank(usual: &[&str], name: &str) -> Option<usize> {
    let name = name.trim().to_lowercase().replace([' ', '-'], "_");
    usual.iter().position(|usual| *usual == name)
}

/// The column that a person names: the one of this name, else one that differs in case only.
pub(super) fn position(names: &[String], wanted: &str) -> Option<usize> {
    let same = |name: &String| name.trim().eq_ignore_ascii_case(wanted.trim());
    let own = names.iter().position(|name| name == wanted);
    own.or_else(|| names.iter().position(same))
}

/// Whether these are names of columns or fields, and not a first row of data.
fn looks_like_names(names: &[String]) -> bool {
    let name = |name: &String| {
        let name = name.trim();
        let starts = name.starts_with(|c: char| c.is_alphabetic() || c == '_');
        name.chars().any(char::is_alphabetic)
            && name.chars().count() <= 40
            && name.split_whitespace().count() <= if starts { 3 } else { 1 }
    };
    !names.is_empty() && names.iter().all(name)
}

/// The column with the likeliest of the usual names.
fn likeliest(names: &[String], usual: &[&str]) -> Option<usize> {
    let found = names.iter().enumerate();
    found
        .filter_map(|(column, name)| rank(usual, name).map(|rank| (rank, column)))
        .min()
        .map(|(_, column)| column)
}

/// Finds the columns that `columns` names, and recognises those it does not.
///
/// # Errors
/// A sentence when a named column does not exist, or nothing looks like the text.
pub(super) fn roles(names: &[String], columns: &Columns) -> Result<Roles, String> {
    // What is no list of names can be a row of data, and data is not repeated.
    let listed = || match (looks_like_names(names), known_names(names)) {
        (true, 2..) => format!("there are: {}", names.join(", ")),
        (true, _) => format!(
            "there are {}, not named here: they could be data",
            names.len()
        ),
        (false, _) => "but the first line does not look like names of columns".to_owned(),
    };
    let named = |wanted: &String| {
        position(names, wanted)
            .ok_or_else(|| format!("there is no column \"{wanted}\"; {}", listed()))
    };
    let mut roles = Roles {
        error: names
            .iter()
            .position(|name| name.eq_ignore_ascii_case("iserror")),
        ..Roles::default()
    };
    let has = |wanted: &&str| names.iter().any(|name| name.eq_ignore_ascii_case(wanted));
    roles.known = KNOWN
        .iter()
        .find(|(_, wanted)| wanted.iter().all(has))
        .map(|(name, _)| *name);
    if columns.text.is_empty() {
        let of_form = columns.form.iter();
        let of_form: Vec<usize> = of_form.filter_map(|own| position(names, own)).collect();
        match likeliest(names, TEXT) {
            Some(text) => {
                let title = names
                    .iter()
                    .position(|name| name.eq_ignore_ascii_case("title"));
                let is_abstract = names[text].eq_ignore_ascii_case("abstract");
                roles.text = match title {
                    Some(title) if is_abstract => vec![title, text],
                    _ => vec![text],
                };
                let others = names.iter().enumerate().filter(|(column, name)| {
                    !roles.text.contains(column) && rank(TEXT, name).is_some()
                });
                roles.other_texts = others.map(|(_, name)| name.clone()).collect();
            }
            None if of_form.is_empty() => {
                let missing = match columns.form.is_empty() {
                    true => "no column looks like the text; name it with --text",
                    false => "the text form names no column of it",
                };
                return Err(format!("{missing}; {}", listed()));
            }
            None => (roles.text, roles.stands_in) = (of_form, true),
        }
    } else {
        roles.text = columns.text.iter().map(named).collect::<Result<_, _>>()?;
    }
    let choose = |wanted: &Option<String>, usual| match wanted {
        Some(wanted) => named(wanted).map(Some),
        None => Ok(likeliest(names, usual).filter(|column| !roles.is_taken(*column))),
    };
    let (id, patient, label) = (
        choose(&columns.id, ID)?,
        choose(&columns.patient, PATIENT)?,
        choose(&columns.label, LABEL)?,
    );
    (roles.id, roles.patient, roles.label) = (id, patient, label);
    Ok(roles)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(list: &str) -> Vec<String> {
        list.split(',').map(str::to_owned).collect()
    }

    #[test]
    fn usual_names_are_recognised() {
        let mimic = "ROW_ID,SUBJECT_ID,HADM_ID,CHARTDATE,CATEGORY,DESCRIPTION,CGID,ISERROR,TEXT";
        let roles = roles(&names(mimic), &Columns::default()).unwrap();
        assert_eq!(roles.known, Some("MIMIC-III NOTEEVENTS"));
        assert_eq!(
            (
                roles.text,
                roles.id,
                roles.patient,
                roles.label,
                roles.error
            ),
            (vec![8], Some(0), Some(1), Some(4), Some(7))
        );
        let discharge = "note_id,subject_id,hadm_id,note_type,note_seq,charttime,storetime,text";
        let found = super::roles(&names(discharge), &Columns::default()).unwrap();
        assert_eq!((found.known, found.text), (Some("MIMIC-IV notes"), vec![7]));
        let found = super::roles(&names("pmid,title,abstract"), &Columns::default()).unwrap();
        assert_eq!((found.text, found.id), (vec![1, 2], Some(0)));
        let found = super::roles(&names("dialogue,note"), &Columns::default()).unwrap();
        assert_eq!(
            (found.text, found.other_texts),
            (vec![1], names("dialogue"))
        );
    }

    #[test]
    fn named_columns_go_first_and_missing_ones_are_said() {
        let columns = Columns {
            text: names("b,A"),
            label: Some("text".to_owned()),
            ..Columns::default()
        };
        let found = roles(&names("a,b,text"), &columns).unwrap();
        assert_eq!((found.text, found.label), (vec![1, 0], Some(2)));
        let columns = Columns {
            id: Some("x".to_owned()),
            ..Columns::default()
        };
        assert!(
            roles(&names("a,text,label"), &columns)
                .unwrap_err()
                .contains("a, text, label")
        );
        for line in ["12,Jane fever", "Jane Doe,fever", "id,Jane Doe"] {
            let error = roles(&names(line), &Columns::default()).unwrap_err();
            assert!(!error.contains("Jane"), "{error}");
        }
        assert!(
            roles(&names("a,b"), &Columns::default())
                .unwrap_err()
                .contains("--text")
        );
    }

    #[test]
    fn a_text_form_stands_for_the_text() {
        let form = |form: &str| Columns {
            form: names(form),
            ..Columns::default()
        };
        let found = roles(
            &names("id,code,description,label"),
            &form("Code,description"),
        )
        .unwrap();
        assert_eq!((found.text, found.stands_in), (vec![1, 2], true));
        let found = roles(&names("id,code,text"), &form("id,code")).unwrap();
        assert_eq!((found.text, found.stands_in), (vec![2], false));
        let found = roles(&names("id,code"), &form("id,code")).unwrap();
        assert_eq!((found.id, found.is_taken(0)), (Some(0), false));
        let error = roles(&names("id,label,code"), &form("kode")).unwrap_err();
        assert!(error.contains("form") && error.contains("code"), "{error}");
    }
}
