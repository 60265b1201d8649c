//! One event to the receiver, by HTTP POST or gRPC.

use std::time::Duration;

use bytes::Bytes;
use http::{Request, StatusCode, header::CONTENT_TYPE};
use http_body_util::{BodyExt, Full};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};
use weir_proto::{
    WireEvent,
    event::v1::{PublishRequest, events_client::EventsClient},
};

use crate::{
    client::Clients,
    flags::GrpcArgs,
    grpc::{InvalidPeer, Peer},
    settings::Settings,
};

/// How long one try may take.
const TRY: Duration = Duration::from_secs(5);

/// `--events-addr` makes no sense.
#[derive(Debug, thiserror::Error)]
#[error("invalid --events-addr {addr:?}: expected http://host/, https://host/, grpc://host:port or grpcs://host:port")]
pub struct InvalidEventsAddr {
    /// What was written.
    pub addr: String,
    /// Why, where that says more.
    #[source]
    source: Option<Box<InvalidPeer>>,
}

/// An event was not taken.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// The receiver could not be reached.
    #[error("failed to reach the events receiver")]
    Connect(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// It answered something else than accepted or duplicate.
    #[error("the events receiver answered {0}")]
    Status(StatusCode),
    /// It refused by gRPC.
    #[error("the events receiver answered {}: {}", .0.code(), .0.message())]
    Grpc(Box<tonic::Status>),
    /// It did not answer in time.
    #[error("the events receiver did not answer within 5s")]
    Timeout,
}

impl SendError {
    /// Whether sending the same event again cannot help.
    #[must_use]
    pub fn is_final(&self) -> bool {
        match self {
            Self::Connect(_) | Self::Timeout => false,
            Self::Status(code) => {
                code.is_client_error() && !matches!(*code, StatusCode::REQUEST_TIMEOUT | StatusCode::NOT_FOUND)
            }
            Self::Grpc(status) => matches!(status.code(), tonic::Code::InvalidArgument | tonic::Code::OutOfRange),
        }
    }

    /// Whether the receiver answered for this one event; else nobody is there for any, or not now.
    #[must_use]
    pub fn is_answer(&self) -> bool {
        use tonic::Code;
        match self {
            Self::Connect(_) | Self::Timeout => false,
            Self::Status(code) => !matches!(
                *code,
                StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT
            ),
            Self::Grpc(status) => !matches!(
                status.code(),
                Code::Unavailable | Code::DeadlineExceeded | Code::Cancelled | Code::Unauthenticated
            ),
        }
    }
}

#[derive(Debug)]
pub(super) enum Sender {
    /// Plain HTTP, the usual case inside a cluster, without a TLS stack.
    Http(Box<Http>),
    /// HTTPS.
    Https { client: reqwest::Client, url: String },
    /// gRPC.
    Grpc(Box<Peer>),
}

#[derive(Debug)]
pub(super) struct Http {
    client: Client<HttpConnector, Full<Bytes>>,
    url: http::Uri,
}

impl Sender {
    /// `None` when the address is empty.
    pub(super) fn new(
        addr: &str,
        args: &GrpcArgs,
        settings: &Settings,
        clients: &Clients,
    ) -> Result<Option<Self>, InvalidEventsAddr> {
        let invalid = || InvalidEventsAddr { addr: crate::redact::scrub(addr).into_owned(), source: None };
        if addr.is_empty() {
            return Ok(None);
        }
        let (scheme, rest) = addr.split_once("://").ok_or_else(invalid)?;
        Ok(Some(match scheme {
            "http" => {
                let url: http::Uri = addr.parse().map_err(|_| invalid())?;
                let client = Client::builder(TokioExecutor::new())
                    .pool_timer(TokioTimer::new())
                    .pool_idle_timeout(Duration::from_secs(30))
                    .pool_max_idle_per_host(2)
                    .build_http();
                Self::Http(Box::new(Http { client, url }))
            }
            "https" => {
                crate::tls::install();
                let client = reqwest::Client::builder().timeout(TRY).build().map_err(|_| invalid())?;
                Self::Https { client, url: addr.to_owned() }
            }
            "grpc" | "grpcs" if !rest.is_empty() => {
                let peer = Peer::new(addr, args, settings, clients);
                let wrong = |source| InvalidEventsAddr { source: Some(Box::new(source)), ..invalid() };
                Self::Grpc(Box::new(peer.map_err(wrong)?))
            }
            _ => return Err(invalid()),
        }))
    }

    pub(super) async fn send(&self, event: &WireEvent) -> Result<(), SendError> {
        match tokio::time::timeout(TRY, self.try_once(event)).await {
            Ok(result) => result,
            Err(_) => Err(SendError::Timeout),
        }
    }

    async fn try_once(&self, event: &WireEvent) -> Result<(), SendError> {
        let status = match self {
            Self::Http(http) => {
                let request = Request::post(http.url.clone())
                    .header(CONTENT_TYPE, "application/json")
                    .body(Full::from(json(event)))
                    .map_err(|error| SendError::Connect(error.into()))?;
                let response = http.client.request(request).await.map_err(|error| SendError::Connect(error.into()))?;
                let status = response.status();
                // Read to the end, so that the connection can be used again.
                let _ = response.into_body().collect().await;
                status
            }
            Self::Https { client, url } => {
                let request = client.post(url).header(CONTENT_TYPE, "application/json").body(json(event));
                let response = request.send().await.map_err(|error| SendError::Connect(error.without_url().into()))?;
                response.status()
            }
            Self::Grpc(peer) => return publish(peer, event).await,
        };
        // 429 is how Flux says that it has the event already.
        if status.is_success() || status == StatusCode::TOO_MANY_REQUESTS {
            return Ok(());
        }
        Err(SendError::Status(status))
    }
}

async fn publish(peer: &Peer, event: &WireEvent) -> Result<(), SendError> {
    let request = PublishRequest { event: Some(event.clone().into()) };
    let channel = peer.channel().await.map_err(|status| SendError::Grpc(Box::new(status)))?;
    match EventsClient::new(channel).publish(request).await {
        Ok(_) => Ok(()),
        Err(status) => Err(SendError::Grpc(Box::new(status))),
    }
}

fn json(event: &WireEvent) -> Bytes {
    serde_json::to_vec(event).expect("an event of strings is JSON").into()
}
