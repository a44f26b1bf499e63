//! What is learned: from examples to a batch with its targets, and from a batch to its loss.

use burn::tensor::{Tensor, TensorData};

use super::example::{Example, Label};
use super::randomness::Stream;
use crate::job::Job;
use crate::kernels::Targets;
use crate::model::capture::Capture;
use crate::model::{Batch, Model};
use crate::tasks::loss::{IGNORED, LossShape};

/// What a model is trained for.
#[derive(Debug, Clone)]
pub enum Objective {
    /// Tokens that were hidden are to be guessed.
    MaskedLm(Masking),
    /// One class per sequence.
    Class(LossShape),
    /// Any number of classes per sequence.
    Classes(LossShape),
    /// One class per labelled token.
    Tokens(LossShape),
}

/// What becomes of a token that is to be guessed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum MaskStyle {
    /// Of ten 8 are masked, 1 is replaced by any other token, 1 stays (Devlin et al. 2019).
    #[serde(rename = "80-10-10")]
    Mixed,
    /// Always masked.
    #[serde(rename = "mask")]
    Always,
}

/// How tokens are hidden.
#[derive(Debug, Clone)]
pub struct Masking {
    /// What becomes of them.
    pub style: MaskStyle,
    /// The mask.
    pub mask: u32,
    /// Tokens that are never hidden: those of the template, padding, the mask itself.
    pub special: Vec<u32>,
    /// Tokens of the vocabulary; a replacement is one of them.
    pub vocabulary: usize,
}

/// A micro-batch: what the model reads, and what should come of it.
#[derive(Debug, Clone)]
pub struct Prepared {
    /// What the model reads.
    pub batch: Batch,
    /// What should come of it.
    pub(super) wanted: Wanted,
    /// What its targets count together; the divisor of their mean.
    pub weight: f64,
}

/// What should come of a micro-batch. `Debug` prints sizes only: targets are as readable as text.
#[derive(Clone)]
pub(super) enum Wanted {
    /// A token for each of some rows.
    Guesses {
        rows: Vec<usize>,
        targets: Vec<usize>,
    },
    /// A class for each sequence.
    Class(Vec<i64>),
    /// For each sequence and class whether it holds.
    Classes(Vec<f32>),
    /// A class for each of some rows.
    Tokens { rows: Vec<usize>, classes: Vec<i64> },
}

impl std::fmt::Debug for Wanted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let count = match self {
            Self::Guesses { rows, .. } | Self::Tokens { rows, .. } => rows.len(),
            Self::Class(classes) => classes.len(),
            Self::Classes(holds) => holds.len(),
        };
        write!(f, "Wanted({count} targets)")
    }
}

impl Masking {
    /// Hides tokens of `ids` with probability `rate` each, at least one where there is one to hide:
    /// the places of those to be guessed, in order, and what stood there.
    fn hide(&self, ids: &mut [u32], rate: f64, stream: &mut Stream) -> (Vec<usize>, Vec<u32>) {
        let open: Vec<usize> = (0..ids.len())
            .filter(|&place| !self.special.contains(&ids[place]))
            .collect();
        let mut places = open.clone();
        places.retain(|_| stream.uniform() < rate);
        if places.is_empty() && !open.is_empty() {
            places.push(open[stream.below(open.len())]);
        }
        let hidden = places.iter().map(|&place| ids[place]).collect();
        for &place in &places {
            let fate = match self.style {
                MaskStyle::Always => 0.0,
                MaskStyle::Mixed => stream.uniform(),
            };
            if fate < 0.8 {
                ids[place] = self.mask;
            } else if fate < 0.9 {
                ids[place] = stream.below(self.vocabulary) as u32;
            }
        }
        (places, hidden)
    }
}

