//! What a run means for status, events and the time of the next look. The only place that makes a status.

use std::time::Duration;

use jiff::Timestamp;
use weir_api::{
    kustomize::{Kustomization, KustomizationStatus},
    meta::{ResourceInventory, ResourceRef},
    names::{condition, reason},
};
use weir_manifest::Inventory;
use weir_reconcile::{
    Conclusion, Conditions, ErrorKind, Failure as _, Outcome, Requeue, Severity, conditions, describe,
};

use super::{
    error::Error,
    facts::{Facts, rounded},
    history, timing,
};

/// The longest message of a condition.
const MESSAGE: usize = 20_000;

/// How an attempt ended that did not fail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// Everything is applied, and healthy where that was asked for.
    Ready {
        /// How the health checks went; `None` when there were none.
        checked: Option<Checked>,
    },
    /// Nothing had to be done.
    Unchanged,
    /// Applied; objects are on their way.
    Waiting {
        /// Until when.
        deadline: Timestamp,
        /// What is waited for, for people.
        message: String,
    },
    /// Something newer came: that run will tell.
    Preempted,
    /// Something newer ended the wait for health.
    Cancelled {
        /// What it was: `<kind>/<namespace>/<name>`.
        by: String,
    },
    /// Nothing new to tell before then.
    Quiet {
        /// When to look again.
        until: Timestamp,
    },
}

/// Health checks that passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Checked {
    /// How long they took.
    pub took: Duration,
    /// They had passed before.
    pub was_healthy: bool,
    /// When the run that applied began.
    pub started: Timestamp,
}

/// When a run began and ended.
#[derive(Clone, Copy, Debug)]
pub struct Span {
    /// The beginning; of the run that applied, when this one only waited.
    pub started: Timestamp,
    /// The end.
    pub ended: Timestamp,
}

impl Span {
    fn took(&self) -> Duration {
        Duration::try_from(self.ended.duration_since(self.started)).unwrap_or_default()
    }
}

/// The conclusion of an attempt.
#[must_use]
pub fn from(
    ks: &Kustomization,
    mut facts: Facts,
    result: Result<End, Error>,
    span: Span,
) -> Conclusion<KustomizationStatus> {
    let mut status = ks.status.clone().unwrap_or_default();
    if let Some(inventory) = &facts.inventory {
        status.inventory = Some(to_status(inventory));
    }
    if facts.attempted {
        status.last_attempted_revision.clone_from(&facts.revision);
    }
    match result {
        Ok(End::Unchanged) => unchanged(ks, status, facts, span),
        Ok(End::Ready { checked }) => ready(ks, status, facts, checked, span),
        Ok(End::Waiting { deadline, message }) => waiting(ks, status, facts, deadline, &message, span),
        Ok(End::Cancelled { by }) => cancelled(ks, status, facts, &by, span),
        Ok(End::Preempted) => conclusion(status, facts, Requeue::After(Duration::ZERO), Outcome::Waiting),
        Ok(End::Quiet { until }) => conclusion(status, facts, Requeue::At(until), Outcome::Waiting),
        Err(error) => {
            let requeue = match error.kind() {
                ErrorKind::Retry if error.is_transient() => Requeue::Backoff,
                ErrorKind::Retry => Requeue::After(timing::retry_interval(&ks.spec)),
                ErrorKind::Wait(delay) => Requeue::After(delay),
                ErrorKind::Stall => Requeue::Never,
            };
            failed(ks, status, &mut facts, &error, requeue, span)
        }
    }
}

fn conclusion(
    status: KustomizationStatus,
    facts: Facts,
    requeue: Requeue,
    outcome: Outcome,
) -> Conclusion<KustomizationStatus> {
    let requeue = match (requeue, facts.again) {
        (Requeue::Interval(_), Some(at)) => Requeue::At(at),
        (requeue, _) => requeue,
    };
    Conclusion { status, events: facts.events, requeue, outcome }
}

