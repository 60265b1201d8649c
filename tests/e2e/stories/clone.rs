//! Every kind of reference, over http and over ssh.

use anyhow::Result;
use serde_json::{Value, json};
use weir_testkit::kind;

use crate::world::{Tenant, download, text, world};

struct Case {
    name: &'static str,
    reference: Value,
    revision: String,
    content: &'static str,
}

async fn cases(tenant: &Tenant<'_>) -> Result<Vec<Case>> {
    let repository = tenant.repository()?;
    let old = repository.write("version", "1.0.0")?.push("one")?;
    repository.tag("1.0.0", None)?;
    let newer = repository.write("version", "1.1.0")?.push("two")?;
    repository.tag("v1.1.0", Some("the second version"))?;
    repository.write("version", "2.0.0-rc.1")?.push("three")?;
    repository.tag("2.0.0-rc.1", None)?;
    let head = repository.write("version", "main")?.push("four")?;
    repository.branch("dev")?;
    let dev = repository.write("version", "dev")?.push("five")?;
    repository.checkout("main")?;
    let case = |name, reference, revision: String, content| Case { name, reference, revision, content };
    Ok(vec![
        case("branch", json!({"branch": "dev"}), format!("dev@sha1:{dev}"), "dev"),
        case("tag", json!({"tag": "1.0.0"}), format!("1.0.0@sha1:{old}"), "1.0.0"),
        case("annotated", json!({"tag": "v1.1.0"}), format!("v1.1.0@sha1:{newer}"), "1.1.0"),
        case("semver", json!({"semver": ">=1.0.0"}), format!("v1.1.0@sha1:{newer}"), "1.1.0"),
        case("name", json!({"name": "refs/heads/dev"}), format!("refs/heads/dev@sha1:{dev}"), "dev"),
        case("commit", json!({"commit": old}), format!("sha1:{old}"), "1.0.0"),
        case("branch-commit", json!({"branch": "main", "commit": newer}), format!("main@sha1:{newer}"), "1.1.0"),
        case(
            "precedence",
            json!({"branch": "dev", "tag": "1.0.0", "semver": ">=1"}),
            format!("v1.1.0@sha1:{newer}"),
            "1.1.0",
        ),
        case("default", Value::Null, format!("main@sha1:{head}"), "main"),
    ])
}

#[tokio::test(flavor = "multi_thread")]
async fn every_reference_is_cloned_over_http_and_ssh() -> Result<()> {
    let world = world().await;
    let tenant = world.tenant("clone").await?;
    let cases = cases(&tenant).await?;
    let (identity, known_hosts) = (&world.ssh.client_key().private, world.ssh.known_hosts());
    tenant.secret("ssh", &[("identity", identity), ("known_hosts", &known_hosts)]).await?;
    // Without a reference Flux takes `master`; the default of this case is what `branch: main` says.
    let reference =
        |case: &Case| if case.reference.is_null() { json!({"branch": "main"}) } else { case.reference.clone() };
    for case in &cases {
        let clear = json!({"ref": null});
        let http = crate::world::merged(json!({"interval": "1h", "url": world.git.url("clone")}), clear.clone());
        let ssh = json!({"interval": "1h", "url": world.ssh.url("clone"), "secretRef": {"name": "ssh"}});
        for (scheme, spec) in [("http", http), ("ssh", ssh)] {
            let spec = crate::world::merged(spec, json!({"ref": reference(case)}));
            tenant.object(kind::GIT_REPOSITORY, &format!("{scheme}-{}", case.name), spec).await?;
        }
    }
    for case in &cases {
        for scheme in ["http", "ssh"] {
            let name = format!("{scheme}-{}", case.name);
            let source = tenant.ready(kind::GIT_REPOSITORY, &name).await?;
            assert_eq!(text(&source, "/status/artifact/revision"), case.revision, "{name}");
            let files = download(&source).await?;
            assert_eq!(files.get("version").map(String::as_str), Some(case.content), "{name}");
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unchanged_branch_is_listed_and_not_fetched() -> Result<()> {
    let tenant = world().await.tenant("clone-noop").await?;
    // A server of its own, so that the requests are those of this story.
    let server = weir_testkit::GitServer::start().await?;
    let repository = server.repository("app")?;
    repository.write("a", "1")?.push("one")?;
    tenant.git("app", json!({"url": server.url("app")})).await?;
    tenant.ready(kind::GIT_REPOSITORY, "app").await?;
    assert!(server.requests().iter().any(|request| request.is_fetch()));
    server.forget();
    tenant.reconcile(kind::GIT_REPOSITORY, "app").await?;
    let requests = server.requests();
    assert!(!requests.is_empty() && !requests.iter().any(|request| request.is_fetch()), "{requests:?}");
    let second = repository.write("a", "2")?.push("two")?;
    tenant.reconcile(kind::GIT_REPOSITORY, "app").await?;
    let source = tenant.ready(kind::GIT_REPOSITORY, "app").await?;
    assert_eq!(text(&source, "/status/artifact/revision"), format!("main@sha1:{second}"));
    Ok(())
}
