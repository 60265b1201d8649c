use serde_json::json;
use weir_api::meta::ConditionStatus;

use super::*;
use crate::kustomization::depends::{Blocked, Name};

const SPAN: Span =
    Span { started: Timestamp::constant(1_700_000_000, 0), ended: Timestamp::constant(1_700_000_001, 0) };

fn ks(status: serde_json::Value) -> Kustomization {
    serde_json::from_value(json!({"apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization",
        "metadata": {"name": "app", "namespace": "n", "generation": 3},
        "spec": {"interval": "10m", "retryInterval": "2m", "prune": true, "wait": true,
            "sourceRef": {"kind": "GitRepository", "name": "s"}},
        "status": status}))
    .unwrap()
}

fn fresh() -> Kustomization {
    ks(json!({"observedGeneration": -1}))
}

fn facts() -> Facts {
    Facts {
        revision: Some("main@sha1:1".into()),
        origin: Some("v1".into()),
        attempted: true,
        phase: Some("Detecting drift for revision main@sha1:1 with a timeout of 9m30s".into()),
        digest: Some("sha256:a".into()),
        inventory: Some(Inventory::default()),
        changed: true,
        ..Facts::default()
    }
}

fn of(status: &KustomizationStatus, type_: &str) -> Option<(ConditionStatus, String, String)> {
    let c = conditions::find(&status.conditions, type_)?;
    Some((c.status, c.reason.clone(), c.message.clone()))
}

fn told(conclusion: &Conclusion<KustomizationStatus>) -> Vec<String> {
    conclusion.events.iter().map(|e| format!("{} {}", e.reason, e.message)).collect()
}

#[test]
fn success_is_ready_healthy_and_told_once() {
    let checked = Checked { took: Duration::from_millis(1200), was_healthy: false, started: SPAN.started };
    let first = from(&fresh(), facts(), Ok(End::Ready { checked: Some(checked) }), SPAN);
    let status = &first.status;
    let expected = (ConditionStatus::True, "ReconciliationSucceeded".into(), "Applied revision: main@sha1:1".into());
    assert_eq!(of(status, "Ready"), Some(expected));
    assert_eq!(of(status, "Healthy").unwrap().2, "Health check passed in 1.2s");
    assert_eq!(of(status, "Reconciling"), None);
    assert_eq!((status.observed_generation, status.last_applied_origin_revision.as_deref()), (Some(3), Some("v1")));
    assert_eq!(first.requeue, Requeue::Interval(Duration::from_secs(600)));
    assert_eq!(
        told(&first),
        [
            "Progressing Health check passed in 1.2s",
            "ReconciliationSucceeded Reconciliation finished in 1s, next run in 10m0s"
        ]
    );
    assert_eq!(first.events[1].metadata["commit_status"], "update");
    assert_eq!(first.events[1].metadata["revision"], "main@sha1:1");

    let again = Kustomization { status: Some(first.status), ..fresh() };
    let unchanged = Facts { inventory: None, changed: false, ..facts() };
    let second = from(&again, unchanged, Ok(End::Unchanged), SPAN);
    assert!(second.events.is_empty());
    assert_eq!(second.status.conditions, again.status.as_ref().unwrap().conditions);
    assert_eq!(second.status.history[0].total_reconciliations, 2);
    assert_eq!(second.status.history[0].metadata["revision"], "main@sha1:1");

    let asked = Facts { inventory: None, changed: false, requested: Some("now".into()), ..facts() };
    let third = from(&again, asked, Ok(End::Unchanged), SPAN);
    assert_eq!(told(&third), ["ReconciliationSucceeded Reconciliation finished in 1s, next run in 10m0s"]);
    assert_eq!((&*third.events[0].metadata["token"], &*third.events[0].metadata["commit_status"]), ("now", "update"));
    assert_eq!(third.status.conditions, again.status.as_ref().unwrap().conditions);
}

