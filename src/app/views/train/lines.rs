//! A table of figures with a line for each class, label or kind, to be searched and put in order.

use std::cmp::Reverse;

use eframe::egui::{ComboBox, TextEdit, Ui};

use super::wide;
use crate::app::widgets::parts::{self, name};
use crate::app::widgets::table::{Column, head, least, read_row, row, scrolled};

/// Lines from which on there is a search, and the table scrolls by itself.
const FEW: usize = 12;

/// Its height then, in points, and that of one under which there is more to be seen.
const TALL: f32 = 340.0;
const LOW: f32 = 210.0;

/// A line of such a table.
pub trait Line {
    /// What it is of.
    fn name(&self) -> &str;

    /// Its F1, by which lines are put in order.
    fn f1(&self) -> f64;

    /// Notes or spans that are truly so.
    fn support(&self) -> u64;

    /// A cell for each column.
    fn cells(&self) -> Vec<String>;
}

/// How lines are put in order.
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
        (Self::Most, "Most frequent first"),
        (Self::Name, "By name"),
    ];
}

/// What a person looks for, and the lines that were found.
#[derive(Default)]
pub struct Lines {
    search: String,
    order: Order,
    /// The lines that are shown, by these words and in this order.
    shown: Option<(String, Order, Vec<usize>)>,
}

impl Lines {
    /// The lines are others than before.
    pub fn change(&mut self) {
        self.shown = None;
    }

    /// Draws lines that are only read; `called` is what they are, in words. Below stand `more` rows,
    /// which are neither searched nor put in order.
    pub fn ui<L: Line>(
        &mut self,
        ui: &mut Ui,
        called: &str,
        columns: &[Column],
        all: &[L],
        more: &[Vec<String>],
    ) {
        let line = &mut |ui: &mut Ui, own: usize| read_row(ui, columns, &all[own].cells());
        self.draw(ui, called, columns, all, TALL, line, more);
    }

    /// Draws lines of which one can be chosen; the one that was clicked.
    pub fn choice<L: Line>(
        &mut self,
        ui: &mut Ui,
        called: &str,
        columns: &[Column],
        all: &[L],
        chosen: Option<usize>,
    ) -> Option<usize> {
        let mut clicked = None;
        let tall = if chosen.is_some() { LOW } else { TALL };
        let line = &mut |ui: &mut Ui, own: usize| {
            if row(ui, columns, &all[own].cells(), chosen == Some(own)).clicked() {
                clicked = Some(own);
            }
        };
        self.draw(ui, called, columns, all, tall, line, &[]);
        clicked
    }

    #[expect(clippy::too_many_arguments, reason = "what its two callers differ in")]
    fn draw<L: Line>(
        &mut self,
        ui: &mut Ui,
        called: &str,
        columns: &[Column],
        all: &[L],
        tall: f32,
        line: &mut dyn FnMut(&mut Ui, usize),
        more: &[Vec<String>],
    ) {
        let many = all.len() > FEW;
        if many {
            self.tools(ui, called);
        } else {
            // What was typed for many would hide some of a few.
            *self = Self::default();
        }
        let same = |own: &(String, Order, Vec<usize>)| own.0 == self.search && own.1 == self.order;
        if !self.shown.as_ref().is_some_and(same) {
            self.shown = Some((self.search.clone(), self.order, self.find(all)));
        }
        let shown = self.shown.as_ref().map_or(&[][..], |own| &own.2);
        if shown.is_empty() {
            parts::soft(ui, "There is none with these words.");
        }
        let mut rows = |ui: &mut Ui| {
            let width = if many {
                scrolled(ui, called, columns, shown.len(), tall, &mut |ui, own| {
                    line(ui, shown[own]);
                })
            } else {
                head(ui, columns);
                shown.iter().for_each(|own| line(ui, *own));
                ui.available_width()
            };
            ui.scope(|ui| {
                ui.set_max_width(width);
                more.iter().for_each(|own| read_row(ui, columns, own));
            });
        };
        let least = least(columns);
        if ui.available_width() >= least {
            rows(ui);
            return;
        }
        wide(ui, called, |ui| {
            ui.set_width(least);
            rows(ui);
        });
    }

    fn tools(&mut self, ui: &mut Ui, called: &str) {
        ui.horizontal_wrapped(|ui| {
            let find = format!("Find {called}");
            let field = TextEdit::singleline(&mut self.search)
                .id_salt(("search", called))
                .hint_text(&find)
                .desired_width(170.0);
            let field = ui.add(field);
            name(&field, &find);
            let now = Order::ALL.iter().find(|(own, _)| *own == self.order);
            let drawn = ComboBox::from_id_salt(("order", called))
                .selected_text(now.map_or("", |(_, text)| text))
                .show_ui(ui, |ui| {
                    for (own, text) in Order::ALL {
                        ui.selectable_value(&mut self.order, own, text);
                    }
                });
            name(&drawn.response, &format!("Order of {called}"));
        });
    }

    /// The lines that are looked for, in order.
    fn find<L: Line>(&self, lines: &[L]) -> Vec<usize> {
        let words = self.search.to_lowercase();
        let wanted = |own: &usize| {
            let name = lines[*own].name().to_lowercase();
            words.split_whitespace().all(|word| name.contains(word))
        };
        let mut all: Vec<usize> = (0..lines.len()).filter(wanted).collect();
        let f1 = |own: usize| lines[own].f1();
        match self.order {
            Order::Model => {}
            Order::Best => all.sort_by(|a, b| f1(*b).total_cmp(&f1(*a))),
            Order::Worst => all.sort_by(|a, b| f1(*a).total_cmp(&f1(*b))),
            Order::Most => all.sort_by_key(|own| Reverse(lines[*own].support())),
            Order::Name => all.sort_by(|a, b| lines[*a].name().cmp(lines[*b].name())),
        }
        all
    }
}
