//! One way to reach repositories: whom to be, whom to trust.

use std::{
    fmt,
    sync::{Arc, OnceLock},
};

use percent_encoding::percent_decode_str;
use reqwest::{Certificate, Identity, StatusCode};
use url::Url;
use weir_oci::{ClientCertificate, Transport, TransportOptions};

use super::{ChartError, Entry, Index, Package, Wanted, public};
use crate::{Limits, apart, chain};

/// Whom to be and whom to trust. Prints nothing secret.
#[derive(Clone, Default)]
pub struct Access {
    /// User name; empty for none.
    pub username: String,
    /// Password; without one the user is not told either.
    pub password: String,
    /// Whether other hosts than the repository's get user and password too.
    pub pass_credentials: bool,
    /// Whom to trust instead of the system's authorities, in PEM.
    pub ca: Option<Vec<u8>>,
    /// The client's certificate with its chain, and its key, in PEM.
    pub client_certificate: Option<(Vec<u8>, Vec<u8>)>,
    /// Whether any certificate will do.
    pub insecure_skip_tls_verify: bool,
    /// Whether registries are asked over plain HTTP.
    pub plain_http: bool,
    /// Docker's configuration files, each with its name for messages; for registries where no user is given.
    pub registry_configs: Vec<(String, Vec<u8>)>,
}

impl fmt::Debug for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Access")
    }
}

/// Gets charts from repositories and registries.
///
/// # Guarantees
/// User and password go to the host of the repository and nowhere else, unless [`Access::pass_credentials`] says so; no
/// redirect takes them to another host. Everything is bounded by the [`Limits`]. Nothing is written to disk.
pub struct ChartClient {
    pub(super) access: Access,
    pub(super) limits: Limits,
    http: OnceLock<reqwest::Client>,
    transport: OnceLock<Arc<Transport>>,
}

impl fmt::Debug for ChartClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChartClient").field("limits", &self.limits).finish_non_exhaustive()
    }
}

impl ChartClient {
    /// Ready to ask; nothing is sent yet.
    #[must_use]
    pub fn new(access: Access, limits: Limits) -> Self {
        Self { access, limits, http: OnceLock::new(), transport: OnceLock::new() }
    }

    /// Waits for something that this asks for, on a runtime of its own: allowed within another runtime too.
    ///
    /// # Errors
    /// What went wrong there.
    pub fn wait<T: Send>(&self, work: impl Future<Output = Result<T, ChartError>> + Send) -> Result<T, ChartError> {
        apart(work).unwrap_or_else(|reason| Err(ChartError::Fetch { url: "this machine".to_owned(), reason }))
    }

    /// The index of the repository at an address.
    ///
    /// # Errors
    /// When there is none.
    pub async fn index(&self, repository: &str) -> Result<Index, ChartError> {
        if repository.starts_with("oci://") {
            let text = format!("{} has no index: a registry's charts are named whole", public(repository));
            return Err(ChartError::Address(text));
        }
        let base = address(repository)?;
        let bytes = self.get(&below(&base, "index.yaml"), Some(&base)).await.map_err(|error| match error {
            ChartError::NotFound(text) => ChartError::NotFound(format!("it is no chart repository: {text}")),
            error => error,
        })?;
        Index::read(&bytes, &public(repository))
    }

    /// The archive of a version in the index of the repository at an address.
    ///
    /// # Errors
    /// When it is not there, or not what the index says.
    pub async fn archive(&self, repository: &str, entry: &Entry, signed: bool) -> Result<Package, ChartError> {
        if entry.url.starts_with("oci://") {
            let mut package = self.elsewhere().from_registry(&entry.url, Wanted::default(), signed).await?;
            package.note = entry.note.clone();
            return Ok(package);
        }
        let base = address(repository)?;
        let url = resolved(&base, &entry.url)?;
        let archive = self.get(&url, Some(&base)).await?;
        entry.check(&archive).map_err(|reason| ChartError::Content { url: public(url.as_str()), reason })?;
        self.package(url, &base, archive, signed, entry.note.clone()).await
    }

