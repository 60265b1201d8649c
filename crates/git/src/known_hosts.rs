//! Which keys a host may have, in OpenSSH's `known_hosts` format.
//!
//! Understood: several patterns a line, `*` and `?`, `!` negation, `[host]:port`, hashed hosts (`|1|salt|hash`), `@revoked`.
//! Lines of `@cert-authority` are passed over: certificates are not asked for. Format: sshd(8), SSH_KNOWN_HOSTS FILE FORMAT.

use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use russh::keys::{Algorithm, PublicKey};
use sha1::Sha1;

/// The parsed file.
#[derive(Clone, Debug, Default)]
pub struct KnownHosts {
    lines: Vec<Line>,
}

#[derive(Clone, Debug)]
struct Line {
    revoked: bool,
    hosts: Hosts,
    key: PublicKey,
}

#[derive(Clone, Debug)]
enum Hosts {
    Patterns(Vec<String>),
    Hashed { salt: Vec<u8>, hash: Vec<u8> },
}

/// What the file says of a key a host has shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is the one.
    Known,
    /// The file has no key of this host.
    UnknownHost,
    /// The file has other keys of this host, or this one is revoked.
    Mismatch,
}

impl KnownHosts {
    /// Reads a file; lines that cannot be read are passed over, as OpenSSH does, so they make nothing known.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        Self { lines: text.lines().filter_map(parse_line).collect() }
    }

    /// Judges a key.
    #[must_use]
    pub fn check(&self, host: &str, port: u16, key: &PublicKey) -> Verdict {
        let mut verdict = Verdict::UnknownHost;
        for line in self.of(host, port) {
            let same = line.key.key_data() == key.key_data();
            match (line.revoked, same) {
                (true, true) => return Verdict::Mismatch,
                (true, false) => {}
                (false, true) => verdict = Verdict::Known,
                (false, false) if verdict == Verdict::UnknownHost => verdict = Verdict::Mismatch,
                (false, false) => {}
            }
        }
        verdict
    }

    /// The types of the keys a host has here: only these are worth asking it for.
    #[must_use]
    pub fn algorithms(&self, host: &str, port: u16) -> Vec<Algorithm> {
        let mut out: Vec<Algorithm> = Vec::new();
        for line in self.of(host, port).filter(|line| !line.revoked) {
            let algorithm = line.key.algorithm();
            if !out.contains(&algorithm) {
                out.push(algorithm);
            }
        }
        out
    }

    fn of<'a>(&'a self, host: &str, port: u16) -> impl Iterator<Item = &'a Line> {
        let host = host.to_ascii_lowercase();
        let name = if port == 22 { host } else { format!("[{host}]:{port}") };
        self.lines.iter().filter(move |line| line.hosts.matches(&name))
    }
}

fn parse_line(line: &str) -> Option<Line> {
    let line = line.trim();
    if line.is_empty() || line.starts_with('#') {
        return None;
    }
    let mut words = line.split_ascii_whitespace();
    let mut first = words.next()?;
    let mut revoked = false;
    if first.starts_with('@') {
        if first != "@revoked" {
            return None;
        }
        revoked = true;
        first = words.next()?;
    }
    let (kind, blob) = (words.next()?, words.next()?);
    let key = PublicKey::from_openssh(&format!("{kind} {blob}")).ok()?;
    Some(Line { revoked, hosts: parse_hosts(first)?, key })
}

fn parse_hosts(text: &str) -> Option<Hosts> {
    let Some(rest) = text.strip_prefix("|1|") else {
        return Some(Hosts::Patterns(text.split(',').map(normal).collect()));
    };
    let (salt, hash) = rest.split_once('|')?;
    Some(Hosts::Hashed { salt: STANDARD.decode(salt).ok()?, hash: STANDARD.decode(hash).ok()? })
}

/// A pattern in lower case; `[host]:22` is written `host`.
fn normal(pattern: &str) -> String {
    let pattern = pattern.to_ascii_lowercase();
    let (not, bare) = match pattern.strip_prefix('!') {
        Some(bare) => ("!", bare),
        None => ("", pattern.as_str()),
    };
    match bare.strip_prefix('[').and_then(|rest| rest.strip_suffix("]:22").or(rest.strip_suffix(']'))) {
        Some(host) => format!("{not}{host}"),
        None => pattern,
    }
}

impl Hosts {
    fn matches(&self, name: &str) -> bool {
        match self {
            Self::Patterns(patterns) => {
                let mut found = false;
                for pattern in patterns {
                    match pattern.strip_prefix('!') {
                        Some(not) if glob(not.as_bytes(), name.as_bytes()) => return false,
                        Some(_) => {}
                        None => found |= glob(pattern.as_bytes(), name.as_bytes()),
                    }
                }
                found
            }
            Self::Hashed { salt, hash } => Hmac::<Sha1>::new_from_slice(salt)
                .is_ok_and(|mac| mac.chain_update(name.as_bytes()).verify_slice(hash).is_ok()),
        }
    }
}

