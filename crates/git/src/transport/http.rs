//! Smart HTTP. Redirects are followed for the greeting only, and take no credentials to another host.

use std::time::Duration;

use base64::{Engine, engine::general_purpose::STANDARD};
use futures::TryStreamExt;
use reqwest::{
    Certificate, Client, Identity, Response, StatusCode,
    header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue, LOCATION},
    redirect::Policy,
};
use tokio_util::io::StreamReader;
use url::Url;

use crate::{
    Error,
    auth::{HttpCredentials, Proxy, TlsOptions},
    remote::Remote,
    wire::{AGENT, PacketReader},
};

const SERVICE: &str = "git-upload-pack";

/// A way to one repository over HTTP.
pub(crate) struct HttpLink {
    client: Client,
    /// For hosts that must not see our certificate: made when first needed.
    plain: Option<(TlsOptions, Option<Proxy>)>,
    /// Where the repository is; redirects move it.
    base: Url,
    authorization: Option<HeaderValue>,
    redirects: usize,
}

/// A client for many conversations.
///
/// # Errors
/// When certificates cannot be read.
pub(crate) fn client(tls: &TlsOptions, proxy: Option<&Proxy>, host: &str) -> Result<Client, Error> {
    let mut builder = Client::builder()
        .user_agent(format!("git/{AGENT}"))
        .redirect(Policy::none())
        .connect_timeout(Duration::from_secs(30))
        .pool_max_idle_per_host(1)
        .pool_idle_timeout(Duration::from_secs(20))
        .http1_only();
    if let Some(ca) = &tls.ca {
        let certificates = Certificate::from_pem_bundle(ca)
            .ok()
            .filter(|list| !list.is_empty())
            .ok_or_else(|| credentials("'ca.crt' has no certificate in PEM"))?;
        builder = builder.tls_certs_merge(certificates);
    }
    if let Some(identity) = &tls.identity {
        let identity = Identity::from_pem(identity.reveal().as_bytes())
            .map_err(|_| credentials("'tls.crt' and 'tls.key' are not a certificate and its key in PEM"))?;
        builder = builder.identity(identity);
    }
    if let Some(proxy) = proxy {
        let mut via = reqwest::Proxy::all(proxy.url.clone()).map_err(|e| network(&proxy.authority(), &e))?;
        if let Some((user, password)) = &proxy.credentials {
            via = via.basic_auth(user.reveal(), password.reveal());
        }
        builder = builder.proxy(via);
    }
    builder.build().map_err(|e| Error::Tls { host: host.to_owned(), reason: causes(&e) })
}

fn credentials(reason: &str) -> Error {
    Error::Credentials { reason: reason.to_owned() }
}

impl HttpLink {
    /// A way to `remote` with a client made by [`client`] for the same `tls` and `proxy`.
    pub(crate) fn new(
        client: Client,
        remote: &Remote,
        who: &HttpCredentials,
        tls: &TlsOptions,
        proxy: Option<&Proxy>,
        redirects: usize,
    ) -> Result<Self, Error> {
        let plain = tls.identity.is_some().then(|| (tls.clone(), proxy.cloned()));
        let authorization = authorization(who)?;
        Ok(Self { client, plain, base: remote.url().clone(), authorization, redirects })
    }

    fn host(&self) -> String {
        authority(&self.base)
    }

    /// `GET <base>/info/refs?service=git-upload-pack`.
    pub(crate) async fn greeting(&mut self) -> Result<PacketReader, Error> {
        for _ in 0..=self.redirects {
            let mut url = endpoint(&self.base, "info/refs");
            // What the URL asks for stays; the service comes last.
            url.query_pairs_mut().append_pair("service", SERVICE);
            let request = self.client.get(url.clone()).header("git-protocol", "version=2");
            let response = self.run(request).await?;
            if response.status().is_redirection() {
                self.follow(&url, &response)?;
                continue;
            }
            self.expect(&response, "application/x-git-upload-pack-advertisement")?;
            return Ok(PacketReader::new(stream(response), self.host()));
        }
        Err(self.redirect("too many times"))
    }

