//! Input that means harm is refused, by name, in bounded memory, and stops nobody else.

use anyhow::Result;
use serde_json::json;
use tokio::sync::OnceCell;
use weir_testkit::api::condition_text;
use weir_testkit::{ENDLESS, Hostile, Service, SuiteOptions, kind};

use crate::apps;
use crate::world::{Tenant, World};

/// What a service may take beyond what it takes idle, in MiB, whatever it is fed (debug builds included): three builds at once, each at its
/// budget of 128 MiB. Measured were 153 to 267.
const MORE: u64 = 384;

const SERVICES: [Service; 3] = [Service::Source, Service::Kustomize, Service::Notification];

/// A world in which nothing but harm is done, and what its services took before.
struct Arena {
    world: World,
    idle: [u64; 3],
}

async fn arena() -> &'static Arena {
    static ARENA: OnceCell<Result<Arena>> = OnceCell::const_new();
    let start = || async {
        let world = World::fresh(SuiteOptions::default()).await?;
        let [source, kustomize, notification] = SERVICES.map(|service| world.suite.resident_mib(service));
        Ok(Arena { idle: [source?, kustomize?, notification?], world })
    };
    ARENA.get_or_init(start).await.as_ref().unwrap_or_else(|error| panic!("the arena did not start: {error:#}"))
}

async fn failure(tenant: &Tenant<'_>, kind: kind::Kind, name: &str) -> Result<String> {
    let object = tenant.wait(kind, name, "Ready=False", |o| condition_text(o, "Ready").0 == "False").await?;
    Ok(condition_text(&object, "Ready").2.to_owned())
}

async fn bounded(tenant: &Tenant<'_>) -> Result<()> {
    for (service, idle) in SERVICES.into_iter().zip(arena().await.idle) {
        let more = tenant.world.suite.peak_mib(service)?.saturating_sub(idle);
        println!("{} took {more} MiB more than the {idle} MiB it takes idle", service.name());
        assert!(more < MORE, "{} took {more} MiB more than the {idle} MiB it takes idle", service.name());
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn endless_servers_are_left() -> Result<()> {
    let tenant = arena().await.world.tenant("hostile-endless").await?;
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
    bounded(&tenant).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_artifact_that_means_harm_is_refused() -> Result<()> {
    let world = &arena().await.world;
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
    bounded(&tenant).await
}

#[tokio::test(flavor = "multi_thread")]
async fn links_and_bombs_in_a_repository_do_no_harm() -> Result<()> {
    let tenant = arena().await.world.tenant("hostile-repository").await?;
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
    bounded(&tenant).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_build_that_asks_for_too_much_is_ended_and_holds_up_nobody() -> Result<()> {
    const MANY: usize = 4000;
    let tenant = arena().await.world.tenant("hostile-build").await?;
    let repository = tenant.repository()?;
    let maps: String = (0..MANY).map(|at| format!("---\n{}", apps::config_map(&format!("map-{at}"), "1"))).collect();
    // Each of these changes every object: a small file asks for 16 million steps, a smaller one for 2^60 bytes.
    let replacements: String = (0..MANY)
        .map(|at| {
            let source = format!("{{kind: ConfigMap, name: map-{at}, fieldPath: data.greeting}}");
            format!("- {{source: {source}, targets: [{{select: {{kind: ConfigMap}}, fieldPaths: [data.greeting]}}]}}\n")
        })
        .collect();
    let copies: Vec<String> =
        (0..60).map(|at| format!(r#"{{"op": "copy", "from": "/data", "path": "/data/{at}"}}"#)).collect();
    let patches = format!("patches: [{{target: {{name: map-0}}, patch: '[{}]'}}]\n", copies.join(","));
    let large = "x".repeat(1 << 20);
    repository
        .write("good/a.yaml", &apps::config_map("good", "1"))?
        .write("slow/maps.yaml", &maps)?
        .write("slow/kustomization.yaml", &format!("resources: [maps.yaml]\nreplacements:\n{replacements}"))?
        .write("double/maps.yaml", &maps)?
        .write("double/kustomization.yaml", &format!("resources: [maps.yaml]\n{patches}"))?
        .write("label/maps.yaml", &maps)?
        .write("label/kustomization.yaml", &format!("resources: [maps.yaml]\nlabels: [{{pairs: {{a: {large}}}}}]\n"))?;
    let commit = repository.push("one")?;
    tenant.git("app", json!({})).await?;
    tenant.ready(kind::GIT_REPOSITORY, "app").await?;
    let source = json!({"kind": "GitRepository", "name": "app"});
    for name in ["slow", "double", "label", "good"] {
        // Less than half a minute is not given to anybody.
        let spec = json!({"path": format!("./{name}"), "sourceRef": source, "timeout": "1s"});
        tenant.kustomization(name, spec).await?;
    }
    tenant.applied("good", &commit).await?;
    for name in ["double", "label"] {
        let message = tenant.fails(kind::KUSTOMIZATION, name, "BuildFailed").await?;
        assert!(message.contains("memory of the build in bytes exceeds the limit"), "{name}: {message}");
    }
    let message = tenant.fails(kind::KUSTOMIZATION, "slow", "BuildFailed").await?;
    assert!(message.contains("kustomize build was ended after 30s"), "{message}");
    bounded(&tenant).await
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
