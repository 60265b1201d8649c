//! A small client of the API server for tests: objects are JSON, replies are what the server said.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use futures::AsyncBufReadExt as _;
use http_body_util::BodyExt as _;
use kube::client::Body;
use kube::config::{KubeConfigOptions, Kubeconfig};
use serde_json::Value;
use tokio::time::Instant;

use crate::background;
use crate::kind::{self, Kind};

/// A client of one cluster. Cheap to clone, usable from any runtime.
#[derive(Clone)]
pub struct Api {
    client: kube::Client,
    found: Arc<Mutex<Found>>,
}

impl std::fmt::Debug for Api {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Api")
    }
}

/// `(apiVersion, kind)` to its plural and whether it has namespaces.
type Found = HashMap<(String, String), (String, bool)>;

/// The server's answer: status code and body.
#[derive(Clone, Debug)]
pub struct Reply {
    /// HTTP status.
    pub code: u16,
    /// JSON body, `Null` when it was none.
    pub body: Value,
}

impl Reply {
    /// The body, or an error with the server's own message.
    pub fn ok(self) -> Result<Value> {
        if (200..300).contains(&self.code) {
            return Ok(self.body);
        }
        let message = self.body.get("message").and_then(Value::as_str).unwrap_or("no message");
        bail!("API server said {}: {message}", self.code)
    }
}

impl Api {
    /// The cluster and user of a kubeconfig file.
    pub async fn connect(kubeconfig: &Path) -> Result<Self> {
        let file = kubeconfig.to_owned();
        background::run(async move {
            let parsed = Kubeconfig::read_from(&file).with_context(|| format!("cannot read {}", file.display()))?;
            let config = kube::Config::from_custom_kubeconfig(parsed, &KubeConfigOptions::default()).await?;
            let client = kube::Client::try_from(config)?;
            Ok(Self { client, found: Arc::default() })
        })
        .await
    }

    /// One request.
    pub async fn request(&self, method: &str, path: &str, body: Option<(&str, Vec<u8>)>) -> Result<Reply> {
        let mut request = http::Request::builder().method(method).uri(path).header("accept", "application/json");
        let bytes = match body {
            Some((content_type, bytes)) => {
                request = request.header("content-type", content_type);
                bytes
            }
            None => Vec::new(),
        };
        let request = request.body(Body::from(bytes))?;
        let client = self.client.clone();
        let what = format!("{method} {path}");
        background::run(async move {
            let reply = client.send(request).await.with_context(|| what.clone())?;
            let code = reply.status().as_u16();
            let bytes = reply.into_body().collect().await.with_context(|| what)?.to_bytes();
            Ok(Reply { code, body: serde_json::from_slice(&bytes).unwrap_or(Value::Null) })
        })
        .await
    }

    /// True when the server says it is ready.
    pub async fn is_ready(&self) -> bool {
        matches!(self.request("GET", "/readyz", None).await, Ok(reply) if reply.code == 200)
    }

    /// Server-side apply as field manager `testkit`.
    pub async fn apply(&self, object: &Value) -> Result<Value> {
        self.try_apply(object).await?.ok().with_context(|| format!("cannot apply {}", describe(object)))
    }

    /// The same, with the server's refusal as a value.
    pub async fn try_apply(&self, object: &Value) -> Result<Reply> {
        let path = format!("{}?fieldManager=testkit&force=true", self.path_of(object).await?);
        self.request("PATCH", &path, Some(("application/apply-patch+yaml", serde_json::to_vec(object)?))).await
    }

