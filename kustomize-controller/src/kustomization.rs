//! `Kustomization`: artifact -> objects -> plan -> cluster -> conclusion.
//!
//! Every `.await` is an edge; every other line is pure. A run that finds all its inputs as they were, and all its objects
//! as it left them, asks nobody and changes nothing.

pub mod apply;
pub mod build;
pub mod conclude;
pub mod depends;
pub mod error;
pub mod facts;
pub mod finalize;
pub mod gather;
pub mod health;
pub mod history;
pub mod recover;
pub mod repair;
pub mod spec;
pub mod substitute;
pub mod timing;

use std::{collections::HashSet, time::Duration};

use jiff::SignedDuration;
use weir_api::{
    kustomize::{Kustomization, KustomizationStatus},
    meta,
    names::{reason, weir},
};
use weir_apply::{Attention, Owner, Pending, Watches};
use weir_artifact::tree::DirTree;
use weir_manifest::{Object, ObjectRef, inventory::Entry};
use weir_reconcile::{Conclusion, Outcome, Phase, Severity};
use weir_runtime::{Run, Trigger};

use self::{
    apply::Target,
    conclude::{End, Span},
    error::Error,
    facts::Facts,
    gather::Inputs,
    health::Watcher,
    repair::Drift,
    spec::Spec,
};
use crate::{
    edge::Edge,
    memory::{InventoryDigest, Last, Memory, Settled},
    source::SourceKey,
};

/// How long after its creation a Kustomization does not complain that its source has nothing yet.
const YOUNG: Duration = Duration::from_secs(2);

/// One run.
pub async fn reconcile(
    ks: &Kustomization,
    run: &Run,
    edge: &impl Edge,
    memory: &Memory,
) -> Conclusion<KustomizationStatus> {
    let owner = Owner { namespace: run.key.namespace.clone(), name: run.key.name.clone() };
    let mut facts = Facts::begin(ks, run.id);
    let flight = InFlight::begin(edge.watches(), &owner);
    let seen = apply::inventory_digest(&apply::inventory(ks));
    let (recovered, refused) = match recover::recover(ks, &seen, run, edge, memory).await {
        Ok(recovered) => (recovered, None),
        Err(error) => (None, Some(error)),
    };
    let seen = recovered.as_ref().map_or(seen, |ks| apply::inventory_digest(&apply::inventory(ks)));
    let (ks, is_sure) = (recovered.as_ref().unwrap_or(ks), refused.is_none());
    let result = match refused {
        None => attempt(ks, seen, run, edge, memory, &owner, &mut facts).await,
        Some(error) => Err(error),
    };
    let left = facts.inventory.as_ref().map_or(seen, apply::inventory_digest);
    let span = Span { started: run.now, ended: run.clock().now() };
    let attention = attention(ks, &result);
    let traced = facts.changed || matches!(result, Err(_) | Ok(End::Ready { checked: Some(_) }));
    if traced && run.trace().keep().is_some() {
        run.trace().attribute("weir.revision", facts.revision.clone().unwrap_or_default());
    }
    let conclusion = conclude::from(ks, facts, result, span);
    if is_sure {
        memory.leaves(&run.key, left, span.ended);
    }
    flight.end(attention);
    if conclusion.outcome == Outcome::Success {
        let newest = Kustomization { status: Some(conclusion.status.clone()), ..ks.clone() };
        memory.concluded(&run.key, &newest);
        edge.wake_dependants(&run.key);
    }
    conclusion
}

/// A run of an owner, as the watches know it; ends with the run, also when that panics or is dropped.
struct InFlight<'a> {
    watches: &'a Watches,
    owner: &'a Owner,
    attention: Attention,
}

impl<'a> InFlight<'a> {
    fn begin(watches: &'a Watches, owner: &'a Owner) -> Self {
        watches.begin(owner);
        Self { watches, owner, attention: Attention::None }
    }

    fn end(mut self, attention: Attention) {
        self.attention = attention;
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.watches.finish(self.owner, self.attention);
    }
}

/// What the watches have to tell until the next run.
fn attention(ks: &Kustomization, result: &Result<End, Error>) -> Attention {
    match result {
        Ok(End::Waiting { .. } | End::Quiet { .. }) | Err(Error::Health { .. }) => Attention::Wake,
        Ok(_) if ks.spec.wait => Attention::Note,
        _ => Attention::None,
    }
}

