use std::process::Command;
use std::time::Duration;

use weir_testkit::registry::{PASSWORD, USER};
use weir_testkit::{GitOptions, GitServer, Hostile, Registry, RegistryOptions, SshServer, WebhookSink, git};

#[tokio::test(flavor = "multi_thread")]
async fn git_over_http_is_cloned_and_pushed_and_the_webhook_is_called() {
    let sink = WebhookSink::start().await.unwrap();
    let server = GitServer::start().await.unwrap();
    server.webhook(Some(sink.url("/hook")));
    let url = server.url("app");
    let repository = server.repository("app").unwrap().push_over(&url);
    let commit = repository.write("a/b.yaml", "x: 1\n").unwrap().push("first").unwrap();
    sink.wait("the webhook", Duration::from_secs(10), |r| r.path == "/hook").await.unwrap();
    let dir = tempfile::tempdir().unwrap();
    git(dir.path(), &["clone", "--quiet", &url, "."]).unwrap();
    assert_eq!(git(dir.path(), &["rev-parse", "HEAD"]).unwrap(), commit);
    assert!(server.requests().iter().any(|request| request.is_fetch()));
}

#[tokio::test(flavor = "multi_thread")]
async fn git_asks_for_passwords_and_certificates() {
    let basic = Some(("ada".to_owned(), "secret".to_owned()));
    let server = GitServer::with(GitOptions { basic, tls: true, ..GitOptions::default() }).await.unwrap();
    server.repository("app").unwrap().push("first").unwrap();
    let dir = tempfile::tempdir().unwrap();
    let ca = dir.path().join("ca");
    std::fs::write(&ca, server.ca()).unwrap();
    let trust = format!("http.sslCAInfo={}", ca.display());
    let list = |url: &str| git(dir.path(), &["-c", &trust, "ls-remote", url]);
    list(&server.url("app").replace("https://", "https://ada:secret@")).unwrap();
    assert!(list(&server.url("app").replace("https://", "https://ada:wrong@")).is_err());
    assert!(git(dir.path(), &["ls-remote", &server.url("app").replace("https://", "https://ada:secret@")]).is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn git_over_ssh_is_cloned_with_the_right_key_only() {
    let server = GitServer::start().await.unwrap();
    let commit = server.repository("app").unwrap().push("first").unwrap();
    let ssh = SshServer::start(server.root()).await.unwrap();
    let dir = tempfile::tempdir().unwrap();
    let key = dir.path().join("id");
    let hosts = dir.path().join("hosts");
    let clone = |private: &str, known: &str| {
        weir_testkit::pki::write_private(&key, private).unwrap();
        std::fs::write(&hosts, known).unwrap();
        let command = format!(
            "ssh -F /dev/null -o BatchMode=yes -o IdentitiesOnly=yes -o UserKnownHostsFile={} -i {}",
            hosts.display(),
            key.display()
        );
        let output = Command::new("git")
            .args(["ls-remote", &ssh.url("app"), "HEAD"])
            .env("GIT_SSH_COMMAND", command)
            .output()
            .unwrap();
        output.status.success().then(|| String::from_utf8(output.stdout).unwrap())
    };
    let other = weir_testkit::SshKey::generate(weir_testkit::KeyType::Rsa, "").unwrap();
    assert!(clone(&ssh.client_key().private, &ssh.known_hosts()).unwrap().starts_with(&commit), "{}", ssh.log());
    assert!(clone(&other.private, &ssh.known_hosts()).is_none());
    assert!(clone(&ssh.client_key().private, &ssh.wrong_known_hosts().unwrap()).is_none());
    ssh.authorize(&other).unwrap();
    assert!(clone(&other.private, &ssh.known_hosts()).is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registry_takes_and_gives_artifacts() {
    let open = Registry::start().await.unwrap();
    let digest = open.push_files("apps/app", "1.0.0", &[("deploy/app.yaml", "x: 1\n")]).await.unwrap();
    let url = format!("http://{}/v2/apps/app/manifests/1.0.0", open.address());
    let client = reqwest::Client::new();
    let reply = client.get(&url).header("accept", "application/vnd.oci.image.manifest.v1+json").send().await.unwrap();
    assert_eq!(reply.headers()["docker-content-digest"], digest.as_str());

    let guarded = Registry::with(RegistryOptions { auth: true, tls: true, client_tls: false }).await.unwrap();
    guarded.push_files("apps/app", "1.0.0", &[("a", "b")]).await.unwrap();
    let url = format!("https://{}/v2/apps/app/tags/list", guarded.address());
    let ca = reqwest::Certificate::from_pem(guarded.ca().as_bytes()).unwrap();
    let client = reqwest::Client::builder().tls_certs_only([ca]).build().unwrap();
    assert_eq!(client.get(&url).send().await.unwrap().status(), 401);
    assert_eq!(client.get(&url).basic_auth(USER, Some(PASSWORD)).send().await.unwrap().status(), 200);
    assert!(reqwest::Client::new().get(&url).send().await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sink_fails_and_hangs_when_told() {
    let sink = WebhookSink::start().await.unwrap();
    sink.fail_next(1, 503);
    let client = reqwest::Client::builder().timeout(Duration::from_secs(2)).build().unwrap();
    let post = || client.post(sink.url("/x")).body("{\"a\":1}").send();
    assert_eq!(post().await.unwrap().status(), 503);
    assert_eq!(post().await.unwrap().status(), 200);
    sink.hang(true);
    assert!(post().await.unwrap_err().is_timeout());
    sink.hang(false);
    assert_eq!(sink.received().len(), 3);
    assert_eq!(sink.received()[1].json()["a"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_hostile_server_does_not_end_by_itself() {
    let hostile = Hostile::start().await.unwrap();
    let mut body = reqwest::get(hostile.url("/stream")).await.unwrap();
    let mut seen = 0;
    while seen < 50_000_000 {
        seen += body.chunk().await.unwrap().unwrap().len();
    }
    drop(body);
    assert!(hostile.sent() >= 50_000_000 && hostile.sent() < weir_testkit::ENDLESS);
    let page = reqwest::get(hostile.url("/v2/x/tags/list")).await.unwrap();
    assert!(page.headers().contains_key("link"));
}
