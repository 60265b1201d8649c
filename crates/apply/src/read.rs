//! What the cluster says of desired objects: dry-runs, and live objects where there are some.

use futures::{StreamExt as _, TryStreamExt as _, stream};
use weir_manifest::{
    Cleanup, IgnoreRule, Object, ObjectRef, Policy, ignore,
    inventory::Entry,
    plan::{Live, Read, read_for},
    pointer::Pointer,
};

use crate::{cluster::Cluster, error::RequestError};

/// The server refuses an object.
#[derive(Debug, thiserror::Error)]
#[error("{}", self.text())]
pub struct ReadError {
    /// Which object.
    pub object: ObjectRef,
    /// What the server said. Part of the text, since the text depends on it.
    pub cause: RequestError,
}

impl ReadError {
    fn text(&self) -> String {
        let Self { object, cause } = self;
        let said = spoken(object, cause);
        if cause.is_not_found() {
            let what = if object.namespace.is_empty() { "namespace not specified" } else { "not found" };
            return format!("{object} {what}: {said}");
        }
        let reason = cause.reason();
        let reason = if reason.is_empty() { String::new() } else { format!(" ({reason})") };
        format!("{object} dry-run failed{reason}: {said}")
    }
}

/// What the server said of an object, with causes below; of a Secret nothing that may hold its values.
pub(crate) fn spoken(object: &ObjectRef, error: &RequestError) -> String {
    let quotes_values = matches!(error.code(), Some(400 | 422 | 500..));
    if object.group.is_empty() && object.kind == "Secret" && quotes_values && !error.is_immutable_text() {
        return "the server refused the Secret; what it said is hidden, since it may quote values".to_owned();
    }
    let mut text = error.to_string();
    let mut next = std::error::Error::source(error);
    while let Some(cause) = next {
        let part = cause.to_string();
        if !text.ends_with(&part) {
            text = format!("{text}: {part}");
        }
        next = cause.source();
    }
    text
}

/// Reads what plans are made of.
#[derive(Clone, Copy, Debug)]
pub struct Reader<'a> {
    /// Under the identity that applies.
    pub cluster: &'a Cluster,
    /// Objects asked for at a time.
    pub concurrency: usize,
    /// Fields that are left alone.
    pub ignore: &'a [IgnoreRule],
    /// What is cleaned up on live objects.
    pub cleanup: &'a Cleanup,
    /// Whether every object may be recreated when a field of it cannot change.
    pub force: bool,
}

impl Reader<'_> {
    /// What the cluster says of each object, in their order.
    ///
    /// # Errors
    /// The first refusal; nothing was changed then.
    pub async fn read(&self, objects: &[Object]) -> Result<Vec<Live>, ReadError> {
        // Made before the stream: a closure in it would have to hold for every lifetime to be sent between threads.
        let asked: Vec<_> = objects.iter().map(|object| self.named(object)).collect();
        stream::iter(asked).buffered(self.concurrency.max(1)).try_collect().await
    }

    async fn named(&self, desired: &Object) -> Result<Live, ReadError> {
        self.one(desired).await.map_err(|cause| ReadError { object: desired.reference(), cause })
    }

    async fn one(&self, desired: &Object) -> Result<Live, RequestError> {
        let paths = ignore::ignored(self.ignore, desired);
        let entry = Entry { object: desired.reference(), version: desired.version().to_owned() };
        match read_for(desired, &paths) {
            Read::Nothing => Ok(Live::Untouched),
            Read::UnlessPresent => match self.cluster.get(&entry).await? {
                Some(_) => Ok(Live::Untouched),
                None => self.dry_run(desired, &entry).await,
            },
            Read::DryRun => self.dry_run(desired, &entry).await,
            Read::LiveFirst => match self.cluster.get(&entry).await? {
                Some(live) => self.respecting(desired, live, &paths).await,
                None => self.dry_run(desired, &entry).await,
            },
        }
    }

    async fn dry_run(&self, desired: &Object, entry: &Entry) -> Result<Live, RequestError> {
        match self.cluster.apply(desired, true).await {
            // Only an object that was stored has a version.
            Ok(dry_run) if dry_run.resource_version().is_empty() => Ok(Live::Absent),
            Ok(dry_run) => match self.cluster.get(entry).await? {
                Some(live) => Ok(Live::Present { live, dry_run, sent: None }),
                None => Ok(Live::Absent),
            },
            Err(error) => {
                let live = self.cluster.get(entry).await.ok().flatten();
                self.refused(desired, live, error)
            }
        }
    }

    async fn respecting(&self, desired: &Object, live: Object, paths: &[Pointer]) -> Result<Live, RequestError> {
        if Policy::of(&live).is_excluded() {
            return Ok(Live::Untouched);
        }
        let sent = ignore::respect(desired, &live, paths, self.cluster.manager());
        match self.cluster.apply(&sent, true).await {
            Ok(dry_run) => Ok(Live::Present { live, dry_run, sent: Some(sent) }),
            Err(error) => self.refused(desired, Some(live), error),
        }
    }

    fn refused(&self, desired: &Object, live: Option<Object>, error: RequestError) -> Result<Live, RequestError> {
        match live {
            Some(live) if Policy::of(&live).is_excluded() => Ok(Live::Untouched),
            Some(live) if error.code() == Some(422) && !error.is_immutable_text() => {
                let tangled = self.cleanup.untangle(desired, &live).is_some();
                match tangled {
                    true => Ok(Live::Entangled { live }),
                    false if self.may_force(desired, &live) => Ok(Live::Immutable { live }),
                    false => Err(error),
                }
            }
            Some(live) if error.is_immutable() && self.may_force(desired, &live) => Ok(Live::Immutable { live }),
            _ => Err(error),
        }
    }

    fn may_force(&self, desired: &Object, live: &Object) -> bool {
        self.force || Policy::of(desired).force || Policy::of(live).force
    }
}
