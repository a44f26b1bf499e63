//! What the lens shows, as numbers.

use std::fmt::Write;
use std::sync::Arc;

use eframe::egui::{self, RichText, Role, ScrollArea, Sense, Ui, WidgetInfo};

use super::View;
use crate::app::command::{Action, Command};
use crate::app::controls;
use crate::app::jobs::Purpose;
use crate::app::lens::Lens;
use crate::app::moving;
use crate::app::state::State;
use crate::app::theme;
use crate::app::widgets::parts;
use crate::app::widgets::same::Of;
use crate::engine::{AttentionResult, Direction, UnitAttention};

/// What attention is not.
pub const CAUTION: &str = "Attention shows what was mixed, not why the model decided.";

/// The panel.
#[derive(Default)]
pub struct Row {
    /// The result whose items are in order, and the order.
    of: Of<AttentionResult>,
    order: Vec<usize>,
}

/// Height of a line.
const LINE: f32 = 26.0;

impl View for Row {
    fn ui(&mut self, ui: &mut Ui, state: &State, commands: &mut Vec<Command>) {
        let palette = theme::palette(ui);
        let (Some(view), Some(model)) = (&state.on_view, state.model.info()) else {
            let text = "What a word looks at, or what looks at it, in numbers.";
            controls::empty(ui, "Nothing to look at", text, None, commands);
            return;
        };
        let results = state.results();
        let found = results.and_then(|own| own.attention.value.as_ref());
        let failure = results.and_then(|own| own.attention.failure.as_ref());
        let busy = (state.jobs).is_running(|own| matches!(own, Purpose::Attend(..)));
        if let Some(failure) = failure {
            ui.label(RichText::new(failure).color(palette.bad));
        }
        let Some(found) = found else {
            let (title, text) = match busy {
                true => ("Reading…", "The note goes through the model once."),
                false => (
                    "Hover any word",
                    "Or click one, or press →: the text glows where it looks.",
                ),
            };
            controls::empty(ui, title, text, None, commands);
            return;
        };
        if (state.jobs).is_slow(|own| matches!(own, Purpose::Attend(..))) {
            ui.set_opacity(0.55);
        }
        let text = view.note.text();
        head(ui, found, text, &Lens::of(found, model).words(model), busy);
        let most = state.shown.range.unwrap_or(found.strongest());
        ui.horizontal_wrapped(|ui| {
            parts::legend(ui, &format!("{most:.4}"), parts::Scale::Even);
            let mut kept = state.shown.range.is_some();
            let keep = ui.checkbox(&mut kept, RichText::new("Keep range").small());
            parts::name(&keep, "Keep the range of the lens");
            if controls::hint(keep, Action::KeepRange, state).changed() {
                commands.push(Command::Do(Action::KeepRange));
            }
            controls::action_button(ui, "Pin", Action::Pin, state, commands);
        });
        self.sort(found);
        ui.spacing_mut().item_spacing.y = 0.0;
        let height = (ui.available_height() - pins_height(results.map_or(0, |own| own.pins.len())))
            .max(80.0);
        ScrollArea::vertical()
            .auto_shrink(false)
            .max_height(height)
            .show_rows(ui, LINE, self.order.len(), |ui, rows| {
                for place in rows {
                    let item = &found.items[self.order[place]];
                    line(ui, item, text, most, commands);
                }
            });
        pins(ui, state, commands);
        ui.label(RichText::new(CAUTION).small().color(palette.soft));
    }

    fn numbers(&self, state: &State) -> Option<String> {
        let found = state.results()?.attention.value.as_ref()?;
        Some(table(found, state.on_view.as_ref()?.note.text()))
    }

    fn help(&self) -> &'static str {
        "What the chosen word looks at, or what looks at it, the strongest first. Click a line to go there. \
         A dot pins what is shown: its lines stay in the text beside the next. R keeps the range of the \
         colours, so that the same colour stands for the same value in every head."
    }
}

