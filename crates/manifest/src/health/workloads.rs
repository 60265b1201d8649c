//! Deployments and the like, pods and jobs.

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::{Health, conditions};
use crate::object::Object;

/// How long a pod may be unschedulable before it is called failed.
const SCHEDULE_WINDOW: SignedDuration = SignedDuration::from_secs(15);
/// What a Deployment without a progress deadline counts as.
const NO_DEADLINE: i64 = i32::MAX as i64;

pub(super) fn deployment(object: &Object) -> Health {
    let mut progressing = object.integer(&["spec", "progressDeadlineSeconds"]).unwrap_or(NO_DEADLINE) == NO_DEADLINE;
    let mut available = false;
    for c in conditions(object) {
        match c.type_ {
            "Progressing" if c.reason == "ProgressDeadlineExceeded" => {
                return Health::failed("Progress deadline exceeded");
            }
            "Progressing" if c.status == "True" && c.reason == "NewReplicaSetAvailable" => progressing = true,
            "Available" if c.status == "True" => available = true,
            _ => {}
        }
    }
    let wanted = object.integer(&["spec", "replicas"]).unwrap_or(1);
    let status = |key: &str| object.integer(&["status", key]).unwrap_or(0);
    let (replicas, updated) = (status("replicas"), status("updatedReplicas"));
    let (ready, availables) = (status("readyReplicas"), status("availableReplicas"));
    if wanted > replicas {
        Health::in_progress(format!("Replicas: {replicas}/{wanted}"))
    } else if wanted > updated {
        Health::in_progress(format!("Updated: {updated}/{wanted}"))
    } else if replicas > wanted {
        Health::in_progress(format!("Pending termination: {}", replicas - wanted))
    } else if updated > availables {
        Health::in_progress(format!("Available: {availables}/{updated}"))
    } else if wanted > ready {
        Health::in_progress(format!("Ready: {ready}/{wanted}"))
    } else if !progressing {
        Health::in_progress("ReplicaSet not Available")
    } else if !available {
        Health::in_progress("Deployment not Available")
    } else {
        Health::current(format!("Deployment is available. Replicas: {replicas}"))
    }
}

pub(super) fn replica_set(object: &Object) -> Health {
    if conditions(object).any(|c| c.type_ == "ReplicaFailure" && c.status == "True") {
        return Health::in_progress("Replica Failure condition. Check Pods");
    }
    let wanted = object.integer(&["spec", "replicas"]).unwrap_or(1);
    let status = |key: &str| object.integer(&["status", key]).unwrap_or(0);
    let replicas = status("replicas");
    for (what, key) in
        [("Labelled", "fullyLabeledReplicas"), ("Available", "availableReplicas"), ("Ready", "readyReplicas")]
    {
        let have = status(key);
        if wanted > have {
            return Health::in_progress(format!("{what}: {have}/{wanted}"));
        }
    }
    if replicas > wanted {
        return Health::in_progress(format!("Pending termination: {}", replicas - wanted));
    }
    Health::current(format!("ReplicaSet is available. Replicas: {replicas}"))
}

pub(super) fn stateful_set(object: &Object) -> Health {
    if object.text(&["spec", "updateStrategy", "type"]) == Some("OnDelete") {
        return Health::current("StatefulSet is using the ondelete update strategy");
    }
    let wanted = object.integer(&["spec", "replicas"]).unwrap_or(1);
    let status = |key: &str| object.integer(&["status", key]).unwrap_or(0);
    let (replicas, ready, updated) = (status("replicas"), status("readyReplicas"), status("updatedReplicas"));
    if wanted > replicas {
        return Health::in_progress(format!("Replicas: {replicas}/{wanted}"));
    }
    if wanted > ready {
        return Health::in_progress(format!("Ready: {ready}/{wanted}"));
    }
    if replicas > wanted {
        return Health::in_progress(format!("Pending termination: {}", replicas - wanted));
    }
    if let Some(partition) = object.integer(&["spec", "updateStrategy", "rollingUpdate", "partition"]) {
        if updated < wanted - partition {
            return Health::in_progress(format!("updated: {updated}/{}", wanted - partition));
        }
        return Health::current(format!("Partition rollout complete. updated: {updated}"));
    }
    let current = status("currentReplicas");
    if wanted > current {
        return Health::in_progress(format!("current: {current}/{wanted}"));
    }
    let revision = |key: &str| object.text(&["status", key]).unwrap_or_default();
    if revision("currentRevision") != revision("updateRevision") {
        return Health::in_progress("Waiting for updated revision to match current");
    }
    Health::current(format!("All replicas scheduled as expected. Replicas: {replicas}"))
}

