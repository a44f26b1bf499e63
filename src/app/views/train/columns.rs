//! The columns that are known, offered beside a field that takes the name of one.

use eframe::egui::containers::menu::MenuButton;
use eframe::egui::{ScrollArea, Ui};

use crate::app::widgets::parts::name;
use crate::app::widgets::table::ROW;

/// Height from which on a menu scrolls, in points.
const TALL: f32 = 300.0;

/// A menu of columns for this field, where any are known; the one that is chosen.
pub fn menu<'a>(
    ui: &mut Ui,
    field: &str,
    columns: impl Iterator<Item = &'a str>,
) -> Option<String> {
    let mut columns = columns.peekable();
    columns.peek()?;
    let mut chosen = None;
    let (button, _) = MenuButton::new("⌄").ui(ui, |ui| {
        let all: Vec<&str> = columns.collect();
        let area = ScrollArea::vertical().max_height(TALL);
        area.show_rows(ui, ROW, all.len(), |ui, rows| {
            for own in &all[rows] {
                if ui.button(*own).clicked() {
                    chosen = Some((*own).to_owned());
                    ui.close();
                }
            }
        });
    });
    name(&button, &format!("Known columns for: {field}"));
    button.on_hover_text(
        "The columns of the open notes, and of files that are named for a run or for judging",
    );
    chosen
}

/// Names with commas between them and this one as well, once.
pub fn with(names: &str, another: &str) -> String {
    let all = names.split(',').map(str::trim);
    let mut all: Vec<&str> = all.filter(|own| !own.is_empty()).collect();
    if !all.contains(&another) {
        all.push(another);
    }
    all.join(", ")
}
