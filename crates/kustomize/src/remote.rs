//! Addresses of remote bases, read as the original reads them.

use std::time::Duration;

/// How long a fetch may take when the address does not say.
const TIMEOUT: Duration = Duration::from_secs(27);

/// A repository and a folder in it: `https://host/org/repo//folder?ref=v1`, `git@host:org/repo.git/folder`,
/// `github.com/org/repo/folder`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteBase {
    /// As it is written.
    pub raw: String,
    /// The repository, for a Git client.
    pub repository: String,
    /// The folder in it; the root is the empty path.
    pub path: String,
    /// A branch, a tag, a full reference or a commit; empty for the default branch.
    pub reference: String,
    /// Whether submodules are wanted.
    pub submodules: bool,
    /// For the whole fetch.
    pub timeout: Duration,
}

impl RemoteBase {
    /// Reads an address; none when it is no remote one.
    #[must_use]
    pub fn parse(raw: &str) -> Option<Self> {
        if raw.starts_with('/') {
            return None;
        }
        let (address, query) = raw.split_once('?').unwrap_or((raw, ""));
        let (host, rest) = split_host(address)?;
        let (repo, path) = split_path(rest, host.starts_with("file://"))?;
        let path = path.strip_prefix('/').unwrap_or(path);
        if repo.is_empty() {
            return None;
        }
        let mut base = Self {
            raw: raw.to_owned(),
            repository: format!("{host}{repo}"),
            path: inside(path)?,
            reference: String::new(),
            submodules: true,
            timeout: TIMEOUT,
        };
        base.query(query);
        Some(base)
    }

    /// `ref` counts before `version`; what cannot be read is passed over.
    fn query(&mut self, query: &str) {
        for pair in query.split('&') {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            let value = unescaped(value);
            match key {
                "ref" if !value.is_empty() => self.reference = value,
                "version" if self.reference.is_empty() => self.reference = value,
                "timeout" => self.timeout = duration(&value).unwrap_or(self.timeout),
                "submodules" => match value.as_str() {
                    "1" | "t" | "T" | "true" | "TRUE" | "True" => self.submodules = true,
                    "0" | "f" | "F" | "false" | "FALSE" | "False" => self.submodules = false,
                    _ => {}
                },
                _ => {}
            }
        }
    }
}

/// An address, or anything else that was written where one may stand, without user and password: what may be shown.
#[must_use]
pub fn shown(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let host = rest.find(['/', '?']).unwrap_or(rest.len());
    match rest.get(..host).and_then(|authority| authority.rfind('@')) {
        Some(at) => format!("{scheme}://{}", rest.get(at + 1..).unwrap_or_default()),
        None => url.to_owned(),
    }
}

fn without_prefix<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let head = text.get(..prefix.len())?;
    head.eq_ignore_ascii_case(prefix).then(|| text.get(prefix.len()..)).flatten()
}

/// Scheme, user and host, up to the separator, and what follows.
fn split_host(address: &str) -> Option<(String, &str)> {
    let address = without_prefix(address, "git::").unwrap_or(address);
    let schemes = ["ssh://", "https://", "http://", "file://"];
    let known = schemes.iter().find_map(|scheme| Some((*scheme, without_prefix(address, scheme)?)));
    let (scheme, address) = known.unwrap_or(("", address));
    let (user, address) = split_user(address);
    let github = ["github.com/", "github.com:"].iter().any(|host| without_prefix(address, host).is_some());
    let scp = scheme.is_empty() && (!user.is_empty() || github);
    if scheme.is_empty() && !scp {
        return None;
    }
    if scheme == "file://" {
        // The user is part of the path.
        return user.is_empty().then(|| (scheme.to_owned(), address));
    }
    let colon = address.find(':').filter(|at| scp && *at > 0);
    let separator = match (address.find('/'), colon) {
        (Some(slash), Some(colon)) => Some(slash.min(colon)),
        (slash, colon) => slash.or(colon),
    };
    let (host, rest) = match separator {
        Some(at) => address.split_at_checked(at + 1)?,
        None => (address, ""),
    };
    if github {
        let host = if scheme == "ssh://" || !user.is_empty() {
            format!("{user}github.com:")
        } else {
            "https://github.com/".to_owned()
        };
        return Some((host, rest));
    }
    (!host.is_empty()).then(|| (format!("{scheme}{user}{host}"), rest))
}

/// `name@` at the start.
fn split_user(address: &str) -> (&str, &str) {
    let Some((name, _)) = address.split_once('@') else { return ("", address) };
    let is_name = name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    if is_name { address.split_at_checked(name.len() + 1).unwrap_or(("", address)) } else { ("", address) }
}

/// The repository's path and the folder in it: parted by `_git/<repo>/`, `//` or `.git`, else behind two parts.
fn split_path(rest: &str, whole: bool) -> Option<(&str, &str)> {
    const GIT_ROOT: &str = "_git/";
    if let Some(at) = rest.find(GIT_ROOT) {
        let from = at + GIT_ROOT.len();
        let end = rest.get(from..)?.find('/').map_or(rest.len(), |length| from + length);
        return rest.split_at_checked(end);
    }
    if let Some(at) = rest.find("//") {
        return Some((rest.get(..at)?, rest.get(at + 2..)?));
    }
    if let Some(at) = rest.find(".git") {
        return rest.split_at_checked(at + ".git".len());
    }
    if whole {
        return Some((rest, ""));
    }
    let first = rest.find('/')?;
    let second = rest.get(first + 1..)?.find('/').map_or(rest.len(), |length| first + 1 + length);
    rest.split_at_checked(second)
}

