use std::collections::BTreeMap;

use serde_json::json;
use weir_api::meta::Artifact;
use weir_oci::Selector;

use super::*;

fn object(spec: serde_json::Value, status: serde_json::Value) -> OciRepository {
    let mut whole = json!({
        "apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "OCIRepository",
        "metadata": {"name": "app", "namespace": "ns", "generation": 2},
        "spec": {"url": "oci://ghcr.io/acme/app", "interval": "1m"},
        "status": status,
    });
    for (key, value) in spec.as_object().unwrap() {
        whole["spec"][key] = value.clone();
    }
    serde_json::from_value(whole).unwrap()
}

fn artifact(revision: &str, metadata: &[(&str, &str)]) -> Artifact {
    Artifact {
        digest: "sha256:x".into(),
        last_update_time: jiff::Timestamp::UNIX_EPOCH,
        metadata: Some(metadata.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect::<BTreeMap<_, _>>()),
        path: "p".into(),
        revision: revision.into(),
        size: None,
        url: "u".into(),
    }
}

#[test]
fn digest_then_semver_then_tag_then_latest() {
    let select = |reference| plan::selector(&object(json!({"ref": reference}), json!({})));
    let all = json!({"digest": "sha256:1", "semver": "1.x", "tag": "v1"});
    assert_eq!(select(all), Selector::Digest("sha256:1".into()));
    let range = json!({"semver": "1.x", "semverFilter": "^v", "tag": "v1"});
    let expected = Selector::Semver { range: "1.x".into(), filter: Some("^v".into()), underscore_is_plus: false };
    assert_eq!(select(range), expected);
    assert_eq!(select(json!({"tag": "v1"})), Selector::Tag("v1".into()));
    assert_eq!(select(json!({})), Selector::Tag("latest".into()));
    let chart = json!({"ref": {"semver": "*"}, "layerSelector": {"mediaType": weir_oci::HELM_CHART_LAYER}});
    let Selector::Semver { underscore_is_plus, .. } = plan::selector(&object(chart, json!({}))) else {
        panic!("a range")
    };
    assert!(underscore_is_plus);
}

#[test]
fn what_is_stored_is_compared_with_its_settings() {
    let same = |spec, status| {
        plan::is_stored(&object(spec, status), Some(&artifact("latest@sha256:1", &[])), "latest@sha256:1")
    };
    assert!(same(json!({}), json!({})));
    assert!(same(json!({"ignore": "*.md"}), json!({"observedIgnore": "*.md"})));
    assert!(!same(json!({"ignore": "*.md"}), json!({})));
    assert!(!same(json!({}), json!({"observedIgnore": "*.md"})));
    assert!(!same(json!({"layerSelector": {"operation": "copy"}}), json!({})));
    let plain = object(json!({}), json!({}));
    assert!(!plan::is_stored(&plain, Some(&artifact("latest@sha256:2", &[])), "latest@sha256:1"));
    assert!(!plan::is_stored(&plain, None, "latest@sha256:1"));
}

#[test]
fn the_event_tells_the_origin() {
    let plain = artifact("v1@sha256:1", &[]);
    assert_eq!(
        plan::event_message("oci://a/b", &plain),
        "stored artifact with revision 'v1@sha256:1' from 'oci://a/b'"
    );
    let origin = artifact(
        "v1@sha256:1",
        &[("org.opencontainers.image.source", "git"), ("org.opencontainers.image.revision", "main@sha1:2")],
    );
    let expected = "stored artifact with revision 'v1@sha256:1' from 'oci://a/b', origin source 'git', \
                    origin revision 'main@sha1:2'";
    assert_eq!(plan::event_message("oci://a/b", &origin), expected);
    let half = artifact("v1@sha256:1", &[("org.opencontainers.image.source", "git")]);
    assert_eq!(plan::event_message("oci://a/b", &half), plan::event_message("oci://a/b", &plain));
}

#[test]
fn references_are_all_that_can_rotate() {
    let spec = json!({"secretRef": {"name": "a"}, "certSecretRef": {"name": "b"}, "proxySecretRef": {"name": "c"},
        "serviceAccountName": "d"});
    let found = object(spec, json!({})).references();
    let expected =
        [Reference::secret("a"), Reference::secret("b"), Reference::secret("c"), Reference::service_account("d")];
    assert_eq!(found, expected.into_iter().collect());
}

#[test]
fn a_url_with_a_tag_stalls() {
    let error = plan::repository(&object(json!({"url": "oci://ghcr.io/acme/app:v1"}), json!({}))).unwrap_err();
    assert_eq!((error.kind(), error.reason()), (ErrorKind::Stall, "URLInvalid"));
    let text = weir_reconcile::describe(&error);
    assert_eq!(text, "URL validation failed for 'oci://ghcr.io/acme/app:v1': URL must not contain a tag; remove ':v1'");
}

#[test]
fn an_image_does_not_speak_for_the_controller() {
    let text = |key: &str| (key.to_owned(), "evil.example.com:9091".to_owned());
    let pushed = ["weir.dev/grpc", "weir.dev/traceparent", "org.opencontainers.image.revision"].map(text).into();
    let kept = super::fetch::theirs(&pushed);
    assert_eq!(kept.keys().collect::<Vec<_>>(), ["org.opencontainers.image.revision"]);
}
