//! Parsing.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::{
    InvalidUrl, Url, User,
    escape::{Mode, unescaped},
};
use crate::{format::quote, text::Str};

/// Takes a URL apart.
pub fn url(text: &[u8]) -> Result<Url, InvalidUrl> {
    let (before, fragment) = cut(text, b"#");
    let mut url = hierarchy(before).map_err(|why| InvalidUrl { url: Str::from(before), why })?;
    url.fragment = unescaped(fragment, Mode::Fragment).map_err(|why| InvalidUrl { url: Str::from(text), why })?;
    Ok(url)
}

/// What stands before and after the first occurrence.
fn cut<'a>(text: &'a [u8], at: &[u8]) -> (&'a [u8], &'a [u8]) {
    match memchr::memmem::find(text, at) {
        Some(place) => (text.get(..place).unwrap_or_default(), text.get(place + at.len()..).unwrap_or_default()),
        None => (text, b""),
    }
}

fn hierarchy(text: &[u8]) -> Result<Url, String> {
    if text.iter().any(|it| *it < b' ' || *it == 0x7F) {
        return Err("net/url: invalid control character in URL".into());
    }
    if text == b"*" {
        return Ok(Url { path: b"*".to_vec(), ..Url::default() });
    }
    let (scheme, rest) = scheme(text)?;
    let (mut rest, query) = cut(rest, b"?");
    let mut url = Url { scheme: scheme.to_ascii_lowercase(), query: query.to_vec(), ..Url::default() };
    if !rest.starts_with(b"/") {
        if !scheme.is_empty() {
            url.opaque = rest.to_vec();
            return Ok(url);
        }
        if cut(rest, b"/").0.contains(&b':') {
            return Err("first path segment in URL cannot contain colon".into());
        }
    }
    if rest.starts_with(b"//") && (!scheme.is_empty() || !rest.starts_with(b"///")) {
        let authority = rest.get(2..).unwrap_or_default();
        let end = memchr::memchr(b'/', authority).unwrap_or(authority.len());
        rest = authority.get(end..).unwrap_or_default();
        authority_of(&mut url, authority.get(..end).unwrap_or_default())?;
    }
    url.path = unescaped(rest, Mode::Path)?;
    Ok(url)
}

fn scheme(text: &[u8]) -> Result<(&[u8], &[u8]), String> {
    for (at, byte) in text.iter().enumerate() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' => {}
            b'0'..=b'9' | b'+' | b'-' | b'.' if at > 0 => {}
            b':' if at == 0 => return Err("missing protocol scheme".into()),
            b':' => return Ok((text.get(..at).unwrap_or_default(), text.get(at + 1..).unwrap_or_default())),
            _ => break,
        }
    }
    Ok((b"", text))
}

fn authority_of(url: &mut Url, authority: &[u8]) -> Result<(), String> {
    let at = memchr::memrchr(b'@', authority);
    url.host = host(&url.scheme, at.and_then(|at| authority.get(at + 1..)).unwrap_or(authority))?;
    let Some(user) = at.and_then(|at| authority.get(..at)) else { return Ok(()) };
    if !user.iter().all(|it| it.is_ascii_alphanumeric() || b"-._:~!$&'()*+,;=%@".contains(it)) {
        return Err("net/url: invalid userinfo".into());
    }
    let (name, password) = cut(user, b":");
    let name = unescaped(name, Mode::UserPassword)?;
    let password = user.contains(&b':').then(|| unescaped(password, Mode::UserPassword)).transpose()?;
    url.user = Some(User { name, password });
    Ok(())
}

fn valid_port(port: &[u8]) -> Result<(), String> {
    match port {
        [] => Ok(()),
        [b':', digits @ ..] if digits.iter().all(u8::is_ascii_digit) => Ok(()),
        other => Err(format!("invalid port {} after host", quote(other))),
    }
}

fn host(scheme: &[u8], host: &[u8]) -> Result<Vec<u8>, String> {
    match memchr::memrchr(b'[', host) {
        Some(0) => return bracketed(host),
        Some(_) => return Err("invalid IP-literal".into()),
        None => {}
    }
    if let (Some(first), Some(last)) = (memchr::memchr(b':', host), memchr::memrchr(b':', host)) {
        // Databases list several hosts with their ports; only the web's schemes are strict.
        let colon = if matches!(scheme, b"http" | b"https") { first } else { last };
        valid_port(host.get(colon..).unwrap_or_default())?;
    }
    unescaped(host, Mode::Host)
}

fn bracketed(host: &[u8]) -> Result<Vec<u8>, String> {
    let Some(end) = memchr::memrchr(b']', host) else { return Err("missing ']' in host".into()) };
    let port = host.get(end + 1..).unwrap_or_default();
    valid_port(port)?;
    let inner = host.get(1..end).unwrap_or_default();
    let zone = memchr::memmem::find(inner, b"%25").unwrap_or(inner.len());
    let mut name = unescaped(inner.get(..zone).unwrap_or_default(), Mode::Host)?;
    name.extend(unescaped(inner.get(zone..).unwrap_or_default(), Mode::Zone)?);
    address(&name)?;
    Ok([b"[".as_slice(), &name, b"]", port].concat())
}

/// An IPv6 address, with a zone or without.
fn address(name: &[u8]) -> Result<(), String> {
    let text = String::from_utf8_lossy(name);
    let (address, zone) = text.split_once('%').map_or((&*text, None), |(address, zone)| (address, Some(zone)));
    let invalid = |why: &str| Err(format!("invalid host: ParseAddr({}): {why}", quote(name)));
    if zone.is_none() && address.parse::<Ipv4Addr>().is_ok() {
        return Err("invalid IP-literal".into());
    }
    if !address.contains([':', '.']) {
        return invalid(if zone.is_some() { "missing IPv6 address" } else { "unable to parse IP" });
    }
    if zone == Some("") {
        return invalid("zone must be a non-empty string");
    }
    match address.parse::<Ipv6Addr>() {
        Ok(_) => Ok(()),
        Err(_) => invalid("unable to parse IP"),
    }
}
