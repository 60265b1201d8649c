//! The list of objects a Kustomization manages, as it stands in its status.
//!
//! An entry's id is `<namespace>_<name>_<group>_<kind>`, `:` in a name written as `__`; an empty namespace or group
//! leaves its place empty. Format: <https://github.com/kubernetes-sigs/cli-utils> (`object.ObjMetadata`).

use std::collections::{BTreeSet, HashMap};

use serde::{Deserialize, Serialize};

use crate::{order, reference::ObjectRef};

/// One managed object.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Entry {
    /// What it is called.
    pub object: ObjectRef,
    /// The API version it was applied in, `v1`.
    pub version: String,
}

impl Entry {
    /// The apiVersion to read the object in.
    #[must_use]
    pub fn api_version(&self) -> String {
        let Self { object, version } = self;
        if object.group.is_empty() { version.clone() } else { format!("{}/{version}", object.group) }
    }
}

/// Managed objects; each object once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inventory {
    entries: Vec<Entry>,
}

/// An entry of the status, as it is written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RawEntry {
    /// See the module.
    pub id: String,
    /// API version.
    pub v: String,
}

/// The text is no id of an inventory.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{id:?} is no inventory id: expected namespace_name_group_kind")]
pub struct InvalidId {
    /// What was written.
    pub id: String,
}

impl Inventory {
    /// An inventory of these objects, in the order they are applied.
    #[must_use]
    pub fn new(entries: impl IntoIterator<Item = Entry>) -> Self {
        let mut inventory = Self::default();
        inventory.extend(entries);
        inventory
    }

    /// Adds objects that are not in it yet; an object that is keeps its place and takes the new version.
    pub fn extend(&mut self, entries: impl IntoIterator<Item = Entry>) {
        let places = self.entries.iter().enumerate().map(|(at, have)| (have.object.clone(), at));
        let mut places: HashMap<ObjectRef, usize> = places.collect();
        for entry in entries {
            match places.get(&entry.object).and_then(|at| self.entries.get_mut(*at)) {
                Some(have) => have.version = entry.version,
                None => {
                    places.insert(entry.object.clone(), self.entries.len());
                    self.entries.push(entry);
                }
            }
        }
        self.entries.sort_by(|a, b| order::compare(&a.object, &b.object));
    }

    /// Reads what stands in a status; entries that cannot be read are left out and returned beside.
    pub fn from_raw(raw: impl IntoIterator<Item = RawEntry>) -> (Self, Vec<InvalidId>) {
        let (mut entries, mut bad) = (Vec::new(), Vec::new());
        for RawEntry { id, v } in raw {
            match parse_id(&id) {
                Ok(object) => entries.push(Entry { object, version: v }),
                Err(error) => bad.push(error),
            }
        }
        (Self { entries }, bad)
    }

    /// As it is written into a status.
    #[must_use]
    pub fn to_raw(&self) -> Vec<RawEntry> {
        self.entries.iter().map(|e| RawEntry { id: id(&e.object), v: e.version.clone() }).collect()
    }

    /// Its entries in the order they are applied.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Whether nothing is managed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The entries that `newer` does not have, whatever their version.
    #[must_use]
    pub fn minus(&self, newer: &Self) -> Vec<Entry> {
        let keep: BTreeSet<&ObjectRef> = newer.entries.iter().map(|e| &e.object).collect();
        self.entries.iter().filter(|e| !keep.contains(&e.object)).cloned().collect()
    }
}

/// The id of an object in an inventory.
#[must_use]
pub fn id(object: &ObjectRef) -> String {
    let ObjectRef { group, kind, namespace, name } = object;
    format!("{namespace}_{}_{group}_{kind}", name.replace(':', "__"))
}

/// Reads the id of an object in an inventory.
///
/// # Errors
/// When it does not have four parts, or kind or name is empty.
pub fn parse_id(id: &str) -> Result<ObjectRef, InvalidId> {
    let parse = || {
        let (namespace, rest) = id.split_once('_')?;
        let (rest, kind) = rest.rsplit_once('_')?;
        let (name, group) = rest.rsplit_once('_')?;
        (!name.is_empty() && !kind.is_empty()).then(|| ObjectRef {
            group: group.to_owned(),
            kind: kind.to_owned(),
            namespace: namespace.to_owned(),
            name: name.replace("__", ":"),
        })
    };
    parse().ok_or_else(|| InvalidId { id: id.chars().take(512).collect() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(group: &str, kind: &str, namespace: &str, name: &str) -> ObjectRef {
        ObjectRef { group: group.into(), kind: kind.into(), namespace: namespace.into(), name: name.into() }
    }

    #[test]
    fn ids_go_both_ways() {
        for (object, text) in [
            (object("apps", "Deployment", "default", "app"), "default_app_apps_Deployment"),
            (object("", "Namespace", "", "default"), "_default__Namespace"),
            (object("", "ConfigMap", "ns", "cm"), "ns_cm__ConfigMap"),
            (
                object("rbac.authorization.k8s.io", "ClusterRole", "", "system:x:y"),
                "_system__x__y_rbac.authorization.k8s.io_ClusterRole",
            ),
        ] {
            assert_eq!(id(&object), text);
            assert_eq!(parse_id(text).unwrap(), object);
        }
        for text in ["", "a", "a_b", "a_b_c", "___", "_a__", "___Kind"] {
            assert!(parse_id(text).is_err(), "{text}");
        }
    }

    #[test]
    fn what_is_gone_is_found_whatever_the_version() {
        let entry = |name: &str, version: &str| Entry {
            object: object("autoscaling", "HorizontalPodAutoscaler", "ns", name),
            version: version.to_owned(),
        };
        let old = Inventory::new([entry("a", "v1"), entry("b", "v1")]);
        let new = Inventory::new([entry("a", "v2"), entry("c", "v2")]);
        assert_eq!(old.minus(&new), vec![entry("b", "v1")]);
        let mut merged = new.clone();
        merged.extend(old.minus(&new));
        merged.extend([entry("a", "v3")]);
        assert_eq!(merged.entries().iter().map(|e| e.object.name.as_str()).collect::<Vec<_>>(), ["a", "b", "c"]);
        assert_eq!(merged.entries()[0].version, "v3");
    }

    #[test]
    fn a_bad_entry_does_not_hide_the_others() {
        let raw =
            [RawEntry { id: "broken".into(), v: "v1".into() }, RawEntry { id: "_x__Namespace".into(), v: "v1".into() }];
        let (inventory, bad) = Inventory::from_raw(raw);
        assert_eq!((inventory.entries().len(), bad.len()), (1, 1));
        assert_eq!(inventory.entries()[0].api_version(), "v1");
    }
}
