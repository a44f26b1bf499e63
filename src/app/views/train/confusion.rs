//! Which classes are taken for which, with the notes of each pair.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::sync::Arc;

use eframe::egui::{ComboBox, RichText, ScrollArea, TextEdit, Ui};

use super::ask;
use super::matrix::Matrix;
use crate::app::command::Command;
use crate::app::state::State;
use crate::app::theme;
use crate::app::train::Ask;
use crate::app::train::judged::Judged;
use crate::app::views::library::name;
use crate::app::widgets::parts::{self, thousands};
use crate::app::widgets::same::Of;
use crate::app::widgets::table::{Column, ROW, head, of_numbers, of_words, row};
use crate::engine::{JudgedOutcome, Judgement, counted};

/// Classes that a table is drawn of at most; of more there is the list.
const MOST: usize = 60;

/// How classes are put in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Order {
    #[default]
    Model,
    Notes,
    Errors,
    Name,
}

impl Order {
    const ALL: [(Self, &'static str); 4] = [
        (Self::Model, "As the model has them"),
        (Self::Notes, "Most notes first"),
        (Self::Errors, "Most errors first"),
        (Self::Name, "By name"),
    ];
}

/// The table and the list.
#[derive(Default)]
pub struct Confusion {
    search: String,
    order: Order,
    list: bool,
    matrix: Matrix,
    of: Of<Judged>,
    /// What was found by these words, in this order.
    found: Option<(String, Order, Found)>,
}

/// What is shown of a report.
struct Found {
    /// Classes of the table, by their numbers.
    classes: Vec<usize>,
    /// Pairs that occur, with how many notes.
    pairs: Vec<(String, String, usize)>,
}

/// Heights from which on lists are scrolled by themselves, in points.
const PAIRS_TALL: f32 = 300.0;
const NOTES_TALL: f32 = 260.0;

const PAIRS: [Column; 3] = [
    of_words("Truly", 2.0),
    of_words("Called", 2.0),
    of_numbers("Notes", 0.8),
];

const NOTES: [Column; 2] = [of_words("Note", 3.0), of_numbers("Score", 1.0)];

impl Confusion {
    /// Draws it.
    pub fn ui(
        &mut self,
        ui: &mut Ui,
        judged: &Arc<Judged>,
        state: &State,
        commands: &mut Vec<Command>,
    ) {
        let Judgement::SingleLabel(result) = &judged.report.result else {
            return;
        };
        if self.of.changes(Some(judged)) {
            self.matrix = Matrix::default();
            self.found = None;
        }
        let counts = &result.figures.confusion_matrix;
        let same = |own: &(String, Order, Found)| own.0 == self.search && own.1 == self.order;
        if !self.found.as_ref().is_some_and(same) {
            let found = self.find(judged, counts);
            self.found = Some((self.search.clone(), self.order, found));
        }
        let Some((search, order, found)) = self.found.take() else {
            return;
        };
        let shown = found.classes.len();
        let fits = shown <= MOST;
        self.tools(ui, fits, shown, judged.classes().len());
        let cell = state.train.cell.as_ref();
        let chosen = match self.list || !fits {
            true => pairs(ui, &found.pairs, cell),
            false => (self.matrix).ui(ui, judged.classes(), &found.classes, counts, cell),
        };
        self.found = Some((search, order, found));
        if let Some(cell) = chosen {
            ask(commands, Ask::Cell(Some(cell)));
        }
        if let Some((truth, predicted)) = &state.train.cell {
            notes(ui, judged, truth, predicted, commands);
        }
    }

    /// The classes and pairs that are looked for, in order.
    fn find(&self, judged: &Judged, matrix: &[Vec<u64>]) -> Found {
        let classes = judged.classes();
        let words = self.search.to_lowercase();
        let wanted: Vec<bool> = (classes.iter())
            .map(|own| {
                let own = own.to_lowercase();
                words.split_whitespace().all(|word| own.contains(word))
            })
            .collect();
        let mut shown: Vec<usize> = (0..classes.len()).filter(|own| wanted[*own]).collect();
        let notes = |own: usize| matrix[own].iter().sum::<u64>();
        match self.order {
            Order::Model => {}
            Order::Notes => shown.sort_by_cached_key(|own| Reverse(notes(*own))),
            Order::Errors => {
                shown.sort_by_cached_key(|own| Reverse(notes(*own) - matrix[*own][*own]));
            }
            Order::Name => shown.sort_by(|a, b| classes[*a].cmp(&classes[*b])),
        }
        let mut place = vec![usize::MAX; classes.len()];
        for (at, own) in shown.iter().enumerate() {
            place[*own] = at;
        }
        let number: HashMap<&str, usize> = (classes.iter().enumerate())
            .map(|(number, own)| (&**own, number))
            .collect();
        let at = |own: &str| number.get(own).copied();
        let among = |own: &str| at(own).is_some_and(|own| wanted[own]);
        let all = judged.sparse().into_iter();
        let mut pairs: Vec<_> = all.filter(|own| among(own.0) || among(own.1)).collect();
        if self.order != Order::Errors {
            // Errors stand first as they come, the largest first; otherwise the order is of what is true.
            pairs.sort_by_cached_key(|own| match self.order {
                Order::Notes => (Reverse(own.2), 0),
                _ => (Reverse(0), at(own.0).map_or(usize::MAX, |own| place[own])),
            });
        }
        let own = |pair: (&str, &str, usize)| (pair.0.to_owned(), pair.1.to_owned(), pair.2);
        Found {
            classes: shown,
            pairs: pairs.into_iter().map(own).collect(),
        }
    }

