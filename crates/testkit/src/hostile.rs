//! A server that means harm: bodies that never end, pages that never end, archives that grow.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::Result;
use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::StatusCode;
use serde_json::json;

use crate::http_server::HttpServer;

const GIB: u64 = 1 << 30;
/// How much an endless body would send if nobody stopped it.
pub const ENDLESS: u64 = 10 * GIB;

/// The server. Its paths:
/// - `/stream…`: a body of [`ENDLESS`] bytes
/// - `/v2/<name>/tags/list`: a page of tags, and always another one
/// - `/v2/<name>/manifests/<tag>`: an artifact whose layer is [`ENDLESS`] bytes, and the layer itself below `blobs`
/// - `/<name>.git/info/refs`: references without end
/// - `/redirect`: a redirect to itself
#[derive(Debug)]
pub struct Hostile {
    http: HttpServer,
    counts: Arc<Counts>,
}

#[derive(Debug, Default)]
struct Counts {
    bytes: AtomicU64,
    requests: AtomicU64,
}

impl Hostile {
    /// Starts one.
    pub async fn start() -> Result<Self> {
        let counts = Arc::new(Counts::default());
        let router = Router::new().fallback(answer).with_state(Arc::clone(&counts));
        Ok(Self { http: HttpServer::start(router, None).await?, counts })
    }

    /// `http://127.0.0.1:<port>/<path>`.
    pub fn url(&self, path: &str) -> String {
        format!("{}/{}", self.http.url(), path.trim_start_matches('/'))
    }

    /// `127.0.0.1:<port>`.
    pub fn address(&self) -> String {
        self.http.address()
    }

    /// Bytes of endless bodies that clients took.
    pub fn sent(&self) -> u64 {
        self.counts.bytes.load(Ordering::Relaxed)
    }

    /// Requests it answered.
    pub fn requests(&self) -> u64 {
        self.counts.requests.load(Ordering::Relaxed)
    }
}

async fn answer(State(counts): State<Arc<Counts>>, request: Request) -> Response {
    let number = counts.requests.fetch_add(1, Ordering::Relaxed);
    let path = request.uri().path();
    if path == "/v2/" || path == "/v2" {
        return StatusCode::OK.into_response();
    }
    if path.ends_with("/tags/list") {
        let tags: Vec<String> = (0..1000).map(|index| format!("1.{number}.{index}")).collect();
        let next = format!("<{path}?last=1.{number}.999&n=1000>; rel=\"next\"");
        return ([("link", next)], axum::Json(json!({"name": "hostile", "tags": tags}))).into_response();
    }
    if path.contains("/manifests/") {
        let config = "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a";
        let manifest = json!({
            "schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": {"mediaType": "application/vnd.cncf.flux.config.v1+json", "digest": config, "size": 2},
            "layers": [{"mediaType": "application/vnd.cncf.flux.content.v1.tar+gzip", "size": ENDLESS,
                        "digest": format!("sha256:{}", "0".repeat(64))}],
        });
        return ([("content-type", "application/vnd.oci.image.manifest.v1+json")], manifest.to_string())
            .into_response();
    }
    if path.ends_with("/info/refs") {
        let line = |text: &str| format!("{:04x}{text}", text.len() + 4);
        let head = format!("{}0000", line("# service=git-upload-pack\n"));
        let reference = line(&format!("{} refs/heads/b\n", "1".repeat(40)));
        let body = endless(counts, Bytes::from(head), Bytes::from(reference.repeat(1000)));
        return ([("content-type", "application/x-git-upload-pack-advertisement")], body).into_response();
    }
    if path == "/redirect" {
        return (StatusCode::FOUND, [("location", "/redirect")]).into_response();
    }
    endless(counts, gzip_header(), Bytes::from(stored_block())).into_response()
}

/// `head`, then `chunk` until [`ENDLESS`] bytes are out or the client goes.
fn endless(counts: Arc<Counts>, head: Bytes, chunk: Bytes) -> Body {
    let stream = futures::stream::unfold((Some(head), 0_u64), move |(head, sent)| {
        let counts = Arc::clone(&counts);
        let chunk = chunk.clone();
        async move {
            let next = head.unwrap_or(chunk);
            let sent = sent + next.len() as u64;
            counts.bytes.fetch_add(next.len() as u64, Ordering::Relaxed);
            (sent < ENDLESS).then_some((Ok::<_, Infallible>(next), (None, sent)))
        }
    });
    Body::from_stream(stream)
}

fn gzip_header() -> Bytes {
    Bytes::from_static(&[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255])
}

/// A deflate block that holds 65,535 bytes as they are, and is not the last one.
fn stored_block() -> Vec<u8> {
    let mut block = vec![0_u8, 0xff, 0xff, 0, 0];
    block.resize(5 + 65_535, b'A');
    block
}
