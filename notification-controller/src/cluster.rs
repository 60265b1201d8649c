//! The cluster: alerts, providers and receivers by watches on every replica, the rest by requests.

use std::{collections::BTreeMap, sync::Arc};

use k8s_openapi::api::core::v1::Secret;
use kube::{
    Api, Client,
    api::{DynamicObject, ListParams, Patch, PatchParams},
    core::{ApiResource, GroupVersionKind, TypeMeta},
};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use weir_api::{
    names::{FINALIZER, manager},
    notification::{Alert, Provider, Receiver},
};
use weir_proto::WireReference;
use weir_reconcile::{Event, Severity};
use weir_runtime::{
    ObjectKey,
    events::{Recorder, Target},
    key::is_segment,
    runtime::Runtime,
    watch::{Query, Raw, Secondary, secondary},
};

use crate::edge::{Edge, EdgeError, SecretData, Wanted, Which};

/// An object whose finalizer is from a time when its kind had one.
#[derive(Clone, Debug)]
enum Migrate {
    Alert(Arc<Alert>),
    Provider(Arc<Provider>),
}

/// The cluster behind a client.
#[derive(Clone)]
pub struct Cluster {
    client: Client,
    recorder: Recorder,
    alerts: Secondary<Arc<Alert>>,
    providers: Secondary<Arc<Provider>>,
    receivers: Secondary<Arc<Receiver>>,
}

/// A cluster, and what its watches tell.
pub struct Watched {
    /// The cluster.
    pub cluster: Cluster,
    /// Keys of alerts and providers that changed. One task reads it.
    pub changes: mpsc::UnboundedReceiver<ObjectKey>,
}

impl Cluster {
    /// Starts the watches.
    pub fn watch(runtime: &mut Runtime) -> Watched {
        let context = runtime.context();
        let client = context.clients.own();
        let namespace = context.settings.watched_namespace();
        let (changed, changes) = mpsc::unbounded_channel();
        let (migrate, migrations) = mpsc::unbounded_channel();
        let query = |query: Query| query.namespace(namespace.as_deref());

        let (tell, old) = (changed.clone(), migrate.clone());
        let (alerts, task) = secondary(client.clone(), query(Query::of::<Alert>()), decode::<Alert>, move |moved| {
            // Nobody listens any more only at shutdown.
            let _ = tell.send(moved.key.clone());
            if let Some(alert) = moved.new.filter(|alert| has_finalizer(alert.metadata.finalizers.as_ref())) {
                let _ = old.send(Migrate::Alert(Arc::clone(alert)));
            }
        });
        keep(runtime, "alerts", task);
        let (tell, old) = (changed, migrate);
        let (providers, task) =
            secondary(client.clone(), query(Query::of::<Provider>()), decode::<Provider>, move |moved| {
                let _ = tell.send(moved.key.clone());
                if let Some(provider) =
                    moved.new.filter(|provider| has_finalizer(provider.metadata.finalizers.as_ref()))
                {
                    let _ = old.send(Migrate::Provider(Arc::clone(provider)));
                }
            });
        keep(runtime, "providers", task);
        let (receivers, task) = secondary(client.clone(), query(Query::of::<Receiver>()), decode::<Receiver>, |_| {});
        keep(runtime, "receivers", task);

        let recorder = context.recorder.clone();
        let cluster = Self { client: client.clone(), recorder: recorder.clone(), alerts, providers, receivers };
        runtime.leading("migration", move |shutdown| async move {
            shutdown.run_until_cancelled(migrate_all(client, recorder, migrations)).await;
        });
        let ready = cluster.clone();
        runtime.ready(move || ready.is_synced());
        Watched { cluster, changes }
    }

    fn is_synced(&self) -> bool {
        self.alerts.is_synced() && self.providers.is_synced() && self.receivers.is_synced()
    }

    /// Waits until everything watched is known.
    pub async fn synced(&self) {
        self.alerts.synced().await;
        self.providers.synced().await;
        self.receivers.synced().await;
    }

    /// Keys of the receivers that take their token from a secret.
    #[must_use]
    pub fn receivers_of(&self, secret: &ObjectKey) -> Vec<ObjectKey> {
        let uses = |receiver: &Receiver| {
            let name = receiver.spec.secret_ref.as_ref().map(|reference| reference.name.as_str());
            name == Some(secret.name.as_str())
        };
        let own = |(key, receiver): (ObjectKey, Arc<Receiver>)| {
            (key.namespace == secret.namespace && uses(&receiver)).then_some(key)
        };
        self.receivers.all().into_iter().filter_map(own).collect()
    }
}

fn keep(runtime: &mut Runtime, what: &'static str, task: impl Future<Output = ()> + Send + 'static) {
    runtime.always(what, |shutdown| async move {
        shutdown.run_until_cancelled(task).await;
    });
}

