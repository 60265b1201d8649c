//! notification-controller: what happened goes out to people and systems, what happens elsewhere comes in.
//!
//! ```text
//! POST :9090 ─┐                                          ┌─► generic, generic-hmac
//! gRPC :9092 ─┴─► intake ─► queue (disk) ─► dispatcher ──┴─► slack
//! POST :9292/hook/… ─► hooks ─► reconcile.fluxcd.io/requestedAt on objects
//! ```

pub mod alert;
pub mod cluster;
pub mod delivery;
pub mod edge;
pub mod event;
#[cfg(test)]
mod fake;
pub mod intake;
pub mod journal;
pub mod provider;
pub mod queue;
pub mod receiver;
pub mod server;

use std::{net::SocketAddr, path::PathBuf, sync::Arc};

use clap::Parser;
use tokio::{net::TcpListener, sync::mpsc};
use weir_api::{meta::Duration, names::feature, notification::Receiver};
use weir_proto::event::v1::events_server::EventsServer;
use weir_runtime::{
    ObjectKey, Trigger,
    controller::Handle,
    flags::{CommonArgs, ConfigWatchArgs, TenancyArgs, TokenCacheArgs, go_bool, listen_addr},
    runtime::{Context, Runtime, RuntimeError},
    settings::Settings,
    watch::Query,
};

use cluster::{Cluster, Watched};
use delivery::{DeliveryMetrics, Dispatcher, Patience};
use intake::{GrpcIntake, HttpIntake, Intake};
use queue::{Opened, Options, Queue};
use receiver::{Receivers, hook::Hooks};
use server::{Handler, HttpMetrics};

/// Feature gates and whether they are on by default.
const GATES: [(&str, bool); 3] = [
    (feature::CACHE_SECRETS_AND_CONFIG_MAPS, false),
    (feature::DISABLE_CONFIG_WATCHERS, false),
    (feature::OBJECT_LEVEL_WORKLOAD_IDENTITY, false),
];

/// Delivers events to providers and turns webhooks into reconciles.
#[derive(Parser, Clone, Debug)]
#[command(name = "notification-controller", version)]
pub struct Args {
    /// Flags of every controller.
    #[command(flatten)]
    pub common: CommonArgs,
    /// The address the event endpoint binds to.
    #[arg(long, default_value = ":9090", env = "EVENTS_ADDR")]
    pub events_addr: String,
    /// The address the webhook receiver endpoint binds to.
    #[arg(long = "receiverAddr", default_value = ":9292", env = "RECEIVER_ADDR")]
    pub receiver_addr: String,
    /// The number of concurrent notification reconciles.
    #[arg(long, default_value_t = 4)]
    pub concurrent: usize,
    /// Interval in which an equal event is a duplicate.
    #[arg(long, default_value = "5m")]
    pub rate_limit_interval: Duration,
    /// Give each path its own series in the HTTP servers' metrics; callers can then make any number of them.
    #[arg(long, value_parser = go_bool, num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value = "false", action = clap::ArgAction::Set)]
    pub export_http_path_metrics: bool,
    /// Directory of the events that wait; /data/events if /data can be written to, else below the temporary directory.
    #[arg(long, alias = "storage-path", env = "STORAGE_PATH")]
    pub queue_path: Option<PathBuf>,
    /// How many events may wait.
    #[arg(long, default_value_t = Options::default().max_events)]
    pub queue_max_events: usize,
    /// How often a delivery is tried before it is given up.
    #[arg(long, default_value_t = Patience::default().tries)]
    pub delivery_max_tries: u32,
    /// How old a delivery becomes before it is given up.
    #[arg(long, default_value = "4h")]
    pub delivery_max_age: Duration,
    /// The longest delay between tries of a delivery.
    #[arg(long, default_value = "5m")]
    pub delivery_max_delay: Duration,
    /// Watches of Secrets.
    #[command(flatten)]
    pub configs: ConfigWatchArgs,
    /// What tenants may do.
    #[command(flatten)]
    pub tenancy: TenancyArgs,
    /// Cache of access tokens.
    #[command(flatten, next_help_heading = "Without effect yet")]
    pub tokens: TokenCacheArgs,
}

impl Args {
    fn options(&self) -> Options {
        Options { dedupe: self.rate_limit_interval.0, max_events: self.queue_max_events, ..Options::default() }
    }

    fn patience(&self) -> Patience {
        let tries = self.delivery_max_tries.max(1);
        Patience { longest: self.delivery_max_delay.0, tries, age: self.delivery_max_age.0, ..Patience::default() }
    }

    /// Where events are kept: Flux's manifests give a writable `/tmp` only.
    fn directory(&self) -> PathBuf {
        let data = PathBuf::from("/data");
        let writable = |dir: &PathBuf| tempfile::tempfile_in(dir).is_ok();
        match &self.queue_path {
            Some(path) => path.clone(),
            None if writable(&data) => data.join("events"),
            None => std::env::temp_dir().join("notification-controller").join("events"),
        }
    }
}

