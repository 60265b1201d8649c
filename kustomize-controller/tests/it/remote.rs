//! Bases that are not in the artifact, from a real Git server.

use anyhow::{Result, ensure};
use serde_json::{Value, json};
use weir_testkit::{GitServer, kind};

use crate::world::{OTHERS, config_map, world};

fn value(map: &Value) -> Option<&str> {
    map.pointer("/data/key").and_then(Value::as_str)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_remote_base_is_applied_and_looked_at_again() -> Result<()> {
    let tenant = world().await.tenant("remote").await?;
    let git = GitServer::start().await?;
    let repository = git.repository("org/repo.git")?;
    repository.write("base/kustomization.yaml", "resources: [m.yaml]\nnamePrefix: far-\n")?;
    repository.write("base/m.yaml", &config_map("m", "", "one"))?;
    repository.push("one")?;
    let base = format!("resources: ['{}//base']\n", git.url("org/repo.git"));
    let revision = tenant.publish(&[("kustomization.yaml", &base)]).await?;
    tenant.kustomization("app", json!({})).await?;
    tenant.applied("app", &revision).await?;
    ensure!(tenant.map("far-m").await?.as_ref().and_then(value) == Some("one"));
    repository.write("base/m.yaml", &config_map("m", "", "two"))?;
    repository.push("two")?;
    // Nothing tells of the push; the artifact is what it was.
    tenant.reconcile("app").await?;
    ensure!(tenant.map("far-m").await?.as_ref().and_then(value) == Some("two"));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_base_that_cannot_be_had_fails_the_build_without_its_password() -> Result<()> {
    let tenant = world().await.tenant("remote-gone").await?;
    tenant.publish(&[("kustomization.yaml", "resources: ['http://me:canary@127.0.0.1:1/org/repo//base']\n")]).await?;
    tenant.kustomization("app", json!({})).await?;
    let message = tenant.reason("app", "BuildFailed").await?;
    ensure!(message.contains("cannot fetch http://127.0.0.1:1/org/repo") && !message.contains("canary"), "{message}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn no_remote_bases_means_none() -> Result<()> {
    let world = world().await;
    let tenant = world.tenant("remote-off").await?;
    let _closed = world.controller(&["--no-remote-bases"])?;
    let git = GitServer::start().await?;
    let repository = git.repository("org/repo.git")?;
    repository.write("base/kustomization.yaml", "configMapGenerator: [{name: m, literals: [a=b]}]\n")?;
    repository.push("one")?;
    tenant.publish(&[("kustomization.yaml", &format!("resources: ['{}//base']\n", git.url("org/repo.git")))]).await?;
    let spec = json!({"interval": "1h", "retryInterval": "1h", "prune": true, "targetNamespace": tenant.name,
        "sourceRef": {"kind": "GitRepository", "name": "app"}});
    let object = json!({"apiVersion": kind::KUSTOMIZATION.api_version, "kind": kind::KUSTOMIZATION.kind, "spec": spec,
        "metadata": {"name": "app", "namespace": tenant.name, "labels": {OTHERS: "true"}}});
    tenant.api().apply(&object).await?;
    let message = tenant.reason("app", "BuildFailed").await?;
    ensure!(message.contains("remote resource") && message.contains("is not available"), "{message}");
    ensure!(git.requests().is_empty(), "nothing was asked of the server");
    Ok(())
}
