//! A model in another type of numbers is the same model, rounded, in less space; or nothing at all.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use auscult::engine::{EngineError, FloatType, Job, StopFlag, convert_model};
use auscult::model::checkpoint::{Dtype, Head};
use half::{bf16, f16};
use serde_json::Value;

use super::cases::{loaded, planned};
use super::folders::{Temporary, case, stored};

const ALL: [FloatType; 3] = [FloatType::F32, FloatType::F16, FloatType::Bf16];

/// Models with all that a folder needs, of both kinds.
const MODELS: [&str; 4] = [
    "masked-lm",
    "bert-masked-lm-mosaic",
    "bert-masked-lm",
    "bert-legacy-names",
];

fn convert(
    from: &Path,
    to: &Path,
    dtype: FloatType,
) -> Result<auscult::engine::ConvertedModel, EngineError> {
    convert_model(from, to, dtype, &Job::silent())
}

fn config(folder: &Path) -> Value {
    serde_json::from_slice(&fs::read(folder.join("config.json")).unwrap()).unwrap()
}

fn rounded(bits: u32, dtype: FloatType) -> u32 {
    let number = f32::from_bits(bits);
    match dtype {
        FloatType::F32 => number,
        FloatType::F16 => f16::from_f32(number).to_f32(),
        FloatType::Bf16 => bf16::from_f32(number).to_f32(),
    }
    .to_bits()
}

#[test]
fn every_weight_is_the_nearest_and_stored_once() {
    let folder = Temporary::new();
    for name in MODELS {
        let (from, whole) = (case(name), loaded(&case(name)));
        for dtype in ALL {
            let to = folder.file(&format!("{name}-{}", dtype.name()));
            let converted = convert(&from, &to, dtype).unwrap();
            let read = loaded(&to);
            assert!(read.keys().eq(whole.keys()), "{name}");
            for (parameter, bits) in &whole {
                let want: Vec<u32> = bits.iter().map(|&bits| rounded(bits, dtype)).collect();
                assert!(read[parameter] == want, "{name} {parameter}");
            }
            let numbers: usize = whole.values().map(Vec::len).sum();
            let changed = whole
                .values()
                .flatten()
                .filter(|&&own| rounded(own, dtype) != own);
            assert_eq!(converted.rounding.numbers, numbers);
            assert_eq!(converted.rounding.changed, changed.count());
            assert_eq!(
                converted.rounding.changed == 0,
                dtype == FloatType::F32,
                "{name}"
            );
            // The folder holds what the model has, in this type, and nothing twice.
            let tensors = stored(&to.join("model.safetensors"));
            assert!(tensors.iter().all(|tensor| tensor.dtype == dtype.dtype()));
            let bytes: usize = tensors.iter().map(|tensor| tensor.bytes.len()).sum();
            assert_eq!(bytes, numbers * dtype.bytes());
            let own = config(&to);
            assert!(
                own["dtype"] == dtype.name()
                    || own["torch_dtype"] == dtype.name()
                    || dtype == FloatType::F32
            );
            let (before, after) = (planned(&from).0, planned(&to).0);
            assert_eq!(before.structure(), after.structure());
            if name == "masked-lm" {
                assert!(after.structure().tied_decoder && after.structure().head == Head::MaskedLm);
                assert!(tensors.iter().all(|tensor| tensor.name != "decoder.weight"));
            }
        }
    }
}

#[test]
fn there_and_back_nothing_more_is_lost() {
    let folder = Temporary::new();
    for (number, dtype) in [FloatType::F16, FloatType::Bf16].into_iter().enumerate() {
        let [narrow, wide, again] =
            ["narrow", "wide", "again"].map(|name| folder.file(&format!("{name}{number}")));
        convert(&case("masked-lm"), &narrow, dtype).unwrap();
        assert_eq!(
            convert(&narrow, &wide, FloatType::F32)
                .unwrap()
                .rounding
                .changed,
            0
        );
        assert_eq!(convert(&wide, &again, dtype).unwrap().rounding.changed, 0);
        assert!(loaded(&wide) == loaded(&narrow));
        let weights = |folder: &Path| fs::read(folder.join("model.safetensors")).unwrap();
        assert!(weights(&again) == weights(&narrow), "to the byte");
        assert_eq!(config(&again), config(&narrow));
        assert_eq!(config(&wide)["dtype"], "float32");
    }
}

/// A model with a card, a licence and a file that belongs to nobody.
fn with_card() -> Temporary {
    let folder = Temporary::copy_of("masked-lm");
    fs::copy(
        case("masked-lm").join("tokenizer.json"),
        folder.file("tokenizer.json"),
    )
    .unwrap();
    folder.write("README.md", "# A card");
    folder.write("LICENSE", "MIT");
    folder.write("optimizer.pt", "not a part of the model");
    folder
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn tokenizer_and_card_go_along() {
    let (from, folder) = (with_card(), Temporary::new());
    let to = folder.file("small");
    let converted = convert(from.path(), &to, FloatType::F16).unwrap();
    let all = [
        "LICENSE",
        "README.md",
        "config.json",
        "model.safetensors",
        "tokenizer.json",
    ];
    assert_eq!(names(&to), all);
    for file in ["LICENSE", "README.md", "tokenizer.json"] {
        assert!(fs::read(to.join(file)).unwrap() == fs::read(from.file(file)).unwrap());
        assert!(converted.copied.iter().any(|own| own == file));
    }
    let bytes: u64 = all
        .iter()
        .map(|file| to.join(file).metadata().unwrap().len())
        .sum();
    assert_eq!(converted.bytes, bytes);
    // Without a word on the type it would be read as 32 bits by some.
    from.configure(&[("dtype", Value::Null), ("torch_dtype", Value::Null)]);
    let to = folder.file("silent");
    convert(from.path(), &to, FloatType::Bf16).unwrap();
    assert_eq!(config(&to)["dtype"], "bfloat16");
}

#[test]
fn what_does_not_fit_leaves_nothing_behind() {
    let (from, folder) = (with_card(), Temporary::new());
    let to: PathBuf = folder.file("small");
    from.alter(|tensors| {
        let tensor = tensors
            .iter_mut()
            .find(|tensor| tensor.name == "decoder.bias")
            .unwrap();
        assert_eq!(tensor.dtype, Dtype::F32);
        tensor.bytes[..4].copy_from_slice(&(-70_000f32).to_le_bytes());
    });
    let error = convert(from.path(), &to, FloatType::F16)
        .unwrap_err()
        .to_string();
    let what = ["decoder.bias", "-70000", "float16", "65504", "bf16"];
    assert!(what.iter().all(|what| error.contains(what)), "{error}");
    assert!(names(folder.path()).is_empty());
    convert(from.path(), &to, FloatType::Bf16).unwrap();
    let error = convert(from.path(), &to, FloatType::Bf16)
        .unwrap_err()
        .to_string();
    assert!(error.contains("already and not empty"), "{error}");

    let stop = StopFlag::default();
    let flag = stop.clone();
    let job = Job::reporting(stop, Duration::ZERO, move |progress| {
        if progress.done == 3 {
            flag.stop();
        }
    });
    let stopped = convert_model(from.path(), &folder.file("stopped"), FloatType::Bf16, &job);
    assert!(matches!(stopped, Err(EngineError::Cancelled(_))));
    assert_eq!(names(folder.path()), ["small"]);
}
