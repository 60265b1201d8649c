//! notification-controller as a process on a real control plane.

#![allow(clippy::indexing_slicing, reason = "bodies and objects are JSON, and a test that finds none fails")]

mod events;
mod receivers;
mod world;
