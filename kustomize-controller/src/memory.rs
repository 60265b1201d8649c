//! What is kept of each Kustomization between runs: enough to know that nothing has to be done, and to go on waiting.
//!
//! Nothing here is needed to be right: after a restart it is empty, and the first run looks at everything again.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
    time::Duration,
};

use jiff::Timestamp;
use tokio_util::sync::DropGuard;
use weir_api::{kustomize::Kustomization, meta::Condition};
use weir_apply::Pending;
use weir_manifest::ObjectRef;
use weir_reconcile::schedule::backoff;
use weir_runtime::ObjectKey;

use crate::kustomization::facts::Took;

/// Corrections within this time of each other belong to one fight.
const FIGHT: Duration = Duration::from_secs(60);
/// Corrections that are made at once before they are spaced out.
const PATIENCE: u32 = 5;
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(300);

/// Digest of everything a build depends on.
pub type InputsDigest = [u8; 32];

/// Digest of an inventory.
pub type InventoryDigest = [u8; 32];

/// How the last run that got to the end ended.
#[derive(Debug)]
pub enum Last {
    /// Applied, and healthy if that was asked for.
    Settled(Settled),
    /// Applied, and waiting for objects, or waited in vain.
    Waiting(Box<Waiting>),
}

/// Everything is as it should be.
#[derive(Clone, Debug)]
pub struct Settled {
    /// What it was built from.
    pub inputs: InputsDigest,
    /// Digest of the built manifests, for history.
    pub digest: Box<str>,
    /// Objects were left alone: what they are is not followed.
    pub skipped: bool,
    /// It was built from more than its inputs, and at its interval is built anew.
    pub is_remote: bool,
    /// Digest of the inventory. While the status does not hold it, because it could not be written, nothing is settled.
    pub inventory: InventoryDigest,
}

/// Waiting for objects.
#[derive(Debug)]
pub struct Waiting {
    /// What is kept once they are there.
    pub settled: Settled,
    /// What is waited for.
    pub pending: Pending,
    /// When the run that applied began.
    pub started: Timestamp,
    /// When the wait began.
    pub since: Timestamp,
    /// Until when.
    pub deadline: Timestamp,
    /// The deadline passed, or an object failed, and that was told; the next try is then. It may still come right.
    pub failed: Option<Timestamp>,
    /// The run that applied changed something.
    pub changed: bool,
    /// The objects were healthy before.
    pub was_healthy: bool,
    /// How long its steps took.
    pub took: Took,
    /// Ends watches of single objects.
    pub watching: Option<DropGuard>,
}

/// A status that is newer than the store's, while it is on its way there.
#[derive(Clone, Debug)]
struct Concluded {
    generation: Option<i64>,
    conditions: Vec<Condition>,
    revision: Option<String>,
}

/// Whether a status is what this process left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Known {
    /// This process left none yet.
    Never,
    /// It is.
    Same,
    /// It is not, or a run did not get to its end.
    Doubtful {
        /// When what is not in it may have been done at the latest.
        since: Timestamp,
    },
}

/// What a status should hold.
#[derive(Clone, Copy, Debug)]
struct Left {
    inventory: InventoryDigest,
    at: Timestamp,
    /// A run applies, and nothing is left of it yet.
    is_applying: bool,
}

#[derive(Debug, Default)]
struct Remembered {
    left: Option<Left>,
    last: Option<Last>,
    concluded: Option<Concluded>,
    fights: HashMap<ObjectRef, Fight>,
}

#[derive(Clone, Copy, Debug)]
struct Fight {
    corrections: u32,
    last: Timestamp,
}

/// See the module.
#[derive(Debug, Default)]
pub struct Memory {
    began: OnceLock<Timestamp>,
    inner: Mutex<HashMap<ObjectKey, Remembered>>,
}

impl Memory {
    /// Takes how the last run ended; it is put back with [`Self::keep`] unless this run starts over.
    #[must_use]
    pub fn take(&self, key: &ObjectKey) -> Option<Last> {
        self.lock().get_mut(key)?.last.take()
    }

    /// Keeps how a run ended.
    pub fn keep(&self, key: &ObjectKey, last: Last) {
        self.lock().entry(key.clone()).or_default().last = Some(last);
    }

    /// Forgets an object.
    pub fn forget(&self, key: &ObjectKey) {
        self.lock().remove(key);
    }

    /// When the first run of this process was: `now`, if this is it.
    pub fn began(&self, now: Timestamp) -> Timestamp {
        *self.began.get_or_init(|| now)
    }

    /// Whether the inventory that a status holds is the one that was left for it.
    #[must_use]
    pub fn known(&self, key: &ObjectKey, seen: &InventoryDigest) -> Known {
        match self.lock().get(key).and_then(|remembered| remembered.left) {
            None => Known::Never,
            Some(left) if left.inventory == *seen && !left.is_applying => Known::Same,
            Some(left) => Known::Doubtful { since: left.at },
        }
    }

    /// Notes that a run begins to apply.
    pub fn applies(&self, key: &ObjectKey, seen: InventoryDigest, now: Timestamp) {
        self.lock().entry(key.clone()).or_default().left = Some(Left { inventory: seen, at: now, is_applying: true });
    }

