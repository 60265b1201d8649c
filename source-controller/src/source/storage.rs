//! What is stored for an object, and how something new gets there.

use weir_api::{
    meta::{Artifact, Duration},
    names::{condition, weir},
};
use weir_artifact::store::{Check, Location, StoreError, belongs_to};
use weir_reconcile::{ErrorKind, Event, Phase, Severity, describe};
use weir_runtime::Run;

use super::{Body, Content, Fetched, News, Shared, Source, SourceFailure, SourceObject, SourceStatus};

/// What is there before the run.
pub(super) struct Stored {
    /// The artifact of the status, if its file is there and whole; its addresses are those of this process.
    pub(super) artifact: Option<Artifact>,
    /// The address of the link to it.
    pub(super) url: Option<String>,
    /// What happened to it, for people.
    pub(super) events: Vec<Event>,
}

/// What the run achieved.
pub(super) enum Kept {
    UpToDate,
    New { artifact: Box<Artifact>, url: Option<String>, verified: Option<String> },
}

/// Why it did not.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failed<E> {
    #[error(transparent)]
    Fetch(E),
    #[error("failed to store the artifact")]
    Store {
        #[source]
        source: StoreError,
        /// What could not be stored.
        news: News,
    },
}

impl<E: SourceFailure> Failed<E> {
    pub(super) fn condition(&self) -> Option<&'static str> {
        match self {
            Self::Fetch(error) => error.condition(),
            Self::Store { source: StoreError::Lock(_) | StoreError::Rules(_) | StoreError::Shutdown, .. } => None,
            Self::Store { .. } => Some(condition::STORAGE_OPERATION_FAILED),
        }
    }

    pub(super) fn kind(&self) -> ErrorKind {
        match self {
            Self::Fetch(error) => error.kind(),
            Self::Store { .. } => ErrorKind::Retry,
        }
    }

    pub(super) fn reason(&self) -> &'static str {
        let source = match self {
            Self::Fetch(error) => return error.reason(),
            Self::Store { source, .. } => source,
        };
        match source {
            StoreError::Directory(_) => "DirectoryCreationFailed",
            StoreError::Lock(_) | StoreError::Shutdown => "Failed",
            StoreError::Rules(_) => "SourceIgnoreError",
            StoreError::Segment { .. } => "InvalidPath",
            StoreError::Io { action: "read" | "open", .. } => "ReadOperationFailed",
            StoreError::Io { action: "link", .. } => "SymlinkUpdateFailed",
            _ => "ArchiveOperationFailed",
        }
    }

    pub(super) fn message(&self) -> String {
        match self {
            Self::Fetch(error) => match error.hint() {
                Some(hint) => format!("{}: {hint}", describe(error)),
                None => describe(error),
            },
            Self::Store { source, .. } => describe(source),
        }
    }

    pub(super) fn news(&self) -> Option<&News> {
        match self {
            Self::Fetch(error) => error.news(),
            Self::Store { news, .. } => Some(news),
        }
    }

    /// Whether upstream gave everything.
    pub(super) fn fetched(&self) -> bool {
        matches!(self, Self::Store { .. })
    }
}

/// Collects garbage, checks the file against its digest, and brings the addresses up to date.
pub(super) async fn inspect<S: Source>(object: &S::Object, shared: &Shared, run: &Run) -> Stored {
    let status = object.status();
    let mut events = Vec::new();
    let Some(mut artifact) = status.artifact().cloned() else {
        return Stored { artifact: None, url: None, events };
    };
    let key = object.key();
    if !belongs_to(&artifact.path, S::Object::KIND, &key.namespace, &key.name) {
        tracing::error!(path = artifact.path, "the status names a file that is not this object's, it is passed over");
        return Stored { artifact: None, url: None, events };
    }
    match shared.store.collect_garbage(&artifact, run.now).await {
        Ok(removed) if !removed.is_empty() => {
            let said = format!("garbage collected {} artifacts", removed.len());
            events.push(Event::new(Severity::Trace, "GarbageCollectionSucceeded", said));
        }
        Ok(_) => {}
        // What cannot be removed takes space and harms nobody; the next run tries again.
        Err(error) => tracing::error!(error = %describe(&error), "garbage collection of artifacts failed"),
    }
    let damage = match shared.store.check(&artifact).await {
        Ok(Check::Intact) => None,
        Ok(Check::Missing) => return Stored { artifact: None, url: None, events },
        Ok(Check::Damaged { .. }) => Some(format!("computed digest doesn't match '{}'", artifact.digest)),
        Err(error) => Some(describe(&error)),
    };
    if let Some(damage) = damage {
        let said = format!("failed to verify integrity of artifact: {damage}");
        events.push(Event::new(Severity::Error, "ArtifactVerificationFailed", said));
        if let Err(error) = shared.store.remove(&artifact.path).await {
            tracing::error!(error = %describe(&error), "failed to remove artifact after digest mismatch");
        }
        return Stored { artifact: None, url: None, events };
    }
    artifact.url = shared.store.url(&artifact.path);
    announce_grpc(&mut artifact, shared);
    let url = status.url().map(|url| shared.store.rehost(url)).filter(|url| !url.is_empty());
    Stored { artifact: Some(artifact), url, events }
}

