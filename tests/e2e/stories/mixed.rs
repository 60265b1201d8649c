//! One service of Weir among others that are not: artifacts over plain HTTP, a status written by somebody else, a raw event.

use std::time::Duration;

use anyhow::Result;
use serde_json::{Value, json};
use sha2::Digest as _;
use weir_testkit::registry::tar_gz;
use weir_testkit::{ControlPlane, HttpServer, NAMESPACE, Service, Suite, SuiteOptions, WebhookSink, kind};

use crate::apps;
use crate::world::{SOON, download, text, world};

#[tokio::test(flavor = "multi_thread")]
async fn anyone_can_fetch_our_artifact_and_check_it() -> Result<()> {
    let tenant = world().await.tenant("mixed-artifact").await?;
    let commit = tenant.repository()?.write("a.yaml", "x: 1\n")?.push("one")?;
    tenant.git("app", json!({})).await?;
    let source = tenant.ready(kind::GIT_REPOSITORY, "app").await?;
    let artifact = &source["status"]["artifact"];
    assert_eq!(text(artifact, "/path"), format!("gitrepository/mixed-artifact/app/{commit}.tar.gz"));
    assert_eq!(text(artifact, "/url"), tenant.world.suite.artifacts(text(artifact, "/path")));
    // `download` compares digest and size with the status.
    assert_eq!(download(&source).await?.get("a.yaml").map(String::as_str), Some("x: 1\n"));
    Ok(())
}

fn foreign_status(url: &str, data: &[u8], revision: &str) -> Value {
    let digest: String = sha2::Sha256::digest(data).iter().map(|byte| format!("{byte:02x}")).collect();
    let now = "2026-01-01T00:00:00Z";
    json!({"status": {
        "observedGeneration": 1,
        "artifact": {"url": url, "path": "gitrepository/x/x/1.tar.gz", "revision": revision, "digest": format!("sha256:{digest}"),
                     "size": data.len(), "lastUpdateTime": now},
        "conditions": [{"type": "Ready", "status": "True", "reason": "Succeeded", "message": "stored artifact", "observedGeneration": 1,
                        "lastTransitionTime": now}],
    }})
}

