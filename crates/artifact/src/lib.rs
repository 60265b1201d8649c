//! Artifacts: how a source's files become one file, where it is kept, and how others get it back, unpacked and checked.
//!
//! ```text
//! directory --ignore--> pack --> store (<kind>/<namespace>/<name>/<file>) --> serve (HTTP)
//!                                                                               |
//!                                      DirTree <-- unpack <-- Fetcher (digest-checked, cached by digest)
//! ```
//!
//! Everything that arrives from outside is bounded while it streams: bytes, entries, depth, compression ratio. No path
//! of an archive is ever joined by hand: files are created below a [`cap_std`] directory, which cannot be left.

pub mod digest;
pub mod fetch;
pub mod ignore;
pub mod pack;
pub mod scratch;
pub mod serve;
pub mod store;
pub mod tree;
pub mod unpack;

pub use digest::{Algorithm, Digest};
pub use fetch::{FetchError, Fetcher, Unpacked};
pub use ignore::Rules;
pub use scratch::Scratch;
pub use store::Store;
pub use unpack::{Limits, UnpackError};

pub use cap_std;
