//! Moves parameters along their gradients: which of them decay, clipping, and the state to be saved.

use burn::tensor::{Device, Tensor};

use crate::kernels::{self, AdamRule, AdamStep, Moments};
use crate::model::{Parameter, Parameters};

/// What all steps share.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct OptimizerSettings {
    /// The rule of the update.
    pub rule: AdamRule,
    /// Decay rates of the means of gradient and squared gradient.
    pub betas: [f64; 2],
    /// Added to the denominator.
    pub eps: f64,
    /// Weight decay of what [`decays`].
    pub weight_decay: f64,
    /// The largest norm of all gradients together; longer ones are scaled down. `None` does not.
    pub clip: Option<f64>,
}

/// Whether weight decay pulls at a parameter: matrices, the embedding included, are decayed;
/// biases and norm weights are not, because what they do does not grow with their size.
pub fn decays(parameter: &Parameter) -> bool {
    matches!(parameter, Parameter::Matrix(_))
}

/// Adam's means of one parameter.
#[derive(Debug, Clone)]
pub struct Means {
    /// Of the gradient.
    pub first: Parameter,
    /// Of its square.
    pub second: Parameter,
}

/// The state of the optimiser: a step counter, and the means of every parameter in order.
#[derive(Debug, Clone)]
pub struct Optimizer {
    settings: OptimizerSettings,
    steps: u64,
    means: Vec<Means>,
    device: Device,
}

impl Optimizer {
    /// Before the first step.
    pub fn new(settings: OptimizerSettings, parameters: &Parameters, device: &Device) -> Self {
        let zeros = |parameter: &Parameter| match parameter {
            Parameter::Vector(own) => Parameter::Vector(Tensor::zeros(own.dims(), device)),
            Parameter::Matrix(own) => Parameter::Matrix(Tensor::zeros(own.dims(), device)),
        };
        let means = parameters.iter().map(|(_, parameter)| Means {
            first: zeros(parameter),
            second: zeros(parameter),
        });
        Self {
            settings,
            steps: 0,
            means: means.collect(),
            device: device.clone(),
        }
    }

    /// After `steps` steps, with the means that were saved then.
    pub fn restored(
        settings: OptimizerSettings,
        steps: u64,
        means: Vec<Means>,
        device: &Device,
    ) -> Self {
        Self {
            settings,
            steps,
            means,
            device: device.clone(),
        }
    }

    /// Steps that were made.
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// The means of every parameter, in the order of the parameters.
    pub fn means(&self) -> &[Means] {
        &self.means
    }

    /// One step with learning rate `lr`: the parameters after it, and the L2 norm of all gradients
    /// together before clipping, `[1]`. A parameter without a gradient stays as it is.
    ///
    /// The norm is not read back here, and a gradient is clipped by `min(1, clip / (norm + 1e-6))`
    /// as torch's `clip_grad_norm_` does it, on the device.
    ///
    /// # Panics
    /// If there are not as many gradients as parameters.
    pub fn update(
        &mut self,
        parameters: Parameters,
        gradients: Vec<Option<Parameter>>,
        lr: f64,
    ) -> (Parameters, Tensor<1>) {
        assert_eq!(
            gradients.len(),
            self.means.len(),
            "one gradient per parameter"
        );
        self.steps += 1;
        let norm = self.norm(&gradients);
        let scale = match self.settings.clip {
            Some(clip) => (norm.clone() + 1e-6)
                .recip()
                .mul_scalar(clip)
                .clamp_max(1.0),
            None => Tensor::ones([1], &self.device),
        };
        let mut gradients = gradients.into_iter();
        let mut means = std::mem::take(&mut self.means).into_iter();
        let updated = parameters.map(|_, parameter| {
            let own = means.next().expect("as many means as parameters");
            let Some(gradient) = gradients.next().expect("as many gradients as parameters") else {
                self.means.push(own);
                return parameter;
            };
            let step = AdamStep {
                rule: self.settings.rule,
                lr,
                betas: self.settings.betas,
                eps: self.settings.eps,
                weight_decay: match decays(&parameter) {
                    true => self.settings.weight_decay,
                    false => 0.0,
                },
                step: self.steps,
            };
            let (parameter, own) = update(parameter, gradient, own, scale.clone(), step);
            self.means.push(own);
            parameter
        });
        (updated, norm)
    }

    fn norm(&self, gradients: &[Option<Parameter>]) -> Tensor<1> {
        let squares: Vec<Tensor<1>> = gradients
            .iter()
            .flatten()
            .map(|gradient| match gradient {
                Parameter::Vector(tensor) => kernels::sum_of_squares(tensor.clone()),
                Parameter::Matrix(tensor) => kernels::sum_of_squares(tensor.clone()),
            })
            .collect();
        match squares.is_empty() {
            true => Tensor::zeros([1], &self.device),
            false => Tensor::cat(squares, 0).sum().sqrt(),
        }
    }
}

