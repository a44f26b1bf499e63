//! The checks fed with made-up violations: each has to be caught.

use super::checks::{
    lock_complaints, main_complaints, module_complaints, table_complaints, use_complaints,
};
use super::table::rows;

const TABLE: &str = "\
| module | in one sentence | may use | outside crates |
|---|---|---|---|
| `job` | carries progress | – | – |
| `notes` | clinical text | `job` | – |
| `model` | numbers | `job` | `burn`, `burn-store` |
| `engine` | everything | all above | `burn` |
";

fn dependencies() -> Vec<String> {
    ["burn", "burn_store", "clap", "serde"]
        .map(str::to_owned)
        .to_vec()
}

fn complaints_about(home: &[&str], text: &str) -> Vec<String> {
    use_complaints(&rows(TABLE).unwrap(), &dependencies(), home, text)
}

#[test]
fn forbidden_uses_are_caught() {
    for (home, text) in [
        (&["notes"][..], "use crate::model;"),
        (&["notes"], "use crate::model::Model;"),
        (
            &["notes"],
            "use crate::{job::Job, model::{Model, config::{self, Kind}}};",
        ),
        (
            &["notes"],
            "pub(crate) use crate::{job, engine::Engine as Motor};",
        ),
        (&["notes"], "fn f() -> crate::model::Model { todo!() }"),
        (&["notes"], "fn f(x: Vec<crate::engine::Engine>) {}"),
        (&["notes"], "const N: usize = 0..crate::model::N;"),
        (
            &["notes"],
            "macro_rules! m { () => { $crate::model::f() } }",
        ),
        (
            &["notes", "import", "csv"],
            "use super::super::super::model::Model;",
        ),
        (&["notes", "import"], "use super::super::engine;"),
        (&["notes"], "mod tests { use super::super::model; }"),
        (&["notes"], "use super::model::Model;"),
        (&["notes"], "use crate::*;"),
        (&["notes"], "use super::*;"),
        (&["notes"], "use crate as root;"),
        (&["notes"], "use crate::{self, job};"),
        (&["notes"], "use crate::Engine;"),
        (&["notes"], "use burn;"),
        (&["notes"], "use burn::tensor::Tensor;"),
        (&["notes"], "use ::burn::tensor::Tensor;"),
        (&["notes"], "use {std::fs, burn_store::pytorch};"),
        (&["notes"], "fn f() -> ::burn::Tensor { if 1 > burn::N {} }"),
        (&["notes"], "mod burn; fn f() { ::burn::g() }"),
        (&["notes"], "#[derive(clap::Parser)] struct A;"),
        (&["notes"], "extern crate burn;"),
        (
            &["notes"],
            "fn f<'a>(x: &'a str) -> burn::Tensor { let c = '\"'; }",
        ),
        (&["notes"], "const A: &str = r#\"\"#; use crate::model;"),
        (&["notes"], "/* a /* b */ c */ use crate::model;"),
        (&["notes"], "let c = '\\''; use crate::model;"),
        (&["model"], "use crate::r#engine::Engine;"),
        (&["engine"], "use clap::Parser;"),
        (&["window"], "fn f() {}"),
    ] {
        assert_ne!(
            complaints_about(home, text),
            [""; 0],
            "not caught in {home:?}: {text}"
        );
    }
}

#[test]
fn allowed_uses_pass() {
    for (home, text) in [
        (
            &["notes"][..],
            "use crate::job::{Job, Progress}; use serde::Serialize; use std::fs;",
        ),
        (
            &["notes"],
            "// use crate::model;\n/* burn::x */ /// [`crate::engine`]\nfn f() {}",
        ),
        (
            &["notes"],
            "const A: &str = \"crate::model::x\"; const B: &str = r##\"\"# burn::x\"##;",
        ),
        (
            &["notes"],
            "mod tests { use super::*; use super::super::job::Job; }",
        ),
        (
            &["notes"],
            "pub(crate) fn f() {} pub(in crate::notes) fn g() {}",
        ),
        (
            &["notes"],
            "mod burn; use self::burn::x; fn f() { burn::y() }",
        ),
        (
            &["notes"],
            "fn f() -> impl Iterator + use<'_> { model.burn().sum::<u8>() }",
        ),
        (&["notes", "import"], "use super::{Note, super::job};"),
        (
            &["model", "layers"],
            "use burn::tensor::Tensor; use burn_store::pytorch; use super::Model;",
        ),
        (&["engine"], "use crate::{job, model::Model, notes::*};"),
    ] {
        assert_eq!(complaints_about(home, text), [""; 0], "in {home:?}: {text}");
    }
}

