//! Which objects use which Secrets and ServiceAccounts, so that a rotation is seen at once and not at the next interval.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use weir_runtime::{
    ObjectKey, Trigger, Waker,
    watch::{Moved, Raw},
};

/// What kind of object is referred to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Referent {
    /// A Secret.
    Secret,
    /// A ServiceAccount.
    ServiceAccount,
}

/// One object referred to, in the referring object's namespace.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Reference {
    /// Its kind.
    pub referent: Referent,
    /// Its name.
    pub name: String,
}

impl Reference {
    /// A Secret.
    #[must_use]
    pub fn secret(name: &str) -> Self {
        Self { referent: Referent::Secret, name: name.to_owned() }
    }

    /// A ServiceAccount.
    #[must_use]
    pub fn service_account(name: &str) -> Self {
        Self { referent: Referent::ServiceAccount, name: name.to_owned() }
    }
}

/// Kind and key of a referring object.
type Owner = (&'static str, ObjectKey);
type Target = (Referent, ObjectKey);

#[derive(Default)]
struct Index {
    by_owner: HashMap<Owner, BTreeSet<Target>>,
    by_target: HashMap<Target, HashSet<Owner>>,
    wakers: BTreeMap<&'static str, Waker>,
}

/// The index. Clones share it.
#[derive(Clone, Default)]
pub struct References {
    index: Arc<Mutex<Index>>,
}

impl References {
    /// Objects of `kind` are woken by this waker.
    pub fn register(&self, kind: &'static str, waker: Waker) {
        self.lock().wakers.insert(kind, waker);
    }

    /// Replaces what an object refers to.
    pub fn track(&self, kind: &'static str, key: &ObjectKey, references: BTreeSet<Reference>) {
        let target = |r: Reference| (r.referent, ObjectKey::new(key.namespace.clone(), r.name));
        let targets: BTreeSet<Target> = references.into_iter().map(target).collect();
        let owner = (kind, key.clone());
        let mut index = self.lock();
        if index.by_owner.get(&owner).map_or(targets.is_empty(), |known| *known == targets) {
            return;
        }
        index.forget(&owner);
        for target in &targets {
            index.by_target.entry(target.clone()).or_default().insert(owner.clone());
        }
        if !targets.is_empty() {
            index.by_owner.insert(owner, targets);
        }
    }

    /// Drops an object.
    pub fn forget(&self, kind: &'static str, key: &ObjectKey) {
        self.lock().forget(&(kind, key.clone()));
    }

    /// What to keep of a watched object: its version if anybody refers to it, nothing otherwise.
    pub fn keep(&self, referent: Referent, raw: &Raw<'_>) -> Option<String> {
        let target = (referent, raw.key());
        self.lock().by_target.contains_key(&target).then(|| raw.meta.resource_version.clone())
    }

    /// Wakes whoever refers to an object that changed.
    pub fn moved(&self, referent: Referent, moved: &Moved<'_, String>) {
        if moved.initial {
            return;
        }
        let woken: Vec<(Waker, ObjectKey)> = {
            let index = self.lock();
            let owners = index.by_target.get(&(referent, moved.key.clone())).into_iter().flatten();
            owners.filter_map(|(kind, key)| Some((index.wakers.get(kind)?.clone(), key.clone()))).collect()
        };
        for (waker, key) in woken {
            waker.wake(&key, Trigger::Input);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Index> {
        self.index.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Index {
    fn forget(&mut self, owner: &Owner) {
        for target in self.by_owner.remove(owner).into_iter().flatten() {
            if let Some(owners) = self.by_target.get_mut(&target) {
                owners.remove(owner);
                if owners.is_empty() {
                    self.by_target.remove(&target);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn woken(waker: &Waker) -> bool {
        waker.peek(|schedule| schedule.next_due().is_some()) || tokio_test_ready(waker)
    }

    fn tokio_test_ready(waker: &Waker) -> bool {
        futures::FutureExt::now_or_never(waker.next()).is_some()
    }

    fn change(references: &References, name: &str) {
        let key = ObjectKey::new("ns", name);
        let version = "2".to_owned();
        references.moved(Referent::Secret, &Moved { key: &key, old: None, new: Some(&version), initial: false });
    }

    #[tokio::test]
    async fn a_changed_secret_wakes_those_who_use_it_and_nobody_else() {
        let references = References::default();
        let waker = Waker::default();
        references.register("OCIRepository", waker.clone());
        let app = ObjectKey::new("ns", "app");
        references.track("OCIRepository", &app, BTreeSet::from([Reference::secret("pull")]));
        change(&references, "other");
        assert!(!woken(&waker));
        change(&references, "pull");
        assert!(woken(&waker));

        let waker = Waker::default();
        references.register("OCIRepository", waker.clone());
        references.track("OCIRepository", &app, BTreeSet::from([Reference::secret("new")]));
        change(&references, "pull");
        assert!(!woken(&waker), "no longer used");
        references.forget("OCIRepository", &app);
        change(&references, "new");
        assert!(!woken(&waker), "the object is gone");
        assert!(references.lock().by_target.is_empty() && references.lock().by_owner.is_empty());
    }
}
