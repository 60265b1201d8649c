//! Finalizer, status, requests, suspend, deletion.

use std::time::Duration;

use serde_json::{Value, json};
use weir_runtime::{ObjectKey, Trigger};
use weir_testkit::api::{condition_text, is_ready};

use crate::world::{LIMIT, Service, WIDGET, start, widget, world};

/// Patches this service has sent.
fn patches(service: &Service) -> u64 {
    let text = service.metrics.text();
    let lines = text.lines().filter(|l| l.starts_with("rest_client_requests_total") && l.contains("PATCH"));
    lines.map(|line| line.rsplit(' ').next().unwrap().parse::<u64>().unwrap()).sum()
}

/// Has the object run once more. When that run begins, the one before has written everything.
async fn run_again(service: &Service, ns: &str) {
    let count = service.log.count("reconcile");
    service.handle.waker.wake(&ObjectKey::new(ns, "a"), Trigger::Input);
    while service.log.count("reconcile") == count {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn from_creation_to_deletion() {
    let (ns, api) = ("life", world().await.api());
    let service = start(ns, &[]).await;
    api.apply(&widget(ns, "a", json!({"size": 3}))).await.unwrap();
    let ready = api.wait_ready(WIDGET, ns, "a", LIMIT).await.unwrap();
    assert_eq!(ready["metadata"]["finalizers"], json!(["finalizers.fluxcd.io"]));
    assert_eq!(ready["status"]["size"], 3);
    assert_eq!(service.log.lines(), ["reconcile a created"]);

    let token = api.request_reconcile(WIDGET, ns, "a").await.unwrap();
    let handled = |o: &Value| o["status"]["lastHandledReconcileAt"] == token.as_str();
    api.wait(WIDGET, ns, "a", LIMIT, "request handled", handled).await.unwrap();
    assert_eq!(service.log.lines().last().unwrap(), "reconcile a requested");

    api.merge(WIDGET, ns, "a", &json!({"spec": {"size": 4}})).await.unwrap();
    let resized =
        api.wait(WIDGET, ns, "a", LIMIT, "resized", |o| is_ready(o) && o["status"]["size"] == 4).await.unwrap();
    assert_eq!(condition_text(&resized, "Reconciling"), ("", "", ""), "progress does not outlive its run");

    api.delete(WIDGET, ns, "a").await.unwrap();
    api.wait_gone(WIDGET, ns, "a", LIMIT).await.unwrap();
    service.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_status_that_is_there_costs_no_write() {
    let (ns, api) = ("quiet", world().await.api());
    let service = start(ns, &[]).await;
    api.apply(&widget(ns, "a", json!({"size": 3}))).await.unwrap();
    api.wait_ready(WIDGET, ns, "a", LIMIT).await.unwrap();
    run_again(&service, ns).await;
    let before = patches(&service);
    for _ in 0..5 {
        run_again(&service, ns).await;
    }
    assert_eq!(patches(&service), before);
    api.request_reconcile(WIDGET, ns, "a").await.unwrap();
    let handled = |o: &Value| o["status"]["lastHandledReconcileAt"].is_string();
    api.wait(WIDGET, ns, "a", LIMIT, "handled", handled).await.unwrap();
    run_again(&service, ns).await;
    run_again(&service, ns).await;
    assert_eq!(patches(&service), before + 1, "only lastHandledReconcileAt was written");
    service.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn suspended_objects_rest_and_can_still_go() {
    let (ns, api) = ("rest", world().await.api());
    let service = start(ns, &[]).await;
    api.apply(&widget(ns, "a", json!({"size": 3}))).await.unwrap();
    let ready = api.wait_ready(WIDGET, ns, "a", LIMIT).await.unwrap();
    api.merge(WIDGET, ns, "a", &json!({"spec": {"size": 9, "suspend": true}})).await.unwrap();
    api.request_reconcile(WIDGET, ns, "a").await.unwrap();
    // Another object passes through the same queue behind it.
    api.apply(&widget(ns, "b", json!({"size": 1}))).await.unwrap();
    api.wait_ready(WIDGET, ns, "b", LIMIT).await.unwrap();
    let now = api.get(WIDGET, ns, "a").await.unwrap().unwrap();
    assert_eq!(now["status"], ready["status"], "status is untouched");
    assert_eq!(service.log.count("reconcile a"), 1);
    assert!(service.metrics.text().contains(r#"name="a",ready="True",suspended="true""#));
    api.delete(WIDGET, ns, "a").await.unwrap();
    api.wait_gone(WIDGET, ns, "a", LIMIT).await.unwrap();
    assert_eq!(service.log.count("finalize a"), 1);
    let end = tokio::time::Instant::now() + LIMIT;
    while service.log.count("gone a") == 0 || service.metrics.text().contains(r#"name="a""#) {
        assert!(tokio::time::Instant::now() < end, "its series go with it: {}", service.metrics.text());
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    service.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn progress_that_lasts_is_shown_and_a_change_cancels() {
    let (ns, api) = ("slow", world().await.api());
    let service = start(ns, &[]).await;
    api.apply(&widget(ns, "a", json!({"size": 3, "mode": "slow"}))).await.unwrap();
    let polishing = |o: &Value| condition_text(o, "Reconciling").2 == "polishing";
    let shown = api.wait(WIDGET, ns, "a", LIMIT, "progress", polishing).await.unwrap();
    assert_eq!(condition_text(&shown, "Ready"), ("Unknown", "Progressing", "Reconciliation in progress"));
    api.merge(WIDGET, ns, "a", &json!({"spec": {"mode": ""}})).await.unwrap();
    let ready = api.wait_ready(WIDGET, ns, "a", LIMIT).await.unwrap();
    assert_eq!(condition_text(&ready, "Reconciling"), ("", "", ""));
    assert_eq!(service.log.lines(), ["reconcile a created", "cancelled a", "reconcile a changed"]);
    service.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_runs_what_is_there_and_shutdown_is_quick() {
    let (ns, api) = ("again", world().await.api());
    let first = start(ns, &[]).await;
    api.apply(&widget(ns, "a", json!({"size": 3}))).await.unwrap();
    api.wait_ready(WIDGET, ns, "a", LIMIT).await.unwrap();
    first.stop().await.unwrap();
    api.delete(WIDGET, ns, "a").await.unwrap();
    let second = start(ns, &[]).await;
    api.wait_gone(WIDGET, ns, "a", LIMIT).await.unwrap();
    assert_eq!(second.log.lines().first().unwrap(), "finalize a", "a deletion while nobody ran is handled");
    second.stop().await.unwrap();
}
