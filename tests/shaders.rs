//! Would catch: a shader that no longer compiles, for Vulkan, Metal or DirectX; one that needs more
//! of a device than it says; bindings or a `Call` struct out of step with the Rust side; a file
//! under `shaders/` that nothing uses.
//!
//! No adapter is needed: naga, which wgpu compiles with, does all of it.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::collections::{BTreeSet, HashSet};
use std::fs;
use std::path::Path;

use auscult::kernels::{Entry, catalogue};
use naga::valid::{
    Capabilities, ModuleInfo, ShaderStages, SubgroupOperationSet, ValidationFlags, Validator,
};
use naga::{AddressSpace, Module, TypeInner, back};

/// Everything wrong with one text that declares `f16`, `subgroups`, `threads` and `workgroup_bytes`,
/// and writes the fields `call`.
struct Claims<'a> {
    f16: bool,
    subgroups: bool,
    threads: u32,
    workgroup_bytes: usize,
    call: &'a [&'a str],
}

fn parse(text: &str) -> Result<Module, String> {
    naga::front::wgsl::parse_str(text).map_err(|error| error.emit_to_string(text))
}

fn validate(module: &Module, text: &str, claims: &Claims) -> Result<ModuleInfo, String> {
    let mut capabilities = Capabilities::empty();
    let half = Capabilities::SHADER_FLOAT16 | Capabilities::SHADER_FLOAT16_IN_FLOAT32;
    capabilities.set(half, claims.f16);
    capabilities.set(Capabilities::SUBGROUP, claims.subgroups);
    let mut validator = Validator::new(ValidationFlags::all(), capabilities);
    if claims.subgroups {
        validator
            .subgroup_stages(ShaderStages::COMPUTE)
            .subgroup_operations(SubgroupOperationSet::SHUFFLE);
    }
    validator
        .validate(module)
        .map_err(|error| error.emit_to_string(text))
}

/// What does not hold for a text; empty if all is well.
fn faults(text: &str, claims: &Claims) -> Vec<String> {
    let module = match parse(text) {
        Ok(module) => module,
        Err(why) => return vec![why],
    };
    let info = match validate(&module, text, claims) {
        Ok(info) => info,
        Err(why) => return vec![why],
    };
    let mut faults = Vec::new();
    faults.extend(entry_point_faults(&module, &info, claims));
    faults.extend(binding_faults(&module, claims));
    faults.extend(translation_faults(&module, &info));
    faults
}

fn entry_point_faults(module: &Module, info: &ModuleInfo, claims: &Claims) -> Vec<String> {
    let [entry] = module.entry_points.as_slice() else {
        return vec![format!("{} entry points", module.entry_points.len())];
    };
    let mut faults = Vec::new();
    if entry.name != "main" {
        faults.push(format!("the entry point is {}", entry.name));
    }
    if entry.workgroup_size != [claims.threads, 1, 1] || claims.threads > 256 {
        faults.push(format!("workgroup size {:?}", entry.workgroup_size));
    }
    // With a layout made from the text, a binding that is not used does not exist.
    let usage = info.get_entry_point(0);
    let mut bytes = 0;
    for (handle, variable) in module.global_variables.iter() {
        if variable.binding.is_some() && usage[handle].is_empty() {
            faults.push(format!("binding {:?} is not used", variable.name));
        }
        if variable.space == AddressSpace::WorkGroup {
            bytes += module.types[variable.ty].inner.size(module.to_ctx()) as usize;
        }
    }
    if bytes > claims.workgroup_bytes {
        faults.push(format!("{bytes} bytes of workgroup memory"));
    }
    faults
}

