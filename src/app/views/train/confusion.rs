//! What is taken for what, with the notes or spans of each cell.

use std::cmp::Reverse;
use std::sync::Arc;

use eframe::egui::{ComboBox, TextEdit, Ui};

use super::matrix::{Matrix, Table};
use super::{ask, held};
use crate::app::command::Command;
use crate::app::state::State;
use crate::app::train::Ask;
use crate::app::train::cells::{Cell, Counted};
use crate::app::train::judged::Judged;
use crate::app::widgets::parts::{self, name, thousands};
use crate::app::widgets::same::Of;
use crate::app::widgets::table::{Column, of_numbers, of_words, row, scrolled};

/// Names that a table is drawn of at most; of more there is the list.
const MOST: usize = 60;

/// What stands for nothing: for what was missed, or predicted in vain.
pub const NOTHING: &str = "(nothing)";

/// How names are put in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Order {
    Model,
    Most,
    Errors,
    Name,
}

impl Order {
    const ALL: [Self; 4] = [Self::Model, Self::Most, Self::Errors, Self::Name];

    fn text(self, of: Counted) -> &'static str {
        match (self, of) {
            (Self::Model, _) => "As the model has them",
            (Self::Most, Counted::Spans) => "Most spans first",
            (Self::Most, _) => "Most notes first",
            (Self::Errors, _) => "Most errors first",
            (Self::Name, _) => "By name",
        }
    }
}

/// The table and the list.
#[derive(Default)]
pub struct Confusion {
    search: String,
    /// As a person chose it; otherwise it depends on what is counted.
    order: Option<Order>,
    list: bool,
    matrix: Matrix,
    of: Of<Judged>,
    /// What was found by these words, in this order.
    found: Option<(String, Order, Found)>,
}

/// What is shown of a report.
struct Found {
    /// Names that have the words.
    names: usize,
    /// The table of them, where they fit into one.
    table: Option<Table>,
    /// Cells that hold something, with how much.
    pairs: Vec<(Cell, usize)>,
}

/// Height from which on the list is scrolled by itself, in points.
const TALL: f32 = 300.0;

const OF_CLASSES: [Column; 3] = [
    of_words("Truly", 2.0),
    of_words("Called", 2.0),
    of_numbers("Notes", 0.8),
];

const OF_SPANS: [Column; 3] = [
    of_words("Truly", 2.0),
    of_words("Marked as", 2.0),
    of_numbers("Spans", 0.8),
];

const OF_LABELS: [Column; 3] = [
    of_words("Label", 2.4),
    of_words("What came of it", 1.6),
    of_numbers("Notes", 0.8),
];

impl Confusion {
    /// Draws it.
    pub fn ui(
        &mut self,
        ui: &mut Ui,
        judged: &Arc<Judged>,
        state: &State,
        commands: &mut Vec<Command>,
    ) {
        let Some(of) = judged.counted() else {
            return;
        };
        if self.of.changes(Some(judged)) {
            self.matrix = Matrix::default();
            self.found = None;
        }
        let order = self.order.unwrap_or(match of {
            Counted::Labels => Order::Errors,
            Counted::Classes | Counted::Spans => Order::Model,
        });
        let same = |own: &(String, Order, Found)| own.0 == self.search && own.1 == order;
        if !self.found.as_ref().is_some_and(same) {
            self.found = Some((
                self.search.clone(),
                order,
                find(judged, of, &self.search, order),
            ));
        }
        let Some((search, order, found)) = self.found.take() else {
            return;
        };
        if of == Counted::Spans {
            let said = "Each true span stands beside at most one that was marked: one of the same kind at \
                        the same place, or else one at the same place, or else the one that shares most \
                        of it; the figures by exact ends are on Figures.";
            parts::soft(ui, said);
        }
        self.tools(ui, of, order, &found, judged.names().len());
        let cell = state.train.cell.as_ref();
        let chosen = match &found.table {
            Some(table) if !self.list => self.matrix.ui(ui, table, of, cell),
            _ => pairs(ui, of, &found.pairs, cell),
        };
        self.found = Some((search, order, found));
        if let Some(cell) = chosen {
            ask(commands, Ask::Cell(Some(cell)));
        }
        if let Some(cell) = &state.train.cell {
            held::ui(ui, judged, of, cell, commands);
        }
    }

    fn tools(&mut self, ui: &mut Ui, of: Counted, order: Order, found: &Found, all: usize) {
        let (names, find) = match of {
            Counted::Classes => ("classes", "Find classes"),
            Counted::Labels => ("labels", "Find labels"),
            Counted::Spans => ("kinds", "Find kinds of spans"),
        };
        ui.horizontal_wrapped(|ui| {
            let field = TextEdit::singleline(&mut self.search)
                .id_salt("search classes")
                .hint_text(find)
                .desired_width(150.0);
            let field = ui.add(field);
            name(&field, find);
            let drawn = ComboBox::from_id_salt("order of classes")
                .selected_text(order.text(of))
                .show_ui(ui, |ui| {
                    for own in Order::ALL {
                        if ui.selectable_label(own == order, own.text(of)).clicked() {
                            self.order = Some(own);
                        }
                    }
                });
            name(&drawn.response, &format!("Order of {names}"));
            if found.table.is_some() {
                ui.selectable_value(&mut self.list, false, "Table");
                ui.selectable_value(&mut self.list, true, "List");
            }
        });
        let shown = thousands(found.names);
        let said = match (of, &found.table) {
            (Counted::Labels, _) | (_, Some(_)) => {
                format!("{shown} of {} {names}", thousands(all))
            }
            _ => format!(
                "{shown} {names}: every pair that occurs is listed. Find {MOST} or fewer to see them as a table."
            ),
        };
        parts::soft(ui, said);
    }
}

