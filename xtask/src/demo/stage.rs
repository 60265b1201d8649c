//! Everything the demo runs on.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use weir_testkit::kind::{self, Kind};
use weir_testkit::{Api, ControlPlane, GitServer, NAMESPACE, Repository, Service, Suite, WebhookSink};

use crate::demo::tell;
use crate::shell::{Watch, root};

/// The namespace of the application and of the objects that deliver it.
pub const SHOP: &str = "weir-demo";
/// Name of the repository, the source, the Kustomization.
pub const NAME: &str = "shop";

/// Servers, services and clients.
pub struct Stage {
    // The services end first, the control plane last.
    pub suite: Suite,
    pub sink: WebhookSink,
    pub git: GitServer,
    pub api: Api,
    kubeconfig: PathBuf,
    own: Option<ControlPlane>,
}

impl Stage {
    /// Starts what is needed, on the cluster of `kubeconfig` or on one of our own.
    pub async fn set(kubeconfig: Option<&Path>) -> Result<Self> {
        tell::step(match kubeconfig {
            Some(_) => "Weir's services, a Git server and a webhook sink start",
            None => "a Kubernetes control plane, a Git server, a webhook sink and Weir's services start",
        });
        let watch = Watch::start();
        let own = match kubeconfig {
            Some(_) => None,
            None => Some(ControlPlane::start().await?),
        };
        let kubeconfig = match (kubeconfig, &own) {
            (Some(file), _) => std::path::absolute(file)?,
            (None, Some(plane)) => plane.kubeconfig().to_owned(),
            (None, None) => anyhow::bail!("there is no cluster"),
        };
        let api = Api::connect(&kubeconfig).await?;
        ensure!(api.is_ready().await, "the API server of {} does not answer /readyz", kubeconfig.display());
        if own.is_some() {
            tell::fact("cluster", "etcd, kube-apiserver, kube-controller-manager", watch.elapsed());
        } else {
            refuse_a_second_suite(&api).await?;
        }
        let watch = Watch::start();
        let git = GitServer::start().await?;
        let sink = WebhookSink::start().await?;
        tell::fact("servers", &format!("git at {}, webhook sink at {}", git.url(NAME), sink.url("")), watch.elapsed());
        println!("   building the services, if that was not done yet");
        let watch = Watch::start();
        let suite = Suite::start(&api, &kubeconfig).await?;
        let names: Vec<&str> = Service::ALL.iter().map(|service| service.name()).collect();
        tell::fact("services", &names.join(", "), watch.elapsed());
        let stage = Self { suite, sink, git, api, kubeconfig, own };
        stage.deliver().await?;
        Ok(stage)
    }

    /// The repository, pushed to over http, as a developer would.
    pub fn repository(&self) -> Result<Repository> {
        Ok(self.git.repository(NAME)?.push_over(&self.git.url(NAME)))
    }

    /// What makes the loop: source, Kustomization, Provider, Alert, Receiver; then the Git server is told whom to call.
    async fn deliver(&self) -> Result<()> {
        self.api.namespace(SHOP).await?;
        let object = |kind: Kind, name: &str, spec: Value| json!({"apiVersion": kind.api_version, "kind": kind.kind, "metadata": {"name": name, "namespace": SHOP}, "spec": spec});
        let source = json!({"kind": "GitRepository", "name": NAME});
        let anything = json!([{"kind": "GitRepository", "name": "*"}, {"kind": "Kustomization", "name": "*"}]);
        let api_version = kind::GIT_REPOSITORY.api_version;
        let hook = json!({"type": "generic", "secretRef": {"name": "hook"},
                          "resources": [{"apiVersion": api_version, "kind": "GitRepository", "name": NAME}]});
        let objects = [
            json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "hook", "namespace": SHOP},
                   "stringData": {"token": weir_testkit::pki::token()?}}),
            object(kind::PROVIDER, "sink", json!({"type": "generic", "address": self.sink.url("messages")})),
            object(kind::ALERT, "all", json!({"providerRef": {"name": "sink"}, "eventSources": anything})),
            object(kind::RECEIVER, "hook", hook),
            object(
                kind::GIT_REPOSITORY,
                NAME,
                json!({"interval": "1h", "url": self.git.url(NAME), "ref": {"branch": "main"}}),
            ),
            object(
                kind::KUSTOMIZATION,
                NAME,
                json!({
                    "interval": "1h", "retryInterval": "1m", "timeout": "2m", "path": "./deploy", "prune": true, "wait": true,
                    "targetNamespace": SHOP, "sourceRef": source,
                }),
            ),
        ];
        self.api.apply_all(&objects).await?;
        let receiver = self.api.wait_ready(kind::RECEIVER, SHOP, "hook", Duration::from_secs(60)).await?;
        let path =
            receiver.pointer("/status/webhookPath").and_then(Value::as_str).context("the Receiver has no path")?;
        self.git.webhook(Some(self.suite.receiver(path)));
        Ok(())
    }

    /// How to look around while it stays up.
    pub fn explain(&self) -> Result<()> {
        let metadata = cargo_metadata::MetadataCommand::new().current_dir(root()).no_deps().exec()?;
        let weir = metadata.target_directory.join("debug/weir");
        println!(
            "\nit stays up until Ctrl-C. In another terminal:\n
  export KUBECONFIG={kubeconfig}
  {weir} get all -n {SHOP}
  {weir} tree kustomization {NAME} -n {SHOP}
  {weir} events -n {SHOP} --watch
  kubectl -n {SHOP} edit configmap settings      # and see it put back
  git clone {url} && cd {NAME}                   # commit, push, watch\n",
            kubeconfig = self.kubeconfig.display(),
            url = self.git.url(NAME),
        );
        Ok(())
    }

    /// Takes the demo's objects out of a cluster that is not ours, while the services still run to finalize them; then everything ends.
    pub async fn clear(self) -> Result<()> {
        if self.own.is_none() {
            for (kind, name) in [(kind::KUSTOMIZATION, NAME), (kind::GIT_REPOSITORY, NAME), (kind::RECEIVER, "hook")] {
                self.api.delete(kind, SHOP, name).await?;
                self.api.wait_gone(kind, SHOP, name, Duration::from_secs(60)).await?;
            }
            self.api.delete(kind::NAMESPACE, "", SHOP).await?;
            println!("the namespace {SHOP} is deleted; Weir's CRDs, accounts and roles stay in the cluster");
        }
        Ok(())
    }
}

/// Two suites on one cluster would fight over the same objects.
async fn refuse_a_second_suite(api: &Api) -> Result<()> {
    for service in Service::ALL {
        let found = api.get(kind::DEPLOYMENT, NAMESPACE, service.name()).await?;
        let running =
            found.as_ref().and_then(|d| d.pointer("/spec/replicas")).and_then(Value::as_u64).unwrap_or_default() > 0;
        ensure!(
            !running,
            "{NAMESPACE}/{0} runs in this cluster already; scale it to 0 first: kubectl -n {NAMESPACE} scale deployment {0} --replicas 0",
            service.name()
        );
    }
    Ok(())
}
