//! The built-in field specs, built from where each kind keeps its pods.

use super::{Config, NameReference};
use crate::fieldspec::FieldSpec;

const POD: &str = "spec/";
const POD_TEMPLATE: &str = "template/spec/";
const WORKLOAD: &str = "spec/template/spec/";
const CRON_JOB: &str = "spec/jobTemplate/spec/template/spec/";

const APPS: &str = "apps";
const BATCH: &str = "batch";
const RBAC: &str = "rbac.authorization.k8s.io";
const ADMISSION: &str = "admissionregistration.k8s.io";

fn spec(kind: &str, path: impl Into<String>) -> FieldSpec {
    FieldSpec { kind: kind.to_owned(), path: path.into(), ..FieldSpec::default() }
}

fn of(group: &str, kind: &str, path: impl Into<String>) -> FieldSpec {
    FieldSpec { group: group.to_owned(), ..spec(kind, path) }
}

fn create(spec: FieldSpec) -> FieldSpec {
    FieldSpec { create: true, ..spec }
}

fn v1(spec: FieldSpec) -> FieldSpec {
    FieldSpec { version: "v1".to_owned(), ..spec }
}

pub(super) fn config() -> Config {
    Config {
        name_prefix: vec![FieldSpec::new("metadata/name")],
        name_suffix: vec![FieldSpec::new("metadata/name")],
        namespace: vec![
            create(spec("Namespace", "metadata/name")),
            create(of("apiregistration.k8s.io", "APIService", "spec/service/namespace")),
            of(
                "apiextensions.k8s.io",
                "CustomResourceDefinition",
                "spec/conversion/webhook/clientConfig/service/namespace",
            ),
        ],
        common_labels: common_labels(),
        labels: Vec::new(),
        template_labels: metadata_labels(),
        volume_claim_template_labels: volume_claim_labels(),
        common_annotations: common_annotations(),
        name_reference: name_references(),
        var_reference: var_references(),
        images: [
            "spec/containers[]/image",
            "spec/initContainers[]/image",
            "spec/volumes[]/image/reference",
            "spec/template/spec/containers[]/image",
            "spec/template/spec/initContainers[]/image",
            "spec/template/spec/volumes[]/image/reference",
            "spec/jobTemplate/spec/template/spec/volumes[]/image/reference",
        ]
        .into_iter()
        .map(|path| create(FieldSpec::new(path)))
        .collect(),
        replicas: ["Deployment", "ReplicationController", "ReplicaSet", "StatefulSet"]
            .into_iter()
            .map(|kind| create(spec(kind, "spec/replicas")))
            .collect(),
    }
}

fn metadata_labels() -> Vec<FieldSpec> {
    let template = "spec/template/metadata/labels";
    [
        FieldSpec::new("metadata/labels"),
        v1(spec("ReplicationController", template)),
        spec("Deployment", template),
        spec("ReplicaSet", template),
        spec("DaemonSet", template),
        of(APPS, "StatefulSet", template),
        of(BATCH, "Job", template),
        of(BATCH, "CronJob", "spec/jobTemplate/metadata/labels"),
        of(BATCH, "CronJob", "spec/jobTemplate/spec/template/metadata/labels"),
    ]
    .into_iter()
    .map(create)
    .collect()
}

fn volume_claim_labels() -> Vec<FieldSpec> {
    vec![create(of(APPS, "StatefulSet", "spec/volumeClaimTemplates[]/metadata/labels"))]
}

/// Selectors of other pods inside a pod's spec.
fn pod_selectors(kind: &str) -> Vec<FieldSpec> {
    let preferred = "preferredDuringSchedulingIgnoredDuringExecution/podAffinityTerm";
    let required = "requiredDuringSchedulingIgnoredDuringExecution";
    let mut paths = Vec::new();
    for affinity in ["podAffinity", "podAntiAffinity"] {
        for term in [preferred, required] {
            paths.push(format!("affinity/{affinity}/{term}"));
        }
    }
    paths.push("topologySpreadConstraints".to_owned());
    paths.iter().map(|path| of(APPS, kind, format!("{WORKLOAD}{path}/labelSelector/matchLabels"))).collect()
}

fn common_labels() -> Vec<FieldSpec> {
    let match_labels = "spec/selector/matchLabels";
    let mut specs = vec![
        create(v1(spec("Service", "spec/selector"))),
        create(v1(spec("ReplicationController", "spec/selector"))),
        create(spec("Deployment", match_labels)),
    ];
    specs.extend(pod_selectors("Deployment"));
    specs.extend([
        create(spec("ReplicaSet", match_labels)),
        create(spec("DaemonSet", match_labels)),
        create(of(APPS, "StatefulSet", match_labels)),
    ]);
    specs.extend(pod_selectors("StatefulSet"));
    specs.extend([
        of(BATCH, "Job", match_labels),
        of(BATCH, "CronJob", "spec/jobTemplate/spec/selector/matchLabels"),
        of("policy", "PodDisruptionBudget", match_labels),
        of("networking.k8s.io", "NetworkPolicy", "spec/podSelector/matchLabels"),
        of("networking.k8s.io", "NetworkPolicy", "spec/ingress/from/podSelector/matchLabels"),
        of("networking.k8s.io", "NetworkPolicy", "spec/egress/to/podSelector/matchLabels"),
    ]);
    specs.extend(metadata_labels());
    specs.extend(volume_claim_labels());
    specs
}

