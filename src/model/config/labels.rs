//! The names of the classes that a classifier tells apart.

use super::ConfigError;
use super::json::Fields;

/// More labels than this are a slip; they are held by name.
const MAX_LABELS: usize = 1 << 17;

/// `id2label` in the order of its ids, or else `LABEL_0` … for `num_labels`, which is 2 by default.
pub(super) fn read(fields: Fields) -> Result<Vec<String>, ConfigError> {
    let given = match fields.given("num_labels") {
        Some(_) => Some(fields.size("num_labels", 2)?),
        None => None,
    };
    if given.is_some_and(|labels| labels > MAX_LABELS) {
        let rule = format!("more than {MAX_LABELS} labels are taken for a slip");
        return Err(fields.refuse("num_labels", rule));
    }
    let Some(named) = fields.object("id2label")? else {
        return Ok((0..given.unwrap_or(2))
            .map(|id| format!("LABEL_{id}"))
            .collect());
    };
    if named.len() > MAX_LABELS {
        let rule = format!("more than {MAX_LABELS} labels are taken for a slip");
        return Err(fields.refuse("id2label", rule));
    }
    let mut labels = vec![None; named.len()];
    for (id, label) in named {
        let place = id.parse::<usize>().ok().and_then(|id| labels.get_mut(id));
        match (place, label.as_str()) {
            (Some(place @ None), Some(label)) => *place = Some(label.to_owned()),
            _ => {
                let rule = "it must give each id from 0 on, without gaps, one name";
                return Err(fields.refuse("id2label", rule));
            }
        }
    }
    // As many ids as places, each taken once.
    let labels: Vec<String> = labels.into_iter().flatten().collect();
    if labels.is_empty() {
        return Err(fields.refuse("id2label", "it must name at least one label"));
    }
    if given.is_some_and(|given| given != labels.len()) {
        let rule = format!("id2label names {} labels", labels.len());
        return Err(fields.refuse("num_labels", rule));
    }
    agree(fields, &labels)?;
    Ok(labels)
}

/// Refuses a `label2id` that gives a label of `id2label` another id.
fn agree(fields: Fields, labels: &[String]) -> Result<(), ConfigError> {
    let Some(ids) = fields.object("label2id")? else {
        return Ok(());
    };
    for (id, label) in labels.iter().enumerate() {
        if ids
            .get(label)
            .is_some_and(|found| found.as_u64() != Some(id as u64))
        {
            let rule = format!("id2label gives \"{label}\" the id {id}");
            return Err(fields.refuse("label2id", rule));
        }
    }
    Ok(())
}
