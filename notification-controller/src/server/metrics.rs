//! Metrics of an HTTP server under the names that Flux gives them.

use http::Method;
use hyper::body::Body;
use prometheus_client::metrics::{
    family::Family,
    gauge::Gauge,
    histogram::{Histogram, exponential_buckets},
};
use weir_runtime::{Metrics, clock};

use super::{Answer, Asked, Handler};

type Labels = Vec<(String, String)>;
type Histograms = Family<Labels, Histogram, fn() -> Histogram>;

/// Metrics of one server; clones share them.
#[derive(Clone, Debug)]
pub struct HttpMetrics {
    durations: Histograms,
    sizes: Histograms,
    inflight: Family<Labels, Gauge>,
    paths: bool,
}

fn seconds() -> Histogram {
    Histogram::new([0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0])
}

fn bytes() -> Histogram {
    Histogram::new(exponential_buckets(100.0, 10.0, 8))
}

impl HttpMetrics {
    /// Registers the metrics of a server under `prefix`; with `paths` each path has its own series.
    #[must_use]
    pub fn new(metrics: &Metrics, prefix: &str, paths: bool) -> Self {
        let own = Self {
            durations: Histograms::new_with_constructor(seconds),
            sizes: Histograms::new_with_constructor(bytes),
            inflight: Family::default(),
            paths,
        };
        metrics.register(|registry| {
            let name = |what: &str| format!("{prefix}_http_{what}");
            registry.register(name("request_duration_seconds"), "How long requests took", own.durations.clone());
            registry.register(name("response_size_bytes"), "How large answers were", own.sizes.clone());
            registry.register(name("requests_inflight"), "Requests under way", own.inflight.clone());
        });
        own
    }

    pub(super) async fn measured<H: Handler>(&self, handler: &H, request: Asked) -> Answer {
        let name = if self.paths { request.uri().path().to_owned() } else { H::NAME.to_owned() };
        let method = method(request.method());
        let label = |name: &str, value: String| (name.to_owned(), value);
        let mut labels = vec![label("service", String::new()), label("handler", name)];
        let inflight = self.inflight.get_or_create_owned(&labels);
        inflight.inc();
        let began = clock::instant();
        let answer = handler.handle(request).await;
        inflight.dec();
        labels.push(label("method", method.to_owned()));
        labels.push(label("code", answer.status().as_u16().to_string()));
        self.durations.get_or_create(&labels).observe(began.elapsed().as_secs_f64());
        #[allow(clippy::cast_precision_loss, reason = "sizes are far below 2^52")]
        let size = answer.body().size_hint().lower() as f64;
        self.sizes.get_or_create(&labels).observe(size);
        answer
    }
}

/// Callers must not be able to make series.
fn method(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::DELETE => "DELETE",
        Method::PATCH => "PATCH",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}
