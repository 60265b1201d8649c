//! What is known of the managed objects, to tell drift from our own writes and to wake who waits for an object.
//!
//! Pure: the watches feed it, and it answers whom to wake. Of an object it keeps two fingerprints and two versions.
//!
//! * An object is *expected* once we applied it or found it as it should be. It has *drifted* when a newer version of it,
//!   written after ours, has another fingerprint, or when it is gone.
//! * An owner that is *running* is not woken: its run will see for itself. What drifts during the run is told at its end.
//! * An owner that is *waiting* is woken by every write to one of its objects, and told which ones.

use std::collections::{HashMap, HashSet};

use weir_manifest::{Fingerprint, GroupKind, Metadata, ObjectRef};

/// Whose objects: the object that applied them.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Owner {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
}

/// Why an owner is woken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wake {
    /// One of its objects no longer is as it left it.
    Drift,
    /// One of the objects it waits for was written.
    Health,
}

/// Someone to wake.
pub type Alarm = (Owner, Wake);

type Key = Box<str>;

#[derive(Debug)]
struct Row {
    owner: u32,
    /// The newest version seen; zero when it is not there.
    version: u64,
    seen: Option<Fingerprint>,
    expected: Option<(u64, Fingerprint)>,
    /// The listing that saw it last.
    listing: u32,
    drifted: bool,
    /// As it was seen, it can be applied without a look at it.
    clean: bool,
}

/// An object as a watch shows it.
#[derive(Clone, Copy, Debug)]
pub struct Seen<'a> {
    /// Its metadata.
    pub meta: &'a Metadata,
    /// Its fingerprint.
    pub print: Fingerprint,
    /// Whether it can be applied without a look at it: see [`weir_manifest::Cleanup::is_clean`].
    pub clean: bool,
}

/// What is known of an object that drifted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Glimpse {
    /// The newest version seen.
    pub version: u64,
    /// It is there, and can be applied without a look at it.
    pub clean: bool,
}

/// What an owner wants to hear of writes to its objects that are no drift.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Attention {
    /// Nothing.
    #[default]
    None,
    /// Which objects they were, when it asks.
    Note,
    /// The same, and to be woken.
    Wake,
}

#[derive(Debug, Default)]
struct OwnerState {
    /// It ran here, so it is more than a label of some object.
    known: bool,
    running: bool,
    attention: Attention,
    /// Something drifted since the run began.
    fresh: bool,
    drifted: HashSet<(u16, Key)>,
    touched: HashSet<(u16, Key)>,
    /// Objects outside the watched ones that were written. By name: a spec may name any number of kinds, and a kind that is
    /// known stays so.
    touched_others: HashSet<ObjectRef>,
}

#[derive(Debug, Default)]
struct Kind {
    rows: HashMap<Key, Row>,
    listing: u32,
}

/// See the module.
#[derive(Debug, Default)]
pub struct Table {
    kinds: Vec<(GroupKind, Kind)>,
    kind_ids: HashMap<GroupKind, u16>,
    owners: Vec<(Owner, OwnerState)>,
    owner_ids: HashMap<Owner, u32>,
    /// Numbers of owners that are not needed any more.
    free: Vec<u32>,
    /// How many owners there may be before those not needed are looked for.
    sweep_at: usize,
}

/// Owners that may be there before anybody looks for those that are not needed.
const FIRST_SWEEP: usize = 1024;

impl Table {
    /// An object as a watch shows it. `owner` is who its labels name.
    pub fn observe(&mut self, kind: &GroupKind, owner: &Owner, object: Seen<'_>) -> Option<Alarm> {
        let Seen { meta, print, clean } = object;
        let (kind_id, owner_id) = (self.kind(kind), self.owner(owner));
        let (_, rows) = self.kinds.get_mut(usize::from(kind_id))?;
        let (key, version) = (key(&meta.namespace, &meta.name), meta.version());
        let listing = rows.listing;
        let row = rows.rows.entry(key.clone()).or_insert_with(|| Row::new(owner_id));
        row.listing = listing;
        if version <= row.version {
            return None;
        }
        if row.expected.is_none() {
            row.owner = owner_id;
        }
        row.version = version;
        row.seen = Some(print);
        row.clean = clean;
        let moved = row.expected.is_some_and(|(at, expected)| version > at && !expected.still(print));
        // A version we wrote ourselves is news to nobody.
        let news = row.expected.is_none_or(|(at, _)| version > at);
        let owner = row.owner;
        row.drifted = moved;
        self.tell(owner, kind_id, key, moved, news)
    }

