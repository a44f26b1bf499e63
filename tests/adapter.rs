//! Would catch: an operation that computes something else on an adapter than on the CPU; burn
//! choosing another shader compiler than WGSL's, under which hand-written kernels cannot run.
//!
//! These tests need a software adapter (Debian: mesa-vulkan-drivers) and fail without one, so they
//! are ignored by default; `.ci/run` runs them: `cargo test --test adapter -- --ignored`.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod common;

use auscult::engine::{DeviceChoice, Engine, Job, Outcome, SelfCheck};
use common::fixture;

fn engine() -> Engine {
    Engine::open(DeviceChoice::Software).expect("a software adapter")
}

#[test]
#[ignore = "needs a software adapter"]
fn the_software_adapter_agrees_with_transformers() {
    let reports = engine()
        .parity(
            &fixture("reference"),
            None,
            None,
            &Job::silent(),
            &mut |_| {},
        )
        .unwrap()
        .results;
    assert!(!reports.is_empty());
    for report in &reports {
        let Outcome::Compared(checks) = &report.outcome else {
            panic!("{}: {:?}", report.case, report.outcome);
        };
        let failed: Vec<_> = checks.iter().filter(|check| !check.passed()).collect();
        assert!(
            failed.is_empty() && !report.failed(),
            "{}: {failed:#?}",
            report.case
        );
    }
}

#[test]
#[ignore = "needs a software adapter"]
fn shaders_are_compiled_from_wgsl() {
    let runtime = engine().device().runtime.clone();
    assert!(runtime.contains("wgpu<wgsl>"), "{runtime}");
}

#[test]
#[ignore = "needs a software adapter"]
fn the_self_check_passes() {
    let checks = engine().self_check(&Job::silent()).unwrap();
    assert!(
        checks.len() >= 6 && checks.iter().all(SelfCheck::passed),
        "{checks:#?}"
    );
}
