//! The artifact file server: up only while this instance leads, so that readiness probes find the leader.

use std::{io, net::SocketAddr, time::Duration};

use tokio::net::TcpListener;
use weir_artifact::Store;
use weir_runtime::{
    Runtime,
    flags::{InvalidAddr, listen_addr},
    http,
};

use crate::args::Args;

/// How long downloads under way may take to end at shutdown, as at Flux.
const GRACE: Duration = Duration::from_secs(5);

/// The artifact server cannot run.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// The flag makes no sense.
    #[error(transparent)]
    Address(#[from] InvalidAddr),
    /// The port cannot be had.
    #[error(
        "cannot listen for artifacts on {address}: is it taken by another process? Choose another with --storage-addr"
    )]
    Listen {
        /// Where.
        address: SocketAddr,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The storage's root cannot be opened twice.
    #[error("cannot open the storage path")]
    Root(#[source] io::Error),
}

/// Adds the server. Without leader election the port is taken now, so that a taken one ends the process with a clear
/// error; with it, when leadership is won.
pub(crate) fn add(runtime: &mut Runtime, args: &Args, store: &Store) -> Result<(), ServerError> {
    let Some(address) = listen_addr("storage-addr", &args.storage.storage_addr)? else { return Ok(()) };
    let early = match args.common.enable_leader_election {
        true => None,
        false => Some(bind(address)?),
    };
    let router = weir_artifact::serve::router(store.root().map_err(ServerError::Root)?);
    runtime.leading("artifact server", move |shutdown| async move {
        let bound = early.map_or_else(|| bind(address), Ok);
        match bound.and_then(|listener| {
            TcpListener::from_std(listener).map_err(|source| ServerError::Listen { address, source })
        }) {
            Ok(listener) => http::serve(listener, router, shutdown, GRACE).await,
            Err(error) => tracing::error!(error = %weir_reconcile::describe(&error), "artifact server did not start"),
        }
    });
    Ok(())
}

fn bind(address: SocketAddr) -> Result<std::net::TcpListener, ServerError> {
    let bound = std::net::TcpListener::bind(address).or_else(|error| match address {
        // A machine without IPv6 has no wildcard socket of that kind.
        SocketAddr::V6(v6) if v6.ip().is_unspecified() && error.kind() != io::ErrorKind::AddrInUse => {
            std::net::TcpListener::bind((std::net::Ipv4Addr::UNSPECIFIED, v6.port()))
        }
        _ => Err(error),
    });
    let listener = bound.map_err(|source| ServerError::Listen { address, source })?;
    listener.set_nonblocking(true).map_err(|source| ServerError::Listen { address, source })?;
    Ok(listener)
}
