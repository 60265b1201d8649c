//! A trace as a document, and the document as text.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::{
    gather::{Link, Trace},
    timeline,
};

use crate::{
    object::{self, text as field},
    table::{Cell, Table},
    terminal::{Style, Tone},
    text::{age, clean, short_hex, width},
};

/// Columns of the titles.
const LABEL: usize = 15;

/// `object`, `owners`, `chain` and `steps`.
pub fn document(trace: &Trace) -> Value {
    let mut objects = trace.objects.iter().map(|object| {
        let mut fields = Map::new();
        put(&mut fields, "object", &format!("{}/{}", field(object, "/kind"), object::name(object)));
        put(&mut fields, "namespace", object::namespace(object));
        Value::Object(fields)
    });
    let object = objects.next().unwrap_or_default();
    json!({
        "object": object,
        "owners": objects.collect::<Vec<_>>(),
        "chain": trace.links.iter().map(section).collect::<Vec<_>>(),
        "steps": timeline::of(&trace.links),
    })
}

fn put(fields: &mut Map<String, Value>, key: &str, value: &str) {
    if !value.is_empty() {
        fields.insert(key.to_owned(), json!(value));
    }
}

/// What is worth knowing of an applier or a source.
fn section(link: &Link) -> Value {
    let mut fields = Map::new();
    put(&mut fields, "kind", link.kind.kind);
    put(&mut fields, "name", &link.name);
    put(&mut fields, "namespace", &link.namespace);
    let Some(object) = &link.object else {
        put(&mut fields, "status", "not found");
        return Value::Object(fields);
    };
    for (key, pointer) in [
        ("url", "/spec/url"),
        ("endpoint", "/spec/endpoint"),
        ("bucket", "/spec/bucketName"),
        ("chart", "/spec/chart"),
        ("version", "/spec/version"),
        ("path", "/spec/path"),
        ("branch", "/spec/ref/branch"),
        ("tag", "/spec/ref/tag"),
        ("semver", "/spec/ref/semver"),
        ("ref", "/spec/ref/name"),
        ("commit", "/spec/ref/commit"),
        ("digest", "/spec/ref/digest"),
    ] {
        put(&mut fields, key, field(object, pointer));
    }
    let revision = match link.kind.kind {
        "Kustomization" => field(object, "/status/lastAppliedRevision"),
        "HelmRelease" => field(object, "/status/history/0/chartVersion"),
        _ => field(object, "/status/artifact/revision"),
    };
    put(&mut fields, "revision", revision);
    // What is being tried, or failed, where it is not what runs.
    let attempted = field(object, "/status/lastAttemptedRevision");
    if attempted != revision {
        put(&mut fields, "attempted", attempted);
    }
    put(&mut fields, "originRevision", field(object, "/status/lastAppliedOriginRevision"));
    if object::suspended(link.kind, object) {
        put(&mut fields, "suspended", "True");
    }
    put(&mut fields, "ready", object::ready(link.kind, object));
    put(&mut fields, "status", object::message(link.kind, object));
    if let Some(ready) = object::condition(object, "Ready") {
        put(&mut fields, "since", field(ready, "/lastTransitionTime"));
    }
    Value::Object(fields)
}

/// How it is doing, and since when.
fn status(fields: &Map<String, Value>, now: Timestamp) -> (String, Tone) {
    let of = |key: &str| fields.get(key).and_then(Value::as_str).unwrap_or_default();
    let since = of("since").parse().map(|then: Timestamp| format!(" ({} ago)", age(then, now))).unwrap_or_default();
    match of("ready") {
        "False" => (format!("not ready: {}{since}", of("status")), Tone::Bad),
        "Unknown" => (format!("in progress: {}{since}", of("status")), Tone::Warn),
        _ => (format!("{}{since}", of("status")), Tone::Plain),
    }
}

/// Fields, a line each.
fn lines(out: &mut String, fields: &Map<String, Value>, style: Style, now: Timestamp) {
    for (key, value) in order(fields) {
        let (value, tone) = match key {
            "status" => status(fields, now),
            "suspended" => (value.as_str().unwrap_or_default().to_owned(), Tone::Warn),
            _ => (value.as_str().unwrap_or_default().to_owned(), Tone::Plain),
        };
        let (title, value) = (title(key), clean(&value));
        let pad = LABEL.saturating_sub(width(&title) + 1);
        out.push_str(&format!(
            "{}:{}{}\n",
            style.paint(&title, Tone::Strong),
            " ".repeat(pad.max(1)),
            style.paint(&short_hex(&value), tone)
        ));
    }
}

