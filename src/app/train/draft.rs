//! A run as it is described in the form: words for each field, as a recipe or a flag has them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{LazyLock, OnceLock};

use toml::{Table, Value};

use crate::engine::{ConfigFault, FIELDS, Field, FieldKind, TrainConfig};

/// A description that may not be whole.
#[derive(Debug, Clone)]
pub struct Draft {
    words: BTreeMap<&'static str, Vec<String>>,
    /// What its words come to, since every frame asks.
    settled: OnceLock<Settled>,
}

impl PartialEq for Draft {
    fn eq(&self, other: &Self) -> bool {
        self.words == other.words
    }
}

#[derive(Debug, Clone)]
struct Settled {
    faults: Vec<Fault>,
    config: Result<TrainConfig, Fault>,
}

/// Something that is wrong with a field.
#[derive(Debug, Clone, PartialEq)]
pub struct Fault {
    /// The field; none where it is of the whole.
    pub field: Option<&'static str>,
    /// What is wrong and what to do, in a sentence.
    pub reason: String,
}

impl Default for Draft {
    /// What is usual in the window: a classifier, with notes held back to choose and notes to judge by.
    fn default() -> Self {
        let mut own = Self::of(&TrainConfig::default());
        for (name, word) in [
            ("task", "classify"),
            ("validation-share", "0.15"),
            ("test-share", "0.15"),
        ] {
            own.set(name, Vec::from([word.to_owned()]));
        }
        own
    }
}

/// The words of a value.
fn words(value: &Value) -> Vec<String> {
    match value {
        Value::String(own) => Vec::from([own.clone()]),
        Value::Array(all) => all.iter().flat_map(words).collect(),
        other => Vec::from([other.to_string()]),
    }
}

impl Draft {
    /// The description of a run.
    pub fn of(config: &TrainConfig) -> Self {
        // What is written for a recipe is a table.
        let table: Table = config.to_toml().parse().unwrap_or_default();
        let words = FIELDS.iter().map(|field| {
            let own = table.get(field.name).map_or_else(Vec::new, words);
            let none = own.iter().all(String::is_empty);
            (field.name, if none { Vec::new() } else { own })
        });
        Self {
            words: words.collect(),
            settled: OnceLock::new(),
        }
    }

    /// What a recipe says.
    ///
    /// # Errors
    /// [`ConfigFault`] when it cannot be read, with the place where.
    pub fn read(path: &Path) -> Result<Self, ConfigFault> {
        Ok(Self::of(&TrainConfig::described(Some(path), &[])?))
    }

    /// The words of a field; none where it has no value.
    pub fn words(&self, name: &str) -> &[String] {
        self.words.get(name).map_or(&[], Vec::as_slice)
    }

    /// The only word of a field; empty where it has none.
    pub fn word(&self, name: &str) -> &str {
        self.words(name).first().map_or("", String::as_str)
    }

    /// The paths of a field.
    pub fn paths(&self, name: &str) -> impl Iterator<Item = PathBuf> {
        self.words(name).iter().map(PathBuf::from)
    }

    /// Gives a field these words.
    pub fn set(&mut self, name: &'static str, words: Vec<String>) {
        let none = words.iter().all(String::is_empty);
        let words = if none { Vec::new() } else { words };
        self.words.insert(name, words);
        self.settled.take();
    }

    /// The fields with a value.
    fn given(&self) -> Vec<(&'static str, Vec<String>)> {
        let given = self.words.iter().filter(|(name, words)| {
            // An empty list is a value of its own.
            let list = Field::named(name).is_some_and(|own| matches!(own.kind, FieldKind::Words));
            list || !words.is_empty()
        });
        given
            .map(|(name, words)| {
                // A line that was begun and holds nothing yet.
                let words = words.iter().filter(|own| !own.is_empty());
                (*name, words.cloned().collect())
            })
            .collect()
    }

    /// Everything that is wrong: of each field by itself, and, where that is nothing, the first thing
    /// that does not fit together.
    pub fn faults(&self) -> &[Fault] {
        &self.settled().faults
    }

    /// The run that is described.
    ///
    /// # Errors
    /// [`Fault`] with the first thing that is wrong.
    pub fn config(&self) -> Result<&TrainConfig, &Fault> {
        self.settled().config.as_ref()
    }

    fn settled(&self) -> &Settled {
        self.settled.get_or_init(|| {
            let config = self.read_config();
            Settled {
                faults: self.all_faults(config.as_ref().err()),
                config,
            }
        })
    }

    /// The faults of fields; where there is none, that of the whole.
    fn all_faults(&self, whole: Option<&Fault>) -> Vec<Fault> {
        let of_fields = FIELDS.iter().filter_map(|field| {
            let words = self.words(field.name);
            let must = matches!(
                field.kind,
                FieldKind::Whole { .. } | FieldKind::Number { .. } | FieldKind::Choice(_)
            );
            let reason = match (words, must) {
                ([], true) if !is_optional(field) => Some("a value is missing".to_owned()),
                ([], _) => None,
                (words, _) => field.fault(words),
            };
            reason.map(|reason| Fault {
                field: Some(field.name),
                reason,
            })
        });
        let found: Vec<Fault> = of_fields.collect();
        match found.is_empty() {
            false => found,
            true => whole.cloned().into_iter().collect(),
        }
    }

