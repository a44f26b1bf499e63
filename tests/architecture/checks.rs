//! The checks: each takes text or names and says in sentences what is wrong.

use std::collections::{BTreeMap, BTreeSet};

use super::source::named_paths;
use super::table::Row;

/// Crates that hold no device, no window and no file format; open to every module.
const OPEN_TO_ALL: [&str; 4] = ["anyhow", "serde", "serde_json", "thiserror"];

/// The device line: only these know burn.
const DEVICE_SIDE: [&str; 6] = ["kernels", "model", "tasks", "training", "parity", "engine"];

/// The window line: only this knows egui.
const WINDOW_SIDE: &str = "app";

/// Forbidden crates that `Cargo.lock` names although nothing builds them, who may ask for each,
/// and why it is not built. `no_network_crate_is_built` holds the last column true.
const LOCKED_NOT_BUILT: [(&str, &[&str], &str); 3] = [
    ("rustls", &["ureq"], "comes with ureq"),
    (
        "tokio",
        &["wasm-bindgen-futures"],
        "for Emscripten with an unstable flag",
    ),
    (
        "ureq",
        &["torch-sys", "tracel-llvm-bundler"],
        "for backends of burn that are switched off",
    ),
];

/// What is wrong with the table itself.
pub fn table_complaints(rows: &[Row], dependencies: &[String]) -> Vec<String> {
    let mut complaints = Vec::new();
    let mut above: Vec<&str> = Vec::new();
    for row in rows {
        let module = &row.module;
        if row.sentence.is_empty() {
            complaints.push(format!("`{module}` has no sentence"));
        }
        for used in &row.may_use {
            if !above.contains(&used.as_str()) {
                complaints.push(format!(
                    "`{module}` may use `{used}`, which does not stand above it"
                ));
            }
        }
        for name in &row.crates {
            if !dependencies.contains(name) {
                complaints.push(format!("`{module}` names `{name}`, which is no dependency"));
            }
            if name.starts_with("burn") && !DEVICE_SIDE.contains(&module.as_str()) {
                complaints.push(format!("`{module}` names `{name}` across the device line"));
            }
            let of_window = ["egui", "eframe", "rfd"];
            if of_window.iter().any(|own| name.starts_with(own)) && module != WINDOW_SIDE {
                complaints.push(format!("`{module}` names `{name}` across the window line"));
            }
        }
        above.push(module);
    }
    complaints
}

/// Modules that lack a row, rows that lack a module, and the same for the map in `lib.rs`.
pub fn module_complaints(rows: &[Row], modules: &BTreeSet<String>, lib: &str) -> Vec<String> {
    let mut complaints = Vec::new();
    for module in modules {
        if !rows.iter().any(|row| row.module == *module) {
            complaints.push(format!(
                "src has a module `{module}`, the table has no row for it"
            ));
        }
    }
    for Row { module, .. } in rows {
        if !modules.contains(module) {
            complaints.push(format!(
                "the table has a row `{module}`, src has no such module"
            ));
        }
        if !lib.lines().any(|line| line == format!("pub mod {module};")) {
            complaints.push(format!("lib.rs does not declare `pub mod {module};`"));
        }
    }
    let map: Vec<&str> = lib
        .lines()
        .filter_map(|line| line.strip_prefix("//! - [`")?.split_once('`'))
        .map(|(name, _)| name)
        .collect();
    let order: Vec<&str> = rows.iter().map(|row| row.module.as_str()).collect();
    if map != order {
        complaints.push(format!("lib.rs maps {map:?}, the table {order:?}"));
    }
    complaints
}

/// What `text`, the source of module `home`, uses that its row does not allow.
pub fn use_complaints(
    rows: &[Row],
    dependencies: &[String],
    home: &[&str],
    text: &str,
) -> Vec<String> {
    let Some(row) = rows.iter().find(|row| row.module == home[0]) else {
        return vec![format!("`{}` has no row", home[0])];
    };
    let mut complaints = BTreeSet::new();
    for path in named_paths(text, home) {
        let line = path.line;
        let first = path.segments[0].as_str();
        if first != "crate" {
            let known = dependencies.iter().any(|name| name == first);
            let open = OPEN_TO_ALL.contains(&first) || row.crates.iter().any(|name| name == first);
            if known && !open {
                complaints.insert(format!(
                    "line {line}: `{}` may not use the crate `{first}`",
                    home[0]
                ));
            }
            continue;
        }
        match path.segments.get(1) {
            Some(used) if used == home[0] || row.may_use.contains(used) => {}
            Some(used) if rows.iter().any(|row| row.module == *used) => {
                complaints.insert(format!("line {line}: `{}` may not use `{used}`", home[0]));
            }
            other => {
                let what = other.map_or("", String::as_str);
                complaints.insert(format!(
                    "line {line}: `crate::{what}` hides which module it means"
                ));
            }
        }
    }
    complaints.into_iter().collect()
}

/// What `main.rs` uses besides `auscult::cli` and `auscult::app`.
pub fn main_complaints(dependencies: &[String], text: &str) -> Vec<String> {
    named_paths(text, &[])
        .into_iter()
        .filter(|path| match path.segments[0].as_str() {
            "auscult" => {
                let module = path.segments.get(1);
                module.is_none_or(|module| module != "cli" && module != "app")
            }
            first => {
                first == "crate"
                    || dependencies.iter().any(|name| name == first)
                        && !OPEN_TO_ALL.contains(&first)
            }
        })
        .map(|path| format!("main.rs line {}: `{}`", path.line, path.segments.join("::")))
        .collect()
}

/// Forbidden crates in `lock` that somebody asks for who is not excused.
pub fn lock_complaints(denied: &[String], lock: &str) -> Vec<String> {
    let mut asked_for: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for package in lock.split("[[package]]").skip(1) {
        let mut quoted = package.lines().filter_map(|line| {
            let text = line
                .trim()
                .trim_start_matches("name = ")
                .strip_prefix('"')?;
            text.split(['"', ' ']).next()
        });
        let name = quoted.next().expect("a package begins with its name");
        asked_for.entry(name).or_default();
        for dependency in quoted {
            asked_for.entry(dependency).or_default().insert(name);
        }
    }
    let mut complaints = Vec::new();
    for name in denied {
        let Some(dependents) = asked_for.get(name.as_str()) else {
            continue;
        };
        let excused = LOCKED_NOT_BUILT.iter().find(|(locked, ..)| locked == name);
        let excused = excused.map_or(&[][..], |(_, excused, _)| *excused);
        let others: Vec<_> = dependents
            .iter()
            .filter(|who| !excused.contains(who))
            .collect();
        if dependents.is_empty() || !others.is_empty() {
            complaints.push(format!("Cargo.lock has `{name}`, asked for by {others:?}"));
        }
    }
    complaints
}
