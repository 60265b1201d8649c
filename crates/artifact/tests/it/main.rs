//! The file server and the fetcher, over real sockets.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)] // helpers of tests, too

mod fetch;
mod remote;
mod serve;

use std::{net::SocketAddr, path::Path};

use weir_artifact::cap_std::{ambient_authority, fs::Dir};

/// Serves a directory on a free port until the test ends.
async fn serve(root: &Path) -> SocketAddr {
    let dir = Dir::open_ambient_dir(root, ambient_authority()).unwrap();
    run(weir_artifact::serve::router(dir)).await
}

async fn run(router: axum::Router) -> SocketAddr {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    address
}
