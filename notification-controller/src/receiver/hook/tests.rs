//! Calls over a real socket; the cluster is in memory.

use std::time::Duration;

use hmac::{Hmac, KeyInit, Mac};
use serde_json::json;
use sha2::Sha256;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use tokio_util::sync::CancellationToken;
use weir_runtime::Metrics;

use super::*;
use crate::{fake::Fake, server};

struct World {
    fake: Arc<Fake>,
    address: String,
    metrics: Metrics,
}

async fn world(no_cross_namespace: bool) -> World {
    let fake = Arc::new(Fake::default());
    fake.put_secret("apps", "s", &[("token", "hunter2")]);
    for (kind, namespace, name, labels) in [
        ("GitRepository", "apps", "web", json!({"team": "a"})),
        ("GitRepository", "apps", "db", json!({"team": "a"})),
        ("GitRepository", "apps", "other", json!({"team": "b"})),
        ("OCIRepository", "images", "web", json!({})),
    ] {
        fake.put_object(json!({"kind": kind, "metadata": {"namespace": namespace, "name": name, "labels": labels}}));
    }
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let hooks = Hooks::new(Arc::clone(&fake), Clock::system(), no_cross_namespace);
    let metrics = Metrics::new();
    let http = server::HttpMetrics::new(&metrics, "gotk_receiver", false);
    tokio::spawn(server::serve(listener, Arc::new(hooks), http, CancellationToken::new()));
    World { fake, address, metrics }
}

impl World {
    fn receiver(&self, path: &str, spec: Value) {
        let mut whole = json!({"type": "generic", "secretRef": {"name": "s"}, "resources": [{"kind": "GitRepository", "name": "web"}]});
        whole.as_object_mut().unwrap().extend(spec.as_object().unwrap().clone());
        let time = "2026-01-01T00:00:00Z";
        let ready =
            json!({"type": "Ready", "status": "True", "reason": "r", "message": "", "lastTransitionTime": time});
        let receiver = json!({
            "apiVersion": "notification.toolkit.fluxcd.io/v1", "kind": "Receiver",
            "metadata": {"name": "r", "namespace": "apps"}, "spec": whole,
            "status": {"webhookPath": path, "conditions": [ready]},
        });
        self.fake.put_receiver(serde_json::from_value(receiver).unwrap());
    }

    async fn post(&self, path: &str, headers: &[(&str, &str)], body: &str) -> u16 {
        let mut request = reqwest::Client::new().post(format!("http://{}{path}", self.address)).body(body.to_owned());
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.send().await.unwrap().status().as_u16()
    }

    fn woken(&self) -> Vec<String> {
        self.fake.annotated().into_iter().map(|(object, _)| object).collect()
    }
}

const JSON: (&str, &str) = ("content-type", "application/json");

#[tokio::test]
async fn only_the_exact_path_is_known() {
    let world = world(false).await;
    world.receiver("/hook/abc", json!({}));
    for (path, code) in [
        ("/hook/abc", 200),
        ("/hook/abcd", 404),
        ("/hook/", 404),
        ("/", 404),
        ("/hook/abc/", 404),
        ("/hook/abc?x=1", 404),
    ] {
        assert_eq!(world.post(path, &[], "").await, code, "{path}");
    }
    assert_eq!(world.woken(), ["GitRepository/web"]);
    assert!(!world.fake.annotated()[0].1.is_empty());
    let text = world.metrics.text();
    let line = "gotk_receiver_http_request_duration_seconds_count{service=\"\",handler=\"/hook/\",method=\"POST\",code=\"404\"} 5";
    assert!(text.contains(line), "{text}");
}

#[tokio::test]
async fn who_is_not_let_in_wakes_nothing() {
    let world = world(false).await;
    world.receiver("/hook/hmac", json!({"type": "generic-hmac"}));
    let mac = Hmac::<Sha256>::new_from_slice(b"hunter2").unwrap().chain_update(b"body").finalize();
    let good = format!("sha256={}", hex::encode(mac.into_bytes()));
    assert_eq!(world.post("/hook/hmac", &[("x-signature", "sha256=00")], "body").await, 400);
    assert_eq!(world.post("/hook/hmac", &[], "body").await, 400);
    assert_eq!(world.post("/hook/hmac", &[("x-signature", &good)], "other").await, 400);
    assert!(world.woken().is_empty());
    assert_eq!(world.post("/hook/hmac", &[("x-signature", &good)], "body").await, 200);
    assert_eq!(world.woken().len(), 1);
}

