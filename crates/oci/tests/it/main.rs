//! Against Debian's docker-registry, a token service, proxies, and servers that mean harm.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)] // helpers of tests, too

mod hostile;
mod proxies;
mod registry;
mod tokens;

use std::{io::Read, io::Seek, sync::Arc};

use weir_oci::{Keychain, Layer, OciError, Repository, Selector, Session, Transport, TransportOptions};

/// Plain HTTP, certificates unchecked.
fn insecure() -> TransportOptions {
    TransportOptions { insecure: true, ..TransportOptions::default() }
}

fn session(url: &str, options: TransportOptions, keychain: Keychain) -> Session {
    let transport = Arc::new(Transport::new(options).unwrap());
    Session::new(transport, Repository::parse(url).unwrap(), keychain)
}

fn tag(name: &str) -> Selector {
    Selector::Tag(name.to_owned())
}

fn keychain(host: &str, user: &str, password: &str) -> Keychain {
    let config = format!(r#"{{"auths":{{"{host}":{{"username":"{user}","password":"{password}"}}}}}}"#);
    let mut keychain = Keychain::anonymous();
    keychain.add("secret 'ns/pull'", Some(config.as_bytes()), None).unwrap();
    keychain
}

/// Tag to digest, all the way.
async fn digest(session: &Session, name: &str) -> Result<String, OciError> {
    session.digest(&session.pick(&tag(name)).await?).await
}

async fn blob(session: &Session, layer: &Layer) -> Result<Vec<u8>, OciError> {
    let mut file = tempfile::tempfile().unwrap();
    session.blob(layer, &mut file, 1 << 20).await?;
    file.rewind().unwrap();
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).unwrap();
    Ok(bytes)
}

/// The error and its causes, as a user reads them.
fn text(error: &OciError) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(next) = cause {
        text.push_str(&format!(": {next}"));
        cause = next.source();
    }
    text
}
