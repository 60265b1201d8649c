//! Receiver: webhooks that wake objects.
//!
//! ```text
//! Receiver + Secret --reconcile--> status.webhookPath
//! POST <path> --hook::find--> Receiver --check::verify--> accepted --wake--> reconcile.fluxcd.io/requestedAt on objects
//! ```

mod check;
mod conclude;
mod filter;
pub mod hook;
mod wake;

use std::{sync::Arc, time::Duration};

use sha2::{Digest, Sha256};
use weir_api::notification::{Receiver, ReceiverSpec, ReceiverStatus, ReceiverType};
use weir_reconcile::{Conclusion, ErrorKind, Failure};
use weir_runtime::{Finalized, ObjectKey, Reconciler, Run};

use crate::edge::{Edge, EdgeError};

/// Why a receiver is not ready.
#[derive(Debug, thiserror::Error)]
pub enum ReceiverError {
    /// The secret cannot be read.
    #[error("unable to read token from secret '{secret}' error: {}", weir_reconcile::describe(.source.as_ref()))]
    Secret {
        /// The secret.
        secret: ObjectKey,
        /// Why.
        source: Box<EdgeError>,
    },
    /// The secret has no token.
    #[error("invalid '{secret}' secret data: required fields 'token'")]
    NoToken {
        /// The secret.
        secret: ObjectKey,
    },
    /// The token is empty: the path would be a digest of names that others know.
    #[error(
        "the key 'token' of secret '{secret}' is empty: set it to a secret text, else whoever knows the receiver's name can call it"
    )]
    EmptyToken {
        /// The secret.
        secret: ObjectKey,
    },
    /// An expression is malformed.
    #[error("invalid {which}: {source}")]
    Expression {
        /// Which.
        which: String,
        /// Why.
        source: Box<weir_expr::CompileError>,
    },
    /// What the schema should have refused.
    #[error("{0}")]
    Invalid(&'static str),
    /// Nobody wrote that yet.
    #[error("receiver type {0:?} is not supported yet: use generic, generic-hmac or github")]
    Unsupported(String),
}

impl Failure for ReceiverError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Secret { .. } | Self::NoToken { .. } | Self::EmptyToken { .. } => ErrorKind::Retry,
            Self::Expression { .. } | Self::Invalid(_) | Self::Unsupported(_) => ErrorKind::Stall,
        }
    }

    fn reason(&self) -> &'static str {
        match self {
            Self::Secret { .. } | Self::NoToken { .. } | Self::EmptyToken { .. } => "TokenNotFound",
            Self::Expression { .. } => "InvalidCELExpression",
            Self::Invalid(_) | Self::Unsupported(_) => "ValidationFailed",
        }
    }
}

/// Whether requests to the type can be checked.
#[must_use]
pub fn is_supported(kind: ReceiverType) -> bool {
    matches!(kind, ReceiverType::Generic | ReceiverType::GenericHmac | ReceiverType::Github)
}

/// The path that callers must know: as good as a password, so it holds the token's digest.
#[must_use]
pub fn webhook_path(token: &[u8], key: &ObjectKey) -> String {
    let digest = Sha256::new().chain_update(token).chain_update(&key.name).chain_update(&key.namespace).finalize();
    format!("{}{}", hook::PREFIX, hex::encode(digest))
}

/// Reads the token of a receiver's secret.
///
/// # Errors
/// When there is none.
pub async fn token<E: Edge>(spec: &ReceiverSpec, namespace: &str, edge: &E) -> Result<Vec<u8>, ReceiverError> {
    let Some(reference) = &spec.secret_ref else {
        return Err(ReceiverError::Invalid("secretRef is required when type is not generic-oidc"));
    };
    let secret = ObjectKey::new(namespace, reference.name.clone());
    let data = edge.secret(&secret).await;
    let mut data = data.map_err(|source| ReceiverError::Secret { secret: secret.clone(), source: Box::new(source) })?;
    match data.remove("token") {
        None => Err(ReceiverError::NoToken { secret }),
        Some(token) if token.is_empty() => Err(ReceiverError::EmptyToken { secret }),
        Some(token) => Ok(token),
    }
}

/// Keeps receivers' paths.
pub struct Receivers<E: Edge> {
    edge: Arc<E>,
}

impl<E: Edge> Receivers<E> {
    /// A reconciler over a cluster.
    pub fn new(edge: Arc<E>) -> Self {
        Self { edge }
    }

    async fn path(&self, receiver: &Receiver) -> Result<String, ReceiverError> {
        filter::compile(&receiver.spec)?;
        if !is_supported(receiver.spec.type_) {
            return Err(ReceiverError::Unsupported(check::type_name(receiver.spec.type_)));
        }
        let key = ObjectKey::of(receiver);
        let token = token(&receiver.spec, &key.namespace, self.edge.as_ref()).await?;
        Ok(webhook_path(&token, &key))
    }
}

impl<E: Edge> Reconciler for Receivers<E> {
    type Object = Receiver;
    type Status = ReceiverStatus;

    /// Receiver -> token -> path -> conclusion.
    async fn reconcile(&self, object: Arc<Receiver>, run: &Run) -> Conclusion<ReceiverStatus> {
        let path = self.path(&object).await;
        conclude::from(&object, path, run.now)
    }

    async fn finalize(&self, _: Arc<Receiver>, _: &Run) -> Finalized<ReceiverStatus> {
        Finalized::done()
    }
}

/// How long a receiver waits before it looks at its secret again.
fn interval(spec: &ReceiverSpec) -> Duration {
    spec.interval.0
}
