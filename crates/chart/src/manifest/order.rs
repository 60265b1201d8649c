//! In which order kinds are installed and removed.

use std::cmp::Ordering;

use crate::Compat;

/// Kinds in the order in which Helm installs them.
const INSTALL: &[&str] = &[
    "PriorityClass",
    "Namespace",
    "NetworkPolicy",
    "ResourceQuota",
    "LimitRange",
    "PodSecurityPolicy",
    "PodDisruptionBudget",
    "ServiceAccount",
    "Secret",
    "SecretList",
    "ConfigMap",
    "StorageClass",
    "PersistentVolume",
    "PersistentVolumeClaim",
    "CustomResourceDefinition",
    "ClusterRole",
    "ClusterRoleList",
    "ClusterRoleBinding",
    "ClusterRoleBindingList",
    "Role",
    "RoleList",
    "RoleBinding",
    "RoleBindingList",
    "Service",
    "DaemonSet",
    "Pod",
    "ReplicationController",
    "ReplicaSet",
    "Deployment",
    "HorizontalPodAutoscaler",
    "StatefulSet",
    "Job",
    "CronJob",
    "IngressClass",
    "Ingress",
    "APIService",
    "MutatingWebhookConfiguration",
    "ValidatingWebhookConfiguration",
];

/// Kinds in the order in which Helm removes them: not quite the other way round.
const UNINSTALL: &[&str] = &[
    "ValidatingWebhookConfiguration",
    "MutatingWebhookConfiguration",
    "APIService",
    "Ingress",
    "IngressClass",
    "Service",
    "CronJob",
    "Job",
    "StatefulSet",
    "HorizontalPodAutoscaler",
    "Deployment",
    "ReplicaSet",
    "ReplicationController",
    "Pod",
    "DaemonSet",
    "RoleBindingList",
    "RoleBinding",
    "RoleList",
    "Role",
    "ClusterRoleBindingList",
    "ClusterRoleBinding",
    "ClusterRoleList",
    "ClusterRole",
    "CustomResourceDefinition",
    "PersistentVolumeClaim",
    "PersistentVolume",
    "StorageClass",
    "ConfigMap",
    "SecretList",
    "Secret",
    "ServiceAccount",
    "PodDisruptionBudget",
    "PodSecurityPolicy",
    "LimitRange",
    "ResourceQuota",
    "NetworkPolicy",
    "Namespace",
    "PriorityClass",
];

/// Kinds at the end of the one and the start of the other that Helm 3 does not know.
const SINCE_HELM_4: usize = 2;

/// Kinds in the order of installation. What is not named goes last, by name.
#[must_use]
pub fn install_order(compat: Compat) -> &'static [&'static str] {
    match compat {
        Compat::Helm4 => INSTALL,
        Compat::Helm3 => INSTALL.split_at(INSTALL.len() - SINCE_HELM_4).0,
    }
}

/// Kinds in the order of removal. What is not named goes last, by name.
#[must_use]
pub fn uninstall_order(compat: Compat) -> &'static [&'static str] {
    match compat {
        Compat::Helm4 => UNINSTALL,
        Compat::Helm3 => UNINSTALL.split_at(SINCE_HELM_4).1,
    }
}

/// Known kinds by their place, unknown ones after them by name; equal kinds keep their order.
pub fn compare(a: &str, b: &str, order: &[&str]) -> Ordering {
    let place = |kind: &str| order.iter().position(|it| *it == kind);
    match (place(a), place(b)) {
        (Some(a), Some(b)) => a.cmp(&b),
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (None, None) => a.cmp(b),
    }
}
