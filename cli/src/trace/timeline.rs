//! From a commit to a healthy application: when each step was over and how long it took.

use jiff::Timestamp;
use serde_json::{Value, json};
use weir_api::names::weir;

use super::gather::Link;
use crate::{object, object::text, text::span};

/// The steps of the newest revision, as far as they are known: `step`, and perhaps `at`, `took` and `note`.
pub fn of(links: &[Link]) -> Vec<Value> {
    // The nearest applier, and the source that its chain ends in.
    let applier = links.iter().find(|link| link.kind.kind == "Kustomization");
    let source = links
        .iter()
        .find(|link| matches!(link.kind.kind, "GitRepository" | "OCIRepository" | "Bucket" | "ExternalArtifact"));
    let source = source.and_then(|link| link.object.as_ref());
    let applier = applier.and_then(|link| link.object.as_ref());
    let applied = applier.map_or("", |object| text(object, "/status/lastAppliedRevision"));
    // What is known of another revision's fetch says nothing of this one's.
    let artifact = source.and_then(|object| object.pointer("/status/artifact"));
    let artifact = artifact.filter(|artifact| applied.is_empty() || text(artifact, "/revision") == applied);
    let history = applier.and_then(|object| entry(object, applied));
    let mut steps = Vec::new();
    if let Some(artifact) = artifact {
        steps.extend(fetched(artifact));
    }
    if let Some(history) = history {
        steps.extend(reconciled(history, artifact));
    }
    steps
}

/// The history entry of a revision, successes before failures.
fn entry<'a>(kustomization: &'a Value, revision: &str) -> Option<&'a Value> {
    let history = kustomization.pointer("/status/history")?.as_array()?;
    let of_revision = |entry: &&Value| text(entry, "/metadata/revision") == revision;
    history.iter().filter(of_revision).find(|entry| text(entry, "/lastReconciledStatus") == "ReconciliationSucceeded")
}

fn metadata<'a>(of: &'a Value, key: &str) -> Option<&'a str> {
    of.pointer("/metadata")?.get(key)?.as_str()
}

fn step(name: &str, at: Option<Timestamp>, took: Option<&str>, note: Option<String>) -> Value {
    let mut step = json!({ "step": name });
    if let Some(map) = step.as_object_mut() {
        map.extend(at.map(|at| ("at".to_owned(), json!(at.to_string()))));
        map.extend(took.map(|took| ("took".to_owned(), json!(took))));
        map.extend(note.map(|note| ("note".to_owned(), json!(note))));
    }
    step
}

fn fetched(artifact: &Value) -> Vec<Value> {
    let committed = metadata(artifact, weir::COMMIT_TIME).and_then(|time| time.parse().ok());
    let author = metadata(artifact, weir::COMMIT_AUTHOR);
    let message = metadata(artifact, weir::COMMIT_MESSAGE);
    let note = match (message, author) {
        (Some(message), Some(author)) => Some(format!("{message} ({author})")),
        (one, other) => one.or(other).map(str::to_owned),
    };
    let mut steps = Vec::new();
    if committed.is_some() || note.is_some() {
        steps.push(step("committed", committed, None, note));
    }
    steps.push(step(
        "fetched",
        object::time(artifact, "/lastUpdateTime"),
        metadata(artifact, weir::FETCH_DURATION),
        None,
    ));
    steps
}

fn reconciled(history: &Value, artifact: Option<&Value>) -> Vec<Value> {
    let mut steps = Vec::new();
    for (name, key) in [
        ("downloaded", weir::FETCH_DURATION),
        ("built", weir::BUILD_DURATION),
        ("applied", weir::APPLY_DURATION),
        ("healthy", weir::HEALTH_DURATION),
    ] {
        steps.extend(metadata(history, key).map(|took| step(name, None, Some(took), None)));
    }
    // The same manifests may have been built from an older revision before; then only the last time belongs to this one.
    let fetched = artifact.and_then(|artifact| object::time(artifact, "/lastUpdateTime"));
    let first =
        object::time(history, "/firstReconciled").filter(|first| fetched.is_none_or(|fetched| *first >= fetched));
    let took = text(history, "/lastReconciledDuration");
    let took = Some(took).filter(|took| !took.is_empty() && steps.is_empty());
    let committed = artifact.and_then(|artifact| metadata(artifact, weir::COMMIT_TIME)?.parse::<Timestamp>().ok());
    match first {
        Some(first) => {
            let note = committed
                .map(|committed| format!("{} after the commit", span(first.as_second() - committed.as_second())));
            steps.push(step("ready", Some(first), took, note));
        }
        None => steps.push(step(
            "checked",
            object::time(history, "/lastReconciled"),
            took,
            Some("nothing had changed".into()),
        )),
    }
    steps
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kind;

    fn link(kind: &str, object: Value) -> Link {
        Link { kind: kind::by_kind(kind).unwrap(), namespace: "n".into(), name: "x".into(), object: Some(object) }
    }

    fn source(revision: &str) -> Link {
        link(
            "GitRepository",
            json!({ "status": { "artifact": {
                "revision": revision, "lastUpdateTime": "2026-11-21T10:00:02Z",
                "metadata": { "weir.dev/commit-time": "2026-11-21T10:00:00Z", "weir.dev/commit-author": "Jo", "weir.dev/commit-message": "fix", "weir.dev/fetch-duration": "300ms" },
            }}}),
        )
    }

    fn kustomization(first: &str) -> Link {
        link(
            "Kustomization",
            json!({ "status": { "lastAppliedRevision": "main@sha1:a", "history": [
                { "lastReconciledStatus": "HealthCheckFailed", "metadata": { "revision": "main@sha1:a" } },
                { "lastReconciledStatus": "ReconciliationSucceeded", "firstReconciled": first, "lastReconciled": "2026-11-21T10:05:00Z", "lastReconciledDuration": "1s",
                  "metadata": { "revision": "main@sha1:a", "weir.dev/build-duration": "5ms", "weir.dev/apply-duration": "40ms" } },
            ]}}),
        )
    }

    #[test]
    fn the_way_of_a_commit() {
        let steps = of(&[kustomization("2026-11-21T10:00:05Z"), source("main@sha1:a")]);
        assert_eq!(
            json!(steps),
            json!([
                { "step": "committed", "at": "2026-11-21T10:00:00Z", "note": "fix (Jo)" },
                { "step": "fetched", "at": "2026-11-21T10:00:02Z", "took": "300ms" },
                { "step": "built", "took": "5ms" },
                { "step": "applied", "took": "40ms" },
                { "step": "ready", "at": "2026-11-21T10:00:05Z", "note": "5s after the commit" },
            ])
        );
    }

    #[test]
    fn what_belongs_to_another_revision_is_left_out() {
        let steps = of(&[kustomization("2026-11-21T09:00:00Z"), source("main@sha1:b")]);
        assert_eq!(steps.iter().map(|s| text(s, "/step")).collect::<Vec<_>>(), ["built", "applied", "ready"]);
        let steps = of(&[kustomization("2026-11-21T09:00:00Z"), source("main@sha1:a")]);
        assert_eq!(text(steps.last().unwrap(), "/step"), "checked");
        assert!(of(&[]).is_empty());
    }
}
