//! What is saved loads again, bit for bit, and nothing is overwritten or left by half.

use std::fs;
use std::path::{Path, PathBuf};

use auscult::model::checkpoint::{Checkpoint, LoadError, ParameterSpec, SaveError, save};
use serde_json::{Value, json};

use super::allocations::peak;
use super::cases::{CASES, loaded, planned};
use super::folders::{Temporary, case, stored};
use super::layout;

/// Saves the model of a folder as it was loaded.
fn resave(from: &Path, to: &Path, tokenizer_files: &[PathBuf]) -> Result<(), SaveError> {
    let values = loaded(from);
    let checkpoint = Checkpoint::open(from).unwrap();
    let mut read = |parameter: &ParameterSpec| {
        Ok(values[&parameter.name]
            .iter()
            .map(|bits| f32::from_bits(*bits))
            .collect())
    };
    save(
        to,
        checkpoint.config(),
        &layout::of(&checkpoint),
        &mut read,
        tokenizer_files,
    )
}

fn config_of(folder: &Path) -> Value {
    serde_json::from_slice(&fs::read(folder.join("config.json")).unwrap()).unwrap()
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
fn every_case_survives_the_round_trip() {
    let folder = Temporary::new();
    for (number, (name, ..)) in CASES.into_iter().enumerate() {
        let (from, to) = (case(name), folder.file(&format!("deep/{number}")));
        resave(&from, &to, &[]).unwrap();
        assert!(loaded(&to) == loaded(&from), "{name}");
        let (before, after) = (planned(&from).0, planned(&to).0);
        assert_eq!(before.structure(), after.structure(), "{name}");
        assert_eq!(planned(&to).1.left_aside(), [], "{name}");
    }
    assert_eq!(
        names(&folder.file("deep")).len(),
        CASES.len(),
        "nothing else is left there"
    );
}

#[test]
fn names_and_metadata_are_those_of_transformers() {
    let folder = Temporary::new();
    for name in ["masked-lm", "bert-masked-lm", "config-v4", "bert-encoder"] {
        let to = folder.file(name);
        resave(&case(name), &to, &[]).unwrap();
        let weights = |folder: &Path| {
            let mut tensors = stored(&folder.join("model.safetensors"));
            tensors.sort_by(|a, b| a.name.cmp(&b.name));
            tensors
        };
        for (before, after) in weights(&case(name)).iter().zip(weights(&to)) {
            assert_eq!((&before.name, &before.shape), (&after.name, &after.shape));
            assert!(before.bytes == after.bytes, "{}", before.name);
        }
        let file = fs::read(to.join("model.safetensors")).unwrap();
        let (length, header) = safetensors::SafeTensors::read_metadata(&file).unwrap();
        assert!(length.is_multiple_of(8));
        let metadata = header.metadata().clone().unwrap();
        assert_eq!(
            metadata.into_iter().collect::<Vec<_>>(),
            [("format".into(), "pt".into())]
        );
    }
}

#[test]
fn the_configuration_keeps_its_keys_and_tells_the_type() {
    let folder = Temporary::new();
    for (name, key) in [
        ("bfloat16", Some("dtype")),
        ("float16", Some("dtype")),
        ("bert-masked-lm-mosaic", Some("torch_dtype")),
        ("bert-legacy-names", None),
    ] {
        let to = folder.file(name);
        resave(&case(name), &to, &[]).unwrap();
        let mut expected = config_of(&case(name));
        if let Some(key) = key {
            expected[key] = json!("float32");
        }
        assert_eq!(config_of(&to), expected, "{name}");
    }
    let older = Temporary::copy_of("float16");
    older.configure(&[("dtype", Value::Null), ("torch_dtype", json!("float16"))]);
    resave(older.path(), &folder.file("older"), &[]).unwrap();
    assert_eq!(config_of(&folder.file("older"))["torch_dtype"], "float32");
}

#[test]
fn tokenizer_files_are_copied() {
    let folder = Temporary::new();
    let to = folder.file("model");
    let file = case("masked-lm").join("tokenizer.json");
    resave(&case("masked-lm"), &to, std::slice::from_ref(&file)).unwrap();
    assert_eq!(
        names(&to),
        ["config.json", "model.safetensors", "tokenizer.json"]
    );
    assert!(fs::read(to.join("tokenizer.json")).unwrap() == fs::read(&file).unwrap());

    for files in [
        vec![file.clone(), file.clone()],
        vec![case("masked-lm").join("config.json")],
        vec![folder.file("missing.json")],
        vec![folder.path().to_owned()],
    ] {
        let other = folder.file("other");
        let error = resave(&case("masked-lm"), &other, &files).unwrap_err();
        assert!(matches!(error, SaveError::TokenizerFile { .. }), "{error}");
        assert_eq!(names(folder.path()), ["model"], "nothing is left behind");
    }
}

#[test]
fn nothing_is_overwritten() {
    let folder = Temporary::new();
    let full = folder.file("full");
    fs::create_dir(&full).unwrap();
    fs::write(full.join("notes.txt"), "mine").unwrap();
    let error = resave(&case("masked-lm"), &full, &[]).unwrap_err();
    assert!(matches!(error, SaveError::NotEmpty(_)), "{error}");
    let file = full.join("notes.txt");
    assert!(matches!(
        resave(&case("masked-lm"), &file, &[]),
        Err(SaveError::NotEmpty(_))
    ));
    assert_eq!(fs::read_to_string(&file).unwrap(), "mine");
    assert!(matches!(
        resave(&case("masked-lm"), Path::new("/"), &[]),
        Err(SaveError::NoName(_))
    ));

    let empty = folder.file("empty");
    fs::create_dir(&empty).unwrap();
    resave(&case("masked-lm"), &empty, &[]).unwrap();
    assert_eq!(names(folder.path()), ["empty", "full"]);
}

/// What the values of a model can fail with.
#[derive(Debug)]
enum Stop {
    Save(SaveError),
    Asked,
}

impl From<SaveError> for Stop {
    fn from(error: SaveError) -> Self {
        Self::Save(error)
    }
}

#[test]
fn a_save_that_fails_leaves_nothing() {
    let folder = Temporary::new();
    let checkpoint = Checkpoint::open(&case("masked-lm")).unwrap();
    let layout = layout::of(&checkpoint);
    let to = folder.file("model");
    let mut count = 0;
    let mut stops = |parameter: &ParameterSpec| {
        count += 1;
        match count {
            5 => Err(Stop::Asked),
            _ => Ok(vec![0.0; parameter.shape.iter().product()]),
        }
    };
    let stopped = save(&to, checkpoint.config(), &layout, &mut stops, &[]);
    assert!(matches!(stopped, Err(Stop::Asked)));
    assert_eq!(names(folder.path()), [""; 0]);

    let short = save(
        &to,
        checkpoint.config(),
        &layout,
        &mut |_| Ok::<_, Stop>(vec![0.0]),
        &[],
    );
    assert!(matches!(
        short,
        Err(Stop::Save(SaveError::Values { found: 1, .. }))
    ));

    let mut zeros =
        |parameter: &ParameterSpec| Ok::<_, SaveError>(vec![0.0; parameter.shape.iter().product()]);
    let other = Checkpoint::open(&case("bert-masked-lm")).unwrap();
    let unloadable = save(&to, other.config(), &layout, &mut zeros, &[]).unwrap_err();
    assert!(
        matches!(unloadable, SaveError::Unloadable(_)),
        "{unloadable}"
    );
    assert_eq!(names(folder.path()), [""; 0]);

    // What a killed save left does not stop the next one.
    fs::create_dir(folder.file(".model.partial")).unwrap();
    fs::write(folder.file(".model.partial/config.json"), "{").unwrap();
    save(&to, checkpoint.config(), &layout, &mut zeros, &[]).unwrap();
    assert_eq!(names(folder.path()), ["model"]);
}

#[test]
fn one_parameter_is_in_memory_at_a_time() {
    let folder = Temporary::new();
    let checkpoint = Checkpoint::open(&case("config-v4")).unwrap();
    let layout = layout::of(&checkpoint);
    let bytes = |spec: &ParameterSpec| 4 * spec.shape.iter().product::<usize>();
    let largest = layout.iter().map(bytes).max().unwrap();
    let mut zeros = |spec: &ParameterSpec| Ok::<_, SaveError>(vec![0.0; bytes(spec) / 4]);
    let (saved, grown) = peak(|| {
        save(
            &folder.file("model"),
            checkpoint.config(),
            &layout,
            &mut zeros,
            &[],
        )
    });
    saved.unwrap();
    assert!(
        (largest..largest + 100_000).contains(&grown),
        "{grown}, largest {largest}"
    );
}

#[test]
fn a_failing_reader_stops_the_reading() {
    let (checkpoint, plan) = planned(&case("masked-lm"));
    let mut seen = 0;
    let result = checkpoint.read(&plan, &mut |_, _| {
        seen += 1;
        if seen == 3 {
            Err(LoadError::NoWeights(PathBuf::from("enough")))
        } else {
            Ok(())
        }
    });
    assert!(matches!(result, Err(LoadError::NoWeights(_))));
    assert_eq!(seen, 3);
}
