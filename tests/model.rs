//! Would catch: a note that comes out otherwise in a batch than alone, a pass that cannot be
//! stopped, input that makes the model panic, a model that changes when it is saved.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod common;

use std::path::Path;

use auscult::engine::{Job, StopFlag};
use auscult::kernels::values;
use auscult::model::capture::{Capture, Layers};
use auscult::model::checkpoint::Checkpoint;
use auscult::model::{Batch, InputError, Model, layout};
use burn::tensor::Device;
use common::{Numbers, Temporary, fixture};

const MODELS: [&str; 3] = ["reference/masked-lm", "reference/bert-encoder", "tiny"];

fn load(folder: &Path) -> Model {
    Model::load(folder, &Device::flex(), &Job::silent()).unwrap()
}

fn ids(model: &Model, length: usize, seed: u64) -> Vec<u32> {
    let mut numbers = Numbers(seed);
    (0..length)
        .map(|_| numbers.below(model.config().vocab_size) as u32)
        .collect()
}

fn encode(model: &Model, sequences: &[Vec<u32>]) -> Vec<f32> {
    let types = vec![0; 1000];
    let batch = Batch::new(sequences.iter().map(|ids| (&ids[..], &types[..ids.len()])));
    model.check(&batch).unwrap();
    let job = Job::silent();
    values(
        model
            .encode(&batch, &Capture::default(), &mut &job)
            .unwrap()
            .last,
    )
    .unwrap()
}

#[test]
fn a_note_alone_equals_the_same_note_in_a_batch() {
    for name in MODELS {
        let model = load(&fixture(name));
        let sequences: Vec<Vec<u32>> = [(33, 1), (1, 2), (17, 3), (2, 4), (3, 5), (50, 6)]
            .map(|(length, seed)| ids(&model, length, seed))
            .to_vec();
        let together = encode(&model, &sequences);
        let alone: Vec<f32> = sequences
            .iter()
            .flat_map(|ids| encode(&model, std::slice::from_ref(ids)))
            .collect();
        assert_eq!(together.len(), alone.len());
        let difference = together
            .iter()
            .zip(&alone)
            .map(|(a, b)| f64::from((a - b).abs()))
            .fold(0.0, f64::max);
        assert!(difference <= 1e-6, "{name}: {difference:e}");
        // A changed neighbour changes itself and nobody else.
        let mut changed = sequences.clone();
        changed[0] = ids(&model, 33, 9);
        let own = 33 * model.config().hidden_size;
        let after = encode(&model, &changed);
        assert_eq!(after[own..], together[own..], "{name}");
        assert_ne!(encode(&model, &changed)[..50], together[..50], "{name}");
    }
}

/// Many rows are spread over threads in parts: no part may be computed otherwise than the note
/// alone.
#[test]
fn a_note_equals_itself_in_a_batch_of_thousands_of_tokens() {
    let model = load(&fixture("tiny"));
    for (length, copies) in [(41, 7), (41, 50), (683, 3)] {
        let own = ids(&model, length, 6);
        let alone = encode(&model, std::slice::from_ref(&own));
        let together = encode(&model, &vec![own; copies]);
        for copy in together.chunks_exact(alone.len()) {
            let difference = copy
                .iter()
                .zip(&alone)
                .map(|(a, b)| (a - b).abs())
                .fold(0.0, f32::max);
            assert!(difference <= 1e-6, "{copies} of {length}: {difference:e}");
        }
    }
}

#[test]
fn what_cannot_be_read_is_refused() {
    let model = load(&fixture("reference/bert-encoder"));
    let check = |ids: &[u32], types: &[u32]| model.check(&Batch::new([(ids, types)]));
    let limit = model.config().max_positions;
    assert_eq!(check(&vec![1; limit], &vec![0; limit]), Ok(()));
    let long = limit + 1;
    assert_eq!(
        check(&vec![1; long], &vec![0; long]),
        Err(InputError::TooLong {
            tokens: long,
            limit
        })
    );
    assert!(matches!(
        check(&[150], &[0]),
        Err(InputError::UnknownToken { vocabulary: 150 })
    ));
    assert!(matches!(
        check(&[1], &[2]),
        Err(InputError::UnknownType { id: 2, types: 2 })
    ));
    assert_eq!(check(&[], &[]), Err(InputError::Empty));
    assert_eq!(model.check(&Batch::new([])), Err(InputError::Empty));
}

#[test]
fn a_pass_stops_when_asked() {
    let model = load(&fixture("tiny"));
    let stop = StopFlag::default();
    let job = Job::new(stop.clone());
    let batch = Batch::new([(&[1u32, 2, 3][..], &[0u32, 0, 0][..])]);
    assert!(model.encode(&batch, &Capture::default(), &mut &job).is_ok());
    stop.stop();
    assert!(
        model
            .encode(&batch, &Capture::default(), &mut &job)
            .is_err()
    );
}

#[test]
fn only_what_was_asked_for_is_kept() {
    let model = load(&fixture("tiny"));
    let batch = Batch::new([(&[1u32, 2, 3][..], &[0u32, 0, 0][..])]);
    let capture = Capture {
        embeddings: false,
        hidden: Layers::Only(vec![1]),
        attention: Layers::Only(vec![0, 3]),
    };
    let job = Job::silent();
    let encoded = model.encode(&batch, &capture, &mut &job).unwrap();
    assert!(encoded.embeddings.is_none());
    assert_eq!(encoded.hidden.keys().collect::<Vec<_>>(), [&1]);
    assert_eq!(encoded.attention.keys().collect::<Vec<_>>(), [&0, &3]);
}

#[test]
fn a_saved_model_is_the_same_model() {
    for name in [
        "reference/masked-lm",
        "reference/bert-masked-lm",
        "reference/bert-legacy-names",
        "reference/sequence-classification-mean",
        "reference/bfloat16",
        "tiny",
    ] {
        let model = load(&fixture(name));
        let temporary = Temporary::new();
        let folder = temporary.path().join("saved");
        model.save(&folder, &[]).unwrap();
        let again = load(&folder);
        assert_eq!(again.structure(), model.structure(), "{name}");
        let bits = |model: &Model| -> Vec<(String, Vec<u32>)> {
            let parameters = model.parameters().iter();
            parameters
                .map(|(name, parameter)| {
                    let values = parameter.values().unwrap();
                    (
                        name.to_owned(),
                        values.iter().map(|value| value.to_bits()).collect(),
                    )
                })
                .collect()
        };
        assert_eq!(bits(&again), bits(&model), "{name}");
        let sequences = [ids(&model, 20, 4)];
        assert_eq!(
            encode(&again, &sequences),
            encode(&model, &sequences),
            "{name}"
        );
    }
}

/// The layout of a model is what its constructors ask for, each parameter once.
#[test]
fn no_parameter_is_asked_for_twice() {
    for name in MODELS {
        let checkpoint = Checkpoint::open(&fixture(name)).unwrap();
        let layout = layout(checkpoint.config(), checkpoint.structure());
        let mut names: Vec<&str> = layout.iter().map(|spec| spec.name.as_str()).collect();
        let all = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), all, "{name}");
    }
}
