//! Artifacts as they change, for everybody who watches them.
//!
//! # Flow
//! A reconcile that ends says what the object's artifact is now; a watcher gets everything current, then every change.
//!
//! # Guarantees
//! A watcher misses nothing: it subscribes before it looks. What it cannot take in time ends its stream, and a new
//! stream begins with everything current.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use kube::ResourceExt;
use tokio::sync::broadcast;
use weir_api::meta::Artifact;
use weir_runtime::{ObjectKey, store::Store};

use crate::source::{SourceObject, SourceStatus};

/// So many changes a slow watcher may lag behind.
const BACKLOG: usize = 1024;

/// A source and the artifact it has now.
#[derive(Clone, Debug)]
pub struct Announcement {
    /// `group/version`.
    pub api_version: Arc<str>,
    /// Kind.
    pub kind: &'static str,
    /// Namespace and name.
    pub key: ObjectKey,
    /// The artifact; none when the source lost it or is gone.
    pub artifact: Option<Arc<Artifact>>,
    /// `metadata.generation` it was made for.
    pub generation: i64,
}

type Look = Box<dyn Fn() -> Option<Vec<Announcement>> + Send + Sync>;

struct Inner {
    current: Mutex<HashMap<(&'static str, ObjectKey), Announcement>>,
    changes: broadcast::Sender<Announcement>,
    /// What the API server knows, per kind: a source that was not reconciled yet since the start has an artifact all the same.
    known: Mutex<Vec<(Announced, Look)>>,
}

/// A kind that is announced, as RBAC names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Announced {
    /// Kind.
    pub kind: &'static str,
    /// API group.
    pub group: String,
    /// Plural.
    pub resource: String,
}

/// The artifacts. Clones share them.
#[derive(Clone)]
pub struct Announcements {
    inner: Arc<Inner>,
}

impl Default for Announcements {
    fn default() -> Self {
        let (changes, _) = broadcast::channel(BACKLOG);
        let inner = Inner { current: Mutex::default(), changes, known: Mutex::default() };
        Self { inner: Arc::new(inner) }
    }
}

impl Announcements {
    /// Adds a kind by its objects.
    pub fn register<O: SourceObject>(&self, store: Store<O>) {
        let api_version: Arc<str> = O::api_version(&()).into();
        let look = move || {
            let about = |object: Arc<O>| {
                let artifact = object.status().artifact().cloned().map(Arc::new);
                let generation = object.meta().generation.unwrap_or_default();
                let key = ObjectKey::new(object.namespace().unwrap_or_default(), object.name_any());
                Announcement { api_version: Arc::clone(&api_version), kind: O::KIND, key, artifact, generation }
            };
            store.is_synced().then(|| store.list().into_iter().map(about).collect())
        };
        let announced =
            Announced { kind: O::KIND, group: O::group(&()).into_owned(), resource: O::plural(&()).into_owned() };
        lock(&self.inner.known).push((announced, Box::new(look)));
    }

    /// The kinds there are.
    #[must_use]
    pub fn kinds(&self) -> Vec<Announced> {
        lock(&self.inner.known).iter().map(|(announced, _)| announced.clone()).collect()
    }

    /// Says what a source's artifact is; watchers hear of it when it changed.
    pub fn set<O: SourceObject>(&self, key: &ObjectKey, artifact: Option<&Artifact>, generation: Option<i64>) {
        let mut current = lock(&self.inner.current);
        let slot = (O::KIND, key.clone());
        let known = current.get(&slot);
        if known.map(|known| known.artifact.as_deref()) == Some(artifact) {
            return;
        }
        let announcement = Announcement {
            api_version: O::api_version(&()).into(),
            kind: O::KIND,
            key: key.clone(),
            artifact: artifact.cloned().map(Arc::new),
            generation: generation.or(known.map(|known| known.generation)).unwrap_or_default(),
        };
        match generation {
            Some(_) => current.insert(slot, announcement.clone()),
            None => current.remove(&slot),
        };
        // Nobody listening is no error.
        let _ = self.inner.changes.send(announcement);
    }

    /// Everything current, and the changes from then on; nothing while the objects are not known yet.
    #[must_use]
    pub fn watch(&self) -> Option<(Vec<Announcement>, broadcast::Receiver<Announcement>)> {
        let changes = self.inner.changes.subscribe();
        Some((self.snapshot()?, changes))
    }

    /// The artifact of one source. The kind may be spelled in any case.
    #[must_use]
    pub fn find(&self, kind: &str, key: &ObjectKey) -> Option<Announcement> {
        self.snapshot()?.into_iter().find(|known| known.kind.eq_ignore_ascii_case(kind) && known.key == *key)
    }

    fn snapshot(&self) -> Option<Vec<Announcement>> {
        let known: Option<Vec<Vec<Announcement>>> = lock(&self.inner.known).iter().map(|(_, look)| look()).collect();
        let current = lock(&self.inner.current);
        let newest = |known: Announcement| match current.get(&(known.kind, known.key.clone())) {
            Some(newer) => newer.clone(),
            None => known,
        };
        let all = known?.into_iter().flatten().map(newest);
        Some(all.filter(|known| known.artifact.is_some()).collect())
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
