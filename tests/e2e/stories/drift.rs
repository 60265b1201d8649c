//! A change made by hand is put back at once, not at the interval, and Weir does not take its own writes for one.

use std::time::{Duration, Instant};

use anyhow::Result;
use serde_json::{Value, json};
use weir_testkit::kind;

use crate::apps;
use crate::world::{text, world};

/// The interval is an hour; whatever is put back within this was put back by a watch.
const LONG_BEFORE_THE_INTERVAL: Duration = Duration::from_secs(30);

#[tokio::test(flavor = "multi_thread")]
#[allow(clippy::disallowed_methods, reason = "prints how long it took")]
async fn what_is_changed_by_hand_is_put_back() -> Result<()> {
    let tenant = world().await.tenant("drift").await?;
    tenant.alert().await?;
    let repository = tenant.repository()?;
    repository
        .write("settings.yaml", &apps::config_map("settings", "hello"))?
        .write("web.yaml", &apps::deployment("web", "1.0.0", 0))?
        .push("one")?;
    tenant.git("app", json!({})).await?;
    tenant.kustomization("app", json!({})).await?;
    tenant.ready(kind::KUSTOMIZATION, "app").await?;
    let api = tenant.api();

    let begin = Instant::now();
    api.merge(kind::CONFIG_MAP, "drift", "settings", &json!({"data": {"greeting": "by hand"}})).await?;
    let back = |map: &Value| text(map, "/data/greeting") == "hello";
    api.wait(kind::CONFIG_MAP, "drift", "settings", LONG_BEFORE_THE_INTERVAL, "put back", back).await?;
    println!("a changed value was put back in {} ms", begin.elapsed().as_millis());

    let begin = Instant::now();
    api.merge(kind::DEPLOYMENT, "drift", "web", &json!({"spec": {"replicas": 3}})).await?;
    let back = |web: &Value| web["spec"]["replicas"] == 0;
    api.wait(kind::DEPLOYMENT, "drift", "web", LONG_BEFORE_THE_INTERVAL, "put back", back).await?;
    println!("changed replicas were put back in {} ms", begin.elapsed().as_millis());

    let old = tenant.get(kind::CONFIG_MAP, "settings").await?.unwrap_or_default();
    let begin = Instant::now();
    api.delete(kind::CONFIG_MAP, "drift", "settings").await?;
    let uid = text(&old, "/metadata/uid").to_owned();
    let again = |map: &Value| back_again(map, &uid);
    api.wait(kind::CONFIG_MAP, "drift", "settings", LONG_BEFORE_THE_INTERVAL, "made again", again).await?;
    println!("a deleted object was made again in {} ms", begin.elapsed().as_millis());

    let begin = Instant::now();
    let unlabel = json!({"metadata": {"labels": {"kustomize.toolkit.fluxcd.io/name": null, "kustomize.toolkit.fluxcd.io/namespace": null}}});
    api.merge(kind::CONFIG_MAP, "drift", "settings", &unlabel).await?;
    let labelled = |map: &Value| map["metadata"]["labels"]["kustomize.toolkit.fluxcd.io/name"] == "app";
    api.wait(kind::CONFIG_MAP, "drift", "settings", LONG_BEFORE_THE_INTERVAL, "labelled again", labelled).await?;
    println!("removed owner labels were put back in {} ms", begin.elapsed().as_millis());
    Ok(())
}

fn back_again(map: &Value, old: &str) -> bool {
    !map.is_null() && text(map, "/metadata/uid") != old && text(map, "/metadata/deletionTimestamp").is_empty()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_field_nobody_asked_for_is_left_alone() -> Result<()> {
    let tenant = world().await.tenant("drift-foreign").await?;
    tenant
        .repository()?
        .write("web.yaml", &apps::deployment("web", "1.0.0", 0).replace("  replicas: 0\n", ""))?
        .push("one")?;
    tenant.git("app", json!({})).await?;
    tenant.kustomization("app", json!({})).await?;
    tenant.ready(kind::KUSTOMIZATION, "app").await?;
    // As an autoscaler does it: the manifest says nothing about replicas.
    tenant.api().merge(kind::DEPLOYMENT, "drift-foreign", "web", &json!({"spec": {"replicas": 5}})).await?;
    tenant.reconcile(kind::KUSTOMIZATION, "app").await?;
    let web = tenant.get(kind::DEPLOYMENT, "web").await?.unwrap_or_default();
    assert_eq!(web["spec"]["replicas"], 5);
    Ok(())
}
