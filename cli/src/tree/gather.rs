//! Reading a tree: inventories downwards, then owner references.

use std::collections::{BTreeMap, BTreeSet};

use futures::{StreamExt, stream};
use jiff::Timestamp;
use serde_json::Value;
use weir_api::names::label;
use weir_manifest::{Health, Object, ObjectRef, Status, health, inventory::RawEntry};

use crate::{
    cluster::{self, Cluster, Resource},
    error::Error,
    kind::{self, Kind},
    object::{self, text},
};

/// An object, its health, and what is below it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// Which object.
    pub object: ObjectRef,
    /// How it is doing.
    pub health: Health,
    /// What it applied or owns.
    pub children: Vec<Self>,
}

impl Node {
    /// Leaves only objects of the suite.
    pub fn compact(&mut self) {
        self.children.retain(|child| kind::find(&child.object.kind, &child.object.group).is_some());
        self.children.iter_mut().for_each(Self::compact);
    }
}

/// Whether objects of a kind remember what they applied.
pub fn has_tree(kind: &Kind) -> bool {
    matches!(kind.kind, "Kustomization" | "HelmRelease" | "ArtifactGenerator")
}

/// How many requests go on at once.
const PARALLEL: usize = 8;

/// The tree below an object.
pub async fn tree(cluster: &Cluster, root: Value, now: Timestamp) -> Result<Node, Error> {
    let resources = cluster.resources().await?;
    let mut known = Known::default();
    let mut wanted = vec![root.clone()];
    let mut seen = BTreeSet::new();
    // Down through appliers that were applied by appliers; each is visited once, so a cycle ends.
    while let Some(applier) = wanted.pop() {
        let reference = reference(&applier);
        if !seen.insert(reference.clone()) {
            continue;
        }
        let entries = inventory(&applier);
        let found = objects(cluster, &resources, &applier, &entries).await?;
        wanted.extend(found.iter().filter(|object| is_applier(object)).cloned());
        known.inventories.insert(reference, entries.into_iter().map(|(reference, _)| reference).collect());
        known.objects.extend(found.into_iter().map(|object| (self::reference(&object), object)));
    }
    known.owned = owned(cluster, &resources, known.objects.values()).await?;
    let reference = reference(&root);
    known.objects.insert(reference.clone(), root);
    Ok(known.node(&reference, now, &mut Vec::new()))
}

fn is_applier(object: &Value) -> bool {
    kind::find(text(object, "/kind"), object::group(object)).is_some_and(has_tree)
}

fn reference(object: &Value) -> ObjectRef {
    ObjectRef {
        group: object::group(object).to_owned(),
        kind: text(object, "/kind").to_owned(),
        namespace: object::namespace(object).to_owned(),
        name: object::name(object).to_owned(),
    }
}

/// What an object remembers to have applied: references and API versions.
fn inventory(applier: &Value) -> Vec<(ObjectRef, String)> {
    if text(applier, "/kind") == "ArtifactGenerator" {
        let made = applier.pointer("/status/inventory").and_then(Value::as_array);
        let reference = |item: &Value| ObjectRef {
            group: weir_api::names::group::SOURCE.to_owned(),
            kind: "ExternalArtifact".to_owned(),
            namespace: text(item, "/namespace").to_owned(),
            name: text(item, "/name").to_owned(),
        };
        return made.into_iter().flatten().map(|item| (reference(item), "v1".to_owned())).collect();
    }
    let entries = applier.pointer("/status/inventory/entries").and_then(Value::as_array);
    let raw = entries
        .into_iter()
        .flatten()
        .map(|entry| RawEntry { id: text(entry, "/id").into(), v: text(entry, "/v").into() });
    let (inventory, _unreadable) = weir_manifest::Inventory::from_raw(raw);
    inventory.entries().iter().map(|entry| (entry.object.clone(), entry.version.clone())).collect()
}

