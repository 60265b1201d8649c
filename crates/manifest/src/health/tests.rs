use serde_json::json;

use super::*;

fn check(api_version: &str, kind: &str, body: Value) -> Health {
    let mut value = json!({"apiVersion": api_version, "kind": kind, "metadata": {"name": "a", "generation": 1}});
    for (key, part) in body.as_object().unwrap() {
        value[key.as_str()] = part.clone();
    }
    health(&Object::from_value(value).unwrap(), Timestamp::from_second(1_700_000_020).unwrap())
}

fn condition(type_: &str, status: &str, reason: &str) -> Value {
    json!({"type": type_, "status": status, "reason": reason, "message": "told"})
}

#[test]
fn what_holds_for_every_kind() {
    for (body, status, message) in [
        (
            json!({"metadata": {"name": "a", "deletionTimestamp": "2026-01-01T00:00:00Z"}}),
            Status::Terminating,
            "Resource scheduled for deletion",
        ),
        (
            json!({"status": {"observedGeneration": 0}}),
            Status::InProgress,
            "Thing generation is 1, but latest observed generation is 0",
        ),
        (json!({"status": {"observedGeneration": 1}}), Status::Current, "Resource is current"),
        (json!({"status": {"conditions": [condition("Reconciling", "True", "x")]}}), Status::InProgress, "told"),
        (json!({"status": {"conditions": [condition("Stalled", "True", "x")]}}), Status::Failed, "told"),
        (json!({"status": {"conditions": [condition("Ready", "False", "x")]}}), Status::InProgress, "told"),
        (json!({"status": {"conditions": [condition("Ready", "Unknown", "x")]}}), Status::InProgress, "told"),
        (json!({"status": {"conditions": [condition("Ready", "True", "x")]}}), Status::Current, "Resource is Ready"),
        (json!({"status": {"conditions": "broken"}}), Status::Current, "Resource is current"),
        (json!({}), Status::Current, "Resource is current"),
    ] {
        assert_eq!(check("example.com/v1", "Thing", body.clone()), Health::new(status, message), "{body}");
    }
}

#[test]
fn deployments() {
    let available =
        json!([condition("Available", "True", "x"), condition("Progressing", "True", "NewReplicaSetAvailable")]);
    let spec = json!({"replicas": 2, "progressDeadlineSeconds": 600});
    let status = |replicas: i64, updated: i64, available_replicas: i64, ready: i64, conditions: &Value| {
        json!({"spec": spec, "status": {"observedGeneration": 1, "replicas": replicas, "updatedReplicas": updated,
            "availableReplicas": available_replicas, "readyReplicas": ready, "conditions": conditions}})
    };
    for (body, expected, message) in [
        (json!({"spec": spec}), Status::InProgress, "Replicas: 0/2"),
        (status(2, 1, 2, 2, &available), Status::InProgress, "Updated: 1/2"),
        (status(3, 2, 2, 2, &available), Status::InProgress, "Pending termination: 1"),
        (status(2, 2, 1, 2, &available), Status::InProgress, "Available: 1/2"),
        (status(2, 2, 2, 1, &available), Status::InProgress, "Ready: 1/2"),
        (status(2, 2, 2, 2, &json!([])), Status::InProgress, "ReplicaSet not Available"),
        (
            status(2, 2, 2, 2, &json!([condition("Progressing", "True", "NewReplicaSetAvailable")])),
            Status::InProgress,
            "Deployment not Available",
        ),
        (status(2, 2, 2, 2, &available), Status::Current, "Deployment is available. Replicas: 2"),
        (
            status(0, 0, 0, 0, &json!([condition("Progressing", "False", "ProgressDeadlineExceeded")])),
            Status::Failed,
            "Progress deadline exceeded",
        ),
        (
            json!({"spec": {"replicas": 0}, "status": {"conditions": available}}),
            Status::Current,
            "Deployment is available. Replicas: 0",
        ),
    ] {
        assert_eq!(check("apps/v1", "Deployment", body), Health::new(expected, message));
    }
}

