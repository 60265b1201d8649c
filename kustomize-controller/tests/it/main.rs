//! The controller as a process, on a real control plane, fed by an artifact server and a source status that are not ours.

// Helpers of tests may say what they expect in the shortest way.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod health;
mod inputs;
mod policies;
mod remote;
mod removal;
mod world;
