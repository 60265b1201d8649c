//! What the watch brings: into the store, and to the queue if it asks for a run.

use std::{collections::HashSet, sync::Arc};

use kube::Resource;

use super::Shared;
use crate::{
    key::ObjectKey,
    publish::REQUESTED_AT,
    queue::Trigger,
    reconciler::Reconciler,
    store::{Change, Peek, Stored},
    watch::{Event, Raw},
};

pub(super) struct Intake<R: Reconciler> {
    shared: Arc<Shared<R>>,
    listed: HashSet<ObjectKey>,
}

impl<R: Reconciler> Intake<R> {
    pub(super) fn new(shared: Arc<Shared<R>>) -> Self {
        Self { shared, listed: HashSet::new() }
    }

    pub(super) fn take(&mut self, event: Event<'_>) {
        match event {
            Event::Start => self.listed.clear(),
            Event::Listed(raw) => {
                self.listed.insert(raw.key());
                self.seen(raw);
            }
            Event::Changed(raw) => self.seen(raw),
            Event::Gone(raw) => self.shared.gone(&raw.key(), Some(&raw.meta.uid)),
            Event::Synced => {
                for key in self.shared.handle.store.keys() {
                    if !self.listed.contains(&key) {
                        self.shared.gone(&key, None);
                    }
                }
                self.listed = HashSet::new();
                self.shared.handle.store.mark_synced();
            }
        }
    }

    fn seen(&self, raw: &Raw<'_>) {
        let key = raw.key();
        let change = self.shared.handle.store.seen(&key, Stored::decode(raw));
        self.shared.consider(&key, &change);
    }
}

impl<R: Reconciler> Shared<R> {
    /// Takes in the reply to our own write. It may carry what others changed just before, so it is looked at like
    /// any other version.
    pub(super) fn wrote(&self, key: &ObjectKey, stored: Stored<R::Object>) {
        let change = self.handle.store.wrote(key, stored);
        self.consider(key, &change);
    }

    fn consider(&self, key: &ObjectKey, change: &Change<R::Object>) {
        let trigger = match change {
            Change::Stale => None,
            Change::New(_) if !self.handle.store.is_synced() => Some(Trigger::Start),
            Change::New(_) => Some(Trigger::Created),
            Change::Replaced { old, new } => self.trigger(old, new),
        };
        if let Change::New(new) | Change::Replaced { new, .. } = change {
            self.describe(key, new);
        }
        if let Some(trigger) = trigger {
            self.handle.waker.wake(key, trigger);
        }
    }

    fn trigger(&self, old: &Stored<R::Object>, new: &Stored<R::Object>) -> Option<Trigger> {
        if old.uid != new.uid {
            return Some(Trigger::Created);
        }
        let (was, is) = match (&old.object, &new.object) {
            (Ok(was), Ok(is)) => (was, is),
            (Err(was), Err(is)) => {
                let moved = was.generation != is.generation || was.message != is.message || was.deleted != is.deleted;
                return moved.then_some(Trigger::Changed);
            }
            _ => return Some(Trigger::Changed),
        };
        let (before, now) = (was.meta(), is.meta());
        if before.deletion_timestamp.is_none() && now.deletion_timestamp.is_some() {
            return Some(Trigger::Deleted);
        }
        if before.generation != now.generation {
            return Some(Trigger::Changed);
        }
        let requested = |meta: &k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta| {
            meta.annotations.as_ref().and_then(|map| map.get(REQUESTED_AT)).cloned()
        };
        if requested(now).is_some() && requested(before) != requested(now) {
            return Some(Trigger::Requested);
        }
        self.reconciler.relevant(was, is).then_some(Trigger::Changed)
    }

    fn gone(&self, key: &ObjectKey, uid: Option<&str>) {
        if self.handle.store.remove(key, uid).is_none() {
            return;
        }
        self.handle.waker.with(|schedule| schedule.forget(key));
        self.counters.gone(key);
        self.reconciler.gone(key);
    }

    /// Keeps `gotk_resource_info` up to date.
    fn describe(&self, key: &ObjectKey, stored: &Stored<R::Object>) {
        let Ok(object) = &stored.object else { return };
        let mut labels = self.reconciler.info(object);
        labels.insert("name", key.name.clone());
        labels.insert("exported_namespace", key.namespace.clone());
        labels.insert("ready", stored.peek.ready.map_or_else(|| "Unknown".to_owned(), |status| status.to_string()));
        labels.insert("suspended", self.suspended(object, stored.peek).to_string());
        labels.insert("customresource_group", self.group.clone());
        labels.insert("customresource_kind", self.kind.clone());
        labels.insert("customresource_version", R::Object::version(&()).into_owned());
        self.counters.info(key, labels);
        if self.handle.store.stored(key).is_none() {
            self.counters.gone(key);
        }
    }

    pub(super) fn suspended(&self, object: &R::Object, peek: Peek) -> bool {
        self.reconciler.suspended(object).unwrap_or(peek.suspend)
    }
}
