//! One kind under the runtime: watch, store and queue in, runs out.
//!
//! ```text
//! watch ─► store ─► trigger? ─► queue ─► attempt (finalizer, suspend, reconcile, publish) ─► queue
//! ```

mod attempt;
mod finalize;
mod intake;
mod poison;
mod tell;

use std::{panic::AssertUnwindSafe, sync::Arc};

use futures::FutureExt;
use kube::Resource;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use crate::{
    clock,
    metrics::Controller as Counters,
    queue::{self, Taken, Waker},
    reconciler::Reconciler,
    runtime::{Context, GRACE},
    store::Store,
    watch::{self, Query},
};

/// What others may use of a kind: its objects, and a way to wake them. Cheap to clone.
#[derive(Debug)]
pub struct Handle<O> {
    /// The newest known objects.
    pub store: Store<O>,
    /// Wakes them.
    pub waker: Waker,
}

impl<O> Clone for Handle<O> {
    fn clone(&self) -> Self {
        Self { store: self.store.clone(), waker: self.waker.clone() }
    }
}

impl<O> Default for Handle<O> {
    fn default() -> Self {
        Self { store: Store::default(), waker: Waker::default() }
    }
}

/// Runs one kind.
pub(crate) struct Driver<R: Reconciler> {
    shared: Arc<Shared<R>>,
}

pub(crate) struct Shared<R: Reconciler> {
    context: Context,
    handle: Handle<R::Object>,
    reconciler: R,
    counters: Counters,
    telling: tell::Telling,
    kind: String,
    group: String,
}

impl<R: Reconciler> Driver<R> {
    pub(crate) fn new(context: Context, handle: Handle<R::Object>, reconciler: R, concurrent: usize) -> Self {
        let kind = R::Object::kind(&()).into_owned();
        let group = R::Object::group(&()).into_owned();
        let (min_delay, max_delay) = context.settings.retry();
        handle.waker.with(|schedule| schedule.configure(queue::Options { concurrent, min_delay, max_delay }));
        let counters = context.metrics.controller(&kind, concurrent, &handle.waker);
        Self {
            shared: Arc::new(Shared {
                context,
                handle,
                reconciler,
                counters,
                telling: tell::Telling::default(),
                kind,
                group,
            }),
        }
    }

    pub(crate) fn name(&self) -> String {
        self.shared.kind.clone()
    }

    /// The watch alone: it may run before this instance leads, so that taking over is quick.
    pub(crate) async fn watch(shared: Arc<Shared<R>>, shutdown: CancellationToken) {
        let settings = &shared.context.settings;
        let query =
            Query::of::<R::Object>().labels(&settings.selector).namespace(settings.watched_namespace().as_deref());
        let mut intake = intake::Intake::new(Arc::clone(&shared));
        let watch = watch::run(shared.context.clients.own(), query, move |event| intake.take(event));
        shutdown.run_until_cancelled(watch).await;
    }

    /// Watches and runs until `shutdown`, then lets runs end for a while.
    pub(crate) async fn run(self, shutdown: CancellationToken) {
        let shared = self.shared;
        let kind = shared.kind.clone();
        let watch = tokio::spawn(Self::watch(Arc::clone(&shared), shutdown.clone()));
        tracing::info!(controllerKind = kind, "Starting workers");
        let mut runs = JoinSet::new();
        loop {
            tokio::select! {
                () = shutdown.cancelled() => break,
                Some(_) = runs.join_next(), if !runs.is_empty() => {}
                taken = next(&shared) => {
                    runs.spawn(one(Arc::clone(&shared), taken));
                }
            }
        }
        shared.handle.waker.with(queue::Schedule::cancel_all);
        let ended = tokio::time::timeout(GRACE, async { while runs.join_next().await.is_some() {} }).await;
        if ended.is_err() {
            tracing::info!(controllerKind = kind, "runs did not end in time, dropping them");
        }
        watch.abort();
    }
}

/// The next run, once everything that runs look up is known.
async fn next<R: Reconciler>(shared: &Shared<R>) -> Taken {
    let _ = shared.context.gate.subscribe().wait_for(|open| *open).await;
    shared.handle.waker.next().await
}

/// One run of one object, from the queue and back into it.
async fn one<R: Reconciler>(shared: Arc<Shared<R>>, taken: Taken) {
    let begun = clock::instant();
    let _work = shared.context.recorder.work();
    shared.counters.begun(taken.waited);
    let key = taken.key.clone();
    let id = uuid::Uuid::new_v4();
    // At the highest level, so that its fields are there whatever is logged.
    let span = tracing::error_span!(
        "reconcile",
        controller = shared.kind.to_lowercase(),
        controllerGroup = shared.group,
        controllerKind = shared.kind,
        namespace = key.namespace,
        name = key.name,
        reconcileID = %id,
    );
    // What panics outside the reconciler must not take the slot with it either.
    let attempt = AssertUnwindSafe(attempt::attempt(&shared, taken, id)).catch_unwind().instrument(span).await;
    let end = attempt.unwrap_or(attempt::End::backoff());
    shared.counters.ended(&key, begun.elapsed().saturating_sub(end.idle), end.result, end.timed);
    if shared.handle.store.stored(&key).is_none() {
        // It went while it ran: what was just counted must not stay.
        shared.counters.gone(&key);
    }
    shared.handle.waker.with(|schedule| schedule.done(&key, end.next, clock::instant()));
}
