//! One metadata watch per kind over all managed objects, and who is woken by it.
//!
//! # Flow
//! [`Watches::follow`] starts the watch of a kind when the first object of it is applied. The watch lists and then follows
//! the metadata of objects that carry the owner label, and feeds the [`Table`]; the table says whom to wake.
//!
//! # Guarantees
//! A change that somebody else makes to a followed object after we applied it wakes its owner, also when it happens while
//! the watch is being set up or was interrupted: after a gap everything is listed again and compared.
//!
//! # Caveats
//! A kind that cannot be watched (no such verb, not allowed) is not followed: [`Watches::follows`] says so, and its objects
//! have to be compared at the interval. Being allowed is tried again every five minutes.

mod stream;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::{Notify, Semaphore, watch as signal};
use tokio_util::sync::CancellationToken;
use weir_manifest::{Cleanup, Fingerprint, GroupKind, Metadata, ObjectRef, inventory::Entry};

use crate::{
    cluster::Cluster,
    mapping::Resource,
    table::{Alarm, Attention, Glimpse, Owner, Table, Wake},
};

/// Watches of single objects at a time: each is a connection of its own to the server.
const SINGLE: usize = 500;
/// Of those for one owner.
const SINGLE_OF_ONE: usize = 50;

/// How an object says whose it is.
#[derive(Clone, Debug)]
pub struct Ownership {
    /// Label with the owner's name; the watches are limited to objects that have it.
    pub name_label: String,
    /// Label with the owner's namespace.
    pub namespace_label: String,
}

impl Ownership {
    /// Whose object it is, by its labels.
    #[must_use]
    pub fn owner(&self, meta: &Metadata) -> Option<Owner> {
        let label = |key: &str| meta.labels.get(key).cloned();
        Some(Owner { name: label(&self.name_label)?, namespace: label(&self.namespace_label)? })
    }
}

type OnWake = dyn Fn(&Owner, Wake) + Send + Sync;

/// The watches; clones share them. They end when the last clone and its [`CancellationToken`] are gone.
#[derive(Clone)]
pub struct Watches {
    shared: Arc<Shared>,
}

struct Shared {
    cluster: Cluster,
    ownership: Ownership,
    cleanup: Cleanup,
    table: Mutex<Table>,
    kinds: Mutex<HashMap<GroupKind, signal::Receiver<Follow>>>,
    /// Watches of single objects that may still begin.
    single: Arc<Semaphore>,
    moved: Notify,
    on_wake: Box<OnWake>,
    stop: CancellationToken,
}

/// How far the watch of a kind is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Follow {
    /// It was just begun.
    Starting,
    /// It lists or watches.
    Live,
    /// It is not possible.
    Impossible,
}

impl std::fmt::Debug for Watches {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Watches").field("objects", &self.shared.table().len()).finish_non_exhaustive()
    }
}

impl Shared {
    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell(&self, alarm: Option<Alarm>) {
        self.moved.notify_waiters();
        if let Some((owner, wake)) = alarm {
            (self.on_wake)(&owner, wake);
        }
    }
}

impl Watches {
    /// Watches under the identity of `cluster` until `stop`; `on_wake` is called outside any lock and must not block.
    /// `cleanup` tells the objects that need a look before they are applied.
    pub fn new(
        cluster: Cluster,
        ownership: Ownership,
        cleanup: Cleanup,
        stop: CancellationToken,
        on_wake: impl Fn(&Owner, Wake) + Send + Sync + 'static,
    ) -> Self {
        let shared = Shared {
            cluster,
            ownership,
            cleanup,
            table: Mutex::default(),
            kinds: Mutex::default(),
            single: Arc::new(Semaphore::new(SINGLE)),
            moved: Notify::new(),
            on_wake: Box::new(on_wake),
            stop,
        };
        Self { shared: Arc::new(shared) }
    }

    /// Follows a kind from now on. Returns at once; what changes meanwhile is not missed.
    pub fn follow(&self, resource: &Arc<Resource>) {
        let mut kinds = self.kinds();
        let key = resource.group_kind();
        // A watch that ended (the kind was gone) has dropped its sender.
        if kinds.get(&key).is_some_and(|state| state.has_changed().is_ok()) {
            return;
        }
        let (state, receiver) = signal::channel(Follow::Starting);
        kinds.insert(key, receiver);
        drop(kinds);
        let (shared, resource) = (Arc::clone(&self.shared), Arc::clone(resource));
        if !resource.watchable {
            state.send_replace(Follow::Impossible);
        }
        tokio::spawn(async move {
            let stop = shared.stop.clone();
            stop.run_until_cancelled(stream::keep(&shared, &resource, &state)).await;
        });
    }

    /// Whether changes of a kind's objects are noticed.
    #[must_use]
    pub fn follows(&self, kind: &GroupKind) -> bool {
        self.kinds().get(kind).is_some_and(|state| *state.borrow() == Follow::Live)
    }

