//! A channel to another service, with a token.

use std::{path::PathBuf, sync::Arc, time::Duration};

use hyper_util::rt::TokioIo;
use k8s_openapi::api::{
    authentication::v1::{TokenRequest, TokenRequestSpec},
    core::v1::ServiceAccount,
};
use kube::{Api, Client, api::PostParams};
use rustls::pki_types::ServerName;
use tokio::{net::TcpStream, sync::Mutex, time::Instant};
use tokio_rustls::TlsConnector;
use tonic::{
    Status,
    metadata::{Ascii, MetadataValue},
    service::{Interceptor, interceptor::InterceptedService},
    transport::{Channel, Endpoint},
};

use super::{
    AUDIENCE,
    tls::{ClientTls, TlsError},
};
use crate::{client::Clients, clock, flags::GrpcArgs, redact::Secret, settings::Settings};

/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(5);
/// How long a token read from a file is used before the file is read again.
const REREAD: Duration = Duration::from_secs(60);
/// How long a requested token should live.
const LIFE: i64 = 3600;
/// Where a pod finds its own token, whose subject is its ServiceAccount.
const OWN_TOKEN: &str = "/var/run/secrets/kubernetes.io/serviceaccount/token";

/// Not a peer that can be called.
#[derive(Debug, thiserror::Error)]
pub enum InvalidPeer {
    /// Not the address of one.
    #[error("invalid gRPC address {addr:?}: expected host:port or grpcs://host:port")]
    Address {
        /// What was written.
        addr: String,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Its certificate could not be checked.
    #[error("no TLS to gRPC address {addr:?}")]
    Tls {
        /// What was written.
        addr: String,
        /// Why.
        #[source]
        source: TlsError,
    },
}

/// Host and port of a peer's address, and whether it is reached over TLS: `grpcs://` and `https://` say so; `grpc://`,
/// `http://` and no scheme say not.
#[must_use]
pub fn authority(addr: &str) -> (&str, bool) {
    let (scheme, rest) = addr.split_once("://").unwrap_or(("", addr));
    (rest.trim_end_matches('/'), matches!(scheme, "grpcs" | "https"))
}

/// Another service. Connects when first used and again whenever needed; cheap to clone.
#[derive(Clone, Debug)]
pub struct Peer {
    channel: Channel,
    tokens: Arc<Tokens>,
}

/// A channel that shows the token.
pub type Authorized = InterceptedService<Channel, Bearer>;

impl Peer {
    /// A peer at `host:port` or `grpcs://host:port`, see [`authority`].
    ///
    /// # Errors
    /// When `addr` is no address, or certificates are needed and cannot be used.
    pub fn new(addr: &str, args: &GrpcArgs, settings: &Settings, clients: &Clients) -> Result<Self, InvalidPeer> {
        let (bare, secure) = authority(addr);
        let endpoint = endpoint(bare, secure, settings.name)
            .map_err(|source| InvalidPeer::Address { addr: addr.to_owned(), source })?;
        let channel = match secure {
            false => endpoint.connect_lazy(),
            true => {
                let failed = |source| InvalidPeer::Tls { addr: addr.to_owned(), source };
                connect_tls(&endpoint, ClientTls::new(args).map_err(failed)?)
            }
        };
        let source = match &args.grpc_token_file {
            Some(path) => Source::File(path.clone()),
            None => match own_account(OWN_TOKEN) {
                Some((namespace, name)) => Source::Request { client: clients.own(), namespace, name },
                None => Source::None,
            },
        };
        Ok(Self { channel, tokens: Arc::new(Tokens { source, cached: Mutex::default() }) })
    }

