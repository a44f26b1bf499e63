//! Which fields a sweep cannot be over: what is compared has to be judged by the same measure on the
//! same notes.

use crate::training::config::{TaskKind, TrainConfig};

/// Why tokenizers have to agree.
pub(super) const LOSS: &str =
    "the loss of a token can be compared only where texts are divided into the same tokens";

/// Why no sweep can be over a field; `None` if one can.
pub(super) fn refusal(field: &str, task: TaskKind) -> Option<&'static str> {
    Some(match field {
        "run" => "it is the folder of all runs together, and names one",
        "seed" => {
            "a seed is no setting to choose from; --seeds N makes N runs of every setting, from \
             this seed on"
        }
        "task" | "metric" => "settings that are judged by different measures cannot be compared",
        "validation" | "validation-share" | "test" | "test-share" | "patient" | "group"
        | "stratify" | "label" | "separator" | "several-labels" => {
            "settings that are judged by different notes or labels cannot be compared"
        }
        "tokenizer" | "text" | "form" if task == TaskKind::MaskedLm => LOSS,
        "mask-style" | "mask-rate-end" if task == TaskKind::MaskedLm => {
            "settings that are judged by tokens hidden in different ways cannot be compared"
        }
        _ => return None,
    })
}

/// The share of tokens that is hidden where models are judged, if the task hides any.
pub(super) fn judged_mask_rate(config: &TrainConfig) -> Option<f64> {
    let rate = config.last_mask_rate();
    (config.task == TaskKind::MaskedLm).then_some(rate)
}
