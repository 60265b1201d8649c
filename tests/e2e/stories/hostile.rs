//! Input that means harm is refused, by name, in bounded memory, and stops nobody else.

use anyhow::Result;
use serde_json::json;
use weir_testkit::api::condition_text;
use weir_testkit::{ENDLESS, Hostile, Service, kind};

use crate::apps;
use crate::world::{Tenant, world};

/// No service may need more than this whatever it is fed (debug builds included).
const MIB: u64 = 400;

async fn failure(tenant: &Tenant<'_>, kind: kind::Kind, name: &str) -> Result<String> {
    let object = tenant.wait(kind, name, "Ready=False", |o| condition_text(o, "Ready").0 == "False").await?;
    Ok(condition_text(&object, "Ready").2.to_owned())
}

fn bounded(tenant: &Tenant<'_>) -> Result<()> {
    for service in [Service::Source, Service::Kustomize, Service::Notification] {
        let peak = tenant.world.suite.peak_mib(service)?;
        assert!(peak < MIB, "{} took {peak} MiB", service.name());
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn endless_servers_are_left() -> Result<()> {
    let tenant = world().await.tenant("hostile-endless").await?;
    let hostile = Hostile::start().await?;
    tenant.git("refs", json!({"url": hostile.url("app.git"), "timeout": "20s"})).await?;
    tenant
        .oci("layer", json!({"url": format!("oci://{}/app", hostile.address()), "ref": {"tag": "1"}, "timeout": "20s"}))
        .await?;
    tenant
        .oci(
            "pages",
            json!({"url": format!("oci://{}/app", hostile.address()), "ref": {"semver": ">=1"}, "timeout": "20s"}),
        )
        .await?;
    for (kind, name) in
        [(kind::GIT_REPOSITORY, "refs"), (kind::OCI_REPOSITORY, "layer"), (kind::OCI_REPOSITORY, "pages")]
    {
        let message = failure(&tenant, kind, name).await?;
        println!("{name}: {message}");
        assert!(message.contains(&hostile.address()), "{name}: {message}");
    }
    assert!(hostile.sent() < ENDLESS / 2, "{} bytes were taken", hostile.sent());
    assert!(hostile.requests() < 5000, "{} requests were made", hostile.requests());
    bounded(&tenant)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_artifact_that_means_harm_is_refused() -> Result<()> {
    let world = world().await;
    let tenant = world.tenant("hostile-archive").await?;
    let server = archives().await?;
    for name in ["escape", "absolute", "link", "bomb", "stream"] {
        // Nobody of ours writes this status: the source is suspended, and the artifact is what a broken or bought source would offer.
        tenant.git(name, json!({"suspend": true})).await?;
        let status = json!({"status": {"observedGeneration": 1, "artifact": {
            "url": format!("{}/{name}.tar.gz", server.url()), "path": "x", "revision": "main@sha1:1", "size": size_of(name),
            "digest": digest_of(name), "lastUpdateTime": "2026-01-01T00:00:00Z"}}});
        tenant.api().merge_status(kind::GIT_REPOSITORY, &tenant.name, name, &status).await?;
        tenant.kustomization(name, json!({"timeout": "1m"})).await?;
    }
    for name in ["escape", "absolute", "bomb", "stream"] {
        let message = failure(&tenant, kind::KUSTOMIZATION, name).await?;
        println!("{name}: {message}");
    }
    // A link out of the root is never followed; what is left of the artifact is empty or refused.
    let linked = tenant
        .wait(kind::KUSTOMIZATION, "link", "done", |o| ["True", "False"].contains(&condition_text(o, "Ready").0))
        .await?;
    println!("link: {}", condition_text(&linked, "Ready").2);
    assert!(
        !linked["status"].to_string().contains("root:"),
        "the content of a file outside the artifact is in the status"
    );
    assert_eq!(tenant.api().list(kind::CONFIG_MAP, &tenant.name).await?.len(), 1, "only kube-root-ca.crt belongs here");
    assert!(!std::path::Path::new("/tmp/weir-e2e-escaped").exists());
    bounded(&tenant)
}

#[tokio::test(flavor = "multi_thread")]
async fn links_and_bombs_in_a_repository_do_no_harm() -> Result<()> {
    let tenant = world().await.tenant("hostile-repository").await?;
    let repository = tenant.repository()?;
    let mut bomb = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for level in 1..12 {
        let refs = vec![format!("*a{}", level - 1); 10].join(", ");
        bomb.push_str(&format!("a{level}: &a{level} [{refs}]\n"));
    }
    let bomb = format!(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: bomb}}\ndata:\n  x: y\nextra:\n  {}",
        bomb.replace('\n', "\n  ")
    );
    repository
        .write("good/a.yaml", &apps::config_map("good", "1"))?
        .write("bomb/a.yaml", &bomb)?
        .write(
            "deep/a.yaml",
            &format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: deep}}\nextra: {}\n", "[".repeat(100_000)),
        )?
        .write("out/kustomization.yaml", "resources: [../../../../../../etc/passwd]\n")?
        .write("linked/kustomization.yaml", "resources: [passwd.yaml]\n")?
        .link("linked/passwd.yaml", "/etc/passwd")?;
    let commit = repository.push("one")?;
    tenant.git("app", json!({})).await?;
    let source = json!({"kind": "GitRepository", "name": "app"});
    for name in ["good", "bomb", "deep", "out", "linked"] {
        tenant.kustomization(name, json!({"path": format!("./{name}"), "sourceRef": source})).await?;
    }
    tenant.kustomization("above", json!({"path": "../../../../etc", "sourceRef": source})).await?;
    for name in ["bomb", "deep", "out", "linked"] {
        let message = failure(&tenant, kind::KUSTOMIZATION, name).await?;
        println!("{name}: {message}");
        assert!(!message.contains("root:x:"), "{name}: the content of /etc/passwd is in {message}");
    }
    let above = failure(&tenant, kind::KUSTOMIZATION, "above").await?;
    println!("above: {above}");
    tenant.applied("good", &commit).await?;
    bounded(&tenant)
}