/// The objects of an inventory that exist: one list per kind by owner label, and a get for each that has no label.
async fn objects(
    cluster: &Cluster,
    resources: &[Resource],
    applier: &Value,
    entries: &[(ObjectRef, String)],
) -> Result<Vec<Value>, Error> {
    let selector = match text(applier, "/kind") {
        "HelmRelease" => Some((label::HELM_NAME, label::HELM_NAMESPACE)),
        "Kustomization" => Some((label::KUSTOMIZE_NAME, label::KUSTOMIZE_NAMESPACE)),
        _ => None,
    };
    let selector = selector.map(|(name, namespace)| {
        format!("{name}={},{namespace}={}", object::name(applier), object::namespace(applier))
    });
    let kinds: BTreeSet<(&str, &str)> = entries.iter().map(|(r, _)| (r.group.as_str(), r.kind.as_str())).collect();
    let kinds: Vec<&Resource> =
        kinds.into_iter().filter_map(|(group, kind)| cluster::by_kind(resources, group, kind)).collect();
    let lists = kinds.iter().map(|resource| cluster.list(resource, None, selector.as_deref(), None));
    let wanted: BTreeSet<&ObjectRef> = entries.iter().map(|(reference, _)| reference).collect();
    let mut found: BTreeMap<ObjectRef, Value> = BTreeMap::new();
    for list in stream::iter(lists).buffered(PARALLEL).collect::<Vec<_>>().await {
        // Who may not list a kind everywhere may still get its objects one by one.
        let Ok(list) = list else { continue };
        found.extend(list.into_iter().map(|object| (reference(&object), object)).filter(|(r, _)| wanted.contains(r)));
    }
    let missing: Vec<(&ObjectRef, &Resource)> = wanted
        .into_iter()
        .filter(|reference| !found.contains_key(*reference))
        .filter_map(|reference| Some((reference, cluster::by_kind(resources, &reference.group, &reference.kind)?)))
        .collect();
    let gets =
        missing.iter().map(|(reference, resource)| cluster.find(resource, &reference.namespace, &reference.name));
    for object in stream::iter(gets).buffered(PARALLEL).collect::<Vec<_>>().await {
        found.extend(object?.map(|object| (reference(&object), object)));
    }
    Ok(found.into_values().collect())
}

/// Kinds that built-in controllers make.
const MADE: [(&str, &str); 3] = [("apps", "ReplicaSet"), ("", "Pod"), ("batch", "Job")];
/// Groups whose controllers make nothing else worth showing.
const BUILT_IN: [&str; 4] = ["apps", "batch", "policy", "autoscaling"];

/// Objects by the UID of what owns them: pods and the like, and whatever the groups of custom resources make.
async fn owned(
    cluster: &Cluster,
    resources: &[Resource],
    objects: impl Iterator<Item = &Value>,
) -> Result<BTreeMap<String, Vec<Value>>, Error> {
    let mut places: BTreeSet<(&str, &str, &str)> = BTreeSet::new();
    for object in objects {
        let (group, namespace) = (object::group(object), object::namespace(object));
        let suite = kind::find(text(object, "/kind"), group).is_some();
        if namespace.is_empty() || suite {
            continue;
        }
        if matches!(group, "apps" | "batch") {
            places.extend(MADE.iter().map(|(group, kind)| (*group, *kind, namespace)));
        } else if group.contains('.') && !group.ends_with(".k8s.io") && !BUILT_IN.contains(&group) {
            let siblings = resources.iter().filter(|resource| resource.group == group && resource.namespaced);
            places.extend(siblings.map(|resource| (resource.group.as_str(), resource.kind.as_str(), namespace)));
            places.extend(MADE.iter().map(|(group, kind)| (*group, *kind, namespace)));
        }
    }
    let lists = places.iter().filter_map(|(group, kind, namespace)| {
        let resource = cluster::by_kind(resources, group, kind)?;
        Some(cluster.list(resource, Some(namespace), None, None))
    });
    let mut by_owner: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for list in stream::iter(lists).buffered(PARALLEL).collect::<Vec<_>>().await {
        for object in list.unwrap_or_default() {
            if let Some(owner) = owner(&object).filter(|_| !is_history(&object)) {
                by_owner.entry(owner).or_default().push(object);
            }
        }
    }
    Ok(by_owner)
}

/// UID of the controller that made an object.
fn owner(object: &Value) -> Option<String> {
    let owners = object.pointer("/metadata/ownerReferences")?.as_array()?;
    let owner = owners.iter().find(|owner| owner.get("controller") == Some(&Value::Bool(true))).or(owners.first())?;
    Some(text(owner, "/uid").to_owned()).filter(|uid| !uid.is_empty())
}

/// A ReplicaSet kept only for rollbacks.
fn is_history(object: &Value) -> bool {
    let count = |pointer| object.pointer(pointer).and_then(Value::as_i64).unwrap_or(0);
    text(object, "/kind") == "ReplicaSet" && count("/spec/replicas") == 0 && count("/status/replicas") == 0
}