    /// The archive at an address. `repository` is where user and password belong to, when not there.
    ///
    /// # Errors
    /// When it is not there.
    pub async fn from_url(&self, url: &str, repository: Option<&str>, signed: bool) -> Result<Package, ChartError> {
        let url = address(url)?;
        let base = repository.map(address).transpose()?.unwrap_or_else(|| url.clone());
        let archive = self.get(&url, Some(&base)).await?;
        self.package(url, &base, archive, signed, None).await
    }

    /// The file at an address; nobody is told who asks.
    ///
    /// # Errors
    /// When it is not there.
    pub async fn file(&self, url: &str) -> Result<Vec<u8>, ChartError> {
        self.get(&address(url)?, None).await
    }

    async fn package(
        &self,
        url: Url,
        base: &Url,
        archive: Vec<u8>,
        signed: bool,
        note: Option<String>,
    ) -> Result<Package, ChartError> {
        let provenance = match signed {
            true => {
                let mut signature = url.clone();
                signature.set_path(&format!("{}.prov", url.path()));
                Some(self.get(&signature, Some(base)).await?)
            }
            false => None,
        };
        let last = url.path().rsplit('/').next().unwrap_or_default();
        let name = percent_decode_str(last).decode_utf8_lossy().into_owned();
        Ok(Package { name: Some(name), archive, provenance, note })
    }

    /// The same for another kind of host, which is not told who asks.
    fn elsewhere(&self) -> Self {
        let mut access = self.access.clone();
        if !access.pass_credentials {
            (access.username, access.password) = Default::default();
        }
        Self::new(access, self.limits)
    }

    /// The body of an answer with a good status. User and password go along to the host of `base`.
    async fn get(&self, url: &Url, base: Option<&Url>) -> Result<Vec<u8>, ChartError> {
        let shown = public(url.as_str());
        let failed = |reason: String| ChartError::Fetch { url: shown.clone(), reason };
        let network = |error: reqwest::Error| failed(chain(&error.without_url()));
        let access = &self.access;
        let mut request = self.http()?.get(url.clone());
        let known = base.is_some_and(|base| access.pass_credentials || same_host(base, url));
        if known && !access.username.is_empty() && !access.password.is_empty() {
            request = request.basic_auth(&access.username, Some(&access.password));
        }
        let mut response = request.send().await.map_err(network)?;
        let status = response.status();
        if matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) {
            return Err(ChartError::Denied { url: shown, reason: format!("the server answers {status}") });
        }
        if matches!(status, StatusCode::NOT_FOUND | StatusCode::GONE) {
            return Err(ChartError::NotFound(format!("{shown}: the server answers {status}")));
        }
        if !status.is_success() {
            return Err(failed(format!("the server answers {status}")));
        }
        let (mut content, limit) = (Vec::new(), self.limits.file_bytes);
        while let Some(chunk) = response.chunk().await.map_err(network)? {
            if content.len() + chunk.len() > limit {
                return Err(failed(format!("it is larger than {limit} bytes")));
            }
            content.extend_from_slice(&chunk);
        }
        Ok(content)
    }

    fn http(&self) -> Result<&reqwest::Client, ChartError> {
        if let Some(http) = self.http.get() {
            return Ok(http);
        }
        let setup = |what: &str, error: reqwest::Error| ChartError::Trust(format!("{what}: {}", chain(&error)));
        let mut builder = reqwest::Client::builder()
            .timeout(self.limits.file_timeout)
            .user_agent(concat!("weir/", env!("CARGO_PKG_VERSION")));
        if let Some(pem) = &self.access.ca {
            let found = Certificate::from_pem_bundle(pem).map_err(|error| setup("the CA file", error))?;
            if found.is_empty() {
                return Err(ChartError::Trust("the CA file holds no PEM certificate".to_owned()));
            }
            builder = builder.tls_certs_only(found);
        }
        if let Some((certificate, key)) = &self.access.client_certificate {
            let pem = [certificate.as_slice(), b"\n", key.as_slice()].concat();
            let identity = Identity::from_pem(&pem);
            builder = builder.identity(identity.map_err(|error| setup("the client certificate and its key", error))?);
        }
        builder = builder.tls_danger_accept_invalid_certs(self.access.insecure_skip_tls_verify);
        let http = builder.build().map_err(|error| setup("the HTTP client", error))?;
        Ok(self.http.get_or_init(|| http))
    }

    pub(super) fn transport(&self) -> Result<Arc<Transport>, ChartError> {
        if let Some(transport) = self.transport.get() {
            return Ok(Arc::clone(transport));
        }
        let access = &self.access;
        let pair = access.client_certificate.clone();
        let options = TransportOptions {
            any_certificate: access.insecure_skip_tls_verify,
            plain_http: access.plain_http,
            ca: access.ca.clone(),
            only_ca: true,
            client_certificate: pair.map(|(certificate, key)| ClientCertificate { certificate, key }),
            ..TransportOptions::default()
        };
        let transport = Transport::new(options).map_err(|error| ChartError::Trust(chain(&error)))?;
        Ok(Arc::clone(self.transport.get_or_init(|| Arc::new(transport))))
    }
}

