//! Loading, rendering and printing in process. Throughput that falls with the size is a cost that grows faster than what is
//! rendered.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]

use std::{fmt::Write as _, hint::black_box};

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use weir_chart::{
    Capabilities, Chart, Limits, ReleaseFacts, Rendered, SourceFile, TemplateOptions, TemplateOutput, load, template,
    values::{self, Table},
};

const HELPERS: &str = r#"{{- define "app.name" -}}
{{- .Values.nameOverride | default .Chart.Name | trunc 63 | trimSuffix "-" -}}
{{- end }}
{{- define "app.labels" -}}
app.kubernetes.io/name: {{ include "app.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end }}
"#;

const DEPLOYMENTS: &str = r#"{{- range $i := until (int .Values.count) }}
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ include "app.name" $ }}-{{ $i }}
  labels: {{- include "app.labels" $ | nindent 4 }}
spec:
  replicas: {{ $.Values.replicas }}
  selector:
    matchLabels: {{- include "app.labels" $ | nindent 6 }}
  template:
    metadata:
      labels: {{- include "app.labels" $ | nindent 8 }}
    spec:
      {{- with $.Values.podSecurityContext }}
      securityContext: {{- toYaml . | nindent 8 }}
      {{- end }}
      containers:
        - name: app
          image: "{{ $.Values.image.repository }}:{{ $.Values.image.tag | default $.Chart.AppVersion }}"
          env:
            {{- range $k, $v := $.Values.env }}
            - name: {{ $k }}
              value: {{ tpl $v $ | quote }}
            {{- end }}
          resources: {{- toYaml $.Values.resources | nindent 12 }}
{{- end }}
"#;

const VALUES: &str = r#"count: 1
replicas: 2
nameOverride: ""
image: {repository: registry.example.org/app, tag: ""}
podSecurityContext: {runAsNonRoot: true, runAsUser: 1000}
env: {LOG_LEVEL: info, RELEASE: "{{ .Release.Name }}"}
resources: {limits: {memory: 128Mi}, requests: {cpu: 10m, memory: 64Mi}}
"#;

fn files(more: &[(&str, &str)]) -> Vec<SourceFile> {
    let own = [
        ("Chart.yaml", "apiVersion: v2\nname: app\nversion: 1.0.0\nappVersion: 1.2.3\n"),
        ("values.yaml", VALUES),
        ("templates/_helpers.tpl", HELPERS),
        ("templates/deployments.yaml", DEPLOYMENTS),
    ];
    own.iter()
        .chain(more)
        .map(|(name, text)| SourceFile { name: (*name).into(), data: text.as_bytes().into() })
        .collect()
}

fn chart(more: &[(&str, &str)]) -> Chart {
    load::from_files(files(more), &Limits::default()).unwrap()
}

fn rendered(chart: &Chart, values: &Table) -> Rendered {
    let release = ReleaseFacts { name: "rel".into(), namespace: "ns".into(), revision: 1, is_upgrade: false };
    template(chart, values, &release, &Capabilities::default(), &TemplateOptions::default()).unwrap()
}

fn count(count: usize) -> Table {
    values::read(&format!("count: {count}\n")).unwrap()
}

/// The time of each Deployment stays the same, however many there are.
fn deployments(criterion: &mut Criterion) {
    let chart = chart(&[]);
    let mut group = criterion.benchmark_group("deployments");
    for number in [1, 10, 100, 1_000] {
        let values = count(number);
        group.throughput(Throughput::Elements(number as u64));
        group.bench_with_input(BenchmarkId::from_parameter(number), &values, |bencher, values| {
            bencher.iter(|| rendered(black_box(&chart), values).print(&TemplateOutput::default()).unwrap());
        });
    }
    group.finish();
}

/// Twenty texts of 50 KB that hold few actions, as dashboards do.
fn dashboards(criterion: &mut Criterion) {
    let mut text =
        String::from("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{ .Release.Name }}\ndata:\n  a.json: |-\n");
    for panel in 0..600 {
        writeln!(
            text,
            "    {{\"id\": {panel}, \"expr\": \"sum(rate(requests_total[5m])) by (pod)\", \"title\": \"Panel\"}},"
        )
        .unwrap();
    }
    let names: Vec<String> = (0..20).map(|it| format!("templates/dashboard-{it}.yaml")).collect();
    let more: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), text.as_str())).collect();
    let (chart, values) = (chart(&more), Table::new());
    let mut group = criterion.benchmark_group("dashboards");
    group.throughput(Throughput::Bytes(20 * text.len() as u64));
    group.bench_function("20", |bencher| bencher.iter(|| rendered(black_box(&chart), &values)));
    group.finish();
}

/// What a chart costs before anything is rendered.
fn loading(criterion: &mut Criterion) {
    let mut large = String::new();
    for number in 0..5_000 {
        writeln!(large, "key{number}: {{a: 1, b: \"text\", c: [x, y], d: {{e: null, f: true}}}}").unwrap();
    }
    let mut group = criterion.benchmark_group("loading");
    group.throughput(Throughput::Bytes(large.len() as u64));
    group.bench_function("values", |bencher| bencher.iter(|| values::read(black_box(&large)).unwrap()));
    group.bench_function("a chart with these values", |bencher| {
        bencher.iter_batched(
            || {
                files(&[
                    ("charts/sub/Chart.yaml", "apiVersion: v2\nname: sub\nversion: 1.0.0\n"),
                    ("charts/sub/values.yaml", &large),
                ])
            },
            |files| load::from_files(files, &Limits::default()).unwrap(),
            criterion::BatchSize::LargeInput,
        );
    });
    group.finish();
}

criterion_group!(all, deployments, dashboards, loading);
criterion_main!(all);
