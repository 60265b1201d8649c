//! An event as it came in: what is kept of it, what makes it the same as another, what a provider gets of it.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};
use weir_api::{
    names::{annotation::EVENT_PREFIX, weir::TRACEPARENT},
    notification::AlertSpec,
};
use weir_proto::{WireEvent, WireReference};

/// The key that marks an event as one for commit statuses only.
const COMMIT_STATUS: &str = "commit_status";
/// What is never sent on: these say nothing to people.
const INTERNAL: [&str; 2] = ["checksum", "digest"];

/// An event ready to be kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prepared {
    /// The event, with only the metadata that matters.
    pub event: WireEvent,
    /// Equal for events that say the same.
    pub key: String,
    /// The trace it belongs to.
    pub traceparent: Option<String>,
}

/// The group of the object's kind; empty for the core group.
#[must_use]
pub fn group(object: &WireReference) -> &str {
    object.api_version.split_once('/').map_or("", |(group, _)| group)
}

/// `Kind/namespace/name`, as Flux's messages name an object.
#[must_use]
pub fn object_name(object: &WireReference) -> String {
    format!("{}/{}/{}", object.kind, object.namespace, object.name)
}

/// `kind/name.namespace`, as messages to people name an object.
#[must_use]
pub fn object_label(object: &WireReference) -> String {
    format!("{}/{}.{}", object.kind.to_lowercase(), object.name, object.namespace)
}

/// Drops metadata that is neither of the object's group nor of the event API, computes the key, and takes the trace
/// context and the token out: neither is sent on.
#[must_use]
pub fn prepare(mut event: WireEvent) -> Prepared {
    let traceparent = event.metadata.remove(TRACEPARENT);
    let prefix = format!("{}/", group(&event.involved_object));
    event.metadata.retain(|key, _| {
        let own = key.strip_prefix(&prefix);
        let internal = own.is_some_and(|own| INTERNAL.iter().any(|word| own.eq_ignore_ascii_case(word)));
        !internal && (own.is_some() || key.starts_with(EVENT_PREFIX))
    });
    let key = dedupe_key(&event, &prefix);
    event.metadata.remove(&format!("{prefix}token"));
    Prepared { event, key, traceparent }
}

/// A digest of what makes two events the same: object, message, revisions and token.
fn dedupe_key(event: &WireEvent, prefix: &str) -> String {
    let object = &event.involved_object;
    let mut parts = vec![
        format!("name={}", object.name),
        format!("namespace={}", object.namespace),
        format!("kind={}", object.kind),
        format!("message={}", event.message),
    ];
    for name in ["originRevision", "revision", "token"] {
        if let Some(value) = event.metadata.get(&format!("{prefix}{name}")) {
            parts.push(format!("{name}={value}"));
        }
    }
    let mut digest = Sha256::new();
    for part in &parts {
        // The length keeps one part's end from being taken for another's beginning.
        digest.update((part.len() as u64).to_le_bytes());
        digest.update(part);
    }
    hex::encode(digest.finalize())
}

/// Whether it only asks for an update of a commit's status.
#[must_use]
pub fn is_commit_status_update(event: &WireEvent) -> bool {
    let key = format!("{}/{COMMIT_STATUS}", group(&event.involved_object));
    event.metadata.get(&key).is_some_and(|value| value == "update")
}

/// What an alert makes of an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Merged {
    /// The event with its metadata merged and without prefixes.
    pub event: WireEvent,
    /// Keys that more than one source sets, and the sources, lowest first.
    pub conflicts: BTreeMap<String, Vec<&'static str>>,
}

