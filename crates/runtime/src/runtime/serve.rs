//! From start to end of a process.

use std::{net::SocketAddr, process::ExitCode, time::Duration};

use clap::Parser;
use futures::future::join_all;
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
    task::JoinSet,
};
use tokio_util::sync::CancellationToken;
use weir_reconcile::describe;

use super::{GRACE, Runtime, RuntimeError, Start};
use crate::{flags, grpc::ServerTls, lease::Elector, probes};

/// How long controllers wait for the first lists of what they look up.
const FIRST_LISTS: Duration = Duration::from_secs(60);
/// How long events and traces may take to go out at the end.
const LAST_WORDS: Duration = Duration::from_secs(3);

impl Runtime {
    /// Runs until SIGTERM, SIGINT, lost leadership or the end of a part that should not end.
    ///
    /// # Errors
    /// When a port is taken, leadership is lost, or a part ends.
    pub async fn serve(self) -> Result<(), RuntimeError> {
        let Self { context, leading, always, synced, grpc, grpc_names, ready } = self;
        let shutdown = context.shutdown.clone();
        let settings = &context.settings;
        let common = &settings.common;
        let mut tasks: JoinSet<String> = JoinSet::new();
        let ready = probes::Ready::new(ready);

        if let Some(listener) = listen("metrics", "metrics-addr", &common.metrics_addr).await? {
            let (metrics, stop) = (context.metrics.clone(), shutdown.clone());
            spawn(&mut tasks, "metrics", async move { probes::metrics(listener, metrics, stop).await });
        }
        if let Some(listener) = listen("probes", "health-addr", &common.health_addr).await? {
            let (ready, stop) = (ready.clone(), shutdown.clone());
            spawn(&mut tasks, "probes", async move { probes::health(listener, ready, stop).await });
        }
        if let Some(routes) = grpc {
            let addr = common.grpc.grpc_addr.clone().unwrap_or_else(|| settings.grpc_addr.to_owned());
            if let Some(listener) = listen_grpc(&addr, common.grpc.grpc_auth).await? {
                let client = common.grpc.grpc_auth.then(|| context.clients.own());
                let stop = shutdown.clone();
                let tls = ServerTls::new(&common.grpc).map_err(|error| RuntimeError::Flag(Box::new(error)))?;
                spawn(&mut tasks, "gRPC", async move {
                    if let Err(error) = crate::grpc::serve(listener, routes, grpc_names, client, tls, stop).await {
                        let error = describe(&error);
                        tracing::error!(error, "gRPC server failed");
                    }
                });
            }
        }
        for (name, start) in always {
            begin(&mut tasks, name, start, &shutdown);
        }
        tracing::info!("starting {}", settings.name);
        on_signal(shutdown.clone());
        let elector = common.enable_leader_election.then(|| Elector::new(&context));
        let lost = match &elector {
            Some(elector) => {
                let won = shutdown.run_until_cancelled(elector.acquire()).await.is_some();
                won.then(|| tokio::spawn(elector.clone().keep(shutdown.clone())))
            }
            None => None,
        };
        let gate = context.gate.clone();
        tasks.spawn(async move {
            if tokio::time::timeout(FIRST_LISTS, join_all(synced)).await.is_err() {
                tracing::error!("not all watches are synced yet: are all CRDs installed? starting without");
            }
            gate.send_replace(true);
            String::new()
        });
        if !shutdown.is_cancelled() {
            for (name, start) in leading {
                begin(&mut tasks, name, start, &shutdown);
            }
        }
        let result = wait(&mut tasks, &shutdown, lost, elector.as_ref()).await;
        shutdown.cancel();
        if let Err(RuntimeError::LeadershipLost { .. }) = &result {
            // Another instance may begin any moment: nothing of ours goes on beside it.
            tasks.shutdown().await;
            return result;
        }
        tracing::info!("shutting down");
        let ended = async { while tasks.join_next().await.is_some() {} };
        if tokio::time::timeout(GRACE + Duration::from_secs(1), ended).await.is_err() {
            tracing::info!("not everything ended in time");
        }
        context.recorder.flush(LAST_WORDS).await;
        context.exporter.flush(LAST_WORDS).await;
        if let (Some(elector), Ok(())) = (&elector, &result)
            && common.leader_election_release_on_cancel
        {
            elector.release().await;
        }
        result
    }
}