async fn attempt(
    ks: &Kustomization,
    inventory: InventoryDigest,
    run: &Run,
    edge: &impl Edge,
    memory: &Memory,
    owner: &Owner,
    facts: &mut Facts,
) -> Result<End, Error> {
    let spec = Spec::parse(ks, edge.options())?;
    let drift = Drift::of(owner, run, edge, memory);
    if let Some(until) = drift.rests(run) {
        return Ok(End::Quiet { until });
    }
    let artifact = match gather::artifact(ks, edge, facts).await {
        Err(Error::NoArtifact { .. } | Error::SourceNotFound { .. }) if is_young(ks, run) => {
            return Ok(End::Quiet { until: run.now.saturating_add(SignedDuration::from_secs(2)).unwrap_or(run.now) });
        }
        artifact => artifact?,
    };
    if let Some(parent) = artifact.metadata.as_ref().and_then(|m| m.get(weir::TRACEPARENT)) {
        run.trace().continue_from(parent);
    }
    gather::dependencies(ks, &artifact.revision, edge).await?;
    let mut inputs = gather::inputs(ks, artifact, edge).await?;
    facts.secrets = std::mem::take(&mut inputs.secrets);
    let cluster = edge.cluster(ks);
    let watcher = Watcher { ks, spec: &spec, edge, memory, owner, cluster: &cluster, run };
    let (mut held, mut repaired) = (HashSet::new(), None);
    let same = |settled: &Settled| {
        let may_be_new = settled.is_remote && looks_again(run);
        settled.inputs == inputs.digest && settled.inventory == inventory && !may_be_new
    };
    match memory.take(&run.key) {
        Some(Last::Waiting(waiting)) if same(&waiting.settled) && goes_on(&waiting, run, edge, owner) => {
            return watcher.resume(*waiting, facts).await;
        }
        Some(Last::Settled(settled)) if same(&settled) && holds(ks, &settled, edge, owner) => {
            return unchanged(&watcher, settled, facts).await;
        }
        Some(Last::Settled(settled)) if same(&settled) && drift.is_all(run) => repaired = Some(settled),
        Some(Last::Settled(settled)) if settled.inputs == inputs.digest && !settled.is_remote => {
            held = still(ks, edge, owner);
        }
        Some(Last::Waiting(waiting)) if waiting.failed.is_none() && edge.options().tell_cancelled_checks => {
            if let Some(end) = cancelled(ks, run, facts) {
                return Ok(end);
            }
        }
        _ => {}
    }
    // Written while they were healthy: those have to be looked at again.
    let touched =
        if held.is_empty() { HashSet::new() } else { edge.watches().take_touched(owner).into_iter().collect() };
    if health::is_wanted(ks) {
        // From before the first write, so that nothing its objects do is missed.
        edge.watches().attend(owner);
    }
    let target = Target {
        ks,
        spec: &spec,
        options: edge.options(),
        cluster: &cluster,
        watches: edge.watches(),
        owner,
        run,
        held: &held,
        touched: &touched,
    };
    match repaired {
        Some(settled) => repair::run(&target, &watcher, inputs, settled, drift, facts).await,
        None => apply_all(&target, &watcher, inputs, memory, facts).await,
    }
}

/// Files -> objects -> cluster -> health.
async fn apply_all<E: Edge>(
    target: &Target<'_>,
    watcher: &Watcher<'_, E>,
    inputs: Inputs,
    memory: &Memory,
    facts: &mut Facts,
) -> Result<End, Error> {
    let Target { ks, run, .. } = *target;
    let digest = inputs.digest;
    let Some(objects) = build_all(target, watcher.edge, inputs, facts).await? else { return Ok(End::Preempted) };
    let began = run.clock().now();
    memory.applies(&run.key, apply::inventory_digest(&apply::inventory(ks)), began);
    let applied = target.apply(objects, facts).await;
    let applied = match applied {
        Ok(Some(applied)) => target.prune(&applied, facts).await.map(|()| Some(applied)),
        other => other,
    };
    let ended = run.clock().now();
    facts.took.apply = Duration::try_from(ended.duration_since(began)).ok();
    run.trace().step_between("apply", began, ended);
    let Some(applied) = applied? else { return Ok(End::Preempted) };
    if facts.changed && run.triggers.contains(Trigger::Drift) {
        repair::tell_fight(run, memory, &applied, facts);
    }
    watcher.begin(&applied, digest, facts).await
}

/// Files -> objects. `None` when something newer stopped it.
async fn build_all(
    target: &Target<'_>,
    edge: &impl Edge,
    inputs: Inputs,
    facts: &mut Facts,
) -> Result<Option<Vec<Object>>, Error> {
    let Target { ks, run, spec, .. } = *target;
    progress(run, facts, "Fetching manifests", spec);
    let files = timed(run, "artifact", &mut facts.took.fetch, gather::files(&inputs, edge)).await?;
    facts.attempted = true;
    progress(run, facts, "Building manifests", spec);
    let variables = inputs.variables;
    let building = async {
        let _slot = edge.build_slot().await;
        let (ks, strict, remote) = (ks.clone(), target.options.strict_substitution, target.options.remote_bases);
        let build = move |interrupt| {
            let dir = files.dir().try_clone().map_err(Error::Disk)?;
            build::objects(&ks, &DirTree::new(dir), &variables, &build::Settings { strict, remote, interrupt })
        };
        build::thread::within(spec.timeout, run, build).await
    };
    let Some(built) = timed(run, "build", &mut facts.took.build, building).await? else { return Ok(None) };
    facts.digest = Some(built.digest);
    facts.is_remote = built.is_remote;
    if run.is_cancelled() {
        return Ok(None);
    }
    progress(run, facts, "Detecting drift", spec);
    Ok(Some(built.objects))
}

