//! Low-rank adapters in the layout of PEFT, opened as the model that they make of another one.
//!
//! `adapter_config.json` names the model that the adapter was trained on; `adapter_model.safetensors`
//! holds for each changed matrix `W` two thin ones, and modules that were trained whole. The model
//! has `W + scale · B · A` (Hu et al. 2022, <https://arxiv.org/abs/2106.09685>) with
//! `scale = alpha / r`, or `alpha / √r` with `use_rslora`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::error::LoadError;
use super::folder::{self, WeightFile};
use super::names::Spelling;
use super::structure::Structure;
use super::{Checkpoint, StoredTensor};
use crate::model::config::{self, CONFIG_FILE, ModelConfig, file};

const ADAPTER_CONFIG: &str = "adapter_config.json";
const ADAPTER_WEIGHTS: &str = "adapter_model.safetensors";
const PREFIX: &str = "base_model.model.";
/// Folders around an adapter beside which its base is looked for.
const AROUND: usize = 3;
/// The largest `adapter_config.json` that is read, in bytes.
const MAX_BYTES: u64 = 16 << 20;

/// Settings that change nothing of what a trained adapter computes, or that are read here.
const KNOWN: [&str; 18] = [
    "auto_mapping",
    "base_model_name_or_path",
    "eva_config",
    "exclude_modules",
    "inference_mode",
    "layers_pattern",
    "layers_to_transform",
    "lora_alpha",
    "lora_dropout",
    "megatron_config",
    "megatron_core",
    "modules_to_save",
    "peft_type",
    "peft_version",
    "r",
    "revision",
    "target_modules",
    "task_type",
];

/// Settings with the values that change nothing.
const PLAIN: [(&str, &[&str]); 3] = [
    ("bias", &["\"none\""]),
    // The others change the base's weights when the adapter is put on it.
    ("init_lora_weights", &["true", "\"gaussian\""]),
    ("use_rslora", &["true"]),
];

/// What an adapter does to matrices of its base.
#[derive(Debug)]
pub(super) struct Changes {
    base: PathBuf,
    scale: f32,
    /// By the parameter that is changed.
    pairs: BTreeMap<String, Pair>,
}

/// The thin matrices of a change by their place in the checkpoint.
#[derive(Debug)]
struct Pair {
    /// `[r, in]`.
    a: Thin,
    /// `[out, r]`.
    b: Thin,
}

#[derive(Debug)]
struct Thin {
    tensor: StoredTensor,
    place: (usize, usize),
}

impl Changes {
    /// The folder of the model that the adapter was trained on.
    pub(super) fn base(&self) -> &Path {
        &self.base
    }

    /// Adds to the values of a parameter, `[out, in]`, what the adapter changes.
    pub(super) fn apply(
        &self,
        checkpoint: &Checkpoint,
        parameter: &str,
        values: &mut [f32],
    ) -> Result<(), LoadError> {
        let Some(Pair { a, b }) = self.pairs.get(parameter) else {
            return Ok(());
        };
        let [rank, input] = [a.tensor.shape[0], a.tensor.shape[1]];
        let [a, b] = [a, b].map(|thin| checkpoint.stored(thin.place, &thin.tensor));
        let (a, b) = (a?, b?);
        for (row, factors) in values.chunks_exact_mut(input).zip(b.chunks_exact(rank)) {
            let mut change = vec![0.0; input];
            for (factor, thin) in factors.iter().zip(a.chunks_exact(input)) {
                for (sum, value) in change.iter_mut().zip(thin) {
                    *sum += factor * value;
                }
            }
            for (value, change) in row.iter_mut().zip(change) {
                *value += self.scale * change;
            }
        }
        Ok(())
    }
}

/// The folder of the model that an adapter changes; `None` where a folder holds no adapter.
///
/// # Errors
/// [`LoadError`] when the adapter cannot be read, or the model is not found.
pub fn base_of(folder: &Path) -> Result<Option<PathBuf>, LoadError> {
    if !is_adapter(folder) {
        return Ok(None);
    }
    let description = folder.join(ADAPTER_CONFIG);
    let found = read(&description).and_then(|fields| base(&fields, folder));
    found.map(Some).map_err(|reason| LoadError::Adapter {
        file: description,
        reason,
    })
}

/// Whether a folder holds an adapter and no weights of its own.
pub(super) fn is_adapter(folder: &Path) -> bool {
    folder.join(ADAPTER_CONFIG).exists() && !folder::has_weights(folder)
}

