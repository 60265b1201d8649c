//! kustomize-controller: keeps clusters equal to what Kustomizations build from artifacts.
//!
//! ```text
//! sources ──wake──┐
//! ConfigMaps ─────┤                     ┌─ gather ─ build ─ apply ─ prune ─ health ─ conclude ─┐
//! managed objects ┼─► Kustomization run ┤                                                      ├─► status, events
//! dependencies ───┘                     └─ nothing moved: conclude at once ────────────────────┘
//! ```

mod args;
mod edge;
mod index;
pub mod kustomization;
mod live;
mod memory;
mod peers;
mod source;
mod strays;

use std::sync::{Arc, OnceLock};

use tokio::sync::Semaphore;
use weir_api::{
    kustomize::{Kustomization, KustomizationSourceKind, KustomizationStatus},
    names::manager,
};
use weir_apply::{Cluster, Owner, Wake, Watches};
use weir_artifact::{Fetcher, fetch};
use weir_manifest::Cleanup;
use weir_reconcile::Conclusion;
use weir_runtime::{
    Finalized, Handle, ObjectKey, Reconciler, Run, Runtime, RuntimeError, Settings, Trigger, watch::Secondary,
};

pub use args::{Args, InvalidArgs, Options};

use crate::{
    index::{Index, References},
    live::{Live, Sources},
    memory::Memory,
    peers::Peers,
    source::{Source, SourceKey},
    strays::Strays,
};

/// The service cannot run.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// A flag makes no sense.
    #[error("bad flag")]
    Args(#[from] InvalidArgs),
    /// There is no place for artifacts.
    #[error("cannot keep artifacts")]
    Fetcher(#[from] weir_artifact::FetchError),
    /// The runtime's.
    #[error(transparent)]
    Runtime(#[from] RuntimeError),
}

/// Runs the service until it is told to stop.
///
/// # Errors
/// When a flag makes no sense, there is no cluster, or a part of it ends that should not.
pub async fn run(args: Args) -> Result<(), RunError> {
    let options = args.options()?;
    let settings = Settings::new(manager::KUSTOMIZE, &args.common)
        .selector(&args.selector)
        .jitter(&args.jitter)
        .events(&args.events);
    let mut runtime = Runtime::new(settings).await?;
    let context = runtime.context();
    let handle = Handle::<Kustomization>::default();
    let (index, memory) = (Arc::new(Index::default()), Arc::new(Memory::default()));

    let sources = watch_sources(&mut runtime, &options, &handle, &index);
    let cluster = Cluster::new(context.clients.own(), manager::KUSTOMIZE);
    let waker = handle.waker.clone();
    let watches = Watches::new(
        cluster.clone(),
        kustomization::apply::ownership(),
        Cleanup::standard(manager::KUSTOMIZE, &options.override_managers),
        context.shutdown.clone(),
        move |owner: &Owner, wake| {
            let trigger = if wake == Wake::Drift { Trigger::Drift } else { Trigger::Health };
            waker.wake(&ObjectKey::new(owner.namespace.clone(), owner.name.clone()), trigger);
        },
    );
    let peers = Peers::new(context.clone(), Arc::clone(&index), handle.waker.clone());
    let live = Live {
        options,
        context,
        cluster,
        watches,
        fetcher: Fetcher::new(fetch::Options {
            retries: args.http_retry,
            host_override: std::env::var("SOURCE_CONTROLLER_LOCALHOST").ok().filter(|host| !host.is_empty()),
            remote: Some(Arc::new(peers.clone())),
            ..fetch::Options::default()
        })?,
        peers,
        sources,
        store: handle.store.clone(),
        waker: handle.waker.clone(),
        index,
        memory,
        strays: Strays::default(),
        builds: Semaphore::new(std::thread::available_parallelism().map_or(2, usize::from)),
        configs: [OnceLock::new(), OnceLock::new()],
    };
    runtime.controller(&handle, Kustomizations { live }, args.concurrent);
    Ok(runtime.serve().await?)
}

/// Keeps a picture of each kind of source; a new artifact wakes who uses it.
fn watch_sources(
    runtime: &mut Runtime,
    options: &Options,
    handle: &Handle<Kustomization>,
    index: &Arc<Index>,
) -> Sources {
    let namespace = runtime.context().settings.watched_namespace();
    let mut kinds = vec![
        KustomizationSourceKind::GitRepository,
        KustomizationSourceKind::OciRepository,
        KustomizationSourceKind::Bucket,
    ];
    if options.external_artifact {
        kinds.push(KustomizationSourceKind::ExternalArtifact);
    }
    let mut watch = |kind| -> Secondary<Source> {
        let (index, waker) = (Arc::clone(index), handle.waker.clone());
        runtime.secondary(source::query(kind, namespace.as_deref()), Source::read, move |moved| {
            for user in index.users(&SourceKey { kind, key: moved.key.clone() }) {
                waker.wake(&user, Trigger::Artifact);
            }
        })
    };
    kinds.into_iter().map(|kind| (kind, watch(kind))).collect()
}

/// The kind's logic under the runtime.
struct Kustomizations {
    live: Live,
}

impl Reconciler for Kustomizations {
    type Object = Kustomization;
    type Status = KustomizationStatus;

    async fn reconcile(&self, ks: Arc<Kustomization>, run: &Run) -> Conclusion<KustomizationStatus> {
        // Before anything is read: what moves from now on wakes this object again.
        self.live.index.note(&run.key, References::of(&ks));
        kustomization::reconcile(&ks, run, &self.live, &self.live.memory).await
    }

    async fn finalize(&self, ks: Arc<Kustomization>, run: &Run) -> Finalized<KustomizationStatus> {
        kustomization::finalize::finalize(&ks, run, &self.live, &self.live.memory).await
    }

    fn gone(&self, key: &ObjectKey) {
        self.live.index.forget(key);
        self.live.memory.forget(key);
        self.live.watches.drop_owner(&Owner { namespace: key.namespace.clone(), name: key.name.clone() });
        // Who depended on it has to say so.
        for dependant in self.live.index.dependants(key) {
            self.live.waker.wake(&dependant, Trigger::Dependency);
        }
    }
}
