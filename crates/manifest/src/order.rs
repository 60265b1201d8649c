//! In which order objects are applied: stages, kinds within a stage, then namespace and name.

use std::{cmp::Ordering, collections::BTreeSet};

use crate::{
    object::Object,
    reference::{GroupKind, ObjectRef},
};

/// Kinds in the order they are applied; every other kind comes between the two lists, by group and kind.
const FIRST: &[&str] = &[
    "CustomResourceDefinition",
    "Namespace",
    "ClusterRole",
    "ClusterClass",
    "RuntimeClass",
    "PriorityClass",
    "StorageClass",
    "VolumeSnapshotClass",
    "IngressClass",
    "GatewayClass",
    "ClusterRoleBinding",
    "ResourceQuota",
    "ServiceAccount",
    "Role",
    "RoleBinding",
    "ConfigMap",
    "Secret",
    "Service",
    "LimitRange",
    "Deployment",
    "StatefulSet",
    "CronJob",
    "PodDisruptionBudget",
];
/// Webhooks come last: they would see everything applied after them.
const LAST: &[&str] = &["MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"];

/// Why objects stand in the same stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum StageKind {
    /// Definitions that others need: CRDs, namespaces, cluster roles.
    Definitions,
    /// Kinds whose name ends in `Class`.
    Classes,
    /// Kinds named by `--custom-apply-stage-kinds`.
    Custom,
    /// All others.
    Rest,
}

impl StageKind {
    /// Whether the next stage starts only when this one's objects are ready.
    #[must_use]
    pub fn waits(self) -> bool {
        matches!(self, Self::Definitions | Self::Classes)
    }
}

/// Objects that are dry-run together and then applied one after the other.
#[derive(Clone, Debug, PartialEq)]
pub struct Stage {
    /// Why they stand together.
    pub kind: StageKind,
    /// In the order they are applied.
    pub objects: Vec<Object>,
}

/// Objects in the stages they are applied in; no stage is empty.
#[must_use]
pub fn stages(objects: Vec<Object>, custom: &BTreeSet<GroupKind>) -> Vec<Stage> {
    let mut all: Vec<(StageKind, ObjectRef, Object)> = objects
        .into_iter()
        .map(|object| {
            let reference = object.reference();
            (stage_of(&reference, custom), reference, object)
        })
        .collect();
    all.sort_by(|a, b| a.0.cmp(&b.0).then_with(|| compare(&a.1, &b.1)));
    let mut stages: Vec<Stage> = Vec::new();
    for (kind, _, object) in all {
        match stages.last_mut() {
            Some(last) if last.kind == kind => last.objects.push(object),
            _ => stages.push(Stage { kind, objects: vec![object] }),
        }
    }
    stages
}

/// The stage of an object.
#[must_use]
pub fn stage_of(object: &ObjectRef, custom: &BTreeSet<GroupKind>) -> StageKind {
    let definition = matches!(
        (object.group.as_str(), object.kind.as_str()),
        ("apiextensions.k8s.io", "CustomResourceDefinition")
            | ("", "Namespace")
            | ("rbac.authorization.k8s.io", "ClusterRole")
    );
    if definition {
        StageKind::Definitions
    } else if object.kind.ends_with("Class") {
        StageKind::Classes
    } else if custom.contains(&object.group_kind()) {
        StageKind::Custom
    } else {
        StageKind::Rest
    }
}

/// The order of two objects: kind, then group and kind of those without a place, then namespace, then name.
#[must_use]
pub fn compare(a: &ObjectRef, b: &ObjectRef) -> Ordering {
    rank(&a.kind)
        .cmp(&rank(&b.kind))
        .then_with(|| (&a.group, &a.kind).cmp(&(&b.group, &b.kind)))
        .then_with(|| (&a.namespace, &a.name).cmp(&(&b.namespace, &b.name)))
}

fn rank(kind: &str) -> usize {
    if let Some(at) = FIRST.iter().position(|k| *k == kind) {
        return at;
    }
    FIRST.len() + LAST.iter().position(|k| *k == kind).map_or(0, |at| at + 1)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object(api_version: &str, kind: &str, name: &str) -> Object {
        Object::from_value(json!({"apiVersion": api_version, "kind": kind, "metadata": {"name": name}})).unwrap()
    }

    #[test]
    fn definitions_classes_custom_kinds_then_the_rest() {
        let objects = vec![
            object("admissionregistration.k8s.io/v1", "MutatingWebhookConfiguration", "w"),
            object("example.com/v1", "Zebra", "z"),
            object("apps/v1", "Deployment", "b"),
            object("apps/v1", "Deployment", "a"),
            object("v1", "Service", "s"),
            object("storage.k8s.io/v1", "StorageClass", "c"),
            object("v1", "Namespace", "n"),
            object("apiextensions.k8s.io/v1", "CustomResourceDefinition", "d"),
            object("example.com/v1", "First", "f"),
        ];
        let custom = BTreeSet::from([GroupKind::new("example.com", "First")]);
        let got: Vec<(StageKind, String)> = stages(objects, &custom)
            .into_iter()
            .map(|s| (s.kind, s.objects.iter().map(Object::name).collect::<Vec<_>>().join(" ")))
            .collect();
        assert_eq!(
            got,
            [
                (StageKind::Definitions, "d n".to_owned()),
                (StageKind::Classes, "c".to_owned()),
                (StageKind::Custom, "f".to_owned()),
                (StageKind::Rest, "s a b z w".to_owned()),
            ]
        );
    }

    #[test]
    fn a_namespace_of_another_group_is_no_definition() {
        let strange = object("example.com/v1", "Namespace", "n").reference();
        assert_eq!(stage_of(&strange, &BTreeSet::new()), StageKind::Rest);
    }
}