/// An object without what nobody looks at; `None` for one that does not fit its kind, which then counts as absent.
fn decode<K: DeserializeOwned + kube::Resource>(raw: &Raw<'_>) -> Option<Arc<K>> {
    match serde_json::from_str::<K>(raw.json) {
        Ok(mut object) => {
            object.meta_mut().managed_fields = None;
            Some(Arc::new(object))
        }
        Err(error) => {
            tracing::error!(error = %error, object = %raw.key(), "cannot read an object, it is passed over");
            None
        }
    }
}

fn has_finalizer(finalizers: Option<&Vec<String>>) -> bool {
    finalizers.is_some_and(|all| all.iter().any(|finalizer| finalizer == FINALIZER))
}

/// Removes finalizers of kinds that have none any more.
async fn migrate_all(client: Client, recorder: Recorder, mut migrations: mpsc::UnboundedReceiver<Migrate>) {
    while let Some(object) = migrations.recv().await {
        let done = match &object {
            Migrate::Alert(alert) => migrate(&client, &recorder, alert.as_ref(), "Alert").await,
            Migrate::Provider(provider) => migrate(&client, &recorder, provider.as_ref(), "Provider").await,
        };
        if let Err(error) = done {
            // The next change or restart tries again; a conflict means that somebody changed it.
            tracing::error!(error = %error, "cannot remove an old finalizer");
        }
    }
}

async fn migrate<K>(client: &Client, recorder: &Recorder, object: &K, kind: &str) -> Result<(), kube::Error>
where
    K: kube::Resource<DynamicType = (), Scope = k8s_openapi::NamespaceResourceScope>
        + Clone
        + DeserializeOwned
        + std::fmt::Debug,
{
    let meta = object.meta();
    let key = ObjectKey::of(object);
    let left: Vec<&String> = meta.finalizers.iter().flatten().filter(|finalizer| *finalizer != FINALIZER).collect();
    let patch = json!({"metadata": {"finalizers": left, "resourceVersion": meta.resource_version}});
    let params = PatchParams { field_manager: Some(manager::NOTIFICATION.to_owned()), ..PatchParams::default() };
    let api: Api<K> = Api::namespaced(client.clone(), &key.namespace);
    api.patch(&key.name, &params, &Patch::Merge(patch)).await?;
    let message = format!("removed finalizer from {kind} to migrate to static {kind}");
    recorder.record(&Target::of(object), &Event::new(Severity::Info, "Migration", message), None).await;
    Ok(())
}

/// Where a kind's objects are, for an object that a receiver or a caller names. Its names become parts of a path that is
/// asked for under our own identity, so they must not hold what a path would read as something else.
fn resource(api_version: &str, kind: &str, key: &ObjectKey) -> Result<ApiResource, EdgeError> {
    let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
    let all = [version, kind, key.namespace.as_str(), key.name.as_str()].into_iter().all(is_segment);
    if !all || !(group.is_empty() || is_segment(group)) {
        return Err(EdgeError::NotFound { kind: kind.to_owned(), key: key.clone() });
    }
    Ok(ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, kind)))
}

impl Cluster {
    /// The objects; `name` is one of them when one is asked for.
    fn api(&self, wanted: &Wanted, name: Option<&str>) -> Result<Api<DynamicObject>, EdgeError> {
        let key = ObjectKey::new(wanted.namespace.clone(), name.unwrap_or("all"));
        let resource = resource(&wanted.api_version, &wanted.kind, &key)?;
        Ok(Api::namespaced_with(self.client.clone(), &wanted.namespace, &resource))
    }
}

/// Turns a client's error into ours.
fn failed(action: &'static str, kind: &str, key: ObjectKey) -> impl FnOnce(kube::Error) -> EdgeError {
    let kind = kind.to_owned();
    move |source| match &source {
        kube::Error::Api(status) if status.code == 404 => EdgeError::NotFound { kind, key },
        _ => EdgeError::Api { action, kind, key, source: Box::new(source) },
    }
}

impl Edge for Cluster {
    fn alerts(&self) -> Vec<Arc<Alert>> {
        self.alerts.all().into_iter().map(|(_, alert)| alert).collect()
    }

    fn alert(&self, key: &ObjectKey) -> Option<Arc<Alert>> {
        self.alerts.get(key)
    }

    fn provider(&self, key: &ObjectKey) -> Option<Arc<Provider>> {
        self.providers.get(key)
    }

    fn receiver(&self, path: &str) -> Option<Arc<Receiver>> {
        let path_of = |receiver: &Receiver| receiver.status.as_ref()?.webhook_path.clone();
        let same = |own: String| constant_time_eq(own.as_bytes(), path.as_bytes());
        let mut found = None;
        // All are compared, so that the time tells nothing.
        for (_, receiver) in self.receivers.all() {
            if path_of(&receiver).is_some_and(same) {
                found = Some(receiver);
            }
        }
        found
    }

