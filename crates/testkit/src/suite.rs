//! Weir's services as processes, as they run in a cluster: own ports, own storage, own identity.
//!
//! ```text
//! source-controller -- artifacts (HTTP, gRPC) --> kustomize-controller
//!         |  events                                      |  events
//!         +-----------> notification-controller <--------+
//! ```

mod build;
mod install;

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};

use crate::api::Api;
use crate::background;
use crate::control_plane::{derive_kubeconfig, token_of};
use crate::kind;
use crate::port::{self, Port};
use crate::process::{Process, Program};
use crate::scratch::Scratch;

pub use build::build_services;
pub use install::{NAMESPACE, install_crds, install_roles};

/// One of the services.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    /// Sources into artifacts.
    Source,
    /// Artifacts into changes.
    Kustomize,
    /// Events into messages.
    Notification,
}

impl Service {
    /// All, in the order in which they start.
    pub const ALL: [Self; 3] = [Self::Notification, Self::Source, Self::Kustomize];

    /// Name of its binary, crate folder and ServiceAccount.
    pub fn name(self) -> &'static str {
        match self {
            Self::Source => "source-controller",
            Self::Kustomize => "kustomize-controller",
            Self::Notification => "notification-controller",
        }
    }
}

/// How events travel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum EventRoute {
    /// As Flux does it: POST.
    #[default]
    Http,
    /// `weir.event.v1.Events`.
    Grpc,
    /// The same over TLS; certificates are the caller's affair.
    Grpcs,
}

/// How to run the services.
#[derive(Clone, Debug, Default)]
pub struct SuiteOptions {
    /// How events travel.
    pub events: EventRoute,
    /// Where spans go.
    pub otlp: Option<String>,
    /// More flags, by service.
    pub args: Vec<(Service, String)>,
    /// Only these services; all when empty.
    pub only: Vec<Service>,
}

#[derive(Debug)]
struct Slot {
    service: Service,
    metrics: Port,
    health: Port,
    grpc: Port,
    program: Program,
    process: Option<Process>,
}

/// The services. Dropping it kills them.
#[derive(Debug)]
pub struct Suite {
    slots: Vec<Slot>,
    storage: Port,
    events: Port,
    receiver: Port,
    dir: Scratch,
}

impl Suite {
    /// Builds the services if need be, installs CRDs, roles and accounts, and starts all three.
    pub async fn start(api: &Api, kubeconfig: &Path) -> Result<Self> {
        Self::with(api, kubeconfig, SuiteOptions::default()).await
    }

