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

/// The program begins on the stack it has, which holds less than Helm allows, and goes on where there is more.
#[tokio::test]
async fn templates_nest_as_deeply_as_helm_lets_them() {
    let dir = tempfile::tempdir().unwrap();
    let put = |name: &str, text: &str| fs::write(dir.path().join(name), text).unwrap();
    fs::create_dir(dir.path().join("templates")).unwrap();
    put("Chart.yaml", "apiVersion: v2\nname: deep\nversion: 1.0.0\n");
    let below = r#"{{ include "r" (dict "n" (sub .n 1) "a" (list .)) }}"#;
    let inner = format!(
        "{{{{ with . }}}}{{{{ range .a }}}}x{{{{ end }}}}{{{{ if gt (int64 .n) 0 }}}}{below}{{{{ end }}}}{{{{ end }}}}"
    );
    let start = r#"kind: A
a: {{ include "r" (dict "n" .Values.n "a" (list 1)) }}
"#;
    put("templates/a.yaml", &format!("{{{{- define \"r\" }}}}{inner}{{{{ end -}}}}\n{start}"));
    let chart = dir.path().to_str().unwrap();
    let outcome = weir(None, &["template", "rel", chart, "--set", "n=990"]).await;
    assert_eq!(outcome.code, Some(0), "{}", outcome.stderr);
    assert!(outcome.stdout.ends_with(&format!("a: {}\n", "x".repeat(991))), "{}", outcome.stdout);
    let outcome = weir(None, &["template", "rel", chart, "--set", "n=1001"]).await;
    assert!(outcome.stderr.contains("rendering template has a nested reference name: r"), "{}", outcome.stderr);
}

#[tokio::test]
async fn files_go_where_they_are_told_to() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("out");
    let input = format!("{GOLDEN}/subcharts/input");
    let args = ["template", "web", &input, "--output-dir", out.to_str().unwrap(), "--release-name", "--include-crds"];
    let outcome = weir(None, &args).await;
    assert_eq!(outcome.code, Some(0), "{}", outcome.stderr);
    // A line for each document, and CRDs beside the release's folder: so helm has it.
    assert!(out.join("app/charts/one/crds/c.yml").is_file(), "{outcome:?}");
    let lines: Vec<&str> = outcome.stdout.lines().collect();
    assert_eq!(lines.iter().filter(|it| it.starts_with("wrote ")).count(), 10, "{outcome:?}");
    assert!(outcome.stdout.ends_with("web/app/charts/two/templates/t.yaml\n\n"), "{outcome:?}");
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
    let good = format!("{GOLDEN}/functions/input");
    assert_eq!(weir(None, &["chart", "lint", &good]).await.code, Some(0));
    for (args, expected) in [
        (&["template", "rel", "bitnami/nginx"][..], "helm repo add bitnami URL"),
        (&["template", "rel", "nginx"], "--repo URL nginx"),
        (&["template", "rel", "oci://127.0.0.1"], "names no repository"),
        (&["template", "rel", "s3://bucket/x.tgz"], "not from s3"),
        (&["template", "rel", "x", "--repo", "oci://127.0.0.1:1/y"], "leave --repo out"),
        (&["template", "rel", "x", "--repo", "file:///srv"], "not from file"),
        (&["template", "rel", "x", "--repo", "https://127.0.0.1:1", "--key-file", "k"], "belong together"),
        (&["template", "rel", "./nothing"], "not found"),
        (&["template", "rel", &input, "--dry-run=server"], "kubectl apply --dry-run=server"),
        (&["template", "rel", &input, "--dry-run=maybe"], "invalid dry-run value"),
        (&["template", "rel", &input, "--post-renderer", "sed"], "| sed"),
        (&["template", "rel", &input, "--labels", "x"], "must be formatted as key=value"),
        (&["template", "rel", &input, "--name-template", "x"], "cannot set --name-template and also specify a name"),
        (&["template", "rel", &input, "-g"], "cannot set --generate-name and also specify a name"),
        (&["template", "rel", &input, "extra"], "unexpected"),
        (&["template", "rel", &input, "--output-dir", "x", "-s", "y"], "--show-only prints"),
        (&["template", "rel", &input, "--set-json", "{\"password\": \"s3cret"], "no JSON object"),
        (&["template", "rel", &input, "--validate"], "kubectl apply --dry-run=server"),
        (&["template", "rel", &input, "--set", "a[70000]=1"], "maximum supported index"),
        (&["template", "rel", &input, "--kube-version", "x"], "invalid kube version"),
    ] {
        let outcome = weir(None, args).await;
        assert_eq!(outcome.code, Some(2), "{args:?}");
        assert!(outcome.stderr.contains(expected), "{args:?}: {}", outcome.stderr);
    }
}

