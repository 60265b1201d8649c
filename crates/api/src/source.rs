//! `source.toolkit.fluxcd.io/v1` and `source.extensions.fluxcd.io/v1beta1`: where desired state comes from.

mod gitrepository;
mod ocirepository;

pub use gitrepository::*;
pub use ocirepository::*;
