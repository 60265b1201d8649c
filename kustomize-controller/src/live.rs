//! The edge as it is in production.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::{Arc, OnceLock},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use jiff::Timestamp;
use serde_json::Value;
use tokio::sync::{Semaphore, SemaphorePermit};
use weir_api::{
    kustomize::{Kustomization, KustomizationSourceKind, ValuesKind},
    meta::Artifact,
    names::group,
};
use weir_apply::{Cluster, Owner, RequestError, Stray, Watches};
use weir_artifact::{FetchError, Fetcher, Unpacked};
use weir_manifest::{Object, ObjectRef, inventory::Entry};
use weir_runtime::{
    ObjectKey, Store, Trigger, Waker,
    runtime::Context,
    watch::{Query, Secondary, secondary},
};

use crate::{
    args::Options,
    edge::{Config, Edge},
    index::{Index, config_key},
    kustomization::{apply, depends::Name},
    memory::Memory,
    peers::Peers,
    source::{self, Source, SourceKey},
    strays::Strays,
};

/// Pictures of the sources, by kind.
pub type Sources = BTreeMap<KustomizationSourceKind, Secondary<Source>>;

/// See the module.
pub struct Live {
    /// What the flags say.
    pub options: Options,
    /// The runtime's.
    pub context: Context,
    /// Under the controller's own identity.
    pub cluster: Cluster,
    /// Watches of managed objects.
    pub watches: Watches,
    /// Fetches artifacts.
    pub fetcher: Fetcher,
    /// Sources that offer gRPC.
    pub peers: Peers,
    /// Pictures of sources.
    pub sources: Sources,
    /// The Kustomizations this process reconciles.
    pub store: Store<Kustomization>,
    /// Wakes them.
    pub waker: Waker,
    /// Who refers to what.
    pub index: Arc<Index>,
    /// What is kept between runs.
    pub memory: Arc<Memory>,
    /// What interrupted runs have left.
    pub strays: Strays,
    /// Builds that may run at a time.
    pub builds: Semaphore,
    /// Versions of ConfigMaps and Secrets, from when the first of them was referred to.
    pub configs: [OnceLock<Secondary<u64>>; 2],
}

impl std::fmt::Debug for Live {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Live").field("options", &self.options).finish_non_exhaustive()
    }
}

impl Live {
    /// Begins to watch all ConfigMaps or Secrets, metadata only; a change wakes who refers to it.
    fn watch_configs(&self, kind: ValuesKind) {
        let is_secret = kind == ValuesKind::Secret;
        let [maps, secrets] = &self.configs;
        let slot = if is_secret { secrets } else { maps };
        slot.get_or_init(|| {
            let query = Query::kind("", "v1", if is_secret { "Secret" } else { "ConfigMap" }).metadata_only();
            let namespace = self.context.settings.watched_namespace();
            let (index, waker) = (Arc::clone(&self.index), self.waker.clone());
            let (picture, task) = secondary(
                self.context.clients.own(),
                query.namespace(namespace.as_deref()),
                |raw| Some(raw.meta.version()),
                move |moved| {
                    // What is listed first was read by its readers themselves.
                    if moved.initial {
                        return;
                    }
                    for reader in index.readers(&(is_secret, moved.key.clone())) {
                        waker.wake(&reader, Trigger::Input);
                    }
                },
            );
            let shutdown = self.context.shutdown.clone();
            tokio::spawn(async move { shutdown.run_until_cancelled(task).await });
            picture
        });
    }

    fn identity(&self, ks: &Kustomization) -> Option<(String, String)> {
        let named = ks.spec.service_account_name.as_deref().filter(|name| !name.is_empty());
        let default = Some(self.options.default_service_account.as_str()).filter(|name| !name.is_empty());
        let namespace = ks.metadata.namespace.clone().unwrap_or_default();
        named.or(default).map(|name| (namespace, name.to_owned()))
    }
}

fn entry(api: (&str, &str), kind: &str, key: &ObjectKey) -> Entry {
    let (group, version) = api;
    let object = ObjectRef {
        group: group.to_owned(),
        kind: kind.to_owned(),
        namespace: key.namespace.clone(),
        name: key.name.clone(),
    };
    Entry { object, version: version.to_owned() }
}

impl Edge for Live {
    fn options(&self) -> &Options {
        &self.options
    }

