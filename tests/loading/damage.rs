//! Damaged files and files that are something else end in a sentence.

use std::fs;

use auscult::model::checkpoint::{Checkpoint, LoadError};
use serde_json::{Value, json};

use super::allocations::peak;
use super::cases::loaded;
use super::folders::{Temporary, case};

const LFS: &str = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 206480\n";
const PAGE: &str = "\n<!doctype HTML><html><body>Please log in</body></html>";

fn refused(folder: &Temporary) -> String {
    let (result, bytes) = peak(|| Checkpoint::open(folder.path()));
    assert!(bytes < 1 << 20, "{bytes} bytes were allocated");
    result.map(|_| ()).unwrap_err().to_string()
}

/// The error for other content in one file of a case.
fn instead(case: &str, file: &str, content: impl AsRef<[u8]>) -> String {
    let folder = Temporary::copy_of(case);
    folder.write(file, content);
    let error = refused(&folder);
    assert!(error.contains(file), "{error}");
    error
}

/// A safetensors file with this header and no more than `data` bytes of data.
fn with_header(header: &str, data: usize) -> Vec<u8> {
    let mut file = (header.len() as u64).to_le_bytes().to_vec();
    file.extend_from_slice(header.as_bytes());
    file.resize(file.len() + data, 0);
    file
}

fn safetensors(content: impl AsRef<[u8]>) -> String {
    instead("masked-lm", "model.safetensors", content)
}

#[test]
fn truncated_weights_are_noticed_before_anything_is_read() {
    let whole = fs::read(case("masked-lm/model.safetensors")).unwrap();
    for length in [1, 7, 8, 9, 1000, 2703, 2704, 2705, whole.len() - 1] {
        let error = safetensors(&whole[..length]);
        assert!(error.contains("truncated"), "{length}: {error}");
    }
    let mut longer = whole;
    longer.push(0);
    assert!(safetensors(longer).contains("1 bytes follow"));
}

#[test]
fn weights_that_shrink_after_opening_are_noticed() {
    let folder = Temporary::copy_of("masked-lm");
    let checkpoint = Checkpoint::open(folder.path()).unwrap();
    let plan = checkpoint.plan(&super::layout::of(&checkpoint)).unwrap();
    let file = fs::File::options()
        .write(true)
        .open(folder.file("model.safetensors"))
        .unwrap();
    file.set_len(3000).unwrap();
    let error = checkpoint
        .read(&plan, &mut |_, _| Ok::<(), LoadError>(()))
        .unwrap_err();
    assert!(error.to_string().contains("truncated"), "{error}");
}

#[test]
fn files_that_are_something_else_are_recognised() {
    for (case, file) in [
        ("masked-lm", "model.safetensors"),
        ("sharded", "model-00003-of-00005.safetensors"),
        ("sharded", "model.safetensors.index.json"),
        ("bert-legacy-names", "pytorch_model.bin"),
        ("masked-lm", "config.json"),
    ] {
        assert!(instead(case, file, "").contains("empty"), "{file}");
        assert!(
            instead(case, file, LFS).contains("Git LFS pointer"),
            "{file}"
        );
        assert!(instead(case, file, PAGE).contains("web page"), "{file}");
    }
    let bin = fs::read(case("bert-legacy-names/pytorch_model.bin")).unwrap();
    assert!(safetensors(bin).contains("pytorch_model.bin"));
    let weights = fs::read(case("masked-lm/model.safetensors")).unwrap();
    let error = instead("bert-legacy-names", "pytorch_model.bin", weights);
    assert!(error.contains("no PyTorch checkpoint"), "{error}");
}

