//! The runtime on a real API server: a kind of its own, one control plane for all tests.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod containment;
mod events;
mod grpc;
mod leadership;
mod lifecycle;
mod traces;
mod widgets;
mod world;