#[test]
fn the_end_is_told_when_it_is_news() {
    let first = from(&fresh(), facts(), Ok(End::Ready { checked: None }), SPAN);
    let events =
        |ks: &Kustomization, facts: Facts| from(ks, facts, Ok(End::Ready { checked: None }), SPAN).events.len();
    let quiet = || Facts { changed: false, ..facts() };
    let ready = Kustomization { status: Some(first.status), ..fresh() };
    assert_eq!(events(&ready, quiet()), 0, "applied again, and nothing came of it");
    assert_eq!(events(&ready, facts()), 1, "something changed");
    assert_eq!(events(&ready, Facts { requested: Some("now".into()), ..quiet() }), 1, "somebody asked");
    assert_eq!(events(&ready, Facts { revision: Some("main@sha1:2".into()), ..quiet() }), 1, "a new revision");
    let mut respecified = ready.clone();
    respecified.metadata.generation = Some(4);
    assert_eq!(events(&respecified, quiet()), 1, "a new spec");
    assert_eq!(events(&fresh(), quiet()), 1, "not ready before");
}

#[test]
fn without_checks_there_is_no_healthy_condition() {
    let conclusion = from(&fresh(), facts(), Ok(End::Ready { checked: None }), SPAN);
    assert_eq!(of(&conclusion.status, "Healthy"), None);
}

#[test]
fn a_wait_is_told_with_its_deadline_and_keeps_the_inventory() {
    let deadline = Timestamp::constant(1_700_000_100, 0);
    let end = End::Waiting { deadline, message: "Running health checks".into() };
    let conclusion = from(&fresh(), facts(), Ok(end), SPAN);
    assert_eq!(of(&conclusion.status, "Ready").unwrap().0, ConditionStatus::Unknown);
    assert_eq!(of(&conclusion.status, "Reconciling").unwrap().1, "Progressing");
    assert_eq!((conclusion.requeue, conclusion.outcome), (Requeue::At(deadline), Outcome::Waiting));
    assert_eq!(conclusion.status.observed_generation, Some(-1));
    assert_eq!(conclusion.status.last_attempted_revision.as_deref(), Some("main@sha1:1"));
    assert!(conclusion.status.inventory.is_some());
}

#[test]
fn a_wait_that_something_newer_ended_says_so_and_goes_on_at_once() {
    let waiting =
        End::Waiting { deadline: Timestamp::constant(1_700_000_100, 0), message: "Running health checks".into() };
    let before = ks(serde_json::to_value(from(&fresh(), facts(), Ok(waiting), SPAN).status).unwrap());
    let by = "GitRepository/n/s".to_owned();
    let conclusion = from(&before, Facts { attempted: false, ..facts() }, Ok(End::Cancelled { by }), SPAN);
    let ready = of(&conclusion.status, "Ready").unwrap();
    let text = "New reconciliation triggered by GitRepository/n/s".to_owned();
    assert_eq!(ready, (ConditionStatus::False, "HealthCheckCanceled".to_owned(), text));
    assert_eq!(of(&conclusion.status, "Reconciling").unwrap().1, "ProgressingWithRetry");
    assert_eq!(of(&conclusion.status, "Healthy").unwrap().1, "Progressing");
    assert_eq!((conclusion.requeue, conclusion.outcome), (Requeue::After(Duration::ZERO), Outcome::Waiting));
}

#[test]
fn what_the_api_server_could_not_say_is_asked_again_soon() {
    let cause = || Box::new(weir_apply::RequestError::Timeout { seconds: 60 });
    let conclusion = from(&fresh(), Facts::default(), Err(Error::Recover { cause: cause() }), SPAN);
    assert_eq!(conclusion.requeue, Requeue::Backoff);
    let ready = of(&conclusion.status, "Ready").unwrap();
    assert_eq!(ready.1, "ReconciliationFailed");
    assert_eq!(ready.2, "cannot look for what an interrupted run has left: the API server did not answer within 60s");
}

