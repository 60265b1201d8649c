//! A cluster in memory for tests of the steps; what talks to an API server is tested with a real one.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use serde_json::Value;
use weir_api::notification::{Alert, Provider, Receiver};
use weir_proto::WireReference;
use weir_reconcile::Event;
use weir_runtime::ObjectKey;

use crate::edge::{Edge, EdgeError, SecretData, Wanted, Which};

#[derive(Debug, Default)]
pub(crate) struct Fake {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    alerts: BTreeMap<ObjectKey, Arc<Alert>>,
    providers: BTreeMap<ObjectKey, Arc<Provider>>,
    receivers: Vec<Arc<Receiver>>,
    secrets: BTreeMap<ObjectKey, SecretData>,
    labels: BTreeMap<String, String>,
    objects: Vec<Value>,
    annotated: Vec<(String, String)>,
    told: Vec<Event>,
    missing: bool,
    down: bool,
}

impl Fake {
    fn with<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        change(&mut self.state.lock().unwrap())
    }

    pub(crate) fn labels(&self, labels: &[(&str, &str)]) {
        let labels = labels.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        self.with(|state| state.labels = labels);
    }

    pub(crate) fn put_alert(&self, alert: Alert) {
        self.with(|state| state.alerts.insert(ObjectKey::of(&alert), Arc::new(alert)));
    }

    pub(crate) fn put_provider(&self, provider: Provider) {
        self.with(|state| state.providers.insert(ObjectKey::of(&provider), Arc::new(provider)));
    }

    pub(crate) fn put_receiver(&self, receiver: Receiver) {
        self.with(|state| state.receivers.push(Arc::new(receiver)));
    }

    pub(crate) fn put_secret(&self, namespace: &str, name: &str, data: &[(&str, &str)]) {
        let data = data.iter().map(|(k, v)| ((*k).to_owned(), v.as_bytes().to_vec())).collect();
        self.with(|state| state.secrets.insert(ObjectKey::new(namespace, name), data));
    }

    pub(crate) fn put_object(&self, object: Value) {
        self.with(|state| state.objects.push(object));
    }

    pub(crate) fn object_missing(&self) {
        self.with(|state| state.missing = true);
    }

    pub(crate) fn api_down(&self) {
        self.with(|state| state.down = true);
    }

    pub(crate) fn told(&self) -> Vec<Event> {
        self.with(|state| state.told.clone())
    }

    pub(crate) fn annotated(&self) -> Vec<(String, String)> {
        self.with(|state| state.annotated.clone())
    }

    fn check(&self, kind: &str, key: &ObjectKey) -> Result<(), EdgeError> {
        self.with(|state| match (state.down, state.missing) {
            (true, _) => Err(EdgeError::Api {
                action: "read",
                kind: kind.to_owned(),
                key: key.clone(),
                source: Box::new(kube::Error::LinesCodecMaxLineLengthExceeded),
            }),
            (false, true) => Err(EdgeError::NotFound { kind: kind.to_owned(), key: key.clone() }),
            (false, false) => Ok(()),
        })
    }
}

impl Edge for Fake {
    fn alerts(&self) -> Vec<Arc<Alert>> {
        self.with(|state| state.alerts.values().cloned().collect())
    }

    fn alert(&self, key: &ObjectKey) -> Option<Arc<Alert>> {
        self.with(|state| state.alerts.get(key).cloned())
    }

    fn provider(&self, key: &ObjectKey) -> Option<Arc<Provider>> {
        self.with(|state| state.providers.get(key).cloned())
    }

    fn receiver(&self, path: &str) -> Option<Arc<Receiver>> {
        let has = |receiver: &&Arc<Receiver>| {
            receiver.status.as_ref().and_then(|status| status.webhook_path.as_deref()) == Some(path)
        };
        self.with(|state| state.receivers.iter().find(has).cloned())
    }

    async fn secret(&self, key: &ObjectKey) -> Result<SecretData, EdgeError> {
        self.check("Secret", key)?;
        let found = self.with(|state| state.secrets.get(key).cloned());
        found.ok_or_else(|| EdgeError::NotFound { kind: "Secret".to_owned(), key: key.clone() })
    }

    async fn labels(&self, object: &WireReference) -> Result<BTreeMap<String, String>, EdgeError> {
        self.check(&object.kind, &ObjectKey::new(object.namespace.clone(), object.name.clone()))?;
        Ok(self.with(|state| state.labels.clone()))
    }

    async fn find(&self, wanted: &Wanted) -> Result<Vec<Value>, EdgeError> {
        self.check(&wanted.kind, &ObjectKey::new(wanted.namespace.clone(), ""))?;
        let text = |object: &Value, pointer: &str| object.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
        let fits = |object: &&Value| {
            text(object, "/kind").as_deref() == Some(wanted.kind.as_str())
                && text(object, "/metadata/namespace").as_deref() == Some(wanted.namespace.as_str())
                && match &wanted.which {
                    Which::Named(name) => text(object, "/metadata/name").as_ref() == Some(name),
                    Which::Labelled(labels) => labels.iter().all(|(key, value)| {
                        object["metadata"]["labels"][key.as_str()].as_str() == Some(value.as_str())
                    }),
                }
        };
        let found: Vec<Value> = self.with(|state| state.objects.iter().filter(fits).cloned().collect());
        match &wanted.which {
            Which::Named(name) if found.is_empty() => Err(EdgeError::NotFound {
                kind: wanted.kind.clone(),
                key: ObjectKey::new(wanted.namespace.clone(), name.clone()),
            }),
            _ => Ok(found),
        }
    }

    async fn annotate(&self, wanted: &Wanted, name: &str, _: &str, value: &str) -> Result<(), EdgeError> {
        self.check(&wanted.kind, &ObjectKey::new(wanted.namespace.clone(), name))?;
        self.with(|state| state.annotated.push((format!("{}/{name}", wanted.kind), value.to_owned())));
        Ok(())
    }

    async fn tell(&self, _: &Alert, event: Event) {
        self.with(|state| state.told.push(event));
    }
}
