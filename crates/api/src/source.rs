//! `source.toolkit.fluxcd.io/v1` and `source.extensions.fluxcd.io/v1beta1`: where desired state comes from.

mod artifactgenerator;
mod bucket;
mod externalartifact;
mod gitrepository;
mod helmchart;
mod helmrepository;
mod ocirepository;

pub use artifactgenerator::*;
pub use bucket::*;
pub use externalartifact::*;
pub use gitrepository::*;
pub use helmchart::*;
pub use helmrepository::*;
pub use ocirepository::*;
