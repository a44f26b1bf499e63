//! `auscult`: the engine in a window, or from a terminal.

use std::path::PathBuf;
use std::process::ExitCode;

use auscult::cli::{self, Asked};

fn main() -> ExitCode {
    match cli::run() {
        Asked::Done(code) => code,
        Asked::Window { model, device } => window(model, device),
    }
}

#[cfg(feature = "gui")]
fn window(model: Option<PathBuf>, device: Option<String>) -> ExitCode {
    let options = auscult::app::Options {
        model,
        device,
        measure: true,
        ..Default::default()
    };
    match auscult::app::run(options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

#[cfg(not(feature = "gui"))]
fn window(_: Option<PathBuf>, _: Option<String>) -> ExitCode {
    eprintln!(
        "error: this auscult was built without its window; auscult --help lists the commands"
    );
    ExitCode::from(2)
}
