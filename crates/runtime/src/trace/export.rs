//! Sends finished spans by OTLP/gRPC, off the reconcile's path.

use std::{borrow::Cow, time::Duration};

use opentelemetry::{
    InstrumentationScope, KeyValue,
    trace::{SpanContext, SpanId, SpanKind, Status, TraceFlags, TraceId, TraceState},
};
use opentelemetry_otlp::WithExportConfig;
use opentelemetry_sdk::{
    Resource,
    trace::{SpanData, SpanEvents, SpanExporter as _, SpanLinks},
};
use tokio::sync::{mpsc, oneshot};

use super::{Batch, Finished};

/// How many runs may wait to be exported; more are dropped.
const WAITING: usize = 256;
/// How long one export may take.
const EXPORT: Duration = Duration::from_secs(10);

/// Takes spans; off unless the environment names an endpoint. Clones share one sender task.
#[derive(Clone, Debug, Default)]
pub struct Exporter {
    sender: Option<mpsc::Sender<Message>>,
}

#[derive(Debug)]
enum Message {
    Spans(Box<Batch>),
    Flush(oneshot::Sender<()>),
}

/// Traces cannot be exported.
#[derive(Debug, thiserror::Error)]
#[error("cannot export traces: check OTEL_EXPORTER_OTLP_ENDPOINT")]
pub struct ExportError(#[source] opentelemetry_otlp::ExporterBuildError);

impl Exporter {
    /// Sends nothing.
    #[must_use]
    pub fn off() -> Self {
        Self::default()
    }

    /// Sends to the endpoint the environment names (`OTEL_EXPORTER_OTLP_TRACES_ENDPOINT` or
    /// `OTEL_EXPORTER_OTLP_ENDPOINT`); off when it names none, or `OTEL_SDK_DISABLED` is true. Call inside a tokio
    /// runtime.
    ///
    /// # Errors
    /// When the endpoint or its TLS settings make no sense.
    pub fn from_env(service: &str, env: impl Fn(&str) -> Option<String>) -> Result<Self, ExportError> {
        let set = |key: &str| env(key).filter(|value| !value.is_empty());
        let disabled = env("OTEL_SDK_DISABLED").is_some_and(|value| value.eq_ignore_ascii_case("true"));
        let endpoint = set("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT").or_else(|| set("OTEL_EXPORTER_OTLP_ENDPOINT"));
        let Some(endpoint) = endpoint.filter(|_| !disabled) else { return Ok(Self::off()) };
        let mut exporter = opentelemetry_otlp::SpanExporter::builder()
            .with_tonic()
            .with_endpoint(endpoint)
            .with_protocol(opentelemetry_otlp::Protocol::Grpc)
            .build()
            .map_err(ExportError)?;
        let name = env("OTEL_SERVICE_NAME").filter(|name| !name.is_empty()).unwrap_or_else(|| service.to_owned());
        exporter.set_resource(&Resource::builder().with_service_name(name).build());
        let (sender, receiver) = mpsc::channel(WAITING);
        tokio::spawn(drive(exporter, receiver));
        Ok(Self { sender: Some(sender) })
    }

    /// Whether spans go anywhere.
    #[must_use]
    pub fn is_on(&self) -> bool {
        self.sender.is_some()
    }

    pub(super) fn send(&self, batch: Batch) {
        if let Some(sender) = &self.sender
            && sender.try_send(Message::Spans(Box::new(batch))).is_err()
        {
            tracing::debug!("too many traces wait for export, dropped one");
        }
    }

    /// Waits until everything sent so far is exported, or `limit` has passed.
    pub async fn flush(&self, limit: Duration) {
        let Some(sender) = &self.sender else { return };
        let (done, flushed) = oneshot::channel();
        let wait = async {
            if sender.send(Message::Flush(done)).await.is_ok() {
                let _ = flushed.await;
            }
        };
        let _ = tokio::time::timeout(limit, wait).await;
    }
}

async fn drive(exporter: opentelemetry_otlp::SpanExporter, mut receiver: mpsc::Receiver<Message>) {
    let mut messages = Vec::new();
    while receiver.recv_many(&mut messages, 64).await > 0 {
        let mut spans = Vec::new();
        let mut waiting = Vec::new();
        for message in messages.drain(..) {
            match message {
                Message::Spans(batch) => spans.extend(span_data(*batch)),
                Message::Flush(done) => waiting.push(done),
            }
        }
        if !spans.is_empty() {
            match tokio::time::timeout(EXPORT, exporter.export(spans)).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => tracing::debug!(error = %error, "failed to export traces"),
                Err(_) => tracing::debug!("failed to export traces in time"),
            }
        }
        for done in waiting {
            let _ = done.send(());
        }
    }
}

fn span_data(batch: Batch) -> Vec<SpanData> {
    let Batch { trace, parent, root, steps } = batch;
    let trace = TraceId::from_bytes(trace.to_be_bytes());
    let root_id = SpanId::from_bytes(root.span.to_be_bytes());
    let parent_id = parent.map_or(SpanId::INVALID, |span| SpanId::from_bytes(span.to_be_bytes()));
    let mut out = vec![one(trace, parent_id, parent.is_some(), root)];
    out.extend(steps.into_iter().map(|step| one(trace, root_id, false, step)));
    out
}

fn one(trace: TraceId, parent_span_id: SpanId, remote: bool, span: Finished) -> SpanData {
    let id = SpanId::from_bytes(span.span.to_be_bytes());
    let scope = InstrumentationScope::builder("weir").with_version(env!("CARGO_PKG_VERSION")).build();
    SpanData {
        span_context: SpanContext::new(trace, id, TraceFlags::SAMPLED, false, TraceState::NONE),
        parent_span_id,
        parent_span_is_remote: remote,
        span_kind: SpanKind::Internal,
        name: Cow::Owned(span.name),
        start_time: span.started,
        end_time: span.ended,
        attributes: span.attributes.into_iter().map(|(key, value)| KeyValue::new(key, value)).collect(),
        dropped_attributes_count: 0,
        events: SpanEvents::default(),
        links: SpanLinks::default(),
        status: match span.error {
            Some(message) => Status::error(crate::redact::scrub(&message).into_owned()),
            None => Status::Unset,
        },
        instrumentation_scope: scope,
    }
}
