//! One archive into an unnamed file, hashed on the way: over gRPC where the source offers it, else over HTTP.

use std::{
    collections::HashMap,
    fs::File,
    io::{Seek, Write},
    path::Path,
    sync::{Mutex, OnceLock, PoisonError},
    time::Duration,
};

use reqwest::{Client, Response, StatusCode, redirect::Policy};
use tokio::time::Instant;
use url::Url;
use weir_api::meta::Artifact;

use super::{FetchError, Options, remote};
use crate::digest::{Digest, Hasher};

/// Waits between tries: doubling between these.
const RETRY_MIN: Duration = Duration::from_millis(500);
const RETRY_MAX: Duration = Duration::from_secs(30);
/// How long a peer that failed over gRPC is asked over HTTP only.
const SHUNNED: Duration = Duration::from_secs(60);

pub(super) struct Downloader {
    /// One client for plain HTTP, which needs no certificates in memory, and one for HTTPS; made when first used.
    plain: OnceLock<Client>,
    tls: OnceLock<Client>,
    shunned: Mutex<HashMap<String, Instant>>,
    options: Options,
}

impl Downloader {
    pub(super) fn new(options: &Options) -> Self {
        Self { plain: OnceLock::new(), tls: OnceLock::new(), shunned: Mutex::default(), options: options.clone() }
    }

    /// The archive, complete and equal to its digest, read from the beginning. Tries again while that may help.
    pub(super) async fn download(&self, artifact: &Artifact, digest: &Digest, dir: &Path) -> Result<File, FetchError> {
        let url = artifact.url.as_str();
        let target = self.target(url)?;
        let (tries, limit) = (self.tries(artifact, &target, digest, dir), self.options.timeout);
        tokio::time::timeout(limit, tries).await.map_err(|_| FetchError::TooSlow { url: url.to_owned(), limit })?
    }

    async fn tries(&self, artifact: &Artifact, target: &Url, digest: &Digest, dir: &Path) -> Result<File, FetchError> {
        let url = artifact.url.as_str();
        if let Some(file) = self.by_grpc(artifact, digest, dir).await {
            return Ok(file);
        }
        let limit = self.options.limit(artifact);
        let mut wait = RETRY_MIN;
        for _ in 0..self.options.retries {
            match self.attempt(target, digest, dir, limit).await {
                Err(error) if worth_retrying(&error) => {
                    tracing::debug!(url, error = %error, "artifact download failed, trying again");
                    tokio::time::sleep(wait).await;
                    wait = (wait * 2).min(RETRY_MAX);
                }
                done => return done,
            }
        }
        self.attempt(target, digest, dir, limit).await
    }

    /// Nothing when the source does not offer gRPC, or it did not work: then HTTP is the way, as with Flux.
    async fn by_grpc(&self, artifact: &Artifact, digest: &Digest, dir: &Path) -> Option<File> {
        let (peer, address) = (self.options.remote.as_ref()?, remote::address(artifact)?);
        // An override of the host means that the addresses in the cluster are not reachable from here.
        if self.options.host_override.is_some() || self.is_shunned(address) {
            return None;
        }
        match remote::download(&**peer, address, artifact, digest, dir, &self.options).await {
            Ok(file) => Some(file),
            Err(status) => {
                tracing::debug!(address, error = status.message(), "no artifact over gRPC, trying HTTP");
                self.shun(address, status.code());
                None
            }
        }
    }

    fn is_shunned(&self, address: &str) -> bool {
        let shunned = self.shunned.lock().unwrap_or_else(PoisonError::into_inner);
        shunned.get(address).is_some_and(|until| *until > Instant::now())
    }

