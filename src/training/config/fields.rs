//! The list of fields: from it come the flags, the help, and the limits of values.

use toml::Value;

use super::ConfigFault;

/// A field of a run's description.
#[derive(Debug)]
pub struct Field {
    /// Its name in the file; the flag has two hyphens before it.
    pub name: &'static str,
    /// What its values are.
    pub kind: Kind,
    /// What it says, in a sentence.
    pub help: &'static str,
}

/// What the values of a field are.
#[derive(Debug)]
pub enum Kind {
    /// A path or a name.
    Word,
    /// Any number of them.
    Words,
    /// One of these.
    Choice(&'static [&'static str]),
    /// True or false.
    Switch,
    /// A whole number in these limits, both included.
    Whole {
        /// The smallest.
        least: u64,
        /// The largest.
        most: u64,
    },
    /// A number in these limits; `open` leaves both out.
    Number {
        /// The smallest.
        least: f64,
        /// The largest.
        most: f64,
        /// Whether the limits themselves are refused.
        open: bool,
    },
}

const fn whole(least: u64, most: u64) -> Kind {
    Kind::Whole { least, most }
}

const fn number(least: f64, most: f64) -> Kind {
    Kind::Number {
        least,
        most,
        open: false,
    }
}

const fn between(least: f64, most: f64) -> Kind {
    Kind::Number {
        least,
        most,
        open: true,
    }
}

const fn field(name: &'static str, kind: Kind, help: &'static str) -> Field {
    Field { name, kind, help }
}

/// More steps, epochs or rows than this are a slip.
const MANY: u64 = 1_000_000_000;

/// Every field, in the order of the help.
#[rustfmt::skip]
pub const FIELDS: &[Field] = &[
    field("task", Kind::Choice(&["masked-lm", "classify", "tag"]), "What the model is trained for"),
    field("model", Kind::Word, "Folder of the model to begin with, in Hugging Face layout"),
    field("from-scratch", Kind::Switch, "Take only config.json and the tokenizer of that folder, and random weights"),
    field("tokenizer", Kind::Word, "Folder of another tokenizer, for a model from scratch"),
    field("run", Kind::Word, "New folder for all that the run writes"),
    field("train", Kind::Words, "Files or folders of notes to learn from"),
    field("validation", Kind::Words, "Files or folders of notes to be judged by"),
    field("test", Kind::Words, "Files or folders of notes that the best model is judged by at the end"),
    field("validation-share", number(0.0, 0.9), "Share of the notes to learn from that is kept for judging instead; without effect beside validation"),
    field("test-share", number(0.0, 0.9), "Share of them that is kept for the end; without effect beside test"),
    field("text", Kind::Words, "Columns or fields of the text"),
    field("form", Kind::Word, "A text made from columns instead, as \"ICD 10 code for {code}: {description}\""),
    field("label", Kind::Word, "Column or field of the label, for classify"),
    field("separator", Kind::Word, "What stands between several labels in one cell, such as \";\""),
    field("several-labels", Kind::Switch, "Whether any number of labels may hold of a note"),
    field("patient", Kind::Word, "Column or field of the patient"),
    field("group", Kind::Word, "Column or field of which notes with the same value are in one part; the patient, if none is named"),
    field("stratify", Kind::Switch, "For classify: each part gets its share of each label"),
    field("data-memory", whole(1, 1 << 24), "MB of memory for the tokens of the notes and what is compared of them; what is more lies in a file without a name beside the run"),
    field("max-tokens", whole(8, 1 << 20), "The longest sequence in tokens, those of the template included; what is longer is cut"),
    field("batch", whole(1, MANY), "Notes that are read at once; where they are packed, as many as fit into this times max-tokens"),
    field("accumulate", whole(1, MANY), "Batches that make one step together"),
    field("pack", Kind::Switch, "For masked-lm: fill every batch with as many sequences as fit"),
    field("recompute", Kind::Switch, "Hold one layer at a time and compute it again for its gradient: less memory, a third more time"),
    field("epochs", whole(0, MANY), "How often every note is read"),
    field("steps", whole(0, MANY), "Steps of the run; 0 goes by epochs"),
    field("mask-rate", between(0.0, 1.0), "Share of tokens that is hidden, in the first step"),
    field("mask-rate-end", between(0.0, 1.0), "The same in the last step; in between it changes in a line"),
    field("mask-style", Kind::Choice(&["80-10-10", "mask"]), "What becomes of hidden tokens: 80 % masked, 10 % replaced, 10 % left; or all masked"),
    field("optimizer", Kind::Choice(&["adamw", "stableadamw", "stableadamw-published"]), "The rule of the update"),
    field("lr", between(0.0, 10.0), "Learning rate after the warm-up"),
    field("beta1", Kind::Number { least: 0.0, most: 0.999_999, open: false }, "Decay rate of the mean gradient"),
    field("beta2", Kind::Number { least: 0.0, most: 0.999_999_9, open: false }, "Decay rate of the mean squared gradient"),
    field("eps", between(0.0, 1.0), "Added to the denominator of the update"),
    field("weight-decay", number(0.0, 10.0), "Pull of matrices towards 0, times the learning rate"),
    field("clip", number(0.0, 1e9), "The largest norm of the gradient; 0 does not clip"),
    field("schedule", Kind::Choice(&["constant", "linear", "cosine", "trapezoid"]), "How the learning rate goes after the warm-up"),
    field("warmup", whole(0, MANY), "Steps in which the learning rate rises"),
    field("decay", whole(0, MANY), "Steps in which the learning rate of a trapezoid falls, at the end"),
    field("decay-shape", Kind::Choice(&["linear", "1-sqrt"]), "How it falls there"),
    field("class-weights", Kind::Choice(&["none", "balanced"]), "Whether rare classes count more"),
    field("focal-gamma", number(0.0, 10.0), "Power of the focal loss, in which what is told apart well already counts less; 0 is the plain loss"),
    field("label-smoothing", number(0.0, 0.5), "Share of the label that goes to all classes alike"),
    field("mode", Kind::Choice(&["full", "head", "lora"]), "Which parameters are trained"),
    field("lora-rank", whole(1, 4096), "Rank of the change of a matrix"),
    field("lora-alpha", between(0.0, 1e6), "The change is multiplied with alpha / rank"),
    field("lora-targets", Kind::Words, "Endings of the names of the modules that are changed"),
    field("evaluate-every", whole(0, MANY), "Steps between evaluations; 0 evaluates after every epoch"),
    field("save-every", whole(0, MANY), "Steps between checkpoints; 0 saves after every evaluation"),
    field("keep", whole(1, MANY), "Checkpoints that are kept, the newest"),
    field("patience", whole(0, MANY), "Evaluations without a better one after which the run ends; 0 goes on"),
    field("metric", Kind::Choice(&["auto", "macro-f1", "micro-f1", "weighted-f1", "overlap-f1", "accuracy", "mcc", "auroc", "loss"]), "What tells the best; auto is the loss for masked-lm, else macro-f1, for tag that of whole spans"),
    field("seed", whole(0, i64::MAX as u64), "Where all random numbers come from"),
];

