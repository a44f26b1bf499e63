//! Asks for a frame when a thread has said something.

use std::sync::{Arc, Mutex, PoisonError};

use eframe::egui::Context;

/// The window that is to be drawn when a thread has said something.
#[derive(Clone)]
pub struct Wake(Arc<Mutex<Context>>);

impl Wake {
    /// Of this window.
    pub fn of(ctx: &Context) -> Self {
        Self(Arc::new(Mutex::new(ctx.clone())))
    }

    /// Another window takes its place.
    pub fn set(&self, ctx: &Context) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = ctx.clone();
    }

    /// Asks for a frame of the window that is there by then.
    pub fn caller(&self) -> impl Fn() + Clone + Send + Sync + 'static {
        let own = self.clone();
        move || {
            let ctx = own.0.lock().unwrap_or_else(PoisonError::into_inner);
            ctx.request_repaint();
        }
    }
}
