//! An adapter opens as the model that it makes of its base, or says why it does not.

use std::fs;
use std::path::Path;

use auscult::model::checkpoint::{Checkpoint, Dtype, Head};
use safetensors::serialize_to_file;
use safetensors::tensor::TensorView;
use serde_json::{Value, json};

use super::cases::{loaded, planned};
use super::folders::{Stored, Temporary, case, stored};

const RANK: usize = 3;
const CHANGED: &str = "model.layers.1.attn.Wqkv";

/// Numbers that are not alike.
fn numbers(count: usize, step: f32) -> Vec<f32> {
    (0..count)
        .map(|at| ((at as f32 * step).sin() * 50.0).round() / 100.0)
        .collect()
}

fn tensor(name: &str, shape: &[usize], values: &[f32]) -> Stored {
    let bytes = values.iter().flat_map(|value| value.to_le_bytes());
    Stored::new(name, Dtype::F32, shape, bytes.collect())
}

/// The shape of a parameter of the base.
fn shape(name: &str) -> Vec<usize> {
    let tensors = stored(&case("masked-lm").join("model.safetensors"));
    let own = tensors.iter().find(|own| own.name == name);
    own.expect(name).shape.clone()
}

/// An adapter of a folder `base` beside its own, with a classifier of two labels for tokens.
struct Adapter {
    temporary: Temporary,
    fields: Value,
    tensors: Vec<Stored>,
    a: Vec<f32>,
    b: Vec<f32>,
}

impl Adapter {
    fn new() -> Self {
        let temporary = Temporary::new();
        let base = temporary.file("base");
        fs::create_dir(&base).unwrap();
        for file in ["config.json", "model.safetensors"] {
            fs::copy(case("masked-lm").join(file), base.join(file)).unwrap();
        }
        fs::create_dir(temporary.file("adapter")).unwrap();
        let shape = shape(&format!("{CHANGED}.weight"));
        let (out, input) = (shape[0], shape[1]);
        let (a, b) = (numbers(RANK * input, 0.7), numbers(out * RANK, 1.3));
        let name = |end: &str| format!("base_model.model.{CHANGED}.{end}.weight");
        let tensors = vec![
            tensor(&name("lora_A"), &[RANK, input], &a),
            tensor(&name("lora_B"), &[out, RANK], &b),
            tensor(
                "base_model.model.classifier.weight",
                &[2, input],
                &numbers(2 * input, 0.3),
            ),
            tensor("base_model.model.classifier.bias", &[2], &[0.5, -0.5]),
        ];
        Self {
            temporary,
            fields: json!({
                "peft_type": "LORA", "task_type": "TOKEN_CLS", "r": RANK, "lora_alpha": 6,
                "base_model_name_or_path": "../base", "bias": "none", "use_dora": false,
                "target_modules": ["Wqkv"], "modules_to_save": ["classifier"],
            }),
            tensors,
            a,
            b,
        }
    }

    fn folder(&self) -> std::path::PathBuf {
        self.temporary.file("adapter")
    }

    fn write(&self) {
        let folder = self.folder();
        fs::write(folder.join("adapter_config.json"), self.fields.to_string()).unwrap();
        let view = |own: &Stored| {
            let view = TensorView::new(own.dtype, own.shape.clone(), &own.bytes).unwrap();
            (own.name.clone(), view.data().to_vec(), own.shape.clone())
        };
        let owned: Vec<_> = self.tensors.iter().map(view).collect();
        let views = owned.iter().map(|(name, bytes, shape)| {
            let view = TensorView::new(Dtype::F32, shape.clone(), bytes).unwrap();
            (name.as_str(), view)
        });
        serialize_to_file(views, None, &folder.join("adapter_model.safetensors")).unwrap();
    }

    /// What opening says, after something was changed.
    fn refused(change: impl FnOnce(&mut Self)) -> String {
        let mut adapter = Self::new();
        change(&mut adapter);
        adapter.write();
        match Checkpoint::open(&adapter.folder()) {
            Ok(_) => panic!("it opened"),
            Err(error) => error.to_string(),
        }
    }
}

fn floats(bits: &[u32]) -> Vec<f32> {
    bits.iter().map(|bits| f32::from_bits(*bits)).collect()
}

/// Every changed value is `W + alpha / r · (B · A)`, worked out in f64.
fn assert_changed(adapter: &Adapter, scale: f64) {
    let name = format!("{CHANGED}.weight");
    let before = loaded(&adapter.temporary.file("base"));
    let after = loaded(&adapter.folder());
    let (was, is) = (floats(&before[&name]), floats(&after[&name]));
    let input = shape(&name)[1];
    for (at, (was, is)) in was.iter().zip(&is).enumerate() {
        let (row, column) = (at / input, at % input);
        let product: f64 = (0..RANK)
            .map(|k| {
                f64::from(adapter.b[row * RANK + k]) * f64::from(adapter.a[k * input + column])
            })
            .sum();
        let want = f64::from(*was) + scale * product;
        assert!((want - f64::from(*is)).abs() < 1e-6, "{at}: {want} {is}");
    }
    for (own, values) in &after {
        let of_base = own.starts_with("model.") && *own != name;
        assert!(!of_base || *values == before[own], "{own} changed");
    }
}