impl Objective {
    /// A micro-batch of examples; `rate` and `stream` say which tokens are hidden, if any are.
    ///
    /// # Panics
    /// If an example has another kind of label than the objective asks for.
    pub fn prepare<'a>(
        &self,
        examples: impl IntoIterator<Item = &'a Example>,
        rate: f64,
        stream: &mut Stream,
    ) -> Prepared {
        let examples: Vec<&Example> = examples.into_iter().collect();
        let plain = || {
            let own = examples.iter();
            Batch::new(own.map(|example| (&example.ids[..], &example.type_ids[..])))
        };
        let foreign = |_: &Label| -> ! { panic!("the label is of another objective") };
        match self {
            Self::MaskedLm(masking) => {
                let mut sequences = Vec::new();
                let (mut rows, mut targets, mut start) = (Vec::new(), Vec::new(), 0);
                for example in &examples {
                    let mut ids = example.ids.clone();
                    let (places, hidden) = masking.hide(&mut ids, rate, stream);
                    rows.extend(places.into_iter().map(|place| start + place));
                    targets.extend(hidden.into_iter().map(|token| token as usize));
                    start += ids.len();
                    sequences.push((ids, &example.type_ids));
                }
                Prepared {
                    batch: Batch::new(sequences.iter().map(|(ids, types)| (&ids[..], &types[..]))),
                    weight: rows.len() as f64,
                    wanted: Wanted::Guesses { rows, targets },
                }
            }
            Self::Class(shape) => {
                let class = |example: &&Example| match &example.label {
                    Label::Class(class) => *class as i64,
                    other => foreign(other),
                };
                let classes: Vec<i64> = examples.iter().map(class).collect();
                Prepared {
                    batch: plain(),
                    weight: shape.weight_of(&classes),
                    wanted: Wanted::Class(classes),
                }
            }
            Self::Classes(_) => {
                let holds = |example: &&'a Example| match &example.label {
                    Label::Classes(holds) => holds.iter().copied(),
                    other => foreign(other),
                };
                let holds: Vec<f32> = examples.iter().flat_map(holds).collect();
                Prepared {
                    batch: plain(),
                    weight: holds.len() as f64,
                    wanted: Wanted::Classes(holds),
                }
            }
            Self::Tokens(shape) => {
                let labels = |example: &&'a Example| match &example.label {
                    Label::Tokens(classes) => classes.iter().copied(),
                    other => foreign(other),
                };
                let labels = examples.iter().flat_map(labels).enumerate();
                let labelled = labels.filter(|&(_, class)| class != IGNORED);
                let (rows, classes): (Vec<usize>, Vec<i64>) = labelled.unzip();
                Prepared {
                    batch: plain(),
                    weight: shape.weight_of(&classes),
                    wanted: Wanted::Tokens { rows, classes },
                }
            }
        }
    }

    /// The same objective with every class counting the same and nothing softened: what validation
    /// losses are measured with, so that they compare between runs.
    pub fn plain(&self) -> Self {
        match self {
            Self::MaskedLm(masking) => Self::MaskedLm(masking.clone()),
            Self::Class(_) => Self::Class(LossShape::default()),
            Self::Classes(_) => Self::Classes(LossShape::default()),
            Self::Tokens(_) => Self::Tokens(LossShape::default()),
        }
    }

    /// The sum of losses of a micro-batch, divided by `weight`, `[1]`: over the micro-batches of a
    /// step, whose weights add up to `weight`, the mean of the step. `None` if nothing is wanted.
    ///
    /// # Panics
    /// If the model has another head, or does not read the batch (see [`Model::check`]).
    pub fn loss(&self, model: &Model, prepared: &Prepared, weight: f64) -> Option<Tensor<1>> {
        let output = Output::of(model, prepared)?;
        Some(self.sum(model, prepared, output).div_scalar(weight))
    }

    /// The sum of losses of what a model made of a micro-batch, `[1]`.
    pub(super) fn sum(&self, model: &Model, prepared: &Prepared, output: Output) -> Tensor<1> {
        match (self, output, &prepared.wanted) {
            (Self::MaskedLm(_), Output::Hidden(rows), Wanted::Guesses { targets, .. }) => model
                .masked_lm_losses(rows, &Targets::new(targets))
                .expect("the model has a masked-LM head")
                .sum(),
            (
                Self::Class(shape) | Self::Tokens(shape),
                Output::Logits(logits),
                Wanted::Class(classes) | Wanted::Tokens { classes, .. },
            ) => shape.cross_entropy(logits, classes),
            (Self::Classes(shape), Output::Logits(logits), Wanted::Classes(holds)) => {
                shape.binary_cross_entropy(logits, holds)
            }
            _ => panic!("the batch was prepared for another objective"),
        }
    }
}

/// What a model makes of a micro-batch.
#[derive(Clone)]
pub(super) enum Output {
    /// The encoder's output in the rows that are to be guessed.
    Hidden(Tensor<2>),
    /// Logits of what is labelled.
    Logits(Tensor<2>),
}

impl Output {
    /// `None` if nothing is wanted of the micro-batch.
    pub(super) fn of(model: &Model, prepared: &Prepared) -> Option<Self> {
        if prepared.weight == 0.0 {
            return None;
        }
        let job = Job::silent();
        let encoded = model
            .encode(&prepared.batch, &Capture::default(), &mut &job)
            .expect("nobody stops a silent job");
        Some(Self::of_last(model, prepared, encoded.last))
    }

