//! GitRepository: a reference of a Git repository, as an artifact.
//!
//! ```text
//! spec ─► plan (reference, what is not supported) ─► gather (secrets) ─► fetch (list; pack and tree when it is new)
//! ```
//!
//! A bare repository is kept per object below the cache directory: a new commit costs its difference.

mod fetch;
mod gather;
pub mod keep;
mod plan;
#[cfg(test)]
mod tests;

use std::{collections::BTreeSet, path::PathBuf};

use kube::Client;
use weir_api::{
    meta::Artifact,
    names::condition,
    source::{GitRepository, GitRepositoryStatus},
};
use weir_reconcile::{ErrorKind, Failure};
use weir_runtime::{ObjectKey, Run};

use crate::{
    references::Reference,
    secrets::SecretError,
    source::{Fetched, Source, SourceFailure, SourceObject, SourceStatus, object_fields, status_fields},
};

/// The kind's logic.
pub struct GitRepositories {
    client: Client,
    git: weir_git::Client,
    cache: PathBuf,
}

impl GitRepositories {
    /// With the client that reads secrets, the one that fetches, and the directory where repositories are kept.
    #[must_use]
    pub fn new(client: Client, git: weir_git::Client, cache: PathBuf) -> Self {
        Self { client, git, cache }
    }

    /// Where an object's repository is kept.
    fn keep(&self, key: &ObjectKey) -> PathBuf {
        self.cache.join(&key.namespace).join(&key.name)
    }
}

/// Why a GitRepository could not be fetched; a variant per step.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The URL cannot be one.
    #[error("failed to parse url '{url}'")]
    Url {
        /// `spec.url`, without credentials.
        url: String,
        /// Why.
        #[source]
        source: weir_git::Error,
    },
    /// The spec asks for something that is not there yet.
    #[error("{field} is not supported yet: nothing is fetched while it is set")]
    Unsupported {
        /// Field of the spec.
        field: &'static str,
    },
    /// Signatures are demanded and cannot be checked.
    #[error("signature verification is not supported yet: nothing is fetched while spec.verify is set")]
    Verify,
    /// A cloud's identities are not there yet.
    #[error(
        "provider '{provider}' is not supported yet: name a secret in spec.secretRef and set spec.provider to generic"
    )]
    Provider {
        /// `spec.provider`.
        provider: &'static str,
    },
    /// A GitHub App's keys with another provider.
    #[error("secretRef '{name}' has github app data but provider is not set to github")]
    GithubApp {
        /// `namespace/name`.
        name: String,
    },
    /// A GitHub App without a secret.
    #[error("secretRef with github app data must be specified when provider is set to github")]
    GithubSecret,
    /// The secret is missing or unusable.
    #[error("failed to get secret '{name}'")]
    Secret {
        /// `namespace/name`.
        name: String,
        /// Why.
        #[source]
        source: SecretError,
    },
    /// The proxy's secret is missing or unusable.
    #[error("failed to configure proxy options")]
    ProxySecret(#[source] SecretError),
    /// The proxy's secret has not what it should.
    #[error("failed to configure proxy options")]
    Proxy(#[source] weir_git::Error),
    /// The secret has not what the URL needs.
    #[error("failed to configure authentication options")]
    Auth(#[source] weir_git::Error),
    /// The secret's identity needs a password.
    #[error("SSH identity key is encrypted but no 'password' field was provided in the secret '{name}'")]
    Encrypted {
        /// `namespace/name`.
        name: String,
    },
    /// The repository has no commits.
    #[error("git repository is empty")]
    Empty,
    /// The server, the network, or what is in the repository.
    #[error("failed to checkout and determine revision: unable to clone '{url}'")]
    Checkout {
        /// `spec.url`, without credentials.
        url: String,
        /// Why.
        #[source]
        source: weir_git::Error,
    },
}

impl Failure for Error {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Url { .. } | Self::Unsupported { .. } | Self::Verify => ErrorKind::Stall,
            Self::Provider { .. } | Self::GithubSecret => ErrorKind::Stall,
            _ => ErrorKind::Retry,
        }
    }

    fn reason(&self) -> &'static str {
        match self {
            Self::Url { .. } => "URLInvalid",
            Self::Verify => "VerificationError",
            Self::Provider { .. } | Self::GithubApp { .. } | Self::GithubSecret => "InvalidProviderConfiguration",
            Self::Secret { .. } | Self::ProxySecret(_) | Self::Proxy(_) => "AuthenticationFailed",
            Self::Auth(_) | Self::Encrypted { .. } => "AuthenticationFailed",
            Self::Empty => "EmptyGitRepository",
            Self::Unsupported { .. } | Self::Checkout { .. } => "GitOperationFailed",
        }
    }
}