/// `*` and `?`, in time linear in pattern times text.
fn glob(pattern: &[u8], text: &[u8]) -> bool {
    let (mut p, mut t) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(c) if *c == b'?' || Some(c) == text.get(t) => {
                p += 1;
                t += 1;
            }
            _ => match star {
                Some((at, from)) => {
                    star = Some((at, from + 1));
                    p = at + 1;
                    t = from + 1;
                }
                None => return false,
            },
        }
    }
    pattern.get(p..).is_some_and(|rest| rest.iter().all(|c| *c == b'*'))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ED: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJdD7y3aLq454yWBdwLWbieU1ebz9/cu7/QEXn9OIeZJ";
    const OTHER: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILIG2T/B0l0gaqj3puu510tu9N1OkQ4znY3LYuEm5zCF";

    fn key(text: &str) -> PublicKey {
        PublicKey::from_openssh(text).unwrap()
    }

    fn check(file: &str, host: &str, port: u16) -> Verdict {
        KnownHosts::parse(file).check(host, port, &key(ED))
    }

    #[test]
    fn hosts_ports_patterns_and_negation() {
        for (pattern, host, port, expected) in [
            ("example.com", "example.com", 22, Verdict::Known),
            ("example.com", "EXAMPLE.com", 22, Verdict::Known),
            ("example.com", "example.com", 2222, Verdict::UnknownHost),
            ("[example.com]:2222", "example.com", 2222, Verdict::Known),
            ("[example.com]:2222", "example.com", 22, Verdict::UnknownHost),
            ("[example.com]:22", "example.com", 22, Verdict::Known),
            ("[::1]:2222", "::1", 2222, Verdict::Known),
            ("a,example.com,b", "example.com", 22, Verdict::Known),
            ("*.example.com", "git.example.com", 22, Verdict::Known),
            ("*.example.com", "example.com", 22, Verdict::UnknownHost),
            ("g?t.example.com", "git.example.com", 22, Verdict::Known),
            ("*.example.com,!git.example.com", "git.example.com", 22, Verdict::UnknownHost),
            ("example.comx", "example.com", 22, Verdict::UnknownHost),
        ] {
            assert_eq!(check(&format!("{pattern} {ED} comment\n"), host, port), expected, "{pattern} {host}:{port}");
        }
    }

    #[test]
    fn changed_and_revoked_keys_are_refused() {
        assert_eq!(check(&format!("h {OTHER}\n"), "h", 22), Verdict::Mismatch);
        assert_eq!(check(&format!("h {OTHER}\nh {ED}\n"), "h", 22), Verdict::Known);
        assert_eq!(check(&format!("h {ED}\n@revoked * {ED}\n"), "h", 22), Verdict::Mismatch);
        assert_eq!(check(&format!("@cert-authority * {ED}\n"), "h", 22), Verdict::UnknownHost);
        assert_eq!(
            check("# nothing\n\nh ssh-ed25519\nh garbage AAAA\n|1|x|y ssh-ed25519 AAAA", "h", 22),
            Verdict::UnknownHost
        );
    }

    #[test]
    fn hashed_hosts() {
        let hash = |name: &str| {
            let salt = b"01234567890123456789";
            let mac = Hmac::<Sha1>::new_from_slice(salt).unwrap().chain_update(name).finalize().into_bytes();
            format!("|1|{}|{}", STANDARD.encode(salt), STANDARD.encode(mac))
        };
        assert_eq!(check(&format!("{} {ED}", hash("example.com")), "example.com", 22), Verdict::Known);
        assert_eq!(check(&format!("{} {ED}", hash("[example.com]:2222")), "example.com", 2222), Verdict::Known);
        assert_eq!(check(&format!("{} {ED}", hash("example.com")), "example.org", 22), Verdict::UnknownHost);
        assert_eq!(KnownHosts::parse(&format!("h {ED}")).algorithms("h", 22), vec![Algorithm::Ed25519]);
    }

    proptest! {
        #[test]
        fn no_file_panics_and_none_makes_a_stranger_known(text in "\\PC{0,200}", host in "[a-z*?!|,\\[\\]:.]{0,30}") {
            prop_assert_ne!(check(&text, &host, 22), Verdict::Known);
        }

        #[test]
        fn globs_agree_with_trying_everything(pattern in "[ab*?]{0,8}", text in "[ab]{0,8}") {
            let expected = tried(&pattern, &text);
            prop_assert_eq!(glob(pattern.as_bytes(), text.as_bytes()), expected);
        }
    }

    /// The same by trying everything.
    fn tried(pattern: &str, text: &str) -> bool {
        match (pattern.chars().next(), text.chars().next()) {
            (None, None) => true,
            (Some('*'), _) => tried(&pattern[1..], text) || (!text.is_empty() && tried(pattern, &text[1..])),
            (Some('?'), Some(_)) => tried(&pattern[1..], &text[1..]),
            (Some(p), Some(t)) if p == t => tried(&pattern[1..], &text[1..]),
            _ => false,
        }
    }
}
