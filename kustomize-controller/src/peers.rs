//! Sources that offer gRPC: their artifacts as they change, and their bytes.
//!
//! An artifact may announce where its source serves `Artifacts`. From the first such announcement one stream per address is
//! held; what it says is known before the API server says it. A peer that refuses or is not there costs nothing but a try
//! now and then: the sources' objects are watched all the same.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use jiff::Timestamp;
use tonic::{Code, Status, Streaming};
use weir_api::{
    kustomize::KustomizationSourceKind as Kind,
    meta::Artifact,
    names::{group, weir},
};
use weir_artifact::fetch::Remote;
use weir_proto::artifact::v1::{
    self as wire, FetchRequest, FetchResponse, WatchRequest, WatchResponse, artifacts_client::ArtifactsClient,
    watch_response::Type,
};
use weir_runtime::{
    Context, ObjectKey, Trigger, Waker,
    grpc::{Peer, authority},
};

use crate::{
    index::Index,
    source::{Source, SourceKey},
};

const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// When to ask a peer again that refused.
const REFUSED_PAUSE: Duration = Duration::from_secs(600);

/// Peers at a time. There is one in every cluster but odd ones; statuses must not have us call any number of them.
const MAX_PEERS: usize = 16;

/// See the module. Clones share everything.
#[derive(Clone)]
pub struct Peers {
    shared: Arc<Shared>,
}

struct Shared {
    context: Context,
    index: Arc<Index>,
    waker: Waker,
    peers: Mutex<HashMap<String, Peer>>,
    /// Addresses a stream is held to.
    followed: Mutex<HashSet<String>>,
    /// What streams said, with the address of the stream.
    announced: Mutex<HashMap<SourceKey, (String, Source)>>,
}

impl Peers {
    /// No peers yet.
    #[must_use]
    pub fn new(context: Context, index: Arc<Index>, waker: Waker) -> Self {
        let shared = Shared {
            context,
            index,
            waker,
            peers: Mutex::default(),
            followed: Mutex::default(),
            announced: Mutex::default(),
        };
        Self { shared: Arc::new(shared) }
    }

    /// The newer of what the API server and a stream say of a source.
    #[must_use]
    pub fn newest(&self, key: &SourceKey, seen: Option<Source>) -> Option<Source> {
        let announced = lock(&self.shared.announced).get(key).cloned();
        newer(seen, announced.as_ref().map(|(address, source)| (address.as_str(), source)))
    }

    /// Holds a stream to the peer that an artifact announces, if there is one and none is held.
    pub fn follow(&self, artifact: &Artifact) {
        let Some(address) = artifact.metadata.as_ref().and_then(|metadata| metadata.get(weir::GRPC)) else { return };
        let known = |followed: &HashSet<String>| followed.contains(address) || followed.len() >= MAX_PEERS;
        if known(&lock(&self.shared.followed)) {
            return;
        }
        let Ok(peer) = self.shared.peer(address) else { return };
        if !lock(&self.shared.followed).insert(address.clone()) {
            return;
        }
        let (shared, address) = (Arc::clone(&self.shared), address.clone());
        let stop = shared.context.shutdown.clone();
        tokio::spawn(async move { stop.run_until_cancelled(shared.keep(&peer, &address)).await });
    }
}

impl Shared {
    fn peer(&self, address: &str) -> Result<Peer, Status> {
        if !is_ours(address, &self.context.settings.namespace()) {
            return Err(Status::failed_precondition(
                "only sources of the suite's own namespace are asked over gRPC, this one is asked over HTTP",
            ));
        }
        let mut peers = lock(&self.peers);
        if let Some(peer) = peers.get(address) {
            return Ok(peer.clone());
        }
        if peers.len() >= MAX_PEERS {
            return Err(Status::failed_precondition("too many sources of artifacts, this one is asked over HTTP"));
        }
        let settings = &self.context.settings;
        let peer = Peer::new(address, &settings.common.grpc, settings, &self.context.clients)
            .map_err(|error| Status::invalid_argument(error.to_string()))?;
        peers.insert(address.to_owned(), peer.clone());
        Ok(peer)
    }

