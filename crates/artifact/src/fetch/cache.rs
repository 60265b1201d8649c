//! Unpacked trees by digest: one download for all who ask, the least recently used given up first.

use std::{
    collections::HashMap,
    io::BufReader,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use cap_std::{ambient_authority, fs::Dir};
use futures::future::{BoxFuture, FutureExt, Shared};
use tempfile::TempDir;
use weir_api::meta::Artifact;

use super::{FetchError, Options, download::Downloader};
use crate::{
    digest::Digest,
    scratch::Scratch,
    unpack::{Summary, unpack},
};

/// Directories of this name below the given one belong to fetchers, live or dead.
const PREFIX: &str = "weir-artifacts-";

/// An artifact's files, below one directory that cannot be left. The directory goes with the last holder.
pub struct Unpacked {
    dir: Dir,
    digest: Digest,
    summary: Summary,
    on_disk: Option<TempDir>,
    /// The directory around it lives as long as its trees.
    _root: Arc<Scratch>,
}

impl Unpacked {
    /// The root of the files.
    #[must_use]
    pub fn dir(&self) -> &Dir {
        &self.dir
    }

    /// What the archive's digest was.
    #[must_use]
    pub fn digest(&self) -> &Digest {
        &self.digest
    }

    /// How much there is.
    #[must_use]
    pub fn summary(&self) -> Summary {
        self.summary
    }
}

impl Drop for Unpacked {
    fn drop(&mut self) {
        // Removing many files takes a while: not on a thread that serves others.
        if let (Some(dir), Ok(handle)) = (self.on_disk.take(), tokio::runtime::Handle::try_current()) {
            handle.spawn_blocking(move || drop(dir));
        }
    }
}

type Outcome = Result<Arc<Unpacked>, Arc<FetchError>>;
type Flight = Shared<BoxFuture<'static, Outcome>>;

enum Slot {
    /// Somebody fetches it from this URL.
    Flying { url: String, flight: Flight },
    /// It is there; the number grows with every use.
    Ready { tree: Arc<Unpacked>, used: u64 },
}

#[derive(Default)]
struct State {
    slots: HashMap<Digest, Slot>,
    uses: u64,
}

pub(super) struct Cache {
    state: Mutex<State>,
    downloader: Arc<Downloader>,
    root: Arc<Scratch>,
    options: Options,
}

impl Cache {
    pub(super) fn new(options: Options) -> Result<Self, FetchError> {
        let parent = options.dir.clone().unwrap_or_else(std::env::temp_dir);
        let root = Scratch::new(&parent, PREFIX).map_err(|source| FetchError::Disk { path: parent, source })?;
        let downloader = Arc::new(Downloader::new(&options));
        Ok(Self { state: Mutex::default(), downloader, root: Arc::new(root), options })
    }

    pub(super) async fn get(&self, digest: Digest, artifact: &Artifact) -> Outcome {
        loop {
            let (url, flight) = match self.board(&digest, artifact) {
                Ok(tree) => return Ok(tree),
                Err(boarded) => boarded,
            };
            let outcome = flight.await;
            self.land(&digest, &outcome);
            // Another source published the same bytes at a place that failed; ours may still be good.
            if outcome.is_ok() || url == artifact.url {
                return outcome;
            }
        }
    }

    /// The tree, or the flight that will bring it.
    fn board(&self, digest: &Digest, artifact: &Artifact) -> Result<Arc<Unpacked>, (String, Flight)> {
        let mut state = self.state();
        state.uses += 1;
        let now = state.uses;
        match state.slots.get_mut(digest) {
            Some(Slot::Ready { tree, used }) => {
                *used = now;
                Ok(Arc::clone(tree))
            }
            Some(Slot::Flying { url, flight }) => Err((url.clone(), flight.clone())),
            None => {
                let flight = self.depart(digest.clone(), artifact.clone());
                let url = artifact.url.clone();
                state.slots.insert(digest.clone(), Slot::Flying { url: url.clone(), flight: flight.clone() });
                Err((url, flight))
            }
        }
    }

    fn depart(&self, digest: Digest, artifact: Artifact) -> Flight {
        let (downloader, root) = (Arc::clone(&self.downloader), Arc::clone(&self.root));
        let limits = self.options.limits;
        let flight = async move {
            let archive = downloader.download(&artifact, &digest, root.path()).await?;
            let path = root.path().to_owned();
            let shown = artifact.url.clone();
            let unpacking = move || -> Result<Unpacked, FetchError> {
                let disk = |source| FetchError::Disk { path: path.clone(), source };
                let on_disk = root.directory("tree-").map_err(disk)?;
                let dir = Dir::open_ambient_dir(on_disk.path(), ambient_authority()).map_err(disk)?;
                let summary = unpack(BufReader::with_capacity(64 << 10, archive), &dir, &limits)
                    .map_err(|source| FetchError::Unpack { url: shown, source })?;
                Ok(Unpacked { dir, digest, summary, on_disk: Some(on_disk), _root: root })
            };
            let url = artifact.url.clone();
            let ended = |error: tokio::task::JoinError| match error.is_panic() {
                true => FetchError::Panic { url },
                false => FetchError::Shutdown,
            };
            let unpacked = tokio::task::spawn_blocking(unpacking).await.map_err(ended)??;
            Ok(Arc::new(unpacked))
        };
        flight.boxed().shared()
    }

    /// Notes the end of a flight; the first of its passengers does the work.
    fn land(&self, digest: &Digest, outcome: &Outcome) {
        let mut state = self.state();
        if !matches!(state.slots.get(digest), Some(Slot::Flying { .. })) {
            return;
        }
        match outcome {
            Ok(tree) => {
                let used = state.uses;
                state.slots.insert(digest.clone(), Slot::Ready { tree: Arc::clone(tree), used });
                self.evict(&mut state);
            }
            Err(_) => {
                state.slots.remove(digest);
            }
        }
    }

    fn evict(&self, state: &mut State) {
        let mut ready: Vec<(u64, u64, Digest)> = state
            .slots
            .iter()
            .filter_map(|(digest, slot)| match slot {
                Slot::Ready { tree, used } => Some((*used, tree.summary.bytes, digest.clone())),
                Slot::Flying { .. } => None,
            })
            .collect();
        ready.sort_unstable_by_key(|(used, ..)| *used);
        let (mut trees, mut bytes) = (ready.len(), ready.iter().map(|(_, bytes, _)| bytes).sum::<u64>());
        for (_, size, digest) in ready {
            // The tree just fetched stays even when it alone is too large: its user is about to read it.
            if trees <= 1 || (trees <= self.options.cached_trees && bytes <= self.options.cached_bytes) {
                break;
            }
            state.slots.remove(&digest);
            trees -= 1;
            bytes = bytes.saturating_sub(size);
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing panics while it is held, and a half-done map is still a map.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
