//! How fast texts are parsed and templates executed. The template is written as charts are: includes, ranges, conditions,
//! long field chains, small functions.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing)]

use std::rc::Rc;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use serde_json::json;
use weir_gotemplate::{FuncError, Functions, Numbers, Options, Set, Signature, Type, Value};

const HELPERS: &str = r#"
{{- define "chart.name" -}}
{{- .Values.nameOverride | default .Chart.Name | trunc 63 -}}
{{- end -}}
{{- define "chart.labels" -}}
app.kubernetes.io/name: {{ include "chart.name" . }}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
{{- if .Values.commonLabels }}
{{- range $key, $value := .Values.commonLabels }}
{{ $key }}: {{ $value | quote }}
{{- end }}
{{- end }}
{{- end -}}
"#;

const DEPLOYMENT: &str = r#"{{- if .Values.enabled }}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ include "chart.name" . }}
  namespace: {{ .Release.Namespace }}
  labels: {{- include "chart.labels" . | nindent 4 }}
spec:
  replicas: {{ .Values.replicas }}
  template:
    spec:
      {{- with .Values.securityContext }}
      securityContext:
        {{- range $k, $v := . }}
        {{ $k }}: {{ $v }}
        {{- end }}
      {{- end }}
      containers:
        {{- range $index, $container := .Values.containers }}
        - name: {{ $container.name | quote }}
          image: "{{ $container.image.repository }}:{{ $container.image.tag | default $.Chart.AppVersion }}"
          {{- if and $container.ports (not $container.hostNetwork) }}
          ports:
            {{- range $container.ports }}
            - containerPort: {{ .port }}
              name: {{ .name | quote }}
              {{- if eq .protocol "UDP" }}
              protocol: UDP
              {{- else if or (eq .protocol "TCP") (eq .protocol "") }}
              protocol: TCP
              {{- end }}
            {{- end }}
          {{- end }}
          env:
            {{- range $name, $value := $container.env }}
            - name: {{ $name }}
              value: {{ printf "%s-%v" $.Release.Name $value | quote }}
            {{- end }}
        {{- end }}
{{- end }}
"#;

fn text(args: &[Value], place: usize) -> String {
    args.get(place).map(ToString::to_string).unwrap_or_default()
}

fn out(text: impl Into<weir_gotemplate::Str>) -> Result<Value, FuncError> {
    Ok(Value::string(text))
}

fn functions() -> Functions {
    let mut functions = Functions::new();
    functions.add("include", Signature::fixed(&[Type::String, Type::Interface]), |ctx, args| {
        ctx.execute(&text(args, 0), &args[1]).map(Value::String)
    });
    functions.add("default", Signature::fixed(&[Type::Interface, Type::Interface]), |_, args| {
        Ok(if args[1].truth() { args[1].clone() } else { args[0].clone() })
    });
    functions.add("trunc", Signature::fixed(&[Type::Int, Type::String]), |_, args| {
        let most = args[0].as_int().unwrap_or(0) as usize;
        let whole = args[1].as_str().cloned().unwrap_or_default();
        out(&whole[..most.min(whole.len())])
    });
    functions.add("quote", Signature::variadic(&[Type::Interface]), |_, args| {
        out(weir_gotemplate::format::sprintf(b"%q", &[Value::string(text(args, 0))]))
    });
    functions.add("nindent", Signature::fixed(&[Type::Int, Type::String]), |_, args| {
        let pad = " ".repeat(args[0].as_int().unwrap_or(0) as usize);
        out(format!("\n{pad}{}", text(args, 1).replace('\n', &format!("\n{pad}"))))
    });
    functions
}

fn data() -> Value {
    let container = |name: &str| {
        json!({
            "name": name, "image": {"repository": "registry.example.org/team/app", "tag": ""},
            "ports": [{"port": 8080, "name": "http", "protocol": "TCP"}, {"port": 53, "name": "dns", "protocol": "UDP"}],
            "env": (0..20).map(|it| (format!("VARIABLE_{it}"), json!(it))).collect::<serde_json::Map<_, _>>(),
        })
    };
    let json = json!({
        "Chart": {"Name": "application", "AppVersion": "1.2.3"},
        "Release": {"Name": "production", "Namespace": "team-a"},
        "Values": {
            "enabled": true, "nameOverride": "", "replicas": 3,
            "commonLabels": {"team": "a", "tier": "web", "stage": "production"},
            "securityContext": {"runAsUser": 1000, "runAsNonRoot": true},
            "containers": [container("main"), container("proxy"), container("exporter")],
        },
    });
    Value::from_json(&json, Numbers::Typed)
}

fn parsed() -> Set {
    let mut set = Set::new(Rc::new(functions()));
    set.parse("_helpers.tpl", HELPERS).expect("the helpers parse");
    set.parse("deployment.yaml", DEPLOYMENT).expect("the template parses");
    set
}

fn benches(criterion: &mut Criterion) {
    let (set, data, options) = (parsed(), data(), Options::default());
    let length = set.execute("deployment.yaml", &data, &options).expect("it renders").len();

    let mut group = criterion.benchmark_group("gotemplate");
    group.throughput(Throughput::Bytes((HELPERS.len() + DEPLOYMENT.len()) as u64));
    group.bench_function("parse", |bencher| bencher.iter(parsed));
    group.throughput(Throughput::Bytes(length as u64));
    group.bench_function("execute", |bencher| {
        bencher.iter(|| set.execute("deployment.yaml", &data, &options).expect("it renders"));
    });
    let mut large = Set::new(Rc::default());
    let plain = "key: a line of text that stands in a template as it is\n".repeat(100_000);
    large.parse("large", plain.as_str()).expect("it parses");
    group.throughput(Throughput::Bytes(plain.len() as u64));
    group.bench_function("copy", |bencher| {
        bencher.iter(|| large.execute("large", &data, &options).expect("it renders"));
    });
    group.finish();
}

criterion_group!(all, benches);
criterion_main!(all);
