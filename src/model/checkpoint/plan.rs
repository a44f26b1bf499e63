//! Matches tensors with parameters, each once.

use std::collections::HashMap;

use super::mismatch::{Difference, Mismatch, nearest};
use super::structure::Reason;
use super::{Checkpoint, ParameterSpec, StoredTensor, upcast};
use crate::model::config::ModelConfig;

/// Which tensor fills each parameter of a model.
#[derive(Debug, Clone, PartialEq)]
pub struct LoadPlan {
    /// Each parameter with the index of its tensor, in the order of the layout.
    pub(super) fills: Vec<(ParameterSpec, usize)>,
    left_aside: Vec<LeftAside>,
}

/// A tensor that the model has knowingly no use for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftAside {
    /// Its name in the file.
    pub name: String,
    /// Why it is left aside.
    pub reason: Reason,
}

impl LoadPlan {
    /// The parameters that will be read, in the order of the layout.
    pub fn parameters(&self) -> impl Iterator<Item = &ParameterSpec> {
        self.fills.iter().map(|(parameter, _)| parameter)
    }

    /// Tensors of the file that stay unread, with the reason.
    pub fn left_aside(&self) -> &[LeftAside] {
        &self.left_aside
    }
}

/// What is known so far while tensors are matched with parameters.
struct Matching<'a> {
    checkpoint: &'a Checkpoint,
    /// Indices of tensors by the parameter that they would fill, as long as they are unused.
    unused: HashMap<&'a str, Vec<usize>>,
    fills: Vec<(ParameterSpec, usize)>,
    missing: Vec<&'a ParameterSpec>,
    left_aside: Vec<LeftAside>,
    differences: Vec<Difference>,
    hints: Vec<String>,
}

/// Matches every parameter of the layout with one tensor, and every tensor with a parameter or
/// a reason.
pub(super) fn plan(
    checkpoint: &Checkpoint,
    layout: &[ParameterSpec],
) -> Result<LoadPlan, Mismatch> {
    let mut unused: HashMap<&str, Vec<usize>> = HashMap::new();
    for (tensor, parameter) in checkpoint.parameters.iter().enumerate() {
        unused.entry(parameter).or_default().push(tensor);
    }
    let mut matching = Matching {
        checkpoint,
        unused,
        fills: Vec::new(),
        missing: Vec::new(),
        left_aside: Vec::new(),
        differences: Vec::new(),
        hints: Vec::new(),
    };
    for parameter in layout {
        matching.fill(parameter);
    }
    matching.settle_copies();
    let unexpected = matching.set_aside();
    matching.report_leftovers(&unexpected);
    if matching.differences.is_empty() {
        return Ok(LoadPlan {
            fills: matching.fills,
            left_aside: matching.left_aside,
        });
    }
    matching.explain();
    Err(Mismatch {
        folder: checkpoint.folder.clone(),
        differences: matching.differences,
        hints: matching.hints,
    })
}

