//! The world stories share: one control plane, one suite, one server of each sort. A story lives in a namespace of its own.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tokio::sync::OnceCell;
use weir_testkit::api::condition_text;
use weir_testkit::kind::{self, Kind};
use weir_testkit::{
    Api, ControlPlane, EventRoute, GitServer, OtlpReceiver, Registry, Repository, SshServer, Suite, SuiteOptions,
    WebhookSink,
};

/// Time enough for anything that works, on a busy machine.
pub const SOON: Duration = Duration::from_secs(60);

/// Everything a story may need.
pub struct World {
    // The suite goes first when a world of its own ends, the control plane last.
    pub suite: Suite,
    pub git: GitServer,
    pub ssh: SshServer,
    pub registry: Registry,
    pub sink: WebhookSink,
    pub otlp: OtlpReceiver,
    pub plane: ControlPlane,
}

impl World {
    /// A world for one story, which may break it.
    pub async fn fresh(options: SuiteOptions) -> Result<Self> {
        let plane = ControlPlane::start().await?;
        let git = GitServer::start().await?;
        let ssh = SshServer::start(git.root()).await?;
        let registry = Registry::start().await?;
        let sink = WebhookSink::start().await?;
        let otlp = OtlpReceiver::start().await?;
        let options = SuiteOptions { otlp: Some(options.otlp.unwrap_or_else(|| otlp.endpoint())), ..options };
        let suite = Suite::with(plane.api(), plane.kubeconfig(), options).await?;
        Ok(Self { suite, git, ssh, registry, sink, otlp, plane })
    }

    /// A client with all rights.
    pub fn api(&self) -> &Api {
        self.plane.api()
    }

    /// A namespace for a story.
    pub async fn tenant(&self, name: &str) -> Result<Tenant<'_>> {
        self.api().namespace(name).await?;
        Ok(Tenant { world: self, name: name.to_owned() })
    }
}

/// The shared world; nothing in it may be killed.
pub async fn world() -> &'static World {
    static WORLD: OnceCell<Result<World>> = OnceCell::const_new();
    let start = || World::fresh(SuiteOptions { events: EventRoute::Grpc, ..SuiteOptions::default() });
    WORLD.get_or_init(start).await.as_ref().unwrap_or_else(|error| panic!("the shared world did not start: {error:#}"))
}

/// One story's namespace.
pub struct Tenant<'a> {
    pub world: &'a World,
    pub name: String,
}