    /// Notes which inventory a run leaves.
    pub fn leaves(&self, key: &ObjectKey, inventory: InventoryDigest, now: Timestamp) {
        self.lock().entry(key.clone()).or_default().left = Some(Left { inventory, at: now, is_applying: false });
    }

    /// Notes what a run concludes, so that dependants need not wait for the status to come back from the server.
    pub fn concluded(&self, key: &ObjectKey, ks: &Kustomization) {
        let status = ks.status.clone().unwrap_or_default();
        let concluded = Concluded {
            generation: status.observed_generation,
            conditions: status.conditions.into_iter().filter(|c| c.type_ == "Ready").collect(),
            revision: status.last_applied_revision,
        };
        self.lock().entry(key.clone()).or_default().concluded = Some(concluded);
    }

    /// A Kustomization with the newest status that is known.
    #[must_use]
    pub fn newest(&self, key: &ObjectKey, ks: Arc<Kustomization>) -> Arc<Kustomization> {
        let Some(concluded) = self.lock().get(key).and_then(|r| r.concluded.clone()) else { return ks };
        if concluded.generation != ks.metadata.generation {
            return ks;
        }
        let mut newest = Arc::unwrap_or_clone(ks);
        let status = newest.status.get_or_insert_default();
        status.observed_generation = concluded.generation;
        status.last_applied_revision = concluded.revision;
        status.conditions.retain(|c| c.type_ != "Ready");
        status.conditions.extend(concluded.conditions);
        Arc::new(newest)
    }

    /// Notes that drift of these objects was corrected.
    pub fn corrected(&self, key: &ObjectKey, objects: &[&ObjectRef], now: Timestamp) {
        let mut inner = self.lock();
        let fights = &mut inner.entry(key.clone()).or_default().fights;
        fights.retain(|_, fight| elapsed(fight.last, now) < FIGHT + pause(fight.corrections));
        for object in objects {
            let corrections = fights.get(object).map_or(0, |fight| fight.corrections).saturating_add(1);
            fights.insert((*object).clone(), Fight { corrections, last: now });
        }
    }

    /// Until when a correction of an object has to wait, because somebody undoes each at once.
    #[must_use]
    pub fn truce(&self, key: &ObjectKey, object: &ObjectRef, now: Timestamp) -> Option<Timestamp> {
        let fight = *self.lock().get(key)?.fights.get(object)?;
        let until = fight.last.checked_add(pause(fight.corrections)).ok()?;
        (until > now).then_some(until)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<ObjectKey, Remembered>> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn pause(corrections: u32) -> Duration {
    match corrections.checked_sub(PATIENCE) {
        None => Duration::ZERO,
        Some(more) => backoff(more, FIRST_PAUSE, LONGEST_PAUSE),
    }
}

fn elapsed(from: Timestamp, to: Timestamp) -> Duration {
    Duration::try_from(to.duration_since(from)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_700_000_000 + second).unwrap()
    }

    #[test]
    fn a_fight_over_one_object_is_spaced_out_and_forgotten() {
        let (memory, key) = (Memory::default(), ObjectKey::new("n", "a"));
        let object = |name: &str| ObjectRef {
            group: String::new(),
            kind: "ConfigMap".to_owned(),
            namespace: "n".to_owned(),
            name: name.to_owned(),
        };
        let (fought, calm) = (object("fought"), object("calm"));
        let truce = |second| memory.truce(&key, &fought, at(second));
        let corrected = |second| memory.corrected(&key, &[&fought], at(second));
        assert_eq!(truce(0), None);
        for second in 0..4 {
            corrected(second);
            assert_eq!(truce(second), None);
        }
        memory.corrected(&key, &[&fought, &calm], at(4));
        assert_eq!(truce(4), Some(at(5)));
        assert_eq!(memory.truce(&key, &calm, at(4)), None, "other objects are not part of it");
        corrected(5);
        assert_eq!(truce(5), Some(at(7)));
        assert_eq!(truce(8), None);
        corrected(100);
        assert_eq!(truce(100), None, "a minute of peace ends the fight");
    }

    #[test]
    fn a_conclusion_counts_only_for_its_generation() {
        let ks = |generation: i64, observed: i64| -> Kustomization {
            serde_json::from_value(serde_json::json!({
                "apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization",
                "metadata": {"name": "a", "namespace": "n", "generation": generation},
                "spec": {"interval": "1m", "prune": true, "sourceRef": {"kind": "GitRepository", "name": "s"}},
                "status": {"observedGeneration": observed, "lastAppliedRevision": format!("r{observed}")}
            }))
            .unwrap()
        };
        let (memory, key) = (Memory::default(), ObjectKey::new("n", "a"));
        memory.concluded(&key, &ks(2, 2));
        let revision = |ks: Arc<Kustomization>| ks.status.clone().unwrap().last_applied_revision.unwrap();
        assert_eq!(revision(memory.newest(&key, Arc::new(ks(2, 1)))), "r2");
        assert_eq!(revision(memory.newest(&key, Arc::new(ks(3, 1)))), "r1");
    }
}
