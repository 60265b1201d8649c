//! What needs no cluster.

use crate::program::weir;

#[tokio::test]
async fn a_wrong_question_is_2_and_a_missing_cluster_is_1() {
    for args in [
        &["get"][..],
        &["get", "kustomisation"],
        &["frobnicate"],
        &["tree", "gitrepo", "a"],
        &["get", "ks", "--status-selector", "x"],
    ] {
        let outcome = weir(None, args).await;
        assert_eq!(outcome.code, Some(2), "{args:?}: {outcome:?}");
        assert!(outcome.stdout.is_empty() && !outcome.stderr.is_empty(), "{args:?}: {outcome:?}");
    }
    let outcome = weir(None, &["get", "ks"]).await;
    assert_eq!(outcome.code, Some(1));
    assert!(
        outcome.stderr.contains("cannot load the kubeconfig")
            && outcome.stderr.contains("hint: name one with --kubeconfig"),
        "{outcome:?}"
    );
}

#[tokio::test]
async fn nobody_listening_is_said_with_the_next_move() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("config");
    let config = "apiVersion: v1\nkind: Config\ncurrent-context: a\ncontexts: [{name: a, context: {cluster: c, user: u}}]\n\
                  clusters: [{name: c, cluster: {server: 'http://127.0.0.1:1'}}]\nusers: [{name: u, user: {}}]\n";
    std::fs::write(&file, config).unwrap();
    let outcome = weir(Some(&file), &["get", "ks"]).await;
    assert_eq!(outcome.code, Some(1));
    assert!(
        outcome.stderr.contains("because")
            && outcome.stderr.contains("refused")
            && outcome.stderr.contains("kubectl cluster-info"),
        "{outcome:?}"
    );
}

#[tokio::test]
async fn completion_and_version_need_no_cluster() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let outcome = weir(None, &["completion", shell]).await;
        assert_eq!(outcome.code, Some(0), "{shell}");
        assert!(outcome.stdout.contains("kustomize"), "{shell}");
    }
    assert_eq!(weir(None, &["version", "--client"]).await.stdout, concat!("weir: v", env!("CARGO_PKG_VERSION"), "\n"));
}

#[tokio::test]
async fn the_install_bundle_builds() {
    let outcome = weir(None, &["kustomize", concat!(env!("CARGO_MANIFEST_DIR"), "/../deploy/install")]).await;
    assert_eq!(outcome.code, Some(0), "{}", outcome.stderr);
    for line in [
        "name: cluster-reconciler",
        "name: gitrepositories.source.toolkit.fluxcd.io",
        "name: allow-webhooks",
        "name: manager",
    ] {
        assert!(outcome.stdout.contains(line), "{line}");
    }
}