#[tokio::test]
async fn values_come_from_files_flags_and_stdin_in_helms_order() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    fs::create_dir_all(dir.path().join("c/templates")).unwrap();
    fs::write(path("c/Chart.yaml"), "apiVersion: v2\nname: c\nversion: 1.0.0\n").unwrap();
    fs::write(path("c/templates/a.yaml"), "kind: A\nv: {{ toJson .Values }}\n").unwrap();
    fs::write(path("c/values.yaml"), "a: chart\nb: chart\nc: chart\nd: chart\ne: chart\nf: chart\n").unwrap();
    fs::write(path("one.yaml"), "a: one\nb: one\nc: one\nd: one\ne: one\n").unwrap();
    fs::write(path("two.yaml"), "b: two\nc: two\nd: two\ne: two\n").unwrap();
    fs::write(path("text"), "from a file").unwrap();
    let (chart, one, two) = (path("c"), path("one.yaml"), path("two.yaml"));
    let text = format!("e={}", path("text"));
    let args = [
        "template",
        "rel",
        &chart,
        "--set",
        "d=flag",
        "-f",
        &one,
        "--set-json",
        "c=[1]",
        "--set-string",
        "d=7",
        "--set-file",
        &text,
        "-f",
        &two,
        "--set-literal",
        "g=x,y={z}",
    ];
    let outcome = weir(None, &args).await;
    let expected = r#"v: {"a":"one","b":"two","c":[1],"d":"7","e":"from a file","f":"chart","g":"x,y={z}"}"#;
    assert!(outcome.stdout.contains(expected), "{outcome:?}");
    let list = format!("{two},{one}");
    let outcome = weir(None, &["template", "rel", &chart, "--values", &list]).await;
    assert!(outcome.stdout.contains(r#""b":"one""#), "{outcome:?}");
    for (values, expected) in [
        ("http://127.0.0.1:1/v.yaml", "http://127.0.0.1:1/v.yaml: error sending request"),
        ("/nothing.yaml", "/nothing.yaml: No such file"),
        (chart.as_str(), "directory"),
    ] {
        let outcome = weir(None, &["template", "rel", &chart, "-f", values]).await;
        assert!(outcome.code == Some(1) && outcome.stderr.contains(expected), "{outcome:?}");
    }
}

#[tokio::test]
async fn flags_of_helm_are_taken() {
    let input = format!("{GOLDEN}/hooks/input");
    let expected = fs::read_to_string(format!("{GOLDEN}/hooks/expected.yaml")).unwrap();
    let all = "--create-namespace --dependency-update --description x --devel --disable-openapi-validation \
        --dry-run=client --force-conflicts --insecure-skip-tls-verify --labels a=b,c=d --pass-credentials --plain-http --replace \
        --rollback-on-failure --server-side=false --take-ownership --timeout 5m0s --version 9.9.9 --wait=legacy \
        --wait-for-jobs --ca-file x --cert-file x --key-file x --username u --password p --debug --skip-tests=false \
        --include-crds=false --enable-dns --keyring none --burst-limit 5 --color never --colour always --content-cache none \
        --kube-apiserver https://127.0.0.1:1 --kube-as-group a --kube-as-group b --kube-as-user c --kube-ca-file x \
        --kube-insecure-skip-tls-verify --kube-tls-server-name x --kube-token x --qps 1.5 --registry-config none \
        --repository-cache none --repository-config none --version 1 --timeout 1s";
    let args: Vec<&str> = ["template", "rel", &input].into_iter().chain(all.split_whitespace()).collect();
    let outcome = weir(None, &args).await;
    assert_eq!((outcome.code, outcome.stdout.as_str()), (Some(0), expected.as_str()), "{}", outcome.stderr);
    for flag in ["--dry-run", "--wait", "--server-side", "--force-replace", "--force", "--atomic", "--dry-run=none"] {
        let outcome = weir(None, &["template", flag, "rel", &input]).await;
        assert_eq!((outcome.code, outcome.stdout.as_str()), (Some(0), expected.as_str()), "{}", outcome.stderr);
    }
    let no_tests = fs::read_to_string(format!("{GOLDEN}/hooks-no-tests/expected.yaml")).unwrap();
    let input = format!("{GOLDEN}/hooks-no-tests/input");
    assert_eq!(weir(None, &["template", "rel", &input, "--skip-tests=true"]).await.stdout, no_tests);
}

#[tokio::test]
async fn contexts_that_are_named_say_the_namespace() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    fs::create_dir_all(path("c/templates")).unwrap();
    fs::write(path("c/Chart.yaml"), "apiVersion: v2\nname: c\nversion: 1.0.0\n").unwrap();
    fs::write(path("c/templates/a.yaml"), "v: {{ .Release.Namespace }}\n").unwrap();
    let contexts =
        "- {name: a, context: {cluster: c, user: u, namespace: of-a}}\n- {name: b, context: {cluster: c, user: u}}\n";
    fs::write(path("kubeconfig"), format!("current-context: a\ncontexts:\n{contexts}")).unwrap();
    let (chart, kubeconfig) = (path("c"), path("kubeconfig"));
    for (flags, expected, warned) in [
        (&["--kubeconfig", kubeconfig.as_str()][..], "of-a", false),
        (&["--kubeconfig", &kubeconfig, "--kube-context", "b"], "default", false),
        (&["--kubeconfig", &kubeconfig, "-n", "mine"], "mine", false),
        (&["--kubeconfig", &kubeconfig, "--kube-context", "c"], "default", true),
        (&["--kubeconfig", "/nothing"], "default", true),
        (&["--kube-context", "a"], "default", true),
    ] {
        let outcome = weir(None, &[&["template", "rel", &chart], flags].concat()).await;
        assert_eq!(
            outcome.stdout,
            format!("---\n# Source: c/templates/a.yaml\nv: {expected}\n"),
            "{flags:?}: {outcome:?}"
        );
        assert_eq!(outcome.stderr.contains("warning: cannot load the kubeconfig"), warned, "{outcome:?}");
    }
    // A kubeconfig that nobody named is not asked.
    let ambient = weir(Some(std::path::Path::new(&kubeconfig)), &["template", "rel", &chart]).await;
    assert!(ambient.stdout.contains("v: default"), "{ambient:?}");
}