fn binding_faults(module: &Module, claims: &Claims) -> Vec<String> {
    let mut faults = Vec::new();
    let mut bindings: Vec<_> = module
        .global_variables
        .iter()
        .filter_map(|(_, variable)| Some((variable.binding?, variable)))
        .collect();
    bindings.sort_by_key(|(binding, _)| binding.binding);
    if bindings.len() > 8 {
        faults.push(format!("{} storage buffers", bindings.len()));
    }
    let last = bindings.len().saturating_sub(1);
    for (index, (binding, variable)) in bindings.iter().enumerate() {
        let name = variable.name.as_deref().unwrap_or("");
        if (binding.group, binding.binding as usize) != (0, index) {
            faults.push(format!("{name} is {binding:?}, expected number {index}"));
        }
        let AddressSpace::Storage { access } = variable.space else {
            faults.push(format!("{name} is no storage buffer"));
            continue;
        };
        // Tensors may be parts of one buffer, which cannot be bound in two ways at a time.
        let writable = access.contains(naga::StorageAccess::STORE);
        if writable == (index == last) || (name == "call") != (index == last) {
            faults.push(format!("{name} has the wrong access or place"));
        }
        if index == last {
            faults.extend(call_faults(module, variable, claims.call));
        }
    }
    faults
}

/// `Call` has exactly the fields of the Rust struct, 4 bytes each, and then perhaps an array.
fn call_faults(module: &Module, variable: &naga::GlobalVariable, fields: &[&str]) -> Vec<String> {
    let TypeInner::Struct { members, .. } = &module.types[variable.ty].inner else {
        return vec!["call is no struct".to_owned()];
    };
    let mut faults = Vec::new();
    for (index, member) in members.iter().enumerate() {
        let name = member.name.as_deref().unwrap_or("");
        let is_array = matches!(module.types[member.ty].inner, TypeInner::Array { .. });
        let expected = fields.get(index).copied();
        let agrees = match expected {
            Some(expected) => name == expected && !is_array,
            None => index == fields.len() && is_array,
        };
        if !agrees || member.offset as usize != 4 * index {
            let offset = member.offset;
            faults.push(format!("call.{name} at {offset}, expected {expected:?}"));
        }
    }
    if members.len() < fields.len() {
        faults.push(format!("call has {} of {fields:?}", members.len()));
    }
    faults
}

/// SPIR-V for Vulkan, MSL for Metal, HLSL for DirectX.
fn translation_faults(module: &Module, info: &ModuleInfo) -> Vec<String> {
    let mut faults = Vec::new();
    let options = back::spv::Options::default();
    if let Err(error) = back::spv::write_vec(module, info, &options, None) {
        faults.push(format!("SPIR-V: {error}"));
    }
    let options = back::msl::Options {
        lang_version: (2, 4),
        fake_missing_bindings: true,
        ..Default::default()
    };
    let pipeline = back::msl::PipelineOptions::default();
    if let Err(error) = back::msl::write_string(module, info, &options, &pipeline) {
        faults.push(format!("MSL: {error}"));
    }
    let options = back::hlsl::Options {
        shader_model: back::hlsl::ShaderModel::V6_2,
        ..Default::default()
    };
    let pipeline = back::hlsl::PipelineOptions::default();
    let mut text = String::new();
    let mut writer = back::hlsl::Writer::new(&mut text, &options, &pipeline);
    if let Err(error) = writer.write(module, info, None) {
        faults.push(format!("HLSL: {error}"));
    }
    faults
}

fn claims(entry: &Entry) -> Claims<'_> {
    Claims {
        f16: entry.shader.f16,
        subgroups: entry.shader.subgroups,
        threads: entry.shader.threads,
        workgroup_bytes: entry.workgroup_bytes,
        call: entry.call,
    }
}

