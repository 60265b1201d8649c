//! Artifacts from a registry: by tag, by version, by digest, a chosen layer, and behind a password and a private authority.

use std::collections::BTreeMap;

use anyhow::Result;
use serde_json::json;
use weir_testkit::registry::{Image, Layer, PASSWORD, USER, tar_gz};
use weir_testkit::{Registry, RegistryOptions, kind};

use crate::apps;
use crate::world::{download, text, world};

#[tokio::test(flavor = "multi_thread")]
async fn an_artifact_is_chosen_by_tag_version_and_digest() -> Result<()> {
    let world = world().await;
    let tenant = world.tenant("oci").await?;
    let mut digests = BTreeMap::new();
    for tag in ["1.0.0", "1.2.0", "1.3.0-rc.1", "latest"] {
        digests.insert(tag, world.registry.push_files("oci", tag, &[("version", tag)]).await?);
    }
    let digest = |tag: &str| digests.get(tag).cloned().unwrap_or_default();
    let cases = [
        ("tag", json!({"tag": "1.0.0"}), format!("1.0.0@{}", digest("1.0.0")), "1.0.0"),
        ("semver", json!({"semver": ">=1.0.0"}), format!("1.2.0@{}", digest("1.2.0")), "1.2.0"),
        ("pre", json!({"semver": ">=1.0.0-0"}), format!("1.3.0-rc.1@{}", digest("1.3.0-rc.1")), "1.3.0-rc.1"),
        (
            "filter",
            json!({"semver": ">=1.0.0-0", "semverFilter": ".*\\.0$"}),
            format!("1.2.0@{}", digest("1.2.0")),
            "1.2.0",
        ),
        ("digest", json!({"digest": digest("1.0.0")}), digest("1.0.0"), "1.0.0"),
        ("latest", json!({}), format!("latest@{}", digest("latest")), "latest"),
    ];
    for (name, reference, ..) in &cases {
        tenant.oci(name, json!({"ref": reference})).await?;
    }
    for (name, _, revision, content) in &cases {
        let source = tenant.ready(kind::OCI_REPOSITORY, name).await?;
        assert_eq!(text(&source, "/status/artifact/revision"), revision, "{name}");
        assert_eq!(download(&source).await?.get("version").map(String::as_str), Some(*content), "{name}");
        assert_eq!(
            text(&source, "/status/artifact/metadata/org.opencontainers.image.source"),
            "https://git.example.test/app",
            "{name}: the manifest's annotations belong into the artifact's metadata"
        );
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_layer_is_selected_and_applied() -> Result<()> {
    let world = world().await;
    let tenant = world.tenant("oci-layer").await?;
    let manifests = tar_gz(&[("app.yaml", &apps::config_map("from-registry", "hello"))])?;
    let image = Image {
        config_type: "application/vnd.example.config.v1+json".into(),
        layers: vec![
            Layer { media_type: "text/plain".into(), data: b"read me".to_vec() },
            Layer { media_type: "application/vnd.example.manifests+gzip".into(), data: manifests },
        ],
        annotations: BTreeMap::new(),
    };
    world.registry.push("oci-layer", "latest", &image).await?;
    let selector = json!({"mediaType": "application/vnd.example.manifests+gzip", "operation": "extract"});
    tenant.oci("app", json!({"layerSelector": selector})).await?;
    tenant.kustomization("app", json!({"sourceRef": {"kind": "OCIRepository", "name": "app"}})).await?;
    tenant.ready(kind::KUSTOMIZATION, "app").await?;
    assert_eq!(tenant.value("from-registry", "greeting").await?.as_deref(), Some("hello"));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guarded_registry_wants_password_and_authority() -> Result<()> {
    let tenant = world().await.tenant("oci-guarded").await?;
    let registry = Registry::with(RegistryOptions { auth: true, tls: true, client_tls: false }).await?;
    registry.push_files("app", "latest", &[("version", "1")]).await?;
    let docker =
        |password: &str| json!({"auths": {registry.address(): {"username": USER, "password": password}}}).to_string();
    for (name, password) in [("right", PASSWORD), ("wrong", "not-the-password")] {
        tenant
            .apply(json!({
                "apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "type": "kubernetes.io/dockerconfigjson",
                "stringData": {".dockerconfigjson": docker(password)},
            }))
            .await?;
    }
    tenant.secret("ca", &[("ca.crt", registry.ca())]).await?;
    let base = json!({"url": registry.url("app"), "insecure": null, "certSecretRef": {"name": "ca"}});
    let with = |secret: &str| crate::world::merged(base.clone(), json!({"secretRef": {"name": secret}}));
    tenant.oci("right", with("right")).await?;
    tenant.oci("wrong", with("wrong")).await?;
    tenant
        .oci("stranger", json!({"url": registry.url("app"), "insecure": null, "secretRef": {"name": "right"}}))
        .await?;
    tenant.ready(kind::OCI_REPOSITORY, "right").await?;
    for name in ["wrong", "stranger"] {
        let source = tenant
            .wait(kind::OCI_REPOSITORY, name, "Ready=False", |o| {
                weir_testkit::api::condition_text(o, "Ready").0 == "False"
            })
            .await?;
        let (_, reason, message) = weir_testkit::api::condition_text(&source, "Ready");
        assert!(["OCIArtifactPullFailed", "AuthenticationFailed"].contains(&reason), "{name}: {reason}: {message}");
        assert!(message.contains(&registry.address()), "{name}: the message does not name the registry: {message}");
        assert!(!message.contains("not-the-password"), "{name}: a secret in a message");
    }
    Ok(())
}
