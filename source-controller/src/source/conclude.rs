//! From what happened to status, events and when to look again. Pure.

use jiff::Timestamp;
use kube::{Resource, ResourceExt};
use weir_api::{
    meta::Artifact,
    names::{annotation, condition, reason},
};
use weir_artifact::store::StoreError;
use weir_reconcile::{
    Conclusion, Conditions, ErrorKind, Event, Outcome, Requeue, Severity, conditions::is_true, describe,
};

use super::{
    Source, SourceFailure, SourceObject, SourceStatus,
    storage::{Failed, Kept, Stored},
};

type StatusOf<S> = <<S as Source>::Object as SourceObject>::Status;

/// The conclusion of a run.
pub(super) fn from<S: Source>(
    source: &S,
    object: &S::Object,
    stored: Stored,
    attempt: Result<Kept, Failed<S::Error>>,
    now: Timestamp,
) -> Conclusion<StatusOf<S>> {
    let mut status = object.status();
    let mut conditions = Conditions::new(status.conditions(), object.meta().generation, now);
    if let Some(token) = object.annotations().get(annotation::RECONCILE_REQUEST) {
        status.set_last_handled_reconcile_at(token.clone());
    }
    let Stored { artifact, url, mut events } = stored;
    status.set_artifact(artifact);
    status.set_url(url);
    if status.artifact().is_none() {
        conditions.remove(condition::ARTIFACT_IN_STORAGE);
    }
    if !object.demands_signatures() {
        // What an earlier spec demanded would keep the object from being ready for ever.
        conditions.remove(condition::SOURCE_VERIFIED);
    }
    let (requeue, outcome) = match attempt {
        Ok(kept) => {
            events.extend(succeed(source, object, &mut status, &mut conditions, kept));
            (Requeue::Interval(object.interval()), Outcome::Success)
        }
        Err(failed) => {
            events.push(fail(object, &mut status, &mut conditions, &failed));
            match failed.kind() {
                ErrorKind::Retry => (Requeue::Backoff, Outcome::Failed),
                ErrorKind::Wait(after) => (Requeue::After(after), Outcome::Waiting),
                ErrorKind::Stall => (Requeue::Never, Outcome::Stalled),
            }
        }
    };
    summarize::<S>(&mut conditions);
    status.set_conditions(conditions.into_vec());
    Conclusion { status, events, requeue, outcome }
}

fn succeed<S: Source>(
    source: &S,
    object: &S::Object,
    status: &mut StatusOf<S>,
    conditions: &mut Conditions,
    kept: Kept,
) -> Option<Event> {
    let before = object.status();
    if let Kept::New { artifact, url, verified } = kept {
        status.set_artifact(Some(*artifact));
        status.set_url(url);
        status.observe(object);
        if let Some(message) = verified {
            conditions.mark_true(condition::SOURCE_VERIFIED, reason::SUCCEEDED, message);
        }
    }
    let negative = S::CONDITIONS.iter().filter(|(_, negative)| *negative);
    negative.for_each(|(type_, _)| conditions.remove(type_));
    status.set_observed_generation(object.meta().generation);
    let artifact = status.artifact()?;
    conditions.mark_true(condition::ARTIFACT_IN_STORAGE, reason::SUCCEEDED, source.stored_message(artifact));
    let recovered = [condition::FETCH_FAILED, condition::STORAGE_OPERATION_FAILED, condition::INCLUDE_UNAVAILABLE]
        .iter()
        .any(|type_| is_true(before.conditions(), type_));
    let reason = if before.artifact().is_none_or(|old| old.digest != artifact.digest) {
        "NewArtifact"
    } else if recovered {
        reason::SUCCEEDED
    } else {
        return None;
    };
    Some(about(artifact, Event::new(Severity::Info, reason, source.event_message(object, artifact))))
}

/// The event with revision and digest, by which tools find the artifact.
fn about(artifact: &Artifact, event: Event) -> Event {
    event.with("revision", &artifact.revision).with("digest", &artifact.digest)
}

