//! Deliveries that must stay in order: one task works them off.

use std::{collections::VecDeque, panic::AssertUnwindSafe, sync::Arc, time::Duration};

use futures::FutureExt;
use rand::random;
use tokio::sync::broadcast::error::RecvError;
use weir_reconcile::{
    Event, Severity,
    schedule::{backoff, jitter},
};

use super::{Inner, Lane, attempt, lock};
use weir_runtime::Trace;

use crate::{
    edge::Edge,
    event::object_name,
    queue::{DeadLetter, Open, Target},
};
use attempt::Attempt;

/// Puts a delivery into its lane, and begins to work the lane off if nobody does.
pub(super) fn push<E: Edge>(inner: &Arc<Inner<E>>, target: Target, id: u64, open: &Open) {
    let object = &open.event.involved_object;
    let object = (object.kind.clone(), object.namespace.clone(), object.name.clone());
    let lane = Lane { target, object };
    let mut lanes = lock(&inner.lanes);
    if let Some(waiting) = lanes.get_mut(&lane) {
        waiting.push_back(id);
        return;
    }
    lanes.insert(lane.clone(), VecDeque::from([id]));
    drop(lanes);
    inner.tasks.spawn(work(Arc::clone(inner), lane));
}

/// Works a lane off; ends when it is empty, or at shutdown.
async fn work<E: Edge>(inner: Arc<Inner<E>>, lane: Lane) {
    loop {
        let next = {
            let mut lanes = lock(&inner.lanes);
            let next = lanes.get_mut(&lane).and_then(VecDeque::pop_front);
            if next.is_none() {
                lanes.remove(&lane);
            }
            next
        };
        let Some(id) = next else { return };
        match AssertUnwindSafe(deliver(&inner, &lane.target, id)).catch_unwind().await {
            Ok(Some(())) => {}
            // Shutting down.
            Ok(None) => return,
            // One event must not take those after it along, nor the process.
            Err(_) => poisoned(&inner, &lane.target, id),
        }
    }
}

/// Gives up a delivery that made us panic.
fn poisoned<E: Edge>(inner: &Arc<Inner<E>>, target: &Target, id: u64) {
    tracing::error!(id, provider = %target.provider, alert = %target.alert, "panic while delivering an event, it is given up");
    let Some(open) = inner.context.queue.get(id) else { return };
    let (at, error) = (inner.context.clock.now(), "internal error".to_owned());
    let letter = DeadLetter { id, target: target.clone(), at, error, event: open.event.as_ref().clone() };
    inner.context.metrics.dead(&target.provider);
    inner.context.queue.bury(&letter);
}

/// Makes one delivery within a trace of its own: one provider's troubles must not hold back what another's tell.
async fn deliver<E: Edge>(inner: &Arc<Inner<E>>, target: &Target, id: u64) -> Option<()> {
    let Some(open) = inner.context.queue.get(id) else { return Some(()) };
    let trace = inner.begin_trace(&open);
    trace.attribute("weir.alert", target.alert.to_string());
    trace.attribute("weir.provider", target.provider.to_string());
    try_all(inner, target, id, &trace).await?;
    trace.keep();
    trace.end();
    Some(())
}

/// Tries until there is nothing more to try. `None` at shutdown.
async fn try_all<E: Edge>(inner: &Arc<Inner<E>>, target: &Target, id: u64, trace: &Trace) -> Option<()> {
    let context = &inner.context;
    let gate = inner.gate(&target.provider);
    let mut failures = 0;
    loop {
        if inner.shutdown.is_cancelled() {
            return None;
        }
        // Given up meanwhile, to make room.
        if !context.queue.is_open(id, target) {
            return Some(());
        }
        let Some(open) = context.queue.get(id) else { return Some(()) };
        let mut changes = inner.changed.subscribe();
        let attempt = {
            let _turn = inner.shutdown.run_until_cancelled(gate.acquire()).await?.ok()?;
            attempt::attempt(inner, target, &open, trace, failures == 0).await
        };
        let Attempt::Failed(failure) = attempt else {
            context.queue.done(id, target);
            return Some(());
        };
        failures += 1;
        if is_over(inner, &open, failures, failure.permanent) {
            bury(inner, target, id, &open, failures, failure.error).await;
            return Some(());
        }
        let delay = jitter(backoff(failures - 1, context.patience.first, context.patience.longest), 20, random());
        let delay = failure.after.map_or(delay, |after| after.max(delay));
        let woken = inner.shutdown.run_until_cancelled(pause(delay, target, &mut changes)).await?;
        if woken {
            failures = failures.min(1);
        }
    }
}

/// Waits for a delay, or until the provider or the alert changes; says whether they did.
async fn pause(
    delay: Duration,
    target: &Target,
    changes: &mut tokio::sync::broadcast::Receiver<weir_runtime::ObjectKey>,
) -> bool {
    let changed = async {
        loop {
            match changes.recv().await {
                Ok(key) if key == target.provider || key == target.alert => return,
                // What was missed may have been ours.
                Ok(_) => {}
                Err(RecvError::Lagged(_)) => return,
                Err(RecvError::Closed) => std::future::pending().await,
            }
        }
    };
    tokio::time::timeout(delay, changed).await.is_ok()
}

fn is_over<E: Edge>(inner: &Inner<E>, open: &Open, failures: u32, permanent: bool) -> bool {
    let patience = &inner.context.patience;
    let age = inner.context.clock.now().duration_since(open.at);
    let tries = if permanent { patience.hopeless } else { patience.tries };
    failures >= tries || Duration::try_from(age).unwrap_or_default() >= patience.age
}

async fn bury<E: Edge>(inner: &Arc<Inner<E>>, target: &Target, id: u64, open: &Open, tries: u32, error: String) {
    let context = &inner.context;
    let object = object_name(&open.event.involved_object);
    tracing::error!(error, tries, id, object, provider = %target.provider, alert = %target.alert, "event given up");
    if let Some(alert) = context.edge.alert(&target.alert) {
        let message = format!("gave up notification for {object} after {tries} tries: {error}");
        context.edge.tell(&alert, Event::new(Severity::Error, "NotificationDispatchFailed", message)).await;
    }
    context.metrics.dead(&target.provider);
    let letter =
        DeadLetter { id, target: target.clone(), at: context.clock.now(), error, event: open.event.as_ref().clone() };
    context.queue.bury(&letter);
}
