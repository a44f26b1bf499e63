//! The layouts of before, to be gone back to and forth.

use super::layout::Layout;

/// Layouts that can be gone back to.
const MOST: usize = 100;

/// What was on the screen, in order.
#[derive(Default)]
pub(super) struct Layouts {
    /// The one on the screen last.
    before: Vec<Layout>,
    /// Those that were undone, the next to come last.
    undone: Vec<Layout>,
}

impl Layouts {
    /// Remembers what is on the screen, if it is another one.
    pub(super) fn remember(&mut self, now: &Layout) {
        if self.before.last() != Some(now) {
            self.before.push(now.clone());
            let more = self.before.len().saturating_sub(MOST);
            self.before.drain(..more);
            self.undone.clear();
        }
    }

    /// The one before.
    pub(super) fn undo(&mut self) -> Option<Layout> {
        if self.before.len() > 1 {
            self.undone.extend(self.before.pop());
            return self.before.last().cloned();
        }
        None
    }

    /// The one that was undone last.
    pub(super) fn redo(&mut self) -> Option<Layout> {
        let next = self.undone.pop()?;
        self.before.push(next.clone());
        Some(next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::state::Workspace;
    use crate::app::views::Panel;

    #[test]
    fn layouts_are_gone_back_to_and_forth_until_there_is_another_one() {
        let usual = Layout::default();
        let with = |panel| {
            let mut own = usual.clone();
            assert!(own.bring(Workspace::Look, panel));
            own
        };
        let [flow, row] = [Panel::Flow, Panel::Row].map(with);
        let [usual, flow, row] = [&usual, &flow, &row];
        assert!(flow != row && flow != usual);
        let mut all = Layouts::default();
        for own in [usual, flow, flow, row] {
            all.remember(own);
        }
        assert!(all.undo().as_ref() == Some(flow));
        assert!(all.undo().as_ref() == Some(usual));
        assert!(all.undo().is_none());
        assert!(all.redo().as_ref() == Some(flow));
        all.remember(flow);
        assert!(all.redo().as_ref() == Some(row));
        assert!(all.redo().is_none());
        assert!(all.undo().as_ref() == Some(flow));
        all.remember(usual);
        assert!(
            all.redo().is_none(),
            "what was undone is not before this one"
        );
    }
}
