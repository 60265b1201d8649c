//! Sending one event to one provider.
//!
//! ```text
//! Provider + Secrets --settings::gather--> Settings --generic | slack--> request --http::post--> reply
//! ```

pub mod generic;
pub mod http;
pub mod settings;
pub mod slack;

use std::time::Duration;

use weir_api::notification::{Provider, ProviderType};
use weir_proto::WireEvent;
use weir_reconcile::describe;

use http::{Clients, PostError};
use settings::SettingsError;

use crate::edge::Edge;

/// How long one try may take when the provider does not say.
const TIMEOUT: Duration = Duration::from_secs(15);

/// A try that failed.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// The provider or one of its secrets makes no sense, or cannot be read.
    #[error("failed to initialize notifier for provider '{name}'")]
    Settings {
        /// The provider.
        name: String,
        /// Why.
        #[source]
        source: Box<SettingsError>,
    },
    /// The provider asks for an identity that it cannot have.
    #[error(transparent)]
    Identity(Box<SettingsError>),
    /// It was not taken.
    #[error("postMessage failed")]
    Post(#[source] PostError),
    /// Nobody wrote that yet.
    #[error("provider type {0} is not supported yet")]
    Unsupported(String),
}

impl SendError {
    /// Whether trying again soon cannot help.
    #[must_use]
    pub fn is_permanent(&self) -> bool {
        match self {
            Self::Settings { source, .. } | Self::Identity(source) => source.is_permanent(),
            Self::Post(error) => error.is_permanent(),
            Self::Unsupported(_) => true,
        }
    }

    /// When the other side wants to be asked again.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Post(error) => error.retry_after(),
            Self::Settings { .. } | Self::Identity(_) | Self::Unsupported(_) => None,
        }
    }

    /// The error with its causes, scrubbed.
    #[must_use]
    pub fn describe(&self) -> String {
        weir_runtime::redact::scrub(&describe(self)).into_owned()
    }
}

/// The type's name as specs spell it.
#[must_use]
pub fn type_name(kind: ProviderType) -> String {
    serde_json::to_value(kind).ok().and_then(|name| name.as_str().map(str::to_owned)).unwrap_or_default()
}

/// Whether the type sets statuses of commits.
#[must_use]
pub fn is_commit_status(kind: ProviderType) -> bool {
    use ProviderType as P;
    matches!(kind, P::Github | P::Gitlab | P::Gitea | P::Bitbucket | P::BitbucketServer | P::AzureDevOps)
}

/// Whether the type comments on change requests.
#[must_use]
pub fn is_change_request(kind: ProviderType) -> bool {
    use ProviderType as P;
    matches!(kind, P::GithubPullRequestComment | P::GitlabMergeRequestComment | P::GiteaPullRequestComment)
}

/// Whether the type forwards events as they are.
#[must_use]
pub fn is_generic(kind: ProviderType) -> bool {
    matches!(kind, ProviderType::Generic | ProviderType::GenericHmac)
}

/// Whether this service can send to the type.
#[must_use]
pub fn is_supported(kind: ProviderType) -> bool {
    is_generic(kind) || kind == ProviderType::Slack
}

/// Sends an event whose metadata is merged; `identities` tells whether the gate for ServiceAccounts is on. What the error says holds neither token nor address.
///
/// # Errors
/// When it was not taken.
pub async fn send<E: Edge>(
    provider: &Provider,
    event: &WireEvent,
    edge: &E,
    clients: &Clients,
    identities: bool,
) -> Result<(), SendError> {
    let name = provider.metadata.name.clone().unwrap_or_default();
    if !is_supported(provider.spec.type_) {
        return Err(SendError::Unsupported(type_name(provider.spec.type_)));
    }
    let wrap = |source| match source {
        // Flux looks at this before it makes anything of the provider, and says it so.
        SettingsError::IdentityGate | SettingsError::Identity => SendError::Identity(Box::new(source)),
        source => SendError::Settings { name: name.clone(), source: Box::new(source) },
    };
    let settings = settings::gather(provider, edge, identities).await.map_err(wrap)?;
    let timeout = provider.spec.timeout.map_or(TIMEOUT, |timeout| timeout.0);
    let request = match provider.spec.type_ {
        ProviderType::Slack => slack::request(&settings, event),
        _ => generic::request(&settings, event, provider.spec.type_ == ProviderType::GenericHmac),
    };
    let request = request.map_err(wrap)?;
    let client = clients.get(provider, &settings).map_err(wrap)?;
    let _masked = settings.mask();
    let sent = http::post(&client, request, timeout).await;
    sent.map_err(|error| SendError::Post(error.masked(&settings)))
}
