//! Charts from repositories over HTTP: versions, users, certificates, and what helm keeps of them.

use std::{
    collections::HashMap,
    fs,
    sync::{Arc, Mutex},
};

use axum::{
    Router,
    extract::{Request, State},
    http::{StatusCode, header},
    response::{IntoResponse as _, Response},
};
use weir_testkit::{HttpServer, Tls, pki::Authority, registry::tar_gz};

use crate::program::{Outcome, weir, weir_with};

const PROVENANCE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../crates/chart/tests/provenance");
/// `me:pass-word`.
const BASIC: &str = "Basic bWU6cGFzcy13b3Jk";

/// A chart called `name` that prints its version.
pub fn chart(name: &str, version: &str) -> Vec<u8> {
    let about = format!("apiVersion: v2\nname: {name}\nversion: {version}\n");
    let about_path = format!("{name}/Chart.yaml");
    let template = format!("{name}/templates/m.yaml");
    let map = "kind: A\nv: {{ .Chart.Name }} {{ .Chart.Version }} in {{ .Release.Namespace }}\n";
    tar_gz(&[(about_path.as_str(), about.as_str()), (template.as_str(), map)]).unwrap()
}

/// Files by path, where some lead elsewhere, for everyone or for one user.
#[derive(Default)]
struct Shelf {
    files: HashMap<String, Vec<u8>>,
    redirects: HashMap<String, String>,
    closed: bool,
    /// Paths, each with what the `Authorization` header held.
    asked: Mutex<Vec<(String, String)>>,
}

impl Shelf {
    fn with(mut self, path: &str, content: impl Into<Vec<u8>>) -> Self {
        self.files.insert(path.to_owned(), content.into());
        self
    }

    fn asked(&self) -> Vec<(String, String)> {
        std::mem::take(&mut self.asked.lock().unwrap())
    }
}

