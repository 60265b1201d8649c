//! The engine as its users call it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod conformance;
mod flux;
mod golden;
mod limits;
mod paths;
mod random;