    fn tools(&mut self, ui: &mut Ui, fits: bool, shown: usize, all: usize) {
        ui.horizontal_wrapped(|ui| {
            let field = TextEdit::singleline(&mut self.search)
                .id_salt("search classes")
                .hint_text("Find classes")
                .desired_width(150.0);
            let field = ui.add(field);
            name(&field, "Find classes");
            let now = Order::ALL.iter().find(|(own, _)| *own == self.order);
            let drawn = ComboBox::from_id_salt("order of classes")
                .selected_text(now.map_or("", |(_, text)| text))
                .show_ui(ui, |ui| {
                    for (own, text) in Order::ALL {
                        ui.selectable_value(&mut self.order, own, text);
                    }
                });
            name(&drawn.response, "Order of classes");
            if fits {
                ui.selectable_value(&mut self.list, false, "Table");
                ui.selectable_value(&mut self.list, true, "List");
            }
        });
        let said = match fits {
            true => format!("{} of {} classes", thousands(shown), thousands(all)),
            false => format!(
                "{} classes: every pair that occurs is listed. Find {MOST} or fewer to see them as a table.",
                thousands(shown)
            ),
        };
        parts::soft(ui, said);
    }
}

/// The pairs that occur; the one that is chosen.
fn pairs(
    ui: &mut Ui,
    all: &[(String, String, usize)],
    cell: Option<&(String, String)>,
) -> Option<(String, String)> {
    head(ui, &PAIRS);
    let mut chosen = None;
    ScrollArea::vertical()
        .id_salt("pairs")
        .max_height(PAIRS_TALL)
        .min_scrolled_height(PAIRS_TALL)
        .auto_shrink([false, true])
        .show_rows(ui, ROW, all.len(), |ui, rows| {
            for (truth, predicted, count) in &all[rows] {
                let cells = [truth.clone(), predicted.clone(), thousands(*count)];
                let on = cell.is_some_and(|own| own.0 == *truth && own.1 == *predicted);
                if row(ui, &PAIRS, &cells, on).clicked() {
                    chosen = Some((truth.clone(), predicted.clone()));
                }
            }
        });
    chosen
}

/// The notes of a cell.
fn notes(ui: &mut Ui, judged: &Judged, truth: &str, predicted: &str, commands: &mut Vec<Command>) {
    let all = judged.cell(truth, predicted);
    ui.add_space(6.0);
    ui.horizontal_wrapped(|ui| {
        let said = format!(
            "Truly {truth}, called {predicted}: {}",
            counted(all.len(), "note")
        );
        ui.label(RichText::new(said).font(theme::strong(13.0)));
        if ui.button("Close the list").clicked() {
            ask(commands, Ask::Cell(None));
        }
    });
    if all.is_empty() {
        return;
    }
    head(ui, &NOTES);
    ScrollArea::vertical()
        .id_salt("notes of a cell")
        .max_height(NOTES_TALL)
        .min_scrolled_height(NOTES_TALL)
        .auto_shrink([false, true])
        .show_rows(ui, ROW, all.len(), |ui, rows| {
            for &number in &all[rows] {
                let own = &judged.report.notes[number];
                let score = match &own.outcome {
                    JudgedOutcome::Class { score, .. } => format!("{score:.4}"),
                    _ => String::new(),
                };
                let short = own.note.rsplit(['/', '\\']).next().unwrap_or(&own.note);
                let drawn = row(ui, &NOTES, &[short.to_owned(), score], false);
                if drawn.on_hover_text(&own.note).clicked() {
                    ask(commands, Ask::ShowJudged(number));
                }
            }
        });
}
