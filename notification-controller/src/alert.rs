//! Which alerts an event is for.

mod filter;

use std::collections::BTreeMap;

use weir_api::notification::{Alert, CrossNamespaceObjectReference, EventSeverity};
use weir_proto::WireEvent;
use weir_reconcile::{Event, Severity, describe};
use weir_runtime::ObjectKey;

pub use filter::Patterns;

use crate::{
    edge::{Edge, EdgeError},
    event::object_name,
};

/// What an alert says to an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is for this alert.
    Send,
    /// It is not.
    Skip,
}

/// Whether an event is for an alert. What is wrong with the alert is told, not returned: it must not stop others.
///
/// # Errors
/// When the labels of the object are asked for and the API server does not answer: try again later.
pub async fn verdict<E: Edge>(
    alert: &Alert,
    event: &WireEvent,
    no_cross_namespace: bool,
    edge: &E,
) -> Result<Verdict, EdgeError> {
    if alert.spec.suspend || !comes_from_a_source(alert, event, edge).await? {
        return Ok(Verdict::Skip);
    }
    let patterns = Patterns::compile(&alert.spec);
    for problem in &patterns.problems {
        edge.tell(alert, Event::new(Severity::Error, "InvalidConfig", problem)).await;
    }
    if !patterns.allow(&event.message) {
        return Ok(Verdict::Skip);
    }
    let own = ObjectKey::of(alert);
    if no_cross_namespace && event.involved_object.namespace != own.namespace {
        let object = object_name(&event.involved_object);
        let message = format!(
            "failed to dispatch notification for {object}: discarding event, access denied to cross-namespace sources: \
             alert '{own}' can't process event from '{object}', cross-namespace references have been blocked"
        );
        edge.tell(alert, Event::new(Severity::Error, "NotificationDispatchFailed", message)).await;
        return Ok(Verdict::Skip);
    }
    Ok(Verdict::Send)
}

async fn comes_from_a_source<E: Edge>(alert: &Alert, event: &WireEvent, edge: &E) -> Result<bool, EdgeError> {
    if !severe_enough(alert.spec.event_severity, &event.severity) {
        return Ok(false);
    }
    let own = ObjectKey::of(alert).namespace;
    for source in alert.spec.event_sources.iter().filter(|source| names(source, event, &own)) {
        if source.match_labels.is_empty() {
            return Ok(true);
        }
        match edge.labels(&event.involved_object).await {
            Ok(labels) if has_labels(&labels, &source.match_labels) => return Ok(true),
            Ok(_) => {}
            Err(error @ EdgeError::NotFound { .. }) => {
                let object = object_name(&event.involved_object);
                tracing::info!(error = describe(&error), object, "error getting the involved object");
                let message = format!("error getting source object {object}");
                edge.tell(alert, Event::new(Severity::Error, "SourceFetchFailed", message)).await;
            }
            Err(error) => return Err(error),
        }
    }
    Ok(false)
}

fn severe_enough(least: EventSeverity, severity: &str) -> bool {
    match least {
        EventSeverity::Info => true,
        EventSeverity::Error => severity == "error",
    }
}

/// Whether a source names the event's object, labels aside. `own` is the alert's namespace.
fn names(source: &CrossNamespaceObjectReference, event: &WireEvent, own: &str) -> bool {
    let object = &event.involved_object;
    source.kind.as_str() == object.kind
        && source.namespace.as_deref().filter(|ns| !ns.is_empty()).unwrap_or(own) == object.namespace
        && (source.name == "*" || source.name == object.name)
}

fn has_labels(labels: &BTreeMap<String, String>, wanted: &BTreeMap<String, String>) -> bool {
    wanted.iter().all(|(key, value)| labels.get(key) == Some(value))
}

#[cfg(test)]
mod tests;
