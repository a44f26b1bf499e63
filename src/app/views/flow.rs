//! How the sections of a note, or of all notes, look at each other: as a matrix, and as ribbons.

mod matrix;
mod ribbons;

use std::fmt::Write;

use eframe::egui::{self, Color32, Rect, RichText, Role, ScrollArea, Ui, WidgetInfo, pos2};

use super::View;
use crate::app::command::{Action, Command};
use crate::app::controls;
use crate::app::jobs::Purpose;
use crate::app::state::State;
use crate::app::theme;
use crate::app::widgets::parts;
use crate::engine::{AttentionFlow, MeanFlow};

/// The panel.
#[derive(Default)]
pub struct FlowView {
    ribbons: bool,
    /// The pair that is read out: the section that looks, and that which is looked at.
    pair: Option<[usize; 2]>,
}

/// What is drawn.
struct Drawn<'a> {
    names: Vec<String>,
    matrix: &'a [f32],
    outside: &'a [f32],
    /// Of each layer alone, with its number.
    layers: Vec<(usize, &'a [f32])>,
    /// The bytes of each section, where it is one of the note on view.
    bytes: Vec<std::ops::Range<usize>>,
}

impl Drawn<'_> {
    fn value(&self, [from, to]: [usize; 2]) -> f32 {
        let at = from * self.names.len() + to;
        self.matrix.get(at).copied().unwrap_or(0.0)
    }

    fn most(&self) -> f32 {
        self.matrix.iter().copied().fold(0.0, f32::max).max(1e-9)
    }
}

fn of_note(flow: &AttentionFlow) -> Drawn<'_> {
    let names = flow.units.iter();
    Drawn {
        names: names
            .map(|own| named(own.section.as_deref().unwrap_or_default()))
            .collect(),
        matrix: &flow.matrix,
        outside: &flow.outside,
        layers: (flow.layers.iter().copied())
            .zip(flow.by_layer.iter().map(Vec::as_slice))
            .collect(),
        bytes: flow.units.iter().map(|own| own.start..own.end).collect(),
    }
}

fn of_all(flow: &MeanFlow) -> Drawn<'_> {
    Drawn {
        names: flow.sections.iter().map(|own| named(own)).collect(),
        matrix: &flow.matrix,
        outside: &flow.outside,
        layers: (flow.layers.iter().copied())
            .zip(flow.by_layer.iter().map(Vec::as_slice))
            .collect(),
        bytes: Vec::new(),
    }
}

/// The name of a section as it is shown.
fn named(name: &str) -> String {
    match name.trim() {
        "" => "(before the first heading)".to_owned(),
        own => own.to_owned(),
    }
}

impl View for FlowView {
    fn ui(&mut self, ui: &mut Ui, state: &State, commands: &mut Vec<Command>) {
        if state.model.info().is_none() || state.on_view.is_none() {
            let text = "How much of what a section looks at lies in each of the others.";
            controls::empty(ui, "Nothing to look at", text, None, commands);
            return;
        }
        let palette = theme::palette(ui);
        ui.horizontal_wrapped(|ui| {
            for (all, text) in [(false, "This note"), (true, "All notes")] {
                if ui
                    .selectable_label(state.flow_of_all == all, text)
                    .clicked()
                {
                    commands.push(Command::FlowOf(all));
                    self.pair = None;
                }
            }
            ui.add_space(8.0);
            for (ribbons, text) in [(false, "Matrix"), (true, "Ribbons")] {
                if ui.selectable_label(self.ribbons == ribbons, text).clicked() {
                    self.ribbons = ribbons;
                }
            }
        });
        let results = state.results();
        let own = results.map(|own| &own.flow);
        let failure = match state.flow_of_all {
            true => state.mean_flow.failure.as_ref(),
            false => own.and_then(|own| own.failure.as_ref()),
        };
        if let Some(failure) = failure {
            ui.label(RichText::new(failure).color(palette.bad));
        }
        let (action, name, busy) = match state.flow_of_all {
            true => (
                Action::FlowOfAll,
                "Look at all notes",
                state.jobs.is_running(|own| *own == Purpose::MeanFlow),
            ),
            false => (
                Action::Flow,
                "Look at sections",
                state.jobs.is_running(|own| matches!(own, Purpose::Flow(_))),
            ),
        };
        let (note, mean) = (
            own.and_then(|own| own.value.as_ref()),
            state.mean_flow.value.as_ref(),
        );
        let (drawn, about) = match (state.flow_of_all, note, mean) {
            (false, Some(flow), _) => {
                let windows = match flow.coverage.windows {
                    1 => String::new(),
                    windows => format!(", no further than one of {windows} windows"),
                };
                let about = format!(
                    "mean of {}, {}{windows}",
                    crate::engine::counted(flow.layers.len(), "layer"),
                    crate::engine::counted(flow.heads.len(), "head"),
                );
                (of_note(flow), about)
            }
            (true, _, Some(flow)) => {
                let ended = match flow.complete {
                    true => "",
                    false => ", stopped before the last",
                };
                let windows = match flow.in_windows {
                    0 => String::new(),
                    own => format!(", {own} of them no further than a window"),
                };
                let others = match flow.others {
                    0 => String::new(),
                    others => format!(
                        ", {} that few have left out",
                        crate::engine::counted(others, "section")
                    ),
                };
                let about = format!(
                    "mean of {}, {} and {}{windows}, {} without sections{others}{ended}",
                    crate::engine::counted(flow.notes, "note"),
                    crate::engine::counted(flow.layers.len(), "layer"),
                    crate::engine::counted(flow.heads.len(), "head"),
                    flow.left_out
                );
                (of_all(flow), about)
            }
            _ if busy => {
                controls::empty(
                    ui,
                    "Looking…",
                    "See Activity for how far it is.",
                    None,
                    commands,
                );
                return;
            }
            (all, ..) => {
                let text = match all {
                    true => "How sections of the same name look at each other, in the mean.",
                    false => "How much of what a section looks at lies in each of the others.",
                };
                let action = Some((name, Command::Do(action)));
                controls::empty(ui, "Section by section", text, action, commands);
                return;
            }
        };
        ui.horizontal_wrapped(|ui| {
            controls::action_button(ui, "Look again", action, state, commands);
            if busy {
                ui.spinner();
            }
            parts::soft(ui, about);
        });
        ScrollArea::both().auto_shrink(false).show(ui, |ui| {
            match self.ribbons {
                true => self.ribbons(ui, &drawn),
                false => self.matrix(ui, &drawn, commands),
            }
            self.read_out(ui, &drawn);
        });
    }