fn announce_grpc(artifact: &mut Artifact, shared: &Shared) {
    match (&shared.grpc, artifact.metadata.as_mut()) {
        (Some(address), Some(metadata)) => {
            metadata.insert(weir::GRPC.to_owned(), address.to_string());
        }
        (None, Some(metadata)) => {
            metadata.remove(weir::GRPC);
        }
        _ => {}
    }
}

/// Fetches and stores what is new.
pub(super) async fn attempt<S: Source>(
    source: &S,
    object: &S::Object,
    stored: &Stored,
    shared: &Shared,
    run: &Run,
) -> Result<Kept, Failed<S::Error>> {
    if stored.artifact.is_none() {
        let lost = if object.status().artifact().is_some() { ": disappeared from storage" } else { "" };
        run.progress(Phase::new(format!("building artifact{lost}")));
    }
    let fetched = {
        let mut step = run.trace().step("fetch");
        let fetched = source.fetch(object, stored.artifact.as_ref(), run).await;
        if let Err(error) = &fetched {
            step.error(error.to_string());
        }
        fetched.map_err(Failed::Fetch)?
    };
    let content = match fetched {
        Fetched::UpToDate => return Ok(Kept::UpToDate),
        Fetched::New(content) => content,
    };
    let news = content.news.clone();
    keep::<S>(object, content, shared, run).await.map_err(|source| Failed::Store { source, news })
}

async fn keep<S: Source>(object: &S::Object, content: Content, shared: &Shared, run: &Run) -> Result<Kept, StoreError> {
    run.progress(Phase::new(format!("building artifact: {}", content.news.said)));
    let _step = run.trace().step("store");
    let key = object.key();
    let at = Location::new(S::Object::KIND, &key.namespace, &key.name, &content.file)?;
    let written = match content.body {
        Body::Tree { dir, ignore } => shared.store.archive(&at, dir, ignore).await?,
        Body::Files { files, ignore } => shared.store.archive_files(&at, files, ignore).await?,
        Body::File(file) => shared.store.copy(&at, file).await?,
    };
    drop(content.guard);
    let url = match S::LINK {
        Some(link) => match shared.store.link(&at, link).await {
            Ok(url) => Some(url),
            Err(error) => {
                tracing::error!(error = %describe(&error), "failed to update status URL symlink");
                None
            }
        },
        None => None,
    };
    let mut metadata = content.metadata;
    metadata.insert(weir::FETCH_DURATION.to_owned(), Duration(whole_millis(content.took)).to_string());
    if let Some(address) = &shared.grpc {
        metadata.insert(weir::GRPC.to_owned(), address.to_string());
    }
    run.trace().attribute("weir.revision", &content.news.revision);
    if let Some(traceparent) = run.trace().keep() {
        metadata.insert(weir::TRACEPARENT.to_owned(), traceparent);
    }
    let now = run.clock().now();
    let artifact = Artifact {
        digest: written.digest.to_string(),
        last_update_time: jiff::Timestamp::from_second(now.as_second()).unwrap_or(now),
        metadata: Some(metadata),
        path: written.path,
        revision: content.news.revision,
        size: i64::try_from(written.size).ok(),
        url: written.url,
    };
    Ok(Kept::New { artifact: Box::new(artifact), url, verified: content.verified })
}

fn whole_millis(took: std::time::Duration) -> std::time::Duration {
    std::time::Duration::from_millis(u64::try_from(took.as_millis()).unwrap_or(u64::MAX))
}
