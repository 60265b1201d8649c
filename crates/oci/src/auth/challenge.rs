//! `WWW-Authenticate`: what a registry wants to see.

use http::{HeaderMap, header};

/// How to identify oneself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Challenge {
    /// User and password with every request.
    Basic,
    /// A token from a service.
    Bearer {
        /// Its address.
        realm: String,
        /// The name it knows the registry by.
        service: Option<String>,
    },
}

/// The first challenge we can answer; Bearer is preferred, as clients do.
pub(crate) fn read(headers: &HeaderMap) -> Option<Challenge> {
    let mut basic = false;
    for value in headers.get_all(header::WWW_AUTHENTICATE) {
        let Ok(text) = value.to_str() else { continue };
        let (scheme, parameters) = text.trim().split_once(' ').unwrap_or((text.trim(), ""));
        if scheme.eq_ignore_ascii_case("bearer") {
            let parameters = split(parameters);
            let get = |name: &str| {
                parameters.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.clone())
            };
            if let Some(realm) = get("realm") {
                return Some(Challenge::Bearer { realm, service: get("service") });
            }
        }
        basic = basic || scheme.eq_ignore_ascii_case("basic");
    }
    basic.then_some(Challenge::Basic)
}

/// `key="value", key=value` with backslash escapes in quotes.
fn split(text: &str) -> Vec<(String, String)> {
    let mut pairs = Vec::new();
    let mut chars = text.chars().peekable();
    while chars.peek().is_some() {
        let mut key = String::new();
        while let Some(c) = chars.next_if(|c| *c != '=') {
            key.push(c);
        }
        chars.next();
        let mut value = String::new();
        if chars.next_if_eq(&'"').is_some() {
            while let Some(c) = chars.next() {
                match c {
                    '"' => break,
                    '\\' => value.extend(chars.next()),
                    c => value.push(c),
                }
            }
            while chars.next_if(|c| *c != ',').is_some() {}
        } else {
            while let Some(c) = chars.next_if(|c| *c != ',') {
                value.push(c);
            }
        }
        chars.next();
        pairs.push((key.trim_matches([' ', ',']).to_owned(), value.trim().to_owned()));
    }
    pairs
}

#[cfg(test)]
mod tests {
    use super::*;

    fn challenge(values: &[&str]) -> Option<Challenge> {
        read(&HeaderMap::from_iter(values.iter().map(|value| (header::WWW_AUTHENTICATE, value.parse().unwrap()))))
    }

    #[test]
    fn challenges() {
        let bearer = |realm: &str, service: Option<&str>| {
            Some(Challenge::Bearer { realm: realm.to_owned(), service: service.map(str::to_owned) })
        };
        let hub = r#"Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="a:b:pull,push""#;
        assert_eq!(challenge(&[hub]), bearer("https://auth.docker.io/token", Some("registry.docker.io")));
        assert_eq!(challenge(&["bearer Realm=https://x/t , service=y"]), bearer("https://x/t", Some("y")));
        assert_eq!(challenge(&[r#"Basic realm="r""#]), Some(Challenge::Basic));
        assert_eq!(challenge(&["Basic", r#"Bearer realm="https://x""#]), bearer("https://x", None));
        assert_eq!(challenge(&["Digest x=y"]), None);
        assert_eq!(challenge(&["Bearer service=only"]), None);
        assert_eq!(challenge(&[r#"Bearer realm="unclosed"#]), bearer("unclosed", None));
    }
}
