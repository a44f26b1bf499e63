//! Shortcuts: which key does what, how it is written, and what a person changed.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use eframe::egui::os::OperatingSystem;
use eframe::egui::{Context, Event, InputState, Key, Modifiers};
use serde::{Deserialize, Serialize};

use super::command::Action;

/// A key with what is held down beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Shortcut {
    /// Ctrl, or ⌘ on a Mac.
    pub command: bool,
    /// Shift.
    pub shift: bool,
    /// Alt, or ⌥.
    pub alt: bool,
    /// The key.
    pub key: Key,
}

impl Shortcut {
    /// A key by itself.
    pub const fn key(key: Key) -> Self {
        Self {
            command: false,
            shift: false,
            alt: false,
            key,
        }
    }

    /// A key with Ctrl or ⌘.
    pub const fn command(key: Key) -> Self {
        Self {
            command: true,
            ..Self::key(key)
        }
    }

    /// With Shift as well.
    pub const fn shift(self) -> Self {
        Self {
            shift: true,
            ..self
        }
    }

    /// With Alt as well.
    pub const fn alt(self) -> Self {
        Self { alt: true, ..self }
    }

    /// Whether it may be meant as text, so that it acts only where nobody types.
    pub fn is_text(self) -> bool {
        let edits = matches!(
            self.key,
            Key::Z | Key::Y | Key::X | Key::C | Key::V | Key::A
        );
        let moves = matches!(
            self.key,
            Key::ArrowLeft | Key::ArrowRight | Key::ArrowUp | Key::ArrowDown
        );
        (!self.command && !self.alt) || (self.command && edits) || moves
    }

    /// Takes it from what was pressed, if it was. What is held counts when the key goes down: it may
    /// have been let go of before the frame is drawn.
    fn pressed(self, input: &mut InputState) -> bool {
        let before = input.events.len();
        input.events.retain(|event| !self.is(event));
        input.events.len() < before
    }

    fn is(self, event: &Event) -> bool {
        match event {
            Event::Key {
                key,
                pressed: true,
                modifiers,
                ..
            } => *key == self.key && self.fits(*modifiers),
            _ => false,
        }
    }

    fn fits(self, held: Modifiers) -> bool {
        // Some signs need Shift on most keyboards, and some do not.
        let shift = match self.key {
            Key::Questionmark | Key::Plus => true,
            _ => held.shift == self.shift,
        };
        shift && held.command == self.command && held.alt == self.alt
    }

    /// As it is written on this system.
    pub fn text(self, ctx: &Context) -> String {
        let mac = ctx.os() == OperatingSystem::Mac;
        let held = match mac {
            true => [(self.alt, "⌥"), (self.shift, "⇧"), (self.command, "⌘")],
            false => [
                (self.command, "Ctrl+"),
                (self.alt, "Alt+"),
                (self.shift, "Shift+"),
            ],
        };
        let held = held.into_iter().filter(|(held, _)| *held);
        let held: String = held.map(|(_, name)| name).collect();
        held + sign(self.key)
    }
}

/// What is printed on a key.
fn sign(key: Key) -> &'static str {
    match key {
        Key::ArrowLeft => "←",
        Key::ArrowRight => "→",
        Key::ArrowUp => "↑",
        Key::ArrowDown => "↓",
        Key::OpenBracket => "[",
        Key::CloseBracket => "]",
        Key::Comma => ",",
        Key::Period => ".",
        Key::Plus => "+",
        Key::Minus => "−",
        Key::Equals => "=",
        Key::Questionmark => "?",
        key => key.name(),
    }
}

impl fmt::Display for Shortcut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (held, name) in [
            (self.command, "Ctrl+"),
            (self.alt, "Alt+"),
            (self.shift, "Shift+"),
        ] {
            if held {
                f.write_str(name)?;
            }
        }
        f.write_str(self.key.name())
    }
}

impl FromStr for Shortcut {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut rest = text;
        let mut held = [false; 3];
        for (held, name) in held.iter_mut().zip(["Ctrl+", "Alt+", "Shift+"]) {
            if let Some(after) = rest.strip_prefix(name) {
                (*held, rest) = (true, after);
            }
        }
        let [command, alt, shift] = held;
        let key = Key::from_name(rest)
            .ok_or_else(|| format!("\"{text}\" is no shortcut such as Ctrl+Shift+F"))?;
        Ok(Self {
            command,
            shift,
            alt,
            key,
        })
    }
}

impl TryFrom<String> for Shortcut {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Shortcut> for String {
    fn from(own: Shortcut) -> Self {
        own.to_string()
    }
}

/// Which shortcuts do what.
#[derive(Debug, Clone, Default)]
pub struct Keys {
    changed: BTreeMap<String, Shortcut>,
}

impl Keys {
    /// The usual ones, but for those that a person changed.
    pub fn new(changed: &BTreeMap<String, Shortcut>) -> Self {
        Self {
            changed: changed.clone(),
        }
    }