    /// What the head makes of the encoder's output.
    pub(super) fn of_last(model: &Model, prepared: &Prepared, last: Tensor<2>) -> Self {
        match &prepared.wanted {
            Wanted::Guesses { rows, .. } => Self::Hidden(select(last, rows)),
            Wanted::Class(_) | Wanted::Classes(_) => {
                let (_, logits) = model
                    .sequence_logits(last, prepared.batch.sequences())
                    .expect("the model has a sequence classifier");
                Self::Logits(logits)
            }
            Wanted::Tokens { rows, .. } => {
                let logits = model.token_logits(select(last, rows));
                Self::Logits(logits.expect("the model has a token classifier"))
            }
        }
    }
}

fn select(rows: Tensor<2>, chosen: &[usize]) -> Tensor<2> {
    let indices: Vec<i64> = chosen.iter().map(|&row| row as i64).collect();
    let count = indices.len();
    let device = rows.device();
    rows.select(
        0,
        Tensor::from_data(TensorData::new(indices, [count]), &device),
    )
}

#[cfg(test)]
mod tests {
    use super::super::randomness::{Purpose, Randomness};
    use super::*;

    fn masking(style: MaskStyle) -> Masking {
        Masking {
            style,
            mask: 4,
            special: vec![0, 1, 4],
            vocabulary: 1000,
        }
    }

    fn long() -> Example {
        let mut ids: Vec<u32> = (0..20_000).map(|place| 10 + place % 500).collect();
        (ids[0], ids[19_999]) = (0, 1);
        Example {
            type_ids: vec![0; ids.len()],
            ids,
            label: Label::Text,
        }
    }

    fn hidden(style: MaskStyle, rate: f64) -> (Vec<u32>, Vec<usize>, Vec<u32>) {
        let mut ids = long().ids;
        let mut stream = Randomness::new(5).stream(Purpose::Masks, 0);
        let (places, hidden) = masking(style).hide(&mut ids, rate, &mut stream);
        (ids, places, hidden)
    }

    #[test]
    fn as_many_are_hidden_as_asked_for_and_in_shares() {
        let before = long().ids;
        for rate in [0.15, 0.3] {
            let (ids, places, hidden) = hidden(MaskStyle::Mixed, rate);
            let share = places.len() as f64 / 20_000.0;
            assert!((share - rate).abs() < 0.01, "{share}");
            let count = |of: &dyn Fn(usize) -> bool| {
                places.iter().filter(|&&place| of(place)).count() as f64 / places.len() as f64
            };
            let masked = count(&|place| ids[place] == 4);
            let kept = count(&|place| ids[place] == before[place]);
            assert!(
                (masked - 0.8).abs() < 0.02 && (kept - 0.1).abs() < 0.02,
                "{masked} {kept}"
            );
            assert!(
                places
                    .iter()
                    .zip(&hidden)
                    .all(|(&place, &token)| before[place] == token)
            );
            assert!(!places.contains(&0) && !places.contains(&19_999));
            let others = (0..ids.len()).filter(|place| !places.contains(place));
            assert!(others.into_iter().all(|place| ids[place] == before[place]));
        }
        let (ids, places, _) = hidden(MaskStyle::Always, 0.3);
        assert!(places.iter().all(|&place| ids[place] == 4));
    }

    #[test]
    fn a_short_text_has_one_to_guess_and_a_template_alone_none() {
        let mut stream = Randomness::new(5).stream(Purpose::Masks, 1);
        let (places, hidden) = masking(MaskStyle::Always).hide(&mut [0, 50, 1], 1e-9, &mut stream);
        assert_eq!((places, hidden), (vec![1], vec![50]));
        let (places, _) = masking(MaskStyle::Always).hide(&mut [0, 1], 1.0, &mut stream);
        assert!(places.is_empty());
    }

    #[test]
    fn only_labelled_tokens_are_wanted_and_nothing_is_shown() {
        let example = |label| Example {
            ids: vec![0, 7, 8, 1],
            type_ids: vec![0; 4],
            label,
        };
        let mut stream = Randomness::new(5).stream(Purpose::Masks, 1);
        let objective = Objective::Tokens(LossShape::default());
        let examples = [
            example(Label::Tokens(vec![IGNORED, 2, IGNORED, IGNORED])),
            example(Label::Tokens(vec![IGNORED, 0, 1, IGNORED])),
        ];
        let prepared = objective.prepare(&examples, 0.0, &mut stream);
        assert_eq!(prepared.weight, 3.0);
        let Wanted::Tokens { rows, classes } = &prepared.wanted else {
            panic!("{prepared:?}");
        };
        assert_eq!((&rows[..], &classes[..]), (&[1, 5, 6][..], &[2, 0, 1][..]));
        let shown = format!("{prepared:?} {:?}", examples[0]);
        assert!(!shown.contains('7'), "{shown}");
    }
}
