//! Expressions compared with cel-go, and the limits.

#![allow(clippy::unwrap_used, reason = "helpers of tests may say what they expect in the shortest way")]

mod limits;
mod original;
