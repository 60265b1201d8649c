//! Waiting for what was applied to work: a Deployment whose pods come, a custom resource judged by an expression.

use anyhow::Result;
use serde_json::{Value, json};
use weir_testkit::api::condition_text;
use weir_testkit::kind;

use crate::apps;
use crate::world::{Tenant, world};

/// Plays the kubelet: binds each pod of the namespace to a node and says it is ready.
async fn run_pods(tenant: &Tenant<'_>, count: usize) -> Result<()> {
    let api = tenant.api();
    api.apply(&json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "played"}})).await?;
    let mut ready = 0;
    while ready < count {
        for pod in api.list(kind::POD, &tenant.name).await? {
            let name = pod["metadata"]["name"].as_str().unwrap_or_default().to_owned();
            if condition_text(&pod, "Ready").0 == "True" {
                continue;
            }
            let binding = json!({"apiVersion": "v1", "kind": "Binding", "metadata": {"name": name}, "target": {"kind": "Node", "name": "played"}});
            let path = format!("{}/{name}/binding", kind::POD.path(&tenant.name));
            api.request("POST", &path, Some(("application/json", serde_json::to_vec(&binding)?))).await?;
            let now = "2026-01-01T00:00:00Z";
            let conditions: Vec<Value> = ["Initialized", "ContainersReady", "Ready", "PodScheduled"]
                .iter()
                .map(|kind| json!({"type": kind, "status": "True", "lastTransitionTime": now}))
                .collect();
            let container = json!({"name": "app", "image": "x", "imageID": "x", "ready": true, "restartCount": 0, "started": true,
                                   "state": {"running": {"startedAt": now}}});
            let status =
                json!({"status": {"phase": "Running", "conditions": conditions, "containerStatuses": [container]}});
            api.merge_status(kind::POD, &tenant.name, &name, &status).await?;
            ready += 1;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deployment_is_waited_for() -> Result<()> {
    let tenant = world().await.tenant("health").await?;
    tenant.alert().await?;
    let commit = tenant.repository()?.write("web.yaml", &apps::deployment("web", "1", 2))?.push("one")?;
    tenant.git("app", json!({})).await?;
    tenant.kustomization("app", json!({"wait": true, "timeout": "5m"})).await?;
    tenant
        .wait(kind::KUSTOMIZATION, "app", "health checks run", |ks| {
            let (status, _, message) = condition_text(ks, "Reconciling");
            status == "True" && message.contains("health checks")
        })
        .await?;
    let waiting = tenant.get(kind::KUSTOMIZATION, "app").await?.unwrap_or_default();
    assert_ne!(condition_text(&waiting, "Ready").0, "True", "Ready before its pods are: {}", waiting["status"]);
    run_pods(&tenant, 2).await?;
    let done = tenant.applied("app", &commit).await?;
    assert_eq!(condition_text(&done, "Healthy").0, "True");
    tenant.message("Kustomization", "app", "ReconciliationSucceeded", &commit).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deployment_that_never_comes_up_is_named_after_the_timeout() -> Result<()> {
    let tenant = world().await.tenant("health-timeout").await?;
    let repository = tenant.repository()?;
    repository.write("web.yaml", &apps::deployment("web", "1", 1))?.push("one")?;
    tenant.git("app", json!({})).await?;
    tenant.kustomization("app", json!({"wait": true, "timeout": "3s"})).await?;
    let message = tenant.fails(kind::KUSTOMIZATION, "app", "HealthCheckFailed").await?;
    assert!(message.contains("Deployment/health-timeout/web"), "{message}");
    // A new revision that mends it does not wait for the old one's retry.
    repository.write("web.yaml", &apps::deployment("web", "2", 0))?;
    let mended = repository.push("two")?;
    tenant.reconcile(kind::GIT_REPOSITORY, "app").await?;
    tenant.applied("app", &mended).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_revision_does_not_wait_for_the_old_one() -> Result<()> {
    let tenant = world().await.tenant("health-preempt").await?;
    let repository = tenant.repository()?;
    repository.write("web.yaml", &apps::deployment("web", "1", 1))?.push("one")?;
    tenant.git("app", json!({})).await?;
    // Longer than a story takes: only preemption lets the second commit in.
    tenant.kustomization("app", json!({"wait": true, "timeout": "30m"})).await?;
    tenant.wait(kind::DEPLOYMENT, "web", "applied", |web| !web.is_null()).await?;
    repository.write("web.yaml", &apps::deployment("web", "2", 0))?;
    let mended = repository.push("two")?;
    tenant.reconcile(kind::GIT_REPOSITORY, "app").await?;
    tenant.applied("app", &mended).await?;
    Ok(())
}

const DATABASE: &str = "apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata:
  name: databases.health.example.test
spec:
  group: health.example.test
  scope: Namespaced
  names:
    kind: Database
    listKind: DatabaseList
    plural: databases
    singular: database
  versions:
  - name: v1
    served: true
    storage: true
    subresources:
      status: {}
    schema:
      openAPIV3Schema:
        type: object
        x-kubernetes-preserve-unknown-fields: true
";

#[tokio::test(flavor = "multi_thread")]
async fn an_expression_judges_a_custom_resource() -> Result<()> {
    const DATABASES: kind::Kind =
        kind::Kind { api_version: "health.example.test/v1", kind: "Database", plural: "databases", namespaced: true };
    let tenant = world().await.tenant("health-expr").await?;
    let repository = tenant.repository()?;
    repository.write("crd.yaml", DATABASE)?.write(
        "db.yaml",
        "apiVersion: health.example.test/v1\nkind: Database\nmetadata:\n  name: main\nspec:\n  size: 1\n",
    )?;
    let commit = repository.push("one")?;
    tenant.git("app", json!({})).await?;
    let expressions = json!([{
        "apiVersion": "health.example.test/v1", "kind": "Database",
        "current": "has(status.phase) && status.phase == 'Serving'",
        "failed": "has(status.phase) && status.phase == 'Broken'",
    }]);
    tenant.kustomization("app", json!({"wait": true, "timeout": "5m", "healthCheckExprs": expressions})).await?;
    tenant.wait(DATABASES, "main", "applied after its CRD", |db| !db.is_null()).await?;
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    let waiting = tenant.get(kind::KUSTOMIZATION, "app").await?.unwrap_or_default();
    assert_ne!(condition_text(&waiting, "Ready").0, "True", "Ready before the database serves");
    tenant.api().merge_status(DATABASES, "health-expr", "main", &json!({"status": {"phase": "Serving"}})).await?;
    tenant.applied("app", &commit).await?;

    tenant.api().merge_status(DATABASES, "health-expr", "main", &json!({"status": {"phase": "Broken"}})).await?;
    repository.write(
        "db.yaml",
        "apiVersion: health.example.test/v1\nkind: Database\nmetadata:\n  name: main\nspec:\n  size: 2\n",
    )?;
    repository.push("two")?;
    tenant.reconcile(kind::GIT_REPOSITORY, "app").await?;
    let message = tenant.fails(kind::KUSTOMIZATION, "app", "HealthCheckFailed").await?;
    assert!(message.contains("Database/health-expr/main"), "{message}");
    Ok(())
}
