//! The shaders that an adapter may be given, as text.

use serde::Serialize;

use crate::kernels;

/// One shader.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ShaderText {
    /// Its file's name and a number, ending in `.wgsl`.
    pub file_name: String,
    /// What it was composed for.
    pub variant: String,
    /// Valid WGSL.
    pub text: String,
}

/// Every variant that can be launched for the head widths in use, each text once.
pub fn shaders() -> Vec<ShaderText> {
    let mut seen = std::collections::HashSet::new();
    let mut numbers = std::collections::HashMap::<&str, usize>::new();
    kernels::catalogue()
        .into_iter()
        .filter(|entry| seen.insert(entry.shader.id))
        .map(|entry| {
            let number = numbers.entry(entry.shader.name).or_default();
            *number += 1;
            ShaderText {
                file_name: format!("{}-{number:02}.wgsl", entry.shader.name),
                text: format!("// {}\n\n{}", entry.variant, entry.shader.text),
                variant: entry.variant,
            }
        })
        .collect()
}
