//! What of a model is trained, and the model that is made of it for a step.

use std::sync::Arc;

use burn::tensor::{Device, Tensor};

use crate::model::checkpoint::Structure;
use crate::model::config::ModelConfig;
use crate::model::{Model, Parameter, Parameters};

/// A model's weights, divided into those that are trained and those that stay.
#[derive(Debug, Clone)]
pub struct Weights {
    config: Arc<ModelConfig>,
    structure: Structure,
    device: Device,
    /// Names of all parameters in the order of the layout.
    order: Vec<String>,
    trained: Parameters,
    frozen: Parameters,
}

/// A model for one step, and the leaves whose gradients are asked for.
#[derive(Debug)]
pub struct Tracked {
    /// The model, in an autodiff graph.
    pub model: Model,
    leaves: Vec<Parameter>,
}

impl Tracked {
    /// The gradients of `loss`, `[1]`, in the order of the trained parameters. Nothing of the step
    /// is left afterwards.
    pub fn gradients(self, loss: &Tensor<1>) -> Vec<Option<Parameter>> {
        let mut gradients = loss.backward();
        let leaves = self.leaves.iter();
        leaves
            .map(|leaf| leaf.take_gradient(&mut gradients))
            .collect()
    }
}

impl Weights {
    /// All parameters are trained of which `trains` is true.
    pub fn new(model: Model, mut trains: impl FnMut(&str) -> bool) -> Self {
        let (config, structure) = (Arc::new(model.config().clone()), model.structure());
        let device = model.device().clone();
        let (mut trained, mut frozen) = (Parameters::default(), Parameters::default());
        let mut order = Vec::new();
        // Nobody else may hold a trained parameter, or it could not be changed in place.
        for (name, parameter) in model.into_parameters() {
            match trains(&name) {
                true => trained.push(&name, parameter),
                false => frozen.push(&name, parameter),
            }
            order.push(name);
        }
        Self {
            config,
            structure,
            device,
            order,
            trained,
            frozen,
        }
    }

    /// All parameters are trained.
    pub fn full(model: Model) -> Self {
        Self::new(model, |_| true)
    }

    /// What the model is made of.
    pub fn config(&self) -> &ModelConfig {
        &self.config
    }

    /// Which head stands on the encoder.
    pub fn structure(&self) -> Structure {
        self.structure
    }

    /// Where the weights lie.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// What is trained.
    pub fn trained(&self) -> &Parameters {
        &self.trained
    }

    /// Puts what `change` makes of the trained parameters in their place.
    pub fn change<T>(&mut self, change: impl FnOnce(Parameters) -> (Parameters, T)) -> T {
        let (trained, result) = change(std::mem::take(&mut self.trained));
        self.trained = trained;
        result
    }

    /// The model for one step: what is trained has gradients, what is not has none.
    pub fn tracked(&self) -> Tracked {
        let leaves: Parameters = self.trained.clone().map(|_, leaf| leaf.tracked());
        let constants = self.frozen.clone().map(|_, own| own.constant());
        let device = self.device.clone().autodiff();
        Tracked {
            model: self.assemble(&leaves, &constants, &device),
            leaves: leaves.into_iter().map(|(_, leaf)| leaf).collect(),
        }
    }

    /// The model as it is now.
    pub fn model(&self) -> Model {
        self.assemble(&self.trained, &self.frozen, &self.device)
    }

    fn assemble(&self, trained: &Parameters, frozen: &Parameters, device: &Device) -> Model {
        let (mut trained, mut frozen) = (trained.iter().peekable(), frozen.iter());
        let mut all = Parameters::default();
        // Both are in the order of the layout.
        for name in &self.order {
            let (_, parameter) = trained
                .next_if(|(own, _)| own == name)
                .or_else(|| frozen.next())
                .expect("a parameter is trained or not");
            all.push(name, parameter.clone());
        }
        Model::assemble(self.config.clone(), self.structure, all, device)
    }
}

/// Whether a parameter of the model is one of its head alone.
pub fn of_head(name: &str) -> bool {
    !(name.starts_with("model.") || name.starts_with("bert.") && !name.starts_with("bert.pooler."))
}
