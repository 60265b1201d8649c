//! What happens to the objects when their Kustomization is deleted.

use std::time::Duration;

use jiff::SignedDuration;
use weir_api::{
    kustomize::{DeletionPolicy, Kustomization, KustomizationStatus},
    names::reason,
};
use weir_apply::{Owner, prune::prune};
use weir_manifest::{inventory::Entry, plan::deletions};
use weir_reconcile::{Conclusion, Conditions, Event, Outcome, Requeue, Severity, conditions, describe};
use weir_runtime::{Finalized, Run};

use super::{apply, recover, timing};
use crate::{edge::Edge, memory::Memory};

/// Between looks at objects that are terminating.
const LOOK: Duration = Duration::from_secs(2);

/// Deletes what the policy says and waits for it where the policy says so.
pub async fn finalize(
    ks: &Kustomization,
    run: &Run,
    edge: &impl Edge,
    memory: &Memory,
) -> Finalized<KustomizationStatus> {
    if !deletes(ks) {
        return Finalized::done();
    }
    let seen = apply::inventory_digest(&apply::inventory(ks));
    let recovered = match recover::recover(ks, &seen, run, edge, memory).await {
        Ok(recovered) => recovered,
        Err(error) => return again(ks, vec![told(ks, Severity::Error, describe(&error))]),
    };
    let ks = recovered.as_ref().unwrap_or(ks);
    if apply::inventory(ks).is_empty() {
        return Finalized::done();
    }
    if ks.spec.kube_config.is_some() {
        // They are in another cluster: here are only namesakes.
        let said = "unable to prune objects: spec.kubeConfig is not supported by this version of Weir yet; let Flux's \
                    kustomize-controller delete them, or keep them with spec.deletionPolicy: Orphan";
        return stays(ks, run, said);
    }
    match edge.can_impersonate(ks).await {
        Ok(true) => delete(ks, run, edge).await,
        Ok(false) => {
            let objects: Vec<String> =
                apply::inventory(ks).entries().iter().map(|entry| entry.object.to_string()).collect();
            let message = format!("unable to prune objects: \n{}", objects.join("\n"));
            tracing::error!("skipping pruning, failed to find account to impersonate");
            Finalized::Done(vec![told(ks, Severity::Error, message)])
        }
        Err(error) => {
            again(ks, vec![told(ks, Severity::Error, format!("pruning for deleted resource failed: {error}"))])
        }
    }
}

/// Whether the objects go with their Kustomization.
fn deletes(ks: &Kustomization) -> bool {
    if ks.spec.suspend {
        return false;
    }
    match ks.spec.deletion_policy.unwrap_or_default() {
        DeletionPolicy::MirrorPrune => ks.spec.prune,
        DeletionPolicy::Delete | DeletionPolicy::WaitForTermination => true,
        DeletionPolicy::Orphan => false,
    }
}

async fn delete(ks: &Kustomization, run: &Run, edge: &impl Edge) -> Finalized<KustomizationStatus> {
    let owner = Owner { namespace: run.key.namespace.clone(), name: run.key.name.clone() };
    let entries: Vec<Entry> = apply::inventory(ks).entries().to_vec();
    let cluster = edge.cluster(ks);
    let pruned = prune(deletions(entries), &cluster, edge.watches(), &apply::ownership(), &owner).await;
    if let Some(errors) = pruned.errors() {
        tracing::error!(error = errors, "pruning for deleted resource failed");
        let message = format!("pruning for deleted resource failed: {errors}");
        return again(ks, vec![told(ks, Severity::Error, message)]);
    }
    let waits = ks.spec.deletion_policy == Some(DeletionPolicy::WaitForTermination);
    if !waits || pruned.deleted.is_empty() {
        return done(ks, &pruned.log());
    }
    let deleted = ks.metadata.deletion_timestamp.as_ref().map_or(run.now, |time| time.0);
    let timeout = SignedDuration::try_from(timing::timeout(&ks.spec)).unwrap_or(SignedDuration::MAX);
    if run.now.duration_since(deleted) >= timeout {
        let mut events = vec![told(ks, Severity::Info, pruned.log())];
        events.push(told(ks, Severity::Error, "failed to wait for resources termination"));
        return Finalized::Done(events);
    }
    for entry in &pruned.deleted {
        if !matches!(cluster.get_metadata(entry).await, Ok(None)) {
            let status = ks.status.clone().unwrap_or_default();
            let requeue = Requeue::After(LOOK);
            return Finalized::NotYet(Conclusion { status, events: Vec::new(), requeue, outcome: Outcome::Waiting });
        }
    }
    done(ks, &pruned.log())
}

