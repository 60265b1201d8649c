//! A repository at a reference, as a tree in memory.

use std::{collections::BTreeMap, path::Path, time::Duration};

use weir_git::{Auth, Client, Descend, Kind, Outcome, Reference, Remote, Request, TreeFile, Visitor};
use weir_kustomize::{Error, MemTree, RemoteBase};

use crate::{chain, shown};

/// Fetches the commit and reads its files.
pub(crate) async fn fetch(client: &Client, base: &RemoteBase, keep: &Path, limit: usize) -> Result<MemTree, Error> {
    let failed = |reason: String| Error::Fetch { url: shown(&base.repository), reason };
    let git = |error: weir_git::Error| failed(chain(&error));
    let remote =
        Remote::parse(&address(&base.repository).ok_or_else(|| {
            failed("only http, https and ssh are fetched; copy the base into the repository".to_owned())
        })?)
        .map_err(git)?;
    let auth = Auth::from_secret(&remote, &BTreeMap::new()).map_err(git)?;
    let mut last = None;
    for reference in references(&base.reference) {
        match one(client, &remote, &auth, &reference, keep, base.timeout).await {
            Ok(checkout) => {
                let mut files = Files { tree: MemTree::new(), left: limit };
                let read = tokio::task::spawn_blocking(move || checkout.tree.visit(&mut files).map(|()| files.tree));
                let read = read.await.map_err(|error| failed(error.to_string()))?;
                return read.map_err(git);
            }
            Err(error) if error.kind() == Kind::ReferenceNotFound => last = Some(error),
            Err(error) => return Err(git(error)),
        }
    }
    Err(last.map_or_else(|| failed("it has no such reference".to_owned()), git))
}

async fn one(
    client: &Client,
    remote: &Remote,
    auth: &Auth,
    reference: &Reference,
    keep: &Path,
    timeout: Duration,
) -> Result<weir_git::Checkout, weir_git::Error> {
    let request = Request { remote, auth, proxy: None, reference, known: None, keep, timeout };
    match client.fetch(&request).await? {
        Outcome::Fetched(checkout) => Ok(*checkout),
        Outcome::Unchanged(revision) => {
            Err(weir_git::Error::ReferenceNotFound { what: revision.to_string(), host: remote.authority() })
        }
    }
}

/// What a reference may mean, in git's own order: a commit or a full name, else a tag before a branch.
fn references(text: &str) -> Vec<Reference> {
    let named = |name: &str| Reference { name: Some(name.to_owned()), ..Reference::default() };
    if text.is_empty() {
        return vec![named("HEAD")];
    }
    if text.len() == 40 && text.bytes().all(|b| b.is_ascii_hexdigit()) {
        return vec![Reference { commit: Some(text.to_owned()), ..Reference::default() }];
    }
    if text.starts_with("refs/") || text == "HEAD" {
        return vec![named(text)];
    }
    vec![
        Reference { tag: Some(text.to_owned()), ..Reference::default() },
        Reference { branch: Some(text.to_owned()), ..Reference::default() },
    ]
}

/// `git@host:path` as a URL; none for what is not fetched.
fn address(repository: &str) -> Option<String> {
    match repository.split_once("://") {
        Some(("http" | "https" | "ssh", _)) => Some(repository.to_owned()),
        Some(_) => None,
        None => repository.split_once(':').map(|(host, path)| format!("ssh://{host}/{path}")),
    }
}

struct Files {
    tree: MemTree,
    left: usize,
}

/// Too much in one repository.
#[derive(Debug, thiserror::Error)]
#[error("the files of the repository are larger than allowed")]
struct TooLarge;

impl Visitor for Files {
    type Error = TooLarge;

    fn directory(&mut self, _: &str) -> Result<Descend, TooLarge> {
        Ok(Descend::Yes)
    }

    fn wants(&mut self, _: &str) -> Result<bool, TooLarge> {
        Ok(true)
    }

    fn file(&mut self, file: TreeFile<'_>) -> Result<(), TooLarge> {
        self.left = self.left.checked_sub(file.content.len()).ok_or(TooLarge)?;
        self.tree.insert(file.path, file.content);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_tried_in_the_order_of_git() {
        assert_eq!(references("").first().and_then(|r| r.name.clone()).as_deref(), Some("HEAD"));
        let tried: Vec<(bool, bool)> = references("v1").iter().map(|r| (r.tag.is_some(), r.branch.is_some())).collect();
        assert_eq!(tried, [(true, false), (false, true)]);
        assert!(references(&"a".repeat(40)).iter().all(|r| r.commit.is_some()));
        assert!(references("refs/pull/1/head").iter().all(|r| r.name.is_some()));
    }

    #[test]
    fn addresses_become_urls() {
        assert_eq!(address("git@host.example:a/b").as_deref(), Some("ssh://git@host.example/a/b"));
        assert_eq!(address("https://host.example/a").as_deref(), Some("https://host.example/a"));
        assert_eq!(address("file:///srv/x"), None);
    }
}
