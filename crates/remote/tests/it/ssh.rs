//! Bases over ssh: with the key that is given, and not without one.

use weir_kustomize::{MemTree, Options, build};
use weir_remote::{Fetcher, Limits, SshKey};
use weir_testkit::{GitServer, SshServer};

#[tokio::test(flavor = "multi_thread")]
async fn a_key_opens_what_stays_closed_without_one() {
    let git = GitServer::start().await.unwrap();
    let repository = git.repository("org/repo.git").unwrap();
    repository.write("base/kustomization.yaml", "resources: [link.yaml]\n").unwrap();
    repository.write("files/a.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n").unwrap();
    repository.link("base/files", "../files").unwrap();
    repository.link("base/link.yaml", "a.yaml").unwrap();
    repository.write("base/a.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: b}\n").unwrap();
    repository.push("one").unwrap();
    let server = SshServer::start(git.root()).await.unwrap();
    let url = format!("{}//base", server.url("org/repo.git"));
    let tree = MemTree::new().with("kustomization.yaml", format!("resources: ['{url}']\n"));
    let with = |fetcher: Fetcher| {
        let options = Options { remote: Some(&fetcher), ..Options::default() };
        build(&tree, "", &options).map(|all| all.len()).map_err(|error| error.chain())
    };
    let error = with(Fetcher::new(Limits::default())).unwrap_err();
    assert!(error.contains("ssh needs a key") && error.contains("use https"), "{error}");
    let key = server.client_key().private.clone();
    let known = SshKey::new(key.clone(), server.known_hosts());
    assert_eq!(format!("{known:?}"), "SshKey");
    assert_eq!(with(Fetcher::new(Limits::default()).with_ssh_key(move || Some(known.clone()))), Ok(1));
    let wrong = SshKey::new(key, server.wrong_known_hosts().unwrap());
    assert!(with(Fetcher::new(Limits::default()).with_ssh_key(move || Some(wrong.clone()))).is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn files_of_submodules_are_named_as_such() {
    let git = GitServer::start().await.unwrap();
    let inner = git.repository("org/inner.git").unwrap();
    inner.write("kustomization.yaml", "resources: []\n").unwrap();
    let commit = inner.push("one").unwrap();
    let outer = git.repository("org/outer.git").unwrap();
    outer.write("base/kustomization.yaml", "resources: [vendor/inner]\n").unwrap();
    outer.push("one").unwrap();
    outer.git(&["update-index", "--add", "--cacheinfo", &format!("160000,{commit},base/vendor/inner")]).unwrap();
    outer.git(&["commit", "-q", "-m", "two"]).unwrap();
    outer.push_head().unwrap();
    let tree =
        MemTree::new().with("kustomization.yaml", format!("resources: ['{}//base']\n", git.url("org/outer.git")));
    let fetcher = Fetcher::new(Limits::default());
    let error = build(&tree, "", &Options { remote: Some(&fetcher), ..Options::default() }).unwrap_err().chain();
    assert!(error.contains("it is in the submodule base/vendor/inner, and submodules are not fetched"), "{error}");
}