impl Field {
    /// The field of this name.
    pub fn named(name: &str) -> Option<&'static Field> {
        FIELDS.iter().find(|field| field.name == name)
    }

    /// What is wrong with words that are to be its value, in a sentence; nothing if they fit.
    pub fn fault(&self, words: &[String]) -> Option<String> {
        let value = match self.kind.parse(words) {
            Ok(value) => value,
            Err(reason) => return Some(reason),
        };
        match (&self.kind, &value) {
            (Kind::Choice(choices), Value::String(found)) if !choices.contains(&&**found) => {
                Some(format!("\"{found}\" is none of {}", choices.join(", ")))
            }
            _ => self.rule(&value),
        }
    }

    /// That a value is within the limits.
    ///
    /// # Errors
    /// [`ConfigFault::Limit`] when it is not.
    pub(super) fn check(&self, value: &Value) -> Result<(), ConfigFault> {
        match self.rule(value) {
            None => Ok(()),
            Some(rule) => Err(ConfigFault::Limit {
                field: self.name,
                found: value.to_string(),
                rule: format!("{rule} ({})", self.help.to_lowercase()),
            }),
        }
    }

    /// The rule that a value breaks.
    fn rule(&self, value: &Value) -> Option<String> {
        match (&self.kind, value) {
            (Kind::Whole { least, most }, Value::Integer(found)) => {
                let fits =
                    u64::try_from(*found).is_ok_and(|found| (*least..=*most).contains(&found));
                (!fits).then(|| format!("it must be from {least} to {most}"))
            }
            (Kind::Number { least, most, open }, Value::Float(found)) => {
                let fits = match open {
                    true => least < found && found < most,
                    false => least <= found && found <= most,
                };
                let limits = match open {
                    true => format!("it must be between {least} and {most}, these excluded"),
                    false => format!("it must be from {least} to {most}"),
                };
                (!fits).then_some(limits)
            }
            _ => None,
        }
    }
}

impl Kind {
    /// The value that words on a command line stand for.
    pub(in crate::training) fn parse(&self, words: &[String]) -> Result<Value, String> {
        let [word] = words else {
            return match self {
                Self::Words => Ok(Value::Array(
                    words.iter().map(|word| word.as_str().into()).collect(),
                )),
                _ => Err("it takes one value".to_owned()),
            };
        };
        Ok(match self {
            Self::Words => Value::Array(words.iter().map(|word| word.as_str().into()).collect()),
            Self::Word | Self::Choice(_) => word.as_str().into(),
            Self::Switch => word
                .parse::<bool>()
                .map_err(|_| format!("\"{word}\" is neither true nor false"))?
                .into(),
            Self::Whole { .. } => word
                .parse::<i64>()
                .map_err(|_| format!("\"{word}\" is no whole number"))?
                .into(),
            Self::Number { .. } => word
                .parse::<f64>()
                .map_err(|_| format!("\"{word}\" is no number"))?
                .into(),
        })
    }
}
