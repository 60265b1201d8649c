//! A small HTTP server for requests from strangers: everything about a request is bounded.
//!
//! | what | bound |
//! |---|---|
//! | headers | 256 KiB, 10 s |
//! | body | 3 MiB, 30 s from the request's start |
//! | bodies of all requests | 64 MiB at a time, more are answered 503 |
//! | connections | 512 at a time, more wait to be accepted |

mod metrics;

use std::{convert::Infallible, sync::Arc, time::Duration};

use bytes::{Bytes, BytesMut};
use http::{HeaderValue, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full};
use hyper::{
    body::{Body, Incoming},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    net::TcpListener,
    sync::{Semaphore, SemaphorePermit},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

pub use metrics::HttpMetrics;

/// The longest body.
pub const MAX_BODY: usize = 3 << 20;
/// Bodies that are being read at a time, in KiB: many callers that each send slowly must not fill the memory.
static BODIES: Semaphore = Semaphore::const_new(64 << 10);
const MAX_HEADERS: usize = 256 << 10;
const MAX_HEADER_COUNT: usize = 1_000;
const HEADERS_WITHIN: Duration = Duration::from_secs(10);
const BODY_WITHIN: Duration = Duration::from_secs(30);
const MAX_CONNECTIONS: usize = 512;
/// How long requests under way may take to end at shutdown.
const GRACE: Duration = Duration::from_secs(5);
/// How long to wait after an accept failed, usually for want of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// The request to answer, its body not read yet.
pub type Asked = Request<Incoming>;
/// An answer.
pub type Answer = Response<Full<Bytes>>;

/// Answers requests.
pub trait Handler: Send + Sync + 'static {
    /// The label `handler` of metrics.
    const NAME: &'static str;

    /// Answers one request; [`body`] reads its body.
    fn handle(&self, request: Asked) -> impl Future<Output = Answer> + Send;
}

/// Serves until shutdown, then lets requests under way end.
pub async fn serve<H: Handler>(
    listener: TcpListener,
    handler: Arc<H>,
    metrics: HttpMetrics,
    shutdown: CancellationToken,
) {
    let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let connections = TaskTracker::new();
    loop {
        let Some(Ok(place)) = shutdown.run_until_cancelled(Arc::clone(&places).acquire_owned()).await else { break };
        let stream = match shutdown.run_until_cancelled(listener.accept()).await {
            None => break,
            Some(Ok((stream, _))) => stream,
            Some(Err(error)) => {
                tracing::error!(error = %error, "cannot accept a connection");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let (handler, metrics, stop) = (Arc::clone(&handler), metrics.clone(), shutdown.clone());
        connections.spawn(async move {
            let _place = place;
            let service = service_fn(move |request| {
                let (handler, metrics) = (Arc::clone(&handler), metrics.clone());
                async move { Ok::<_, Infallible>(metrics.measured(handler.as_ref(), request).await) }
            });
            let mut builder = http1::Builder::new();
            builder.timer(TokioTimer::new()).header_read_timeout(HEADERS_WITHIN);
            builder.max_buf_size(MAX_HEADERS).max_headers(MAX_HEADER_COUNT);
            let mut connection = std::pin::pin!(builder.serve_connection(TokioIo::new(stream), service));
            let ended = tokio::select! {
                ended = connection.as_mut() => ended,
                () = stop.cancelled() => {
                    connection.as_mut().graceful_shutdown();
                    connection.await
                }
            };
            if let Err(error) = ended {
                tracing::debug!(error = %error, "connection ended");
            }
        });
    }
    connections.close();
    let _ = tokio::time::timeout(GRACE, connections.wait()).await;
}

/// Reads a body within its bounds, or says what to answer instead.
///
/// # Errors
/// 413 when it is too long, 408 when it takes too long, 503 when too much is being read already, 400 when it cannot be read.
pub async fn body(body: Incoming) -> Result<Bytes, Answer> {
    match tokio::time::timeout(BODY_WITHIN, read(body, &BODIES)).await {
        Ok(Ok(body)) => Ok(body),
        Ok(Err(Unread::TooLong)) => Err(too_large()),
        Ok(Err(Unread::TooMany)) => {
            let mut busy = answer(StatusCode::SERVICE_UNAVAILABLE, "too many bodies are being read");
            busy.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
            Err(busy)
        }
        Ok(Err(Unread::Broken)) => Err(answer(StatusCode::BAD_REQUEST, "the body cannot be read")),
        Err(_) => Err(answer(StatusCode::REQUEST_TIMEOUT, "the body did not arrive in time")),
    }
}

/// Why a body was not read.
#[derive(Debug, PartialEq, Eq)]
enum Unread {
    TooLong,
    TooMany,
    Broken,
}

/// The whole body, its size taken from `budget` while it comes in. Of one that is too long as much again is thrown away: a
/// caller that is still sending when the connection closes would not see the answer.
async fn read<B: Body<Data = Bytes> + Unpin>(mut body: B, budget: &Semaphore) -> Result<Bytes, Unread> {
    let mut kept = BytesMut::new();
    let mut total = 0;
    let mut taken: Option<SemaphorePermit<'_>> = None;
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|_| Unread::Broken)?.into_data() else { continue };
        total += data.len();
        if total > 2 * MAX_BODY {
            break;
        }
        if total > MAX_BODY {
            kept = BytesMut::new();
            taken = None;
            continue;
        }
        let missing = total.div_ceil(1024) - taken.as_ref().map_or(0, SemaphorePermit::num_permits);
        if missing > 0 {
            let more = u32::try_from(missing).ok().and_then(|missing| budget.try_acquire_many(missing).ok());
            let more = more.ok_or(Unread::TooMany)?;
            match &mut taken {
                Some(taken) => taken.merge(more),
                None => taken = Some(more),
            }
        }
        kept.extend_from_slice(&data);
    }
    if total > MAX_BODY { Err(Unread::TooLong) } else { Ok(kept.freeze()) }
}

