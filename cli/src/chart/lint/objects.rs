//! What rendered objects lack.

use serde_json::Value;
use weir_chart::{KubeVersion, Manifest};

use super::finding::{Finding, Severity};

/// API versions that Kubernetes serves no more: of which group and kind (`*` for all), since which minor version of
/// Kubernetes 1, and what to use instead. From Kubernetes' deprecated API migration guide.
const REMOVED: &[(&str, &str, u32, &str)] = &[
    ("extensions/v1beta1", "Ingress", 22, "networking.k8s.io/v1"),
    ("extensions/v1beta1", "NetworkPolicy", 16, "networking.k8s.io/v1"),
    ("extensions/v1beta1", "PodSecurityPolicy", 16, ""),
    ("extensions/v1beta1", "*", 16, "apps/v1"),
    ("apps/v1beta1", "*", 16, "apps/v1"),
    ("apps/v1beta2", "*", 16, "apps/v1"),
    ("admissionregistration.k8s.io/v1beta1", "MutatingWebhookConfiguration", 22, "admissionregistration.k8s.io/v1"),
    ("admissionregistration.k8s.io/v1beta1", "ValidatingWebhookConfiguration", 22, "admissionregistration.k8s.io/v1"),
    ("apiextensions.k8s.io/v1beta1", "*", 22, "apiextensions.k8s.io/v1"),
    ("apiregistration.k8s.io/v1beta1", "*", 22, "apiregistration.k8s.io/v1"),
    ("authentication.k8s.io/v1beta1", "TokenReview", 22, "authentication.k8s.io/v1"),
    ("authorization.k8s.io/v1beta1", "*", 22, "authorization.k8s.io/v1"),
    ("certificates.k8s.io/v1beta1", "CertificateSigningRequest", 22, "certificates.k8s.io/v1"),
    ("coordination.k8s.io/v1beta1", "Lease", 22, "coordination.k8s.io/v1"),
    ("networking.k8s.io/v1beta1", "Ingress", 22, "networking.k8s.io/v1"),
    ("networking.k8s.io/v1beta1", "IngressClass", 22, "networking.k8s.io/v1"),
    ("rbac.authorization.k8s.io/v1beta1", "*", 22, "rbac.authorization.k8s.io/v1"),
    ("scheduling.k8s.io/v1beta1", "PriorityClass", 22, "scheduling.k8s.io/v1"),
    ("storage.k8s.io/v1beta1", "CSIDriver", 22, "storage.k8s.io/v1"),
    ("storage.k8s.io/v1beta1", "CSINode", 22, "storage.k8s.io/v1"),
    ("storage.k8s.io/v1beta1", "StorageClass", 22, "storage.k8s.io/v1"),
    ("storage.k8s.io/v1beta1", "VolumeAttachment", 22, "storage.k8s.io/v1"),
    ("batch/v1beta1", "CronJob", 25, "batch/v1"),
    ("discovery.k8s.io/v1beta1", "EndpointSlice", 25, "discovery.k8s.io/v1"),
    ("events.k8s.io/v1beta1", "Event", 25, "events.k8s.io/v1"),
    ("autoscaling/v2beta1", "HorizontalPodAutoscaler", 25, "autoscaling/v2"),
    ("policy/v1beta1", "PodDisruptionBudget", 25, "policy/v1"),
    ("policy/v1beta1", "PodSecurityPolicy", 25, ""),
    ("node.k8s.io/v1beta1", "RuntimeClass", 25, "node.k8s.io/v1"),
    ("autoscaling/v2beta2", "HorizontalPodAutoscaler", 26, "autoscaling/v2"),
    ("flowcontrol.apiserver.k8s.io/v1beta1", "*", 26, "flowcontrol.apiserver.k8s.io/v1"),
    ("storage.k8s.io/v1beta1", "CSIStorageCapacity", 27, "storage.k8s.io/v1"),
    ("flowcontrol.apiserver.k8s.io/v1beta2", "*", 29, "flowcontrol.apiserver.k8s.io/v1"),
    ("flowcontrol.apiserver.k8s.io/v1beta3", "*", 32, "flowcontrol.apiserver.k8s.io/v1"),
];

/// Names of objects with colons in them, as Kubernetes lets these kinds have.
const PATH_NAMES: &[&str] = &["ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding"];

