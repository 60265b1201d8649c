//! Paths that lead where they must not, and kustomizations without end.

use weir_kustomize::{Budget, Error, LoadRestrictions, MemTree, Options, build};

const SECRET: &str = "apiVersion: v1\nkind: Secret\nmetadata: {name: hidden}\nstringData: {key: canary}\n";

fn refused(tree: &MemTree, path: &str, options: &Options<'_>) -> String {
    let error = build(tree, path, options).expect_err("it must be refused").chain();
    assert!(!error.contains("canary"), "the error shows a file's content: {error}");
    error
}

fn none() -> Options<'static> {
    Options { load_restrictions: LoadRestrictions::None, ..Options::default() }
}

#[test]
fn nothing_outside_of_the_tree_is_read() {
    for field in [
        "resources: [../../etc/x.yaml]",
        "resources: [/etc/x.yaml]",
        "resources: [../..]",
        "components: [../../c]",
        "components: [/c]",
        "patches: [{path: ../../../p.yaml}]",
        "patchesStrategicMerge: [../../../p.yaml]",
        "patchesJson6902: [{target: {kind: A, name: b}, path: /p.yaml}]",
        "configMapGenerator: [{name: a, files: [x=/etc/passwd]}]",
        "configMapGenerator: [{name: a, envs: [../../../e]}]",
        "secretGenerator: [{name: a, files: [../../../e]}]",
        "configurations: [../../../c.yaml]",
        "crds: [/c.yaml]",
        "openapi: {path: /c.yaml}",
        "transformers: [../../../c.yaml]",
        "generators: [../../../c.yaml]",
        "replacements: [{path: ../../../c.yaml}]",
    ] {
        let tree = MemTree::new().with("a/kustomization.yaml", field).with("secret.yaml", SECRET);
        for options in [Options::default(), none()] {
            let error = refused(&tree, "a", &options);
            assert!(error.contains("a/kustomization.yaml") || error.contains("openapi"), "{field}: {error}");
        }
    }
}

#[test]
fn files_outside_of_the_folder_need_the_restriction_lifted() {
    let tree = MemTree::new().with("a/kustomization.yaml", "resources: [../secret.yaml]").with("secret.yaml", SECRET);
    let error = refused(&tree, "a", &Options::default());
    assert!(error.contains("../secret.yaml"), "{error}");
    assert_eq!(build(&tree, "a", &none()).unwrap().len(), 1);
}

#[test]
fn folders_outside_are_bases_like_any_other() {
    let tree = MemTree::new()
        .with("overlay/kustomization.yaml", "resources: [../base]\nnamePrefix: p-")
        .with("base/kustomization.yaml", "resources: [s.yaml]")
        .with("base/s.yaml", SECRET);
    assert_eq!(build(&tree, "overlay", &Options::default()).unwrap()[0].name(), "p-hidden");
}

#[test]
fn folders_that_contain_each_other_are_refused() {
    let own = MemTree::new().with("a/kustomization.yaml", "resources: [.]");
    assert!(refused(&own, "a", &none()).contains("cycle"));
    let parent = MemTree::new()
        .with("kustomization.yaml", "resources: [a]")
        .with("a/kustomization.yaml", "resources: [../]\nnamePrefix: x");
    assert!(refused(&parent, "", &none()).contains("cycle"));
    let two = MemTree::new()
        .with("a/kustomization.yaml", "resources: [../b]")
        .with("b/kustomization.yaml", "resources: [../a]");
    assert!(refused(&two, "a", &none()).contains("cycle"));
    let component = MemTree::new().with("a/kustomization.yaml", "components: [../b]").with(
        "b/kustomization.yaml",
        "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\ncomponents: [../b]",
    );
    assert!(refused(&component, "a", &none()).contains("cycle"));
}

