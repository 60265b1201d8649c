//! An event as it travels.

use std::collections::BTreeMap;

use jiff::Timestamp;
use weir_proto::{WireEvent, WireReference};
use weir_reconcile::{Event, Severity};

use super::{LONGEST_MESSAGE, Target};
use crate::{redact::scrub, trace::TRACEPARENT};

/// Prefix of annotations and metadata that belong to the event API itself.
const EVENT_API: &str = "event.toolkit.fluxcd.io/";

/// Everything the event carries: its own metadata under the group's prefix, the object's annotations of the event
/// API, and the trace context. The event's own win.
pub(super) fn metadata(target: &Target, event: &Event, traceparent: Option<&str>) -> BTreeMap<String, String> {
    let mut all: BTreeMap<String, String> = target
        .annotations
        .iter()
        .filter(|(key, _)| key.starts_with(EVENT_API))
        .map(|(k, v)| (k.clone(), v.clone()))
        .collect();
    let group = target.group();
    for (key, value) in &event.metadata {
        let key = if key.contains('/') || group.is_empty() { key.clone() } else { format!("{group}/{key}") };
        all.insert(key, value.clone());
    }
    if let Some(traceparent) = traceparent {
        all.insert(TRACEPARENT.to_owned(), traceparent.to_owned());
    }
    all
}

/// What a Kubernetes event carries as annotations.
pub(super) fn annotations(metadata: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    metadata.clone()
}

pub(super) fn message(event: &Event) -> String {
    let text = scrub(&event.message);
    match text.char_indices().nth(LONGEST_MESSAGE) {
        Some((end, _)) => text.get(..end).unwrap_or_default().to_owned(),
        None => text.into_owned(),
    }
}

pub(super) fn event(
    target: &Target,
    event: &Event,
    metadata: BTreeMap<String, String>,
    now: Timestamp,
    controller: &str,
    instance: &str,
) -> WireEvent {
    let severity = match event.severity {
        Severity::Trace => "trace",
        Severity::Info => "info",
        Severity::Error => "error",
    };
    WireEvent {
        involved_object: WireReference {
            kind: target.kind.clone(),
            namespace: target.namespace.clone(),
            name: target.name.clone(),
            uid: target.uid.clone(),
            api_version: target.api_version.clone(),
            resource_version: target.resource_version.clone(),
            field_path: String::new(),
        },
        severity: severity.to_owned(),
        timestamp: now,
        message: message(event),
        reason: event.reason.clone(),
        metadata,
        reporting_controller: controller.to_owned(),
        reporting_instance: instance.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target() -> Target {
        Target {
            api_version: "kustomize.toolkit.fluxcd.io/v1".to_owned(),
            kind: "Kustomization".to_owned(),
            namespace: "apps".to_owned(),
            name: "web".to_owned(),
            annotations: BTreeMap::from([
                ("event.toolkit.fluxcd.io/deploymentID".to_owned(), "7".to_owned()),
                ("other.io/x".to_owned(), "no".to_owned()),
            ]),
            ..Target::default()
        }
    }

    #[test]
    fn metadata_is_prefixed_and_completed() {
        let recorded = Event::new(Severity::Info, "R", "m").with("revision", "main@sha1:1");
        let all = metadata(&target(), &recorded, Some("00-1-2-01"));
        let keys: Vec<_> = all.keys().map(String::as_str).collect();
        assert_eq!(
            keys,
            ["event.toolkit.fluxcd.io/deploymentID", "kustomize.toolkit.fluxcd.io/revision", "weir.dev/traceparent"]
        );
    }

    #[test]
    fn messages_are_cut_by_characters_and_scrubbed() {
        let long = Event::new(Severity::Error, "R", "ä".repeat(40_000));
        assert_eq!(message(&long).chars().count(), LONGEST_MESSAGE);
        let secret = Event::new(Severity::Error, "R", "https://u:p4ssw0rd@host/x");
        assert_eq!(message(&secret), "https://*****@host/x");
    }

    #[test]
    fn the_wire_form_is_flux_json() {
        let recorded = Event::new(Severity::Error, "BuildFailed", "m").with("revision", "r");
        let data = metadata(&target(), &recorded, None);
        let now = Timestamp::constant(1_700_000_000, 5);
        let wire = event(&target(), &recorded, data, now, "kustomize-controller", "pod-1");
        let json = serde_json::to_value(&wire).unwrap();
        assert_eq!(json["severity"], "error");
        assert_eq!(json["timestamp"], "2023-11-14T22:13:20Z");
        assert_eq!(json["involvedObject"]["kind"], "Kustomization");
        assert_eq!(json["metadata"]["kustomize.toolkit.fluxcd.io/revision"], "r");
        assert_eq!(json["reportingInstance"], "pod-1");
    }
}
