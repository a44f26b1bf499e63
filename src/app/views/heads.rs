//! All heads at a glance: a small picture of each, in order or by what they do.

use std::collections::HashMap;
use std::fmt::Write;
use std::sync::Arc;

use eframe::egui::{
    self, Color32, ColorImage, ImageData, Rect, Response, RichText, Role, ScrollArea, Sense,
    Stroke, StrokeKind, TextureHandle, TextureOptions, Ui, WidgetInfo, vec2,
};

use super::View;
use crate::app::command::{Action, Command};
use crate::app::controls;
use crate::app::figure::Pictures;
use crate::app::jobs::Purpose;
use crate::app::results::Heads;
use crate::app::state::State;
use crate::app::theme::{self, Palette};
use crate::app::widgets::parts;
use crate::app::widgets::same::Of;
use crate::engine::{HeadChoice, HeadOverview, LayerChoice, LayerOverview};

/// The panel.
#[derive(Default)]
pub struct HeadsView {
    pictures: HashMap<(usize, usize), (TextureHandle, Arc<ColorImage>)>,
    /// For which result and which colours the pictures are.
    of: (Of<LayerOverview>, Color32),
    order: Order,
}

/// How heads are put in order.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Order {
    #[default]
    Number,
    Entropy,
    Distance,
    Sinks,
    Chosen,
}

impl Order {
    const ALL: [Self; 5] = [
        Self::Number,
        Self::Entropy,
        Self::Distance,
        Self::Sinks,
        Self::Chosen,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Number => "Layer and head",
            Self::Entropy => "Entropy",
            Self::Distance => "Distance",
            Self::Sinks => "Share on sinks",
            Self::Chosen => "Share on the selection",
        }
    }

    fn value(self, head: &HeadOverview) -> f32 {
        match self {
            Self::Number => 0.0,
            Self::Entropy => head.entropy,
            Self::Distance => head.distance,
            Self::Sinks => head.sinks,
            Self::Chosen => head.chosen,
        }
    }

    fn words(self, head: &HeadOverview) -> String {
        match self {
            Self::Number => String::new(),
            Self::Entropy => format!("{:.2} nats", head.entropy),
            Self::Distance => format!("{:.0} tokens", head.distance),
            Self::Sinks => format!("{:.0} %", 100.0 * head.sinks),
            Self::Chosen => format!("{:.1} %", 100.0 * head.chosen),
        }
    }
}

/// Side of a picture at least and at most, in points.
const SIDE: (f32, f32) = (34.0, 86.0);

/// Space between pictures.
const SPACE: f32 = 5.0;

impl View for HeadsView {
    fn ui(&mut self, ui: &mut Ui, state: &State, commands: &mut Vec<Command>) {
        let results = state.results();
        let found = results.and_then(|own| own.heads.value.clone());
        let Some(model) = state.model.info().filter(|_| state.on_view.is_some()) else {
            let text = "A small picture of every head of the model.";
            controls::empty(ui, "Nothing to look at", text, None, commands);
            return;
        };
        let palette = theme::palette(ui);
        if let Some(failure) = results.and_then(|own| own.heads.failure.as_ref()) {
            ui.colored_label(palette.bad, failure);
        }
        let Some(found) = found else {
            let text = "A small picture of every head: where each token looks, or, where a layer has a \
                        window, how far to the left and right.";
            let action = ("Look at all heads", Command::Do(Action::AllHeads));
            controls::empty(ui, "All heads", text, Some(action), commands);
            return;
        };
        ui.horizontal_wrapped(|ui| {
            let chosen = self.order;
            let order = egui::ComboBox::from_id_salt("order of heads")
                .selected_text(chosen.name())
                .show_ui(ui, |ui| {
                    for own in Order::ALL {
                        ui.selectable_value(&mut self.order, own, own.name());
                    }
                });
            parts::name(&order.response, "Order of heads");
            controls::action_button(ui, "Look again", Action::AllHeads, state, commands);
            let busy = (state.jobs).is_running(|own| matches!(own, Purpose::Overview(..)));
            if busy {
                let done = found.layers.len();
                parts::soft(ui, format!("{done} of {} layers", model.layers));
            }
        });
        let rows = found.layers.first().map_or(0, |own| own.rows.len());
        let said = format!(
            "Exact rows of {rows} tokens, evenly spread; a point is the largest value in it."
        );
        parts::soft(ui, said);
        // The pictures of layers that come later are made when they are there.
        let another = self.of.0.changes(found.layers.first());
        if another || self.of.1 != palette.surface {
            self.of.1 = palette.surface;
            self.pictures.clear();
        }
        ScrollArea::vertical()
            .auto_shrink(false)
            .show(ui, |ui| match self.order {
                Order::Number => self.by_number(ui, state, &found, commands),
                _ => self.in_order(ui, state, &found, commands),
            });
    }

    fn numbers(&self, state: &State) -> Option<String> {
        let found = state.results()?.heads.value.as_ref()?;
        let mut out = String::from("layer\thead\tkind\tentropy\tdistance\tsinks\tchosen\n");
        for layer in &found.layers {
            let kind = if layer.reach.is_some() {
                "local"
            } else {
                "global"
            };
            for (number, own) in layer.heads.iter().enumerate() {
                let _ = writeln!(
                    out,
                    "{}\t{}\t{kind}\t{}\t{}\t{}\t{}",
                    layer.layer + 1,
                    number + 1,
                    own.entropy,
                    own.distance,
                    own.sinks,
                    own.chosen
                );
            }
        }
        Some(out)
    }

