//! Counts requests as client-go does: `rest_client_requests_total{code,method,host}`.

use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use http::{Method, Request, Response};
use tower::{Layer, Service};

use crate::metrics::Metrics;

#[derive(Clone, Debug)]
pub(super) struct CountLayer {
    metrics: Metrics,
    host: Arc<str>,
}

impl CountLayer {
    pub(super) fn new(metrics: Metrics, host: String) -> Self {
        Self { metrics, host: host.into() }
    }
}

impl<S> Layer<S> for CountLayer {
    type Service = Count<S>;

    fn layer(&self, inner: S) -> Count<S> {
        Count { inner, layer: self.clone() }
    }
}

#[derive(Clone, Debug)]
pub(super) struct Count<S> {
    inner: S,
    layer: CountLayer,
}

impl<S, A, B> Service<Request<A>> for Count<S>
where
    S: Service<Request<A>, Response = Response<B>>,
    S::Future: Unpin,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Counted<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<A>) -> Self::Future {
        let method = request.method().clone();
        Counted { inner: self.inner.call(request), layer: self.layer.clone(), method }
    }
}

#[derive(Debug)]
pub(super) struct Counted<F> {
    inner: F,
    layer: CountLayer,
    method: Method,
}

impl<F, B, E> Future for Counted<F>
where
    F: Future<Output = Result<Response<B>, E>> + Unpin,
{
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let result = ready!(Pin::new(&mut self.inner).poll(cx));
        let code = result.as_ref().ok().map(|response| response.status().as_u16());
        self.layer.metrics.request(code, &self.method, &self.layer.host);
        Poll::Ready(result)
    }
}
