//! An OTLP/gRPC trace receiver that keeps what it gets.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result};
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{TraceService, TraceServiceServer};
use opentelemetry_proto::tonic::collector::trace::v1::{ExportTraceServiceRequest, ExportTraceServiceResponse};
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value};
use tokio::net::TcpListener;
use tokio::task::AbortHandle;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::{Request, Response, Status};

use crate::background;

/// A span as it was exported; ids in hexadecimal, times in nanoseconds since 1970.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    /// `service.name` of the exporter.
    pub service: String,
    /// 32 digits.
    pub trace_id: String,
    /// 16 digits.
    pub span_id: String,
    /// 16 digits, empty for a root.
    pub parent_id: String,
    /// Its name.
    pub name: String,
    /// Its attributes as text.
    pub attributes: BTreeMap<String, String>,
    /// Start.
    pub start: u64,
    /// End.
    pub end: u64,
    /// True when its status is an error.
    pub failed: bool,
}

/// The receiver.
#[derive(Debug)]
pub struct OtlpReceiver {
    address: std::net::SocketAddr,
    spans: Spans,
    task: AbortHandle,
}

#[derive(Clone, Debug, Default)]
struct Spans(Arc<Mutex<Vec<Span>>>);

impl OtlpReceiver {
    /// Starts one on a free port.
    pub async fn start() -> Result<Self> {
        background::run(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.context("cannot listen on loopback")?;
            let address = listener.local_addr()?;
            let spans = Spans::default();
            let service = TraceServiceServer::new(spans.clone());
            let server = tonic::transport::Server::builder().add_service(service);
            let task = tokio::spawn(server.serve_with_incoming(TcpListenerStream::new(listener))).abort_handle();
            Ok(Self { address, spans, task })
        })
        .await
    }

    /// For `OTEL_EXPORTER_OTLP_ENDPOINT`.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// All spans so far.
    pub fn spans(&self) -> Vec<Span> {
        self.spans.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits until `good` finds what it looks for among all spans.
    pub async fn wait<T>(&self, what: &str, limit: Duration, good: impl Fn(&[Span]) -> Option<T>) -> Result<T> {
        let end = tokio::time::Instant::now() + limit;
        loop {
            let spans = self.spans();
            if let Some(found) = good(&spans) {
                return Ok(found);
            }
            if tokio::time::Instant::now() >= end {
                let lines: Vec<String> = spans
                    .iter()
                    .map(|s| {
                        format!(
                            "{} {} {} <- {} {} {:?}",
                            s.service, s.trace_id, s.span_id, s.parent_id, s.name, s.attributes
                        )
                    })
                    .collect();
                crate::scratch::keep();
                anyhow::bail!("{what}: not among the spans within {limit:?}; seen:\n{}", lines.join("\n"));
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

impl Drop for OtlpReceiver {
    fn drop(&mut self) {
        self.task.abort();
    }
}

#[tonic::async_trait]
impl TraceService for Spans {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for group in request.into_inner().resource_spans {
            let resource = attributes(group.resource.map(|resource| resource.attributes).unwrap_or_default());
            let service = resource.get("service.name").cloned().unwrap_or_default();
            for span in group.scope_spans.into_iter().flat_map(|scope| scope.spans) {
                kept.push(Span {
                    service: service.clone(),
                    trace_id: hex(&span.trace_id),
                    span_id: hex(&span.span_id),
                    parent_id: hex(&span.parent_span_id),
                    name: span.name,
                    attributes: attributes(span.attributes),
                    start: span.start_time_unix_nano,
                    end: span.end_time_unix_nano,
                    failed: span.status.is_some_and(|status| status.code == 2),
                });
            }
        }
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}

fn attributes(list: Vec<KeyValue>) -> BTreeMap<String, String> {
    list.into_iter().map(|entry| (entry.key, text(entry.value))).collect()
}

fn text(value: Option<AnyValue>) -> String {
    match value.and_then(|value| value.value) {
        Some(any_value::Value::StringValue(text)) => text,
        Some(any_value::Value::BoolValue(flag)) => flag.to_string(),
        Some(any_value::Value::IntValue(number)) => number.to_string(),
        Some(any_value::Value::DoubleValue(number)) => number.to_string(),
        Some(other) => format!("{other:?}"),
        None => String::new(),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