#[tokio::test]
async fn what_is_no_yaml_is_shown_when_asked_for() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir_all(dir.path().join("templates")).unwrap();
    fs::write(dir.path().join("Chart.yaml"), "apiVersion: v2\nname: c\nversion: 1.0.0\n").unwrap();
    fs::write(dir.path().join("templates/a.yaml"), "a: [{{ 1 }}\n").unwrap();
    let chart = dir.path().to_str().unwrap();
    let plain = weir(None, &["template", "rel", chart]).await;
    assert_eq!((plain.code, plain.stdout.as_str()), (Some(1), ""), "{plain:?}");
    assert!(
        plain.stderr.contains("YAML parse error on c/templates/a.yaml") && plain.stderr.contains("--debug"),
        "{plain:?}"
    );
    let shown = weir(None, &["template", "rel", chart, "--debug"]).await;
    assert_eq!(
        (shown.code, shown.stdout.as_str()),
        (Some(1), "---\n# Source: c/templates/a.yaml\na: [1\n"),
        "{shown:?}"
    );
}

#[tokio::test]
async fn signed_charts_are_verified() {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../crates/chart/tests/provenance");
    let dir = tempfile::tempdir().unwrap();
    for name in ["signed-1.2.3.tgz", "signed-1.2.3.tgz.prov", "signer.gpg", "other.asc"] {
        fs::copy(format!("{root}/{name}"), dir.path().join(name)).unwrap();
    }
    let path = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    let (chart, signer) = (path("signed-1.2.3.tgz"), path("signer.gpg"));
    let verified = |chart: String, keyring: String| async move {
        weir(None, &["template", "rel", &chart, "--verify", "--keyring", &keyring]).await
    };
    let good = verified(chart.clone(), signer.clone()).await;
    assert_eq!(good.code, Some(0), "{}", good.stderr);
    assert!(good.stdout.starts_with("---\n# Source: signed/templates/a.yaml\n"), "{}", good.stdout);
    fs::write(path("empty.gpg"), "").unwrap();
    fs::copy(&chart, path("alone-1.2.3.tgz")).unwrap();
    fs::create_dir(path("dir")).unwrap();
    fs::create_dir(path("changed")).unwrap();
    fs::copy(path("signed-1.2.3.tgz.prov"), path("changed/signed-1.2.3.tgz.prov")).unwrap();
    let mut bytes = fs::read(&chart).unwrap();
    bytes.push(0);
    fs::write(path("changed/signed-1.2.3.tgz"), bytes).unwrap();
    for (chart, keyring, expected) in [
        (chart.clone(), path("other.asc"), "signature made by unknown entity"),
        (chart.clone(), path("none.gpg"), "could not load keyring"),
        (chart.clone(), path("dir"), "no regular file"),
        (chart.clone(), "/dev/zero".to_owned(), "no regular file"),
        (chart.clone(), path("empty.gpg"), "holds no public key"),
        (path("alone-1.2.3.tgz"), signer.clone(), "could not load provenance file"),
        (path("changed/signed-1.2.3.tgz"), signer.clone(), "sha256 sum does not match"),
        (format!("{GOLDEN}/hooks/input"), signer.clone(), "unpacked charts cannot be verified"),
    ] {
        let outcome = verified(chart, keyring).await;
        assert_eq!((outcome.code, outcome.stdout.as_str()), (Some(1), ""), "{expected}");
        assert!(outcome.stderr.contains(expected), "{expected}: {}", outcome.stderr);
    }
    // Without the flag nobody asks.
    assert_eq!(weir(None, &["template", "rel", &path("alone-1.2.3.tgz")]).await.code, Some(0));
}