    /// An object that a watch says is gone (or no longer carries our label).
    pub fn vanish(&mut self, kind: &GroupKind, namespace: &str, name: &str, version: u64) -> Option<Alarm> {
        let kind_id = self.kind(kind);
        self.vanish_key(kind_id, key(namespace, name), version)
    }

    fn vanish_key(&mut self, kind_id: u16, key: Key, version: u64) -> Option<Alarm> {
        let (_, rows) = self.kinds.get_mut(usize::from(kind_id))?;
        let row = rows.rows.get_mut(&key)?;
        row.seen = None;
        row.version = row.version.max(version);
        let Some((at, _)) = row.expected else {
            let owner = row.owner;
            rows.rows.remove(&key);
            return self.tell(owner, kind_id, key, false, true);
        };
        if version < at {
            return None;
        }
        row.drifted = true;
        let owner = row.owner;
        self.tell(owner, kind_id, key, true, true)
    }

    /// A listing of a kind begins.
    pub fn listing(&mut self, kind: &GroupKind) {
        let id = self.kind(kind);
        if let Some((_, rows)) = self.kinds.get_mut(usize::from(id)) {
            rows.listing = rows.listing.wrapping_add(1);
        }
    }

    /// A listing ended, complete as of `version`: what it did not show and was not written since is gone.
    pub fn listed(&mut self, kind: &GroupKind, version: u64) -> Vec<Alarm> {
        let id = self.kind(kind);
        let Some((_, rows)) = self.kinds.get(usize::from(id)) else { return Vec::new() };
        let missing = |row: &Row| {
            row.listing != rows.listing && row.version <= version && row.expected.is_none_or(|(at, _)| at <= version)
        };
        let gone: Vec<Key> = rows.rows.iter().filter(|(_, row)| missing(row)).map(|(key, _)| key.clone()).collect();
        gone.into_iter().filter_map(|key| self.vanish_key(id, key, version)).collect()
    }

    /// An object is as it should be, at this version: we wrote it, or found it so.
    pub fn expect(&mut self, owner: &Owner, object: &ObjectRef, version: u64, print: Fingerprint) {
        let (kind_id, owner_id) = (self.kind(&object.group_kind()), self.owner(owner));
        let key = key(&object.namespace, &object.name);
        let Some((_, rows)) = self.kinds.get_mut(usize::from(kind_id)) else { return };
        let row = rows.rows.entry(key.clone()).or_insert_with(|| Row::new(owner_id));
        let before = std::mem::replace(&mut row.owner, owner_id);
        row.expected = Some((version, print));
        let is_newer = row.version > version;
        let moved = is_newer && row.seen.is_none_or(|seen| !print.still(seen));
        row.drifted = moved;
        if before != owner_id {
            self.clear(before, kind_id, &key);
        }
        if moved {
            let _ = self.tell(owner_id, kind_id, key.clone(), true, true);
        } else {
            self.clear(owner_id, kind_id, &key);
        }
        // What was written up to now is in the state that was just judged.
        if let Some((_, state)) = self.owners.get_mut(owner_id as usize).filter(|_| !is_newer) {
            state.touched.remove(&(kind_id, key));
        }
    }

