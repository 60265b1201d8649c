//! source-controller as a process on a real control plane.

mod gitrepository;
