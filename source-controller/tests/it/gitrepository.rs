//! A GitRepository from its first artifact through failure, recovery, loss of storage and deletion.

use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::{Value, json};
use weir_testkit::{
    Api, ControlPlane, GitOptions, GitServer, Service, SshServer, Suite, SuiteOptions,
    api::{condition, condition_text},
    kind,
};

const SOON: Duration = Duration::from_secs(30);
const NS: &str = "team";

struct World {
    suite: Suite,
    git: GitServer,
    plane: ControlPlane,
}

impl World {
    async fn start() -> Result<Self> {
        let plane = ControlPlane::start().await?;
        let git = GitServer::start().await?;
        let options = SuiteOptions { only: vec![Service::Source], ..SuiteOptions::default() };
        let suite = Suite::with(plane.api(), plane.kubeconfig(), options).await?;
        plane.api().namespace(NS).await?;
        Ok(Self { suite, git, plane })
    }

    fn api(&self) -> &Api {
        self.plane.api()
    }

    async fn git(&self, name: &str, spec: Value) -> Result<()> {
        let mut whole = json!({"interval": "1h", "url": self.git.url("app"), "ref": {"branch": "main"}});
        for (key, value) in spec.as_object().context("a spec")? {
            whole.as_object_mut().context("a spec")?.insert(key.clone(), value.clone());
        }
        let object = json!({"apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "GitRepository",
            "metadata": {"name": name, "namespace": NS}, "spec": whole});
        self.api().apply(&object).await.map(drop)
    }

    async fn secret(&self, name: &str, data: &[(&str, &str)]) -> Result<()> {
        let data: Value =
            data.iter().map(|(k, v)| ((*k).to_owned(), json!(v))).collect::<serde_json::Map<_, _>>().into();
        let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "namespace": NS}, "stringData": data});
        self.api().apply(&secret).await.map(drop)
    }

    async fn wait(&self, name: &str, what: &str, good: impl Fn(&Value) -> bool + Send) -> Result<Value> {
        let found = self.api().wait(kind::GIT_REPOSITORY, NS, name, SOON, what, good).await;
        found.with_context(|| self.suite.log(Service::Source, 20))
    }

    async fn at(&self, name: &str, revision: &str) -> Result<Value> {
        let ready =
            |o: &Value| condition_text(o, "Ready").0 == "True" && text(o, "/status/artifact/revision") == revision;
        self.wait(name, revision, ready).await
    }

    async fn fails(&self, name: &str, reason: &str) -> Result<String> {
        let failed = |o: &Value| condition_text(o, "Ready").0 == "False" && condition_text(o, "Ready").1 == reason;
        let object = self.wait(name, reason, failed).await?;
        Ok(condition_text(&object, "Ready").2.to_owned())
    }

    async fn events(&self, name: &str) -> Result<Vec<(String, String)>> {
        let all = self.api().list(kind::EVENT, NS).await?;
        let of = |e: &Value| text(e, "/involvedObject/name") == name;
        Ok(all.iter().filter(|e| of(e)).map(|e| (text(e, "/reason"), text(e, "/message"))).collect())
    }
}

