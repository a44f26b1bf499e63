//! What a person should know, and what may be done about it.

use std::time::{Duration, Instant};

use super::command::Command;

/// How much a message matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weight {
    /// Good to know.
    Note,
    /// Something is not as it might be expected.
    Warning,
    /// Something could not be done.
    Failure,
}

/// Something that a person should know.
#[derive(Debug, Clone)]
pub struct Message {
    /// Its number.
    pub number: u64,
    /// How much it matters.
    pub weight: Weight,
    /// What, in a sentence.
    pub title: String,
    /// More of it, in lines; may be empty.
    pub details: String,
    /// What a person may do about it.
    pub next: Option<Next>,
    /// When it came.
    pub at: Instant,
    /// Whether it is on the screen; all of them are in the list.
    pub on_screen: bool,
}

/// What a person may do about a message: a button beside it.
#[derive(Debug, Clone, PartialEq)]
pub struct Next {
    /// What the button says.
    pub title: &'static str,
    /// What it does.
    pub command: Command,
}

/// Messages that are kept.
const MESSAGES: usize = 200;

/// How long a message that needs no answer stays on the screen.
const SHOWN: Duration = Duration::from_secs(6);

/// All messages, the newest last.
#[derive(Default)]
pub struct Messages {
    all: Vec<Message>,
    next: u64,
}

impl Messages {
    /// Tells something.
    pub fn tell(&mut self, weight: Weight, title: impl Into<String>, details: impl Into<String>) {
        self.offer(weight, title, details, None);
    }

    /// Tells something with what a person may do about it.
    pub fn offer(
        &mut self,
        weight: Weight,
        title: impl Into<String>,
        details: impl Into<String>,
        next: Option<Next>,
    ) {
        self.next += 1;
        self.all.push(Message {
            number: self.next,
            weight,
            title: title.into(),
            details: details.into(),
            next,
            at: Instant::now(),
            on_screen: true,
        });
        let more = self.all.len().saturating_sub(MESSAGES);
        self.all.drain(..more);
    }

    /// All of them, the newest first.
    pub fn all(&self) -> impl Iterator<Item = &Message> {
        self.all.iter().rev()
    }

    /// Those on the screen, the oldest first.
    pub fn on_screen(&self) -> impl Iterator<Item = &Message> {
        self.all.iter().filter(|own| own.on_screen)
    }

    /// Takes one off the screen.
    pub fn dismiss(&mut self, number: u64) {
        let mut all = self.all.iter_mut();
        if let Some(own) = all.find(|own| own.number == number) {
            own.on_screen = false;
        }
    }

    /// Takes off the screen what offered to do this, since it is done.
    pub fn settle(&mut self, command: &Command) {
        let offers = |own: &Message| own.next.as_ref().is_some_and(|own| own.command == *command);
        for own in self.all.iter_mut().filter(|own| offers(own)) {
            own.on_screen = false;
        }
    }

    /// Takes off the screen what was there long enough; failures stay. When the next one goes.
    pub fn age(&mut self) -> Option<Duration> {
        let mut next: Option<Duration> = None;
        for own in self.all.iter_mut().filter(|own| own.on_screen) {
            if own.weight == Weight::Failure {
                continue;
            }
            match SHOWN.checked_sub(own.at.elapsed()) {
                Some(left) if !left.is_zero() => {
                    next = Some(next.map_or(left, |next| next.min(left)));
                }
                _ => own.on_screen = false,
            }
        }
        next
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_stay_on_the_screen_and_notes_go() {
        let mut messages = Messages::default();
        messages.tell(Weight::Note, "ready", "");
        messages.tell(Weight::Failure, "no such folder", "");
        assert!(messages.age().unwrap() <= SHOWN);
        messages.all[0].at -= SHOWN;
        messages.all[1].at -= SHOWN;
        assert_eq!(messages.age(), None);
        let left: Vec<&str> = messages.on_screen().map(|own| own.title.as_str()).collect();
        assert_eq!(left, ["no such folder"]);
        assert_eq!(messages.all().count(), 2);
    }
}
