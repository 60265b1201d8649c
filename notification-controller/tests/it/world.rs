//! A control plane, the service and where it sends to.

use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::{Value, json};
use weir_testkit::{Api, ControlPlane, OtlpReceiver, Service, Suite, SuiteOptions, WebhookSink, kind};

pub const SOON: Duration = Duration::from_secs(30);
pub const NS: &str = "team";

pub struct World {
    pub suite: Suite,
    pub sink: WebhookSink,
    pub otlp: OtlpReceiver,
    pub plane: ControlPlane,
    pub http: reqwest::Client,
}

impl World {
    pub async fn start(args: &[&str]) -> Result<Self> {
        let plane = ControlPlane::start().await?;
        let otlp = OtlpReceiver::start().await?;
        let options = SuiteOptions {
            only: vec![Service::Notification],
            otlp: Some(otlp.endpoint()),
            args: args.iter().map(|arg| (Service::Notification, (*arg).to_owned())).collect(),
            ..SuiteOptions::default()
        };
        let suite = Suite::with(plane.api(), plane.kubeconfig(), options).await?;
        plane.api().namespace(NS).await?;
        Ok(Self { suite, sink: WebhookSink::start().await?, otlp, plane, http: reqwest::Client::new() })
    }

    pub fn api(&self) -> &Api {
        self.plane.api()
    }

    pub fn log(&self) -> String {
        self.suite.log(Service::Notification, 40)
    }

    pub async fn apply(&self, api_version: &str, kind: &str, name: &str, labels: Value, spec: Value) -> Result<()> {
        let object = json!({"apiVersion": api_version, "kind": kind,
            "metadata": {"name": name, "namespace": NS, "labels": labels}, "spec": spec});
        self.api().apply(&object).await.map(drop)
    }

    pub async fn secret(&self, name: &str, labels: Value, data: Value) -> Result<()> {
        let secret = json!({"apiVersion": "v1", "kind": "Secret",
            "metadata": {"name": name, "namespace": NS, "labels": labels}, "stringData": data});
        self.api().apply(&secret).await.map(drop)
    }

    pub async fn provider(&self, name: &str, spec: Value) -> Result<()> {
        self.apply("notification.toolkit.fluxcd.io/v1beta3", "Provider", name, json!({}), spec).await
    }

    pub async fn alert(&self, name: &str, provider: &str, more: Value) -> Result<()> {
        let mut spec = json!({"providerRef": {"name": provider},
            "eventSources": [{"kind": "Kustomization", "name": "*"}]});
        let fields = spec.as_object_mut().context("a spec")?;
        fields.extend(more.as_object().context("a spec")?.clone());
        self.apply("notification.toolkit.fluxcd.io/v1beta3", "Alert", name, json!({}), spec).await
    }

    /// POSTs an event as Flux's controllers do; gives the status.
    pub async fn post(&self, event: &Value) -> Result<u16> {
        Ok(self.http.post(self.suite.events()).json(event).send().await?.status().as_u16())
    }

    /// Waits until an event of Kubernetes about an object says this.
    pub async fn told(&self, object: &str, reason: &str, part: &str) -> Result<()> {
        let text = |event: &Value, pointer: &str| {
            event.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned()
        };
        let what = format!("event {reason} of {object} with {part:?}");
        let found = weir_testkit::background::until(&what, SOON, || async {
            let events = self.api().list(kind::EVENT, NS).await.unwrap_or_default();
            events.iter().any(|event| {
                text(event, "/involvedObject/name") == object
                    && text(event, "/reason") == reason
                    && text(event, "/message").contains(part)
            })
        });
        found.await.with_context(|| self.log())
    }
}

/// An event of the Kustomization `web` as Flux's kustomize-controller sends it.
pub fn event(message: &str) -> Value {
    json!({
        "involvedObject": {"kind": "Kustomization", "namespace": NS, "name": "web", "uid": "11111111-2222-3333-4444-555555555555",
            "apiVersion": "kustomize.toolkit.fluxcd.io/v1", "resourceVersion": "42"},
        "severity": "info", "timestamp": "2026-08-01T10:00:00Z", "message": message, "reason": "ReconciliationSucceeded",
        "metadata": {"kustomize.toolkit.fluxcd.io/revision": "main@sha1:0123456789012345678901234567890123456789"},
        "reportingController": "kustomize-controller", "reportingInstance": "kustomize-controller-abc",
    })
}