#[cfg(unix)]
#[tokio::test]
async fn links_where_output_goes_are_not_written_through() {
    let dir = tempfile::tempdir().unwrap();
    let victim = dir.path().join("victim");
    fs::write(&victim, "mine").unwrap();
    let out = dir.path().join("out");
    fs::create_dir_all(out.join("app/templates")).unwrap();
    std::os::unix::fs::symlink(&victim, out.join("app/templates/t.yaml")).unwrap();
    let input = format!("{GOLDEN}/subcharts/input");
    let outcome = weir(None, &["template", "web", &input, "--output-dir", out.to_str().unwrap()]).await;
    assert_eq!(outcome.code, Some(0), "{}", outcome.stderr);
    assert_eq!(fs::read_to_string(&victim).unwrap(), "mine");
    assert!(fs::read_to_string(out.join("app/templates/t.yaml")).unwrap().starts_with("---\n# Source: "));
}

#[tokio::test]
async fn lint_tells_people_and_programs() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("broken");
    fs::create_dir_all(root.join("templates")).unwrap();
    fs::create_dir_all(root.join("charts/sub/templates")).unwrap();
    let put = |name: &str, text: &str| fs::write(root.join(name), text).unwrap();
    put("Chart.yaml", "apiVersion: v2\nname: broken\nversion: 1.0.0\n");
    put("values.yaml", "a: 1\n");
    put("templates/a.yaml", "kind: A\n# ü\tx\nü:\t{{ .Values.a.b.c }}\n");
    put("charts/sub/Chart.yaml", "apiVersion: v2\nname: sub\n");
    put("charts/sub/templates/a.yaml", "a: 1\n");
    let path = root.to_str().unwrap();
    let outcome = weir(None, &["chart", "lint", path]).await;
    assert_eq!(outcome.code, Some(1), "{outcome:?}");
    // The chart below cannot be loaded, so nothing of it is rendered.
    assert!(outcome.stdout.contains("chart.metadata.version is required"), "{}", outcome.stdout);
    fs::write(root.join("charts/sub/Chart.yaml"), "apiVersion: v2\nname: sub\nversion: v1\n").unwrap();
    let outcome = weir(None, &["chart", "lint", path]).await;
    let expected = "error: templates/a.yaml:3:14: nil pointer evaluating interface {}.c\n    2 | # ü x\n    3 | ü: {{ .Values.a.b.c }}\n";
    assert!(outcome.stdout.contains("error: templates/a.yaml:3:"), "{}", outcome.stdout);
    let lines: Vec<&str> = outcome.stdout.lines().collect();
    let at =
        lines.iter().position(|it| it.contains("3 | ")).unwrap_or_else(|| panic!("{expected}\n{}", outcome.stdout));
    let caret = lines[at + 1].chars().position(|it| it == '^').unwrap();
    let under: String = lines[at].chars().skip(caret).collect();
    assert!(
        under.starts_with(".Values") || under.starts_with(".a.b.c") || under.starts_with(".b"),
        "{}",
        outcome.stdout
    );
    let outcome = weir(None, &["chart", "lint", path, "--with-subcharts", "-o", "json"]).await;
    let reports: serde_json::Value = serde_json::from_str(&outcome.stdout).unwrap();
    assert_eq!(reports.as_array().unwrap().len(), 2, "{reports}");
    let found = reports[0]["findings"].as_array().unwrap();
    assert!(found.iter().any(|it| it["severity"] == "error" && it["file"] == "templates/a.yaml" && it["line"] == 3));
    assert!(
        reports[1]["findings"]
            .as_array()
            .unwrap()
            .iter()
            .any(|it| it["message"].as_str().unwrap().contains("SemVerV2"))
    );
    let good = format!("{GOLDEN}/functions/input");
    let outcome = weir(None, &["chart", "lint", &good, "--quiet", "--strict"]).await;
    assert!(outcome.stdout.contains("no apiVersion"), "{}", outcome.stdout);
}

