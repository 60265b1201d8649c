//! Asking for reconciles of a receiver's objects.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;
use weir_api::{
    names::annotation::RECONCILE_REQUEST,
    notification::{Receiver, ReceiverResource},
};
use weir_expr::EvalError;
use weir_reconcile::describe;
use weir_runtime::ObjectKey;

use super::filter::Filters;
use crate::edge::{Edge, EdgeError, Wanted, Which};

/// An entry of `resources` that could not be woken.
#[derive(Debug, thiserror::Error)]
pub(super) enum WakeError {
    #[error("cross-namespace references are not allowed")]
    CrossNamespace,
    #[error("apiVersion must be specified for kind {0:?}")]
    NoVersion(&'static str),
    #[error("matchLabels field not set when using wildcard '*' as name")]
    NoLabels,
    #[error("unable to request reconciliation")]
    Cluster(#[source] EdgeError),
    #[error("cannot filter")]
    Filter(#[source] EvalError),
}

/// The version of a kind where Flux knows it by itself.
fn version_of(kind: &str) -> Option<&'static str> {
    match kind {
        "Bucket" | "HelmChart" | "HelmRepository" | "GitRepository" | "OCIRepository" => {
            Some("source.toolkit.fluxcd.io/v1")
        }
        "ImageRepository" => Some("image.toolkit.fluxcd.io/v1"),
        "ArtifactGenerator" => Some("source.extensions.fluxcd.io/v1beta1"),
        _ => None,
    }
}

fn wanted(resource: &ReceiverResource, own: &str, no_cross_namespace: bool) -> Result<Wanted, WakeError> {
    let namespace = resource.namespace.as_deref().filter(|ns| !ns.is_empty()).unwrap_or(own);
    if no_cross_namespace && namespace != own {
        return Err(WakeError::CrossNamespace);
    }
    let kind = resource.kind.as_str();
    let given = resource.api_version.as_deref().filter(|version| !version.is_empty());
    let api_version = given.or_else(|| version_of(kind)).ok_or(WakeError::NoVersion(kind))?;
    let which = match (resource.name.as_str(), resource.match_labels.is_empty()) {
        ("*", true) => return Err(WakeError::NoLabels),
        ("*", false) => Which::Labelled(resource.match_labels.clone()),
        (name, _) => Which::Named(name.to_owned()),
    };
    Ok(Wanted { api_version: api_version.to_owned(), kind: kind.to_owned(), namespace: namespace.to_owned(), which })
}

/// Wakes every object that the receiver names and its filters accept; says whether all went well.
pub(super) async fn all<E: Edge>(
    receiver: &Receiver,
    filters: &Filters,
    request: &Value,
    no_cross_namespace: bool,
    now: Timestamp,
    edge: &Arc<E>,
) -> bool {
    let key = ObjectKey::of(receiver);
    let mut fine = true;
    for (index, resource) in receiver.spec.resources.iter().enumerate() {
        let entry = Entry { index, filters, request, now };
        let woken = match wanted(resource, &key.namespace, no_cross_namespace) {
            Ok(wanted) => entry.wake(&wanted, edge.as_ref()).await,
            Err(error) => Err(error),
        };
        if let Err(error) = woken {
            let error = describe(&error);
            tracing::error!(error, receiver = %key, kind = resource.kind.as_str(), name = resource.name, "unable to request reconciliation");
            fine = false;
        }
    }
    fine
}

struct Entry<'a> {
    index: usize,
    filters: &'a Filters,
    request: &'a Value,
    now: Timestamp,
}

impl Entry<'_> {
    async fn wake<E: Edge>(&self, wanted: &Wanted, edge: &E) -> Result<(), WakeError> {
        let objects = edge.find(wanted).await.map_err(WakeError::Cluster)?;
        if objects.is_empty() {
            tracing::info!(kind = wanted.kind, namespace = wanted.namespace, "no resources found with matching labels");
        }
        for object in objects {
            let name = object.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default();
            if !self.filters.accept(self.index, &object, self.request).map_err(WakeError::Filter)? {
                tracing::debug!(
                    kind = wanted.kind,
                    name,
                    "resource not annotated because an expression returned false"
                );
                continue;
            }
            let value = self.now.to_string();
            edge.annotate(wanted, name, RECONCILE_REQUEST, &value).await.map_err(WakeError::Cluster)?;
            tracing::info!(kind = wanted.kind, name, namespace = wanted.namespace, "resource annotated");
        }
        Ok(())
    }
}