fn fail<O: SourceObject, E: SourceFailure>(
    object: &O,
    status: &mut O::Status,
    conditions: &mut Conditions,
    failed: &Failed<E>,
) -> Event {
    let (reason, message) = (failed.reason(), failed.message());
    // What failed in an earlier run did not fail in this one, or has not been reached.
    if failed.condition() != Some(condition::STORAGE_OPERATION_FAILED) {
        conditions.remove(condition::STORAGE_OPERATION_FAILED);
    }
    if failed.fetched() {
        conditions.remove(condition::FETCH_FAILED);
        conditions.remove(condition::INCLUDE_UNAVAILABLE);
    }
    match failed.condition() {
        Some(condition::SOURCE_VERIFIED) => conditions.mark_false(condition::SOURCE_VERIFIED, reason, &message),
        Some(type_) => conditions.mark_true(type_, reason, &message),
        None => {}
    }
    let news = failed.news().and_then(|news| news.beside(status.artifact())).map(str::to_owned);
    if let (Some(news), true) = (&news, status.artifact().is_some()) {
        conditions.mark_true(condition::ARTIFACT_OUTDATED, "NewRevision", news);
    }
    conditions.remove(condition::STALLED);
    conditions.remove(condition::RECONCILING);
    let severity = match failed.kind() {
        ErrorKind::Stall => {
            conditions.mark_true(condition::STALLED, reason, &message);
            status.set_observed_generation(object.meta().generation);
            Severity::Error
        }
        ErrorKind::Retry => {
            let progress =
                news.map_or("reconciliation in progress".to_owned(), |news| format!("building artifact: {news}"));
            conditions.mark_true(condition::RECONCILING, reason::PROGRESSING_WITH_RETRY, progress);
            Severity::Error
        }
        ErrorKind::Wait(_) => {
            conditions.mark_true(condition::RECONCILING, reason::PROGRESSING_WITH_RETRY, "reconciliation in progress");
            Severity::Info
        }
    };
    if failed.condition().is_none() {
        conditions.mark_false(condition::READY, reason, &message);
    }
    Event::new(severity, reason, message)
}

/// `Ready` from the others; a refused signature outranks them.
fn summarize<S: Source>(conditions: &mut Conditions) {
    let unexplained = conditions.get(condition::READY).cloned();
    let order: Vec<&str> = S::CONDITIONS.iter().map(|(type_, _)| *type_).collect();
    let negative: Vec<&str> = S::CONDITIONS.iter().filter(|(_, negative)| *negative).map(|(type_, _)| *type_).collect();
    conditions.summarize(&order, &negative);
    let refused = conditions
        .get(condition::SOURCE_VERIFIED)
        .filter(|c| c.status == weir_api::meta::ConditionStatus::False)
        .map(|c| (c.reason.clone(), c.message.clone()));
    if let Some((reason, message)) = refused {
        conditions.mark_false(condition::READY, &reason, message);
        return;
    }
    // A failure without a condition of its own shows as Reconciling alone, which would hide the cause.
    let only_progress = conditions.get(condition::READY).is_some_and(|c| c.reason == reason::PROGRESSING_WITH_RETRY);
    if let (true, Some(cause)) = (only_progress, unexplained.filter(|c| c.reason != reason::PROGRESSING_WITH_RETRY)) {
        conditions.mark_false(condition::READY, &cause.reason, cause.message);
    }
}

/// The object's files could not be removed: it stays until they can.
pub(super) fn not_removed<S: Source>(
    object: &S::Object,
    error: &StoreError,
    now: Timestamp,
) -> Conclusion<StatusOf<S>> {
    let mut status = object.status();
    let mut conditions = Conditions::new(status.conditions(), object.meta().generation, now);
    let message = format!("garbage collection for deleted resource failed: {}", describe(error));
    conditions.mark_false(condition::READY, "GarbageCollectionFailed", &message);
    status.set_conditions(conditions.into_vec());
    let event = Event::new(Severity::Error, "GarbageCollectionFailed", message);
    Conclusion { status, events: vec![event], requeue: Requeue::Backoff, outcome: Outcome::Failed }
}
