//! `auscult shaders`: the texts that a GPU is given.

use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Args;

use super::output::{Usage, print_text};
use super::{Global, exit};
use crate::engine::shaders;

/// The global `--out` names a folder here; it is made if it does not exist.
#[derive(Args)]
#[command(after_help = "Example: auscult shaders --out composed-shaders\n\n\
                        Without --out, lists them; DIR is made if it does not exist.")]
pub(super) struct Command {}

impl Command {
    pub(super) fn run(&self, global: &Global) -> Result<ExitCode> {
        if global.json {
            return Err(Usage("shaders are text: --json has no meaning here".to_owned()).into());
        }
        let shaders = shaders();
        let Some(folder) = &global.out else {
            let line = |shader: &crate::engine::ShaderText| {
                format!("{:<32} {}\n", shader.file_name, shader.variant)
            };
            print_text(&shaders.iter().map(line).collect::<String>())?;
            return Ok(exit(true));
        };
        std::fs::create_dir_all(folder)
            .with_context(|| format!("cannot make {}", folder.display()))?;
        for shader in &shaders {
            let path = folder.join(&shader.file_name);
            std::fs::write(&path, &shader.text)
                .with_context(|| format!("cannot write {}", path.display()))?;
        }
        print_text(&format!(
            "{} files in {}\n",
            shaders.len(),
            folder.display()
        ))?;
        Ok(exit(true))
    }
}
