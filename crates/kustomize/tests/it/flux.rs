//! The kustomization file kustomize-controller builds from.

use weir_kustomize::flux::{Generated, ImageOverride, Overrides, PatchOverride, PatchTarget, generate};
use weir_kustomize::{LoadRestrictions, MemTree, Options, Overlay, Reorder, build};

const MAP: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n";

fn built(tree: &MemTree, generated: &Generated, path: &str) -> Vec<String> {
    let overlay = Overlay::new(tree, generated.path.clone(), generated.content.clone());
    let options = Options { load_restrictions: LoadRestrictions::None, reorder: Reorder::None, ..Options::default() };
    let resources = build(&overlay, path, &options).unwrap_or_else(|error| panic!("{}", error.chain()));
    resources.iter().map(|r| format!("{}/{}/{}", r.kind(), r.namespace(), r.name())).collect()
}

#[test]
fn manifests_are_found_and_folders_with_a_kustomization_are_bases() {
    let tree = MemTree::new()
        .with("apps/a.yaml", MAP)
        .with("apps/sub/b.yml", MAP.replace("name: a", "name: b"))
        .with("apps/sub/notes.txt", "no manifest")
        .with("apps/base/kustomization.yml", "resources: [c.yaml]\nnamePrefix: p-")
        .with("apps/base/c.yaml", MAP.replace("name: a", "name: c"))
        .with("other/d.yaml", MAP);
    let generated = generate(&tree, "./apps", &Overrides::default()).unwrap();
    assert!(generated.is_new);
    assert_eq!(generated.path, "apps/kustomization.yaml");
    let expected =
        "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources:\n- a.yaml\n- base\n- sub/b.yml\n";
    assert_eq!(generated.content, expected);
    assert_eq!(built(&tree, &generated, "apps"), ["ConfigMap//a", "ConfigMap//p-c", "ConfigMap//b"]);
}

#[test]
fn an_empty_folder_builds_to_nothing() {
    let tree = MemTree::new().with("apps/readme.md", "x");
    let generated = generate(&tree, "apps", &Overrides::default()).unwrap();
    assert!(generated.content.contains("namespace: _placeholder"));
    assert!(built(&tree, &generated, "apps").is_empty());
}

#[test]
fn what_is_no_manifest_is_refused_by_name() {
    for bad in ["a: [", "just text", "apiVersion: v1\nkind: ConfigMap\nmetadata: {}\n"] {
        let tree = MemTree::new().with("apps/x/bad.yaml", bad);
        let error = generate(&tree, "apps", &Overrides::default()).unwrap_err().chain();
        assert!(error.contains("apps/x/bad.yaml"), "{error}");
    }
    assert!(generate(&MemTree::new(), "missing", &Overrides::default()).is_err());
    assert!(generate(&MemTree::new(), "../x", &Overrides::default()).is_err());
}

#[test]
fn the_spec_is_laid_over_an_existing_file() {
    let tree = MemTree::new()
        .with(
            "kustomization.yaml",
            "resources: [a.yaml]\nnamespace: own\nimages: [{name: app, newName: registry/app, newTag: '1'}]\n\
             patches: [{patch: '[]', target: {kind: None}}]\nbuildMetadata: [originAnnotations]\n",
        )
        .with("a.yaml", MAP)
        .with(
            "extra/kustomization.yaml",
            "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\nnameSuffix: -x",
        );
    let overrides = Overrides {
        target_namespace: "team".to_owned(),
        name_prefix: "pre-".to_owned(),
        patches: vec![PatchOverride {
            patch: "- {op: add, path: /data, value: {k: v}}".to_owned(),
            target: Some(PatchTarget { kind: "ConfigMap".to_owned(), ..PatchTarget::default() }),
        }],
        components: vec!["extra".to_owned(), "gone".to_owned()],
        ignore_missing_components: true,
        images: vec![
            ImageOverride { name: "app".to_owned(), new_tag: "2".to_owned(), ..ImageOverride::default() },
            ImageOverride { name: "db".to_owned(), digest: "sha256:x".to_owned(), ..ImageOverride::default() },
        ],
        build_metadata: vec!["originAnnotations".to_owned(), "transformerAnnotations".to_owned()],
        ..Overrides::default()
    };
    let generated = generate(&tree, "", &overrides).unwrap();
    assert!(!generated.is_new);
    let value = weir_yaml::parse_value(&generated.content).unwrap();
    assert_eq!(value["namespace"], "team");
    assert_eq!(value["images"][0], serde_json::json!({"name": "app", "newName": "registry/app", "newTag": "2"}));
    assert_eq!(value["images"][1], serde_json::json!({"name": "db", "digest": "sha256:x"}));
    assert_eq!(value["buildMetadata"], serde_json::json!(["originAnnotations", "transformerAnnotations"]));
    assert_eq!(value["components"], serde_json::json!(["extra"]));
    assert_eq!(value["patches"].as_array().unwrap().len(), 2);
    assert_eq!(built(&tree, &generated, ""), ["ConfigMap/team/pre-a-x"]);
}

#[test]
fn components_must_be_local_and_there() {
    let tree = MemTree::new().with("kustomization.yaml", "resources: []");
    for component in ["https://example.org/c", "/abs", "../up", "missing"] {
        let overrides = Overrides { components: vec![component.to_owned()], ..Overrides::default() };
        let error = generate(&tree, "", &overrides).unwrap_err().chain();
        assert!(error.contains(component), "{error}");
    }
}