pub(super) fn daemon_set(object: &Object) -> Health {
    for (path, what) in [
        (["metadata", "generation"], "metadata.generation"),
        (["status", "observedGeneration"], "status.observedGeneration"),
    ] {
        if object.integer(&path).is_none() {
            return Health::in_progress(format!("{} {what} not found", object.kind()));
        }
    }
    let Some(wanted) = object.integer(&["status", "desiredNumberScheduled"]) else {
        return Health::in_progress("Missing .status.desiredNumberScheduled");
    };
    for (what, key) in [
        ("Current", "currentNumberScheduled"),
        ("Updated", "updatedNumberScheduled"),
        ("Available", "numberAvailable"),
        ("Ready", "numberReady"),
    ] {
        let have = object.integer(&["status", key]).unwrap_or(0);
        if wanted > have {
            return Health::in_progress(format!("{what}: {have}/{wanted}"));
        }
    }
    Health::current(format!("All replicas scheduled as expected. Replicas: {wanted}"))
}

pub(super) fn pod(object: &Object, now: Timestamp) -> Health {
    match object.text(&["status", "phase"]).unwrap_or_default() {
        "Succeeded" => Health::current("Pod has completed successfully"),
        "Failed" => Health::current("Pod has completed, but not successfully"),
        "Running" => running(object),
        "Pending" => pending(object, now),
        "" => Health::in_progress("Pod phase not available"),
        phase => Health::new(super::Status::Unknown, format!("unknown phase {phase}")),
    }
}

fn running(object: &Object) -> Health {
    if conditions(object).any(|c| c.type_ == "Ready" && c.status == "True") {
        return Health::current("Pod is Ready");
    }
    let containers = object.at(&["status", "containerStatuses"]).and_then(Value::as_array);
    let looping: Vec<&str> = containers
        .into_iter()
        .flatten()
        .filter(|c| c.pointer("/state/waiting/reason").and_then(Value::as_str) == Some("CrashLoopBackOff"))
        .filter_map(|c| c.get("name").and_then(Value::as_str))
        .collect();
    if looping.is_empty() {
        return Health::in_progress("Pod is running but is not Ready");
    }
    Health::failed(format!("Containers in CrashLoop state: {}", looping.join(",")))
}

fn pending(object: &Object, now: Timestamp) -> Health {
    let unschedulable =
        conditions(object).any(|c| c.type_ == "PodScheduled" && c.status == "False" && c.reason == "Unschedulable");
    if !unschedulable {
        return Health::in_progress("Pod is in the Pending phase");
    }
    let created = object.text(&["metadata", "creationTimestamp"]).and_then(|t| t.parse::<Timestamp>().ok());
    if created.is_some_and(|created| now.duration_since(created) < SCHEDULE_WINDOW) {
        return Health::in_progress("Pod has not been scheduled");
    }
    Health::failed("Pod could not be scheduled")
}

/// A job has to complete; a suspended one counts as current.
pub(super) fn job(object: &Object) -> Health {
    let parallelism = object.integer(&["spec", "parallelism"]).unwrap_or(1);
    let completions = object.integer(&["spec", "completions"]).unwrap_or(parallelism);
    let status = |key: &str| object.integer(&["status", key]).unwrap_or(0);
    let (succeeded, active, failed) = (status("succeeded"), status("active"), status("failed"));
    for c in conditions(object).filter(|c| c.status == "True") {
        match c.type_ {
            "Complete" => return Health::current(format!("Job Completed. succeeded: {succeeded}/{completions}")),
            "Failed" => return Health::failed(format!("Job Failed. failed: {failed}/{completions}")),
            "Suspended" => return Health::current("Job is suspended"),
            _ => {}
        }
    }
    if object.text(&["status", "startTime"]).unwrap_or_default().is_empty() {
        return Health::in_progress("Job not started");
    }
    Health::in_progress(format!("Job in progress. success:{succeeded}, active: {active}, failed: {failed}"))
}
