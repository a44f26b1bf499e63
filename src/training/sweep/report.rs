//! What came of a sweep: figures over seeds, and the setting that is the best on validation notes.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{Plan, PlannedRun, RunState, Value};
use crate::metrics::spread::Spread;
use crate::training::config::MetricName;
use crate::training::figures::Evaluation;
use crate::training::report::{TEST, VALIDATION};
use crate::training::run_folder::RunError;

/// Every figure that is told, where the task has it.
const METRICS: [MetricName; 8] = [
    MetricName::Loss,
    MetricName::Accuracy,
    MetricName::MacroF1,
    MetricName::MicroF1,
    MetricName::WeightedF1,
    MetricName::OverlapF1,
    MetricName::Mcc,
    MetricName::Auroc,
];

/// What came of a sweep, in plain data.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SweepReport {
    /// Its folder.
    pub run: PathBuf,
    /// What tells the best.
    pub metric: MetricName,
    /// Whether there are several seeds, and the seed also decides which notes a run is judged by.
    pub divided_by_seed: bool,
    /// Whether every run has ended.
    pub complete: bool,
    /// Every run, in the order in which they are made.
    pub runs: Vec<RunLine>,
    /// Every setting.
    pub settings: Vec<SettingLine>,
    /// The best setting; `None` before every run has ended, or if none could be judged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub best: Option<BestSetting>,
}

/// A run of a sweep.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RunLine {
    /// Its folder, below that of the sweep.
    pub folder: String,
    /// What it has of its own.
    pub values: Vec<Value>,
    /// Its seed.
    pub seed: u64,
    /// How far it is.
    #[serde(flatten)]
    pub state: RunState,
    /// Its best model, judged by its validation notes, once it is finished.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub validation: Option<Evaluation>,
}

/// A setting, over its seeds.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SettingLine {
    /// Its values; none where nothing but the seed differs.
    pub values: Vec<Value>,
    /// How many runs it has, how many of them are finished, and how many failed.
    pub runs: usize,
    /// Runs that are finished.
    pub finished: usize,
    /// Runs that failed.
    pub failed: usize,
    /// The best models of the finished runs, judged by validation notes.
    pub validation: Vec<Figure>,
}

/// A figure over the seeds of a setting.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Figure {
    /// Which.
    pub metric: MetricName,
    /// Mean and standard deviation over the runs where it is defined.
    #[serde(flatten)]
    pub spread: Spread,
    /// Whether it is among those that matter most for the task.
    #[serde(skip)]
    pub main: bool,
}

/// The best setting, and its best run.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct BestSetting {
    /// Its values.
    pub values: Vec<Value>,
    /// Its figures on the validation notes, by which it was picked.
    pub validation: Vec<Figure>,
    /// Its figures on the test notes, by which nothing was picked; none without such notes.
    pub test: Vec<Figure>,
    /// The folder of the run, among those of this setting, that is the best on validation notes.
    pub run: String,
    /// The model of this run.
    pub model: PathBuf,
    /// This model by the validation notes.
    pub run_validation: Evaluation,
    /// This model by the test notes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run_test: Option<Evaluation>,
}

/// How far a run is, and how good what it has made.
#[derive(Debug)]
pub(super) struct Made {
    pub(super) state: RunState,
    /// There for a finished run only.
    pub(super) figures: Option<Figures>,
}

impl Made {
    pub(super) fn waiting() -> Self {
        Self {
            state: RunState::Waiting,
            figures: None,
        }
    }

    pub(super) fn finished(figures: Figures) -> Self {
        Self {
            state: RunState::Finished,
            figures: Some(figures),
        }
    }
}

/// The best model of a run by the parts that were held back.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Figures {
    pub(super) validation: Evaluation,
    pub(super) test: Option<Evaluation>,
}

impl Figures {
    /// What the report of a run says.
    pub(super) fn of(run: &Path) -> Result<Self, RunError> {
        #[derive(Deserialize)]
        struct Report {
            judged: Vec<Part>,
        }
        #[derive(Deserialize)]
        struct Part {
            part: String,
            #[serde(flatten)]
            evaluation: Evaluation,
        }
        let path = run.join("report.json");
        let damaged = |reason: String| RunError::Damaged {
            path: path.clone(),
            reason,
        };
        let text = fs::read_to_string(&path).map_err(|error| damaged(error.to_string()))?;
        let report: Report =
            serde_json::from_str(&text).map_err(|error| damaged(error.to_string()))?;
        let [mut validation, mut test] = [None, None];
        for part in report.judged {
            match part.part {
                name if name == VALIDATION => validation = Some(part.evaluation),
                name if name == TEST => test = Some(part.evaluation),
                _ => {}
            }
        }
        let validation = validation.ok_or_else(|| {
            damaged("the best model was not judged by validation notes".to_owned())
        })?;
        Ok(Self { validation, test })
    }
}

