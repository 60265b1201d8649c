//! Remote files and bases of kustomizations: the edge of [`weir_kustomize::Remote`].
//!
//! ```text
//! https://host/file.yaml           --GET-----------> bytes
//! https://host/org/repo//dir?ref=r --weir_git fetch--> the tree of the commit, in memory
//! https://host/charts, oci://host/x --GET index, GET archive--> a chart as .tgz (feature `charts`)
//! ```
//! No git binary runs, no Git configuration is read and nothing is left on disk. What was fetched once is not fetched again
//! by the same [`Fetcher`].
//!
//! # Caveats
//! Submodules are not fetched: a base that needs a file of one is told so. SSH needs a key ([`Fetcher::with_ssh_key`]); addresses
//! of that kind are refused without.

#[cfg(feature = "charts")]
pub mod charts;
mod repository;
mod tree;

use std::{
    cell::{Cell, OnceCell, RefCell},
    collections::{BTreeMap, HashMap},
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use weir_kustomize::{Error, RemoteBase, Tree, shown};

/// Bounds of what is fetched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of a file.
    pub file_bytes: usize,
    /// Bytes of all files of all repositories together.
    pub repository_bytes: usize,
    /// For a file; a base says its own timeout in its address.
    pub file_timeout: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { file_bytes: 64 << 20, repository_bytes: 256 << 20, file_timeout: Duration::from_secs(27) }
    }
}

/// A private key without a passphrase, and the hosts it may be shown to. Prints nothing of it.
#[derive(Clone)]
pub struct SshKey {
    identity: Vec<u8>,
    known_hosts: Vec<u8>,
}

impl SshKey {
    /// The texts of a private key and of a `known_hosts` file.
    #[must_use]
    pub fn new(identity: impl Into<Vec<u8>>, known_hosts: impl Into<Vec<u8>>) -> Self {
        Self { identity: identity.into(), known_hosts: known_hosts.into() }
    }

    fn data(&self) -> BTreeMap<String, Vec<u8>> {
        [("identity", &self.identity), ("known_hosts", &self.known_hosts)]
            .into_iter()
            .map(|(key, value)| (key.to_owned(), value.clone()))
            .collect()
    }
}

impl std::fmt::Debug for SshKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SshKey")
    }
}

/// Fetches remote files and bases for one build.
///
/// # Flow
/// The engine asks in the thread it runs in and waits; each fetch runs on a runtime of its own, so asking is allowed within
/// another runtime too.
pub struct Fetcher {
    limits: Limits,
    /// What is left of [`Limits::repository_bytes`].
    left: Cell<usize>,
    asked: Cell<bool>,
    ssh: Option<Box<dyn Fn() -> Option<SshKey>>>,
    interrupt: Option<Arc<AtomicBool>>,
    clients: OnceCell<Clients>,
    files: RefCell<HashMap<String, Vec<u8>>>,
    bases: RefCell<HashMap<(String, String), Rc<dyn Tree>>>,
    #[cfg(feature = "charts")]
    charts: OnceCell<charts::ChartClient>,
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
        Self {
            limits,
            left: Cell::new(limits.repository_bytes),
            asked: Cell::new(false),
            ssh: None,
            interrupt: None,
            clients: OnceCell::new(),
            files: RefCell::default(),
            bases: RefCell::default(),
            #[cfg(feature = "charts")]
            charts: OnceCell::new(),
        }
    }

    /// Whom to be over ssh; asked for the first base that needs it.
    #[must_use]
    pub fn with_ssh_key(mut self, key: impl Fn() -> Option<SshKey> + 'static) -> Self {
        self.ssh = Some(Box::new(key));
        self
    }

    /// Whether anything was asked for. What is built then can be another thing next time.
    #[must_use]
    pub fn was_asked(&self) -> bool {
        self.asked.get()
    }

    /// Ends what is being fetched soon after `interrupt` becomes true.
    #[must_use]
    pub fn interrupted_by(mut self, interrupt: Arc<AtomicBool>) -> Self {
        self.interrupt = Some(interrupt);
        self
    }

    /// Runs a fetch to its end, or until it is interrupted, on a runtime of its own.
    fn wait<T: Send>(&self, url: &str, work: impl Future<Output = Result<T, Error>> + Send) -> Result<T, Error> {
        self.asked.set(true);
        let failed = |reason: String| Error::Fetch { url: shown(url), reason };
        let interrupt = self.interrupt.clone();
        let work = async {
            tokio::select! {
                biased;
                () = raised(interrupt) => Err(Error::Interrupted),
                done = work => done,
            }
        };
        apart(work).unwrap_or_else(|reason| Err(failed(reason)))
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

/// Runs something to its end on a thread and a runtime of its own.
fn apart<T: Send>(work: impl Future<Output = T> + Send) -> Result<T, String> {
    std::thread::scope(|scope| {
        let run = scope.spawn(|| {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            let runtime = runtime.map_err(|error| format!("no runtime: {error}"))?;
            let done = runtime.block_on(work);
            // What an interrupted fetch left behind on a thread of its own is not waited for.
            runtime.shutdown_background();
            Ok(done)
        });
        run.join().unwrap_or_else(|_| Err("the fetch ended without an answer".to_owned()))
    })
}

/// Ends once `interrupt` is true; never without one.
async fn raised(interrupt: Option<Arc<AtomicBool>>) {
    const LOOK: Duration = Duration::from_millis(20);
    let Some(interrupt) = interrupt else { return std::future::pending().await };
    while !interrupt.load(Ordering::Relaxed) {
        tokio::time::sleep(LOOK).await;
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
        let content = self.wait(url, get(&self.clients(url)?.http, url, limit))?;
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
        let ssh = self.ssh.as_ref().filter(|_| repository::is_ssh(base)).and_then(|own| own());
        let work = repository::fetch(&clients.git, base, ssh.as_ref(), &keep, self.left.get());
        let (tree, left) = self.wait(&base.repository, work)?;
        self.left.set(left);
        let tree: Rc<dyn Tree> = Rc::new(tree);
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
