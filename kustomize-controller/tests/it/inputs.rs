//! What a build is made from.

use anyhow::{Result, ensure};
use serde_json::{Value, json};
use weir_testkit::kind;

use crate::world::{config_map, world};

#[tokio::test(flavor = "multi_thread")]
async fn variables_are_watched_without_a_label() -> Result<()> {
    let tenant = world().await.tenant("variables").await?;
    let vars = |value: &str| {
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "vars", "namespace": tenant.name},
            "data": {"COLOR": value}})
    };
    let revision = tenant.publish(&[("m.yaml", &config_map("m", "", "${COLOR}"))]).await?;
    tenant
        .kustomization("app", json!({"postBuild": {"substituteFrom": [{"kind": "ConfigMap", "name": "vars"}]}}))
        .await?;
    let message = tenant.reason("app", "BuildFailed").await?;
    ensure!(message.contains("variables/vars"), "{message}");
    tenant.api().apply(&vars("red")).await?;
    tenant.applied("app", &revision).await?;
    tenant.api().apply(&vars("blue")).await?;
    let is_blue = |map: &Value| map.pointer("/data/key").and_then(Value::as_str) == Some("blue");
    tenant.wait(kind::CONFIG_MAP, "m", "blue", is_blue).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_that_are_not_those_announced_are_refused() -> Result<()> {
    let tenant = world().await.tenant("digest").await?;
    let good = tenant.publish(&[("m.yaml", &config_map("m", "", "1"))]).await?;
    let source = tenant.api().get(kind::GIT_REPOSITORY, &tenant.name, "app").await?.unwrap_or_default();
    let url = source.pointer("/status/artifact/url").and_then(Value::as_str).unwrap_or_default().to_owned();
    tenant.announce(&"0".repeat(64), &url).await?;
    tenant.kustomization("app", json!({})).await?;
    let message = tenant.reason("app", "ArtifactFailed").await?;
    ensure!(message.contains("digest"), "{message}");
    ensure!(tenant.map("m").await?.is_none());
    tenant.announce(&"1".repeat(64), "http://127.0.0.1:1/gone").await?;
    tenant.publish(&[("m.yaml", &config_map("m", "", "1"))]).await?;
    tenant.applied("app", &good).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_artifact_that_is_gone_is_not_ready_yet() -> Result<()> {
    let world = world().await;
    let tenant = world.tenant("gone").await?;
    tenant.publish(&[("m.yaml", &config_map("m", "", "1"))]).await?;
    let source = tenant.api().get(kind::GIT_REPOSITORY, &tenant.name, "app").await?.unwrap_or_default();
    let url = source.pointer("/status/artifact/url").and_then(Value::as_str).unwrap_or_default().to_owned();
    tenant.announce(&"2".repeat(64), &format!("{url}.gone")).await?;
    tenant.kustomization("app", json!({})).await?;
    let message = tenant.reason("app", "ArtifactFailed").await?;
    ensure!(message == "Source is not ready, artifact not found, retrying in 1h0m0s", "{message}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dependant_is_woken_when_its_dependency_is_ready() -> Result<()> {
    let tenant = world().await.tenant("depends").await?;
    let revision = tenant
        .publish(&[("a/m.yaml", &config_map("a", "", "${VALUE}")), ("b/m.yaml", &config_map("b", "", "1"))])
        .await?;
    tenant.kustomization("b", json!({"path": "b", "dependsOn": [{"name": "a"}]})).await?;
    let message = tenant.reason("b", "DependencyNotReady").await?;
    ensure!(message == "dependency 'depends/a' not found", "{message}");
    // The retry is an hour away, so only being woken helps.
    tenant.kustomization("a", json!({"path": "a", "postBuild": {"substitute": {"VALUE": "one"}}})).await?;
    tenant.applied("b", &revision).await?;
    tenant
        .kustomization(
            "c",
            json!({"path": "b", "dependsOn": [{"name": "a", "readyExpr": "dep.spec.suspend == true && self."}]}),
        )
        .await?;
    let message = tenant.reason("c", "InvalidCELExpression").await?;
    ensure!(message.starts_with("Reconciliation failed terminally due to configuration error: "), "{message}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_does_not_quote_a_secret() -> Result<()> {
    let tenant = world().await.tenant("quoted").await?;
    let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "vars", "namespace": tenant.name},
        "stringData": {"WHEN": "canary-in-a-cage"}});
    tenant.api().apply(&secret).await?;
    // Checked by its value, which the server quotes: were it not substituted, nothing would have to be hidden.
    let job = "apiVersion: batch/v1\nkind: CronJob\nmetadata: {name: job}\nspec:\n  schedule: ${WHEN}\n  jobTemplate:\n    \
               spec:\n      template:\n        spec:\n          restartPolicy: Never\n          containers: [{name: a, image: a}]\n";
    tenant.publish(&[("job.yaml", job)]).await?;
    let from = |kind: &str| json!({"postBuild": {"substituteFrom": [{"kind": kind, "name": "vars"}]}});
    tenant.kustomization("app", from("Secret")).await?;
    let message = tenant.reason("app", "ReconciliationFailed").await?;
    ensure!(message.contains("spec.schedule: Invalid value: \"*****\""), "{message}");
    ensure!(
        !tenant.kubectl(&["get", "events,kustomizations", "-n", &tenant.name, "-o", "json"]).await?.contains("canary")
    );
    let map = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "vars", "namespace": tenant.name},
        "data": {"WHEN": "canary-in-a-cage"}});
    tenant.api().apply(&map).await?;
    tenant.kustomization("open", from("ConfigMap")).await?;
    let message = tenant.reason("open", "ReconciliationFailed").await?;
    ensure!(message.contains("canary-in-a-cage"), "a ConfigMap is no secret: {message}");
    Ok(())
}