    /// `POST <base>/git-upload-pack`.
    pub(crate) async fn post(&mut self, body: Vec<u8>, reader: &mut PacketReader) -> Result<(), Error> {
        let request = self
            .client
            .post(endpoint(&self.base, SERVICE))
            .header("git-protocol", "version=2")
            .header(CONTENT_TYPE, "application/x-git-upload-pack-request")
            .header("accept", "application/x-git-upload-pack-result")
            .body(body);
        let response = self.run(request).await?;
        if response.status().is_redirection() {
            return Err(self.redirect("a request that must not be redirected"));
        }
        self.expect(&response, "application/x-git-upload-pack-result")?;
        reader.replace(stream(response));
        Ok(())
    }

    async fn run(&self, mut request: reqwest::RequestBuilder) -> Result<Response, Error> {
        if let Some(value) = &self.authorization {
            request = request.header(AUTHORIZATION, value.clone());
        }
        request.send().await.map_err(|error| self.failure(error))
    }

    fn failure(&self, error: reqwest::Error) -> Error {
        let host = self.host();
        let error = error.without_url();
        let reason = causes(&error);
        let lower = reason.to_ascii_lowercase();
        if ["certificate", "tls", "handshake", "alert"].iter().any(|word| lower.contains(word)) {
            return Error::Tls { host, reason };
        }
        if lower.contains("proxy") && lower.contains("auth") {
            return Error::Unauthorized {
                host,
                detail: reason,
                next: "check username and password of the proxy secret",
            };
        }
        Error::Network { host, reason }
    }

    /// Checks status and type of an answer.
    fn expect(&self, response: &Response, content_type: &str) -> Result<(), Error> {
        let host = self.host();
        let status = response.status();
        match status {
            StatusCode::OK => {}
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                let next = match (&self.authorization, status) {
                    (None, _) => "name a secret with credentials in secretRef",
                    (Some(_), StatusCode::UNAUTHORIZED) => "check the credentials in the secret",
                    (Some(_), _) => "the credentials are not allowed to read this repository",
                };
                return Err(Error::Unauthorized { host, detail: format!("HTTP status {}", status.as_u16()), next });
            }
            StatusCode::PROXY_AUTHENTICATION_REQUIRED => {
                let next = "check username and password of the proxy secret";
                return Err(Error::Unauthorized { host, detail: "HTTP status 407".to_owned(), next });
            }
            StatusCode::NOT_FOUND | StatusCode::GONE => return Err(Error::NotFound { host }),
            other => return Err(Error::Status { host, status: other.as_u16() }),
        }
        let actual = response.headers().get(CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default();
        if actual.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case(content_type)) {
            return Ok(());
        }
        let actual = crate::error::clean(actual.as_bytes());
        Err(Error::Protocol {
            host,
            reason: format!("it is no Git repository over smart HTTP (content type {actual:?})"),
        })
    }

    fn redirect(&self, reason: &str) -> Error {
        Error::Redirect { host: self.host(), reason: reason.to_owned() }
    }

    /// Moves to where a redirect points. Credentials and certificate stay with the host they are for.
    fn follow(&mut self, from: &Url, response: &Response) -> Result<(), Error> {
        let target = response
            .headers()
            .get(LOCATION)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| from.join(value).ok())
            .ok_or_else(|| self.redirect("to nowhere"))?;
        let mut base = moved(&target).ok_or_else(|| self.redirect("to something that is no Git repository"))?;
        match (self.base.scheme(), base.scheme()) {
            ("http", "http" | "https") | ("https", "https") => {}
            _ => return Err(self.redirect("to another scheme")),
        }
        // A redirect cannot hand us credentials either.
        if base.set_username("").is_err() || base.set_password(None).is_err() {
            return Err(self.redirect("to something that is no URL"));
        }
        if !same_place(&self.base, &base) {
            self.authorization = None;
            if let Some((tls, proxy)) = self.plain.take() {
                let tls = TlsOptions { identity: None, ..tls };
                self.client = client(&tls, proxy.as_ref(), &authority(&base))?;
            }
        }
        self.base = base;
        Ok(())
    }
}

