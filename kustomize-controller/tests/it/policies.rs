//! What objects and specs say about how objects are applied.

use anyhow::{Result, ensure};
use serde_json::{Value, json};
use weir_testkit::kind;

use crate::world::{config_map, inventory, world};

fn annotated(key: &str, value: &str) -> String {
    format!("  annotations:\n    kustomize.toolkit.fluxcd.io/{key}: {value}\n")
}

fn key(map: &Value) -> &str {
    map.pointer("/data/key").and_then(Value::as_str).unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn if_not_present_applies_once_and_ignore_never() -> Result<()> {
    let tenant = world().await.tenant("policies").await?;
    let files = |value: &str| {
        [("once", "IfNotPresent"), ("never", "Ignore")]
            .map(|(name, ssa)| config_map(name, &annotated("ssa", ssa), value))
            .concat()
            + &config_map("disabled", &annotated("reconcile", "disabled"), value)
            + &config_map("plain", "", value)
    };
    let first = tenant.publish(&[("all.yaml", &files("1"))]).await?;
    tenant.kustomization("app", json!({})).await?;
    let ks = tenant.applied("app", &first).await?;
    ensure!(tenant.map("once").await?.is_some() && tenant.map("plain").await?.is_some());
    ensure!(tenant.map("never").await?.is_none() && tenant.map("disabled").await?.is_none());
    ensure!(inventory(&ks).len() == 4, "skipped objects stay in the inventory: {ks}");

    let second = tenant.publish(&[("all.yaml", &files("2"))]).await?;
    tenant.applied("app", &second).await?;
    ensure!(tenant.map("once").await?.is_some_and(|map| key(&map) == "1"));
    ensure!(tenant.map("plain").await?.is_some_and(|map| key(&map) == "2"));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_ignored_field_is_left_to_others_and_the_rest_is_put_back() -> Result<()> {
    let tenant = world().await.tenant("ignored").await?;
    let map = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: m}\ndata: {ours: a, theirs: a}\n";
    let revision = tenant.publish(&[("m.yaml", map)]).await?;
    tenant
        .kustomization("app", json!({"ignore": [{"paths": ["/data/theirs"], "target": {"kind": "ConfigMap"}}]}))
        .await?;
    tenant.applied("app", &revision).await?;
    tenant.api().merge(kind::CONFIG_MAP, &tenant.name, "m", &json!({"data": {"theirs": "b"}})).await?;
    tenant.reconcile("app").await?;
    tenant.api().merge(kind::CONFIG_MAP, &tenant.name, "m", &json!({"data": {"ours": "b"}})).await?;
    let data = |map: &Value, key: &str| map["data"][key].as_str().unwrap_or_default().to_owned();
    let map = tenant.wait(kind::CONFIG_MAP, "m", "put back", |map| data(map, "ours") == "a").await?;
    ensure!(data(&map, "theirs") == "b", "{map}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_kubectl_applied_becomes_ours() -> Result<()> {
    let tenant = world().await.tenant("kubectl").await?;
    let file = tenant.world_dir().join("kubectl.yaml");
    std::fs::write(
        &file,
        format!(
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: m, namespace: {}}}\ndata: {{a: x, b: x}}\n",
            tenant.name
        ),
    )?;
    let file = file.display().to_string();
    tenant.kubectl(&["apply", "-f", &file]).await?;
    let revision =
        tenant.publish(&[("m.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: m}\ndata: {a: y}\n")]).await?;
    tenant.kustomization("app", json!({})).await?;
    tenant.applied("app", &revision).await?;
    let map = tenant.map("m").await?.unwrap_or_default();
    ensure!(map["data"] == json!({"a": "y"}), "{map}");
    ensure!(map.pointer("/metadata/annotations").is_none(), "{map}");
    let managers: Vec<&str> = map["metadata"]["managedFields"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|e| e["manager"].as_str())
        .collect();
    ensure!(managers == ["kustomize-controller"], "{managers:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_port_renumbered_by_hand_is_put_back() -> Result<()> {
    let tenant = world().await.tenant("port").await?;
    let service = "apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {selector: {a: b}, ports: [{name: http, port: 80}]}\n";
    let revision = tenant.publish(&[("s.yaml", service)]).await?;
    tenant.kustomization("app", json!({})).await?;
    tenant.applied("app", &revision).await?;
    let port = |value: u16| json!({"spec": {"ports": [{"name": "http", "port": value, "protocol": "TCP"}]}});
    tenant.api().merge(kind::SERVICE, &tenant.name, "web", &port(81)).await?;
    let ports = |service: &Value| {
        let ports = service.pointer("/spec/ports").and_then(Value::as_array);
        ports.into_iter().flatten().filter_map(|p| p["port"].as_i64()).collect::<Vec<_>>()
    };
    tenant.wait(kind::SERVICE, "web", "put back", |service| ports(service) == [80]).await?;
    Ok(())
}
