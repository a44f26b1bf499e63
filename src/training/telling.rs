//! What a run leaves for people to read: its report, its curves, and the card beside the best model.

use super::card::{Facts, model_card, report as report_card};
use super::curves::panels;
use super::history::Event;
use super::report::{Judged, Outcome, Report, Times};
use super::run_folder::{RunError, write_whole};
use super::session::Session;
use crate::evaluation::EvaluationError;
use crate::evaluation::plots::training_curves;

const REPORT: &str = "report.md";
/// Beside a model this is where its card is looked for.
pub(super) const CARD: &str = "README.md";
const PICTURE: &str = "curves.png";
const DRAWING: &str = "curves.svg";

/// Why something to read is missing.
#[derive(Debug, thiserror::Error)]
enum Untold {
    #[error(transparent)]
    Drawing(#[from] EvaluationError),
    #[error(transparent)]
    Writing(#[from] RunError),
}

impl Session {
    /// The card of the model as it is now.
    pub(super) fn card(&self, judged: &[Judged]) -> String {
        model_card(
            &self.facts(self.state.step, self.state.tokens, judged),
            None,
        )
    }

    fn facts<'a>(&'a self, step: u64, tokens: u64, judged: &'a [Judged]) -> Facts<'a> {
        Facts {
            config: &self.config,
            data: &self.data.fingerprint,
            step,
            total: self.total(),
            tokens,
            parameters: self.weights.model().parameters().count(),
            trained: self.weights.trained().count(),
            judged,
        }
    }

    pub(super) fn report(
        &self,
        outcome: Outcome,
        judged: Vec<Judged>,
        happened: &[Event],
        times: Times,
    ) -> Report {
        let model = Some(self.run.best()).filter(|folder| folder.is_dir());
        let last = happened.iter().rev().find_map(|event| match event {
            Event::Evaluated {
                step, evaluation, ..
            } => Some((*step, *evaluation.clone())),
            Event::Step { .. } => None,
        });
        let (last_step, last) = last.unzip();
        Report {
            run: self.run.path().to_owned(),
            outcome,
            steps: self.state.step,
            total_steps: self.total(),
            model,
            metric: self.config.settled_metric(),
            best: self.state.best,
            judged,
            last,
            last_step,
            trained: self.weights.trained().count(),
            parameters: self.weights.model().parameters().count(),
            examples: [self.data.train.len(), self.data.validation.len()],
            labels: self.data.labels.clone(),
            left_out: self.data.left_out.len(),
            tokens: self.state.tokens,
            seconds: self.state.seconds,
            times,
            remarks: Vec::new(),
        }
    }

    /// Writes what is to be read. What cannot be written becomes a remark: the run is whole without
    /// it.
    pub(super) fn tell(&self, report: &mut Report, happened: &[Event]) {
        let mut remarks = Vec::new();
        let curves = self.draw(report, happened);
        let picture = curves.unwrap_or_else(|error| {
            remarks.push(format!("the curves were not drawn: {error}"));
            None
        });
        let shown = picture.as_ref().map(|_| PICTURE);
        let facts = self.facts(report.steps, report.tokens, &report.judged);
        let text = report_card(&facts, report, shown);
        let path = self.run.path().join(REPORT);
        let written = write_whole(&path, text.as_bytes());
        remarks.extend(written.err().map(|error| error.to_string()));
        if report.outcome != Outcome::Stopped && report.model.is_some() {
            let written = self.tell_of_best(report, happened, picture.as_deref());
            remarks.extend(written.err().map(|error| error.to_string()));
        }
        report.remarks.extend(remarks);
    }

    /// Draws the curves; the picture's bytes, or `None` if there is nothing to draw.
    fn draw(&self, report: &Report, happened: &[Event]) -> Result<Option<Vec<u8>>, Untold> {
        let panels = panels(happened, report.metric, report.best.map(|best| best.step));
        if panels.is_empty() {
            return Ok(None);
        }
        let name = self.run.path().file_name().unwrap_or_default();
        let title = format!("Training run: {}", name.to_string_lossy());
        let plot = training_curves(&title, &panels);
        let folder = self.run.path();
        write_whole(&folder.join(DRAWING), plot.svg()?.as_bytes())?;
        let picture = plot.png()?;
        write_whole(&folder.join(PICTURE), &picture)?;
        Ok(Some(picture))
    }

    /// Writes the card of the best model anew, with all that is known at the end.
    fn tell_of_best(
        &self,
        report: &Report,
        happened: &[Event],
        picture: Option<&[u8]>,
    ) -> Result<(), RunError> {
        let best = report.best.map_or(report.steps, |best| best.step);
        let until_then = happened.iter().map(|event| match event {
            Event::Step { step, tokens, .. } if *step <= best => *tokens,
            _ => 0,
        });
        let facts = self.facts(best, until_then.sum(), &report.judged);
        let folder = self.run.best();
        if let Some(bytes) = picture {
            write_whole(&folder.join(PICTURE), bytes)?;
        }
        let text = model_card(&facts, picture.map(|_| PICTURE));
        write_whole(&folder.join(CARD), text.as_bytes())
    }
}
