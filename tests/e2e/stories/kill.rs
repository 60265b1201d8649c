//! Each service is killed in the middle of its work; the end is the same and no event is lost.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::time::Duration;

use anyhow::Result;
use serde_json::json;
use weir_testkit::background::until;
use weir_testkit::{EventRoute, Service, SuiteOptions, kind};

use crate::apps;
use crate::world::{SOON, World, text};

/// Applied one after the other, these take much longer than it takes to notice the first.
const MAPS: usize = 60;

/// Delays that differ from run to run; a failure says which they were.
struct Delays(u64);

impl Delays {
    fn new() -> Self {
        Self(RandomState::new().build_hasher().finish())
    }

    /// Up to `most` milliseconds.
    fn next(&mut self, most: u64) -> Duration {
        // Knuth's MMIX generator: good enough to be surprised.
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        Duration::from_millis((self.0 >> 33) % most)
    }
}

fn greeting(round: usize) -> String {
    format!("round-{round}")
}

/// Waits until a service is in the middle of what the round's commit asks of it.
async fn in_the_middle(world: &World, service: Service, round: usize, commit: &str) -> Result<()> {
    let tenant = world.tenant("kill").await?;
    let tenant = &tenant;
    match service {
        Service::Source => {
            // The fetch has begun; in every other round it was only asked what there is.
            let began = || async move { world.git.requests().iter().any(|r| r.is_fetch() || round % 2 == 1) };
            until("it is asked for the commit", SOON, began).await
        }
        Service::Kustomize => {
            let began = || async move {
                let value = tenant.value("map-0", "greeting").await;
                value.is_ok_and(|value| value == Some(greeting(round)))
            };
            until("the first object is applied", SOON, began).await
        }
        _ => {
            let is_it = |r: &weir_testkit::Received| text(&r.json(), "/metadata/revision").ends_with(commit);
            world.sink.wait("the first message of the commit", SOON, is_it).await.map(|_| ())
        }
    }
}

/// Kills `service` in the middle of each of a few commits, and asks for the end state and the message of every one.
async fn killed_in(service: Service, route: EventRoute) -> Result<()> {
    let mut world = World::fresh(SuiteOptions { events: route, ..SuiteOptions::default() }).await?;
    let repository = {
        let tenant = world.tenant("kill").await?;
        tenant.alert().await?;
        let repository = tenant.repository()?;
        for index in 0..MAPS {
            repository.write(&format!("{index}.yaml"), &apps::config_map(&format!("map-{index}"), "zero"))?;
        }
        let commit = repository.push("zero")?;
        tenant.git("app", json!({"interval": "1h"})).await?;
        tenant.kustomization("app", json!({"wait": true})).await?;
        tenant.applied("app", &commit).await?;
        tenant.message("Kustomization", "app", "ReconciliationSucceeded", &commit).await?;
        repository
    };
    let (mut delays, mut half_way) = (Delays::new(), 0);
    for round in 0..5 {
        for index in 0..MAPS {
            let map = apps::config_map(&format!("map-{index}"), &greeting(round));
            repository.write(&format!("{index}.yaml"), &map)?;
        }
        let commit = repository.push(&greeting(round))?;
        world.git.forget();
        world.api().request_reconcile(kind::GIT_REPOSITORY, "kill", "app").await?;
        in_the_middle(&world, service, round, &commit).await?;
        // At once, and then ever a little later.
        let delay = if round == 0 { Duration::ZERO } else { delays.next(60) };
        tokio::time::sleep(delay).await;
        world.suite.kill(service)?;
        half_way += usize::from(is_half_way(&world, round).await?);
        world.suite.launch(service)?;
        world.suite.wait_until_ready(service).await?;
        let tenant = world.tenant("kill").await?;
        tenant.applied("app", &commit).await?;
        for index in 0..MAPS {
            let value = tenant.value(&format!("map-{index}"), "greeting").await?;
            assert_eq!(value, Some(greeting(round)), "map-{index}, killed {delay:?} after it began");
        }
        tenant.message("GitRepository", "app", "NewArtifact", &commit).await?;
        tenant.message("Kustomization", "app", "ReconciliationSucceeded", &commit).await?;
    }
    println!("{}: {half_way} of 5 rounds ended with some objects applied and some not", service.name());
    assert!(service != Service::Kustomize || half_way > 0, "it was never killed between two objects");
    Ok(())
}

/// Whether some objects are as the round's commit has them, and some not.
async fn is_half_way(world: &World, round: usize) -> Result<bool> {
    let maps = world.api().list(kind::CONFIG_MAP, "kill").await?;
    let new = maps.iter().filter(|map| text(map, "/data/greeting") == greeting(round)).count();
    Ok(0 < new && new < MAPS)
}

#[tokio::test(flavor = "multi_thread")]
async fn source_controller_is_killed() -> Result<()> {
    killed_in(Service::Source, EventRoute::Http).await
}

#[tokio::test(flavor = "multi_thread")]
async fn kustomize_controller_is_killed() -> Result<()> {
    killed_in(Service::Kustomize, EventRoute::Http).await
}

#[tokio::test(flavor = "multi_thread")]
async fn notification_controller_is_killed() -> Result<()> {
    killed_in(Service::Notification, EventRoute::Grpc).await
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
    until("the artifact is there again, the same bytes", SOON, again).await
}

#[tokio::test(flavor = "multi_thread")]
async fn services_end_well_when_asked() -> Result<()> {
    let mut world = World::fresh(SuiteOptions::default()).await?;
    for service in [Service::Kustomize, Service::Source, Service::Notification] {
        world.suite.stop(service).await?;
    }
    Ok(())
}
