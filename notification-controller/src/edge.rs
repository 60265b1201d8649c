//! What delivering and receiving ask of the cluster.

use std::{collections::BTreeMap, sync::Arc};

use weir_api::notification::{Alert, Provider, Receiver};
use weir_proto::WireReference;
use weir_reconcile::Event;
use weir_runtime::ObjectKey;

/// The data of a Secret.
pub type SecretData = BTreeMap<String, Vec<u8>>;

/// A question the cluster did not answer.
#[derive(Debug, thiserror::Error)]
pub enum EdgeError {
    /// The object is not there.
    #[error("{kind} '{key}' not found")]
    NotFound {
        /// Its kind.
        kind: String,
        /// Its name.
        key: ObjectKey,
    },
    /// The API server could not be reached or refused.
    #[error("cannot {action} {kind} '{key}'")]
    Api {
        /// `read`, `list` or `annotate`.
        action: &'static str,
        /// The kind.
        kind: String,
        /// The object.
        key: ObjectKey,
        /// Why.
        #[source]
        source: Box<kube::Error>,
    },
}

/// Objects of a kind, by their own names or by label.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// API version.
    pub api_version: String,
    /// Kind.
    pub kind: String,
    /// Namespace.
    pub namespace: String,
    /// One object by name, or all with these labels.
    pub which: Which,
}

/// Which objects of a kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Which {
    /// The one with this name.
    Named(String),
    /// All with these labels.
    Labelled(BTreeMap<String, String>),
}

/// The cluster, as this service sees it.
pub trait Edge: Send + Sync + 'static {
    /// All alerts.
    fn alerts(&self) -> Vec<Arc<Alert>>;
    /// One alert.
    fn alert(&self, key: &ObjectKey) -> Option<Arc<Alert>>;
    /// One provider.
    fn provider(&self, key: &ObjectKey) -> Option<Arc<Provider>>;
    /// The receiver with this path in its status.
    fn receiver(&self, path: &str) -> Option<Arc<Receiver>>;
    /// The data of a Secret.
    fn secret(&self, key: &ObjectKey) -> impl Future<Output = Result<SecretData, EdgeError>> + Send;
    /// The labels of the object an event is about.
    fn labels(
        &self,
        object: &WireReference,
    ) -> impl Future<Output = Result<BTreeMap<String, String>, EdgeError>> + Send;
    /// Metadata of objects, as `PartialObjectMetadata`.
    fn find(&self, wanted: &Wanted) -> impl Future<Output = Result<Vec<serde_json::Value>, EdgeError>> + Send;
    /// Sets an annotation.
    fn annotate(
        &self,
        wanted: &Wanted,
        name: &str,
        key: &str,
        value: &str,
    ) -> impl Future<Output = Result<(), EdgeError>> + Send;
    /// Tells people of something about an alert.
    fn tell(&self, alert: &Alert, event: Event) -> impl Future<Output = ()> + Send;
}