    fn numbers(&self, state: &State) -> Option<String> {
        let drawn = match state.flow_of_all {
            true => of_all(state.mean_flow.value.as_ref()?),
            false => of_note(state.results()?.flow.value.as_ref()?),
        };
        let mut out = String::from("looks \\ is looked at");
        drawn.names.iter().for_each(|own| {
            let _ = write!(out, "\t{own}");
        });
        out.push_str("\tno section\n");
        for (from, name) in drawn.names.iter().enumerate() {
            out.push_str(name);
            for to in 0..drawn.names.len() {
                let _ = write!(out, "\t{}", drawn.value([from, to]));
            }
            let _ = writeln!(out, "\t{}", drawn.outside[from]);
        }
        Some(out)
    }

    fn help(&self) -> &'static str {
        "Each row is a section that looks: how much of what its tokens look at lies in each section, with \
         the layers and heads of the lens. A row and what goes to no section make 1. Point at a value to \
         read it, layer by layer; click it to go to the section that looks. Ribbons show the same: left \
         looks at right, thick is much. In a note that is read in windows a word looks at nothing \
         outside of its window, so sections far apart have 0."
    }
}

impl FlowView {
    /// The pair in numbers, layer by layer.
    fn read_out(&self, ui: &mut Ui, drawn: &Drawn<'_>) {
        let palette = theme::palette(ui);
        ui.add_space(6.0);
        let count = drawn.names.len();
        let Some(pair) = self.pair.filter(|own| own.iter().all(|own| *own < count)) else {
            parts::soft(ui, "Point at a value to read it");
            return;
        };
        ui.label(RichText::new(words(drawn, pair)).font(theme::strong(13.0)));
        let at = pair[0] * count + pair[1];
        let values: Vec<(usize, f32)> = drawn
            .layers
            .iter()
            .map(|(layer, own)| (*layer, own.get(at).copied().unwrap_or(0.0)))
            .collect();
        let most = values.iter().map(|own| own.1).fold(1e-9, f32::max);
        for (layer, value) in values {
            let (name, said) = (
                format!("Layer {}", layer + 1),
                format!("{:.1} %", 100.0 * value),
            );
            let bar = parts::bar(ui, value / most, &name, &said, palette.heat);
            bar.widget_info(|| WidgetInfo::labeled(Role::Label, true, format!("{name}, {said}")));
        }
    }
}

fn words(drawn: &Drawn<'_>, pair: [usize; 2]) -> String {
    let [from, to] = pair.map(|own| drawn.names[own].as_str());
    let value = 100.0 * drawn.value(pair);
    format!("{from} looks at {to}: {value:.1} %")
}

/// A text in one line that ends where the area does.
fn label(ui: &Ui, area: Rect, text: &str, colour: Color32) {
    let font = egui::FontId::proportional(12.0);
    let mut job = egui::text::LayoutJob::simple_singleline(text.to_owned(), font, colour);
    job.wrap = egui::text::TextWrapping::truncate_at_width(area.width());
    let galley = ui.painter().layout_job(job);
    let y = area.center().y - galley.size().y / 2.0;
    ui.painter().galley(pos2(area.min.x, y), galley, colour);
}
