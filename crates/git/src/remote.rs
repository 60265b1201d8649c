//! Where a repository is.

use std::fmt;

use percent_encoding::percent_decode_str;
use url::Url;

use crate::Error;

/// How to talk to a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// Plain HTTP.
    Http,
    /// HTTP over TLS.
    Https,
    /// SSH.
    Ssh,
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Http => "http",
            Self::Https => "https",
            Self::Ssh => "ssh",
        })
    }
}

/// A repository's address, parsed once: `http://`, `https://` or `ssh://`.
///
/// User and password written into the URL are kept apart, so that printing the address shows neither.
#[derive(Clone)]
pub struct Remote {
    url: Url,
    scheme: Scheme,
    user: Option<String>,
    password: Option<String>,
}

impl Remote {
    /// Parses an address.
    ///
    /// # Errors
    /// When it is no URL, has another scheme, no host, or a path that cannot be sent safely.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let bad = |reason: &str| Error::Url { reason: reason.to_owned() };
        let mut url = Url::parse(text).map_err(|e| bad(&e.to_string()))?;
        let scheme = match url.scheme() {
            "http" => Scheme::Http,
            "https" => Scheme::Https,
            "ssh" => Scheme::Ssh,
            other => return Err(bad(&format!("scheme {other:?} is not http, https or ssh"))),
        };
        // Browsers read `https:///a` as host `a`; Git and Go do not.
        let slashes = text.split_once("://").is_some_and(|(_, rest)| rest.starts_with(['/', '\\']));
        if slashes || url.host_str().is_none_or(str::is_empty) {
            return Err(bad("it has no host"));
        }
        let decode = |part: &str| percent_decode_str(part).decode_utf8().map(|s| s.into_owned());
        let user = decode(url.username()).map_err(|_| bad("its user is not UTF-8"))?;
        let password = url.password().map(decode).transpose().map_err(|_| bad("its password is not UTF-8"))?;
        if user.starts_with('-') || url.host_str().is_some_and(|h| h.starts_with('-')) {
            return Err(bad("its user or host starts with a dash"));
        }
        if url.set_username("").is_err() || url.set_password(None).is_err() {
            return Err(bad("its user cannot be separated"));
        }
        url.set_fragment(None);
        let remote = Self { url, scheme, user: (!user.is_empty()).then_some(user), password };
        remote.path()?;
        Ok(remote)
    }

    /// How to talk to it.
    #[must_use]
    pub fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// The host's name or address, without brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        self.url.host_str().unwrap_or_default().trim_start_matches('[').trim_end_matches(']')
    }

    /// The port, the scheme's own by default.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.url.port().unwrap_or(match self.scheme {
            Scheme::Http => 80,
            Scheme::Https => 443,
            Scheme::Ssh => 22,
        })
    }

    /// `host` or `host:port`, for messages.
    #[must_use]
    pub fn authority(&self) -> String {
        match self.url.port() {
            Some(port) => format!("{}:{port}", self.url.host_str().unwrap_or_default()),
            None => self.url.host_str().unwrap_or_default().to_owned(),
        }
    }

    /// The user in the URL.
    #[must_use]
    pub fn user(&self) -> Option<&str> {
        self.user.as_deref()
    }

    /// The password in the URL.
    pub(crate) fn password(&self) -> Option<&str> {
        self.password.as_deref()
    }

    /// The URL without user and password.
    pub(crate) fn url(&self) -> &Url {
        &self.url
    }

    /// The path as an SSH server takes it: decoded, `/~user` without its slash.
    pub(crate) fn path(&self) -> Result<String, Error> {
        let bad = |reason: &str| Error::Url { reason: reason.to_owned() };
        let path = percent_decode_str(self.url.path()).decode_utf8().map_err(|_| bad("its path is not UTF-8"))?;
        if path.chars().any(char::is_control) {
            return Err(bad("its path has control characters"));
        }
        if self.scheme == Scheme::Ssh && path.trim_matches('/').is_empty() {
            return Err(bad("it has no path"));
        }
        Ok(if path.starts_with("/~") { path.trim_start_matches('/').to_owned() } else { path.into_owned() })
    }
}

impl fmt::Display for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.url.fmt(f)
    }
}

impl fmt::Debug for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Remote({})", self.url)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_and_redaction() {
        let r = Remote::parse("ssh://git%40x:s3cret@example.com:2222/~me/a%20b.git").unwrap();
        assert_eq!((r.scheme(), r.host(), r.port(), r.user()), (Scheme::Ssh, "example.com", 2222, Some("git@x")));
        assert_eq!(r.path().unwrap(), "~me/a b.git");
        assert!(!format!("{r} {r:?}").contains("s3cret"));
        assert_eq!(r.password(), Some("s3cret"));
        let r = Remote::parse("https://[::1]:8443/a.git").unwrap();
        assert_eq!((r.host(), r.authority().as_str()), ("::1", "[::1]:8443"));
    }

    #[test]
    fn refuses_what_could_be_misread() {
        for url in [
            "git@example.com:a/b.git",
            "file:///etc",
            "git://example.com/a",
            "ssh://example.com",
            "ssh://-oProxyCommand=x/a",
            "ssh://-x@example.com/a",
            "ssh://example.com/a%0Ab",
            "ssh://example.com/a%00b",
            "https:///a",
        ] {
            assert!(Remote::parse(url).is_err(), "{url}");
        }
    }
}
