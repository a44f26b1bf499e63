//! The parameters of a model, by checkpoint name.
//!
//! A model is put together by constructors that ask a [`ParameterSource`] for each of their
//! parameters by its name and shape. What they ask for *is* the layout: [`Layout`] only writes
//! it down, [`Parameters`] hands out tensors. So no name stands in two places.

use burn::tensor::{Device, Distribution, Gradients, Tensor, TensorData};

use super::checkpoint::ParameterSpec;
use crate::kernels::{DeviceFault, values};

/// Where parameters come from while a model is put together.
pub(super) trait ParameterSource {
    /// The matrix called `name`, `[rows, columns]`.
    fn matrix(&mut self, name: &str, shape: [usize; 2]) -> Tensor<2>;
    /// The vector called `name`.
    fn vector(&mut self, name: &str, length: usize) -> Tensor<1>;
}

/// Writes down what is asked for; the tensors it hands out are empty.
#[derive(Debug, Default)]
pub(super) struct Layout(pub(super) Vec<ParameterSpec>);

impl ParameterSource for Layout {
    fn matrix(&mut self, name: &str, shape: [usize; 2]) -> Tensor<2> {
        self.0.push(ParameterSpec {
            name: name.to_owned(),
            shape: shape.to_vec(),
        });
        Tensor::empty([0, 0], &Device::flex())
    }

    fn vector(&mut self, name: &str, length: usize) -> Tensor<1> {
        self.0.push(ParameterSpec {
            name: name.to_owned(),
            shape: vec![length],
        });
        Tensor::empty([0], &Device::flex())
    }
}

/// One parameter.
#[derive(Debug, Clone)]
pub enum Parameter {
    /// A bias or the weight of a norm.
    Vector(Tensor<1>),
    /// The weight of a linear layer, `[out, in]`, or an embedding, `[entries, width]`.
    Matrix(Tensor<2>),
}

impl Parameter {
    /// From row-major values of a shape with one or two dimensions.
    pub fn from_values(values: Vec<f32>, shape: &[usize], device: &Device) -> Self {
        let data = TensorData::new(values, shape.to_vec());
        match shape.len() {
            1 => Self::Vector(Tensor::from_data(data, device)),
            _ => Self::Matrix(Tensor::from_data(data, device)),
        }
    }

    /// Sizes of the dimensions.
    pub fn shape(&self) -> Vec<usize> {
        match self {
            Self::Vector(tensor) => tensor.dims().to_vec(),
            Self::Matrix(tensor) => tensor.dims().to_vec(),
        }
    }

    /// The values, row-major, read back from the device.
    ///
    /// # Errors
    /// [`DeviceFault`] when the device does not give them.
    pub fn values(&self) -> Result<Vec<f32>, DeviceFault> {
        match self {
            Self::Vector(tensor) => values(tensor.clone()),
            Self::Matrix(tensor) => values(tensor.clone()),
        }
    }

    /// The same values, as a leaf whose gradient is asked for.
    pub fn tracked(self) -> Self {
        match self {
            Self::Vector(tensor) => Self::Vector(tensor.autodiff().require_grad()),
            Self::Matrix(tensor) => Self::Matrix(tensor.autodiff().require_grad()),
        }
    }

    /// The same values in an autodiff graph, without a gradient.
    pub fn constant(self) -> Self {
        match self {
            Self::Vector(tensor) => Self::Vector(tensor.autodiff()),
            Self::Matrix(tensor) => Self::Matrix(tensor.autodiff()),
        }
    }

    /// The gradient of a leaf, taken out of `gradients`; `None` if none reaches it.
    pub fn take_gradient(&self, gradients: &mut Gradients) -> Option<Self> {
        match self {
            Self::Vector(tensor) => tensor.grad_remove(gradients).map(Self::Vector),
            Self::Matrix(tensor) => tensor.grad_remove(gradients).map(Self::Matrix),
        }
    }
}

/// All parameters of a model, in the order of its layout.
#[derive(Debug, Clone, Default)]
pub struct Parameters {
    entries: Vec<(String, Parameter)>,
}

impl Parameters {
    /// Adds a parameter after the others.
    pub fn push(&mut self, name: &str, parameter: Parameter) {
        self.entries.push((name.to_owned(), parameter));
    }

    /// Every parameter with its name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Parameter)> {
        self.entries
            .iter()
            .map(|(name, parameter)| (name.as_str(), parameter))
    }

    /// How many numbers the parameters hold together.
    pub fn count(&self) -> usize {
        self.iter()
            .map(|(_, parameter)| parameter.shape().iter().product::<usize>())
            .sum()
    }

    /// Every parameter changed into another of the same name.
    pub fn map(self, mut change: impl FnMut(&str, Parameter) -> Parameter) -> Self {
        let entries = self.entries.into_iter().map(|(name, parameter)| {
            let changed = change(&name, parameter);
            (name, changed)
        });
        Self {
            entries: entries.collect(),
        }
    }

    /// Random values: matrices from N(0, 0.02²), weights of norms 1, biases 0.
    pub(super) fn random(layout: &[ParameterSpec], device: &Device) -> Self {
        let mut parameters = Self::default();
        for ParameterSpec { name, shape } in layout {
            let parameter = match *shape.as_slice() {
                [rows, columns] => Parameter::Matrix(Tensor::random(
                    [rows, columns],
                    Distribution::Normal(0.0, 0.02),
                    device,
                )),
                _ if name.ends_with("weight") => {
                    Parameter::Vector(Tensor::ones([shape[0]], device))
                }
                _ => Parameter::Vector(Tensor::zeros([shape[0]], device)),
            };
            parameters.push(name, parameter);
        }
        parameters
    }

    fn get(&self, name: &str) -> &Parameter {
        self.iter()
            .find_map(|(own, parameter)| (own == name).then_some(parameter))
            .expect("parameters were made from the layout of the same model")
    }
}

impl IntoIterator for Parameters {
    type Item = (String, Parameter);
    type IntoIter = std::vec::IntoIter<(String, Parameter)>;

    fn into_iter(self) -> Self::IntoIter {
        self.entries.into_iter()
    }
}

impl ParameterSource for &Parameters {
    fn matrix(&mut self, name: &str, _shape: [usize; 2]) -> Tensor<2> {
        match self.get(name) {
            Parameter::Matrix(tensor) => tensor.clone(),
            Parameter::Vector(_) => unreachable!("{name} is a matrix in the layout"),
        }
    }

    fn vector(&mut self, name: &str, _length: usize) -> Tensor<1> {
        match self.get(name) {
            Parameter::Vector(tensor) => tensor.clone(),
            Parameter::Matrix(_) => unreachable!("{name} is a vector in the layout"),
        }
    }
}
