//! The fields of a run's description, each with its help and what is wrong with it.

use eframe::egui::{Align, ComboBox, Id, Layout, RichText, TextEdit, Ui, UiBuilder};

use super::{ask, columns};
use crate::app::command::Command;
use crate::app::state::State;
use crate::app::theme;
use crate::app::train::Ask;
use crate::app::train::draft::{Draft, Fault, choice, title};
use crate::app::widgets::parts::{self, name};
use crate::engine::{FIELDS, Field, FieldKind};

/// Fields that stand on the page by themselves.
pub const MAIN: [&str; 8] = [
    "epochs",
    "lr",
    "batch",
    "max-tokens",
    "class-weights",
    "focal-gamma",
    "metric",
    "seed",
];

/// Fields that have a place of their own in the steps.
pub const PLACED: [&str; 11] = [
    "task",
    "model",
    "mode",
    "run",
    "train",
    "validation",
    "test",
    "validation-share",
    "test-share",
    "label",
    "group",
];

/// A number that is first of all on or off: its field, what it is where it is turned on, and what it is
/// called. 0 is off.
const SWITCHED: (&str, &str, &str) = ("focal-gamma", "2", "Power of the focal loss");

/// All others, whatever they are: a new field is shown without being named here.
pub fn others() -> impl Iterator<Item = &'static Field> {
    (FIELDS.iter()).filter(|own| !MAIN.contains(&own.name) && !PLACED.contains(&own.name))
}

