//! Events from their intake to providers, through refusals, failures and kills.

use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::{Value, json};
use tonic::metadata::MetadataValue;
use weir_proto::{
    WireEvent,
    event::v1::{PublishRequest, WatchRequest, events_client::EventsClient, publish_response::Result as Published},
};
use weir_testkit::Service;

use crate::world::{NS, SOON, World, event};

async fn arrived(world: &World, path: &str, message: &str) -> Result<Value> {
    let found = world.sink.wait(message, SOON, |received| {
        let body = received.json();
        let text = body["message"].as_str().or_else(|| body["attachments"][0]["text"].as_str());
        received.answered == 200 && received.path == path && text == Some(message)
    });
    Ok(found.await.with_context(|| world.log())?.json())
}

/// Applies until the watches of the service have brought everything: the first event goes through.
async fn warm(world: &World) -> Result<()> {
    for n in 0..100 {
        assert_eq!(world.post(&event(&format!("warm {n}"))).await?, 202);
        let limit = Duration::from_millis(100);
        if world.sink.wait("warm", limit, |received| received.path == "/generic").await.is_ok() {
            return Ok(());
        }
    }
    anyhow::bail!("no event arrives\n{}", world.log())
}

#[tokio::test(flavor = "multi_thread")]
async fn events_reach_their_providers() -> Result<()> {
    let world = World::start(&[]).await?;
    world
        .secret("slack", json!({}), json!({"address": world.sink.url("services/T0/B0"), "token": "xoxb-canary-token"}))
        .await?;
    world.secret("key", json!({}), json!({"token": "hmac-canary-key", "headers": "X-Team: blue\n"})).await?;
    world.provider("generic", json!({"type": "generic", "address": world.sink.url("generic")})).await?;
    world
        .provider(
            "signed",
            json!({"type": "generic-hmac", "address": world.sink.url("signed"), "secretRef": {"name": "key"}}),
        )
        .await?;
    world.provider("slack", json!({"type": "slack", "channel": "ops", "secretRef": {"name": "slack"}})).await?;
    world.provider("teams", json!({"type": "msteams", "address": "https://example.invalid"})).await?;
    let kustomization = json!({"interval": "1h", "prune": true, "sourceRef": {"kind": "GitRepository", "name": "app"}});
    world.apply("kustomize.toolkit.fluxcd.io/v1", "Kustomization", "web", json!({"app": "web"}), kustomization).await?;
    world
        .alert(
            "signed",
            "signed",
            json!({"eventSources": [{"kind": "Kustomization", "name": "*", "matchLabels": {"app": "web"}}]}),
        )
        .await?;
    world.alert("slack", "slack", json!({"eventMetadata": {"env": "prod"}})).await?;
    world.alert("errors", "slack", json!({"eventSeverity": "error"})).await?;
    world.alert("teams", "teams", json!({"inclusionList": ["("], "exclusionList": ["nothing"]})).await?;
    world.alert("all-teams", "teams", json!({})).await?;
    let api = json!({"type": "slack", "channel": "ops", "address": world.sink.url("api/chat.postMessage")});
    world.provider("slack-api", api).await?;
    world.alert("slack-api", "slack-api", json!({})).await?;
    world.alert("generic", "generic", json!({})).await?;
    warm(&world).await?;

    let mut raw = event("hello from Flux");
    let parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    raw["metadata"]["weir.dev/traceparent"] = json!(parent);
    raw["metadata"]["kustomize.toolkit.fluxcd.io/checksum"] = json!("x");
    assert_eq!(world.post(&raw).await?, 202);
    let got = arrived(&world, "/generic", "hello from Flux").await?;
    let revision = "main@sha1:0123456789012345678901234567890123456789";
    assert_eq!(got["metadata"], json!({"revision": revision}));
    assert_eq!(
        (&got["involvedObject"]["name"], &got["reportingController"]),
        (&json!("web"), &json!("kustomize-controller"))
    );
    let slack = arrived(&world, "/services/T0/B0", "hello from Flux").await?;
    assert_eq!(slack["channel"], "ops");
    assert_eq!(slack["attachments"][0]["author_name"], format!("kustomization/web.{NS}"));
    assert_eq!(slack["attachments"][0]["fields"][0], json!({"title": "env", "value": "prod", "short": false}));
    arrived(&world, "/signed", "hello from Flux").await?;
    let signed = world.sink.received().into_iter().find(|r| r.path == "/signed").context("a signed event")?;
    assert!(signed.header("x-signature").is_some_and(|value| value.starts_with("sha256=")));
    assert_eq!(signed.header("x-team"), Some("blue"));

    // What is wrong is told on the alert.
    world.told("all-teams", "NotificationDispatchFailed", "provider type msteams is not supported yet").await?;
    world.told("teams", "InvalidConfig", "failed to compile inclusion regex: (").await?;
    // The sink answers the API's path without {"ok":true}.
    world.told("slack-api", "NotificationDispatchFailed", "unable to unmarshal response body").await?;
    for canary in ["xoxb-canary-token", "hmac-canary-key"] {
        let log = std::fs::read_to_string(world.suite.log_file(Service::Notification))?;
        assert!(!log.contains(canary));
    }

    // Refusals.
    assert_eq!(world.post(&raw).await?, 429, "the same again");
    let post = |body: Vec<u8>| world.http.post(world.suite.events()).body(body).send();
    assert_eq!(post(b"not json".to_vec()).await?.status(), 400);
    assert_eq!(post(vec![b'a'; (3 << 20) + 1]).await?.status(), 413);

    // The trace goes on from the controller's.
    let spans = world.otlp.wait("spans of the delivery", SOON, |spans| {
        let root =
            spans.iter().find(|s| s.name == "notification" && s.trace_id == "0af7651916cd43dd8448eb211c80319c")?;
        let child = spans.iter().find(|s| s.name == "deliver" && s.parent_id == root.span_id)?;
        Some((root.clone(), child.clone()))
    });
    let (root, child) = spans.await?;
    assert_eq!(root.parent_id, "b7ad6b7169203331");
    assert_eq!(root.attributes.get("weir.revision").map(String::as_str), Some(revision));
    assert_eq!(child.trace_id, root.trace_id);

    let metrics = world.suite.metrics(Service::Notification).await?;
    for line in [
        format!(
            "weir_notification_deliveries_total{{namespace=\"{NS}\",name=\"generic\",type=\"generic\",result=\"delivered\"}}"
        ),
        format!(
            "weir_notification_deliveries_total{{namespace=\"{NS}\",name=\"teams\",type=\"msteams\",result=\"unsupported\"}}"
        ),
        "gotk_event_http_request_duration_seconds_count{service=\"\",handler=\"/\",method=\"POST\",code=\"429\"} 1"
            .to_owned(),
        "weir_notification_queue_events".to_owned(),
    ] {
        assert!(metrics.contains(&line), "{line}\n{metrics}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_loses_no_event_and_repeats_none_that_was_known() -> Result<()> {
    let mut world = World::start(&["--delivery-max-delay=1s"]).await?;
    world
        .provider("generic", json!({"type": "generic", "address": world.sink.url("generic"), "timeout": "2s"}))
        .await?;
    world.alert("generic", "generic", json!({})).await?;
    warm(&world).await?;
    world.sink.fail_next(usize::MAX, 503);
    let messages: Vec<String> = (0..30).map(|n| format!("event {n}")).collect();
    for message in &messages {
        assert_eq!(world.post(&event(message)).await?, 202);
    }
    world.suite.kill(Service::Notification)?;
    world.suite.launch(Service::Notification)?;
    world.suite.wait_until_ready(Service::Notification).await?;
    assert_eq!(world.post(&event("event 0")).await?, 429, "known across the kill");
    world.sink.fail_next(0, 503);
    arrived(&world, "/generic", "event 29").await?;
    let taken: Vec<String> = world
        .sink
        .received()
        .iter()
        .filter(|received| received.answered == 200)
        .filter_map(|received| received.json()["message"].as_str().map(str::to_owned))
        .filter(|message| message.starts_with("event "))
        .collect();
    assert_eq!(taken, messages, "all of them, once, in order");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn grpc_takes_and_streams_events_from_who_may() -> Result<()> {
    let world = World::start(&[]).await?;
    world.provider("generic", json!({"type": "generic", "address": world.sink.url("generic")})).await?;
    world.alert("generic", "generic", json!({})).await?;
    warm(&world).await?;
    let address = world.suite.grpc(Service::Notification)?;
    let channel = tonic::transport::Endpoint::new(format!("http://{address}"))?.connect().await?;
    let mut client = EventsClient::new(channel);
    let wire: WireEvent = serde_json::from_value(event("by gRPC"))?;
    let publish = |token: Option<&str>| -> Result<tonic::Request<PublishRequest>> {
        let mut request = tonic::Request::new(PublishRequest { event: Some(wire.clone().into()) });
        if let Some(token) = token {
            request.metadata_mut().insert("authorization", MetadataValue::try_from(format!("Bearer {token}"))?);
        }
        Ok(request)
    };
    let refused = client.publish(publish(None)?).await.unwrap_err();
    assert_eq!(refused.code(), tonic::Code::Unauthenticated, "{refused}");
    let plain = token(&world, "flux-system", "notification-controller", "other").await?;
    let refused = client.publish(publish(Some(&plain))?).await.unwrap_err();
    assert_eq!(refused.code(), tonic::Code::Unauthenticated, "another audience: {refused}");

    let account =
        json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "stranger", "namespace": NS}});
    world.api().apply(&account).await?;
    let stranger = weir_token(&world, NS, "stranger").await?;
    let refused = client.publish(publish(Some(&stranger))?).await.unwrap_err();
    assert_eq!(refused.code(), tonic::Code::PermissionDenied, "{refused}");

    let own = weir_token(&world, "flux-system", "notification-controller").await?;
    let accepted = client.publish(publish(Some(&own))?).await?.into_inner();
    assert_eq!(accepted.result(), Published::Accepted);
    arrived(&world, "/generic", "by gRPC").await?;
    let again = client.publish(publish(Some(&own))?).await?.into_inner();
    assert_eq!(again.result(), Published::Duplicate);

    let rule = json!({"apiGroups": [""], "resources": ["events"], "verbs": ["list"]});
    let role = json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": {"name": "w", "namespace": NS}, "rules": [rule]});
    let binding = json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": {"name": "w", "namespace": NS},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "w"},
        "subjects": [{"kind": "ServiceAccount", "name": "reader", "namespace": NS}]});
    let reader = json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "reader", "namespace": NS}});
    world.api().apply_all([&role, &binding, &reader]).await?;
    let reader = weir_token(&world, NS, "reader").await?;
    let watch = |namespace: &str, token: &str| -> Result<tonic::Request<WatchRequest>> {
        let wanted = WatchRequest {
            namespace: namespace.to_owned(),
            kind: "Kustomization".to_owned(),
            replay: true,
            ..WatchRequest::default()
        };
        let mut request = tonic::Request::new(wanted);
        request.metadata_mut().insert("authorization", MetadataValue::try_from(format!("Bearer {token}"))?);
        Ok(request)
    };
    let refused = client.watch(watch("", &reader)?).await.unwrap_err();
    assert_eq!(refused.code(), tonic::Code::PermissionDenied);
    let mut stream = client.watch(watch(NS, &reader)?).await?.into_inner();
    let mut seen = Vec::new();
    while !seen.iter().any(|message: &String| message == "by gRPC") {
        let next = tokio::time::timeout(SOON, stream.message()).await??.context("the stream ended")?;
        seen.push(next.event.context("an event")?.message);
    }
    let next = tokio::time::timeout(SOON, stream.message()).await??.context("the stream ended")?;
    assert!(next.synced && next.event.is_none(), "everything kept was sent: {next:?}");
    assert_eq!(world.post(&event("live")).await?, 202);
    let next = tokio::time::timeout(SOON, stream.message()).await??.context("the stream ended")?;
    assert_eq!(next.event.context("an event")?.message, "live");
    Ok(())
}

async fn weir_token(world: &World, namespace: &str, name: &str) -> Result<String> {
    token(world, namespace, name, "weir").await
}

async fn token(world: &World, namespace: &str, name: &str, audience: &str) -> Result<String> {
    let body =
        json!({"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"audiences": [audience]}});
    let path = format!("/api/v1/namespaces/{namespace}/serviceaccounts/{name}/token");
    let reply =
        world.api().request("POST", &path, Some(("application/json", serde_json::to_vec(&body)?))).await?.ok()?;
    Ok(reply.pointer("/status/token").and_then(Value::as_str).context("a token")?.to_owned())
}
