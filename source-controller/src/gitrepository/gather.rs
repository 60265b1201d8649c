//! Secrets and what becomes of them: credentials and a proxy.

use std::collections::BTreeMap;

use weir_api::source::GitRepository;
use weir_git::{Auth, Proxy, Remote};

use super::{Error, GitRepositories};
use crate::{
    secrets::{self, SecretData},
    source::SourceObject,
};

/// What a fetch needs beside the spec.
pub(super) struct Inputs {
    pub(super) auth: Auth,
    pub(super) proxy: Option<Proxy>,
}

pub(super) async fn inputs(source: &GitRepositories, object: &GitRepository, remote: &Remote) -> Result<Inputs, Error> {
    let namespace = object.key().namespace;
    let proxy = match &object.spec.proxy_secret_ref {
        None => None,
        Some(reference) => {
            let secret =
                secrets::secret(&source.client, &namespace, &reference.name).await.map_err(Error::ProxySecret)?;
            Some(Proxy::from_secret(&data(&secret)).map_err(Error::Proxy)?)
        }
    };
    let secret = match &object.spec.secret_ref {
        None => None,
        Some(reference) => {
            let name = format!("{namespace}/{}", reference.name);
            let found = secrets::secret(&source.client, &namespace, &reference.name).await;
            Some(found.map_err(|source| Error::Secret { name, source })?)
        }
    };
    Ok(Inputs { auth: auth(remote, secret.as_ref())?, proxy })
}

/// Credentials of a secret, or of the URL alone.
pub(super) fn auth(remote: &Remote, secret: Option<&SecretData>) -> Result<Auth, Error> {
    let Some(secret) = secret else { return Auth::from_secret(remote, &BTreeMap::new()).map_err(Error::Auth) };
    let auth = Auth::from_secret(remote, &data(secret)).map_err(|source| match source {
        weir_git::Error::EncryptedIdentity => Error::Encrypted { name: secret.name.clone() },
        source => Error::Auth(source),
    })?;
    if secret.bytes("githubAppID").is_some() {
        return Err(Error::GithubApp { name: secret.name.clone() });
    }
    Ok(auth)
}

fn data(secret: &SecretData) -> BTreeMap<String, Vec<u8>> {
    secret.keys().filter_map(|key| Some((key.to_owned(), secret.bytes(key)?.to_vec()))).collect()
}
