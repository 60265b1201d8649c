//! A field that cannot change: refused with its name, or the object made anew when that is asked for.

use anyhow::Result;
use serde_json::json;
use weir_testkit::kind;

use crate::apps;
use crate::world::{text, world};

fn fixed(greeting: &str) -> String {
    format!("{}immutable: true\n", apps::config_map("fixed", greeting))
}

#[tokio::test(flavor = "multi_thread")]
async fn an_immutable_object_is_made_anew_only_when_forced() -> Result<()> {
    let tenant = world().await.tenant("force").await?;
    let repository = tenant.repository()?;
    repository.write("a.yaml", &fixed("one"))?.push("one")?;
    tenant.git("app", json!({})).await?;
    tenant.kustomization("app", json!({})).await?;
    tenant.ready(kind::KUSTOMIZATION, "app").await?;
    let before = tenant.get(kind::CONFIG_MAP, "fixed").await?.unwrap_or_default();

    repository.write("a.yaml", &fixed("two"))?;
    let second = repository.push("two")?;
    tenant.reconcile(kind::GIT_REPOSITORY, "app").await?;
    let message = tenant.fails(kind::KUSTOMIZATION, "app", "ReconciliationFailed").await?;
    assert!(message.contains("ConfigMap/force/fixed") && message.contains("immutable"), "{message}");
    assert_eq!(tenant.value("fixed", "greeting").await?.as_deref(), Some("one"));

    tenant.kustomization("app", json!({"force": true})).await?;
    tenant.applied("app", &second).await?;
    let after = tenant.get(kind::CONFIG_MAP, "fixed").await?.unwrap_or_default();
    assert_eq!(text(&after, "/data/greeting"), "two");
    assert_ne!(text(&before, "/metadata/uid"), text(&after, "/metadata/uid"));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn one_object_can_ask_for_it_alone() -> Result<()> {
    let tenant = world().await.tenant("force-one").await?;
    let repository = tenant.repository()?;
    let deployment = |label: &str| {
        apps::deployment("web", "1", 0)
            .replace(
                "metadata:\n  name: web\n",
                "metadata:\n  name: web\n  annotations:\n    kustomize.toolkit.fluxcd.io/force: enabled\n",
            )
            .replace("app: web", &format!("app: {label}"))
    };
    repository.write("a.yaml", &deployment("blue"))?.push("one")?;
    tenant.git("app", json!({})).await?;
    tenant.kustomization("app", json!({})).await?;
    tenant.ready(kind::KUSTOMIZATION, "app").await?;
    repository.write("a.yaml", &deployment("green"))?;
    let second = repository.push("another selector")?;
    tenant.reconcile(kind::GIT_REPOSITORY, "app").await?;
    tenant.applied("app", &second).await?;
    let web = tenant.get(kind::DEPLOYMENT, "web").await?.unwrap_or_default();
    assert_eq!(text(&web, "/spec/selector/matchLabels/app"), "green");
    Ok(())
}
