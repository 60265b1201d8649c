//! OCIRepository: a tag or digest of an OCI repository, as an artifact.
//!
//! ```text
//! spec ─► gather (secrets, connection) ─► plan (selector) ─► fetch (digest; manifest, layer when it is new)
//! ```

mod fetch;
mod gather;
mod plan;
#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Arc, Mutex, PoisonError},
};

use kube::Client;
use weir_api::{
    meta::Artifact,
    names::condition,
    source::{OciRepository, OciRepositoryStatus},
};
use weir_artifact::{Scratch, UnpackError};
use weir_oci::{OciError, Transports};
use weir_reconcile::{ErrorKind, Failure};
use weir_runtime::{ObjectKey, Run};

use crate::{
    references::Reference,
    secrets::SecretError,
    source::{Fetched, News, Source, SourceFailure, SourceObject, SourceStatus, object_fields, status_fields},
};

/// The kind's logic.
pub struct OciRepositories {
    client: Client,
    transports: Transports,
    /// Pull secrets found behind ServiceAccounts, per object.
    behind: Mutex<HashMap<ObjectKey, BTreeSet<Reference>>>,
    /// Where layers are unpacked.
    scratch: Arc<Scratch>,
}

impl OciRepositories {
    /// With the client that reads secrets, and the directory where layers are unpacked.
    #[must_use]
    pub fn new(client: Client, scratch: Scratch) -> Self {
        let scratch = Arc::new(scratch);
        Self { client, transports: Transports::default(), behind: Mutex::default(), scratch }
    }
}

/// Why an OCIRepository could not be fetched; a variant per step.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A secret is missing or unusable.
    #[error("failed to get credential")]
    Credential(#[source] SecretError),
    /// A pull secret is malformed.
    #[error("failed to get credential")]
    Keychain(#[source] Box<OciError>),
    /// The proxy's secret is missing or unusable.
    #[error("failed to get proxy address")]
    Proxy(#[source] SecretError),
    /// Certificates or the proxy do not make a connection.
    #[error("failed to generate transport for '{url}'")]
    Certificates {
        /// `spec.url`.
        url: String,
        /// Why.
        #[source]
        source: Box<SecretError>,
    },
    /// Certificates or the proxy do not make a connection.
    #[error("failed to generate transport for '{url}'")]
    Transport {
        /// `spec.url`.
        url: String,
        /// Why.
        #[source]
        source: Box<OciError>,
    },
    /// Cloud identities are not there yet.
    #[error(
        "failed to get credential from {provider}: cloud identities are not supported yet: name a pull secret in spec.secretRef, or set spec.provider to generic"
    )]
    Provider {
        /// `spec.provider`.
        provider: &'static str,
    },
    /// The URL cannot be one.
    #[error("URL validation failed for '{url}'")]
    Url {
        /// `spec.url`.
        url: String,
        /// Why.
        #[source]
        source: Box<OciError>,
    },
    /// No tag can be chosen.
    #[error("failed to determine the artifact tag for '{url}'")]
    Tag {
        /// `spec.url`.
        url: String,
        /// Why.
        #[source]
        source: Box<OciError>,
    },
    /// The tag's digest cannot be had.
    #[error("failed to determine artifact digest")]
    Digest(#[source] Box<OciError>),
    /// Signatures are demanded and cannot be checked.
    #[error(
        "failed to verify the signature using provider '{provider}': signature verification is not supported yet: nothing is fetched while spec.verify is set"
    )]
    Verify {
        /// The tool, with `keyless` where it applies.
        provider: String,
        /// What is new.
        news: News,
    },
    /// Manifest or layer cannot be pulled.
    #[error("failed to pull artifact from '{url}'")]
    Pull {
        /// `spec.url`.
        url: String,
        /// What is new.
        news: News,
        /// Why.
        #[source]
        source: Box<OciError>,
    },
    /// The manifest has not the layer.
    #[error("{reason}")]
    Layer {
        /// Why.
        reason: String,
        /// What is new.
        news: News,
    },
    /// The layer does not unpack.
    #[error("failed to extract layer contents from artifact")]
    Extract {
        /// What is new.
        news: News,
        /// Why.
        #[source]
        source: Box<UnpackError>,
    },
    /// A mistake of ours while the layer was unpacked.
    #[error("failed to extract layer contents from artifact: panic, see the log: please report it")]
    Panic {
        /// What is new.
        news: News,
    },
    /// No room or no right for temporary files.
    #[error("failed to create temporary working directory")]
    Scratch(#[source] std::io::Error),
    /// It took too long.
    #[error("{step} did not end within {timeout}: raise spec.timeout if the registry is slow")]
    Timeout {
        /// What was done.
        step: &'static str,
        /// `spec.timeout`.
        timeout: String,
        /// What is new.
        news: Option<News>,
    },
}

