//! Finds again what was applied and never written down.
//!
//! Between the first write to the cluster and the status with the inventory the process may die, a run may panic, or the
//! status may not get through. If the next revision drops an object that was made then, nobody would know of it: it would stay
//! for ever. So a Kustomization of which that may be true takes the objects that carry its labels into its inventory, before
//! anything else is done with it.
//!
//! It may be true of one that this process has not reconciled yet, unless it was made after the process began or its status
//! says that nothing was to be done; later, when a run panicked or the status does not hold what it was given. In the steady
//! state, and for new objects, it costs nothing.
//!
//! What is taken in was applied by our own field manager, to this very object, after the status was last concluded: not what an
//! operator hands our labels on to, not a copy, not what was left to itself on purpose. Whether it may be deleted is looked at
//! again when it is.

use jiff::{SignedDuration, Timestamp};
use weir_api::{
    kustomize::{Kustomization, KustomizationStatus},
    names::condition,
};
use weir_apply::{Owner, Stray};
use weir_manifest::Inventory;
use weir_reconcile::conditions;
use weir_runtime::{Run, Trigger};

use super::{apply, conclude, error::Error};
use crate::{
    edge::Edge,
    memory::{InventoryDigest, Known, Memory},
    source::SourceKey,
};

/// How far our clock may be from the server's.
const SKEW: SignedDuration = SignedDuration::from_secs(30);
/// How much older than the process a Kustomization may be and still count as made after it: the server's times are in seconds.
const FRESH: SignedDuration = SignedDuration::from_secs(2);

/// The Kustomization with what was found in its inventory; `None` when there was nothing to look for, or nothing to be found.
///
/// # Errors
/// When the server cannot be asked.
pub async fn recover(
    ks: &Kustomization,
    seen: &InventoryDigest,
    run: &Run,
    edge: &impl Edge,
    memory: &Memory,
) -> Result<Option<Kustomization>, Error> {
    let began = memory.began(run.now);
    let since = match memory.known(&run.key, seen) {
        Known::Same => return Ok(None),
        Known::Doubtful { since } => since,
        Known::Never if is_new(ks, run, began) || is_settled(ks, edge).await => return Ok(None),
        // Whatever the process before this one left is there by now.
        Known::Never => Timestamp::MIN,
    };
    if ks.spec.kube_config.is_some() {
        // Its objects are in another cluster.
        return Ok(None);
    }
    let owner = Owner { namespace: run.key.namespace.clone(), name: run.key.name.clone() };
    let strays = edge.strays(&owner, since, run.clock().now()).await;
    let strays = strays.map_err(|cause| Error::Recover { cause: Box::new(cause) })?;
    Ok(with(ks, strays))
}

/// Nothing was applied for it before this process began.
fn is_new(ks: &Kustomization, run: &Run, began: Timestamp) -> bool {
    let made = ks.metadata.creation_timestamp.as_ref().map(|time| time.0);
    run.triggers.contains(Trigger::Created)
        && made.is_some_and(|made| made.saturating_add(FRESH).is_ok_and(|m| m >= began))
}

/// Its last run got to the end, and nothing has come since that another could have begun to work on.
async fn is_settled(ks: &Kustomization, edge: &impl Edge) -> bool {
    let Some(status) = &ks.status else { return false };
    let is_ready = conditions::is_true(&status.conditions, condition::READY)
        && conditions::find(&status.conditions, condition::RECONCILING).is_none()
        && status.observed_generation == ks.metadata.generation;
    let Some(concluded) = concluded(status).filter(|_| is_ready) else { return false };
    let source = edge.source(&SourceKey::of(ks)).await.ok().flatten();
    let Some(artifact) = source.and_then(|source| source.artifact) else { return false };
    status.last_applied_revision.as_deref() == Some(artifact.revision.as_str())
        && artifact.last_update_time <= concluded
}

/// When a run that may have applied something last got to its end.
fn concluded(status: &KustomizationStatus) -> Option<Timestamp> {
    status.history.first().map(|newest| newest.last_reconciled)
}

