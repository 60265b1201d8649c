//! Docker's configuration files: `{"auths": {…}}` and the older form without the wrapper.

use base64::{
    Engine as _,
    alphabet::STANDARD,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use serde::Deserialize;
use std::collections::BTreeMap;

use super::Credential;
use crate::error::OciError;

/// Secrets are at most 1 MiB; so is this.
const MAX_BYTES: usize = 1 << 20;

/// One place and how to identify oneself there.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    /// Host, maybe with wildcards, port and path.
    pub(super) key: String,
    pub(super) credential: Credential,
}

#[derive(Deserialize)]
struct Config {
    #[serde(default)]
    auths: BTreeMap<String, Auth>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Auth {
    username: String,
    password: String,
    auth: String,
    identitytoken: String,
    registrytoken: String,
}

pub(super) fn parse(
    origin: &str,
    config_json: Option<&[u8]>,
    legacy_config: Option<&[u8]>,
) -> Result<Vec<Entry>, OciError> {
    // What the parser says may quote the secret: only the place of the mistake is told.
    let malformed = |key: &str, error: &serde_json::Error| OciError::Secret {
        name: origin.to_owned(),
        reason: format!("{key} is malformed at line {} column {}", error.line(), error.column()),
    };
    let too_large = [config_json, legacy_config].into_iter().flatten().any(|bytes| bytes.len() > MAX_BYTES);
    if too_large {
        return Err(OciError::Secret { name: origin.to_owned(), reason: "more than 1 MiB of credentials".to_owned() });
    }
    let mut auths = BTreeMap::new();
    if let Some(bytes) = legacy_config.filter(|bytes| !bytes.is_empty()) {
        auths = serde_json::from_slice(bytes).map_err(|error| malformed(".dockercfg", &error))?;
    }
    if let Some(bytes) = config_json.filter(|bytes| !bytes.is_empty()) {
        let config: Config = serde_json::from_slice(bytes).map_err(|error| malformed(".dockerconfigjson", &error))?;
        auths.extend(config.auths);
    }
    auths.into_iter().map(|(place, auth)| entry(origin, &place, auth)).collect()
}

fn entry(origin: &str, place: &str, auth: Auth) -> Result<Entry, OciError> {
    let rest = place.strip_prefix("https://").or_else(|| place.strip_prefix("http://")).unwrap_or(place);
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    // Docker writes its own registry as https://index.docker.io/v1/.
    let path = match path {
        "v1" | "v2" => "",
        path => path.strip_prefix("v1/").or_else(|| path.strip_prefix("v2/")).unwrap_or(path),
    };
    let key = if path.is_empty() { host.to_owned() } else { format!("{host}/{path}") };
    let mut credential = Credential {
        username: auth.username,
        password: auth.password,
        identity_token: auth.identitytoken,
        registry_token: auth.registrytoken,
        origin: origin.to_owned(),
    };
    if !auth.auth.is_empty() {
        (credential.username, credential.password) = decode(&auth.auth).ok_or_else(|| OciError::Secret {
            name: origin.to_owned(),
            reason: format!("the field auth of {key} is not base64 of user:password"),
        })?;
    }
    Ok(Entry { key, credential })
}

fn decode(auth: &str) -> Option<(String, String)> {
    let lenient = GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    let bytes = GeneralPurpose::new(&STANDARD, lenient).decode(auth.trim()).ok()?;
    let text = String::from_utf8(bytes).ok()?;
    let (user, password) = text.split_once(':')?;
    Some((user.to_owned(), password.trim_matches('\0').to_owned()))
}

#[cfg(test)]
mod tests {
    use crate::{Keychain, Repository};

    fn found(keychain: &Keychain, url: &str) -> Option<(String, String)> {
        let repository = Repository::parse(url).unwrap();
        keychain.find(&repository).map(|c| (c.username.clone(), c.password.clone()))
    }

    fn pair(user: &str, password: &str) -> Option<(String, String)> {
        Some((user.to_owned(), password.to_owned()))
    }

    #[test]
    fn every_form_is_read() {
        let config = br#"{"auths":{
            "ghcr.io":{"auth":"dXNlcjpwYTpzcw=="},
            "https://index.docker.io/v1/":{"username":"hub","password":"p"},
            "http://127.0.0.1:5000/v2/":{"auth":"YTpi"},
            "*.azurecr.io":{"username":"w","password":"c"},
            "ghcr.io/acme/app":{"username":"narrow","password":"n"},
            "nopad.io":{"auth":"dXNlcjpwYXNz"},
            "token.io":{"identitytoken":"refresh"}}}"#;
        let mut keychain = Keychain::anonymous();
        keychain.add("secret 'ns/pull'", Some(config), None).unwrap();
        assert_eq!(found(&keychain, "oci://ghcr.io/other/x"), pair("user", "pa:ss"));
        assert_eq!(found(&keychain, "oci://ghcr.io/acme/app"), pair("narrow", "n"));
        assert_eq!(found(&keychain, "oci://alpine"), pair("hub", "p"));
        assert_eq!(found(&keychain, "oci://127.0.0.1:5000/x"), pair("a", "b"));
        assert_eq!(found(&keychain, "oci://me.azurecr.io/x"), pair("w", "c"));
        assert_eq!(found(&keychain, "oci://nopad.io/x"), pair("user", "pass"));
        assert_eq!(found(&keychain, "oci://quay.io/x"), None);
        let token = keychain.find(&Repository::parse("oci://token.io/x").unwrap()).unwrap();
        assert_eq!(token.identity_token, "refresh");
    }

    #[test]
    fn the_first_secret_wins_and_the_old_form_is_read() {
        let mut keychain = Keychain::anonymous();
        keychain.add("secret 'ns/a'", None, Some(br#"{"ghcr.io":{"auth":"YTpi"}}"#)).unwrap();
        keychain
            .add("secret 'ns/b'", Some(br#"{"auths":{"ghcr.io":{"auth":"Yzpk"},"x.io":{"auth":"Yzpk"}}}"#), None)
            .unwrap();
        assert_eq!(found(&keychain, "oci://ghcr.io/x"), pair("a", "b"));
        assert_eq!(found(&keychain, "oci://x.io/x"), pair("c", "d"));
    }

    #[test]
    fn mistakes_name_the_secret_and_hold_nothing_of_it() {
        for bytes in [
            &br#"{"auths":{"ghcr.io":{"password":"canary"#[..],
            br#"{"auths":{"ghcr.io":{"auth":"canary!"}}}"#,
            br#"{"auths":{"ghcr.io":{"auth":"Y2FuYXJ5"}}}"#,
            br#"{"auths":{"ghcr.io":{"password":["canary"]}}}"#,
        ] {
            let error = Keychain::anonymous().add("secret 'ns/pull'", Some(bytes), None).unwrap_err();
            let text = format!("{error} {error:?}");
            assert!(text.contains("secret 'ns/pull'") && !text.contains("canary"), "{text}");
        }
        let mut keychain = Keychain::anonymous();
        keychain.add("s", Some(br#"{"auths":{"a.io":{"username":"u","password":"canary"}}}"#), None).unwrap();
        assert!(!format!("{keychain:?}").contains("canary"));
    }
}
