//! Deliveries to a real HTTP server; the cluster is in memory.

use std::path::Path;

use serde_json::{Value, json};
use weir_runtime::Metrics;
use weir_testkit::WebhookSink;

use super::*;
use crate::{
    event::{prepare, tests::sample},
    fake::Fake,
    queue::{Accepted, Opened, Options},
};

const LIMIT: Duration = Duration::from_secs(20);
const QUICK: Patience = Patience {
    first: Duration::from_millis(20),
    longest: Duration::from_millis(100),
    tries: 1000,
    hopeless: 3,
    age: Duration::from_secs(3600),
};

struct Service {
    fake: Arc<Fake>,
    queue: Queue,
    metrics: Metrics,
    dispatcher: Dispatcher<Fake>,
    stop: CancellationToken,
    task: tokio::task::JoinHandle<()>,
}

impl Service {
    fn start(dir: &Path, fake: Arc<Fake>, patience: Patience) -> Self {
        let clock = Clock::system();
        let Opened { queue, arrivals, resumed, .. } = Queue::open(dir, Options::default(), clock.now()).unwrap();
        let metrics = Metrics::new();
        let context = Context {
            edge: Arc::clone(&fake),
            queue: queue.clone(),
            clock,
            exporter: Exporter::off(),
            metrics: DeliveryMetrics::new(&metrics, &queue),
            patience,
            no_cross_namespace: false,
            object_level_identity: false,
        };
        let stop = CancellationToken::new();
        let dispatcher = Dispatcher::new(context, stop.clone());
        let task = tokio::spawn(dispatcher.clone().run(arrivals, resumed));
        Self { fake, queue, metrics, dispatcher, stop, task }
    }

    async fn accept(&self, name: &str, message: &str) {
        let mut event = sample(&[("kustomize.toolkit.fluxcd.io/revision", "main@sha1:1")]);
        event.involved_object.name = name.to_owned();
        event.message = message.to_owned();
        let accepted = self.queue.accept(&prepare(event), Clock::system().now()).await.unwrap();
        assert!(matches!(accepted, Accepted::New(_)));
    }

