//! One instance works at a time.

use serde_json::json;
use weir_runtime::RuntimeError;
use weir_testkit::Kind;

use crate::world::{LIMIT, WIDGET, launch, settings, start, widget, world};

const LEASE: Kind = Kind { api_version: "coordination.k8s.io/v1", kind: "Lease", plural: "leases", namespaced: true };
const NAME: &str = "widget-controller-leader-election";

fn holder(lease: &serde_json::Value) -> String {
    lease["spec"]["holderIdentity"].as_str().unwrap_or_default().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_second_takes_over_when_the_first_lets_go() {
    let (ns, api) = ("lead", world().await.api());
    let flags = ["--enable-leader-election", "--leader-election-retry-period=200ms"];
    let first = start(ns, &flags).await;
    api.apply(&widget(ns, "a", json!({"size": 1}))).await.unwrap();
    api.wait_ready(WIDGET, ns, "a", LIMIT).await.unwrap();
    let lease = api.get(LEASE, ns, NAME).await.unwrap().unwrap();
    let one = holder(&lease);
    assert!(one.starts_with("test-host_"), "{one}");
    assert_eq!(lease["spec"]["leaseDurationSeconds"], 35);
    assert_eq!(lease["spec"]["leaseTransitions"], 0);
    let second = launch(settings(ns, &flags).await).await;
    api.merge(WIDGET, ns, "a", &json!({"spec": {"size": 2}})).await.unwrap();
    api.wait(WIDGET, ns, "a", LIMIT, "resized", |o| o["status"]["size"] == 2).await.unwrap();
    assert!(second.log.lines().is_empty(), "the second one waits");
    first.stop().await.unwrap();
    let other = |lease: &serde_json::Value| !holder(lease).is_empty() && holder(lease) != one;
    let lease = api.wait(LEASE, ns, NAME, LIMIT, "another holder", other).await.unwrap();
    assert_eq!(lease["spec"]["leaseTransitions"], 1);
    api.merge(WIDGET, ns, "a", &json!({"spec": {"size": 3}})).await.unwrap();
    api.wait(WIDGET, ns, "a", LIMIT, "resized", |o| o["status"]["size"] == 3).await.unwrap();
    second.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn who_loses_the_lease_ends() {
    let (ns, api) = ("lost", world().await.api());
    let flags = ["--enable-leader-election", "--leader-election-retry-period=200ms"];
    let service = start(ns, &flags).await;
    api.wait(LEASE, ns, NAME, LIMIT, "a holder", |lease| !holder(lease).is_empty()).await.unwrap();
    // Somebody forces the lease over.
    let stolen = json!({"spec": {"holderIdentity": "thief"}});
    api.merge(LEASE, ns, NAME, &stolen).await.unwrap();
    let ended = tokio::time::timeout(LIMIT, service.task).await.unwrap().unwrap();
    assert!(matches!(ended, Err(RuntimeError::LeadershipLost { .. })), "{ended:?}");
    let lease = api.get(LEASE, ns, NAME).await.unwrap().unwrap();
    assert_eq!(holder(&lease), "thief", "what is not ours is not released");
}