/// Opens an adapter on its base.
///
/// What the model is for comes from a `config.json` beside the adapter, or else from `task_type`
/// and the base.
pub(super) fn open(folder: &Path) -> Result<Checkpoint, LoadError> {
    let description = folder.join(ADAPTER_CONFIG);
    let wrong = |reason: String| LoadError::Adapter {
        file: description.clone(),
        reason,
    };
    let fields = read(&description).map_err(wrong)?;
    let scale = scale(&fields).map_err(wrong)?;
    let base_folder = base(&fields, folder).map_err(wrong)?;
    if is_adapter(&base_folder) {
        return Err(wrong(format!(
            "its base {} is an adapter too; name the model that both change",
            base_folder.display()
        )));
    }
    let mut checkpoint = Checkpoint::open(&base_folder)?;
    let weights = folder.join(ADAPTER_WEIGHTS);
    if !weights.exists() {
        return Err(wrong(format!("{ADAPTER_WEIGHTS} is missing beside it")));
    }
    let weights = WeightFile::safetensors(weights)?;
    let (whole, thin) = sorted(&weights, checkpoint.files.len(), &checkpoint.config);
    let mut pairs = BTreeMap::new();
    for (parameter, halves) in thin {
        let pair = pair(&checkpoint, &parameter, halves, &fields["r"]).map_err(wrong)?;
        pairs.insert(parameter, pair);
    }
    checkpoint.files.push(weights);
    let config = match config::read_text(folder) {
        Ok((text, file)) => ModelConfig::parse(&text, &file)?,
        Err(_) if !folder.join(CONFIG_FILE).exists() => {
            for_task(&checkpoint.config, &fields, &whole).map_err(wrong)??
        }
        Err(error) => return Err(error.into()),
    };
    for Whole { parameter, thin } in whole {
        let kept: Vec<bool> = (checkpoint.parameters.iter())
            .map(|own| *own != parameter)
            .collect();
        checkpoint.retain(&kept);
        checkpoint.parameters.push(parameter);
        checkpoint.tensors.push(thin.tensor);
        checkpoint.places.push(thin.place);
    }
    checkpoint.structure = Structure::decide(&config, &checkpoint.parameters, folder)?;
    checkpoint.config = config;
    checkpoint.folder = folder.to_owned();
    checkpoint.changes = Some(Changes {
        base: base_folder,
        scale,
        pairs,
    });
    Ok(checkpoint)
}

fn read(description: &Path) -> Result<Map<String, Value>, String> {
    let text = file::read_text(description, MAX_BYTES).map_err(|fault| fault.to_string())?;
    let fields = match serde_json::from_str(&text) {
        Ok(Value::Object(fields)) => fields,
        Ok(_) => return Err("is not a JSON object".to_owned()),
        Err(error) => return Err(format!("is not JSON: {error}")),
    };
    let kind = fields.get("peft_type").and_then(Value::as_str);
    if kind != Some("LORA") {
        return Err(format!(
            "peft_type is {}; only LORA is supported: merge the adapter with peft's \
             merge_and_unload and save the model",
            kind.unwrap_or("missing")
        ));
    }
    for (name, value) in &fields {
        let value = value.to_string();
        let plain = PLAIN.iter().find(|(own, _)| own == name);
        let nothing = ["null", "false", "[]", "{}"].contains(&value.as_str());
        let known = KNOWN.contains(&name.as_str())
            || nothing
            || plain.is_some_and(|(_, values)| values.contains(&value.as_str()));
        if !known {
            return Err(format!(
                "{name} is {value}, which is not supported: merge the adapter with peft's \
                 merge_and_unload and save the model"
            ));
        }
    }
    Ok(fields)
}

/// What the product of the thin matrices is multiplied with.
fn scale(fields: &Map<String, Value>) -> Result<f32, String> {
    let number = |name: &str| {
        let value = fields.get(name).and_then(Value::as_f64);
        let value = value.filter(|value| value.is_finite() && *value > 0.0);
        value.ok_or_else(|| format!("{name} must be a number above 0"))
    };
    let (rank, alpha) = (number("r")?, number("lora_alpha")?);
    let root = fields.get("use_rslora") == Some(&Value::Bool(true));
    let rank = if root { rank.sqrt() } else { rank };
    Ok((alpha / rank) as f32)
}

/// The folder of the base: as it is named, from the adapter's folder or from the current one; or by
/// its last name beside the adapter, or beside the folders around it, where a run has it.
fn base(fields: &Map<String, Value>, folder: &Path) -> Result<PathBuf, String> {
    let name = fields
        .get("base_model_name_or_path")
        .and_then(Value::as_str);
    let name = name.filter(|name| !name.is_empty()).ok_or(
        "base_model_name_or_path is missing: write the folder of the model that the adapter \
         belongs to there",
    )?;
    let named = Path::new(name);
    let folder = std::path::absolute(folder).map_err(|error| error.to_string())?;
    let around = folder.ancestors().skip(1).take(AROUND);
    let beside = (named.file_name().into_iter())
        .flat_map(|last| around.clone().map(move |parent| parent.join(last)));
    let places = [folder.join(named), named.to_owned()]
        .into_iter()
        .chain(beside);
    // A name on a model hub may look like a folder that holds many.
    let is_model = |place: &PathBuf| place.join(CONFIG_FILE).exists();
    places.clone().find(is_model).ok_or_else(|| {
        let places: Vec<String> = places.map(|place| place.display().to_string()).collect();
        format!(
            "the adapter changes the model \"{name}\", which is in none of {}; put its folder \
             beside the adapter's, or write its path into base_model_name_or_path",
            places.join(", ")
        )
    })
}