/// The names that have these words and the cells of them, in order.
fn find(judged: &Judged, of: Counted, words: &str, order: Order) -> Found {
    let names = judged.names();
    let words = words.to_lowercase();
    let wanted: Vec<bool> = (names.iter())
        .map(|own| {
            let own = own.to_lowercase();
            words.split_whitespace().all(|word| own.contains(word))
        })
        .collect();
    let sparse = judged.cells.sparse();
    // Nothing stands behind all names.
    let nothing = names.len();
    let at = |own: &Option<String>| match own {
        Some(own) => judged.number(own),
        None => Some(nothing),
    };
    let (mut totals, mut errors) = (vec![0u64; nothing + 1], vec![0u64; nothing + 1]);
    for (cell, count) in &sparse {
        if let Some(row) = at(&cell.truth) {
            totals[row] += *count as u64;
            errors[row] += if cell.is_right() { 0 } else { *count as u64 };
        }
        // Of what is in vain only the kind is known that it was taken for.
        if let (None, Some(row)) = (&cell.truth, at(&cell.predicted)) {
            errors[row] += *count as u64;
        }
    }
    let mut shown: Vec<usize> = (0..nothing).filter(|own| wanted[*own]).collect();
    match order {
        Order::Model => {}
        Order::Most => shown.sort_by_key(|own| Reverse(totals[*own])),
        Order::Errors => shown.sort_by_key(|own| Reverse(errors[*own])),
        Order::Name => shown.sort_by(|a, b| names[*a].cmp(&names[*b])),
    }
    let found = shown.len();
    let mut place = vec![usize::MAX; nothing + 1];
    for (at, own) in shown.iter().enumerate() {
        place[*own] = at;
    }
    let mut pairs = sparse.clone();
    pairs.retain(|(cell, _)| {
        let mut own = cell.names().filter_map(|own| judged.number(own));
        own.any(|own| wanted[own])
    });
    if order != Order::Errors {
        // Errors stand first as they come, the largest first; otherwise the order is of what is true,
        // or of what was predicted in vain.
        pairs.sort_by_cached_key(|(cell, count)| match order {
            Order::Most => (Reverse(*count), 0),
            _ => {
                let own = match of {
                    Counted::Labels => cell.names().next().and_then(|own| judged.number(own)),
                    Counted::Classes | Counted::Spans => at(&cell.truth),
                };
                (Reverse(0), own.map_or(usize::MAX, |own| place[own]))
            }
        });
    }
    let table = (of != Counted::Labels && found <= MOST).then(|| {
        if of == Counted::Spans && found > 0 {
            place[nothing] = found;
            shown.push(nothing);
        }
        let mut counts = vec![vec![0; shown.len()]; shown.len()];
        for (cell, count) in &sparse {
            let [row, column] = [&cell.truth, &cell.predicted]
                .map(|own| at(own).map_or(usize::MAX, |own| place[own]));
            if let Some(own) = counts.get_mut(row).and_then(|own| own.get_mut(column)) {
                *own = *count as u64;
            }
        }
        Table {
            totals: shown.iter().map(|own| totals[*own]).collect(),
            names: shown.iter().map(|own| names.get(*own).cloned()).collect(),
            counts,
        }
    });
    Found {
        names: found,
        table,
        pairs: (pairs.into_iter())
            .map(|(cell, count)| (cell.clone(), count))
            .collect(),
    }
}

/// The cells that hold something; the one that is chosen.
fn pairs(ui: &mut Ui, of: Counted, all: &[(Cell, usize)], chosen: Option<&Cell>) -> Option<Cell> {
    let columns: &[Column] = match of {
        Counted::Classes => &OF_CLASSES,
        Counted::Labels => &OF_LABELS,
        Counted::Spans => &OF_SPANS,
    };
    if all.is_empty() {
        parts::soft(ui, "There is none with these words.");
        return None;
    }
    let mut clicked = None;
    scrolled(ui, "pairs", columns, all.len(), TALL, &mut |ui, number| {
        let (cell, count) = &all[number];
        let side = |own: &Option<String>| own.as_deref().unwrap_or(NOTHING).to_owned();
        let [first, second] = match of {
            Counted::Classes | Counted::Spans => [side(&cell.truth), side(&cell.predicted)],
            Counted::Labels => [
                cell.names().next().unwrap_or_default().to_owned(),
                what_came(cell).to_owned(),
            ],
        };
        let on = chosen == Some(cell);
        if row(ui, columns, &[first, second, thousands(*count)], on).clicked() {
            clicked = Some(cell.clone());
        }
    });
    clicked
}

/// What came of a label.
fn what_came(cell: &Cell) -> &'static str {
    match (&cell.truth, &cell.predicted) {
        (Some(_), None) => "true, not called",
        (None, _) => "called, not true",
        (Some(_), Some(_)) => "true and called",
    }
}
