//! From the registry to a directory or file, when there is something new.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, BufReader, Seek},
    sync::Arc,
};

use weir_api::meta::Artifact;
use weir_api::source::{OciLayerOperation, OciRepository};
use weir_artifact::{
    Limits, Scratch,
    cap_std::{ambient_authority, fs::Dir},
    unpack::unpack,
};
use weir_oci::{Layer, Repository, Session, Target};
use weir_runtime::Run;

use super::{Error, gather::Inputs, plan};
use crate::source::{Body, Content, Fetched, News};

pub(super) async fn content(
    object: &OciRepository,
    repository: Repository,
    inputs: Inputs,
    stored: Option<&Artifact>,
    run: &Run,
) -> Result<Fetched, Error> {
    let begun = run.clock().instant();
    let timeout = object.spec.timeout;
    let late = |step, news| Error::Timeout { step, timeout: timeout.to_string(), news };
    let url = &object.spec.url;
    let shown = repository.to_string();
    let session = Session::new(inputs.transport, repository, inputs.keychain);

    let found = tokio::time::timeout(timeout.0, resolve(object, &session)).await;
    let (target, digest) = found.map_err(|_| late("asking the registry for the revision", None))??;
    let revision = target.revision(&digest);
    let separator = if matches!(target, Target::Tag(_)) { ':' } else { '@' };
    let said = format!("new revision '{revision}' for '{shown}{separator}{}'", target.as_str());
    let news = News { revision, said };
    // Fails closed: neither is a new revision taken nor an old one called verified.
    if let Some(provider) = plan::verification(object) {
        return Err(Error::Verify { provider, news });
    }
    if plan::is_stored(object, stored, &news.revision) {
        return Ok(Fetched::UpToDate);
    }

    let pulled = tokio::time::timeout(timeout.0, pull(object, &session, &digest, &news)).await;
    let (blob, annotations) = pulled.map_err(|_| late("pulling the artifact", Some(news.clone())))??;
    let (body, guard): (Body, Option<Box<dyn Send + Sync>>) = match plan::operation(object) {
        OciLayerOperation::Copy => (Body::File(blob), None),
        OciLayerOperation::Extract => {
            let (dir, scratch) = extract(blob, news.clone(), inputs.scratch).await?;
            (Body::Tree { dir, ignore: object.spec.ignore.clone() }, Some(Box::new(scratch)))
        }
    };
    tracing::debug!(url, revision = news.revision, "pulled");
    Ok(Fetched::New(Content {
        news,
        file: format!("{digest}.tar.gz"),
        body,
        metadata: annotations,
        took: begun.elapsed(),
        verified: None,
        guard,
    }))
}

async fn resolve(object: &OciRepository, session: &Session) -> Result<(Target, String), Error> {
    let target = session
        .pick(&plan::selector(object))
        .await
        .map_err(|source| Error::Tag { url: object.spec.url.clone(), source: Box::new(source) })?;
    let digest = session.digest(&target).await.map_err(|error| Error::Digest(Box::new(error)))?;
    Ok((target, digest))
}

type Pulled = (File, BTreeMap<String, String>);

/// The layer in an unnamed file, whole and equal to its digest.
async fn pull(object: &OciRepository, session: &Session, digest: &str, news: &News) -> Result<Pulled, Error> {
    let failed = |source| Error::Pull { url: object.spec.url.clone(), news: news.clone(), source: Box::new(source) };
    let manifest = session.manifest(digest).await.map_err(failed)?;
    let layer: &Layer =
        manifest.layer(plan::media_type(object)).map_err(|reason| Error::Layer { reason, news: news.clone() })?;
    let mut blob = tempfile::tempfile().map_err(Error::Scratch)?;
    session.blob(layer, &mut blob, Limits::default().compressed_bytes).await.map_err(failed)?;
    blob.rewind().map_err(Error::Scratch)?;
    Ok((blob, theirs(manifest.annotations())))
}

/// A manifest's annotations without keys of ours: whoever pushed the image does not speak for us, and one of our keys says
/// where consumers send their tokens.
pub(super) fn theirs(annotations: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let ours = |key: &str| key.starts_with("weir.dev/");
    annotations.iter().filter(|(key, _)| !ours(key)).map(|(key, value)| (key.clone(), value.clone())).collect()
}

/// The layer's files below a temporary directory, which goes with the guard.
async fn extract(blob: File, news: News, scratch: Arc<Scratch>) -> Result<(Dir, tempfile::TempDir), Error> {
    let shown = news.clone();
    let unpacking = move || {
        let scratch = scratch.directory("ocirepository-").map_err(Error::Scratch)?;
        let dir = Dir::open_ambient_dir(scratch.path(), ambient_authority()).map_err(Error::Scratch)?;
        unpack(BufReader::with_capacity(64 << 10, blob), &dir, &Limits::default())
            .map_err(|source| Error::Extract { news, source: Box::new(source) })?;
        Ok((dir, scratch))
    };
    match tokio::task::spawn_blocking(unpacking).await {
        Ok(result) => result,
        Err(error) if error.is_panic() => Err(Error::Panic { news: shown }),
        Err(_) => Err(Error::Scratch(io::Error::other("shutting down"))),
    }
}
