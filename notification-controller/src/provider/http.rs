//! POST requests to providers.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use http::{HeaderMap, StatusCode, header};
use reqwest::{Certificate, Client, Identity, Proxy, Url, redirect};
use sha2::{Digest, Sha256};
use weir_api::notification::Provider;
use weir_runtime::ObjectKey;

use super::settings::{Settings, SettingsError, proxy_url};

/// Of an answer this much is read.
const MAX_REPLY: usize = 64 << 10;
/// Of an error's answer this much is shown.
const SHOWN: usize = 512;
/// A provider may not ask for more patience than this.
const MAX_PATIENCE: Duration = Duration::from_secs(600);
/// Redirects that are followed, on the same host only.
const MAX_REDIRECTS: usize = 5;
/// How long unused connections are kept.
const IDLE: Duration = Duration::from_secs(30);
/// Clients that are kept.
const MAX_CLIENTS: usize = 64;

/// A request that was not taken.
#[derive(Debug, thiserror::Error)]
pub enum PostError {
    /// No answer in time.
    #[error("the provider did not answer within {0:?}")]
    Timeout(Duration),
    /// It could not be reached.
    #[error("failed to execute request: {0}")]
    Connect(String),
    /// It answered with an error.
    #[error("request failed with status code {code}: {body}")]
    Status {
        /// Its status.
        code: u16,
        /// What it said.
        body: String,
        /// When it wants to be asked again.
        retry_after: Option<Duration>,
    },
    /// It answered that it did not do it.
    #[error("request failed: {what}")]
    Refused {
        /// In its words.
        what: String,
        /// Whether asking again may help.
        transient: bool,
    },
}

impl PostError {
    /// Whether trying again soon cannot help.
    #[must_use]
    pub fn is_permanent(&self) -> bool {
        match self {
            Self::Timeout(_) | Self::Connect(_) => false,
            Self::Status { code, .. } => (300..500).contains(code) && !matches!(code, 408 | 409 | 423 | 425 | 429),
            Self::Refused { transient, .. } => !transient,
        }
    }

    /// When the other side wants to be asked again.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Status { retry_after, .. } => *retry_after,
            _ => None,
        }
    }

    /// The same without secrets.
    #[must_use]
    pub fn masked(self, settings: &Settings) -> Self {
        match self {
            Self::Connect(text) => Self::Connect(settings.masked(&text)),
            Self::Status { code, body, retry_after } => {
                Self::Status { code, body: settings.masked(&body), retry_after }
            }
            Self::Refused { what, transient } => Self::Refused { what: settings.masked(&what), transient },
            Self::Timeout(limit) => Self::Timeout(limit),
        }
    }
}

/// Judges the body of an answer with a good status.
pub type Judge = fn(&[u8]) -> Result<(), PostError>;

/// A request to make.
#[derive(Clone, Debug)]
pub struct Post {
    /// Where.
    pub url: Url,
    /// Headers beside the content type.
    pub headers: HeaderMap,
    /// JSON.
    pub body: Vec<u8>,
    /// Judges the body of a good answer.
    pub judge: Option<Judge>,
}

/// Clients per provider, so that connections are used again.
#[derive(Debug, Default)]
pub struct Clients {
    kept: Mutex<HashMap<ObjectKey, ([u8; 32], Client)>>,
}

impl Clients {
    /// The client for a provider; a new one when its proxy or certificates changed.
    ///
    /// # Errors
    /// When these make no sense.
    pub fn get(&self, provider: &Provider, settings: &Settings) -> Result<Client, SettingsError> {
        let key = ObjectKey::of(provider);
        let print = fingerprint(settings);
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, client)) = kept.get(&key).filter(|(old, _)| *old == print) {
            return Ok(client.clone());
        }
        let client = build(settings)?;
        if kept.len() >= MAX_CLIENTS {
            kept.clear();
        }
        kept.insert(key, (print, client.clone()));
        Ok(client)
    }
}