/// Fields in the order people read them.
fn order(fields: &Map<String, Value>) -> Vec<(&str, &Value)> {
    const ORDER: [&str; 19] = [
        "object",
        "namespace",
        "path",
        "chart",
        "version",
        "url",
        "endpoint",
        "bucket",
        "branch",
        "tag",
        "semver",
        "ref",
        "commit",
        "digest",
        "revision",
        "attempted",
        "originRevision",
        "suspended",
        "status",
    ];
    ORDER.iter().filter_map(|key| fields.get_key_value(*key)).map(|(key, value)| (key.as_str(), value)).collect()
}

fn title(key: &str) -> String {
    match key {
        "url" => "URL".into(),
        "originRevision" => "Origin".into(),
        _ => {
            let mut chars = key.chars();
            chars.next().map(|first| first.to_ascii_uppercase().to_string() + chars.as_str()).unwrap_or_default()
        }
    }
}

/// The document for people: the object, then a block for each step back, then the times.
pub fn text(document: &Value, style: Style, now: Timestamp) -> String {
    let mut out = String::new();
    let list = |key: &str| document.get(key).and_then(Value::as_array).cloned().unwrap_or_default();
    if let Some(fields) = document.get("object").and_then(Value::as_object) {
        lines(&mut out, fields, style, now);
    }
    for owner in list("owners") {
        out.push_str(&format!("{}       {}\n", style.paint("Made by:", Tone::Strong), clean(field(&owner, "/object"))));
    }
    for link in list("chain") {
        out.push_str("---\n");
        let kind = field(&link, "/kind").to_owned();
        let pad = LABEL.saturating_sub(kind.len() + 1).max(1);
        out.push_str(&format!(
            "{}:{}{}\n",
            style.paint(&kind, Tone::Strong),
            " ".repeat(pad),
            clean(field(&link, "/name"))
        ));
        if let Some(fields) = link.as_object() {
            lines(&mut out, fields, style, now);
        }
    }
    let steps = list("steps");
    if !steps.is_empty() {
        out.push_str("---\n");
        let mut table = Table::new(vec!["STEP", "AT", "TOOK", "NOTE"]);
        for step in &steps {
            table.push(["/step", "/at", "/took", "/note"].map(|pointer| Cell::new(field(step, pointer))).to_vec());
        }
        out.push_str(&table.render(style, true));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kind;

    fn link(kind: &str, object: Option<Value>) -> Link {
        Link { kind: kind::by_kind(kind).unwrap(), namespace: "flux-system".into(), name: "app".into(), object }
    }

    #[test]
    fn a_pod_back_to_its_commit() {
        let object = |kind: &str, name: &str| json!({ "kind": kind, "metadata": { "name": name, "namespace": "web" } });
        let ready = |message: &str| json!([{ "type": "Ready", "status": "True", "message": message, "lastTransitionTime": "2026-11-21T10:00:05Z" }]);
        let sha = "main@sha1:0123456789abcdef0123456789abcdef01234567";
        let trace = Trace {
            objects: vec![object("Pod", "app-1"), object("ReplicaSet", "app"), object("Deployment", "app")],
            links: vec![
                link(
                    "Kustomization",
                    Some(json!({
                        "spec": { "path": "./deploy" },
                        "status": { "lastAppliedRevision": sha, "conditions": ready("Applied revision") },
                    })),
                ),
                link(
                    "GitRepository",
                    Some(json!({
                        "spec": { "url": "https://example.com/app", "ref": { "branch": "main" }, "suspend": true },
                        "status": { "artifact": { "revision": sha, "lastUpdateTime": "2026-11-21T10:00:02Z" }, "conditions": ready("stored\u{1b}[2J") },
                    })),
                ),
                link("HelmRepository", None),
            ],
        };
        let expected = "\
Object:        Pod/app-1
Namespace:     web
Made by:       ReplicaSet/app
Made by:       Deployment/app
---
Kustomization: app
Namespace:     flux-system
Path:          ./deploy
Revision:      main@sha1:01234567
Status:        Applied revision (60s ago)
---
GitRepository: app
Namespace:     flux-system
URL:           https://example.com/app
Branch:        main
Revision:      main@sha1:01234567
Suspended:     True
Status:        stored[2J (60s ago)
---
HelmRepository: app
Namespace:     flux-system
Status:        not found
---
STEP      AT                     TOOK   NOTE
fetched   2026-11-21T10:00:02Z
";
        let document = document(&trace);
        assert_eq!(text(&document, Style::plain(), "2026-11-21T10:01:05Z".parse().unwrap()), expected);
        assert_eq!(document["chain"][0]["revision"], sha);
    }
}
