//! Each service is killed in the middle of its work; the end is the same and no event is lost.

use std::time::Duration;

use anyhow::Result;
use serde_json::json;
use weir_testkit::{EventRoute, Service, SuiteOptions, kind};

use crate::apps;
use crate::world::{SOON, World, text};

/// Pushes a commit, lets `service` die after each of these delays, and asks for the end state and the message of every commit.
async fn killed_at(service: Service, route: EventRoute) -> Result<()> {
    let mut world = World::fresh(SuiteOptions { events: route, ..SuiteOptions::default() }).await?;
    let repository = {
        let tenant = world.tenant("kill").await?;
        tenant.alert().await?;
        let repository = tenant.repository()?;
        for index in 0..20 {
            repository.write(&format!("{index}.yaml"), &apps::config_map(&format!("map-{index}"), "zero"))?;
        }
        let commit = repository.push("zero")?;
        tenant.git("app", json!({"interval": "1h"})).await?;
        tenant.kustomization("app", json!({"wait": true})).await?;
        tenant.applied("app", &commit).await?;
        tenant.message("Kustomization", "app", "ReconciliationSucceeded", &commit).await?;
        repository
    };
    for (round, delay) in [0_u64, 20, 60, 120, 250].into_iter().enumerate() {
        for index in 0..20 {
            repository.write(
                &format!("{index}.yaml"),
                &apps::config_map(&format!("map-{index}"), &format!("round-{round}")),
            )?;
        }
        let commit = repository.push(&format!("round {round}"))?;
        world.api().request_reconcile(kind::GIT_REPOSITORY, "kill", "app").await?;
        tokio::time::sleep(Duration::from_millis(delay)).await;
        world.suite.kill(service)?;
        tokio::time::sleep(Duration::from_millis(200)).await;
        world.suite.launch(service)?;
        world.suite.wait_until_ready(service).await?;
        let tenant = world.tenant("kill").await?;
        tenant.applied("app", &commit).await?;
        for index in 0..20 {
            let value = tenant.value(&format!("map-{index}"), "greeting").await?;
            assert_eq!(value.as_deref(), Some(format!("round-{round}").as_str()), "map-{index} after {delay} ms");
        }
        tenant.message("GitRepository", "app", "NewArtifact", &commit).await?;
        tenant.message("Kustomization", "app", "ReconciliationSucceeded", &commit).await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn source_controller_is_killed() -> Result<()> {
    killed_at(Service::Source, EventRoute::Http).await
}

#[tokio::test(flavor = "multi_thread")]
async fn kustomize_controller_is_killed() -> Result<()> {
    killed_at(Service::Kustomize, EventRoute::Http).await
}

#[tokio::test(flavor = "multi_thread")]
async fn notification_controller_is_killed() -> Result<()> {
    killed_at(Service::Notification, EventRoute::Grpc).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_on_its_way_survives_the_death_of_its_bearer() -> Result<()> {
    let mut world = World::fresh(SuiteOptions::default()).await?;
    let commit = {
        let tenant = world.tenant("kill").await?;
        tenant.alert().await?;
        let commit = tenant.repository()?.write("a.yaml", &apps::config_map("a", "one"))?.push("one")?;
        world.sink.hang(true);
        tenant.git("app", json!({})).await?;
        tenant.kustomization("app", json!({})).await?;
        tenant.applied("app", &commit).await?;
        // The first is being delivered, and the other side does not answer; the others wait behind it.
        let is_it = |r: &weir_testkit::Received| text(&r.json(), "/reason") == "NewArtifact";
        world.sink.wait("a delivery that hangs", SOON, is_it).await?;
        commit
    };
    world.suite.kill(Service::Notification)?;
    world.sink.hang(false);
    world.suite.launch(Service::Notification)?;
    world.suite.wait_until_ready(Service::Notification).await?;
    let tenant = world.tenant("kill").await?;
    tenant.message("Kustomization", "app", "ReconciliationSucceeded", &commit).await?;
    tenant.message("GitRepository", "app", "NewArtifact", &commit).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn lost_storage_is_filled_again() -> Result<()> {
    let mut world = World::fresh(SuiteOptions::default()).await?;
    {
        let tenant = world.tenant("wipe").await?;
        tenant.repository()?.write("a.yaml", &apps::config_map("a", "one"))?.push("one")?;
        tenant.git("app", json!({})).await?;
        tenant.ready(kind::GIT_REPOSITORY, "app").await?;
    }
    world.suite.kill(Service::Source)?;
    world.suite.wipe(Service::Source)?;
    world.suite.launch(Service::Source)?;
    world.suite.wait_until_ready(Service::Source).await?;
    let tenant = world.tenant("wipe").await?;
    let source = tenant.get(kind::GIT_REPOSITORY, "app").await?.unwrap_or_default();
    let again = || async { crate::world::download(&source).await.is_ok() };
    weir_testkit::background::until("the artifact is there again, the same bytes", SOON, again).await
}

#[tokio::test(flavor = "multi_thread")]
async fn services_end_well_when_asked() -> Result<()> {
    let mut world = World::fresh(SuiteOptions::default()).await?;
    for service in [Service::Kustomize, Service::Source, Service::Notification] {
        world.suite.stop(service).await?;
    }
    Ok(())
}
