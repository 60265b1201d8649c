//! One control plane, one controller and one artifact server for all tests; each test has a namespace of its own.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use anyhow::{Context, Result};
use axum::{Router, extract::Path, http::StatusCode, routing::get};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tokio::sync::OnceCell;
use weir_testkit::{
    Api, ControlPlane, HttpServer, install_crds,
    kind::{self, Kind},
    process::{Process, Program},
};

/// Time enough for anything that works, on a busy machine.
pub const SOON: Duration = Duration::from_secs(40);

type Files = Arc<Mutex<HashMap<String, Vec<u8>>>>;

/// The label of objects that a controller with other flags reconciles.
pub const OTHERS: &str = "weir.dev/others";

pub struct World {
    _controller: Mutex<Process>,
    files: Files,
    server: HttpServer,
    pub plane: ControlPlane,
}

impl World {
    async fn start() -> Result<Self> {
        let plane = ControlPlane::start().await?;
        install_crds(plane.api()).await?;
        let files = Files::default();
        let serve = Arc::clone(&files);
        let handler = move |Path(name): Path<String>| {
            let found = serve.lock().unwrap().get(&name).cloned();
            async move { found.ok_or(StatusCode::NOT_FOUND) }
        };
        let server = HttpServer::start(Router::new().route("/{name}", get(handler)), None).await?;
        let program = program("kustomize-controller", &plane)
            .args([format!("--watch-label-selector=!{OTHERS}")])
            .args(["--feature-gates=CancelHealthCheckOnNewRevision=true,GroupChangeLog=true"]);
        let controller = Mutex::new(Process::start(&program, plane.dir())?);
        Ok(Self { _controller: controller, files, server, plane })
    }

    /// Another controller, for objects with the label [`OTHERS`].
    pub fn controller(&self, args: &[&str]) -> Result<Process> {
        let program =
            program("other-controller", &self.plane).args([format!("--watch-label-selector={OTHERS}")]).args(args);
        Process::start(&program, self.plane.dir())
    }

    pub async fn tenant(&'static self, name: &str) -> Result<Tenant> {
        self.plane.api().namespace(name).await?;
        Ok(Tenant { world: self, name: name.to_owned() })
    }
}

fn program(name: &str, plane: &ControlPlane) -> Program {
    Program::new(name, env!("CARGO_BIN_EXE_kustomize-controller"))
        .args(["--metrics-addr=127.0.0.1:0", "--health-addr=127.0.0.1:0", "--concurrent=8", "--log-level=debug"])
        .args(["--requeue-dependency=1h", "--http-retry=0"])
        .env("KUBECONFIG", plane.kubeconfig())
        .env("RUNTIME_NAMESPACE", "default")
}

pub async fn world() -> &'static World {
    static WORLD: OnceCell<Result<World>> = OnceCell::const_new();
    WORLD.get_or_init(World::start).await.as_ref().unwrap_or_else(|error| panic!("the world did not start: {error:#}"))
}

pub struct Tenant {
    world: &'static World,
    pub name: String,
}

impl Tenant {
    pub fn api(&self) -> &'static Api {
        self.world.plane.api()
    }

    /// Publishes files as the artifact of GitRepository `app`; returns its revision.
    pub async fn publish(&self, files: &[(&str, &str)]) -> Result<String> {
        let archive = archive(files)?;
        let digest = Sha256::digest(&archive).iter().map(|b| format!("{b:02x}")).collect::<String>();
        let file = format!("{digest}.tar.gz");
        self.world.files.lock().unwrap().insert(file.clone(), archive);
        self.announce(&digest, &format!("{}/{file}", self.world.server.url())).await
    }

    /// Writes the source's status as some source-controller would.
    pub async fn announce(&self, digest: &str, url: &str) -> Result<String> {
        let spec = json!({"interval": "1h", "url": "https://example.com/repository"});
        self.object(kind::GIT_REPOSITORY, "app", spec).await?;
        let revision = format!("main@sha1:{}", &digest[..40]);
        let artifact = json!({"digest": format!("sha256:{digest}"), "lastUpdateTime": "2026-01-01T00:00:00Z",
            "path": "x", "revision": revision, "url": url});
        let status = json!({"status": {"artifact": artifact}});
        self.api().merge_status(kind::GIT_REPOSITORY, &self.name, "app", &status).await?;
        Ok(revision)
    }

    pub fn world_dir(&self) -> &std::path::Path {
        self.world.plane.dir()
    }

    pub async fn kubectl(&self, args: &[&str]) -> Result<String> {
        self.world.plane.kubectl(args).await
    }

    pub async fn object(&self, kind: Kind, name: &str, spec: Value) -> Result<Value> {
        let object = json!({"apiVersion": kind.api_version, "kind": kind.kind,
            "metadata": {"name": name, "namespace": self.name}, "spec": spec});
        self.api().apply(&object).await
    }

    /// A Kustomization of `app`; `spec` is merged into the usual.
    pub async fn kustomization(&self, name: &str, spec: Value) -> Result<Value> {
        let mut all = json!({"interval": "1h", "retryInterval": "1h", "timeout": "30s", "prune": true,
            "targetNamespace": self.name, "sourceRef": {"kind": "GitRepository", "name": "app"}});
        all.as_object_mut().context("a mapping")?.extend(spec.as_object().cloned().unwrap_or_default());
        self.object(kind::KUSTOMIZATION, name, all).await
    }

    pub async fn map(&self, name: &str) -> Result<Option<Value>> {
        self.api().get(kind::CONFIG_MAP, &self.name, name).await
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

    /// Waits until the Kustomization is ready at a revision.
    pub async fn applied(&self, name: &str, revision: &str) -> Result<Value> {
        let at = |ks: &Value| ks.pointer("/status/lastAppliedRevision").and_then(Value::as_str) == Some(revision);
        self.wait(kind::KUSTOMIZATION, name, "applied", |ks| weir_testkit::api::is_ready(ks) && at(ks)).await
    }

    /// Waits until Ready has a reason; returns its message.
    pub async fn reason(&self, name: &str, reason: &str) -> Result<String> {
        let has = |ks: &Value| weir_testkit::api::condition_text(ks, "Ready").1 == reason;
        let ks = self.wait(kind::KUSTOMIZATION, name, reason, has).await?;
        Ok(weir_testkit::api::condition_text(&ks, "Ready").2.to_owned())
    }

    pub async fn reconcile(&self, name: &str) -> Result<Value> {
        let token = self.api().request_reconcile(kind::KUSTOMIZATION, &self.name, name).await?;
        let handled = |ks: &Value| ks.pointer("/status/lastHandledReconcileAt").and_then(Value::as_str) == Some(&token);
        self.wait(kind::KUSTOMIZATION, name, "reconciled", handled).await
    }
}

pub fn inventory(ks: &Value) -> Vec<String> {
    let entries = ks.pointer("/status/inventory/entries").and_then(Value::as_array);
    entries.into_iter().flatten().filter_map(|e| e["id"].as_str().map(str::to_owned)).collect()
}

pub fn config_map(name: &str, extra: &str, value: &str) -> String {
    format!("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {name}\n{extra}data:\n  key: \"{value}\"\n---\n")
}

fn archive(files: &[(&str, &str)]) -> Result<Vec<u8>> {
    let mut tar = tar::Builder::new(flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast()));
    for (path, text) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(text.len() as u64);
        header.set_mode(0o644);
        tar.append_data(&mut header, path, text.as_bytes())?;
    }
    Ok(tar.into_inner()?.finish()?)
}