/// What is wrong with an object that a template printed.
pub fn look(file: &str, object: &Manifest, kube: &KubeVersion) -> Vec<Finding> {
    let mut out = Vec::new();
    if object.kind.is_empty() && object.api_version.is_empty() && object.text.trim().is_empty() {
        return out;
    }
    for (missing, field) in [(&object.api_version, "apiVersion"), (&object.kind, "kind")] {
        if missing.is_empty() {
            out.push(Finding::new(Severity::Warning, file, format!("an object has no {field}")));
        }
    }
    // An object without a kind is told of already; a list has no name of its own.
    let named = !object.kind.is_empty() && !object.kind.ends_with("List");
    if named && !is_name(&object.name, &object.kind) {
        let text = format!(
            "{} {:?} is no name that Kubernetes takes: lower case letters, digits, '-' and '.' only",
            object.kind, object.name
        );
        out.push(Finding::new(Severity::Warning, file, text));
    }
    let minor = kube.minor.trim_end_matches('+').parse().unwrap_or(u32::MAX);
    // A row for the kind counts before one for all.
    let row = |kind: &str| REMOVED.iter().find(|it| it.0 == object.api_version && it.1 == kind);
    if let Some((version, _, since, instead)) = row(&object.kind).or_else(|| row("*")).filter(|it| it.2 <= minor) {
        let next = if instead.is_empty() { String::new() } else { format!("; use {instead}") };
        let text = format!("{version} {} is not served since Kubernetes 1.{since}{next}", object.kind);
        out.push(Finding::new(Severity::Warning, file, text));
    }
    if matches!(object.kind.as_str(), "Deployment" | "ReplicaSet" | "DaemonSet" | "StatefulSet")
        && !has_selector(object)
    {
        let (kind, name) = (&object.kind, &object.name);
        let text = format!("a {kind} must contain matchLabels or matchExpressions, and {name:?} does not");
        out.push(Finding::error(file, text));
    }
    out
}

fn has_selector(object: &Manifest) -> bool {
    let Ok(value) = weir_yaml::sigs::from_str(&object.text) else { return true };
    let selector = value.get("spec").and_then(|it| it.get("selector")).and_then(Value::as_object);
    selector.is_some_and(|it| it.contains_key("matchLabels") || it.contains_key("matchExpressions"))
}

fn is_name(name: &str, kind: &str) -> bool {
    if PATH_NAMES.contains(&kind) {
        return !name.is_empty() && name != "." && name != ".." && !name.contains(['/', '%']);
    }
    let edge = |it: u8| it.is_ascii_lowercase() || it.is_ascii_digit();
    let label = |it: &str| {
        it.bytes().all(|b| edge(b) || b == b'-')
            && it.bytes().next().is_some_and(edge)
            && it.bytes().next_back().is_some_and(edge)
    };
    name.len() <= 253 && name.split('.').all(label)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str, kube: &str) -> Vec<String> {
        let value = weir_yaml::sigs::from_str(text).unwrap();
        let field = |it: Option<&Value>| it.and_then(Value::as_str).unwrap_or_default().to_owned();
        let object = Manifest {
            path: "a/templates/x.yaml".into(),
            text: text.into(),
            api_version: field(value.get("apiVersion")),
            kind: field(value.get("kind")),
            name: field(value.get("metadata").and_then(|it| it.get("name"))),
        };
        let kube = KubeVersion::parse(kube).unwrap();
        look("templates/x.yaml", &object, &kube).into_iter().map(|it| it.text).collect()
    }

    #[test]
    fn what_objects_lack() {
        let said = |text: &str, kube: &str, expected: &[&str]| {
            let all = found(text, kube);
            assert!(all.len() == expected.len(), "{text}: {all:?}");
            for (one, expected) in all.iter().zip(expected) {
                assert!(one.contains(expected), "{text}: {one}");
            }
        };
        said("apiVersion: v1\nkind: Pod\nmetadata: {name: a}\n", "1.36", &[]);
        said("apiVersion: v1\nkind: Pod\nmetadata: {name: A_b}\n", "1.36", &["Pod \"A_b\" is no name"]);
        said("apiVersion: v1\nkind: ConfigMap\n", "1.36", &["ConfigMap \"\" is no name"]);
        said("apiVersion: v1\nkind: List\nitems: []\n", "1.36", &[]);
        said("a: 1\n", "1.36", &["no apiVersion", "no kind"]);
        let role = "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: 'system:x'}\n";
        said(role, "1.36", &[]);
        let ingress = "apiVersion: extensions/v1beta1\nkind: Ingress\nmetadata: {name: a}\n";
        said(ingress, "1.36", &["not served since Kubernetes 1.22; use networking.k8s.io/v1"]);
        said(ingress, "1.21", &[]);
        let deployment = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: x}\nspec: ";
        said(&format!("{deployment}{{}}"), "1.36", &["must contain matchLabels"]);
        said(&format!("{deployment}{{selector: {{matchLabels: {{a: b}}}}}}"), "1.36", &[]);
    }
}
