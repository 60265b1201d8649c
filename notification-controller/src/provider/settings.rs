//! A provider and its secrets as one value.

use std::collections::BTreeMap;

use reqwest::Url;
use weir_api::notification::Provider;
use weir_runtime::{
    ObjectKey,
    redact::{MASK, Registered, Secret, register},
};

use crate::edge::{Edge, EdgeError, SecretData};

/// The longest address that a secret may hold, in bytes.
const MAX_ADDRESS: usize = 2048;

/// Everything that is needed to send; what is secret does not print.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// Where to send.
    pub address: Secret<String>,
    /// Token or key.
    pub token: Option<Secret<Vec<u8>>>,
    /// Headers to add.
    pub headers: Secret<BTreeMap<String, String>>,
    /// Name to appear under.
    pub username: String,
    /// Channel.
    pub channel: String,
    /// Proxy.
    pub proxy: Option<Secret<String>>,
    /// Certificates of its own.
    pub tls: Option<Tls>,
}

/// Certificates, as PEM.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tls {
    /// The only authority to trust.
    pub ca: Option<Vec<u8>>,
    /// Certificate and key to show.
    pub identity: Option<Secret<Vec<u8>>>,
}

/// A provider or a secret that makes no sense.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// A secret cannot be read.
    #[error("failed to get secret '{secret}'")]
    Read {
        /// The secret.
        secret: ObjectKey,
        /// Why.
        #[source]
        source: Box<EdgeError>,
    },
    /// A secret does not hold what it should.
    #[error("secret '{secret}': {problem}")]
    Secret {
        /// The secret.
        secret: ObjectKey,
        /// What is wrong.
        problem: String,
    },
    /// The address is no address, or not one to send to.
    #[error("invalid address: {0}")]
    Address(&'static str),
    /// The proxy's address is no address.
    #[error("invalid proxy address: expected http://host:port, https://host:port or socks5://host:port")]
    Proxy,
    /// A key is needed.
    #[error("HMAC key is empty: set the key 'token' of the secret that spec.secretRef names")]
    NoKey,
    /// Certificates that make no sense.
    #[error("failed to get TLS config")]
    Tls(#[source] reqwest::Error),
    /// A value cannot stand in a header.
    #[error("the {0} cannot stand in a header: it holds control characters")]
    Header(&'static str),
    /// A gate is off.
    #[error(
        "to use spec.serviceAccountName for provider authentication please enable the ObjectLevelWorkloadIdentity feature gate in the controller"
    )]
    IdentityGate,
    /// A gate is on for what is not there yet.
    #[error("spec.serviceAccountName is not supported yet: name a secret in spec.secretRef instead")]
    Identity,
}

impl SettingsError {
    /// Whether only a change of the provider or a secret can help.
    #[must_use]
    pub fn is_permanent(&self) -> bool {
        !matches!(self, Self::Read { source, .. } if matches!(**source, EdgeError::Api { .. }))
    }
}

/// Reads everything a provider refers to; `identities` tells whether the gate for ServiceAccounts is on.
///
/// # Errors
/// When something is missing or makes no sense.
pub async fn gather<E: Edge>(provider: &Provider, edge: &E, identities: bool) -> Result<Settings, SettingsError> {
    let spec = &provider.spec;
    if spec.service_account_name.as_deref().is_some_and(|name| !name.is_empty()) {
        return Err(if identities { SettingsError::Identity } else { SettingsError::IdentityGate });
    }
    let namespace = provider.metadata.namespace.clone().unwrap_or_default();
    let read = async |name: &str| {
        let key = ObjectKey::new(namespace.clone(), name);
        match edge.secret(&key).await {
            Ok(data) => Ok((key, data)),
            Err(error) => Err(SettingsError::Read { secret: key, source: Box::new(error) }),
        }
    };
    let mut settings = Settings {
        address: spec.address.clone().unwrap_or_default().into(),
        username: spec.username.clone().unwrap_or_default(),
        channel: spec.channel.clone().unwrap_or_default(),
        proxy: spec.proxy.clone().filter(|proxy| !proxy.is_empty()).map(Secret::new),
        ..Settings::default()
    };
    if let Some(reference) = &spec.secret_ref {
        let (key, data) = read(&reference.name).await?;
        take_credentials(&mut settings, &key, &data)?;
    }
    if let Some(reference) = &spec.proxy_secret_ref {
        let (key, data) = read(&reference.name).await?;
        settings.proxy = Some(proxy(&key, &data)?);
    }
    if let Some(reference) = &spec.cert_secret_ref {
        let (key, data) = read(&reference.name).await?;
        settings.tls = Some(tls(&key, &data)?);
    }
    Ok(settings)
}

