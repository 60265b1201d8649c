//! What goes, and what stays.

use anyhow::{Result, ensure};
use serde_json::json;
use weir_testkit::kind;

use crate::world::{SOON, config_map, inventory, world};

#[tokio::test(flavor = "multi_thread")]
async fn what_left_the_source_goes_unless_it_says_otherwise() -> Result<()> {
    let tenant = world().await.tenant("prune").await?;
    let kept = config_map("kept", "  annotations: {kustomize.toolkit.fluxcd.io/prune: disabled}\n", "1");
    let all = config_map("a", "", "1") + &config_map("b", "", "1") + &kept;
    let first = tenant.publish(&[("all.yaml", &all)]).await?;
    tenant.kustomization("app", json!({})).await?;
    tenant.applied("app", &first).await?;
    let next = tenant.publish(&[("all.yaml", &config_map("a", "", "1"))]).await?;
    let ks = tenant.applied("app", &next).await?;
    ensure!(inventory(&ks) == ["prune_a__ConfigMap"], "{ks}");
    ensure!(tenant.map("b").await?.is_none() && tenant.map("kept").await?.is_some());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn objects_go_with_their_kustomization_as_the_policy_says() -> Result<()> {
    let tenant = world().await.tenant("policy").await?;
    let revision = tenant.publish(&[("m.yaml", &config_map("m-${NAME}", "", "1"))]).await?;
    let cases = [
        ("mirror", json!({"prune": true}), false),
        ("mirror-off", json!({"prune": false}), true),
        ("delete", json!({"prune": false, "deletionPolicy": "Delete"}), false),
        ("wait", json!({"prune": false, "deletionPolicy": "WaitForTermination"}), false),
        ("orphan", json!({"prune": true, "deletionPolicy": "Orphan"}), true),
    ];
    for (name, mut spec, _) in cases.clone() {
        spec["postBuild"] = json!({"substitute": {"NAME": name}});
        tenant.kustomization(name, spec).await?;
    }
    for (name, ..) in &cases {
        tenant.applied(name, &revision).await?;
        tenant.api().delete(kind::KUSTOMIZATION, &tenant.name, name).await?;
    }
    for (name, _, stays) in &cases {
        tenant.api().wait_gone(kind::KUSTOMIZATION, &tenant.name, name, SOON).await?;
        ensure!(tenant.map(&format!("m-{name}")).await?.is_some() == *stays, "{name}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_deleted_stays_in_the_inventory() -> Result<()> {
    let tenant = world().await.tenant("survivor").await?;
    // May do anything here but delete.
    let role = json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role",
        "metadata": {"name": "r", "namespace": tenant.name},
        "rules": [{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get", "list", "watch", "create", "patch", "update"]}]});
    let binding = json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding",
        "metadata": {"name": "r", "namespace": tenant.name},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "r"},
        "subjects": [{"kind": "ServiceAccount", "name": "default", "namespace": tenant.name}]});
    tenant.api().apply_all([&role, &binding]).await?;
    let all = config_map("a", "", "1") + &config_map("b", "", "1");
    let first = tenant.publish(&[("all.yaml", &all)]).await?;
    tenant.kustomization("app", json!({"serviceAccountName": "default"})).await?;
    tenant.applied("app", &first).await?;
    let next = tenant.publish(&[("all.yaml", &config_map("a", "", "1"))]).await?;
    let message = tenant.reason("app", "PruneFailed").await?;
    ensure!(message.contains("ConfigMap/survivor/b delete failed"), "{message}");
    let ks = tenant.api().get(kind::KUSTOMIZATION, &tenant.name, "app").await?.unwrap_or_default();
    ensure!(inventory(&ks) == ["survivor_a__ConfigMap", "survivor_b__ConfigMap"], "{ks}");
    let mut may_delete = role.clone();
    may_delete["rules"][0]["verbs"] = json!(["*"]);
    tenant.api().apply(&may_delete).await?;
    tenant.reconcile("app").await?;
    let ks = tenant.applied("app", &next).await?;
    ensure!(inventory(&ks) == ["survivor_a__ConfigMap"], "{ks}");
    ensure!(tenant.map("b").await?.is_none());
    Ok(())
}

/// As after a status write that failed: what the run knows and what the status says are two things.
#[tokio::test(flavor = "multi_thread")]
async fn an_inventory_that_did_not_reach_the_status_is_written_again() -> Result<()> {
    let tenant = world().await.tenant("unwritten").await?;
    let revision = tenant.publish(&[("a.yaml", &config_map("a", "", "1"))]).await?;
    tenant.kustomization("app", json!({})).await?;
    tenant.applied("app", &revision).await?;
    let lost = json!({"status": {"inventory": {"entries": []}}});
    tenant.api().merge_status(kind::KUSTOMIZATION, &tenant.name, "app", &lost).await?;
    let ks = tenant.reconcile("app").await?;
    ensure!(inventory(&ks) == ["unwritten_a__ConfigMap"], "{ks}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_cannot_be_acts_for_nobody() -> Result<()> {
    let tenant = world().await.tenant("nobody").await?;
    tenant.publish(&[("a.yaml", &config_map("a", "", "1"))]).await?;
    tenant.kustomization("app", json!({"serviceAccountName": "x\ny"})).await?;
    let message = tenant.reason("app", "ReconciliationFailed").await?;
    ensure!(message.contains("is not the name of a ServiceAccount"), "{message}");
    ensure!(tenant.map("a").await?.is_none(), "applied as the controller itself");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn objects_of_another_cluster_are_not_looked_for_in_this_one() -> Result<()> {
    let tenant = world().await.tenant("remote").await?;
    let revision = tenant.publish(&[("a.yaml", &config_map("a", "", "1"))]).await?;
    tenant.kustomization("app", json!({})).await?;
    tenant.applied("app", &revision).await?;
    tenant.kustomization("app", json!({"kubeConfig": {"secretRef": {"name": "x"}}})).await?;
    tenant.reason("app", "ReconciliationFailed").await?;
    tenant.api().delete(kind::KUSTOMIZATION, &tenant.name, "app").await?;
    let deleted = |ks: &serde_json::Value| ks.pointer("/metadata/deletionTimestamp").is_some();
    tenant.wait(kind::KUSTOMIZATION, "app", "being deleted", deleted).await?;
    tenant
        .kustomization("app", json!({"kubeConfig": {"secretRef": {"name": "x"}}, "deletionPolicy": "Orphan"}))
        .await?;
    tenant.api().wait_gone(kind::KUSTOMIZATION, &tenant.name, "app", SOON).await?;
    ensure!(tenant.map("a").await?.is_some(), "a namesake in this cluster was deleted");
    Ok(())
}
