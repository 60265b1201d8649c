//! From the server to the files of a commit, when there is something new.

use weir_api::{meta::Artifact, source::GitRepository};
use weir_artifact::pack::{Files, PackError, Taker};
use weir_git::{Descend, Outcome, Remote, Request, Tree, TreeFile, Visitor};
use weir_runtime::Run;

use super::{Error, GitRepositories, gather::Inputs, plan};
use crate::source::{Body, Content, Fetched, News, SourceObject};

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
    let said = format!("new upstream revision '{revision}'");
    let (file, metadata) = (format!("{}.tar.gz", checkout.commit.id), plan::metadata(&checkout.commit));
    tracing::debug!(url = %remote, revision, bytes = checkout.received, "git repository checked out");
    Ok(Fetched::New(Content {
        news: News { revision, said },
        file,
        body: Body::Files { files: Box::new(Packed(checkout.tree)), ignore: object.spec.ignore.clone() },
        metadata,
        took: begun.elapsed(),
        verified: None,
        guard: None,
    }))
}

/// A tree to be packed straight from its objects.
struct Packed(Tree);

impl Files for Packed {
    fn show(&self, taker: &mut dyn Taker) -> Result<(), PackError> {
        let mut showing = Showing { taker, failure: None };
        match (self.0.visit(&mut showing), showing.failure) {
            (_, Some(failure)) => Err(failure),
            (result, None) => result.map_err(PackError::files),
        }
    }
}

/// A visitor of the tree that shows it to a packer.
struct Showing<'a> {
    taker: &'a mut dyn Taker,
    failure: Option<PackError>,
}

/// The packer failed; how is kept beside.
#[derive(Debug, thiserror::Error)]
#[error("the packer failed")]
struct Ended;

impl Showing<'_> {
    fn keep<T>(&mut self, result: Result<T, PackError>) -> Result<T, Ended> {
        result.map_err(|failure| {
            self.failure = Some(failure);
            Ended
        })
    }
}

impl Visitor for Showing<'_> {
    type Error = Ended;

    fn directory(&mut self, path: &str) -> Result<Descend, Ended> {
        let result = self.taker.directory(path);
        self.keep(result).map(|wanted| if wanted { Descend::Yes } else { Descend::No })
    }

    fn wants(&mut self, path: &str) -> Result<bool, Ended> {
        Ok(self.taker.wants(path))
    }

    fn file(&mut self, file: TreeFile<'_>) -> Result<(), Ended> {
        let result = self.taker.file(file.path, file.executable, file.content);
        self.keep(result)
    }
}
