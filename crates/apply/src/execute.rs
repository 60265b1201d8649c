//! Makes a plan true, one object after the other.

use std::{sync::Arc, time::Duration};

use weir_manifest::{Action, Change, Health, Metadata, Object, ObjectRef, Plan, Status, inventory::Entry};

use crate::{
    cluster::{Cluster, DeleteOptions},
    error::RequestError,
    read::spoken,
    table::Owner,
    wait::Judge,
    watch::Watches,
};

/// How long an object that is recreated may take to go.
const GONE_WITHIN: Duration = Duration::from_secs(60);
const LOOK: Duration = Duration::from_millis(100);
const LONGEST_LOOK: Duration = Duration::from_secs(2);

/// What execution needs.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// Under the identity that applies.
    pub cluster: &'a Cluster,
    /// Told of every write.
    pub watches: &'a Watches,
    /// Whose plan it is.
    pub owner: &'a Owner,
    /// Judges what comes back.
    pub judge: &'a Judge<'a>,
}

impl std::fmt::Debug for Context<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Context").field("owner", &self.owner).finish_non_exhaustive()
    }
}

/// What became of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was made, or made again.
    Created,
    /// It was changed.
    Configured,
    /// It was as it should be.
    Unchanged,
    /// It is not to be touched.
    Skipped,
}

impl Outcome {
    /// The word Flux uses for it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Configured => "configured",
            Self::Unchanged => "unchanged",
            Self::Skipped => "skipped",
        }
    }

    /// Whether the cluster changed.
    #[must_use]
    pub fn is_change(self) -> bool {
        matches!(self, Self::Created | Self::Configured)
    }
}

/// An object that is done.
#[derive(Clone, Debug)]
pub struct Done {
    /// Which object, in which version.
    pub entry: Entry,
    /// What became of it.
    pub outcome: Outcome,
    /// How it was right after.
    pub health: Health,
    /// It may go once it is done: a Job with a time to live.
    pub may_vanish: bool,
}

/// What became of a plan, also when it stopped half way.
#[derive(Debug, Default)]
pub struct Applied {
    /// The objects that are done, in order.
    pub done: Vec<Done>,
    /// Why it stopped, if it did.
    pub stopped: Option<ApplyError>,
    /// The objects that were not reached; the one that failed stands first.
    pub untried: Vec<Entry>,
    /// The object whose write was sent and not answered: it may be there.
    pub uncertain: Option<Entry>,
}

/// An object could not be applied.
#[derive(Debug, thiserror::Error)]
#[error("{object} {step} failed: {}", spoken(object, cause))]
pub struct ApplyError {
    /// Which object.
    pub object: ObjectRef,
    /// What was tried: `apply`, `managed fields cleanup`, ….
    pub step: &'static str,
    /// What the server said. Part of the text, since secrets in it have to be hidden.
    pub cause: RequestError,
}

impl Applied {
    /// Adds what became of the next stage.
    pub fn extend(&mut self, next: Self) {
        let Self { done, stopped, untried, uncertain } = next;
        self.done.extend(done);
        self.untried.extend(untried);
        self.stopped = self.stopped.take().or(stopped);
        self.uncertain = self.uncertain.take().or(uncertain);
    }

    /// The change log: a line for each object that changed.
    #[must_use]
    pub fn log(&self) -> String {
        let lines = self.done.iter().filter(|done| done.outcome.is_change());
        lines.map(|done| format!("{} {}", done.entry.object, done.outcome.word())).collect::<Vec<_>>().join("\n")
    }
}

/// Makes the changes of a plan in order; stops at the first that fails. Deletions are [`crate::prune()`]'s.
pub async fn execute(plan: Plan, context: Context<'_>) -> Applied {
    let mut applied = Applied::default();
    let mut changes = plan.changes.into_iter();
    for change in changes.by_ref() {
        let entry = change.entry.clone();
        match one(change, context).await {
            Ok(done) => applied.done.push(done),
            Err(error) => {
                applied.uncertain = error.cause.is_uncertain().then(|| entry.clone());
                applied.stopped = Some(error);
                applied.untried.push(entry);
                break;
            }
        }
    }
    applied.untried.extend(changes.map(|change| change.entry));
    applied
}

async fn one(change: Change, context: Context<'_>) -> Result<Done, ApplyError> {
    let Change { entry, action, owned } = change;
    let failed = |step: &'static str| {
        let object = entry.object.clone();
        move |cause: RequestError| ApplyError { object, step, cause }
    };
    let (outcome, live) = match action {
        Action::Skip => {
            context.watches.forget(context.owner, &entry.object);
            let health = Health::new(Status::Current, "not touched");
            return Ok(Done { entry, outcome: Outcome::Skipped, health, may_vanish: false });
        }
        Action::Unchanged { live } => (Outcome::Unchanged, live),
        Action::Create { object } => {
            (Outcome::Created, context.cluster.apply(&object, false).await.map_err(failed("apply"))?)
        }
        Action::Configure { object, cleanup, fields: _ } => {
            if let Some(patch) = cleanup {
                context.cluster.json_patch(&entry, &patch).await.map_err(failed("managed fields cleanup"))?;
            }
            (Outcome::Configured, context.cluster.apply(&object, false).await.map_err(failed("apply"))?)
        }
        Action::Recreate { object, uid } => {
            remove(&entry, uid, context.cluster).await.map_err(failed("recreate"))?;
            (Outcome::Created, context.cluster.apply(&object, false).await.map_err(failed("apply"))?)
        }
    };
    Ok(take_note(entry, outcome, &live, owned, context).await)
}

/// Has the object followed from the state it is in.
pub(crate) async fn take_note(
    entry: Entry,
    outcome: Outcome,
    live: &Object,
    owned: bool,
    context: Context<'_>,
) -> Done {
    let Context { cluster, watches, owner, judge } = context;
    if outcome.is_change() {
        cluster.mapping().applied(live);
    }
    let may_vanish = entry.object.kind == "Job" && live.at(&["spec", "ttlSecondsAfterFinished"]).is_some();
    if may_vanish {
        // That it goes is no drift; that it is gone is found at the interval.
        watches.forget(owner, &entry.object);
    } else {
        watches.expect(owner, &entry.object, &Metadata::of(live), owned);
    }
    if let Ok(resource) = cluster.resource(&entry.api_version(), &entry.object.kind).await {
        watches.follow(&Arc::clone(&resource));
    }
    Done { entry, outcome, health: judge(live), may_vanish }
}

/// Deletes an object and waits until it is gone.
async fn remove(entry: &Entry, uid: String, cluster: &Cluster) -> Result<(), RequestError> {
    let options = DeleteOptions { uid: Some(uid.clone()), version: None };
    cluster.delete(entry, &options).await?;
    let gone = async {
        let mut pause = LOOK;
        while cluster.get_metadata(entry).await?.is_some_and(|object| object.uid() == uid) {
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_LOOK);
        }
        Ok(())
    };
    let timeout = RequestError::Timeout { seconds: GONE_WITHIN.as_secs() };
    tokio::time::timeout(GONE_WITHIN, gone).await.map_err(|_| timeout)?
}