    /// Applies all, in order.
    pub async fn apply_all<'a>(&self, objects: impl IntoIterator<Item = &'a Value>) -> Result<()> {
        for object in objects {
            self.apply(object).await?;
        }
        Ok(())
    }

    /// Makes the namespace if it is not there.
    pub async fn namespace(&self, name: &str) -> Result<()> {
        self.apply(&serde_json::json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})).await?;
        Ok(())
    }

    /// The object, `None` when there is none.
    pub async fn get(&self, kind: Kind, namespace: &str, name: &str) -> Result<Option<Value>> {
        let reply = self.request("GET", &format!("{}/{name}", kind.path(namespace)), None).await?;
        if reply.code == 404 {
            return Ok(None);
        }
        reply.ok().map(Some)
    }

    /// All objects of a kind in a namespace (`""`: all).
    pub async fn list(&self, kind: Kind, namespace: &str) -> Result<Vec<Value>> {
        let list = self.request("GET", &kind.path(namespace), None).await?.ok()?;
        Ok(list.get("items").and_then(Value::as_array).cloned().unwrap_or_default())
    }

    /// JSON merge patch.
    pub async fn merge(&self, kind: Kind, namespace: &str, name: &str, patch: &Value) -> Result<Value> {
        let path = format!("{}/{name}?fieldManager=testkit-edit", kind.path(namespace));
        self.request("PATCH", &path, Some(("application/merge-patch+json", serde_json::to_vec(patch)?))).await?.ok()
    }

    /// JSON merge patch of the status.
    pub async fn merge_status(&self, kind: Kind, namespace: &str, name: &str, patch: &Value) -> Result<Value> {
        let path = format!("{}/{name}/status?fieldManager=testkit-edit", kind.path(namespace));
        self.request("PATCH", &path, Some(("application/merge-patch+json", serde_json::to_vec(patch)?))).await?.ok()
    }

    /// Deletes it; what is not there counts as deleted.
    pub async fn delete(&self, kind: Kind, namespace: &str, name: &str) -> Result<()> {
        let path = format!("{}/{name}?propagationPolicy=Background", kind.path(namespace));
        let reply = self.request("DELETE", &path, None).await?;
        if reply.code != 404 {
            reply.ok()?;
        }
        Ok(())
    }

    /// Asks for a reconcile now, as `flux reconcile` and `weir reconcile` do. Returns the token that status will echo.
    pub async fn request_reconcile(&self, kind: Kind, namespace: &str, name: &str) -> Result<String> {
        let token = crate::pki::token()?;
        let patch = serde_json::json!({"metadata": {"annotations": {"reconcile.fluxcd.io/requestedAt": token}}});
        self.merge(kind, namespace, name, &patch).await?;
        Ok(token)
    }

    /// Follows one object by a watch until `good` says yes and returns it; `Value::Null` stands for «not there».
    pub async fn wait<F>(
        &self,
        kind: Kind,
        namespace: &str,
        name: &str,
        limit: Duration,
        what: &str,
        good: F,
    ) -> Result<Value>
    where
        F: Fn(&Value) -> bool + Send,
    {
        let end = Instant::now() + limit;
        let mut last = Value::Null;
        while Instant::now() < end {
            let path = format!("{}?fieldSelector=metadata.name%3D{name}", kind.path(namespace));
            let list = self.request("GET", &path, None).await?;
            if list.code == 404 {
                // Not served yet: its CRD is on the way.
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
            let list = list.ok()?;
            last = list.pointer("/items/0").cloned().unwrap_or(Value::Null);
            if good(&last) {
                return Ok(last);
            }
            let version = list.pointer("/metadata/resourceVersion").and_then(Value::as_str).unwrap_or("0");
            let mut changes = self.watch(&kind.path(namespace), name, version).await?;
            while let Ok(Some(object)) = tokio::time::timeout_at(end, changes.recv()).await {
                last = object;
                if good(&last) {
                    return Ok(last);
                }
            }
        }
        crate::scratch::keep();
        bail!("{} {namespace}/{name}: {what}: not within {limit:?}; last seen: {}", kind.kind, brief(&last))
    }

    /// Waits for `Ready=True` at the object's own generation.
    pub async fn wait_ready(&self, kind: Kind, namespace: &str, name: &str, limit: Duration) -> Result<Value> {
        self.wait(kind, namespace, name, limit, "Ready", is_ready).await
    }

    /// Waits until it is gone.
    pub async fn wait_gone(&self, kind: Kind, namespace: &str, name: &str, limit: Duration) -> Result<()> {
        self.wait(kind, namespace, name, limit, "gone", Value::is_null).await.map(drop)
    }

    async fn watch(&self, path: &str, name: &str, version: &str) -> Result<tokio::sync::mpsc::Receiver<Value>> {
        let uri = format!(
            "{path}?watch=true&fieldSelector=metadata.name%3D{name}&resourceVersion={version}&timeoutSeconds=60"
        );
        let request = http::Request::get(uri).body(Vec::new())?;
        let client = self.client.clone();
        let (sender, receiver) = tokio::sync::mpsc::channel(64);
        background::spawn(async move {
            let Ok(stream) = client.request_stream(request).await else { return };
            let mut lines = std::pin::pin!(stream.lines());
            while let Some(Ok(line)) = futures::StreamExt::next(&mut lines).await {
                let Ok(mut event) = serde_json::from_str::<Value>(&line) else { return };
                let object = match event.get("type").and_then(Value::as_str) {
                    Some("ADDED" | "MODIFIED") => event.get_mut("object").map(Value::take).unwrap_or_default(),
                    Some("DELETED") => Value::Null,
                    _ => return,
                };
                if sender.send(object).await.is_err() {
                    return;
                }
            }
        });
        Ok(receiver)
    }

    /// The URL path of an object, asking the server about kinds it has not met.
    pub async fn path_of(&self, object: &Value) -> Result<String> {
        let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str);
        let (version, kind) = (text("/apiVersion").context("no apiVersion")?, text("/kind").context("no kind")?);
        let name = text("/metadata/name").with_context(|| format!("a {kind} without a name"))?;
        let (plural, namespaced) = self.resource(version, kind).await?;
        let namespace = namespaced.then(|| text("/metadata/namespace").unwrap_or("default"));
        Ok(format!("{}/{name}", kind::collection(version, &plural, namespace)))
    }

    async fn resource(&self, version: &str, kind: &str) -> Result<(String, bool)> {
        if let Some(known) = kind::ALL.iter().find(|known| known.api_version == version && known.kind == kind) {
            return Ok((known.plural.into(), known.namespaced));
        }
        let key = (version.to_owned(), kind.to_owned());
        if let Some(found) = self.found.lock().unwrap_or_else(PoisonError::into_inner).get(&key) {
            return Ok(found.clone());
        }
        let root = if version.contains('/') { "/apis" } else { "/api" };
        let list = self.request("GET", &format!("{root}/{version}"), None).await?.ok()?;
        let resources = list.get("resources").and_then(Value::as_array).cloned().unwrap_or_default();
        let entry = resources
            .iter()
            .find(|entry| {
                entry.get("kind").and_then(Value::as_str) == Some(kind)
                    && !entry.get("name").and_then(Value::as_str).unwrap_or("/").contains('/')
            })
            .with_context(|| format!("the cluster does not serve {kind} of {version}"))?;
        let plural = entry.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
        let namespaced = entry.get("namespaced").and_then(Value::as_bool).unwrap_or_default();
        self.found.lock().unwrap_or_else(PoisonError::into_inner).insert(key, (plural.clone(), namespaced));
        Ok((plural, namespaced))
    }
}