async fn answer(State(shelf): State<Arc<Shelf>>, request: Request) -> Response {
    let path = request.uri().path().to_owned();
    let shown = request.headers().get(header::AUTHORIZATION).map(|it| it.to_str().unwrap().to_owned());
    let shown = shown.unwrap_or_default();
    shelf.asked.lock().unwrap().push((path.clone(), shown.clone()));
    if shelf.closed && shown != BASIC {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    if let Some(target) = shelf.redirects.get(&path) {
        return (StatusCode::FOUND, [(header::LOCATION, target.clone())]).into_response();
    }
    shelf.files.get(&path).map_or_else(|| StatusCode::NOT_FOUND.into_response(), |it| it.clone().into_response())
}

async fn serve(shelf: Shelf, tls: Option<Tls>) -> (HttpServer, Arc<Shelf>) {
    let shelf = Arc::new(shelf);
    let router = Router::new().fallback(answer).with_state(Arc::clone(&shelf));
    (HttpServer::start(router, tls).await.unwrap(), shelf)
}

async fn template(args: &[&str]) -> Outcome {
    weir(None, &[&["template", "rel"], args].concat()).await
}

fn good(outcome: &Outcome, expected: &str) {
    assert_eq!(outcome.code, Some(0), "{}", outcome.stderr);
    assert!(outcome.stdout.contains(&format!("v: {expected}")), "{outcome:?}");
}

fn bad(outcome: &Outcome, code: i32, expected: &str) {
    assert_eq!((outcome.code, outcome.stdout.as_str()), (Some(code), ""), "{outcome:?}");
    assert!(outcome.stderr.contains(expected) && outcome.stderr.contains("hint: "), "{expected}: {}", outcome.stderr);
    assert!(!outcome.stderr.contains("pass-word"), "{}", outcome.stderr);
}

#[tokio::test]
async fn charts_come_from_repositories() {
    let index = "apiVersion: v1\nentries:\n  app:\n  - {version: 1.0.0, urls: [files/app-1.0.0.tgz]}\n  - {version: 1.2.0, urls: [/charts/app-1.2.0.tgz]}\n  - {version: 2.0.0-rc.1, urls: [rc.tgz]}\n  - {version: 0.9.0, urls: [rc.tgz], digest: '00'}\n  - {version: 0.8.0, urls: ['file:///etc/passwd']}\n  - {version: 0.7.0, urls: [index.yaml]}\n";
    let shelf = Shelf::default()
        .with("/charts/index.yaml", index)
        .with("/charts/files/app-1.0.0.tgz", chart("app", "1.0.0"))
        .with("/charts/app-1.2.0.tgz", chart("app", "1.2.0"))
        .with("/charts/rc.tgz", chart("app", "2.0.0-rc.1"))
        .with("/old/index.yaml", "entries: {}\n")
        .with("/values.yaml", "a: from afar\n");
    let (server, _) = serve(shelf, None).await;
    let url = server.url();
    let repo = format!("{url}/charts");
    for (more, version) in [
        ("", "1.2.0"),
        ("--version ~1.0", "1.0.0"),
        ("--devel", "2.0.0-rc.1"),
        ("--devel --version 1.0.0", "1.0.0"),
        ("--version= --ca-file= --username= --kube-version= --output-dir= --keyring=", "1.2.0"),
    ] {
        let mut args = vec!["app", "--repo", &repo];
        args.extend(more.split_whitespace());
        let outcome = template(&args).await;
        good(&outcome, &format!("app {version} in default"));
        assert_eq!(outcome.stderr, "", "{more}");
    }
    let near = template(&["app", "--repo", &repo, "--version", "1.2"]).await;
    good(&near, "app 1.2.0");
    assert_eq!(near.stderr, "warning: chart app has no version 1.2; the closest is taken: 1.2.0\n");
    // One that lies there by name is another one: --repo was given.
    let here = tempfile::tempdir().unwrap();
    let local = here.path().join("app");
    fs::create_dir(&local).unwrap();
    let local = local.to_str().unwrap();
    bad(&template(&[local, "--repo", &repo]).await, 1, "not found in the repository");
    for (args, code, expected) in [
        (&["app", "--version", "3.x"][..], 1, "chart \"app\" version \"3.x\" not found in the repository"),
        (&["app", "--version", "odd"], 2, "version \"odd\" of chart app"),
        (&["app", "--version", "0.9.0"], 1, "the index says sha256:00"),
        (&["app", "--version", "0.8.0"], 2, "not from file"),
        (&["app", "--version", "0.7.0"], 1, "does not appear to be a gzipped archive"),
        (&["other"], 1, "chart \"other\" not found"),
    ] {
        let all = [args, &["--repo", &repo]].concat();
        let outcome = template(&all).await;
        assert_eq!(outcome.code, Some(code), "{args:?}: {outcome:?}");
        assert!(outcome.stderr.contains(expected), "{args:?}: {}", outcome.stderr);
    }
    bad(&template(&["app", "--repo", &format!("{url}/none")]).await, 1, "no chart repository");
    bad(&template(&["app", "--repo", &format!("{url}/old")]).await, 1, "no API version specified");
    bad(&template(&["app", "--repo", "http://127.0.0.1:1"]).await, 1, "refused");
    let archive = format!("{url}/charts/app-1.2.0.tgz?token=pass-word");
    let values = format!("{url}/values.yaml");
    let file = format!("text={values}");
    let all = [archive.as_str(), "-f", &values, "--set-file", &file, "-n", "there", "--version", "9"];
    good(&template(&all).await, "app 1.2.0 in there");
    bad(&template(&[&archive.replace("app-1.2.0", "none")]).await, 1, "/charts/none.tgz: the server answers 404");
    bad(&template(&[&archive.replace("http://", "ftp://me:pass-word@")]).await, 2, "not from ftp");
    let lint = weir(None, &["chart", "lint", "app", "--repo", &repo, "--version", "1.0.0", "-o", "json"]).await;
    assert!(lint.code == Some(0) && lint.stdout.contains("\"chart\": \"app\""), "{lint:?}");
}

#[tokio::test]
async fn users_are_told_to_the_host_of_the_repository_alone() {
    let (other, elsewhere) = serve(Shelf::default().with("/app.tgz", chart("app", "1.1.0")), None).await;
    let index = format!(
        "apiVersion: v1\nentries:\n  app:\n  - {{version: 1.0.0, urls: [app.tgz]}}\n  - {{version: 1.1.0, urls: ['{}/app.tgz']}}\n  - {{version: 1.2.0, urls: [moved.tgz]}}\n",
        other.url()
    );
    let mut shelf =
        Shelf { closed: true, ..Shelf::default() }.with("/index.yaml", index).with("/app.tgz", chart("app", "1.0.0"));
    shelf.redirects.insert("/moved.tgz".to_owned(), format!("{}/app.tgz", other.url()));
    let (server, home) = serve(shelf, None).await;
    let url = server.url();
    let of = |version: &'static str, more: &'static [&'static str]| {
        let url = url.clone();
        async move {
            let login = ["app", "--repo", &url, "--version", version, "--username", "me", "--password", "pass-word"];
            template(&[&login[..], more].concat()).await
        }
    };
    good(&of("1.0.0", &[]).await, "app 1.0.0");
    assert!(home.asked().iter().all(|it| it.1 == BASIC));
    let told = |path: &str, what: &str| vec![(path.to_owned(), what.to_owned())];
    good(&of("1.1.0", &[]).await, "app 1.1.0");
    assert_eq!(elsewhere.asked(), told("/app.tgz", ""));
    good(&of("1.1.0", &["--pass-credentials"]).await, "app 1.1.0");
    assert_eq!(elsewhere.asked(), told("/app.tgz", BASIC));
    // No redirect takes them along, whatever was said.
    good(&of("1.2.0", &["--pass-credentials"]).await, "app 1.1.0");
    assert_eq!(elsewhere.asked(), told("/app.tgz", ""));
    let archive = format!("{url}/app.tgz");
    good(&template(&[&archive, "--username", "me", "--password", "pass-word"]).await, "app 1.0.0");
    good(&template(&[&archive.replace("http://", "http://me:pass-word@")]).await, "app 1.0.0");
    bad(&template(&["app", "--repo", &url]).await, 1, "--username and --password");
    bad(&template(&["app", "--repo", &url, "--username", "x", "--password", "pass-word"]).await, 1, "401");
    let inside = url.replace("http://", "http://x:pass-word@");
    bad(&template(&["app", "--repo", &inside]).await, 1, &format!("{url}/index.yaml: the server answers 401"));
}

#[tokio::test]
async fn certificates_are_checked() {
    let authority = Authority::new("a repository").unwrap();
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    fs::write(path("ca.crt"), authority.pem()).unwrap();
    fs::write(path("empty.crt"), "").unwrap();
    authority.client("me").unwrap().write(dir.path(), "me").unwrap();
    let shelf = || {
        let index = "apiVersion: v1\nentries: {app: [{version: 1.0.0, urls: [app.tgz]}]}\n";
        Shelf::default().with("/index.yaml", index).with("/app.tgz", chart("app", "1.0.0"))
    };
    let identity = authority.server(&[]).unwrap();
    let (open, _) = serve(shelf(), Some(Tls { identity: identity.clone(), client_ca: None })).await;
    let (asking, _) = serve(shelf(), Some(Tls { identity, client_ca: Some(authority.pem().to_owned()) })).await;
    let ca = path("ca.crt");
    let of = |url: String, more: Vec<String>| async move {
        let more: Vec<&str> = more.iter().map(String::as_str).collect();
        template(&[&["app", "--repo", &url][..], &more].concat()).await
    };
    let flags = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    let pair = format!("--cert-file {} --key-file {}", path("me.crt"), path("me.key"));
    good(&of(open.url(), flags(&format!("--ca-file {ca}"))).await, "app 1.0.0");
    good(&of(open.url(), flags("--insecure-skip-tls-verify")).await, "app 1.0.0");
    bad(&of(open.url(), vec![]).await, 1, "--ca-file");
    bad(&of(open.url(), flags(&format!("--ca-file {}", path("empty.crt")))).await, 2, "holds no PEM certificate");
    bad(
        &of(open.url(), flags(&format!("--cert-file {ca} --key-file {ca}"))).await,
        2,
        "the client certificate and its key",
    );
    good(&of(asking.url(), flags(&format!("--ca-file {ca} {pair}"))).await, "app 1.0.0");
    assert_eq!(of(asking.url(), flags(&format!("--ca-file {ca}"))).await.code, Some(1));
    let missing = of(open.url(), flags("--ca-file /nothing.crt")).await;
    assert!(missing.code == Some(1) && missing.stderr.contains("cannot read /nothing.crt"), "{missing:?}");
}

#[tokio::test]
async fn repositories_that_helm_knows_are_known() {
    let index = |version: &str| {
        format!("apiVersion: v1\nentries:\n  app:\n  - {{version: {version}, urls: [app-{version}.tgz]}}\n")
    };
    let shelf = Shelf { closed: true, ..Shelf::default() }
        .with("/index.yaml", index("2.0.0"))
        .with("/app-1.0.0.tgz", chart("app", "1.0.0"))
        .with("/app-2.0.0.tgz", chart("app", "2.0.0"));
    let (server, asked) = serve(shelf, None).await;
    let url = server.url();
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    let login = "username: me, password: pass-word";
    let entries = format!(
        "repositories:\n- {{name: my, url: '{url}', {login}}}\n- {{name: fresh, url: '{url}', {login}}}\n- {{name: nobody, url: '{url}'}}\n- {{name: gone, url: 'http://127.0.0.1:1'}}\n- {{name: empty}}\n"
    );
    fs::create_dir_all(path("cache/repository")).unwrap();
    fs::write(path("repositories.yaml"), &entries).unwrap();
    let absolute = index("1.0.0") + &format!("  full: [{{version: 1.0.0, urls: ['{url}/app-1.0.0.tgz']}}]\n");
    fs::write(path("cache/repository/my-index.yaml"), absolute).unwrap();
    let (config, cache) = (path("repositories.yaml"), path("cache/repository"));
    let flags = ["--repository-config", &config, "--repository-cache", &cache];
    let of = |args: &'static [&'static str]| template_of(args, &flags);
    // The index that helm keeps counts, as in helm; where there is none it is fetched.
    good(&of(&["my/app"]).await, "app 1.0.0");
    assert_eq!(asked.asked(), [("/app-1.0.0.tgz".to_owned(), BASIC.to_owned())]);
    good(&of(&["fresh/app"]).await, "app 2.0.0");
    good(&of(&["nobody/app", "--username", "me", "--password", "pass-word"]).await, "app 2.0.0");
    bad(&of(&["nobody/app"]).await, 1, "401");
    bad(&of(&["gone/app"]).await, 1, "refused");
    bad(&of(&["empty/app"]).await, 2, "no URL found for repository empty");
    bad(&of(&["my/other"]).await, 1, "helm repo update my");
    bad(&of(&["other/app"]).await, 2, "repo other not found in ");
    // The repository whose index lists an address says who asks for it.
    let archive = format!("{url}/app-1.0.0.tgz");
    good(&template(&[&[archive.as_str()], &flags[..]].concat()).await, "app 1.0.0");
    bad(&template(&[&archive]).await, 1, "401");
    let home = dir.path().to_str().unwrap().to_owned();
    let variables =
        [("HELM_CACHE_HOME", path("cache")), ("HELM_CONFIG_HOME", home), ("HELM_NAMESPACE", "x".to_owned())];
    let variables: Vec<(&str, &str)> = variables.iter().map(|it| (it.0, it.1.as_str())).collect();
    good(&weir_with(&variables, &["template", "rel", "my/app"]).await, "app 1.0.0 in x");
    good(&weir_with(&variables, &["template", "rel", "my/app", "-n", "y"]).await, "app 1.0.0 in y");
    fs::write(&config, "repositories:\n- password: pass-word\n  a: b: c\n").unwrap();
    bad(&of(&["my/app"]).await, 1, "not valid YAML at line");
}

