//! What needs files on disk: goldens recorded from the real helm, hostile charts.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod files;
mod fuzz;
mod golden;
mod hostile;
mod provenance;
mod record;
mod repeated;
