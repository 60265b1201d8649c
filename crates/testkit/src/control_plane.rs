//! A real Kubernetes control plane: etcd, kube-apiserver and kube-controller-manager on loopback, ready in a few seconds. It has no nodes.
//!
//! ```text
//! etcd <- kube-apiserver <- kube-controller-manager
//!              ^ kubeconfig (admin), audit log
//! ```

mod launch;

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::api::Api;
use crate::audit::Audit;
use crate::background;
use crate::binaries;
use crate::packages;
use crate::port::Port;
use crate::process::{Detached, Process};
use crate::scratch::Scratch;

pub use launch::{API_SERVER, CONTROLLER_MANAGER, ETCD};

/// A control plane that ends with its owner.
#[derive(Debug)]
pub struct ControlPlane {
    // Dropped from top to bottom: clients before servers, the store last.
    controller_manager: Process,
    apiserver: Process,
    etcd: Process,
    api: Api,
    audit: Audit,
    _ports: Vec<Port>,
    kubeconfig: PathBuf,
    dir: Scratch,
}

impl ControlPlane {
    /// Starts one; builds its programs first if the cache lacks them.
    pub async fn start() -> Result<Self> {
        background::run_blocking(binaries::ensure).await.context("the control plane cannot be built")?;
        background::run(Self::start_built()).await
    }

    async fn start_built() -> Result<Self> {
        let dir = Scratch::new("control-plane")?;
        let ports: Vec<Port> = (0..4).map(|_| Port::reserve()).collect::<Result<_>>()?;
        let launch = launch::Launch::write(dir.path(), &binaries::ensure()?, &ports)?;
        let etcd = Process::start(&launch.etcd, dir.path())?;
        let mut apiserver = Process::start(&launch.apiserver, dir.path())?;
        let api = Api::connect(&launch.kubeconfig).await?;
        wait_until_ready(&api, || apiserver.expect_running()).await?;
        let controller_manager = Process::start(&launch.controller_manager, dir.path())?;
        let audit = Audit { file: launch.audit };
        let started =
            Self { controller_manager, apiserver, etcd, api, audit, _ports: ports, kubeconfig: launch.kubeconfig, dir };
        started.controllers_run().await?;
        Ok(started)
    }

    /// A namespace is complete only when the controllers gave it its ServiceAccount.
    async fn controllers_run(&self) -> Result<()> {
        let api = self.api.clone();
        background::until("the controller manager", Duration::from_secs(60), || {
            let api = api.clone();
            async move { matches!(api.get(crate::kind::SERVICE_ACCOUNT, "default", "default").await, Ok(Some(_))) }
        })
        .await
        .with_context(|| crate::process::tail(self.controller_manager.log(), 15))
    }

    /// A client with all rights.
    pub fn api(&self) -> &Api {
        &self.api
    }

    /// A kubeconfig file with all rights.
    pub fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }

    /// Its directory: logs, audit log, keys.
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// What the API server was asked.
    pub fn audit(&self) -> &Audit {
        &self.audit
    }

    /// Process ids of etcd, kube-apiserver and kube-controller-manager.
    pub fn pids(&self) -> [u32; 3] {
        [self.etcd.pid(), self.apiserver.pid(), self.controller_manager.pid()]
    }

    /// Stops the API server from answering, as a network that drops packets does; see [`ControlPlane::unpause`].
    pub fn pause(&self) {
        self.apiserver.pause();
    }

    /// Lets the API server answer again.
    pub fn unpause(&self) {
        self.apiserver.unpause();
    }

    /// A kubeconfig file that acts as a ServiceAccount.
    pub async fn kubeconfig_of(&self, namespace: &str, service_account: &str) -> Result<PathBuf> {
        let token = token_of(&self.api, namespace, service_account, None).await?;
        let path = self.dir.path().join(format!("{namespace}-{service_account}.kubeconfig"));
        derive_kubeconfig(&self.kubeconfig, &token, &path)?;
        Ok(path)
    }

    /// Runs kubectl against this cluster and returns what it printed.
    pub async fn kubectl(&self, args: &[&str]) -> Result<String> {
        kubectl(&self.kubeconfig, args).await
    }
}