async fn template_of(args: &[&str], more: &[&str]) -> Outcome {
    template(&[args, more].concat()).await
}

#[tokio::test]
async fn charts_that_helm_keeps_are_not_fetched() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    let signed = fs::read(format!("{PROVENANCE}/signed-1.2.3.tgz")).unwrap();
    let provenance = fs::read_to_string(format!("{PROVENANCE}/signed-1.2.3.tgz.prov")).unwrap();
    let digest = provenance.split("sha256:").nth(1).unwrap().get(..64).unwrap();
    fs::create_dir_all(path(&format!("content/{}", &digest[..2]))).unwrap();
    let kept = path(&format!("content/{}/{digest}.chart", &digest[..2]));
    fs::write(&kept, &signed).unwrap();
    let entry = format!("{{version: 1.2.3, urls: [x.tgz], digest: {digest}}}");
    fs::write(path("my-index.yaml"), format!("apiVersion: v1\nentries: {{signed: [{entry}]}}\n")).unwrap();
    fs::write(path("repositories.yaml"), "repositories: [{name: my, url: 'http://127.0.0.1:1'}]\n").unwrap();
    let (config, cache, content) = (path("repositories.yaml"), path(""), path("content"));
    let flags = ["--repository-config", &config, "--repository-cache", &cache, "--content-cache", &content];
    let outcome = template_of(&["my/signed"], &flags).await;
    assert!(outcome.code == Some(0) && outcome.stdout.contains("# Source: signed/"), "{outcome:?}");
    // One that is not what its name says is none.
    fs::write(&kept, chart("signed", "1.2.3")).unwrap();
    bad(&template_of(&["my/signed"], &flags).await, 1, "refused");
}

