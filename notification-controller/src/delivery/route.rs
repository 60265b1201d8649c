//! Which alerts an event is for.

use std::{sync::Arc, time::Duration};

use rand::random;
use weir_api::notification::Alert;
use weir_reconcile::{
    describe,
    schedule::{backoff, jitter},
};
use weir_runtime::ObjectKey;

use super::{Inner, lane};
use crate::{
    alert::{Verdict, verdict},
    edge::Edge,
    event::object_name,
    queue::{DeadLetter, Open, Target},
};

const FIRST_DELAY: Duration = Duration::from_millis(500);
const LONGEST_DELAY: Duration = Duration::from_secs(30);

/// Decides where an event goes and hands it to the lanes. Waits while the API server does not answer.
pub(super) async fn route<E: Edge>(inner: &Arc<Inner<E>>, id: u64) {
    let context = &inner.context;
    let Some(open) = context.queue.get(id) else { return };
    let mut alerts = context.edge.alerts();
    alerts.sort_by_key(|alert| ObjectKey::of(alert.as_ref()));
    let mut targets = Vec::new();
    for alert in alerts {
        match ask(inner, &alert, &open).await {
            Some(Verdict::Send) => targets.push(target(&alert)),
            Some(Verdict::Skip) => {}
            // Shutting down: the event is routed after the restart.
            None => return,
        }
    }
    let object = object_name(&open.event.involved_object);
    if targets.is_empty() {
        tracing::info!(object, id, "discarding event, no alerts found for the involved object");
    } else {
        tracing::info!(object, id, alerts = targets.len(), reason = open.event.reason, "dispatching event");
    }
    let given_up = context.queue.route(id, targets.clone());
    for (old, target) in given_up {
        overflow(inner, old, &target);
    }
    for target in targets {
        lane::push(inner, target, id, &open);
    }
}

fn target(alert: &Alert) -> Target {
    let key = ObjectKey::of(alert);
    let provider = ObjectKey::new(key.namespace.clone(), alert.spec.provider_ref.name.clone());
    Target { alert: key, provider }
}

async fn ask<E: Edge>(inner: &Inner<E>, alert: &Alert, open: &Open) -> Option<Verdict> {
    let context = &inner.context;
    let mut failures = 0;
    loop {
        let asked = verdict(alert, &open.event, context.no_cross_namespace, context.edge.as_ref());
        match inner.shutdown.run_until_cancelled(asked).await? {
            Ok(verdict) => return Some(verdict),
            Err(error) => {
                let error = describe(&error);
                tracing::error!(error, alert = %ObjectKey::of(alert), "cannot say whether an event is for an alert yet");
            }
        }
        let delay = jitter(backoff(failures, FIRST_DELAY, LONGEST_DELAY), 20, random());
        failures += 1;
        inner.shutdown.run_until_cancelled(tokio::time::sleep(delay)).await?;
    }
}

/// Gives up a delivery because its provider has too many that wait.
fn overflow<E: Edge>(inner: &Arc<Inner<E>>, id: u64, target: &Target) {
    let Some(open) = inner.context.queue.get(id) else { return };
    inner.context.queue.bury(&DeadLetter {
        id,
        target: target.clone(),
        at: inner.context.clock.now(),
        error: "too many events wait for this provider".to_owned(),
        event: open.event.as_ref().clone(),
    });
    inner.context.metrics.dead(&target.provider);
    tracing::error!(provider = %target.provider, alert = %target.alert, id, "event given up: too many wait for this provider");
}