    /// Whether all these objects are as their owner left them, and would be seen to change: no need to ask the server.
    #[must_use]
    pub fn hold(&self, owner: &Owner, entries: &[Entry]) -> bool {
        let kinds = self.kinds();
        let live = |e: &Entry| kinds.get(&e.object.group_kind()).is_some_and(|s| *s.borrow() == Follow::Live);
        entries.iter().all(live) && {
            let table = self.shared.table();
            entries.iter().all(|entry| table.holds(owner, &entry.object))
        }
    }

    /// An object is as it should be in this state.
    pub fn expect(&self, owner: &Owner, object: &ObjectRef, meta: &Metadata, owned: bool) {
        let print = self.print(meta);
        let print = if owned { print } else { print.of_shared() };
        self.shared.table().expect(owner, object, meta.version(), print);
    }

    /// An object is not this owner's business any more.
    pub fn forget(&self, owner: &Owner, object: &ObjectRef) {
        self.shared.table().forget(owner, object);
    }

    /// A run of the owner begins: it is not woken until [`Self::finish`].
    pub fn begin(&self, owner: &Owner) {
        self.shared.table().begin(owner);
    }

    /// A run of the owner ended. What moved during the run wakes it now.
    pub fn finish(&self, owner: &Owner, attention: Attention) {
        let wake = self.shared.table().finish(owner, attention);
        if let Some(wake) = wake {
            (self.shared.on_wake)(owner, wake);
        }
    }

    /// Notes which of the owner's objects are written from now on.
    pub fn attend(&self, owner: &Owner) {
        self.shared.table().attend(owner);
    }

    /// Follows single objects for an owner that waits for them, also objects of others; until the token fires. They are
    /// watched under the identity of `cluster`, that is of who waits; those that are too many for it are looked at every few
    /// seconds instead.
    pub fn attend_to(&self, cluster: &Cluster, owner: &Owner, entries: Vec<Entry>, until: &CancellationToken) {
        self.attend(owner);
        let mut rest = Vec::new();
        for (count, entry) in entries.into_iter().enumerate() {
            let place =
                if count < SINGLE_OF_ONE { Arc::clone(&self.shared.single).try_acquire_owned().ok() } else { None };
            let Some(place) = place else {
                rest.push(entry.object);
                continue;
            };
            let (shared, owner, cluster) = (Arc::clone(&self.shared), owner.clone(), cluster.clone());
            self.until(until, async move {
                let _place = place;
                stream::keep_one(&shared, &cluster, &entry, &owner).await;
            });
        }
        if rest.is_empty() {
            return;
        }
        tracing::info!(
            objects = rest.len(),
            kustomization = %format_args!("{}/{}", owner.namespace, owner.name),
            "health checks name more objects than are watched one by one ({SINGLE_OF_ONE} of one owner, {SINGLE} in all), the \
             others are looked at every 5s; spec.wait follows any number of objects"
        );
        let (shared, owner) = (Arc::clone(&self.shared), owner.clone());
        self.until(until, async move { stream::look_at(&shared, &rest, &owner).await });
    }

    fn until(&self, until: &CancellationToken, work: impl Future<Output = ()> + Send + 'static) {
        let (until, stop) = (until.clone(), self.shared.stop.clone());
        tokio::spawn(async move {
            let _ = stop.run_until_cancelled(until.run_until_cancelled(work)).await;
        });
    }

    /// The objects that were written since this was last asked, while the owner paid attention.
    #[must_use]
    pub fn take_touched(&self, owner: &Owner) -> Vec<ObjectRef> {
        self.shared.table().take_touched(owner)
    }

    /// The owner's objects that are not as it left them.
    #[must_use]
    pub fn drifted(&self, owner: &Owner) -> Vec<ObjectRef> {
        self.shared.table().drifted(owner)
    }

    /// An object as it was seen last.
    #[must_use]
    pub fn glimpse(&self, object: &ObjectRef) -> Option<Glimpse> {
        self.shared.table().glimpse(object)
    }

    /// Completes when any followed object was written.
    pub async fn moved(&self) {
        self.shared.moved.notified().await;
    }

    /// Forgets an owner that is gone.
    pub fn drop_owner(&self, owner: &Owner) {
        self.shared.table().drop_owner(owner);
    }

    /// How many objects are known.
    #[must_use]
    pub fn len(&self) -> usize {
        self.shared.table().len()
    }

    /// Whether none is known.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn print(&self, meta: &Metadata) -> Fingerprint {
        meta.fingerprint(self.shared.cluster.manager())
    }

    fn kinds(&self) -> MutexGuard<'_, HashMap<GroupKind, signal::Receiver<Follow>>> {
        self.shared.kinds.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