    fn pictures(&self) -> Pictures {
        let own = self.pictures.values();
        own.map(|(texture, image)| (texture.id(), Arc::clone(image)))
            .collect()
    }

    fn help(&self) -> &'static str {
        "A small picture of every head. Of a global layer each row is a token and each column what it looks \
         at; of a local layer the columns are distances, so that its band is straight. Click one to look \
         through it."
    }
}

impl HeadsView {
    fn by_number(
        &mut self,
        ui: &mut Ui,
        state: &State,
        found: &Heads,
        commands: &mut Vec<Command>,
    ) {
        let heads = found.layers.first().map_or(1, |own| own.heads.len()).max(1);
        let side = (ui.available_width() - 4.0) / heads as f32 - SPACE;
        let side = side.clamp(SIDE.0, SIDE.1);
        ui.spacing_mut().item_spacing = vec2(SPACE, SPACE);
        for layer in &found.layers {
            title(ui, layer);
            ui.horizontal_wrapped(|ui| {
                for head in 0..layer.heads.len() {
                    self.picture(ui, state, layer, head, side, commands);
                }
            });
        }
    }

    fn in_order(&mut self, ui: &mut Ui, state: &State, found: &Heads, commands: &mut Vec<Command>) {
        let mut all: Vec<(&Arc<LayerOverview>, usize)> = (found.layers.iter())
            .flat_map(|layer| (0..layer.heads.len()).map(move |head| (layer, head)))
            .collect();
        let value =
            |(layer, head): &(&Arc<LayerOverview>, usize)| self.order.value(&layer.heads[*head]);
        all.sort_by(|a, b| value(b).total_cmp(&value(a)));
        let nothing = found.chosen.is_empty() && self.order == Order::Chosen;
        let side = 64.0;
        ui.spacing_mut().item_spacing = vec2(SPACE + 3.0, SPACE + 3.0);
        let order = self.order;
        ui.horizontal_wrapped(|ui| {
            for (layer, head) in all {
                ui.vertical(|ui| {
                    ui.spacing_mut().item_spacing.y = 1.0;
                    self.picture(ui, state, layer, head, side, commands);
                    parts::soft(ui, format!("{}·{}", layer.layer + 1, head + 1));
                    match nothing {
                        true => parts::soft(ui, "—"),
                        false => parts::soft(ui, order.words(&layer.heads[head])),
                    };
                });
            }
        });
    }

    fn picture(
        &mut self,
        ui: &mut Ui,
        state: &State,
        layer: &LayerOverview,
        head: usize,
        side: f32,
        commands: &mut Vec<Command>,
    ) {
        let palette = theme::palette(ui);
        let (texture, _) = self.pictures.entry((layer.layer, head)).or_insert_with(|| {
            let image = Arc::new(image(layer, &layer.heads[head], &palette));
            let name = format!("head {} {head}", layer.layer);
            let pixels = ImageData::Color(Arc::clone(&image));
            let texture = ui.ctx().load_texture(name, pixels, TextureOptions::LINEAR);
            (texture, image)
        });
        let (rect, response) = ui.allocate_exact_size(vec2(side, side), Sense::click());
        let whole = Rect::from_min_max(egui::pos2(0.0, 0.0), egui::pos2(1.0, 1.0));
        ui.painter()
            .image(texture.id(), rect, whole, Color32::WHITE);
        let chosen = state.lens.layers == LayerChoice::Only(vec![layer.layer])
            && state.lens.heads == HeadChoice::Only(vec![head]);
        let stroke = match (chosen, response.hovered() || response.has_focus()) {
            (true, _) => Stroke::new(2.5, palette.accent),
            (false, true) => Stroke::new(1.5, palette.ink),
            (false, false) => Stroke::new(1.0, palette.line),
        };
        ui.painter()
            .rect_stroke(rect, 3.0, stroke, StrokeKind::Inside);
        let response = described(response, layer, head);
        if response.clicked() {
            commands.push(Command::Head(layer.layer, head));
        }
    }
}

fn described(response: Response, layer: &LayerOverview, head: usize) -> Response {
    let own = &layer.heads[head];
    let kind = if layer.reach.is_some() {
        "local"
    } else {
        "global"
    };
    let said = format!("Layer {}, head {}, {kind}", layer.layer + 1, head + 1);
    let figures = format!(
        "entropy {:.2} nats · distance {:.0} tokens · sinks {:.0} % · selection {:.1} %",
        own.entropy,
        own.distance,
        100.0 * own.sinks,
        100.0 * own.chosen
    );
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, format!("{said}: {figures}")));
    response.on_hover_ui(|ui| {
        ui.label(RichText::new(said).font(theme::strong(13.0)));
        parts::soft(ui, figures);
    })
}

fn title(ui: &mut Ui, layer: &LayerOverview) {
    let palette = theme::palette(ui);
    ui.horizontal(|ui| {
        let name = format!("Layer {}", layer.layer + 1);
        ui.label(RichText::new(name).small().font(theme::strong(12.0)));
        let kind = match layer.reach {
            Some(reach) => format!("Local, {reach} tokens on either side"),
            None => "Global".to_owned(),
        };
        ui.label(RichText::new(kind).small().color(palette.soft));
    });
}

/// The picture of a head in the colours of heat. The square root lifts small values, which otherwise
/// could not be told from none.
fn image(layer: &LayerOverview, head: &HeadOverview, palette: &Palette) -> ColorImage {
    let most = head.picture.iter().copied().fold(0.0, f32::max).max(1e-9);
    let points = head.picture.iter();
    let points = points.map(|value| theme::heat(palette, (value / most).sqrt()));
    ColorImage::new([layer.columns, layer.rows.len()], points.collect())
}
