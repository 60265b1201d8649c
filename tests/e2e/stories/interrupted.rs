//! kustomize-controller is killed after it applied and before it wrote down what: nothing of it is forgotten.
//!
//! The moment is no matter of luck: a StorageClass is waited for before the next stage, and the expression that judges it never
//! lets it become ready. While that lasts, what was applied is in no inventory.

use anyhow::Result;
use serde_json::{Value, json};
use weir_testkit::{Service, SuiteOptions, audit::Request, kind, kind::Kind};

use crate::apps;
use crate::world::{SOON, Tenant, World, text};

const CLASSES: Kind =
    Kind { api_version: "storage.k8s.io/v1", kind: "StorageClass", plural: "storageclasses", namespaced: false };

fn role(name: &str, annotations: &str) -> String {
    format!(
        "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata:\n  name: {name}\n  annotations: {{{annotations}}}\nrules: []\n"
    )
}

fn class(name: &str) -> String {
    format!(
        "apiVersion: storage.k8s.io/v1\nkind: StorageClass\nmetadata:\n  name: {name}\nprovisioner: example.test/none\n"
    )
}

fn spec() -> Value {
    json!({"timeout": "5m", "healthCheckExprs": [
        {"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "current": "has(parameters.never)"}]})
}

fn inventory(ks: &Value) -> Vec<&str> {
    let entries = ks.pointer("/status/inventory/entries").and_then(Value::as_array);
    entries.into_iter().flatten().filter_map(|entry| entry["id"].as_str()).collect()
}

/// Pushes `files` and kills the controller once it has applied the class, which is the last it can apply of them.
async fn interrupted(world: &mut World, name: &str, files: &[(&str, String)], last: &str) -> Result<()> {
    let tenant = world.tenant(name).await?;
    let repository = tenant.repository()?;
    for (file, content) in files {
        repository.write(file, content)?;
    }
    repository.push("interrupted")?;
    tenant.reconcile(kind::GIT_REPOSITORY, "app").await?;
    tenant.api().wait(CLASSES, "", last, SOON, "applied", |class| !class.is_null()).await?;
    let ks = tenant.get(kind::KUSTOMIZATION, "app").await?.unwrap_or_default();
    assert!(inventory(&ks).iter().all(|id| !id.contains(last)), "it was written down: {:?}", inventory(&ks));
    drop(tenant);
    world.suite.kill(Service::Kustomize)
}

/// Whether the controller listed a kind of which nobody manages an object.
fn is_swept(requests: &[Request]) -> bool {
    requests.iter().any(|r| r.user.contains("kustomize-controller") && r.resource == "ingressclasses")
}

async fn restarted(world: &mut World) -> Result<()> {
    world.suite.launch(Service::Kustomize)?;
    world.suite.wait_until_ready(Service::Kustomize).await
}

async fn first(tenant: &Tenant<'_>) -> Result<()> {
    let commit = tenant.repository()?.write("base.yaml", &apps::config_map("base", "1"))?.push("one")?;
    tenant.git("app", json!({})).await?;
    tenant.kustomization("app", spec()).await?;
    tenant.applied("app", &commit).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_killed_controller_applied_is_pruned_by_the_next_revision() -> Result<()> {
    let mut world = World::fresh(SuiteOptions::default()).await?;
    first(&world.tenant("lost").await?).await?;
    let keep = "kustomize.toolkit.fluxcd.io/prune: disabled";
    let files = [
        ("a.yaml", role("lost-goes", "")),
        ("b.yaml", role("lost-kept", keep)),
        ("c.yaml", role("lost-taken", "")),
        ("d.yaml", class("lost-class")),
    ];
    interrupted(&mut world, "lost", &files, "lost-class").await?;
    {
        let tenant = world.tenant("lost").await?;
        // Another owner took it over, as its labels say.
        let labels = json!({"metadata": {"labels": {"kustomize.toolkit.fluxcd.io/name": "another"}}});
        tenant.api().merge(kind::CLUSTER_ROLE, "", "lost-taken", &labels).await?;
        // Somebody made an object with our labels: it was never ours.
        let labels =
            json!({"kustomize.toolkit.fluxcd.io/name": "app", "kustomize.toolkit.fluxcd.io/namespace": "lost"});
        let copy = json!({"apiVersion": kind::CLUSTER_ROLE.api_version, "kind": kind::CLUSTER_ROLE.kind, "rules": [],
            "metadata": {"name": "lost-copy", "labels": labels}});
        tenant.api().apply(&copy).await?;
        let repository = tenant.repository()?;
        for (file, _) in &files {
            repository.remove(file)?;
        }
        let third = repository.push("three")?;
        tenant.reconcile(kind::GIT_REPOSITORY, "app").await?;
        drop(tenant);
        let mark = world.plane.audit().mark()?;
        restarted(&mut world).await?;
        let tenant = world.tenant("lost").await?;
        let ks = tenant.applied("app", &third).await?;
        assert!(is_swept(&world.plane.audit().until(mark, is_swept).await?));
        for (kind, name) in [(kind::CLUSTER_ROLE, "lost-goes"), (CLASSES, "lost-class")] {
            tenant.api().wait_gone(kind, "", name, SOON).await?;
        }
        for name in ["lost-kept", "lost-taken", "lost-copy"] {
            let left = tenant.api().get(kind::CLUSTER_ROLE, "", name).await?.unwrap_or_default();
            assert!(text(&left, "/metadata/deletionTimestamp").is_empty() && !left.is_null(), "{name} is gone");
        }
        assert_eq!(inventory(&ks), ["lost_base__ConfigMap"]);
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_killed_controller_applied_goes_with_its_kustomization() -> Result<()> {
    let mut world = World::fresh(SuiteOptions::default()).await?;
    first(&world.tenant("gone").await?).await?;
    let files = [("a.yaml", role("gone-role", "")), ("d.yaml", class("gone-class"))];
    interrupted(&mut world, "gone", &files, "gone-class").await?;
    world.api().delete(kind::KUSTOMIZATION, "gone", "app").await?;
    restarted(&mut world).await?;
    world.api().wait_gone(kind::KUSTOMIZATION, "gone", "app", SOON).await?;
    for (kind, namespace, name) in
        [(kind::CLUSTER_ROLE, "", "gone-role"), (CLASSES, "", "gone-class"), (kind::CONFIG_MAP, "gone", "base")]
    {
        world.api().wait_gone(kind, namespace, name, SOON).await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_after_a_quiet_end_looks_through_nothing() -> Result<()> {
    let mut world = World::fresh(SuiteOptions::default()).await?;
    first(&world.tenant("calm").await?).await?;
    world.suite.kill(Service::Kustomize)?;
    let mark = world.plane.audit().mark()?;
    restarted(&mut world).await?;
    world.tenant("calm").await?.reconcile(kind::KUSTOMIZATION, "app").await?;
    let requests = world.plane.audit().until(mark, |requests| !requests.is_empty()).await?;
    assert!(!requests.is_empty() && !is_swept(&requests), "kinds that nobody manages were listed");
    Ok(())
}