    /// An object is not this owner's business any more: it was pruned, or left to itself. Nothing changes when another
    /// owner has taken it over.
    pub fn forget(&mut self, owner: &Owner, object: &ObjectRef) {
        let Some(owner) = self.owner_ids.get(owner).copied() else { return };
        let Some(kind_id) = self.kind_ids.get(&object.group_kind()).copied() else { return };
        let key = key(&object.namespace, &object.name);
        let Some((_, rows)) = self.kinds.get_mut(usize::from(kind_id)) else { return };
        let Some(row) = rows.rows.get_mut(&key) else { return };
        if row.owner != owner {
            return;
        }
        row.expected = None;
        row.drifted = false;
        if row.seen.is_none() {
            rows.rows.remove(&key);
        }
        self.clear(owner, kind_id, &key);
    }

    /// A run of the owner begins.
    pub fn begin(&mut self, owner: &Owner) {
        let state = self.state(owner);
        state.running = true;
        state.fresh = false;
    }

    /// A run of the owner ended. Says if it is to be woken at once.
    pub fn finish(&mut self, owner: &Owner, attention: Attention) -> Option<Wake> {
        let state = self.state(owner);
        state.running = false;
        state.attention = attention;
        if attention == Attention::None {
            state.touched = HashSet::new();
            state.touched_others = HashSet::new();
        }
        if std::mem::take(&mut state.fresh) && !state.drifted.is_empty() {
            Some(Wake::Drift)
        } else if attention == Attention::Wake && !(state.touched.is_empty() && state.touched_others.is_empty()) {
            Some(Wake::Health)
        } else {
            None
        }
    }

    /// Has writes to the owner's objects noted down, from now on.
    pub fn attend(&mut self, owner: &Owner) {
        self.state(owner).attention = Attention::Wake;
    }

    /// An object outside the watched ones was written, for which the owner waits.
    pub fn touch(&mut self, owner: &Owner, object: &ObjectRef) -> Option<Alarm> {
        let state = self.state(owner);
        if state.attention == Attention::None {
            return None;
        }
        state.touched_others.insert(object.clone());
        let due = !state.running && state.attention == Attention::Wake;
        due.then(|| (owner.clone(), Wake::Health))
    }

    /// The objects that were written since this was last asked, while the owner paid attention.
    pub fn take_touched(&mut self, owner: &Owner) -> Vec<ObjectRef> {
        let state = self.state(owner);
        let (touched, others) = (std::mem::take(&mut state.touched), std::mem::take(&mut state.touched_others));
        let known = touched.into_iter().filter_map(|(kind, key)| self.reference(kind, &key));
        known.chain(others).collect()
    }

    /// The owner's objects that are not as it left them.
    #[must_use]
    pub fn drifted(&self, owner: &Owner) -> Vec<ObjectRef> {
        let state = self.owner_ids.get(owner).and_then(|id| self.owners.get(*id as usize));
        let Some((_, state)) = state else { return Vec::new() };
        state.drifted.iter().filter_map(|(kind, key)| self.reference(*kind, key)).collect()
    }

    /// An object as it was seen last.
    #[must_use]
    pub fn glimpse(&self, object: &ObjectRef) -> Option<Glimpse> {
        let row = self.row(object)?;
        Some(Glimpse { version: row.version, clean: row.clean && row.seen.is_some() })
    }

    /// Whether an object is expected by this owner, and was not seen to differ.
    #[must_use]
    pub fn holds(&self, owner: &Owner, object: &ObjectRef) -> bool {
        let Some(id) = self.owner_ids.get(owner) else { return false };
        self.row(object).is_some_and(|row| row.owner == *id && row.expected.is_some() && !row.drifted)
    }

    /// How many objects are known, for metrics.
    #[must_use]
    pub fn len(&self) -> usize {
        self.kinds.iter().map(|(_, kind)| kind.rows.len()).sum()
    }

    /// Whether nothing is known.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Forgets an owner that is gone, with all its objects.
    pub fn drop_owner(&mut self, owner: &Owner) {
        let Some(id) = self.owner_ids.get(owner).copied() else { return };
        for (_, kind) in &mut self.kinds {
            kind.rows.retain(|_, row| row.owner != id);
            kind.rows.shrink_to(kind.rows.len().saturating_mul(2));
        }
        if let Some((_, state)) = self.owners.get_mut(id as usize) {
            *state = OwnerState::default();
        }
    }

