//! In which fields the descriptions of several runs differ.

use toml::{Table, Value};

use crate::engine::{FIELDS, TrainConfig};

/// A field with its value in each run.
#[derive(Debug, Clone, PartialEq)]
pub struct Difference {
    /// The field.
    pub field: &'static str,
    /// Its value in each, as a recipe has it; empty where it has none.
    pub values: Vec<String>,
}

/// The fields in which descriptions differ, but for where the run is written.
pub fn differences(configs: &[&TrainConfig]) -> Vec<Difference> {
    let tables: Vec<Table> = (configs.iter())
        .map(|own| own.to_toml().parse().unwrap_or_default())
        .collect();
    let fields = FIELDS.iter().filter(|field| field.name != "run");
    let values = |field: &'static str| -> Vec<String> {
        let own = tables.iter().map(|table| table.get(field));
        own.map(|own| own.map_or_else(String::new, written))
            .collect()
    };
    fields
        .map(|field| Difference {
            field: field.name,
            values: values(field.name),
        })
        .filter(|own| own.values.windows(2).any(|pair| pair[0] != pair[1]))
        .collect()
}

/// A value as a person reads it.
fn written(value: &Value) -> String {
    match value {
        Value::String(own) => own.clone(),
        Value::Array(all) => all.iter().map(written).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_fields_that_differ_are_listed() {
        let a = TrainConfig::default();
        let b = TrainConfig {
            lr: 3e-4,
            group: Some("clinic".to_owned()),
            run: "elsewhere".into(),
            ..a.clone()
        };
        let found = differences(&[&a, &b, &a]);
        let fields: Vec<_> = found.iter().map(|own| own.field).collect();
        assert_eq!(fields, ["group", "lr"]);
        assert_eq!(found[0].values, ["", "clinic", ""]);
        assert!(differences(&[&a, &a]).is_empty());
    }
}
