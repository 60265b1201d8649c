//! One bad object never stops the others.

use serde_json::json;
use weir_testkit::api::condition_text;

use crate::world::{LIMIT, WIDGET, start, widget, world};

#[tokio::test(flavor = "multi_thread")]
async fn a_poison_object_says_so_and_others_go_on() {
    let (ns, api) = ("poison", world().await.api());
    api.namespace(ns).await.unwrap();
    api.apply(&widget(ns, "bad", json!({"size": "huge"}))).await.unwrap();
    api.apply(&widget(ns, "good", json!({"size": 1}))).await.unwrap();
    let service = start(ns, &[]).await;
    api.wait_ready(WIDGET, ns, "good", LIMIT).await.unwrap();
    let stalled = |o: &serde_json::Value| condition_text(o, "Stalled").0 == "True";
    let bad = api.wait(WIDGET, ns, "bad", LIMIT, "stalled", stalled).await.unwrap();
    let (status, reason, message) = condition_text(&bad, "Ready");
    assert_eq!((status, reason), ("False", "InvalidSpec"));
    assert!(message.contains("Widget poison/bad") && message.contains("huge"), "{message}");
    api.merge(WIDGET, ns, "bad", &json!({"spec": {"size": 2}})).await.unwrap();
    let healed = api.wait_ready(WIDGET, ns, "bad", LIMIT).await.unwrap();
    assert_eq!(healed["status"]["size"], 2);
    api.merge(WIDGET, ns, "good", &json!({"spec": {"size": -5}})).await.unwrap();
    api.wait(WIDGET, ns, "good", LIMIT, "stalled", stalled).await.unwrap();
    service.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_stays_with_its_object() {
    let (ns, api) = ("panic", world().await.api());
    let service = start(ns, &[]).await;
    api.apply(&widget(ns, "bad", json!({"size": 1, "mode": "panic"}))).await.unwrap();
    let panicked = |o: &serde_json::Value| condition_text(o, "Ready").1 == "Panic";
    let bad = api.wait(WIDGET, ns, "bad", LIMIT, "panicked", panicked).await.unwrap();
    assert!(condition_text(&bad, "Ready").2.contains("is cursed"));
    api.apply(&widget(ns, "good", json!({"size": 1}))).await.unwrap();
    api.wait_ready(WIDGET, ns, "good", LIMIT).await.unwrap();
    while service.log.count("reconcile bad") < 3 {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    assert!(service.metrics.text().contains(r#"controller_runtime_reconcile_panics_total{controller="widget"}"#));
    api.merge(WIDGET, ns, "bad", &json!({"spec": {"mode": ""}})).await.unwrap();
    api.wait_ready(WIDGET, ns, "bad", LIMIT).await.unwrap();
    service.stop().await.unwrap();
}
