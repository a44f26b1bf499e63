//! The losses that transformers' heads define: means over what is labelled.

use burn::tensor::{Int, Tensor, TensorData, activation};

/// The label that means "not labelled".
pub const IGNORED: i64 = -100;

/// Mean cross-entropy, in nats, of `logits`, `[rows, classes]`, against one class per row.
///
/// # Panics
/// If there is no row, or a label is no class.
pub fn cross_entropy(logits: Tensor<2>, labels: &[i64]) -> Tensor<1> {
    let [rows, classes] = logits.dims();
    assert!(
        rows == labels.len()
            && labels
                .iter()
                .all(|&label| 0 <= label && label < classes as i64),
        "cross_entropy: {} labels for {rows} rows of {classes} classes",
        labels.len()
    );
    let indices = TensorData::new(labels.to_vec(), [rows, 1]);
    let indices = Tensor::<2, Int>::from_data(indices, &logits.device());
    activation::log_softmax(logits, 1)
        .gather(1, indices)
        .mean()
        .neg()
}

/// Mean binary cross-entropy, in nats, over all entries of `logits`, `[rows, labels]`, against
/// `targets` of the same layout: `max(z, 0) - z y + ln(1 + exp(-|z|))`.
///
/// # Panics
/// If there are not as many targets as logits.
pub fn binary_cross_entropy(logits: Tensor<2>, targets: &[f32]) -> Tensor<1> {
    let shape = logits.dims();
    let targets = TensorData::new(targets.to_vec(), shape);
    let targets = Tensor::<2>::from_data(targets, &logits.device());
    let softplus = logits.clone().abs().neg().exp().log1p();
    (activation::relu(logits.clone()) - logits * targets + softplus).mean()
}

/// How a classification loss differs from the plain mean.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct LossShape {
    /// How much each class counts; all the same if not given. With several labels per row it is
    /// what a label that holds counts against one that does not.
    pub class_weights: Option<Vec<f32>>,
    /// γ of the focal loss, `(1 - p)^γ · loss` with the probability `p` of what is right (Lin et
    /// al. 2017); 0 is the plain loss.
    pub focal_gamma: f64,
    /// The share of the label that goes to all classes alike (Szegedy et al. 2016), or, with
    /// several labels per row, that is taken half off 1 and half put on 0.
    pub smoothing: f64,
}

impl LossShape {
    fn weight(&self, class: usize) -> f32 {
        let weights = self.class_weights.as_ref();
        weights.map_or(1.0, |weights| weights[class])
    }

    /// What the rows of these classes count together: the divisor of their mean.
    pub fn weight_of(&self, labels: &[i64]) -> f64 {
        let weights = labels.iter().map(|&label| self.weight(label as usize));
        weights.map(f64::from).sum()
    }

    /// The sum over rows of the cross-entropy, in nats, of `logits`, `[rows, classes]`, against one
    /// class per row; as torch's `cross_entropy` with `weight` and `label_smoothing`:
    /// `-(1-s) w[y] ln p[y] - s/C Σ w[c] ln p[c]`, times the focal factor.
    ///
    /// # Panics
    /// If there are not as many labels as rows, or a label is no class.
    pub fn cross_entropy(&self, logits: Tensor<2>, labels: &[i64]) -> Tensor<1> {
        let [rows, classes] = logits.dims();
        assert_eq!(rows, labels.len(), "cross_entropy: one label per row");
        let share = self.smoothing / classes as f64;
        let mut targets = vec![0f32; rows * classes];
        let mut right = vec![0f32; rows * classes];
        for (row, &label) in labels.iter().enumerate() {
            let own = row * classes..(row + 1) * classes;
            let label = label as usize;
            right[own.clone()][label] = 1.0;
            for (class, target) in targets[own].iter_mut().enumerate() {
                let hit = if class == label {
                    1.0 - self.smoothing
                } else {
                    0.0
                };
                *target = (hit + share) as f32 * self.weight(class);
            }
        }
        let device = logits.device();
        let matrix = |values: Vec<f32>| {
            Tensor::<2>::from_data(TensorData::new(values, [rows, classes]), &device)
        };
        let log_p = activation::log_softmax(logits, 1);
        let losses = (matrix(targets) * log_p.clone()).sum_dim(1).neg();
        let losses = match self.focal_gamma {
            0.0 => losses,
            gamma => losses * focal((matrix(right) * log_p).sum_dim(1), gamma),
        };
        losses.sum()
    }

