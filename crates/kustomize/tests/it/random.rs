//! Random kustomizations: whatever they say, the engine answers, within its bounds.

use proptest::prelude::*;
use weir_kustomize::{Budget, LoadRestrictions, MemTree, Options, RemoteBase, build, print};

const OBJECTS: &str = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a, labels: {x: y}}\nspec:\n  template:\n    spec:\n      \
     containers: [{name: c, image: i, env: [{name: E, value: $(V)}], ports: [{containerPort: 80}]}]\n---\napiVersion: v1\nkind: \
     ConfigMap\nmetadata: {name: b}\ndata: {k: v, doc: '{\"a\": [1, 2]}'}\n";

/// Names of fields, and what no field is called.
fn key() -> impl Strategy<Value = &'static str> {
    prop::sample::select(
        "resources bases components namePrefix nameSuffix namespace commonLabels labels pairs includeSelectors fields path create \
         commonAnnotations images name newName newTag digest replicas count patches patch target kind group version labelSelector \
         options patchesStrategicMerge patchesJson6902 replacements source targets select reject fieldPath fieldPaths delimiter \
         index sourceValue vars objref fieldref apiVersion configMapGenerator secretGenerator literals files envs behavior type \
         generatorOptions disableNameSuffixHash transformers generators validators configurations crds openapi buildMetadata \
         sortOptions order legacySortOptions helmCharts metadata annotations other"
            .split_whitespace()
            .collect::<Vec<_>>(),
    )
}

fn text() -> impl Strategy<Value = String> {
    let known = prop::sample::select(vec![
        "o.yaml",
        ".",
        "..",
        "sub",
        "../x",
        "/etc/passwd",
        "",
        "a",
        "b",
        ".*",
        "a-",
        "ConfigMap",
        "Deployment",
        "apps",
        "v1",
        "metadata.name",
        "spec.template.spec.containers.*.name",
        "data.doc.a.0",
        "spec.template.spec.containers.[name=c].image",
        "metadata/labels",
        "spec/template/spec/containers[]/image",
        "k=v",
        "x=o.yaml",
        "merge",
        "replace",
        "legacy",
        "fifo",
        ":",
        "$(V)",
        "originAnnotations",
        "transformerAnnotations",
        "[{\"op\": \"add\", \"path\": \"/metadata/annotations/a\", \"value\": 1}]",
        "[{\"op\": \"remove\", \"path\": \"/spec/template/spec/containers/0\"}]",
        "{apiVersion: apps/v1, kind: Deployment, metadata: {name: a}, spec: {template: {spec: {containers: [{name: c, ports: [{hostPort: 1}]}]}}}}",
        "{apiVersion: apps/v1, kind: Deployment, metadata: {name: a, annotations: {$patch: delete}}, spec: null}",
        "apiVersion: builtin\nkind: PrefixTransformer\nmetadata: {name: p}\nprefix: q-\nfieldSpecs: [{path: metadata/name}]",
        "apiVersion: builtin\nkind: LabelTransformer\nmetadata: {name: l}\nlabels: {a: b}\nfieldSpecs: [{path: spec/template, create: true}]",
        "a in (b",
        "*",
        "é\u{85}\t",
        "https://host.example/a/b",
        "github.com/a/b?ref=c",
    ]);
    prop_oneof![4 => known.prop_map(str::to_owned), 1 => "[ -~]{0,12}", 1 => any::<String>().prop_map(|s| s.chars().take(8).collect())]
}

fn value() -> impl Strategy<Value = serde_json::Value> {
    use serde_json::Value;
    let leaf = prop_oneof![
        6 => text().prop_map(Value::String),
        1 => Just(Value::Null),
        1 => any::<bool>().prop_map(Value::Bool),
        1 => (-3i64..100).prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 48, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
            prop::collection::btree_map(key().prop_map(str::to_owned), inner, 0..6)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

fn options() -> Options<'static> {
    let budget = Budget { files: 200, bytes: 1 << 20, depth: 8, bases: 50, resources: 500, memory: 64 << 20 };
    Options { load_restrictions: LoadRestrictions::None, budget, ..Options::default() }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    /// Fields of any shape are refused or built; what is built can be printed or says why not, twice the same.
    #[test]
    fn any_kustomization_is_answered(fields in prop::collection::btree_map(key().prop_map(str::to_owned), value(), 0..5)) {
        let mut fields: serde_json::Map<String, serde_json::Value> = fields.into_iter().collect();
        fields.entry("resources").or_insert_with(|| serde_json::json!(["o.yaml"]));
        let text = serde_json::Value::Object(fields).to_string();
        let tree = MemTree::new()
            .with("k/kustomization.yaml", text)
            .with("k/o.yaml", OBJECTS)
            .with("k/sub/kustomization.yaml", "resources: [../o.yaml]\nnamePrefix: s-\n");
        let once = build(&tree, "k", &options()).and_then(|objects| print(&objects)).map_err(|error| error.chain());
        let again = build(&tree, "k", &options()).and_then(|objects| print(&objects)).map_err(|error| error.chain());
        prop_assert_eq!(&once, &again);
        if let Err(error) = once {
            prop_assert!(!error.is_empty());
        }
    }

    /// Objects of any shape go through every transformer.
    #[test]
    fn any_object_is_answered(object in value(), more in value()) {
        let objects = format!("{OBJECTS}---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: c}}\nspec: {object}\nsubjects: {more}\n---\n{more}\n");
        let text = "resources: [o.yaml]\nnamespace: n\nnamePrefix: p-\ncommonLabels: {a: b}\ncommonAnnotations: {c: d}\nimages: [{name: i, newTag: t}]\n\
            patches: [{target: {kind: ConfigMap}, patch: '{apiVersion: v1, kind: ConfigMap, metadata: {name: x}, spec: {containers: [{name: z}]}}'}]\n\
            replacements: [{source: {kind: Deployment}, targets: [{select: {kind: ConfigMap}, fieldPaths: [spec.containers.0.name], options: {create: true}}]}]\n\
            vars: [{name: V, objref: {apiVersion: v1, kind: ConfigMap, name: b}}]\nbuildMetadata: [originAnnotations, transformerAnnotations]\n";
        let tree = MemTree::new().with("kustomization.yaml", text).with("o.yaml", objects);
        let _ = build(&tree, "", &options()).and_then(|objects| print(&objects));
    }

    /// Addresses of any shape are read or not, and a folder never leaves its repository.
    #[test]
    fn any_address_is_read(address in "(git::|https?://|ssh://|git@)?[a-z.:/@%?=&_-]{0,40}") {
        if let Some(base) = RemoteBase::parse(&address) {
            prop_assert!(!base.path.split('/').any(|part| part == ".."));
            prop_assert!(!base.repository.is_empty() && !base.timeout.is_zero());
        }
    }
}
