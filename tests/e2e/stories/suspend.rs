//! A suspended object rests, also when it is asked to work, and goes on where it was.

use anyhow::Result;
use serde_json::json;
use weir_testkit::kind;

use crate::apps;
use crate::world::{text, world};

#[tokio::test(flavor = "multi_thread")]
async fn a_suspended_kustomization_rests_until_it_is_resumed() -> Result<()> {
    let tenant = world().await.tenant("suspend").await?;
    let repository = tenant.repository()?;
    repository.write("app/a.yaml", &apps::config_map("a", "one"))?;
    repository.write("witness/b.yaml", &apps::config_map("b", "one"))?.push("one")?;
    tenant.git("app", json!({})).await?;
    for name in ["app", "witness"] {
        let source = json!({"kind": "GitRepository", "name": "app"});
        tenant.kustomization(name, json!({"path": format!("./{name}"), "sourceRef": source})).await?;
        tenant.ready(kind::KUSTOMIZATION, name).await?;
    }
    let suspend = |on: bool| json!({"spec": {"suspend": on}});
    tenant.api().merge(kind::KUSTOMIZATION, "suspend", "app", &suspend(true)).await?;
    repository.write("app/a.yaml", &apps::config_map("a", "two"))?;
    let second = repository.push("two")?;
    tenant.reconcile(kind::GIT_REPOSITORY, "app").await?;
    tenant.api().request_reconcile(kind::KUSTOMIZATION, "suspend", "app").await?;
    tenant.api().merge(kind::CONFIG_MAP, "suspend", "a", &json!({"data": {"greeting": "by hand"}})).await?;
    // One that is not suspended is told of the same, after it: the revision, a request, a change by hand.
    tenant.applied("witness", &second).await?;
    tenant.api().merge(kind::CONFIG_MAP, "suspend", "b", &json!({"data": {"greeting": "by hand"}})).await?;
    let is_back = |map: &serde_json::Value| text(map, "/data/greeting") == "one";
    tenant.wait(kind::CONFIG_MAP, "b", "put back", is_back).await?;
    tenant.reconcile(kind::KUSTOMIZATION, "witness").await?;
    assert_eq!(tenant.value("a", "greeting").await?.as_deref(), Some("by hand"), "a suspended Kustomization worked");
    tenant.api().merge(kind::KUSTOMIZATION, "suspend", "app", &suspend(false)).await?;
    tenant.applied("app", &second).await?;
    assert_eq!(tenant.value("a", "greeting").await?.as_deref(), Some("two"));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn deleting_a_suspended_kustomization_leaves_its_objects() -> Result<()> {
    let tenant = world().await.tenant("suspend-delete").await?;
    tenant.repository()?.write("a.yaml", &apps::config_map("a", "one"))?.push("one")?;
    tenant.git("app", json!({})).await?;
    tenant.kustomization("app", json!({})).await?;
    tenant.ready(kind::KUSTOMIZATION, "app").await?;
    tenant.api().merge(kind::KUSTOMIZATION, "suspend-delete", "app", &json!({"spec": {"suspend": true}})).await?;
    tenant.api().delete(kind::KUSTOMIZATION, "suspend-delete", "app").await?;
    tenant.api().wait_gone(kind::KUSTOMIZATION, "suspend-delete", "app", crate::world::SOON).await?;
    let left = tenant.get(kind::CONFIG_MAP, "a").await?.unwrap_or_default();
    assert!(text(&left, "/metadata/deletionTimestamp").is_empty() && !left.is_null());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_is_echoed_by_every_kind() -> Result<()> {
    let tenant = world().await.tenant("requested").await?;
    tenant.repository()?.write("a.yaml", &apps::config_map("a", "one"))?.push("one")?;
    tenant.git("app", json!({})).await?;
    tenant.kustomization("app", json!({})).await?;
    tenant.ready(kind::KUSTOMIZATION, "app").await?;
    tenant.world.registry.push_files("requested", "latest", &[("a.yaml", "")]).await?;
    tenant.oci("app", json!({})).await?;
    tenant.ready(kind::OCI_REPOSITORY, "app").await?;
    for kind in [kind::GIT_REPOSITORY, kind::OCI_REPOSITORY, kind::KUSTOMIZATION] {
        // `reconcile` fails unless the token comes back in the status.
        let object = tenant.reconcile(kind, "app").await?;
        assert!(weir_testkit::api::is_ready(&object), "{}: {}", kind.kind, object["status"]);
    }
    Ok(())
}