    /// A channel for one or more calls within the next minutes.
    ///
    /// # Errors
    /// `UNAUTHENTICATED` when no token can be had.
    pub async fn channel(&self) -> Result<Authorized, Status> {
        let header = match self.tokens.get().await {
            Ok(token) => token.and_then(|token| format!("Bearer {}", token.expose()).parse().ok()),
            Err(error) => return Err(Status::unauthenticated(format!("no token for the peer: {error}"))),
        };
        Ok(InterceptedService::new(self.channel.clone(), Bearer { header }))
    }
}

fn endpoint(bare: &str, secure: bool, agent: &str) -> Result<Endpoint, Box<dyn std::error::Error + Send + Sync>> {
    let mut endpoint = Endpoint::from_shared(format!("http://{bare}"))?;
    if secure {
        // The connector does TLS itself; the peer is told how it was called.
        endpoint = endpoint.origin(format!("https://{bare}").parse()?);
    }
    Ok(endpoint
        .user_agent(agent)?
        .connect_timeout(CONNECT)
        .tcp_nodelay(true)
        .http2_keep_alive_interval(Duration::from_secs(30))
        .keep_alive_timeout(Duration::from_secs(10))
        .keep_alive_while_idle(true))
}

/// A channel whose every connection is made with the certificates there are at that time.
fn connect_tls(endpoint: &Endpoint, tls: ClientTls) -> Channel {
    let tls = Arc::new(tls);
    endpoint.connect_with_connector_lazy(tower::service_fn(move |uri: http::Uri| {
        let tls = Arc::clone(&tls);
        async move {
            let host = uri.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']').to_owned();
            let stream = TcpStream::connect((host.as_str(), uri.port_u16().unwrap_or(443))).await?;
            stream.set_nodelay(true)?;
            // A fully qualified name is written without its last dot in certificates.
            let name = ServerName::try_from(host.trim_end_matches('.').to_owned()).map_err(std::io::Error::other)?;
            let stream = TlsConnector::from(tls.config()).connect(name, stream).await?;
            Ok::<_, std::io::Error>(TokioIo::new(stream))
        }
    }))
}

/// Adds the token to every call.
#[derive(Clone)]
pub struct Bearer {
    header: Option<MetadataValue<Ascii>>,
}

impl std::fmt::Debug for Bearer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Bearer")
    }
}

impl Interceptor for Bearer {
    fn call(&mut self, mut request: tonic::Request<()>) -> Result<tonic::Request<()>, Status> {
        if let Some(header) = &self.header {
            request.metadata_mut().insert("authorization", header.clone());
        }
        Ok(request)
    }
}

#[derive(Debug)]
struct Tokens {
    source: Source,
    cached: Mutex<Option<(Instant, Secret<String>)>>,
}

enum Source {
    None,
    File(PathBuf),
    Request { client: Client, namespace: String, name: String },
}

impl std::fmt::Debug for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::None => "None",
            Self::File(_) => "File",
            Self::Request { .. } => "Request",
        })
    }
}

impl Tokens {
    async fn get(&self) -> Result<Option<Secret<String>>, String> {
        let mut cached = self.cached.lock().await;
        let now = clock::instant();
        if let Some((until, token)) = cached.as_ref().filter(|(until, _)| *until > now) {
            let _ = until;
            return Ok(Some(token.clone()));
        }
        let (life, token) = match &self.source {
            Source::None => return Ok(None),
            Source::File(path) => {
                let text = tokio::fs::read_to_string(path).await;
                let text = text.map_err(|error| format!("cannot read {}: {error}", path.display()))?;
                (REREAD, text.trim().to_owned())
            }
            Source::Request { client, namespace, name } => request(client, namespace, name).await?,
        };
        let token = Secret::new(token);
        *cached = Some((now + life, token.clone()));
        Ok(Some(token))
    }
}

async fn request(client: &Client, namespace: &str, name: &str) -> Result<(Duration, String), String> {
    let spec = TokenRequestSpec {
        audiences: Some(vec![AUDIENCE.to_owned()]),
        expiration_seconds: Some(LIFE),
        ..TokenRequestSpec::default()
    };
    let request = TokenRequest { spec: Some(spec), ..TokenRequest::default() };
    let api: Api<ServiceAccount> = Api::namespaced(client.clone(), namespace);
    let answer = api.create_token_request(name, &PostParams::default(), &request).await;
    let answer = answer.map_err(|error| format!("ServiceAccount {namespace}/{name}: {error}"))?;
    let status = answer.status.ok_or("the API server sent no token")?;
    let life = status.expiration_timestamp.map(|at| clock::Clock::system().until(at.0)).unwrap_or_default();
    let token = status.token.ok_or("the API server sent no token")?;
    Ok((life.mul_f64(0.8), token))
}

/// The ServiceAccount the process runs as, from the subject of its own token.
fn own_account(path: &str) -> Option<(String, String)> {
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    let token = std::fs::read_to_string(path).ok()?;
    let claims = URL_SAFE_NO_PAD.decode(token.trim().split('.').nth(1)?).ok()?;
    let claims: serde_json::Value = serde_json::from_slice(&claims).ok()?;
    let subject = claims.get("sub")?.as_str()?;
    let (namespace, name) = subject.strip_prefix("system:serviceaccount:")?.split_once(':')?;
    Some((namespace.to_owned(), name.to_owned()))
}