fn update(
    parameter: Parameter,
    gradient: Parameter,
    means: Means,
    scale: Tensor<1>,
    step: AdamStep,
) -> (Parameter, Means) {
    use Parameter::{Matrix, Vector};
    match (parameter, gradient, means.first, means.second) {
        (Vector(parameter), Vector(gradient), Vector(first), Vector(second)) => {
            let moments = Moments {
                parameter,
                first,
                second,
            };
            let moments = kernels::adam(moments, gradient, scale, step);
            let (first, second) = (Vector(moments.first), Vector(moments.second));
            (Vector(moments.parameter), Means { first, second })
        }
        (Matrix(parameter), Matrix(gradient), Matrix(first), Matrix(second)) => {
            let moments = Moments {
                parameter,
                first,
                second,
            };
            let moments = kernels::adam(moments, gradient, scale, step);
            let (first, second) = (Matrix(moments.first), Matrix(moments.second));
            (Matrix(moments.parameter), Means { first, second })
        }
        _ => panic!("a parameter, its gradient and its means have one number of dimensions"),
    }
}

/// Adds gradients of one more part of the same step.
///
/// # Panics
/// If there are not as many of both, or shapes differ.
pub fn accumulate(sum: &mut Vec<Option<Parameter>>, more: Vec<Option<Parameter>>) {
    use Parameter::{Matrix, Vector};
    if sum.is_empty() {
        *sum = more;
        return;
    }
    assert_eq!(sum.len(), more.len(), "accumulate: as many gradients");
    for (sum, more) in sum.iter_mut().zip(more) {
        *sum = match (sum.take(), more) {
            (Some(Vector(sum)), Some(Vector(more))) => Some(Vector(sum + more)),
            (Some(Matrix(sum)), Some(Matrix(more))) => Some(Matrix(sum + more)),
            (Some(_), Some(_)) => panic!("accumulate: gradients of different parameters"),
            (one, other) => one.or(other),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vector(values: [f32; 2]) -> Parameter {
        Parameter::from_values(values.to_vec(), &[2], &Device::flex())
    }

    fn matrix(values: [f32; 2]) -> Parameter {
        Parameter::from_values(values.to_vec(), &[1, 2], &Device::flex())
    }

    fn parameters() -> Parameters {
        let mut parameters = Parameters::default();
        parameters.push("weight", matrix([1.0, -1.0]));
        parameters.push("bias", vector([1.0, -1.0]));
        parameters
    }

    fn settings(clip: Option<f64>) -> OptimizerSettings {
        OptimizerSettings {
            rule: AdamRule::AdamW,
            betas: [0.9, 0.98],
            eps: 1e-6,
            weight_decay: 0.5,
            clip,
        }
    }

    fn after_a_step(clip: Option<f64>, gradients: Vec<Option<Parameter>>) -> (Vec<Vec<f32>>, f32) {
        let parameters = parameters();
        let mut optimizer = Optimizer::new(settings(clip), &parameters, &Device::flex());
        let (parameters, norm) = optimizer.update(parameters, gradients, 0.1);
        let values = parameters
            .iter()
            .map(|(_, own)| own.values().unwrap())
            .collect();
        (values, norm.into_scalar::<f32>())
    }

    #[test]
    fn matrices_decay_and_vectors_do_not() {
        let gradients = vec![Some(matrix([0.0, 0.0])), Some(vector([0.0, 0.0]))];
        let (values, norm) = after_a_step(None, gradients);
        assert_eq!(values, [[0.95, -0.95], [1.0, -1.0]]);
        assert_eq!(norm, 0.0);
    }

    #[test]
    fn what_has_no_gradient_stays() {
        let (values, norm) = after_a_step(Some(1.0), vec![None, Some(vector([3.0, 4.0]))]);
        assert_eq!(values[0], [1.0, -1.0]);
        assert!(values[1] != [1.0, -1.0]);
        assert_eq!(norm, 5.0);
    }

    /// The first means are (1 - beta) times the clipped gradient.
    #[test]
    fn long_gradients_are_scaled_to_the_limit() {
        for (clip, scale) in [(None, 1.0), (Some(50.0), 1.0), (Some(1.0), 0.1)] {
            let parameters = parameters();
            let mut optimizer = Optimizer::new(settings(clip), &parameters, &Device::flex());
            let gradients = vec![Some(matrix([6.0, 0.0])), Some(vector([0.0, 8.0]))];
            let (_, norm) = optimizer.update(parameters, gradients, 0.1);
            assert!((norm.into_scalar::<f32>() - 10.0).abs() < 1e-5);
            let mean = optimizer.means()[1].first.values().unwrap()[1];
            assert!((mean - 0.8 * scale).abs() < 1e-6, "{clip:?}: {mean}");
        }
    }

    #[test]
    fn gradients_of_parts_add_up() {
        let mut sum = Vec::new();
        accumulate(&mut sum, vec![None, Some(vector([1.0, 2.0]))]);
        accumulate(
            &mut sum,
            vec![Some(matrix([1.0, 1.0])), Some(vector([2.0, 3.0]))],
        );
        let values: Vec<_> = sum
            .iter()
            .flatten()
            .map(|own| own.values().unwrap())
            .collect();
        assert_eq!(values, [[1.0, 1.0], [3.0, 5.0]]);
    }
}
