//! HTTP clients, one pair per set of certificates and proxy, shared by all objects that use the same.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
    time::Duration,
};

use reqwest::{Certificate, Client, Identity, redirect};

use crate::{
    auth::{challenge::Challenge, token::Tokens},
    error::OciError,
};

/// So many transports are kept; objects rarely differ in certificates and proxy.
const KEPT: usize = 16;
/// So many registries are remembered per transport.
const REMEMBERED: usize = 256;

/// A certificate and its key, in PEM.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct ClientCertificate {
    /// The certificate, with its chain.
    pub certificate: Vec<u8>,
    /// The private key.
    pub key: Vec<u8>,
}

/// A proxy: `http://`, `https://`, `socks5://` or `socks5h://`.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Proxy {
    /// Its address.
    pub address: String,
    /// User name; empty for none.
    pub username: String,
    /// Password.
    pub password: String,
}

/// What tells one transport from another.
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct TransportOptions {
    /// Accept any certificate, and plain HTTP where HTTPS does not answer.
    pub insecure: bool,
    /// Accept any certificate, whichever ones `ca` says to trust, and nothing but HTTPS.
    pub any_certificate: bool,
    /// Plain HTTP, and HTTPS is not tried.
    pub plain_http: bool,
    /// Certificates to trust beside the system's, in PEM.
    pub ca: Option<Vec<u8>>,
    /// Trust those in `ca`, where there are any, instead of the system's.
    pub only_ca: bool,
    /// Whom to say we are.
    pub client_certificate: Option<ClientCertificate>,
    /// The proxy; the environment's when absent.
    pub proxy: Option<Proxy>,
}

impl fmt::Debug for TransportOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TransportOptions")
            .field("insecure", &self.insecure)
            .field("any_certificate", &self.any_certificate)
            .field("plain_http", &self.plain_http)
            .field("only_ca", &self.only_ca)
            .field("ca", &self.ca.is_some())
            .field("client_certificate", &self.client_certificate.is_some())
            .field("proxy", &self.proxy.is_some())
            .finish()
    }
}

impl TransportOptions {
    /// Whether any certificate is taken: when asked for, else only when nobody said which ones to trust.
    fn accepts_any_certificate(&self) -> bool {
        self.any_certificate || (self.insecure && self.ca.is_none() && self.client_certificate.is_none())
    }
}

/// The transports in use.
#[derive(Clone, Default)]
pub struct Transports {
    kept: Arc<Mutex<Vec<Kept>>>,
}

/// The one used last stands last.
type Kept = (TransportOptions, Arc<Transport>);

impl Transports {
    /// The transport for these options: the one others use, or a new one.
    ///
    /// # Errors
    /// When certificates or the proxy are malformed.
    pub fn get(&self, options: &TransportOptions) -> Result<Arc<Transport>, OciError> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(at) = kept.iter().position(|(known, _)| known == options) {
            let entry = kept.remove(at);
            let transport = Arc::clone(&entry.1);
            kept.push(entry);
            return Ok(transport);
        }
        let transport = Arc::new(Transport::new(options.clone())?);
        if kept.len() >= KEPT {
            kept.remove(0);
        }
        kept.push((options.clone(), Arc::clone(&transport)));
        Ok(transport)
    }
}

/// What is known of a registry.
#[derive(Clone, Debug, Default)]
pub(crate) struct Known {
    /// Whether it answered over plain HTTP.
    pub(crate) plain: Option<bool>,
    pub(crate) challenge: Option<Challenge>,
}

/// Connections with one set of certificates and one proxy.
pub struct Transport {
    options: TransportOptions,
    /// For plain HTTP: holds no certificates, which would take a megabyte or two.
    plain: OnceLock<Client>,
    tls: OnceLock<Client>,
    known: Mutex<HashMap<String, Known>>,
    pub(crate) tokens: Tokens,
}

impl Transport {
    /// # Errors
    /// When certificates or the proxy are malformed; found now rather than at the first request.
    pub fn new(options: TransportOptions) -> Result<Self, OciError> {
        let transport = Self {
            options,
            plain: OnceLock::new(),
            tls: OnceLock::new(),
            known: Mutex::default(),
            tokens: Tokens::default(),
        };
        // Malformed input is the only reason to fail, and parsing it costs little.
        transport.identity()?;
        transport.certificates()?;
        transport.proxy()?;
        Ok(transport)
    }

