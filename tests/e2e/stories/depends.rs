//! What others depend on comes first, and who waited is woken at once.

use std::time::Duration;

use anyhow::Result;
use serde_json::{Value, json};
use weir_testkit::api::condition_text;
use weir_testkit::kind;

use crate::apps;
use crate::world::{Tenant, text, world};

async fn three(tenant: &Tenant<'_>) -> Result<()> {
    let repository = tenant.repository()?;
    for name in ["one", "two", "three"] {
        repository.write(&format!("{name}/a.yaml"), &apps::config_map(name, "1"))?;
    }
    repository.push("one")?;
    Ok(())
}

fn spec(path: &str, on: &[&str]) -> Value {
    let on: Vec<Value> = on.iter().map(|name| json!({"name": name})).collect();
    json!({"path": format!("./{path}"), "sourceRef": {"kind": "GitRepository", "name": "app"}, "dependsOn": on})
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chain_is_applied_in_order_and_nobody_waits_for_a_timer() -> Result<()> {
    let tenant = world().await.tenant("depends").await?;
    three(&tenant).await?;
    // The last first, so that every one of them has to wait for another.
    tenant.git("app", json!({})).await?;
    tenant.ready(kind::GIT_REPOSITORY, "app").await?;
    tenant.kustomization("three", spec("three", &["two"])).await?;
    tenant.kustomization("two", spec("two", &["one"])).await?;
    tenant.fails(kind::KUSTOMIZATION, "three", "DependencyNotReady").await?;
    tenant.kustomization("one", spec("one", &[])).await?;
    // The timer for dependencies is 30 s by default; three steps of it would take much longer than this.
    let limit = Duration::from_secs(25);
    tenant.api().wait_ready(kind::KUSTOMIZATION, "depends", "three", limit).await?;
    let mut versions = Vec::new();
    for name in ["one", "two", "three"] {
        let object = tenant.get(kind::CONFIG_MAP, name).await?.unwrap_or_default();
        versions.push(text(&object, "/metadata/resourceVersion").parse::<u64>()?);
    }
    assert!(versions.is_sorted(), "applied out of order: {versions:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ready_expression_decides() -> Result<()> {
    let tenant = world().await.tenant("depends-expr").await?;
    three(&tenant).await?;
    tenant.git("app", json!({})).await?;
    tenant.kustomization("one", spec("one", &[])).await?;
    let expression = "dep.metadata.?labels.?tier.orValue('') == self.metadata.labels.tier";
    let waits = json!({
        "path": "./two", "sourceRef": {"kind": "GitRepository", "name": "app"},
        "dependsOn": [{"name": "one", "readyExpr": expression}],
    });
    tenant.kustomization("two", waits).await?;
    tenant
        .api()
        .merge(kind::KUSTOMIZATION, "depends-expr", "two", &json!({"metadata": {"labels": {"tier": "gold"}}}))
        .await?;
    tenant.ready(kind::KUSTOMIZATION, "one").await?;
    tenant.fails(kind::KUSTOMIZATION, "two", "DependencyNotReady").await?;
    tenant
        .api()
        .merge(kind::KUSTOMIZATION, "depends-expr", "one", &json!({"metadata": {"labels": {"tier": "gold"}}}))
        .await?;
    tenant.ready(kind::KUSTOMIZATION, "two").await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dependency_that_fails_holds_back_and_is_named() -> Result<()> {
    let tenant = world().await.tenant("depends-fail").await?;
    three(&tenant).await?;
    tenant.git("app", json!({})).await?;
    tenant.kustomization("one", crate::world::merged(spec("one", &[]), json!({"path": "./missing"}))).await?;
    tenant.kustomization("two", spec("two", &["one"])).await?;
    let message = tenant.fails(kind::KUSTOMIZATION, "two", "DependencyNotReady").await?;
    assert!(message.contains("depends-fail/one"), "{message}");
    assert_eq!(tenant.value("two", "greeting").await?, None);
    tenant.kustomization("one", spec("one", &[])).await?;
    let two = tenant.ready(kind::KUSTOMIZATION, "two").await?;
    assert_eq!(condition_text(&two, "Ready").1, "ReconciliationSucceeded");
    Ok(())
}
