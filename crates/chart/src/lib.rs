//! Helm charts: load, values, render, release record.
//!
//! ```text
//! files | .tgz --load--> Chart --dependencies--> Chart' --values--> Values --engine--> files --manifest--> Rendered
//!                                                                                                        |
//!                                              Release --record::encode--> Secret data <-----------------+
//! ```
//! What is printed and stored equals what Helm v4.3.1 prints and stores ([`Compat::Helm3`]: what Helm 3.22 does). The crate
//! does no I/O and reads no clock: bytes in, values or errors out.

mod capabilities;
mod chart;
mod decode;
pub mod dependencies;
pub mod engine;
mod glob;
pub mod hook;
pub mod inflate;
pub mod load;
pub mod manifest;
mod metadata;
mod path;
pub mod provenance;
pub mod record;
mod schema;
pub mod strvals;
pub mod template;
pub mod values;

pub use capabilities::{Capabilities, HelmVersion, InvalidKubeVersion, KubeVersion};
pub use chart::{Chart, Crd, File, Lock};
pub use decode::DecodeError;
pub use engine::{Failures, Hosts, Lookup, ReleaseFacts, RenderError, RenderLimits, RenderOptions};
pub use hook::{Hook, HookEvent};
pub use load::{Ignore, Limits, LoadError, SourceFile};
pub use manifest::{Manifest, ManifestError};
pub use metadata::{Dependency, InvalidMetadata, Maintainer, Metadata};
pub use schema::SchemaErrors;
pub use template::{Rendered, TemplateError, TemplateOptions, TemplateOutput, template};
pub use weir_gotemplate::sprig::{Random, SystemRandom, World, Zone};

/// Whose output is matched.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Compat {
    /// Helm v4.3.1, which Flux's helm-controller is built on.
    #[default]
    Helm4,
    /// Helm v3.22: other blank lines, another order of webhook configurations, nulls of charts' values kept.
    Helm3,
}
