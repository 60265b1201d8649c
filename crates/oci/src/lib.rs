//! OCI registries, read only: which digest a tag means, the manifest of a digest, the bytes of a layer.
//!
//! ```text
//! oci://host/repo + ref --pick--> tag or digest --digest--> sha256:… --manifest--> layers --blob--> file
//! ```
//!
//! Names and manifests are those of `oci-client`. The requests are our own: its client reads whole bodies without a bound,
//! knows no client certificates and no SOCKS proxies, and hides why a token was refused.
//!
//! Guarantees: every body, list and number of pages is bounded; nothing is pulled but by digest and both digest and size are
//! checked while streaming; credentials go to the registry and to its token service and never along a redirect; no error
//! holds one.

mod auth;
mod client;
mod error;
mod manifest;
mod repository;
mod select;
mod transport;

pub use auth::{Credential, Keychain};
pub use client::Session;
pub use error::{Kind, OciError};
pub use manifest::{HELM_CHART_LAYER, Layer, Manifest};
pub use repository::Repository;
pub use select::{Selector, Target};
pub use transport::{ClientCertificate, Proxy, Transport, TransportOptions, Transports};
