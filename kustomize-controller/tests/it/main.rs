//! The controller as a process, on a real control plane, fed by an artifact server and a source status that are not ours.

mod health;
mod inputs;
mod policies;
mod removal;
mod world;
