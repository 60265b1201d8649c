//! Names of objects while they are being changed.

use std::fmt;

use serde::Deserialize;

/// The namespace of objects that have none.
pub(crate) const NOT_NAMESPACED: &str = "_non_namespaceable_";

/// Group, version and kind; an empty part selects anything.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Gvk {
    pub(crate) group: String,
    pub(crate) version: String,
    pub(crate) kind: String,
}

impl Gvk {
    pub(crate) fn new(api_version: &str, kind: &str) -> Self {
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        Self { group: group.to_owned(), version: version.to_owned(), kind: kind.to_owned() }
    }

    pub(crate) fn api_version(&self) -> String {
        if self.group.is_empty() { self.version.clone() } else { format!("{}/{}", self.group, self.version) }
    }

    /// `selector`'s non-empty parts are equal to this one's.
    pub(crate) fn is_selected(&self, selector: &Gvk) -> bool {
        let same = |want: &str, have: &str| want.is_empty() || want == have;
        same(&selector.group, &self.group) && same(&selector.version, &self.version) && same(&selector.kind, &self.kind)
    }

    pub(crate) fn is_cluster_scoped(&self) -> bool {
        is_cluster_scoped(&self.group, &self.version, &self.kind)
    }
}

impl fmt::Display for Gvk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let or = |s: &str, none: &'static str| if s.is_empty() { none.to_owned() } else { s.to_owned() };
        write!(f, "{}.{}.{}", or(&self.kind, "[noKind]"), or(&self.version, "[noVer]"), or(&self.group, "[noGrp]"))
    }
}

/// The built-in kinds that certainly live outside of namespaces.
fn is_cluster_scoped(group: &str, version: &str, kind: &str) -> bool {
    match (group, version) {
        ("", "v1") => {
            matches!(kind, "ComponentStatus" | "Namespace" | "Node" | "NodeProxyOptions" | "PersistentVolume")
        }
        ("admissionregistration.k8s.io", "v1") => matches!(
            kind,
            "MutatingWebhookConfiguration"
                | "ValidatingWebhookConfiguration"
                | "ValidatingAdmissionPolicy"
                | "ValidatingAdmissionPolicyBinding"
        ),
        ("admissionregistration.k8s.io", "v1beta1") => {
            matches!(kind, "MutatingWebhookConfiguration" | "ValidatingWebhookConfiguration")
        }
        ("apiextensions.k8s.io", "v1" | "v1beta1") => kind == "CustomResourceDefinition",
        ("apiregistration.k8s.io", "v1" | "v1beta1") => kind == "APIService",
        ("certificates.k8s.io", "v1" | "v1beta1") => kind == "CertificateSigningRequest",
        ("flowcontrol.apiserver.k8s.io", "v1beta1") => matches!(kind, "FlowSchema" | "PriorityLevelConfiguration"),
        ("networking.k8s.io", "v1" | "v1beta1") => kind == "IngressClass",
        ("node.k8s.io", "v1" | "v1beta1") => kind == "RuntimeClass",
        ("policy", "v1beta1") => kind == "PodSecurityPolicy",
        ("rbac.authorization.k8s.io", "v1" | "v1beta1") => matches!(kind, "ClusterRole" | "ClusterRoleBinding"),
        ("scheduling.k8s.io", "v1" | "v1beta1") => kind == "PriorityClass",
        ("storage.k8s.io", "v1" | "v1beta1") => {
            matches!(kind, "CSIDriver" | "CSINode" | "StorageClass" | "VolumeAttachment")
        }
        _ => false,
    }
}

/// A name an object has or had. `namespace` is the effective one: `default` for none, [`NOT_NAMESPACED`] for kinds outside.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Id {
    pub(crate) gvk: Gvk,
    pub(crate) name: String,
    pub(crate) namespace: String,
}

impl Id {
    pub(crate) fn new(gvk: Gvk, name: &str, namespace: &str) -> Self {
        let namespace = effective_namespace(&gvk, namespace).to_owned();
        Self { gvk, name: name.to_owned(), namespace }
    }
}

/// The namespace that counts when objects are compared.
pub(crate) fn effective_namespace<'a>(gvk: &Gvk, namespace: &'a str) -> &'a str {
    if gvk.is_cluster_scoped() {
        return NOT_NAMESPACED;
    }
    if namespace.is_empty() { "default" } else { namespace }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = if self.gvk.kind.is_empty() { "object" } else { &self.gvk.kind };
        if self.namespace == NOT_NAMESPACED {
            write!(f, "{kind}/{} ({})", self.name, self.gvk.api_version())
        } else {
            write!(f, "{kind}/{}/{} ({})", self.namespace, self.name, self.gvk.api_version())
        }
    }
}