    async fn keep(&self, peer: &Peer, address: &str) {
        let mut pause = FIRST_PAUSE;
        loop {
            let status = match self.stream(peer, address, &mut pause).await {
                Ok(()) => Status::unavailable("the stream ended"),
                Err(status) => status,
            };
            // From now on only the API server says what is there.
            lock(&self.announced).retain(|_, (of, _)| of != address);
            let refused = matches!(status.code(), Code::Unauthenticated | Code::PermissionDenied | Code::Unimplemented);
            tracing::debug!(peer = address, error = status.message(), "no stream of artifacts, relying on watches");
            tokio::time::sleep(if refused { REFUSED_PAUSE } else { pause }).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    async fn stream(&self, peer: &Peer, address: &str, pause: &mut Duration) -> Result<(), Status> {
        let namespaces = self.context.settings.watched_namespace().into_iter().collect();
        let request = WatchRequest { kinds: Vec::new(), namespaces, name: String::new() };
        let mut client = ArtifactsClient::new(peer.channel().await?);
        let mut stream = client.watch(request).await?.into_inner();
        while let Some(message) = stream.message().await? {
            *pause = FIRST_PAUSE;
            self.take(message, address);
        }
        Ok(())
    }

    fn take(&self, message: WatchResponse, address: &str) {
        let kind = message.r#type();
        let Some(key) = message.source.as_ref().and_then(key_of) else { return };
        let artifact = match kind {
            Type::Current => message.artifact.and_then(artifact),
            Type::Deleted => None,
            Type::Unspecified | Type::Synced => return,
        };
        let known = lock(&self.announced).get(&key).map(|(_, source)| source.clone());
        let source = artifact.map(|artifact| Source::with(Some(artifact)));
        if known == source {
            return;
        }
        match source {
            Some(source) => lock(&self.announced).insert(key.clone(), (address.to_owned(), source)),
            None => lock(&self.announced).remove(&key),
        };
        for user in self.index.users(&key) {
            self.waker.wake(&user, Trigger::Artifact);
        }
    }
}

#[async_trait]
impl Remote for Peers {
    async fn fetch(&self, address: &str, request: FetchRequest) -> Result<Streaming<FetchResponse>, Status> {
        let peer = self.shared.peer(address)?;
        let mut client = ArtifactsClient::new(peer.channel().await?);
        Ok(client.fetch(request).await?.into_inner())
    }
}

/// Whether an address is one of the suite's own: on this machine, or a Service in the namespace we run in. Our token is shown
/// to nobody else, and whoever may write a source's status could name anybody.
fn is_ours(address: &str, namespace: &str) -> bool {
    let Some((host, _port)) = authority(address).0.rsplit_once(':') else { return false };
    let host = host.trim_start_matches('[').trim_end_matches(']').trim_end_matches('.');
    if host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback()) {
        return true;
    }
    let Some((service, rest)) = host.split_once('.') else { return false };
    let is_label = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    let domain = rest.strip_prefix(namespace).filter(|_| !namespace.is_empty());
    is_label(service) && domain.is_some_and(|domain| matches!(domain, "" | ".svc" | ".svc.cluster.local"))
}

/// Of what was seen and what a stream announced the newer. A stream speaks only for the sources whose own objects name its
/// address: else whoever is called by one tenant's source could say what the others' artifacts are.
fn newer(seen: Option<Source>, announced: Option<(&str, &Source)>) -> Option<Source> {
    let (Some(source), Some((address, announced))) = (&seen, announced) else { return seen };
    let artifact = source.artifact.as_ref();
    let named = artifact.and_then(|artifact| artifact.metadata.as_ref()?.get(weir::GRPC));
    let time = |source: &Source| source.artifact.as_ref().map(|artifact| artifact.last_update_time);
    if named.is_some_and(|named| named == address) && time(announced) > time(source) {
        return Some(announced.clone());
    }
    seen
}

fn key_of(source: &wire::SourceRef) -> Option<SourceKey> {
    let kinds = [Kind::GitRepository, Kind::OciRepository, Kind::Bucket, Kind::ExternalArtifact];
    let kind = kinds.into_iter().find(|kind| kind.as_str() == source.kind)?;
    if !(source.api_version.is_empty() || source.api_version.starts_with(group::SOURCE)) {
        return None;
    }
    Some(SourceKey { kind, key: ObjectKey::new(source.namespace.clone(), source.name.clone()) })
}

fn artifact(artifact: wire::Artifact) -> Option<Artifact> {
    let wire::Artifact { path, url, revision, digest, last_update_time, size, metadata } = artifact;
    let time = last_update_time?;
    Some(Artifact {
        digest,
        last_update_time: Timestamp::new(time.seconds, time.nanos).ok()?,
        metadata: (!metadata.is_empty()).then(|| metadata.into_iter().collect()),
        path,
        revision,
        size,
        url,
    })
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_token_is_shown_to_the_suites_own_services_only() {
        let ours = |address: &str| is_ours(address, "flux-system");
        for address in [
            "127.0.0.1:9091",
            "[::1]:9091",
            "localhost:9091",
            "source-controller.flux-system:9091",
            "source-controller.flux-system.svc:9091",
            "source-controller.flux-system.svc.cluster.local.:9091",
            "grpcs://source-controller.flux-system.svc:9091",
        ] {
            assert!(ours(address), "{address}");
        }
        for address in [
            "10.0.0.7:9091",
            "evil.example.com:9091",
            "a.tenant.svc.cluster.local:9091",
            "a.flux-system.svc.cluster.local.example.com:9091",
            "a.flux-system-b.svc:9091",
            "user@a.flux-system.svc:9091",
            "source-controller:9091",
            "grpcs://a.tenant.svc:9091",
            "",
        ] {
            assert!(!ours(address), "{address}");
        }
        assert!(!is_ours("a..svc:9091", ""));
    }

    fn source(second: i64, grpc: Option<&str>) -> Source {
        let metadata = grpc.map(|address| [(weir::GRPC.to_owned(), address.to_owned())].into());
        Source::with(Some(Artifact {
            digest: "sha256:00".to_owned(),
            last_update_time: Timestamp::from_second(second).unwrap(),
            metadata,
            path: "p".to_owned(),
            revision: second.to_string(),
            size: None,
            url: "http://host/p".to_owned(),
        }))
    }

    #[test]
    fn a_stream_speaks_only_for_sources_that_name_it() {
        let (old, new) = (source(1, Some("host:9091")), source(2, Some("host:9091")));
        let announced = Some(("host:9091", &new));
        assert_eq!(newer(Some(old.clone()), announced), Some(new.clone()));
        assert_eq!(newer(Some(new.clone()), Some(("host:9091", &old))), Some(new.clone()), "the object is newer");
        assert_eq!(newer(Some(old.clone()), None), Some(old.clone()));
        assert_eq!(newer(Some(old.clone()), Some(("host:1", &new))), Some(old), "another's stream");
        let plain = source(1, None);
        assert_eq!(newer(Some(plain.clone()), announced), Some(plain), "it offers no gRPC");
        assert_eq!(newer(None, announced), None, "it is not there any more");
    }
}
