//! One run of one object, from what is known of it to what is published.

use std::{any::Any, panic::AssertUnwindSafe, sync::Arc, time::Duration};

use futures::FutureExt;
use kube::Resource;
use serde_json::Value;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;
use weir_api::meta;
use weir_reconcile::{
    Conclusion, Conditions, Event, Outcome, Phase, Requeue, Severity, conditions, describe, schedule::jitter,
};

use super::{Shared, finalize, poison};
use crate::{
    api, clock,
    events::Target,
    key::ObjectKey,
    metrics::Result as Counted,
    publish::{self, Progress},
    queue::{Next, Taken},
    reconciler::{Reconciler, Run},
    trace::Trace,
};

/// Tries of a status write before the whole run is tried again.
const TRIES: u32 = 4;

/// How a run goes back into the queue and the metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct End {
    pub(super) next: Next,
    pub(super) result: Counted,
    /// Whether it counts as a reconcile of the object.
    pub(super) timed: bool,
    /// How long it was done and waited for its turn to tell.
    pub(super) idle: Duration,
}

impl End {
    pub(super) const fn gone() -> Self {
        Self { next: Next::Gone, result: Counted::Success, timed: false, idle: Duration::ZERO }
    }

    pub(super) const fn nothing() -> Self {
        Self { next: Next::Never, result: Counted::Success, timed: false, idle: Duration::ZERO }
    }

    pub(super) const fn backoff() -> Self {
        Self { next: Next::Backoff, result: Counted::Error, timed: true, idle: Duration::ZERO }
    }

    pub(super) const fn failed_for_good() -> Self {
        Self { next: Next::Never, result: Counted::Error, timed: true, idle: Duration::ZERO }
    }
}

pub(super) async fn attempt<R: Reconciler>(shared: &Arc<Shared<R>>, taken: Taken, id: Uuid) -> End {
    let key = taken.key.clone();
    let Some(stored) = shared.handle.store.stored(&key) else { return End::gone() };
    let object = match &stored.object {
        Ok(object) => Arc::clone(object),
        Err(undecodable) => return poison::mark(shared, &key, undecodable).await,
    };
    if object.meta().deletion_timestamp.is_some() {
        return finalize::finalize(shared, &key, object, taken, id).await;
    }
    let object = match finalize::ensure(shared, &key, object).await {
        Ok(object) => object,
        Err(end) => return end,
    };
    if shared.suspended(&object, stored.peek) {
        tracing::info!("reconciliation is suspended for this object");
        return End::nothing();
    }
    tracing::debug!(triggers = %taken.triggers, "reconciling");
    let run = start(shared, &key, taken, id);
    let begun = clock::instant();
    let conclusion = watched(shared, &run, shared.reconciler.reconcile(Arc::clone(&object), &run)).await;
    let end = match conclusion {
        Ok(conclusion) => {
            let turn = shared.telling.turn(&run, &shared.handle.waker, conclusion.outcome).await;
            End { idle: turn.waited, ..conclude(shared, &object, &run, conclusion).await }
        }
        Err(panic) => panicked(shared, &object, &run, &panic).await,
    };
    report(begun.elapsed().saturating_sub(end.idle), &end);
    end
}

/// Begins a run and its trace.
pub(super) fn start<R: Reconciler>(shared: &Shared<R>, key: &ObjectKey, taken: Taken, id: Uuid) -> Run {
    let context = &shared.context;
    let trace = Trace::begin(&context.exporter, format!("{} reconcile", shared.kind), context.clock);
    trace.attribute("k8s.namespace.name", key.namespace.clone());
    trace.attribute("weir.kind", shared.kind.clone());
    trace.attribute("weir.name", key.name.clone());
    Run::new(key.clone(), taken.triggers, taken.failures, context.clock, taken.cancel, trace, id)
        .of(&shared.handle.waker)
}

/// Awaits a step of the reconciler: its progress is published beside it, and its panic stays here.
pub(super) async fn watched<R: Reconciler, T>(
    shared: &Arc<Shared<R>>,
    run: &Run,
    step: impl Future<Output = T>,
) -> Result<T, String> {
    let context = &shared.context;
    let (writer, key) = (Arc::clone(shared), run.key.clone());
    let progress = Progress {
        client: context.clients.own(),
        store: shared.handle.store.clone(),
        key: run.key.clone(),
        manager: context.settings.field_manager,
        clock: context.clock,
        phases: run.phases(),
        wrote: move |stored| writer.wrote(&key, stored),
    };
    run.progress(Phase::new("reconciliation in progress"));
    let stop = CancellationToken::new();
    let step = async {
        let result = AssertUnwindSafe(step).catch_unwind().await;
        stop.cancel();
        result
    };
    // The writer ends with the step; a write under way is awaited, so that it cannot overtake the conclusion.
    let (result, ()) = tokio::join!(step, progress.publish(stop.clone()));
    result.map_err(|panic| panic_text(panic.as_ref()))
}

