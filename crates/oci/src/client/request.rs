//! One request: the scheme found out, the challenge answered, the status judged.

use http::{HeaderValue, Method, StatusCode, header};
use oci_client::errors::OciEnvelope;
use reqwest::{Response, Url};

use super::Session;
use crate::{
    auth::{
        Credential,
        challenge::{self, Challenge},
        token,
    },
    error::{OciError, shown},
};

/// Of an error's body so much is read.
const ERROR_BYTES: u64 = 64 << 10;

impl Session {
    /// A request below `/v2/<repository>/`, answered with success.
    pub(super) async fn send(&self, method: Method, path: &str, accept: Option<&str>) -> Result<Response, OciError> {
        let plain = self.is_plain().await?;
        let scheme = if plain { "http" } else { "https" };
        let text = format!("{scheme}://{}/v2/{}/{path}", self.repository.registry(), self.repository.name());
        let url = Url::parse(&text)
            .map_err(|_| OciError::Url { reason: format!("{} is no valid address", self.repository) })?;
        self.send_to(method, &url, accept).await
    }

    /// A request to an address of this registry.
    pub(super) async fn send_to(&self, method: Method, url: &Url, accept: Option<&str>) -> Result<Response, OciError> {
        let registry = self.repository.registry();
        let credential = self.keychain.find(&self.repository);
        let known = self.transport.known(registry).challenge;
        let mut authorization = match &known {
            Some(challenge) => self.authorize(challenge, credential).await?,
            None => None,
        };
        let mut response = self.once(&method, url, accept, authorization.clone()).await?;
        if response.status() == StatusCode::UNAUTHORIZED
            && let Some(challenge) = challenge::read(response.headers())
        {
            if let Some(key) = self.token_key(&challenge, credential) {
                self.transport.tokens.forget(&key);
            }
            let shown_before = authorization.take();
            authorization = self.authorize(&challenge, credential).await?;
            self.transport.learn(registry, |known| known.challenge = Some(challenge));
            if authorization.is_some() && authorization != shown_before {
                response = self.once(&method, url, accept, authorization).await?;
            }
        }
        self.judge(response, credential).await
    }

    async fn once(
        &self,
        method: &Method,
        url: &Url,
        accept: Option<&str>,
        authorization: Option<HeaderValue>,
    ) -> Result<Response, OciError> {
        let mut request = self.transport.client(url.scheme() == "http")?.request(method.clone(), url.clone());
        if let Some(accept) = accept {
            request = request.header(header::ACCEPT, accept);
        }
        if let Some(authorization) = authorization {
            request = request.header(header::AUTHORIZATION, authorization);
        }
        request.send().await.map_err(|source| {
            self.transport.learn(self.repository.registry(), |known| known.plain = None);
            OciError::transport(url, source)
        })
    }

    /// Whether the registry speaks plain HTTP. Asked once: HTTPS first; HTTP only where the spec or the address allows it.
    async fn is_plain(&self) -> Result<bool, OciError> {
        let registry = self.repository.registry();
        if self.transport.plain_http() {
            return Ok(true);
        }
        if !self.plain_allowed() {
            return Ok(false);
        }
        if let Some(plain) = self.transport.known(registry).plain {
            return Ok(plain);
        }
        let ping = |scheme: &str| {
            Url::parse(&format!("{scheme}://{registry}/v2/"))
                .map_err(|_| OciError::Url { reason: format!("{registry} is no valid registry address") })
        };
        let (secure, open) = (ping("https")?, ping("http")?);
        let over_tls = self.transport.client(false)?.get(secure.clone()).send().await;
        let response = match over_tls {
            Ok(response) => (false, response),
            // A server whose certificate is refused speaks TLS: going on without would be a downgrade.
            Err(first) if is_certificate(&first) => return Err(OciError::transport(&secure, first)),
            Err(first) => match self.transport.client(true)?.get(open).send().await {
                Ok(response) if matches!(response.status().as_u16(), 200 | 401 | 403) => (true, response),
                // The error of HTTPS tells more than that of the fallback.
                _ => return Err(OciError::transport(&secure, first)),
            },
        };
        self.transport.learn(registry, |known| {
            known.plain = Some(response.0);
            known.challenge = challenge::read(response.1.headers()).filter(|_| response.1.status() == 401);
        });
        Ok(response.0)
    }

