//! source-controller: fetches what should run from Git and OCI, and offers it as artifacts.
//!
//! ```text
//! GitRepository, OCIRepository ─► Sources<kind> ─► store ─► HTTP :9090   (everybody)
//!        ▲                             │              └──► gRPC :9091    (Watch, Fetch)
//!  secrets watched                     └─► status.artifact, events
//! ```

pub mod announce;
pub mod args;
pub mod artifacts;
pub mod gitrepository;
pub mod ocirepository;
pub mod references;
pub mod secrets;
mod server;
pub mod source;

use std::sync::Arc;

use weir_api::{
    names::feature,
    source::{GitRepository, OciRepository},
};
use weir_artifact::{Scratch, Store, store};
use weir_runtime::{Handle, Runtime, RuntimeError, Settings, flags::InvalidGates, watch::Query};

pub use args::Args;

use crate::{
    announce::Announcements,
    artifacts::ArtifactsService,
    gitrepository::GitRepositories,
    ocirepository::OciRepositories,
    references::{References, Referent},
    source::{Shared, SourceObject, Sources},
};

/// Feature gates and their defaults.
const GATES: &[(&str, bool)] =
    &[(feature::CACHE_SECRETS_AND_CONFIG_MAPS, false), (feature::OBJECT_LEVEL_WORKLOAD_IDENTITY, false)];
/// Where gRPC is served unless `--grpc-addr` says otherwise.
const GRPC_ADDR: &str = ":9091";

/// source-controller cannot run.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The runtime.
    #[error(transparent)]
    Runtime(#[from] RuntimeError),
    /// A feature gate.
    #[error(transparent)]
    Gates(#[from] InvalidGates),
    /// The storage.
    #[error(transparent)]
    Storage(#[from] store::StoreError),
    /// An SSH algorithm.
    #[error(transparent)]
    Git(#[from] weir_git::Error),
    /// The directory of kept repositories.
    #[error("cannot create the directory of kept repositories")]
    Keep(#[source] std::io::Error),
    /// The directory of temporary files.
    #[error("cannot create a directory for temporary files: set TMPDIR to one that can be written to")]
    Scratch(#[source] std::io::Error),
    /// The artifact server.
    #[error(transparent)]
    Server(#[from] server::ServerError),
}

/// Runs until a signal.
///
/// # Errors
/// When a flag makes no sense, a port is taken, or there is no cluster.
pub async fn run(args: Args) -> Result<(), Error> {
    args.common.gates(GATES)?;
    let settings = Settings::new("source-controller", &args.common)
        .selector(&args.selector)
        .jitter(&args.jitter)
        .events(&args.events)
        .grpc(GRPC_ADDR);
    let hostname = settings.environment.hostname.clone();
    let namespace = settings.watched_namespace();
    let advertised = args.storage.advertised(&hostname);
    let store = Store::open(store::Options {
        path: args.storage.storage_path.clone(),
        advertised: advertised.clone(),
        ttl: args.storage.artifact_retention_ttl.0,
        records: args.storage.artifact_retention_records,
        algorithm: args.storage.artifact_digest_algo,
    })?;
    let git = weir_git::Client::new(weir_git::Options {
        ssh_kex_algorithms: args.ssh_kex_algos.clone(),
        ssh_host_key_algorithms: args.ssh_hostkey_algos.clone(),
        ..weir_git::Options::default()
    })?;
    let kept =
        gitrepository::keep::directory(&std::env::temp_dir(), &args.storage.storage_path).map_err(Error::Keep)?;
    let scratch = Scratch::new(&std::env::temp_dir(), "weir-source-").map_err(Error::Scratch)?;
    let mut runtime = Runtime::new(settings).await?;
    let grpc = &args.common.grpc;
    let grpc_addr = grpc.grpc_addr.as_deref().unwrap_or(GRPC_ADDR);
    let shared = Shared {
        store: store.clone(),
        references: References::default(),
        announcements: Announcements::default(),
        grpc: args::advertised_grpc(&advertised, grpc_addr, grpc.grpc_tls_dir.is_some()).map(Arc::from),
    };

    let repositories = Handle::<GitRepository>::default();
    register(&shared, &repositories);
    let source = GitRepositories::new(runtime.client(), git, kept);
    runtime.controller(&repositories, Sources::new(source, shared.clone()), args.concurrent);

    let oci = Handle::<OciRepository>::default();
    register(&shared, &oci);
    runtime.controller(
        &oci,
        Sources::new(OciRepositories::new(runtime.client(), scratch), shared.clone()),
        args.concurrent,
    );

    watch_references(&mut runtime, &shared.references, namespace.as_deref());
    runtime.grpc(ArtifactsService::new(shared.announcements.clone(), store.clone()).server());
    server::add(&mut runtime, &args, &store)?;
    runtime.serve().await?;
    Ok(())
}

/// Makes a kind's objects known to those who look at all kinds.
fn register<O: SourceObject>(shared: &Shared, handle: &Handle<O>) {
    shared.references.register(O::KIND, handle.waker.clone());
    shared.announcements.register(handle.store.clone());
}

/// A rotated secret or a changed ServiceAccount wakes the objects that use it.
fn watch_references(runtime: &mut Runtime, references: &References, namespace: Option<&str>) {
    for (referent, kind) in [(Referent::Secret, "Secret"), (Referent::ServiceAccount, "ServiceAccount")] {
        let query = Query::kind("", "v1", kind).namespace(namespace).metadata_only();
        let (kept, moved) = (references.clone(), references.clone());
        runtime.secondary(query, move |raw| kept.keep(referent, raw), move |change| moved.moved(referent, &change));
    }
}