    /// The same with `options`.
    pub async fn with(api: &Api, kubeconfig: &Path, options: SuiteOptions) -> Result<Self> {
        let bins = background::run_blocking(build::build_services).await?;
        install_crds(api).await?;
        install_roles(api).await?;
        let dir = Scratch::new("suite")?;
        let [storage, events, receiver] = [Port::reserve()?, Port::reserve()?, Port::reserve()?];
        let mut suite = Self { slots: Vec::new(), storage, events, receiver, dir };
        let notification_grpc = Port::reserve()?;
        let events_to = match options.events {
            EventRoute::Http => format!("http://{}/", suite.events.address()),
            EventRoute::Grpc => format!("grpc://{}", notification_grpc.address()),
            EventRoute::Grpcs => format!("grpcs://{}", notification_grpc.address()),
        };
        let mut notification_grpc = Some(notification_grpc);
        for service in
            Service::ALL.into_iter().filter(|service| options.only.is_empty() || options.only.contains(service))
        {
            let grpc = match notification_grpc.take_if(|_| service == Service::Notification) {
                Some(port) => port,
                None => Port::reserve()?,
            };
            let (metrics, health) = (Port::reserve()?, Port::reserve()?);
            let home = suite.dir.path().join(service.name());
            std::fs::create_dir_all(home.join("tmp"))?;
            std::fs::create_dir_all(home.join("data"))?;
            let (config, trust) = identity(api, kubeconfig, service, &home).await?;
            let mut program = Program::new(service.name(), bins.join(service.name()))
                .args([
                    "--log-level=debug".to_owned(),
                    format!("--metrics-addr={}", metrics.address()),
                    format!("--health-addr={}", health.address()),
                    format!("--grpc-addr={}", grpc.address()),
                ])
                .args([trust])
                .args(suite.flags_of(service, &home, &events_to))
                .args(options.args.iter().filter(|(of, _)| *of == service).map(|(_, arg)| arg.clone()))
                .env("KUBECONFIG", &config)
                .env("RUNTIME_NAMESPACE", NAMESPACE)
                .env("TMPDIR", home.join("tmp"))
                .env("RUST_BACKTRACE", "1")
                .env("OTEL_BSP_SCHEDULE_DELAY", "200");
            for name in AMBIENT {
                program = program.env_remove(name);
            }
            if let Some(endpoint) = &options.otlp {
                program = program.env("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint);
            }
            suite.slots.push(Slot { service, metrics, health, grpc, program, process: None });
            suite.launch(service)?;
        }
        for service in suite.services() {
            suite.wait_until_ready(service).await?;
        }
        Ok(suite)
    }

    fn flags_of(&self, service: Service, home: &Path, events_to: &str) -> Vec<String> {
        let data = home.join("data");
        match service {
            Service::Source => vec![
                format!("--events-addr={events_to}"),
                format!("--storage-path={}", data.display()),
                format!("--storage-addr={}", self.storage.address()),
                format!("--storage-adv-addr={}", self.storage.address()),
            ],
            Service::Kustomize => vec![format!("--events-addr={events_to}")],
            Service::Notification => vec![
                format!("--events-addr={}", self.events.address()),
                format!("--receiverAddr={}", self.receiver.address()),
                format!("--queue-path={}", data.display()),
            ],
        }
    }

    fn services(&self) -> Vec<Service> {
        self.slots.iter().map(|slot| slot.service).collect()
    }

    fn slot(&self, service: Service) -> Result<&Slot> {
        self.slots
            .iter()
            .find(|slot| slot.service == service)
            .with_context(|| format!("{} is not part of this suite", service.name()))
    }

    fn slot_mut(&mut self, service: Service) -> Result<&mut Slot> {
        self.slots
            .iter_mut()
            .find(|slot| slot.service == service)
            .with_context(|| format!("{} is not part of this suite", service.name()))
    }

    /// Starts a service that does not run; does not wait for it.
    pub fn launch(&mut self, service: Service) -> Result<()> {
        let home = self.dir.path().join(service.name());
        let slot = self.slot_mut(service)?;
        slot.process = Some(Process::start(&slot.program, &home)?);
        Ok(())
    }

    /// Waits for `/readyz`.
    pub async fn wait_until_ready(&mut self, service: Service) -> Result<()> {
        let slot = self.slot_mut(service)?;
        let url = format!("http://{}/readyz", slot.health.address());
        let client = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(2)).build()?;
        for _ in 0..1500 {
            slot.process.as_mut().with_context(|| format!("{} was not started", service.name()))?.expect_running()?;
            if let Ok(reply) = client.get(&url).send().await
                && reply.status().is_success()
            {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        anyhow::bail!("{} is not ready after 30 s; the end of its log:\n{}", service.name(), self.log(service, 25))
    }

    /// SIGKILL.
    pub fn kill(&mut self, service: Service) -> Result<()> {
        if let Some(mut process) = self.slot_mut(service)?.process.take() {
            process.kill();
        }
        Ok(())
    }

    /// SIGTERM, and an error when it takes more than ten seconds or does not end well.
    pub async fn stop(&mut self, service: Service) -> Result<()> {
        if let Some(mut process) = self.slot_mut(service)?.process.take() {
            let status = process.stop(Duration::from_secs(10)).await;
            let status = status.with_context(|| format!("{} did not end within 10 s of SIGTERM", service.name()))?;
            anyhow::ensure!(status.success(), "{} ended with {status} after SIGTERM", service.name());
        }
        Ok(())
    }

    /// SIGKILL, start, ready.
    pub async fn restart(&mut self, service: Service) -> Result<()> {
        self.kill(service)?;
        self.launch(service)?;
        self.wait_until_ready(service).await
    }

    /// Forgets what a service kept on disk, as a lost volume does. Kill it first.
    pub fn wipe(&self, service: Service) -> Result<()> {
        let data = self.dir.path().join(service.name()).join("data");
        std::fs::remove_dir_all(&data)?;
        Ok(std::fs::create_dir_all(&data)?)
    }

    /// Process id of a running service.
    pub fn pid(&self, service: Service) -> Result<u32> {
        let process = self.slot(service)?.process.as_ref();
        Ok(process.with_context(|| format!("{} does not run", service.name()))?.pid())
    }

    /// The last lines a service logged.
    pub fn log(&self, service: Service, lines: usize) -> String {
        crate::process::tail(&self.log_file(service), lines)
    }

    /// Where a service logs.
    pub fn log_file(&self, service: Service) -> PathBuf {
        self.dir.path().join(service.name()).join(format!("{}.log", service.name()))
    }

    /// Where a service keeps its data.
    pub fn data(&self, service: Service) -> PathBuf {
        self.dir.path().join(service.name()).join("data")
    }

    /// What a service says on `/metrics`.
    pub async fn metrics(&self, service: Service) -> Result<String> {
        let url = format!("http://{}/metrics", self.slot(service)?.metrics.address());
        Ok(reqwest::Client::builder().no_proxy().build()?.get(url).send().await?.error_for_status()?.text().await?)
    }

    /// `127.0.0.1:<port>` of a service's gRPC server.
    pub fn grpc(&self, service: Service) -> Result<String> {
        Ok(self.slot(service)?.grpc.address())
    }

    /// A URL of source-controller's artifact server.
    pub fn artifacts(&self, path: &str) -> String {
        format!("http://{}/{}", self.storage.address(), path.trim_start_matches('/'))
    }

    /// Where events are POSTed.
    pub fn events(&self) -> String {
        format!("http://{}/", self.events.address())
    }

    /// A URL of the webhook receiver, from a Receiver's `status.webhookPath`.
    pub fn receiver(&self, path: &str) -> String {
        format!("http://{}{path}", self.receiver.address())
    }

    /// Peak resident memory of a service in MiB.
    pub fn peak_mib(&self, service: Service) -> Result<u64> {
        self.memory_mib(service, "VmHWM:")
    }

    /// Resident memory of a service in MiB, now.
    pub fn resident_mib(&self, service: Service) -> Result<u64> {
        self.memory_mib(service, "VmRSS:")
    }

    fn memory_mib(&self, service: Service, field: &'static str) -> Result<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid(service)?))?;
        let line = status.lines().find_map(|line| line.strip_prefix(field)).context(field)?;
        Ok(line.trim().trim_end_matches(" kB").parse::<u64>()? / 1024)
    }

    /// True when something listens on the webhook receiver's port.
    pub async fn receives(&self) -> bool {
        port::is_open(&self.receiver.address()).await
    }
}

/// What a developer's shell may hold and a service in a test must not see.
const AMBIENT: &[&str] = &[
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "all_proxy",
    "no_proxy",
    "OTEL_EXPORTER_OTLP_ENDPOINT",
    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
    "DOCKER_CONFIG",
    "SSH_AUTH_SOCK",
];

/// How a service shows who it is: a kubeconfig for the API server and a flag for its peers. Where the cluster has the service's account
/// and the kubeconfig is ours to derive from, it acts under that account; else as the admin, and peers on loopback are trusted.
async fn identity(api: &Api, admin: &Path, service: Service, home: &Path) -> Result<(PathBuf, String)> {
    let account = api.get(kind::SERVICE_ACCOUNT, NAMESPACE, service.name()).await?;
    let ours = serde_json::from_slice::<serde_json::Value>(&std::fs::read(admin)?).is_ok();
    if account.is_none() || !ours {
        return Ok((admin.to_owned(), "--grpc-auth=false".to_owned()));
    }
    let config = home.join("kubeconfig");
    derive_kubeconfig(admin, &token_of(api, NAMESPACE, service.name(), None).await?, &config)?;
    let token = home.join("grpc-token");
    crate::pki::write_private(&token, &token_of(api, NAMESPACE, service.name(), Some("weir")).await?)?;
    Ok((config, format!("--grpc-token-file={}", token.display())))
}
