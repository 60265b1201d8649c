//! Remote bases over HTTP from real Git repositories, and files from a web server.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod charts;
mod fetch;
mod ssh;
