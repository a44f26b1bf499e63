//! Looks, size and memory, and the file in which they are kept.

use super::{Actor, Outside, SETTINGS};
use crate::app::jobs::Purpose;
use crate::app::messages::Weight;
use crate::app::theme::Look;
use crate::app::worker::{Lane, Question};

/// The zoom that is possible.
const ZOOM: (f32, f32) = (0.8, 2.0);

/// A step of it.
pub(super) const STEP: f32 = 0.1;

impl Actor {
    /// Lets go of what is over the limit, here and in the threads.
    pub(super) fn trim(&mut self) {
        self.state.make_room();
        for lane in [Lane::Hand, Lane::Long] {
            self.ask(lane, None, Purpose::Trim, Question::Trim);
        }
    }

    pub(super) fn look(&mut self, look: Look) {
        self.state.settings.look = look;
        self.outside.push(Outside::Look(look));
        self.keep();
    }

    pub(super) fn zoom(&mut self, by: f32) {
        let (least, most) = ZOOM;
        let zoom = self.state.settings.zoom + by;
        let zoom = ((zoom / STEP).round() * STEP).clamp(least, most);
        self.state.settings.zoom = zoom;
        self.outside.push(Outside::Zoom(zoom));
        self.keep();
    }

    /// Writes the settings down.
    pub(super) fn keep(&mut self) {
        if let Some(folder) = &self.folder
            && let Err(reason) = folder.write(SETTINGS, &self.state.settings)
        {
            let said = "The settings could not be kept";
            self.state.messages.tell(Weight::Warning, said, reason);
        }
    }
}