#[tokio::test(flavor = "multi_thread")]
async fn our_kustomize_controller_works_for_a_source_that_is_not_ours() -> Result<()> {
    let plane = ControlPlane::start().await?;
    let options = SuiteOptions { only: vec![Service::Kustomize], ..SuiteOptions::default() };
    let suite = Suite::with(plane.api(), plane.kubeconfig(), options).await?;
    let api = plane.api();
    api.namespace("foreign").await?;
    let first = tar_gz(&[("a.yaml", &apps::config_map("a", "one"))])?;
    let second = tar_gz(&[("a.yaml", &apps::config_map("a", "two"))])?;
    let (one, two) = (first.clone(), second.clone());
    let router = axum::Router::new()
        .route("/1.tar.gz", axum::routing::get(move || std::future::ready(one.clone())))
        .route("/2.tar.gz", axum::routing::get(move || std::future::ready(two.clone())));
    let server = HttpServer::start(router, None).await?;
    let meta = json!({"name": "app", "namespace": "foreign"});
    api.apply(&json!({"apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "GitRepository", "metadata": meta,
                      "spec": {"interval": "1h", "url": "https://git.example.test/app"}}))
        .await?;
    api.apply(&json!({"apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization", "metadata": meta,
                      "spec": {"interval": "1h", "prune": true, "targetNamespace": "foreign",
                               "sourceRef": {"kind": "GitRepository", "name": "app"}}}))
        .await?;
    let revision = |digit: char| format!("main@sha1:{}", digit.to_string().repeat(40));
    let status = foreign_status(&format!("{}/1.tar.gz", server.url()), &first, &revision('1'));
    api.merge_status(kind::GIT_REPOSITORY, "foreign", "app", &status).await?;
    let applied = |digit: char| move |ks: &Value| text(ks, "/status/lastAppliedRevision") == revision(digit);
    api.wait(kind::KUSTOMIZATION, "foreign", "app", SOON, "the first", applied('1')).await?;

    let status = foreign_status(&format!("{}/2.tar.gz", server.url()), &second, &revision('2'));
    api.merge_status(kind::GIT_REPOSITORY, "foreign", "app", &status).await?;
    api.wait(kind::KUSTOMIZATION, "foreign", "app", SOON, "the second", applied('2')).await?;
    let map = api.get(kind::CONFIG_MAP, "foreign", "a").await?.unwrap_or_default();
    assert_eq!(text(&map, "/data/greeting"), "two");

    // The bytes are those of the first, the digest is that of bytes nobody has seen.
    let unseen = tar_gz(&[("a.yaml", &apps::config_map("a", "three"))])?;
    let mut status = foreign_status(&format!("{}/1.tar.gz", server.url()), &unseen, &revision('3'));
    status["status"]["artifact"]["size"] = json!(first.len());
    api.merge_status(kind::GIT_REPOSITORY, "foreign", "app", &status).await?;
    let refused = |ks: &Value| {
        let (status, _, message) = weir_testkit::api::condition_text(ks, "Ready");
        status == "False" && message.contains("digest")
    };
    api.wait(kind::KUSTOMIZATION, "foreign", "app", SOON, "a wrong digest is refused", refused).await?;
    let map = api.get(kind::CONFIG_MAP, "foreign", "a").await?.unwrap_or_default();
    assert_eq!(text(&map, "/data/greeting"), "two", "an artifact with a wrong digest was applied");
    drop(suite);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn our_notification_controller_takes_a_raw_event() -> Result<()> {
    let world = world().await;
    let tenant = world.tenant("mixed-event").await?;
    let sink = WebhookSink::start().await?;
    tenant.object(kind::PROVIDER, "sink", json!({"type": "generic", "address": sink.url("/")})).await?;
    let sources = json!([{"kind": "HelmRelease", "name": "*"}]);
    tenant.object(kind::ALERT, "all", json!({"providerRef": {"name": "sink"}, "eventSources": sources})).await?;
    // As Flux's helm-controller sends it.
    let event = json!({
        "involvedObject": {"kind": "HelmRelease", "namespace": "mixed-event", "name": "podinfo", "uid": "7b1c", "apiVersion": "helm.toolkit.fluxcd.io/v2",
                           "resourceVersion": "42"},
        "severity": "info", "timestamp": "2026-11-21T12:00:00Z", "message": "Helm upgrade succeeded for release", "reason": "UpgradeSucceeded",
        "metadata": {"helm.toolkit.fluxcd.io/revision": "6.5.0", "event.toolkit.fluxcd.io/team": "a", "elsewhere.example.test/x": "dropped"},
        "reportingController": "helm-controller", "reportingInstance": "helm-controller-0",
    });
    let client = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(10)).build()?;
    let post = |event: &Value| client.post(world.suite.events()).json(event).send();
    // The Alert reaches the controller by a watch; until then an event about nothing it knows is accepted and forgotten.
    let mut sent = event.clone();
    let mut number = 0;
    let received = loop {
        sent["message"] = json!(format!("Helm upgrade succeeded for release v{number}"));
        assert_eq!(post(&sent).await?.status(), 202);
        if let Ok(received) = sink.wait("the event", Duration::from_secs(2), |_| true).await {
            break received;
        }
        number += 1;
        anyhow::ensure!(number < 15, "no event arrived");
    };
    let got = received.json();
    assert_eq!(text(&got, "/reason"), "UpgradeSucceeded");
    assert_eq!(got["metadata"], json!({"revision": "6.5.0", "team": "a"}), "prefixes go, foreign keys too");
    assert_eq!(received.header("gotk-component"), Some("helm-controller"));
    assert_eq!(post(&sent).await?.status(), 429, "the same again within five minutes");
    let raw = |body: &'static str| client.post(world.suite.events()).body(body).send();
    assert_eq!(raw("not json").await?.status(), 400);
    assert!(!NAMESPACE.is_empty());
    Ok(())
}