/// Runs the service until it is told to end.
///
/// # Errors
/// When a flag makes no sense, a port is taken, the queue cannot be opened, or a part of the service ends.
pub async fn run(args: Args) -> Result<(), RuntimeError> {
    let wrong = |error: Box<dyn std::error::Error + Send + Sync>| RuntimeError::Flag(error);
    let gates = args.common.gates(&GATES).map_err(|error| wrong(Box::new(error)))?;
    let settings = Settings::new("notification-controller", &args.common).grpc(":9092");
    let mut runtime = Runtime::new(settings).await?;
    let context = runtime.context();

    let opened = open(&args, &context).await?;
    let Watched { cluster, changes } = Cluster::watch(&mut runtime);
    let edge = Arc::new(cluster.clone());
    let intake = Intake::new(opened.queue.clone(), context.clock);
    runtime.grpc(EventsServer::new(GrpcIntake::new(intake.clone())).max_decoding_message_size(server::MAX_BODY + 4096));
    listen(&mut runtime, "gotk_event", "events", "events-addr", &args.events_addr, &args, HttpIntake::new(intake))
        .await?;
    let hooks = Hooks::new(Arc::clone(&edge), context.clock, args.tenancy.no_cross_namespace_refs);
    listen(&mut runtime, "gotk_receiver", "webhooks", "receiverAddr", &args.receiver_addr, &args, hooks).await?;
    let identities = gates.enabled(feature::OBJECT_LEVEL_WORKLOAD_IDENTITY);
    dispatch(&mut runtime, &args, &context, opened, cluster.clone(), changes, identities);

    let receivers = Handle::<Receiver>::default();
    if !gates.enabled(feature::DISABLE_CONFIG_WATCHERS) {
        watch_secrets(&mut runtime, &args, &receivers, cluster);
    }
    runtime.controller(&receivers, Receivers::new(edge), args.concurrent);
    runtime.serve().await
}

/// Opens the queue and says what was found in it.
async fn open(args: &Args, context: &Context) -> Result<Opened, RuntimeError> {
    let (dir, options, now) = (args.directory(), args.options(), context.clock.now());
    let shown = dir.display().to_string();
    let opened = tokio::task::spawn_blocking(move || Queue::open(&dir, options, now)).await;
    let opened = match opened {
        Ok(opened) => opened.map_err(|error| RuntimeError::Flag(Box::new(error)))?,
        Err(error) => return Err(RuntimeError::Flag(Box::new(error))),
    };
    let (events, _, deliveries) = opened.queue.depth();
    tracing::info!(path = shown, events, deliveries, "event queue opened");
    if opened.damaged > 0 {
        tracing::error!(bytes = opened.damaged, "parts of the event journal cannot be read and are passed over");
    }
    Ok(opened)
}

/// Serves HTTP on every replica, leading or not.
async fn listen<H: Handler>(
    runtime: &mut Runtime,
    prefix: &str,
    what: &'static str,
    flag: &'static str,
    addr: &str,
    args: &Args,
    handler: H,
) -> Result<(), RuntimeError> {
    let parsed = listen_addr(flag, addr).map_err(|error| RuntimeError::Flag(Box::new(error)))?;
    let Some(socket) = parsed else { return Ok(()) };
    let bound = bind(socket).await;
    let listener = bound.map_err(|source| RuntimeError::Listen { what, addr: addr.to_owned(), flag, source })?;
    let metrics = HttpMetrics::new(&runtime.context().metrics, prefix, args.export_http_path_metrics);
    runtime.always(what, move |shutdown| server::serve(listener, Arc::new(handler), metrics, shutdown));
    Ok(())
}

/// Machines without IPv6 get IPv4 instead of the wildcard for both.
async fn bind(addr: SocketAddr) -> std::io::Result<TcpListener> {
    match TcpListener::bind(addr).await {
        Err(error) if addr.is_ipv6() && addr.ip().is_unspecified() && error.kind() != std::io::ErrorKind::AddrInUse => {
            TcpListener::bind((std::net::Ipv4Addr::UNSPECIFIED, addr.port())).await
        }
        bound => bound,
    }
}

/// Delivers what waits and what arrives, on every replica: each has its own queue.
fn dispatch(
    runtime: &mut Runtime,
    args: &Args,
    context: &Context,
    opened: Opened,
    cluster: Cluster,
    mut changes: mpsc::UnboundedReceiver<ObjectKey>,
    object_level_identity: bool,
) {
    let Opened { queue, arrivals, resumed, .. } = opened;
    let metrics = DeliveryMetrics::new(&context.metrics, &queue);
    let parts = delivery::Context {
        edge: Arc::new(cluster.clone()),
        queue,
        clock: context.clock,
        exporter: context.exporter.clone(),
        metrics,
        patience: args.patience(),
        no_cross_namespace: args.tenancy.no_cross_namespace_refs,
        object_level_identity,
    };
    runtime.always("deliveries", move |shutdown| async move {
        let dispatcher = Dispatcher::new(parts, shutdown.clone());
        if shutdown.run_until_cancelled(cluster.synced()).await.is_none() {
            return;
        }
        let waking = dispatcher.clone();
        let wake = async move {
            while let Some(key) = changes.recv().await {
                waking.changed(key);
            }
            std::future::pending::<()>().await;
        };
        tokio::select! {
            () = dispatcher.run(arrivals, resumed) => {}
            () = wake => {}
        }
    });
}

/// A secret that changes wakes the receivers that use it.
fn watch_secrets(runtime: &mut Runtime, args: &Args, receivers: &Handle<Receiver>, cluster: Cluster) {
    let namespace = runtime.context().settings.watched_namespace();
    let query = Query::kind("", "v1", "Secret").labels(&args.configs.watch_configs_label_selector);
    let query = query.namespace(namespace.as_deref()).metadata_only();
    let waker = receivers.waker.clone();
    let version = |raw: &weir_runtime::watch::Raw<'_>| Some(raw.meta.resource_version.clone());
    runtime.secondary(query, version, move |moved| {
        if !moved.initial {
            for key in cluster.receivers_of(moved.key) {
                waker.wake(&key, Trigger::Input);
            }
        }
    });
}
