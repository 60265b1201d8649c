//! Why a run did not get to its end, in the words Flux's users know.

use std::{sync::Arc, time::Duration};

use weir_api::{meta, names::reason};
use weir_apply::{ApplyError, ReadError, RequestError};
use weir_artifact::FetchError;
use weir_manifest::{ObjectRef, ignore::InvalidRule};
use weir_reconcile::{ErrorKind, Failure};

use super::{build, depends};
use crate::source::SourceKey;

/// The reason when the own disk refuses.
const DIRECTORY_CREATION_FAILED: &str = "DirectoryCreationFailed";

/// See the module.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)] // each variant's text says what it is
pub enum Error {
    #[error("Reconciliation failed terminally due to configuration error: {message}")]
    Expression { message: String },
    #[error("can't access '{source_key}', cross-namespace references have been blocked")]
    CrossNamespace { source_key: SourceKey },
    #[error("can't access '{source_key}', ExternalArtifact feature gate is disabled")]
    ExternalArtifact { source_key: SourceKey },
    #[error(
        "to use spec.decryption.serviceAccountName for decryption authentication please enable the ObjectLevelWorkloadIdentity feature gate in the controller"
    )]
    IdentityGate,
    #[error("{what} is not supported by this version of Weir yet: remove it, or run Flux's kustomize-controller")]
    Unsupported { what: &'static str },
    #[error("Source '{source_key}' not found")]
    SourceNotFound { source_key: SourceKey },
    #[error("unable to get source '{source_key}'")]
    Source {
        source_key: SourceKey,
        #[source]
        cause: Box<RequestError>,
    },
    #[error("Source artifact not found, retrying in {}", meta::Duration(*retry))]
    NoArtifact { retry: Duration },
    #[error("Source is not ready, artifact not found, retrying in {}", meta::Duration(*retry))]
    ArtifactGone { retry: Duration },
    #[error("{blocked}")]
    Dependency { blocked: Box<depends::Blocked>, retry: Duration },
    #[error("failed to fetch artifact")]
    Fetch(#[source] Arc<FetchError>),
    #[error("cannot read the unpacked artifact")]
    Disk(#[source] std::io::Error),
    #[error("kustomization path not found: stat {path}: no such file or directory")]
    Path { path: String },
    #[error("invalid rule in spec.ignore")]
    Ignore(#[source] InvalidRule),
    #[error("{kind} '{namespace}/{name}' with variables not found")]
    VariablesNotFound { kind: &'static str, namespace: String, name: String },
    #[error("failed to read variables from {kind} '{namespace}/{name}'")]
    Variables {
        kind: &'static str,
        namespace: String,
        name: String,
        #[source]
        cause: Box<RequestError>,
    },
    #[error(transparent)]
    Build(build::Error),
    #[error(
        "kustomize build was ended after {after}: it takes too long; make it smaller, or raise spec.timeout, up to {} for a build",
        meta::Duration(build::thread::LONGEST)
    )]
    BuildTimeout { after: meta::Duration },
    #[error("cannot look for what an interrupted run has left")]
    Recover {
        #[source]
        cause: Box<RequestError>,
    },
    #[error("{0} is SOPS encrypted, configuring decryption is required for this secret to be reconciled")]
    Encrypted(Box<ObjectRef>),
    #[error("{cause}{}", after(log))]
    Refused { cause: Box<ReadError>, log: String },
    #[error("{cause}{}", after(log))]
    Apply { cause: Box<ApplyError>, log: String },
    #[error("timeout waiting for: [{missing}]{}", after(log))]
    Stage { missing: String, log: String },
    #[error("delete failed, errors: {errors}")]
    Prune { errors: String },
    #[error("the controller is shutting down")]
    Shutdown,
    #[error("health check failed after {after}: {text}")]
    Health { after: meta::Duration, text: String },
}

fn after(log: &str) -> String {
    if log.is_empty() { String::new() } else { format!("\n{log}") }
}

impl Error {
    /// Whether people are sent an event about it; what is only not there yet is no news.
    #[must_use]
    pub fn is_news(&self) -> bool {
        !matches!(
            self,
            Self::SourceNotFound { .. } | Self::NoArtifact { .. } | Self::ArtifactGone { .. } | Self::Source { .. }
        )
    }

    /// Whether it is the API server that cannot be asked, so that the next try comes soon and not after `spec.retryInterval`.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Source { .. } | Self::Recover { .. })
    }

    /// Whether a build was ended from outside.
    #[must_use]
    pub fn is_interrupted_build(&self) -> bool {
        matches!(self, Self::Build(build::Error::Interrupted))
    }

    /// Whether the generation counts as observed although it is not ready.
    #[must_use]
    pub fn is_observed(&self) -> bool {
        matches!(self, Self::Expression { .. })
    }
}

impl Failure for Error {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Expression { .. }
            | Self::CrossNamespace { .. }
            | Self::ExternalArtifact { .. }
            | Self::IdentityGate
            | Self::Unsupported { .. } => ErrorKind::Stall,
            Self::NoArtifact { retry } | Self::ArtifactGone { retry } | Self::Dependency { retry, .. } => {
                ErrorKind::Wait(*retry)
            }
            _ => ErrorKind::Retry,
        }
    }

    fn reason(&self) -> &'static str {
        match self {
            Self::Expression { .. } => reason::INVALID_CEL_EXPRESSION,
            Self::CrossNamespace { .. } | Self::ExternalArtifact { .. } => reason::ACCESS_DENIED,
            Self::IdentityGate => reason::FEATURE_GATE_DISABLED,
            Self::Dependency { .. } => reason::DEPENDENCY_NOT_READY,
            Self::Disk(_) => DIRECTORY_CREATION_FAILED,
            Self::Fetch(cause) if matches!(**cause, FetchError::Disk { .. }) => DIRECTORY_CREATION_FAILED,
            Self::SourceNotFound { .. }
            | Self::Source { .. }
            | Self::NoArtifact { .. }
            | Self::ArtifactGone { .. }
            | Self::Fetch(_)
            | Self::Path { .. } => reason::ARTIFACT_FAILED,
            Self::Build(_) | Self::BuildTimeout { .. } | Self::VariablesNotFound { .. } | Self::Variables { .. } => {
                reason::BUILD_FAILED
            }
            Self::Unsupported { .. }
            | Self::Ignore(_)
            | Self::Recover { .. }
            | Self::Encrypted(_)
            | Self::Refused { .. }
            | Self::Apply { .. }
            | Self::Stage { .. }
            | Self::Shutdown => reason::RECONCILIATION_FAILED,
            Self::Prune { .. } => reason::PRUNE_FAILED,
            Self::Health { .. } => reason::HEALTH_CHECK_FAILED,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[test]
    fn the_own_disk_is_not_the_artifact() {
        let full = || io::Error::from(io::ErrorKind::StorageFull);
        let kept = FetchError::Disk { path: "/data".into(), source: full() };
        let refused = FetchError::Status { url: "http://x/a".to_owned(), status: 500 };
        let reasons = [Error::Disk(full()), Error::Fetch(Arc::new(kept)), Error::Fetch(Arc::new(refused))];
        let reasons = reasons.map(|error| (error.reason(), error.kind()));
        let expected = ["DirectoryCreationFailed", "DirectoryCreationFailed", "ArtifactFailed"];
        assert_eq!(reasons, expected.map(|reason| (reason, ErrorKind::Retry)));
    }
}