#[tokio::test]
async fn signatures_come_along() {
    let file = |name: &str| fs::read(format!("{PROVENANCE}/{name}")).unwrap();
    let mut changed = file("signed-1.2.3.tgz");
    changed.push(0);
    let index = "apiVersion: v1\nentries: {signed: [{version: 1.2.3, urls: [signed-1.2.3.tgz]}]}\n";
    let shelf = Shelf::default()
        .with("/index.yaml", index)
        .with("/signed-1.2.3.tgz", file("signed-1.2.3.tgz"))
        .with("/signed-1.2.3.tgz.prov", file("signed-1.2.3.tgz.prov"))
        .with("/alone/signed-1.2.3.tgz", file("signed-1.2.3.tgz"))
        .with("/changed/signed-1.2.3.tgz", changed)
        .with("/changed/signed-1.2.3.tgz.prov", file("signed-1.2.3.tgz.prov"))
        .with("/renamed-1.2.3.tgz", file("signed-1.2.3.tgz"))
        .with("/renamed-1.2.3.tgz.prov", file("signed-1.2.3.tgz.prov"));
    let (server, _) = serve(shelf, None).await;
    let (url, keyring) = (server.url(), format!("{PROVENANCE}/signer.gpg"));
    let of = |chart: String, more: &'static [&'static str], keyring: String| async move {
        template(&[&[chart.as_str(), "--verify", "--keyring", &keyring], more].concat()).await
    };
    let named = ["signed", "--repo", &url, "--verify", "--keyring", &keyring];
    assert_eq!(template(&named).await.code, Some(0));
    let fetched = of(format!("{url}/signed-1.2.3.tgz"), &[], keyring.clone()).await;
    assert!(fetched.code == Some(0) && fetched.stdout.contains("# Source: signed/"), "{fetched:?}");
    for (path, keyring, expected) in [
        ("alone/signed-1.2.3.tgz", keyring.clone(), "signed-1.2.3.tgz.prov: the server answers 404"),
        ("changed/signed-1.2.3.tgz", keyring.clone(), "sha256 sum does not match"),
        ("renamed-1.2.3.tgz", keyring.clone(), "does not contain a SHA for a file named"),
        ("signed-1.2.3.tgz", format!("{PROVENANCE}/other.asc"), "signature made by unknown entity"),
    ] {
        let outcome = of(format!("{url}/{path}"), &[], keyring).await;
        assert_eq!((outcome.code, outcome.stdout.as_str()), (Some(1), ""), "{path}");
        assert!(outcome.stderr.contains(expected), "{path}: {}", outcome.stderr);
    }
}