fn common_annotations() -> Vec<FieldSpec> {
    let template = "spec/template/metadata/annotations";
    [
        FieldSpec::new("metadata/annotations"),
        v1(spec("ReplicationController", template)),
        spec("Deployment", template),
        spec("ReplicaSet", template),
        spec("DaemonSet", template),
        spec("StatefulSet", template),
        of(BATCH, "Job", template),
        of(BATCH, "CronJob", "spec/jobTemplate/metadata/annotations"),
        of(BATCH, "CronJob", "spec/jobTemplate/spec/template/metadata/annotations"),
    ]
    .into_iter()
    .map(create)
    .collect()
}

/// Where each kind keeps the pod spec that may name ConfigMaps and Secrets.
const CONFIG_READERS: [(&str, &str); 8] = [
    ("Pod", POD),
    ("PodTemplate", POD_TEMPLATE),
    ("Deployment", WORKLOAD),
    ("ReplicaSet", WORKLOAD),
    ("DaemonSet", WORKLOAD),
    ("StatefulSet", WORKLOAD),
    ("Job", WORKLOAD),
    ("CronJob", CRON_JOB),
];

fn in_config_readers(paths: &[&str]) -> Vec<FieldSpec> {
    let mut specs = Vec::new();
    for (kind, prefix) in CONFIG_READERS {
        for path in paths {
            let field = spec(kind, format!("{prefix}{path}"));
            specs.push(if kind == "Pod" { v1(field) } else { field });
        }
    }
    specs
}

/// The same field of the pods of every kind that has service accounts, claims and priorities.
fn in_pods(path: &str) -> Vec<FieldSpec> {
    [
        ("Pod", POD),
        ("StatefulSet", WORKLOAD),
        ("Deployment", WORKLOAD),
        ("ReplicationController", WORKLOAD),
        ("CronJob", CRON_JOB),
        ("Job", WORKLOAD),
        ("DaemonSet", WORKLOAD),
    ]
    .into_iter()
    .map(|(kind, prefix)| spec(kind, format!("{prefix}{path}")))
    .collect()
}

fn reference(group: &str, version: &str, kind: &str, field_specs: Vec<FieldSpec>) -> NameReference {
    NameReference { group: group.to_owned(), version: version.to_owned(), kind: kind.to_owned(), field_specs }
}

fn config_map_references() -> Vec<FieldSpec> {
    let mut specs = in_config_readers(&[
        "volumes/configMap/name",
        "containers/env/valueFrom/configMapKeyRef/name",
        "initContainers/env/valueFrom/configMapKeyRef/name",
        "containers/envFrom/configMapRef/name",
        "initContainers/envFrom/configMapRef/name",
        "volumes/projected/sources/configMap/name",
    ]);
    specs.extend([
        spec("Node", "spec/configSource/configMap"),
        spec("Role", "rules/resourceNames"),
        spec("ClusterRole", "rules/resourceNames"),
        spec("Ingress", "metadata/annotations/nginx.ingress.kubernetes.io\\/fastcgi-params-configmap"),
    ]);
    specs
}

fn secret_references() -> Vec<FieldSpec> {
    let mut specs = in_config_readers(&[
        "volumes/secret/secretName",
        "containers/env/valueFrom/secretKeyRef/name",
        "initContainers/env/valueFrom/secretKeyRef/name",
        "containers/envFrom/secretRef/name",
        "initContainers/envFrom/secretRef/name",
        "imagePullSecrets/name",
        "volumes/projected/sources/secret/name",
    ]);
    specs.extend([
        spec("Ingress", "spec/tls/secretName"),
        spec("Ingress", "metadata/annotations/ingress.kubernetes.io\\/auth-secret"),
        spec("Ingress", "metadata/annotations/nginx.ingress.kubernetes.io\\/auth-secret"),
        spec("Ingress", "metadata/annotations/nginx.ingress.kubernetes.io\\/auth-tls-secret"),
        spec("ServiceAccount", "imagePullSecrets/name"),
        spec("StorageClass", "parameters/secretName"),
        spec("StorageClass", "parameters/adminSecretName"),
        spec("StorageClass", "parameters/userSecretName"),
        spec("StorageClass", "parameters/secretRef"),
        spec("Role", "rules/resourceNames"),
        spec("ClusterRole", "rules/resourceNames"),
        v1(of("serving.knative.dev", "Service", format!("{WORKLOAD}containers/env/valueFrom/secretKeyRef/name"))),
        spec("PersistentVolume", "spec/azureFile/secretName"),
    ]);
    specs
}

