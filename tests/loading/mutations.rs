//! Hundreds of altered files give a model or an error, never a panic and never much memory.

use std::fs;

use auscult::model::checkpoint::{Checkpoint, LoadError};
use auscult::model::config::ModelConfig;
use serde_json::{Value, json};

use super::allocations::peak;
use super::folders::{Temporary, case};
use super::layout;

/// The most memory that the small fixtures may take, damaged or not, in bytes.
const ENOUGH: usize = 8 << 20;

/// Numbers that look random and are the same in every run (xorshift64*).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % bound
    }
}

/// Flips bits, cuts off, inserts or overwrites; in the first `lively` bytes most of the time.
fn mutate(content: &[u8], lively: usize, numbers: &mut Numbers) -> Vec<u8> {
    let mut mutant = content.to_vec();
    let bound = if numbers.below(4) == 0 {
        content.len()
    } else {
        lively.min(content.len())
    };
    let place = numbers.below(bound);
    match numbers.below(6) {
        0 => mutant.truncate(place),
        1 => mutant.insert(place, numbers.below(256) as u8),
        2 => {
            mutant.remove(place);
        }
        3 => {
            let end = (place + 1 + numbers.below(8)).min(mutant.len());
            mutant[place..end].fill([0, 0x7f, 0xff][numbers.below(3)]);
        }
        _ => mutant[place] ^= 1 << numbers.below(8),
    }
    mutant
}

/// Opens and reads everything. Returns whether that succeeded.
fn attempt(folder: &Temporary) -> bool {
    let (result, bytes) = peak(|| -> Result<(), String> {
        let checkpoint = Checkpoint::open(folder.path()).map_err(|error| error.to_string())?;
        let plan = checkpoint
            .plan(&layout::of(&checkpoint))
            .map_err(|mismatch| mismatch.to_string())?;
        checkpoint
            .read(&plan, &mut |_, _| Ok::<(), LoadError>(()))
            .map_err(|error| error.to_string())
    });
    assert!(bytes < ENOUGH, "{bytes} bytes for {result:?}");
    if let Err(error) = &result {
        assert!(error.len() > 20, "{error}");
    }
    result.is_ok()
}

/// Tries many mutants of one file of a case; some must fail.
fn try_mutants(name: &str, file: &str, lively: usize, times: usize) {
    let folder = Temporary::copy_of(name);
    assert!(attempt(&folder), "{name} as it is");
    let content = fs::read(case(name).join(file)).unwrap();
    let mut numbers = Numbers(0x9e37_79b9_7f4a_7c15);
    let mut refused = 0;
    for _ in 0..times {
        folder.write(file, mutate(&content, lively, &mut numbers));
        refused += usize::from(!attempt(&folder));
    }
    assert!(
        refused > times / 4,
        "only {refused} of {times} mutants of {file} were refused"
    );
}

#[test]
fn mutants_of_a_safetensors_file() {
    try_mutants("masked-lm", "model.safetensors", 2704, 400);
}

#[test]
fn mutants_of_a_shard_and_of_the_index() {
    try_mutants("sharded", "model-00001-of-00005.safetensors", 352, 200);
    try_mutants("sharded", "model.safetensors.index.json", 2189, 200);
}

#[test]
fn mutants_of_a_zipped_pytorch_file() {
    let content = fs::read(case("bert-legacy-names/pytorch_model.bin")).unwrap();
    // The pickle is the first entry of the archive.
    assert!(
        content
            .windows(8)
            .take(200)
            .any(|window| window == b"data.pkl")
    );
    try_mutants("bert-legacy-names", "pytorch_model.bin", 8000, 300);
    // The directory is at the end.
    let folder = Temporary::copy_of("bert-legacy-names");
    let mut numbers = Numbers(7);
    for _ in 0..100 {
        let mut mutant = content.clone();
        let place = content.len() - 1 - numbers.below(6000);
        mutant[place] ^= 1 << numbers.below(8);
        folder.write("pytorch_model.bin", mutant);
        attempt(&folder);
    }
}

#[test]
fn mutants_of_an_old_pytorch_file() {
    try_mutants(
        "bert-legacy-names/before-1.6",
        "pytorch_model.bin",
        8000,
        300,
    );
}

#[test]
fn mutants_of_a_configuration() {
    try_mutants("masked-lm", "config.json", 1313, 200);
    try_mutants("bert-masked-lm-mosaic", "config.json", 1488, 200);
}

fn awkward() -> Vec<Value> {
    let deep = (0..60).fold(json!(1), |inner, _| json!([inner]));
    vec![
        json!(null),
        json!(true),
        json!(0),
        json!(-1),
        json!(2),
        json!(1.5),
        json!(1e300),
        json!(u64::MAX),
        json!(i64::MIN),
        json!(1_u64 << 31),
        json!(1_000_000),
        json!(""),
        json!("gelu"),
        json!("x".repeat(1000)),
        json!([]),
        json!([1, "a", null]),
        json!({}),
        json!({"0": "a", "full_attention": {}, "rope_theta": 1}),
        deep,
    ]
}

#[test]
fn awkward_values_of_every_key() {
    let mut count = 0;
    for name in [
        "masked-lm",
        "bert-masked-lm-mosaic",
        "sequence-classification-cls",
        "config-v4",
    ] {
        let file = case(name).join("config.json");
        let text = fs::read_to_string(&file).unwrap();
        let original: Value = serde_json::from_str(&text).unwrap();
        let mut keys: Vec<String> = original.as_object().unwrap().keys().cloned().collect();
        keys.extend(
            [
                "rope_scaling",
                "rope_parameters",
                "layer_types",
                "num_labels",
            ]
            .map(String::from),
        );
        for key in &keys {
            for value in awkward() {
                let mut config = original.clone();
                config[key] = value.clone();
                let (parsed, bytes) = peak(|| ModelConfig::parse(&config.to_string(), &file));
                assert!(bytes < ENOUGH + (8 << 20), "{key} = {value}: {bytes} bytes");
                if let Err(error) = parsed {
                    assert!(error.to_string().contains("config.json: "), "{error}");
                }
                count += 1;
            }
        }
    }
    assert!(count > 1000);
}

#[test]
fn awkward_values_in_an_index() {
    let folder = Temporary::copy_of("sharded");
    let path = folder.file("model.safetensors.index.json");
    let original: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    for value in awkward() {
        for pointer in ["", "/weight_map", "/metadata", "/weight_map/decoder.bias"] {
            let mut index = original.clone();
            *index.pointer_mut(pointer).unwrap() = value.clone();
            fs::write(&path, index.to_string()).unwrap();
            let loads = attempt(&folder);
            assert_eq!(loads, pointer == "/metadata", "{pointer} = {value}");
        }
    }
}
