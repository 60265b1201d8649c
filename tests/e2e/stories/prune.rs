//! Objects go when their manifest goes, when their Kustomization goes, and never when they are told to stay.

use anyhow::Result;
use serde_json::json;
use weir_testkit::kind;

use crate::apps;
use crate::world::{SOON, world};

const KEEP: &str = "metadata:\n  annotations:\n    kustomize.toolkit.fluxcd.io/prune: disabled\n";

#[tokio::test(flavor = "multi_thread")]
async fn what_leaves_the_repository_leaves_the_cluster() -> Result<()> {
    let tenant = world().await.tenant("prune").await?;
    let repository = tenant.repository()?;
    repository
        .write("stays.yaml", &apps::config_map("stays", "1"))?
        .write("goes.yaml", &apps::config_map("goes", "1"))?
        .write("kept.yaml", &apps::config_map("kept", "1").replace("metadata:\n", KEEP))?
        .push("one")?;
    tenant.git("app", json!({})).await?;
    tenant.kustomization("app", json!({})).await?;
    tenant.ready(kind::KUSTOMIZATION, "app").await?;
    repository.remove("goes.yaml")?.remove("kept.yaml")?;
    let second = repository.push("two")?;
    tenant.reconcile(kind::GIT_REPOSITORY, "app").await?;
    tenant.applied("app", &second).await?;
    tenant.api().wait_gone(kind::CONFIG_MAP, "prune", "goes", SOON).await?;
    assert!(tenant.value("stays", "greeting").await?.is_some());
    assert!(tenant.value("kept", "greeting").await?.is_some(), "prune: disabled was not heeded");

    tenant.api().delete(kind::KUSTOMIZATION, "prune", "app").await?;
    tenant.api().wait_gone(kind::KUSTOMIZATION, "prune", "app", SOON).await?;
    tenant.api().wait_gone(kind::CONFIG_MAP, "prune", "stays", SOON).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_orphaning_kustomization_leaves_its_objects() -> Result<()> {
    let tenant = world().await.tenant("orphan").await?;
    tenant.repository()?.write("a.yaml", &apps::config_map("left", "1"))?.push("one")?;
    tenant.git("app", json!({})).await?;
    tenant.kustomization("app", json!({"deletionPolicy": "Orphan"})).await?;
    tenant.ready(kind::KUSTOMIZATION, "app").await?;
    tenant.api().delete(kind::KUSTOMIZATION, "orphan", "app").await?;
    tenant.api().wait_gone(kind::KUSTOMIZATION, "orphan", "app", SOON).await?;
    let left = tenant.get(kind::CONFIG_MAP, "left").await?.unwrap_or_default();
    assert!(
        left.pointer("/metadata/name").is_some() && left.pointer("/metadata/deletionTimestamp").is_none(),
        "{left}"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn without_prune_nothing_is_deleted() -> Result<()> {
    let tenant = world().await.tenant("no-prune").await?;
    let repository = tenant.repository()?;
    repository
        .write("a.yaml", &apps::config_map("a", "1"))?
        .write("b.yaml", &apps::config_map("b", "1"))?
        .push("one")?;
    tenant.git("app", json!({})).await?;
    tenant.kustomization("app", json!({"prune": false})).await?;
    tenant.ready(kind::KUSTOMIZATION, "app").await?;
    let second = repository.remove("b.yaml")?.push("two")?;
    tenant.reconcile(kind::GIT_REPOSITORY, "app").await?;
    tenant.applied("app", &second).await?;
    assert!(tenant.value("b", "greeting").await?.is_some());
    Ok(())
}
