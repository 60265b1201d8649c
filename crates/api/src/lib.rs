//! The fifteen kinds of the suite as Rust types, a file per kind, and the CRDs made from them. No client, no I/O.

mod duration;
pub mod meta;
