use serde_json::json;

use super::*;
use crate::reference::ObjectRef;

fn object(kind: &str, body: Value) -> Object {
    let mut value = json!({"apiVersion": "v1", "kind": kind, "metadata": {"name": "a", "namespace": "ns"}});
    for (key, part) in body.as_object().unwrap() {
        value[key.as_str()] = part.clone();
    }
    Object::from_value(value).unwrap()
}

fn planned(kind: &str, live: Value, dry_run: Value, ignored: &[&str]) -> Change {
    let cleanup = Cleanup::standard("kustomize-controller", &[]);
    let ignored: Vec<Pointer> = ignored.iter().map(|p| Pointer::parse(p).unwrap()).collect();
    let (live, dry_run) = (object(kind, live), object(kind, dry_run));
    let desired = object(kind, json!({}));
    diff(desired, Live::Present { live, dry_run, sent: None }, Rules { cleanup: &cleanup, ignored: &ignored })
}

#[test]
fn only_labels_annotations_and_body_are_compared() {
    for (live, dry_run, expected) in [
        (json!({"data": {"a": "1"}}), json!({"data": {"a": "1"}}), "unchanged"),
        (json!({"data": {"a": "1"}}), json!({"data": {"a": "2"}}), "configured"),
        (json!({"status": {"x": 1}}), json!({"status": {"x": 2}}), "unchanged"),
        (json!({"data": {}}), json!({}), "unchanged"),
        (json!({"n": 1}), json!({"n": 1.0}), "unchanged"),
        (
            json!({"metadata": {"name": "a", "labels": {"x": "1"}, "finalizers": ["y"]}}),
            json!({"metadata": {"name": "a", "labels": {"x": "1"}}}),
            "unchanged",
        ),
        (json!({"metadata": {"name": "a", "labels": {"x": "1"}}}), json!({"metadata": {"name": "a"}}), "configured"),
        (json!({"list": [1, 2]}), json!({"list": [1]}), "configured"),
    ] {
        assert_eq!(planned("ConfigMap", live.clone(), dry_run, &[]).action.word(), expected, "{live}");
    }
}

#[test]
fn ignored_paths_do_not_count() {
    let (live, dry_run) = (json!({"spec": {"replicas": 3, "x": 1}}), json!({"spec": {"replicas": 1, "x": 1}}));
    assert_eq!(planned("A", live.clone(), dry_run.clone(), &["/spec/replicas"]).action.word(), "unchanged");
    assert_eq!(planned("A", live, dry_run, &["/spec/other"]).action.word(), "configured");
}

#[test]
fn a_live_object_that_says_so_is_left_alone() {
    let live = json!({"metadata": {"name": "a", "annotations": {"kustomize.toolkit.fluxcd.io/ssa": "Ignore"}}});
    assert_eq!(planned("A", live, json!({"spec": 1}), &[]).action, Action::Skip);
}

#[test]
fn what_to_read_follows_the_object() {
    let with = |value: &str| {
        object("A", json!({"metadata": {"name": "a", "labels": {"kustomize.toolkit.fluxcd.io/ssa": value}}}))
    };
    assert_eq!(read_for(&with("Ignore"), &[]), Read::Nothing);
    assert_eq!(read_for(&with("IfNotPresent"), &[]), Read::UnlessPresent);
    assert_eq!(read_for(&with("Merge"), &[]), Read::DryRun);
    assert_eq!(read_for(&with("Override"), &[Pointer::parse("/a").unwrap()]), Read::LiveFirst);
}

#[test]
fn a_plan_prints_what_a_person_wants_to_know_and_no_secret() {
    let entry = |kind: &str, name: &str| Entry {
        object: ObjectRef { group: String::new(), kind: kind.into(), namespace: "ns".into(), name: name.into() },
        version: "v1".into(),
    };
    let plan = Plan {
        changes: vec![
            Change {
                entry: entry("ConfigMap", "new"),
                action: Action::Create { object: object("ConfigMap", json!({})) },
                owned: true,
            },
            planned(
                "Secret",
                json!({"data": {"password": "b2xk"}}),
                json!({"data": {"password": "bmV3", "b": "eA=="}}),
                &[],
            ),
            planned(
                "Service",
                json!({"spec": {"ports": [{"port": 81}]}}),
                json!({"spec": {"ports": [{"port": 80}]}}),
                &[],
            ),
            Change { entry: entry("A", "skipped"), action: Action::Skip, owned: true },
            Change {
                entry: entry("Job", "old"),
                action: Action::Recreate { object: object("Job", json!({})), uid: "u".into() },
                owned: true,
            },
        ],
        deletions: deletions(vec![entry("ConfigMap", "z"), entry("Service", "y")]),
    };
    let expected = "\
ConfigMap/ns/new created
Secret/ns/a configured
  ~ /data/password: \"***\" -> \"***\"
  + /data/b: \"***\"
Service/ns/a configured
  ~ /spec/ports/0/port: 81 -> 80
Job/ns/old recreated
Service/ns/y deleted
ConfigMap/ns/z deleted
";
    assert_eq!(format!("{plan:#}"), expected);
    let short: String = expected.lines().filter(|l| !l.starts_with(' ')).map(|l| format!("{l}\n")).collect();
    assert_eq!(plan.to_string(), short);
    assert!(!plan.is_empty() && Plan::default().is_empty());
}