/// All inputs are as they were, and all objects as we left them. What wrote to them otherwise may have made them unhealthy.
async fn unchanged<E: Edge>(watcher: &Watcher<'_, E>, settled: Settled, facts: &mut Facts) -> Result<End, Error> {
    facts.digest = Some(settled.digest.to_string());
    let ks = watcher.ks;
    let touched = watcher.edge.watches().take_touched(watcher.owner);
    let entries: Vec<Entry> = match ks.spec.wait {
        true => apply::inventory(ks).entries().iter().filter(|e| touched.contains(&e.object)).cloned().collect(),
        false => health::named(ks),
    };
    if entries.is_empty() {
        watcher.memory.keep(&watcher.run.key, Last::Settled(settled));
        return Ok(End::Unchanged);
    }
    let mut pending = Pending::default();
    entries.into_iter().for_each(|entry| pending.add_unknown(entry));
    match watcher.wait_for(pending, settled, facts, watcher.run.now).await? {
        End::Ready { checked: Some(checked) } if checked.was_healthy => Ok(End::Unchanged),
        other => Ok(other),
    }
}

/// Whether a run looks for what is new where nothing tells of it: in remote bases.
fn looks_again(run: &Run) -> bool {
    [Trigger::Start, Trigger::Interval, Trigger::Requested].into_iter().any(|t| run.triggers.contains(t))
}

/// Whether a wait is gone on with: nothing drifted, and it did not fail and is due again.
fn goes_on(waiting: &crate::memory::Waiting, run: &Run, edge: &impl Edge, owner: &Owner) -> bool {
    let only_woken =
        run.triggers.iter().all(|t| matches!(t, Trigger::Health | Trigger::Dependency | Trigger::Other(_)));
    edge.watches().drifted(owner).is_empty() && (waiting.failed.is_none() || only_woken)
}

/// Whether all objects are followed and as we left them.
fn holds(ks: &Kustomization, settled: &Settled, edge: &impl Edge, owner: &Owner) -> bool {
    !settled.skipped && edge.watches().hold(owner, apply::inventory(ks).entries())
}

/// Of the managed objects, those that are followed and as we left them.
fn still(ks: &Kustomization, edge: &impl Edge, owner: &Owner) -> HashSet<ObjectRef> {
    let inventory = apply::inventory(ks);
    let entries = inventory.entries().iter();
    entries.filter(|e| edge.watches().hold(owner, std::slice::from_ref(e))).map(|e| e.object.clone()).collect()
}

/// A wait that something newer ended, as Flux tells it with the gate: `Ready` says so until the next run, which follows at once.
fn cancelled(ks: &Kustomization, run: &Run, facts: &mut Facts) -> Option<End> {
    let by = if run.triggers.contains(Trigger::Artifact) {
        SourceKey::of(ks).to_string()
    } else if [Trigger::Changed, Trigger::Requested, Trigger::Input].into_iter().any(|t| run.triggers.contains(t)) {
        format!("Kustomization/{}", run.key)
    } else {
        return None;
    };
    // Told of the revision whose checks these were.
    let attempted = ks.status.as_ref().and_then(|status| status.last_attempted_revision.clone());
    let newer = std::mem::replace(&mut facts.revision, attempted);
    let message = format!("Health checks canceled due to new reconciliation triggered by {by}");
    facts.tell(Severity::Info, reason::HEALTH_CHECK_CANCELED, message);
    facts.revision = newer;
    // A request counts as handled once a run has written its status: that has to be the one that does what was asked for.
    (!run.triggers.contains(Trigger::Requested)).then_some(End::Cancelled { by })
}

fn is_young(ks: &Kustomization, run: &Run) -> bool {
    let created = ks.metadata.creation_timestamp.as_ref().map(|time| time.0);
    created.is_some_and(|created| Duration::try_from(run.now.duration_since(created)).unwrap_or_default() < YOUNG)
}

fn progress(run: &Run, facts: &mut Facts, what: &str, spec: &Spec) {
    let revision = facts.revision.as_deref().unwrap_or_default();
    let message = format!("{what} for revision {revision} with a timeout of {}", meta::Duration(spec.timeout));
    run.progress(Phase::new(message.clone()));
    facts.phase = Some(message);
}

async fn timed<T>(run: &Run, step: &str, took: &mut Option<Duration>, work: impl Future<Output = T>) -> T {
    let began = run.clock().now();
    let span = run.trace().step(step);
    let done = work.await;
    drop(span);
    *took = Duration::try_from(run.clock().now().duration_since(began)).ok();
    done
}
