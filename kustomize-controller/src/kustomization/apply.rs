//! Objects -> cluster, stage by stage; then what left the source goes.

use std::collections::{BTreeMap, HashSet};

use sha2::{Digest as _, Sha256};
use weir_api::kustomize::Kustomization;
use weir_apply::{
    Applied, Cluster, Done, Outcome, Owner, Ownership, Pending, Reader, Watches,
    execute::{Context, execute},
    prune::prune,
    wait::until_ready,
};
use weir_manifest::{
    Action, Cleanup, Entry, Health, Inventory, Object, ObjectRef, Plan, Stage, Status, ignore,
    inventory::RawEntry,
    order,
    plan::{Rules, deletions, diff},
};
use weir_reconcile::Severity;
use weir_runtime::{Run, Trigger};

use super::{error::Error, facts::Facts, spec::Spec};
use crate::{args::Options, memory::InventoryDigest};
use weir_api::names::reason;

/// How long definitions and classes may take to become ready.
const STAGE: std::time::Duration = std::time::Duration::from_secs(60);

/// What applying needs, besides the objects.
pub struct Target<'a> {
    /// Whose objects.
    pub ks: &'a Kustomization,
    /// What the spec says.
    pub spec: &'a Spec,
    /// What the flags say.
    pub options: &'a Options,
    /// Under the identity that applies.
    pub cluster: &'a Cluster,
    /// Told of every write.
    pub watches: &'a Watches,
    /// The Kustomization, as the objects' labels name it.
    pub owner: &'a Owner,
    /// The run.
    pub run: &'a Run,
    /// Objects that are as they should be without asking: nothing they are made from moved, nor did they.
    pub held: &'a HashSet<ObjectRef>,
    /// Of those, the ones that were written since they were seen to be healthy.
    pub touched: &'a HashSet<ObjectRef>,
}

/// The objects the status lists.
#[must_use]
pub fn inventory(ks: &Kustomization) -> Inventory {
    let entries = ks.status.iter().filter_map(|status| status.inventory.as_ref()).flat_map(|i| &i.entries);
    let (inventory, bad) = Inventory::from_raw(entries.map(|e| RawEntry { id: e.id.clone(), v: e.v.clone() }));
    for entry in bad {
        tracing::warn!(error = %entry, "an inventory entry cannot be read, its object is not managed any more");
    }
    inventory
}

/// A digest of what the status lists, or should list.
#[must_use]
pub fn inventory_digest(inventory: &Inventory) -> InventoryDigest {
    let mut hasher = Sha256::new();
    for RawEntry { id, v } in inventory.to_raw() {
        for text in [id, v] {
            hasher.update((text.len() as u64).to_be_bytes());
            hasher.update(text.as_bytes());
        }
    }
    hasher.finalize().into()
}

/// The labels by which objects say whose they are.
#[must_use]
pub fn ownership() -> Ownership {
    use weir_api::names::label::{KUSTOMIZE_NAME, KUSTOMIZE_NAMESPACE};
    Ownership { name_label: KUSTOMIZE_NAME.to_owned(), namespace_label: KUSTOMIZE_NAMESPACE.to_owned() }
}

