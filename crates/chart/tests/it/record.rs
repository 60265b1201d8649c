//! `tests/record`: a Secret's data as the real helm v4.3.1 stored it for the chart beside it (by a Go program that calls
//! Helm's storage driver; the program is described in `tests/record/README.md`).

use std::path::{Path, PathBuf};

use serde_json::Value;
use weir_chart::{
    Capabilities, KubeVersion, ReleaseFacts, TemplateOptions, record,
    record::{Info, RecordedHook, Release, Status},
    template, values,
};

use crate::files::load_dir;

fn folder() -> PathBuf {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/record")).to_owned()
}

fn recorded() -> Release {
    record::decode(&std::fs::read(folder().join("helm4.data")).unwrap()).unwrap()
}

/// What we record for the same chart and values.
fn ours() -> Release {
    let chart = load_dir(&folder().join("app")).unwrap();
    let config = serde_json::from_str(r#"{"l": [1.0, "x"], "n": 5, "f": 1.5, "s": "<&>"}"#).unwrap();
    let release = ReleaseFacts { name: "rel".into(), namespace: "ns".into(), revision: 1, is_upgrade: false };
    let capabilities = Capabilities { kube_version: KubeVersion::parse("1.37.0").unwrap(), ..Capabilities::default() };
    let rendered = template(&chart, &config, &release, &capabilities, &TemplateOptions::default()).unwrap();
    let mut hooks: Vec<RecordedHook> = rendered.hooks.iter().cloned().map(RecordedHook::from).collect();
    if let Some(first) = hooks.first_mut() {
        first.last_run.started_at = Some("2026-01-02T01:04:05.123456789Z".parse().unwrap());
        first.last_run.completed_at = Some("2026-01-02T01:04:06.123456789Z".parse().unwrap());
        first.last_run.phase = "Succeeded".into();
    }
    Release {
        name: "rel".into(),
        info: Info {
            first_deployed: Some("2026-01-02T01:04:05.123456789Z".parse().unwrap()),
            last_deployed: Some("2026-01-02T03:04:06Z".parse().unwrap()),
            status: Some(Status::Deployed),
            description: "Install complete".into(),
            notes: rendered.notes.clone(),
            ..Info::default()
        },
        chart: record::chart_json(&rendered.chart),
        manifest: rendered.manifest(false),
        config,
        hooks,
        version: 1,
        namespace: "ns".into(),
        apply_method: "ssa".into(),
        labels: [("team".to_owned(), "a".to_owned())].into(),
    }
}

/// Without times of files, which we do not record, and with numbers as floats, which is all JSON knows.
fn comparable(value: Value) -> Value {
    match value {
        Value::Object(map) => map
            .into_iter()
            .filter(|(key, _)| key != "modtime" && key != "schemamodtime")
            .map(|(key, it)| (key, comparable(it)))
            .collect(),
        Value::Array(items) => items.into_iter().map(comparable).collect(),
        other => values::float(other),
    }
}

fn json(release: &Release) -> Value {
    comparable(serde_json::to_value(release).unwrap())
}

#[test]
fn we_record_what_helm_records() {
    let (helm, ours) = (json(&recorded()), json(&ours()));
    for field in helm.as_object().unwrap().keys() {
        assert_eq!(ours[field], helm[field], "{field}");
    }
    assert_eq!(ours.as_object().unwrap().len(), helm.as_object().unwrap().len());
}

#[test]
fn a_record_survives_being_read_and_written() {
    let it = recorded();
    let again = record::decode(record::encode(&it).as_bytes()).unwrap();
    assert_eq!(again, it);
    if let Ok(path) = std::env::var("WEIR_RECORD_OUT") {
        // For a look at it with the real helm.
        std::fs::write(path, record::encode(&ours())).unwrap();
    }
}

#[test]
fn the_secret_is_named_and_labelled_as_helms() {
    let secret: Value = serde_json::from_slice(&std::fs::read(folder().join("helm4.secret.json")).unwrap()).unwrap();
    let ours = ours();
    assert_eq!(secret["name"], record::secret_name(&ours.name, ours.version));
    assert_eq!(secret["type"], record::SECRET_TYPE);
    assert_eq!(secret["labels"], serde_json::to_value(record::secret_labels(&ours)).unwrap());
    let labels = serde_json::from_value(secret["labels"].clone()).unwrap();
    assert_eq!(record::user_labels(&labels), ours.labels);
}
