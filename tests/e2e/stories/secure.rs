//! Certificates are mounted: services talk over TLS alone, and what they say goes on to work.

use anyhow::Result;
use serde_json::{Value, json};
use weir_testkit::pki::Authority;
use weir_testkit::scratch::Scratch;
use weir_testkit::{EventRoute, Service, SuiteOptions, kind};

use crate::apps;
use crate::world::{World, text};

#[tokio::test(flavor = "multi_thread")]
async fn artifacts_and_events_travel_over_tls() -> Result<()> {
    let mounted = Scratch::new("secure")?;
    let authority = Authority::new("suite")?;
    authority.server(&[])?.write(mounted.path(), "tls")?;
    let ca = mounted.path().join("ca.crt");
    std::fs::write(&ca, authority.pem())?;
    let tls = format!("--grpc-tls-dir={}", mounted.path().display());
    let options = SuiteOptions {
        events: EventRoute::Grpcs,
        args: vec![
            (Service::Source, tls.clone()),
            // Nobody listens there: an artifact that arrives came over gRPC.
            (Service::Source, "--storage-adv-addr=127.0.0.1:9".to_owned()),
            (Service::Kustomize, format!("--grpc-ca={}", ca.display())),
            (Service::Notification, tls),
        ],
        ..SuiteOptions::default()
    };
    let world = World::fresh(options).await?;
    let tenant = world.tenant("secure").await?;
    tenant.alert().await?;
    let repository = tenant.repository()?;
    repository.write("settings.yaml", &apps::config_map("settings", "hello"))?;
    let commit = repository.push("the first version")?;
    tenant.git("app", json!({})).await?;
    tenant.kustomization("app", json!({"path": "./"})).await?;
    tenant.applied("app", &commit).await?;

    let source = tenant.get(kind::GIT_REPOSITORY, "app").await?.unwrap_or_default();
    let announced = source.pointer("/status/artifact/metadata/weir.dev~1grpc").and_then(Value::as_str);
    assert_eq!(announced, Some(format!("grpcs://{}", world.suite.grpc(Service::Source)?).as_str()));
    assert!(text(&source, "/status/artifact/url").starts_with("http://127.0.0.1:9/"));
    tenant.message("GitRepository", "app", "NewArtifact", &commit).await?;
    tenant.message("Kustomization", "app", "ReconciliationSucceeded", &commit).await?;
    Ok(())
}
