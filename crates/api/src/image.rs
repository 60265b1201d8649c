//! `image.toolkit.fluxcd.io/v1`: images scanned, chosen and written back to Git.

mod imagepolicy;
mod imagerepository;
mod imageupdateautomation;

pub use imagepolicy::*;
pub use imagerepository::*;
pub use imageupdateautomation::*;
