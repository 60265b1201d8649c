//! Events before status, at least once, and counted in the cluster.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use serde_json::{Value, json};
use weir_testkit::{WebhookSink, kind};

use crate::world::{LIMIT, WIDGET, start, widget, world};

#[tokio::test(flavor = "multi_thread")]
async fn an_event_is_acknowledged_before_the_status_says_so() {
    let (ns, api) = ("told", world().await.api());
    let sink = WebhookSink::start().await.unwrap();
    sink.hang(true);
    let service = start(ns, &[&format!("--events-addr={}", sink.url("/"))]).await;
    let mut object = widget(ns, "a", json!({"size": 1}));
    object["metadata"]["annotations"] = json!({"event.toolkit.fluxcd.io/team": "blue", "other": "no"});
    api.apply(&object).await.unwrap();
    sink.wait("first try", LIMIT, |_| true).await.unwrap();
    let now = api.get(WIDGET, ns, "a").await.unwrap().unwrap();
    assert!(!weir_testkit::api::is_ready(&now), "the receiver has not answered yet: {now}");
    sink.hang(false);
    let event = sink.received().first().expect("the first try").json();
    assert_eq!((&event["severity"], &event["reason"]), (&json!("info"), &json!("Succeeded")));
    assert_eq!(event["reportingController"], "widget-controller");
    assert_eq!(event["reportingInstance"], "test-host");
    assert_eq!(event["involvedObject"]["namespace"], ns);
    assert_eq!(event["involvedObject"]["apiVersion"], "test.weir.dev/v1");
    let metadata =
        json!({"event.toolkit.fluxcd.io/team": "blue", "test.weir.dev/revision": "r1", "test.weir.dev/token": "t"});
    assert_eq!(event["metadata"], metadata);
    api.wait_ready(WIDGET, ns, "a", LIMIT).await.unwrap();
    service.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_that_is_down_gets_everything_later_in_order() {
    let (ns, api) = ("later", world().await.api());
    let sink = WebhookSink::start().await.unwrap();
    sink.fail_next(3, 503);
    let service = start(ns, &[&format!("--events-addr={}", sink.url("/"))]).await;
    api.apply(&widget(ns, "a", json!({"size": 1}))).await.unwrap();
    api.wait(WIDGET, ns, "a", LIMIT, "size 1", |o| o["status"]["size"] == 1).await.unwrap();
    api.merge(WIDGET, ns, "a", &json!({"spec": {"size": 2}})).await.unwrap();
    api.wait(WIDGET, ns, "a", LIMIT, "size 2", |o| o["status"]["size"] == 2).await.unwrap();
    sink.wait("second event", LIMIT, |r| r.answered == 200 && r.json()["message"] == "size 2").await.unwrap();
    let taken: Vec<Value> =
        sink.received().iter().filter(|r| r.answered == 200).map(|r| r.json()["message"].clone()).collect();
    assert_eq!(taken, ["size 1", "size 2"]);
    service.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_duplicate_is_done_and_a_refusal_is_not_repeated() {
    let (ns, api) = ("dup", world().await.api());
    let sink = WebhookSink::start().await.unwrap();
    sink.fail_next(1, 429);
    let service = start(ns, &[&format!("--events-addr={}", sink.url("/"))]).await;
    api.apply(&widget(ns, "a", json!({"size": 1}))).await.unwrap();
    api.wait_ready(WIDGET, ns, "a", LIMIT).await.unwrap();
    sink.fail_next(1, 400);
    api.merge(WIDGET, ns, "a", &json!({"spec": {"size": 2}})).await.unwrap();
    api.wait(WIDGET, ns, "a", LIMIT, "size 2", |o| o["status"]["size"] == 2).await.unwrap();
    // Had the refused one been kept, this one would line up behind it.
    api.merge(WIDGET, ns, "a", &json!({"spec": {"size": 3}})).await.unwrap();
    sink.wait("the next event", LIMIT, |r| r.answered == 200 && r.json()["message"] == "size 3").await.unwrap();
    assert_eq!(sink.received().iter().map(|r| r.answered).collect::<Vec<_>>(), [429, 400, 200]);
    assert!(service.metrics.text().contains("weir_events_dropped_total 1"));
    service.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_is_always_refused_does_not_hold_back_others() {
    let (ns, api) = ("poison", world().await.api());
    let seen: Arc<Mutex<Vec<(String, u16)>>> = Arc::default();
    let log = Arc::clone(&seen);
    let answer = move |body: String| {
        let status = if body.contains("size 666") { 500 } else { 202 };
        let event: Value = serde_json::from_str(&body).unwrap_or_default();
        log.lock().unwrap().push((event["message"].as_str().unwrap_or_default().to_owned(), status));
        std::future::ready(http::StatusCode::from_u16(status).unwrap())
    };
    let router = axum::Router::new().route("/", axum::routing::post(answer));
    let receiver = weir_testkit::HttpServer::start(router, None).await.unwrap();
    let service = start(ns, &[&format!("--events-addr={}/", receiver.url())]).await;
    api.apply(&widget(ns, "bad", json!({"size": 666}))).await.unwrap();
    let asked = |message: &'static str| {
        let seen = Arc::clone(&seen);
        move || {
            let found = seen.lock().unwrap().iter().any(|(said, _)| said == message);
            async move { found }
        }
    };
    weir_testkit::background::until("the refused event", LIMIT, asked("size 666")).await.unwrap();
    api.merge(WIDGET, ns, "bad", &json!({"spec": {"size": 667}})).await.unwrap();
    for n in 1..=4 {
        api.apply(&widget(ns, &format!("good-{n}"), json!({"size": n}))).await.unwrap();
    }
    weir_testkit::background::until("an event of another object", LIMIT, asked("size 4")).await.unwrap();
    let good = seen.lock().unwrap().iter().filter(|(_, status)| *status == 202).count();
    assert!(good >= 1);
    assert!(!asked("size 667")().await, "events about one object stay in order");
    assert!(service.metrics.text().contains("weir_events_waiting "));
    service.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn repeats_are_counted_on_one_kubernetes_event() {
    let (ns, api) = ("counted", world().await.api());
    let service = start(ns, &[]).await;
    api.apply(&widget(ns, "a", json!({"size": 1, "mode": "fail"}))).await.unwrap();
    while service.log.count("reconcile a") < 4 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let end = tokio::time::Instant::now() + LIMIT;
    let event = loop {
        let events = api.list(kind::EVENT, ns).await.unwrap();
        let ours: Vec<_> = events.into_iter().filter(|e| e["reason"] == "BuildFailed").collect();
        assert!(ours.len() <= 1, "{ours:?}");
        match ours.into_iter().next() {
            Some(event) if event["count"].as_i64() >= Some(3) => break event,
            _ if tokio::time::Instant::now() > end => panic!("no counted event"),
            _ => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    };
    assert_eq!(event["type"], "Warning");
    assert_eq!(event["source"]["component"], "widget-controller");
    assert_eq!(event["metadata"]["annotations"]["test.weir.dev/revision"], "r1");
    service.stop().await.unwrap();
}
