//! The fifteen kinds of the suite as Rust types, a file per kind, and the CRDs made from them. No client, no I/O.
//!
//! ```text
//! source        GitRepository OCIRepository Bucket HelmRepository HelmChart ExternalArtifact ArtifactGenerator
//! kustomize     Kustomization
//! helm          HelmRelease
//! image         ImageRepository ImagePolicy ImageUpdateAutomation
//! notification  Provider Alert Receiver
//! ```
//!
//! A field that a user may leave out is an `Option`, an empty list or map, or `false`; a field with a default in the
//! schema has that default here too, so an object reads the same whether or not an API server filled it in. Closed sets
//! are enums: an object with a value from the future fails to decode, alone.

pub mod crds;
mod duration;
pub mod helm;
pub mod image;
pub mod kustomize;
pub mod meta;
pub mod names;
pub mod notification;
mod schema;
pub mod source;

pub use crds::crds;

/// `skip_serializing_if` for booleans that are `false` unless said otherwise.
#[allow(clippy::trivially_copy_pass_by_ref)] // serde passes a reference
pub(crate) fn is_false(value: &bool) -> bool {
    !*value
}
