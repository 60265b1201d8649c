//! Lists and follows metadata, over and over.

use std::time::Duration;

use futures::{Stream, TryStreamExt as _};
use http::{HeaderValue, Method, Request, header};
use kube::core::WatchEvent;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use tokio::sync::watch as signal;
use weir_manifest::{Metadata, ObjectRef, inventory::Entry, repair::Writer};

use super::{Follow, Shared};
use crate::{
    cluster::{Cluster, path},
    error::RequestError,
    mapping::Resource,
    table::{Owner, Seen, Wake},
};

const LIST: HeaderValue =
    HeaderValue::from_static("application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json");
const WATCH: HeaderValue =
    HeaderValue::from_static("application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json");
/// Objects per page of a listing.
const PAGE: u32 = 250;
/// Seconds the server keeps one watch open.
const OPEN: u32 = 290;
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// When to try again what is not allowed.
const DENIED_PAUSE: Duration = Duration::from_secs(300);
/// Between looks at an object that cannot be watched.
const LOOK: Duration = Duration::from_secs(5);

#[derive(Clone, Debug, Default, Deserialize)]
struct Partial {
    metadata: Metadata,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Page {
    metadata: PageMetadata,
    /// An empty list of metadata comes as null.
    items: Option<Vec<Partial>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct PageMetadata {
    #[serde(rename = "continue")]
    next: String,
    resource_version: String,
}

/// Why following broke off.
enum Break {
    /// The server ended the watch as agreed: go on from the last version.
    Ended,
    /// The version is too old, or the watch broke: list again.
    Lost(RequestError),
}

/// Follows a kind until the kind is gone.
pub(super) async fn keep(shared: &Shared, resource: &Resource, state: &signal::Sender<Follow>) {
    let mut pause = FIRST_PAUSE;
    loop {
        if !resource.watchable {
            std::future::pending::<()>().await;
        }
        let error = match list(shared, resource).await {
            Ok(mut version) => {
                state.send_replace(Follow::Live);
                pause = FIRST_PAUSE;
                loop {
                    if let Break::Lost(error) = follow(shared, resource, &mut version).await {
                        break error;
                    }
                }
            }
            Err(error) => error,
        };
        if error.is_forbidden() {
            tracing::warn!(kind = %resource.group_kind(), error = %error, "kind cannot be watched, drift is looked for at the interval");
            state.send_replace(Follow::Impossible);
            tokio::time::sleep(DENIED_PAUSE).await;
            continue;
        }
        if error.is_not_found() {
            // The kind itself is gone, and with it all its objects.
            shared.cluster.mapping().forget(&resource.group);
            let alarms = {
                let mut table = shared.table();
                table.listing(&resource.group_kind());
                table.listed(&resource.group_kind(), u64::MAX)
            };
            alarms.into_iter().for_each(|alarm| shared.tell(Some(alarm)));
            return;
        }
        if error.code() != Some(410) {
            tracing::debug!(kind = %resource.group_kind(), error = %error, "watch interrupted");
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }
}

/// Lists all objects of a kind; returns the version to follow from.
async fn list(shared: &Shared, resource: &Resource) -> Result<String, RequestError> {
    let (kind, path) = (resource.group_kind(), path(resource, "", ""));
    let label = utf8_percent_encode(&shared.ownership.name_label, NON_ALPHANUMERIC).to_string();
    shared.table().listing(&kind);
    let mut next = String::new();
    loop {
        let from = if next.is_empty() {
            String::new()
        } else {
            format!("&continue={}", utf8_percent_encode(&next, NON_ALPHANUMERIC))
        };
        let query = format!("{path}?labelSelector={label}&limit={PAGE}{from}");
        let bytes = shared.cluster.bytes(Method::GET, query, LIST, None).await?;
        let page: Page = serde_json::from_slice(&bytes).map_err(|e| RequestError::Answer(Box::new(e)))?;
        page.items.iter().flatten().for_each(|item| observe(shared, resource, &item.metadata));
        let version = page.metadata.resource_version;
        next = page.metadata.next;
        if next.is_empty() {
            let alarms = shared.table().listed(&kind, version.parse().unwrap_or_default());
            alarms.into_iter().for_each(|alarm| shared.tell(Some(alarm)));
            return Ok(version);
        }
    }
}

/// Follows from a version until the stream ends.
async fn follow(shared: &Shared, resource: &Resource, version: &mut String) -> Break {
    let path = path(resource, "", "");
    let label = utf8_percent_encode(&shared.ownership.name_label, NON_ALPHANUMERIC);
    let query = format!(
        "{path}?watch=true&allowWatchBookmarks=true&timeoutSeconds={OPEN}&resourceVersion={version}&labelSelector={label}"
    );
    let mut stream = match open(&shared.cluster, query).await {
        Ok(stream) => Box::pin(stream),
        Err(error) => return Break::Lost(error),
    };
    loop {
        match stream.try_next().await {
            Ok(Some(WatchEvent::Added(object) | WatchEvent::Modified(object))) => {
                observe(shared, resource, &object.metadata);
                *version = object.metadata.resource_version;
            }
            Ok(Some(WatchEvent::Deleted(object))) => {
                let meta = object.metadata;
                let kind = resource.group_kind();
                let alarm = shared.table().vanish(&kind, &meta.namespace, &meta.name, meta.version());
                shared.tell(alarm);
                *version = meta.resource_version;
            }
            Ok(Some(WatchEvent::Bookmark(bookmark))) => *version = bookmark.metadata.resource_version,
            Ok(Some(WatchEvent::Error(status))) => return Break::Lost(told(status.code, &status.message)),
            Ok(None) => return Break::Ended,
            Err(kube::Error::Api(status)) => return Break::Lost(told(status.code, &status.message)),
            Err(error) => return Break::Lost(RequestError::Transport(Box::new(error))),
        }
    }
}

fn observe(shared: &Shared, resource: &Resource, meta: &Metadata) {
    let Some(owner) = shared.ownership.owner(meta) else { return };
    let manager = shared.cluster.manager();
    let object = Seen { meta, print: meta.fingerprint(manager), clean: shared.cleanup.is_clean(meta) };
    let alarm = shared.table().observe(&resource.group_kind(), &owner, object);
    if let Some((_, Wake::Drift)) = alarm
        && let Some(Writer { manager: by, fields }) = meta.last_writer(manager)
    {
        let (kind, namespace, name) = (&resource.kind, &meta.namespace, &meta.name);
        tracing::info!(kind, object = %format_args!("{namespace}/{name}"), by, fields = fields.join(" "), "an object was changed by others");
    }
    shared.tell(alarm);
}

/// Wakes an owner whenever one object is written; looks from time to time where watching is not possible.
pub(super) async fn keep_one(shared: &Shared, cluster: &Cluster, entry: &Entry, owner: &Owner) {
    let mut pause = FIRST_PAUSE;
    loop {
        let touch = || {
            let alarm = shared.table().touch(owner, &entry.object);
            shared.tell(alarm);
        };
        let Ok(resource) = cluster.resource(&entry.api_version(), &entry.object.kind).await else {
            // The kind may still come.
            tokio::time::sleep(LOOK).await;
            touch();
            continue;
        };
        let path = path(&resource, &entry.object.namespace, "");
        let name = utf8_percent_encode(&entry.object.name, NON_ALPHANUMERIC);
        let query = format!("{path}?watch=true&timeoutSeconds={OPEN}&fieldSelector=metadata.name%3D{name}");
        let watching = async {
            let mut stream = Box::pin(open(cluster, query).await.ok()?);
            while let Ok(Some(event)) = stream.try_next().await {
                match event {
                    WatchEvent::Error(_) => return None,
                    WatchEvent::Bookmark(_) => {}
                    _ => touch(),
                }
            }
            Some(())
        };
        pause = match watching.await {
            Some(()) => FIRST_PAUSE,
            None => (pause * 2).min(LOOK),
        };
        tokio::time::sleep(pause).await;
        touch();
    }
}

/// Has an owner look at objects every few seconds.
pub(super) async fn look_at(shared: &Shared, objects: &[ObjectRef], owner: &Owner) {
    loop {
        tokio::time::sleep(LOOK).await;
        for object in objects {
            let alarm = shared.table().touch(owner, object);
            shared.tell(alarm);
        }
    }
}

async fn open(
    cluster: &Cluster,
    query: String,
) -> Result<impl Stream<Item = kube::Result<WatchEvent<Partial>>> + use<>, RequestError> {
    let request = cluster
        .identified(Request::get(query).header(header::ACCEPT, WATCH))?
        .body(Vec::new())
        .map_err(|e| RequestError::Transport(Box::new(kube::Error::HttpError(e))))?;
    match cluster.client().request_events::<Partial>(request).await {
        Ok(stream) => Ok(stream),
        Err(kube::Error::Api(status)) => Err(told(status.code, &status.message)),
        Err(error) => Err(RequestError::Transport(Box::new(error))),
    }
}

fn told(code: u16, message: &str) -> RequestError {
    RequestError::Status { code, reason: String::new(), message: message.to_owned(), causes: Vec::new() }
}