#[test]
fn it_is_its_base_with_the_changes() {
    let adapter = Adapter::new();
    adapter.write();
    let (checkpoint, plan) = planned(&adapter.folder());
    assert_eq!(checkpoint.structure().head, Head::TokenClassification);
    assert_eq!(checkpoint.config().labels, ["LABEL_0", "LABEL_1"]);
    assert_eq!(
        checkpoint.base().unwrap().canonicalize().unwrap(),
        adapter.temporary.file("base").canonicalize().unwrap()
    );
    // The decoder of the base is no part of a token classifier.
    assert!(
        plan.left_aside()
            .iter()
            .any(|own| own.name == "decoder.bias")
    );
    assert_changed(&adapter, 2.0);
    let classifier = floats(&loaded(&adapter.folder())["classifier.bias"]);
    assert_eq!(classifier, [0.5, -0.5]);
}

#[test]
fn its_own_configuration_names_the_labels() {
    let mut adapter = Adapter::new();
    adapter.fields["use_rslora"] = json!(true);
    adapter.write();
    let text = fs::read(adapter.temporary.file("base/config.json")).unwrap();
    let mut config: Value = serde_json::from_slice(&text).unwrap();
    config["architectures"] = json!(["ModernBertForTokenClassification"]);
    config["id2label"] = json!({"0": "O", "1": "B-Disease"});
    fs::write(adapter.folder().join("config.json"), config.to_string()).unwrap();
    let (checkpoint, _) = planned(&adapter.folder());
    assert_eq!(checkpoint.config().labels, ["O", "B-Disease"]);
    assert_changed(&adapter, 6.0 / (RANK as f64).sqrt());
}

#[test]
fn a_base_is_found_beside_the_adapter_and_missed_with_a_sentence() {
    for name in ["base", "/gone/from/here/base", "organisation/base"] {
        let mut adapter = Adapter::new();
        adapter.fields["base_model_name_or_path"] = json!(name);
        adapter.write();
        assert!(Checkpoint::open(&adapter.folder()).is_ok(), "{name}");
    }
    for (name, says) in [
        (
            json!("organisation/other"),
            "\"organisation/other\", which is in none of",
        ),
        (json!(""), "base_model_name_or_path is missing"),
        (json!("../adapter"), "is in none of"),
    ] {
        let said = Adapter::refused(|own| own.fields["base_model_name_or_path"] = name.clone());
        assert!(
            said.contains(says) && said.contains("adapter_config.json"),
            "{said}"
        );
    }
}

#[test]
fn what_does_not_fit_or_is_not_supported_is_said() {
    let field =
        |name: &'static str, value: Value| Adapter::refused(move |own| own.fields[name] = value);
    for (said, says) in [
        (field("peft_type", json!("IA3")), "peft_type is IA3"),
        (field("use_dora", json!(true)), "use_dora is true"),
        (field("bias", json!("all")), "bias is \"all\""),
        (field("rank_pattern", json!({"Wqkv": 4})), "rank_pattern is"),
        (field("r", json!(0)), "r must be a number above 0"),
        (field("r", json!(RANK + 1)), "do not belong together"),
        (
            field("init_lora_weights", json!("pissa")),
            "init_lora_weights is \"pissa\"",
        ),
        (field("use_qalora", json!(true)), "use_qalora is true"),
        (
            field("alora_invocation_tokens", json!([1])),
            "alora_invocation_tokens is [1]",
        ),
        (field("lora_alpha", json!("x")), "lora_alpha must be"),
        (
            Adapter::refused(|own| drop(own.tensors.remove(1))),
            "holds one of the two matrices that change model.layers.1.attn.Wqkv.weight",
        ),
        (
            Adapter::refused(|own| {
                own.tensors[0].shape.reverse();
            }),
            "do not belong together",
        ),
        (
            Adapter::refused(|own| {
                own.fields["r"] = json!(RANK);
                for tensor in &mut own.tensors[..2] {
                    tensor.bytes.clear();
                }
                let [a, b] = [0, 1].map(|at| own.tensors[at].shape.clone());
                (own.tensors[0].shape, own.tensors[1].shape) = (vec![0, a[1]], vec![b[0], 0]);
            }),
            "do not belong together",
        ),
        (
            Adapter::refused(|own| {
                for tensor in &mut own.tensors[..2] {
                    tensor.name = tensor.name.replace("layers.1", "layers.77");
                }
            }),
            "which the base does not have",
        ),
    ] {
        assert!(said.contains(says), "{said}");
    }
    let adapter = Adapter::new();
    adapter.write();
    fs::remove_file(adapter.folder().join("adapter_model.safetensors")).unwrap();
    let said = Checkpoint::open(&adapter.folder()).unwrap_err().to_string();
    assert!(
        said.contains("adapter_model.safetensors is missing"),
        "{said}"
    );
    fs::write(adapter.folder().join("adapter_config.json"), "[]").unwrap();
    let said = Checkpoint::open(&adapter.folder()).unwrap_err().to_string();
    assert!(said.contains("is not a JSON object"), "{said}");
    assert!(!Path::new(&adapter.folder().join("config.json")).exists());
}