    pub(super) fn plain_allowed(&self) -> bool {
        self.transport.insecure() || self.transport.plain_http() || self.repository.is_local()
    }

    async fn authorize(
        &self,
        challenge: &Challenge,
        credential: Option<&Credential>,
    ) -> Result<Option<HeaderValue>, OciError> {
        let Some(key) = self.token_key(challenge, credential) else {
            return Ok(credential.filter(|c| !c.username.is_empty() || !c.password.is_empty()).and_then(|c| {
                use base64::{Engine as _, engine::general_purpose::STANDARD};
                sensitive(&format!("Basic {}", STANDARD.encode(format!("{}:{}", c.username, c.password))))
            }));
        };
        if let Some(credential) = credential.filter(|c| !c.registry_token.is_empty()) {
            return Ok(sensitive(&format!("Bearer {}", credential.registry_token)));
        }
        let token = match self.transport.tokens.get(&key) {
            Some(token) => token,
            None => {
                let advice = self.keychain.advice(credential, &self.repository);
                token::ask(&self.transport, key, credential, &advice, self.plain_allowed()).await?
            }
        };
        Ok(sensitive(&format!("Bearer {token}")))
    }

    fn token_key(&self, challenge: &Challenge, credential: Option<&Credential>) -> Option<token::Key> {
        let Challenge::Bearer { realm, service } = challenge else { return None };
        Some(token::Key {
            realm: realm.clone(),
            service: service.clone(),
            scope: format!("repository:{}:pull", self.repository.name()),
            who: credential.map(Credential::fingerprint).unwrap_or_default(),
        })
    }

    /// Success as it is; everything else as an error that says what to do.
    async fn judge(&self, response: Response, credential: Option<&Credential>) -> Result<Response, OciError> {
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        let url = shown(response.url());
        // A body that does not come changes nothing about the status.
        let bytes = body(response, ERROR_BYTES, "an error").await.unwrap_or_default();
        let detail = remote_detail(&bytes, credential);
        Err(match status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => OciError::Denied {
                url,
                status: status_text(status),
                detail,
                hint: self.keychain.advice(credential, &self.repository),
            },
            StatusCode::NOT_FOUND => OciError::NotFound { url, detail },
            status => OciError::Status { url, status: status.as_u16(), detail },
        })
    }
}

/// Whether the handshake failed over a certificate, ours or theirs.
fn is_certificate(error: &reqwest::Error) -> bool {
    let mut cause = std::error::Error::source(error);
    while let Some(next) = cause {
        if next.to_string().to_ascii_lowercase().contains("certificate") {
            return true;
        }
        cause = next.source();
    }
    false
}

/// A header value that is never printed; nothing when the credential holds what no header can.
fn sensitive(text: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_str(text).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// As registries' tools print it: `UNAUTHORIZED (401)`.
pub(crate) fn status_text(status: StatusCode) -> String {
    format!("{} ({})", status.canonical_reason().unwrap_or("denied").to_ascii_uppercase(), status.as_u16())
}

/// What the registry said, on one line, bounded and without the credential; with a separator before it.
pub(crate) fn remote_detail(bytes: &[u8], credential: Option<&Credential>) -> String {
    let Ok(envelope) = serde_json::from_slice::<OciEnvelope>(bytes) else { return String::new() };
    let said: Vec<String> = envelope
        .errors
        .iter()
        .take(3)
        .map(|error| if error.message.is_empty() { format!("{:?}", error.code) } else { error.message.clone() })
        .collect();
    let line: String = said.join(", ").chars().map(|c| if c.is_control() { ' ' } else { c }).take(300).collect();
    match credential {
        _ if line.is_empty() => line,
        Some(credential) => format!(": {}", credential.mask(&line)),
        None => format!(": {line}"),
    }
}

/// A whole body, if it is not larger than allowed.
pub(crate) async fn body(mut response: Response, limit: u64, what: &'static str) -> Result<Vec<u8>, OciError> {
    let url = response.url().clone();
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|source| OciError::transport(&url, source))? {
        if (bytes.len() + chunk.len()) as u64 > limit {
            return Err(OciError::Limit { url: shown(&url), what, limit });
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}
