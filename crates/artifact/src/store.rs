//! Where artifacts are kept: `<kind>/<namespace>/<name>/<file>` below one root, as Flux's storage.
//!
//! Guarantees: a file appears whole or not at all (temporary file, then rename); one writer per file (a `.lock` beside
//! it); no path, whatever a status claims, is followed out of the root.
//! Assumptions: one process owns the root. Caveats: every call runs on the blocking pool and hashes what it verifies.

mod garbage;

use std::{
    fs::File,
    io::{self, Write},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use cap_std::{
    ambient_authority,
    fs::{Dir, DirBuilder, DirBuilderExt, OpenOptions, OpenOptionsExt},
};
use jiff::Timestamp;
use url::Url;
use weir_api::meta::Artifact;

use crate::{
    digest::{Algorithm, Digest, InvalidDigest, Tee, of_reader},
    pack::{self, PackError},
};

/// How to keep artifacts: the storage flags.
#[derive(Clone, Debug)]
pub struct Options {
    /// `--storage-path`; made when it is not there.
    pub path: PathBuf,
    /// `--storage-adv-addr`: host and port, or the beginning of a URL.
    pub advertised: String,
    /// `--artifact-retention-ttl`.
    pub ttl: Duration,
    /// `--artifact-retention-records`.
    pub records: usize,
    /// `--artifact-digest-algo`.
    pub algorithm: Algorithm,
}

/// Why the store could not do its work.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The root is not there.
    #[error("cannot open the storage path {path:?}: make it writable, or name another with --storage-path")]
    Root {
        /// The root.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// A kind, namespace, name or file that cannot be part of a path.
    #[error("{segment:?} cannot be part of an artifact path")]
    Segment {
        /// The part.
        segment: String,
    },
    /// The object's directory could not be made.
    #[error("failed to create artifact directory")]
    Directory(#[source] io::Error),
    /// The lock could not be taken.
    #[error("failed to acquire lock for artifact")]
    Lock(#[source] io::Error),
    /// The source's ignore rules could not be read.
    #[error("failed to load source ignore patterns from repository")]
    Rules(#[source] PackError),
    /// The archive could not be made.
    #[error("unable to archive artifact to storage")]
    Archive(#[source] PackError),
    /// The bytes could not be copied.
    #[error("unable to copy artifact to storage")]
    Copy(#[source] io::Error),
    /// The artifact's digest in the status is malformed.
    #[error("failed to parse artifact digest")]
    Digest(#[source] InvalidDigest),
    /// Anything else the disk refuses.
    #[error("storage: cannot {action} {path:?}")]
    Io {
        /// What was tried.
        action: &'static str,
        /// Below the root.
        path: String,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// A mistake of ours; the process goes on.
    #[error("storage: panic, see the log: please report it")]
    Panic,
    /// The blocking task was cancelled by shutdown.
    #[error("storage: shutting down")]
    Shutdown,
}

/// One file of one object, each part of its path checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Location {
    directory: String,
    file: String,
}

impl Location {
    /// The file `file` of an object; the kind is lower-cased.
    pub fn new(kind: &str, namespace: &str, name: &str, file: &str) -> Result<Self, StoreError> {
        let directory = object_directory(kind, namespace, name)?;
        Ok(Self { directory, file: segment(file)?.to_owned() })
    }

    /// Below the root, with slashes.
    #[must_use]
    pub fn path(&self) -> String {
        format!("{}/{}", self.directory, self.file)
    }
}

/// Whether a path, as a status claims it, is a file directly in the object's own directory. Whoever may write an object's
/// status must not reach the files of others by it.
#[must_use]
pub fn belongs_to(path: &str, kind: &str, namespace: &str, name: &str) -> bool {
    let Ok(directory) = object_directory(kind, namespace, name) else { return false };
    let file = path.strip_prefix(&directory).and_then(|rest| rest.strip_prefix('/'));
    file.is_some_and(|file| segment(file).is_ok())
}

fn object_directory(kind: &str, namespace: &str, name: &str) -> Result<String, StoreError> {
    Ok(format!("{}/{}/{}", segment(kind)?.to_ascii_lowercase(), segment(namespace)?, segment(name)?))
}

fn segment(text: &str) -> Result<&str, StoreError> {
    let bad = text.is_empty() || text == "." || text == ".." || text.contains(['/', '\\', '\0']) || text.len() > 255;
    if bad { Err(StoreError::Segment { segment: text.chars().take(80).collect() }) } else { Ok(text) }
}

/// What was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// Below the root.
    pub path: String,
    /// Where it is served.
    pub url: String,
    /// Of the file.
    pub digest: Digest,
    /// Bytes of the file.
    pub size: u64,
}

/// What became of an artifact since it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Check {
    /// There, and equal to its digest.
    Intact,
    /// Not there, or not a file.
    Missing,
    /// There, with other bytes.
    Damaged {
        /// What its bytes are now.
        actual: Digest,
    },
}

/// The storage. Clones share it.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

struct Inner {
    root: Dir,
    options: Options,
}

impl Store {
    /// Opens the root, and makes it first when it is not there.
    pub fn open(options: Options) -> Result<Self, StoreError> {
        let root = std::fs::create_dir_all(&options.path)
            .and_then(|()| Dir::open_ambient_dir(&options.path, ambient_authority()))
            .map_err(|source| StoreError::Root { path: options.path.clone(), source })?;
        Ok(Self { inner: Arc::new(Inner { root, options }) })
    }

    /// A handle on the root, for the file server.
    pub fn root(&self) -> io::Result<Dir> {
        self.inner.root.try_clone()
    }

    /// Where a path is served.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        let (host, path) = (&self.inner.options.advertised, path.trim_start_matches('/'));
        match host.starts_with("http://") || host.starts_with("https://") {
            true => format!("{}/{path}", host.trim_end_matches('/')),
            false => format!("http://{host}/{path}"),
        }
    }

    /// A URL from an earlier run, moved to where this one serves; empty when it is none.
    #[must_use]
    pub fn rehost(&self, url: &str) -> String {
        Url::parse(url).map(|parsed| self.url(parsed.path())).unwrap_or_default()
    }

    /// Packs a directory, leaving out what its `.sourceignore` files and `spec_ignore` exclude.
    pub async fn archive(&self, at: &Location, tree: Dir, spec_ignore: Option<String>) -> Result<Written, StoreError> {
        let algorithm = self.inner.options.algorithm;
        self.write(at, move |out| {
            let rules = pack::rules(&tree, spec_ignore.as_deref()).map_err(StoreError::Rules)?;
            let (out, packed) = pack::pack(&tree, &rules, out, algorithm).map_err(StoreError::Archive)?;
            Ok((out, packed.digest, packed.size))
        })
        .await
    }

    /// Packs files that are in no directory, by the same rules.
    ///
    /// # Errors
    /// When the files or the storage fail.
    pub async fn archive_files(
        &self,
        at: &Location,
        files: Box<dyn pack::Files>,
        spec_ignore: Option<String>,
    ) -> Result<Written, StoreError> {
        let algorithm = self.inner.options.algorithm;
        self.write(at, move |out| {
            let packed = pack::pack_files(&*files, spec_ignore.as_deref(), out, algorithm);
            let (out, packed) = packed.map_err(|error| match error {
                pack::PackError::Rules { .. } => StoreError::Rules(error),
                error => StoreError::Archive(error),
            })?;
            Ok((out, packed.digest, packed.size))
        })
        .await
    }

    /// Copies bytes as they are, from the beginning of `source`.
    pub async fn copy(&self, at: &Location, mut source: File) -> Result<Written, StoreError> {
        let algorithm = self.inner.options.algorithm;
        self.write(at, move |out| {
            let mut tee = Tee::new(out, algorithm);
            io::Seek::rewind(&mut source).and_then(|()| io::copy(&mut source, &mut tee)).map_err(StoreError::Copy)?;
            Ok(tee.finish())
        })
        .await
    }

    /// Locks, writes a temporary file beside the final one, and renames it.
    async fn write<F>(&self, at: &Location, fill: F) -> Result<Written, StoreError>
    where
        F: FnOnce(io::BufWriter<File>) -> Result<(io::BufWriter<File>, Digest, u64), StoreError> + Send + 'static,
    {
        let location = at.clone();
        let (digest, size) = self
            .blocking(move |inner| {
                inner.make_directory(&location.directory)?;
                let dir = inner.root.open_dir(&location.directory).map_err(StoreError::Directory)?;
                let _lock = lock(&dir, &location.file)?;
                let temporary = format!("{}.partial", location.file);
                let written = fill(io::BufWriter::new(create(&dir, &temporary)?)).and_then(|(out, digest, size)| {
                    let flushed = out.into_inner().map_err(io::IntoInnerError::into_error).and_then(|mut f| f.flush());
                    flushed
                        .and_then(|()| dir.rename(&temporary, &dir, &location.file))
                        .map_err(|source| StoreError::Io { action: "write", path: location.path(), source })?;
                    Ok((digest, size))
                });
                if written.is_err() {
                    // The error tells; a left-over is collected as garbage later.
                    let _ = dir.remove_file(&temporary);
                }
                written
            })
            .await?;
        let path = at.path();
        Ok(Written { url: self.url(&path), path, digest, size })
    }

    /// Points a link such as `latest.tar.gz` at a file beside it; returns where the link is served.
    pub async fn link(&self, at: &Location, link: &str) -> Result<String, StoreError> {
        let (location, link) = (at.clone(), segment(link)?.to_owned());
        let path = format!("{}/{link}", at.directory);
        let shown = path.clone();
        self.blocking(move |inner| {
            let failed = |source| StoreError::Io { action: "link", path: shown.clone(), source };
            let dir = inner.root.open_dir(&location.directory).map_err(failed)?;
            let temporary = format!("{link}.tmp");
            ignore_missing(dir.remove_file(&temporary)).map_err(failed)?;
            dir.symlink(&location.file, &temporary).map_err(failed)?;
            dir.rename(&temporary, &dir, &link).map_err(failed)
        })
        .await?;
        Ok(self.url(&path))
    }

    /// Compares an artifact with its digest.
    pub async fn check(&self, artifact: &Artifact) -> Result<Check, StoreError> {
        let path = artifact.path.clone();
        let expected: Digest = artifact.digest.parse().map_err(StoreError::Digest)?;
        self.blocking(move |inner| {
            match inner.root.symlink_metadata(&path) {
                Ok(found) if found.is_file() => {}
                _ => return Ok(Check::Missing),
            }
            let read = inner.root.open(&path).and_then(|file| of_reader(file, expected.algorithm()));
            let (actual, _) = read.map_err(|source| StoreError::Io { action: "read", path, source })?;
            Ok(if actual == expected { Check::Intact } else { Check::Damaged { actual } })
        })
        .await
    }

    /// Opens an artifact's file for reading.
    pub async fn open_file(&self, path: &str) -> Result<File, StoreError> {
        let path = path.to_owned();
        self.blocking(move |inner| {
            let opened = inner.root.open(&path);
            opened.map(cap_std::fs::File::into_std).map_err(|source| StoreError::Io { action: "open", path, source })
        })
        .await
    }

    /// Removes one file; that it is gone already is no error.
    pub async fn remove(&self, path: &str) -> Result<(), StoreError> {
        let path = path.to_owned();
        self.blocking(move |inner| {
            ignore_missing(inner.root.remove_file(&path)).map_err(|source| StoreError::Io {
                action: "remove",
                path,
                source,
            })
        })
        .await
    }

    /// Removes everything of an object; returns whether there was anything.
    pub async fn remove_object(&self, kind: &str, namespace: &str, name: &str) -> Result<bool, StoreError> {
        let path = object_directory(kind, namespace, name)?;
        self.blocking(move |inner| match inner.root.remove_dir_all(&path) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(source) => Err(StoreError::Io { action: "remove", path, source }),
        })
        .await
    }

    /// Removes files beside the current artifact that are older than the retention, and the oldest beyond the number to
    /// keep, with their locks; returns their names.
    pub async fn collect_garbage(&self, current: &Artifact, now: Timestamp) -> Result<Vec<String>, StoreError> {
        let path = current.path.clone();
        self.blocking(move |inner| {
            let Some((directory, file)) = path.rsplit_once('/') else { return Ok(Vec::new()) };
            let dir = match inner.root.open_dir(directory) {
                Ok(dir) => dir,
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
                Err(source) => return Err(StoreError::Io { action: "open", path: directory.to_owned(), source }),
            };
            garbage::collect(&dir, file, now, inner.options.ttl, inner.options.records)
                .map_err(|source| StoreError::Io { action: "collect garbage in", path: directory.to_owned(), source })
        })
        .await
    }

    async fn blocking<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Inner) -> Result<T, StoreError> + Send + 'static,
    {
        let inner = Arc::clone(&self.inner);
        let ended = |error: tokio::task::JoinError| match error.is_panic() {
            true => StoreError::Panic,
            false => StoreError::Shutdown,
        };
        tokio::task::spawn_blocking(move || work(&inner)).await.map_err(ended)?
    }
}

impl Inner {
    fn make_directory(&self, path: &str) -> Result<(), StoreError> {
        let mut builder = DirBuilder::new();
        builder.recursive(true).mode(0o700);
        self.root.create_dir_with(Path::new(path), &builder).map_err(StoreError::Directory)
    }
}

/// Held until dropped.
fn lock(dir: &Dir, file: &str) -> Result<File, StoreError> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).mode(0o600);
    let lock = dir.open_with(format!("{file}.lock"), &options).map_err(StoreError::Lock)?.into_std();
    lock.lock().map_err(StoreError::Lock)?;
    Ok(lock)
}

fn create(dir: &Dir, name: &str) -> Result<File, StoreError> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600);
    let opened = dir.open_with(name, &options);
    opened.map(cap_std::fs::File::into_std).map_err(|source| StoreError::Io {
        action: "create",
        path: name.to_owned(),
        source,
    })
}

fn ignore_missing(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

#[cfg(test)]
mod tests;