    async fn empty(&self) {
        let end = Clock::system().instant() + LIMIT;
        while self.queue.depth().0 > 0 {
            assert!(Clock::system().instant() < end, "deliveries are still waiting");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    async fn end(self) {
        self.stop.cancel();
        self.task.await.unwrap();
    }
}

fn alert(fake: &Fake, name: &str, provider: &str) {
    let alert = json!({
        "apiVersion": "notification.toolkit.fluxcd.io/v1beta3", "kind": "Alert",
        "metadata": {"name": name, "namespace": "apps"},
        "spec": {"providerRef": {"name": provider}, "eventMetadata": {"env": "prod"},
                 "eventSources": [{"kind": "Kustomization", "name": "*"}]},
    });
    fake.put_alert(serde_json::from_value(alert).unwrap());
}

fn provider(fake: &Fake, name: &str, spec: Value) {
    let provider = json!({
        "apiVersion": "notification.toolkit.fluxcd.io/v1beta3", "kind": "Provider",
        "metadata": {"name": name, "namespace": "apps"}, "spec": spec,
    });
    fake.put_provider(serde_json::from_value(provider).unwrap());
}

fn messages(sink: &WebhookSink) -> Vec<String> {
    let taken = sink.received().into_iter().filter(|received| received.answered == 200);
    taken.map(|received| received.json()["message"].as_str().unwrap_or_default().to_owned()).collect()
}

async fn one_provider() -> (tempfile::TempDir, WebhookSink, Arc<Fake>) {
    let sink = WebhookSink::start().await.unwrap();
    let fake = Arc::new(Fake::default());
    alert(&fake, "a", "p");
    provider(&fake, "p", json!({"type": "generic", "address": sink.url("hook"), "timeout": "1s"}));
    (tempfile::tempdir().unwrap(), sink, fake)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_arrives_with_its_metadata_merged() {
    let (dir, sink, fake) = one_provider().await;
    let service = Service::start(dir.path(), fake, QUICK);
    service.accept("web", "hello").await;
    service.empty().await;
    let got = &sink.received()[0];
    assert_eq!(got.header("gotk-component"), Some("kustomize-controller"));
    assert_eq!(got.json()["metadata"], json!({"env": "prod", "revision": "main@sha1:1"}));
    let text = service.metrics.text();
    let line =
        "weir_notification_deliveries_total{namespace=\"apps\",name=\"p\",type=\"generic\",result=\"delivered\"} 1";
    assert!(text.contains(line), "{text}");
    service.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn order_is_kept_per_object_through_failures() {
    let (dir, sink, fake) = one_provider().await;
    let service = Service::start(dir.path(), fake, QUICK);
    sink.fail_next(5, 503);
    for n in 0..10 {
        service.accept("web", &n.to_string()).await;
    }
    service.empty().await;
    assert_eq!(messages(&sink), (0..10).map(|n| n.to_string()).collect::<Vec<_>>());
    let told = service.fake.told();
    assert_eq!(told.len(), 1, "one failing delivery is told once: {told:?}");
    assert!(
        told[0].message.starts_with("failed to send notification for Kustomization/apps/web: "),
        "{}",
        told[0].message
    );
    service.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_provider_delays_nobody_else() {
    let (dir, sink, fake) = one_provider().await;
    let dead = WebhookSink::start().await.unwrap();
    dead.hang(true);
    alert(&fake, "b", "dead");
    provider(&fake, "dead", json!({"type": "generic", "address": dead.url("hook"), "timeout": "30s"}));
    let service = Service::start(dir.path(), fake, QUICK);
    for n in 0..20 {
        service.accept(&format!("web-{n}"), "hello").await;
    }
    let end = Clock::system().instant() + LIMIT;
    while messages(&sink).len() < 20 && Clock::system().instant() < end {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(messages(&sink).len(), 20);
    assert!(dead.received().len() <= PER_PROVIDER, "{} at a time", dead.received().len());
    // A sink has a message before its delivery is noted down.
    while service.queue.depth().2 > 20 && Clock::system().instant() < end {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(service.queue.depth().2, 20, "the dead one's are kept");
    dead.hang(false);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_not_delivered_is_delivered_after_a_restart() {
    let (dir, sink, fake) = one_provider().await;
    sink.fail_next(usize::MAX, 500);
    let service = Service::start(dir.path(), Arc::clone(&fake), QUICK);
    service.accept("web", "one").await;
    service.accept("db", "two").await;
    service.end().await;
    sink.fail_next(0, 500);
    let service = Service::start(dir.path(), fake, QUICK);
    service.empty().await;
    let mut got = messages(&sink);
    got.sort();
    assert_eq!(got, ["one", "two"]);
    service.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn hopeless_deliveries_are_buried_and_told() {
    let (dir, sink, fake) = one_provider().await;
    fake.put_secret("apps", "s", &[("address", &sink.url("services/T0SECRET")), ("token", "hunter2hunter2")]);
    provider(&fake, "p", json!({"type": "slack", "address": "http://unused", "secretRef": {"name": "s"}}));
    sink.fail_next(usize::MAX, 404);
    let service = Service::start(dir.path(), fake, QUICK);
    service.accept("web", "hello").await;
    service.empty().await;
    assert_eq!(sink.received().len(), 3);
    let letters = std::fs::read_to_string(dir.path().join("dead-letters.jsonl")).unwrap();
    let letter: Value = serde_json::from_str(letters.lines().next().unwrap()).unwrap();
    assert_eq!((&letter["event"]["message"], &letter["target"]["provider"]), (&json!("hello"), &json!("p")));
    let told = service.fake.told();
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told[1].message.starts_with("gave up notification for Kustomization/apps/web after 3 tries"), "{told:?}");
    for shown in [letters, format!("{told:?}")] {
        assert!(!shown.contains("hunter2hunter2") && !shown.contains("T0SECRET"), "{shown}");
    }
    assert!(service.metrics.text().contains("weir_notification_dead_letters_total{namespace=\"apps\",name=\"p\"} 1"));
    service.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_provider_is_tried_at_once() {
    let (dir, sink, fake) = one_provider().await;
    provider(&fake, "p", json!({"type": "generic", "address": "http://127.0.0.1:1/nobody"}));
    let patience = Patience { first: Duration::from_secs(3600), longest: Duration::from_secs(3600), ..QUICK };
    let service = Service::start(dir.path(), fake, patience);
    service.accept("web", "hello").await;
    while service.fake.told().is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    provider(&service.fake, "p", json!({"type": "generic", "address": sink.url("hook")}));
    while messages(&sink).is_empty() {
        service.dispatcher.changed(ObjectKey::new("apps", "p"));
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    service.empty().await;
    service.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn unsupported_types_are_told_and_suspended_ones_are_not() {
    let (dir, sink, fake) = one_provider().await;
    for (name, spec) in [
        ("teams", json!({"type": "msteams", "address": "http://x"})),
        ("asleep", json!({"type": "generic", "address": sink.url("asleep"), "suspend": true})),
        ("commits", json!({"type": "github", "address": "http://x"})),
    ] {
        alert(&fake, name, name);
        provider(&fake, name, spec);
    }
    let service = Service::start(dir.path(), fake, QUICK);
    service.accept("web", "hello").await;
    service.empty().await;
    let told = service.fake.told();
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].message.contains("provider type msteams is not supported yet"), "{told:?}");
    assert_eq!(sink.received().len(), 1);
    service.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn redirects_stay_on_the_host() {
    let (dir, sink, fake) = one_provider().await;
    let other = WebhookSink::start().await.unwrap();
    let to = other.url("stolen");
    let redirect = axum::Router::new().fallback(move || {
        let to = to.clone();
        async move { (http::StatusCode::TEMPORARY_REDIRECT, [("location", to)]) }
    });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}/hook", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, redirect).await.unwrap() });
    provider(&fake, "p", json!({"type": "generic", "address": address}));
    let service = Service::start(dir.path(), fake, QUICK);
    service.accept("web", "hello").await;
    service.empty().await;
    assert!(other.received().is_empty() && sink.received().is_empty());
    assert!(service.fake.told()[0].message.contains("redirects to other hosts are not followed"));
    service.end().await;
}
