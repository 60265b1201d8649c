//! Spans of the runs that matter, and of no others.

use std::time::Duration;

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
    service.stop().await.unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    let spans = receiver.spans();
    let [span] = spans.as_slice() else { panic!("only the run that told something: {spans:?}") };
    assert_eq!((span.name.as_str(), span.service.as_str()), ("Widget reconcile", "widget-controller"));
    assert_eq!(traceparent, format!("00-{}-{}-01", span.trace_id, span.span_id));
    assert_eq!(span.attributes.get("k8s.namespace.name").map(String::as_str), Some(ns));
    assert_eq!(span.attributes.get("weir.kind").map(String::as_str), Some("Widget"));
    assert_eq!(span.attributes.get("weir.name").map(String::as_str), Some("a"));
    assert!(span.end >= span.start && !span.failed);
}