/// A folder without `.` and `..`; none when it leaves the repository.
fn inside(path: &str) -> Option<String> {
    crate::tree::join("", path.trim_start_matches('/'))
}

fn unescaped(text: &str) -> String {
    let mut out: Vec<u8> = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        let hex = |b: u8| char::from(b).to_digit(16).and_then(|d| u8::try_from(d).ok());
        match byte {
            b'+' => out.push(b' '),
            b'%' => {
                let pair = (bytes.next().and_then(hex), bytes.next().and_then(hex));
                match pair {
                    (Some(high), Some(low)) => out.push(high * 16 + low),
                    _ => return text.to_owned(),
                }
            }
            other => out.push(other),
        }
    }
    String::from_utf8(out).unwrap_or_else(|_| text.to_owned())
}

/// Seconds, or `1m30s`; nothing and less is not taken.
fn duration(text: &str) -> Option<Duration> {
    if let Ok(seconds) = text.parse::<u64>() {
        return (seconds > 0).then(|| Duration::from_secs(seconds));
    }
    let mut total = 0.0;
    let mut rest = text;
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let number: f64 = rest.get(..end)?.parse().ok()?;
        let unit = rest.get(end..)?;
        let (seconds, length) =
            [("ms", 0.001), ("us", 0.000_001), ("ns", 0.000_000_001), ("h", 3600.0), ("m", 60.0), ("s", 1.0)]
                .into_iter()
                .find(|(name, _)| unit.starts_with(name))
                .map(|(name, seconds)| (seconds, name.len()))?;
        total += number * seconds;
        rest = unit.get(length..)?;
    }
    Duration::try_from_secs_f64(total).ok().filter(|d| !d.is_zero())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(raw: &str) -> Option<(String, String, String)> {
        RemoteBase::parse(raw).map(|b| (b.repository, b.path, b.reference))
    }

    #[test]
    fn addresses_are_read_as_the_original_reads_them() {
        for (raw, repository, path, reference) in [
            ("gitHub.com/org/repo/dir?ref=v1", "https://github.com/org/repo", "dir", "v1"),
            ("github.com:org/repo", "https://github.com/org/repo", "", ""),
            ("http://github.com/org/repo", "https://github.com/org/repo", "", ""),
            ("git@github.com/org/repo?version=x", "git@github.com:org/repo", "", "x"),
            ("git::git@github.com:org/repo", "git@github.com:org/repo", "", ""),
            ("org-12345@github.com:org/repo", "org-12345@github.com:org/repo", "", ""),
            (
                "https://git.example.org/org/repo.git//a/b?ref=r&timeout=5",
                "https://git.example.org/org/repo.git",
                "a/b",
                "r",
            ),
            ("ssh://git.example.org:7999/org/repo/a", "ssh://git.example.org:7999/org/repo", "a", ""),
            ("https://dev.example.org/p/_git/repo/a/b", "https://dev.example.org/p/_git/repo", "a/b", ""),
            ("git@git.example.org:deep/er/repo.git/x", "git@git.example.org:deep/er/repo.git", "x", ""),
            ("file:///srv/repo.git//x", "file:///srv/repo.git", "x", ""),
            ("https://git.example.org/a/b/c//d?ref=feature%2Fx", "https://git.example.org/a/b/c", "d", "feature/x"),
        ] {
            let expected = (repository.to_owned(), path.to_owned(), reference.to_owned());
            assert_eq!(parts(raw), Some(expected), "{raw}");
        }
    }

    #[test]
    fn what_is_no_address_is_a_path() {
        for raw in [
            "/tmp",
            "../../tmp",
            "src/github.com/org/repo/path",
            "plain",
            "htxxxtp://github.com/",
            "ssh://git.example.org",
            "git::___",
            "https://host?ref=a/b",
            "https://github.com/org/repo.git//path/../../exits/repo",
            "github.com!org/repo.git//path",
            "gh:org/repo",
            "https://github.com/thisisa404.yaml",
            "file:////tmp//path/to/whatever",
        ] {
            assert_eq!(parts(raw), None, "{raw}");
        }
    }

    #[test]
    fn passwords_are_not_shown() {
        assert_eq!(shown("https://me:secret@host.example/a@b"), "https://host.example/a@b");
        assert_eq!(shown("git::https://me:secret@host.example?ref=a@b"), "git::https://host.example?ref=a@b");
        assert_eq!(shown("git@host.example:a/b"), "git@host.example:a/b");
        assert_eq!(shown("https://host.example/a@b"), "https://host.example/a@b");
    }

    #[test]
    fn queries_are_read() {
        let of = |query: &str| RemoteBase::parse(&format!("github.com/a/b?{query}")).unwrap();
        assert_eq!((of("").timeout, of("").submodules), (TIMEOUT, true));
        assert_eq!(of("timeout=1m30s").timeout, Duration::from_secs(90));
        assert_eq!((of("timeout=0").timeout, of("timeout=x").timeout), (TIMEOUT, TIMEOUT));
        assert!(!of("submodules=false").submodules && of("submodules=maybe").submodules);
        assert_eq!(
            (of("version=a&ref=b").reference, of("ref=b&version=a").reference),
            ("b".to_owned(), "b".to_owned())
        );
    }
}