/// An address over http or https.
fn address(text: &str) -> Result<Url, ChartError> {
    let url = Url::parse(text).map_err(|error| ChartError::Address(format!("{}: {error}", public(text))))?;
    match url.scheme() {
        "http" | "https" => Ok(url),
        scheme => Err(ChartError::Address(format!(
            "{}: charts come from http, https or oci, not from {scheme}",
            public(text)
        ))),
    }
}

/// A path below an address, whether or not that ends in a slash; its query stays.
fn below(repository: &Url, path: &str) -> Url {
    let mut url = repository.clone();
    url.set_path(&format!("{}/{path}", repository.path().trim_end_matches('/')));
    url
}

/// Where an index says an archive is. What is relative takes the query of the repository along.
fn resolved(repository: &Url, place: &str) -> Result<Url, ChartError> {
    if Url::parse(place).is_ok() {
        return address(place);
    }
    let url = below(repository, "").join(place);
    let mut url = url.map_err(|error| ChartError::Address(format!("{}: {error}", public(place))))?;
    url.set_query(repository.query());
    Ok(url)
}

/// Whether scheme, host and port are the same.
fn same_host(a: &Url, b: &Url) -> bool {
    a.scheme() == b.scheme() && a.host_str() == b.host_str() && a.port_or_known_default() == b.port_or_known_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_end_in_a_slash_or_not() {
        for repository in ["https://h.example/charts?k=v", "https://h.example/charts/?k=v"] {
            let base = address(repository).unwrap();
            assert_eq!(below(&base, "index.yaml").as_str(), "https://h.example/charts/index.yaml?k=v");
            let of = |place: &str| resolved(&base, place).unwrap().to_string();
            assert_eq!(of("a.tgz"), "https://h.example/charts/a.tgz?k=v");
            assert_eq!(of("/a.tgz?x"), "https://h.example/a.tgz?k=v");
            assert_eq!(of("http://other/a.tgz?x"), "http://other/a.tgz?x");
        }
    }

    #[test]
    fn only_the_host_of_the_repository_is_the_same_host() {
        let base = address("https://h.example/charts").unwrap();
        for (url, expected) in [
            ("https://h.example:443/x", true),
            ("https://H.example/x", true),
            ("http://h.example/x", false),
            ("https://h.example:8443/x", false),
            ("https://h.example.evil/x", false),
        ] {
            assert_eq!(same_host(&base, &address(url).unwrap()), expected, "{url}");
        }
    }

    #[test]
    fn what_is_secret_is_not_shown() {
        let error = address("ftp://user:canary@h.example/x?token=canary").unwrap_err().to_string();
        assert!(error.contains("h.example/x") && !error.contains("canary"), "{error}");
        let access = Access { password: "canary".to_owned(), ..Access::default() };
        let client = ChartClient::new(access.clone(), Limits::default());
        assert!(!format!("{access:?} {client:?}").contains("canary"));
    }
}