    fn read_config(&self) -> Result<TrainConfig, Fault> {
        TrainConfig::read(None, &self.given()).map_err(|fault| match fault {
            ConfigFault::Limit { field, rule, .. } => Fault {
                field: Some(field),
                reason: rule,
            },
            fault => Fault {
                field: None,
                reason: fault.to_string(),
            },
        })
    }

    /// The text of a recipe that says all of it, whole or not.
    ///
    /// # Errors
    /// [`ConfigFault`] when a field holds no value of its kind.
    pub fn to_toml(&self) -> Result<String, ConfigFault> {
        Ok(TrainConfig::described(None, &self.given())?.to_toml())
    }
}

/// Whether a field may have no value: then it has none in a usual description either.
fn is_optional(field: &Field) -> bool {
    static USUAL: LazyLock<Draft> = LazyLock::new(|| Draft::of(&TrainConfig::default()));
    USUAL.words(field.name).is_empty()
}

/// The name of a field on the screen.
pub fn title(name: &str) -> String {
    let known = match name {
        "lr" => "Learning rate",
        "eps" => "Epsilon",
        "pack" => "Pack sequences",
        "run" => "Folder of the run",
        "mode" => "What is trained",
        "task" => "Task",
        "label" => "Label column",
        "group" => "Keep together by",
        "train" => "Notes to learn from",
        "validation" => "Validation notes",
        "test" => "Test notes",
        "max-tokens" => "Longest sequence, in tokens",
        "batch" => "Notes at once",
        "focal-gamma" => "Focal loss",
        "lora-rank" => "LoRA rank",
        "lora-alpha" => "LoRA alpha",
        "lora-targets" => "LoRA targets",
        "warmup" => "Warm-up steps",
        "decay" => "Decay steps",
        "text" => "Text columns",
        "data-memory" => "Memory for notes, in MB",
        _ => "",
    };
    if !known.is_empty() {
        return known.to_owned();
    }
    let words = name.replace('-', " ");
    let mut letters = words.chars();
    match letters.next() {
        Some(first) => first.to_uppercase().chain(letters).collect(),
        None => words,
    }
}

/// The name of a choice on the screen.
pub fn choice(field: &str, word: &str) -> String {
    let known = match (field, word) {
        ("task", "classify") => "Label whole notes",
        ("task", "tag") => "Mark spans",
        ("task", "masked-lm") => "Fill masked words",
        ("mode", "full") => "All of the model",
        ("mode", "head") => "Only the head",
        ("mode", "lora") => "A small change (LoRA)",
        ("class-weights", "none") => "All the same",
        ("class-weights", "balanced") => "Rare classes more",
        ("metric", "auto") => "The usual one",
        _ => "",
    };
    match known {
        "" => word.to_owned(),
        known => known.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A value of each field that is not its default, as a flag would have it.
    fn other(field: &Field) -> Vec<String> {
        let word = match &field.kind {
            FieldKind::Word if field.name == "form" => "Code {code}".to_owned(),
            FieldKind::Word => format!("a \"{}\", b", field.name),
            FieldKind::Words => return Vec::from(["x, y".to_owned(), "z".to_owned()]),
            FieldKind::Choice(all) => all[1].to_owned(),
            FieldKind::Switch => "true".to_owned(),
            FieldKind::Whole { least, .. } => (least + 7).to_string(),
            FieldKind::Number { .. } => "0.125".to_owned(),
        };
        Vec::from([word])
    }

    #[test]
    fn form_description_and_recipe_say_the_same_of_every_field() {
        let mut draft = Draft::default();
        for field in FIELDS {
            draft.set(field.name, other(field));
        }
        let text = draft.to_toml().unwrap();
        let table: Table = text.parse().unwrap();
        assert_eq!(table.len(), FIELDS.len(), "every field is in the recipe");
        let temporary = tempfile::tempdir().unwrap();
        let path = temporary.path().join("recipe.toml");
        std::fs::write(&path, &text).unwrap();
        assert_eq!(Draft::read(&path).unwrap(), draft);
        // What takes no value in a recipe takes none here.
        let usual = TrainConfig::default();
        let back = TrainConfig::described(None, &Draft::of(&usual).given()).unwrap();
        assert_eq!(back, usual);
    }

    #[test]
    fn a_fault_stands_beside_its_field_with_the_limit() {
        let mut draft = Draft::default();
        let of = |draft: &Draft| -> Vec<(Option<&'static str>, String)> {
            let all = draft.faults().iter();
            all.map(|own| (own.field, own.reason.clone())).collect()
        };
        assert_eq!(of(&draft)[0].0, Some("model"));
        for (field, word, says) in [
            ("lr", "much", "no number"),
            ("lr", "11", "between 0 and 10"),
            ("batch", "0", "from 1"),
            ("epochs", "-1", "from 0"),
            ("epochs", "", "missing"),
            ("mode", "half", "none of full, head, lora"),
        ] {
            let mut own = draft.clone();
            own.set(field, Vec::from([word.to_owned()]));
            let found = of(&own);
            assert_eq!(found.len(), 1, "{found:?}");
            assert!(
                found[0].0 == Some(field) && found[0].1.contains(says),
                "{found:?}"
            );
        }
        for field in ["model", "train", "run"] {
            draft.set(field, Vec::from(["somewhere".to_owned()]));
        }
        assert_eq!(of(&draft), []);
        draft.set("metric", Vec::from(["overlap-f1".to_owned()]));
        let found = of(&draft);
        assert!(
            found[0].0 == Some("metric") && found[0].1.contains("spans"),
            "{found:?}"
        );
    }
}
