//! Messages reach people: filtered, repeated until they are taken, never twice for the same thing.

use anyhow::Result;
use serde_json::{Value, json};
use weir_testkit::{WebhookSink, kind};

use crate::apps;
use crate::world::{SOON, text, world};

#[tokio::test(flavor = "multi_thread")]
async fn a_message_is_repeated_until_it_is_taken() -> Result<()> {
    let tenant = world().await.tenant("messages-retry").await?;
    let sink = WebhookSink::start().await?;
    sink.fail_next(2, 503);
    tenant.object(kind::PROVIDER, "sink", json!({"type": "generic", "address": sink.url("/")})).await?;
    let sources = json!([{"kind": "Kustomization", "name": "*"}]);
    tenant.object(kind::ALERT, "all", json!({"providerRef": {"name": "sink"}, "eventSources": sources})).await?;
    tenant.repository()?.write("a.yaml", &apps::config_map("a", "one"))?.push("one")?;
    tenant.git("app", json!({})).await?;
    tenant.kustomization("app", json!({})).await?;
    tenant.ready(kind::KUSTOMIZATION, "app").await?;
    sink.event("Kustomization", "app", "ReconciliationSucceeded", SOON).await?;
    assert!(
        sink.received().iter().filter(|r| r.answered == 503).count() >= 2,
        "nothing was refused, so nothing was repeated"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn alerts_filter_by_severity_kind_and_text() -> Result<()> {
    let tenant = world().await.tenant("messages-filter").await?;
    let sink = WebhookSink::start().await?;
    for name in ["errors", "git", "worded", "meta"] {
        tenant.object(kind::PROVIDER, name, json!({"type": "generic", "address": sink.url(name)})).await?;
    }
    let everything = json!([{"kind": "Kustomization", "name": "*"}, {"kind": "GitRepository", "name": "*"}]);
    let alert = |provider: &str, more: Value| {
        crate::world::merged(json!({"providerRef": {"name": provider}, "eventSources": everything}), more)
    };
    tenant.object(kind::ALERT, "errors", alert("errors", json!({"eventSeverity": "error"}))).await?;
    tenant
        .object(kind::ALERT, "git", alert("git", json!({"eventSources": [{"kind": "GitRepository", "name": "app"}]})))
        .await?;
    let lists = json!({"inclusionList": [".*stored artifact.*"], "exclusionList": [".*secret plan.*"]});
    tenant.object(kind::ALERT, "worded", alert("worded", lists)).await?;
    tenant.object(kind::ALERT, "meta", alert("meta", json!({"eventMetadata": {"cluster": "here"}}))).await?;
    let repository = tenant.repository()?;
    repository.write("a.yaml", &apps::config_map("a", "one"))?.push("an open plan")?;
    tenant.git("app", json!({})).await?;
    tenant.kustomization("app", json!({})).await?;
    tenant.ready(kind::KUSTOMIZATION, "app").await?;
    repository.write("a.yaml", "kind: [")?.push("a secret plan")?;
    tenant.reconcile(kind::GIT_REPOSITORY, "app").await?;
    tenant.fails(kind::KUSTOMIZATION, "app", "BuildFailed").await?;

    let of = |path: &str, reason: &str| {
        let (path, reason) = (format!("/{path}"), reason.to_owned());
        move |r: &weir_testkit::Received| r.path == path && text(&r.json(), "/reason") == reason
    };
    let failed = sink.wait("the failure", SOON, of("errors", "BuildFailed")).await?;
    assert_eq!(failed.json()["severity"], "error");
    sink.wait("the artifact", SOON, of("git", "NewArtifact")).await?;
    sink.wait("the first artifact, by its words", SOON, of("worded", "NewArtifact")).await?;
    let meta = sink.wait("the success", SOON, of("meta", "ReconciliationSucceeded")).await?;
    assert_eq!(meta.json()["metadata"]["cluster"], "here");
    sink.wait("the failure, unfiltered", SOON, of("meta", "BuildFailed")).await?;
    // Each provider is told in order: behind a later message nothing is under way that should not come.
    repository.write("a.yaml", "kind: [[")?.push("an open end")?;
    tenant.reconcile(kind::GIT_REPOSITORY, "app").await?;
    let second = |path: &'static str, reason: &'static str| {
        let sink = &sink;
        async move {
            let twice = || async { sink.received().iter().filter(|r| of(path, reason)(r)).count() >= 2 };
            weir_testkit::background::until(&format!("the second {reason} at /{path}"), SOON, twice).await
        }
    };
    second("errors", "BuildFailed").await?;
    second("git", "NewArtifact").await?;
    second("worded", "NewArtifact").await?;
    for received in sink.received() {
        let event = received.json();
        let (kind, message) = (text(&event, "/involvedObject/kind"), text(&event, "/message"));
        match received.path.as_str() {
            "/errors" => assert_eq!(text(&event, "/severity"), "error", "{event}"),
            "/git" => assert_eq!(kind, "GitRepository", "{event}"),
            "/worded" => assert!(message.contains("stored artifact") && !message.contains("secret plan"), "{event}"),
            _ => {}
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signed_message_can_be_checked() -> Result<()> {
    let tenant = world().await.tenant("messages-hmac").await?;
    let sink = WebhookSink::start().await?;
    tenant.secret("key", &[("token", "shared-key")]).await?;
    let provider = json!({"type": "generic-hmac", "address": sink.url("/"), "secretRef": {"name": "key"}});
    tenant.object(kind::PROVIDER, "sink", provider).await?;
    let sources = json!([{"kind": "GitRepository", "name": "*"}]);
    tenant.object(kind::ALERT, "all", json!({"providerRef": {"name": "sink"}, "eventSources": sources})).await?;
    tenant.repository()?.write("a.yaml", &apps::config_map("a", "one"))?.push("one")?;
    tenant.git("app", json!({})).await?;
    let received = sink.wait("a message", SOON, |r| r.answered == 200).await?;
    let signature = received.header("x-signature").unwrap_or_default().to_owned();
    // The reference is openssl's or Python's HMAC; here the definition of HMAC itself (RFC 2104).
    assert_eq!(signature, format!("sha256={}", hmac_sha256(b"shared-key", &received.body)));
    assert_eq!(received.header("gotk-component"), Some("source-controller"));
    Ok(())
}

fn hmac_sha256(key: &[u8], body: &[u8]) -> String {
    use sha2::{Digest as _, Sha256};
    let mut block = [0_u8; 64];
    block[..key.len()].copy_from_slice(key);
    let inner = Sha256::new().chain_update(block.map(|byte| byte ^ 0x36)).chain_update(body).finalize();
    let outer = Sha256::new().chain_update(block.map(|byte| byte ^ 0x5c)).chain_update(inner).finalize();
    outer.iter().map(|byte| format!("{byte:02x}")).collect()
}
