//! What happens on the stage, each act with its proof.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use weir_testkit::api::is_ready;
use weir_testkit::kind;

use crate::demo::stage::{NAME, SHOP, Stage};
use crate::demo::{app, tell};
use crate::shell::Watch;

/// Any step that works is far quicker; this only ends a demo that does not.
const LIMIT: Duration = Duration::from_secs(120);

/// All acts in order.
pub async fn play(stage: &Stage) -> Result<()> {
    let repository = stage.repository()?;

    tell::step("a first commit is pushed: the shop, version 1.0.0");
    repository
        .write("deploy/kustomization.yaml", app::KUSTOMIZATION)?
        .write("deploy/web.yaml", &app::web("1.0.0"))?
        .write("deploy/service.yaml", app::SERVICE)?
        .write("deploy/settings.yaml", &app::settings("hello"))?;
    delivered(stage, || repository.push("the shop, version 1.0.0")).await?;
    expect(stage, "hello", "1.0.0").await?;

    tell::step("a second commit is pushed: version 1.1.0 with a friendlier greeting");
    repository
        .write("deploy/web.yaml", &app::web("1.1.0"))?
        .write("deploy/settings.yaml", &app::settings("good morning"))?;
    delivered(stage, || repository.push("version 1.1.0 with a friendlier greeting")).await?;
    expect(stage, "good morning", "1.1.0").await?;

    tell::step("someone edits the greeting by hand");
    edited_by_hand(stage).await?;

    tell::step("someone deletes the Service by hand");
    deleted_by_hand(stage).await?;

    tell::step("the second commit is reverted");
    delivered(stage, || repository.revert()).await?;
    expect(stage, "hello", "1.0.0").await?;

    tell::step("a file is deleted from the repository");
    repository.remove("deploy/service.yaml")?;
    repository.write("deploy/kustomization.yaml", &app::KUSTOMIZATION.replace("- service.yaml\n", ""))?;
    let watch = delivered(stage, || repository.push("no more Service")).await?;
    stage.api.wait_gone(kind::SERVICE, SHOP, "web", LIMIT).await.context("the Service was not pruned")?;
    tell::fact("pruned", "Service/weir-demo/web is gone", watch.elapsed());
    Ok(())
}

/// Pushes and follows the commit: fetched, applied, healthy, told.
async fn delivered(stage: &Stage, push: impl FnOnce() -> Result<String>) -> Result<Watch> {
    let watch = Watch::start();
    let commit = push()?;
    let revision = format!("main@sha1:{commit}");
    tell::fact("pushed", commit.get(..10).unwrap_or(&commit), watch.elapsed());
    let at = |pointer: &'static str| {
        let revision = revision.clone();
        move |object: &Value| object.pointer(pointer).and_then(Value::as_str) == Some(&revision)
    };
    let fetched = at("/status/artifact/revision");
    let attempted = at("/status/lastAttemptedRevision");
    let applied = at("/status/lastAppliedRevision");

    stage.api.wait(kind::GIT_REPOSITORY, SHOP, NAME, LIMIT, "the commit is fetched", fetched).await?;
    tell::fact("fetched", &format!("{revision:.24}…, because the Git server called the Receiver"), watch.elapsed());
    let mut seen = std::collections::BTreeSet::new();
    stage
        .api
        .wait(kind::KUSTOMIZATION, SHOP, NAME, LIMIT, "the commit is attempted", |ks| attempted(ks) || applied(ks))
        .await?;
    let healthy = |ks: &Value| is_ready(ks) && applied(ks);
    let done =
        stage.api.wait(kind::KUSTOMIZATION, SHOP, NAME, LIMIT, "the commit is applied and healthy", healthy).await?;
    let after = watch.elapsed();
    let objects = done.pointer("/status/inventory/entries").and_then(Value::as_array).map(Vec::len).unwrap_or_default();
    tell::fact("applied", &format!("{objects} objects are as the commit says, all healthy{}", phases(&done)), after);
    let message = stage.sink.wait("the message about the commit", LIMIT, |received| {
        let event = received.json();
        let text = |pointer: &str| event.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
        let ours = text("/involvedObject/kind") == "Kustomization" && text("/metadata/revision") == revision;
        if ours && text("/reason") == "Progressing" {
            // Seen on the way: the list of what changed.
            return false;
        }
        ours && text("/reason") == "ReconciliationSucceeded"
    });
    let message = message.await?;
    for received in stage.sink.received() {
        let event = received.json();
        let text = |pointer: &str| event.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
        if text("/reason") == "Progressing" && text("/metadata/revision") == revision && seen.insert(text("/message")) {
            text("/message").lines().for_each(tell::detail);
        }
    }
    let body = message.json();
    let said =
        body.get("message").and_then(Value::as_str).unwrap_or_default().lines().next().unwrap_or_default().to_owned();
    tell::fact("message", &format!("the sink got: {said}"), watch.elapsed());
    Ok(watch)
}