/// What the runs of a plan have come to.
pub(super) fn report(plan: &Plan, made: &[Made]) -> SweepReport {
    let metric = plan.metric();
    let ended = |own: &Made| matches!(own.state, RunState::Finished | RunState::Failed { .. });
    let complete = made.iter().all(ended);
    let both: Vec<(&PlannedRun, &Made)> = plan.runs.iter().zip(made).collect();
    // The runs of a setting follow each other.
    let settings: Vec<&[(&PlannedRun, &Made)]> = both
        .chunk_by(|(a, _), (b, _)| a.values == b.values)
        .collect();
    let lines = settings.iter().map(|runs| setting_line(runs, metric));
    let runs = both.iter().map(|(run, made)| RunLine {
        folder: run.folder.clone(),
        values: run.values.clone(),
        seed: run.config.seed,
        state: made.state.clone(),
        validation: made.figures.as_ref().map(|own| own.validation.clone()),
    });
    let best = complete.then(|| best(&settings, metric)).flatten();
    let first = &plan.runs.first().expect("a plan has a run").config;
    let drawn = first.validation.is_empty() || (first.test.is_empty() && first.test_share > 0.0);
    let seeds = plan.runs.iter().map(|run| run.config.seed);
    SweepReport {
        run: plan.run.clone(),
        metric,
        divided_by_seed: drawn && seeds.collect::<BTreeSet<u64>>().len() > 1,
        complete,
        runs: runs.collect(),
        settings: lines.collect(),
        best,
    }
}

fn setting_line(runs: &[(&PlannedRun, &Made)], metric: MetricName) -> SettingLine {
    let failed = |(_, made): &&(&PlannedRun, &Made)| matches!(made.state, RunState::Failed { .. });
    let finished: Vec<&Evaluation> = figures(runs).map(|(_, own)| &own.validation).collect();
    SettingLine {
        values: runs[0].0.values.clone(),
        runs: runs.len(),
        finished: finished.len(),
        failed: runs.iter().filter(failed).count(),
        validation: spreads(&finished, metric),
    }
}

/// The finished runs with what they came to.
fn figures<'a>(
    runs: &'a [(&PlannedRun, &Made)],
) -> impl Iterator<Item = (&'a PlannedRun, &'a Figures)> {
    runs.iter()
        .filter_map(|(run, made)| Some((*run, made.figures.as_ref()?)))
}

/// Every figure that is defined in one of the evaluations at least; the metric is the first.
fn spreads(evaluations: &[&Evaluation], metric: MetricName) -> Vec<Figure> {
    let Some(first) = evaluations.first() else {
        return Vec::new();
    };
    let shown = first.shown(metric);
    let others = METRICS.into_iter().filter(|own| *own != metric);
    let all = std::iter::once(metric).chain(others);
    let figure = |own: MetricName| {
        let values = evaluations.iter().filter_map(|one| one.value(own));
        Some(Figure {
            metric: own,
            spread: Spread::of(&values.collect::<Vec<f64>>())?,
            main: shown.contains(&own),
        })
    };
    all.filter_map(figure).collect()
}

/// The setting with the best mean on validation notes. Of settings some of whose runs failed only
/// those with the fewest failures are looked at: means over what was left would flatter the others.
/// Of equals the first is taken.
fn best(settings: &[&[(&PlannedRun, &Made)]], metric: MetricName) -> Option<BestSetting> {
    let finished = |runs: &[(&PlannedRun, &Made)]| figures(runs).count();
    let failed = |runs: &[(&PlannedRun, &Made)]| runs.len() - finished(runs);
    let judged = || settings.iter().filter(|runs| finished(runs) > 0);
    let fewest = judged().map(|runs| failed(runs)).min()?;
    let goodness = |own: &Figures| own.validation.goodness(metric);
    let means = judged().filter(|runs| failed(runs) == fewest).map(|runs| {
        let values: Vec<f64> = figures(runs).map(|(_, own)| goodness(own)).collect();
        (
            runs,
            Spread::of(&values).map_or(f64::NEG_INFINITY, |own| own.mean),
        )
    });
    let (runs, _) = means.reduce(|best, next| if next.1 > best.1 { next } else { best })?;
    let (run, own) =
        figures(runs).reduce(|best, next| match goodness(next.1) > goodness(best.1) {
            true => next,
            false => best,
        })?;
    let validation: Vec<&Evaluation> = figures(runs).map(|(_, own)| &own.validation).collect();
    let test: Vec<&Evaluation> = figures(runs)
        .filter_map(|(_, own)| own.test.as_ref())
        .collect();
    Some(BestSetting {
        values: run.values.clone(),
        validation: spreads(&validation, metric),
        test: spreads(&test, metric),
        run: run.folder.clone(),
        model: run.config.run.join("best"),
        run_validation: own.validation.clone(),
        run_test: own.test.clone(),
    })
}