    /// The sum over all entries of the binary cross-entropy, in nats, of `logits`, `[rows,
    /// labels]`, against `targets` of the same layout, as torch's
    /// `binary_cross_entropy_with_logits` with `pos_weight`: `w y softplus(-z) + (1-y)
    /// softplus(z)`, times the focal factor.
    ///
    /// # Panics
    /// If there are not as many targets as logits.
    pub fn binary_cross_entropy(&self, logits: Tensor<2>, targets: &[f32]) -> Tensor<1> {
        let [rows, classes] = logits.dims();
        assert_eq!(rows * classes, targets.len(), "one target per logit");
        let device = logits.device();
        let matrix = |value: &dyn Fn(usize, f32) -> f32| {
            let entries = targets.iter().enumerate();
            let values: Vec<f32> = entries.map(|(at, &y)| value(at % classes, y)).collect();
            Tensor::<2>::from_data(TensorData::new(values, [rows, classes]), &device)
        };
        let smooth = |y: f32| (f64::from(y) * (1.0 - self.smoothing) + self.smoothing / 2.0) as f32;
        let of_true = matrix(&|class, y| self.weight(class) * smooth(y));
        let of_false = matrix(&|_, y| 1.0 - smooth(y));
        // softplus(z) = max(z, 0) + ln(1 + exp(-|z|)), and softplus(-z) = softplus(z) - z.
        let softplus = activation::relu(logits.clone()) + logits.clone().abs().neg().exp().log1p();
        let log_true = softplus.clone() - logits;
        let losses = of_true * log_true.clone() + of_false * softplus.clone();
        let losses = match self.focal_gamma {
            0.0 => losses,
            gamma => {
                let right = matrix(&|_, y| y) * log_true + matrix(&|_, y| 1.0 - y) * softplus;
                losses * focal(right.neg(), gamma)
            }
        };
        losses.sum()
    }
}

/// `(1 - p)^γ` of `ln p`.
fn focal(log_p: Tensor<2>, gamma: f64) -> Tensor<2> {
    // Not 0 where p rounds to 1: the slope of a power below 1 is infinite there.
    let wrong = log_p.exp().neg().add_scalar(1.0).clamp_min(1e-6);
    wrong.powf_scalar(gamma as f32)
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::*;

    fn logits() -> Tensor<2> {
        Tensor::from_data([[1.0f32, -0.5, 0.25], [0.0, 2.0, -1.0]], &Device::flex())
    }

    fn rows() -> [[f64; 3]; 2] {
        [[1.0, -0.5, 0.25], [0.0, 2.0, -1.0]]
    }

    fn near(got: Tensor<1>, want: f64) {
        let got = f64::from(got.into_scalar::<f32>());
        assert!((got - want).abs() < 2e-6, "{got} instead of {want}");
    }

    fn log_softmax(row: [f64; 3]) -> [f64; 3] {
        let sum: f64 = row.iter().map(|z| z.exp()).sum();
        row.map(|z| z - sum.ln())
    }

    #[test]
    fn a_plain_shape_is_the_plain_loss() {
        let shape = LossShape::default();
        let labels = [2, 1];
        let mean = cross_entropy(logits(), &labels).into_scalar::<f32>();
        near(
            shape.cross_entropy(logits(), &labels),
            2.0 * f64::from(mean),
        );
        let targets = [1.0, 0.0, 0.0, 1.0, 1.0, 0.0];
        let mean = binary_cross_entropy(logits(), &targets).into_scalar::<f32>();
        near(
            shape.binary_cross_entropy(logits(), &targets),
            6.0 * f64::from(mean),
        );
        assert_eq!(shape.weight_of(&labels), 2.0);
    }

    #[test]
    fn weights_smoothing_and_focus_by_hand() {
        let weights = [0.5f32, 2.0, 1.0];
        let shape = LossShape {
            class_weights: Some(weights.to_vec()),
            focal_gamma: 2.0,
            smoothing: 0.1,
        };
        let labels = [2i64, 1];
        let mut want = 0.0;
        for (row, label) in rows().into_iter().zip(labels) {
            let log_p = log_softmax(row);
            let mut loss = -0.9 * f64::from(weights[label as usize]) * log_p[label as usize];
            for (log_p, weight) in log_p.iter().zip(weights) {
                loss -= 0.1 / 3.0 * f64::from(weight) * log_p;
            }
            want += loss * (1.0 - log_p[label as usize].exp()).powi(2);
        }
        near(shape.cross_entropy(logits(), &labels), want);
        assert_eq!(shape.weight_of(&labels), 3.0);

        let targets = [1.0f32, 0.0, 0.0, 1.0, 1.0, 0.0];
        let mut want = 0.0;
        for (at, z) in rows().into_iter().flatten().enumerate() {
            let p = 1.0 / (1.0 + (-z).exp());
            let y = f64::from(targets[at]);
            let smooth = 0.9 * y + 0.05;
            let weight = f64::from(weights[at % 3]);
            let loss = -weight * smooth * p.ln() - (1.0 - smooth) * (1.0 - p).ln();
            let right = if y == 1.0 { p } else { 1.0 - p };
            want += loss * (1.0 - right).powi(2);
        }
        near(shape.binary_cross_entropy(logits(), &targets), want);
    }

    #[test]
    fn what_is_certain_has_a_finite_gradient() {
        let certain: Tensor<2> = Tensor::from_data([[100.0f32, -100.0]], &Device::flex());
        let leaf = certain.autodiff().require_grad();
        let shape = LossShape {
            focal_gamma: 0.5,
            ..LossShape::default()
        };
        let gradients = shape.cross_entropy(leaf.clone(), &[0]).backward();
        let gradient = leaf.grad(&gradients).unwrap().into_data();
        let values: Vec<f32> = gradient.try_into_vec().unwrap();
        assert!(values.iter().all(|value| value.is_finite()), "{values:?}");
    }
}
