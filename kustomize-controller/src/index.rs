//! Which Kustomizations refer to what, so that a change of it wakes them.

use std::{
    collections::{BTreeSet, HashMap},
    hash::Hash,
    sync::{Mutex, MutexGuard, PoisonError},
};

use weir_api::kustomize::{Kustomization, ValuesKind};
use weir_runtime::ObjectKey;

use crate::{kustomization::depends, source::SourceKey};

/// A ConfigMap or Secret.
pub type ConfigKey = (bool, ObjectKey);

/// Everything a Kustomization refers to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct References {
    source: SourceKey,
    dependencies: BTreeSet<ObjectKey>,
    configs: BTreeSet<ConfigKey>,
}

impl References {
    /// What a Kustomization refers to.
    #[must_use]
    pub fn of(ks: &Kustomization) -> Self {
        let namespace = ks.metadata.namespace.as_deref().unwrap_or_default();
        let configs = ks.spec.post_build.iter().flat_map(|post_build| &post_build.substitute_from);
        Self {
            source: SourceKey::of(ks),
            dependencies: depends::names(ks).map(|name| ObjectKey::new(name.namespace, name.name)).collect(),
            configs: configs.map(|reference| config_key(reference.kind, namespace, &reference.name)).collect(),
        }
    }
}

/// The key of a ConfigMap or Secret.
#[must_use]
pub fn config_key(kind: ValuesKind, namespace: &str, name: &str) -> ConfigKey {
    (kind == ValuesKind::Secret, ObjectKey::new(namespace, name))
}

/// See the module.
#[derive(Debug, Default)]
pub struct Index {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    of: HashMap<ObjectKey, References>,
    by_source: HashMap<SourceKey, BTreeSet<ObjectKey>>,
    by_dependency: HashMap<ObjectKey, BTreeSet<ObjectKey>>,
    by_config: HashMap<ConfigKey, BTreeSet<ObjectKey>>,
}

impl Index {
    /// Notes what an object refers to. Before its inputs are read: what moves after that wakes it.
    pub fn note(&self, key: &ObjectKey, references: References) {
        let mut inner = self.lock();
        if inner.of.get(key) == Some(&references) {
            return;
        }
        inner.remove(key);
        add(&mut inner.by_source, &references.source, key);
        references.dependencies.iter().for_each(|dependency| add(&mut inner.by_dependency, dependency, key));
        references.configs.iter().for_each(|config| add(&mut inner.by_config, config, key));
        inner.of.insert(key.clone(), references);
    }

    /// Forgets an object.
    pub fn forget(&self, key: &ObjectKey) {
        self.lock().remove(key);
    }

    /// Who uses a source.
    #[must_use]
    pub fn users(&self, source: &SourceKey) -> Vec<ObjectKey> {
        found(&self.lock().by_source, source)
    }

    /// Who depends on an object.
    #[must_use]
    pub fn dependants(&self, key: &ObjectKey) -> Vec<ObjectKey> {
        found(&self.lock().by_dependency, key)
    }

    /// Who takes variables from a ConfigMap or Secret.
    #[must_use]
    pub fn readers(&self, config: &ConfigKey) -> Vec<ObjectKey> {
        found(&self.lock().by_config, config)
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn remove(&mut self, key: &ObjectKey) {
        let Some(old) = self.of.remove(key) else { return };
        remove(&mut self.by_source, &old.source, key);
        old.dependencies.iter().for_each(|dependency| remove(&mut self.by_dependency, dependency, key));
        old.configs.iter().for_each(|config| remove(&mut self.by_config, config, key));
    }
}

fn add<K: Hash + Eq + Clone>(map: &mut HashMap<K, BTreeSet<ObjectKey>>, what: &K, key: &ObjectKey) {
    map.entry(what.clone()).or_default().insert(key.clone());
}

fn remove<K: Hash + Eq>(map: &mut HashMap<K, BTreeSet<ObjectKey>>, what: &K, key: &ObjectKey) {
    if let Some(keys) = map.get_mut(what) {
        keys.remove(key);
        if keys.is_empty() {
            map.remove(what);
        }
    }
}

fn found<K: Hash + Eq>(map: &HashMap<K, BTreeSet<ObjectKey>>, what: &K) -> Vec<ObjectKey> {
    map.get(what).into_iter().flatten().cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ks(name: &str, source: &str, depends_on: &[&str], configs: &[&str]) -> Kustomization {
        let depends_on: Vec<_> = depends_on.iter().map(|name| serde_json::json!({"name": name})).collect();
        let from: Vec<_> = configs.iter().map(|name| serde_json::json!({"kind": "Secret", "name": name})).collect();
        serde_json::from_value(serde_json::json!({
            "apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization",
            "metadata": {"name": name, "namespace": "n"},
            "spec": {"interval": "1m", "prune": true, "sourceRef": {"kind": "GitRepository", "name": source},
                "dependsOn": depends_on, "postBuild": {"substituteFrom": from}}
        }))
        .unwrap()
    }

    #[test]
    fn a_changed_reference_moves() {
        let index = Index::default();
        let (a, old, new) = (ObjectKey::new("n", "a"), ks("a", "s1", &["b"], &["c"]), ks("a", "s2", &[], &["c"]));
        index.note(&a, References::of(&old));
        assert_eq!(index.users(&SourceKey::of(&old)), std::slice::from_ref(&a));
        assert_eq!(index.dependants(&ObjectKey::new("n", "b")), std::slice::from_ref(&a));
        index.note(&a, References::of(&new));
        assert!(index.users(&SourceKey::of(&old)).is_empty() && index.dependants(&ObjectKey::new("n", "b")).is_empty());
        assert_eq!(index.readers(&config_key(ValuesKind::Secret, "n", "c")), std::slice::from_ref(&a));
        assert!(index.readers(&config_key(ValuesKind::ConfigMap, "n", "c")).is_empty());
        index.forget(&a);
        let inner = index.lock();
        assert!(inner.of.is_empty() && inner.by_source.is_empty() && inner.by_config.is_empty());
    }
}