impl<'a> Matching<'a> {
    fn tensor(&self, index: usize) -> &'a StoredTensor {
        &self.checkpoint.tensors[index]
    }

    fn fill(&mut self, parameter: &'a ParameterSpec) {
        let structure = self.checkpoint.structure;
        let found = self.unused.remove(parameter.name.as_str()).or_else(|| {
            // A file that leaves out one of two tied tensors may have kept the other.
            let copies = structure.copies(self.checkpoint.config.model_type());
            let (copy, _) = copies
                .iter()
                .find(|(_, original)| *original == parameter.name)?;
            self.unused.remove(copy)
        });
        match found.as_deref() {
            None => self.missing.push(parameter),
            Some(&[index]) => self.check(parameter, index),
            Some(several) => {
                let names = several.iter().map(|&index| self.tensor(index).name.clone());
                self.differences.push(Difference::Doubled {
                    parameter: parameter.name.clone(),
                    tensors: names.collect(),
                });
            }
        }
    }

    fn check(&mut self, parameter: &ParameterSpec, index: usize) {
        let tensor = self.tensor(index);
        let (parameter, stored) = (parameter.clone(), tensor.clone());
        if tensor.shape != parameter.shape {
            self.differences.push(Difference::Misshapen {
                parameter,
                tensor: stored,
            });
        } else if !upcast::is_supported(tensor.dtype) {
            self.differences
                .push(Difference::WrongType { tensor: stored });
        } else {
            self.fills.push((parameter, index));
        }
    }

    /// Compares tensors that must be copies with what they are copies of.
    fn settle_copies(&mut self) {
        let config: &ModelConfig = &self.checkpoint.config;
        for &(copy, original) in self.checkpoint.structure.copies(config.model_type()) {
            let filled = self
                .fills
                .iter()
                .find(|(parameter, _)| parameter.name == original);
            let Some(&(_, original)) = filled else {
                continue;
            };
            for copy in self.unused.remove(copy).unwrap_or_default() {
                let (name, of) = (self.tensor(copy).name.clone(), &self.tensor(original).name);
                match self.checkpoint.compare(copy, original) {
                    Ok(()) => {
                        let reason = Reason::CopyOf(of.clone());
                        self.left_aside.push(LeftAside { name, reason });
                    }
                    Err(_) if !self.checkpoint.structure.tied_decoder => {
                        let reason = Reason::TiedBias;
                        self.left_aside.push(LeftAside { name, reason });
                    }
                    Err(reason) => self.differences.push(Difference::Differs {
                        copy: name,
                        original: of.clone(),
                        reason,
                    }),
                }
            }
        }
    }

    /// Finds reasons for the tensors that are left; returns those that have none.
    fn set_aside(&mut self) -> Vec<usize> {
        let model = self.checkpoint.config.model_type();
        let mut left: Vec<usize> = self.unused.values().flatten().copied().collect();
        left.sort_unstable();
        left.retain(|&index| {
            let tensor = &self.checkpoint.tensors[index];
            let parameter = &self.checkpoint.parameters[index];
            match self
                .checkpoint
                .structure
                .aside(model, parameter, tensor.dtype)
            {
                Some(reason) => {
                    self.left_aside.push(LeftAside {
                        name: tensor.name.clone(),
                        reason,
                    });
                    false
                }
                None => true,
            }
        });
        left
    }

    fn report_leftovers(&mut self, unexpected: &[usize]) {
        let wanted: Vec<&str> = self.missing.iter().map(|spec| spec.name.as_str()).collect();
        let spelled = |&index: &usize| self.checkpoint.parameters[index].as_str();
        let offered: Vec<&str> = unexpected.iter().map(spelled).collect();
        let mut rows = Vec::new();
        for (parameter, near) in self.missing.iter().zip(nearest(&wanted, &offered)) {
            let place = near.and_then(|near| offered.iter().position(|name| *name == near));
            rows.push(Difference::Missing {
                parameter: (*parameter).clone(),
                nearest: place.map(|place| self.tensor(unexpected[place]).name.clone()),
            });
        }
        for (&index, near) in unexpected.iter().zip(nearest(&offered, &wanted)) {
            rows.push(Difference::Unexpected {
                tensor: self.tensor(index).clone(),
                nearest: near.map(str::to_owned),
            });
        }
        self.differences.extend(rows);
    }

    fn explain(&mut self) {
        let config = &self.checkpoint.config;
        let structure = self.checkpoint.structure;
        if structure.lacks_head(config.model_type(), &self.checkpoint.parameters)
            && !self.missing.is_empty()
        {
            self.hints.push(format!(
                "architectures in config.json is {:?}, but the file holds no {}; if it is the \
                 encoder alone, write a name that ends in Model there",
                config.architectures, structure.head
            ));
        }
        if structure.tied_decoder
            && self
                .differences
                .iter()
                .any(|row| matches!(row, Difference::Differs { .. }))
        {
            self.hints.push(
                "tie_word_embeddings in config.json (true where it is missing) says that decoder \
                 and embedding are one; if they were trained apart, write false there"
                    .to_owned(),
            );
        }
        if self.fills.is_empty() {
            self.hints.push(
                "not one tensor fits: config.json and weights belong to different models"
                    .to_owned(),
            );
        }
    }
}