#[test]
fn failures_have_reasons_and_fixed_retries() {
    let health = || Error::Health { after: rounded(Duration::from_secs(5)), text: "timeout waiting for: [x]".into() };
    let conclusion = from(&fresh(), facts(), Err(health()), SPAN);
    let text = "health check failed after 5s: timeout waiting for: [x]";
    let expected = (ConditionStatus::False, "HealthCheckFailed".to_owned(), text.to_owned());
    assert_eq!(of(&conclusion.status, "Ready"), Some(expected));
    assert_eq!(of(&conclusion.status, "Healthy").unwrap().2, "timeout waiting for: [x]");
    assert_eq!(of(&conclusion.status, "Reconciling").unwrap().1, "ProgressingWithRetry");
    assert_eq!(conclusion.requeue, Requeue::After(Duration::from_secs(120)));
    assert_eq!(told(&conclusion), [format!("HealthCheckFailed {text}")]);
    assert_eq!(conclusion.status.history[0].last_reconciled_status, "HealthCheckFailed");
}

#[test]
fn a_dependency_is_told_once() {
    let blocked = || {
        let blocked = Blocked::NotReady(Name { namespace: "n".into(), name: "db".into() });
        Err(Error::Dependency { blocked: Box::new(blocked), retry: Duration::from_secs(30) })
    };
    let before_build = || Facts { attempted: false, digest: None, phase: None, inventory: None, ..facts() };
    let first = from(&fresh(), before_build(), blocked(), SPAN);
    assert_eq!(of(&first.status, "Ready").unwrap().2, "dependency 'n/db' is not ready");
    assert_eq!(told(&first), ["DependencyNotReady Dependencies do not meet ready condition, retrying in 30s"]);
    assert_eq!((first.requeue, first.outcome), (Requeue::After(Duration::from_secs(30)), Outcome::Waiting));
    assert_eq!(first.status.last_attempted_revision, None);
    let second = from(&ks(serde_json::to_value(first.status).unwrap()), before_build(), blocked(), SPAN);
    assert!(second.events.is_empty());
    let asked = Facts { requested: Some("now".into()), ..before_build() };
    assert_eq!(from(&ks(serde_json::to_value(second.status).unwrap()), asked, blocked(), SPAN).events.len(), 1);
}

#[test]
fn what_only_has_to_wait_did_not_fail() {
    let retry = Duration::from_secs(30);
    for error in [Error::NoArtifact { retry }, Error::ArtifactGone { retry }] {
        let conclusion = from(&fresh(), Facts::default(), Err(error), SPAN);
        assert_eq!((conclusion.requeue, conclusion.outcome), (Requeue::After(retry), Outcome::Waiting));
        assert_eq!(of(&conclusion.status, "Ready").unwrap().1, "ArtifactFailed");
        assert!(conclusion.events.is_empty());
    }
    let broken = from(&fresh(), Facts::default(), Err(Error::Shutdown), SPAN);
    assert_eq!(broken.outcome, Outcome::Failed);
}

#[test]
fn what_stalls_is_not_tried_again() {
    let conclusion = from(&fresh(), Facts::default(), Err(Error::Expression { message: "bad".into() }), SPAN);
    assert_eq!(conclusion.requeue, Requeue::Never);
    assert_eq!(conclusion.outcome, Outcome::Stalled);
    assert_eq!(of(&conclusion.status, "Stalled").unwrap().1, "InvalidCELExpression");
    assert_eq!(conclusion.status.observed_generation, Some(3));
    let text = "Reconciliation failed terminally due to configuration error: bad";
    assert_eq!(of(&conclusion.status, "Ready").unwrap().2, text);
}

#[test]
fn a_quiet_end_changes_nothing() {
    let before = ks(json!({"observedGeneration": 3, "lastAppliedRevision": "r"}));
    let until = Timestamp::constant(1_700_000_050, 0);
    let conclusion = from(&before, Facts::default(), Ok(End::Quiet { until }), SPAN);
    assert_eq!(Some(conclusion.status), before.status);
    assert_eq!(conclusion.requeue, Requeue::At(until));
}