impl Tenant<'_> {
    pub fn api(&self) -> &Api {
        self.world.api()
    }

    /// The story's own repository.
    pub fn repository(&self) -> Result<Repository> {
        self.world.git.repository(&self.name)
    }

    /// Applies an object into this namespace.
    pub async fn apply(&self, mut object: Value) -> Result<Value> {
        object["metadata"]["namespace"] = json!(self.name);
        self.api().apply(&object).await
    }

    /// A GitRepository that looks at its branch once an hour; `spec` is merged into that.
    pub async fn git(&self, name: &str, spec: Value) -> Result<Value> {
        let base = json!({"interval": "1h", "url": self.world.git.url(&self.name), "ref": {"branch": "main"}});
        self.object(kind::GIT_REPOSITORY, name, merged(base, spec)).await
    }

    /// An OCIRepository that looks once an hour; `spec` is merged into that.
    pub async fn oci(&self, name: &str, spec: Value) -> Result<Value> {
        let base = json!({"interval": "1h", "url": self.world.registry.url(&self.name), "insecure": true});
        self.object(kind::OCI_REPOSITORY, name, merged(base, spec)).await
    }

    /// A Kustomization of the GitRepository of the same name; `spec` is merged into the usual.
    pub async fn kustomization(&self, name: &str, spec: Value) -> Result<Value> {
        let base = json!({
            "interval": "1h", "retryInterval": "1h", "timeout": "30s", "prune": true, "targetNamespace": self.name,
            "sourceRef": {"kind": "GitRepository", "name": name},
        });
        self.object(kind::KUSTOMIZATION, name, merged(base, spec)).await
    }

    /// Any object with a spec.
    pub async fn object(&self, kind: Kind, name: &str, spec: Value) -> Result<Value> {
        self.apply(json!({"apiVersion": kind.api_version, "kind": kind.kind, "metadata": {"name": name}, "spec": spec}))
            .await
    }

    pub async fn secret(&self, name: &str, data: &[(&str, &str)]) -> Result<Value> {
        let data: BTreeMap<_, _> = data.iter().copied().collect();
        self.apply(json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "stringData": data})).await
    }

    /// Sends every event of this namespace to the sink, below `/<namespace>`.
    pub async fn alert(&self) -> Result<()> {
        let address = self.world.sink.url(&self.name);
        self.object(kind::PROVIDER, "sink", json!({"type": "generic", "address": address})).await?;
        let sources: Vec<Value> = ["GitRepository", "OCIRepository", "Kustomization"]
            .iter()
            .map(|kind| json!({"kind": kind, "name": "*"}))
            .collect();
        self.object(kind::ALERT, "all", json!({"providerRef": {"name": "sink"}, "eventSources": sources})).await?;
        Ok(())
    }

    pub async fn get(&self, kind: Kind, name: &str) -> Result<Option<Value>> {
        self.api().get(kind, &self.name, name).await
    }

    pub async fn ready(&self, kind: Kind, name: &str) -> Result<Value> {
        self.api().wait_ready(kind, &self.name, name, SOON).await
    }

    /// Waits until the Kustomization has applied this commit of `main`.
    pub async fn applied(&self, name: &str, commit: &str) -> Result<Value> {
        let revision = format!("main@sha1:{commit}");
        self.wait(kind::KUSTOMIZATION, name, &format!("applied {revision}"), |ks| {
            weir_testkit::api::is_ready(ks)
                && ks.pointer("/status/lastAppliedRevision").and_then(Value::as_str) == Some(&revision)
        })
        .await
    }

    pub async fn wait(
        &self,
        kind: Kind,
        name: &str,
        what: &str,
        good: impl Fn(&Value) -> bool + Send,
    ) -> Result<Value> {
        self.api().wait(kind, &self.name, name, SOON, what, good).await
    }

    /// Waits for `Ready=False` with `reason` and returns the message.
    pub async fn fails(&self, kind: Kind, name: &str, reason: &str) -> Result<String> {
        let object = self
            .wait(kind, name, &format!("Ready=False {reason}"), |object| {
                let (status, why, _) = condition_text(object, "Ready");
                status == "False" && why == reason
            })
            .await?;
        Ok(condition_text(&object, "Ready").2.to_owned())
    }

    /// Asks for a reconcile and waits until it was handled.
    pub async fn reconcile(&self, kind: Kind, name: &str) -> Result<Value> {
        let token = self.api().request_reconcile(kind, &self.name, name).await?;
        self.wait(kind, name, "the request is handled", |object| {
            object.pointer("/status/lastHandledReconcileAt").and_then(Value::as_str) == Some(&token)
        })
        .await
    }

    /// A value of a ConfigMap of this namespace.
    pub async fn value(&self, name: &str, key: &str) -> Result<Option<String>> {
        let object = self.get(kind::CONFIG_MAP, name).await?;
        Ok(object.and_then(|map| map.pointer(&format!("/data/{key}")).and_then(Value::as_str).map(str::to_owned)))
    }

    /// Waits for a message with `reason` about `kind/name` at this commit.
    pub async fn message(&self, kind: &str, name: &str, reason: &str, commit: &str) -> Result<Value> {
        let path = format!("/{}", self.name);
        let what = format!("message {reason} of {kind}/{name} at {commit}");
        let found = self.world.sink.wait(&what, SOON, |received| {
            let event = received.json();
            let text = |pointer: &str| event.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
            received.path == path
                && received.answered == 200
                && text("/involvedObject/kind") == kind
                && text("/involvedObject/name") == name
                && text("/reason") == reason
                && text("/metadata/revision").ends_with(commit)
        });
        match found.await {
            Ok(received) => Ok(received.json()),
            Err(error) => {
                weir_testkit::scratch::keep();
                Err(error)
            }
        }
    }
}

/// `over` laid over `base`, objects merged, `null` removing.
pub fn merged(mut base: Value, over: Value) -> Value {
    match (&mut base, over) {
        (Value::Object(base), Value::Object(over)) => {
            for (key, value) in over {
                if value.is_null() {
                    base.remove(&key);
                } else {
                    let old = base.remove(&key).unwrap_or(Value::Null);
                    base.insert(key, merged(old, value));
                }
            }
        }
        (base, over) => *base = over,
    }
    base
}

/// Downloads the artifact of a source over plain HTTP, checks size and digest, and returns its files.
pub async fn download(source: &Value) -> Result<BTreeMap<String, String>> {
    use sha2::Digest as _;
    let text = |pointer: &str| source.pointer(pointer).and_then(Value::as_str).with_context(|| format!("no {pointer}"));
    let url = text("/status/artifact/url")?;
    let bytes =
        reqwest::Client::builder().no_proxy().build()?.get(url).send().await?.error_for_status()?.bytes().await?;
    let digest: String = sha2::Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    ensure!(
        text("/status/artifact/digest")? == format!("sha256:{digest}"),
        "{url} does not have the digest in the status"
    );
    ensure!(
        source.pointer("/status/artifact/size") == Some(&json!(bytes.len())),
        "{url} does not have the size in the status"
    );
    let mut files = BTreeMap::new();
    let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(bytes.as_ref()));
    for entry in archive.entries()? {
        let mut entry = entry?;
        if entry.header().entry_type().is_file() {
            let path = entry.path()?.to_string_lossy().into_owned();
            let mut text = String::new();
            entry.read_to_string(&mut text)?;
            files.insert(path, text);
        }
    }
    Ok(files)
}

/// A text field of an object, empty when it is not there.
pub fn text<'a>(object: &'a Value, pointer: &str) -> &'a str {
    object.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}
