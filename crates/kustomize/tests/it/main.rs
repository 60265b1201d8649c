//! The engine as its users call it.

mod conformance;
