//! Secrets: a type that does not print them, and a sieve for text that may hold them.

use std::{
    borrow::Cow,
    fmt,
    sync::{LazyLock, RwLock},
};

use regex::Regex;

/// What is shown instead.
pub const MASK: &str = "*****";

/// A value that must not be shown: `Debug` and `Display` print a mask.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secret<T>(T);

impl<T> Secret<T> {
    /// Wraps a value.
    pub const fn new(value: T) -> Self {
        Self(value)
    }

    /// The value, for the one place that needs it.
    pub const fn expose(&self) -> &T {
        &self.0
    }

    /// The value itself.
    pub fn into_inner(self) -> T {
        self.0
    }
}

impl<T> fmt::Debug for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(MASK)
    }
}

impl<T> fmt::Display for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(MASK)
    }
}

impl<T> From<T> for Secret<T> {
    fn from(value: T) -> Self {
        Self(value)
    }
}

/// Values that [`scrub`] masks wherever they appear; counted, since two objects may share one.
static KNOWN: LazyLock<RwLock<Vec<(String, usize)>>> = LazyLock::new(RwLock::default);

/// Shorter values are not registered: masking them would make text unreadable and tell more than it hides.
const SHORTEST: usize = 6;

/// Keeps a value registered while it lives.
#[derive(Debug)]
pub struct Registered(String);

/// Has [`scrub`] mask `value` for as long as the guard lives. Values under six characters are not taken.
#[must_use = "the value is masked only while the guard lives"]
pub fn register(value: &str) -> Registered {
    if value.len() < SHORTEST {
        return Registered(String::new());
    }
    let mut known = KNOWN.write().unwrap_or_else(std::sync::PoisonError::into_inner);
    match known.iter_mut().find(|(text, _)| text == value) {
        Some((_, count)) => *count += 1,
        None => known.push((value.to_owned(), 1)),
    }
    Registered(value.to_owned())
}

impl Drop for Registered {
    fn drop(&mut self) {
        if self.0.is_empty() {
            return;
        }
        let mut known = KNOWN.write().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(at) = known.iter().position(|(text, _)| *text == self.0)
            && let Some((_, count)) = known.get_mut(at)
        {
            *count -= 1;
            if *count == 0 {
                known.swap_remove(at);
            }
        }
    }
}

static USERINFO: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r#"([A-Za-z][A-Za-z0-9+.-]*://)[^/\s?#@"'<>]*:[^/\s?#"'<>]*@"#).expect("constant pattern")
});
static TOKEN_USER: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r#"(https?://)[^/\s?#@:"'<>]{12,}@"#).expect("constant pattern"));
static SCHEME: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"(?i)\b(bearer|basic)(\s+)([A-Za-z0-9._~+/=-]{8,})").expect("constant pattern"));
static QUERY: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r#"(?i)([?&](?:access_token|token|api_key|apikey|key|sig|signature|secret|password|x-amz-signature|x-amz-security-token)=)[^&\s"'<>]+"#)
        .expect("constant pattern")
});

/// `text` without credentials: userinfo of URLs, bearer and basic values, credentials in queries, and every
/// registered value. Borrows when there is nothing to hide, which is the rule.
#[must_use]
pub fn scrub(text: &str) -> Cow<'_, str> {
    let mut out = Cow::Borrowed(text);
    if text.contains("://") {
        replace(&mut out, &USERINFO, "${1}*****@");
        replace(&mut out, &TOKEN_USER, "${1}*****@");
        if text.contains('?') {
            replace(&mut out, &QUERY, "${1}*****");
        }
    }
    let bytes = text.as_bytes();
    if bytes.windows(6).any(|w| w.eq_ignore_ascii_case(b"bearer") || w.eq_ignore_ascii_case(b"basic ")) {
        let masked = SCHEME.replace_all(&out, |found: &regex::Captures<'_>| {
            let value = &found[3];
            // An English word is not a credential: `Basic authentication` stays readable.
            let word = value.chars().all(|c| c.is_ascii_lowercase() || c == '-' || c == '.');
            if word { found[0].to_owned() } else { format!("{}{}{MASK}", &found[1], &found[2]) }
        });
        if let Cow::Owned(masked) = masked {
            out = Cow::Owned(masked);
        }
    }
    let known = KNOWN.read().unwrap_or_else(std::sync::PoisonError::into_inner);
    for (value, _) in known.iter() {
        if out.contains(value.as_str()) {
            out = Cow::Owned(out.replace(value.as_str(), MASK));
        }
    }
    out
}

fn replace(text: &mut Cow<'_, str>, pattern: &Regex, with: &str) {
    if let Cow::Owned(new) = pattern.replace_all(text, with) {
        *text = Cow::Owned(new);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_go_and_the_rest_stays() {
        for (text, expected) in [
            ("clone https://joe:s3cret@git.example.com/x failed", "clone https://*****@git.example.com/x failed"),
            ("https://joe:p@ss@git.example.com/x", "https://*****@git.example.com/x"),
            ("https://ghp_0123456789abcdef@github.com/x", "https://*****@github.com/x"),
            ("ssh://git@github.com/org/repo", "ssh://git@github.com/org/repo"),
            ("Authorization: Bearer abc.def-123456", "Authorization: Bearer *****"),
            ("authorization=basic dXNlcjpwYXNz", "authorization=basic *****"),
            ("GET https://b/o?X-Amz-Signature=abc&x=1", "GET https://b/o?X-Amz-Signature=*****&x=1"),
            ("Basic authentication of a bearer", "Basic authentication of a bearer"),
            ("main@sha1:1234 at https://x/y", "main@sha1:1234 at https://x/y"),
        ] {
            assert_eq!(scrub(text), expected);
        }
        assert!(matches!(scrub("applied revision main@sha1:12"), Cow::Borrowed(_)));
    }

    #[test]
    fn registered_values_are_masked_while_they_live() {
        let first = register("hunter2hunter2");
        let second = register("hunter2hunter2");
        drop(first);
        assert_eq!(scrub("password is hunter2hunter2!"), "password is *****!");
        drop(second);
        assert_eq!(scrub("password is hunter2hunter2!"), "password is hunter2hunter2!");
        let _short = register("abc");
        assert_eq!(scrub("abc"), "abc");
    }

    #[test]
    fn a_secret_does_not_print() {
        let secret = Secret::new("s3cret".to_owned());
        assert_eq!(format!("{secret} {secret:?}"), "***** *****");
        assert_eq!(secret.expose(), "s3cret");
    }
}
