//! Takes typed values out of the object in a `config.json`, refusing impossible ones.

use std::path::Path;

use serde_json::{Map, Value};

use super::ConfigError;

/// The largest size that is believed. Anything above is a slip, and would not fit in memory.
const MAX_SIZE: u64 = i32::MAX as u64;

/// One JSON object of a file: the whole of it or an object inside.
#[derive(Clone, Copy)]
pub(super) struct Fields<'a> {
    file: &'a Path,
    /// Where the object is in the file: empty, or keys with a dot after each.
    path: &'a str,
    object: &'a Map<String, Value>,
}

impl<'a> Fields<'a> {
    pub(super) fn new(file: &'a Path, path: &'a str, object: &'a Map<String, Value>) -> Self {
        Self { file, path, object }
    }

    /// The fields of an object inside, at `path`.
    pub(super) fn inside(&self, path: &'a str, object: &'a Map<String, Value>) -> Self {
        Self {
            file: self.file,
            path,
            object,
        }
    }

    /// The value of `key` unless it is missing.
    pub(super) fn get(&self, key: &str) -> Option<&'a Value> {
        self.object.get(key)
    }

    /// The value of `key` unless it is missing or null.
    pub(super) fn given(&self, key: &str) -> Option<&'a Value> {
        self.get(key).filter(|value| !value.is_null())
    }

    /// The error for the value of `key`, which breaks `rule`.
    pub(super) fn refuse(&self, key: &str, rule: impl Into<String>) -> ConfigError {
        ConfigError::Value {
            file: self.file.to_owned(),
            key: format!("{}{key}", self.path),
            value: self
                .get(key)
                .map_or_else(|| "missing".to_owned(), shortened),
            rule: rule.into(),
        }
    }

    /// A size: a whole number of at least 1.
    pub(super) fn size(&self, key: &str, default: usize) -> Result<usize, ConfigError> {
        let Some(value) = self.get(key) else {
            return Ok(default);
        };
        value
            .as_u64()
            .filter(|size| (1..=MAX_SIZE).contains(size))
            .map(|size| size as usize)
            .ok_or_else(|| {
                self.refuse(
                    key,
                    format!("it must be a whole number from 1 to {MAX_SIZE}"),
                )
            })
    }

    /// A size that may be 0.
    pub(super) fn size_or_zero(&self, key: &str, default: usize) -> Result<usize, ConfigError> {
        match self.get(key).and_then(Value::as_u64) {
            Some(0) => Ok(0),
            _ => self.size(key, default),
        }
    }

    /// An index below `bound`, or null.
    pub(super) fn index(
        &self,
        key: &str,
        default: usize,
        bound: usize,
    ) -> Result<Option<usize>, ConfigError> {
        let index = match self.get(key) {
            None => Some(default as u64),
            Some(Value::Null) => return Ok(None),
            Some(value) => value.as_u64(),
        };
        index
            .filter(|&index| index < bound as u64)
            .map(|index| Some(index as usize))
            .ok_or_else(|| {
                let rule = format!("it must be null or a whole number below vocab_size ({bound})");
                match self.get(key) {
                    None => self.refuse(key, format!("{rule}, and its default is {default}")),
                    Some(_) => self.refuse(key, rule),
                }
            })
    }

    /// A finite number above 0; `None` when it is missing.
    pub(super) fn positive(&self, key: &str) -> Result<Option<f64>, ConfigError> {
        let Some(value) = self.get(key) else {
            return Ok(None);
        };
        let number = value
            .as_f64()
            .filter(|number| number.is_finite() && *number > 0.0);
        number
            .map(Some)
            .ok_or_else(|| self.refuse(key, "it must be a finite number above 0"))
    }

    /// True or false.
    pub(super) fn flag(&self, key: &str, default: bool) -> Result<bool, ConfigError> {
        match self.get(key) {
            None => Ok(default),
            Some(Value::Bool(flag)) => Ok(*flag),
            Some(_) => Err(self.refuse(key, "it must be true or false")),
        }
    }

    /// Text; `None` when it is missing or null.
    pub(super) fn text(&self, key: &str) -> Result<Option<&'a str>, ConfigError> {
        match self.given(key) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(self.refuse(key, "it must be text")),
        }
    }

    /// An object; `None` when it is missing or null.
    pub(super) fn object(&self, key: &str) -> Result<Option<&'a Map<String, Value>>, ConfigError> {
        match self.given(key) {
            None => Ok(None),
            Some(Value::Object(object)) => Ok(Some(object)),
            Some(_) => Err(self.refuse(key, "it must be an object")),
        }
    }

    /// Fails unless the text under `key` is missing, null or `only`.
    pub(super) fn only(&self, key: &str, only: &str, rule: &str) -> Result<(), ConfigError> {
        match self.text(key)? {
            Some(text) if text != only => Err(self.refuse(key, rule)),
            _ => Ok(()),
        }
    }
}

/// A value as JSON, cut after 60 characters.
pub(super) fn shortened(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(60) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}
