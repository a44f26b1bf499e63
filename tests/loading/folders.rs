//! Fixtures, and altered copies of them in temporary folders.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use auscult::model::checkpoint::Dtype;
use safetensors::tensor::TensorView;
use safetensors::{SafeTensors, serialize_to_file};
use serde_json::Value;

/// The folder of a case.
pub fn case(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures/reference")
        .join(name)
}

/// A folder that is removed in the end.
pub struct Temporary(PathBuf);

impl Temporary {
    /// An empty folder.
    pub fn new() -> Self {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("auscult-loading-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    /// A copy of the configuration and the weights of a case.
    pub fn copy_of(name: &str) -> Self {
        let copy = Self::new();
        for entry in fs::read_dir(case(name)).unwrap() {
            let path = entry.unwrap().path();
            let file = path.file_name().unwrap().to_str().unwrap();
            if file == "config.json" || file.contains("model") {
                fs::copy(&path, copy.file(file)).unwrap();
            }
        }
        copy
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        fs::write(self.file(name), content).unwrap();
    }

    /// Sets keys of `config.json`; null removes one.
    pub fn configure(&self, changes: &[(&str, Value)]) {
        let path = self.file("config.json");
        let mut config: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        for (key, value) in changes {
            match value {
                Value::Null => config.as_object_mut().unwrap().remove(*key),
                _ => config
                    .as_object_mut()
                    .unwrap()
                    .insert((*key).to_owned(), value.clone()),
            };
        }
        fs::write(path, config.to_string()).unwrap();
    }

    /// Rewrites `model.safetensors` with other tensors.
    pub fn alter(&self, change: impl FnOnce(&mut Vec<Stored>)) {
        let path = self.file("model.safetensors");
        let mut tensors = stored(&path);
        change(&mut tensors);
        let views = tensors.iter().map(|tensor| {
            let Stored {
                name,
                dtype,
                shape,
                bytes,
            } = tensor;
            (
                name.clone(),
                TensorView::new(*dtype, shape.clone(), bytes).unwrap(),
            )
        });
        let views: Vec<_> = views.collect();
        serialize_to_file(views.iter().map(|(name, view)| (name, view)), None, &path).unwrap();
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A tensor as it lies in a file.
#[derive(Clone)]
pub struct Stored {
    pub name: String,
    pub dtype: Dtype,
    pub shape: Vec<usize>,
    pub bytes: Vec<u8>,
}

impl Stored {
    pub fn new(name: &str, dtype: Dtype, shape: &[usize], bytes: Vec<u8>) -> Self {
        Self {
            name: name.to_owned(),
            dtype,
            shape: shape.to_vec(),
            bytes,
        }
    }
}

/// The tensors of a safetensors file.
pub fn stored(path: &Path) -> Vec<Stored> {
    let content = fs::read(path).unwrap();
    let tensors = SafeTensors::deserialize(&content).unwrap();
    let stored = |(name, view): (&str, TensorView)| {
        Stored::new(name, view.dtype(), view.shape(), view.data().to_vec())
    };
    tensors.iter().map(stored).collect()
}

/// The place of a tensor in a list, by its name.
pub fn find<'a>(tensors: &'a mut [Stored], name: &str) -> &'a mut Stored {
    tensors
        .iter_mut()
        .find(|tensor| tensor.name == name)
        .expect(name)
}