/// What the archives' sizes are; the stream announces one it does not keep.
fn size_of(name: &str) -> usize {
    if name == "stream" { 1000 } else { archive(name).len() }
}

/// What the archives' digests are, so that it is the content that is refused.
fn digest_of(name: &str) -> String {
    use sha2::Digest as _;
    let data = if name == "stream" { Vec::new() } else { archive(name) };
    format!("sha256:{}", sha2::Sha256::digest(data).iter().map(|byte| format!("{byte:02x}")).collect::<String>())
}

fn archive(name: &str) -> Vec<u8> {
    let mut builder = tar::Builder::new(flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best()));
    let mut header = tar::Header::new_old();
    let map = apps::config_map("escaped", "1");
    let mut raw = |path: &str, kind: tar::EntryType, link: &str, data: &[u8]| {
        header.set_entry_type(kind);
        header.set_size(data.len() as u64);
        header.set_mode(0o644);
        // Straight into the header: the library would refuse to write these names.
        header.as_old_mut().name = [0; 100];
        header.as_old_mut().name[..path.len()].copy_from_slice(path.as_bytes());
        header.as_old_mut().linkname = [0; 100];
        header.as_old_mut().linkname[..link.len()].copy_from_slice(link.as_bytes());
        header.set_cksum();
        builder.append(&header, data).expect("memory takes it");
    };
    match name {
        "escape" => raw("../../../../../../../../tmp/weir-e2e-escaped", tar::EntryType::Regular, "", map.as_bytes()),
        "absolute" => raw("/tmp/weir-e2e-escaped", tar::EntryType::Regular, "", map.as_bytes()),
        "link" => {
            raw("secrets", tar::EntryType::Symlink, "/etc", b"");
            raw("passwd.yaml", tar::EntryType::Symlink, "/etc/passwd", b"");
        }
        // 192 MiB of spaces in a few hundred kilobytes.
        _ => {
            let spaces = vec![b' '; 16 << 20];
            for index in 0..12 {
                raw(&format!("{index}.yaml"), tar::EntryType::Regular, "", &spaces);
            }
        }
    }
    builder.into_inner().and_then(flate2::write::GzEncoder::finish).expect("memory takes it")
}

async fn archives() -> Result<weir_testkit::HttpServer> {
    let hostile = Hostile::start().await?;
    let stream = hostile.url("/stream");
    // Kept for as long as the test binary runs.
    std::mem::forget(hostile);
    let mut router = axum::Router::new().route(
        "/stream.tar.gz",
        axum::routing::get(move || std::future::ready(axum::response::Redirect::temporary(&stream))),
    );
    for name in ["escape", "absolute", "link", "bomb"] {
        let bytes = archive(name);
        router =
            router.route(&format!("/{name}.tar.gz"), axum::routing::get(move || std::future::ready(bytes.clone())));
    }
    weir_testkit::HttpServer::start(router, None).await
}