impl Failure for Error {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Url { .. } | Self::Provider { .. } | Self::Verify { .. } => ErrorKind::Stall,
            _ => ErrorKind::Retry,
        }
    }

    fn reason(&self) -> &'static str {
        let denied = |source: &OciError| source.kind() == weir_oci::Kind::Authentication;
        match self {
            Self::Credential(_) | Self::Keychain(_) | Self::Proxy(_) | Self::Provider { .. } => "AuthenticationFailed",
            Self::Certificates { .. } | Self::Transport { .. } => "AuthenticationFailed",
            Self::Url { .. } => "URLInvalid",
            Self::Tag { source, .. } if denied(source) => "AuthenticationFailed",
            Self::Tag { .. } => "ReadOperationFailed",
            Self::Digest(source) | Self::Pull { source, .. } if denied(source) => "AuthenticationFailed",
            Self::Digest(_) | Self::Pull { .. } | Self::Timeout { .. } => "OCIArtifactPullFailed",
            Self::Verify { .. } => "VerificationError",
            Self::Layer { .. } | Self::Extract { .. } | Self::Panic { .. } => "OCIArtifactLayerOperationFailed",
            Self::Scratch(_) => "DirectoryCreationFailed",
        }
    }
}

impl SourceFailure for Error {
    fn condition(&self) -> Option<&'static str> {
        Some(match self {
            Self::Verify { .. } => condition::SOURCE_VERIFIED,
            Self::Scratch(_) => condition::STORAGE_OPERATION_FAILED,
            _ => condition::FETCH_FAILED,
        })
    }

    fn news(&self) -> Option<&News> {
        match self {
            Self::Verify { news, .. } | Self::Pull { news, .. } | Self::Layer { news, .. } => Some(news),
            Self::Extract { news, .. } | Self::Panic { news } => Some(news),
            Self::Timeout { news, .. } => news.as_ref(),
            _ => None,
        }
    }
}

impl Source for OciRepositories {
    type Object = OciRepository;
    type Error = Error;

    const CONDITIONS: &'static [(&'static str, bool)] = &[
        (condition::STORAGE_OPERATION_FAILED, true),
        (condition::FETCH_FAILED, true),
        (condition::ARTIFACT_OUTDATED, true),
        (condition::ARTIFACT_IN_STORAGE, false),
        (condition::SOURCE_VERIFIED, false),
        (condition::STALLED, true),
        (condition::RECONCILING, true),
    ];
    const LINK: Option<&'static str> = Some("latest.tar.gz");

    async fn fetch(&self, object: &OciRepository, stored: Option<&Artifact>, run: &Run) -> Result<Fetched, Error> {
        let repository = plan::repository(object)?;
        let inputs = gather::inputs(self, object).await?;
        fetch::content(object, repository, inputs, stored, run).await
    }

    fn stored_message(&self, artifact: &Artifact) -> String {
        format!("stored artifact for digest '{}'", artifact.revision)
    }

    fn event_message(&self, object: &OciRepository, artifact: &Artifact) -> String {
        plan::event_message(&object.spec.url, artifact)
    }

    fn discovered(&self, key: &ObjectKey) -> BTreeSet<Reference> {
        let behind = self.behind.lock().unwrap_or_else(PoisonError::into_inner);
        behind.get(key).cloned().unwrap_or_default()
    }

    fn forget(&self, key: &ObjectKey) {
        self.behind.lock().unwrap_or_else(PoisonError::into_inner).remove(key);
    }
}

impl SourceObject for OciRepository {
    object_fields!(OciRepositoryStatus);

    const KIND: &'static str = "OCIRepository";

    fn references(&self) -> BTreeSet<Reference> {
        let spec = &self.spec;
        let secrets = [&spec.secret_ref, &spec.cert_secret_ref, &spec.proxy_secret_ref].into_iter().flatten();
        let accounts = spec.service_account_name.iter().map(|name| Reference::service_account(name));
        secrets.map(|secret| Reference::secret(&secret.name)).chain(accounts).collect()
    }
}

impl SourceStatus<OciRepository> for OciRepositoryStatus {
    status_fields!();

    fn observe(&mut self, object: &OciRepository) {
        self.observed_ignore.clone_from(&object.spec.ignore);
        self.observed_layer_selector.clone_from(&object.spec.layer_selector);
    }

    fn url(&self) -> Option<&str> {
        self.url.as_deref()
    }

    fn set_url(&mut self, url: Option<String>) {
        self.url = url;
    }
}