/// Draws fields beside each other where there is room.
pub fn several(
    ui: &mut Ui,
    names: &[&'static str],
    draft: &Draft,
    faults: &[Fault],
    commands: &mut Vec<Command>,
) {
    beside(ui, names, &mut |ui, own| {
        one(ui, own, draft, faults, commands)
    });
}

/// The same of fields that take the name of a column, with those that are known.
pub fn of_columns(
    ui: &mut Ui,
    names: &[&'static str],
    draft: &Draft,
    faults: &[Fault],
    state: &State,
    commands: &mut Vec<Command>,
) {
    beside(ui, names, &mut |ui, own| {
        offered(ui, own, draft, faults, Some(state), commands);
    });
}

fn beside(ui: &mut Ui, names: &[&'static str], field: &mut dyn FnMut(&mut Ui, &'static str)) {
    const WIDE: f32 = 400.0;
    if ui.available_width() < WIDE {
        names.iter().for_each(|own| field(ui, own));
        return;
    }
    for pair in names.chunks(2) {
        ui.columns(2, |columns| {
            for (own, ui) in pair.iter().zip(columns) {
                field(ui, own);
            }
        });
    }
}

/// Draws a field.
pub fn one(
    ui: &mut Ui,
    field: &'static str,
    draft: &Draft,
    faults: &[Fault],
    commands: &mut Vec<Command>,
) {
    offered(ui, field, draft, faults, None, commands);
}

/// Room for a menu beside a field, in points.
const MENU: f32 = 42.0;

fn offered(
    ui: &mut Ui,
    field: &'static str,
    draft: &Draft,
    faults: &[Fault],
    state: Option<&State>,
    commands: &mut Vec<Command>,
) {
    let Some(field) = Field::named(field) else {
        return;
    };
    // Columns would spread the words of a line over its whole width.
    let layout = Layout::top_down(Align::Min);
    let field_ui = UiBuilder::new().id_salt(field.name).layout(layout);
    ui.scope_builder(field_ui, |ui| {
        let palette = theme::palette(ui);
        let text = title(field.name);
        if !matches!(field.kind, FieldKind::Switch) && field.name != SWITCHED.0 {
            ui.label(RichText::new(&text).font(theme::strong(12.5)));
        }
        match state {
            None => control(ui, field, &text, draft, commands),
            Some(state) => {
                ui.horizontal(|ui| {
                    let room = (ui.available_width() - MENU).max(24.0);
                    ui.scope(|ui| {
                        ui.set_max_width(room);
                        control(ui, field, &text, draft, commands);
                    });
                    if let Some(column) = columns::menu(ui, &text, state.file_columns()) {
                        ask(commands, Ask::Field(field.name, Vec::from([column])));
                    }
                });
            }
        }
        for own in faults.iter().filter(|own| own.field == Some(field.name)) {
            ui.label(
                RichText::new(sentence(&own.reason))
                    .small()
                    .color(palette.bad),
            );
        }
        let said = format!("{}{}", help(field), limits(field));
        parts::soft(ui, sentence(&said));
        ui.add_space(6.0);
    });
}

/// With a large letter at its beginning.
pub fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(char::to_uppercase);
    first.into_iter().flatten().chain(letters).collect()
}

/// What a field means, with other fields and choices as the form calls them.
fn help(field: &Field) -> String {
    let mut said = field.help.to_owned();
    for own in FIELDS.iter().filter(|own| own.name.contains('-')) {
        said = said.replace(own.name, &format!("“{}”", title(own.name)));
    }
    for (of, word) in [("task", "masked-lm"), ("task", "classify")] {
        said = said.replace(word, &format!("“{}”", choice(of, word)));
    }
    // These are parts of other words as well.
    for (of, word) in [("task", "tag"), ("metric", "auto")] {
        said = said.replace(&format!(" {word} "), &format!(" “{}” ", choice(of, word)));
    }
    said
}

/// The limits of a field, where they say something.
fn limits(field: &Field) -> String {
    match &field.kind {
        FieldKind::Whole { least, most } if *most < 1_000_000_000 => {
            format!("; from {least} to {most}")
        }
        FieldKind::Whole { least, .. } if *least > 0 => format!("; at least {least}"),
        FieldKind::Number { least, most, open } if *most < 1e6 => match open {
            true => format!("; between {least} and {most}"),
            false => format!("; from {least} to {most}"),
        },
        _ => String::new(),
    }
}

fn control(
    ui: &mut Ui,
    field: &'static Field,
    text: &str,
    draft: &Draft,
    commands: &mut Vec<Command>,
) {
    let set = |commands: &mut Vec<Command>, words: Vec<String>| {
        ask(commands, Ask::Field(field.name, words));
    };
    if field.name == SWITCHED.0 {
        return switched(ui, field.name, text, draft, commands);
    }
    match &field.kind {
        FieldKind::Switch => {
            let mut on = draft.word(field.name) == "true";
            if ui.checkbox(&mut on, text).changed() {
                set(commands, Vec::from([on.to_string()]));
            }
        }
        FieldKind::Choice(all) => {
            let now = draft.word(field.name);
            let drawn = ComboBox::from_id_salt(field.name)
                .selected_text(choice(field.name, now))
                .width(ui.available_width().min(240.0))
                .show_ui(ui, |ui| {
                    for own in *all {
                        let said = choice(field.name, own);
                        if ui.selectable_label(now == *own, said).clicked() {
                            set(commands, Vec::from([(*own).to_owned()]));
                        }
                    }
                });
            name(&drawn.response, text);
        }
        FieldKind::Words => {
            // A column's name may hold a comma, never a line break.
            let mut words = draft.words(field.name).join("\n");
            let rows = draft.words(field.name).len().max(1);
            let own = TextEdit::multiline(&mut words)
                .id_salt(field.name)
                .hint_text("One in each line")
                .desired_rows(rows)
                .desired_width(ui.available_width().min(280.0));
            let drawn = ui.add(own);
            name(&drawn, text);
            if drawn.changed() {
                let lines = words.split('\n').map(str::to_owned);
                set(commands, lines.collect());
            }
        }
        FieldKind::Word | FieldKind::Whole { .. } | FieldKind::Number { .. } => {
            let wide = match field.kind {
                FieldKind::Word => 280.0,
                _ => 120.0,
            };
            let mut word = draft.word(field.name).to_owned();
            let own = TextEdit::singleline(&mut word)
                .id_salt(field.name)
                .desired_width(ui.available_width().min(wide));
            let drawn = ui.add(own);
            name(&drawn, text);
            if drawn.changed() {
                set(commands, Vec::from([word]));
            }
        }
    }
}

/// A number behind a switch.
fn switched(
    ui: &mut Ui,
    field: &'static str,
    text: &str,
    draft: &Draft,
    commands: &mut Vec<Command>,
) {
    let (_, usual, called) = SWITCHED;
    let word = draft.word(field);
    let id = Id::unique(("switched", field));
    // While 0.5 is typed it is 0 for a while.
    let typed = ui.memory(|own| own.has_focus(id));
    let is_off = |word: &str| word.parse() == Ok(0.0);
    let was = typed || !is_off(word);
    ui.horizontal(|ui| {
        let mut on = was;
        if ui.checkbox(&mut on, text).changed() {
            let word = match on {
                // As it was before it was turned off.
                true => ui.data(|own| own.get_temp(id)).unwrap_or(usual.to_owned()),
                false => {
                    if !is_off(word) {
                        ui.data_mut(|own| own.insert_temp(id, word.to_owned()));
                    }
                    "0".to_owned()
                }
            };
            ask(commands, Ask::Field(field, Vec::from([word])));
        }
        if !was {
            return;
        }
        let mut word = word.to_owned();
        let own = TextEdit::singleline(&mut word).id(id).desired_width(60.0);
        let drawn = ui.add(own);
        name(&drawn, called);
        if drawn.changed() {
            ask(commands, Ask::Field(field, Vec::from([word])));
        }
    });
}