fn service_references() -> Vec<FieldSpec> {
    vec![
        of(APPS, "StatefulSet", "spec/serviceName"),
        spec("Ingress", "spec/rules/http/paths/backend/serviceName"),
        spec("Ingress", "spec/backend/serviceName"),
        spec("Ingress", "spec/rules/http/paths/backend/service/name"),
        spec("Ingress", "spec/defaultBackend/service/name"),
        of("apiregistration.k8s.io", "APIService", "spec/service/name"),
        of(ADMISSION, "ValidatingWebhookConfiguration", "webhooks/clientConfig/service"),
        of(ADMISSION, "MutatingWebhookConfiguration", "webhooks/clientConfig/service"),
    ]
}

fn name_references() -> Vec<NameReference> {
    let scaled = || vec![spec("HorizontalPodAutoscaler", "spec/scaleTargetRef/name")];
    let mut accounts = vec![of(RBAC, "RoleBinding", "subjects"), of(RBAC, "ClusterRoleBinding", "subjects")];
    accounts.extend(in_pods("serviceAccountName"));
    let cluster_role = vec![of(RBAC, "RoleBinding", "roleRef/name"), of(RBAC, "ClusterRoleBinding", "roleRef/name")];
    let storage_class = vec![
        spec("PersistentVolume", "spec/storageClassName"),
        spec("PersistentVolumeClaim", "spec/storageClassName"),
        spec("StatefulSet", "spec/volumeClaimTemplates/spec/storageClassName"),
    ];
    let volume = vec![spec("PersistentVolumeClaim", "spec/volumeName"), spec("ClusterRole", "rules/resourceNames")];
    vec![
        reference("", "", "Deployment", scaled()),
        reference("", "", "ReplicationController", scaled()),
        reference("", "", "ReplicaSet", scaled()),
        reference("", "", "StatefulSet", scaled()),
        reference("", "v1", "ConfigMap", config_map_references()),
        reference("", "v1", "Secret", secret_references()),
        reference("", "v1", "Service", service_references()),
        reference(RBAC, "", "Role", vec![of(RBAC, "RoleBinding", "roleRef/name")]),
        reference(RBAC, "", "ClusterRole", cluster_role),
        reference("", "v1", "ServiceAccount", accounts),
        reference("", "v1", "PersistentVolumeClaim", in_pods("volumes/persistentVolumeClaim/claimName")),
        reference("", "v1", "PersistentVolume", volume),
        reference("storage.k8s.io", "v1", "StorageClass", storage_class),
        reference("scheduling.k8s.io", "v1", "PriorityClass", in_pods("priorityClassName")),
        reference("networking.k8s.io/v1", "v1", "IngressClass", vec![spec("Ingress", "spec/ingressClassName")]),
        reference(
            ADMISSION,
            "",
            "ValidatingAdmissionPolicy",
            vec![of(ADMISSION, "ValidatingAdmissionPolicyBinding", "spec/policyName")],
        ),
    ]
}

fn var_references() -> Vec<FieldSpec> {
    let fields = ["args", "command", "env/value", "volumeMounts/mountPath"];
    let mut specs = Vec::new();
    for (kind, prefix, volumes) in [
        ("CronJob", CRON_JOB, "spec/jobTemplate/spec/template/volumes/nfs/server"),
        ("DaemonSet", WORKLOAD, "spec/template/spec/volumes/nfs/server"),
        ("Deployment", WORKLOAD, "spec/template/spec/volumes/nfs/server"),
        ("Job", WORKLOAD, "spec/template/spec/volumes/nfs/server"),
        ("Pod", POD, "spec/volumes/nfs/server"),
        ("ReplicaSet", WORKLOAD, "spec/template/spec/volumes/nfs/server"),
        ("StatefulSet", WORKLOAD, "spec/volumeClaimTemplates/spec/nfs/server"),
    ] {
        for containers in ["containers", "initContainers"] {
            specs.extend(fields.iter().map(|field| spec(kind, format!("{prefix}{containers}/{field}"))));
        }
        specs.push(spec(kind, volumes));
    }
    specs.extend([
        spec("Deployment", "spec/template/metadata/annotations"),
        spec("Ingress", "spec/rules/host"),
        spec("Ingress", "spec/tls/hosts"),
        spec("Ingress", "spec/tls/secretName"),
        spec("Service", "spec/ports/port"),
        spec("Service", "spec/ports/targetPort"),
        spec("PersistentVolume", "spec/nfs/server"),
        FieldSpec::new("metadata/labels"),
        FieldSpec::new("metadata/annotations"),
    ]);
    specs
}
