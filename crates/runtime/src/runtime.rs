//! One service, tied together.
//!
//! ```ignore
//! pub async fn run(args: Args) -> Result<(), RuntimeError> {
//!     let settings = Settings::new("source-controller", &args.common).selector(&args.selector).events(&args.events);
//!     let mut runtime = Runtime::new(settings).await?;
//!     let repositories = Handle::default();
//!     runtime.controller(&repositories, GitRepositories::new(runtime.client()), args.concurrent);
//!     runtime.serve().await
//! }
//! ```

mod serve;

use std::{future::Future, pin::Pin, sync::Arc, time::Duration};

use kube::Client;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::{
    client::{ClientError, Clients},
    clock::Clock,
    controller::{Driver, Handle},
    events::Recorder,
    metrics::Metrics,
    reconciler::Reconciler,
    settings::Settings,
    trace::Exporter,
    watch::{Moved, Query, Raw, Secondary, secondary},
};

pub use serve::main;

/// How long work under way may take to end after a signal.
pub const GRACE: Duration = Duration::from_secs(8);

type Task = Pin<Box<dyn Future<Output = ()> + Send>>;
type Start = Box<dyn FnOnce(CancellationToken) -> Task + Send>;

/// The service cannot run.
#[derive(Debug, thiserror::Error)]
pub enum RuntimeError {
    /// A flag makes no sense.
    #[error("bad flag")]
    Flag(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// No API server.
    #[error("no Kubernetes client")]
    Client(#[from] ClientError),
    /// Traces cannot be exported.
    #[error("no traces")]
    Traces(#[from] crate::trace::ExportError),
    /// A port cannot be had.
    #[error("cannot listen for {what} on {addr}: is it taken by another process? Choose another with --{flag}")]
    Listen {
        /// What for.
        what: &'static str,
        /// Where.
        addr: String,
        /// The flag that says where.
        flag: &'static str,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// gRPC without authentication that others could reach.
    #[error("--grpc-auth=false is allowed on loopback addresses only, not on {addr}: set --grpc-addr=127.0.0.1:PORT")]
    OpenGrpc {
        /// Where.
        addr: String,
    },
    /// Somebody else leads now; the process must end so as not to work beside it.
    #[error("leadership lost: the lease {lease} could not be renewed in time")]
    LeadershipLost {
        /// Namespace and name.
        lease: String,
    },
    /// A task that should run as long as the process ended.
    #[error("{task} ended unexpectedly")]
    Ended {
        /// Which.
        task: String,
    },
}

/// What every part of a service may use; cheap to clone.
#[derive(Clone, Debug)]
pub struct Context {
    /// The service and its flags.
    pub settings: Arc<Settings>,
    /// Clients of the API server.
    pub clients: Clients,
    /// The clock.
    pub clock: Clock,
    /// The metrics.
    pub metrics: Metrics,
    /// Where events go.
    pub recorder: Recorder,
    /// Where traces go.
    pub exporter: Exporter,
    /// Fires at shutdown.
    pub shutdown: CancellationToken,
    /// Opens when everything that runs look up is known.
    pub(crate) gate: watch::Sender<bool>,
}

/// A service being put together; [`Runtime::serve`] runs it.
pub struct Runtime {
    context: Context,
    leading: Vec<(String, Start)>,
    always: Vec<(String, Start)>,
    synced: Vec<Task>,
    grpc: Option<tonic::service::Routes>,
    grpc_names: Vec<&'static str>,
    ready: Vec<Box<dyn Fn() -> bool + Send + Sync>>,
}

impl std::fmt::Debug for Runtime {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Runtime").field("context", &self.context).finish_non_exhaustive()
    }
}

impl Runtime {
    /// Sets up logs, traces, metrics and the client. Nothing runs yet.
    ///
    /// # Errors
    /// When a flag makes no sense or there is no cluster to talk to.
    pub async fn new(settings: Settings) -> Result<Self, RuntimeError> {
        crate::telemetry::init(settings.common.log_level, settings.common.log_encoding);
        let metrics = Metrics::new();
        let exporter = Exporter::from_env(settings.name, |key| settings.environment.telemetry.get(key).cloned())?;
        let config = crate::client::config(settings.environment.kubeconfig.as_deref()).await?;
        let agent = format!("{}/v{} weir", settings.name, env!("CARGO_PKG_VERSION"));
        let common = &settings.common;
        let clients = Clients::new(config, &agent, common.kube_api_qps, common.kube_api_burst, &metrics).await?;
        let settings = Arc::new(settings);
        let clock = Clock::system();
        let shutdown = CancellationToken::new();
        let recorder = Recorder::start(&settings, &clients, &metrics, clock, &shutdown)?;
        let context = Context {
            settings,
            clients,
            clock,
            metrics,
            recorder,
            exporter,
            shutdown,
            gate: watch::Sender::new(false),
        };
        Ok(Self {
            context,
            leading: Vec::new(),
            always: Vec::new(),
            synced: Vec::new(),
            grpc: None,
            grpc_names: Vec::new(),
            ready: Vec::new(),
        })
    }

    /// What every part of the service may use.
    #[must_use]
    pub fn context(&self) -> Context {
        self.context.clone()
    }

    /// The client of the controller itself.
    #[must_use]
    pub fn client(&self) -> Client {
        self.context.clients.own()
    }

    /// Runs a kind's reconciler while this instance leads. `handle` gives others its store and its waker.
    pub fn controller<R: Reconciler>(&mut self, handle: &Handle<R::Object>, reconciler: R, concurrent: usize) {
        let driver = Driver::new(self.context(), handle.clone(), reconciler, concurrent);
        let store = handle.store.clone();
        self.synced.push(Box::pin(async move { store.synced().await }));
        let name = driver.name();
        self.leading(name, |shutdown| driver.run(shutdown));
    }

    /// Watches another kind while this instance leads; controllers begin once it is synced. See [`secondary`].
    pub fn secondary<V, M, F>(&mut self, query: Query, map: M, on: F) -> Secondary<V>
    where
        V: Clone + PartialEq + Send + 'static,
        M: Fn(&Raw<'_>) -> Option<V> + Send + Sync + 'static,
        F: Fn(Moved<'_, V>) + Send + Sync + 'static,
    {
        let (picture, task) = secondary(self.client(), query, map, on);
        self.watching(picture, task)
    }

    fn watching<V>(&mut self, picture: Secondary<V>, task: impl Future<Output = ()> + Send + 'static) -> Secondary<V>
    where
        V: Clone + Send + 'static,
    {
        let waiting = picture.clone();
        self.synced.push(Box::pin(async move { waiting.synced().await }));
        self.leading("watch", |shutdown| async move {
            shutdown.run_until_cancelled(task).await;
        });
        picture
    }

    /// Runs a task while this instance leads; it should end soon after its token fires.
    pub fn leading<F, T>(&mut self, name: impl Into<String>, task: F)
    where
        F: FnOnce(CancellationToken) -> T + Send + 'static,
        T: Future<Output = ()> + Send + 'static,
    {
        self.leading.push((name.into(), Box::new(move |shutdown| Box::pin(task(shutdown)))));
    }

    /// Runs a task from start to shutdown, leader or not.
    pub fn always<F, T>(&mut self, name: impl Into<String>, task: F)
    where
        F: FnOnce(CancellationToken) -> T + Send + 'static,
        T: Future<Output = ()> + Send + 'static,
    {
        self.always.push((name.into(), Box::new(move |shutdown| Box::pin(task(shutdown)))));
    }

    /// Serves a gRPC service, with reflection, health and authentication around it. Call it once per service.
    pub fn grpc<S>(&mut self, service: S)
    where
        S: tower::Service<http::Request<tonic::body::Body>, Error = std::convert::Infallible>
            + tonic::server::NamedService
            + Clone
            + Send
            + Sync
            + 'static,
        S::Response: axum::response::IntoResponse,
        S::Future: Send + 'static,
    {
        let routes = self.grpc.take().unwrap_or_default();
        self.grpc_names.push(S::NAME);
        self.grpc = Some(routes.add_service(service));
    }

    /// Adds a condition for `/readyz`.
    pub fn ready(&mut self, check: impl Fn() -> bool + Send + Sync + 'static) {
        self.ready.push(Box::new(check));
    }
}
