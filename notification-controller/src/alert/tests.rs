use serde_json::{Value, json};

use super::*;
use crate::{event::tests::sample, fake::Fake};

fn alert(spec: Value) -> Alert {
    let mut full = json!({"providerRef": {"name": "p"}, "eventSources": [{"kind": "Kustomization", "name": "*"}]});
    full.as_object_mut().unwrap().extend(spec.as_object().unwrap().clone());
    serde_json::from_value(json!({
        "apiVersion": "notification.toolkit.fluxcd.io/v1beta3", "kind": "Alert",
        "metadata": {"name": "a", "namespace": "apps"}, "spec": full,
    }))
    .unwrap()
}

async fn sends(spec: Value) -> bool {
    let fake = Fake::default();
    fake.labels(&[("app", "web")]);
    verdict(&alert(spec), &sample(&[]), false, &fake).await.unwrap() == Verdict::Send
}

#[tokio::test]
async fn every_filter_decides() {
    let source = |source: Value| json!({"eventSources": [source]});
    for (spec, expected) in [
        (json!({}), true),
        (json!({"suspend": true}), false),
        (json!({"eventSeverity": "error"}), false),
        (json!({"eventSeverity": "info"}), true),
        (source(json!({"kind": "HelmRelease", "name": "*"})), false),
        (source(json!({"kind": "Kustomization", "name": "web"})), true),
        (source(json!({"kind": "Kustomization", "name": "other"})), false),
        (source(json!({"kind": "Kustomization", "name": "*", "namespace": "apps"})), true),
        (source(json!({"kind": "Kustomization", "name": "*", "namespace": "other"})), false),
        (source(json!({"kind": "Kustomization", "name": "*", "matchLabels": {"app": "web"}})), true),
        (source(json!({"kind": "Kustomization", "name": "*", "matchLabels": {"app": "db"}})), false),
        (json!({"inclusionList": ["^Deployment/.* configured$"]}), true),
        (json!({"inclusionList": ["nothing", "configured"]}), true),
        (json!({"inclusionList": ["nothing"]}), false),
        (json!({"exclusionList": ["configured"]}), false),
        (json!({"exclusionList": ["nothing"]}), true),
        (json!({"inclusionList": ["configured"], "exclusionList": ["web"]}), false),
        (json!({"inclusionList": ["("]}), false),
        (json!({"exclusionList": ["("]}), true),
    ] {
        assert_eq!(sends(spec.clone()).await, expected, "{spec}");
    }
}

#[tokio::test]
async fn a_bad_expression_is_told_and_the_others_work() {
    let fake = Fake::default();
    let alert = alert(json!({"inclusionList": ["(", "configured"], "exclusionList": ["["]}));
    assert_eq!(verdict(&alert, &sample(&[]), false, &fake).await.unwrap(), Verdict::Send);
    let told = fake.told();
    assert_eq!(told.len(), 2);
    assert_eq!(
        (told[0].reason.as_str(), told[0].message.as_str()),
        ("InvalidConfig", "failed to compile inclusion regex: (")
    );
    assert_eq!(told[1].message, "failed to compile exclusion regex: [");
}

#[tokio::test]
async fn other_namespaces_are_refused_when_told_to() {
    let fake = Fake::default();
    let mut event = sample(&[]);
    event.involved_object.namespace = "other".to_owned();
    let alert = alert(json!({"eventSources": [{"kind": "Kustomization", "name": "*", "namespace": "other"}]}));
    assert_eq!(verdict(&alert, &event, false, &fake).await.unwrap(), Verdict::Send);
    assert_eq!(verdict(&alert, &event, true, &fake).await.unwrap(), Verdict::Skip);
    let told = fake.told();
    assert_eq!(told[0].reason, "NotificationDispatchFailed");
    assert!(told[0].message.contains("cross-namespace references have been blocked"), "{}", told[0].message);
}

#[tokio::test]
async fn labels_that_cannot_be_read_are_asked_for_again() {
    let fake = Fake::default();
    let alert = alert(json!({"eventSources": [{"kind": "Kustomization", "name": "*", "matchLabels": {"app": "web"}}]}));
    fake.object_missing();
    assert_eq!(verdict(&alert, &sample(&[]), false, &fake).await.unwrap(), Verdict::Skip);
    assert_eq!(fake.told()[0].message, "error getting source object Kustomization/apps/web");
    fake.api_down();
    assert!(verdict(&alert, &sample(&[]), false, &fake).await.is_err());
}
