//! Which registries and repositories an entry of a Docker configuration is for, as the kubelet decides it.

/// Whether `key` (`host`, `*.host:port`, `host/path`) covers the repository: as many host labels, each matching with `*` and
/// `?`; the same port; the key's path a prefix of the repository.
pub(super) fn matches(key: &str, registry: &str, repository: &str) -> bool {
    let (key_host, key_path) = key.split_once('/').unwrap_or((key, ""));
    let ((key_name, key_port), (name, port)) = (split_port(key_host), split_port(registry));
    let (key_labels, labels) = (key_name.split('.'), name.split('.'));
    key_port == port
        && key_labels.clone().count() == labels.clone().count()
        && key_labels.zip(labels).all(|(pattern, label)| glob(pattern.as_bytes(), label.as_bytes()))
        && repository.starts_with(key_path)
}

fn split_port(host: &str) -> (&str, &str) {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => (name, port),
        _ => (host, ""),
    }
}

fn glob(pattern: &[u8], text: &[u8]) -> bool {
    match (pattern.split_first(), text.split_first()) {
        (None, None) => true,
        (Some((b'*', rest)), _) => (0..=text.len()).any(|skip| text.get(skip..).is_some_and(|tail| glob(rest, tail))),
        (Some((b'?', rest)), Some((_, tail))) => glob(rest, tail),
        (Some((p, rest)), Some((t, tail))) => p == t && glob(rest, tail),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn keys_cover_what_the_kubelet_says() {
        for (key, registry, repository, expected) in [
            ("ghcr.io", "ghcr.io", "acme/app", true),
            ("ghcr.io/acme", "ghcr.io", "acme/app", true),
            ("ghcr.io/other", "ghcr.io", "acme/app", false),
            ("*.azurecr.io", "me.azurecr.io", "app", true),
            ("*.azurecr.io", "a.b.azurecr.io", "app", false),
            ("pre*.azurecr.io", "prefix.azurecr.io", "app", true),
            ("*", "localhost", "app", true),
            ("127.0.0.1:5000", "127.0.0.1:5000", "app", true),
            ("127.0.0.1", "127.0.0.1:5000", "app", false),
            ("127.0.0.1:5001", "127.0.0.1:5000", "app", false),
            ("ghcr.io", "ghcr.io.evil.com", "acme/app", false),
            ("r?gistry.io", "registry.io", "a", true),
        ] {
            assert_eq!(matches(key, registry, repository), expected, "{key} {registry}/{repository}");
        }
    }
}
