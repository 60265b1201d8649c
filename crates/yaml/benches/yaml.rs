//! Reading, printing and editing at growing sizes: time per byte stays the same.
//!
//! `manifests` is what the crate is for; the groups under `hostile` are texts made to hurt a careless reader. Throughput that
//! falls with the size is a cost that grows faster than the input.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use weir_yaml::{Edit, EmitOptions, Limits, Step, emit_all, parse, parse_values, sigs, to_value};

const MANIFEST: &str = r##"apiVersion: apps/v1
kind: Deployment
metadata:
  name: app
  labels:
    app.kubernetes.io/name: app # comment
spec:
  replicas: 3
  template:
    spec:
      containers:
      - name: app
        image: "registry/app:1.2.3" # {"$imagepolicy": "flux-system:app"}
        args: ["--a", '--b', --c]
        command:
        - sh
        - -c
        - |
          echo hello
          sleep 1
        env:
        # head
        - name: A
          value: 'x y'
"##;

fn limits() -> Limits {
    Limits { duplicate_keys: true, ..Limits::default() }
}

fn manifests(c: &mut Criterion) {
    let mut group = c.benchmark_group("manifests");
    for count in [500, 1_000, 2_000, 4_000] {
        let text = vec![MANIFEST; count].join("---\n");
        let documents = parse(&text, &limits()).unwrap();
        let values = parse_values(&text).unwrap();
        group.throughput(Throughput::Bytes(text.len() as u64));
        group.bench_with_input(BenchmarkId::new("parse", count), &text, |b, text| b.iter(|| parse(text, &limits())));
        group.bench_with_input(BenchmarkId::new("emit", count), &documents, |b, documents| {
            b.iter(|| emit_all(documents, EmitOptions::default()));
        });
        group.bench_with_input(BenchmarkId::new("value", count), &documents, |b, documents| {
            b.iter(|| documents.iter().for_each(|node| drop(black_box(to_value(node)))));
        });
        group.bench_with_input(BenchmarkId::new("sigs_print", count), &values, |b, values| {
            b.iter(|| values.iter().for_each(|value| drop(black_box(sigs::to_string(value)))));
        });
        group.bench_with_input(BenchmarkId::new("edit_one", count), &text, |b, text| {
            let path = ["metadata", "name"].map(Step::from);
            b.iter(|| {
                let mut edit = Edit::new(text, &limits()).unwrap();
                edit.set(count / 2, &path, "other").unwrap();
                edit.finish()
            });
        });
    }
    group.finish();
}

/// A name, and a text of a size.
type Case = (&'static str, fn(usize) -> String);

fn hostile(c: &mut Criterion) {
    let cases: [Case; 14] = [
        ("comments", |n| format!("a: 1\n{}b: 2\n", "# comment\n".repeat(n))),
        ("comments_in_blocks", |n| format!("a: 1\n{}b: 2\n", "# comment\n\n".repeat(n))),
        ("comments_to_and_fro", |n| format!("a:\n  b: 1\n{}c: 2\n", "  # x\n# y\n".repeat(n))),
        ("blank_lines", |n| format!("a: 1\n{}b: 2\n", "\n".repeat(n))),
        ("blanks", |n| format!("a: 1{}\nb: 2\n", " ".repeat(n))),
        ("up_and_down", |n| {
            format!("{}z: 1\n", (0..100).map(|i| " ".repeat(i) + "a:\n").collect::<String>()).repeat(n / 100)
        }),
        ("anchors", |n| (0..n).map(|i| format!("- &a{i} x\n")).collect()),
        ("aliases", |n| format!("- &a x\n{}", "- *a\n".repeat(n))),
        ("keys", |n| (0..n).map(|i| format!("k{i}: 1\n")).collect()),
        ("merges", |n| {
            let keys = |from: usize| (from..from + n).map(|i| format!("  k{i}: 1\n")).collect::<String>();
            format!("a: &a\n{}b:\n  <<: *a\n{}", keys(0), keys(n / 2))
        }),
        ("plain", |n| format!("a: {}\n", "word ".repeat(n))),
        ("plain_lines", |n| format!("a:\n{}", "  word\n".repeat(n))),
        ("quoted", |n| format!("a: \"{}\"\n", "w\\n ".repeat(n))),
        ("documents", |n| "a: 1\n---\n".repeat(n)),
    ];
    for (name, text) in cases {
        let mut group = c.benchmark_group(format!("hostile/{name}"));
        group
            .sample_size(10)
            .warm_up_time(std::time::Duration::from_millis(200))
            .measurement_time(std::time::Duration::from_millis(800));
        for size in [10_000, 20_000, 40_000] {
            let text = text(size);
            group.throughput(Throughput::Bytes(text.len() as u64));
            group.bench_with_input(BenchmarkId::from_parameter(size), &text, |b, text| {
                b.iter(|| {
                    let documents = parse(text, &limits()).expect(name);
                    let values: usize = documents.iter().map(|node| usize::from(to_value(node).is_ok())).sum();
                    (emit_all(&documents, EmitOptions::default()).len(), values)
                });
            });
        }
        group.finish();
    }
}

criterion_group!(benches, manifests, hostile);
criterion_main!(benches);
