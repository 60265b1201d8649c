//! From the server to a directory, when there is something new.

use weir_api::{meta::Artifact, source::GitRepository};
use weir_artifact::cap_std::{ambient_authority, fs::Dir};
use weir_git::{Checkout, Outcome, Remote, Request};
use weir_runtime::Run;

use super::{Error, GitRepositories, gather::Inputs, plan};
use crate::source::{Body, Content, Fetched, SourceObject};

pub(super) async fn content(
    source: &GitRepositories,
    object: &GitRepository,
    remote: &Remote,
    inputs: &Inputs,
    stored: Option<&Artifact>,
    run: &Run,
) -> Result<Fetched, Error> {
    let begun = run.clock().instant();
    let reference = plan::reference(object);
    let known = plan::known(object, stored);
    let request = Request {
        remote,
        auth: &inputs.auth,
        proxy: inputs.proxy.as_ref(),
        reference: &reference,
        known: known.as_ref(),
        keep: &source.keep(&object.key()),
        timeout: object.spec.timeout.0,
    };
    let checkout = match source.git.fetch(&request).await {
        Ok(Outcome::Unchanged(_)) => return Ok(Fetched::UpToDate),
        Ok(Outcome::Fetched(checkout)) if known.as_ref() == Some(&checkout.revision) => return Ok(Fetched::UpToDate),
        Ok(Outcome::Fetched(checkout)) => *checkout,
        Err(weir_git::Error::Empty) => return Err(Error::Empty),
        Err(source) => return Err(Error::Checkout { url: remote.to_string(), source }),
    };
    let revision = checkout.revision.to_string();
    let news = format!("new upstream revision '{revision}'");
    let (file, metadata) = (format!("{}.tar.gz", checkout.commit.id), plan::metadata(&checkout.commit));
    tracing::debug!(url = %remote, revision, bytes = checkout.received, "git repository checked out");
    let (dir, scratch) = unpack(checkout, news.clone()).await?;
    Ok(Fetched::New(Content {
        revision,
        file,
        body: Body::Tree { dir, ignore: object.spec.ignore.clone() },
        metadata,
        took: begun.elapsed(),
        news,
        verified: None,
        guard: Some(Box::new(scratch)),
    }))
}

/// The tree's files below a temporary directory, which goes with the guard.
async fn unpack(checkout: Checkout, news: String) -> Result<(Dir, tempfile::TempDir), Error> {
    let writing = move || {
        let scratch = tempfile::Builder::new().prefix("gitrepository-").tempdir().map_err(Error::Scratch)?;
        let dir = Dir::open_ambient_dir(scratch.path(), ambient_authority()).map_err(Error::Scratch)?;
        checkout.tree.write_to(&dir).map_err(|source| Error::Tree { news, source })?;
        Ok((dir, scratch))
    };
    match tokio::task::spawn_blocking(writing).await {
        Ok(result) => result,
        Err(_) => Err(Error::Scratch(std::io::Error::other("shutting down"))),
    }
}
