//! Bearer tokens of registries' token services: asked for when challenged, kept until they are about to expire.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use http::StatusCode;
use reqwest::{RequestBuilder, Url};
use serde::Deserialize;
use tokio::time::Instant;

use super::Credential;
use crate::{
    client::request::{body, remote_detail},
    error::{OciError, shown},
    transport::Transport,
};

const KEPT: usize = 1024;
const MAX_BODY: u64 = 1 << 20;
/// What the protocol says when the service does not.
const DEFAULT_LIFE: Duration = Duration::from_secs(60);

/// Who asks whom for what.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    pub(crate) realm: String,
    pub(crate) service: Option<String>,
    pub(crate) scope: String,
    pub(crate) who: [u8; 32],
}

/// Tokens in use.
#[derive(Default)]
pub(crate) struct Tokens {
    kept: Mutex<HashMap<Key, (String, Instant)>>,
}

impl Tokens {
    pub(crate) fn get(&self, key: &Key) -> Option<String> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.get(key).filter(|(_, until)| *until > Instant::now()).map(|(token, _)| token.clone())
    }

    pub(crate) fn forget(&self, key: &Key) {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).remove(key);
    }

    fn keep(&self, key: Key, token: String, life: Duration) {
        let now = Instant::now();
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= KEPT {
            kept.retain(|_, (_, until)| *until > now);
            if kept.len() >= KEPT {
                kept.clear();
            }
        }
        // A token that expires under way fails the request: use it for four fifths of its life.
        kept.insert(key, (token, now + life.mul_f64(0.8)));
    }
}

#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    token: String,
    #[serde(default)]
    access_token: String,
    expires_in: Option<u64>,
}

/// Asks the service for a token.
pub(crate) async fn ask(
    transport: &Transport,
    key: Key,
    credential: Option<&Credential>,
    advice: &str,
    plain_allowed: bool,
) -> Result<String, OciError> {
    let realm = Url::parse(&key.realm).ok().filter(|url| match url.scheme() {
        "https" => true,
        "http" => plain_allowed,
        _ => false,
    });
    let Some(realm) = realm else {
        return Err(OciError::Content {
            url: key.realm.chars().take(200).collect(),
            reason: "the registry names a token service that is no https:// address: refused".to_owned(),
        });
    };
    let client = transport.client(realm.scheme() == "http")?;
    let mut query: Vec<(&str, &str)> = vec![("scope", &key.scope)];
    if let Some(service) = &key.service {
        query.push(("service", service));
    }
    let by_refresh_token = credential.is_some_and(|c| !c.identity_token.is_empty());
    let mut answer = match credential {
        Some(credential) if by_refresh_token => {
            let mut form = query.clone();
            form.extend([
                ("grant_type", "refresh_token"),
                ("client_id", "weir"),
                ("refresh_token", credential.identity_token.as_str()),
            ]);
            let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
            let kind = "application/x-www-form-urlencoded";
            send(client.post(realm.clone()).header(http::header::CONTENT_TYPE, kind).body(body), &realm).await?
        }
        _ => send(with_password(client.get(realm.clone()).query(&query), credential), &realm).await?,
    };
    if by_refresh_token && answer.0 == StatusCode::NOT_FOUND {
        // Services that know no refresh tokens know user and password.
        answer = send(with_password(client.get(realm.clone()).query(&query), credential), &realm).await?;
    }
    let (status, bytes) = answer;
    if !status.is_success() {
        let detail = remote_detail(&bytes, credential);
        return Err(match status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::BAD_REQUEST => OciError::Denied {
                url: shown(&realm),
                status: crate::client::request::status_text(status),
                detail,
                hint: advice.to_owned(),
            },
            status => OciError::Status { url: shown(&realm), status: status.as_u16(), detail },
        });
    }
    let malformed = || OciError::Content { url: shown(&realm), reason: "the token service sent no token".to_owned() };
    let answer: Answer = serde_json::from_slice(&bytes).map_err(|_| malformed())?;
    let token = if answer.token.is_empty() { answer.access_token } else { answer.token };
    if token.is_empty() {
        return Err(malformed());
    }
    let life = answer.expires_in.map_or(DEFAULT_LIFE, |seconds| Duration::from_secs(seconds.min(3600)));
    transport.tokens.keep(key, token.clone(), life);
    Ok(token)
}

fn with_password(request: RequestBuilder, credential: Option<&Credential>) -> RequestBuilder {
    match credential.filter(|c| !c.username.is_empty() || !c.password.is_empty()) {
        Some(credential) => request.basic_auth(&credential.username, Some(&credential.password)),
        None => request,
    }
}

async fn send(request: RequestBuilder, url: &Url) -> Result<(StatusCode, Vec<u8>), OciError> {
    let response = request.send().await.map_err(|source| OciError::transport(url, source))?;
    let status = response.status();
    Ok((status, body(response, MAX_BODY, "a token").await?))
}
