//! `/metrics`, `/healthz` and `/readyz` over HTTP.

use std::{fmt, sync::Arc, time::Duration};

use axum::{
    Router,
    http::{StatusCode, header::CONTENT_TYPE},
    response::IntoResponse,
    routing::get,
};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::metrics::Metrics;

type Check = Box<dyn Fn() -> bool + Send + Sync>;

/// What must hold for `/readyz`.
#[derive(Clone)]
pub(crate) struct Ready {
    checks: Arc<Vec<Check>>,
}

impl fmt::Debug for Ready {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Ready")
    }
}

impl Ready {
    pub(crate) fn new(checks: Vec<Check>) -> Self {
        Self { checks: Arc::new(checks) }
    }

    fn answer(&self) -> impl IntoResponse + use<> {
        if self.checks.iter().all(|check| check()) {
            (StatusCode::OK, "ok")
        } else {
            (StatusCode::INTERNAL_SERVER_ERROR, "not ready")
        }
    }
}

/// Serves `/healthz`, `/readyz` and their `/ping`.
pub(crate) async fn health(listener: TcpListener, ready: Ready, shutdown: CancellationToken) {
    let alive = || async { "ok" };
    let readiness = move || async move { ready.answer() };
    let router = Router::new()
        .route("/healthz", get(alive))
        .route("/healthz/ping", get(alive))
        .route("/healthz/", get(alive))
        .route("/readyz", get(readiness.clone()))
        .route("/readyz/ping", get(readiness.clone()))
        .route("/readyz/", get(readiness));
    serve(listener, router, shutdown).await;
}

/// Serves `/metrics`.
pub(crate) async fn metrics(listener: TcpListener, metrics: Metrics, shutdown: CancellationToken) {
    let text = move || async move { ([(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], metrics.text()) };
    serve(listener, Router::new().route("/metrics", get(text)), shutdown).await;
}

async fn serve(listener: TcpListener, router: Router, shutdown: CancellationToken) {
    // Scrapers keep connections open; the end of the process does not wait for them.
    crate::http::serve(listener, router, shutdown, Duration::ZERO).await;
}
