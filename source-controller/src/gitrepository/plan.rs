//! What the spec asks for, and whether what is stored is that. Pure.

use std::collections::BTreeMap;

use weir_api::{
    meta::Artifact,
    names::weir,
    source::{GitProvider, GitRepository},
};
use weir_git::{Commit, Reference, Remote, Revision};

use super::Error;

/// Fails closed on what is not there yet: an artifact without what the spec demands would be another artifact.
pub(super) fn supported(object: &GitRepository) -> Result<(), Error> {
    let spec = &object.spec;
    match spec.provider {
        None | Some(GitProvider::Generic) => {}
        Some(GitProvider::Github) if spec.secret_ref.is_none() => return Err(Error::GithubSecret),
        Some(GitProvider::Github) => return Err(Error::Provider { provider: "github" }),
        Some(GitProvider::Aws) => return Err(Error::Provider { provider: "aws" }),
        Some(GitProvider::Azure) => return Err(Error::Provider { provider: "azure" }),
    }
    if spec.verify.is_some() {
        return Err(Error::Verify);
    }
    let fields = [
        (!spec.include.is_empty(), "spec.include"),
        (spec.recurse_submodules, "spec.recurseSubmodules"),
        (!spec.sparse_checkout.is_empty(), "spec.sparseCheckout"),
    ];
    match fields.into_iter().find(|(set, _)| *set) {
        Some((_, field)) => Err(Error::Unsupported { field }),
        None => Ok(()),
    }
}

/// The repository of `spec.url`.
pub(super) fn remote(object: &GitRepository) -> Result<Remote, Error> {
    let url = &object.spec.url;
    Remote::parse(url).map_err(|source| Error::Url { url: weir_runtime::redact::scrub(url).into_owned(), source })
}

/// What `spec.ref` selects.
pub(super) fn reference(object: &GitRepository) -> Reference {
    let reference = object.spec.reference.clone().unwrap_or_default();
    Reference {
        branch: reference.branch,
        tag: reference.tag,
        semver: reference.semver,
        name: reference.name,
        commit: reference.commit,
    }
}

/// The stored revision, if nothing else that shapes an artifact has changed since: then only a new revision matters.
pub(super) fn known(object: &GitRepository, stored: Option<&Artifact>) -> Option<Revision> {
    let (spec, status) = (&object.spec, object.status.clone().unwrap_or_default());
    let same = status.observed_ignore == spec.ignore
        && status.observed_include == spec.include
        && status.observed_recurse_submodules == spec.recurse_submodules
        && status.observed_sparse_checkout == spec.sparse_checkout
        && status.source_verification_mode.is_none();
    stored.filter(|_| same).and_then(|artifact| Revision::parse(&artifact.revision))
}

/// What goes into the artifact's metadata about the commit.
pub(super) fn metadata(commit: &Commit) -> BTreeMap<String, String> {
    let mut metadata = BTreeMap::from([(weir::COMMIT_TIME.to_owned(), commit.time.to_string())]);
    for (key, value) in [(weir::COMMIT_AUTHOR, &commit.author), (weir::COMMIT_MESSAGE, &commit.summary)] {
        if !value.is_empty() {
            metadata.insert(key.to_owned(), value.clone());
        }
    }
    metadata
}

/// The event of a new artifact, or of an old one that can be fetched again.
pub(super) fn event_message(object: &GitRepository, artifact: &Artifact) -> String {
    let before = object.status.as_ref().and_then(|status| status.artifact.as_ref());
    // Without a new artifact there was no commit to read: tools know this by the revision in its place.
    let summary = match before {
        Some(before) if before.digest == artifact.digest => None,
        _ => artifact.metadata.as_ref().and_then(|metadata| metadata.get(weir::COMMIT_MESSAGE)),
    };
    format!("stored artifact for commit '{}'", summary.map_or(artifact.revision.clone(), |text| shortened(text)))
}

/// At most 50 characters, as Flux cuts a subject.
fn shortened(text: &str) -> String {
    match text.char_indices().nth(50) {
        Some((end, _)) => format!("{}...", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}
