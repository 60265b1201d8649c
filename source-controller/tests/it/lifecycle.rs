//! One OCIRepository from its creation to its end.

use serde_json::{Value, json};
use weir_testkit::kind;

use super::{SOON, World, condition};

/// What `kubectl create secret docker-registry` makes.
fn pull_secret(host: &str, password: &str) -> Value {
    let config = json!({"auths": {host: {"username": weir_testkit::registry::USER, "password": password}}});
    json!({"apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/dockerconfigjson",
        "metadata": {"namespace": "apps", "name": "pull"}, "stringData": {".dockerconfigjson": config.to_string()}})
}

#[tokio::test(flavor = "multi_thread")]
async fn fetched_served_healed_and_removed() {
    let world = World::start(&["--grpc-auth=false"]).await;
    let first = world.registry.push_files("apps/app", "latest", &[("deploy/app.yaml", "a: 1\n"), ("x.png", "")]).await;
    let first = first.unwrap();
    world.apply("app", json!({})).await;
    let ready = world.ready("app").await;
    let revision = format!("latest@{first}");
    let message = format!("stored artifact for digest '{revision}'");
    assert_eq!(condition(&ready, "Ready"), ("True".into(), "Succeeded".into(), message.clone()));
    assert_eq!(condition(&ready, "ArtifactInStorage").2, message);
    assert_eq!(ready["status"]["observedGeneration"], 1);
    let artifact = &ready["status"]["artifact"];
    assert_eq!(artifact["revision"], revision.as_str());
    assert_eq!(artifact["path"], format!("ocirepository/apps/app/{first}.tar.gz"));
    assert_eq!(artifact["metadata"]["org.opencontainers.image.source"], "https://git.example.test/app");
    assert_eq!(artifact["metadata"]["weir.dev/grpc"], world.grpc.address());

    // The file, changed behind the controller's back, is told apart and made again.
    let file = world.dir.path().join("data").join(artifact["path"].as_str().unwrap());
    let bytes = std::fs::read(&file).unwrap();
    std::fs::write(&file, "tampered").unwrap();
    let token = world.api().request_reconcile(kind::OCI_REPOSITORY, "apps", "app").await.unwrap();
    let healed = world.until("app", "handled", |o| o["status"]["lastHandledReconcileAt"] == token.as_str()).await;
    assert_eq!(condition(&healed, "Ready").0, "True");
    assert_eq!(std::fs::read(&file).unwrap(), bytes);

    // A new image is a new artifact; ignore rules make another file of the same image.
    let second = world.registry.push_files("apps/app", "latest", &[("deploy/app.yaml", "a: 2\n")]).await.unwrap();
    world.api().request_reconcile(kind::OCI_REPOSITORY, "apps", "app").await.unwrap();
    let newer = format!("latest@{second}");
    let object =
        world.until("app", "the new revision", |o| o["status"]["artifact"]["revision"] == newer.as_str()).await;
    assert_ne!(object["status"]["artifact"]["digest"], healed["status"]["artifact"]["digest"]);
    world.apply("app", json!({"ignore": "deploy/"})).await;
    let ignoring = world.until("app", "observed rules", |o| o["status"]["observedIgnore"] == "deploy/").await;
    assert_ne!(ignoring["status"]["artifact"]["digest"], object["status"]["artifact"]["digest"]);

    world.api().delete(kind::OCI_REPOSITORY, "apps", "app").await.unwrap();
    world.api().wait_gone(kind::OCI_REPOSITORY, "apps", "app", SOON).await.unwrap();
    assert!(!world.dir.path().join("data/ocirepository/apps/app").exists());
    // The scratch directory keeps what a failed test left; here the process must still run.
    let mut process = world.process;
    process.expect_running().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn mistakes_are_named_and_a_rotated_secret_is_seen_at_once() {
    let world = World::start(&["--grpc-auth=false"]).await;
    let options = weir_testkit::RegistryOptions { auth: true, ..Default::default() };
    let guarded = weir_testkit::Registry::with(options).await.unwrap();
    guarded.push_files("apps/private", "latest", &[("a", "b")]).await.unwrap();
    let host = guarded.address();
    world.apply("tagged", json!({"url": "oci://ghcr.io/acme/app:v1"})).await;
    world.apply("missing", json!({})).await;
    world.apply("signed", json!({"verify": {"provider": "cosign"}})).await;
    world.registry.push_files("apps/signed", "latest", &[("a", "b")]).await.unwrap();
    world.apply("cloud", json!({"provider": "gcp"})).await;
    world.apply("private", json!({"url": guarded.url("apps/private"), "secretRef": {"name": "pull"}})).await;

    let failed = |o: &Value| condition(o, "Ready").0 == "False";
    let tagged = world.until("tagged", "stalled", |o| condition(o, "Stalled").0 == "True").await;
    assert_eq!(condition(&tagged, "FetchFailed").1, "URLInvalid");
    assert!(condition(&tagged, "Ready").2.ends_with("URL must not contain a tag; remove ':v1'"));
    assert_eq!(tagged["status"]["observedGeneration"], 1);
    let missing = world.until("missing", "failed", failed).await;
    assert_eq!(condition(&missing, "FetchFailed").1, "OCIArtifactPullFailed");
    assert_eq!(condition(&missing, "Reconciling").1, "ProgressingWithRetry");
    let signed = world.until("signed", "refused", |o| condition(o, "SourceVerified").0 == "False").await;
    assert!(signed["status"]["artifact"].is_null(), "nothing is stored unverified");
    assert_eq!(condition(&signed, "Ready").1, "VerificationError");
    let cloud = world.until("cloud", "failed", failed).await;
    assert_eq!(condition(&cloud, "Ready").1, "AuthenticationFailed");

    let without = world.until("private", "failed", failed).await;
    assert!(condition(&without, "Ready").2.contains("secret 'apps/pull' not found"));
    world.api().apply(&pull_secret(&host, "canary-password")).await.unwrap();
    let refused = world.until("private", "refused", |o| condition(o, "Ready").2.contains("401")).await;
    let message = condition(&refused, "Ready").2;
    assert!(message.contains("secret 'apps/pull' were refused") && !message.contains("canary"), "{message}");
    world.api().apply(&pull_secret(&host, weir_testkit::registry::PASSWORD)).await.unwrap();
    world.ready("private").await;
    let log = std::fs::read_to_string(world.process.log()).unwrap();
    assert!(!log.contains("canary-password") && !log.contains(weir_testkit::registry::PASSWORD));
}