    fn row(&self, object: &ObjectRef) -> Option<&Row> {
        let id = self.kind_ids.get(&object.group_kind())?;
        self.kinds.get(usize::from(*id))?.1.rows.get(&key(&object.namespace, &object.name))
    }

    fn reference(&self, kind: u16, key: &str) -> Option<ObjectRef> {
        let (group_kind, _) = self.kinds.get(usize::from(kind))?;
        let (namespace, name) = key.split_once('/')?;
        let GroupKind { group, kind } = group_kind.clone();
        Some(ObjectRef { group, kind, namespace: namespace.to_owned(), name: name.to_owned() })
    }

    fn tell(&mut self, owner: u32, kind: u16, key: Key, moved: bool, news: bool) -> Option<Alarm> {
        let (name, state) = self.owners.get_mut(owner as usize)?;
        if state.attention != Attention::None && news {
            state.touched.insert((kind, key.clone()));
        }
        if moved {
            state.drifted.insert((kind, key));
            state.fresh = true;
        } else {
            state.drifted.remove(&(kind, key));
        }
        let wake = if moved { Wake::Drift } else { Wake::Health };
        let due = !state.running && (moved || (state.attention == Attention::Wake && news));
        due.then(|| (name.clone(), wake))
    }

    fn clear(&mut self, owner: u32, kind: u16, key: &Key) {
        if let Some((_, state)) = self.owners.get_mut(owner as usize) {
            state.drifted.remove(&(kind, key.clone()));
        }
    }

    fn kind(&mut self, kind: &GroupKind) -> u16 {
        if let Some(id) = self.kind_ids.get(kind) {
            return *id;
        }
        let id = u16::try_from(self.kinds.len()).unwrap_or(u16::MAX);
        self.kinds.push((kind.clone(), Kind::default()));
        self.kind_ids.insert(kind.clone(), id);
        id
    }

    fn owner(&mut self, owner: &Owner) -> u32 {
        if let Some(id) = self.owner_ids.get(owner) {
            return *id;
        }
        if self.free.is_empty() && self.owners.len() >= self.sweep_at.max(FIRST_SWEEP) {
            self.sweep();
        }
        let fresh = (owner.clone(), OwnerState::default());
        let reused = self.free.pop().and_then(|id| Some((id, self.owners.get_mut(id as usize)?)));
        let id = match reused {
            Some((id, slot)) => {
                *slot = fresh;
                id
            }
            None => {
                self.owners.push(fresh);
                u32::try_from(self.owners.len() - 1).unwrap_or(u32::MAX)
            }
        };
        self.owner_ids.insert(owner.clone(), id);
        id
    }

    /// Frees owners that never ran, or are gone, and have no objects: labels are anybody's to invent.
    fn sweep(&mut self) {
        let used: HashSet<u32> =
            self.kinds.iter().flat_map(|(_, kind)| kind.rows.values().map(|row| row.owner)).collect();
        let owners = &self.owners;
        let free = &mut self.free;
        self.owner_ids.retain(|_, id| {
            let needed = used.contains(id) || owners.get(*id as usize).is_some_and(|(_, state)| state.known);
            if !needed {
                free.push(*id);
            }
            needed
        });
        self.sweep_at = self.owner_ids.len().saturating_mul(2);
    }

    fn state(&mut self, owner: &Owner) -> &mut OwnerState {
        let id = self.owner(owner) as usize;
        let state = &mut self.owners.get_mut(id).expect("an owner's number is its place in the list").1;
        state.known = true;
        state
    }
}

impl Row {
    fn new(owner: u32) -> Self {
        Self { owner, version: 0, seen: None, expected: None, listing: 0, drifted: false, clean: false }
    }
}

fn key(namespace: &str, name: &str) -> Key {
    format!("{namespace}/{name}").into_boxed_str()
}

#[cfg(test)]
#[path = "table_tests.rs"]
mod tests;