#[test]
fn every_shader_compiles_everywhere_and_fits_its_caller() {
    let wrong: Vec<String> = catalogue()
        .iter()
        .flat_map(|entry| {
            faults(&entry.shader.text, &claims(entry))
                .into_iter()
                .map(|fault| format!("{}: {fault}", entry.variant))
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn two_variants_never_share_an_id() {
    let entries = catalogue();
    let variants: HashSet<&str> = entries.iter().map(|entry| entry.variant.as_str()).collect();
    let ids: HashSet<[u8; 32]> = entries.iter().map(|entry| entry.shader.id).collect();
    assert_eq!(variants.len(), ids.len());
}

#[test]
fn every_file_is_used() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("shaders");
    let mut files = BTreeSet::new();
    for (prefix, folder) in [("", folder.clone()), ("shared/", folder.join("shared"))] {
        for entry in fs::read_dir(folder).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            if let Some(name) = name.strip_suffix(".wgsl") {
                files.insert(format!("{prefix}{name}"));
            }
        }
    }
    let used: BTreeSet<String> = catalogue()
        .iter()
        .flat_map(|entry| entry.shader.files.clone())
        .map(str::to_owned)
        .collect();
    assert_eq!(files, used);
}

/// Each fault that is looked for, made on purpose.
#[test]
fn faults_are_found() {
    let entries = catalogue();
    let entry = entries
        .iter()
        .find(|entry| entry.shader.name == "attention_grad_q" && !entry.shader.f16)
        .unwrap();
    let text = entry.shader.text.as_str();
    assert_eq!(faults(text, &claims(entry)), Vec::<String>::new());
    let broken = [
        ("an unknown name", "load_d_out(", "load_something("),
        ("a gap in the bindings", "@binding(4)", "@binding(7)"),
        (
            "a binding that is only read",
            "read_write> d_out",
            "read> d_out",
        ),
        ("a binding that is not used", "delta[at]", "0.0"),
        (
            "a shifted field",
            "tokens: u32,\n",
            "tokens: u32,\n    more: u32,\n",
        ),
        ("a field less", "    half_window: u32,\n", ""),
        ("another entry point", "fn main(", "fn start("),
        (
            "another workgroup size",
            "@workgroup_size(THREADS)",
            "@workgroup_size(THREADS * 2)",
        ),
        (
            "too much workgroup memory",
            "quarters of workgroup memory",
            "",
        ),
        (
            "f16 without saying so",
            "alias elem = f32",
            "enable f16;\nalias elem = f16",
        ),
    ];
    let broken = broken.into_iter().chain([(
        "a subgroup operation without saying so",
        "let thread_row = thread /",
        "let thread_row = subgroupShuffleXor(thread, 1u) /",
    )]);
    for (what, from, to) in broken {
        let (text, claims) = match what {
            "too much workgroup memory" => (
                text.to_owned(),
                Claims {
                    workgroup_bytes: 1000,
                    ..claims(entry)
                },
            ),
            _ => {
                assert!(text.contains(from), "{what}: no {from:?} in the text");
                (text.replacen(from, to, 1), claims(entry))
            }
        };
        assert!(!faults(&text, &claims).is_empty(), "{what}");
    }
}

/// What does not hold for a shader that draws in the window; empty if all is well.
fn drawing_faults(text: &str) -> Vec<String> {
    let module = match parse(text) {
        Ok(module) => module,
        Err(why) => return vec![why],
    };
    let claims = Claims {
        f16: false,
        subgroups: false,
        threads: 0,
        workgroup_bytes: 0,
        call: &[],
    };
    let info = match validate(&module, text, &claims) {
        Ok(info) => info,
        Err(why) => return vec![why],
    };
    let mut faults = translation_faults(&module, &info);
    for name in ["vertex", "fragment"] {
        if !module.entry_points.iter().any(|own| own.name == name) {
            faults.push(format!("no entry point \"{name}\""));
        }
    }
    faults
}

#[test]
fn what_draws_in_the_window_compiles_everywhere() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("shaders/window");
    let mut looked = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let text = fs::read_to_string(&path).unwrap();
        assert_eq!(drawing_faults(&text), [""; 0], "{}", path.display());
        looked += 1;
        for (wrong, what, instead) in [
            ("a type", "vec2f", "vec2g"),
            ("an entry point", "fn fragment(", "fn other("),
        ] {
            let broken = text.replacen(what, instead, 1);
            assert!(
                broken != text && !drawing_faults(&broken).is_empty(),
                "{wrong}"
            );
        }
    }
    assert!(looked > 0);
}
