//! Artifacts of sources, fetched, checked and unpacked once for everybody who needs them.
//!
//! ```text
//! fetch(artifact) --digest known?--> the tree in the cache
//!                 --no--> download to a file (gRPC where it is offered, else HTTP), digest checked -> unpack below a fresh directory -> cache
//! ```
//!
//! Guarantees: bytes are hashed before anything is made of them; a digest is downloaded once however many ask at the same
//! time; the cache is bounded by trees and bytes, and a tree in use outlives its eviction.

mod cache;
mod download;
mod remote;

use std::{fmt, io, path::PathBuf, sync::Arc, time::Duration};

use weir_api::meta::Artifact;

use crate::{
    digest::{Digest, InvalidDigest},
    unpack::{Limits, UnpackError},
};

pub use cache::Unpacked;
pub use remote::Remote;

/// How to fetch.
#[derive(Clone)]
pub struct Options {
    /// Directory for downloads and unpacked trees; the system's temporary directory when absent.
    pub dir: Option<PathBuf>,
    /// `--http-retry`: tries after the first.
    pub retries: u32,
    /// How long one download may stand still.
    pub idle_timeout: Duration,
    /// How long all tries together may take: a server that sends a byte now and then must not hold its caller for ever.
    pub timeout: Duration,
    /// `SOURCE_CONTROLLER_LOCALHOST`: host and port to use instead of the one in the artifact's URL.
    pub host_override: Option<String>,
    /// Trees kept although nobody uses them.
    pub cached_trees: usize,
    /// Bytes of all trees kept.
    pub cached_bytes: u64,
    /// What an archive may ask for.
    pub limits: Limits,
    /// How to call sources that offer gRPC; HTTP alone when absent.
    pub remote: Option<Arc<dyn Remote>>,
}

impl Options {
    /// How many bytes of an archive are taken at most: those its source announced, and never more than the limit.
    fn limit(&self, artifact: &Artifact) -> u64 {
        let announced = artifact.size.and_then(|size| u64::try_from(size).ok()).filter(|size| *size > 0);
        announced.unwrap_or(u64::MAX).min(self.limits.compressed_bytes)
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options").field("dir", &self.dir).field("retries", &self.retries).finish_non_exhaustive()
    }
}

impl Default for Options {
    fn default() -> Self {
        Self {
            dir: None,
            retries: 9,
            idle_timeout: Duration::from_secs(30),
            timeout: Duration::from_secs(300),
            host_override: None,
            cached_trees: 64,
            cached_bytes: 512 << 20,
            limits: Limits::default(),
            remote: None,
        }
    }
}

/// Why an artifact could not be had.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// The server does not have it (yet, or any more): the source is about to publish another.
    #[error("artifact not found: {url}")]
    NotFound {
        /// Where it was looked for.
        url: String,
    },
    /// The server refused.
    #[error("failed to download artifact from {url} (status: {status})")]
    Status {
        /// Where.
        url: String,
        /// The HTTP status.
        status: u16,
    },
    /// The server could not be reached, or the connection broke.
    #[error("failed to download artifact from {url}")]
    Transport {
        /// Where.
        url: String,
        /// What the client said.
        #[source]
        source: reqwest::Error,
    },
    /// Not a URL that can be fetched.
    #[error("artifact has an invalid URL {url:?}: expected http:// or https://")]
    Url {
        /// What the status says.
        url: String,
    },
    /// The status holds no digest that could be checked.
    #[error("artifact at {url} cannot be verified")]
    InvalidDigest {
        /// Where.
        url: String,
        /// What is wrong with it.
        #[source]
        source: InvalidDigest,
    },
    /// The bytes are not those the source published.
    #[error("artifact at {url} has digest {actual}, expected {expected}: it was changed on the way or in storage")]
    Mismatch {
        /// Where.
        url: String,
        /// What the status says.
        expected: Digest,
        /// What arrived.
        actual: Digest,
    },
    /// Larger than is allowed.
    #[error("artifact at {url} is larger than {limit} bytes")]
    TooLarge {
        /// Where.
        url: String,
        /// The limit.
        limit: u64,
    },
    /// It did not arrive in time, however often it was tried.
    #[error("artifact at {url} did not arrive within {limit:?}")]
    TooSlow {
        /// Where.
        url: String,
        /// The limit.
        limit: Duration,
    },
    /// It does not unpack.
    #[error("artifact at {url} cannot be unpacked")]
    Unpack {
        /// Where.
        url: String,
        /// Why.
        #[source]
        source: UnpackError,
    },
    /// The local disk refused.
    #[error("cannot keep the artifact in {path:?}")]
    Disk {
        /// The cache's directory.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// A mistake of ours while it was unpacked; the process goes on.
    #[error("artifact at {url} could not be unpacked: panic, see the log: please report it")]
    Panic {
        /// Where.
        url: String,
    },
    /// The process is going down.
    #[error("artifact fetch: shutting down")]
    Shutdown,
}

impl FetchError {
    /// Whether the source is simply not ready: look again soon, nothing is broken.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::NotFound { .. })
    }
}

/// Fetches artifacts. Clones share the cache.
#[derive(Clone)]
pub struct Fetcher {
    cache: Arc<cache::Cache>,
}

impl Fetcher {
    /// A fetcher with an empty cache; what a crashed predecessor left in the directory is removed.
    pub fn new(options: Options) -> Result<Self, FetchError> {
        Ok(Self { cache: Arc::new(cache::Cache::new(options)?) })
    }

    /// The artifact's files. Cheap when somebody had them lately; the error is shared by all who waited for it.
    pub async fn fetch(&self, artifact: &Artifact) -> Result<Arc<Unpacked>, Arc<FetchError>> {
        let digest = artifact
            .digest
            .parse::<Digest>()
            .map_err(|source| FetchError::InvalidDigest { url: artifact.url.clone(), source })?;
        self.cache.get(digest, artifact).await
    }
}
