//! Secrets and ServiceAccounts of an object's own namespace, read when needed and never kept.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{Secret as KubeSecret, ServiceAccount};
use kube::{Api, Client};
use weir_runtime::{key::is_segment, redact::Secret};

/// A Secret's data; prints nothing of it.
#[derive(Debug)]
pub struct SecretData {
    /// `namespace/name`, for messages.
    pub name: String,
    /// `type`.
    pub kind: String,
    data: BTreeMap<String, Secret<Vec<u8>>>,
}

impl SecretData {
    /// The bytes of a key; none when it is absent or empty.
    #[must_use]
    pub fn bytes(&self, key: &str) -> Option<&[u8]> {
        self.data.get(key).map(|value| value.expose().as_slice()).filter(|bytes| !bytes.is_empty())
    }

    /// The text of a key, without surrounding white space; none when it is absent, empty or no UTF-8.
    #[must_use]
    pub fn text(&self, key: &str) -> Option<&str> {
        self.bytes(key).and_then(|bytes| std::str::from_utf8(bytes).ok()).map(str::trim).filter(|text| !text.is_empty())
    }

    /// Its keys.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.data.keys().map(String::as_str)
    }
}

/// Why a Secret or ServiceAccount cannot be had or used.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// It is not there.
    #[error("{kind} '{name}' not found: create it in the namespace of the object that names it")]
    NotFound {
        /// `secret` or `serviceaccount`.
        kind: &'static str,
        /// `namespace/name`.
        name: String,
    },
    /// The API server refused.
    #[error("failed to get {kind} '{name}'")]
    Api {
        /// `secret` or `serviceaccount`.
        kind: &'static str,
        /// `namespace/name`.
        name: String,
        /// Why.
        #[source]
        source: Box<kube::Error>,
    },
    /// It does not hold what it should.
    #[error("secret '{name}': {reason}")]
    Content {
        /// `namespace/name`.
        name: String,
        /// What is wrong and what would be right; holds nothing of the secret.
        reason: String,
    },
}

/// The object's full name, if the name is one: another could lead to another namespace.
fn named(kind: &'static str, namespace: &str, name: &str) -> Result<String, SecretError> {
    let full = format!("{namespace}/{}", name.chars().take(253).collect::<String>());
    if is_segment(name) { Ok(full) } else { Err(SecretError::NotFound { kind, name: full }) }
}

/// Reads a Secret.
///
/// # Errors
/// When it is not there or must not be read.
pub async fn secret(client: &Client, namespace: &str, name: &str) -> Result<SecretData, SecretError> {
    let full = named("secret", namespace, name)?;
    let found = Api::<KubeSecret>::namespaced(client.clone(), namespace).get_opt(name).await;
    let found =
        found.map_err(|source| SecretError::Api { kind: "secret", name: full.clone(), source: Box::new(source) })?;
    let found = found.ok_or_else(|| SecretError::NotFound { kind: "secret", name: full.clone() })?;
    let data = found.data.unwrap_or_default().into_iter().map(|(key, value)| (key, Secret::new(value.0))).collect();
    Ok(SecretData { name: full, kind: found.type_.unwrap_or_default(), data })
}

/// Names of a ServiceAccount's pull secrets.
///
/// # Errors
/// When it is not there or must not be read.
pub async fn pull_secrets(client: &Client, namespace: &str, name: &str) -> Result<Vec<String>, SecretError> {
    let full = named("serviceaccount", namespace, name)?;
    let found = Api::<ServiceAccount>::namespaced(client.clone(), namespace).get_opt(name).await;
    let found = found.map_err(|source| SecretError::Api {
        kind: "serviceaccount",
        name: full.clone(),
        source: Box::new(source),
    })?;
    let account = found.ok_or(SecretError::NotFound { kind: "serviceaccount", name: full })?;
    let references = account.image_pull_secrets.unwrap_or_default();
    Ok(references.into_iter().map(|reference| reference.name).filter(|name| !name.is_empty()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_is_a_path_names_nothing() {
        assert_eq!(named("secret", "apps", "pull").unwrap(), "apps/pull");
        for name in ["../../kube-system/secrets/x", "..", "x?watch=1", ""] {
            assert!(matches!(named("secret", "apps", name), Err(SecretError::NotFound { .. })), "{name}");
        }
    }
}
