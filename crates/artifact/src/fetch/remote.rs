//! One archive over gRPC into an unnamed file, hashed on the way, taken up again where the stream broke.

use std::{fs::File, io::Seek, io::Write, path::Path, time::Duration};

use async_trait::async_trait;
use tonic::{Code, Status, Streaming};
use weir_api::{meta::Artifact, names::weir};
use weir_proto::artifact::v1::{FetchRequest, FetchResponse, SourceRef};

use super::Options;
use crate::digest::{Digest, Hasher};

/// How to call `Artifacts` at an address; the caller's credentials are its own affair.
#[async_trait]
pub trait Remote: Send + Sync + 'static {
    /// Calls `Artifacts.Fetch` at `address`: `host:port`, or `grpcs://host:port` over TLS.
    async fn fetch(&self, address: &str, request: FetchRequest) -> Result<Streaming<FetchResponse>, Status>;
}

/// Streams that may break before HTTP is tried.
const TRIES: u32 = 3;
/// How long a peer may take to begin.
const BEGIN: Duration = Duration::from_secs(10);

/// The address at which the artifact's source offers gRPC.
pub(super) fn address(artifact: &Artifact) -> Option<&str> {
    artifact.metadata.as_ref()?.get(weir::GRPC).map(String::as_str).filter(|address| !address.is_empty())
}

/// The source of a path `<kind>/<namespace>/<name>/<file>`; the peer takes the kind in any case.
fn source(path: &str) -> Option<SourceRef> {
    let mut parts = path.split('/');
    let (kind, namespace, name) = (parts.next()?, parts.next()?, parts.next()?);
    parts.next()?;
    Some(SourceRef {
        api_version: String::new(),
        kind: kind.to_owned(),
        namespace: namespace.to_owned(),
        name: name.to_owned(),
    })
}

/// The archive, complete and equal to its digest. Every failure means: try HTTP.
pub(super) async fn download(
    remote: &dyn Remote,
    address: &str,
    artifact: &Artifact,
    digest: &Digest,
    dir: &Path,
    options: &Options,
) -> Result<File, Status> {
    let source = source(&artifact.path).ok_or_else(|| Status::invalid_argument("the path names no source"))?;
    let disk = |error: std::io::Error| Status::internal(error.to_string());
    let mut received = Received {
        file: tempfile::tempfile_in(dir).map_err(disk)?,
        hasher: Hasher::new(digest.algorithm()),
        bytes: 0,
        limit: options.limit(artifact),
    };
    let mut tries = 0;
    loop {
        let request = FetchRequest { source: Some(source.clone()), digest: digest.to_string(), offset: received.bytes };
        let before = received.bytes;
        let opened = tokio::time::timeout(BEGIN, remote.fetch(address, request)).await;
        let result = match opened.map_err(|_| Status::deadline_exceeded("the peer did not answer")).flatten() {
            Ok(stream) => received.take(stream, options.idle_timeout).await,
            Err(status) => Err(status),
        };
        match result {
            Ok(()) => break,
            // It broke on the way: go on from here. Nothing came at all: there is no point.
            Err(status) if received.bytes > before && tries < TRIES && is_transient(&status) => tries += 1,
            Err(status) => return Err(status),
        }
    }
    let Received { mut file, hasher, .. } = received;
    let actual = hasher.finish();
    if actual != *digest {
        return Err(Status::data_loss(format!("the peer sent {actual}, expected {digest}")));
    }
    file.rewind().map_err(disk)?;
    Ok(file)
}

fn is_transient(status: &Status) -> bool {
    matches!(
        status.code(),
        Code::Unavailable | Code::Unknown | Code::Internal | Code::Aborted | Code::Cancelled | Code::DeadlineExceeded
    )
}

struct Received {
    file: File,
    hasher: Hasher,
    bytes: u64,
    limit: u64,
}

impl Received {
    async fn take(&mut self, mut stream: Streaming<FetchResponse>, idle: Duration) -> Result<(), Status> {
        let mut total = None;
        loop {
            let next = tokio::time::timeout(idle, stream.message()).await;
            let message = next.map_err(|_| Status::deadline_exceeded("the stream stands still"))??;
            let Some(message) = message else { break };
            total.get_or_insert(message.total);
            self.bytes = self.bytes.saturating_add(message.data.len() as u64);
            if self.bytes > self.limit {
                return Err(Status::resource_exhausted(format!("the artifact is larger than {} bytes", self.limit)));
            }
            self.hasher.update(&message.data);
            self.file.write_all(&message.data).map_err(|error| Status::resource_exhausted(error.to_string()))?;
        }
        match total {
            Some(total) if total > self.bytes => Err(Status::unavailable("the stream ended early")),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::source;

    #[test]
    fn the_source_is_read_from_the_path() {
        let found = source("ocirepository/ns/app/sha256:ab.tar.gz").unwrap();
        assert_eq!(
            (found.kind.as_str(), found.namespace.as_str(), found.name.as_str()),
            ("ocirepository", "ns", "app")
        );
        assert!(source("a/b/c").is_none() && source("").is_none());
    }
}
