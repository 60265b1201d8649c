//! One trace follows a commit from fetch to message through three services.

use anyhow::Result;
use serde_json::json;
use weir_testkit::{Span, kind};

use crate::apps;
use crate::world::{SOON, world};

/// The spans of one trace, once all of `names` are among them.
fn complete(spans: &[Span], trace: &str, names: &[&str]) -> Option<Vec<Span>> {
    let of: Vec<Span> = spans.iter().filter(|span| span.trace_id == trace).cloned().collect();
    names.iter().all(|name| of.iter().any(|span| span.name == *name)).then_some(of)
}

#[tokio::test(flavor = "multi_thread")]
async fn one_trace_holds_the_whole_way_of_a_commit() -> Result<()> {
    let world = world().await;
    let tenant = world.tenant("trace").await?;
    tenant.alert().await?;
    tenant
        .repository()?
        .write("a.yaml", &apps::config_map("a", "one"))?
        .write("web.yaml", &apps::deployment("web", "1", 0))?;
    let commit = tenant.repository()?.push("one")?;
    let revision = format!("main@sha1:{commit}");
    tenant.git("app", json!({})).await?;
    tenant.kustomization("app", json!({"wait": true})).await?;
    tenant.applied("app", &commit).await?;
    tenant.message("Kustomization", "app", "ReconciliationSucceeded", &commit).await?;
    let source = tenant.get(kind::GIT_REPOSITORY, "app").await?.unwrap_or_default();
    let traceparent =
        source["status"]["artifact"]["metadata"]["weir.dev/traceparent"].as_str().unwrap_or_default().to_owned();
    let trace = traceparent.split('-').nth(1).unwrap_or_default().to_owned();
    assert_eq!(trace.len(), 32, "no trace context in the artifact's metadata: {}", source["status"]["artifact"]);

    let names = [
        "GitRepository reconcile",
        "fetch",
        "store",
        "Kustomization reconcile",
        "artifact",
        "build",
        "apply",
        "health",
        "notification",
    ];
    let spans = world.otlp.wait("one trace of nine spans", SOON, |spans| complete(spans, &trace, &names)).await?;
    let named = |name: &str| spans.iter().filter(|span| span.name == name).cloned().collect::<Vec<_>>();
    let child_of = |name: &str, parents: &[Span]| {
        let found = named(name);
        let known = |span: &Span| parents.iter().any(|parent| parent.span_id == span.parent_id);
        assert!(!found.is_empty() && found.iter().all(known), "{name} hangs elsewhere: {found:#?}");
        found
    };
    let roots = named("GitRepository reconcile");
    assert!(roots.len() == 1 && roots[0].parent_id.is_empty(), "one root: {roots:#?}");
    assert_eq!(traceparent.split('-').nth(2), Some(roots[0].span_id.as_str()), "the artifact names another span");
    // A run that waits for health ends, and the run that finds everything healthy is a span of its own.
    let runs = child_of("Kustomization reconcile", &roots);
    for (name, parents) in [
        ("fetch", &roots),
        ("store", &roots),
        ("artifact", &runs),
        ("build", &runs),
        ("apply", &runs),
        ("health", &runs),
    ] {
        child_of(name, parents);
    }
    let notified = named("notification");
    assert!(
        notified.iter().any(|span| runs.iter().any(|run| run.span_id == span.parent_id)),
        "no message continues a run: {notified:#?}"
    );
    for (name, service) in
        [("fetch", "source-controller"), ("build", "kustomize-controller"), ("notification", "notification-controller")]
    {
        assert!(named(name).iter().all(|span| span.service == service), "{name} comes from elsewhere");
    }
    let (root, apply) = (&roots[0], &runs[0]);
    for (span, kind) in [(root, "GitRepository"), (apply, "Kustomization")] {
        let attribute = |key: &str| span.attributes.get(key).map(String::as_str);
        assert_eq!(attribute("k8s.namespace.name"), Some("trace"), "{span:#?}");
        assert_eq!(attribute("weir.kind"), Some(kind), "{span:#?}");
        assert_eq!(attribute("weir.name"), Some("app"), "{span:#?}");
        assert_eq!(attribute("weir.revision"), Some(revision.as_str()), "{span:#?}");
    }
    for span in &spans {
        assert!(span.start <= span.end && !span.failed, "{span:#?}");
    }
    Ok(())
}
