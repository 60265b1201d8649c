//! A repository at a reference, as a tree in memory.

use std::{collections::BTreeMap, path::Path, time::Duration};

use weir_git::{Auth, Client, Descend, Kind, Outcome, Reference, Remote, Request, Scheme, TreeFile, Visitor};
use weir_kustomize::{Error, RemoteBase};

use crate::{SshKey, chain, shown, tree::Repository};

/// Nobody names a key in the address of a base.
const NO_KEY: &str =
    "ssh needs a key, and there is none for remote bases here: use https, or copy the base into the repository";

/// Fetches the commit and reads its files; also answers how many bytes of `limit` are left.
pub(crate) async fn fetch(
    client: &Client,
    base: &RemoteBase,
    ssh: Option<&SshKey>,
    keep: &Path,
    limit: usize,
) -> Result<(Repository, usize), Error> {
    let failed = |reason: String| Error::Fetch { url: shown(&base.repository), reason };
    let git = |error: weir_git::Error| failed(chain(&error));
    let remote = Remote::parse(&address(&base.repository).ok_or_else(|| {
        failed("only repositories over http, https and ssh are fetched; copy the base into this one".to_owned())
    })?)
    .map_err(git)?;
    let auth = match (remote.scheme(), ssh) {
        (Scheme::Ssh, None) => return Err(failed(NO_KEY.to_owned())),
        (Scheme::Ssh, Some(key)) => Auth::from_secret(&remote, &key.data()),
        (Scheme::Http | Scheme::Https, _) => Auth::from_secret(&remote, &BTreeMap::new()),
    };
    let auth = auth.map_err(git)?;
    let mut last = None;
    for reference in references(&base.reference) {
        match one(client, &remote, &auth, &reference, keep, base.timeout).await {
            Ok(checkout) => {
                let mut files = Files { repository: Repository::default(), left: limit };
                let visit = move || checkout.tree.visit(&mut files).map(|()| (files.repository, files.left));
                let read = tokio::task::spawn_blocking(visit);
                let read = read.await.map_err(|error| failed(error.to_string()))?;
                return read.map_err(git);
            }
            Err(error) if error.kind() == Kind::ReferenceNotFound => last = Some(error),
            Err(error) => return Err(git(error)),
        }
    }
    Err(last.map_or_else(|| failed("it has no such reference".to_owned()), git))
}

/// Whether the base comes over ssh.
pub(crate) fn is_ssh(base: &RemoteBase) -> bool {
    address(&base.repository).is_some_and(|url| url.starts_with("ssh://"))
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

/// Too much in one repository.
#[derive(Debug, thiserror::Error)]
#[error("the files of the repository are larger than allowed")]
pub(crate) struct TooLarge;

/// Collects files, links and places of submodules within a bound.
struct Files {
    repository: Repository,
    left: usize,
}

impl Files {
    fn take(&mut self, bytes: usize) -> Result<(), TooLarge> {
        self.left = self.left.checked_sub(bytes).ok_or(TooLarge)?;
        Ok(())
    }
}

impl Visitor for Files {
    type Error = TooLarge;

    fn directory(&mut self, _: &str) -> Result<Descend, TooLarge> {
        Ok(Descend::Yes)
    }

    fn wants(&mut self, _: &str) -> Result<bool, TooLarge> {
        Ok(true)
    }

    fn file(&mut self, file: TreeFile<'_>) -> Result<(), TooLarge> {
        self.take(file.content.len())?;
        self.repository.files.insert(file.path, file.content);
        Ok(())
    }

    fn wants_links(&self) -> bool {
        true
    }

    fn link(&mut self, path: &str, target: &[u8]) -> Result<(), TooLarge> {
        self.take(target.len())?;
        self.repository.add_link(path, &String::from_utf8_lossy(target));
        Ok(())
    }

    fn submodule(&mut self, path: &str) -> Result<(), TooLarge> {
        self.repository.add_submodule(path);
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