/// The body as bytes.
fn stream(response: Response) -> Box<dyn tokio::io::AsyncRead + Send + Unpin> {
    let body = response.bytes_stream().map_err(|error| std::io::Error::other(error.without_url()));
    Box::new(StreamReader::new(Box::pin(body)))
}

/// Same host and port, and not from TLS to plain.
fn same_place(a: &Url, b: &Url) -> bool {
    let upgrade = a.scheme() == "http" && b.scheme() == "https" && a.port().is_none() && b.port().is_none();
    a.host() == b.host()
        && (upgrade || (a.scheme() == b.scheme() && a.port_or_known_default() == b.port_or_known_default()))
}

/// `https://host/path/info/refs?service=…` without what we added.
fn moved(target: &Url) -> Option<Url> {
    let mut base = target.clone();
    let path = target.path().strip_suffix("/info/refs")?.to_owned();
    base.set_path(&path);
    let pairs: Vec<(String, String)> = target
        .query_pairs()
        .filter(|(key, _)| key != "service")
        .map(|(k, v)| (k.into_owned(), v.into_owned()))
        .collect();
    base.set_query(None);
    if !pairs.is_empty() {
        base.query_pairs_mut().extend_pairs(pairs);
    }
    base.set_fragment(None);
    Some(base)
}

fn endpoint(base: &Url, tail: &str) -> Url {
    let mut url = base.clone();
    let path = format!("{}/{tail}", base.path().trim_end_matches('/'));
    url.set_path(&path);
    url
}

fn authority(url: &Url) -> String {
    match url.port() {
        Some(port) => format!("{}:{port}", url.host_str().unwrap_or_default()),
        None => url.host_str().unwrap_or_default().to_owned(),
    }
}

fn authorization(who: &HttpCredentials) -> Result<Option<HeaderValue>, Error> {
    let text = match who {
        HttpCredentials::None => return Ok(None),
        HttpCredentials::Bearer(token) => format!("Bearer {}", token.reveal()),
        HttpCredentials::Basic { user, password } => {
            format!("Basic {}", STANDARD.encode(format!("{}:{}", user.reveal(), password.reveal())))
        }
    };
    let mut value =
        HeaderValue::from_str(&text).map_err(|_| credentials("the credentials do not fit into a header"))?;
    value.set_sensitive(true);
    Ok(Some(value))
}

/// An error with its causes in one line; reqwest's own text says nothing.
fn causes(error: &dyn std::error::Error) -> String {
    let mut parts: Vec<String> = Vec::new();
    let mut next = error.source();
    while let Some(cause) = next {
        let text = cause.to_string();
        if parts.last().is_none_or(|last| !last.contains(&text)) {
            parts.push(text);
        }
        next = cause.source();
    }
    if parts.is_empty() { error.to_string() } else { parts.join(": ") }
}

fn network(host: &str, error: &reqwest::Error) -> Error {
    Error::Network { host: host.to_owned(), reason: causes(error) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    #[test]
    fn endpoints_keep_the_query() {
        assert_eq!(endpoint(&url("https://h/a.git/"), "info/refs").as_str(), "https://h/a.git/info/refs");
        assert_eq!(endpoint(&url("https://h/a?x=1"), SERVICE).as_str(), "https://h/a/git-upload-pack?x=1");
    }

    #[test]
    fn redirect_targets() {
        let at = |text| moved(&url(text)).map(|u| u.to_string());
        assert_eq!(at("https://h/b/info/refs?service=git-upload-pack"), Some("https://h/b".into()));
        assert_eq!(at("https://h/b/info/refs?t=1&service=git-upload-pack"), Some("https://h/b?t=1".into()));
        assert_eq!(at("https://h/login?next=/info/refs"), None);
    }

    #[test]
    fn credentials_stay_with_their_host() {
        for (a, b, same) in [
            ("https://h/a", "https://h/b", true),
            ("http://h/a", "https://h/a", true),
            ("https://h/a", "https://h:444/a", false),
            ("https://h/a", "https://i/a", false),
            ("https://h/a", "https://h.i/a", false),
            ("http://h:80/a", "http://h:81/a", false),
            ("http://h:1234/a", "https://h/a", false),
        ] {
            assert_eq!(same_place(&url(a), &url(b)), same, "{a} {b}");
        }
    }
}
