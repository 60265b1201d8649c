//! The kinds tests speak about, with what a URL needs.

/// A kind as the API server serves it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kind {
    /// `group/version`, or `v1`.
    pub api_version: &'static str,
    /// Its name in manifests.
    pub kind: &'static str,
    /// Its name in URLs.
    pub plural: &'static str,
    /// False when its objects live outside namespaces.
    pub namespaced: bool,
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident = $version:literal, $kind:literal, $plural:literal, $namespaced:literal;)*) => {
        $($(#[$doc])* pub const $name: Kind =
            Kind { api_version: $version, kind: $kind, plural: $plural, namespaced: $namespaced };)*
        /// All of the above.
        pub const ALL: &[Kind] = &[$($name),*];
    };
}

kinds! {
    /// Sources.
    GIT_REPOSITORY = "source.toolkit.fluxcd.io/v1", "GitRepository", "gitrepositories", true;
    /// Sources.
    OCI_REPOSITORY = "source.toolkit.fluxcd.io/v1", "OCIRepository", "ocirepositories", true;
    /// Artifacts made by others.
    EXTERNAL_ARTIFACT = "source.toolkit.fluxcd.io/v1", "ExternalArtifact", "externalartifacts", true;
    /// What is applied.
    KUSTOMIZATION = "kustomize.toolkit.fluxcd.io/v1", "Kustomization", "kustomizations", true;
    /// Where messages go.
    PROVIDER = "notification.toolkit.fluxcd.io/v1beta3", "Provider", "providers", true;
    /// Which events become messages.
    ALERT = "notification.toolkit.fluxcd.io/v1beta3", "Alert", "alerts", true;
    /// Webhooks.
    RECEIVER = "notification.toolkit.fluxcd.io/v1", "Receiver", "receivers", true;
    /// Namespaces.
    NAMESPACE = "v1", "Namespace", "namespaces", false;
    /// ConfigMaps.
    CONFIG_MAP = "v1", "ConfigMap", "configmaps", true;
    /// Secrets.
    SECRET = "v1", "Secret", "secrets", true;
    /// Services.
    SERVICE = "v1", "Service", "services", true;
    /// Kubernetes events.
    EVENT = "v1", "Event", "events", true;
    /// Pods.
    POD = "v1", "Pod", "pods", true;
    /// ServiceAccounts.
    SERVICE_ACCOUNT = "v1", "ServiceAccount", "serviceaccounts", true;
    /// Deployments.
    DEPLOYMENT = "apps/v1", "Deployment", "deployments", true;
    /// ReplicaSets.
    REPLICA_SET = "apps/v1", "ReplicaSet", "replicasets", true;
    /// Jobs.
    JOB = "batch/v1", "Job", "jobs", true;
    /// Roles.
    ROLE = "rbac.authorization.k8s.io/v1", "Role", "roles", true;
    /// RoleBindings.
    ROLE_BINDING = "rbac.authorization.k8s.io/v1", "RoleBinding", "rolebindings", true;
    /// ClusterRoles.
    CLUSTER_ROLE = "rbac.authorization.k8s.io/v1", "ClusterRole", "clusterroles", false;
    /// ClusterRoleBindings.
    CLUSTER_ROLE_BINDING = "rbac.authorization.k8s.io/v1", "ClusterRoleBinding", "clusterrolebindings", false;
    /// Custom kinds.
    CRD = "apiextensions.k8s.io/v1", "CustomResourceDefinition", "customresourcedefinitions", false;
}

impl Kind {
    /// Where its objects are: of `namespace` when the kind has namespaces, else of the cluster.
    pub fn path(&self, namespace: &str) -> String {
        collection(self.api_version, self.plural, self.namespaced.then_some(namespace))
    }
}

/// The URL path of a collection.
pub(crate) fn collection(api_version: &str, plural: &str, namespace: Option<&str>) -> String {
    let root = if api_version.contains('/') { "/apis" } else { "/api" };
    match namespace.filter(|name| !name.is_empty()) {
        Some(namespace) => format!("{root}/{api_version}/namespaces/{namespace}/{plural}"),
        None => format!("{root}/{api_version}/{plural}"),
    }
}
