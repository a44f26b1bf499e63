//! What happened in a run, a line of JSON for each event.

use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::checkpoint::State;
use super::figures::Evaluation;
use super::run_folder::{RunError, write_whole};

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// A step was made.
    Step {
        /// Its number, from 1.
        step: u64,
        /// Times that every example was read.
        epoch: u64,
        /// Mean loss of the step, before it changed anything.
        loss: f64,
        /// Norm of the gradient before clipping.
        gradient_norm: f64,
        /// Learning rate.
        lr: f64,
        /// Tokens that were read.
        tokens: u64,
        /// How long it took, in seconds.
        seconds: f64,
    },
    /// The model was judged.
    Evaluated {
        /// Steps made before.
        step: u64,
        /// How good it is.
        #[serde(flatten)]
        evaluation: Box<Evaluation>,
        /// Whether it was better than ever before.
        best: bool,
        /// How long it took, in seconds.
        seconds: f64,
    },
}

impl Event {
    /// Steps that were made when it happened.
    pub fn step(&self) -> u64 {
        match self {
            Self::Step { step, .. } | Self::Evaluated { step, .. } => *step,
        }
    }
}

/// The file of a run's events.
#[derive(Debug)]
pub struct History {
    path: PathBuf,
    file: File,
}

impl History {
    /// Opens the file and takes out what happened after `state`: it will happen again.
    ///
    /// # Errors
    /// [`RunError`] when it cannot be read or written.
    pub fn open(path: &Path, state: &State) -> Result<Self, RunError> {
        let happened = |event: &Event| match event {
            Event::Step { step, .. } => *step <= state.step,
            Event::Evaluated { step, .. } => Some(*step) <= state.evaluated,
        };
        if path.exists() {
            let file = File::open(path).map_err(RunError::at(path))?;
            let mut kept = String::new();
            for line in BufReader::new(file).lines() {
                let line = line.map_err(RunError::at(path))?;
                // A line that was cut off by a kill is after the last checkpoint.
                let Ok(event) = serde_json::from_str::<Event>(&line) else {
                    break;
                };
                if !happened(&event) {
                    break;
                }
                kept.push_str(&line);
                kept.push('\n');
            }
            write_whole(path, kept.as_bytes())?;
        }
        let file = OpenOptions::new().create(true).append(true).open(path);
        Ok(Self {
            path: path.to_owned(),
            file: file.map_err(RunError::at(path))?,
        })
    }

    /// Adds an event.
    ///
    /// # Errors
    /// [`RunError::Io`] when it cannot be written.
    pub fn add(&mut self, event: &Event) -> Result<(), RunError> {
        let mut line = serde_json::to_string(event).expect("events are plain data");
        line.push('\n');
        let written = self.file.write_all(line.as_bytes());
        written.map_err(RunError::at(&self.path))
    }

    /// Makes sure that what was added is on the disk.
    ///
    /// # Errors
    /// [`RunError::Io`] when it cannot be written.
    pub fn sync(&self) -> Result<(), RunError> {
        self.file.sync_all().map_err(RunError::at(&self.path))
    }
}

/// The events in a file, as far as it can be read.
///
/// # Errors
/// [`RunError`] when there is no such file.
pub fn events(path: &Path) -> Result<Vec<Event>, RunError> {
    let file = File::open(path).map_err(RunError::at(path))?;
    let lines = BufReader::new(file).lines();
    let events = lines.map(|line| serde_json::from_str::<Event>(&line.ok()?).ok());
    Ok(events.map_while(|event| event).collect())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn what_happened_after_a_checkpoint_and_half_a_line_go() {
        let path = std::env::temp_dir().join(format!("auscult-history-{}", std::process::id()));
        let _ = fs::remove_file(&path);
        let event = |step| Event::Step {
            step,
            epoch: 0,
            loss: 1.5,
            gradient_norm: 2.0,
            lr: 1e-3,
            tokens: 10,
            seconds: 0.5,
        };
        let judged = || Event::Evaluated {
            step: 2,
            evaluation: Box::new(Evaluation {
                loss: 1.0,
                accuracy: 0.5,
                answers: 8,
                ..Evaluation::default()
            }),
            best: true,
            seconds: 0.1,
        };
        let state = |step, evaluated| State {
            step,
            evaluated,
            ..State::start()
        };
        let mut history = History::open(&path, &State::start()).unwrap();
        (1..=4).for_each(|step| history.add(&event(step)).unwrap());
        let text = fs::read_to_string(&path).unwrap();
        fs::write(&path, &text[..text.len() - 20]).unwrap();
        assert_eq!(events(&path).unwrap().len(), 3);
        let mut history = History::open(&path, &state(2, None)).unwrap();
        history.add(&judged()).unwrap();
        history.add(&event(3)).unwrap();
        history.sync().unwrap();
        let steps = || -> Vec<u64> { events(&path).unwrap().iter().map(Event::step).collect() };
        assert_eq!(steps(), [1, 2, 2, 3]);
        History::open(&path, &state(2, Some(2))).unwrap();
        assert_eq!(steps(), [1, 2, 2]);
        History::open(&path, &state(2, None)).unwrap();
        assert_eq!(steps(), [1, 2]);
        fs::remove_file(&path).unwrap();
    }

    /// A figure that is read back a little smaller would be beaten by itself.
    #[test]
    fn numbers_are_read_back_to_the_bit() {
        for number in 0..1000 {
            let loss = f64::from(number).sin().abs();
            let event = Event::Evaluated {
                step: 1,
                evaluation: Box::new(Evaluation {
                    loss,
                    ..Evaluation::default()
                }),
                best: true,
                seconds: 0.1,
            };
            let line = serde_json::to_string(&event).unwrap();
            assert_eq!(serde_json::from_str::<Event>(&line).unwrap(), event);
        }
    }
}