    /// The shortcuts of an action, the one that is shown in front.
    pub fn of(&self, action: Action) -> Vec<Shortcut> {
        match self.changed.get(action.id()) {
            Some(own) => Vec::from([*own]),
            None => action.shortcuts().to_vec(),
        }
    }

    /// Which other action has this shortcut already.
    pub fn conflict(&self, action: Action, shortcut: Shortcut) -> Option<Action> {
        // Those of the map of points go before others there, and do nothing elsewhere.
        let apart = |own: Action| own.is_of_points() != action.is_of_points();
        let others = Action::ALL.iter().copied();
        let mut others = others.filter(|own| *own != action && !apart(*own));
        others.find(|own| self.of(*own).contains(&shortcut))
    }

    /// What was asked for by keys in this frame. `typing` says that a field takes the letters.
    /// Keys of actions that are not `wanted` are left to others.
    pub fn pressed(
        &self,
        ctx: &Context,
        typing: bool,
        wanted: impl Fn(Action) -> bool,
    ) -> Vec<Action> {
        let mut all: Vec<(Shortcut, Action)> = Action::ALL
            .iter()
            .flat_map(|action| self.of(*action).into_iter().map(|own| (own, *action)))
            .filter(|(own, action)| !(typing && own.is_text()) && wanted(*action))
            .collect();
        // The longer ones first, or the shorter would take their key; then those of the map of points.
        all.sort_by_key(|(own, action)| {
            let held = u8::from(own.command) + u8::from(own.shift) + u8::from(own.alt);
            std::cmp::Reverse((held, action.is_of_points()))
        });
        ctx.input_mut(|input| {
            let pressed = all.into_iter().filter(|(own, _)| own.pressed(input));
            pressed.map(|(_, action)| action).collect()
        })
    }

    /// Takes what was typed in this frame after the keys of one of these actions, which stay.
    pub fn typed_after(&self, actions: &[Action], ctx: &Context) -> String {
        let own: Vec<Shortcut> = actions.iter().flat_map(|own| self.of(*own)).collect();
        let mut text = String::new();
        let mut after = false;
        ctx.input_mut(|input| {
            input.events.retain(|event| {
                after |= own.iter().any(|own| own.is(event));
                match event {
                    Event::Text(more) if after => {
                        text.push_str(more);
                        false
                    }
                    _ => true,
                }
            });
        });
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shortcuts_are_read_as_they_are_written() {
        for own in [
            Shortcut::key(Key::M),
            Shortcut::command(Key::K),
            Shortcut::command(Key::F).shift(),
            Shortcut::key(Key::ArrowLeft).alt().shift(),
            Shortcut::command(Key::Period),
        ] {
            assert_eq!(own.to_string().parse(), Ok(own));
        }
        let said = "Ctrl+Nothing".parse::<Shortcut>().unwrap_err();
        assert!(said.contains("Ctrl+Nothing"), "{said}");
    }

    #[test]
    fn what_is_held_counts_when_the_key_goes_down() {
        let pressed = |own: Shortcut, held: Modifiers| {
            let mut input = InputState::default();
            input.events.push(Event::Key {
                key: own.key,
                physical_key: None,
                pressed: true,
                repeat: false,
                modifiers: held,
            });
            own.pressed(&mut input)
        };
        let ctrl = Modifiers {
            ctrl: true,
            command: true,
            ..Modifiers::NONE
        };
        let palette = Shortcut::command(Key::K);
        assert!(pressed(palette, ctrl) && !pressed(palette, Modifiers::NONE));
        assert!(!pressed(palette, ctrl | Modifiers::SHIFT));
        assert!(!pressed(Shortcut::key(Key::L), Modifiers::SHIFT));
        assert!(!pressed(Shortcut::key(Key::L), ctrl));
        assert!(pressed(Shortcut::key(Key::Questionmark), Modifiers::SHIFT));
    }

    #[test]
    fn no_two_actions_have_the_same_key() {
        let keys = Keys::default();
        for action in Action::ALL.iter().copied() {
            for own in keys.of(action) {
                let other = keys.conflict(action, own);
                assert!(other.is_none(), "{own}: {action:?} and {other:?}");
            }
        }
    }

    #[test]
    fn a_changed_key_takes_the_place_of_the_usual_ones() {
        let mask = Action::MaskWord;
        let own = Shortcut::command(Key::M);
        let keys = Keys::new(&[(mask.id().to_owned(), own)].into());
        assert_eq!(keys.of(mask), [own]);
        assert_eq!(keys.conflict(Action::NextNote, own), Some(mask));
    }
}
