//! Who we are to a Git server and whom we expect, read from a secret's keys.

use std::{collections::BTreeMap, fmt};

use russh::keys::{PrivateKey, decode_secret_key};
use url::Url;

use crate::{
    Error,
    known_hosts::KnownHosts,
    remote::{Remote, Scheme},
};

/// The user when an SSH URL names none.
pub const DEFAULT_SSH_USER: &str = "git";

/// Text that never shows.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct Hidden(String);

impl Hidden {
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<hidden>")
    }
}

/// What goes into the `Authorization` header.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum HttpCredentials {
    #[default]
    None,
    Basic {
        user: Hidden,
        password: Hidden,
    },
    Bearer(Hidden),
}

/// Certificates of a TLS connection, in PEM.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct TlsOptions {
    pub(crate) ca: Option<Vec<u8>>,
    /// Certificate and key.
    pub(crate) identity: Option<Hidden>,
}

/// What an SSH connection needs.
#[derive(Clone)]
pub(crate) struct SshCredentials {
    pub(crate) user: String,
    pub(crate) key: std::sync::Arc<PrivateKey>,
    pub(crate) known_hosts: KnownHosts,
}

/// Credentials for one remote. Prints nothing of what it holds.
#[derive(Clone)]
pub struct Auth(pub(crate) Method);

#[derive(Clone)]
pub(crate) enum Method {
    Http { credentials: HttpCredentials, tls: TlsOptions },
    Ssh(SshCredentials),
}

impl fmt::Debug for Auth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Method::Http { .. } => "Auth(http)",
            Method::Ssh(_) => "Auth(ssh)",
        })
    }
}

type Data = BTreeMap<String, Vec<u8>>;

impl Auth {
    /// Reads a secret's data (empty when there is no secret) for a remote.
    ///
    /// HTTP: `username` and `password`, or `bearerToken`; `ca.crt` (or `caFile`); `tls.crt` and `tls.key` (or `certFile`
    /// and `keyFile`). SSH: `identity`, `known_hosts`, `password` of the key.
    ///
    /// # Errors
    /// When something needed is missing or cannot be read.
    pub fn from_secret(remote: &Remote, data: &Data) -> Result<Self, Error> {
        match remote.scheme() {
            Scheme::Ssh => ssh(remote, data).map(|ssh| Self(Method::Ssh(ssh))),
            Scheme::Http | Scheme::Https => {
                Ok(Self(Method::Http { credentials: http(remote, data)?, tls: tls(remote, data)? }))
            }
        }
    }
}

fn invalid(reason: impl Into<String>) -> Error {
    Error::Credentials { reason: reason.into() }
}

fn text(data: &Data, key: &str) -> Result<Option<String>, Error> {
    data.get(key)
        .filter(|bytes| !bytes.is_empty())
        .map(|bytes| String::from_utf8(bytes.clone()))
        .transpose()
        .map_err(|_| invalid(format!("'{key}' is not UTF-8 text")))
}

/// The first of two keys that is set; the second is the old name.
fn either(data: &Data, key: &str, old: &str) -> Result<Option<String>, Error> {
    Ok(text(data, key)?.or(text(data, old)?))
}

fn http(remote: &Remote, data: &Data) -> Result<HttpCredentials, Error> {
    if data.contains_key("bearerToken") {
        let token = text(data, "bearerToken")?.unwrap_or_default();
        // A token file usually ends in a newline, which no header can hold.
        let token = token.trim();
        if token.chars().any(char::is_control) {
            return Err(invalid("'bearerToken' has control characters"));
        }
        return Ok(if token.is_empty() { HttpCredentials::None } else { HttpCredentials::Bearer(Hidden::new(token)) });
    }
    let user = text(data, "username")?.or_else(|| remote.user().map(str::to_owned));
    let password = text(data, "password")?.or_else(|| remote.password().map(str::to_owned));
    match (user, password) {
        (None, Some(_)) => {
            Err(invalid(format!("invalid '{}' auth option: 'password' requires 'username' to be set", remote.scheme())))
        }
        (None, None) => Ok(HttpCredentials::None),
        (Some(user), password) => {
            Ok(HttpCredentials::Basic { user: Hidden::new(user), password: Hidden::new(password.unwrap_or_default()) })
        }
    }
}

fn tls(remote: &Remote, data: &Data) -> Result<TlsOptions, Error> {
    if remote.scheme() == Scheme::Http {
        return Ok(TlsOptions::default());
    }
    let ca = either(data, "ca.crt", "caFile")?.map(String::into_bytes);
    let identity = match (either(data, "tls.crt", "certFile")?, either(data, "tls.key", "keyFile")?) {
        (Some(certificate), Some(key)) => Some(Hidden::new(format!("{certificate}\n{key}"))),
        (None, None) => None,
        (Some(_), None) => return Err(invalid("'tls.crt' requires 'tls.key' to be set")),
        (None, Some(_)) => return Err(invalid("'tls.key' requires 'tls.crt' to be set")),
    };
    Ok(TlsOptions { ca, identity })
}

