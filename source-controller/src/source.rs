//! What all kinds of sources share: storage, conditions, events, intervals, garbage, artifact bookkeeping.
//!
//! ```text
//! object ─► storage::inspect ─► Source::fetch ─► storage::keep ─► conclude ─► Conclusion
//!           (what is stored)    (the kind's own)  (a new file)     (status, events, when to look again)
//! ```
//!
//! A kind supplies [`Source`], and [`SourceObject`] and [`SourceStatus`] for its types; [`Sources`] makes it a reconciler.

mod conclude;
mod storage;
#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Debug,
    fs::File,
    sync::Arc,
    time::Duration,
};

use kube::Resource;
use serde::{Serialize, de::DeserializeOwned};
use weir_api::{
    meta::{Artifact, Condition},
    names::condition,
};
use weir_artifact::{Store, cap_std::fs::Dir, pack::Files};
use weir_reconcile::{Conclusion, Event, Failure, Severity};
use weir_runtime::{Finalized, ObjectKey, Reconciler, Run};

use crate::{
    announce::Announcements,
    references::{Reference, References},
};

/// A kind's object.
pub trait SourceObject:
    Resource<DynamicType = ()> + DeserializeOwned + Serialize + Clone + Debug + Send + Sync + 'static
{
    /// Its status.
    type Status: SourceStatus<Self>;

    /// The kind, as manifests spell it.
    const KIND: &'static str;

    /// `spec.interval`.
    fn interval(&self) -> Duration;
    /// `status`, empty when there is none yet.
    fn status(&self) -> Self::Status;
    /// Secrets and ServiceAccounts the spec names: a change of one wakes the object.
    fn references(&self) -> BTreeSet<Reference>;
    /// Whether the spec demands signatures.
    fn demands_signatures(&self) -> bool;

    /// Namespace and name.
    fn key(&self) -> ObjectKey {
        ObjectKey::of(self)
    }
}

/// A kind's status.
pub trait SourceStatus<O>: Serialize + Clone + Default + Send + 'static {
    /// The artifact.
    fn artifact(&self) -> Option<&Artifact>;
    /// Replaces the artifact.
    fn set_artifact(&mut self, artifact: Option<Artifact>);
    /// The conditions.
    fn conditions(&self) -> &[Condition];
    /// Replaces the conditions.
    fn set_conditions(&mut self, conditions: Vec<Condition>);
    /// The last generation that was reconciled to its end.
    fn observed_generation(&self) -> Option<i64>;
    /// Replaces it.
    fn set_observed_generation(&mut self, generation: Option<i64>);
    /// Echoes the annotation that asks for a reconcile.
    fn set_last_handled_reconcile_at(&mut self, token: String);
    /// Records what the artifact was made with (`observed*`), when a new one was stored.
    fn observe(&mut self, object: &O);
    /// The address that always serves the newest artifact, for kinds that have it.
    fn url(&self) -> Option<&str> {
        None
    }
    /// Replaces it.
    fn set_url(&mut self, url: Option<String>) {
        let _ = url;
    }
}

/// A failed step of a source, and which condition shows it.
pub trait SourceFailure: Failure + Send + Sync + 'static {
    /// `FetchFailed`, `StorageOperationFailed`, `SourceVerified`, `IncludeUnavailable`, …; none for a failure that shows
    /// in `Ready` alone.
    fn condition(&self) -> Option<&'static str> {
        Some(condition::FETCH_FAILED)
    }

    /// What is upstream although it could not be stored, for `ArtifactOutdated`.
    fn news(&self) -> Option<&News> {
        None
    }
}

/// A revision found upstream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct News {
    /// The revision.
    pub revision: String,
    /// What to say of it while it is stored, for example `new revision '…' for '…'`.
    pub said: String,
}

impl News {
    /// What to say, unless the revision is the one that is stored: it is made again when other settings are, and what is
    /// stored is not outdated by that.
    #[must_use]
    pub fn beside(&self, stored: Option<&Artifact>) -> Option<&str> {
        let same = stored.is_some_and(|artifact| artifact.revision == self.revision);
        (!same).then_some(self.said.as_str())
    }
}

/// What a kind found upstream.
pub enum Fetched {
    /// What is stored is what upstream has, made with the same settings.
    UpToDate,
    /// Something to store.
    New(Content),
}

/// Something to store.
pub struct Content {
    /// The artifact's revision.
    pub news: News,
    /// Name of the file in the object's directory.
    pub file: String,
    /// The bytes.
    pub body: Body,
    /// What upstream says of it.
    pub metadata: BTreeMap<String, String>,
    /// How long it took to get.
    pub took: Duration,
    /// What the run recorded of signatures: the message of `SourceVerified`, if they were checked and good.
    pub verified: Option<String>,
    /// What must live until the bytes are stored, for example a temporary directory.
    pub guard: Option<Box<dyn Send + Sync>>,
}

/// Where the bytes are.
pub enum Body {
    /// A directory to be packed; `ignore` is `spec.ignore`.
    Tree {
        /// The directory.
        dir: Dir,
        /// Rules that have the last word.
        ignore: Option<String>,
    },
    /// Files that are in no directory, to be packed.
    Files {
        /// The files.
        files: Box<dyn Files>,
        /// Rules that have the last word.
        ignore: Option<String>,
    },
    /// A file to be kept as it is.
    File(File),
}

