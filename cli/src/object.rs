//! What stands in an object, without knowing its type: objects of the future must still be shown.

use jiff::Timestamp;
use serde_json::Value;

use crate::{kind::Kind, text::short_hex};

/// The text at a JSON pointer.
pub fn text<'a>(object: &'a Value, pointer: &str) -> &'a str {
    object.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// The time at a JSON pointer.
pub fn time(object: &Value, pointer: &str) -> Option<Timestamp> {
    text(object, pointer).parse().ok()
}

/// Its name.
pub fn name(object: &Value) -> &str {
    text(object, "/metadata/name")
}

/// Its namespace; empty for cluster-wide ones.
pub fn namespace(object: &Value) -> &str {
    text(object, "/metadata/namespace")
}

/// API group; empty for the core one.
pub fn group(object: &Value) -> &str {
    text(object, "/apiVersion").split_once('/').map_or("", |(group, _)| group)
}

/// A label.
pub fn label<'a>(object: &'a Value, key: &str) -> &'a str {
    object.pointer("/metadata/labels").and_then(|labels| labels.get(key)).and_then(Value::as_str).unwrap_or_default()
}

/// An annotation.
pub fn annotation<'a>(object: &'a Value, key: &str) -> &'a str {
    object.pointer("/metadata/annotations").and_then(|map| map.get(key)).and_then(Value::as_str).unwrap_or_default()
}

/// `kind.group/name`, as `kubectl get -o name` has it.
pub fn resource_name(object: &Value) -> String {
    let kind = text(object, "/kind").to_ascii_lowercase();
    match group(object) {
        "" => format!("{kind}/{}", name(object)),
        group => format!("{kind}.{group}/{}", name(object)),
    }
}

/// A condition.
pub fn condition<'a>(object: &'a Value, type_: &str) -> Option<&'a Value> {
    object.pointer("/status/conditions")?.as_array()?.iter().find(|condition| text(condition, "/type") == type_)
}

/// Status of the Ready condition; empty when there is none.
pub fn ready<'a>(kind: &Kind, object: &'a Value) -> &'a str {
    match condition(object, "Ready") {
        Some(condition) => text(condition, "/status"),
        None if settings_only(kind, object) => "True",
        None => "",
    }
}

/// Whether there is nothing to reconcile: a registry has no index to fetch, such a HelmRepository only holds settings.
pub fn settings_only(kind: &Kind, object: &Value) -> bool {
    !kind.has_status || (kind.kind == "HelmRepository" && text(object, "/spec/type") == "oci")
}

/// Message of the Ready condition, or what stands for it.
pub fn message<'a>(kind: &Kind, object: &'a Value) -> &'a str {
    match condition(object, "Ready") {
        Some(condition) => text(condition, "/message"),
        None if kind.has_status && settings_only(kind, object) => "Helm repository is Ready",
        None if kind.has_status => "waiting to be reconciled",
        None => "",
    }
}

/// Whether it is held.
pub fn suspended(kind: &Kind, object: &Value) -> bool {
    if kind.kind == "ArtifactGenerator" {
        return annotation(object, GENERATOR_RECONCILE).eq_ignore_ascii_case("disabled");
    }
    object.pointer("/spec/suspend").and_then(Value::as_bool).unwrap_or(false)
}

/// ArtifactGenerators have no `suspend`; `Disabled` here holds them.
pub const GENERATOR_RECONCILE: &str = "source.extensions.fluxcd.io/reconcile";

/// Whether there is something to hold.
pub fn can_suspend(kind: &Kind) -> bool {
    kind.kind != "ExternalArtifact"
}

/// The revision it stands at, shortened.
pub fn revision(kind: &Kind, object: &Value) -> String {
    let revision = match kind.kind {
        "Kustomization" => text(object, "/status/lastAppliedRevision"),
        "HelmRelease" => match text(object, "/status/history/0/chartVersion") {
            "" => text(object, "/status/lastAttemptedRevision"),
            version => version,
        },
        _ => text(object, "/status/artifact/revision"),
    };
    short_hex(revision)
}

/// The request for a reconcile that was last handled.
pub fn handled(object: &Value) -> &str {
    text(object, "/status/lastHandledReconcileAt")
}

/// `Kind/namespace/name`.
pub fn display(object: &Value) -> String {
    match namespace(object) {
        "" => format!("{}/{}", text(object, "/kind"), name(object)),
        namespace => format!("{}/{namespace}/{}", text(object, "/kind"), name(object)),
    }
}
