//! A commit becomes a running change and a message; a revert rolls back; a deleted file takes its objects along.

use anyhow::Result;
use serde_json::json;
use weir_testkit::kind;

use crate::apps;
use crate::world::{SOON, text, world};

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_becomes_a_change_and_a_message() -> Result<()> {
    let tenant = world().await.tenant("first-loop").await?;
    tenant.alert().await?;
    let repository = tenant.repository()?;
    repository
        .write("deploy/web.yaml", &apps::deployment("web", "1.0.0", 0))?
        .write("deploy/service.yaml", &apps::service("web"))?
        .write("deploy/settings.yaml", &apps::config_map("settings", "hello"))?;
    let first = repository.push("the first version")?;
    tenant.git("app", json!({})).await?;
    tenant.kustomization("app", json!({"path": "./deploy", "wait": true})).await?;

    let applied = tenant.applied("app", &first).await?;
    let ready = weir_testkit::api::condition_text(&applied, "Ready");
    assert_eq!(ready, ("True", "ReconciliationSucceeded", format!("Applied revision: main@sha1:{first}").as_str()));
    let entries = applied["status"]["inventory"]["entries"].as_array().cloned().unwrap_or_default();
    let ids: Vec<&str> = entries.iter().map(|entry| text(entry, "/id")).collect();
    for id in ["first-loop_settings__ConfigMap", "first-loop_web__Service", "first-loop_web_apps_Deployment"] {
        assert!(ids.contains(&id), "{id} is not in the inventory {ids:?}");
    }
    let settings = tenant.get(kind::CONFIG_MAP, "settings").await?.unwrap_or_default();
    assert_eq!(settings["metadata"]["labels"]["kustomize.toolkit.fluxcd.io/name"], "app");
    assert_eq!(settings["metadata"]["labels"]["kustomize.toolkit.fluxcd.io/namespace"], "first-loop");
    let message = tenant.message("Kustomization", "app", "ReconciliationSucceeded", &first).await?;
    assert_eq!(message["severity"], "info");
    assert_eq!(message["reportingController"], "kustomize-controller");
    tenant.message("GitRepository", "app", "NewArtifact", &first).await?;

    repository.write("deploy/settings.yaml", &apps::config_map("settings", "good morning"))?;
    let second = repository.push("a friendlier greeting")?;
    tenant.reconcile(kind::GIT_REPOSITORY, "app").await?;
    tenant.applied("app", &second).await?;
    assert_eq!(tenant.value("settings", "greeting").await?.as_deref(), Some("good morning"));

    let third = repository.revert()?;
    tenant.reconcile(kind::GIT_REPOSITORY, "app").await?;
    tenant.applied("app", &third).await?;
    assert_eq!(tenant.value("settings", "greeting").await?.as_deref(), Some("hello"));

    repository.remove("deploy/settings.yaml")?;
    let fourth = repository.push("no settings")?;
    tenant.reconcile(kind::GIT_REPOSITORY, "app").await?;
    tenant.applied("app", &fourth).await?;
    tenant.api().wait_gone(kind::CONFIG_MAP, "first-loop", "settings", SOON).await?;
    for commit in [&second, &third, &fourth] {
        tenant.message("Kustomization", "app", "ReconciliationSucceeded", commit).await?;
    }
    let kept = tenant.get(kind::KUSTOMIZATION, "app").await?.unwrap_or_default();
    let history = kept["status"]["history"].as_array().cloned().unwrap_or_default();
    assert_eq!(text(history.first().unwrap_or(&json!({})), "/metadata/revision"), format!("main@sha1:{fourth}"));
    Ok(())
}