/// The fields that every kind's object has, as [`SourceObject`] asks for them.
macro_rules! object_fields {
    ($status:ty) => {
        type Status = $status;

        fn interval(&self) -> std::time::Duration {
            self.spec.interval.0
        }

        fn status(&self) -> $status {
            self.status.clone().unwrap_or_default()
        }

        fn demands_signatures(&self) -> bool {
            self.spec.verify.is_some()
        }
    };
}
pub(crate) use object_fields;

/// The fields that every kind's status has, as [`SourceStatus`] asks for them.
macro_rules! status_fields {
    () => {
        fn artifact(&self) -> Option<&weir_api::meta::Artifact> {
            self.artifact.as_ref()
        }

        fn set_artifact(&mut self, artifact: Option<weir_api::meta::Artifact>) {
            self.artifact = artifact;
        }

        fn conditions(&self) -> &[weir_api::meta::Condition] {
            &self.conditions
        }

        fn set_conditions(&mut self, conditions: Vec<weir_api::meta::Condition>) {
            self.conditions = conditions;
        }

        fn observed_generation(&self) -> Option<i64> {
            self.observed_generation
        }

        fn set_observed_generation(&mut self, generation: Option<i64>) {
            self.observed_generation = generation;
        }

        fn set_last_handled_reconcile_at(&mut self, token: String) {
            self.last_handled_reconcile_at = Some(token);
        }
    };
}
pub(crate) use status_fields;

/// What one kind of source does on its own.
pub trait Source: Send + Sync + 'static {
    /// The kind.
    type Object: SourceObject;
    /// What can fail.
    type Error: SourceFailure;

    /// Conditions of this kind in the order in which they explain `Ready`, the negative ones marked `true`.
    const CONDITIONS: &'static [(&'static str, bool)];
    /// Name of the link to the newest file, for kinds that have one.
    const LINK: Option<&'static str>;

    /// Asks upstream for its revision and brings the content, unless `stored` is it and was made with the same settings.
    fn fetch(
        &self,
        object: &Self::Object,
        stored: Option<&Artifact>,
        run: &Run,
    ) -> impl Future<Output = Result<Fetched, Self::Error>> + Send;

    /// The message of `ArtifactInStorage`.
    fn stored_message(&self, artifact: &Artifact) -> String;

    /// The message of the event for a new artifact.
    fn event_message(&self, object: &Self::Object, artifact: &Artifact) -> String;

    /// Secrets found to matter while fetching, beyond those the spec names (a ServiceAccount's pull secrets).
    fn discovered(&self, key: &ObjectKey) -> BTreeSet<Reference> {
        let _ = key;
        BTreeSet::new()
    }

    /// The object is gone: drop what is kept in memory and on disk for it.
    fn forget(&self, key: &ObjectKey) {
        let _ = key;
    }
}

/// What all kinds need; clones share it.
#[derive(Clone)]
pub struct Shared {
    /// Where artifacts are kept.
    pub store: Store,
    /// Which objects use which secrets.
    pub references: References,
    /// Artifacts as they change, for `Artifacts.Watch`.
    pub announcements: Announcements,
    /// Address of `Artifacts`, put into every artifact's metadata; none when it is not served.
    pub grpc: Option<Arc<str>>,
}

/// A kind of source as a reconciler.
pub struct Sources<S> {
    source: S,
    shared: Shared,
}

impl<S: Source> Sources<S> {
    /// A reconciler.
    pub fn new(source: S, shared: Shared) -> Self {
        Self { source, shared }
    }
}

impl<S: Source> Reconciler for Sources<S> {
    type Object = S::Object;
    type Status = <S::Object as SourceObject>::Status;

    /// Object -> what is stored -> what upstream has -> a new file -> conclusion.
    async fn reconcile(&self, object: Arc<S::Object>, run: &Run) -> Conclusion<Self::Status> {
        let key = object.key();
        self.shared.references.track(S::Object::KIND, &key, object.references());
        let stored = storage::inspect::<S>(&object, &self.shared, run).await;
        let attempt = storage::attempt(&self.source, &object, &stored, &self.shared, run).await;
        let mut all = object.references();
        all.extend(self.source.discovered(&key));
        self.shared.references.track(S::Object::KIND, &key, all);
        let conclusion = conclude::from(&self.source, &object, stored, attempt, run.clock().now());
        self.shared.announcements.set::<S::Object>(&key, conclusion.status.artifact(), object.meta().generation);
        conclusion
    }

    async fn finalize(&self, object: Arc<S::Object>, run: &Run) -> Finalized<Self::Status> {
        let key = object.key();
        match self.shared.store.remove_object(S::Object::KIND, &key.namespace, &key.name).await {
            Ok(removed) => {
                self.gone(&key);
                let said = "garbage collected artifacts for deleted resource";
                let event = || Event::new(Severity::Trace, "GarbageCollectionSucceeded", said);
                Finalized::Done(removed.then(event).into_iter().collect())
            }
            Err(error) => Finalized::NotYet(conclude::not_removed::<S>(&object, &error, run.clock().now())),
        }
    }

    fn info(&self, object: &S::Object) -> BTreeMap<&'static str, String> {
        let status = object.status();
        BTreeMap::from([("revision", status.artifact().map(|a| a.revision.clone()).unwrap_or_default())])
    }

    fn gone(&self, key: &ObjectKey) {
        self.shared.references.forget(S::Object::KIND, key);
        self.shared.announcements.set::<S::Object>(key, None, None);
        self.source.forget(key);
    }
}