#[test]
fn absurd_headers_are_refused_without_an_allocation() {
    for length in [u64::MAX, 1 << 62, 100_000_001] {
        assert!(
            safetensors(length.to_le_bytes()).contains("header would have"),
            "{length}"
        );
    }
    assert!(safetensors(100_000_000_u64.to_le_bytes()).contains("truncated"));
    let entry = |shape: &str, offsets: &str| {
        let header =
            format!(r#"{{"a":{{"dtype":"F32","shape":{shape},"data_offsets":{offsets}}}}}"#);
        safetensors(with_header(&header, 8))
    };
    for (shape, offsets) in [
        ("[4611686018427387904]", "[0,8]"),
        ("[4294967296,4294967296]", "[0,8]"),
        ("[3]", "[0,8]"),
        ("[2]", "[8,0]"),
        ("[1]", "[4,8]"),
        ("[-1]", "[0,8]"),
        ("[2]", "[0,18446744073709551616]"),
        ("\"2\"", "[0,8]"),
    ] {
        let error = entry(shape, offsets);
        assert!(
            error.contains("header is wrong"),
            "{shape} {offsets}: {error}"
        );
    }
    assert!(entry("[72057594037927936]", "[0,288230376151711744]").contains("truncated"));
}

#[test]
fn malformed_headers_are_refused() {
    let tensor = |name: &str, start: usize| {
        let end = start + 4;
        format!(r#""{name}":{{"dtype":"F32","shape":[1],"data_offsets":[{start},{end}]}}"#)
    };
    let header = format!("{{{},{}}}", tensor("a", 0), tensor("a", 4));
    assert!(safetensors(with_header(&header, 8)).contains("two tensors are called a"));
    let header = format!("{{{},{}}}", tensor("a", 0), tensor("b", 0));
    assert!(safetensors(with_header(&header, 4)).contains("header is wrong"));
    for header in ["", "{", "[]", "null", "{\"a\": 1}", "\u{1}{}"] {
        let error = safetensors(with_header(header, 0));
        assert!(error.contains("header is wrong"), "{header}: {error}");
    }
}

fn index(change: impl FnOnce(&mut serde_json::Map<String, Value>)) -> Temporary {
    let folder = Temporary::copy_of("sharded");
    let path = folder.file("model.safetensors.index.json");
    let mut index: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    change(index["weight_map"].as_object_mut().unwrap());
    fs::write(path, index.to_string()).unwrap();
    folder
}

#[test]
fn missing_shards_are_all_listed() {
    let folder = Temporary::copy_of("sharded");
    for number in [2, 4] {
        fs::remove_file(folder.file(&format!("model-0000{number}-of-00005.safetensors"))).unwrap();
    }
    let error = refused(&folder);
    let wanted = "model-00002-of-00005.safetensors, model-00004-of-00005.safetensors";
    assert!(
        error.contains("index.json") && error.ends_with(wanted),
        "{error}"
    );
}

#[test]
fn an_index_that_disagrees_with_its_shards_is_refused() {
    let name = "model.layers.0.mlp.Wo.weight";
    let moved = index(|map| {
        map.insert(name.to_owned(), json!("model-00001-of-00005.safetensors"));
    });
    assert!(refused(&moved).contains(&format!("{name} (in model-00001")));
    let invented = index(|map| {
        map.insert("x".to_owned(), json!("model-00001-of-00005.safetensors"));
    });
    assert!(refused(&invented).contains("x (in model-00001"));
    let doubled = index(|map| {
        map.insert("y".to_owned(), json!("copy.safetensors"));
    });
    let shard = doubled.file("model-00001-of-00005.safetensors");
    fs::copy(shard, doubled.file("copy.safetensors")).unwrap();
    let error = refused(&doubled);
    assert!(
        error.contains("is in two shards, copy.safetensors and model-00001"),
        "{error}"
    );
}

#[test]
fn shards_outside_the_folder_are_refused() {
    let here = case("sharded").join("model-00001-of-00005.safetensors");
    for shard in [
        "../sharded/model-00001-of-00005.safetensors",
        "./model-00001-of-00005.safetensors",
        "sub/model.safetensors",
        "sub\\model.safetensors",
        "C:model.safetensors",
        "..",
        ".",
        "",
        "/etc/hostname",
        "a\0b",
        here.to_str().unwrap(),
    ] {
        let folder = index(|map| {
            map.insert("decoder.bias".to_owned(), json!(shard));
        });
        let error = refused(&folder);
        assert!(
            error.contains("must be files in the same folder"),
            "{shard:?}: {error}"
        );
    }
}

#[test]
fn an_index_without_a_map_is_refused() {
    for content in [
        "{}",
        "[]",
        "{\"weight_map\": {}}",
        "{\"weight_map\": {\"a\": 1}}",
    ] {
        let error = instead("sharded", "model.safetensors.index.json", content);
        assert!(error.contains("weight_map"), "{content}: {error}");
    }
    assert!(instead("sharded", "model.safetensors.index.json", "{").contains("not JSON"));
}

#[test]
fn an_unlisted_tensor_of_a_shard_is_not_overlooked() {
    let folder = index(|map| {
        map.remove("decoder.bias");
    });
    assert!(loaded(folder.path()) == loaded(&case("masked-lm")));
}

#[test]
fn shards_of_pytorch_files_are_one_model_too() {
    let folder = Temporary::copy_of("bert-legacy-names");
    fs::rename(folder.file("pytorch_model.bin"), folder.file("shard.bin")).unwrap();
    let map = json!({"weight_map": {"cls.predictions.bias": "shard.bin"}});
    folder.write("pytorch_model.bin.index.json", map.to_string());
    assert!(loaded(folder.path()) == loaded(&case("bert-legacy-names")));
}

#[test]
fn names_with_control_characters_are_refused() {
    let folder = Temporary::copy_of("masked-lm");
    folder.alter(|tensors| tensors[0].name.push_str("\u{1b}[2J"));
    assert!(refused(&folder).contains("control characters"));
    let listed = index(|map| {
        map.insert(
            "\u{1b}[2J".to_owned(),
            json!("model-00001-of-00005.safetensors"),
        );
    });
    let error = refused(&listed);
    assert!(
        error.contains("control characters") && !error.contains('\u{1b}'),
        "{error:?}"
    );
}

#[test]
fn absurdly_large_text_files_are_not_read() {
    for (name, file, bytes) in [
        ("masked-lm", "config.json", (64 << 20) + 1),
        ("sharded", "model.safetensors.index.json", (100 << 20) + 1),
    ] {
        let folder = Temporary::copy_of(name);
        let open = fs::File::options()
            .write(true)
            .open(folder.file(file))
            .unwrap();
        open.set_len(bytes).unwrap();
        assert!(refused(&folder).contains("at most"), "{file}");
    }
}

/// An old PyTorch file with one tensor of `rows` numbers that are all the same one.
fn broadcast(rows: u32) -> Vec<u8> {
    let text = |text: &str| {
        [
            b"X",
            &(text.len() as u32).to_le_bytes()[..],
            text.as_bytes(),
        ]
        .concat()
    };
    let storage = b"ctorch\nFloatStorage\n".to_vec();
    let rows = [b"J", &rows.to_le_bytes()[..]].concat();
    [
        b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.".to_vec(),
        b"\x80\x02M\xe9\x03.\x80\x02}".to_vec(),
        text("little_endian"),
        b"\x88s.\x80\x02}".to_vec(),
        text("weight"),
        b"ctorch._utils\n_rebuild_tensor_v2\n((".to_vec(),
        [text("storage"), storage, text("0"), text("cpu")].concat(),
        // One number, seen `rows` times: offset 0, size, stride 0.
        [
            b"K\x01NtQK\x00".to_vec(),
            rows,
            b"\x85K\x00\x85\x89}tRs.".to_vec(),
        ]
        .concat(),
        [b"\x80\x02]".to_vec(), text("0"), b"a.".to_vec()].concat(),
        [1_u64.to_le_bytes().to_vec(), 1_f32.to_le_bytes().to_vec()].concat(),
    ]
    .concat()
}

#[test]
fn a_pytorch_tensor_is_no_larger_than_its_file() {
    let error = instead("bert-legacy-names", "pytorch_model.bin", broadcast(1 << 26));
    assert!(error.contains("weight is larger than the file"), "{error}");
    let folder = Temporary::copy_of("bert-legacy-names");
    folder.write("pytorch_model.bin", broadcast(3));
    let checkpoint = Checkpoint::open(folder.path()).unwrap();
    assert_eq!(checkpoint.tensors()[0].shape, [3]);
}

#[test]
fn folders_without_a_model_say_what_was_looked_for() {
    let folder = Temporary::new();
    let missing = Checkpoint::open(&folder.file("nowhere"))
        .unwrap_err()
        .to_string();
    assert!(missing.contains("nowhere: no such folder"), "{missing}");
    assert!(refused(&folder).contains("no config.json"));
    fs::copy(case("masked-lm/config.json"), folder.file("config.json")).unwrap();
    let error = refused(&folder);
    for name in [
        "model.safetensors",
        "model.safetensors.index.json",
        "pytorch_model.bin",
    ] {
        assert!(error.contains(name), "{error}");
    }
    let file = Checkpoint::open(&folder.file("config.json"))
        .unwrap_err()
        .to_string();
    assert!(file.contains("no such folder"), "{file}");
    fs::create_dir(folder.file("model.safetensors")).unwrap();
    assert!(refused(&folder).contains("not an ordinary file"));
}

#[test]
fn safetensors_are_preferred_then_shards_then_pytorch() {
    let folder = Temporary::copy_of("bert-legacy-names");
    let weights = case("bert-masked-lm/model.safetensors");
    fs::copy(&weights, folder.file("model.safetensors")).unwrap();
    let files = |folder: &Temporary| {
        let checkpoint = Checkpoint::open(folder.path()).unwrap();
        checkpoint.tensors()[0].file.file_name().unwrap().to_owned()
    };
    assert_eq!(files(&folder), "model.safetensors");
    fs::rename(
        folder.file("model.safetensors"),
        folder.file("all.safetensors"),
    )
    .unwrap();
    let map = json!({"weight_map": {"cls.predictions.bias": "all.safetensors"}});
    folder.write("model.safetensors.index.json", map.to_string());
    assert_eq!(files(&folder), "all.safetensors");
    fs::remove_file(folder.file("model.safetensors.index.json")).unwrap();
    assert_eq!(files(&folder), "pytorch_model.bin");
}