#[test]
fn other_workloads() {
    let current = |n: i64| json!({"observedGeneration": 1, "replicas": n, "readyReplicas": n, "currentReplicas": n, "updatedReplicas": n, "currentRevision": "1", "updateRevision": "1"});
    for (kind, body, expected) in [
        ("StatefulSet", json!({"spec": {"updateStrategy": {"type": "OnDelete"}}}), Status::Current),
        ("StatefulSet", json!({"spec": {"replicas": 1}}), Status::InProgress),
        ("StatefulSet", json!({"spec": {"replicas": 2}, "status": current(2)}), Status::Current),
        ("StatefulSet", json!({"spec": {"replicas": 1}, "status": current(2)}), Status::InProgress),
        (
            "StatefulSet",
            json!({"spec": {"replicas": 3, "updateStrategy": {"rollingUpdate": {"partition": 2}}}, "status": {"observedGeneration": 1, "replicas": 3, "readyReplicas": 3, "updatedReplicas": 1}}),
            Status::Current,
        ),
        ("DaemonSet", json!({}), Status::InProgress),
        ("DaemonSet", json!({"status": {"observedGeneration": 1}}), Status::InProgress),
        ("DaemonSet", json!({"status": {"observedGeneration": 1, "desiredNumberScheduled": 0}}), Status::Current),
        (
            "DaemonSet",
            json!({"status": {"observedGeneration": 1, "desiredNumberScheduled": 2, "currentNumberScheduled": 2, "updatedNumberScheduled": 2, "numberAvailable": 2, "numberReady": 1}}),
            Status::InProgress,
        ),
        (
            "ReplicaSet",
            json!({"spec": {"replicas": 1}, "status": {"replicas": 1, "fullyLabeledReplicas": 1, "availableReplicas": 1, "readyReplicas": 1}}),
            Status::Current,
        ),
        (
            "ReplicaSet",
            json!({"status": {"conditions": [condition("ReplicaFailure", "True", "x")]}}),
            Status::InProgress,
        ),
    ] {
        assert_eq!(check("apps/v1", kind, body.clone()).status, expected, "{kind} {body}");
    }
}

#[test]
fn pods_jobs_claims_services_and_definitions() {
    let unschedulable = |created: &str| {
        json!({"metadata": {"name": "a", "creationTimestamp": created}, "status": {"phase": "Pending",
            "conditions": [condition("PodScheduled", "False", "Unschedulable")]}})
    };
    let crash = json!([{"name": "c", "state": {"waiting": {"reason": "CrashLoopBackOff"}}}]);
    for (api_version, kind, body, expected) in [
        ("v1", "Pod", json!({}), Status::InProgress),
        ("v1", "Pod", json!({"status": {"phase": "Succeeded"}}), Status::Current),
        ("v1", "Pod", json!({"status": {"phase": "Running"}}), Status::InProgress),
        ("v1", "Pod", json!({"status": {"phase": "Running", "containerStatuses": crash}}), Status::Failed),
        (
            "v1",
            "Pod",
            json!({"status": {"phase": "Running", "conditions": [condition("Ready", "True", "")]}}),
            Status::Current,
        ),
        ("v1", "Pod", unschedulable("2023-11-14T22:13:30Z"), Status::InProgress),
        ("v1", "Pod", unschedulable("2023-11-14T22:13:20Z"), Status::Failed),
        ("v1", "Pod", json!({"status": {"phase": "Strange"}}), Status::Unknown),
        ("batch/v1", "Job", json!({}), Status::InProgress),
        ("batch/v1", "Job", json!({"status": {"startTime": "x", "active": 1}}), Status::InProgress),
        ("batch/v1", "Job", json!({"status": {"conditions": [condition("Complete", "True", "")]}}), Status::Current),
        ("batch/v1", "Job", json!({"status": {"conditions": [condition("Failed", "True", "")]}}), Status::Failed),
        ("batch/v1", "Job", json!({"status": {"conditions": [condition("Suspended", "True", "")]}}), Status::Current),
        ("batch/v1", "CronJob", json!({}), Status::Current),
        ("v1", "PersistentVolumeClaim", json!({"status": {"phase": "Pending"}}), Status::InProgress),
        ("v1", "PersistentVolumeClaim", json!({"status": {"phase": "Bound"}}), Status::Current),
        ("v1", "Service", json!({"spec": {"type": "LoadBalancer"}}), Status::InProgress),
        ("v1", "Service", json!({"spec": {"type": "ClusterIP"}}), Status::Current),
        ("apiextensions.k8s.io/v1", "CustomResourceDefinition", json!({}), Status::InProgress),
        (
            "apiextensions.k8s.io/v1",
            "CustomResourceDefinition",
            json!({"status": {"conditions": [condition("Established", "True", "")]}}),
            Status::Current,
        ),
        (
            "apiextensions.k8s.io/v1",
            "CustomResourceDefinition",
            json!({"status": {"conditions": [condition("NamesAccepted", "False", "")]}}),
            Status::Failed,
        ),
        (
            "apiextensions.k8s.io/v1",
            "CustomResourceDefinition",
            json!({"status": {"conditions": [condition("Established", "False", "Installing")]}}),
            Status::InProgress,
        ),
    ] {
        assert_eq!(check(api_version, kind, body.clone()).status, expected, "{kind} {body}");
    }
}
