//! A small picture of objects of another kind, kept up to date by a watch.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard},
};

use kube::Client;
use tokio::sync::watch;

use super::{Event, Query, Raw, run};
use crate::key::ObjectKey;

/// What changed in the picture of one object; at least one side is there.
#[derive(Clone, Copy, Debug)]
pub struct Moved<'a, V> {
    /// Which object.
    pub key: &'a ObjectKey,
    /// Before; `None` when it is new.
    pub old: Option<&'a V>,
    /// Now; `None` when it is gone or no longer matters.
    pub new: Option<&'a V>,
    /// Whether the first list is still being read.
    pub initial: bool,
}

/// The picture; clones share it.
#[derive(Debug)]
pub struct Secondary<V> {
    seen: Arc<Mutex<HashMap<ObjectKey, V>>>,
    synced: watch::Receiver<bool>,
}

impl<V> Clone for Secondary<V> {
    fn clone(&self) -> Self {
        Self { seen: Arc::clone(&self.seen), synced: self.synced.clone() }
    }
}

impl<V: Clone> Secondary<V> {
    /// What is known of an object.
    #[must_use]
    pub fn get(&self, key: &ObjectKey) -> Option<V> {
        lock(&self.seen).get(key).cloned()
    }

    /// Everything known.
    #[must_use]
    pub fn all(&self) -> Vec<(ObjectKey, V)> {
        lock(&self.seen).iter().map(|(key, value)| (key.clone(), value.clone())).collect()
    }

    /// Waits until the first list is complete.
    pub async fn synced(&self) {
        let _ = self.synced.clone().wait_for(|synced| *synced).await;
    }

    /// Whether the first list is complete.
    #[must_use]
    pub fn is_synced(&self) -> bool {
        *self.synced.borrow()
    }
}

/// Watches `query`, keeps of each object only what `map` makes of it (`None` keeps nothing), and calls `on` when that
/// moves. After a reconnect the list is compared with what was known, so that nothing missed stays missed.
///
/// Returns the picture and the task that keeps it: run the task until shutdown.
pub fn secondary<V, M, F>(
    client: Client,
    query: Query,
    map: M,
    on: F,
) -> (Secondary<V>, impl Future<Output = ()> + Send)
where
    V: Clone + PartialEq + Send + 'static,
    M: Fn(&Raw<'_>) -> Option<V> + Send + Sync + 'static,
    F: Fn(Moved<'_, V>) + Send + Sync + 'static,
{
    let seen = Arc::new(Mutex::new(HashMap::new()));
    let (sender, synced) = watch::channel(false);
    let picture = Secondary { seen: Arc::clone(&seen), synced };
    let task = async move {
        let mut listed = HashSet::new();
        run(client, query, |event| {
            let initial = !*sender.borrow();
            match event {
                Event::Start => listed.clear(),
                Event::Listed(raw) => {
                    let key = raw.key();
                    listed.insert(key.clone());
                    take(&seen, key, map(raw), initial, &on);
                }
                Event::Synced => {
                    let missed: Vec<_> = lock(&seen).keys().filter(|key| !listed.contains(*key)).cloned().collect();
                    for key in missed {
                        take(&seen, key, None, initial, &on);
                    }
                    listed = HashSet::new();
                    sender.send_replace(true);
                }
                Event::Changed(raw) => take(&seen, raw.key(), map(raw), initial, &on),
                Event::Gone(raw) => take(&seen, raw.key(), None, initial, &on),
            }
        })
        .await;
    };
    (picture, task)
}

fn take<V: Clone + PartialEq>(
    seen: &Mutex<HashMap<ObjectKey, V>>,
    key: ObjectKey,
    new: Option<V>,
    initial: bool,
    on: &impl Fn(Moved<'_, V>),
) {
    // `on` may look at the picture itself and should find it as it is told: changed first, and without the lock.
    let old = match &new {
        Some(value) => lock(seen).insert(key.clone(), value.clone()),
        None => lock(seen).remove(&key),
    };
    if old != new {
        on(Moved { key: &key, old: old.as_ref(), new: new.as_ref(), initial });
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}