fn text(data: &SecretData, key: &str) -> Option<String> {
    data.get(key).map(|value| String::from_utf8_lossy(value).into_owned())
}

fn take_credentials(settings: &mut Settings, secret: &ObjectKey, data: &SecretData) -> Result<(), SettingsError> {
    let wrong = |problem: &str| SettingsError::Secret { secret: secret.clone(), problem: problem.to_owned() };
    if let Some(address) = text(data, "address") {
        if address.len() > MAX_ADDRESS {
            return Err(wrong("invalid address in secret: address exceeds maximum length of 2048 bytes"));
        }
        settings.address = address.trim().to_owned().into();
    }
    settings.token = data.get("token").cloned().map(Secret::new);
    if let (Some(username), Some(_)) = (text(data, "username"), data.get("password")) {
        settings.username = username;
    }
    if let Some(proxy) = text(data, "proxy") {
        settings.proxy = Some(Secret::new(proxy.trim().to_owned()));
    }
    if let Some(headers) = text(data, "headers") {
        settings.headers = headers_of(&headers).ok_or_else(|| wrong("failed to read headers from secret"))?.into();
    }
    Ok(())
}

/// A YAML map of strings; numbers and booleans count as their text.
fn headers_of(text: &str) -> Option<BTreeMap<String, String>> {
    let values = match weir_yaml::parse_value(text).ok()? {
        serde_json::Value::Null => return Some(BTreeMap::new()),
        serde_json::Value::Object(values) => values,
        _ => return None,
    };
    let text = |value: serde_json::Value| match value {
        serde_json::Value::String(text) => Some(text),
        serde_json::Value::Null => Some(String::new()),
        serde_json::Value::Array(_) | serde_json::Value::Object(_) => None,
        scalar => Some(scalar.to_string()),
    };
    values.into_iter().map(|(name, value)| Some((name, text(value)?))).collect()
}

fn proxy(secret: &ObjectKey, data: &SecretData) -> Result<Secret<String>, SettingsError> {
    let wrong = |problem: &str| SettingsError::Secret { secret: secret.clone(), problem: problem.to_owned() };
    let address = text(data, "address").ok_or_else(|| wrong("key 'address' not found"))?;
    if address.is_empty() {
        return Err(wrong("proxy address is empty"));
    }
    let mut url = proxy_url(&address)?;
    if let Some(username) = text(data, "username") {
        // Only URLs without a host refuse this, and this one has one.
        let _ = url.set_username(&username);
        let _ = url.set_password(text(data, "password").as_deref());
    }
    Ok(Secret::new(url.into()))
}

/// Reads the address of a proxy.
///
/// # Errors
/// When it is none.
pub fn proxy_url(address: &str) -> Result<Url, SettingsError> {
    let url = Url::parse(address).map_err(|_| SettingsError::Proxy)?;
    let known = matches!(url.scheme(), "http" | "https" | "socks5" | "socks5h") && url.has_host();
    known.then_some(url).ok_or(SettingsError::Proxy)
}

