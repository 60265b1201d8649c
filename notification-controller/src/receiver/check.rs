//! Whether a request is from who it should be from. Nothing of the body is read before that is known.

use hmac::{Hmac, KeyInit, Mac};
use http::{HeaderMap, header};
use percent_encoding::percent_decode_str;
use sha1::Sha1;
use sha2::{Sha256, Sha512};
use weir_api::notification::{ReceiverSpec, ReceiverType};

/// A request that is not let in. Says why in the log only.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Refusal {
    #[error("unable to validate HMAC signature: {0}")]
    Signature(&'static str),
    #[error("the GitHub signature header is invalid: {0}")]
    GitHub(&'static str),
    #[error("the GitHub event {0:?} is not authorised")]
    Event(String),
    #[error("webhook request has unsupported Content-Type")]
    ContentType,
    #[error("the receiver's token is empty: set the key 'token' of its secret")]
    EmptyToken,
    #[error("receiver type {0:?} is not supported yet")]
    Unsupported(String),
}

/// The type's name as specs spell it.
pub(super) fn type_name(kind: ReceiverType) -> String {
    serde_json::to_value(kind).ok().and_then(|name| name.as_str().map(str::to_owned)).unwrap_or_default()
}

/// Checks a request against its receiver.
pub(super) fn verify(spec: &ReceiverSpec, token: &[u8], headers: &HeaderMap, body: &[u8]) -> Result<(), Refusal> {
    match spec.type_ {
        // Who knows the path knows the token.
        ReceiverType::Generic => Ok(()),
        ReceiverType::GenericHmac => signature(token, text(headers, "x-signature"), body).map_err(Refusal::Signature),
        ReceiverType::Github => github(spec, token, headers, body),
        other => Err(Refusal::Unsupported(type_name(other))),
    }
    .and_then(|()| {
        if token.is_empty() && spec.type_ != ReceiverType::Generic { Err(Refusal::EmptyToken) } else { Ok(()) }
    })
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

fn github(spec: &ReceiverSpec, token: &[u8], headers: &HeaderMap, body: &[u8]) -> Result<(), Refusal> {
    let strong = text(headers, "x-hub-signature-256");
    let given = if strong.is_empty() { text(headers, "x-hub-signature") } else { strong };
    signature(token, given, body).map_err(Refusal::GitHub)?;
    match media_type(headers) {
        "application/json" => {}
        "application/x-www-form-urlencoded" if form_payload(body).is_some() => {}
        _ => return Err(Refusal::ContentType),
    }
    let event = text(headers, "x-github-event");
    let wanted = |name: &String| name.eq_ignore_ascii_case(event);
    if spec.events.is_empty() || spec.events.iter().any(wanted) {
        Ok(())
    } else {
        Err(Refusal::Event(event.chars().take(64).collect()))
    }
}

/// The `payload` field of a form, as GitHub sends it where asked to.
fn form_payload(body: &[u8]) -> Option<String> {
    let body = std::str::from_utf8(body).ok()?;
    let value = body.split('&').find_map(|field| field.strip_prefix("payload="))?.replace('+', " ");
    percent_decode_str(&value).decode_utf8().ok().map(std::borrow::Cow::into_owned)
}

/// The content type without its parameters.
pub(super) fn media_type(headers: &HeaderMap) -> &str {
    let value = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    value.split(';').next().unwrap_or_default().trim()
}

/// Whether one of the content types, separated by commas, is JSON's.
pub(super) fn is_json(headers: &HeaderMap) -> bool {
    let value = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let kind = |part: &str| part.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("application/json");
    value.split(',').any(kind)
}

/// Checks `<algorithm>=<hex>` against the body, in constant time.
fn signature(key: &[u8], given: &str, body: &[u8]) -> Result<(), &'static str> {
    let (algorithm, digest) = given.split_once('=').ok_or("missing or malformed signature")?;
    let digest = hex::decode(digest).map_err(|_| "the signature is not hexadecimal")?;
    let valid = match algorithm {
        "sha1" => {
            Hmac::<Sha1>::new_from_slice(key).is_ok_and(|mac| mac.chain_update(body).verify_slice(&digest).is_ok())
        }
        "sha256" => {
            Hmac::<Sha256>::new_from_slice(key).is_ok_and(|m| m.chain_update(body).verify_slice(&digest).is_ok())
        }
        "sha512" => {
            Hmac::<Sha512>::new_from_slice(key).is_ok_and(|m| m.chain_update(body).verify_slice(&digest).is_ok())
        }
        _ => return Err("unknown hash algorithm, expected sha1, sha256 or sha512"),
    };
    if valid { Ok(()) } else { Err("payload signature check failed") }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn spec(kind: &str, events: &[&str]) -> ReceiverSpec {
        serde_json::from_value(json!({"type": kind, "events": events, "resources": []})).unwrap()
    }

    fn headers(pairs: &[(&'static str, String)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (http::HeaderName::from_static(name), value.parse().unwrap())).collect()
    }

    fn sign<M: Mac + KeyInit>(key: &[u8], body: &[u8]) -> String {
        hex::encode(<M as KeyInit>::new_from_slice(key).unwrap().chain_update(body).finalize().into_bytes())
    }

    #[test]
    fn signatures_by_every_algorithm_and_nothing_else() {
        let hmac = spec("generic-hmac", &[]);
        let (key, body) = (b"token", b"{}");
        for good in [
            format!("sha1={}", sign::<Hmac<Sha1>>(key, body)),
            format!("sha256={}", sign::<Hmac<Sha256>>(key, body)),
            format!("sha512={}", sign::<Hmac<Sha512>>(key, body)),
        ] {
            assert_eq!(verify(&hmac, key, &headers(&[("x-signature", good.clone())]), body), Ok(()), "{good}");
            assert!(verify(&hmac, b"other", &headers(&[("x-signature", good.clone())]), body).is_err());
            assert!(verify(&hmac, key, &headers(&[("x-signature", good.clone())]), b"{ }").is_err());
            assert!(verify(&hmac, key, &headers(&[("x-hub-signature", good)]), body).is_err());
        }
        let whole = sign::<Hmac<Sha256>>(key, body);
        for bad in ["", "sha256=", "sha256", "md5=00", "sha256=zz", &format!("sha256={}", &whole[..62]), &whole] {
            assert!(verify(&hmac, key, &headers(&[("x-signature", bad.to_owned())]), body).is_err(), "{bad}");
        }
        assert!(verify(&hmac, key, &HeaderMap::new(), body).is_err());
        let empty = format!("sha256={}", sign::<Hmac<Sha256>>(b"", body));
        assert_eq!(verify(&hmac, b"", &headers(&[("x-signature", empty)]), body), Err(Refusal::EmptyToken));
    }

    #[test]
    fn github_signs_names_its_event_and_sends_json_or_a_form() {
        let (key, body) = (b"token", b"payload=%7B%22a%22%3A1%7D");
        let strong = format!("sha256={}", sign::<Hmac<Sha256>>(key, body));
        let weak = format!("sha1={}", sign::<Hmac<Sha1>>(key, body));
        let request = |name: &'static str, signature: &str, kind: &str, event: &str| {
            headers(&[
                (name, signature.to_owned()),
                ("content-type", kind.to_owned()),
                ("x-github-event", event.to_owned()),
            ])
        };
        let json = "application/json; charset=utf-8";
        let any = spec("github", &[]);
        for (headers, expected) in [
            (request("x-hub-signature-256", &strong, json, "push"), Ok(())),
            (request("x-hub-signature", &weak, json, "push"), Ok(())),
            (request("x-hub-signature", &weak, "application/x-www-form-urlencoded", "push"), Ok(())),
            (request("x-hub-signature", &weak, "text/plain", "push"), Err(Refusal::ContentType)),
        ] {
            assert_eq!(verify(&any, key, &headers, body), expected);
        }
        let mut both = request("x-hub-signature-256", "sha256=00", json, "push");
        both.insert("x-hub-signature", weak.parse().unwrap());
        assert!(verify(&any, key, &both, body).is_err(), "the stronger one decides");
        let some = spec("github", &["Ping", "PUSH"]);
        assert_eq!(verify(&some, key, &request("x-hub-signature", &weak, json, "push"), body), Ok(()));
        let other = verify(&some, key, &request("x-hub-signature", &weak, json, "issues"), body);
        assert_eq!(other, Err(Refusal::Event("issues".to_owned())));
        let unsigned = verify(&some, key, &request("x-hub-signature", "sha1=00", json, "issues"), body);
        assert!(matches!(unsigned, Err(Refusal::GitHub(_))), "authentication comes first");
    }

    #[test]
    fn other_types_let_nobody_in() {
        for kind in
            ["gitlab", "bitbucket", "harbor", "dockerhub", "quay", "gcr", "nexus", "acr", "cdevents", "generic-oidc"]
        {
            assert!(
                matches!(verify(&spec(kind, &[]), b"t", &HeaderMap::new(), b""), Err(Refusal::Unsupported(_))),
                "{kind}"
            );
        }
        assert_eq!(verify(&spec("generic", &[]), b"t", &HeaderMap::new(), b"not json"), Ok(()));
    }
}
