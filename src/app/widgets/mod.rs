//! Numbers and text in, a response out: what views are made of.

pub mod chart;
pub mod note_text;
pub mod parts;
pub mod same;
pub mod table;
