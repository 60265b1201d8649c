//! `weir template` and `weir chart lint`, against goldens of the real helm.

use std::fs;

use crate::program::weir;

const GOLDEN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../crates/chart/tests/golden");

#[tokio::test]
async fn charts_print_as_helm_prints_them() {
    for (case, args) in [
        ("subcharts", &["--include-crds", "--set", "one.map.z=set", "--set", "again.inner.enabled=false"][..]),
        ("hooks-no-tests", &["--skip-tests"]),
        (
            "show-only",
            &[
                "-s",
                "templates/b.yaml",
                "-s",
                "charts/sub/templates/*.yaml",
                "-s",
                "templates/a.yaml",
                "-s",
                "templates/hook.yaml",
            ],
        ),
        ("upgrade", &["--is-upgrade", "-n", "other"]),
        ("objects", &["--kube-version", "v1.33.4-gke.1245000", "-a", "x.example.com/v1,y/v2", "-a", "z/v1"]),
    ] {
        let input = format!("{GOLDEN}/{case}/input");
        let mut all = vec!["template", "rel", &input];
        all.extend(args);
        let outcome = weir(None, &all).await;
        assert_eq!(outcome.code, Some(0), "{case}: {}", outcome.stderr);
        assert_eq!(outcome.stdout, fs::read_to_string(format!("{GOLDEN}/{case}/expected.yaml")).unwrap(), "{case}");
    }
    let hooks = format!("{GOLDEN}/hooks/input");
    let outcome = weir(None, &["template", "rel", &hooks, "--compat", "helm3"]).await;
    assert_eq!(outcome.stdout, fs::read_to_string(format!("{GOLDEN}/hooks/expected.helm3.yaml")).unwrap());
}

#[tokio::test]
async fn files_go_where_they_are_told_to() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("out");
    let input = format!("{GOLDEN}/subcharts/input");
    let args = ["template", "web", &input, "--output-dir", out.to_str().unwrap(), "--release-name", "--include-crds"];
    let outcome = weir(None, &args).await;
    assert_eq!(outcome.code, Some(0), "{}", outcome.stderr);
    assert!(outcome.stdout.contains("wrote ") && out.join("web/app/charts/one/crds/c.yml").is_file(), "{outcome:?}");
    let text = fs::read_to_string(out.join("web/app/templates/t.yaml")).unwrap();
    assert!(text.starts_with("---\n# Source: app/templates/t.yaml\nkind: app\n"), "{text}");
}

#[tokio::test]
async fn what_is_wrong_names_place_and_next_move() {
    let input = format!("{GOLDEN}/error-chain/input");
    let outcome = weir(None, &["template", "rel", &input]).await;
    assert_eq!(outcome.code, Some(1));
    assert!(outcome.stdout.is_empty() && outcome.stderr.contains("app/templates/_h.tpl:1:"), "{}", outcome.stderr);
    let outcome = weir(None, &["chart", "lint", &input]).await;
    assert_eq!(outcome.code, Some(1));
    assert!(outcome.stdout.contains("1 | {{ define \"h\" }}") && outcome.stdout.contains("^^^"), "{}", outcome.stdout);
    let good = format!("{GOLDEN}/hooks/input");
    assert_eq!(weir(None, &["chart", "lint", &good]).await.code, Some(0));
    for (args, expected) in [
        (&["template", "rel", "bitnami/nginx"][..], "helm pull"),
        (&["template", "rel", &input, "--validate"], "kubectl apply --dry-run=server"),
        (&["template", "rel", &input, "--set", "a[70000]=1"], "maximum supported index"),
        (&["template", "rel", &input, "--kube-version", "x"], "invalid kube version"),
    ] {
        let outcome = weir(None, args).await;
        assert_eq!(outcome.code, Some(2), "{args:?}");
        assert!(outcome.stderr.contains(expected), "{args:?}: {}", outcome.stderr);
    }
}
