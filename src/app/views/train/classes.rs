//! The figures of each class or kind of span, to be searched and put in order.

use std::cmp::Reverse;
use std::sync::Arc;

use eframe::egui::{ComboBox, ScrollArea, TextEdit, Ui};

use super::figures::interval;
use super::{figure, title};
use crate::app::train::judged::Judged;
use crate::app::views::library::name;
use crate::app::widgets::parts::thousands;
use crate::app::widgets::same::Of;
use crate::app::widgets::table::{Column, ROW, head, of_numbers, of_words, read_row};
use crate::engine::{ClassColumns, Interval, Judgement};

/// Columns of classes.
pub const OF_CLASSES: [Column; 6] = [
    of_words("Class", 2.6),
    of_numbers("Precision", 1.1),
    of_numbers("Recall", 1.1),
    of_numbers("F1", 1.1),
    of_numbers("F1, 95 %", 1.9),
    of_numbers("Notes", 1.0),
];

const OF_KINDS: [Column; 8] = [
    of_words("Kind of span", 2.0),
    of_numbers("Precision", 1.1),
    of_numbers("Recall", 1.1),
    of_numbers("F1, exact", 1.1),
    of_numbers("by overlap", 1.1),
    of_numbers("Recall", 1.1),
    of_numbers("F1", 1.1),
    of_numbers("Spans", 0.9),
];

/// Rows from which on there is a search, and the table scrolls by itself.
const FEW: usize = 12;

/// Its height then, in points.
const HEIGHT: f32 = 360.0;

/// How rows are put in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Order {
    #[default]
    Model,
    Best,
    Worst,
    Most,
    Name,
}

impl Order {
    const ALL: [(Self, &'static str); 5] = [
        (Self::Model, "As the model has them"),
        (Self::Best, "Largest F1 first"),
        (Self::Worst, "Smallest F1 first"),
        (Self::Most, "Most notes first"),
        (Self::Name, "By name"),
    ];
}

/// The table.
#[derive(Default)]
pub struct Classes {
    of: Of<Judged>,
    lines: Vec<Line>,
    search: String,
    order: Order,
    /// The rows that are shown, by these words and in this order.
    shown: Option<(String, Order, Vec<usize>)>,
}

/// A row of a table of classes or kinds.
pub struct Line {
    /// Its name.
    pub name: String,
    /// Precision, recall and F1.
    pub figures: [f64; 3],
    f1_interval: Option<Interval>,
    /// Notes or spans that are truly so.
    pub support: u64,
    /// The same three where spans count that overlap a true one.
    pub overlap: Option<[f64; 3]>,
}

/// The rows of a report.
pub fn lines(result: &Judgement) -> Vec<Line> {
    match result {
        Judgement::SingleLabel(own) => {
            of_columns(&own.classes, &own.figures.per_class, &own.f1_intervals)
        }
        Judgement::MultiLabel(own) => of_columns(&own.labels, &own.figures.per_label, &[]),
        Judgement::Spans(own) => (own.exact.per_type.iter())
            .map(|(name, kind)| Line {
                name: name.clone(),
                figures: [kind.scores.precision, kind.scores.recall, kind.scores.f1],
                f1_interval: None,
                support: kind.support,
                overlap: own.overlap.per_type.get(name).map(|own| {
                    let own = own.scores;
                    [own.precision, own.recall, own.f1]
                }),
            })
            .collect(),
        Judgement::Vectors(_) | Judgement::MaskedLm(_) => Vec::new(),
    }
}

fn of_columns(names: &[String], columns: &ClassColumns, intervals: &[Interval]) -> Vec<Line> {
    let names = names.iter().enumerate();
    names
        .map(|(number, name)| Line {
            name: name.clone(),
            figures: [
                columns.precision[number],
                columns.recall[number],
                columns.f1[number],
            ],
            f1_interval: intervals.get(number).copied(),
            support: columns.support[number],
            overlap: None,
        })
        .collect()
}

impl Classes {
    /// Draws it, where a report has such rows.
    pub fn ui(&mut self, ui: &mut Ui, judged: &Arc<Judged>) {
        if self.of.changes(Some(judged)) {
            self.lines = lines(&judged.report.result);
            self.shown = None;
        }
        if self.lines.is_empty() {
            return;
        }
        let spans = matches!(judged.report.result, Judgement::Spans(_));
        title(ui, if spans { "By kind of span" } else { "By class" });
        let many = self.lines.len() > FEW;
        if many {
            self.tools(ui);
        }
        let same = |own: &(String, Order, Vec<usize>)| own.0 == self.search && own.1 == self.order;
        if !self.shown.as_ref().is_some_and(same) {
            self.shown = Some((self.search.clone(), self.order, self.find()));
        }
        let shown = self.shown.as_ref().map_or(&[][..], |own| &own.2);
        let columns: &[Column] = if spans { &OF_KINDS } else { &OF_CLASSES };
        head(ui, columns);
        if many {
            ScrollArea::vertical()
                .id_salt("classes")
                .max_height(HEIGHT)
                .min_scrolled_height(HEIGHT)
                .auto_shrink([false, true])
                .show_rows(ui, ROW, shown.len(), |ui, rows| {
                    for own in &shown[rows] {
                        read_row(ui, columns, &cells(&self.lines[*own], spans));
                    }
                });
            return;
        }
        for own in shown {
            read_row(ui, columns, &cells(&self.lines[*own], spans));
        }
    }

    fn tools(&mut self, ui: &mut Ui) {
        ui.horizontal_wrapped(|ui| {
            let field = TextEdit::singleline(&mut self.search)
                .id_salt("search figures")
                .hint_text("Find classes")
                .desired_width(150.0);
            let field = ui.add(field);
            name(&field, "Find figures of classes");
            let now = Order::ALL.iter().find(|(own, _)| *own == self.order);
            let drawn = ComboBox::from_id_salt("order of figures")
                .selected_text(now.map_or("", |(_, text)| text))
                .show_ui(ui, |ui| {
                    for (own, text) in Order::ALL {
                        ui.selectable_value(&mut self.order, own, text);
                    }
                });
            name(&drawn.response, "Order of the figures");
        });
    }

    /// The rows that are looked for, in order.
    fn find(&self) -> Vec<usize> {
        let words = self.search.to_lowercase();
        let wanted = |own: &usize| {
            let name = self.lines[*own].name.to_lowercase();
            words.split_whitespace().all(|word| name.contains(word))
        };
        let mut all: Vec<usize> = (0..self.lines.len()).filter(wanted).collect();
        let f1 = |own: usize| self.lines[own].figures[2];
        match self.order {
            Order::Model => {}
            Order::Best => all.sort_by(|a, b| f1(*b).total_cmp(&f1(*a))),
            Order::Worst => all.sort_by(|a, b| f1(*a).total_cmp(&f1(*b))),
            Order::Most => all.sort_by_key(|own| Reverse(self.lines[*own].support)),
            Order::Name => all.sort_by(|a, b| self.lines[*a].name.cmp(&self.lines[*b].name)),
        }
        all
    }
}

fn cells(own: &Line, spans: bool) -> Vec<String> {
    let mut cells = vec![own.name.clone()];
    cells.extend(own.figures.map(|own| figure(Some(own))));
    match spans {
        true => {
            let overlap = own.overlap.map(|own| own.map(Some)).unwrap_or_default();
            cells.extend(overlap.map(figure));
        }
        false => cells.push(match &own.f1_interval {
            Some(own) => interval(own),
            None => "–".to_owned(),
        }),
    }
    cells.push(thousands(own.support as usize));
    cells
}
