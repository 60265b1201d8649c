//! A token bucket for API servers without priority and fairness.

use std::{
    sync::{Arc, Mutex},
    task::{Context, Poll},
    time::Duration,
};

use futures::future::BoxFuture;
use http::Request;
use kube::{Client, client::Body};
use tokio::time::Instant;
use tower::{Layer, Service};

use crate::clock;

/// Limits requests per second with a burst; clones share the bucket.
#[derive(Clone, Debug)]
pub struct Limit {
    bucket: Option<Arc<Mutex<Bucket>>>,
}

#[derive(Debug)]
struct Bucket {
    per_second: f64,
    burst: f64,
    tokens: f64,
    filled: Instant,
}

impl Limit {
    /// No limit.
    #[must_use]
    pub fn off() -> Self {
        Self { bucket: None }
    }

    /// `qps` per second, `burst` at once. Not positive means no limit, as in client-go.
    #[must_use]
    pub fn new(qps: f32, burst: i32) -> Self {
        if qps <= 0.0 || burst <= 0 {
            return Self::off();
        }
        let burst = f64::from(burst);
        let bucket = Bucket { per_second: f64::from(qps), burst, tokens: burst, filled: clock::instant() };
        Self { bucket: Some(Arc::new(Mutex::new(bucket))) }
    }

    /// Whether there is no limit.
    #[must_use]
    pub fn is_off(&self) -> bool {
        self.bucket.is_none()
    }

    /// Takes a token and says how long to wait before it may be used.
    fn take(&self, now: Instant) -> Duration {
        let Some(bucket) = &self.bucket else { return Duration::ZERO };
        let mut bucket = bucket.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let gained = now.saturating_duration_since(bucket.filled).as_secs_f64() * bucket.per_second;
        bucket.tokens = (bucket.tokens + gained).min(bucket.burst) - 1.0;
        bucket.filled = now;
        Duration::from_secs_f64((-bucket.tokens / bucket.per_second).max(0.0))
    }
}

/// Whether the server has priority and fairness: it says so in the headers of any answer.
pub(super) async fn server_limits(client: &Client) -> bool {
    let Ok(request) = Request::head("/livez/ping").body(Body::empty()) else { return false };
    match tokio::time::timeout(Duration::from_secs(10), client.send(request)).await {
        Ok(Ok(response)) => response.headers().contains_key("x-kubernetes-pf-flowschema-uid"),
        _ => false,
    }
}

#[derive(Clone, Debug)]
pub(super) struct LimitLayer(Limit);

impl LimitLayer {
    pub(super) fn new(limit: Limit) -> Self {
        Self(limit)
    }
}

impl<S> Layer<S> for LimitLayer {
    type Service = Limited<S>;

    fn layer(&self, inner: S) -> Limited<S> {
        Limited { inner, limit: self.0.clone() }
    }
}

#[derive(Clone, Debug)]
pub(super) struct Limited<S> {
    inner: S,
    limit: Limit,
}

impl<S, R> Service<R> for Limited<S>
where
    S: Service<R>,
    S::Future: Send + 'static,
    S::Response: Send + 'static,
    S::Error: Send + 'static,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = BoxFuture<'static, Result<S::Response, S::Error>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: R) -> Self::Future {
        let wait = self.limit.take(clock::instant());
        let call = self.inner.call(request);
        Box::pin(async move {
            if !wait.is_zero() {
                tokio::time::sleep(wait).await;
            }
            // hyper's request begins when its future is first polled.
            call.await
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_passes_and_then_the_rate_holds() {
        let limit = Limit::new(10.0, 3);
        let now = clock::instant();
        let waits: Vec<_> = (0..5).map(|_| limit.take(now).as_millis()).collect();
        assert_eq!(waits, [0, 0, 0, 100, 200]);
        assert_eq!(limit.take(now + Duration::from_secs(10)), Duration::ZERO);
        assert!(Limit::new(0.0, 5).is_off() && Limit::off().take(now).is_zero());
    }
}