#[test]
fn complaints_name_the_line() {
    let text = "//! A\n\"a\nb\";\nuse crate::{\n    job,\n    model,\n};\n";
    assert_eq!(
        complaints_about(&["notes"], text),
        ["line 6: `notes` may not use `model`"]
    );
}

#[test]
fn a_broken_table_is_caught() {
    let complaints = |from: &str, to: &str| {
        assert!(TABLE.contains(from));
        rows(&TABLE.replace(from, to)).map_or_else(
            |why| vec![why],
            |rows| table_complaints(&rows, &dependencies()),
        )
    };
    assert_eq!(complaints("numbers", "figures"), [""; 0]);
    for (from, to) in [
        ("| `job` | – |", "| `engine` | – |"),
        ("| clinical text |", "| |"),
        ("| `job` | – |", "| `job` | `burn` |"),
        ("| `job` | – |", "| job | – |"),
        ("`burn-store`", "`ort`"),
        ("`burn-store`", "`eframe`"),
        ("| – | – |", "| – |"),
        ("| module |", "| part |"),
    ] {
        assert_ne!(complaints(from, to), [""; 0], "not caught: {from} → {to}");
    }
}

#[test]
fn a_missing_module_row_or_line_is_caught() {
    let rows = rows(TABLE).unwrap();
    let names = ["job", "notes", "model", "engine"];
    let modules = |names: &[&str]| names.iter().map(ToString::to_string).collect();
    let lib: String = names.map(|name| format!("//! - [`{name}`]: x\n")).concat()
        + &names.map(|name| format!("pub mod {name};\n")).concat();
    assert_eq!(module_complaints(&rows, &modules(&names), &lib), [""; 0]);
    assert_eq!(
        module_complaints(&rows, &modules(&names[1..]), &lib).len(),
        1
    );
    assert_eq!(
        module_complaints(&rows[1..], &modules(&names), &lib).len(),
        2
    );
    for line in ["//! - [`notes`]: x\n", "pub mod notes;\n"] {
        let lib = lib.replace(line, "");
        assert_eq!(module_complaints(&rows, &modules(&names), &lib).len(), 1);
    }
}

#[test]
fn a_main_that_goes_past_cli_is_caught() {
    let clean = "fn main() -> std::process::ExitCode { auscult::cli::run() }";
    assert_eq!(main_complaints(&dependencies(), clean), [""; 0]);
    for text in [
        "use auscult::engine::Engine;",
        "use auscult::{cli, job};",
        "use auscult as a;",
        "use burn::Tensor;",
        "fn main() { clap::parse() }",
    ] {
        assert_ne!(
            main_complaints(&dependencies(), text),
            [""; 0],
            "not caught: {text}"
        );
    }
}

#[test]
fn a_locked_network_crate_is_caught() {
    let denied = ["tokio", "ureq", "hyper"].map(str::to_owned);
    let package = |name: &str, dependencies: &str| {
        format!(
            "[[package]]\nname = \"{name}\"\nversion = \"1\"\ndependencies = [\n{dependencies}]\n\n"
        )
    };
    let tokio = package("tokio", "") + &package("wasm-bindgen-futures", " \"tokio\",\n");
    assert_eq!(lock_complaints(&denied, &tokio), [""; 0]);
    for added in [
        package("auscult", " \"tokio\",\n"),
        package("auscult", " \"tokio 1.54.1\",\n"),
        package("hyper", "") + &package("auscult", " \"hyper\",\n"),
        package("hyper", ""),
        package("ureq", "") + &package("hf-hub", " \"ureq 3.5.2\",\n"),
    ] {
        assert_ne!(
            lock_complaints(&denied, &(tokio.clone() + &added)),
            [""; 0],
            "{added}"
        );
    }
}
