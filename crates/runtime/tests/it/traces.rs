//! Spans of the runs that matter, and of no others.

use serde_json::json;
use weir_testkit::OtlpReceiver;

use crate::world::{LIMIT, WIDGET, settings, start_with, widget, world};

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_tells_something_is_exported_with_its_trace_in_the_event() {
    let (ns, api) = ("traced", world().await.api());
    let receiver = OtlpReceiver::start().await.unwrap();
    let sink = weir_testkit::WebhookSink::start().await.unwrap();
    let mut settings = settings(ns, &[&format!("--events-addr={}", sink.url("/"))]).await;
    settings.environment.telemetry.insert("OTEL_EXPORTER_OTLP_ENDPOINT".to_owned(), receiver.endpoint());
    let service = start_with(settings).await;
    api.apply(&widget(ns, "a", json!({"size": 1}))).await.unwrap();
    api.wait_ready(WIDGET, ns, "a", LIMIT).await.unwrap();
    api.request_reconcile(WIDGET, ns, "a").await.unwrap();
    api.wait(WIDGET, ns, "a", LIMIT, "handled", |o| o["status"]["lastHandledReconcileAt"].is_string()).await.unwrap();
    let event = sink.event("Widget", "a", "Succeeded", LIMIT).await.unwrap();
    let traceparent = event["metadata"]["weir.dev/traceparent"].as_str().unwrap().to_owned();
    // The one that was asked for told nothing; were it exported, it would be before the next that tells something.
    api.merge(WIDGET, ns, "a", &json!({"spec": {"size": 2}})).await.unwrap();
    sink.wait("the next event", LIMIT, |r| r.json()["message"] == "size 2").await.unwrap();
    service.stop().await.unwrap();
    let spans = receiver.wait("two spans", LIMIT, |spans| (spans.len() >= 2).then(|| spans.to_vec())).await.unwrap();
    let [span, _] = spans.as_slice() else { panic!("only the runs that told something: {spans:?}") };
    assert_eq!((span.name.as_str(), span.service.as_str()), ("Widget reconcile", "widget-controller"));
    assert_eq!(traceparent, format!("00-{}-{}-01", span.trace_id, span.span_id));
    assert_eq!(span.attributes.get("k8s.namespace.name").map(String::as_str), Some(ns));
    assert_eq!(span.attributes.get("weir.kind").map(String::as_str), Some("Widget"));
    assert_eq!(span.attributes.get("weir.name").map(String::as_str), Some("a"));
    assert!(span.end >= span.start && !span.failed);
}
