//! From a reference to a tree: one conversation with the server, as short as what is kept allows.

mod target;

use std::{
    collections::{BTreeSet, HashMap},
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, Weak,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use gix::{hash::ObjectId, objs::Exists};
use tokio::{
    io::AsyncWriteExt,
    sync::{OwnedMutexGuard, Semaphore},
};

use crate::{
    Error,
    auth::{Auth, Method, Proxy, TlsOptions},
    options::{Limits, Options},
    pack::{self, Incoming},
    reference::{Reference, Revision, Selector},
    remote::Remote,
    store::{self, Store},
    transport::{
        Link,
        http::{self, HttpLink},
        ssh::{self, SshLink},
    },
    tree::{Commit, Tree},
    wire::{Depth, Fetch, Session, Shallow},
};
use target::{Targets, find, newest};

/// What to fetch, from where, into what.
#[derive(Debug)]
pub struct Request<'a> {
    /// The repository.
    pub remote: &'a Remote,
    /// Who we are to it.
    pub auth: &'a Auth,
    /// The way to it; none means the environment's (HTTP only) or a direct one.
    pub proxy: Option<&'a Proxy>,
    /// Which commit.
    pub reference: &'a Reference,
    /// The revision that is already stored: the fetch ends early if it is still the current one.
    pub known: Option<&'a Revision>,
    /// Where the repository is kept: a directory of its own, below a cache directory; created when missing.
    pub keep: &'a Path,
    /// For the whole fetch.
    pub timeout: Duration,
}

/// How a fetch ended.
#[derive(Debug)]
pub enum Outcome {
    /// The known revision is still the current one; nothing was fetched.
    Unchanged(Revision),
    /// The commit, ready to be read.
    Fetched(Box<Checkout>),
}

/// A fetched commit.
#[derive(Clone, Debug)]
pub struct Checkout {
    /// Its revision.
    pub revision: Revision,
    /// Who wrote it.
    pub commit: Commit,
    /// Its tree.
    pub tree: Tree,
    /// Bytes of pack received for it: 0 when everything was here already.
    pub received: u64,
}

/// Fetches from Git servers. Cheap to clone.
///
/// # Guarantees
/// - Nothing of the machine's or a user's Git configuration is read, no hook and no helper is run, no program is started.
/// - A fetch that is dropped stops; one that lasts too long ends with [`Error::Timeout`].
/// - Two fetches into one directory wait for each other.
#[derive(Clone)]
pub struct Client {
    inner: Arc<Inner>,
}

struct Inner {
    options: Options,
    /// For all HTTP servers without certificates or proxy of their own.
    common: Mutex<Option<reqwest::Client>>,
    /// Disk and CPU work at one time.
    work: Arc<Semaphore>,
    /// Memory for resolving packs, in MiB.
    memory: Arc<Semaphore>,
    locks: Mutex<HashMap<PathBuf, Weak<tokio::sync::Mutex<()>>>>,
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Client")
    }
}

