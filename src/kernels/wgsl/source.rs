//! The text of a shader: generated constants, the shared parts it names, and its own file, joined.

use std::fmt::Write;

use sha2::{Digest, Sha256};

/// The type in which a kernel's tensors are stored; it computes in f32 whatever they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Elem {
    /// 32-bit floats.
    F32,
    /// 16-bit floats; the device needs `SHADER_F16`.
    F16,
}

/// A file under `shaders/`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ShaderFile {
    /// Its path without `shaders/` and `.wgsl`.
    pub name: &'static str,
    /// What stands in it.
    pub text: &'static str,
}

/// Names a file under `shaders/` and takes its text into the program.
macro_rules! shader_file {
    ($name:literal) => {
        $crate::kernels::wgsl::source::ShaderFile {
            name: $name,
            text: include_str!(concat!("../../../shaders/", $name, ".wgsl")),
        }
    };
}
pub(super) use shader_file;

/// A shader being put together.
pub(super) struct Source {
    constants: String,
    elem: Option<Elem>,
    subgroups: bool,
    shared: Vec<ShaderFile>,
    file: ShaderFile,
    threads: u32,
}

impl Source {
    /// `threads` invocations of `file` make a workgroup.
    pub(super) fn new(file: ShaderFile, threads: u32) -> Self {
        Self {
            constants: String::new(),
            elem: None,
            subgroups: false,
            shared: Vec::new(),
            file,
            threads,
        }
    }

    /// `const NAME: u32 = value;`
    pub(super) fn constant(mut self, name: &str, value: u32) -> Self {
        let _ = writeln!(self.constants, "const {name}: u32 = {value}u;");
        self
    }

    /// `const NAME: bool = value;`
    pub(super) fn switch(mut self, name: &str, value: bool) -> Self {
        let _ = writeln!(self.constants, "const {name}: bool = {value};");
        self
    }

    /// `const NAME: f32 = value;`
    pub(super) fn number(mut self, name: &str, value: f32) -> Self {
        let _ = writeln!(self.constants, "const {name}: f32 = {value:?}f;");
        self
    }

    /// `alias elem = …;`, with what it takes to use the type.
    pub(super) fn elem(mut self, elem: Elem) -> Self {
        self.elem = Some(elem);
        self
    }

    /// Says that subgroup operations are used; naga knows no `enable` for them.
    pub(super) fn subgroups(mut self) -> Self {
        self.subgroups = true;
        self
    }

    /// Puts a shared file before the shader's own.
    pub(super) fn shared(mut self, file: ShaderFile) -> Self {
        self.shared.push(file);
        self
    }

    /// The finished text. Order does not matter in a WGSL module but for `enable`, which is first.
    pub(super) fn compose(self) -> Shader {
        let mut text = String::new();
        if self.elem == Some(Elem::F16) {
            text.push_str("enable f16;\n\n");
        }
        match self.elem {
            Some(Elem::F32) => text.push_str("alias elem = f32;\n"),
            Some(Elem::F16) => text.push_str("alias elem = f16;\n"),
            None => {}
        }
        text.push_str(&self.constants);
        for file in self.shared.iter().chain([&self.file]) {
            let _ = write!(text, "\n// ---- shaders/{}.wgsl\n{}", file.name, file.text);
        }
        let files = self.shared.iter().chain([&self.file]);
        Shader {
            name: self.file.name,
            files: files.map(|file| file.name).collect(),
            id: Sha256::digest(text.as_bytes()).into(),
            threads: self.threads,
            f16: self.elem == Some(Elem::F16),
            subgroups: self.subgroups,
            text,
        }
    }
}

/// A finished shader with what has to be known to launch it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shader {
    /// The name of its own file.
    pub name: &'static str,
    /// All the files it is made of.
    pub files: Vec<&'static str>,
    /// The WGSL text; its entry point is `main`.
    pub text: String,
    /// Hash of the text: two shaders are the same if and only if their texts are.
    pub id: [u8; 32],
    /// Invocations of a workgroup.
    pub threads: u32,
    /// Whether the device needs `SHADER_F16`.
    pub f16: bool,
    /// Whether it needs `SUBGROUP`.
    pub subgroups: bool,
}