/// Merges metadata: annotations of the object, then the alert's eventMetadata and summary, then what the controller says;
/// later ones win.
#[must_use]
pub fn merge(event: &WireEvent, alert: &AlertSpec) -> Merged {
    let prefix = format!("{}/", group(&event.involved_object));
    let stripped = |prefix: &str| -> BTreeMap<String, String> {
        let own = |(key, value): (&String, &String)| Some((key.strip_prefix(prefix)?.to_owned(), value.clone()));
        event.metadata.iter().filter_map(own).collect()
    };
    let summary = alert.summary.iter().filter(|summary| !summary.is_empty());
    let sources: [(&'static str, BTreeMap<String, String>); 4] = [
        ("involved object annotations", stripped(EVENT_PREFIX)),
        ("Alert object .spec.eventMetadata", alert.event_metadata.clone()),
        ("Alert object .spec.summary", summary.map(|s| ("summary".to_owned(), s.clone())).collect()),
        ("involved object controller metadata", stripped(&prefix)),
    ];
    let mut metadata = BTreeMap::new();
    let mut origins: BTreeMap<String, Vec<&'static str>> = BTreeMap::new();
    for (source, entries) in sources {
        for (key, value) in entries {
            origins.entry(key.clone()).or_default().push(source);
            metadata.insert(key, value);
        }
    }
    origins.retain(|_, sources| sources.len() > 1);
    let mut event = event.clone();
    event.metadata = metadata;
    Merged { event, conflicts: origins }
}

#[cfg(test)]
pub(crate) mod tests {
    use jiff::Timestamp;

    use super::*;

    /// An event of a Kustomization with this metadata.
    pub(crate) fn sample(metadata: &[(&str, &str)]) -> WireEvent {
        WireEvent {
            involved_object: WireReference {
                kind: "Kustomization".to_owned(),
                namespace: "apps".to_owned(),
                name: "web".to_owned(),
                uid: "u-1".to_owned(),
                api_version: "kustomize.toolkit.fluxcd.io/v1".to_owned(),
                ..WireReference::default()
            },
            severity: "info".to_owned(),
            timestamp: Timestamp::constant(1_700_000_000, 0),
            message: "Deployment/apps/web configured".to_owned(),
            reason: "Progressing".to_owned(),
            metadata: metadata.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect(),
            reporting_controller: "kustomize-controller".to_owned(),
            reporting_instance: "pod-1".to_owned(),
        }
    }

    const REVISION: &str = "kustomize.toolkit.fluxcd.io/revision";

    #[test]
    fn only_metadata_that_matters_is_kept() {
        let prepared = prepare(sample(&[
            (REVISION, "main@sha1:1"),
            ("kustomize.toolkit.fluxcd.io/checksum", "x"),
            ("kustomize.toolkit.fluxcd.io/Digest", "x"),
            ("kustomize.toolkit.fluxcd.io/token", "secret"),
            ("event.toolkit.fluxcd.io/env", "prod"),
            ("weir.dev/traceparent", "00-1-2-01"),
            ("source.toolkit.fluxcd.io/revision", "other group"),
            ("plain", "x"),
        ]));
        let keys: Vec<_> = prepared.event.metadata.keys().map(String::as_str).collect();
        assert_eq!(keys, ["event.toolkit.fluxcd.io/env", REVISION]);
        assert_eq!(prepared.traceparent.as_deref(), Some("00-1-2-01"));
    }

    #[test]
    fn the_key_tells_events_apart_by_what_they_say() {
        let key = |event: WireEvent| prepare(event).key;
        let base = key(sample(&[(REVISION, "1")]));
        let mut later = sample(&[(REVISION, "1"), ("event.toolkit.fluxcd.io/x", "y")]);
        later.timestamp = Timestamp::constant(1_800_000_000, 0);
        later.severity = "error".to_owned();
        assert_eq!(key(later), base, "time, severity and other metadata do not count");
        assert_ne!(key(sample(&[(REVISION, "2")])), base);
        assert_ne!(key(sample(&[(REVISION, "1"), ("kustomize.toolkit.fluxcd.io/token", "t")])), base);
        let mut other = sample(&[(REVISION, "1")]);
        other.message.push('!');
        assert_ne!(key(other), base);
    }

    #[test]
    fn metadata_merges_in_order_and_conflicts_are_told() {
        let event =
            sample(&[(REVISION, "1"), ("event.toolkit.fluxcd.io/env", "dev"), ("event.toolkit.fluxcd.io/a", "b")]);
        let alert: AlertSpec = serde_json::from_value(serde_json::json!({
            "providerRef": {"name": "p"}, "eventSources": [], "summary": "production",
            "eventMetadata": {"env": "prod", "revision": "overridden", "summary": "older"},
        }))
        .unwrap();
        let merged = merge(&event, &alert);
        let metadata: Vec<_> = merged.event.metadata.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
        assert_eq!(metadata, [("a", "b"), ("env", "prod"), ("revision", "1"), ("summary", "production")]);
        assert_eq!(merged.conflicts.keys().collect::<Vec<_>>(), ["env", "revision", "summary"]);
        assert_eq!(merged.conflicts["env"], ["involved object annotations", "Alert object .spec.eventMetadata"]);
    }

    #[test]
    fn commit_status_updates_are_known() {
        assert!(is_commit_status_update(&sample(&[("kustomize.toolkit.fluxcd.io/commit_status", "update")])));
        assert!(!is_commit_status_update(&sample(&[("event.toolkit.fluxcd.io/commit_status", "update")])));
    }
}
