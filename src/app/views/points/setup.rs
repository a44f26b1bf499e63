//! What the map of points is made of, and what its colours stand for.

use eframe::egui::{self, ScrollArea, Ui};

use super::super::View;
use super::legend::legend;
use super::reading;
use crate::app::command::{Action, Command};
use crate::app::controls;
use crate::app::moving::one_line;
use crate::app::points::classes::{ColourBy, kinds};
use crate::app::points::command::PointsCommand;
use crate::app::points::{CODES, Wanted, unit_name};
use crate::app::state::State;
use crate::app::widgets::parts::{self, name, thousands};
use crate::engine::{CODE_COUNT, PointUnit, Pooling};

/// The panel.
#[derive(Default)]
pub struct Setup;

impl View for Setup {
    fn ui(&mut self, ui: &mut Ui, state: &State, commands: &mut Vec<Command>) {
        ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
            ui.spacing_mut().item_spacing.y = 4.0;
            wanted(ui, state, commands);
            if state.points.map.value.is_some() {
                ui.add_space(8.0);
                ui.separator();
                legend(ui, state, commands);
            }
        });
    }

    fn numbers(&self, state: &State) -> Option<String> {
        let classes = &state.points.classes;
        let mut table = "class\tpoints\n".to_owned();
        for (class, count) in &classes.names {
            table += &format!("{}\t{count}\n", one_line(class));
        }
        (!classes.names.is_empty()).then_some(table)
    }

    fn help(&self) -> &'static str {
        "Choose what becomes a point and draw it. Vectors of parts are made of the hidden states of their \
         tokens, read with the whole note around them; with “First token” each part is read by itself. \
         The ten most frequent classes get colours and shapes; click one in the legend to hide it, or choose its points at the right."
    }
}

fn wanted(ui: &mut Ui, state: &State, commands: &mut Vec<Command>) {
    let before = &state.points.wanted;
    let mut own = before.clone();
    parts::heading(ui, "Points are");
    let chooser = egui::ComboBox::from_id_salt("unit of points")
        .width(ui.available_width() - 8.0)
        .truncate()
        .selected_text(unit_name(own.unit).1)
        .show_ui(ui, |ui| {
            for unit in PointUnit::ALL {
                ui.selectable_value(&mut own.unit, unit, unit_name(unit).1);
            }
        });
    name(&chooser.response, "What is a point");
    ui.add_space(4.0);
    match own.unit {
        PointUnit::Code => {
            parts::heading(ui, "How many");
            for most in CODES {
                let (text, said) = match most {
                    usize::MAX => (
                        format!("All {}", thousands(CODE_COUNT)),
                        "Takes long without a graphics card",
                    ),
                    most => (
                        format!("{}, spread evenly", thousands(most)),
                        "As many of each chapter, drawn by the seed",
                    ),
                };
                ui.radio_value(&mut own.codes, most, text)
                    .on_hover_text(said);
            }
        }
        _ => {
            parts::heading(ui, "Of");
            let all = state.library.entries().len();
            for (all_notes, text) in [
                (true, format!("All {} notes", thousands(all))),
                (false, "The note on view".to_owned()),
            ] {
                ui.radio_value(&mut own.all_notes, all_notes, text);
            }
            ui.add_space(4.0);
            sample(ui, state, &mut own);
        }
    }
    ui.add_space(4.0);
    parts::heading(ui, "Tokens become one vector by");
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing.x = 2.0;
        ui.spacing_mut().button_padding.x = 6.0;
        for (pooling, text, said) in [
            (Pooling::Mean, "Mean", "The mean of their hidden states"),
            (
                Pooling::Cls,
                "First token",
                "The first token of the text; each part is read by itself",
            ),
            (
                Pooling::Max,
                "Largest",
                "The largest value of each dimension",
            ),
        ] {
            let button = ui.selectable_label(own.pooling == pooling, text);
            if button.on_hover_text(said).clicked() {
                own.pooling = pooling;
            }
        }
    });
    ui.add_space(4.0);
    ui.horizontal(|ui| {
        let label = parts::soft(ui, "Seed");
        let field = ui.add(egui::DragValue::new(&mut own.seed).speed(0.05));
        let said = "The same seed gives the same picture; another one shows what is left to chance";
        field.labelled_by(label.id).on_hover_text(said);
    });
    if own != *before {
        commands.push(Command::Points(PointsCommand::Want(own.clone())));
    }
    ui.add_space(6.0);
    button(ui, state, &own, commands);
}

/// Whether all points are drawn, or which.
fn sample(ui: &mut Ui, state: &State, own: &mut Wanted) {
    parts::heading(ui, "How many");
    let (_, what) = unit_name(own.unit);
    let what = what.to_lowercase();
    let mut some = own.sample.clone().unwrap_or_default();
    let mut is_sample = own.sample.is_some();
    ui.radio_value(&mut is_sample, false, format!("All {what}"));
    ui.horizontal(|ui| {
        ui.radio_value(&mut is_sample, true, "A sample of")
            .on_hover_text("All notes are read, and the seed decides which parts are drawn");
        if is_sample {
            let field = egui::DragValue::new(&mut some.most).range(2..=usize::MAX);
            let field = ui.add(
                field
                    .speed(20.0)
                    .custom_formatter(|own, _| thousands(own as usize)),
            );
            name(&field, "Points of the sample");
        }
    });
    if is_sample {
        let said = |own: &ColourBy, unit| match own {
            ColourBy::Nothing => "By chance".to_owned(),
            own => format!("As many of each {}", own.in_words(unit)),
        };
        let chooser = egui::ComboBox::from_id_salt("sample of points")
            .width(ui.available_width() - 8.0)
            .truncate()
            .selected_text(said(&some.of_each, own.unit))
            .show_ui(ui, |ui| {
                for of_each in kinds(own.unit, &state.library) {
                    let text = said(&of_each, own.unit);
                    ui.selectable_value(&mut some.of_each, of_each, text);
                }
            });
        name(&chooser.response, "How the sample is taken");
    }
    own.sample = is_sample.then_some(some);
}

/// The button that draws, and what it would change.
fn button(ui: &mut Ui, state: &State, own: &Wanted, commands: &mut Vec<Command>) {
    let map = state.points.map.value.as_ref();
    if let Some(own) = reading(state) {
        ui.horizontal(|ui| {
            ui.spinner();
            parts::soft(ui, own.words());
            let stop = ui.small_button("Stop");
            parts::name(&stop, "Stop reading points");
            if stop.clicked() {
                commands.push(Command::Stop(own.ticket));
            }
        });
        return;
    }
    let drawn = map.is_some_and(|own_map| own_map.of == *own);
    if drawn {
        controls::action_button(ui, "Draw again", Action::DrawPoints, state, commands);
        return;
    }
    let button = ui.add(parts::primary(ui, "Draw the points"));
    if controls::hint(button, Action::DrawPoints, state).clicked() {
        commands.push(Command::Do(Action::DrawPoints));
    }
    if let Some(map) = map {
        let (_, what) = unit_name(map.of.unit);
        parts::soft(
            ui,
            format!("{what} are drawn, as they were asked for before."),
        );
    }
}
