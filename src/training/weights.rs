//! What of a model is trained, and the model that is made of it for a step.

use std::sync::Arc;

use burn::tensor::{Device, Gradients, Tensor};

use super::randomness::{Purpose, Randomness};
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
    low_rank: Option<LowRank>,
}

/// A change of chosen matrices by products of two thin ones: `W + alpha / rank · B A`, with `A`
/// `[rank, in]` and `B` `[out, rank]` (Hu et al. 2022).
#[derive(Debug, Clone, PartialEq)]
pub struct LowRank {
    /// Rows of `A`.
    pub rank: usize,
    /// The product is multiplied with this divided by the rank.
    pub alpha: f64,
    /// Modules whose weight is changed: those of this name or with it at the end, after a dot.
    pub targets: Vec<String>,
    /// Whether the head is trained beside them.
    pub with_head: bool,
}

/// Ends of the names of `A` and `B`, as PEFT has them, in place of `weight`.
const THIN: [&str; 2] = ["lora_A.weight", "lora_B.weight"];

impl LowRank {
    /// The module whose weight this parameter is, if it is one that is changed.
    fn module<'a>(&self, name: &'a str) -> Option<&'a str> {
        let module = name.strip_suffix(".weight")?;
        // PEFT changes tables of embeddings in another way.
        if of_head(name) || module.contains("embeddings") {
            return None;
        }
        let named = |target: &String| {
            let before = module.strip_suffix(target.as_str());
            before.is_some_and(|before| before.is_empty() || before.ends_with('.'))
        };
        self.targets.iter().any(named).then_some(module)
    }
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
        self.take_gradients(&mut loss.backward())
    }

    /// What of `gradients` is that of trained parameters, in their order.
    pub fn take_gradients(&self, gradients: &mut Gradients) -> Vec<Option<Parameter>> {
        let leaves = self.leaves.iter();
        leaves.map(|leaf| leaf.take_gradient(gradients)).collect()
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
            low_rank: None,
        }
    }

    /// Chosen matrices are changed by thin ones, which are trained; `A` begins uniform within
    /// `±1 / sqrt(in)` as in PEFT, `B` with 0, so that nothing is changed at first.
    ///
    /// # Errors
    /// The names of all modules, if none of them is chosen.
    pub fn low_rank(
        model: Model,
        low_rank: LowRank,
        randomness: &Randomness,
    ) -> Result<Self, Vec<String>> {
        let with_head = low_rank.with_head;
        let mut own = Self::new(model, |name| with_head && of_head(name));
        let of_head = std::mem::take(&mut own.trained);
        let mut of_head = of_head.into_iter().peekable();
        let mut changed = 0;
        for name in &own.order {
            if let Some((_, parameter)) = of_head.next_if(|(own, _)| own == name) {
                own.trained.push(name, parameter);
            }
            let Some(module) = low_rank.module(name) else {
                continue;
            };
            let frozen = own.frozen.iter().find(|(own, _)| own == name);
            let Some((_, Parameter::Matrix(weight))) = frozen else {
                continue;
            };
            let [output, input] = weight.dims();
            let limit = (input as f64).sqrt().recip();
            let mut stream = randomness.stream(Purpose::LowRank, changed);
            let mut draw = || (limit * (2.0 * stream.uniform() - 1.0)) as f32;
            let a = (0..low_rank.rank * input).map(|_| draw()).collect();
            let b = vec![0.0; output * low_rank.rank];
            let shapes = [[low_rank.rank, input], [output, low_rank.rank]];
            for ((end, values), shape) in THIN.into_iter().zip([a, b]).zip(shapes) {
                let parameter = Parameter::from_values(values, &shape, &own.device);
                own.trained.push(&format!("{module}.{end}"), parameter);
            }
            changed += 1;
        }
        if changed == 0 {
            let modules = own
                .order
                .iter()
                .filter_map(|name| name.strip_suffix(".weight"));
            return Err(modules.map(str::to_owned).collect());
        }
        own.low_rank = Some(low_rank);
        Ok(own)
    }

    /// How matrices are changed, if they are.
    pub fn thin(&self) -> Option<&LowRank> {
        self.low_rank.as_ref()
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
            let thin = (self.low_rank.as_ref())
                .and_then(|low_rank| Some((low_rank, low_rank.module(name)?)));
            let parameter = match (thin, parameter) {
                (Some((low_rank, module)), Parameter::Matrix(weight)) => {
                    let [a, b] = THIN.map(|end| {
                        let next = trained.next();
                        match next.filter(|(own, _)| **own == format!("{module}.{end}")) {
                            Some((_, Parameter::Matrix(thin))) => thin.clone(),
                            _ => panic!("{module} has its thin matrices in order"),
                        }
                    });
                    let scale = low_rank.alpha / low_rank.rank as f64;
                    let change = b.matmul(a).mul_scalar(scale);
                    Parameter::Matrix(weight.clone() + change)
                }
                (_, parameter) => parameter.clone(),
            };
            all.push(name, parameter);
        }
        Model::assemble(self.config.clone(), self.structure, all, device)
    }
}

/// Whether a parameter of the model is one of its head alone.
pub fn of_head(name: &str) -> bool {
    !(name.starts_with("model.") || name.starts_with("bert.") && !name.starts_with("bert.pooler."))
}
