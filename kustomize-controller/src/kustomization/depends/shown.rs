//! What a readyExpr gets to see of a Kustomization.
//!
//! Flux lets dependsOn cross namespaces whatever `--no-cross-namespace-refs` says, and shows the whole object. An expression
//! tells one bit at a time, but as often as one likes: with it a tenant could spell out the substitutions and patches of any
//! other. So under that flag only what says how far a foreign object is can be seen.

use serde_json::{Map, Value};
use weir_api::kustomize::Kustomization;

const METADATA: [&str; 5] = ["name", "namespace", "labels", "generation", "creationTimestamp"];
const STATUS: [&str; 5] = [
    "observedGeneration",
    "lastHandledReconcileAt",
    "lastAppliedRevision",
    "lastAppliedOriginRevision",
    "lastAttemptedRevision",
];
/// Not the message: it may quote objects.
const CONDITION: [&str; 5] = ["type", "status", "reason", "observedGeneration", "lastTransitionTime"];

/// All of it.
pub(super) fn whole(ks: &Kustomization) -> Value {
    serde_json::to_value(ks).unwrap_or(Value::Null)
}

/// Names, labels, generations, revisions, and conditions without their messages.
pub(super) fn progress(ks: &Kustomization) -> Value {
    let whole = whole(ks);
    let part = |name: &str, keys: &[&str]| only(whole.get(name), keys);
    let mut status = part("status", &STATUS);
    if let Some(Value::Array(all)) = whole.pointer("/status/conditions") {
        let conditions = all.iter().map(|one| Value::Object(only(Some(one), &CONDITION))).collect();
        status.insert("conditions".to_owned(), Value::Array(conditions));
    }
    let mut shown = only(Some(&whole), &["apiVersion", "kind"]);
    shown.insert("metadata".to_owned(), Value::Object(part("metadata", &METADATA)));
    shown.insert("status".to_owned(), Value::Object(status));
    Value::Object(shown)
}

fn only(of: Option<&Value>, keys: &[&str]) -> Map<String, Value> {
    let fields = of.and_then(Value::as_object).into_iter().flatten();
    fields.filter(|(key, _)| keys.contains(&key.as_str())).map(|(key, value)| (key.clone(), value.clone())).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn nothing_but_progress_is_shown() {
        let ks: Kustomization = serde_json::from_value(json!({
            "apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization",
            "metadata": {"name": "db", "namespace": "b", "generation": 2, "labels": {"version": "1"},
                "annotations": {"note": "canary"}, "ownerReferences": [], "finalizers": ["canary"]},
            "spec": {"interval": "10m", "prune": true, "sourceRef": {"kind": "GitRepository", "name": "canary"},
                "postBuild": {"substitute": {"password": "canary"}}},
            "status": {"observedGeneration": 2, "lastAppliedRevision": "main@sha1:1",
                "inventory": {"entries": [{"id": "canary__v1_Secret", "v": "v1"}]},
                "conditions": [{"type": "Ready", "status": "False", "reason": "BuildFailed", "message": "canary",
                    "observedGeneration": 2, "lastTransitionTime": "2026-01-01T00:00:00Z"}]}}))
        .unwrap();
        assert_eq!(
            progress(&ks),
            json!({"apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization",
                "metadata": {"name": "db", "namespace": "b", "generation": 2, "labels": {"version": "1"}},
                "status": {"observedGeneration": 2, "lastAppliedRevision": "main@sha1:1",
                    "conditions": [{"type": "Ready", "status": "False", "reason": "BuildFailed", "observedGeneration": 2,
                        "lastTransitionTime": "2026-01-01T00:00:00Z"}]}})
        );
        assert!(whole(&ks).to_string().contains("canary"));
    }
}