    /// The client for a scheme; made when first used.
    pub(crate) fn client(&self, plain: bool) -> Result<&Client, OciError> {
        let cell = if plain { &self.plain } else { &self.tls };
        if let Some(client) = cell.get() {
            return Ok(client);
        }
        let mut builder = Client::builder()
            .user_agent(concat!("weir/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(Duration::from_secs(15))
            .read_timeout(Duration::from_secs(60))
            .pool_max_idle_per_host(2)
            .pool_idle_timeout(Duration::from_secs(60))
            .redirect(redirects(self.options.insecure || plain));
        if let Some(proxy) = self.proxy()? {
            builder = builder.proxy(proxy);
        }
        if plain {
            builder = builder.tls_certs_only([]);
        } else {
            let certificates = self.certificates()?;
            builder = match self.options.only_ca && !certificates.is_empty() {
                true => builder.tls_certs_only(certificates),
                false => builder.tls_certs_merge(certificates),
            };
            builder = builder.tls_danger_accept_invalid_certs(self.options.accepts_any_certificate());
            if let Some(identity) = self.identity()? {
                builder = builder.identity(identity);
            }
        }
        let client = builder.build().map_err(|source| setup("the HTTP client refused its options", source))?;
        Ok(cell.get_or_init(|| client))
    }

    pub(crate) fn insecure(&self) -> bool {
        self.options.insecure
    }

    pub(crate) fn plain_http(&self) -> bool {
        self.options.plain_http
    }

    pub(crate) fn known(&self, registry: &str) -> Known {
        self.lock().get(registry).cloned().unwrap_or_default()
    }

    pub(crate) fn learn(&self, registry: &str, change: impl FnOnce(&mut Known)) {
        let mut known = self.lock();
        if known.len() >= REMEMBERED && !known.contains_key(registry) {
            known.clear();
        }
        change(known.entry(registry.to_owned()).or_default());
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn certificates(&self) -> Result<Vec<Certificate>, OciError> {
        let Some(pem) = &self.options.ca else { return Ok(Vec::new()) };
        let found =
            Certificate::from_pem_bundle(pem).map_err(|source| setup("ca.crt is no PEM certificate", source))?;
        if found.is_empty() {
            return Err(OciError::Secret {
                name: "spec.certSecretRef".to_owned(),
                reason: "ca.crt holds no PEM certificate".to_owned(),
            });
        }
        Ok(found)
    }

    fn identity(&self) -> Result<Option<Identity>, OciError> {
        let Some(client) = &self.options.client_certificate else { return Ok(None) };
        let pem = [client.certificate.as_slice(), b"\n", client.key.as_slice()].concat();
        let identity = Identity::from_pem(&pem);
        identity.map(Some).map_err(|source| setup("tls.crt and tls.key are no PEM certificate and key", source))
    }

    fn proxy(&self) -> Result<Option<reqwest::Proxy>, OciError> {
        let Some(proxy) = &self.options.proxy else { return Ok(None) };
        let scheme = proxy.address.split("://").next().unwrap_or_default();
        if !matches!(scheme, "http" | "https" | "socks5" | "socks5h") {
            return Err(OciError::Secret {
                name: "spec.proxySecretRef".to_owned(),
                reason: "the proxy's address must begin with http://, https://, socks5:// or socks5h://".to_owned(),
            });
        }
        let made = reqwest::Proxy::all(&proxy.address)
            .map_err(|source| setup("the proxy's address is no URL", source.without_url()))?;
        Ok(Some(match proxy.username.is_empty() {
            true => made,
            false => made.basic_auth(&proxy.username, &proxy.password),
        }))
    }
}

/// Up to ten, never from HTTPS to plain HTTP. The client itself drops credentials where the host or port changes.
fn redirects(plain_allowed: bool) -> redirect::Policy {
    redirect::Policy::custom(move |attempt| {
        let downgrade = attempt.url().scheme() != "https" && !plain_allowed;
        if downgrade || attempt.previous().len() > 10 {
            return attempt.error("redirect refused");
        }
        attempt.follow()
    })
}

fn setup(reason: &str, source: reqwest::Error) -> OciError {
    OciError::Setup { reason: reason.to_owned(), source }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_options_share_a_transport_and_the_number_is_bounded() {
        let transports = Transports::default();
        let with = |n: u8| TransportOptions {
            proxy: Some(Proxy {
                address: format!("http://proxy-{n}:3128"),
                username: "u".to_owned(),
                password: "canary".to_owned(),
            }),
            ..TransportOptions::default()
        };
        let first = transports.get(&with(0)).unwrap();
        assert!(Arc::ptr_eq(&first, &transports.get(&with(0)).unwrap()));
        for n in 1..=u8::try_from(KEPT).unwrap() {
            transports.get(&with(n)).unwrap();
        }
        assert!(!Arc::ptr_eq(&first, &transports.get(&with(0)).unwrap()));
        assert!(!format!("{:?}", with(0)).contains("canary"));
    }

    #[test]
    fn malformed_options_are_found_at_once() {
        let bad_ca = TransportOptions { ca: Some(b"no pem".to_vec()), ..TransportOptions::default() };
        assert!(Transport::new(bad_ca).is_err());
        let pair = ClientCertificate { certificate: b"x".to_vec(), key: b"y".to_vec() };
        let bad_pair = TransportOptions { client_certificate: Some(pair), ..TransportOptions::default() };
        assert!(Transport::new(bad_pair).is_err());
        for address in ["ftp://p", "proxy:3128", ""] {
            let proxy = Proxy { address: address.to_owned(), username: String::new(), password: String::new() };
            let bad_proxy = TransportOptions { proxy: Some(proxy), ..TransportOptions::default() };
            assert!(Transport::new(bad_proxy).is_err(), "{address}");
        }
    }
}
