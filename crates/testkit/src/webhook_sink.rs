//! A server that takes whatever is POSTed to it, and can fail or hang on demand.

use std::sync::atomic::{AtomicBool, AtomicU16, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Result;
use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http_body_util::BodyExt as _;
use serde_json::Value;
use tokio::time::Instant;

use crate::background;
use crate::http_server::{HttpServer, Tls};

/// One request it took.
#[derive(Clone, Debug)]
pub struct Received {
    /// HTTP method.
    pub method: String,
    /// Path and query.
    pub path: String,
    /// Headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: bytes::Bytes,
    /// What it was answered with.
    pub answered: u16,
    /// When.
    pub at: Instant,
}

impl Received {
    /// The body as JSON, `Null` when it is none.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// A header by its lower-case name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// The sink.
#[derive(Debug)]
pub struct WebhookSink {
    http: HttpServer,
    state: Arc<Sink>,
}

#[derive(Debug, Default)]
struct Sink {
    received: Mutex<Vec<Received>>,
    failures: AtomicUsize,
    failure: AtomicU16,
    hang: AtomicBool,
}

impl WebhookSink {
    /// Starts one that answers 200.
    pub async fn start() -> Result<Self> {
        Self::with_tls(None).await
    }

    /// The same over https.
    pub async fn with_tls(tls: Option<Tls>) -> Result<Self> {
        let state = Arc::new(Sink::default());
        let router = Router::new().fallback(take).with_state(Arc::clone(&state));
        Ok(Self { http: HttpServer::start(router, tls).await?, state })
    }

    /// Where to POST.
    pub fn url(&self, path: &str) -> String {
        format!("{}/{}", self.http.url(), path.trim_start_matches('/'))
    }

    /// Answers the next `count` requests with `status`.
    pub fn fail_next(&self, count: usize, status: u16) {
        self.state.failure.store(status, Ordering::SeqCst);
        self.state.failures.store(count, Ordering::SeqCst);
    }

    /// While true, requests are taken and never answered.
    pub fn hang(&self, hang: bool) {
        self.state.hang.store(hang, Ordering::SeqCst);
    }

    /// Everything it took so far.
    pub fn received(&self) -> Vec<Received> {
        self.state.received.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Forgets what it took.
    pub fn forget(&self) {
        self.state.received.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// Waits for a request that `good` likes.
    pub async fn wait(&self, what: &str, limit: Duration, good: impl Fn(&Received) -> bool) -> Result<Received> {
        let end = Instant::now() + limit;
        loop {
            if let Some(found) = self.received().into_iter().find(&good) {
                return Ok(found);
            }
            if Instant::now() >= end {
                let seen: Vec<String> =
                    self.received().iter().map(|r| String::from_utf8_lossy(&r.body).into_owned()).collect();
                anyhow::bail!("{what}: no such request within {limit:?}; {} seen:\n{}", seen.len(), seen.join("\n"));
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Waits for an event of the notification protocol about `kind/name` with `reason`.
    pub async fn event(&self, kind: &str, name: &str, reason: &str, limit: Duration) -> Result<Value> {
        let text = |value: &Value, pointer: &str| {
            value.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned()
        };
        let what = format!("event {reason} of {kind}/{name}");
        let found = self.wait(&what, limit, |received| {
            let event = received.json();
            received.answered == 200
                && text(&event, "/involvedObject/kind") == kind
                && text(&event, "/involvedObject/name") == name
                && text(&event, "/reason") == reason
        });
        Ok(found.await?.json())
    }
}

async fn take(State(state): State<Arc<Sink>>, request: Request<Body>) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = body.collect().await else { return StatusCode::BAD_REQUEST.into_response() };
    let hang = state.hang.load(Ordering::SeqCst);
    let fails = state.failures.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok();
    let answered = match (hang, fails) {
        (true, _) => 0,
        (false, true) => state.failure.load(Ordering::SeqCst),
        (false, false) => 200,
    };
    state.received.lock().unwrap_or_else(PoisonError::into_inner).push(Received {
        method: parts.method.to_string(),
        path: parts.uri.path_and_query().map(ToString::to_string).unwrap_or_default(),
        headers: parts
            .headers
            .iter()
            .map(|(name, value)| (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
            .collect(),
        body: body.to_bytes(),
        answered,
        at: Instant::now(),
    });
    if hang {
        let _ = background::until("the end of the hang", Duration::from_secs(3600), || async {
            !state.hang.load(Ordering::SeqCst)
        })
        .await;
    }
    StatusCode::from_u16(answered).unwrap_or(StatusCode::OK).into_response()
}