    /// Peers that cannot be reached, or refuse us, are left alone for a while; one that just lacks this artifact is not.
    fn shun(&self, address: &str, code: tonic::Code) {
        use tonic::Code::{FailedPrecondition, NotFound};
        if matches!(code, NotFound | FailedPrecondition) {
            return;
        }
        let mut shunned = self.shunned.lock().unwrap_or_else(PoisonError::into_inner);
        if shunned.len() >= 256 {
            shunned.clear();
        }
        shunned.insert(address.to_owned(), Instant::now() + SHUNNED);
    }

    fn target(&self, url: &str) -> Result<Url, FetchError> {
        let invalid = || FetchError::Url { url: url.chars().take(200).collect() };
        let mut target = Url::parse(url).map_err(|_| invalid())?;
        if !matches!(target.scheme(), "http" | "https") {
            return Err(invalid());
        }
        if let Some(host) = &self.options.host_override {
            let authority = Url::parse(&format!("{}://{host}", target.scheme())).map_err(|_| invalid())?;
            target.set_host(authority.host_str()).map_err(|_| invalid())?;
            target.set_port(authority.port()).map_err(|()| invalid())?;
        }
        Ok(target)
    }

    async fn attempt(&self, url: &Url, digest: &Digest, dir: &Path, limit: u64) -> Result<File, FetchError> {
        let transport =
            |source: reqwest::Error| FetchError::Transport { url: url.to_string(), source: source.without_url() };
        let response = self.client(url).map_err(transport)?.get(url.clone()).send().await.map_err(transport)?;
        match response.status() {
            StatusCode::OK => {}
            StatusCode::NOT_FOUND => return Err(FetchError::NotFound { url: url.to_string() }),
            status => return Err(FetchError::Status { url: url.to_string(), status: status.as_u16() }),
        }
        self.receive(response, url, digest, dir, limit).await
    }

    async fn receive(
        &self,
        mut response: Response,
        url: &Url,
        digest: &Digest,
        dir: &Path,
        limit: u64,
    ) -> Result<File, FetchError> {
        let disk = |source| FetchError::Disk { path: dir.to_owned(), source };
        let mut file = tempfile::tempfile_in(dir).map_err(disk)?;
        let mut hasher = Hasher::new(digest.algorithm());
        let mut received = 0u64;
        while let Some(chunk) = response
            .chunk()
            .await
            .map_err(|source| FetchError::Transport { url: url.to_string(), source: source.without_url() })?
        {
            received = received.saturating_add(chunk.len() as u64);
            if received > limit {
                return Err(FetchError::TooLarge { url: url.to_string(), limit });
            }
            hasher.update(&chunk);
            // Pages of a temporary file: the write goes to memory, not to a disk.
            file.write_all(&chunk).map_err(disk)?;
        }
        let actual = hasher.finish();
        if actual != *digest {
            return Err(FetchError::Mismatch { url: url.to_string(), expected: digest.clone(), actual });
        }
        file.rewind().map_err(disk)?;
        Ok(file)
    }

    fn client(&self, url: &Url) -> Result<&Client, reqwest::Error> {
        let (cell, tls) = if url.scheme() == "https" { (&self.tls, true) } else { (&self.plain, false) };
        if let Some(client) = cell.get() {
            return Ok(client);
        }
        let mut builder = Client::builder()
            .user_agent(concat!("weir/", env!("CARGO_PKG_VERSION")))
            .redirect(Policy::limited(5))
            .connect_timeout(Duration::from_secs(10))
            .pool_max_idle_per_host(2)
            .read_timeout(self.options.idle_timeout);
        if !tls {
            builder = builder.tls_certs_only([]);
        }
        let client = builder.build()?;
        Ok(cell.get_or_init(|| client))
    }
}

/// The same request may succeed soon: the server is starting, overloaded or gone for a moment.
fn worth_retrying(error: &FetchError) -> bool {
    match error {
        FetchError::Transport { source, .. } => !source.is_builder() && !source.is_redirect(),
        FetchError::Status { status, .. } => *status == 429 || (*status >= 500 && *status != 501),
        _ => false,
    }
}