#[tokio::test]
async fn dependencies_are_fetched_and_nothing_is_written() {
    let index = "apiVersion: v1\nentries:\n  db:\n  - {version: 1.4.0, urls: [db-1.4.0.tgz]}\n  - {version: 2.0.0, urls: [none.tgz]}\n";
    let shelf = Shelf::default().with("/index.yaml", index).with("/db-1.4.0.tgz", chart("db", "1.4.0"));
    let (server, asked) = serve(shelf, None).await;
    let url = server.url();
    let dir = tempfile::tempdir().unwrap();
    let put = |name: &str, text: &str| {
        let path = dir.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    let about = |dependencies: &str| {
        put("app/Chart.yaml", &format!("apiVersion: v2\nname: app\nversion: 1.0.0\ndependencies:\n{dependencies}"));
    };
    put("near/Chart.yaml", "apiVersion: v2\nname: near\nversion: 0.1.0\n");
    put("near/templates/n.yaml", "kind: N\nv: near\n");
    put("app/charts/own/Chart.yaml", "apiVersion: v2\nname: own\nversion: 0.2.0\n");
    put("app/charts/own/templates/o.yaml", "kind: O\nv: own\n");
    put("repositories.yaml", &format!("repositories: [{{name: my, url: '{url}/'}}]\n"));
    let path = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    let (app, config) = (path("app"), path("repositories.yaml"));
    let run = || async {
        let flags =
            ["--dependency-update", "--repository-config", &config, "--username", "me", "--password", "pass-word"];
        template_of(&[&app], &flags).await
    };
    for repository in [url.as_str(), "'@my'", "'alias:my'"] {
        about(&format!(
            "- {{name: db, version: ^1, repository: {repository}}}\n- {{name: db, version: ^1, repository: {repository}, alias: again}}\n- {{name: near, version: '*', repository: 'file://../near'}}\n- {{name: own, version: 0.x}}\n"
        ));
        let outcome = run().await;
        good(&outcome, "db 1.4.0");
        for expected in ["v: again 1.4.0", "v: near", "v: own"] {
            assert!(outcome.stdout.contains(expected), "{repository}: {outcome:?}");
        }
    }
    // Who was named is named to the chart's own repository alone, and the folder is as it was.
    assert!(asked.asked().iter().all(|it| it.1.is_empty()));
    assert_eq!(fs::read_dir(path("app/charts")).unwrap().count(), 1);
    assert!(!dir.path().join("app/Chart.lock").exists());
    for (dependency, code, expected) in [
        (format!("{{name: db, version: ^3, repository: {url}}}"), 1, "chart \"db\" version \"^3\" not found"),
        (format!("{{name: db, version: ^2, repository: {url}}}"), 1, "none.tgz: the server answers 404"),
        ("{name: db, version: '^1', repository: '@other'}".to_owned(), 2, "no repository definition for @other"),
        ("{name: db, version: '^1', repository: stable}".to_owned(), 2, "no repository definition for stable"),
        ("{name: db, version: '^1'}".to_owned(), 1, "charts/db is not there"),
        (
            "{name: near, version: '^9', repository: 'file://../near'}".to_owned(),
            1,
            "0.1.0 does not satisfy the constraint ^9",
        ),
        ("{name: near, version: 'what', repository: 'file://../near'}".to_owned(), 1, "invalid version/constraint"),
    ] {
        about(&format!("- {dependency}\n"));
        bad(&run().await, code, expected);
    }
    let archive = "apiVersion: v2\nname: app\nversion: 1.0.0\ndependencies: [{name: db, version: ^1, repository: x}]\n";
    fs::write(path("app.tgz"), tar_gz(&[("app/Chart.yaml", archive)]).unwrap()).unwrap();
    bad(&template(&[&path("app.tgz"), "--dependency-update"]).await, 2, "only unpacked charts can be updated");
}
