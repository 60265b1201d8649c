//! The reader and the writers as their users call them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod editing;
mod fuzz;
mod goldens;
mod hostile;
mod reading;
mod round_trip;
mod writing;