/// A parameter that the adapter replaces.
struct Whole {
    parameter: String,
    thin: Thin,
}

/// What is stored, sorted into whole parameters and the halves `[A, B]` of changes, by parameter.
fn sorted(
    weights: &WeightFile,
    file: usize,
    config: &ModelConfig,
) -> (Vec<Whole>, BTreeMap<String, [Option<Thin>; 2]>) {
    let tensors = weights.tensors();
    let inner = |name: &str| name.strip_prefix(PREFIX).unwrap_or(name).to_owned();
    let names: Vec<String> = tensors.iter().map(|(name, ..)| inner(name)).collect();
    let spelling = Spelling::of(names.iter().map(String::as_str), config.model_type());
    let mut whole = Vec::new();
    let mut thin: BTreeMap<String, [Option<Thin>; 2]> = BTreeMap::new();
    for (index, ((stored, dtype, shape), name)) in tensors.into_iter().zip(&names).enumerate() {
        let own = Thin {
            tensor: StoredTensor {
                name: stored.to_owned(),
                dtype,
                shape: shape.to_vec(),
                file: weights.path.clone(),
            },
            place: (file, index),
        };
        let half = [".lora_A.weight", ".lora_B.weight"]
            .iter()
            .position(|ending| name.ends_with(ending));
        match half {
            None => whole.push(Whole {
                parameter: spelling.parameter(name),
                thin: own,
            }),
            Some(half) => {
                let module = &name[..name.len() - ".lora_A.weight".len()];
                let parameter = spelling.parameter(&format!("{module}.weight"));
                thin.entry(parameter).or_default()[half] = Some(own);
            }
        }
    }
    (whole, thin)
}

/// Both halves of a change, if they fit the parameter and each other.
fn pair(
    checkpoint: &Checkpoint,
    parameter: &str,
    halves: [Option<Thin>; 2],
    r: &Value,
) -> Result<Pair, String> {
    let [Some(a), Some(b)] = halves else {
        return Err(format!(
            "{ADAPTER_WEIGHTS} holds one of the two matrices that change {parameter}"
        ));
    };
    let place = checkpoint
        .parameters
        .iter()
        .position(|own| own == parameter);
    let Some(place) = place else {
        return Err(format!(
            "it changes {parameter}, which the base does not have: base and adapter do not belong \
             together"
        ));
    };
    let shape = &checkpoint.tensors[place].shape;
    match (&shape[..], &a.tensor.shape[..], &b.tensor.shape[..]) {
        ([out, input], [rank, a], [b, other])
            if (out, input, rank) == (b, a, other) && r.as_u64() == Some(*rank as u64) => {}
        (shape, a, b) => {
            return Err(format!(
                "{parameter} has the shape {shape:?}, which matrices of {a:?} and {b:?} cannot \
                 change with r {r}: base, adapter and its settings do not belong together"
            ));
        }
    }
    Ok(Pair { a, b })
}

/// The base's configuration for the task of an adapter that has none of its own.
fn for_task(
    base: &ModelConfig,
    fields: &Map<String, Value>,
    whole: &[Whole],
) -> Result<Result<ModelConfig, config::ConfigError>, String> {
    let ending = match fields.get("task_type").and_then(Value::as_str) {
        Some("SEQ_CLS") => "ForSequenceClassification",
        Some("TOKEN_CLS") => "ForTokenClassification",
        _ => return Ok(Ok(base.clone())),
    };
    let class = match base.model_type() {
        config::ModelType::ModernBert => "ModernBert",
        config::ModelType::Bert => "Bert",
    };
    let mut changes = vec![(
        "architectures",
        Value::from(vec![format!("{class}{ending}")]),
    )];
    let classifier = whole
        .iter()
        .find(|own| own.parameter == "classifier.weight");
    if let Some(own) = classifier {
        let labels = own.thin.tensor.shape[0];
        if labels != base.labels.len() {
            let names = (0..labels).map(|label| (label.to_string(), format!("LABEL_{label}")));
            let names: Map<String, Value> = names.map(|(id, name)| (id, name.into())).collect();
            changes.push(("id2label", names.into()));
        }
    }
    Ok(base.with(changes))
}