impl Target<'_> {
    /// Applies all objects. `None` when something newer stopped it between two stages.
    ///
    /// # Errors
    /// When an object is refused or a stage does not become ready. What was applied until then is in the inventory.
    pub async fn apply(&self, objects: Vec<Object>, facts: &mut Facts) -> Result<Option<Applied>, Error> {
        let old = inventory(self.ks);
        let mut applied = Applied::default();
        let result = self.stages(objects, &mut applied).await;
        let log = applied.log();
        facts.changed |= !log.is_empty();
        if !matches!(result, Ok(true)) {
            // Nothing that may be in the cluster is dropped before it was seen to go.
            let mut kept = old;
            kept.extend(applied.done.iter().map(|done| done.entry.clone()).chain(applied.uncertain.take()));
            facts.inventory = Some(kept);
        }
        let is_complete = result?;
        // What was done is told also when something newer stopped it between two stages: nobody else will.
        if is_complete || !log.is_empty() {
            self.log_changes(&applied, is_complete, facts);
        }
        if !log.is_empty() {
            facts.tell(Severity::Info, reason::PROGRESSING, log);
        }
        Ok(is_complete.then_some(applied))
    }

    async fn stages(&self, objects: Vec<Object>, applied: &mut Applied) -> Result<bool, Error> {
        for stage in order::stages(objects, &self.options.stage_kinds) {
            if self.run.is_cancelled() {
                return Ok(false);
            }
            self.stage(stage, applied).await?;
        }
        Ok(true)
    }

    pub(super) async fn stage(&self, mut stage: Stage, applied: &mut Applied) -> Result<(), Error> {
        let (held, asked): (Vec<Object>, Vec<Object>) =
            stage.objects.into_iter().partition(|object| self.held.contains(&object.reference()));
        applied.done.extend(held.iter().map(|object| self.as_it_was(object)));
        stage.objects = asked;
        let cleanup = Cleanup::standard(self.cluster.manager(), &self.options.override_managers);
        let reader = Reader {
            cluster: self.cluster,
            concurrency: self.options.concurrent_ssa,
            ignore: &self.spec.ignore,
            cleanup: &cleanup,
            force: self.ks.spec.force,
        };
        let live = match reader.read(&stage.objects).await {
            Ok(live) => live,
            Err(cause) => return Err(Error::Refused { cause: Box::new(cause), log: applied.log() }),
        };
        let change = |(object, live): (Object, weir_manifest::Live)| {
            let ignored = ignore::ignored(&self.spec.ignore, &object);
            diff(object, live, Rules { cleanup: &cleanup, ignored: &ignored })
        };
        let changes = stage.objects.into_iter().zip(live).map(change).collect();
        let plan = Plan { changes, deletions: Vec::new() };
        self.log_drift(&plan);
        let clock = self.run.clock();
        let judge = |object: &Object| self.spec.checks.judge(object, clock.now());
        let context = Context { cluster: self.cluster, watches: self.watches, owner: self.owner, judge: &judge };
        let mut next = execute(plan, context).await;
        let stopped = next.stopped.take();
        let mut pending = Pending::default();
        for done in next.done.iter().filter(|done| done.outcome != Outcome::Skipped) {
            pending.add(done.entry.clone(), done.health.clone(), done.may_vanish);
        }
        applied.extend(next);
        if let Some(cause) = stopped {
            return Err(Error::Apply { cause: Box::new(cause), log: applied.log() });
        }
        if stage.kind.waits() && !pending.is_done() {
            until_ready(&mut pending, self.cluster, self.watches, self.owner, &judge, STAGE)
                .await
                .map_err(|timeout| Error::Stage { missing: timeout.missing, log: applied.log() })?;
            // The wait has used up what the watches told of these objects: nothing would tell the health check again.
            let ready = pending.entries();
            for done in applied.done.iter_mut().filter(|done| ready.contains(&done.entry)) {
                done.health = Health::new(Status::Current, "ready with its stage");
            }
        }
        Ok(())
    }

    /// An object that nobody needs to ask about.
    fn as_it_was(&self, object: &Object) -> Done {
        let reference = object.reference();
        let health = match self.touched.contains(&reference) {
            true => Health::new(Status::Unknown, "written since"),
            false => Health::new(Status::Current, "as it was"),
        };
        let entry = Entry { object: reference, version: object.version().to_owned() };
        Done { entry, outcome: Outcome::Unchanged, health, may_vanish: false }
    }

    /// Logs what became of each object: by object, or with the gate GroupChangeLog by what became of it.
    pub(super) fn log_changes(&self, applied: &Applied, is_complete: bool, facts: &Facts) {
        if !tracing::enabled!(tracing::Level::INFO) {
            return;
        }
        let output = change_log(applied, self.options.group_change_log);
        let revision = facts.revision.as_deref();
        if is_complete {
            tracing::info!(output, revision, "server-side apply completed");
        } else {
            tracing::info!(output, revision, "server-side apply stopped, something newer came");
        }
    }

    /// Says which fields somebody changed, when that is why this run corrects them.
    fn log_drift(&self, plan: &Plan) {
        if !self.run.triggers.contains(Trigger::Drift) {
            return;
        }
        for change in &plan.changes {
            if let Action::Configure { fields, .. } = &change.action {
                let fields: Vec<&str> = fields.iter().map(|field| field.path.as_str()).collect();
                tracing::info!(object = %change.entry.object, fields = fields.join(" "), "drift is corrected");
            }
        }
    }

    /// Deletes what is in the old inventory and not among the applied objects any more.
    ///
    /// # Errors
    /// When something could not be deleted; it stays in the inventory.
    pub async fn prune(&self, applied: &Applied, facts: &mut Facts) -> Result<(), Error> {
        let mut now = Inventory::new(applied.done.iter().map(|done| done.entry.clone()));
        let stale = inventory(self.ks).minus(&now);
        facts.inventory = Some(now.clone());
        if stale.is_empty() {
            return Ok(());
        }
        if !self.ks.spec.prune {
            stale.iter().for_each(|entry| self.watches.forget(self.owner, &entry.object));
            return Ok(());
        }
        let pruned = prune(deletions(stale), self.cluster, self.watches, &ownership(), self.owner).await;
        let log = pruned.log();
        if !log.is_empty() {
            facts.changed = true;
            tracing::info!(output = %log, "garbage collection completed");
            facts.tell(Severity::Info, reason::PROGRESSING, log);
        }
        let Some(errors) = pruned.errors() else { return Ok(()) };
        now.extend(pruned.survivors.into_iter().map(|(entry, _)| entry));
        facts.inventory = Some(now);
        Err(Error::Prune { errors })
    }
}

