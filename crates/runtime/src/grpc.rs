//! gRPC between services: a server with reflection, health and authentication, and a channel to a peer.
//!
//! ```text
//! caller ─ authorization: Bearer <ServiceAccount token, audience weir> ─► TokenReview ─► Caller in the request
//!                                                                handler: caller.may("get", object) ─► SubjectAccessReview
//! ```
//! Both answers are cached for a short while, and strangers cannot make us ask often. TLS where certificates are mounted.

mod accept;
mod auth;
mod peer;
mod server;
mod tls;

pub use auth::{Access, Caller};
pub use peer::{InvalidPeer, Peer, authority};
pub(crate) use server::serve;
pub(crate) use tls::ServerTls;
pub use tls::TlsError;

/// The audience of tokens between services.
pub const AUDIENCE: &str = "weir";

/// Puts a trace context into a request's metadata.
pub fn trace<T>(request: &mut tonic::Request<T>, traceparent: Option<&str>) {
    if let Some(value) = traceparent.and_then(|text| text.parse().ok()) {
        request.metadata_mut().insert("traceparent", value);
    }
}

/// The trace context a caller sent.
#[must_use]
pub fn traceparent<T>(request: &tonic::Request<T>) -> Option<String> {
    request.metadata().get("traceparent")?.to_str().ok().map(str::to_owned)
}
