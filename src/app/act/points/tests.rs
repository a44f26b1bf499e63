use std::path::Path;

use super::super::Actor;
use crate::app::jobs::Purpose;
use crate::app::points::{CODES, Wanted};
use crate::app::settings::Settings;
use crate::app::state::State;
use crate::app::worker::{Answer, Workers};
use crate::engine::{
    DeviceChoice, Engine, Job, OfEach, PointUnit, Points, PointsQuery, Pooling, ReadingOptions,
    SimilarPoint, StopFlag,
};

fn points(seed: u64) -> Points {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/tiny");
    let mut engine = Engine::open(DeviceChoice::Cpu).unwrap();
    engine.load_model(&folder, &Job::silent()).unwrap();
    let query = PointsQuery {
        unit: PointUnit::Code,
        pooling: Pooling::Mean,
        reading: ReadingOptions::default(),
        codes: 30,
        most: usize::MAX,
        of_each: OfEach::Any,
        seed,
        most_bytes: usize::MAX,
        beside: 0,
    };
    engine.points(&[], &query, &Job::silent()).unwrap()
}

#[test]
fn what_was_asked_of_points_of_before_is_not_taken_for_these() {
    let state = State::new(Settings::default());
    let mut actor = Actor::new(state, Workers::start(|| {}), None);
    let wanted = Wanted {
        unit: PointUnit::Code,
        codes: CODES[1],
        ..Wanted::default()
    };
    actor.points_read(wanted.clone(), Vec::new(), points(1));
    // Asked of these while others are read already, and answered after them.
    let stop = StopFlag::default();
    let near = Purpose::NearPoints(3);
    actor.state.jobs.begin(1_000, near.clone(), stop.clone());
    actor.points_read(wanted, Vec::new(), points(2));
    assert!(stop.is_set());
    if let Some(purpose) = actor
        .state
        .jobs
        .end(1_000, crate::app::jobs::Ended::Done, None)
    {
        let point = 29;
        let similar = vec![SimilarPoint { point, cosine: 1.0 }];
        actor.answered(purpose, Answer::NearPoints(similar));
    }
    assert!(actor.state.points.near.value.is_none());
    // That which is asked of the new ones runs.
    assert!(
        actor
            .state
            .jobs
            .of(|own| matches!(own, Purpose::Arrange(_)))
            .is_some()
    );
}
