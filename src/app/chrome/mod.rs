//! What frames the workspace: bars, the drawer of jobs, messages, the welcome.

pub mod activity;
pub mod status;
pub mod toasts;
pub mod top;
pub mod welcome;
