//! The event as it is: generic and generic-hmac.

use hmac::{Hmac, KeyInit, Mac};
use http::{HeaderMap, HeaderName, HeaderValue};
use sha2::Sha256;
use weir_proto::WireEvent;

use super::{
    http::Post,
    settings::{Settings, SettingsError},
};

/// Says which controller an event is from.
const COMPONENT: HeaderName = HeaderName::from_static("gotk-component");
/// Proves that the body is from who knows the key.
const SIGNATURE: HeaderName = HeaderName::from_static("x-signature");

/// The request for an event.
///
/// # Errors
/// When the settings make no sense.
pub fn request(settings: &Settings, event: &WireEvent, signed: bool) -> Result<Post, SettingsError> {
    let url = settings.url()?;
    let body = serde_json::to_vec(event).expect("events have string keys only");
    let mut headers = HeaderMap::new();
    let value = |text: &str, what| HeaderValue::from_str(text).map_err(|_| SettingsError::Header(what));
    headers.insert(COMPONENT, value(&event.reporting_controller, "name of the reporting controller")?);
    for (name, text) in settings.headers.expose() {
        let name = HeaderName::try_from(name.as_str()).map_err(|_| SettingsError::Header("name of a header"))?;
        let mut text = value(text, "value of a header")?;
        text.set_sensitive(true);
        headers.insert(name, text);
    }
    if signed {
        let key = settings.token.as_ref().filter(|key| !key.expose().is_empty()).ok_or(SettingsError::NoKey)?;
        headers.insert(SIGNATURE, value(&format!("sha256={}", sign(key.expose(), &body)), "signature")?);
    }
    Ok(Post { url, headers, body, judge: None })
}

/// Hex HMAC-SHA256 of a body.
fn sign(key: &[u8], body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(body);
    hex::encode(mac.finalize().into_bytes())
}

#[cfg(test)]
mod tests {
    use weir_runtime::redact::Secret;

    use super::*;
    use crate::event::tests::sample;

    fn settings() -> Settings {
        Settings {
            address: Secret::new("https://sink.example.com/hook".to_owned()),
            token: Some(Secret::new(b"key".to_vec())),
            headers: Secret::new([("X-Team".to_owned(), "blue".to_owned())].into()),
            ..Settings::default()
        }
    }

    #[test]
    fn the_body_is_the_event_and_the_signature_is_its_hmac() {
        let post = request(&settings(), &sample(&[("revision", "1")]), true).unwrap();
        let body: serde_json::Value = serde_json::from_slice(&post.body).unwrap();
        assert_eq!(body["involvedObject"]["name"], "web");
        assert_eq!(body["metadata"]["revision"], "1");
        assert_eq!(post.headers["gotk-component"], "kustomize-controller");
        assert_eq!(post.headers["x-team"], "blue");
        let expected = format!("sha256={}", sign(b"key", &post.body));
        assert_eq!(post.headers["x-signature"], expected.as_str());
        // RFC 4231, case 2.
        let known = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
        assert_eq!(sign(b"Jefe", b"what do ya want for nothing?"), known);
    }

    #[test]
    fn a_signature_needs_a_key_and_an_address_a_scheme() {
        let none = Settings { token: None, ..settings() };
        assert!(matches!(request(&none, &sample(&[]), true), Err(SettingsError::NoKey)));
        assert!(!request(&none, &sample(&[]), false).unwrap().headers.contains_key("x-signature"));
        for address in ["", "file:///etc/passwd", "gopher://x/", "sink.example.com", "http://"] {
            let bad = Settings { address: Secret::new(address.to_owned()), ..settings() };
            let error = request(&bad, &sample(&[]), false).map(|post| post.url);
            assert!(matches!(error, Err(SettingsError::Address(_))), "{address}: {error:?}");
        }
        let header = Settings { headers: Secret::new([("a".to_owned(), "b\r\nc: d".to_owned())].into()), ..settings() };
        assert!(matches!(request(&header, &sample(&[]), false), Err(SettingsError::Header(_))));
    }
}
