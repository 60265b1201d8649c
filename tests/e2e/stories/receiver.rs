//! A forge calls, and the fetch starts at once.

use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::{Value, json};
use weir_testkit::kind;

use crate::apps;
use crate::world::{text, world};

#[tokio::test(flavor = "multi_thread")]
async fn a_push_is_fetched_when_the_forge_calls() -> Result<()> {
    let world = world().await;
    let tenant = world.tenant("receiver").await?;
    // A server of its own: a webhook belongs to a whole server here.
    let server = weir_testkit::GitServer::start().await?;
    let repository = server.repository("app")?.push_over(&server.url("app"));
    repository.write("a.yaml", &apps::config_map("a", "one"))?.push("one")?;
    tenant.git("app", json!({"url": server.url("app")})).await?;
    tenant.kustomization("app", json!({})).await?;
    tenant.ready(kind::KUSTOMIZATION, "app").await?;
    tenant.secret("hook", &[("token", "a-token-nobody-guesses")]).await?;
    let spec = json!({
        "type": "generic", "secretRef": {"name": "hook"},
        "resources": [{"apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "GitRepository", "name": "app"}],
    });
    tenant.object(kind::RECEIVER, "hook", spec).await?;
    let receiver = tenant.ready(kind::RECEIVER, "hook").await?;
    let path = text(&receiver, "/status/webhookPath");
    assert!(path.starts_with("/hook/") && path.len() == "/hook/".len() + 64, "{path}");

    server.webhook(Some(world.suite.receiver(path)));
    repository.write("a.yaml", &apps::config_map("a", "two"))?;
    let second = repository.push("two")?;
    let limit = Duration::from_secs(30);
    let revision = format!("main@sha1:{second}");
    let good = |ks: &Value| text(ks, "/status/lastAppliedRevision") == revision;
    world.api().wait(kind::KUSTOMIZATION, "receiver", "app", limit, "applied because the forge called", good).await?;

    let client = reqwest::Client::builder().no_proxy().build()?;
    let post = |path: String| client.post(world.suite.receiver(&path)).body("{}").send();
    assert_eq!(post("/hook/0000".into()).await?.status(), 404);
    tenant.api().merge(kind::RECEIVER, "receiver", "hook", &json!({"spec": {"suspend": true}})).await?;
    let path = path.to_owned();
    weir_testkit::background::until("a suspended receiver refuses", limit, || {
        let reply = post(path.clone());
        async move { reply.await.is_ok_and(|reply| reply.status() == 503) }
    })
    .await
    .context("503 is what a forge shows its people")?;
    Ok(())
}