/// Waits for a reason to end.
async fn wait(
    tasks: &mut JoinSet<String>,
    shutdown: &CancellationToken,
    lost: Option<tokio::task::JoinHandle<()>>,
    elector: Option<&Elector>,
) -> Result<(), RuntimeError> {
    let lost = async {
        match lost {
            Some(task) => {
                let _ = task.await;
            }
            None => std::future::pending().await,
        }
    };
    let mut lost = std::pin::pin!(lost);
    loop {
        tokio::select! {
            biased;
            () = shutdown.cancelled() => return Ok(()),
            () = &mut lost => {
                if shutdown.is_cancelled() {
                    return Ok(());
                }
                let lease = elector.map(Elector::lease).unwrap_or_default();
                return Err(RuntimeError::LeadershipLost { lease });
            }
            Some(ended) = tasks.join_next() => match ended {
                // The gate has done its work.
                Ok(name) if name.is_empty() => {}
                Ok(_) if shutdown.is_cancelled() => return Ok(()),
                Ok(task) => return Err(RuntimeError::Ended { task }),
                Err(error) => return Err(RuntimeError::Ended { task: format!("a task ({error})") }),
            }
        }
    }
}

fn begin(tasks: &mut JoinSet<String>, name: String, start: Start, shutdown: &CancellationToken) {
    let task = start(shutdown.clone());
    tasks.spawn(async move {
        task.await;
        name
    });
}

fn spawn(tasks: &mut JoinSet<String>, name: &str, task: impl Future<Output = ()> + Send + 'static) {
    let name = name.to_owned();
    tasks.spawn(async move {
        task.await;
        name
    });
}

/// Fires the token at SIGTERM or SIGINT; a second signal ends the process at once.
fn on_signal(shutdown: CancellationToken) {
    let (Ok(mut term), Ok(mut int)) = (signal(SignalKind::terminate()), signal(SignalKind::interrupt())) else {
        return;
    };
    tokio::spawn(async move {
        tokio::select! { _ = term.recv() => {} _ = int.recv() => {} }
        shutdown.cancel();
        tokio::select! { _ = term.recv() => {} _ = int.recv() => {} }
        std::process::exit(1);
    });
}

/// Binds an address; an IPv6 wildcard falls back to IPv4 on machines without IPv6.
pub(crate) async fn listen(
    what: &'static str,
    flag: &'static str,
    text: &str,
) -> Result<Option<TcpListener>, RuntimeError> {
    let addr = flags::listen_addr(flag, text).map_err(|error| RuntimeError::Flag(Box::new(error)))?;
    let Some(addr) = addr else { return Ok(None) };
    let bound = match TcpListener::bind(addr).await {
        Err(error) if addr.is_ipv6() && addr.ip().is_unspecified() && error.kind() != std::io::ErrorKind::AddrInUse => {
            TcpListener::bind(SocketAddr::from(([0, 0, 0, 0], addr.port()))).await
        }
        other => other,
    };
    bound.map(Some).map_err(|source| RuntimeError::Listen { what, addr: text.to_owned(), flag, source })
}

async fn listen_grpc(text: &str, auth: bool) -> Result<Option<TcpListener>, RuntimeError> {
    let addr = flags::listen_addr("grpc-addr", text).map_err(|error| RuntimeError::Flag(Box::new(error)))?;
    if !auth && addr.is_some_and(|addr| !flags::is_loopback(&addr)) {
        return Err(RuntimeError::OpenGrpc { addr: text.to_owned() });
    }
    listen("gRPC", "grpc-addr", text).await
}

/// The whole of a service's `main`: parses the command line, runs, and says in one line why it ended.
///
/// Threads are few and die when idle: a controller waits, it does not compute.
pub fn main<A, E, T>(run: impl FnOnce(A) -> T) -> ExitCode
where
    A: Parser,
    E: std::error::Error,
    T: Future<Output = Result<(), E>>,
{
    let args: A = flags::parse();
    let workers = std::thread::available_parallelism().map_or(2, usize::from).min(4);
    let built = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(workers)
        .max_blocking_threads(16)
        // YAML may nest 200 deep and expressions as well; a frame per level fits 2 MiB only in release builds. Untouched pages cost nothing.
        .thread_stack_size(16 << 20)
        .thread_keep_alive(Duration::from_secs(5))
        .enable_all()
        .build();
    let runtime = match built {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("error: cannot start threads: {error}");
            return ExitCode::FAILURE;
        }
    };
    let result = runtime.block_on(run(args));
    runtime.shutdown_timeout(Duration::from_millis(200));
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {}", crate::redact::scrub(&describe(&error)));
            ExitCode::FAILURE
        }
    }
}
