//! Waiting for what was applied, and for what others applied.

use anyhow::{Result, ensure};
use serde_json::{Value, json};
use weir_testkit::{api::condition_text, kind};

use crate::world::{config_map, world};

const DEPLOYMENT: &str = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec:\n  replicas: 0\n  selector: {matchLabels: {a: b}}\n  template:\n    metadata: {labels: {a: b}}\n    spec: {containers: [{name: c, image: registry.test/x}]}\n";

#[tokio::test(flavor = "multi_thread")]
async fn wait_ends_when_everything_is_current_and_a_later_failure_shows() -> Result<()> {
    let tenant = world().await.tenant("waits").await?;
    let revision = tenant.publish(&[("web.yaml", DEPLOYMENT)]).await?;
    tenant.kustomization("app", json!({"wait": true})).await?;
    let ks = tenant.applied("app", &revision).await?;
    ensure!(condition_text(&ks, "Healthy").0 == "True", "{ks}");
    // One pod that nobody runs: never ready.
    let two = DEPLOYMENT.replace("replicas: 0", "replicas: 1");
    tenant.publish(&[("web.yaml", &two)]).await?;
    let message = tenant.reason("app", "HealthCheckFailed").await?;
    ensure!(message.contains("timeout waiting for: [Deployment/waits/web status: 'InProgress']"), "{message}");
    // It comes right long before the next try, in an hour.
    let third = tenant.publish(&[("web.yaml", DEPLOYMENT)]).await?;
    tenant.applied("app", &third).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_of_others_is_followed_until_it_is_there() -> Result<()> {
    let tenant = world().await.tenant("others").await?;
    let revision = tenant.publish(&[("m.yaml", &config_map("m", "", "1"))]).await?;
    let check = json!({"apiVersion": "v1", "kind": "ConfigMap", "name": "later", "namespace": tenant.name});
    tenant.kustomization("app", json!({"healthChecks": [check]})).await?;
    let waiting = |ks: &Value| condition_text(ks, "Reconciling").2.starts_with("Running health checks");
    tenant.wait(kind::KUSTOMIZATION, "app", "waiting", waiting).await?;
    let later =
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "later", "namespace": tenant.name}});
    tenant.api().apply(&later).await?;
    tenant.applied("app", &revision).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_revision_overtakes_a_wait() -> Result<()> {
    let tenant = world().await.tenant("overtake").await?;
    tenant.publish(&[("web.yaml", &DEPLOYMENT.replace("replicas: 0", "replicas: 1"))]).await?;
    tenant.kustomization("app", json!({"wait": true, "timeout": "1h"})).await?;
    let waiting = |ks: &Value| condition_text(ks, "Reconciling").2.starts_with("Running health checks");
    tenant.wait(kind::KUSTOMIZATION, "app", "waiting", waiting).await?;
    let next = tenant.publish(&[("web.yaml", DEPLOYMENT)]).await?;
    tenant.applied("app", &next).await?;
    // With the gate it is told, of the revision whose checks these were.
    let events = ["get", "events", "-n", &tenant.name, "--field-selector", "reason=HealthCheckCanceled", "-o", "json"];
    // Kubernetes' events are written a moment after what they tell of.
    let mut found = Value::Null;
    for _ in 0..100 {
        found = serde_json::from_str(&tenant.kubectl(&events).await?)?;
        if found["items"].as_array().is_some_and(|items| !items.is_empty()) {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    }
    let events = found;
    let [event] = events["items"].as_array().map(Vec::as_slice).unwrap_or_default() else { anyhow::bail!("{events}") };
    let text = "Health checks canceled due to new reconciliation triggered by GitRepository/overtake/app";
    ensure!(event["message"] == text && event["type"] == "Normal", "{event}");
    let revision = &event["metadata"]["annotations"]["kustomize.toolkit.fluxcd.io/revision"];
    ensure!(revision.is_string() && *revision != next, "{event}");
    Ok(())
}

/// More than are watched one by one, by an account that may watch nothing.
#[tokio::test(flavor = "multi_thread")]
async fn any_number_of_objects_of_others_is_followed_as_who_waits() -> Result<()> {
    const MANY: usize = 60;
    let tenant = world().await.tenant("many").await?;
    let role = json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role",
        "metadata": {"name": "r", "namespace": tenant.name},
        "rules": [{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get", "create", "patch"]}]});
    let binding = json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding",
        "metadata": {"name": "r", "namespace": tenant.name},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "r"},
        "subjects": [{"kind": "ServiceAccount", "name": "default", "namespace": tenant.name}]});
    tenant.api().apply_all([&role, &binding]).await?;
    let revision = tenant.publish(&[("m.yaml", &config_map("m", "", "1"))]).await?;
    let check = |n: usize| json!({"apiVersion": "v1", "kind": "ConfigMap", "name": format!("later-{n}"), "namespace": tenant.name});
    let checks: Vec<Value> = (0..MANY).map(check).collect();
    tenant
        .kustomization("app", json!({"healthChecks": checks, "timeout": "5m", "serviceAccountName": "default"}))
        .await?;
    let waiting = |ks: &Value| condition_text(ks, "Reconciling").2.starts_with("Running health checks");
    tenant.wait(kind::KUSTOMIZATION, "app", "waiting", waiting).await?;
    for n in 0..MANY {
        let metadata = json!({"name": format!("later-{n}"), "namespace": tenant.name});
        tenant.api().apply(&json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata})).await?;
    }
    tenant.applied("app", &revision).await?;
    Ok(())
}
