//! What a chart is told of the cluster.

/// Group versions Helm knows without asking a cluster: those of client-go 0.37, in its order.
pub(crate) const KNOWN: &[&str] = &[
    "v1",
    "admissionregistration.k8s.io/v1",
    "admissionregistration.k8s.io/v1alpha1",
    "admissionregistration.k8s.io/v1beta1",
    "internal.apiserver.k8s.io/v1alpha1",
    "apps/v1",
    "apps/v1beta1",
    "apps/v1beta2",
    "authentication.k8s.io/v1",
    "authentication.k8s.io/v1alpha1",
    "authentication.k8s.io/v1beta1",
    "authorization.k8s.io/v1",
    "authorization.k8s.io/v1beta1",
    "autoscaling/v1",
    "autoscaling/v2",
    "batch/v1",
    "batch/v1beta1",
    "certificates.k8s.io/v1",
    "certificates.k8s.io/v1beta1",
    "certificates.k8s.io/v1alpha1",
    "coordination.k8s.io/v1alpha2",
    "coordination.k8s.io/v1beta1",
    "coordination.k8s.io/v1",
    "discovery.k8s.io/v1",
    "discovery.k8s.io/v1beta1",
    "events.k8s.io/v1",
    "events.k8s.io/v1beta1",
    "extensions/v1beta1",
    "flowcontrol.apiserver.k8s.io/v1",
    "flowcontrol.apiserver.k8s.io/v1beta1",
    "flowcontrol.apiserver.k8s.io/v1beta2",
    "flowcontrol.apiserver.k8s.io/v1beta3",
    "lifecycle.k8s.io/v1alpha1",
    "networking.k8s.io/v1",
    "networking.k8s.io/v1beta1",
    "node.k8s.io/v1",
    "node.k8s.io/v1alpha1",
    "node.k8s.io/v1beta1",
    "policy/v1",
    "policy/v1beta1",
    "rbac.authorization.k8s.io/v1",
    "rbac.authorization.k8s.io/v1beta1",
    "rbac.authorization.k8s.io/v1alpha1",
    "resource.k8s.io/v1",
    "resource.k8s.io/v1beta2",
    "resource.k8s.io/v1beta1",
    "resource.k8s.io/v1alpha3",
    "scheduling.k8s.io/v1alpha3",
    "scheduling.k8s.io/v1beta1",
    "scheduling.k8s.io/v1",
    "storage.k8s.io/v1beta1",
    "storage.k8s.io/v1",
    "storage.k8s.io/v1alpha1",
    "storagemigration.k8s.io/v1",
    "storagemigration.k8s.io/v1beta1",
    "apiextensions.k8s.io/v1beta1",
    "apiextensions.k8s.io/v1",
];

/// `.Capabilities` of templates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Capabilities {
    /// Kubernetes' version.
    pub kube_version: KubeVersion,
    /// Group versions, and `group/version/Kind` where known; what `APIVersions.Has` looks in.
    pub api_versions: Vec<String>,
    /// What is told of Helm.
    pub helm_version: HelmVersion,
}

/// A version of Kubernetes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KubeVersion {
    /// As the server says it, with `v`: `v1.33.4-gke.1245000`.
    pub version: String,
    /// Numbers only, what constraints are held against: `v1.33.4`.
    pub normalized: String,
    /// `1`.
    pub major: String,
    /// `33`.
    pub minor: String,
}

/// What templates are told of Helm.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HelmVersion {
    /// `v4.3`: what Helm built from its module says, as Flux's helm-controller does.
    pub version: String,
    /// A commit; empty in such builds.
    pub git_commit: String,
    /// Empty in such builds.
    pub git_tree_state: String,
    /// The Go version.
    pub go_version: String,
    /// The version of client-go, as Kubernetes counts.
    pub kube_client_version: String,
}

/// Why a version of Kubernetes is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidKubeVersion {
    /// No number in front.
    #[error("could not parse {0:?} as version")]
    NoNumber(String),
    /// Fewer than two numbers.
    #[error("illegal version string {0:?}")]
    TooShort(String),
    /// A number that is too large, or starts with zero.
    #[error("illegal version component {component:?} in {version:?}")]
    Component {
        /// Which.
        component: String,
        /// Where.
        version: String,
    },
}

impl KubeVersion {
    /// Reads `1.33`, `v1.33.4-gke.1245000` and the like.
    ///
    /// # Errors
    /// When it does not start with two numbers.
    pub fn parse(text: &str) -> Result<Self, InvalidKubeVersion> {
        let trimmed = text.trim_start();
        let rest = trimmed.strip_prefix('v').unwrap_or(trimmed);
        let mut parts = Vec::new();
        let mut at = rest;
        loop {
            let digits = at.bytes().take_while(u8::is_ascii_digit).count();
            let (number, after) = at.split_at(digits);
            if number.is_empty() {
                break;
            }
            let bad = || InvalidKubeVersion::Component { component: number.to_owned(), version: text.to_owned() };
            if parts.is_empty() && number.len() > 1 && number.starts_with('0') {
                return Err(bad());
            }
            parts.push(number.parse::<u64>().map_err(|_| bad())?);
            match after.strip_prefix('.') {
                Some(after) => at = after,
                None => break,
            }
        }
        let (Some(major), minor) = (parts.first(), parts.get(1)) else {
            return Err(InvalidKubeVersion::NoNumber(text.to_owned()));
        };
        let Some(minor) = minor else { return Err(InvalidKubeVersion::TooShort(text.to_owned())) };
        let (major, minor) = (major.to_string(), minor.to_string());
        let numbers: Vec<String> = parts.iter().map(u64::to_string).collect();
        let version = if text.starts_with('v') { text.to_owned() } else { format!("v{text}") };
        Ok(Self { version, normalized: format!("v{}", numbers.join(".")), major, minor })
    }
}

impl Default for Capabilities {
    /// What `helm template` assumes: Kubernetes v1.37.0 and the group versions of its client.
    fn default() -> Self {
        let version = "v1.37.0".to_owned();
        Self {
            kube_version: KubeVersion {
                normalized: version.clone(),
                version,
                major: "1".to_owned(),
                minor: "37".to_owned(),
            },
            api_versions: KNOWN.iter().map(|it| (*it).to_owned()).collect(),
            helm_version: HelmVersion::default(),
        }
    }
}

impl Default for HelmVersion {
    fn default() -> Self {
        Self {
            version: "v4.3".to_owned(),
            git_commit: String::new(),
            git_tree_state: String::new(),
            go_version: "go1.26.8".to_owned(),
            kube_client_version: "v1.37".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_as_kubernetes_reads_them() {
        for (text, version, normalized, minor) in [
            ("1.36.0", "v1.36.0", "v1.36.0", "36"),
            ("v1.33.4-gke.1245000", "v1.33.4-gke.1245000", "v1.33.4", "33"),
            ("1.30", "v1.30", "v1.30", "30"),
            ("1.28+", "v1.28+", "v1.28", "28"),
        ] {
            let it = KubeVersion::parse(text).unwrap();
            assert_eq!((it.version.as_str(), it.normalized.as_str(), it.minor.as_str()), (version, normalized, minor));
        }
        for text in ["", "v", "x1.2", "1", "01.2", "1.99999999999999999999999"] {
            assert!(KubeVersion::parse(text).is_err(), "{text}");
        }
    }
}
