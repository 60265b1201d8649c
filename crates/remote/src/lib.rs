//! Remote files and bases of kustomizations: the edge of [`weir_kustomize::Remote`].
//!
//! ```text
//! https://host/file.yaml           --GET-----------> bytes
//! https://host/org/repo//dir?ref=r --weir_git fetch--> the tree of the commit, in memory
//! ```
//! No git binary runs, no Git configuration is read and nothing is left on disk. What was fetched once is not fetched again
//! by the same [`Fetcher`].
//!
//! # Caveats
//! Submodules are not fetched: a base that needs a file of one does not find it. SSH needs keys, which nobody gives here, so
//! addresses of that kind are refused by the server.

mod repository;

use std::{
    cell::{OnceCell, RefCell},
    collections::HashMap,
    rc::Rc,
    time::Duration,
};

use weir_kustomize::{Error, RemoteBase, Tree};

/// Bounds of what is fetched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of a file.
    pub file_bytes: usize,
    /// Bytes of all files of a repository.
    pub repository_bytes: usize,
    /// For a file; a base says its own timeout in its address.
    pub file_timeout: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { file_bytes: 64 << 20, repository_bytes: 256 << 20, file_timeout: Duration::from_secs(27) }
    }
}

/// Fetches remote files and bases for one build.
///
/// # Flow
/// The engine asks in the thread it runs in and waits; each fetch runs on a runtime of its own, so asking is allowed within
/// another runtime too.
pub struct Fetcher {
    limits: Limits,
    clients: OnceCell<Clients>,
    files: RefCell<HashMap<String, Vec<u8>>>,
    bases: RefCell<HashMap<(String, String), Rc<dyn Tree>>>,
}

/// Made for the first fetch: a build that needs none does not wait for them.
struct Clients {
    http: reqwest::Client,
    git: weir_git::Client,
    scratch: tempfile::TempDir,
}

impl std::fmt::Debug for Fetcher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Fetcher").field("limits", &self.limits).finish_non_exhaustive()
    }
}

impl Fetcher {
    /// Ready to fetch; nothing is sent yet.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self { limits, clients: OnceCell::new(), files: RefCell::default(), bases: RefCell::default() }
    }

    fn clients(&self, url: &str) -> Result<&Clients, Error> {
        if let Some(clients) = self.clients.get() {
            return Ok(clients);
        }
        let failed = |error: &dyn std::error::Error| Error::Fetch { url: shown(url), reason: chain(error) };
        let http = reqwest::Client::builder().timeout(self.limits.file_timeout).build().map_err(|e| failed(&e))?;
        let git = weir_git::Client::new(weir_git::Options::default()).map_err(|e| failed(&e))?;
        let scratch = tempfile::Builder::new().prefix("weir-bases-").tempdir().map_err(|e| failed(&e))?;
        Ok(self.clients.get_or_init(|| Clients { http, git, scratch }))
    }
}

/// Runs a fetch to its end on a runtime of its own.
fn wait<T: Send>(url: &str, work: impl Future<Output = Result<T, Error>> + Send) -> Result<T, Error> {
    let failed = |reason: String| Error::Fetch { url: shown(url), reason };
    std::thread::scope(|scope| {
        let run = scope.spawn(|| {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.map_err(|error| failed(format!("no runtime: {error}")))?.block_on(work)
        });
        run.join().unwrap_or_else(|_| Err(failed("the fetch ended without an answer".to_owned())))
    })
}

/// An address without a password.
fn shown(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let host = rest.find('/').unwrap_or(rest.len());
    match rest.get(..host).and_then(|authority| authority.rfind('@')) {
        Some(at) => format!("{scheme}://{}", rest.get(at + 1..).unwrap_or_default()),
        None => url.to_owned(),
    }
}

/// An error and its causes in one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        next = cause.source();
    }
    text
}

impl weir_kustomize::Remote for Fetcher {
    fn file(&self, url: &str) -> Result<Vec<u8>, Error> {
        if let Some(known) = self.files.borrow().get(url) {
            return Ok(known.clone());
        }
        let limit = self.limits.file_bytes;
        let content = wait(url, get(&self.clients(url)?.http, url, limit))?;
        self.files.borrow_mut().insert(url.to_owned(), content.clone());
        Ok(content)
    }

    fn base(&self, base: &RemoteBase) -> Result<Rc<dyn Tree>, Error> {
        let key = (base.repository.clone(), base.reference.clone());
        if let Some(known) = self.bases.borrow().get(&key) {
            return Ok(Rc::clone(known));
        }
        let number = self.bases.borrow().len();
        let clients = self.clients(&base.repository)?;
        let keep = clients.scratch.path().join(number.to_string());
        let work = repository::fetch(&clients.git, base, &keep, self.limits.repository_bytes);
        let tree: Rc<dyn Tree> = Rc::new(wait(&base.repository, work)?);
        self.bases.borrow_mut().insert(key, Rc::clone(&tree));
        Ok(tree)
    }
}

/// The body of an answer with a good status.
async fn get(http: &reqwest::Client, url: &str, limit: usize) -> Result<Vec<u8>, Error> {
    let failed = |reason: String| Error::Fetch { url: shown(url), reason };
    let network = |error: reqwest::Error| failed(chain(&error.without_url()));
    let mut response = http.get(url).send().await.map_err(network)?;
    let status = response.status();
    if !status.is_success() {
        return Err(failed(format!("the server answers {status}")));
    }
    let mut content = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(network)? {
        if content.len() + chunk.len() > limit {
            return Err(failed(format!("it is larger than {limit} bytes")));
        }
        content.extend_from_slice(&chunk);
    }
    Ok(content)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_not_shown() {
        assert_eq!(shown("https://me:secret@host.example/a@b"), "https://host.example/a@b");
        assert_eq!(shown("git@host.example:a/b"), "git@host.example:a/b");
        assert_eq!(shown("https://host.example/a@b"), "https://host.example/a@b");
    }
}
