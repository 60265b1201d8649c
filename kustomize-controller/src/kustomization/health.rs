//! Waiting until what was applied is what its specs ask for, without holding a worker.
//!
//! ```text
//! applied --begin--> Ready | Waiting (kept in memory) --resume (woken by a watch, or the deadline)--> Ready | Waiting | failed
//! ```

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::Semaphore;
use weir_api::{kustomize::Kustomization, meta, names::condition};
use weir_apply::{Applied, Cluster, Outcome, Owner, Pending};
use weir_manifest::{Health, Object, ObjectRef, Status, inventory::Entry};
use weir_reconcile::conditions;
use weir_runtime::{Run, Trigger};

use super::{
    apply,
    conclude::{Checked, End},
    error::Error,
    facts::{Facts, rounded},
    spec::Spec,
    timing,
};
use crate::{
    edge::Edge,
    memory::{InputsDigest, Last, Memory, Settled, Waiting},
};

/// Runs that may stay for objects to become ready. More at a time means that the cluster is busy, so that staying would be in
/// vain and only let more runs press on it.
static LINGERING: Semaphore = Semaphore::const_new(16);
/// How often such a run looks what was written, and how long it waits in between: together a second, after which a wait is
/// worth a status.
const LOOKS: u32 = 25;
const BETWEEN_LOOKS: Duration = Duration::from_millis(40);

/// What a wait needs.
pub struct Watcher<'a, E> {
    /// Whose objects.
    pub ks: &'a Kustomization,
    /// What the spec says.
    pub spec: &'a Spec,
    /// The world.
    pub edge: &'a E,
    /// Where a wait is kept.
    pub memory: &'a Memory,
    /// The Kustomization, as the objects' labels name it.
    pub owner: &'a Owner,
    /// Under the identity that applies.
    pub cluster: &'a Cluster,
    /// The run.
    pub run: &'a Run,
}

/// Whether a spec asks for health checks at all.
#[must_use]
pub fn is_wanted(ks: &Kustomization) -> bool {
    ks.spec.wait || !ks.spec.health_checks.is_empty()
}

/// The message while it waits.
#[must_use]
pub fn message(revision: &str, spec: &Spec) -> String {
    format!("Running health checks for revision {revision} with a timeout of {}", meta::Duration(spec.timeout))
}

