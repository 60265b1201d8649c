//! The testkit's servers, tried by their own clients.

mod control_plane;
mod servers;