    async fn secret(&self, key: &ObjectKey) -> Result<SecretData, EdgeError> {
        if !is_segment(&key.name) {
            return Err(EdgeError::NotFound { kind: "Secret".to_owned(), key: key.clone() });
        }
        let api: Api<Secret> = Api::namespaced(self.client.clone(), &key.namespace);
        let secret = api.get(&key.name).await.map_err(failed("read", "Secret", key.clone()))?;
        Ok(secret.data.unwrap_or_default().into_iter().map(|(name, value)| (name, value.0)).collect())
    }

    async fn labels(&self, object: &WireReference) -> Result<BTreeMap<String, String>, EdgeError> {
        let key = ObjectKey::new(object.namespace.clone(), object.name.clone());
        let resource = resource(&object.api_version, &object.kind, &key)?;
        let api: Api<DynamicObject> = Api::namespaced_with(self.client.clone(), &object.namespace, &resource);
        let found = api.get_metadata(&object.name).await.map_err(failed("read", &object.kind, key))?;
        Ok(found.metadata.labels.unwrap_or_default())
    }

    async fn find(&self, wanted: &Wanted) -> Result<Vec<Value>, EdgeError> {
        let name = if let Which::Named(name) = &wanted.which { Some(name.as_str()) } else { None };
        let api = self.api(wanted, name)?;
        let key = |name: &str| ObjectKey::new(wanted.namespace.clone(), name);
        let found = match &wanted.which {
            Which::Named(name) => {
                let one = api.get_metadata(name).await.map_err(failed("read", &wanted.kind, key(name)))?;
                vec![one]
            }
            Which::Labelled(labels) => {
                let selector: Vec<String> = labels.iter().map(|(key, value)| format!("{key}={value}")).collect();
                let params = ListParams::default().labels(&selector.join(","));
                api.list_metadata(&params).await.map_err(failed("list", &wanted.kind, key("*")))?.items
            }
        };
        let named = |object| {
            // The server says PartialObjectMetadata; expressions are about the object.
            let types = TypeMeta { api_version: wanted.api_version.clone(), kind: wanted.kind.clone() };
            let mut value = serde_json::to_value(object).unwrap_or_default();
            if let Value::Object(fields) = &mut value {
                fields.insert("apiVersion".to_owned(), types.api_version.into());
                fields.insert("kind".to_owned(), types.kind.into());
            }
            value
        };
        Ok(found.into_iter().map(named).collect())
    }

    async fn annotate(&self, wanted: &Wanted, name: &str, key: &str, value: &str) -> Result<(), EdgeError> {
        let patch = json!({"metadata": {"annotations": {key: value}}});
        let params = PatchParams { field_manager: Some(manager::NOTIFICATION.to_owned()), ..PatchParams::default() };
        let own = ObjectKey::new(wanted.namespace.clone(), name);
        let patched = self.api(wanted, Some(name))?.patch_metadata(name, &params, &Patch::Merge(patch)).await;
        patched.map(|_| ()).map_err(failed("annotate", &wanted.kind, own))
    }

    async fn tell(&self, alert: &Alert, event: Event) {
        self.recorder.record(&Target::of(alert), &event, None).await;
    }
}

/// Compares without telling by its time where two texts differ.
fn constant_time_eq(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && a.iter().zip(b).fold(0, |differ, (a, b)| differ | (a ^ b)) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_from_outside_are_parts_of_a_path_and_no_paths() {
        let at = |api_version: &str, kind: &str, namespace: &str, name: &str| {
            resource(api_version, kind, &ObjectKey::new(namespace, name))
        };
        let (flux, kind) = ("kustomize.toolkit.fluxcd.io/v1", "Kustomization");
        assert_eq!(at(flux, kind, "apps", "web-1.x").unwrap().plural, "kustomizations");
        assert!(at("v1", "ConfigMap", "apps", "kube-root-ca.crt").is_ok());
        for (api_version, kind, namespace, name) in [
            ("kustomize.toolkit.fluxcd.io/v1/namespaces/other/kustomizations/x?y=", kind, "apps", "web"),
            ("v1%2Fnamespaces%2Fkube-system%2Fsecrets%2Fx?y=", kind, "apps", "web"),
            ("v1", kind, "kube-system/secrets/x?y=", "web"),
            (flux, kind, "apps", "../../../other/kustomizations/x"),
            (flux, kind, "apps", "web?dryRun=All"),
            (flux, "Kustomization/../x", "apps", "web"),
            ("..", kind, "apps", "web"),
            (flux, kind, "..", "web"),
            (flux, kind, "", "web"),
            ("", kind, "apps", "web"),
        ] {
            let refused = at(api_version, kind, namespace, name);
            assert!(matches!(refused, Err(EdgeError::NotFound { .. })), "{api_version} {kind} {namespace} {name}");
        }
    }
}
