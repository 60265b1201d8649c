//! The engine against answers recorded from Go 1.26's text/template.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod bounds;
mod cases;
mod fuzz;
mod nested;
mod original;
mod sprig;
