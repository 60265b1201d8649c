//! Drift alone: nothing that objects are made from moved, so only those that drifted are put back, at once and several at
//! a time. What is not that simple is planned for like in any other run, but for these objects only.

use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};

use futures::{StreamExt as _, stream};
use jiff::Timestamp;
use weir_api::names::reason;
use weir_apply::{Applied, Done, Outcome, Owner, execute::Context, repair};
use weir_manifest::{Cleanup, Object, ObjectRef, ignore, order};
use weir_reconcile::Severity;
use weir_runtime::{Run, Trigger};

use super::{
    apply::{self, Target},
    conclude::End,
    error::Error,
    facts::{self, Facts},
    gather::Inputs,
    health::{self, Watcher},
};
use crate::{
    edge::Edge,
    memory::{Last, Memory, Settled},
};

/// What of the drift can be put back.
#[derive(Debug, Default)]
pub struct Drift {
    /// Now.
    pub due: HashSet<ObjectRef>,
    /// Objects whose corrections others undo wait; until when the first of them does.
    pub later: Option<Timestamp>,
}

impl Drift {
    /// The drift of an owner.
    #[must_use]
    pub fn of(owner: &Owner, run: &Run, edge: &impl Edge, memory: &Memory) -> Self {
        let mut drift = Self::default();
        for object in edge.watches().drifted(owner) {
            match memory.truce(&run.key, &object, run.now) {
                Some(until) => drift.later = Some(drift.later.map_or(until, |first| first.min(until))),
                None => {
                    drift.due.insert(object);
                }
            }
        }
        drift
    }

    /// Until when there is nothing to do: all that drifted has to wait.
    #[must_use]
    pub fn rests(&self, run: &Run) -> Option<Timestamp> {
        let only_woken = run.triggers.iter().all(|t| matches!(t, Trigger::Drift | Trigger::Health));
        self.later.filter(|_| only_woken && self.due.is_empty())
    }

    /// Whether putting it back is all that a run with unchanged inputs has to do.
    #[must_use]
    pub fn is_all(&self, run: &Run) -> bool {
        let asks_for_more = |t| matches!(t, Trigger::Start | Trigger::Created | Trigger::Requested | Trigger::Interval);
        !self.due.is_empty() && !run.triggers.iter().any(asks_for_more)
    }
}

/// Puts back what drifted.
///
/// # Errors
/// When the build or the server fails; the next run looks at everything then.
pub async fn run<E: Edge>(
    target: &Target<'_>,
    watcher: &Watcher<'_, E>,
    inputs: Inputs,
    mut settled: Settled,
    drift: Drift,
    facts: &mut Facts,
) -> Result<End, Error> {
    let Target { ks, run, owner, .. } = *target;
    let Some(objects) = super::build_all(target, watcher.edge, inputs, facts).await? else {
        watcher.memory.keep(&run.key, Last::Settled(settled));
        return Ok(End::Preempted);
    };
    let began = run.clock().now();
    let mut applied = Applied::default();
    let (result, later) = all(target, watcher, objects, drift, &mut applied).await;
    let ended = run.clock().now();
    facts.took.apply = Duration::try_from(ended.duration_since(began)).ok();
    run.trace().step_between("apply", began, ended);
    let log = applied.log();
    if !log.is_empty() {
        facts.changed = true;
        target.log_changes(&applied, result.is_ok(), facts);
        facts.tell(Severity::Info, reason::PROGRESSING, log);
        tell_fight(run, watcher.memory, &applied, facts);
    }
    result?;
    facts.again = later;
    settled.skipped |= applied.done.iter().any(|done| done.outcome == Outcome::Skipped);
    let mut pending = watcher.wanted(&applied);
    if ks.spec.wait {
        // Written while they were healthy: those have to be looked at again.
        let touched: HashSet<ObjectRef> = watcher.edge.watches().take_touched(owner).into_iter().collect();
        let is_applied = |object: &ObjectRef| applied.done.iter().any(|done| done.entry.object == *object);
        let inventory = apply::inventory(ks);
        let others = inventory.entries().iter().filter(|e| touched.contains(&e.object) && !is_applied(&e.object));
        others.for_each(|entry| pending.add_unknown(entry.clone()));
    }
    if !health::is_wanted(ks) || pending.is_empty() {
        watcher.memory.keep(&run.key, Last::Settled(settled));
        return Ok(End::Ready { checked: None });
    }
    watcher.wait_for(pending, settled, facts, run.now).await
}