/// Nothing had to be done: history counts the run, and conditions stay as they are unless something was amiss.
fn unchanged(
    ks: &Kustomization,
    mut status: KustomizationStatus,
    mut facts: Facts,
    span: Span,
) -> Conclusion<KustomizationStatus> {
    let was_ready = conditions::is_true(&status.conditions, condition::READY);
    let same = was_ready
        && status.last_applied_revision == facts.revision
        && status.observed_generation == ks.metadata.generation
        && conditions::find(&status.conditions, condition::RECONCILING).is_none();
    if !same {
        return ready_as(ks, status, facts, span);
    }
    record(&mut status, &facts, reason::RECONCILIATION_SUCCEEDED, span);
    facts.events.clear();
    if facts.requested.is_some() {
        facts.tell_finished(reason::RECONCILIATION_SUCCEEDED, span.took(), ks.spec.interval);
    }
    conclusion(status, facts, Requeue::Interval(ks.spec.interval.into()), Outcome::Success)
}

fn ready(
    ks: &Kustomization,
    mut status: KustomizationStatus,
    mut facts: Facts,
    checked: Option<Checked>,
    mut span: Span,
) -> Conclusion<KustomizationStatus> {
    let mut list = Conditions::new(&status.conditions, ks.metadata.generation, span.ended);
    match checked {
        None => list.remove(condition::HEALTHY),
        Some(Checked { took, was_healthy, started }) => {
            span.started = started;
            let message = format!("Health check passed in {}", rounded(took));
            let is_new_revision = status.last_applied_revision != facts.revision;
            if !was_healthy || (is_new_revision && facts.changed) {
                facts.tell(Severity::Info, reason::PROGRESSING, message.clone());
            }
            list.mark_true(condition::HEALTHY, reason::SUCCEEDED, message);
        }
    }
    status.conditions = list.into_vec();
    ready_as(ks, status, facts, span)
}

fn ready_as(
    ks: &Kustomization,
    mut status: KustomizationStatus,
    mut facts: Facts,
    span: Span,
) -> Conclusion<KustomizationStatus> {
    let was_ready = conditions::is_true(&status.conditions, condition::READY);
    let is_news = facts.changed
        || facts.requested.is_some()
        || !was_ready
        || status.last_applied_revision != facts.revision
        || status.observed_generation != ks.metadata.generation;
    let revision = facts.revision.clone().unwrap_or_default();
    status.last_applied_revision = Some(revision.clone());
    status.last_attempted_revision = Some(revision.clone());
    status.last_applied_origin_revision.clone_from(&facts.origin);
    status.observed_generation = ks.metadata.generation;
    let mut list = Conditions::new(&status.conditions, ks.metadata.generation, span.ended);
    list.mark_true(condition::READY, reason::RECONCILIATION_SUCCEEDED, format!("Applied revision: {revision}"));
    list.remove(condition::RECONCILING);
    list.remove(condition::STALLED);
    status.conditions = list.into_vec();
    record(&mut status, &facts, reason::RECONCILIATION_SUCCEEDED, span);
    if is_news {
        facts.tell_finished(reason::RECONCILIATION_SUCCEEDED, span.took(), ks.spec.interval);
    }
    conclusion(status, facts, Requeue::Interval(ks.spec.interval.into()), Outcome::Success)
}

fn waiting(
    ks: &Kustomization,
    mut status: KustomizationStatus,
    facts: Facts,
    deadline: Timestamp,
    message: &str,
    span: Span,
) -> Conclusion<KustomizationStatus> {
    let mut list = Conditions::new(&status.conditions, ks.metadata.generation, span.ended);
    list.mark_unknown(condition::READY, reason::PROGRESSING, "Reconciliation in progress");
    list.mark_true(condition::RECONCILING, reason::PROGRESSING, message);
    list.mark_unknown(condition::HEALTHY, reason::PROGRESSING, message);
    list.remove(condition::STALLED);
    status.conditions = list.into_vec();
    conclusion(status, facts, Requeue::At(deadline), Outcome::Waiting)
}

fn cancelled(
    ks: &Kustomization,
    mut status: KustomizationStatus,
    facts: Facts,
    by: &str,
    span: Span,
) -> Conclusion<KustomizationStatus> {
    let mut list = Conditions::new(&status.conditions, ks.metadata.generation, span.ended);
    list.mark_false(condition::READY, reason::HEALTH_CHECK_CANCELED, format!("New reconciliation triggered by {by}"));
    if let Some(phase) = list.get(condition::RECONCILING).map(|condition| condition.message.clone()) {
        list.mark_true(condition::RECONCILING, reason::PROGRESSING_WITH_RETRY, phase);
    }
    status.conditions = list.into_vec();
    conclusion(status, facts, Requeue::After(Duration::ZERO), Outcome::Waiting)
}

