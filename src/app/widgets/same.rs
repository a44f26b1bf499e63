//! Whether a result is still the one that something was made of.

use std::sync::{Arc, Weak};

/// Remembers which result it was, without keeping it in memory. Its place is not given to another
/// one meanwhile, so that two results are never taken for the same.
pub struct Of<T>(Weak<T>);

impl<T> Default for Of<T> {
    fn default() -> Self {
        Self(Weak::new())
    }
}

impl<T> Of<T> {
    /// Of this one.
    pub fn new(own: &Arc<T>) -> Self {
        Self(Arc::downgrade(own))
    }

    /// Whether it is of this one.
    pub fn is(&self, own: &Arc<T>) -> bool {
        std::ptr::eq(self.0.as_ptr(), Arc::as_ptr(own))
    }

    /// Remembers this one; whether it was another before.
    pub fn changes(&mut self, own: Option<&Arc<T>>) -> bool {
        let same = match own {
            Some(own) => self.is(own),
            None => self.0.as_ptr() == Weak::new().as_ptr(),
        };
        if !same {
            *self = own.map_or_else(Self::default, Self::new);
        }
        !same
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_result_that_is_gone_is_never_another_one() {
        let mut of = Of::default();
        let first = Arc::new([1u8; 64]);
        assert!(of.changes(Some(&first)) && !of.changes(Some(&first)));
        drop(first);
        // Memory of this size is usually given again at once.
        for _ in 0..100 {
            assert!(!of.is(&Arc::new([2u8; 64])));
        }
        assert!(of.changes(None) && !of.changes(None));
    }
}
