//! One repository, seen with one set of credentials.

mod blob;
pub(crate) mod request;
mod tags;

use std::{fs::File, sync::Arc};

use http::Method;
use sha2::{Digest as _, Sha256, Sha512};

use crate::{
    auth::Keychain,
    error::{Kind, OciError},
    manifest::{self, ACCEPT, Document, Layer, Manifest},
    repository::Repository,
    select::{self, Selector, Target},
    transport::Transport,
};

/// Registries accept manifests of up to 4 MiB.
const MANIFEST_BYTES: u64 = 4 << 20;

/// Requests to one repository. Cheap to make; connections, tokens and what is known of the registry live in the transport.
pub struct Session {
    transport: Arc<Transport>,
    repository: Repository,
    keychain: Keychain,
}

impl Session {
    /// A session.
    #[must_use]
    pub fn new(transport: Arc<Transport>, repository: Repository, keychain: Keychain) -> Self {
        Self { transport, repository, keychain }
    }

    /// Which tag or digest is meant; asks the registry for its tags only for a version range.
    ///
    /// # Errors
    /// When the selector is malformed, nothing matches, or the registry does not answer.
    pub async fn pick(&self, selector: &Selector) -> Result<Target, OciError> {
        match selector {
            Selector::Digest(digest) => {
                select::check_digest(digest)?;
                Ok(Target::Digest(digest.clone()))
            }
            Selector::Tag(tag) => {
                let valid = !tag.is_empty()
                    && tag.len() <= 128
                    && tag.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-'))
                    && !tag.starts_with(['.', '-']);
                match valid {
                    true => Ok(Target::Tag(tag.clone())),
                    false => Err(OciError::Spec {
                        reason: format!("invalid tag {:?}", tag.chars().take(128).collect::<String>()),
                    }),
                }
            }
            Selector::Semver { range, filter, underscore_is_plus } => {
                let tags = tags::list(self).await?;
                select::highest(&tags, range, filter.as_deref(), *underscore_is_plus).map(Target::Tag)
            }
        }
    }

    /// The digest a target points at now: a `HEAD` request, and a `GET` where the registry does not answer that well.
    ///
    /// # Errors
    /// When the registry does not have it or does not answer.
    pub async fn digest(&self, target: &Target) -> Result<String, OciError> {
        let tag = match target {
            Target::Digest(digest) => return Ok(digest.clone()),
            Target::Tag(tag) => tag,
        };
        let path = format!("manifests/{tag}");
        match self.send(Method::HEAD, &path, Some(ACCEPT)).await {
            Ok(response) => {
                let header = response.headers().get("docker-content-digest").and_then(|value| value.to_str().ok());
                if let Some(digest) = header.filter(|digest| select::check_digest(digest).is_ok()) {
                    return Ok(digest.to_owned());
                }
            }
            Err(error) if error.kind() == Kind::Authentication => return Err(error),
            Err(_) => {}
        }
        let response = self.send(Method::GET, &path, Some(ACCEPT)).await?;
        let bytes = request::body(response, MANIFEST_BYTES, "a manifest").await?;
        Ok(format!("sha256:{:x}", HexDigest(Sha256::digest(&bytes).as_slice())))
    }

    /// The manifest of a digest; of an index, the one for linux/amd64.
    ///
    /// # Errors
    /// When it is not there, too large, malformed, or does not match its digest.
    pub async fn manifest(&self, digest: &str) -> Result<Manifest, OciError> {
        let url = format!("{}@{digest}", self.repository);
        let wrong = |reason: String| OciError::Content { url: url.clone(), reason };
        match self.document(digest).await? {
            Document::Image(manifest) => Ok(manifest),
            Document::Index { amd64: Some(entry) } => match self.document(&entry).await? {
                Document::Image(manifest) => Ok(manifest),
                Document::Index { .. } => Err(wrong("the index holds another index for linux/amd64".to_owned())),
            },
            Document::Index { amd64: None } => Err(wrong("the index has no entry for linux/amd64".to_owned())),
        }
    }

    /// Writes a layer to a file, from where it stands; nothing of it may be used when this fails.
    ///
    /// # Errors
    /// When it is not there, larger than `limit`, or does not match its size and digest.
    pub async fn blob(&self, layer: &Layer, out: &mut File, limit: u64) -> Result<(), OciError> {
        blob::download(self, layer, out, limit).await
    }

    async fn document(&self, digest: &str) -> Result<Document, OciError> {
        select::check_digest(digest)?;
        let response = self.send(Method::GET, &format!("manifests/{digest}"), Some(ACCEPT)).await?;
        let url = crate::error::shown(response.url());
        let bytes = request::body(response, MANIFEST_BYTES, "a manifest").await?;
        let actual = match digest.starts_with("sha512:") {
            true => format!("sha512:{:x}", HexDigest(Sha512::digest(&bytes).as_slice())),
            false => format!("sha256:{:x}", HexDigest(Sha256::digest(&bytes).as_slice())),
        };
        if actual != digest {
            return Err(OciError::Mismatch { url, expected: digest.to_owned(), actual });
        }
        manifest::parse(&bytes).map_err(|reason| OciError::Content { url, reason })
    }
}

/// Bytes as lower-case hexadecimal.
pub(crate) struct HexDigest<'a>(pub(crate) &'a [u8]);

impl std::fmt::LowerHex for HexDigest<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}