impl Client {
    /// A client.
    ///
    /// # Errors
    /// When an algorithm named in `options` is not known.
    pub fn new(options: Options) -> Result<Self, Error> {
        ssh::kex_algorithms(&options.ssh_kex_algorithms)?;
        ssh::host_key_algorithms(&options.ssh_host_key_algorithms)?;
        let memory = Arc::new(Semaphore::new(mebibytes(options.limits.resolve_bytes) as usize));
        let work = Arc::new(Semaphore::new(2));
        let inner = Inner { options, common: Mutex::default(), work, memory, locks: Mutex::default() };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Fetches what a request asks for.
    ///
    /// # Errors
    /// See [`Error::kind`].
    pub async fn fetch(&self, request: &Request<'_>) -> Result<Outcome, Error> {
        let work = Work { lock: Arc::new(self.lock(request.keep).await), stop: Arc::default() };
        match tokio::time::timeout(request.timeout, self.run(request, &work)).await {
            Ok(result) => result,
            Err(_) => Err(Error::Timeout { host: request.remote.authority(), after: request.timeout }),
        }
    }

    /// Deletes what is kept in a directory.
    ///
    /// # Errors
    /// When the file system fails.
    pub async fn forget(&self, keep: &Path) -> Result<(), Error> {
        let _lock = self.lock(keep).await;
        let keep = keep.to_owned();
        tokio::task::spawn_blocking(move || store::wipe(&keep)).await.map_err(|_| Error::Worker)?
    }

    async fn lock(&self, keep: &Path) -> OwnedMutexGuard<()> {
        let lock = match self.inner.locks.lock() {
            Ok(mut locks) => {
                locks.retain(|_, lock| lock.strong_count() > 0);
                match locks.get(keep).and_then(Weak::upgrade) {
                    Some(lock) => lock,
                    None => {
                        let lock = Arc::new(tokio::sync::Mutex::new(()));
                        locks.insert(keep.to_owned(), Arc::downgrade(&lock));
                        lock
                    }
                }
            }
            Err(_) => Arc::default(),
        };
        lock.lock_owned().await
    }

    async fn run(&self, request: &Request<'_>, held: &Work) -> Result<Outcome, Error> {
        let selector = request.reference.selector()?;
        let mut session = self.open(request, &selector).await?;
        let targets = find(&mut session, &selector).await?;
        if targets.is_empty() {
            return Err(self.missing(request, session, &selector).await);
        }
        if let (Some(known), [only]) = (request.known, targets.as_slice())
            && known.commit == only.found.commit()
            && known.pointer == only.pointer
        {
            session.close().await;
            return Ok(Outcome::Unchanged(known.clone()));
        }
        let limits = self.inner.options.limits.clone();
        let (keep, url) = (request.keep.to_owned(), request.remote.to_string());
        let store = self.blocking(held, move |_| Store::open(&keep, &url, &limits)).await?;
        let fresh = store.tips().is_empty();
        let result = self.complete(request, session, &selector, &targets, store, true, held).await;
        let by_id = match &result {
            // A server that hides commits it does not list.
            Err(Error::Remote { message, .. }) if selector.is_commit() && message.contains("not valid") => false,
            // What we keep may be at fault, or what the server thinks we keep.
            Err(Error::Damaged { .. } | Error::Protocol { .. } | Error::Remote { .. }) if !fresh => true,
            _ => return result,
        };
        // Once more, from nothing.
        let (keep, url) = (request.keep.to_owned(), request.remote.to_string());
        let store = self.blocking(held, move |_| Store::anew(&keep, &url)).await?;
        let mut session = self.open(request, &selector).await?;
        let targets = find(&mut session, &selector).await?;
        if targets.is_empty() {
            return Err(self.missing(request, session, &selector).await);
        }
        self.complete(request, session, &selector, &targets, store, by_id, held).await
    }

    /// Opens a conversation.
    async fn open(&self, request: &Request<'_>, selector: &Selector) -> Result<Session, Error> {
        let options = &self.inner.options;
        let link = match &request.auth.0 {
            Method::Http { credentials, tls } => {
                let client = self.http(tls, request.proxy, &request.remote.authority())?;
                let redirects = options.limits.redirects;
                Link::Http(Box::new(HttpLink::new(client, request.remote, credentials, tls, request.proxy, redirects)?))
            }
            Method::Ssh(who) => Link::Ssh(Box::new(SshLink::open(request.remote, who, request.proxy, options).await?)),
        };
        Session::open(link, &options.limits, |name| selector.wants(name)).await
    }

    fn http(&self, tls: &TlsOptions, proxy: Option<&Proxy>, host: &str) -> Result<reqwest::Client, Error> {
        if *tls != TlsOptions::default() || proxy.is_some() {
            return http::client(tls, proxy, host);
        }
        let Ok(mut common) = self.inner.common.lock() else { return http::client(tls, None, host) };
        match common.as_ref() {
            Some(client) => Ok(client.clone()),
            None => Ok(common.insert(http::client(tls, None, host)?).clone()),
        }
    }

    /// Why nothing was found: an empty repository is another problem than a missing branch.
    async fn missing(&self, request: &Request<'_>, session: Session, selector: &Selector) -> Error {
        match session.has_any().await {
            Ok(false) => Error::Empty,
            Ok(true) => Error::ReferenceNotFound { what: selector.what(), host: request.remote.authority() },
            Err(error) => error,
        }
    }

    /// Fetches the target into the store, unless it is there, and opens its tree. A commit is asked for `by_id` where the
    /// server allows it.
    #[expect(clippy::too_many_arguments, reason = "the state of one fetch, handed on once")]
    async fn complete(
        &self,
        request: &Request<'_>,
        mut session: Session,
        selector: &Selector,
        targets: &Targets,
        store: Store,
        by_id: bool,
        held: &Work,
    ) -> Result<Outcome, Error> {
        let here = matches!(targets.as_slice(), [only] if store.tips().contains(&only.found.commit()));
        if here {
            session.close().await;
            return self.conclude(request, selector, targets, store, Received::default(), held).await;
        }
        let mut wants: Vec<ObjectId> = targets.iter().map(|t| t.found.id).collect();
        let mut depth = Depth::One;
        if selector.is_commit() && !(by_id && session.serves_commits()) {
            // The server gives only what it lists: take whole branches and find the commit in them.
            let tips = session.references(&selector.prefixes(), |name| selector.wants(name)).await?;
            if tips.is_empty() {
                return Err(self.missing(request, session, selector).await);
            }
            wants = tips.into_iter().map(|r| r.id).collect::<BTreeSet<_>>().into_iter().collect();
            depth = Depth::All;
        }
        let received = match self.receive(request, session, &store, &wants, depth, held).await {
            Err(Error::Remote { message, .. }) if selector.is_commit() && message.contains("not our ref") => {
                return Err(Error::ReferenceNotFound { what: selector.what(), host: request.remote.authority() });
            }
            received => received?,
        };
        self.conclude(request, selector, targets, store, received, held).await
    }

    /// Brings a pack into the store.
    async fn receive(
        &self,
        request: &Request<'_>,
        mut session: Session,
        store: &Store,
        wants: &[ObjectId],
        depth: Depth,
        held: &Work,
    ) -> Result<Received, Error> {
        let incoming = tempfile::Builder::new().prefix("tmp_incoming_").tempfile_in(store.packs());
        let (file, path) = incoming.map_err(Error::io("write to"))?.into_parts();
        let mut file = tokio::fs::File::from_std(file);
        file.set_max_buf_size(64 * 1024);
        // Our shallow commits would hide from us what is behind them.
        let nothing = BTreeSet::new();
        let (haves, boundary) = match depth {
            Depth::One => (store.tips(), store.shallow()),
            Depth::All => (&[][..], &nothing),
        };
        let fetch = Fetch { wants, haves, shallow: boundary, depth };
        let shallow = session.fetch(&fetch, &mut file).await?;
        file.flush().await.map_err(Error::io("write to"))?;
        let bytes = file.metadata().await.map_err(Error::io("read"))?.len();
        drop(file);
        let offsets = session.knows_offsets();
        session.close().await;
        let (host, kept, thin) = (request.remote.authority(), store.clone(), !haves.is_empty());
        let limits = self.inner.options.limits.clone();
        let ours = move |limits: &Limits| thin.then(|| kept.objects(limits)).transpose();
        let (measured, packs) = (ours.clone(), store.packs());
        let (path, host, memory) = self
            .blocking(held, move |stop| {
                let incoming = Incoming { path: &path, host: &host, offsets, ours: measured(&limits)? };
                let memory = pack::measure(&incoming, &limits, stop)?;
                Ok((path, host, memory))
            })
            .await?;
        let room = Arc::clone(&self.inner.memory).acquire_many_owned(mebibytes(memory)).await;
        let room = room.map_err(|_| Error::Worker)?;
        let limits = self.inner.options.limits.clone();
        self.blocking(held, move |stop| {
            let _room = room;
            let incoming = Incoming { path: &path, host: &host, offsets, ours: ours(&limits)? };
            pack::resolve(incoming, &packs, &limits, stop)
        })
        .await?;
        Ok(Received { bytes, shallow })
    }

    /// Reads the commit, checks that its tree is complete, and remembers both.
    async fn conclude(
        &self,
        request: &Request<'_>,
        selector: &Selector,
        targets: &Targets,
        mut store: Store,
        received: Received,
        held: &Work,
    ) -> Result<Outcome, Error> {
        let (what, host) = (selector.what(), request.remote.authority());
        let (limits, targets) = (self.inner.options.limits.clone(), targets.clone());
        let checkout = self.blocking(held, move |_| {
            let objects = store.objects(&limits)?;
            if targets.iter().any(|t| t.found.name.is_empty() && !objects.exists(&t.found.id)) {
                return Err(Error::ReferenceNotFound { what, host });
            }
            let (pointer, commit, root) = newest(&objects, &targets)?.ok_or(Error::NotACommit { what })?;
            let tree = Tree::new(objects, root, limits, store.dir().to_owned());
            if let Err(error) = tree.check() {
                store::distrust(store.dir());
                return Err(error);
            }
            store.remember(commit.id, &received.shallow)?;
            let revision = Revision { pointer, commit: commit.id };
            Ok(Checkout { revision, commit, tree, received: received.bytes })
        });
        Ok(Outcome::Fetched(Box::new(checkout.await?)))
    }

    /// Runs disk work off the runtime's threads, at most two at a time.
    async fn blocking<T: Send + 'static>(
        &self,
        held: &Work,
        work: impl FnOnce(&AtomicBool) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let permit = Arc::clone(&self.inner.work).acquire_owned().await.map_err(|_| Error::Worker)?;
        let (stop, lock) = (Arc::clone(&held.stop), Arc::clone(&held.lock));
        tokio::task::spawn_blocking(move || {
            let _held = (permit, lock);
            work(&stop)
        })
        .await
        .map_err(|_| Error::Worker)?
    }
}

/// Rounded up, so that what is smaller counts too.
fn mebibytes(bytes: u64) -> u32 {
    u32::try_from(bytes.div_ceil(1 << 20)).unwrap_or(u32::MAX)
}

/// What came.
#[derive(Default)]
struct Received {
    bytes: u64,
    shallow: Shallow,
}

/// One fetch's hold on its directory. Work on other threads outlives a dropped future by a moment: it is told to stop, and
/// nobody else enters the directory before it has.
struct Work {
    lock: Arc<OwnedMutexGuard<()>>,
    stop: Arc<AtomicBool>,
}

impl Drop for Work {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}
