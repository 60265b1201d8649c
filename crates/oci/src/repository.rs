//! `oci://host/path` taken apart.

use crate::error::OciError;

/// The registry that names without a host mean.
const DOCKER_HUB: &str = "index.docker.io";

/// A repository in a registry.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Repository {
    registry: String,
    name: String,
}

impl Repository {
    /// Reads the URL of a spec.
    ///
    /// # Errors
    /// When it is no `oci://` URL, names no repository, or holds a tag or digest.
    pub fn parse(url: &str) -> Result<Self, OciError> {
        let refuse = |reason: &str| Err(OciError::Url { reason: reason.to_owned() });
        let Some(rest) = url.strip_prefix("oci://") else {
            return refuse("URL must be in format 'oci://<domain>/<org>/<repo>'");
        };
        let (host, path) = match rest.split_once('/') {
            Some((host, path)) if host.contains(['.', ':']) || host == "localhost" => (host, path),
            _ => (DOCKER_HUB, rest),
        };
        if let Some((_, digest)) = path.split_once('@') {
            return Err(OciError::Url { reason: format!("URL must not contain a digest; remove '@{}'", cut(digest)) });
        }
        if let Some((_, tag)) = path.split_once(':') {
            return Err(OciError::Url { reason: format!("URL must not contain a tag; remove ':{}'", cut(tag)) });
        }
        let path = if host == DOCKER_HUB && !path.contains('/') { format!("library/{path}") } else { path.to_owned() };
        if !is_host(host) || !is_name(&path) {
            return Err(OciError::Url { reason: format!("could not parse '{}': invalid repository name", cut(rest)) });
        }
        let registry = match host {
            "docker.io" | "registry-1.docker.io" => DOCKER_HUB,
            host => host,
        };
        Ok(Self { registry: registry.to_owned(), name: path })
    }

    /// Host, and port where it is not the scheme's.
    #[must_use]
    pub fn registry(&self) -> &str {
        &self.registry
    }

    /// The path in the registry.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether the registry is on this machine or in a private network, where plain HTTP is tried as Flux does.
    pub(crate) fn is_local(&self) -> bool {
        let host = self.registry.rsplit_once(':').map_or(self.registry.as_str(), |(host, _)| host);
        let host = host.trim_matches(['[', ']']);
        match host.parse::<std::net::IpAddr>() {
            Ok(std::net::IpAddr::V4(ip)) => ip.is_loopback() || ip.is_private(),
            Ok(std::net::IpAddr::V6(ip)) => ip.is_loopback(),
            Err(_) => host == "localhost" || host.ends_with(".localhost") || host.ends_with(".local"),
        }
    }
}

impl std::fmt::Display for Repository {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.registry, self.name)
    }
}

/// A host name or address, maybe with a port. By hand: the expression that `oci-client` compiles for this takes 12 MiB.
fn is_host(text: &str) -> bool {
    let (host, port) = match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((ip, rest)) if ip.parse::<std::net::Ipv6Addr>().is_ok() => {
            ("localhost", rest.strip_prefix(':').or(rest.is_empty().then_some("0")))
        }
        Some(_) => return false,
        None => match text.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (text, Some("0")),
        },
    };
    let label = |label: &str| {
        !label.is_empty()
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    port.is_some_and(|port| port.parse::<u16>().is_ok()) && host.len() <= 253 && host.split('.').all(label)
}

/// Segments of lower-case letters and digits, with one `.`, one or two `_`, or any number of `-` between them.
fn is_name(text: &str) -> bool {
    text.len() <= 255 && text.split('/').all(is_segment)
}

fn is_segment(segment: &str) -> bool {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let ends = |b: Option<&u8>| b.is_some_and(|b| plain(*b));
    let bytes = segment.as_bytes();
    let separators = segment.split(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit());
    let separator = |text: &str| matches!(text, "" | "." | "_" | "__") || text.bytes().all(|b| b == b'-');
    ends(bytes.first()) && ends(bytes.last()) && separators.clone().all(separator)
}

fn cut(text: &str) -> String {
    text.chars().take(200).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_taken_apart() {
        for (url, registry, name) in [
            ("oci://ghcr.io/acme/app", "ghcr.io", "acme/app"),
            ("oci://localhost:5000/app", "localhost:5000", "app"),
            ("oci://127.0.0.1:5000/a/b/c", "127.0.0.1:5000", "a/b/c"),
            ("oci://localhost/app", "localhost", "app"),
            ("oci://alpine", "index.docker.io", "library/alpine"),
            ("oci://acme/app", "index.docker.io", "acme/app"),
            ("oci://docker.io/acme/app", "index.docker.io", "acme/app"),
            ("oci://[::1]:5000/app", "[::1]:5000", "app"),
            ("oci://my-host.example.com/a__b/c--d.e_f", "my-host.example.com", "a__b/c--d.e_f"),
        ] {
            let parsed = Repository::parse(url).unwrap();
            assert_eq!((parsed.registry(), parsed.name()), (registry, name), "{url}");
        }
    }

    #[test]
    fn wrong_urls_say_why() {
        for (url, reason) in [
            ("https://ghcr.io/a/b", "URL must be in format"),
            ("oci://ghcr.io/a/b:v1", "URL must not contain a tag; remove ':v1'"),
            ("oci://localhost:5000/b:v1", "remove ':v1'"),
            ("oci://ghcr.io/a/b@sha256:12", "must not contain a digest"),
            ("oci://ghcr.io/", "could not parse"),
            ("oci://ghcr.io/UPPER", "could not parse"),
            ("oci://ghcr.io/a/../b", "could not parse"),
            ("oci://", "could not parse"),
            ("oci://user:pw@ghcr.io/a", "could not parse"),
            ("oci://ghcr.io/a//b", "could not parse"),
            ("oci://ghcr.io/a/", "could not parse"),
            ("oci://ghcr.io/a..b", "could not parse"),
            ("oci://ghcr.io/-a", "could not parse"),
            ("oci://ghcr.io/a?x=y", "could not parse"),
            ("oci://gh_cr.io/a", "could not parse"),
            ("oci://ghcr.io:99999/a", "could not parse"),
            ("oci://[::g]:1/a", "could not parse"),
        ] {
            let error = Repository::parse(url).unwrap_err().to_string();
            assert!(error.contains(reason), "{url}: {error}");
        }
    }

    #[test]
    fn local_registries_are_known() {
        for (url, local) in [
            ("oci://localhost:5000/a", true),
            ("oci://10.1.2.3/a", true),
            ("oci://registry.local/a", true),
            ("oci://ghcr.io/a", false),
            ("oci://8.8.8.8/a", false),
        ] {
            assert_eq!(Repository::parse(url).unwrap().is_local(), local, "{url}");
        }
    }
}