/// Everything that was read.
#[derive(Default)]
struct Known {
    objects: BTreeMap<ObjectRef, Value>,
    inventories: BTreeMap<ObjectRef, Vec<ObjectRef>>,
    owned: BTreeMap<String, Vec<Value>>,
}

impl Known {
    fn node(&self, reference: &ObjectRef, now: Timestamp, path: &mut Vec<ObjectRef>) -> Node {
        let Some(object) = self.objects.get(reference) else {
            let health = Health::new(Status::NotFound, "it is in the inventory, but not in the cluster");
            return Node { object: reference.clone(), health, children: Vec::new() };
        };
        let mut node = self.leaf(object, now);
        if path.contains(reference) {
            return node;
        }
        path.push(reference.clone());
        let applied = self.inventories.get(reference).into_iter().flatten().filter(|child| *child != reference);
        let mut applied: Vec<Node> = applied.map(|child| self.node(child, now, path)).collect();
        applied.append(&mut node.children);
        path.pop();
        Node { children: applied, ..node }
    }

    /// An object with what it owns.
    fn leaf(&self, object: &Value, now: Timestamp) -> Node {
        let health = match Object::from_value(object.clone()) {
            Ok(object) => health(&object, now),
            Err(error) => Health::new(Status::Unknown, error.to_string()),
        };
        let mut children: Vec<Node> = self
            .owned
            .get(text(object, "/metadata/uid"))
            .into_iter()
            .flatten()
            .map(|child| self.leaf(child, now))
            .collect();
        children.sort_by(|a, b| a.object.cmp(&b.object));
        Node { object: reference(object), health, children }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object(api_version: &str, kind: &str, name: &str, more: Value) -> Value {
        let mut object = json!({ "apiVersion": api_version, "kind": kind, "metadata": { "name": name, "namespace": "n", "uid": name } });
        for (key, value) in more.as_object().unwrap() {
            object[key] = value.clone();
        }
        object
    }

    #[test]
    fn inventories_and_owners_make_a_tree_that_ends() {
        let ks = |name: &str, ids: &[&str]| {
            let entries: Vec<Value> = ids.iter().map(|id| json!({ "id": id, "v": "v1" })).collect();
            let status = json!({ "inventory": { "entries": entries } });
            object("kustomize.toolkit.fluxcd.io/v1", "Kustomization", name, json!({ "status": status }))
        };
        // `a` applied itself, `b` and a Deployment; `b` applied `a` again and something that is gone.
        let a = ks(
            "a",
            &[
                "n_a_kustomize.toolkit.fluxcd.io_Kustomization",
                "n_b_kustomize.toolkit.fluxcd.io_Kustomization",
                "n_d_apps_Deployment",
            ],
        );
        let b = ks("b", &["n_a_kustomize.toolkit.fluxcd.io_Kustomization", "n_gone__ConfigMap"]);
        let d = object("apps/v1", "Deployment", "d", json!({}));
        let rs = object("apps/v1", "ReplicaSet", "rs", json!({}));
        let mut known = Known::default();
        for o in [&a, &b] {
            known.inventories.insert(reference(o), inventory(o).into_iter().map(|(r, _)| r).collect());
        }
        for o in [&a, &b, &d] {
            known.objects.insert(reference(o), o.clone());
        }
        known.owned.insert("d".into(), vec![rs]);
        let tree = known.node(&reference(&a), "2026-01-01T00:00:00Z".parse().unwrap(), &mut Vec::new());
        let names: Vec<String> = tree.children.iter().map(|c| format!("{} {}", c.object, c.children.len())).collect();
        assert_eq!(names.len(), 2);
        assert!(
            names.contains(&"Kustomization/n/b 2".to_owned()) && names.contains(&"Deployment/n/d 1".to_owned()),
            "{names:?}"
        );
        let mut compact = tree;
        compact.compact();
        assert_eq!(compact.children.len(), 1);
    }

    #[test]
    fn owners_are_controllers_and_history_is_left_out() {
        let pod = json!({ "metadata": { "ownerReferences": [{ "uid": "x" }, { "uid": "y", "controller": true }] } });
        assert_eq!(owner(&pod).as_deref(), Some("y"));
        assert_eq!(owner(&json!({})), None);
        assert!(is_history(&json!({ "kind": "ReplicaSet", "spec": { "replicas": 0 } })));
        assert!(!is_history(&json!({ "kind": "ReplicaSet", "spec": { "replicas": 1 } })));
    }
}