/// Puts back what is due, and what drifts meanwhile: to tell costs the server more than to put back. Each object once, so
/// that a run ends also when others undo it.
async fn all<E: Edge>(
    target: &Target<'_>,
    watcher: &Watcher<'_, E>,
    objects: Vec<Object>,
    mut drift: Drift,
    applied: &mut Applied,
) -> (Result<(), Error>, Option<Timestamp>) {
    let mut objects: HashMap<ObjectRef, Object> = objects.into_iter().map(|o| (o.reference(), o)).collect();
    loop {
        let due: Vec<Object> = drift.due.iter().filter_map(|object| objects.remove(object)).collect();
        if due.is_empty() {
            return (Ok(()), drift.later);
        }
        if let Err(error) = target.put_back(due, applied).await {
            return (Err(error), drift.later);
        }
        if target.run.is_cancelled() {
            return (Ok(()), drift.later);
        }
        drift = Drift::of(target.owner, target.run, watcher.edge, watcher.memory);
    }
}

impl Target<'_> {
    async fn put_back(&self, objects: Vec<Object>, applied: &mut Applied) -> Result<(), Error> {
        let cleanup = Cleanup::standard(self.cluster.manager(), &self.options.override_managers);
        let clock = self.run.clock();
        let judge = |object: &Object| self.spec.checks.judge(object, clock.now());
        let context = Context { cluster: self.cluster, watches: self.watches, owner: self.owner, judge: &judge };
        let (simple, mut rest): (Vec<Object>, Vec<Object>) = objects.into_iter().partition(|o| self.is_simple(o));
        let asked: Vec<_> = simple.into_iter().map(|object| one(object, &cleanup, context)).collect();
        let mut answers = stream::iter(asked).buffer_unordered(self.options.concurrent_ssa.max(1));
        while let Some(answer) = answers.next().await {
            match answer {
                Ok(done) => applied.done.push(done),
                Err(object) => rest.push(object),
            }
        }
        drop(answers);
        for stage in order::stages(rest, &self.options.stage_kinds) {
            self.stage(stage, applied).await?;
        }
        Ok(())
    }

    /// Whether nothing waits for the object and all of it is sent.
    fn is_simple(&self, object: &Object) -> bool {
        !order::stage_of(&object.reference(), &self.options.stage_kinds).waits()
            && ignore::ignored(&self.spec.ignore, object).is_empty()
    }
}

async fn one(object: Object, cleanup: &Cleanup, context: Context<'_>) -> Result<Done, Object> {
    repair(&object, cleanup, context).await.ok_or(object)
}

/// Counts corrections; says so when others undo each of them.
pub fn tell_fight(run: &Run, memory: &Memory, applied: &Applied, facts: &mut Facts) {
    let now = run.clock().now();
    let changed: Vec<&ObjectRef> =
        applied.done.iter().filter(|done| done.outcome.is_change()).map(|done| &done.entry.object).collect();
    memory.corrected(&run.key, &changed, now);
    let truce = |object: &&ObjectRef| Some(((*object).to_string(), memory.truce(&run.key, object, now)?));
    let (objects, until): (Vec<String>, Vec<Timestamp>) = changed.iter().filter_map(truce).unzip();
    let Some(until) = until.into_iter().max() else { return };
    let pause = Duration::try_from(until.duration_since(now)).unwrap_or_default();
    let message = format!(
        "{} changed by others again and again: corrected, the next correction waits {}; find who writes it with \
         kubectl get -o yaml --show-managed-fields, or leave its fields alone with spec.ignore",
        objects.join(", "),
        facts::rounded(pause)
    );
    facts.tell(Severity::Error, "DriftDetected", message);
}