/// As JSON: `{"<object>": "<what became of it>"}`, or grouped `{"<what became of them>": ["<object>"]}`.
fn change_log(applied: &Applied, grouped: bool) -> String {
    let done = applied.done.iter().map(|done| (done.outcome.word(), done.entry.object.to_string()));
    let log = if grouped {
        let mut groups: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        done.for_each(|(word, object)| groups.entry(word).or_default().push(object));
        serde_json::to_string(&groups)
    } else {
        serde_json::to_string(&done.map(|(word, object)| (object, word)).collect::<BTreeMap<_, _>>())
    };
    log.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_change_log_is_by_object_or_by_what_became_of_it() {
        let done = |name: &str, outcome| {
            let object = ObjectRef {
                group: String::new(),
                kind: "ConfigMap".to_owned(),
                namespace: "n".to_owned(),
                name: name.to_owned(),
            };
            let entry = Entry { object, version: "v1".to_owned() };
            Done { entry, outcome, health: Health::new(Status::Current, ""), may_vanish: false }
        };
        let done = vec![done("b", Outcome::Created), done("a", Outcome::Created), done("c", Outcome::Unchanged)];
        let applied = Applied { done, ..Applied::default() };
        let by_object = r#"{"ConfigMap/n/a":"created","ConfigMap/n/b":"created","ConfigMap/n/c":"unchanged"}"#;
        assert_eq!(change_log(&applied, false), by_object);
        let grouped = r#"{"created":["ConfigMap/n/b","ConfigMap/n/a"],"unchanged":["ConfigMap/n/c"]}"#;
        assert_eq!(change_log(&applied, true), grouped);
    }

    #[test]
    fn an_inventory_that_was_not_written_is_told_from_the_one_that_should_be() {
        let ks = |ids: &[(&str, &str)]| -> Kustomization {
            let entries: Vec<_> = ids.iter().map(|(id, v)| json!({"id": id, "v": v})).collect();
            serde_json::from_value(json!({"apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization",
                "metadata": {"name": "a", "namespace": "n"},
                "spec": {"interval": "1m", "prune": true, "sourceRef": {"kind": "GitRepository", "name": "s"}},
                "status": {"inventory": {"entries": entries}}}))
            .unwrap()
        };
        let digest = |ids: &[(&str, &str)]| inventory_digest(&inventory(&ks(ids)));
        let both = digest(&[("n_a__ConfigMap", "v1"), ("n_b__ConfigMap", "v1")]);
        assert_eq!(
            both,
            inventory_digest(&Inventory::new(
                inventory(&ks(&[("n_b__ConfigMap", "v1"), ("n_a__ConfigMap", "v1")])).entries().to_vec()
            ))
        );
        for other in [&[][..], &[("n_a__ConfigMap", "v1")], &[("n_a__ConfigMap", "v1"), ("n_b__ConfigMap", "v2")]] {
            assert_ne!(digest(other), both, "{other:?}");
        }
    }
}
