//! Where the panels are: the usual layout, and what a person made of it.

use eframe::egui::containers::menu::MenuButton;
use eframe::egui::{self, RichText, Ui};
use egui_tiles::{Container, Linear, LinearDir, Tile, TileId, Tiles, Tree, UiResponse};

use super::command::Command;
use super::figure::{self, Painted};
use super::state::{State, Workspace};
use super::theme;
use super::views::{Panel, View, Views};
use super::widgets::parts;
use super::widgets::parts::name;

/// Goes up when panels or their usual places change: a layout of another version is not read.
const VERSION: u32 = 4;

/// Where the panels are.
#[derive(Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Layout {
    version: u32,
    read: Tree<Panel>,
    look: Tree<Panel>,
    map: Tree<Panel>,
    train: Tree<Panel>,
}

impl Default for Layout {
    fn default() -> Self {
        Self {
            version: VERSION,
            read: read(),
            look: look(),
            map: map(),
            train: train(),
        }
    }
}

/// Notes at the left, the text in the middle, what is known of it at the right.
fn read() -> Tree<Panel> {
    let right = [
        (0.42, &[Panel::Outline][..]),
        (
            0.58,
            &[Panel::Selection, Panel::Predictions, Panel::Similar],
        ),
    ];
    tree("read", &[(0.2, &[Panel::Library])], 0.54, (0.26, &right))
}

/// The lens at the left, the text in the middle, the numbers at the right.
fn look() -> Tree<Panel> {
    let left = [
        (0.11, &[Panel::Lens, Panel::Library][..]),
        (0.09, &[Panel::Heads]),
    ];
    let right = [
        (0.46, &[Panel::Row, Panel::Selection, Panel::Outline][..]),
        (0.54, &[Panel::Map, Panel::Flow]),
    ];
    tree("look", &left, 0.52, (0.28, &right))
}

/// What is drawn at the left, the points in the middle, what is chosen of them and its note at the right.
fn map() -> Tree<Panel> {
    let mut tiles = Tiles::default();
    let left = column(&mut tiles, &[(1.0, &[Panel::PointsSetup, Panel::Library])]);
    let points = column(&mut tiles, &[(1.0, &[Panel::Points])]);
    let right = column(
        &mut tiles,
        &[
            (0.42, &[Panel::Chosen, Panel::Near]),
            (0.58, &[Panel::Note, Panel::Outline]),
        ],
    );
    let all = [(left, 0.19), (points, 0.51), (right, 0.3)];
    let root = share(&mut tiles, LinearDir::Horizontal, &all);
    Tree::new(egui::Id::unique("map"), root, tiles)
}

/// What a run is to be at the left, what it does and did at the right.
fn train() -> Tree<Panel> {
    let mut tiles = Tiles::default();
    let setup = column(&mut tiles, &[(1.0, &[Panel::NewRun, Panel::Library])]);
    let right = [
        (0.64, &[Panel::Run, Panel::Watch, Panel::Judge][..]),
        (0.36, &[Panel::Runs]),
    ];
    let right = column(&mut tiles, &right);
    let root = share(
        &mut tiles,
        LinearDir::Horizontal,
        &[(setup, 0.38), (right, 0.62)],
    );
    Tree::new(egui::Id::unique("train"), root, tiles)
}

/// A share of the room with the panels that are tabs there.
type Part<'a> = (f32, &'a [Panel]);

