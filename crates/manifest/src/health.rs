//! Whether an object is what its spec asks for, as kstatus judges it.
//!
//! First what holds for every kind: deletion, an unobserved generation, `Reconciling` and `Stalled`. Then the rules of
//! built-in kinds, then a `Ready` condition, and else the object is current because it exists.

mod workloads;

use std::fmt;

use jiff::Timestamp;
use serde_json::Value;

use crate::object::Object;

/// The state of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Status {
    /// It is what its spec asks for.
    Current,
    /// It is on its way.
    InProgress,
    /// It will not get there.
    Failed,
    /// It is being deleted.
    Terminating,
    /// It does not exist.
    NotFound,
    /// Nobody knows.
    Unknown,
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Current => "Current",
            Self::InProgress => "InProgress",
            Self::Failed => "Failed",
            Self::Terminating => "Terminating",
            Self::NotFound => "NotFound",
            Self::Unknown => "Unknown",
        })
    }
}

/// The state of an object and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Health {
    /// The state.
    pub status: Status,
    /// Why, for people.
    pub message: String,
}

impl Health {
    /// A state and why.
    #[must_use]
    pub fn new(status: Status, message: impl Into<String>) -> Self {
        Self { status, message: message.into() }
    }

    pub(crate) fn current(message: impl Into<String>) -> Self {
        Self::new(Status::Current, message)
    }

    pub(crate) fn in_progress(message: impl Into<String>) -> Self {
        Self::new(Status::InProgress, message)
    }

    pub(crate) fn failed(message: impl Into<String>) -> Self {
        Self::new(Status::Failed, message)
    }
}

/// The health of an object. `now` is needed for pods, which get 15 seconds to be scheduled.
#[must_use]
pub fn health(object: &Object, now: Timestamp) -> Health {
    if let Some(health) = generic(object) {
        return health;
    }
    match (object.group(), object.kind()) {
        ("", "Service") => service(object),
        ("", "Pod") => workloads::pod(object, now),
        ("", "Secret" | "ConfigMap") | ("batch", "CronJob") => Health::current("Resource is always ready"),
        ("", "PersistentVolumeClaim") => claim(object),
        ("apps", "StatefulSet") => workloads::stateful_set(object),
        ("apps" | "extensions", "DaemonSet") => workloads::daemon_set(object),
        ("apps" | "extensions", "Deployment") => workloads::deployment(object),
        ("apps" | "extensions", "ReplicaSet") => workloads::replica_set(object),
        ("policy", "PodDisruptionBudget") => Health::current("AllowedDisruptions has been computed."),
        ("batch", "Job") => workloads::job(object),
        ("apiextensions.k8s.io", "CustomResourceDefinition") => definition(object),
        _ => ready(object),
    }
}

/// What holds for every kind; `None` when it does not decide.
pub(crate) fn generic(object: &Object) -> Option<Health> {
    if object.is_terminating() {
        return Some(Health::new(Status::Terminating, "Resource scheduled for deletion"));
    }
    if let (Some(generation), Some(observed)) = (object.generation(), object.integer(&["status", "observedGeneration"]))
        && observed != generation
    {
        let kind = object.kind();
        return Some(Health::in_progress(format!(
            "{kind} generation is {generation}, but latest observed generation is {observed}"
        )));
    }
    conditions(object).find_map(|condition| match (condition.type_, condition.status) {
        ("Reconciling", "True") => Some(Health::in_progress(condition.message)),
        ("Stalled", "True") => Some(Health::failed(condition.message)),
        _ => None,
    })
}

/// One condition of a status.
pub(crate) struct Condition<'a> {
    pub(crate) type_: &'a str,
    pub(crate) status: &'a str,
    pub(crate) reason: &'a str,
    pub(crate) message: &'a str,
}

pub(crate) fn conditions(object: &Object) -> impl Iterator<Item = Condition<'_>> {
    let list = object.at(&["status", "conditions"]).and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    list.iter().map(|condition| {
        let text = |key: &str| condition.get(key).and_then(Value::as_str).unwrap_or_default();
        Condition { type_: text("type"), status: text("status"), reason: text("reason"), message: text("message") }
    })
}

fn ready(object: &Object) -> Health {
    match conditions(object).find(|c| c.type_ == "Ready") {
        Some(c) if c.status == "True" => Health::current("Resource is Ready"),
        Some(c) => Health::in_progress(c.message),
        None => Health::current("Resource is current"),
    }
}

fn service(object: &Object) -> Health {
    let is = |key: &str| object.text(&["spec", key]).unwrap_or_default();
    if is("type") == "LoadBalancer" && is("clusterIP").is_empty() {
        return Health::in_progress("ClusterIP not set. Service type: LoadBalancer");
    }
    Health::current("Service is ready")
}

fn claim(object: &Object) -> Health {
    match object.text(&["status", "phase"]).unwrap_or("unknown") {
        "Bound" => Health::current("PVC is Bound"),
        phase => Health::in_progress(format!("PVC is not Bound. phase: {phase}")),
    }
}

fn definition(object: &Object) -> Health {
    for c in conditions(object) {
        match (c.type_, c.status) {
            ("NamesAccepted", "False") => return Health::failed(c.message),
            ("Established", "False") if c.reason != "Installing" => return Health::failed(c.message),
            ("Established", "True") => return Health::current("CRD is established"),
            _ => {}
        }
    }
    Health::in_progress("Install in progress")
}

#[cfg(test)]
mod tests;
