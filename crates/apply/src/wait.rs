//! Which objects are not yet what their specs ask for.

use std::{collections::BTreeMap, time::Duration};

use futures::{StreamExt as _, stream};
use weir_manifest::{Health, Object, ObjectRef, Status, inventory::Entry};

use crate::{cluster::Cluster, error::RequestError, table::Owner, watch::Watches};

/// Judges an object's health; knows the time and the expressions that apply.
pub type Judge<'a> = dyn Fn(&Object) -> Health + Send + Sync + 'a;

/// How long to rely on watches alone before looking again anyway.
const LOOK: Duration = Duration::from_secs(5);
/// Objects read at a time.
const AT_A_TIME: usize = 4;

/// Objects that are waited for, with what is known of each.
#[derive(Clone, Debug, Default)]
pub struct Pending {
    objects: BTreeMap<ObjectRef, Waited>,
}

#[derive(Clone, Debug)]
struct Waited {
    version: String,
    health: Health,
    /// It may go once it is done: a Job with a time to live.
    may_vanish: bool,
}

impl Pending {
    /// Adds an object, with what is known of it.
    pub fn add(&mut self, entry: Entry, health: Health, may_vanish: bool) {
        self.objects.insert(entry.object, Waited { version: entry.version, health, may_vanish });
    }

    /// Adds an object of which nothing is known yet.
    pub fn add_unknown(&mut self, entry: Entry) {
        self.add(entry, Health::new(Status::Unknown, "not looked at yet"), false);
    }

    /// Reads the objects that are not current again: all of them, or only `which`.
    pub async fn look(&mut self, cluster: &Cluster, which: Option<&[ObjectRef]>, judge: &Judge<'_>) {
        let wanted = |object: &ObjectRef| which.is_none_or(|which| which.contains(object));
        let entries: Vec<Entry> = self
            .objects
            .iter()
            .filter(|(object, waited)| waited.health.status != Status::Current && wanted(object))
            .map(|(object, waited)| Entry { object: object.clone(), version: waited.version.clone() })
            .collect();
        let answers: Vec<(Entry, Result<Option<Object>, RequestError>)> = stream::iter(entries)
            .map(|entry| async move {
                let answer = cluster.get(&entry).await;
                (entry, answer)
            })
            .buffer_unordered(AT_A_TIME)
            .collect()
            .await;
        for (entry, answer) in answers {
            if let Some(waited) = self.objects.get_mut(&entry.object) {
                waited.health = waited.judged(answer, judge);
            }
        }
    }

    /// Whether every object is current.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.objects.values().all(|waited| waited.health.status == Status::Current)
    }

    /// Whether an object failed and nothing is on its way any more: waiting longer helps nobody.
    #[must_use]
    pub fn has_failed(&self) -> bool {
        self.objects.values().any(|waited| waited.health.status == Status::Failed)
    }

    /// The objects that are not current, and why.
    pub fn missing(&self) -> impl Iterator<Item = (&ObjectRef, &Health)> {
        let missing = self.objects.iter().filter(|(_, waited)| waited.health.status != Status::Current);
        missing.map(|(object, waited)| (object, &waited.health))
    }

    /// How many objects are waited for, current ones included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.objects.len()
    }

    /// Whether there is nothing to wait for.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.objects.is_empty()
    }

    /// The objects that are waited for.
    #[must_use]
    pub fn entries(&self) -> Vec<Entry> {
        let entry =
            |(object, waited): (&ObjectRef, &Waited)| Entry { object: object.clone(), version: waited.version.clone() };
        self.objects.iter().map(entry).collect()
    }

    /// What is missing, in the words Flux's users know: `Kind/ns/name status: 'InProgress'`.
    #[must_use]
    pub fn text(&self) -> String {
        let one = |(object, health): (&ObjectRef, &Health)| format!("{object} status: '{}'", health.status);
        self.missing().map(one).collect::<Vec<_>>().join(", ")
    }

    /// The same with reasons, for people who have to act.
    #[must_use]
    pub fn details(&self) -> String {
        let one = |(object, health): (&ObjectRef, &Health)| format!("{object}: {}", health.message);
        self.missing().map(one).collect::<Vec<_>>().join("; ")
    }
}

impl Waited {
    fn judged(&self, answer: Result<Option<Object>, RequestError>, judge: &Judge<'_>) -> Health {
        match answer {
            Ok(Some(object)) => judge(&object),
            Ok(None) if self.may_vanish => Health::new(Status::Current, "it is done and gone"),
            Ok(None) => Health::new(Status::NotFound, "Resource not found"),
            Err(error) if error.is_no_match() => Health::new(Status::NotFound, error.to_string()),
            Err(error) => Health::new(Status::Unknown, error.to_string()),
        }
    }
}

/// A stage did not become ready in time.
#[derive(Debug, thiserror::Error)]
#[error("timeout waiting for: [{missing}]")]
pub struct StageTimeout {
    /// What is missing.
    pub missing: String,
}

/// Waits until all objects of a stage are current, within a run of their owner.
///
/// # Errors
/// When they are not in time.
pub async fn until_ready(
    pending: &mut Pending,
    cluster: &Cluster,
    watches: &Watches,
    owner: &Owner,
    judge: &Judge<'_>,
    limit: Duration,
) -> Result<(), StageTimeout> {
    watches.attend(owner);
    let waiting = async {
        // The objects that became ready before anybody attended are found by the first look.
        pending.look(cluster, None, judge).await;
        while !pending.is_done() {
            let moved = tokio::time::timeout(LOOK, watches.moved()).await.is_ok();
            let touched = watches.take_touched(owner);
            if moved && touched.is_empty() {
                continue;
            }
            pending.look(cluster, moved.then_some(touched.as_slice()), judge).await;
        }
    };
    let in_time = tokio::time::timeout(limit, waiting).await.is_ok();
    if in_time { Ok(()) } else { Err(StageTimeout { missing: pending.text() }) }
}
