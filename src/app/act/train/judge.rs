//! Has a model judged, and opens the notes that it was judged by.

use std::path::PathBuf;

use crate::app::act::Actor;
use crate::app::jobs::Purpose;
use crate::app::messages::Weight;
use crate::app::state::Workspace;
use crate::app::train::cells::Held;
use crate::app::train::work::Work;
use crate::app::train::{Ask, JudgeForm, JudgeOn, Subject};
use crate::app::worker::{Lane, Question};
use crate::engine::Head;

impl Actor {
    pub(super) fn judge(&mut self) {
        let form = self.state.train.judge.clone();
        let model = match &form.subject {
            Subject::Run(folder) => Some(folder.join("best")),
            Subject::Open => {
                let predicting = self.state.predicting().map(|(folder, _)| folder.clone());
                predicting.or_else(|| {
                    let info = self.state.model.info()?;
                    let reads = info.task == Head::MaskedLm;
                    self.state.model.folder().filter(|_| reads).cloned()
                })
            }
        };
        let Some(model) = model else {
            let said = "Judging needs a model: open one, or choose a run under Runs";
            self.state.messages.tell(Weight::Note, said, "");
            return;
        };
        if form.on == JudgeOn::Files && form.test.is_empty() {
            let said =
                "Judging needs notes whose labels or spans are known; choose their files first";
            self.state.messages.tell(Weight::Note, said, "");
            return;
        }
        let question = Question::Train(Work::Judge(model, Box::new(form)));
        self.ask(Lane::Long, None, Purpose::Judge, question);
    }

    /// The run that was opened or has ended is what is judged next, unless a person has begun to ask for
    /// something else.
    pub(super) fn propose_to_judge(&mut self, folder: PathBuf) {
        let train = &self.state.train;
        let busy = self.state.jobs.is_running(|own| *own == Purpose::Judge);
        let report = train.judged.value.as_ref();
        if !busy && report.is_none_or(|own| own.form == train.judge) {
            self.judge_next(folder);
        }
    }

    /// The best model of this run is what is judged next.
    pub(super) fn judge_next(&mut self, folder: PathBuf) {
        let form = JudgeForm {
            subject: Subject::Run(folder),
            on: JudgeOn::HeldBack,
            ..self.state.train.judge.clone()
        };
        self.train_ask(Ask::JudgeBy(Box::new(form)));
    }

    /// Puts a note that was judged on view; with a pair of spans, the true one is chosen if there is
    /// one, or else the marked one.
    pub(super) fn show_judged(&mut self, held: Held) {
        let Some(judged) = self.state.train.judged.value.clone() else {
            return;
        };
        let key = judged.note(held.note).and_then(|note| {
            let key = self.state.library.add(Vec::from([note.clone()]))?;
            Some((note, key))
        });
        let Some((note, key)) = key else {
            let said = "The note is not known any more; judge again to open it";
            self.state.messages.tell(Weight::Note, said, "");
            return;
        };
        self.show(key);
        self.go_to(Workspace::Read);
        // A note of the same name may be open in another form, where these bytes are others.
        let same = (self.state.library.get(key)).is_some_and(|own| own.note.text() == note.text());
        match judged.pair(&held) {
            Some(pair) if same => self.select(pair.bytes(), true, true),
            Some(_) => {
                let said =
                    "A note of this name with another text is open, so nothing is chosen in it";
                self.state.messages.tell(Weight::Note, said, "");
            }
            None => {}
        }
    }
}