    async fn source(&self, key: &SourceKey) -> Result<Option<Source>, RequestError> {
        let seen = self.sources.get(&key.kind).and_then(|picture| picture.get(&key.key));
        if let Some(artifact) = seen.as_ref().and_then(|source| source.artifact.as_ref()) {
            self.peers.follow(artifact);
        }
        let seen = self.peers.newest(key, seen);
        if seen.is_some() && !self.options.direct_source_fetch {
            return Ok(seen);
        }
        // Asked for directly, or younger than the watch: both may happen right after it was made.
        let live = self.cluster.get(&entry((group::SOURCE, "v1"), key.kind.as_str(), &key.key)).await;
        match live {
            Ok(object) => Ok(object.map(|object| source::of(&object))),
            Err(error) if error.is_no_match() => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn fetch(&self, artifact: &Artifact) -> Result<Arc<Unpacked>, Arc<FetchError>> {
        self.fetcher.fetch(artifact).await
    }

    async fn config(&self, kind: ValuesKind, namespace: &str, name: &str) -> Result<Option<Config>, RequestError> {
        let key = config_key(kind, namespace, name);
        if self.options.watch_configs {
            self.watch_configs(kind);
        }
        let kind = if key.0 { "Secret" } else { "ConfigMap" };
        let object = self.cluster.get(&entry(("", "v1"), kind, &key.1)).await?;
        Ok(object.map(|object| Config { data: texts(&object, key.0) }))
    }

    async fn dependency(&self, name: &Name) -> Result<Option<Arc<Kustomization>>, RequestError> {
        if let Some(known) = self.known(name) {
            return Ok(Some(known));
        }
        // Another shard's, or younger than the watch.
        let key = ObjectKey::new(name.namespace.clone(), name.name.clone());
        let live = self.cluster.get(&entry((group::KUSTOMIZE, "v1"), "Kustomization", &key)).await?;
        Ok(live.and_then(|live| serde_json::from_value(live.into_value()).ok()).map(Arc::new))
    }

    fn known(&self, name: &Name) -> Option<Arc<Kustomization>> {
        let key = ObjectKey::new(name.namespace.clone(), name.name.clone());
        Some(self.memory.newest(&key, self.store.get(&key)?))
    }

    async fn strays(&self, owner: &Owner, since: Timestamp, now: Timestamp) -> Result<Vec<Stray>, RequestError> {
        let sweep = async {
            let known: HashMap<Owner, HashSet<ObjectRef>> = self.store.list().iter().map(|ks| managed(ks)).collect();
            let wanted =
                |owner: &Owner, object: &ObjectRef| known.get(owner).is_some_and(|have| !have.contains(object));
            weir_apply::sweep(&self.cluster, &apply::ownership(), &wanted).await
        };
        self.strays.of(owner, since, now, sweep).await
    }

    fn cluster(&self, ks: &Kustomization) -> Cluster {
        match self.identity(ks) {
            Some((namespace, name)) => self.cluster.as_service_account(&namespace, &name),
            None => self.cluster.clone(),
        }
    }

    async fn can_impersonate(&self, ks: &Kustomization) -> Result<bool, RequestError> {
        let Some((namespace, name)) = self.identity(ks) else { return Ok(true) };
        let account = entry(("", "v1"), "ServiceAccount", &ObjectKey::new(namespace, name));
        Ok(self.cluster.get_metadata(&account).await?.is_some())
    }

    async fn build_slot(&self) -> Option<SemaphorePermit<'_>> {
        // Never closed.
        self.builds.acquire().await.ok()
    }

    fn watches(&self) -> &Watches {
        &self.watches
    }

    fn wake_dependants(&self, key: &ObjectKey) {
        for dependant in self.index.dependants(key) {
            self.waker.wake(&dependant, Trigger::Dependency);
        }
    }
}

fn managed(ks: &Kustomization) -> (Owner, HashSet<ObjectRef>) {
    let (namespace, name) = (ks.metadata.namespace.clone(), ks.metadata.name.clone());
    let owner = Owner { namespace: namespace.unwrap_or_default(), name: name.unwrap_or_default() };
    (owner, apply::inventory(ks).entries().iter().map(|entry| entry.object.clone()).collect())
}

/// The data of a ConfigMap, or of a Secret decoded; what is no text is read as far as it is.
fn texts(object: &Object, is_secret: bool) -> BTreeMap<String, String> {
    let data = object.at(&["data"]).and_then(Value::as_object);
    let text = |value: &Value| {
        let text = value.as_str().unwrap_or_default();
        if !is_secret {
            return text.to_owned();
        }
        String::from_utf8_lossy(&STANDARD.decode(text).unwrap_or_default()).into_owned()
    };
    data.into_iter().flatten().map(|(key, value)| (key.clone(), text(value))).collect()
}
