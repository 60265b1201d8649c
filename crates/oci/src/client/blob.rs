//! The bytes of a layer, checked on the way to a file.

use std::{fs::File, io::Write};

use http::Method;
use sha2::{Digest as _, Sha256, Sha512};

use super::{HexDigest, Session};
use crate::{
    error::{OciError, shown},
    manifest::Layer,
    select::check_digest,
};

enum Hasher {
    Sha256(Sha256),
    Sha512(Box<Sha512>),
}

impl Hasher {
    fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Sha256(state) => state.update(bytes),
            Self::Sha512(state) => state.update(bytes),
        }
    }

    fn finish(self) -> String {
        match self {
            Self::Sha256(state) => format!("sha256:{:x}", HexDigest(state.finalize().as_slice())),
            Self::Sha512(state) => format!("sha512:{:x}", HexDigest(state.finalize().as_slice())),
        }
    }
}

pub(super) async fn download(session: &Session, layer: &Layer, out: &mut File, limit: u64) -> Result<(), OciError> {
    check_digest(&layer.digest)?;
    let mut response = session.send(Method::GET, &format!("blobs/{}", layer.digest), None).await?;
    let url = response.url().clone();
    if layer.size > limit {
        return Err(OciError::Limit { url: shown(&url), what: "a layer", limit });
    }
    let mut hasher = match layer.digest.starts_with("sha512:") {
        true => Hasher::Sha512(Box::default()),
        false => Hasher::Sha256(Sha256::new()),
    };
    let mut received = 0u64;
    while let Some(chunk) = response.chunk().await.map_err(|source| OciError::transport(&url, source))? {
        received = received.saturating_add(chunk.len() as u64);
        if received > layer.size {
            break;
        }
        hasher.update(&chunk);
        // Pages of a temporary file: the write goes to memory, not to a disk.
        out.write_all(&chunk).map_err(OciError::Disk)?;
    }
    if received != layer.size {
        let actual = if received > layer.size { "more".to_owned() } else { format!("{received} bytes") };
        return Err(OciError::Mismatch { url: shown(&url), expected: format!("{} bytes", layer.size), actual });
    }
    let actual = hasher.finish();
    match actual == layer.digest {
        true => Ok(()),
        false => Err(OciError::Mismatch { url: shown(&url), expected: layer.digest.clone(), actual }),
    }
}
