//! The confusion matrix: rows are true classes, columns what was predicted.

use plotters::coord::Shift;
use plotters::drawing::DrawingArea;
use plotters::element::{Rectangle, Text};
use plotters::prelude::DrawingBackend;
use plotters::style::Color;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::Drawn;
use super::axes::title;
use super::style::{
    GRID, INK, LABEL, PAPER, SMALL, SOFT, is_dark, share, shortened, text, upwards,
};

/// Classes that are shown; the others are taken together.
const MOST: usize = 24;
/// Letters of a name.
const LETTERS: usize = 22;
/// Widths of a letter and of a row, in units.
const LETTER: f64 = 6.6;

/// What is shown: names and counts.
struct Table {
    names: Vec<String>,
    counts: Vec<Vec<u64>>,
}

/// What a reader has to know.
pub(super) fn caption(labels: &[String]) -> String {
    let others = match labels.len() > MOST {
        true => " Classes with few examples are taken together, right or wrong.",
        false => "",
    };
    let rule = "How often each class was predicted as which; the colour is the share of the row.";
    format!("{rule}{others}")
}

/// The classes with the most examples, in their order, and the rest as one.
fn table(labels: &[String], counts: &[Vec<u64>]) -> Table {
    let name = |label: &String| shortened(label, LETTERS);
    if labels.len() <= MOST {
        return Table {
            names: labels.iter().map(name).collect(),
            counts: counts.to_vec(),
        };
    }
    let mut sizes: Vec<(u64, usize)> = (0..labels.len())
        .map(|class| (counts[class].iter().sum(), class))
        .collect();
    sizes.sort_by_key(|&(size, class)| (std::cmp::Reverse(size), class));
    let mut shown: Vec<usize> = sizes
        .iter()
        .take(MOST - 1)
        .map(|&(_, class)| class)
        .collect();
    shown.sort_unstable();
    let mut row_of = vec![MOST - 1; labels.len()];
    shown
        .iter()
        .enumerate()
        .for_each(|(row, &class)| row_of[class] = row);
    let mut table = vec![vec![0; MOST]; MOST];
    for (class, row) in counts.iter().enumerate() {
        for (predicted, count) in row.iter().enumerate() {
            table[row_of[class]][row_of[predicted]] += count;
        }
    }
    let mut names: Vec<String> = shown.iter().map(|&class| name(&labels[class])).collect();
    names.push(format!("{} others", labels.len() - (MOST - 1)));
    Table {
        names,
        counts: table,
    }
}

/// Sizes in units.
struct Layout {
    cell: f64,
    left: f64,
    top: f64,
    /// Room for the names of columns.
    below: f64,
    upright: bool,
}

fn layout(table: &Table) -> Layout {
    let classes = table.names.len() as f64;
    let cell = (440.0 / classes).clamp(34.0, 96.0);
    let longest = table.names.iter().map(|name| name.chars().count()).max();
    let longest = longest.unwrap_or(0) as f64 * LETTER;
    let upright = longest + 8.0 > cell;
    Layout {
        cell,
        left: (longest + 62.0).max(90.0),
        top: 64.0,
        below: if upright { longest + 16.0 } else { 28.0 },
        upright,
    }
}

/// Width and height in units.
pub(super) fn size(labels: &[String], counts: &[Vec<u64>]) -> (u32, u32) {
    let table = table(labels, counts);
    let layout = layout(&table);
    let side = layout.cell * table.names.len() as f64;
    let width = (layout.left + side + 28.0).max(420.0);
    (
        width as u32,
        (layout.top + side + layout.below + 44.0) as u32,
    )
}

/// Draws it; a cell's colour is its share of its row.
pub(super) fn draw<B: DrawingBackend>(
    area: &DrawingArea<B, Shift>,
    scale: f64,
    labels: &[String],
    counts: &[Vec<u64>],
) -> Drawn<B> {
    let table = table(labels, counts);
    let layout = layout(&table);
    let at = |x: f64, y: f64| ((x * scale).round() as i32, (y * scale).round() as i32);
    title(
        area,
        scale,
        "Confusion: true class by row, predicted by column",
    )?;
    let classes = table.names.len();
    let names = text(SMALL, scale, INK);
    let number = if layout.cell < 44.0 { 10.5 } else { SMALL };
    for (row, line) in table.counts.iter().enumerate() {
        let all: u64 = line.iter().sum();
        let y = layout.top + layout.cell * row as f64;
        for (column, &count) in line.iter().enumerate() {
            let x = layout.left + layout.cell * column as f64;
            let colour = share(count as f64 / all.max(1) as f64);
            let corners = [at(x, y), at(x + layout.cell, y + layout.cell)];
            area.draw(&Rectangle::new(corners, colour.filled()))?;
            area.draw(&Rectangle::new(corners, GRID.stroke_width(scale as u32)))?;
            if count > 0 {
                let ink = if is_dark(colour) { PAPER } else { INK };
                let style = text(number, scale, ink).pos(Pos::new(HPos::Center, VPos::Center));
                let middle = at(x + layout.cell / 2.0, y + layout.cell / 2.0);
                area.draw(&Text::new(count.to_string(), middle, style))?;
            }
        }
        let style = names.pos(Pos::new(HPos::Right, VPos::Center));
        let beside = at(layout.left - 8.0, y + layout.cell / 2.0);
        area.draw(&Text::new(table.names[row].clone(), beside, style))?;
    }
    let bottom = layout.top + layout.cell * classes as f64;
    for (column, name) in table.names.iter().enumerate() {
        let x = layout.left + layout.cell * (column as f64 + 0.5);
        let style = match layout.upright {
            true => upwards(&names).pos(Pos::new(HPos::Right, VPos::Center)),
            false => names.pos(Pos::new(HPos::Center, VPos::Top)),
        };
        area.draw(&Text::new(name.clone(), at(x, bottom + 8.0), style))?;
    }
    let middle = layout.cell * classes as f64 / 2.0;
    let style = text(LABEL, scale, SOFT);
    let below = style.pos(Pos::new(HPos::Center, VPos::Top));
    let place = at(layout.left + middle, bottom + layout.below + 8.0);
    area.draw(&Text::new("predicted", place, below))?;
    let beside = upwards(&style).pos(Pos::new(HPos::Center, VPos::Center));
    area.draw(&Text::new("true", at(30.0, layout.top + middle), beside))
}
