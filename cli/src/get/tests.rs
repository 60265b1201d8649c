//! Tables of objects, as they are seen.

use serde_json::json;

use super::*;
use crate::kind;

fn kustomization(name: &str, ready: &str, message: &str) -> Value {
    json!({
        "apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization",
        "metadata": { "name": name, "namespace": "flux-system", "creationTimestamp": "2026-11-21T10:00:00Z" },
        "spec": { "path": "./deploy", "suspend": name == "held", "sourceRef": { "kind": "GitRepository", "name": "app" } },
        "status": {
            "conditions": [{ "type": "Ready", "status": ready, "message": message }],
            "lastAppliedRevision": "main@sha1:0123456789abcdef0123456789abcdef01234567",
        },
    })
}

fn layout() -> Layout {
    Layout { namespaces: false, wide: false, prefix: false }
}

fn now() -> jiff::Timestamp {
    "2026-11-21T10:05:30Z".parse().unwrap()
}

#[test]
fn columns_are_those_of_flux() {
    let found = vec![(
        kind::by_kind("Kustomization").unwrap(),
        vec![
            kustomization("apps", "True", "Applied revision: main@sha1:0123456789abcdef0123456789abcdef01234567"),
            kustomization("held", "False", "no"),
        ],
    )];
    let expected = "\
NAME   REVISION             SUSPENDED   READY   MESSAGE
apps   main@sha1:01234567   False       True    Applied revision: main@sha1:01234567
held   main@sha1:01234567   True        False   no
";
    assert_eq!(render(&found, layout(), Style::plain(), true, now()), expected);
}

#[test]
fn namespaces_kinds_and_wide_columns_come_on_top() {
    let found = vec![(kind::by_kind("Kustomization").unwrap(), vec![kustomization("apps", "True", "fine")])];
    let wide = Layout { namespaces: true, wide: true, prefix: true };
    let expected = "\
NAMESPACE     NAME                 REVISION             SUSPENDED   READY   SOURCE              PATH       AGE     MESSAGE
flux-system   kustomization/apps   main@sha1:01234567   False       True    GitRepository/app   ./deploy   5m30s   fine
";
    assert_eq!(render(&found, wide, Style::plain(), true, now()), expected);
}

#[test]
fn an_object_without_status_is_waiting() {
    let bare = json!({ "kind": "GitRepository", "metadata": { "name": "a" }, "spec": { "url": "https://x" } });
    let registry =
        json!({ "kind": "HelmRepository", "metadata": { "name": "b" }, "spec": { "url": "oci://x", "type": "oci" } });
    let found = vec![
        (kind::by_kind("GitRepository").unwrap(), vec![bare]),
        (kind::by_kind("HelmRepository").unwrap(), vec![registry]),
    ];
    let expected = "\
NAME   REVISION   SUSPENDED   READY     MESSAGE
a                 False       Unknown   waiting to be reconciled

NAME   REVISION   SUSPENDED   READY   MESSAGE
b                 False       True    Helm repository is Ready
";
    assert_eq!(render(&found, layout(), Style::plain(), true, now()), expected);
}

#[test]
fn every_kind_has_a_row_as_wide_as_its_header() {
    for kind in &kind::KINDS {
        for wide in [false, true] {
            let layout = Layout { wide, ..layout() };
            let row = columns::row(kind, &json!({}), layout, now());
            assert_eq!(row.len(), columns::header(kind, layout).len(), "{}", kind.kind);
        }
    }
}

#[test]
fn states_are_selected_by_condition() {
    let selector = StateSelector::parse("ready=FALSE").unwrap();
    assert!(selector.matches(&kustomization("a", "False", "")));
    assert!(!selector.matches(&kustomization("a", "True", "")));
    assert!(!selector.matches(&json!({})));
    assert_eq!(StateSelector::parse("ready").unwrap_err().exit_code(), 2);
}
