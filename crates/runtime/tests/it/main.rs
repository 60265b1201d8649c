//! The runtime on a real API server: a kind of its own, one control plane for all tests.

mod containment;
mod events;
mod grpc;
mod leadership;
mod lifecycle;
mod traces;
mod widgets;
mod world;
