//! With nothing to do nothing is done: no apply, no dry-run, counted at the API server.

use anyhow::Result;
use serde_json::json;
use weir_testkit::audit::Request;
use weir_testkit::kind;

use crate::apps;
use crate::world::world;

fn writes_of_the_kustomize_controller(requests: &[Request], namespace: &str) -> Vec<Request> {
    requests
        .iter()
        .filter(|request| {
            request.user.contains("kustomize-controller") && request.namespace == namespace && request.touches_objects()
        })
        .cloned()
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unchanged_kustomization_sends_no_apply_and_no_dry_run() -> Result<()> {
    let world = world().await;
    let tenant = world.tenant("quiet").await?;
    let repository = tenant.repository()?;
    for index in 0..5 {
        repository.write(&format!("{index}.yaml"), &apps::config_map(&format!("map-{index}"), "hello"))?;
    }
    repository.write("web.yaml", &apps::deployment("web", "1", 0))?.push("one")?;
    tenant.git("app", json!({})).await?;
    let install = world.plane.audit().mark()?;
    tenant.kustomization("app", json!({"wait": true})).await?;
    tenant.ready(kind::KUSTOMIZATION, "app").await?;
    // Proof that the count below counts the right requests: the install is in it.
    let applied = |requests: &[Request]| {
        let written = writes_of_the_kustomize_controller(requests, "quiet");
        written.iter().filter(|r| r.resource == "configmaps").count() >= 5
    };
    let installed = world.plane.audit().until(install, applied).await?;
    assert!(applied(&installed), "{installed:?}");
    // The controller-manager's own updates of the Deployment come to their end.
    tenant
        .wait(kind::DEPLOYMENT, "web", "settled", |web| {
            let condition = |kind| weir_testkit::api::condition_text(web, kind).0 == "True";
            web.pointer("/status/observedGeneration") == web.pointer("/metadata/generation")
                && condition("Available")
                && condition("Progressing")
        })
        .await?;
    // What these woke is over, too, once it has answered a request.
    tenant.reconcile(kind::KUSTOMIZATION, "app").await?;

    let mark = world.plane.audit().mark()?;
    for _ in 0..3 {
        tenant.reconcile(kind::KUSTOMIZATION, "app").await?;
    }
    let reported = |requests: &[Request]| {
        let statuses = requests.iter().filter(|r| {
            r.namespace == "quiet" && r.resource == "kustomizations" && r.subresource == "status" && r.is_write()
        });
        statuses.count() >= 3
    };
    let seen = world.plane.audit().until(mark, reported).await?;
    assert!(reported(&seen), "the log does not reach to the last reconcile");
    let requests = writes_of_the_kustomize_controller(&seen, "quiet");
    assert!(requests.is_empty(), "a no-op reconcile wrote: {requests:#?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unchanged_source_writes_only_its_status() -> Result<()> {
    let world = world().await;
    let tenant = world.tenant("quiet-source").await?;
    tenant.repository()?.write("a.yaml", &apps::config_map("a", "1"))?.push("one")?;
    tenant.git("app", json!({})).await?;
    tenant.ready(kind::GIT_REPOSITORY, "app").await?;
    let mark = world.plane.audit().mark()?;
    tenant.reconcile(kind::GIT_REPOSITORY, "app").await?;
    let writes = |requests: &[Request]| -> Vec<Request> {
        let of_ours = |r: &&Request| r.user.contains("source-controller") && r.namespace == "quiet-source";
        requests.iter().filter(of_ours).filter(|r| r.is_write()).cloned().collect()
    };
    let requests = world.plane.audit().until(mark, |requests| !writes(requests).is_empty()).await?;
    let writes = writes(&requests);
    // A run that lasts, as on a busy machine, says so before its end.
    assert!((1..=2).contains(&writes.len()) && writes.iter().all(|r| r.subresource == "status"), "{writes:#?}");
    Ok(())
}