fn done(ks: &Kustomization, log: &str) -> Finalized<KustomizationStatus> {
    if log.is_empty() { Finalized::done() } else { Finalized::Done(vec![told(ks, Severity::Info, log)]) }
}

/// It cannot be done here, however often it is tried: `Ready` says so, and people are told once.
fn stays(ks: &Kustomization, run: &Run, said: &str) -> Finalized<KustomizationStatus> {
    let mut status = ks.status.clone().unwrap_or_default();
    let ready = conditions::find(&status.conditions, conditions::READY);
    let is_told = ready.is_some_and(|ready| ready.message == said);
    let mut list = Conditions::new(&status.conditions, ks.metadata.generation, run.now);
    list.mark_false(conditions::READY, reason::PRUNE_FAILED, said);
    status.conditions = list.into_vec();
    let now = Kustomization { status: Some(status.clone()), ..ks.clone() };
    let events = if is_told { Vec::new() } else { vec![told(&now, Severity::Error, said)] };
    Finalized::NotYet(Conclusion { status, events, requeue: Requeue::Backoff, outcome: Outcome::Failed })
}

fn again(ks: &Kustomization, events: Vec<Event>) -> Finalized<KustomizationStatus> {
    let status = ks.status.clone().unwrap_or_default();
    Finalized::NotYet(Conclusion { status, events, requeue: Requeue::Backoff, outcome: Outcome::Failed })
}

fn told(ks: &Kustomization, severity: Severity, message: impl Into<String>) -> Event {
    let status = ks.status.clone().unwrap_or_default();
    let ready = conditions::find(&status.conditions, conditions::READY);
    let reason = ready.map_or(reason::PROGRESSING, |ready| ready.reason.as_str());
    let mut event = Event::new(severity, reason, message);
    let revisions =
        [("revision", status.last_applied_revision), ("originRevision", status.last_applied_origin_revision)];
    for (key, revision) in revisions {
        if let Some(revision) = revision {
            event = event.with(key, revision);
        }
    }
    event
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use weir_runtime::{ObjectKey, Trigger, clock::Clock};

    use super::*;

    #[test]
    fn what_cannot_be_pruned_here_says_so_once() {
        let ks: Kustomization = serde_json::from_value(json!({"apiVersion": "kustomize.toolkit.fluxcd.io/v1",
            "kind": "Kustomization", "metadata": {"name": "a", "namespace": "n", "generation": 1},
            "spec": {"interval": "1m", "prune": true, "sourceRef": {"kind": "GitRepository", "name": "s"}}}))
        .unwrap();
        let run = Run::detached(ObjectKey::new("n", "a"), Trigger::Deleted, Clock::system());
        let Finalized::NotYet(first) = stays(&ks, &run, "not here") else { panic!("it let go of the objects") };
        let ready = conditions::find(&first.status.conditions, conditions::READY).unwrap();
        assert_eq!((ready.reason.as_str(), ready.message.as_str()), ("PruneFailed", "not here"));
        assert_eq!((first.events.len(), first.events[0].reason.as_str()), (1, "PruneFailed"));
        let ks = Kustomization { status: Some(first.status), ..ks };
        let Finalized::NotYet(second) = stays(&ks, &run, "not here") else { panic!("it let go of the objects") };
        assert!(second.events.is_empty());
        assert_eq!(second.requeue, Requeue::Backoff);
    }
}
