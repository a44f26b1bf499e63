//! `auscult`: the engine from a terminal.

use std::process::ExitCode;

fn main() -> ExitCode {
    auscult::cli::run()
}
