//! What the parts of a checked description hold, and what they share.

use std::collections::BTreeMap;
use std::sync::Arc;

use eframe::egui::{Grid, RichText, Ui};

use super::{GRID, wide};
use crate::app::theme;
use crate::app::train::Checked;
use crate::app::widgets::parts::{self, thousands};
use crate::app::widgets::same::Of;
use crate::engine::{DataPart, DataReport, PartReport, Shared, counted};

/// Labels that are counted on the page; the others are said.
const LABELS: usize = 30;

/// Letters of a label that are shown.
const LETTERS: usize = 32;

/// Notes that parts share that are named.
const LEAKS: usize = 5;

/// Counts of the description that was checked last.
#[derive(Default)]
pub struct Counts {
    of: Of<Checked>,
    found: Found,
}

#[derive(Default)]
struct Found {
    labels: Vec<(String, Vec<usize>)>,
    /// How many notes are shared in the same way, between which parts.
    kinds: BTreeMap<(Shared, DataPart, DataPart), usize>,
    unlearned: String,
}

impl Counts {
    /// Draws them.
    pub fn ui(&mut self, ui: &mut Ui, checked: &Arc<Checked>) {
        let report = &checked.start.data;
        if self.of.changes(Some(checked)) {
            let mut kinds = BTreeMap::new();
            for own in &report.leaks {
                *kinds
                    .entry((own.shared, own.part, own.other_part))
                    .or_default() += 1;
            }
            self.found = Found {
                labels: of_parts(&with_notes(report)),
                kinds,
                unlearned: format!("! Never learned from: {}", report.unlearned.join(", ")),
            };
        }
        draw(ui, report, &self.found);
    }
}

fn with_notes(report: &DataReport) -> Vec<&PartReport> {
    report.parts.iter().filter(|own| own.notes > 0).collect()
}

/// What the parts hold, and what they share.
fn draw(ui: &mut Ui, report: &DataReport, found: &Found) {
    let palette = theme::palette(ui);
    ui.add_space(4.0);
    let parts = with_notes(report);
    let labels = &found.labels;
    wide(ui, "counts", |ui| {
        Grid::new("counts")
            .num_columns(1 + parts.len())
            .striped(true)
            .spacing(GRID)
            .show(ui, |ui| {
                ui.label("");
                for own in &parts {
                    ui.label(RichText::new(part(own.part)).font(theme::strong(12.0)));
                }
                ui.end_row();
                ui.label("Notes");
                for own in &parts {
                    ui.label(thousands(own.notes));
                }
                ui.end_row();
                if parts.iter().any(|own| own.patients > 0) {
                    ui.label("Patients");
                    for own in &parts {
                        ui.label(thousands(own.patients));
                    }
                    ui.end_row();
                }
                for (label, counts) in labels.iter().take(LABELS) {
                    let short: String = label.chars().take(LETTERS).collect();
                    let cut = short.len() < label.len();
                    let drawn = ui.label(if cut { format!("{short}…") } else { short });
                    if cut {
                        drawn.on_hover_text(label);
                    }
                    for count in counts {
                        ui.label(thousands(*count));
                    }
                    ui.end_row();
                }
            });
    });
    if let Some(more) = labels.len().checked_sub(LABELS + 1) {
        parts::soft(ui, format!("and {} more", counted(more + 1, "label")));
    }
    match (&report.group, report.ungrouped) {
        (Some(group), 0) => {
            parts::soft(ui, format!("Kept together by {group}."));
        }
        (Some(group), without) => {
            let notes = counted(without, "note");
            parts::soft(ui, format!("Kept together by {group}; {notes} without it."));
        }
        (None, _) => {}
    }
    if found.kinds.is_empty() && parts.len() > 1 {
        let said = "✓ The parts share no text, no nearly same text, no group and no row.";
        ui.label(RichText::new(said).small().color(palette.good));
    }
    for ((shared, own, other), count) in &found.kinds {
        let said = format!(
            "! {} of {}: {} as one of {}",
            counted(*count, "note"),
            part(*own).to_lowercase(),
            shared.sentence(),
            part(*other).to_lowercase()
        );
        ui.label(RichText::new(said).color(palette.warn));
    }
    for own in report.leaks.iter().take(LEAKS) {
        parts::soft(ui, format!("{} and {}", own.note, own.other));
    }
    for own in &report.empty {
        let said = format!("! No note came to {}.", part(*own).to_lowercase());
        ui.label(RichText::new(said).color(palette.warn));
    }
    if !report.unlearned.is_empty() {
        ui.label(RichText::new(&found.unlearned).color(palette.warn));
    }
}

fn part(own: DataPart) -> &'static str {
    match own {
        DataPart::Train => "Learned",
        DataPart::Validation => "Validation",
        DataPart::Test => "Test",
    }
}

/// Labels, or kinds of spans, with their count in each part; the most frequent first.
fn of_parts(parts: &[&PartReport]) -> Vec<(String, Vec<usize>)> {
    let mut all: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (number, own) in parts.iter().enumerate() {
        let labels = own.labels.iter().map(|own| (&*own.label, own.notes));
        let spans = own.spans.iter().map(|own| (&*own.label, own.spans));
        for (label, count) in labels.chain(spans) {
            all.entry(label).or_insert_with(|| vec![0; parts.len()])[number] = count;
        }
    }
    let mut all: Vec<(String, Vec<usize>)> = (all.into_iter())
        .map(|(label, counts)| (label.to_owned(), counts))
        .collect();
    all.sort_by_key(|(_, counts)| std::cmp::Reverse(counts.iter().sum::<usize>()));
    all
}