fn failed(
    ks: &Kustomization,
    mut status: KustomizationStatus,
    facts: &mut Facts,
    error: &Error,
    requeue: Requeue,
    span: Span,
) -> Conclusion<KustomizationStatus> {
    let facts = std::mem::take(facts);
    let (reason, text) = (error.reason(), cut(facts.secrets.masked(describe(error))));
    let stalled = error.kind() == ErrorKind::Stall;
    let same = conditions::find(&status.conditions, condition::READY)
        .is_some_and(|ready| ready.reason == reason && ready.message == text);
    let mut list = Conditions::new(&status.conditions, ks.metadata.generation, span.ended);
    list.mark_false(condition::READY, reason, text.clone());
    if let Error::Health { text, .. } = error {
        // As in Flux without the time it took, so that the same failure is the same condition.
        list.mark_false(condition::HEALTHY, reason, cut(facts.secrets.masked(text.clone())));
    }
    let phase = facts.phase.clone().or_else(|| list.get(condition::RECONCILING).map(|c| c.message.clone()));
    match (stalled, phase) {
        (true, _) => {
            list.mark_true(condition::STALLED, reason, text.clone());
            list.remove(condition::RECONCILING);
        }
        (false, phase) => {
            list.remove(condition::STALLED);
            if let Some(phase) = phase {
                list.mark_true(condition::RECONCILING, reason::PROGRESSING_WITH_RETRY, phase);
            }
        }
    }
    status.conditions = list.into_vec();
    if error.is_observed() {
        status.observed_generation = ks.metadata.generation;
    }
    if facts.digest.is_some() {
        record(&mut status, &facts, reason, span);
    }
    let mut facts = facts;
    match error {
        // Told once, not every thirty seconds.
        Error::Dependency { .. } if same && facts.requested.is_none() => {}
        Error::Dependency { retry, .. } => {
            let retry = weir_api::meta::Duration(*retry);
            let message = format!("Dependencies do not meet ready condition, retrying in {retry}");
            facts.tell(Severity::Info, reason, message);
        }
        error if error.is_news() => facts.tell(Severity::Error, reason, text),
        _ => {}
    }
    let outcome = match error.kind() {
        ErrorKind::Retry => Outcome::Failed,
        // Nothing is wrong here: another object's turn comes first.
        ErrorKind::Wait(_) => Outcome::Waiting,
        ErrorKind::Stall => Outcome::Stalled,
    };
    conclusion(status, facts, requeue, outcome)
}

/// Counts the run in history.
fn record(status: &mut KustomizationStatus, facts: &Facts, reason: &str, span: Span) {
    let Some(digest) = &facts.digest else { return };
    let mut metadata = facts.took.metadata();
    metadata.extend(facts.revision.iter().map(|revision| ("revision".to_owned(), revision.clone())));
    metadata.extend(facts.origin.iter().map(|origin| ("originRevision".to_owned(), origin.clone())));
    let earlier = status.history.iter().find(|s| s.digest == *digest && s.last_reconciled_status == reason);
    if facts.took.apply.is_none()
        && let Some(earlier) = earlier
    {
        // Nothing was applied: the times of the run that did stay to be seen.
        let kept = earlier.metadata.iter().filter(|(key, _)| key.starts_with("weir.dev/"));
        metadata.extend(kept.map(|(key, value)| (key.clone(), value.clone())));
    }
    let run = history::Run { digest, status: reason, ended: span.ended, took: span.took(), metadata };
    status.history = history::upsert(&status.history, run);
}

/// An inventory as the status has it.
#[must_use]
pub fn to_status(inventory: &Inventory) -> ResourceInventory {
    let entries = inventory.to_raw().into_iter().map(|raw| ResourceRef { id: raw.id, v: raw.v }).collect();
    ResourceInventory { entries }
}

fn cut(text: String) -> String {
    match text.char_indices().nth(MESSAGE) {
        Some((end, _)) => format!("{} ...", text.get(..end).unwrap_or_default()),
        None => text,
    }
}

#[cfg(test)]
#[path = "conclude_tests.rs"]
mod tests;