fn fingerprint(settings: &Settings) -> [u8; 32] {
    let tls = settings.tls.clone().unwrap_or_default();
    let mut digest = Sha256::new();
    for part in [
        settings.proxy.as_ref().map(|proxy| proxy.expose().as_bytes()).unwrap_or_default(),
        tls.ca.as_deref().unwrap_or_default(),
        tls.identity.as_ref().map(|pem| pem.expose().as_slice()).unwrap_or_default(),
    ] {
        digest.update((part.len() as u64).to_le_bytes());
        digest.update(part);
    }
    digest.finalize().into()
}

fn build(settings: &Settings) -> Result<Client, SettingsError> {
    weir_runtime::tls::install();
    let mut builder = Client::builder()
        .redirect(redirect::Policy::custom(same_host))
        .pool_idle_timeout(IDLE)
        .pool_max_idle_per_host(2)
        .user_agent(concat!("weir-notification-controller/", env!("CARGO_PKG_VERSION")));
    if let Some(proxy) = &settings.proxy {
        let proxy = Proxy::all(proxy_url(proxy.expose())?).map_err(SettingsError::Tls)?;
        builder = builder.proxy(proxy);
    }
    if let Some(tls) = &settings.tls {
        if let Some(ca) = &tls.ca {
            builder = builder.tls_certs_only(Certificate::from_pem_bundle(ca).map_err(SettingsError::Tls)?);
        }
        if let Some(pem) = &tls.identity {
            builder = builder.identity(Identity::from_pem(pem.expose()).map_err(SettingsError::Tls)?);
        }
    }
    builder.build().map_err(SettingsError::Tls)
}

/// Follows within the host that was asked: headers and body may hold credentials that are not for others.
fn same_host(attempt: redirect::Attempt<'_>) -> redirect::Action {
    let first = attempt.previous().first();
    let same = first.is_some_and(|first| {
        let upgraded = first.scheme() == "http" && attempt.url().scheme() == "https";
        first.host_str() == attempt.url().host_str()
            && (first.port_or_known_default() == attempt.url().port_or_known_default()
                && first.scheme() == attempt.url().scheme()
                || upgraded)
    });
    if same && attempt.previous().len() <= MAX_REDIRECTS { attempt.follow() } else { attempt.stop() }
}

/// Makes a request within `limit`.
///
/// # Errors
/// When it was not taken; the text may hold secrets still.
pub async fn post(client: &Client, post: Post, limit: Duration) -> Result<(), PostError> {
    let request = client
        .post(post.url)
        .headers(post.headers)
        .header(header::CONTENT_TYPE, "application/json")
        .body(post.body)
        .timeout(limit)
        .send();
    let failed = |error: reqwest::Error| {
        if error.is_timeout() {
            return PostError::Timeout(limit);
        }
        PostError::Connect(weir_reconcile::describe(&error.without_url()))
    };
    let mut response = request.await.map_err(failed)?;
    let status = response.status();
    let retry_after = retry_after(response.headers());
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(failed)? {
        let room = MAX_REPLY - body.len();
        body.extend(chunk.get(..room.min(chunk.len())).unwrap_or_default());
        if body.len() >= MAX_REPLY {
            break;
        }
    }
    if status.is_success() {
        return post.judge.map_or(Ok(()), |judge| judge(&body));
    }
    Err(PostError::Status { code: status.as_u16(), body: shown(&body, status), retry_after })
}

fn shown(body: &[u8], status: StatusCode) -> String {
    if status.is_redirection() {
        return "redirects to other hosts are not followed, set the address to where it leads".to_owned();
    }
    let text: String = String::from_utf8_lossy(body).chars().filter(|c| !c.is_control()).take(SHOWN).collect();
    if text.is_empty() { status.canonical_reason().unwrap_or("no reason given").to_owned() } else { text }
}

fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds).min(MAX_PATIENCE))
}
