//! How the sections of a note, or of all notes, look at each other: as a matrix, and as ribbons.

use std::fmt::Write;

use eframe::egui::{
    self, Color32, Key, Mesh, Modifiers, Pos2, Rect, Response, RichText, Role, ScrollArea, Sense,
    Shape, Stroke, StrokeKind, Ui, WidgetInfo, pos2, vec2,
};

use super::View;
use crate::app::command::{Action, Command};
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
        layers: Vec::new(),
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
    fn ui(&mut self, ui: &mut Ui, state: &mut State, commands: &mut Vec<Command>) {
        if state.model.info().is_none() || state.on_view.is_none() {
            let text = "How much of what a section looks at lies in each of the others.";
            parts::empty(ui, "Nothing to look at", text, None, commands);
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
                let others = match flow.others {
                    0 => String::new(),
                    others => format!(
                        ", {} that few have left out",
                        crate::engine::counted(others, "section")
                    ),
                };
                let about = format!(
                    "mean of {}, {} without sections{others}{ended}",
                    crate::engine::counted(flow.notes, "note"),
                    flow.left_out
                );
                (of_all(flow), about)
            }
            _ if busy => {
                parts::empty(
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
                parts::empty(ui, "Section by section", text, action, commands);
                return;
            }
        };
        ui.horizontal_wrapped(|ui| {
            parts::action_button(ui, "Look again", action, state, commands);
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

/// Height of a line, and the width of the names beside the matrix.
const LINE: f32 = 20.0;
const NAMES: f32 = 112.0;

impl FlowView {
    fn matrix(&mut self, ui: &mut Ui, drawn: &Drawn<'_>, commands: &mut Vec<Command>) {
        let palette = theme::palette(ui);
        let count = drawn.names.len();
        let room = ui.available_width() - NAMES - 8.0;
        let cell = (room / count.max(1) as f32).clamp(9.0, 34.0);
        let high = cell.clamp(LINE, 34.0);
        let most = drawn.most();
        let size = vec2(NAMES + cell * count as f32, LINE + high * count as f32);
        let (rect, response) = ui.allocate_exact_size(size, Sense::click());
        let painter = ui.painter().clone();
        let small = egui::FontId::proportional(11.0);
        let frame = Rect::from_min_max(rect.min + vec2(NAMES, LINE), rect.max);
        self.choose(ui, &response, frame, vec2(cell, high), count);
        let pair = self.pair.filter(|own| own.iter().all(|own| *own < count));
        let said = pair.map_or_else(String::new, |own| words(drawn, own));
        response.widget_info(|| {
            let mut info = WidgetInfo::labeled(Role::Button, true, "Sections by sections");
            info.current_text_value = Some(said.clone());
            info
        });
        if response.clicked()
            && let Some([from, _]) = pair
        {
            go(drawn, from, commands);
        }
        // Only what is in sight is drawn: a note may have thousands of sections.
        let clip = ui.clip_rect();
        let seen = |from: f32, least: f32, most: f32, step: f32| {
            let first = ((least - from) / step).max(0.0) as usize;
            let end = ((most - from) / step).max(0.0).ceil() as usize;
            first.min(count)..end.min(count)
        };
        let columns = seen(frame.min.x, clip.min.x, clip.max.x, cell);
        let rows = seen(frame.min.y, clip.min.y, clip.max.y, high);
        for number in columns.clone() {
            let x = frame.min.x + cell * (number as f32 + 0.5);
            if cell >= 13.0 || number % 5 == 4 {
                let at = pos2(x, rect.min.y + LINE / 2.0);
                let text = (number + 1).to_string();
                painter.text(
                    at,
                    egui::Align2::CENTER_CENTER,
                    text,
                    small.clone(),
                    palette.soft,
                );
            }
        }
        for from in rows {
            let y = frame.min.y + high * from as f32;
            let area = Rect::from_min_size(pos2(rect.min.x, y), vec2(NAMES - 6.0, high));
            label(
                ui,
                area,
                &format!("{} {}", from + 1, drawn.names[from]),
                palette.ink,
            );
            for to in columns.clone() {
                let at = pos2(frame.min.x + cell * to as f32, y);
                let area = Rect::from_min_size(at, vec2(cell, high)).shrink(0.5);
                let value = drawn.value([from, to]);
                painter.rect_filled(area, 1.0, theme::heat(&palette, (value / most).sqrt()));
                if pair == Some([from, to]) {
                    let ring = Stroke::new(1.5, palette.accent);
                    painter.rect_stroke(area, 1.0, ring, StrokeKind::Inside);
                }
            }
        }
        if response.has_focus() {
            let ring = Stroke::new(1.5, palette.accent);
            painter.rect_stroke(rect, 2.0, ring, StrokeKind::Outside);
        }
        painter.rect_stroke(
            frame,
            0.0,
            Stroke::new(1.0, palette.line),
            StrokeKind::Outside,
        );
        ui.horizontal(|ui| {
            parts::legend(ui, &format!("{most:.4}"), parts::Scale::Root);
            parts::soft(ui, "of what a row looks at");
        });
    }

    /// The pair under the pointer, or where the arrows went.
    fn choose(
        &mut self,
        ui: &Ui,
        response: &Response,
        frame: Rect,
        cell: egui::Vec2,
        count: usize,
    ) {
        let at = response.hover_pos().filter(|own| frame.contains(*own));
        if let Some(at) = at {
            let own = (at - frame.min) / cell;
            let last = count.saturating_sub(1);
            self.pair = Some([own.y as usize, own.x as usize].map(|own| own.min(last)));
        }
        if !response.has_focus() || count == 0 {
            return;
        }
        parts::take_arrows(ui, response.id);
        let [row, column] = self.pair.unwrap_or_default();
        let steps = [
            (Key::ArrowUp, [row.saturating_sub(1), column]),
            (Key::ArrowDown, [row + 1, column]),
            (Key::ArrowLeft, [row, column.saturating_sub(1)]),
            (Key::ArrowRight, [row, column + 1]),
        ];
        for (key, next) in steps {
            if ui.input_mut(|own| own.consume_key(Modifiers::NONE, key)) {
                self.pair = Some(next.map(|own| own.min(count - 1)));
            }
        }
    }

    /// Sections at the left look at sections at the right.
    fn ribbons(&mut self, ui: &mut Ui, drawn: &Drawn<'_>) {
        let palette = theme::palette(ui);
        let count = drawn.names.len();
        let width = ui.available_width().max(240.0);
        let high = 26.0;
        let size = vec2(width, high * count as f32 + 6.0);
        let (rect, _) = ui.allocate_exact_size(size, Sense::hover());
        let side = (width * 0.32).min(150.0);
        let (left, right) = (rect.min.x + side, rect.max.x - side);
        let top = |number: usize| rect.min.y + high * number as f32 + 3.0;
        let bar = high - 6.0;
        let mut arrived = vec![0.0f32; count];
        // Where much arrives the ribbons share the height.
        let sums: Vec<f32> = (0..count)
            .map(|to| (0..count).map(|from| drawn.value([from, to])).sum())
            .collect();
        let widest = sums.iter().copied().fold(1.0, f32::max);
        let hovered = ui.input(|own| own.pointer.hover_pos());
        let chosen = self.pair.map(|[from, _]| from);
        for from in 0..count {
            let mut left_y = top(from);
            for (to, sum) in arrived.iter_mut().enumerate() {
                let value = drawn.value([from, to]);
                let (thick, thin) = (value * bar, value / widest * bar);
                let right_y = top(to) + *sum / widest * bar;
                *sum += value;
                if value * bar >= 0.35 {
                    let strong = chosen.is_none_or(|own| own == from);
                    let colour = match strong {
                        true => theme::mix(palette.surface, palette.heat, 0.75),
                        false => theme::mix(palette.surface, palette.ink, 0.10),
                    };
                    let ends = [pos2(left, left_y), pos2(right, right_y)];
                    ui.painter()
                        .add(ribbon(ends, [thick, thin], colour.gamma_multiply(0.7)));
                }
                left_y += thick;
            }
        }
        for (number, name) in drawn.names.iter().enumerate() {
            let y = top(number);
            for (area, align) in [
                (
                    Rect::from_min_size(pos2(rect.min.x, y), vec2(side - 10.0, bar)),
                    "looks",
                ),
                (
                    Rect::from_min_size(pos2(right + 10.0, y), vec2(side - 10.0, bar)),
                    "seen",
                ),
            ] {
                label(ui, area, name, palette.ink);
                if align == "looks" {
                    let id = ui.scope_id().with(("ribbon", number));
                    let response = ui.interact(area, id, Sense::click());
                    let said = format!("{name} looks");
                    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, &said));
                    if focus(&response, hovered, area) {
                        let most = (0..count).max_by(|a, b| {
                            drawn
                                .value([number, *a])
                                .total_cmp(&drawn.value([number, *b]))
                        });
                        self.pair = most.map(|to| [number, to]);
                    }
                }
            }
            let edge = |x: f32| Rect::from_min_size(pos2(x - 2.0, y), vec2(4.0, bar));
            for x in [left - 2.0, right + 2.0] {
                ui.painter().rect_filled(edge(x), 1.0, palette.soft);
            }
        }
    }

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

fn focus(response: &Response, pointer: Option<Pos2>, area: Rect) -> bool {
    response.has_focus() || (response.hovered() && pointer.is_some_and(|own| area.contains(own)))
}

fn words(drawn: &Drawn<'_>, pair: [usize; 2]) -> String {
    let [from, to] = pair.map(|own| drawn.names[own].as_str());
    let value = 100.0 * drawn.value(pair);
    format!("{from} looks at {to}: {value:.1} %")
}

fn go(drawn: &Drawn<'_>, section: usize, commands: &mut Vec<Command>) {
    if let Some(bytes) = drawn.bytes.get(section) {
        commands.push(Command::Select(bytes.clone()));
    }
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

/// A band that bends from one upper end to the other, so thick at each.
fn ribbon([from, to]: [Pos2; 2], [thick, thin]: [f32; 2], colour: Color32) -> Shape {
    const STEPS: u32 = 24;
    let mut mesh = Mesh::default();
    for step in 0..=STEPS {
        let share = step as f32 / STEPS as f32;
        // Smoothstep: level at both ends.
        let bend = share * share * (3.0 - 2.0 * share);
        let x = egui::lerp(from.x..=to.x, share);
        let y = egui::lerp(from.y..=to.y, bend);
        let thickness = egui::lerp(thick..=thin, bend);
        mesh.colored_vertex(pos2(x, y), colour);
        mesh.colored_vertex(pos2(x, y + thickness), colour);
        if step > 0 {
            let last = 2 * step;
            mesh.add_triangle(last - 2, last - 1, last);
            mesh.add_triangle(last - 1, last, last + 1);
        }
    }
    Shape::mesh(mesh)
}
