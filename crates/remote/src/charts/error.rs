//! Why a chart was not had.

use weir_oci::OciError;

use super::public;
use crate::chain;

/// A chart that was not had. No text holds a credential or a query, which may be one.
#[derive(Debug, thiserror::Error)]
pub enum ChartError {
    /// What was named is nothing that charts come from.
    #[error("{0}")]
    Address(String),
    /// A version or a range that makes no sense, or contradicts the address.
    #[error("{0}")]
    Version(String),
    /// Certificates, keys or files of passwords that cannot be used.
    #[error("{0}")]
    Trust(String),
    /// The server wants other credentials.
    #[error("{url}: {reason}")]
    Denied {
        /// Where.
        url: String,
        /// What it said.
        reason: String,
    },
    /// The server did not give it.
    #[error("{url}: {reason}")]
    Fetch {
        /// Where.
        url: String,
        /// Why.
        reason: String,
    },
    /// What came is not what it should be.
    #[error("{url}: {reason}")]
    Content {
        /// Where.
        url: String,
        /// What is wrong.
        reason: String,
    },
    /// There is no such repository, chart or version.
    #[error("{0}")]
    NotFound(String),
}

impl ChartError {
    /// What a registry client says, for somebody at a terminal. `reference` is what was asked for.
    pub(crate) fn registry(reference: &str, error: OciError) -> Self {
        match error {
            OciError::Denied { url, status, detail, .. } => Self::Denied { url, reason: format!("{status}{detail}") },
            OciError::NotFound { url, detail } => {
                Self::NotFound(format!("{url}: the registry has no such repository or tag{detail}"))
            }
            OciError::Transport { url, source, .. } => Self::Fetch { url, reason: chain(&source) },
            OciError::NoMatch { range } => {
                Self::NotFound(format!("could not locate a version matching {range:?} in {}", public(reference)))
            }
            error @ OciError::Url { .. } => Self::Address(chain(&error)),
            error @ (OciError::Spec { .. } | OciError::Range { .. } | OciError::Filter { .. }) => {
                Self::Version(chain(&error))
            }
            error @ (OciError::Secret { .. } | OciError::Setup { .. }) => Self::Trust(chain(&error)),
            error @ (OciError::Mismatch { .. } | OciError::Content { .. } | OciError::Limit { .. }) => {
                Self::Content { url: public(reference), reason: chain(&error) }
            }
            error @ (OciError::Status { .. } | OciError::Disk(_)) => {
                Self::Fetch { url: public(reference), reason: chain(&error) }
            }
        }
    }
}