fn too_large() -> Answer {
    answer(StatusCode::PAYLOAD_TOO_LARGE, "the body is larger than 3 MiB")
}

/// An answer with a sentence for people.
#[must_use]
pub fn answer(status: StatusCode, text: &'static str) -> Answer {
    let body = if text.is_empty() { Bytes::new() } else { Bytes::from(format!("{text}\n")) };
    let mut answer = Response::new(Full::new(body));
    *answer.status_mut() = status;
    let text = HeaderValue::from_static("text/plain; charset=utf-8");
    answer.headers_mut().insert(header::CONTENT_TYPE, text);
    answer
}

#[cfg(test)]
mod tests {
    use http_body_util::StreamBody;
    use hyper::body::Frame;

    use super::*;

    fn chunks(sizes: &[usize]) -> impl Body<Data = Bytes> + Unpin + use<> {
        let frames: Vec<_> =
            sizes.iter().map(|size| Ok::<_, Infallible>(Frame::data(Bytes::from(vec![b'a'; *size])))).collect();
        StreamBody::new(futures::stream::iter(frames))
    }

    #[tokio::test]
    async fn what_all_callers_send_together_is_bounded() {
        let budget = Semaphore::new(10);
        assert_eq!(read(chunks(&[100, 2000, 3000]), &budget).await.unwrap().len(), 5100);
        assert_eq!(budget.available_permits(), 10, "given back");
        let slow = futures::StreamExt::chain(
            futures::stream::iter([Ok::<_, Infallible>(Frame::data(Bytes::from(vec![0; 6000])))]),
            futures::stream::pending(),
        );
        let mut slow = std::pin::pin!(read(StreamBody::new(slow), &budget));
        assert!(futures::poll!(slow.as_mut()).is_pending());
        assert_eq!(read(chunks(&[1000, 5000]), &budget).await, Err(Unread::TooMany));
        assert_eq!(read(chunks(&[4000]), &budget).await.unwrap().len(), 4000, "a small one still has room");
        assert_eq!(read(chunks(&[0; 3]), &Semaphore::new(0)).await.unwrap().len(), 0);
    }

    #[tokio::test]
    async fn a_body_that_is_too_long_holds_nothing() {
        let budget = Semaphore::new(64 << 10);
        assert_eq!(read(chunks(&[MAX_BODY, 1]), &budget).await, Err(Unread::TooLong));
        assert_eq!(read(chunks(&[MAX_BODY]), &budget).await.unwrap().len(), MAX_BODY);
    }
}
