//! Receivers: their path, their conditions and what calls do.

use anyhow::{Context, Result};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use weir_testkit::{api::condition_text, kind};

use crate::world::{NS, SOON, World};

const REQUESTED: &str = "/metadata/annotations/reconcile.fluxcd.io~1requestedAt";

impl World {
    async fn receiver(&self, name: &str, spec: Value) -> Result<()> {
        self.apply("notification.toolkit.fluxcd.io/v1", "Receiver", name, json!({}), spec).await
    }

    async fn condition(&self, name: &str, status: &str, reason: &str) -> Result<Value> {
        let good = |o: &Value| {
            let (is, why, _) = condition_text(o, "Ready");
            is == status && why == reason
        };
        let found = self.api().wait(kind::RECEIVER, NS, name, SOON, reason, good).await;
        found.with_context(|| self.log())
    }

    async fn call(&self, path: &str, headers: &[(&str, String)], body: &str) -> Result<u16> {
        let mut request = self.http.post(self.suite.receiver(path)).body(body.to_owned());
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        Ok(request.send().await?.status().as_u16())
    }

    async fn requested(&self, name: &str) -> Result<Option<String>> {
        let object = self.api().get(kind::GIT_REPOSITORY, NS, name).await?.context("a GitRepository")?;
        Ok(object.pointer(REQUESTED).and_then(Value::as_str).map(str::to_owned))
    }
}

fn path(object: &Value) -> String {
    object.pointer("/status/webhookPath").and_then(Value::as_str).unwrap_or_default().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_life_of_a_receiver() -> Result<()> {
    let world = World::start(&[]).await?;
    for (name, team) in [("web", "a"), ("db", "a"), ("other", "b")] {
        let spec = json!({"interval": "1h", "url": "https://example.invalid/app"});
        world.apply("source.toolkit.fluxcd.io/v1", "GitRepository", name, json!({"team": team}), spec).await?;
    }
    let resources = json!([{"kind": "GitRepository", "name": "*", "matchLabels": {"team": "a"}}]);
    world
        .receiver(
            "github",
            json!({"type": "github", "events": ["ping", "push"], "secretRef": {"name": "hook"}, "resources": resources,
        "resourceFilter": "has(res.metadata.labels) && req.repository.name == res.metadata.name"}),
        )
        .await?;

    // No secret yet.
    let object = world.condition("github", "False", "TokenNotFound").await?;
    assert!(condition_text(&object, "Ready").2.contains(&format!("'{NS}/hook'")), "{object}");
    assert_eq!(condition_text(&object, "Reconciling").1, "ProgressingWithRetry");

    let watched = json!({"reconcile.fluxcd.io/watch": "Enabled"});
    world.secret("hook", watched.clone(), json!({"token": "first"})).await?;
    let object = world.condition("github", "True", "Succeeded").await?;
    let expected = format!("/hook/{}", hex::encode(Sha256::digest(format!("firstgithub{NS}"))));
    assert_eq!(path(&object), expected);
    assert_eq!(condition_text(&object, "Ready").2, format!("Receiver initialized for path: {expected}"));
    assert_eq!(object.pointer("/status/observedGeneration"), object.pointer("/metadata/generation"));
    world.told("github", "Succeeded", "Reconciliation finished, next run in 10m0s").await?;

    // A call, signed.
    let body = r#"{"repository":{"name":"web"}}"#;
    let sign = |key: &str| {
        let mac = Hmac::<Sha256>::new_from_slice(key.as_bytes()).expect("any length").chain_update(body).finalize();
        ("x-hub-signature-256", format!("sha256={}", hex::encode(mac.into_bytes())))
    };
    let json_type = ("content-type", "application/json".to_owned());
    let push = ("x-github-event", "push".to_owned());
    let call = [sign("first"), json_type.clone(), push.clone()];
    let known = weir_testkit::background::until("the path to be known", SOON, || async {
        world.call(&expected, &call, body).await.is_ok_and(|code| code == 200)
    });
    known.await.with_context(|| world.log())?;
    assert!(world.requested("web").await?.is_some());
    assert_eq!((world.requested("db").await?, world.requested("other").await?), (None, None), "the filter decides");

    assert_eq!(world.call(&expected, &[sign("wrong"), json_type.clone(), push.clone()], body).await?, 400);
    assert_eq!(
        world
            .call(&expected, &[sign("first"), json_type.clone(), ("x-github-event", "issues".to_owned())], body)
            .await?,
        400
    );
    assert_eq!(world.call(&format!("{expected}?a=b"), &call, body).await?, 404);
    assert_eq!(world.call("/hook/unknown", &call, body).await?, 404);

    // The secret changes, and with it the path.
    world.secret("hook", watched, json!({"token": "second"})).await?;
    let moved = |o: &Value| path(o) == format!("/hook/{}", hex::encode(Sha256::digest(format!("secondgithub{NS}"))));
    world.api().wait(kind::RECEIVER, NS, "github", SOON, "the new path", moved).await.with_context(|| world.log())?;

    // Mistakes.
    let generic = |more: Value| {
        let mut spec = json!({"type": "generic", "secretRef": {"name": "hook"}, "resources": [{"kind": "GitRepository", "name": "web"}]});
        spec.as_object_mut().expect("a spec").extend(more.as_object().expect("a spec").clone());
        spec
    };
    world.receiver("expression", generic(json!({"resourceFilter": "res.metadata.name =="}))).await?;
    let object = world.condition("expression", "False", "InvalidCELExpression").await?;
    assert_eq!(condition_text(&object, "Stalled").0, "True");
    world.receiver("gitlab", generic(json!({"type": "gitlab"}))).await?;
    let object = world.condition("gitlab", "False", "ValidationFailed").await?;
    assert!(condition_text(&object, "Ready").2.contains("\"gitlab\" is not supported yet"), "{object}");

    world.receiver("generic", generic(json!({}))).await?;
    let object = world.condition("generic", "True", "Succeeded").await?;
    let before = world.requested("web").await?;
    let open = path(&object);
    let woken = weir_testkit::background::until("a call without proof", SOON, || async {
        world.call(&open, &[], "anything").await.is_ok_and(|code| code == 200)
    });
    woken.await?;
    assert_ne!(world.requested("web").await?, before);
    world.receiver("generic", generic(json!({"suspend": true}))).await?;
    let asleep = weir_testkit::background::until("503", SOON, || async {
        world.call(&open, &[], "").await.is_ok_and(|code| code == 503)
    });
    asleep.await?;
    for name in ["generic", "github", "gitlab"] {
        world.api().delete(kind::RECEIVER, NS, name).await?;
        world.api().wait_gone(kind::RECEIVER, NS, name, SOON).await?;
    }
    Ok(())
}
