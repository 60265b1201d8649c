//! A response body as lines.

use bytes::{Bytes, BytesMut};
use futures::Stream;
use http::Response;
use http_body_util::BodyExt;
use kube::client::Body;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// No event is larger than an object can be (etcd takes 1.5 MiB; the margin is for escapes and managed fields).
const LONGEST: usize = 32 << 20;

/// Splits at line feeds; bounded, and holding no more than the line under way.
pub(super) fn split(body: Body) -> impl Stream<Item = Result<Bytes, BoxError>> + Send {
    futures::stream::try_unfold((body, BytesMut::new(), 0), |(mut body, mut buffer, mut scanned)| async move {
        loop {
            if let Some(at) = buffer.get(scanned..).and_then(|rest| rest.iter().position(|byte| *byte == b'\n')) {
                let line = buffer.split_to(scanned + at + 1).freeze();
                // Let go of memory that one large event needed.
                if buffer.is_empty() {
                    buffer = BytesMut::new();
                }
                return Ok(Some((line, (body, buffer, 0))));
            }
            scanned = buffer.len();
            if scanned > LONGEST {
                return Err("an event is longer than 32 MiB".into());
            }
            match body.frame().await {
                Some(frame) => {
                    if let Ok(data) = frame.map_err(BoxError::from)?.into_data() {
                        buffer.extend_from_slice(&data);
                    }
                }
                None => return Ok(None),
            }
        }
    })
}

/// What the server said instead of a stream.
pub(super) async fn refusal(response: Response<Body>) -> kube::Error {
    let code = response.status().as_u16();
    let text = match response.into_body().collect().await {
        Ok(body) => body.to_bytes(),
        Err(error) => return error,
    };
    match serde_json::from_slice::<kube::core::Status>(&text) {
        Ok(status) => kube::Error::Api(Box::new(status)),
        Err(_) => {
            let message: String = String::from_utf8_lossy(&text).chars().take(200).collect();
            kube::Error::Api(Box::new(kube::core::Status::failure(&message, "Unknown").with_code(code)))
        }
    }
}