impl<E: Edge> Watcher<'_, E> {
    /// Looks at what was applied; keeps a wait for what is not there yet.
    ///
    /// # Errors
    /// When an object has failed.
    pub async fn begin(&self, applied: &Applied, inputs: InputsDigest, facts: &mut Facts) -> Result<End, Error> {
        let settled = Settled {
            inputs,
            digest: facts.digest.clone().unwrap_or_default().into_boxed_str(),
            skipped: applied.done.iter().any(|done| done.outcome == Outcome::Skipped),
            is_remote: facts.is_remote,
            inventory: apply::inventory_digest(facts.inventory.as_ref().unwrap_or(&apply::inventory(self.ks))),
        };
        let pending = self.wanted(applied);
        if !is_wanted(self.ks) || pending.is_empty() {
            self.memory.keep(&self.run.key, Last::Settled(settled));
            return Ok(End::Ready { checked: None });
        }
        self.wait_for(pending, settled, facts, self.run.now).await
    }

    /// Waits for objects from now on.
    ///
    /// # Errors
    /// When one of them has failed.
    pub async fn wait_for(
        &self,
        mut pending: Pending,
        settled: Settled,
        facts: &mut Facts,
        started: Timestamp,
    ) -> Result<End, Error> {
        let since = self.run.clock().now();
        let unknown: Vec<ObjectRef> =
            pending.missing().filter(|(_, h)| h.status == Status::Unknown).map(|(o, _)| o.clone()).collect();
        if !unknown.is_empty() {
            self.look(&mut pending, Some(&unknown)).await;
        }
        self.linger(&mut pending).await;
        let timeout = SignedDuration::try_from(self.spec.timeout).unwrap_or(SignedDuration::MAX);
        let status = self.ks.status.as_ref();
        let waiting = Waiting {
            settled,
            watching: self.watch_others(&pending),
            pending,
            started,
            since,
            deadline: since.saturating_add(timeout).unwrap_or(Timestamp::MAX),
            failed: None,
            changed: facts.changed,
            was_healthy: status.is_some_and(|s| conditions::is_true(&s.conditions, condition::HEALTHY)),
            took: facts.took,
        };
        self.settle(waiting, facts)
    }

    /// Goes on with a wait.
    ///
    /// # Errors
    /// When time is up or an object has failed.
    pub async fn resume(&self, mut waiting: Waiting, facts: &mut Facts) -> Result<End, Error> {
        facts.digest = Some(waiting.settled.digest.to_string());
        facts.changed = waiting.changed;
        facts.took = waiting.took;
        let touched = self.edge.watches().take_touched(self.owner);
        let woken = self.run.triggers.iter().all(|t| t == Trigger::Health);
        self.look(&mut waiting.pending, woken.then_some(touched.as_slice())).await;
        self.settle(waiting, facts)
    }

    fn settle(&self, mut waiting: Waiting, facts: &mut Facts) -> Result<End, Error> {
        let now = self.run.clock().now();
        let took = Duration::try_from(now.duration_since(waiting.since)).unwrap_or_default();
        if waiting.pending.is_done() {
            facts.took.health = Some(took);
            self.run.trace().step_between("health", waiting.since, now);
            let checked = Checked { took, was_healthy: waiting.was_healthy, started: waiting.started };
            self.memory.keep(&self.run.key, Last::Settled(waiting.settled));
            return Ok(End::Ready { checked: Some(checked) });
        }
        if let Some(retry) = waiting.failed {
            // Told already; it may still come right before the next try.
            self.memory.keep(&self.run.key, Last::Waiting(Box::new(waiting)));
            return Ok(End::Quiet { until: retry });
        }
        let early = waiting.pending.has_failed() && self.edge.options().fail_fast;
        if !early && now < waiting.deadline {
            let deadline = waiting.deadline;
            let message = message(facts.revision.as_deref().unwrap_or_default(), self.spec);
            self.memory.keep(&self.run.key, Last::Waiting(Box::new(waiting)));
            return Ok(End::Waiting { deadline, message });
        }
        let text = if early { stalled(&waiting.pending) } else { late(&waiting.pending) };
        facts.took.health = Some(took);
        self.run.trace().step_between("health", waiting.since, now);
        let retry = SignedDuration::try_from(timing::retry_interval(&self.ks.spec)).unwrap_or(SignedDuration::MAX);
        waiting.failed = Some(now.saturating_add(retry).unwrap_or(Timestamp::MAX));
        self.memory.keep(&self.run.key, Last::Waiting(Box::new(waiting)));
        Err(Error::Health { after: rounded(took), text })
    }

    /// Most objects are what their specs ask for a moment after they were applied: a run that stays for that moment, in
    /// nobody's way, writes its status once instead of twice.
    async fn linger(&self, pending: &mut Pending) {
        if pending.is_done() || !self.ks.spec.wait {
            return;
        }
        let Ok(_place) = LINGERING.try_acquire() else { return };
        self.run.release();
        for _ in 0..LOOKS {
            if pending.is_done() || pending.has_failed() || !self.edge.watches().drifted(self.owner).is_empty() {
                return;
            }
            if self.run.cancel_token().run_until_cancelled(tokio::time::sleep(BETWEEN_LOOKS)).await.is_none() {
                return;
            }
            let touched = self.edge.watches().take_touched(self.owner);
            if !touched.is_empty() {
                self.look(pending, Some(&touched)).await;
            }
        }
    }

    async fn look(&self, pending: &mut Pending, which: Option<&[ObjectRef]>) {
        let clock = self.run.clock();
        let judge = |object: &Object| -> Health { self.spec.checks.judge(object, clock.now()) };
        pending.look(self.cluster, which, &judge).await;
    }

    /// The objects to wait for: all that were applied, or those that the spec names.
    pub fn wanted(&self, applied: &Applied) -> Pending {
        let mut pending = Pending::default();
        if self.ks.spec.wait {
            let done = applied.done.iter().filter(|done| done.outcome != Outcome::Skipped);
            for done in done.filter(|done| !self.is_itself(&done.entry.object)) {
                pending.add(done.entry.clone(), done.health.clone(), done.may_vanish);
            }
            return pending;
        }
        for entry in named(self.ks).into_iter().filter(|entry| !self.is_itself(&entry.object)) {
            match applied.done.iter().find(|done| done.entry.object == entry.object) {
                Some(done) => pending.add(entry, done.health.clone(), done.may_vanish),
                None => pending.add_unknown(entry),
            }
        }
        pending
    }

    /// Waiting for oneself would never end.
    fn is_itself(&self, object: &ObjectRef) -> bool {
        object.kind == "Kustomization" && object.namespace == self.owner.namespace && object.name == self.owner.name
    }

    /// Follows the objects that are not among the managed ones, one by one.
    fn watch_others(&self, pending: &Pending) -> Option<tokio_util::sync::DropGuard> {
        if self.ks.spec.wait || pending.is_done() {
            return None;
        }
        let until = tokio_util::sync::CancellationToken::new();
        self.edge.watches().attend_to(self.cluster, self.owner, pending.entries(), &until);
        Some(until.drop_guard())
    }
}

/// The objects that `spec.healthChecks` names.
#[must_use]
pub fn named(ks: &Kustomization) -> Vec<Entry> {
    let entry = |reference: &meta::ObjectReference| {
        let api_version = reference.api_version.as_deref().filter(|v| !v.is_empty()).unwrap_or("apps/v1");
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        let object = ObjectRef {
            group: group.to_owned(),
            kind: reference.kind.clone(),
            namespace: reference.namespace.clone().unwrap_or_default(),
            name: reference.name.clone(),
        };
        Entry { object, version: version.to_owned() }
    };
    ks.spec.health_checks.iter().map(entry).collect()
}

fn stalled(pending: &Pending) -> String {
    let failed = pending.missing().filter(|(_, health)| health.status == Status::Failed);
    let list: Vec<String> = failed.map(|(object, _)| format!("{object} status: 'Failed'")).collect();
    format!("failed early due to stalled resources: [{}]{}", list.join(", "), why(pending))
}

fn late(pending: &Pending) -> String {
    format!("timeout waiting for: [{}]{}", pending.text(), why(pending))
}

/// Why, for each object: what to look at next.
fn why(pending: &Pending) -> String {
    let details = pending.details();
    if details.is_empty() { details } else { format!("; {details}") }
}
