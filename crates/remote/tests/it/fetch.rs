//! What a build gets over the network.

use std::time::Duration;

use axum::Router;
use axum::routing::get;
use weir_kustomize::{Budget, MemTree, Options, Resource, build};
use weir_remote::{Fetcher, Limits};
use weir_testkit::{GitOptions, GitServer, HttpServer};

const MAP: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n";

fn names(kustomization: &str, limits: Limits) -> Result<Vec<String>, String> {
    let tree = MemTree::new().with("kustomization.yaml", kustomization);
    let fetcher = Fetcher::new(limits);
    let options = Options { remote: Some(&fetcher), ..Options::default() };
    let built = build(&tree, "", &options).map_err(|error| error.chain())?;
    Ok(built.iter().map(|r: &Resource| r.name().to_owned()).collect())
}

#[tokio::test(flavor = "multi_thread")]
async fn bases_come_from_branches_tags_and_commits() {
    let server = GitServer::start().await.unwrap();
    let repository = server.repository("org/repo.git").unwrap();
    repository.write("app/kustomization.yaml", "resources: [../shared]\nnamePrefix: one-\n").unwrap();
    repository.write("shared/kustomization.yaml", "resources: [a.yaml]\n").unwrap();
    repository.write("shared/a.yaml", MAP).unwrap();
    let first = repository.push("first").unwrap();
    repository.tag("v1", Some("one")).unwrap();
    repository.write("app/kustomization.yaml", "resources: [../shared]\nnamePrefix: two-\n").unwrap();
    repository.push("second").unwrap();
    let url = server.url("org/repo.git");
    let of = |query: &str| names(&format!("resources: ['{url}//app{query}']\n"), Limits::default());
    assert_eq!(of("").unwrap(), ["two-a"]);
    assert_eq!(of("?ref=v1").unwrap(), ["one-a"]);
    assert_eq!(of("?version=v1&timeout=20s").unwrap(), ["one-a"]);
    assert_eq!(of(&format!("?ref={first}")).unwrap(), ["one-a"]);
    assert_eq!(of("?ref=refs/tags/v1&submodules=false").unwrap(), ["one-a"]);
    let missing = of("?ref=nothing").unwrap_err();
    assert!(missing.contains("nothing") && missing.contains("resources: "), "{missing}");
    let folder = names(&format!("resources: ['{url}//none']\n"), Limits::default()).unwrap_err();
    assert!(folder.contains("no such file"), "{folder}");
    let twice = format!("resources: ['{url}//app', '{url}//app?ref=v1']\n");
    assert_eq!(names(&twice, Limits::default()).unwrap(), ["one-a", "two-a"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_remote_base_stays_in_its_repository() {
    let server = GitServer::start().await.unwrap();
    let repository = server.repository("org/repo.git").unwrap();
    repository.write("up/kustomization.yaml", "resources: [../../etc]\n").unwrap();
    repository.write("file/kustomization.yaml", "resources: [../a.yaml]\n").unwrap();
    repository.write("a.yaml", MAP).unwrap();
    let url = server.url("org/repo.git");
    repository.write("again/kustomization.yaml", &format!("resources: ['{url}//again']\n")).unwrap();
    repository.push("bases").unwrap();
    for (folder, reason) in [("up", "leaves the tree"), ("file", "in or below"), ("again", "cycle")] {
        let error = names(&format!("resources: ['{url}//{folder}']\n"), Limits::default()).unwrap_err();
        assert!(error.contains(reason), "{folder}: {error}");
    }
    let small = Limits { repository_bytes: 10, ..Limits::default() };
    let error = names(&format!("resources: ['{url}//up']\n"), small).unwrap_err();
    assert!(error.contains("larger than allowed"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_wants_a_password_is_named_without_one() {
    let basic = Some(("me".to_owned(), "canary".to_owned()));
    let server = GitServer::with(GitOptions { basic, ..GitOptions::default() }).await.unwrap();
    server.repository("org/repo.git").unwrap().push("empty").ok();
    let url = server.url("org/repo.git").replace("http://", "http://me:canary2@");
    let error = names(&format!("components: ['{url}//app']\n"), Limits::default()).unwrap_err();
    assert!(error.contains("cannot fetch") && error.contains("components: ") && !error.contains("canary"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn files_come_over_http() {
    let slow = || async {
        tokio::time::sleep(Duration::from_secs(30)).await;
        MAP
    };
    let router = Router::new()
        .route("/a.yaml", get(|| async { MAP }))
        .route("/x.txt", get(|| async { "text" }))
        .route("/patch.yaml", get(|| async { "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {k: v}\n" }))
        .route("/slow.yaml", get(slow));
    let server = HttpServer::start(router, None).await.unwrap();
    let url = server.url();
    let limits = Limits { file_timeout: Duration::from_millis(500), ..Limits::default() };
    let text = format!(
        "resources: ['{url}/a.yaml']\npatches: [{{path: '{url}/patch.yaml'}}]\nconfigMapGenerator:\n- name: g\n  files: ['x={url}/x.txt']\n  options: {{disableNameSuffixHash: true}}\n"
    );
    assert_eq!(names(&text, Limits::default()).unwrap(), ["a", "g"]);
    for (file, reason) in [("gone.yaml", "404"), ("slow.yaml", "time")] {
        let error = names(&format!("resources: ['{url}/{file}']\n"), limits).unwrap_err();
        assert!(error.contains(reason) && error.contains(file), "{error}");
    }
    let small = Limits { file_bytes: 5, ..Limits::default() };
    let error = names(&format!("resources: ['{url}/a.yaml']\n"), small).unwrap_err();
    assert!(error.contains("larger than 5 bytes"), "{error}");
}

#[test]
fn without_a_fetcher_nothing_is_asked() {
    let tree = MemTree::new().with("kustomization.yaml", "resources: ['https://127.0.0.1:1/org/repo//dir']\n");
    let options = Options { budget: Budget::default(), ..Options::default() };
    let error = build(&tree, "", &options).unwrap_err().chain();
    assert!(error.contains("is not available"), "{error}");
}