/// The condition of `type_`, if the object has it.
pub fn condition<'a>(object: &'a Value, type_: &str) -> Option<&'a Value> {
    object
        .pointer("/status/conditions")?
        .as_array()?
        .iter()
        .find(|entry| entry.get("type").and_then(Value::as_str) == Some(type_))
}

/// `(status, reason, message)` of a condition, empty when there is none.
pub fn condition_text<'a>(object: &'a Value, type_: &str) -> (&'a str, &'a str, &'a str) {
    let text = |field: &str| {
        condition(object, type_).and_then(|entry| entry.get(field)).and_then(Value::as_str).unwrap_or_default()
    };
    (text("status"), text("reason"), text("message"))
}

/// True for `Ready=True` about the generation the object has.
pub fn is_ready(object: &Value) -> bool {
    let generation = object.pointer("/metadata/generation").and_then(Value::as_i64);
    let observed = object.pointer("/status/observedGeneration").and_then(Value::as_i64);
    generation.is_some() && generation == observed && condition_text(object, "Ready").0 == "True"
}

fn describe(object: &Value) -> String {
    let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    format!("{} {}/{}", text("/kind"), text("/metadata/namespace"), text("/metadata/name"))
}

fn brief(object: &Value) -> String {
    match object {
        Value::Null => "not there".into(),
        object => match object.get("status") {
            Some(status) => format!("status {status}"),
            None => object.to_string(),
        },
    }
}