impl SourceFailure for Error {
    fn condition(&self) -> Option<&'static str> {
        Some(match self {
            Self::Verify => condition::SOURCE_VERIFIED,
            _ => condition::FETCH_FAILED,
        })
    }
}

impl Source for GitRepositories {
    type Object = GitRepository;
    type Error = Error;

    const CONDITIONS: &'static [(&'static str, bool)] = &[
        (condition::STORAGE_OPERATION_FAILED, true),
        (condition::FETCH_FAILED, true),
        (condition::INCLUDE_UNAVAILABLE, true),
        (condition::ARTIFACT_OUTDATED, true),
        (condition::ARTIFACT_IN_STORAGE, false),
        (condition::SOURCE_VERIFIED, false),
        (condition::STALLED, true),
        (condition::RECONCILING, true),
    ];
    const LINK: Option<&'static str> = None;

    async fn fetch(&self, object: &GitRepository, stored: Option<&Artifact>, run: &Run) -> Result<Fetched, Error> {
        plan::supported(object)?;
        let remote = plan::remote(object)?;
        let inputs = gather::inputs(self, object, &remote).await?;
        fetch::content(self, object, &remote, &inputs, stored, run).await
    }

    fn stored_message(&self, artifact: &Artifact) -> String {
        format!("stored artifact for revision '{}'", artifact.revision)
    }

    fn event_message(&self, object: &GitRepository, artifact: &Artifact) -> String {
        plan::event_message(object, artifact)
    }

    fn forget(&self, key: &ObjectKey) {
        let (git, keep) = (self.git.clone(), self.keep(key));
        // Whatever remains is a cache; the next object of this name does not trust it unless it is of the same URL.
        tokio::spawn(async move {
            if let Err(error) = git.forget(&keep).await {
                tracing::warn!(error = %weir_reconcile::describe(&error), "the kept repository could not be deleted");
            }
        });
    }
}

impl SourceObject for GitRepository {
    object_fields!(GitRepositoryStatus);

    const KIND: &'static str = "GitRepository";

    fn references(&self) -> BTreeSet<Reference> {
        let spec = &self.spec;
        let keys = spec.verify.as_ref().map(|verify| &verify.secret_ref);
        let secrets = [spec.secret_ref.as_ref(), spec.proxy_secret_ref.as_ref(), keys].into_iter().flatten();
        let accounts = spec.service_account_name.iter().map(|name| Reference::service_account(name));
        secrets.map(|secret| Reference::secret(&secret.name)).chain(accounts).collect()
    }
}

impl SourceStatus<GitRepository> for GitRepositoryStatus {
    status_fields!();

    fn observe(&mut self, object: &GitRepository) {
        let spec = &object.spec;
        self.observed_ignore.clone_from(&spec.ignore);
        self.observed_include.clone_from(&spec.include);
        self.observed_recurse_submodules = spec.recurse_submodules;
        self.observed_sparse_checkout.clone_from(&spec.sparse_checkout);
        self.included_artifacts.clear();
        self.source_verification_mode = None;
    }
}