fn tls(secret: &ObjectKey, data: &SecretData) -> Result<Tls, SettingsError> {
    let wrong = |problem: &str| SettingsError::Secret { secret: secret.clone(), problem: problem.to_owned() };
    let either = |new: &str, old: &str| data.get(new).or_else(|| data.get(old)).filter(|pem| !pem.is_empty()).cloned();
    let ca = either("ca.crt", "caFile");
    let identity = match (either("tls.crt", "certFile"), either("tls.key", "keyFile")) {
        (Some(mut pem), Some(key)) => {
            pem.push(b'\n');
            pem.extend(key);
            Some(Secret::new(pem))
        }
        (None, None) => None,
        _ => return Err(wrong("'tls.crt' and 'tls.key' must both be set")),
    };
    if ca.is_none() && identity.is_none() {
        return Err(wrong("must contain either 'ca.crt' or both 'tls.crt' and 'tls.key'"));
    }
    Ok(Tls { ca, identity })
}

impl Settings {
    /// The address, checked: only http and https are sent to.
    ///
    /// # Errors
    /// When it is none.
    pub fn url(&self) -> Result<Url, SettingsError> {
        let address = self.address.expose();
        if address.is_empty() {
            return Err(SettingsError::Address("it is empty: set spec.address or the key 'address' of the secret"));
        }
        let url = Url::parse(address).map_err(|_| SettingsError::Address("it is not a URL"))?;
        match url.scheme() {
            "http" | "https" if url.has_host() => Ok(url),
            _ => Err(SettingsError::Address("only http and https addresses can be sent to")),
        }
    }

    /// The token as text, without white space around it.
    #[must_use]
    pub fn token_text(&self) -> Option<String> {
        let token = self.token.as_ref()?;
        Some(String::from_utf8_lossy(token.expose()).trim().to_owned()).filter(|token| !token.is_empty())
    }

    /// Every value that must not be shown, longest first.
    fn secrets(&self) -> Vec<String> {
        let mut all: Vec<String> = vec![self.address.expose().clone()];
        if let Ok(url) = self.url() {
            // Of a webhook's address the path is the secret; the host may be shown.
            all.push(url.path().trim_matches('/').to_owned());
            all.extend(url.query().map(str::to_owned));
            all.extend(url.password().map(str::to_owned));
        }
        all.extend(self.token_text());
        all.extend(self.proxy.as_ref().map(|proxy| proxy.expose().clone()));
        all.extend(self.headers.expose().values().cloned());
        all.retain(|value| value.len() >= 4);
        all.sort_by_key(|value| std::cmp::Reverse(value.len()));
        all
    }

    /// Masks every secret in a text.
    #[must_use]
    pub fn masked(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for secret in self.secrets() {
            if text.contains(&secret) {
                text = text.replace(&secret, MASK);
            }
        }
        text
    }

    /// Keeps the secrets out of logs and events while the guards live.
    #[must_use]
    pub fn mask(&self) -> Vec<Registered> {
        self.secrets().iter().map(|secret| register(secret)).collect()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use weir_reconcile::describe;

    use super::*;
    use crate::fake::Fake;

    #[tokio::test]
    async fn a_service_account_is_refused_with_the_next_move() {
        let provider: Provider = serde_json::from_value(json!({
            "apiVersion": "notification.toolkit.fluxcd.io/v1beta3", "kind": "Provider",
            "metadata": {"name": "chat", "namespace": "ns"},
            "spec": {"type": "generic", "address": "https://example.com", "serviceAccountName": "robot"},
        }))
        .unwrap();
        let off = gather(&provider, &Fake::default(), false).await.unwrap_err();
        assert!(
            describe(&off).ends_with("please enable the ObjectLevelWorkloadIdentity feature gate in the controller")
        );
        let on = gather(&provider, &Fake::default(), true).await.unwrap_err();
        let said = "spec.serviceAccountName is not supported yet: name a secret in spec.secretRef instead";
        assert_eq!(describe(&on), said);
        assert!(on.is_permanent() && off.is_permanent());

        let fake = Fake::default();
        fake.put_provider(provider.clone());
        let (event, clients) = (crate::event::tests::sample(&[]), crate::provider::http::Clients::default());
        let sent = crate::provider::send(&provider, &event, &fake, &clients, false).await;
        let said = sent.unwrap_err().describe();
        assert!(said.starts_with("to use spec.serviceAccountName"), "as Flux says it: {said}");
    }
}