#[test]
fn endless_bases_end_at_the_budget() {
    let mut deep = MemTree::new();
    for level in 0..100 {
        deep.insert(format!("d{level}/kustomization.yaml"), format!("resources: [../d{}]", level + 1));
    }
    let options = Options { budget: Budget { depth: 20, ..Budget::default() }, ..none() };
    assert!(refused(&deep, "d0", &options).contains("depth of kustomizations"));
    // Every folder is built twice by the one before it: 2^30 builds.
    let mut wide = MemTree::new();
    for level in 0..30 {
        let next = level + 1;
        wide.insert(format!("w{level}/kustomization.yaml"), format!("resources: [../x{level}, ../w{next}]"));
        wide.insert(format!("x{level}/kustomization.yaml"), format!("resources: [../w{next}]\nnamePrefix: x"));
    }
    wide.insert("w30/kustomization.yaml", "resources: []");
    let options = Options { budget: Budget { bases: 500, ..Budget::default() }, ..none() };
    let error = build(&wide, "w0", &options).unwrap_err();
    assert!(error.chain().contains("number of kustomizations"), "{}", error.chain());
}

#[test]
fn files_bytes_and_objects_are_counted() {
    let mut tree = MemTree::new().with("kustomization.yaml", "resources: [a.yaml, b.yaml]");
    tree.insert("a.yaml", SECRET);
    tree.insert("b.yaml", SECRET.replace("hidden", "other"));
    for budget in [
        Budget { files: 2, ..Budget::default() },
        Budget { bytes: 100, ..Budget::default() },
        Budget { resources: 1, ..Budget::default() },
    ] {
        let error = refused(&tree, "", &Options { budget, ..Options::default() });
        assert!(error.contains("exceeds the limit"), "{error}");
    }
    assert_eq!(build(&tree, "", &Options::default()).unwrap().len(), 2);
}

#[test]
fn what_is_remote_or_needs_a_plugin_is_refused_with_the_next_move() {
    for field in [
        "resources: [https://example.org/x.yaml]",
        "resources: ['https://example.org/repo//dir?ref=main']",
        "resources: [github.com/example/repo]",
        "resources: ['git@example.org:repo.git']",
        "patches: [{path: 'https://example.org/p.yaml', target: {kind: A}}]",
        "transformers: [\"apiVersion: example.org/v1\\nkind: Plugin\\nmetadata: {name: x}\"]",
    ] {
        let tree = MemTree::new().with("kustomization.yaml", field);
        let error = refused(&tree, "", &Options::default());
        assert!(error.contains("is not available"), "{field}: {error}");
    }
    let tree = MemTree::new().with("kustomization.yaml", "helmCharts: [{name: a, valuesInline: {password: canary}}]");
    assert!(refused(&tree, "", &Options::default()).contains("must specify --enable-helm"));
}

#[test]
fn errors_name_file_field_and_reason() {
    for (field, parts) in [
        ("resources: [missing.yaml]", ["k/kustomization.yaml", "resources: missing.yaml", "no such file"]),
        ("resources: [bad.yaml]", ["k/kustomization.yaml", "k/bad.yaml is not valid YAML", "line 2"]),
        ("resources: [nameless.yaml]", ["k/nameless.yaml", "metadata.name", "missing"]),
        ("nameprefiks: x", ["k/kustomization.yaml", "unknown field", "nameprefiks"]),
        ("namePrefix: 1", ["k/kustomization.yaml", "namePrefix", "must be a text"]),
        ("patches: [{patch: 'a: [', target: {kind: x}}]", ["k/kustomization.yaml", "patches[0]", "not valid YAML"]),
        ("images: {a: b}", ["k/kustomization.yaml", "images", "must be a list"]),
    ] {
        let tree = MemTree::new()
            .with("k/kustomization.yaml", field)
            .with("k/bad.yaml", "a: b\nc: d: e\n")
            .with("k/nameless.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {}\n");
        let error = refused(&tree, "k", &Options::default());
        for part in parts.iter().take(2) {
            assert!(error.contains(part), "{field}: {error} lacks {part}");
        }
    }
}

#[test]
fn a_folder_needs_exactly_one_kustomization_file() {
    let missing = build(&MemTree::new().with("a/x.yaml", ""), "a", &Options::default()).unwrap_err();
    assert!(matches!(missing, Error::NoKustomization { .. }));
    let two = MemTree::new().with("kustomization.yaml", "").with("Kustomization", "");
    assert!(matches!(build(&two, "", &Options::default()).unwrap_err(), Error::NoKustomization { .. }));
    let empty = MemTree::new().with("kustomization.yaml", "# nothing\n");
    assert!(refused(&empty, "", &Options::default()).contains("empty"));
}
