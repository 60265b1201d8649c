//! What goes wrong for one object says so on that object, clearly, and leaves all others alone.

use anyhow::Result;
use serde_json::{Value, json};
use weir_testkit::api::condition_text;
use weir_testkit::{GitOptions, GitServer, KeyType, SshKey, kind};

use crate::apps;
use crate::world::{Tenant, world};

/// `Ready=False` of a source; the message must hold every needle.
async fn source_fails(tenant: &Tenant<'_>, name: &str, reasons: &[&str], needles: &[&str]) -> Result<()> {
    let object =
        tenant.wait(kind::GIT_REPOSITORY, name, "Ready=False", |o| condition_text(o, "Ready").0 == "False").await?;
    let (_, reason, message) = condition_text(&object, "Ready");
    assert!(reasons.contains(&reason), "{name}: reason {reason} with message {message}");
    for needle in needles {
        assert!(message.contains(needle), "{name}: `{needle}` is not in the message: {message}");
    }
    assert_eq!(condition_text(&object, "FetchFailed").0, "True", "{name}: {}", object["status"]);
    assert_eq!(object.pointer("/status/artifact"), None, "{name} has an artifact");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn sources_say_what_keeps_them_from_fetching() -> Result<()> {
    let world = world().await;
    let tenant = world.tenant("trouble-source").await?;
    tenant.repository()?.write("a.yaml", &apps::config_map("a", "1"))?.push("one")?;
    let (right, hosts) = (&world.ssh.client_key().private, world.ssh.known_hosts());
    let stranger = SshKey::generate(KeyType::Ed25519, "")?;
    tenant.secret("wrong-key", &[("identity", &stranger.private), ("known_hosts", &hosts)]).await?;
    tenant.secret("unknown-host", &[("identity", right), ("known_hosts", &world.ssh.wrong_known_hosts()?)]).await?;
    let ssh = |secret: &str| json!({"url": world.ssh.url("trouble-source"), "secretRef": {"name": secret}});
    let guarded = GitServer::with(GitOptions {
        basic: Some(("ada".into(), "secret-word".into())),
        tls: true,
        ..GitOptions::default()
    })
    .await?;
    guarded.repository("app")?.write("a", "1")?.push("one")?;
    tenant
        .secret("wrong-password", &[("username", "ada"), ("password", "another-word"), ("ca.crt", guarded.ca())])
        .await?;
    tenant.secret("no-ca", &[("username", "ada"), ("password", "secret-word")]).await?;
    let https = |secret: &str| json!({"url": guarded.url("app"), "secretRef": {"name": secret}});

    tenant.git("good", json!({})).await?;
    tenant.git("wrong-key", ssh("wrong-key")).await?;
    tenant.git("unknown-host", ssh("unknown-host")).await?;
    tenant.git("wrong-password", https("wrong-password")).await?;
    tenant.git("no-ca", https("no-ca")).await?;
    tenant.git("no-secret", https("not-there")).await?;
    tenant.git("no-branch", json!({"ref": {"branch": "nowhere"}})).await?;
    tenant.git("no-repository", json!({"url": world.git.url("nothing-here")})).await?;

    let git = &["GitOperationFailed", "AuthenticationFailed"];
    source_fails(&tenant, "wrong-key", git, &["trouble-source.git", "key refused"]).await?;
    source_fails(&tenant, "unknown-host", git, &["host key"]).await?;
    source_fails(&tenant, "wrong-password", git, &[&guarded.url("app")]).await?;
    source_fails(&tenant, "no-ca", git, &["certificate"]).await?;
    source_fails(&tenant, "no-secret", &["AuthenticationFailed"], &["not-there"]).await?;
    source_fails(&tenant, "no-branch", git, &["nowhere"]).await?;
    source_fails(&tenant, "no-repository", git, &["nothing-here"]).await?;
    tenant.ready(kind::GIT_REPOSITORY, "good").await?;
    for object in tenant.api().list(kind::GIT_REPOSITORY, "trouble-source").await? {
        let status = object["status"].to_string();
        assert!(!status.contains("another-word") && !status.contains("secret-word"), "a password in {status}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn kustomizations_say_what_keeps_them_from_applying() -> Result<()> {
    let tenant = world().await.tenant("trouble-apply").await?;
    let repository = tenant.repository()?;
    repository
        .write("good/a.yaml", &apps::config_map("good", "1"))?
        .write("bad/a.yaml", "kind: ConfigMap\n  metadata: [\n")?
        .write("loose/a.yaml", "just: text\n")?
        .write(
            "far/a.yaml",
            &apps::config_map("far", "1").replace("metadata:\n", "metadata:\n  namespace: trouble-elsewhere\n"),
        )?
        .write("unknown/a.yaml", "apiVersion: example.test/v1\nkind: Nothing\nmetadata:\n  name: x\n")?;
    let commit = repository.push("one")?;
    tenant.api().namespace("trouble-elsewhere").await?;
    tenant.git("app", json!({})).await?;
    tenant.apply(json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "small"}})).await?;
    let source = json!({"kind": "GitRepository", "name": "app"});
    let spec = |path: &str, more: Value| crate::world::merged(json!({"path": path, "sourceRef": source}), more);
    for (name, path) in
        [("good", "./good"), ("bad", "./bad"), ("loose", "./loose"), ("nowhere", "./nowhere"), ("unknown", "./unknown")]
    {
        tenant.kustomization(name, spec(path, json!({}))).await?;
    }
    let small = json!({"path": "./far", "sourceRef": source, "serviceAccountName": "small", "targetNamespace": null});
    tenant.kustomization("forbidden", small).await?;
    tenant.kustomization("no-source", json!({"sourceRef": {"kind": "GitRepository", "name": "ghost"}})).await?;

    let has = |name: &str, message: &str, needles: &[&str]| {
        for needle in needles {
            assert!(message.contains(needle), "{name}: `{needle}` is not in the message: {message}");
        }
    };
    has("bad", &tenant.fails(kind::KUSTOMIZATION, "bad", "BuildFailed").await?, &["a.yaml"]);
    has("loose", &tenant.fails(kind::KUSTOMIZATION, "loose", "BuildFailed").await?, &["a.yaml"]);
    has("nowhere", &tenant.fails(kind::KUSTOMIZATION, "nowhere", "ArtifactFailed").await?, &["nowhere"]);
    has("unknown", &tenant.fails(kind::KUSTOMIZATION, "unknown", "ReconciliationFailed").await?, &["Nothing"]);
    let forbidden = tenant.fails(kind::KUSTOMIZATION, "forbidden", "ReconciliationFailed").await?;
    has("forbidden", &forbidden, &["ConfigMap/trouble-elsewhere/far", "forbidden"]);
    has("no-source", &tenant.fails(kind::KUSTOMIZATION, "no-source", "ArtifactFailed").await?, &["ghost"]);
    tenant.applied("good", &commit).await?;

    repository.write("bad/a.yaml", &apps::config_map("mended", "1"))?;
    let mended = repository.push("mend it")?;
    tenant.reconcile(kind::GIT_REPOSITORY, "app").await?;
    tenant.applied("bad", &mended).await?;
    tenant.applied("good", &mended).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_that_makes_no_sense_stops_nobody() -> Result<()> {
    let tenant = world().await.tenant("trouble-poison").await?;
    let commit = tenant.repository()?.write("a.yaml", &apps::config_map("a", "1"))?.push("one")?;
    // The schema lets it through, the URL is nonsense all the same.
    tenant.git("poison", json!({"url": "http://%zz/"})).await?;
    tenant.git("app", json!({})).await?;
    tenant.kustomization("app", json!({})).await?;
    tenant.applied("app", &commit).await?;
    tenant.wait(kind::GIT_REPOSITORY, "poison", "Ready=False", |o| condition_text(o, "Ready").0 == "False").await?;
    Ok(())
}
