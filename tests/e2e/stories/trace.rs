//! One trace follows a commit from fetch to message through three services.

use std::collections::BTreeMap;

use anyhow::Result;
use serde_json::json;
use weir_testkit::{Span, kind};

use crate::apps;
use crate::world::{SOON, text, world};

/// Of one trace: the spans by name, if all of `names` are there.
fn complete(spans: &[Span], trace: &str, names: &[&str]) -> Option<BTreeMap<String, Span>> {
    let of: BTreeMap<String, Span> =
        spans.iter().filter(|span| span.trace_id == trace).map(|span| (span.name.clone(), span.clone())).collect();
    names.iter().all(|name| of.contains_key(*name)).then_some(of)
}

#[tokio::test(flavor = "multi_thread")]
async fn one_trace_holds_the_whole_way_of_a_commit() -> Result<()> {
    let world = world().await;
    let tenant = world.tenant("trace").await?;
    tenant.alert().await?;
    tenant.repository()?.write("a.yaml", &apps::config_map("a", "one"))?.write("web.yaml", &apps::deployment("web", "1", 0))?;
    let commit = tenant.repository()?.push("one")?;
    let revision = format!("main@sha1:{commit}");
    tenant.git("app", json!({})).await?;
    tenant.kustomization("app", json!({"wait": true})).await?;
    tenant.applied("app", &commit).await?;
    tenant.message("Kustomization", "app", "ReconciliationSucceeded", &commit).await?;
    let source = tenant.get(kind::GIT_REPOSITORY, "app").await?.unwrap_or_default();
    let traceparent = source["status"]["artifact"]["metadata"]["weir.dev/traceparent"].as_str().unwrap_or_default().to_owned();
    let trace = traceparent.split('-').nth(1).unwrap_or_default().to_owned();
    assert_eq!(trace.len(), 32, "no trace context in the artifact's metadata: {}", source["status"]["artifact"]);

    let names = [
        "GitRepository reconcile", "fetch", "store", "Kustomization reconcile", "artifact", "build", "apply", "health", "notification",
    ];
    let spans = world.otlp.wait("one trace of nine spans", SOON, |spans| complete(spans, &trace, &names)).await?;
    let span = |name: &str| spans.get(name).cloned().unwrap_or_else(|| panic!("{name} is there"));
    let root = span("GitRepository reconcile");
    let apply = span("Kustomization reconcile");
    assert_eq!(root.parent_id, "", "the root has a parent");
    assert_eq!(text(&source, "/status/artifact/metadata/weir.dev~1traceparent").split('-').nth(2), Some(root.span_id.as_str()));
    for (child, parent) in [
        ("fetch", &root), ("store", &root), ("Kustomization reconcile", &root), ("artifact", &apply), ("build", &apply), ("apply", &apply),
        ("health", &apply),
    ] {
        assert_eq!(span(child).parent_id, parent.span_id, "{child} is not a child of {}", parent.name);
    }
    let notified: Vec<Span> =
        world.otlp.spans().into_iter().filter(|span| span.trace_id == trace && span.name == "notification").collect();
    assert!(notified.iter().any(|span| span.parent_id == apply.span_id), "no notification continues the Kustomization: {notified:#?}");
    for (name, service) in
        [("fetch", "source-controller"), ("build", "kustomize-controller"), ("notification", "notification-controller")]
    {
        assert_eq!(span(name).service, service);
    }
    for (span, kind) in [(&root, "GitRepository"), (&apply, "Kustomization")] {
        let attribute = |key: &str| span.attributes.get(key).map(String::as_str);
        assert_eq!(attribute("k8s.namespace.name"), Some("trace"), "{span:#?}");
        assert_eq!(attribute("weir.kind"), Some(kind), "{span:#?}");
        assert_eq!(attribute("weir.name"), Some("app"), "{span:#?}");
        assert_eq!(attribute("weir.revision"), Some(revision.as_str()), "{span:#?}");
    }
    for span in spans.values() {
        assert!(span.start <= span.end && !span.failed, "{span:#?}");
    }
    Ok(())
}