fn text(object: &Value, pointer: &str) -> String {
    object.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_life_of_a_git_repository() -> Result<()> {
    let mut world = World::start().await?;
    let repo = world.git.repository("app")?;
    repo.write("a.yaml", "a: 1\n")?.write("logo.png", "x")?.write("run.sh", "x")?.link("link", "/etc/passwd")?;
    let first = repo.push("a first commit with a subject that is longer than fifty characters")?;
    world.git("app", json!({})).await?;
    let object = world.at("app", &format!("main@sha1:{first}")).await?;
    let artifact = object.pointer("/status/artifact").context("an artifact")?.clone();
    assert_eq!(text(&artifact, "/path"), format!("gitrepository/{NS}/app/{first}.tar.gz"));
    assert_eq!(
        text(&artifact, "/metadata/weir.dev~1commit-message"),
        "a first commit with a subject that is longer than fifty characters"
    );
    assert!(text(&artifact, "/metadata/weir.dev~1commit-author").contains('<'));
    assert!(text(&artifact, "/metadata/weir.dev~1commit-time").contains('T'));
    assert!(!text(&artifact, "/metadata/weir.dev~1fetch-duration").is_empty());
    let stored = format!("stored artifact for revision 'main@sha1:{first}'");
    for type_ in ["Ready", "ArtifactInStorage"] {
        assert_eq!(condition_text(&object, type_), ("True", "Succeeded", stored.as_str()));
    }
    assert!(condition(&object, "Reconciling").is_none() && condition(&object, "Stalled").is_none());
    assert_eq!(object.pointer("/status/observedGeneration"), object.pointer("/metadata/generation"));
    // Kubernetes is told a moment later, when no run is under way.
    let message = "stored artifact for commit 'a first commit with a subject that is longer than ...'";
    let told = || async {
        let events = world.events("app").await.unwrap_or_default();
        events.iter().any(|event| event.0 == "NewArtifact" && event.1 == message)
    };
    weir_testkit::background::until("the event of the new artifact", SOON, told).await?;

    // A new commit, on request.
    repo.write("a.yaml", "a: 2\n")?;
    let second = repo.push("second")?;
    world.git.forget();
    let token = world.api().request_reconcile(kind::GIT_REPOSITORY, NS, "app").await?;
    let object = world.at("app", &format!("main@sha1:{second}")).await?;
    assert_eq!(text(&object, "/status/lastHandledReconcileAt"), token);

    // Unchanged: listed, not fetched.
    world.git.forget();
    let token = world.api().request_reconcile(kind::GIT_REPOSITORY, NS, "app").await?;
    world.wait("app", "the token", |o| text(o, "/status/lastHandledReconcileAt") == token).await?;
    let posts = world.git.requests().iter().filter(|r| r.is_fetch()).count();
    assert!(posts <= 1, "one listing: {:?}", world.git.requests());

    // Other ignore rules make another artifact of the same commit.
    let digest = text(&object, "/status/artifact/digest");
    world.git("app", json!({"ignore": "*.sh\n"})).await?;
    let object = world.wait("app", "observedIgnore", |o| text(o, "/status/observedIgnore") == "*.sh\n").await?;
    assert_ne!(text(&object, "/status/artifact/digest"), digest);
    assert_eq!(text(&object, "/status/artifact/revision"), format!("main@sha1:{second}"));

    // Lost storage is filled again.
    world.suite.kill(Service::Source)?;
    world.suite.wipe(Service::Source)?;
    world.suite.launch(Service::Source)?;
    world.suite.wait_until_ready(Service::Source).await?;
    let url = text(&object, "/status/artifact/url");
    let served = async {
        loop {
            if reqwest::get(&url).await.is_ok_and(|r| r.status().is_success()) {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(SOON, served).await.context("the artifact comes back")?;

    // A branch that is not there, and back.
    world.git("app", json!({"ref": {"branch": "nope"}})).await?;
    let message = world.fails("app", "GitOperationFailed").await?;
    assert!(message.starts_with("failed to checkout and determine revision: unable to clone"), "{message}");
    assert!(message.contains("branch 'nope' not found"), "{message}");
    world.git("app", json!({"ref": {"branch": "main"}})).await?;
    world.at("app", &format!("main@sha1:{second}")).await?;

    // Deleted: file and kept repository go.
    let kept = || {
        std::fs::read_dir(world.suite.data(Service::Source).with_file_name("tmp"))
            .map(|dir| dir.flatten().any(|e| e.path().join(NS).join("app").exists()))
    };
    assert!(kept()?);
    world.api().delete(kind::GIT_REPOSITORY, NS, "app").await?;
    world.api().wait_gone(kind::GIT_REPOSITORY, NS, "app", SOON).await?;
    let gone = reqwest::get(&url).await?;
    assert_eq!(gone.status().as_u16(), 404);
    for _ in 0..100 {
        if !kept()? {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    anyhow::bail!("the kept repository is still there")
}

#[tokio::test(flavor = "multi_thread")]
async fn failures_say_what_and_where() -> Result<()> {
    let world = World::start().await?;
    let repo = world.git.repository("app")?;
    repo.write("a.yaml", "a: 1\n")?;
    let commit = repo.push("one")?;
    let ssh = SshServer::start(world.git.root()).await?;
    world.git.repository("empty")?;
    let locked =
        GitServer::with(GitOptions { basic: Some(("u".into(), "p4ssword".into())), ..GitOptions::default() }).await?;
    let other = locked.repository("app")?;
    other.write("a", "a")?;
    let locked_commit = other.push("a")?;
    world.secret("wrong", &[("username", "u"), ("password", "wr0ng-word")]).await?;
    world.secret("no-hosts", &[("identity", &ssh.client_key().private)]).await?;
    world.secret("app", &[("githubAppID", "1"), ("username", "u"), ("password", "p4ssword")]).await?;
    let spec = |url: String, secret: &str| json!({"url": url, "secretRef": {"name": secret}});
    world.git("wrong", spec(locked.url("app"), "wrong")).await?;
    world.git("missing", spec(locked.url("app"), "not-there")).await?;
    world.git("hosts", spec(ssh.url("app"), "no-hosts")).await?;
    world.git("github", spec(locked.url("app"), "app")).await?;
    world.git("empty", json!({"url": world.git.url("empty")})).await?;
    world.git("verify", json!({"verify": {"secretRef": {"name": "keys"}}})).await?;
    world.git("azure", json!({"provider": "azure"})).await?;
    world.git("modules", json!({"recurseSubmodules": true})).await?;
    for (name, reason, needles) in [
        ("wrong", "GitOperationFailed", vec!["HTTP status 401", "127.0.0.1"]),
        ("missing", "AuthenticationFailed", vec!["failed to get secret 'team/not-there'"]),
        ("hosts", "AuthenticationFailed", vec!["invalid 'ssh' auth option: 'known_hosts' is required"]),
        ("github", "InvalidProviderConfiguration", vec!["secretRef 'team/app' has github app data"]),
        ("empty", "EmptyGitRepository", vec!["git repository is empty"]),
        ("verify", "VerificationError", vec!["not supported yet"]),
        ("azure", "InvalidProviderConfiguration", vec!["not supported yet"]),
        ("modules", "GitOperationFailed", vec!["spec.recurseSubmodules is not supported yet"]),
    ] {
        let message = world.fails(name, reason).await?;
        for needle in needles {
            assert!(message.contains(needle), "{name}: {message}");
        }
        assert!(!message.contains("wr0ng-word"), "{message}");
    }
    for name in ["verify", "azure", "modules"] {
        let object = world.api().get(kind::GIT_REPOSITORY, NS, name).await?.context("it is there")?;
        assert_eq!(condition_text(&object, "Stalled").0, "True", "{name}");
        assert!(object.pointer("/status/artifact").is_none(), "{name} has an artifact");
    }
    // The others are not disturbed, and a mended secret is seen at once.
    world.git("good", json!({})).await?;
    world.at("good", &format!("main@sha1:{commit}")).await?;
    world.secret("wrong", &[("username", "u"), ("password", "p4ssword")]).await?;
    world.at("wrong", &format!("main@sha1:{locked_commit}")).await?;
    Ok(())
}
