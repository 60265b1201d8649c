//! One try of one delivery.

use std::{sync::Arc, time::Duration};

use weir_api::notification::{Alert, Provider};
use weir_proto::WireEvent;
use weir_reconcile::{Event, Severity};
use weir_runtime::Trace;

use super::{Inner, metrics::Outcome};
use crate::{
    edge::Edge,
    event::{Merged, is_commit_status_update, merge, object_name},
    provider::{self, SendError},
    queue::{Open, Target},
};

const CONFLICTS: &str =
    "metadata key conflicts detected (please refer to the Alert API docs and Flux RFC 0008 for more information)";

/// What came of a try.
pub(super) enum Attempt {
    /// The provider has it.
    Delivered,
    /// Nobody wants it, or nobody can send it.
    Dropped,
    /// It failed.
    Failed(Failure),
}

pub(super) struct Failure {
    /// What to tell people.
    pub error: String,
    /// Whether trying again soon cannot help.
    pub permanent: bool,
    /// When the provider wants to be asked again.
    pub after: Option<Duration>,
}

/// Tries once. What people should know is told on the first try only.
pub(super) async fn attempt<E: Edge>(
    inner: &Arc<Inner<E>>,
    target: &Target,
    open: &Open,
    trace: &Trace,
    first: bool,
) -> Attempt {
    let context = &inner.context;
    let event = &open.event;
    let Some(alert) = context.edge.alert(&target.alert).filter(|alert| !alert.spec.suspend) else {
        return Attempt::Dropped;
    };
    let object = object_name(&event.involved_object);
    let Some(provider) = context.edge.provider(&target.provider) else {
        let error = format!("failed to read provider: Provider '{}' not found", target.provider);
        if first {
            tell(inner, &alert, format!("failed to dispatch notification for {object}: {error}")).await;
        }
        return Attempt::Failed(Failure { error, permanent: true, after: None });
    };
    if provider.spec.suspend || !wants(&provider, event) {
        context.metrics.attempt(&provider, Outcome::Dropped, None);
        return Attempt::Dropped;
    }
    let Merged { event, conflicts } = merge(event, &alert.spec);
    if first && !conflicts.is_empty() {
        let mut warning = Event::new(Severity::Error, "MetadataAppendFailed", CONFLICTS);
        warning.metadata = conflicts.into_iter().map(|(key, sources)| (key, sources.join(", "))).collect();
        context.edge.tell(&alert, warning).await;
    }
    let sent = timed(inner, &provider, trace, &event).await;
    match sent {
        Ok(()) => Attempt::Delivered,
        Err(SendError::Unsupported(kind)) => {
            let message =
                format!("provider type {kind} is not supported yet, Provider '{}' gets no events", target.provider);
            tell(inner, &alert, format!("failed to dispatch notification for {object}: {message}")).await;
            Attempt::Dropped
        }
        Err(error) => {
            let (permanent, after, text) = (error.is_permanent(), error.retry_after(), error.describe());
            tracing::error!(error = text, object, provider = %target.provider, alert = %target.alert, "failed to send notification");
            if first {
                let verb = if matches!(error, SendError::Settings { .. } | SendError::Identity(_)) {
                    "dispatch"
                } else {
                    "send"
                };
                tell(inner, &alert, format!("failed to {verb} notification for {object}: {text}")).await;
            }
            Attempt::Failed(Failure { error: text, permanent, after })
        }
    }
}

/// Sends, with its time in the metrics and in the delivery's trace.
async fn timed<E: Edge>(
    inner: &Arc<Inner<E>>,
    provider: &Provider,
    trace: &Trace,
    event: &WireEvent,
) -> Result<(), SendError> {
    let context = &inner.context;
    let mut step = trace.step("deliver");
    step.attribute("weir.provider.type", provider::type_name(provider.spec.type_));
    let began = context.clock.instant();
    let identities = context.object_level_identity;
    let sent = provider::send(provider, event, context.edge.as_ref(), &inner.clients, identities).await;
    let outcome = match &sent {
        Ok(()) => Outcome::Delivered,
        Err(SendError::Unsupported(_)) => Outcome::Unsupported,
        Err(error) => {
            step.error(error.describe());
            Outcome::Failed
        }
    };
    context.metrics.attempt(provider, outcome, Some(began.elapsed()));
    sent
}

async fn tell<E: Edge>(inner: &Inner<E>, alert: &Alert, message: String) {
    let event = Event::new(Severity::Error, "NotificationDispatchFailed", message);
    inner.context.edge.tell(alert, event).await;
}

/// Whether a provider's type takes an event of this sort: updates of commit statuses go to those who set them or forward
/// everything, and comments need a change request.
fn wants(provider: &Provider, event: &WireEvent) -> bool {
    let kind = provider.spec.type_;
    let has = |key: &str| event.metadata.get(key).is_some_and(|value| !value.is_empty());
    let update = is_commit_status_update(event);
    if provider::is_commit_status(kind) {
        return has("event.toolkit.fluxcd.io/commit") || update || event.severity == "error";
    }
    if provider::is_change_request(kind) {
        return has("event.toolkit.fluxcd.io/change_request") && !update;
    }
    provider::is_generic(kind) || !update
}
