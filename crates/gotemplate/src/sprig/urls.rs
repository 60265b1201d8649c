//! URLs taken apart and put together, as Go's net/url does.

mod escape;
mod parse;

use std::fmt;

use crate::{
    error::FuncError,
    function::{Functions, Signature},
    sprig::args::{TEXT, any, fail, text},
    text::Str,
    types::ANY_MAP,
    value::Value,
};

use escape::{Mode, escaped};

/// User and, if there is one, password, decoded.
struct User {
    name: Vec<u8>,
    password: Option<Vec<u8>>,
}

/// The parts of a URL; path and fragment decoded.
#[derive(Default)]
struct Url {
    scheme: Vec<u8>,
    opaque: Vec<u8>,
    user: Option<User>,
    host: Vec<u8>,
    path: Vec<u8>,
    query: Vec<u8>,
    fragment: Vec<u8>,
}

pub fn register(to: &mut Functions) {
    to.add("urlParse", Signature::fixed(&[TEXT]), |_, args| match parse::url(&text(args, 0)) {
        Ok(url) => {
            let parts = [
                ("scheme", url.scheme.clone()),
                ("hostname", url.hostname().to_vec()),
                ("userinfo", url.user.as_ref().map(User::encoded).unwrap_or_default()),
                ("host", url.host),
                ("path", url.path),
                ("query", url.query),
                ("opaque", url.opaque),
                ("fragment", url.fragment),
            ];
            Ok(Value::map(parts.map(|(name, part)| (name, Value::string(part)))))
        }
        Err(error) => fail(format!("unable to parse url: {error}")),
    });
    to.add("urlJoin", Signature::fixed(&[ANY_MAP]), |_, args| join(any(args, 0)).map(Value::string));
}

fn join(dict: &Value) -> Result<Vec<u8>, FuncError> {
    let mut url = Url {
        scheme: part(dict, "scheme")?,
        host: part(dict, "host")?,
        path: part(dict, "path")?,
        query: part(dict, "query")?,
        opaque: part(dict, "opaque")?,
        fragment: part(dict, "fragment")?,
        user: None,
    };
    let user = part(dict, "userinfo")?;
    if !user.is_empty() {
        let around = [b"proto://".as_slice(), &user, b"@host"].concat();
        url.user = match parse::url(&around) {
            Ok(parsed) => parsed.user,
            Err(error) => return fail(format!("unable to parse userinfo in dict: {error}")),
        };
    }
    Ok(url.text())
}

fn part(dict: &Value, key: &str) -> Result<Vec<u8>, FuncError> {
    let Some(value) = dict.as_map().and_then(|map| map.get(key)) else { return Ok(Vec::new()) };
    match value.plain() {
        Value::String(text) => Ok(text.to_vec()),
        Value::Nil | Value::Missing => fail(crate::sprig::args::NIL_DEREFERENCE),
        other => fail(format!("unable to parse {key} key, must be of type string, but {} found", other.kind())),
    }
}

impl User {
    fn encoded(&self) -> Vec<u8> {
        let mut out = escaped(&self.name, Mode::UserPassword);
        if let Some(password) = &self.password {
            out.push(b':');
            out.extend(escaped(password, Mode::UserPassword));
        }
        out
    }
}

impl Url {
    /// The host without port and brackets.
    fn hostname(&self) -> &[u8] {
        let host = self.host.as_slice();
        let port = host
            .iter()
            .rposition(|it| *it == b':')
            .filter(|at| host.get(at + 1..).is_some_and(|digits| digits.iter().all(u8::is_ascii_digit)));
        let host = port.and_then(|at| host.get(..at)).unwrap_or(host);
        host.strip_prefix(b"[").and_then(|it| it.strip_suffix(b"]")).unwrap_or(host)
    }

    fn text(&self) -> Vec<u8> {
        let mut out = Vec::new();
        if !self.scheme.is_empty() {
            out.extend_from_slice(&self.scheme);
            out.push(b':');
        }
        if !self.opaque.is_empty() {
            out.extend_from_slice(&self.opaque);
        } else {
            self.write_hierarchy(&mut out);
        }
        if !self.query.is_empty() {
            out.push(b'?');
            out.extend_from_slice(&self.query);
        }
        if !self.fragment.is_empty() {
            out.push(b'#');
            out.extend(escaped(&self.fragment, Mode::Fragment));
        }
        out
    }

    fn write_hierarchy(&self, out: &mut Vec<u8>) {
        let has_authority = !self.host.is_empty() || self.user.is_some();
        if has_authority || (!self.scheme.is_empty() && !self.path.is_empty()) {
            out.extend_from_slice(b"//");
        }
        if let Some(user) = &self.user {
            out.extend(user.encoded());
            out.push(b'@');
        }
        out.extend(escaped(&self.host, Mode::Host));
        let path = if self.path == b"*" { b"*".to_vec() } else { escaped(&self.path, Mode::Path) };
        if !self.host.is_empty() && path.first().is_some_and(|it| *it != b'/') {
            out.push(b'/');
        }
        // A first segment with a colon would be taken for a scheme.
        if out.is_empty() && path.split(|it| *it == b'/').next().is_some_and(|segment| segment.contains(&b':')) {
            out.extend_from_slice(b"./");
        }
        out.extend(path);
    }
}

/// Why a text is no URL.
struct InvalidUrl {
    url: Str,
    why: String,
}

impl fmt::Display for InvalidUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "parse {}: {}", crate::format::quote(&self.url), self.why)
    }
}
