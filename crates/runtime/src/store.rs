//! The newest known version of every object of a kind.
//!
//! ```text
//! watch ──────────────┐
//!                     ├─► newest by resourceVersion ─► Arc<object>
//! replies to writes ──┘
//! ```
//!
//! # Flow
//! The watch brings every version sooner or later; the reply to one of our own writes brings that version at once.
//! Whichever is newer stays. Managed fields are dropped on the way in.
//!
//! # Guarantees
//! * A version never replaces a newer one of the same object (same uid): a run never starts from a status older than
//!   the one this process wrote.
//! * A reply never brings back an object that the watch has seen go.
//! * An object that cannot be decoded is kept by its metadata and its error; it takes nothing else with it.
//!
//! # Assumptions
//! Resource versions are numbers that grow, per kind (Kubernetes guarantees it since 1.35; etcd always did).
//!
//! # Caveats
//! Reads take a lock for the time of a map lookup; [`Store::list`] clones an `Arc` per object.

mod peek;

use std::{
    collections::HashMap,
    sync::{Arc, RwLock},
};

use kube::Resource;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::sync::watch;

pub(crate) use self::peek::Peek;
use crate::{key::ObjectKey, watch::Raw};

/// One object as it is stored.
#[derive(Debug)]
pub struct Stored<O> {
    /// `metadata.uid`.
    pub uid: String,
    /// `metadata.resourceVersion` as a number; 0 when it is none.
    pub version: u64,
    /// The object, or why it is not one.
    pub object: Result<Arc<O>, Arc<Undecodable>>,
    /// What the runtime itself looks at, at every version and every run.
    pub(crate) peek: Peek,
}

impl<O> Clone for Stored<O> {
    fn clone(&self) -> Self {
        Self { uid: self.uid.clone(), version: self.version, object: self.object.clone(), peek: self.peek }
    }
}

/// An object that does not fit its kind's type.
#[derive(Debug)]
pub struct Undecodable {
    /// What is wrong, with the place in the object.
    pub message: String,
    /// `metadata.generation`.
    pub generation: Option<i64>,
    /// `status.conditions`, to be amended.
    pub conditions: Value,
    /// Whether it is being deleted.
    pub deleted: bool,
    /// `metadata.finalizers`.
    pub finalizers: Vec<String>,
}

/// What taking an object in changed.
#[derive(Debug)]
pub enum Change<O> {
    /// It was not known.
    New(Stored<O>),
    /// It replaced an older version.
    Replaced {
        /// Before.
        old: Stored<O>,
        /// Now.
        new: Stored<O>,
    },
    /// It was not newer than what is known.
    Stale,
}

/// Objects of one kind by key; clones share them.
#[derive(Debug)]
pub struct Store<O> {
    inner: Arc<RwLock<Inner<O>>>,
}

#[derive(Debug)]
struct Inner<O> {
    objects: HashMap<ObjectKey, Stored<O>>,
    synced: watch::Sender<bool>,
}

impl<O> Clone for Store<O> {
    fn clone(&self) -> Self {
        Self { inner: Arc::clone(&self.inner) }
    }
}

impl<O> Default for Store<O> {
    fn default() -> Self {
        Self { inner: Arc::new(RwLock::new(Inner { objects: HashMap::new(), synced: watch::Sender::new(false) })) }
    }
}

impl<O> Store<O> {
    /// The object, if it is there and can be decoded.
    #[must_use]
    pub fn get(&self, key: &ObjectKey) -> Option<Arc<O>> {
        self.read(|inner| inner.objects.get(key)?.object.as_ref().ok().cloned())
    }

    /// The object with what the store knows of it.
    #[must_use]
    pub fn stored(&self, key: &ObjectKey) -> Option<Stored<O>> {
        self.read(|inner| inner.objects.get(key).cloned())
    }

    /// All decodable objects, in no order.
    #[must_use]
    pub fn list(&self) -> Vec<Arc<O>> {
        self.read(|inner| inner.objects.values().filter_map(|stored| stored.object.as_ref().ok().cloned()).collect())
    }

    /// All keys, in no order.
    #[must_use]
    pub fn keys(&self) -> Vec<ObjectKey> {
        self.read(|inner| inner.objects.keys().cloned().collect())
    }

    /// How many objects there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.read(|inner| inner.objects.len())
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether the first list is complete.
    #[must_use]
    pub fn is_synced(&self) -> bool {
        self.read(|inner| *inner.synced.borrow())
    }

    /// Waits until the first list is complete.
    pub async fn synced(&self) {
        let mut synced = self.read(|inner| inner.synced.subscribe());
        let _ = synced.wait_for(|synced| *synced).await;
    }

    pub(crate) fn mark_synced(&self) {
        self.read(|inner| inner.synced.send_replace(true));
    }

    /// Takes in a version seen by the watch. An object of the same name but another uid is another object.
    pub(crate) fn seen(&self, key: &ObjectKey, new: Stored<O>) -> Change<O> {
        self.write(|inner| match inner.objects.get_mut(key) {
            Some(slot) if slot.uid == new.uid && slot.version >= new.version && new.version != 0 => Change::Stale,
            Some(slot) => {
                let old = std::mem::replace(slot, new.clone());
                Change::Replaced { old, new }
            }
            None => {
                inner.objects.insert(key.clone(), new.clone());
                Change::New(new)
            }
        })
    }

