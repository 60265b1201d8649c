//! Secrets and what becomes of them: credentials and a connection.

use std::{
    collections::BTreeSet,
    sync::{Arc, PoisonError},
};

use weir_api::source::{OciProvider, OciRepository};
use weir_artifact::Scratch;
use weir_oci::{ClientCertificate, Keychain, Proxy, Transport, TransportOptions};

use super::{Error, OciRepositories};
use crate::{
    references::Reference,
    secrets::{self, SecretData, SecretError},
    source::SourceObject,
};

/// What a fetch needs beside the spec.
pub(super) struct Inputs {
    pub(super) keychain: Keychain,
    pub(super) transport: Arc<Transport>,
    pub(super) scratch: Arc<Scratch>,
}

pub(super) async fn inputs(source: &OciRepositories, object: &OciRepository) -> Result<Inputs, Error> {
    let keychain = keychain(source, object).await?;
    let provider = match object.spec.provider {
        OciProvider::Generic => None,
        OciProvider::Aws => Some("aws"),
        OciProvider::Azure => Some("azure"),
        OciProvider::Gcp => Some("gcp"),
    };
    if let Some(provider) = provider.filter(|_| keychain.is_empty()) {
        return Err(Error::Provider { provider });
    }
    let options = transport_options(source, object).await?;
    let transport = source.transports.get(&options);
    let transport =
        transport.map_err(|source| Error::Transport { url: object.spec.url.clone(), source: Box::new(source) })?;
    Ok(Inputs { keychain, transport, scratch: Arc::clone(&source.scratch) })
}

async fn keychain(source: &OciRepositories, object: &OciRepository) -> Result<Keychain, Error> {
    let key = object.key();
    let mut names: Vec<String> = object.spec.secret_ref.iter().map(|secret| secret.name.clone()).collect();
    let mut behind = Vec::new();
    if let Some(account) = object.spec.service_account_name.as_deref().filter(|name| !name.is_empty()) {
        behind = secrets::pull_secrets(&source.client, &key.namespace, account).await.map_err(Error::Credential)?;
    }
    {
        let found: BTreeSet<Reference> = behind.iter().map(|name| Reference::secret(name)).collect();
        let mut known = source.behind.lock().unwrap_or_else(PoisonError::into_inner);
        match found.is_empty() {
            true => known.remove(&key),
            false => known.insert(key.clone(), found),
        };
    }
    names.extend(behind);
    let mut keychain = Keychain::anonymous();
    for name in names {
        let secret = secrets::secret(&source.client, &key.namespace, &name).await.map_err(Error::Credential)?;
        let (config, legacy) = (secret.bytes(".dockerconfigjson"), secret.bytes(".dockercfg"));
        keychain
            .add(&format!("secret '{}'", secret.name), config, legacy)
            .map_err(|error| Error::Keychain(Box::new(error)))?;
    }
    Ok(keychain)
}

async fn transport_options(source: &OciRepositories, object: &OciRepository) -> Result<TransportOptions, Error> {
    let namespace = object.key().namespace;
    let mut options = TransportOptions { insecure: object.spec.insecure, ..TransportOptions::default() };
    if let Some(reference) = &object.spec.proxy_secret_ref {
        let secret = secrets::secret(&source.client, &namespace, &reference.name).await.map_err(Error::Proxy)?;
        options.proxy = Some(proxy(&secret).map_err(Error::Proxy)?);
    }
    if let Some(reference) = object.spec.cert_secret_ref.as_ref().filter(|reference| !reference.name.is_empty()) {
        let failed = |source| Error::Certificates { url: object.spec.url.clone(), source: Box::new(source) };
        let secret = secrets::secret(&source.client, &namespace, &reference.name).await.map_err(failed)?;
        (options.ca, options.client_certificate) = certificates(&secret).map_err(failed)?;
    }
    Ok(options)
}

fn proxy(secret: &SecretData) -> Result<Proxy, SecretError> {
    let address = secret.text("address").ok_or_else(|| SecretError::Content {
        name: secret.name.clone(),
        reason: "the key 'address' is missing: set it to the proxy's URL".to_owned(),
    })?;
    let text = |key: &str| secret.text(key).unwrap_or_default().to_owned();
    Ok(Proxy { address: address.to_owned(), username: text("username"), password: text("password") })
}

type Certificates = (Option<Vec<u8>>, Option<ClientCertificate>);

/// `ca.crt`, `tls.crt`, `tls.key`, or the older `caFile`, `certFile`, `keyFile`.
fn certificates(secret: &SecretData) -> Result<Certificates, SecretError> {
    let either = |new: &str, old: &str| secret.bytes(new).or_else(|| secret.bytes(old)).map(<[u8]>::to_vec);
    let wrong = |reason: &str| SecretError::Content { name: secret.name.clone(), reason: reason.to_owned() };
    let ca = either("ca.crt", "caFile");
    let pair = match (either("tls.crt", "certFile"), either("tls.key", "keyFile")) {
        (Some(certificate), Some(key)) => Some(ClientCertificate { certificate, key }),
        (None, None) => None,
        _ => return Err(wrong("tls.crt and tls.key must both be there, or neither")),
    };
    if ca.is_none() && pair.is_none() {
        return Err(wrong("it holds neither ca.crt nor tls.crt and tls.key"));
    }
    Ok((ca, pair))
}
