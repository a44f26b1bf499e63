//! Holds the crate against the table of `docs/ARCHITECTURE.md`.
//!
//! It would catch: a module that uses one above it or one not in its row; burn outside the device
//! line, egui outside of `app`; an outside crate that its row does not name; a module without a row, without a line in
//! the map of `lib.rs` or without a first sentence; a `main.rs` that goes past `cli` and
//! `app`; a crate that
//! opens network connections, built or new in `Cargo.lock`.
//!
//! It reads text, so it does not see what a macro of another crate writes.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

#[path = "architecture/checks.rs"]
mod checks;
#[path = "architecture/source.rs"]
mod source;
#[path = "architecture/table.rs"]
mod table;
#[path = "architecture/twins.rs"]
mod twins;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use checks::{
    lock_complaints, main_complaints, module_complaints, table_complaints, use_complaints,
};
use table::{Row, denied_crates, rows, section_keys};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|err| panic!("{path}: {err}"))
}

fn real_rows() -> Vec<Row> {
    rows(&read("docs/ARCHITECTURE.md")).unwrap()
}

fn real_dependencies() -> Vec<String> {
    section_keys(&read("Cargo.toml"), "dependencies")
}

/// All `.rs` files under `src/`, relative to it.
fn sources() -> Vec<PathBuf> {
    let src = root().join("src");
    let (mut found, mut folders) = (Vec::new(), vec![src.clone()]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path.strip_prefix(&src).unwrap().to_owned());
            }
        }
    }
    found.sort();
    found
}

/// `notes/import/csv.rs` and `notes/import/csv/mod.rs` are both `["notes", "import", "csv"]`.
fn module_path(file: &Path) -> Vec<String> {
    let mut path: Vec<String> = file
        .with_extension("")
        .iter()
        .map(|part| part.to_str().unwrap().to_owned())
        .collect();
    if path.last().is_some_and(|last| last == "mod") {
        path.pop();
    }
    path
}

fn assert_none(complaints: &[String]) {
    assert!(complaints.is_empty(), "\n  {}\n", complaints.join("\n  "));
}

#[test]
fn the_table_is_in_order() {
    assert_none(&table_complaints(&real_rows(), &real_dependencies()));
}

#[test]
fn modules_rows_and_the_map_agree() {
    let modules = sources()
        .iter()
        .map(|file| module_path(file)[0].clone())
        .filter(|name| name != "lib" && name != "main")
        .collect();
    assert_none(&module_complaints(
        &real_rows(),
        &modules,
        &read("src/lib.rs"),
    ));
}

#[test]
fn every_file_keeps_to_its_row() {
    let (rows, dependencies) = (real_rows(), real_dependencies());
    assert!(
        dependencies.iter().any(|name| name == "burn"),
        "Cargo.toml was not understood"
    );
    let mut complaints = Vec::new();
    for file in sources() {
        let home = module_path(&file);
        let text = read(&format!("src/{}", file.display()));
        let found = match home[0].as_str() {
            "lib" => continue,
            "main" => main_complaints(&dependencies, &text),
            _ => {
                let home: Vec<&str> = home.iter().map(String::as_str).collect();
                use_complaints(&rows, &dependencies, &home, &text)
            }
        };
        complaints.extend(
            found
                .iter()
                .map(|what| format!("src/{}: {what}", file.display())),
        );
    }
    assert_none(&complaints);
}

#[test]
fn every_module_says_what_it_does() {
    let mut complaints = Vec::new();
    for file in sources() {
        let text = read(&format!("src/{}", file.display()));
        let module = module_path(&file);
        let sentence = text
            .lines()
            .next()
            .and_then(|line| line.strip_prefix("//! "));
        if module.len() == 1 && sentence.is_none_or(|sentence| sentence.trim().is_empty()) {
            complaints.push(format!(
                "src/{} does not begin with `//! …`",
                file.display()
            ));
        }
    }
    assert_none(&complaints);
}

#[test]
fn no_network_crate_is_locked() {
    let denied = denied_crates(&read("deny.toml"));
    assert!(
        denied.len() >= 17,
        "deny.toml was not understood: {denied:?}"
    );
    assert_none(&lock_complaints(&denied, &read("Cargo.lock")));
}

/// What is built here, by cargo's own account.
#[test]
fn no_network_crate_is_built() {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args([
            "tree",
            "--offline",
            "--locked",
            "--edges",
            "normal,build,dev",
            "--prefix",
            "none",
        ])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "cargo tree: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    let tree = String::from_utf8(output.stdout).unwrap();
    let built: BTreeSet<&str> = tree
        .lines()
        .filter_map(|line| line.split(' ').next())
        .collect();
    assert!(built.contains("burn"), "cargo tree was not understood");
    let denied = denied_crates(&read("deny.toml"));
    assert!(!denied.is_empty(), "deny.toml was not understood");
    let found: Vec<_> = denied
        .iter()
        .filter(|name| built.contains(name.as_str()))
        .collect();
    assert!(
        found.is_empty(),
        "built although deny.toml forbids them: {found:?}"
    );
}
