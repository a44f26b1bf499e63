//! What a person can ask for in the map of points by a click.

use std::path::PathBuf;

use super::camera::Camera;
use super::classes::ColourBy;
use super::{Tool, Wanted, Way};
use crate::app::command::Quiet;

/// What a panel of the map of points asks for.
#[derive(Debug, Clone, PartialEq)]
pub enum PointsCommand {
    /// Draw such points, once they are asked for.
    Want(Wanted),
    /// Place them so.
    Way(Way),
    /// Colour them so.
    Colour(ColourBy),
    /// Draw the classes of this place in the legend, or not.
    Hide(usize, bool),
    /// Use the pointer so.
    Tool(Tool),
    /// Look at this part; none for all.
    Camera(Option<Camera>),
    /// Choose a point: its words are marked in its note.
    At(usize),
    /// Choose a point, and go to Read.
    Open(usize),
    /// Put these points into the list, or take them out of it.
    Choose(Vec<u32>, Combine),
    /// Put the points of this place in the legend into the list.
    ChooseClass(usize, Combine),
    /// Give the points that are saved this label; none for an empty one.
    Label(Quiet),
    /// Open notes that were saved, or not.
    OpenSaved(bool),
    /// Ask where to save the points of the list.
    AskSave(Format),
    /// Save the points of the list there.
    Save(Format, PathBuf),
}

/// What becomes of the points that are in the list already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Combine {
    /// They go.
    Replace,
    /// They stay.
    Add,
    /// Those that are named go.
    Remove,
}

impl Combine {
    /// `chosen` with `rows`; both are in order, and what comes of it is.
    pub fn of(self, chosen: &[u32], rows: &[u32]) -> Vec<u32> {
        match self {
            Self::Replace => rows.to_vec(),
            Self::Remove => {
                let stays = |own: &&u32| rows.binary_search(own).is_err();
                chosen.iter().filter(stays).copied().collect()
            }
            Self::Add => {
                let mut all = [chosen, rows].concat();
                all.sort_unstable();
                all.dedup();
                all
            }
        }
    }
}

/// The form of a file of points.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// A table.
    Csv,
    /// Notes, a line for each, as Auscult reads them.
    Notes,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_are_added_and_taken_out() {
        let chosen = [1, 4, 9];
        let rows = [2, 4, 5];
        assert_eq!(Combine::Replace.of(&chosen, &rows), [2, 4, 5]);
        assert_eq!(Combine::Add.of(&chosen, &rows), [1, 2, 4, 5, 9]);
        assert_eq!(Combine::Remove.of(&chosen, &rows), [1, 9]);
    }
}
