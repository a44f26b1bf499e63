//! What a run's description says of the notes.

use std::path::PathBuf;

use super::{ConfigFault, TaskKind, TrainConfig};
use crate::notes::template::Template;

/// The largest share of the notes that validation and test may get together.
const MOST_HELD_BACK: f64 = 0.9;

impl TrainConfig {
    /// That what is said of the notes fits together.
    pub(super) fn validate_data(&self) -> Result<(), ConfigFault> {
        let limit = |field: &'static str, found: &dyn std::fmt::Display, rule: String| {
            Err(ConfigFault::Limit {
                field,
                found: found.to_string(),
                rule,
            })
        };
        for (field, paths) in [
            ("train", &self.train),
            ("validation", &self.validation),
            ("test", &self.test),
        ] {
            if paths.iter().any(|path| path.as_os_str() == "-") {
                let rule = "standard input cannot be read again when a run goes on; name a file";
                return limit(field, &"-", rule.to_owned());
            }
        }
        let [validation, test] = self.shares();
        if validation + test > MOST_HELD_BACK {
            let rule = format!(
                "with validation-share {validation} more than {MOST_HELD_BACK} of the notes are held \
                 back, and too few are left to learn from; make one of both smaller"
            );
            return limit("test-share", &test, rule);
        }
        if let Some(form) = &self.form {
            if let Err(error) = Template::parse(form) {
                return limit("form", &format!("\"{form}\""), error.to_string());
            }
            if self.task == TaskKind::Tag {
                let rule = "spans are marked in the text that a note has, and a form makes another; \
                            leave it out for tag";
                return limit("form", &format!("\"{form}\""), rule.to_owned());
            }
        }
        match &self.separator {
            Some(separator) if separator.is_empty() => limit(
                "separator",
                &"empty",
                "name what stands between the labels of a cell, such as \";\"".to_owned(),
            ),
            Some(separator) if !self.several_labels => limit(
                "separator",
                &format!("\"{separator}\""),
                "a note with several labels is learned with several-labels = true only".to_owned(),
            ),
            _ => Ok(()),
        }
    }

    /// The shares of the notes to learn from that validation and test are to get: those of which no
    /// files are given.
    pub(in super::super) fn shares(&self) -> [f64; 2] {
        let share = |files: &[PathBuf], share: f64| if files.is_empty() { share } else { 0.0 };
        [
            share(&self.validation, self.validation_share),
            share(&self.test, self.test_share),
        ]
    }
}