    /// Takes in the reply to our own write.
    pub(crate) fn wrote(&self, key: &ObjectKey, new: Stored<O>) -> Change<O> {
        self.write(|inner| match inner.objects.get_mut(key) {
            Some(slot) if slot.uid == new.uid && slot.version < new.version => {
                let old = std::mem::replace(slot, new.clone());
                Change::Replaced { old, new }
            }
            _ => Change::Stale,
        })
    }

    /// Removes an object the watch has seen go; a newer object of the same name stays.
    pub(crate) fn remove(&self, key: &ObjectKey, uid: Option<&str>) -> Option<Stored<O>> {
        self.write(|inner| {
            let same = inner.objects.get(key).is_some_and(|slot| uid.is_none_or(|uid| slot.uid == uid));
            if same { inner.objects.remove(key) } else { None }
        })
    }

    fn read<T>(&self, f: impl FnOnce(&Inner<O>) -> T) -> T {
        f(&self.inner.read().unwrap_or_else(std::sync::PoisonError::into_inner))
    }

    fn write<T>(&self, f: impl FnOnce(&mut Inner<O>) -> T) -> T {
        f(&mut self.inner.write().unwrap_or_else(std::sync::PoisonError::into_inner))
    }
}

impl<O: Resource<DynamicType = ()> + DeserializeOwned> Stored<O> {
    /// Decodes one object; never fails as a whole.
    #[must_use]
    pub fn decode(raw: &Raw<'_>) -> Self {
        let uid = raw.meta.uid.clone();
        let version = raw.meta.version();
        let peek = Peek::of(raw);
        match serde_json::from_str::<O>(raw.json) {
            Ok(mut object) => {
                object.meta_mut().managed_fields = None;
                Self { uid, version, object: Ok(Arc::new(object)), peek }
            }
            Err(error) => {
                let rest: Value = serde_json::from_str(raw.json).unwrap_or_default();
                if let Some(object) = without_status::<O>(&rest) {
                    return Self { uid, version, object: Ok(Arc::new(object)), peek };
                }
                let undecodable = Undecodable {
                    message: error.to_string(),
                    generation: raw.meta.generation,
                    conditions: rest.pointer("/status/conditions").cloned().unwrap_or_default(),
                    deleted: raw.meta.deletion_timestamp.is_some(),
                    finalizers: raw.meta.finalizers.clone(),
                };
                Self { uid, version, object: Err(Arc::new(undecodable)), peek }
            }
        }
    }
}

/// The object without a status that does not fit its type (another version wrote it): it will be written anew.
fn without_status<O: Resource<DynamicType = ()> + DeserializeOwned>(value: &Value) -> Option<O> {
    let mut rest = value.clone();
    rest.as_object_mut()?.remove("status")?;
    let mut object: O = serde_json::from_value(rest).ok()?;
    object.meta_mut().managed_fields = None;
    Some(object)
}

#[cfg(test)]
mod tests {
    use k8s_openapi::api::core::v1::ConfigMap;

    use super::*;

    fn map(uid: &str, version: u64) -> Stored<ConfigMap> {
        let json = format!(
            r#"{{"metadata":{{"name":"a","namespace":"n","uid":"{uid}","resourceVersion":"{version}","managedFields":[{{"manager":"x"}}]}}}}"#
        );
        Stored::decode(&Raw::parse(&json).unwrap())
    }

    fn key() -> ObjectKey {
        ObjectKey::new("n", "a")
    }

    #[test]
    fn the_newest_stays_whoever_brings_it() {
        let store = Store::default();
        assert!(matches!(store.wrote(&key(), map("u", 4)), Change::Stale), "a reply does not create");
        assert!(matches!(store.seen(&key(), map("u", 5)), Change::New(_)));
        assert!(matches!(store.wrote(&key(), map("u", 7)), Change::Replaced { .. }));
        assert!(matches!(store.seen(&key(), map("u", 6)), Change::Stale));
        assert!(matches!(store.seen(&key(), map("u", 7)), Change::Stale));
        assert!(matches!(store.seen(&key(), map("u", 8)), Change::Replaced { .. }));
        assert_eq!(store.stored(&key()).unwrap().version, 8);
        assert!(store.get(&key()).unwrap().metadata.managed_fields.is_none());
    }

    #[test]
    fn an_object_that_went_does_not_come_back_by_a_reply() {
        let store = Store::default();
        store.seen(&key(), map("u1", 5));
        store.remove(&key(), Some("u1"));
        assert!(matches!(store.wrote(&key(), map("u1", 9)), Change::Stale));
        store.seen(&key(), map("u2", 10));
        assert!(matches!(store.wrote(&key(), map("u1", 11)), Change::Stale), "another object of the same name");
        assert!(store.remove(&key(), Some("u1")).is_none());
        assert_eq!(store.len(), 1);
    }

    #[test]
    fn a_poison_object_keeps_its_place() {
        let json = r#"{"metadata":{"name":"a","uid":"u","resourceVersion":"3","generation":2},"data":[1],"status":{"conditions":[{"type":"Ready"}]}}"#;
        let stored = Stored::<ConfigMap>::decode(&Raw::parse(json).unwrap());
        let poison = stored.object.unwrap_err();
        assert_eq!((stored.version, poison.generation), (3, Some(2)));
        assert!(poison.message.contains("line 1"), "{}", poison.message);
        assert!(poison.conditions.is_array());
    }
}