#[tokio::test]
async fn lint_shows_every_template_that_fails() {
    let dir = tempfile::tempdir().unwrap();
    let put = |name: &str, text: &str| {
        let path = dir.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    put("Chart.yaml", "apiVersion: v2\nname: app\nversion: 1.0.0\n");
    put("charts/sub/Chart.yaml", "apiVersion: v2\nname: sub\nversion: 1.0.0\n");
    put("templates/_helpers.tpl", "{{ define \"bad\" }}{{ .Values.x.y.z }}{{ end }}");
    put("templates/a.yaml", "a: {{ .Values.one.two.three }}\n");
    put("templates/b.yaml", "b: {{ include \"bad\" . }}\n");
    put("templates/c.yaml", "c: {{ include \"bad\" . }}\n");
    put("templates/d.yaml", "d: {{ atoi \"1\" | nope }}\n");
    put("templates/e.yaml", "{{ if }}\n");
    put("charts/sub/templates/s.yaml", "{{ fromJson 1 }}\n");
    let lint = || async {
        let outcome = weir(None, &["chart", "lint", dir.path().to_str().unwrap()]).await;
        assert_eq!(outcome.code, Some(1), "{outcome:?}");
        outcome.stdout
    };
    // First what cannot be parsed: nothing is executed then.
    let said = lint().await;
    for expected in
        ["error: templates/d.yaml:1:", "function \"nope\" not defined", "error: templates/e.yaml:1:", "2 errors, 0"]
    {
        assert!(said.contains(expected), "{expected}: {said}");
    }
    assert_eq!(said.lines().filter(|it| it.trim_start_matches([' ', '|']).starts_with('^')).count(), 2, "{said}");
    put("templates/d.yaml", "d: [1\n");
    put("templates/e.yaml", "kind: E\n");
    let said = lint().await;
    for expected in [
        "error: templates/a.yaml:1:",
        "error: templates/_helpers.tpl:1:",
        "error: charts/sub/templates/s.yaml:1:",
        "3 errors, 0",
    ] {
        assert!(said.contains(expected), "{expected}: {said}");
    }
    // Then what was printed and is no YAML, in charts below too.
    for name in ["templates/a.yaml", "templates/b.yaml", "templates/c.yaml"] {
        put(name, "kind: X\n");
    }
    put("charts/sub/templates/s.yaml", "s: {\n");
    let said = lint().await;
    for expected in
        ["error: templates/d.yaml: what it prints", "error: charts/sub/templates/s.yaml: what it prints", "2 errors"]
    {
        assert!(said.contains(expected), "{expected}: {said}");
    }
    assert!(said.contains("no apiVersion"), "{said}");
}

/// Runs it with so much memory to address that a bomb would end it: the stack it reserves, and 1.5 GiB.
fn in_little_memory(args: &[&str]) -> std::process::Output {
    let script = "ulimit -v 2097152 && exec \"$0\" \"$@\"";
    let mut command = std::process::Command::new("sh");
    command.args(["-c", script, env!("CARGO_BIN_EXE_weir")]).args(args).env("HOME", "/nonexistent");
    command.output().unwrap()
}

#[test]
fn bombs_end_in_little_memory() {
    use std::io::Write as _;

    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    // 4 GiB of zeros in 4 MiB: one member of gzip, said again and again, after the header of a file of that size.
    let gzip = |bytes: &[u8]| {
        let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        out.write_all(bytes).unwrap();
        out.finish().unwrap()
    };
    let member = gzip(&vec![0; 8 << 20]);
    for (name, size) in [("one.tgz", 4_u64 << 30), ("many.tgz", 88 << 20)] {
        let mut file = fs::File::create(path(name)).unwrap();
        for round in 0..if size > 1 << 30 { 1 } else { 40 } {
            let mut header = tar::Header::new_gnu();
            header.set_path(format!("a/{round}")).unwrap();
            header.set_size(size);
            header.set_cksum();
            file.write_all(&gzip(header.as_bytes())).unwrap();
            for _ in 0..size.div_ceil(8 << 20) {
                file.write_all(&member).unwrap();
            }
        }
    }
    fs::create_dir_all(path("c/templates")).unwrap();
    fs::write(path("c/Chart.yaml"), "apiVersion: v2\nname: c\nversion: 1.0.0\n").unwrap();
    for (chart, expected) in [("one.tgz", "larger than the maximum size"), ("many.tgz", "larger than the maximum size")]
    {
        let outcome = in_little_memory(&["template", "x", &path(chart)]);
        let said = String::from_utf8_lossy(&outcome.stderr).into_owned();
        assert!(outcome.status.code() == Some(1) && said.contains(expected), "{chart}: {outcome:?}");
    }
    for (template, expected) in [
        ("{{ $x := \"xxxxxxxxxxxxxxxx\" }}{{ range until 60 }}{{ $x = print $x $x }}{{ end }}", "writes too much"),
        ("{{ $l := list 1 }}{{ range until 60 }}{{ $l = concat $l $l }}{{ end }}", "too"),
        ("{{ range until 2000000000 }}{{ end }}", "too"),
        ("{{ repeat 2000000000 \"x\" }}", "writes too much"),
        ("{{ define \"a\" }}{{ include \"a\" . }}{{ include \"a\" . }}{{ end }}{{ include \"a\" . }}", ""),
        ("{{ $s := \"{{ tpl .t . }}\" }}{{ tpl $s (dict \"t\" $s) }}", ""),
    ] {
        fs::write(path("c/templates/a.yaml"), template).unwrap();
        let outcome = in_little_memory(&["template", "x", &path("c")]);
        let said = String::from_utf8_lossy(&outcome.stderr).into_owned();
        assert!(outcome.status.code() == Some(1) && said.contains(expected), "{template}: {outcome:?}");
    }
    fs::write(path("c/templates/a.yaml"), "a: 1\n").unwrap();
    let text: Vec<String> = (0..3_000).map(|n| format!("a[{n}][65000]=x")).collect();
    let outcome = in_little_memory(&["template", "x", &path("c"), "--set", &text.join(",")]);
    assert_eq!(outcome.status.code(), Some(2), "{outcome:?}");
    let again: Vec<String> = (0..9_000).map(|_| "a[65000]=x".to_owned()).collect();
    let outcome = in_little_memory(&["template", "x", &path("c"), "--set", &again.join(",")]);
    assert_eq!(outcome.status.code(), Some(0), "{outcome:?}");
}
