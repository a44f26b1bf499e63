//! Which layers and heads the lens takes, which way it looks, and over what.

use eframe::egui::{self, RichText, ScrollArea, Ui};

use super::View;
use crate::app::command::{Action, Command};
use crate::app::controls;
use crate::app::lens::{Lens, toggled};
use crate::app::state::State;
use crate::app::theme;
use crate::app::widgets::parts;
use crate::engine::{Direction, HeadChoice, LayerChoice, ModelInfo, Reduction, Unit};

/// The panel.
#[derive(Default)]
pub struct LensView;

impl View for LensView {
    fn ui(&mut self, ui: &mut Ui, state: &State, commands: &mut Vec<Command>) {
        let Some(model) = state.model.info() else {
            let text = "Which layers and heads of a model are looked at.";
            let action = ("Choose a model…", Command::Do(Action::OpenModel));
            controls::empty(ui, "No model", text, Some(action), commands);
            return;
        };
        let before = &state.lens;
        let mut lens = before.clone();
        ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
            parts::heading(ui, "Which way");
            ui.horizontal_wrapped(|ui| {
                for (direction, text) in [
                    (Direction::LooksAt, "Looks at"),
                    (Direction::LookedAtBy, "Is looked at by"),
                ] {
                    let chosen = lens.direction == direction;
                    let button = ui.selectable_label(chosen, text);
                    if controls::hint(button, Action::Turn, state).clicked() {
                        lens.direction = direction;
                    }
                }
            });
            ui.add_space(6.0);
            parts::heading(ui, "Over");
            ui.horizontal_wrapped(|ui| {
                for (unit, text) in [
                    (Unit::Token, "Tokens"),
                    (Unit::Word, "Words"),
                    (Unit::Sentence, "Sentences"),
                    (Unit::Section, "Sections"),
                ] {
                    if ui.selectable_label(lens.unit == unit, text).clicked() {
                        lens.unit = unit;
                    }
                }
            });
            let sinks = ui.checkbox(&mut lens.hide_sinks, "Hide sinks");
            let sinks = controls::hint(sinks, Action::Sinks, state);
            sinks.on_hover_text(
                "Tokens without a letter or digit, [CLS] and [SEP] among them: many heads rest there. How \
                 much is hidden is always said.",
            );
            ui.add_space(6.0);
            let rollout = ui.checkbox(&mut lens.rollout, "Rollout through all layers");
            rollout.on_hover_text(
                "Multiplies the attention of all layers, each with the residual beside it (Abnar and \
                 Zuidema 2020). It takes time for a long note.",
            );
            ui.add_enabled_ui(!lens.rollout, |ui| numbers(ui, model, &mut lens));
        });
        if lens != *before {
            commands.push(Command::Lens(Box::new(lens)));
        }
    }

    fn help(&self) -> &'static str {
        "Which layers and heads the lens looks through, and how. L and H go to the next layer and head, \
         with Shift to the one before; G takes the global layers, T turns the lens, S hides sinks. With \
         Ctrl a click adds to what is chosen."
    }
}

/// Layers and heads by their numbers.
fn numbers(ui: &mut Ui, model: &ModelInfo, lens: &mut Lens) {
    ui.add_space(6.0);
    parts::heading(ui, "Layers");
    ui.horizontal_wrapped(|ui| {
        for (choice, text) in [
            (LayerChoice::All, "All"),
            (LayerChoice::Global, "Global"),
            (LayerChoice::Local, "Local"),
        ] {
            let there = match choice {
                LayerChoice::Local => model.global_layers < model.layers,
                LayerChoice::Global => model.global_layers > 0,
                _ => true,
            };
            let button = egui::Button::selectable(lens.layers == choice, text);
            if ui.add_enabled(there, button).clicked() {
                lens.layers = choice;
            }
        }
    });
    let of_layer = |layer: usize, lens: &Lens| match &lens.layers {
        LayerChoice::All => true,
        LayerChoice::Global => !model.local[layer],
        LayerChoice::Local => model.local[layer],
        LayerChoice::Only(own) => own.contains(&layer),
    };
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing = egui::vec2(4.0, 4.0);
        for layer in 0..model.layers {
            let local = model.local[layer];
            let kind = if local { "local" } else { "global" };
            let text = match local {
                true => RichText::new(format!("{}", layer + 1)),
                false => RichText::new(format!("{}•", layer + 1)).font(theme::strong(13.0)),
            };
            let chosen = of_layer(layer, lens);
            let button = ui.add(egui::Button::selectable(chosen, text));
            let said = format!("Layer {}, {kind}", layer + 1);
            parts::name(&button, &said);
            let button = button.on_hover_text(format!("{said}. With Ctrl: beside the others."));
            if button.clicked() {
                lens.layers = LayerChoice::Only(match (&lens.layers, beside(ui)) {
                    (LayerChoice::Only(own), true) => toggled(own, layer),
                    _ => vec![layer],
                });
            }
        }
    });
    parts::soft(
        ui,
        "• global: every token sees the whole text. The others see a window.",
    );
    ui.add_space(6.0);
    parts::heading(ui, "Heads");
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing = egui::vec2(4.0, 4.0);
        if ui
            .selectable_label(lens.heads == HeadChoice::All, "All")
            .clicked()
        {
            lens.heads = HeadChoice::All;
        }
        for head in 0..model.heads {
            let chosen = match &lens.heads {
                HeadChoice::All => true,
                HeadChoice::Only(own) => own.contains(&head),
            };
            let button = ui.selectable_label(chosen, (head + 1).to_string());
            parts::name(&button, &format!("Head {}", head + 1));
            if button.clicked() {
                lens.heads = HeadChoice::Only(match (&lens.heads, beside(ui)) {
                    (HeadChoice::Only(own), true) => toggled(own, head),
                    _ => vec![head],
                });
            }
        }
    });
    ui.add_space(6.0);
    parts::heading(ui, "Several become one by");
    ui.horizontal_wrapped(|ui| {
        for (reduction, text) in [
            (Reduction::Mean, "Their mean"),
            (Reduction::Max, "The largest"),
        ] {
            if ui
                .selectable_label(lens.reduction == reduction, text)
                .clicked()
            {
                lens.reduction = reduction;
            }
        }
    });
}

/// Whether a click adds to what is chosen.
fn beside(ui: &Ui) -> bool {
    ui.input(|input| input.modifiers.command)
}
