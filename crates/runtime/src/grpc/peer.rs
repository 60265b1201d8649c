//! A channel to another service, with a token.

use std::{path::PathBuf, sync::Arc, time::Duration};

use k8s_openapi::api::{
    authentication::v1::{TokenRequest, TokenRequestSpec},
    core::v1::ServiceAccount,
};
use kube::{Api, Client, api::PostParams};
use tokio::{sync::Mutex, time::Instant};
use tonic::{
    Status,
    metadata::{Ascii, MetadataValue},
    service::{Interceptor, interceptor::InterceptedService},
    transport::{Channel, Endpoint},
};

use super::AUDIENCE;
use crate::{client::Clients, clock, flags::GrpcArgs, redact::Secret, settings::Settings};

/// How long a token read from a file is used before the file is read again.
const REREAD: Duration = Duration::from_secs(60);
/// How long a requested token should live.
const LIFE: i64 = 3600;
/// Where a pod finds its own token, whose subject is its ServiceAccount.
const OWN_TOKEN: &str = "/var/run/secrets/kubernetes.io/serviceaccount/token";

/// Not the address of a peer.
#[derive(Debug, thiserror::Error)]
#[error("invalid gRPC address {addr:?}: expected host:port")]
pub struct InvalidPeer {
    /// What was written.
    pub addr: String,
    /// Why.
    #[source]
    source: tonic::transport::Error,
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
    /// A peer at `host:port` (or `grpc://host:port`, `http://host:port`).
    ///
    /// # Errors
    /// When `addr` is no address.
    pub fn new(addr: &str, args: &GrpcArgs, settings: &Settings, clients: &Clients) -> Result<Self, InvalidPeer> {
        let bare = addr.strip_prefix("grpc://").or_else(|| addr.strip_prefix("http://")).unwrap_or(addr);
        let bare = bare.trim_end_matches('/');
        let endpoint = Endpoint::from_shared(format!("http://{bare}"))
            .map_err(|source| InvalidPeer { addr: addr.to_owned(), source })?
            .user_agent(settings.name)
            .map_err(|source| InvalidPeer { addr: addr.to_owned(), source })?
            .connect_timeout(Duration::from_secs(5))
            .tcp_nodelay(true)
            .http2_keep_alive_interval(Duration::from_secs(30))
            .keep_alive_timeout(Duration::from_secs(10))
            .keep_alive_while_idle(true);
        let source = match &args.grpc_token_file {
            Some(path) => Source::File(path.clone()),
            None => match own_account(OWN_TOKEN) {
                Some((namespace, name)) => Source::Request { client: clients.own(), namespace, name },
                None => Source::None,
            },
        };
        Ok(Self { channel: endpoint.connect_lazy(), tokens: Arc::new(Tokens { source, cached: Mutex::default() }) })
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