/// How long each phase took, as the object itself says.
fn phases(kustomization: &Value) -> String {
    let metadata = kustomization.pointer("/status/history/0/metadata");
    let phase = |name: &str| {
        let took = metadata?.get(format!("weir.dev/{name}-duration"))?.as_str()?;
        Some(format!("{name} {took}"))
    };
    let all: Vec<String> = ["fetch", "build", "apply", "health"].into_iter().filter_map(phase).collect();
    if all.is_empty() { String::new() } else { format!(": {}", all.join(", ")) }
}

/// The cluster says what the repository says.
async fn expect(stage: &Stage, greeting: &str, version: &str) -> Result<()> {
    let settings = stage.api.get(kind::CONFIG_MAP, SHOP, "settings").await?.context("the ConfigMap is not there")?;
    let found = settings.pointer("/data/greeting").and_then(Value::as_str).unwrap_or_default();
    ensure!(found == greeting, "the greeting is `{found}`, not `{greeting}`");
    let web = stage.api.get(kind::DEPLOYMENT, SHOP, "web").await?.context("the Deployment is not there")?;
    let image = web.pointer("/spec/template/spec/containers/0/image").and_then(Value::as_str).unwrap_or_default();
    ensure!(image.ends_with(&format!(":{version}")), "the image is {image}, not version {version}");
    Ok(())
}

async fn edited_by_hand(stage: &Stage) -> Result<()> {
    let before = stage.api.get(kind::CONFIG_MAP, SHOP, "settings").await?.context("the ConfigMap is not there")?;
    let greeting = before.pointer("/data/greeting").cloned().unwrap_or_default();
    let watch = Watch::start();
    stage
        .api
        .merge(kind::CONFIG_MAP, SHOP, "settings", &json!({"data": {"greeting": "bought by the competition"}}))
        .await?;
    tell::fact("edited", "ConfigMap/weir-demo/settings says «bought by the competition»", watch.elapsed());
    let watch = Watch::start();
    let back = |map: &Value| map.pointer("/data/greeting") == Some(&greeting);
    stage.api.wait(kind::CONFIG_MAP, SHOP, "settings", LIMIT, "put back", back).await?;
    tell::fact("put back", &format!("it says {greeting} again"), watch.elapsed());
    Ok(())
}

async fn deleted_by_hand(stage: &Stage) -> Result<()> {
    let before = stage.api.get(kind::SERVICE, SHOP, "web").await?.context("the Service is not there")?;
    let old = before.pointer("/metadata/uid").cloned();
    let watch = Watch::start();
    stage.api.delete(kind::SERVICE, SHOP, "web").await?;
    tell::fact("deleted", "Service/weir-demo/web", watch.elapsed());
    let watch = Watch::start();
    let again = |service: &Value| !service.is_null() && service.pointer("/metadata/uid").cloned() != old;
    stage.api.wait(kind::SERVICE, SHOP, "web", LIMIT, "made again", again).await?;
    tell::fact("put back", "it is there again", watch.elapsed());
    Ok(())
}
