//! notification-controller as a process on a real control plane.

mod events;
mod receivers;
mod world;
