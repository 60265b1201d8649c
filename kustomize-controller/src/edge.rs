//! The calls a reconcile makes to the world, and only those.

use std::{collections::BTreeMap, future::Future, sync::Arc};

use jiff::Timestamp;
use tokio::sync::SemaphorePermit;
use weir_api::{
    kustomize::{Kustomization, ValuesKind},
    meta::Artifact,
};
use weir_apply::{Cluster, Owner, RequestError, Stray, Watches};
use weir_artifact::{FetchError, Unpacked};
use weir_runtime::ObjectKey;

use crate::{
    args::Options,
    kustomization::depends::Name,
    source::{Source, SourceKey},
};

/// The data of a ConfigMap or Secret, as text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Config {
    /// By key.
    pub data: BTreeMap<String, String>,
}

/// See the module.
pub trait Edge: Send + Sync {
    /// What the flags say.
    fn options(&self) -> &Options;

    /// A source, as far as it is used.
    fn source(&self, key: &SourceKey) -> impl Future<Output = Result<Option<Source>, RequestError>> + Send;

    /// The files of an artifact.
    fn fetch(&self, artifact: &Artifact) -> impl Future<Output = Result<Arc<Unpacked>, Arc<FetchError>>> + Send;

    /// A ConfigMap or Secret; from now on its changes wake who refers to it.
    fn config(
        &self,
        kind: ValuesKind,
        namespace: &str,
        name: &str,
    ) -> impl Future<Output = Result<Option<Config>, RequestError>> + Send;

    /// A Kustomization that another depends on, wherever it is reconciled.
    fn dependency(&self, name: &Name) -> impl Future<Output = Result<Option<Arc<Kustomization>>, RequestError>> + Send;

    /// The same, of those this process reconciles.
    fn known(&self, name: &Name) -> Option<Arc<Kustomization>>;

    /// Objects with an owner's labels that are in no inventory, as of a look at the cluster that began no earlier than `since`.
    fn strays(
        &self,
        owner: &Owner,
        since: Timestamp,
        now: Timestamp,
    ) -> impl Future<Output = Result<Vec<Stray>, RequestError>> + Send;

    /// The cluster, under the identity a Kustomization applies with.
    fn cluster(&self, ks: &Kustomization) -> Cluster;

    /// Whether the identity a Kustomization applies with is still there.
    fn can_impersonate(&self, ks: &Kustomization) -> impl Future<Output = Result<bool, RequestError>> + Send;

    /// Leave to build: as many at a time as there are processors, since more would only take more memory.
    fn build_slot(&self) -> impl Future<Output = Option<SemaphorePermit<'_>>> + Send;

    /// The watches of managed objects.
    fn watches(&self) -> &Watches;

    /// Wakes who depends on a Kustomization.
    fn wake_dependants(&self, key: &ObjectKey);
}