#[tokio::test]
async fn an_empty_token_is_none() {
    let world = world(false).await;
    world.fake.put_secret("apps", "empty", &[("token", "")]);
    let receiver = json!({
        "apiVersion": "notification.toolkit.fluxcd.io/v1", "kind": "Receiver",
        "metadata": {"name": "r", "namespace": "apps"},
        "spec": {"type": "generic", "secretRef": {"name": "empty"}, "resources": []},
    });
    let receiver: Receiver = serde_json::from_value(receiver).unwrap();
    let error = crate::receiver::token(&receiver.spec, "apps", world.fake.as_ref()).await.unwrap_err();
    assert!(error.to_string().starts_with("the key 'token' of secret 'apps/empty' is empty"), "{error}");
    // One that became ready before, or in Flux's hands, at the path that can be computed from its names.
    let path = crate::receiver::webhook_path(b"", &ObjectKey::new("apps", "r"));
    world.receiver(&path, json!({"secretRef": {"name": "empty"}}));
    assert_eq!(world.post(&path, &[], "").await, 400);
    assert!(world.woken().is_empty());
}

#[tokio::test]
async fn receivers_that_are_not_ready_or_suspended_say_so() {
    let world = world(false).await;
    world.receiver("/hook/asleep", json!({"suspend": true}));
    assert_eq!(world.post("/hook/asleep", &[], "").await, 503);
    let mut receiver: Receiver = world.fake.receiver("/hook/asleep").unwrap().as_ref().clone();
    receiver.spec.suspend = false;
    receiver.status = Some(serde_json::from_value(json!({"webhookPath": "/hook/new"})).unwrap());
    world.fake.put_receiver(receiver);
    assert_eq!(world.post("/hook/new", &[], "").await, 503);
}

#[tokio::test]
async fn resources_are_found_by_label_and_filtered() {
    let world = world(false).await;
    let labelled = json!({"kind": "GitRepository", "name": "*", "matchLabels": {"team": "a"}, "filter": "req.repo == res.metadata.name"});
    let spec = json!({"resourceFilter": "has(req.repo)", "resources": [labelled, {"kind": "OCIRepository", "name": "web", "namespace": "images"}]});
    world.receiver("/hook/f", spec);
    assert_eq!(world.post("/hook/f", &[JSON], r#"{"repo":"db"}"#).await, 200);
    assert_eq!(world.woken(), ["GitRepository/db", "OCIRepository/web"]);
    assert_eq!(world.post("/hook/f", &[JSON], "{}").await, 200);
    assert_eq!(world.post("/hook/f", &[], "not json").await, 200, "only JSON is read");
    assert_eq!(world.post("/hook/f", &[JSON], "null").await, 200);
    assert_eq!(world.woken().len(), 2);
    let several = ("content-type", "text/plain, application/json; charset=utf-8");
    assert_eq!(world.post("/hook/f", &[several], r#"{"repo":"web"} and more"#).await, 200);
    assert_eq!(world.woken()[2..], ["GitRepository/web", "OCIRepository/web"]);
    for bad in ["not json", "[]", ""] {
        assert_eq!(world.post("/hook/f", &[JSON], bad).await, 500, "{bad}");
    }
}

#[tokio::test]
async fn one_bad_resource_does_not_keep_the_others_asleep() {
    let world = world(true).await;
    let resources = json!([
        {"kind": "OCIRepository", "name": "web", "namespace": "images"},
        {"kind": "Kustomization", "name": "web"},
        {"kind": "GitRepository", "name": "*"},
        {"kind": "GitRepository", "name": "missing"},
        {"kind": "GitRepository", "name": "web"},
    ]);
    world.receiver("/hook/mixed", json!({"resources": resources}));
    assert_eq!(world.post("/hook/mixed", &[], "").await, 500);
    assert_eq!(world.woken(), ["GitRepository/web"]);
}

#[tokio::test]
async fn large_requests_are_cut_off() {
    let world = world(false).await;
    world.receiver("/hook/abc", json!({}));
    assert_eq!(world.post("/hook/abc", &[], &"a".repeat(server::MAX_BODY)).await, 200);
    assert_eq!(world.post("/hook/abc", &[], &"a".repeat(server::MAX_BODY + 1)).await, 413);
    // Without a length, and without an end.
    let mut endless = TcpStream::connect(&world.address).await.unwrap();
    endless.write_all(b"POST /hook/abc HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n").await.unwrap();
    let chunk = format!("10000\r\n{}\r\n", "a".repeat(0x10000));
    let mut sent = 0;
    while sent < 64 << 20 && endless.write_all(chunk.as_bytes()).await.is_ok() {
        sent += chunk.len();
    }
    assert!(sent < 64 << 20, "the connection is closed");
    let mut headers = TcpStream::connect(&world.address).await.unwrap();
    headers.write_all(b"POST /hook/abc HTTP/1.1\r\nhost: x\r\n").await.unwrap();
    let line = format!("x-{}: {}\r\n", "a".repeat(100), "b".repeat(8000));
    for _ in 0..40 {
        if headers.write_all(line.as_bytes()).await.is_err() {
            break;
        }
    }
    let mut reply = Vec::new();
    let _ = tokio::time::timeout(Duration::from_secs(5), headers.read_to_end(&mut reply)).await;
    let reply = String::from_utf8_lossy(&reply);
    assert!(reply.is_empty() || reply.starts_with("HTTP/1.1 431"), "{reply}");
    assert_eq!(world.woken().len(), 1);
}
