//! What a controller supplies, and what it is given for one run.

use std::{collections::BTreeMap, fmt::Debug, sync::Arc};

use jiff::Timestamp;
use kube::Resource;
use serde::{Serialize, de::DeserializeOwned};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;
use weir_reconcile::{Conclusion, Event, Phase};

use crate::{
    clock::Clock,
    key::ObjectKey,
    queue::{Trigger, Triggers, Waker},
    trace::Trace,
};

/// The finalizer of every kind but a few.
pub const FINALIZER: &str = "finalizers.fluxcd.io";

/// One kind's logic. Everything that is the same for every kind is the runtime's.
pub trait Reconciler: Send + Sync + 'static {
    /// The kind, as the API server stores it.
    type Object: Resource<DynamicType = ()> + DeserializeOwned + Serialize + Clone + Debug + Send + Sync + 'static;
    /// The kind's status.
    type Status: Serialize + Send + 'static;

    /// Makes the world as the object says. The object is the newest known; the conclusion holds the whole status.
    ///
    /// Dropped without further notice only at shutdown; otherwise it decides itself when to heed [`Run::cancelled`].
    fn reconcile(&self, object: Arc<Self::Object>, run: &Run) -> impl Future<Output = Conclusion<Self::Status>> + Send;

    /// Undoes what the object made, before it goes. Called for suspended objects too.
    fn finalize(&self, object: Arc<Self::Object>, run: &Run) -> impl Future<Output = Finalized<Self::Status>> + Send;

    /// The finalizer that holds the object until [`Self::finalize`] is done; `None` for an object that needs none (it
    /// is removed where it stands from before).
    fn finalizer(&self, object: &Self::Object) -> Option<&'static str> {
        let _ = object;
        Some(FINALIZER)
    }

    /// Whether nothing is to be done for now. `None` leaves it to `spec.suspend`.
    fn suspended(&self, object: &Self::Object) -> Option<bool> {
        let _ = object;
        None
    }

    /// Whether a change that moved neither generation nor `requestedAt` asks for a run.
    fn relevant(&self, old: &Self::Object, new: &Self::Object) -> bool {
        let _ = (old, new);
        false
    }

    /// Labels of the object for `gotk_resource_info` beyond those every kind has: `revision`, `source_name`, ….
    fn info(&self, object: &Self::Object) -> BTreeMap<&'static str, String> {
        let _ = object;
        BTreeMap::new()
    }

    /// The object is gone from the cluster: drop what is kept in memory for it.
    fn gone(&self, key: &ObjectKey) {
        let _ = key;
    }
}

/// How far a deletion got.
#[derive(Debug)]
pub enum Finalized<S> {
    /// Nothing is left: these events are sent and the finalizer is removed.
    Done(Vec<Event>),
    /// Not yet: published as usual, and looked at again when it says.
    NotYet(Conclusion<S>),
}

impl<S> Finalized<S> {
    /// Done, with nothing to say.
    #[must_use]
    pub const fn done() -> Self {
        Self::Done(Vec::new())
    }
}

/// One run of one object.
#[derive(Debug)]
pub struct Run {
    /// Which object.
    pub key: ObjectKey,
    /// When the run began.
    pub now: Timestamp,
    /// Why it runs.
    pub triggers: Triggers,
    /// `reconcileID` in logs.
    pub id: Uuid,
    /// Failures in a row before this run.
    pub failures: u32,
    clock: Clock,
    cancel: CancellationToken,
    progress: watch::Sender<Option<Phase>>,
    waker: Waker,
    trace: Trace,
}

impl Run {
    pub(crate) fn new(
        key: ObjectKey,
        triggers: Triggers,
        failures: u32,
        clock: Clock,
        cancel: CancellationToken,
        trace: Trace,
        id: Uuid,
    ) -> Self {
        let progress = watch::Sender::new(None);
        let waker = Waker::default();
        Self { key, now: clock.now(), triggers, id, failures, clock, cancel, progress, waker, trace }
    }

    /// The run as one from a queue: its slot there can be given away.
    pub(crate) fn of(self, waker: &Waker) -> Self {
        Self { waker: waker.clone(), ..self }
    }

    /// Gives the run's slot away: from here on it waits, or only tells. Another object may run in its place; this one is
    /// not run again before this run has ended. What it was doing is not published any more.
    pub fn release(&self) {
        self.progress.send_replace(None);
        self.waker.with(|schedule| schedule.release(&self.key));
    }

    /// A run outside any controller, for tests: progress goes nowhere, nothing cancels it.
    #[must_use]
    pub fn detached(key: ObjectKey, trigger: Trigger, clock: Clock) -> Self {
        let triggers = Triggers::from_iter([trigger]);
        Self::new(key, triggers, 0, clock, CancellationToken::new(), Trace::off(), Uuid::nil())
    }

    /// Says what the run is doing now. Costs nothing unless it lasts: see the design's «Publish».
    pub fn progress(&self, phase: Phase) {
        self.progress.send_replace(Some(phase));
    }

    /// The clock, where a step needs the time at its own end.
    #[must_use]
    pub fn clock(&self) -> Clock {
        self.clock
    }

    /// Completes when something newer than this run is queued for the object, or the process shuts down.
    pub async fn cancelled(&self) {
        self.cancel.cancelled().await;
    }

    /// Whether [`Self::cancelled`] would complete now.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.cancel.is_cancelled()
    }

    /// The token itself, to hand to tasks.
    #[must_use]
    pub fn cancel_token(&self) -> CancellationToken {
        self.cancel.clone()
    }

    /// The run's trace.
    #[must_use]
    pub fn trace(&self) -> &Trace {
        &self.trace
    }

    pub(crate) fn phases(&self) -> watch::Receiver<Option<Phase>> {
        self.progress.subscribe()
    }
}
