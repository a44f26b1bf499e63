//! Would catch: a wrong, slow or failing form that is chosen.

use super::*;

/// Times that stand for failures.
const NO_ROOM: f64 = -1.0;
const GONE: f64 = -2.0;

/// A device that gives these errors and times.
struct Planted<'a> {
    of: &'a dyn Fn(Tuned, &Choice) -> (f64, f64),
    choice: Choice,
}

impl Measure for Planted<'_> {
    fn apply(&mut self, choice: Choice) {
        self.choice = choice;
    }

    fn error(&mut self, tuned: Tuned) -> Result<f64, DeviceFault> {
        Ok((self.of)(tuned, &self.choice).0)
    }

    fn seconds(&mut self, tuned: Tuned, _late: &dyn Fn() -> bool) -> Result<f64, DeviceFault> {
        match (self.of)(tuned, &self.choice).1 {
            NO_ROOM => Err(DeviceFault::Memory),
            GONE => Err(DeviceFault::Lost("planted".to_owned())),
            seconds => Ok(seconds),
        }
    }
}

fn select(
    budget: Duration,
    of: &dyn Fn(Tuned, &Choice) -> (f64, f64),
) -> Result<Tuning, TuneError> {
    let before = Choice {
        attention: Some(Tiling::Wide),
        attention_subgroups: false,
        attention_grad: Tiling::Wide,
        matmul: Some(Tiling::Wide),
        attention_per_dispatch: 1,
        matmul_per_dispatch: 1,
    };
    let selection = Selection {
        tilings: Tiling::ALL.to_vec(),
        subgroups: true,
        budget,
        start: Instant::now(),
        go_on: &mut |done, most| {
            assert!(done < most);
            true
        },
        trials: Vec::new(),
        fault: None,
    };
    let mut planted = Planted { of, choice: before };
    selection.run(before, &mut planted)
}

const ENOUGH: Duration = Duration::from_secs(3600);

#[test]
fn the_fastest_of_those_that_are_right_is_taken() {
    // Wide is wrong and very fast, burn's own right and slow, small right and faster than heavy.
    let tuning = select(ENOUGH, &|tuned, choice| {
        let tiling = match tuned {
            Tuned::Matmul => choice.matmul,
            Tuned::Attention => choice.attention,
            Tuned::AttentionGrad => Some(choice.attention_grad),
        };
        match tiling {
            Some(Tiling::Wide) => (1.01, 0.001),
            Some(Tiling::Heavy) => (0.5, 0.3),
            Some(Tiling::Small) => (0.9, 0.2),
            None => (0.0, 0.4),
        }
    })
    .unwrap();
    let choice = tuning.choice;
    assert_eq!(choice.matmul, Some(Tiling::Small));
    assert_eq!(choice.attention, Some(Tiling::Small));
    assert_eq!(choice.attention_grad, Tiling::Small);
    assert!(!choice.attention_subgroups, "not faster");
    assert!(choice.matmul_per_dispatch > 1 && choice.attention_per_dispatch > 1);
    for trial in &tuning.trials {
        let wide = trial.form.tiling == Some(Tiling::Wide);
        assert_eq!(trial.seconds.is_none(), wide, "{trial:?}");
        assert!(!(wide && trial.chosen), "{trial:?}");
    }
}

#[test]
fn subgroups_are_taken_where_they_are_right_and_faster() {
    let of = |error: f64, seconds: f64| {
        move |_: Tuned, choice: &Choice| match choice.attention_subgroups {
            true => (error, seconds),
            false => (0.5, 0.2),
        }
    };
    let taken = |tuning: Result<Tuning, TuneError>| tuning.unwrap().choice.attention_subgroups;
    assert!(taken(select(ENOUGH, &of(0.5, 0.1))));
    assert!(!taken(select(ENOUGH, &of(0.5, 0.3))));
    assert!(!taken(select(ENOUGH, &of(f64::NAN, 0.1))));
    assert!(!taken(select(ENOUGH, &of(f64::INFINITY, 0.1))));
}

#[test]
fn where_burns_own_is_right_alone_it_is_taken() {
    let tuning = select(ENOUGH, &|tuned, choice| {
        let own = match tuned {
            Tuned::Matmul => choice.matmul.is_none(),
            Tuned::Attention => choice.attention.is_none(),
            Tuned::AttentionGrad => unreachable!("it goes with the forward pass"),
        };
        (if own { 0.1 } else { f64::NAN }, 1.0)
    })
    .unwrap();
    assert_eq!(tuning.choice.matmul, None);
    assert_eq!(tuning.choice.attention, None);
}

#[test]
fn with_nothing_right_there_is_no_choice() {
    let result = select(ENOUGH, &|_, _| (2.0, 0.1));
    assert!(matches!(result, Err(TuneError::NothingRight)));
}

#[test]
fn a_form_that_fails_while_it_is_timed_is_not_taken() {
    let with = |seconds: f64| {
        move |tuned: Tuned, choice: &Choice| match tuned {
            Tuned::Matmul if choice.matmul == Some(Tiling::Wide) => (0.1, seconds),
            _ => (0.2, 0.5),
        }
    };
    let tuning = select(ENOUGH, &with(NO_ROOM)).unwrap();
    assert_eq!(tuning.choice.matmul, Some(Tiling::Small));
    let wide = Some(Tiling::Wide).into();
    let trials = tuning.trials.iter().filter(|trial| trial.form == wide);
    let refused: Vec<_> = trials.filter(|trial| trial.error > 1.0).collect();
    assert!(matches!(refused[..], [trial] if trial.tuned == Tuned::Matmul));
    let lost = select(ENOUGH, &with(GONE));
    assert!(matches!(lost, Err(TuneError::Fault(DeviceFault::Lost(_)))));
    let full = select(ENOUGH, &|_, _| (0.1, NO_ROOM));
    assert!(matches!(full, Err(TuneError::Fault(DeviceFault::Memory))));
}

#[test]
fn without_time_the_first_that_is_right_is_taken() {
    let tuning = select(Duration::ZERO, &|tuned, choice| match tuned {
        Tuned::Matmul if choice.matmul == Some(Tiling::Small) => (7.0, 0.1),
        _ => (0.1, 0.1),
    })
    .unwrap();
    assert_eq!(tuning.choice.matmul, Some(Tiling::Heavy));
    assert_eq!(tuning.choice.attention, Some(Tiling::Small));
    assert!(tuning.trials.iter().all(|trial| trial.seconds.is_none()));
}
