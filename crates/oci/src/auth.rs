//! Credentials: from Docker's configuration files to the one that fits a registry.

pub(crate) mod challenge;
mod docker;
mod pattern;
pub(crate) mod token;

use std::fmt;

use sha2::{Digest as _, Sha256};

use crate::{error::OciError, repository::Repository};

/// How to identify oneself to a registry.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Credential {
    /// User name, with a password.
    pub(crate) username: String,
    pub(crate) password: String,
    /// A refresh token for the registry's token service.
    pub(crate) identity_token: String,
    /// A bearer token, shown as it is.
    pub(crate) registry_token: String,
    /// The secret it came from, for messages.
    pub(crate) origin: String,
}

impl Credential {
    /// A user name and a password; `origin` names the secret they came from.
    #[must_use]
    pub fn basic(username: &str, password: &str, origin: &str) -> Self {
        Self {
            username: username.to_owned(),
            password: password.to_owned(),
            origin: origin.to_owned(),
            ..Self::default()
        }
    }

    /// The secret it came from.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// What tells it from others in caches, without holding it.
    pub(crate) fn fingerprint(&self) -> [u8; 32] {
        let mut hasher = Sha256::new();
        for part in [&self.username, &self.password, &self.identity_token, &self.registry_token] {
            hasher.update((part.len() as u64).to_be_bytes());
            hasher.update(part.as_bytes());
        }
        hasher.finalize().into()
    }

    /// Text from outside without what is secret here.
    pub(crate) fn mask(&self, text: &str) -> String {
        let mut masked = text.to_owned();
        for secret in [&self.password, &self.identity_token, &self.registry_token] {
            if !secret.is_empty() {
                masked = masked.replace(secret.as_str(), "*****");
            }
        }
        masked
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credential").field("origin", &self.origin).finish_non_exhaustive()
    }
}

/// All pull secrets of an object. Empty means anonymous.
#[derive(Clone, Debug, Default)]
pub struct Keychain {
    entries: Vec<docker::Entry>,
    origins: Vec<String>,
}

impl Keychain {
    /// No credentials at all.
    #[must_use]
    pub fn anonymous() -> Self {
        Self::default()
    }

    /// Adds the credentials of one secret: `.dockerconfigjson` or `.dockercfg`. Of two for the same place the one added
    /// first is used.
    ///
    /// # Errors
    /// When the file is malformed; the message names the secret and holds nothing of it.
    pub fn add(
        &mut self,
        origin: &str,
        config_json: Option<&[u8]>,
        legacy_config: Option<&[u8]>,
    ) -> Result<(), OciError> {
        self.origins.push(origin.to_owned());
        let found = docker::parse(origin, config_json, legacy_config)?;
        for entry in found {
            if !self.entries.iter().any(|known| known.key == entry.key) {
                self.entries.push(entry);
            }
        }
        // The longest match is tried first, as Docker and the kubelet do.
        self.entries.sort_by(|a, b| b.key.cmp(&a.key));
        Ok(())
    }

    /// Whether there are any secrets.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.origins.is_empty()
    }

    /// The credential for a repository.
    #[must_use]
    pub fn find(&self, repository: &Repository) -> Option<&Credential> {
        let found = self.entries.iter().find(|entry| {
            pattern::matches(&entry.key, repository.registry(), repository.name())
                || (repository.registry() == "index.docker.io"
                    && pattern::matches(&entry.key, "docker.io", repository.name()))
        });
        found.map(|entry| &entry.credential)
    }

    /// What to tell somebody whose request was refused: which credentials were shown, and the next move.
    pub(crate) fn advice(&self, used: Option<&Credential>, repository: &Repository) -> String {
        match used {
            Some(credential) => format!("the credentials in {} were refused: renew them there", credential.origin),
            None if self.origins.is_empty() => {
                "no credentials were given: name a secret of type kubernetes.io/dockerconfigjson in spec.secretRef"
                    .to_owned()
            }
            None => {
                format!("{} holds no credentials for {}: add them", self.origins.join(" and "), repository.registry())
            }
        }
    }
}