/// Publishes a conclusion: events first, then the status, then when to look again.
pub(super) async fn conclude<R: Reconciler>(
    shared: &Shared<R>,
    object: &R::Object,
    run: &Run,
    conclusion: Conclusion<R::Status>,
) -> End {
    let Conclusion { status, events, requeue, outcome } = conclusion;
    send_events(shared, object, run, &events).await;
    let status = match serde_json::to_value(status) {
        Ok(status) => publish::with_handled(status, object),
        Err(error) => {
            tracing::error!(error = %error, "failed to encode the status");
            return End::backoff();
        }
    };
    if outcome == Outcome::Failed || outcome == Outcome::Stalled {
        let list = publish::conditions_of(&status);
        let ready = conditions::find(&list, conditions::READY);
        let error = ready.map_or("the object is not ready", |ready| ready.message.as_str());
        tracing::error!(error, "Reconciler error");
        run.trace().error(error);
    }
    run.trace().end();
    match write_status(shared, &run.key, &status).await {
        Ok(()) => end_of(shared, requeue, outcome),
        Err(end) => end,
    }
}

pub(super) async fn send_events<R: Reconciler>(shared: &Shared<R>, object: &R::Object, run: &Run, events: &[Event]) {
    if events.is_empty() {
        return;
    }
    let target = Target::of(object);
    let told = events.iter().any(|event| event.severity != Severity::Trace);
    let traceparent = if told { run.trace().keep() } else { None };
    for event in events {
        shared.context.recorder.record(&target, event, traceparent.as_deref()).await;
    }
}

async fn write_status<R: Reconciler>(shared: &Shared<R>, key: &ObjectKey, status: &Value) -> Result<(), End> {
    let manager = shared.context.settings.field_manager;
    let client = shared.context.clients.own();
    for tried in 1..=TRIES {
        // The newest status, progress included, is what the patch is made against.
        let Some(stored) = shared.handle.store.stored(key) else { return Err(End::gone()) };
        let Ok(live) = &stored.object else { return Err(End::backoff()) };
        let Some(patch) = publish::status_patch(&publish::status_of(&**live), status) else {
            return Ok(());
        };
        match api::patch_status::<R::Object>(&client, key, manager, &patch).await {
            Ok(stored) => {
                shared.wrote(key, stored);
                return Ok(());
            }
            Err(error) if error.is_gone() => return Err(End::gone()),
            Err(error) if tried == TRIES || error.is_invalid() || error.is_conflict() => {
                let error = describe(&error);
                tracing::error!(error, "failed to write the status");
                return Err(End::backoff());
            }
            Err(error) => {
                let error = describe(&error);
                tracing::debug!(error, "failed to write the status, trying again");
                tokio::time::sleep(Duration::from_millis(100) * 4u32.pow(tried - 1)).await;
            }
        }
    }
    Err(End::backoff())
}

fn end_of<R: Reconciler>(shared: &Shared<R>, requeue: Requeue, outcome: Outcome) -> End {
    let now = clock::instant();
    let failed = outcome == Outcome::Failed;
    let later = |at| if failed { Next::Retry(at) } else { Next::Deadline(at) };
    let next = match requeue {
        Requeue::Interval(interval) if interval.is_zero() => Next::Never,
        Requeue::Interval(interval) => {
            Next::Interval(now + jitter(interval, shared.context.settings.jitter, rand::random::<f64>()))
        }
        Requeue::After(delay) => later(now + delay),
        Requeue::At(time) => later(shared.context.clock.instant_of(time)),
        Requeue::Backoff => Next::Backoff,
        Requeue::Never => Next::Never,
    };
    let result = match (outcome, next) {
        (Outcome::Failed, _) => Counted::Error,
        (_, Next::Never | Next::Gone) => Counted::Success,
        (_, Next::Backoff) => Counted::Requeue,
        _ => Counted::RequeueAfter,
    };
    End { next, result, timed: true, idle: Duration::ZERO }
}

/// A reconciler panicked: the object says so and is tried again, the others never notice.
pub(super) async fn panicked<R: Reconciler>(shared: &Shared<R>, object: &R::Object, run: &Run, panic: &str) -> End {
    shared.counters.panicked();
    let message = format!("{} {} made the controller panic, report this: {panic}", shared.kind, run.key);
    tracing::error!(error = panic, "Observed a panic");
    let live = shared.handle.store.get(&run.key).map(|object| publish::status_of(&*object)).unwrap_or_default();
    let mut list = Conditions::new(&publish::conditions_of(&live), object.meta().generation, run.now);
    list.remove(conditions::RECONCILING);
    list.set(conditions::READY, meta::ConditionStatus::False, "Panic", message.clone());
    let status = publish::with_handled(publish::with_conditions(&live, list), object);
    send_events(shared, object, run, &[Event::new(Severity::Error, "Panic", message)]).await;
    run.trace().end();
    match write_status(shared, &run.key, &status).await {
        Ok(()) => End::backoff(),
        Err(end) => end,
    }
}

fn panic_text(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    crate::redact::scrub(text.unwrap_or("unknown cause")).into_owned()
}

fn report(took: Duration, end: &End) {
    let took = meta::Duration(Duration::from_millis(u64::try_from(took.as_millis()).unwrap_or(u64::MAX)));
    match end.next {
        Next::Interval(at) | Next::Deadline(at) | Next::Retry(at) => {
            let next = at.saturating_duration_since(clock::instant());
            let next = meta::Duration(Duration::from_secs(next.as_secs_f64().round().max(0.0) as u64));
            tracing::info!("Reconciliation finished in {took}, next run in {next}");
        }
        Next::Backoff => tracing::info!("Reconciliation finished in {took}, next try after backoff"),
        Next::Never | Next::Gone => tracing::info!("Reconciliation finished in {took}"),
    }
}