fn head(ui: &mut Ui, found: &AttentionResult, text: &str, how: &str, busy: bool) {
    let palette = theme::palette(ui);
    let words = text.get(found.chosen.clone()).unwrap_or_default();
    let verb = match found.direction {
        Direction::LooksAt => "looks at",
        Direction::LookedAtBy => "is looked at by",
    };
    ui.horizontal(|ui| {
        let label = RichText::new(words).font(theme::strong(15.0));
        ui.scope(|ui| {
            ui.set_max_width((ui.available_width() - 130.0).max(60.0));
            ui.add(egui::Label::new(label).truncate());
        });
        ui.label(RichText::new(verb).color(palette.soft));
        if busy {
            ui.spinner();
        }
    });
    // Of a column, or of the largest of several heads, the sum is not 1.
    let share = |own: f32| 100.0 * own / found.total.max(f32::MIN_POSITIVE);
    let rest = match found.hidden {
        Some(hidden) => format!("{:.1} % hidden in sinks", share(hidden)),
        None => format!("{:.1} % in [CLS], [SEP] and between", share(found.outside)),
    };
    parts::soft(ui, format!("{how} · {rest}"));
    if found.chosen_left_out > 0 {
        let said = format!(
            "{} tokens lie outside of what is read at once",
            found.chosen_left_out
        );
        ui.label(RichText::new(said).small().color(palette.warn));
    }
    if found.random_weights {
        let said = "Random weights: this means nothing.";
        ui.label(RichText::new(said).small().color(palette.warn));
    }
}

fn line(ui: &mut Ui, item: &UnitAttention, text: &str, most: f32, commands: &mut Vec<Command>) {
    let palette = theme::palette(ui);
    let name = match &item.section {
        Some(section) if section.is_empty() => "(before the first heading)".to_owned(),
        Some(section) => section.clone(),
        None => {
            let own = text.get(item.start..item.end).unwrap_or_default();
            moving::one_line(own)
        }
    };
    let share = match most > 0.0 {
        true => (item.value / most).min(1.0),
        false => 0.0,
    };
    let value = format!("{:.4}", item.value);
    let response = ui.push_id(item.start, |ui| {
        let bar = parts::bar(ui, share, &name, &value, palette.heat);
        bar.interact(Sense::click())
    });
    let response = response.inner;
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, format!("{name}, {value}")));
    if response.clicked() {
        commands.push(Command::Select(item.start..item.end));
    }
}

fn pins_height(count: usize) -> f32 {
    match count {
        0 => 24.0,
        count => 48.0 + 24.0 * count as f32,
    }
}

fn pins(ui: &mut Ui, state: &State, commands: &mut Vec<Command>) {
    let palette = theme::palette(ui);
    let Some((view, results)) = state.on_view.as_ref().zip(state.results()) else {
        return;
    };
    if results.pins.is_empty() {
        return;
    }
    parts::heading(ui, "Pinned");
    for (number, pin) in results.pins.iter().enumerate() {
        ui.horizontal(|ui| {
            let (rect, _) = ui.allocate_exact_size(egui::vec2(18.0, 12.0), Sense::hover());
            let colour = palette.kinds[number % palette.kinds.len()];
            crate::app::widgets::note_text::underline(ui.painter(), rect, number, colour);
            let words = view.note.text().get(pin.attention.chosen.clone());
            ui.add(egui::Label::new(words.unwrap_or_default()).truncate());
            parts::soft(ui, &pin.how);
            let close = ui.small_button("×");
            parts::name(&close, "Let go of the pin");
            if close.clicked() {
                commands.push(Command::Unpin(number));
            }
        });
    }
}

/// All values with their places, as a table for a spreadsheet.
fn table(found: &AttentionResult, text: &str) -> String {
    let mut out = String::from("start\tend\tvalue\ttext\n");
    for item in &found.items {
        let own = text.get(item.start..item.end).unwrap_or_default();
        let own = moving::one_line(own);
        let _ = writeln!(out, "{}\t{}\t{}\t{own}", item.start, item.end, item.value);
    }
    out
}

impl Row {
    fn sort(&mut self, found: &Arc<AttentionResult>) {
        if self.of.changes(Some(found)) {
            let values = &found.items;
            self.order = (0..values.len())
                .filter(|own| values[*own].value > 0.0)
                .collect();
            self.order
                .sort_by(|a, b| values[*b].value.total_cmp(&values[*a].value).then(a.cmp(b)));
        }
    }
}
