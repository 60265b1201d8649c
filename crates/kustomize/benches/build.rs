//! How long a build takes in process, by its size: `cargo bench -p weir-kustomize`.
#![allow(missing_docs, clippy::unwrap_used)]

use std::fmt::Write as _;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use weir_kustomize::{MemTree, Options, build, print};

/// Applications of four objects below an overlay that renames, labels and patches them.
fn scale(objects: usize) -> MemTree {
    let apps = objects / 4;
    let mut tree = MemTree::new();
    let mut list = String::from("resources:\n");
    for number in 0..apps {
        let name = format!("app-{number:05}");
        let text = format!(
            "apiVersion: v1\nkind: ServiceAccount\nmetadata: {{name: {name}}}\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}}}\n\
             data: {{LOG: info}}\n---\napiVersion: v1\nkind: Service\nmetadata: {{name: {name}}}\nspec: {{selector: {{app: {name}}}, ports: [{{port: 80}}]}}\n\
             ---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: {name}}}\nspec:\n  selector: {{matchLabels: {{app: {name}}}}}\n  template:\n    \
             metadata: {{labels: {{app: {name}}}}}\n    spec:\n      serviceAccountName: {name}\n      containers:\n      - name: app\n        image: \
             example.org/app:1.{number}\n        envFrom: [{{configMapRef: {{name: {name}}}}}, {{configMapRef: {{name: shared}}}}]\n"
        );
        writeln!(list, "- {name}.yaml").unwrap();
        tree.insert(format!("base/{name}.yaml"), text);
    }
    list.push_str("configMapGenerator: [{name: shared, literals: [REGION=eu]}]\n");
    tree.insert("base/kustomization.yaml", list);
    let overlay = "namespace: production\nnamePrefix: prod-\nlabels: [{pairs: {team: a}, includeSelectors: true}]\nimages: [{name: \
        example.org/app, newTag: '2'}]\nresources: [../base]\npatches:\n- target: {kind: Deployment}\n  patch: '{apiVersion: apps/v1, kind: \
        Deployment, metadata: {name: any}, spec: {template: {spec: {securityContext: {runAsNonRoot: true}}}}}'\n";
    tree.with("overlay/kustomization.yaml", overlay)
}

fn builds(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("build");
    group.sample_size(10);
    for objects in [4, 500, 1_000, 2_000, 4_000, 8_000] {
        let tree = scale(objects);
        group.throughput(Throughput::Elements(objects as u64));
        group.bench_with_input(BenchmarkId::from_parameter(objects), &tree, |bencher, tree| {
            bencher.iter(|| print(&build(tree, "overlay", &Options::default()).unwrap()).unwrap());
        });
    }
    group.finish();
}

criterion_group!(benches, builds);
criterion_main!(benches);