/// The text between a column at the left and one at the right.
fn tree(id: &'static str, left: &[Part<'_>], text: f32, right: (f32, &[Part<'_>])) -> Tree<Panel> {
    let mut tiles = Tiles::default();
    let left_share = left.iter().map(|(share, _)| share).sum();
    let left = column(&mut tiles, left);
    let note = column(&mut tiles, &[(1.0, &[Panel::Note])]);
    let (right_share, right) = right;
    let right = column(&mut tiles, right);
    let all = [(left, left_share), (note, text), (right, right_share)];
    let root = share(&mut tiles, LinearDir::Horizontal, &all);
    Tree::new(egui::Id::unique(id), root, tiles)
}

fn column(tiles: &mut Tiles<Panel>, parts: &[Part<'_>]) -> TileId {
    let parts: Vec<(TileId, f32)> = parts
        .iter()
        .map(|(share, panels)| {
            let panes: Vec<TileId> = panels.iter().map(|own| tiles.insert_pane(*own)).collect();
            (tiles.insert_tab_tile(panes), *share)
        })
        .collect();
    match &parts[..] {
        [(only, _)] => *only,
        _ => share(tiles, LinearDir::Vertical, &parts),
    }
}

fn share(tiles: &mut Tiles<Panel>, dir: LinearDir, parts: &[(TileId, f32)]) -> TileId {
    let mut linear = Linear::new(dir, parts.iter().map(|(tile, _)| *tile).collect());
    for (tile, share) in parts {
        linear.shares.set_share(*tile, *share);
    }
    tiles.insert_new(Tile::Container(Container::Linear(linear)))
}

impl Layout {
    /// The layout of a file, if it is one of this version with every panel.
    pub fn usable(self) -> Option<Self> {
        let usual = Self::default();
        let whole = [
            (&self.read, &usual.read),
            (&self.look, &usual.look),
            (&self.map, &usual.map),
            (&self.train, &usual.train),
        ]
        .into_iter()
        .all(|(own, usual)| {
            let own = held(own);
            held(usual).iter().all(|panel| own.contains(panel))
        });
        (self.version == VERSION && whole).then_some(self)
    }

    /// The panels of a workspace, in the order of [`Panel`].
    pub fn panels(&mut self, workspace: Workspace) -> Vec<Panel> {
        let mut own = held(self.tree(workspace));
        own.sort_by_key(|panel| *panel as u8);
        own
    }

    /// Those of them that are on the screen, the others being behind them.
    pub fn in_front(&mut self, workspace: Workspace) -> Vec<Panel> {
        let tree = self.tree(workspace);
        let panel = |tile: &TileId| match tree.tiles.get(*tile) {
            Some(Tile::Pane(own)) => Some(*own),
            _ => None,
        };
        let mut own: Vec<Panel> = tree.active_tiles().iter().filter_map(panel).collect();
        own.sort_by_key(|panel| *panel as u8);
        own
    }

    fn tree(&mut self, workspace: Workspace) -> &mut Tree<Panel> {
        match workspace {
            Workspace::Read => &mut self.read,
            Workspace::Look => &mut self.look,
            Workspace::Map => &mut self.map,
            Workspace::Train => &mut self.train,
        }
    }

    /// Brings a panel to the front of its tabs, and says whether the workspace has it.
    pub fn bring(&mut self, workspace: Workspace, panel: Panel) -> bool {
        self.tree(workspace)
            .make_active(|_, tile| matches!(tile, Tile::Pane(own) if *own == panel))
    }

    /// Draws the panels, and gives what was painted of `figure`, if it is on the screen.
    pub fn ui(
        &mut self,
        ui: &mut Ui,
        views: &mut Views,
        state: &State,
        figure: Option<Panel>,
        commands: &mut Vec<Command>,
    ) -> Option<Painted> {
        let tree = self.tree(state.workspace);
        let mut behavior = Behavior {
            views,
            state,
            figure,
            painted: None,
            commands,
        };
        tree.ui(&mut behavior, ui);
        behavior.painted
    }
}

/// The panels of a tree.
fn held(tree: &Tree<Panel>) -> Vec<Panel> {
    let panels = tree.tiles.tiles().filter_map(|tile| match tile {
        Tile::Pane(panel) => Some(*panel),
        Tile::Container(_) => None,
    });
    panels.collect()
}

struct Behavior<'a> {
    views: &'a mut Views,
    state: &'a State,
    /// The panel of which a figure is made.
    figure: Option<Panel>,
    painted: Option<Painted>,
    commands: &'a mut Vec<Command>,
}

/// What can be done with every panel.
fn menu(ui: &mut Ui, panel: Panel, view: &dyn View, commands: &mut Vec<Command>) {
    let quiet = egui::Button::new(RichText::new("…").font(theme::strong(14.0))).frame(false);
    let (button, _) = MenuButton::from_button(quiet).ui(ui, |ui| {
        ui.set_max_width(300.0);
        ui.label(RichText::new(panel.title()).font(theme::strong(13.0)));
        parts::soft(ui, view.help());
        ui.separator();
        if ui.button("Copy numbers").clicked() {
            commands.push(Command::Numbers(panel));
            ui.close();
        }
        if ui.button("Save figure…").clicked() {
            commands.push(Command::Figure(panel));
            ui.close();
        }
    });
    name(
        &button,
        &format!("{}: help, numbers, figure", panel.title()),
    );
}

impl egui_tiles::Behavior<Panel> for Behavior<'_> {
    fn pane_ui(&mut self, ui: &mut Ui, _: TileId, panel: &mut Panel) -> UiResponse {
        let palette = theme::palette(ui);
        let fill = match panel {
            Panel::Note => palette.surface,
            _ => palette.chrome,
        };
        let margin = egui::Margin::symmetric(theme::PANEL, 8);
        let figure = self.figure == Some(*panel);
        let before = if figure { figure::count(ui) } else { 0 };
        egui::Frame::new()
            .fill(fill)
            .inner_margin(margin)
            .show(ui, |ui| {
                ui.push_id(*panel, |ui| {
                    self.views.get(*panel).ui(ui, self.state, self.commands);
                });
                ui.take_available_space();
            });
        if figure {
            self.painted = Some(Painted {
                rect: ui.max_rect(),
                shapes: figure::since(ui, before),
                pictures: self.views.get(*panel).pictures(),
            });
        }
        UiResponse::None
    }

    fn top_bar_right_ui(
        &mut self,
        tiles: &Tiles<Panel>,
        ui: &mut Ui,
        _: TileId,
        tabs: &egui_tiles::Tabs,
        _: &mut f32,
    ) {
        let active = tabs.active.and_then(|own| tiles.get(own));
        if let Some(Tile::Pane(panel)) = active {
            ui.add_space(10.0);
            menu(ui, *panel, self.views.get(*panel), self.commands);
        }
    }

    fn tab_title_for_pane(&mut self, panel: &Panel) -> egui::WidgetText {
        RichText::new(panel.title())
            .font(theme::strong(12.5))
            .into()
    }

    fn simplification_options(&self) -> egui_tiles::SimplificationOptions {
        egui_tiles::SimplificationOptions {
            all_panes_must_have_tabs: true,
            ..Default::default()
        }
    }

    fn gap_width(&self, _: &egui::Style) -> f32 {
        1.0
    }

    fn tab_bar_height(&self, _: &egui::Style) -> f32 {
        30.0
    }

    fn min_size(&self) -> f32 {
        160.0
    }

    fn tab_bar_color(&self, visuals: &egui::Visuals) -> egui::Color32 {
        visuals.panel_fill
    }

    fn tab_bg_color(
        &self,
        visuals: &egui::Visuals,
        _: &Tiles<Panel>,
        _: TileId,
        tab: &egui_tiles::TabState,
    ) -> egui::Color32 {
        match tab.active {
            true => theme::mix(visuals.panel_fill, theme::of_visuals(visuals).ink, 0.06),
            false => visuals.panel_fill,
        }
    }

    fn tab_outline_stroke(
        &self,
        _: &egui::Visuals,
        _: &Tiles<Panel>,
        _: TileId,
        _: &egui_tiles::TabState,
    ) -> egui::Stroke {
        egui::Stroke::NONE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_layout_of_another_version_or_without_a_panel_is_not_taken() {
        assert!(Layout::default().usable().is_some());
        let text = serde_json::to_string(&Layout::default()).unwrap();
        let again: Layout = serde_json::from_str(&text).unwrap();
        assert!(again.usable().is_some());
        let older = Layout {
            version: 0,
            ..Layout::default()
        };
        assert!(older.usable().is_none());
        let mut less = Layout::default();
        let note = less.read.tiles.find_pane(&Panel::Note).unwrap();
        less.read.tiles.remove(note);
        assert!(less.usable().is_none());
    }
}