fn ssh(remote: &Remote, data: &Data) -> Result<SshCredentials, Error> {
    let required =
        |key: &str| text(data, key)?.ok_or_else(|| invalid(format!("invalid 'ssh' auth option: '{key}' is required")));
    let identity = required("identity")?;
    let known_hosts = KnownHosts::parse(&required("known_hosts")?);
    let password = text(data, "password")?;
    // The reader of keys compares whole lines; secrets made on Windows have carriage returns.
    let identity = identity.replace('\r', "");
    let key = decode_secret_key(&identity, password.as_deref());
    let key = match (key, &password) {
        (Ok(key), _) if !key.is_encrypted() => key,
        (Ok(_) | Err(russh::keys::Error::KeyIsEncrypted), None) => return Err(Error::EncryptedIdentity),
        (Err(_), None) if identity.contains("ENCRYPTED") => return Err(Error::EncryptedIdentity),
        (Err(_), None) => return Err(invalid("'identity' is not a private key that can be read")),
        (_, Some(_)) => {
            return Err(invalid(
                "'identity' cannot be read with 'password': is it a private key, and the password right?",
            ));
        }
    };
    let user = remote.user().unwrap_or(DEFAULT_SSH_USER).to_owned();
    Ok(SshCredentials { user, key: std::sync::Arc::new(key), known_hosts })
}

/// A proxy for one remote. Prints its address without credentials.
#[derive(Clone)]
pub struct Proxy {
    pub(crate) url: Url,
    pub(crate) credentials: Option<(Hidden, Hidden)>,
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Proxy({})", self.url)
    }
}

impl Proxy {
    /// Reads a secret's `address`, `username` and `password`.
    ///
    /// # Errors
    /// When the address is missing or not of scheme `http`, `https` or `socks5`.
    pub fn from_secret(data: &Data) -> Result<Self, Error> {
        let address = text(data, "address")?.ok_or_else(|| invalid("key 'address' not found in the proxy secret"))?;
        let mut url = Url::parse(address.trim()).map_err(|_| invalid("'address' of the proxy secret is not a URL"))?;
        if !matches!(url.scheme(), "http" | "https" | "socks5" | "socks5h") || url.host_str().is_none() {
            return Err(invalid("'address' of the proxy secret is not an http, https or socks5 URL"));
        }
        let in_url = (!url.username().is_empty())
            .then(|| (url.username().to_owned(), url.password().unwrap_or_default().to_owned()));
        let credentials = match (text(data, "username")?, text(data, "password")?) {
            (Some(user), password) => Some((user, password.unwrap_or_default())),
            (None, Some(_)) => return Err(invalid("'password' of the proxy secret requires 'username' to be set")),
            (None, None) => in_url.map(|(user, password)| (decoded(&user), decoded(&password))),
        };
        if url.set_username("").is_err() || url.set_password(None).is_err() {
            return Err(invalid("'address' of the proxy secret is not a URL"));
        }
        Ok(Self { url, credentials: credentials.map(|(user, password)| (Hidden::new(user), Hidden::new(password))) })
    }

    /// `host:port`, for messages.
    pub(crate) fn authority(&self) -> String {
        format!("proxy {}:{}", self.url.host_str().unwrap_or_default(), self.port())
    }

    pub(crate) fn port(&self) -> u16 {
        self.url.port_or_known_default().unwrap_or(1080)
    }
}

fn decoded(text: &str) -> String {
    percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn data(entries: &[(&str, &str)]) -> Data {
        entries.iter().map(|(k, v)| ((*k).to_owned(), v.as_bytes().to_vec())).collect()
    }

    fn credentials(url: &str, entries: &[(&str, &str)]) -> Result<HttpCredentials, String> {
        match Auth::from_secret(&Remote::parse(url).unwrap(), &data(entries)) {
            Ok(Auth(Method::Http { credentials, .. })) => Ok(credentials),
            Ok(_) => panic!("not http"),
            Err(error) => Err(error.to_string()),
        }
    }

    fn basic(user: &str, password: &str) -> HttpCredentials {
        HttpCredentials::Basic { user: Hidden::new(user), password: Hidden::new(password) }
    }

    #[test]
    fn http_credentials() {
        let url = "https://example.com/a";
        assert_eq!(credentials(url, &[]), Ok(HttpCredentials::None));
        assert_eq!(credentials(url, &[("username", "u"), ("password", "p")]), Ok(basic("u", "p")));
        assert_eq!(credentials("https://u:p@example.com/a", &[]), Ok(basic("u", "p")));
        assert_eq!(
            credentials(url, &[("username", "u"), ("password", "p"), ("bearerToken", "t\n")]),
            Ok(HttpCredentials::Bearer(Hidden::new("t")))
        );
        assert_eq!(
            credentials(url, &[("password", "p")]),
            Err("invalid 'https' auth option: 'password' requires 'username' to be set".into())
        );
        assert_eq!(credentials(url, &[("tls.crt", "x")]), Err("'tls.crt' requires 'tls.key' to be set".into()));
    }

    #[test]
    fn ssh_needs_identity_and_known_hosts() {
        let remote = Remote::parse("ssh://example.com/a").unwrap();
        let of = |entries: &[(&str, &str)]| Auth::from_secret(&remote, &data(entries)).unwrap_err().to_string();
        assert_eq!(of(&[]), "invalid 'ssh' auth option: 'identity' is required");
        assert_eq!(of(&[("identity", "x")]), "invalid 'ssh' auth option: 'known_hosts' is required");
        assert_eq!(of(&[("identity", "x"), ("known_hosts", "y")]), "'identity' is not a private key that can be read");
    }

    #[test]
    fn nothing_is_printed() {
        let canary = "c4nary";
        let remote = Remote::parse(&format!("https://u:{canary}@example.com/a")).unwrap();
        let auth = Auth::from_secret(&remote, &data(&[("bearerToken", canary)])).unwrap();
        let proxy = Proxy::from_secret(&data(&[("address", &format!("http://u:{canary}@proxy:3128"))])).unwrap();
        let Auth(Method::Http { credentials, tls }) = &auth else { panic!() };
        assert!(!format!("{auth:?} {proxy:?} {credentials:?} {tls:?} {remote:?}").contains(canary));
        assert_eq!(proxy.credentials, Some((Hidden::new("u"), Hidden::new(canary))));
    }
}