/// A token of a ServiceAccount, good for a day; for the API server, or for somebody else when there is an audience.
pub async fn token_of(api: &Api, namespace: &str, service_account: &str, audience: Option<&str>) -> Result<String> {
    let path = format!("/api/v1/namespaces/{namespace}/serviceaccounts/{service_account}/token");
    let mut body =
        json!({"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"expirationSeconds": 86400}});
    if let Some(audience) = audience {
        body["spec"]["audiences"] = json!([audience]);
    }
    let reply = api.request("POST", &path, Some(("application/json", serde_json::to_vec(&body)?))).await?.ok()?;
    let token = reply.pointer("/status/token").and_then(Value::as_str);
    Ok(token.with_context(|| format!("no token for {namespace}/{service_account}"))?.to_owned())
}

/// Writes the kubeconfig `from` (one of ours, JSON) to `to`, with another token.
pub fn derive_kubeconfig(from: &Path, token: &str, to: &Path) -> Result<()> {
    let mut config: Value = serde_json::from_slice(&std::fs::read(from)?)
        .with_context(|| format!("{} is not a kubeconfig of the testkit", from.display()))?;
    if let Some(user) = config.pointer_mut("/users/0/user") {
        *user = json!({"token": token});
    }
    crate::pki::write_private(to, &serde_json::to_string_pretty(&config)?)
}

/// Runs kubectl with `kubeconfig` and returns what it printed.
pub async fn kubectl(kubeconfig: &Path, args: &[&str]) -> Result<String> {
    let program = packages::find("kubectl").context("kubectl is not installed")?;
    let output = tokio::process::Command::new(program)
        .arg("--kubeconfig")
        .arg(kubeconfig)
        .args(args)
        .kill_on_drop(true)
        .output()
        .await?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    anyhow::ensure!(output.status.success(), "kubectl {}: {}", args.join(" "), String::from_utf8_lossy(&output.stderr));
    Ok(text)
}

async fn wait_until_ready(api: &Api, mut alive: impl FnMut() -> Result<()>) -> Result<()> {
    for _ in 0..1200 {
        alive()?;
        if api.is_ready().await {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    anyhow::bail!("kube-apiserver was not ready within two minutes")
}

/// A control plane that goes on when we end, in a directory of its own; `cargo xtask cluster` is its face.
#[derive(Debug)]
pub struct Standing {
    dir: PathBuf,
}

impl Standing {
    /// The one in `dir`, whether it runs or not.
    pub fn at(dir: impl Into<PathBuf>) -> Self {
        Self { dir: dir.into() }
    }

    /// Starts it. What is left in the directory from an earlier one is ended and deleted first.
    pub async fn up(&self) -> Result<()> {
        background::run_blocking(binaries::ensure).await.context("the control plane cannot be built")?;
        self.down()?;
        std::fs::create_dir_all(&self.dir).with_context(|| format!("cannot create {}", self.dir.display()))?;
        let dir = self.dir.clone();
        let started = background::run(Self::launch(dir)).await;
        if started.is_err() {
            self.stop();
        }
        started
    }

    async fn launch(dir: PathBuf) -> Result<()> {
        let ports: Vec<Port> = (0..4).map(|_| Port::reserve()).collect::<Result<_>>()?;
        let launch = launch::Launch::write(&dir, &binaries::ensure()?, &ports)?;
        Detached::start(&launch.etcd, &dir)?;
        Detached::start(&launch.apiserver, &dir)?;
        let api = Api::connect(&launch.kubeconfig).await?;
        wait_until_ready(&api, || {
            anyhow::ensure!(
                Detached::pid(&dir, API_SERVER).is_some(),
                "kube-apiserver ended; the end of its log:\n{}",
                crate::process::tail(&dir.join(format!("{API_SERVER}.log")), 25)
            );
            Ok(())
        })
        .await?;
        Detached::start(&launch.controller_manager, &dir)
    }

    /// Pids by program; `None` for what does not run.
    pub fn pids(&self) -> [(&'static str, Option<u32>); 3] {
        [ETCD, API_SERVER, CONTROLLER_MANAGER].map(|name| (name, Detached::pid(&self.dir, name)))
    }

    /// True when all of it runs.
    pub fn is_up(&self) -> bool {
        self.pids().iter().all(|(_, pid)| pid.is_some())
    }

    /// Its kubeconfig.
    pub fn kubeconfig(&self) -> PathBuf {
        self.dir.join("kubeconfig")
    }

    /// Ends what runs of it and deletes its directory. True when there was anything.
    pub fn down(&self) -> Result<bool> {
        let stopped = self.stop();
        let existed = self.dir.exists();
        if existed {
            std::fs::remove_dir_all(&self.dir).with_context(|| format!("cannot remove {}", self.dir.display()))?;
        }
        Ok(stopped || existed)
    }

    fn stop(&self) -> bool {
        // All of them, in this order, whatever the first ones say.
        [CONTROLLER_MANAGER, API_SERVER, ETCD].map(|name| Detached::stop(&self.dir, name)).contains(&true)
    }
}