fn with(ks: &Kustomization, strays: Vec<Stray>) -> Option<Kustomization> {
    let made = ks.metadata.creation_timestamp.as_ref().map_or(Timestamp::MAX, |time| time.0);
    let last = ks.status.as_ref().and_then(concluded).and_then(|last| last.checked_sub(SKEW).ok());
    let since = last.map_or(made, |last| last.max(made));
    let mut inventory = apply::inventory(ks);
    let have =
        |inventory: &Inventory, stray: &Stray| inventory.entries().iter().any(|e| e.object == stray.entry.object);
    let is_ours = |stray: &Stray| stray.applied.parse::<Timestamp>().is_ok_and(|applied| applied >= since);
    let found: Vec<Stray> = strays.into_iter().filter(|s| is_ours(s) && !have(&inventory, s)).collect();
    if found.is_empty() {
        return None;
    }
    let names: Vec<String> = found.iter().map(|stray| stray.entry.object.to_string()).collect();
    tracing::info!(objects = names.join(", "), "objects of an interrupted run are taken into the inventory");
    inventory.extend(found.into_iter().map(|stray| stray.entry));
    let mut recovered = ks.clone();
    recovered.status.get_or_insert_default().inventory = Some(conclude::to_status(&inventory));
    Some(recovered)
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use weir_manifest::{ObjectRef, inventory::Entry};

    use super::*;

    fn ks(status: serde_json::Value) -> Kustomization {
        serde_json::from_value(json!({"apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization",
            "metadata": {"name": "a", "namespace": "n", "creationTimestamp": "2026-01-01T00:00:00Z"},
            "spec": {"interval": "1m", "prune": true, "sourceRef": {"kind": "GitRepository", "name": "s"}},
            "status": status}))
        .unwrap()
    }

    fn stray(name: &str, applied: &str) -> Stray {
        let object = ObjectRef {
            group: String::new(),
            kind: "ConfigMap".to_owned(),
            namespace: "n".to_owned(),
            name: name.to_owned(),
        };
        let owner = Owner { namespace: "n".to_owned(), name: "a".to_owned() };
        Stray { owner, entry: Entry { object, version: "v1".to_owned() }, applied: applied.to_owned() }
    }

    fn taken(status: serde_json::Value, applied: &str) -> Vec<String> {
        let strays = vec![stray("known", applied), stray("lost", applied)];
        let recovered = with(&ks(status), strays);
        recovered
            .map(|ks| apply::inventory(&ks))
            .unwrap_or_default()
            .entries()
            .iter()
            .map(|e| e.object.name.clone())
            .collect()
    }

    #[test]
    fn what_was_applied_since_the_last_conclusion_is_taken_in() {
        let concluded = json!({"inventory": {"entries": [{"id": "n_known__ConfigMap", "v": "v1"}]},
            "history": [{"digest": "sha256:a", "firstReconciled": "2026-01-02T00:00:00Z", "lastReconciled": "2026-01-02T00:00:00Z",
                "lastReconciledDuration": "1s", "lastReconciledStatus": "ReconciliationSucceeded", "totalReconciliations": 1}]});
        assert_eq!(taken(concluded.clone(), "2026-01-02T00:00:05Z"), ["known", "lost"]);
        assert_eq!(taken(concluded.clone(), "2026-01-01T23:59:45Z"), ["known", "lost"], "clocks differ");
        assert!(taken(concluded, "2026-01-01T12:00:00Z").is_empty(), "left to itself long before");
        assert_eq!(taken(json!({}), "2026-01-01T00:00:00Z"), ["known", "lost"], "the first run");
        assert!(taken(json!({}), "2025-12-31T23:59:59Z").is_empty(), "of another of this name");
    }

    #[test]
    fn what_is_known_is_not_news() {
        let status = json!({"inventory": {"entries": [{"id": "n_known__ConfigMap", "v": "v1"}]}});
        assert!(with(&ks(status), vec![stray("known", "2026-01-03T00:00:00Z")]).is_none());
    }
}
