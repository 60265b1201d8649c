//! List and watch of one kind, object by object: the text of each is handed on by itself, so that one that cannot be
//! decoded never stops the others, and nothing larger than a page is held.
//!
//! ```text
//! list (pages of 500) ─► Start, Listed…, Synced ─► watch from there ─► Changed, Gone …
//!        ▲                                              │ closed: watch again from the last version
//!        └────────── too old (410): list again ─────────┘ failed: the same after a growing delay
//! ```

mod lines;
mod query;
mod raw;
mod secondary;

use std::time::Duration;

use futures::StreamExt;
use kube::Client;
use serde::Deserialize;
use serde_json::value::RawValue;
use weir_reconcile::schedule::backoff;

pub use query::Query;
pub use raw::{Meta, Raw};
pub use secondary::{Moved, Secondary, secondary};

use crate::clock;

/// What a watch brings, in order.
#[derive(Debug)]
pub enum Event<'a> {
    /// A list begins; what is not listed before [`Event::Synced`] is gone.
    Start,
    /// An object of the list.
    Listed(&'a Raw<'a>),
    /// The list is complete.
    Synced,
    /// An object is new or changed.
    Changed(&'a Raw<'a>),
    /// An object is gone; this is its last state.
    Gone(&'a Raw<'a>),
}

/// A list or watch failed.
#[derive(Debug, thiserror::Error)]
pub enum WatchError {
    /// The API server refused or could not be reached.
    #[error("failed to {verb} {resource}")]
    Request {
        /// `list` or `watch`.
        verb: &'static str,
        /// Plural and group.
        resource: String,
        /// Why.
        #[source]
        source: Box<kube::Error>,
    },
    /// The stream broke.
    #[error("the watch of {resource} broke")]
    Stream {
        /// Plural and group.
        resource: String,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// What came back is no list or no event.
    #[error("unexpected answer to the {verb} of {resource}")]
    Decode {
        /// `list` or `watch`.
        verb: &'static str,
        /// Plural and group.
        resource: String,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
    /// The server no longer has the version to go on from.
    #[error("the watch of {resource} must start over")]
    Expired {
        /// Plural and group.
        resource: String,
    },
}

/// How long one watch request lasts at most; the server closes it then and the next goes on.
const WATCH_SECONDS: u32 = 290;
/// A watch that brings nothing, not even a bookmark, for longer than it may last is dead.
const SILENCE: Duration = Duration::from_secs(330);
/// Rounds follow each other no faster.
const SHORTEST_ROUND: Duration = Duration::from_millis(200);
/// Delays after failures.
const FIRST_DELAY: Duration = Duration::from_millis(500);
const LONGEST_DELAY: Duration = Duration::from_secs(30);

/// Lists and watches until dropped, handing everything to `on` in order. Failures are logged and tried again.
pub async fn run(client: Client, query: Query, mut on: impl FnMut(Event<'_>) + Send) {
    let mut failures = 0;
    let mut from: Option<String> = None;
    loop {
        let begun = clock::instant();
        let result = round(&client, &query, &mut from, &mut on).await;
        match result {
            Ok(()) => failures = 0,
            Err(WatchError::Expired { .. }) => from = None,
            Err(error) => {
                if begun.elapsed() > LONGEST_DELAY {
                    failures = 0;
                }
                let delay = backoff(failures, FIRST_DELAY, LONGEST_DELAY).mul_f64(0.75 + rand::random::<f64>() / 2.0);
                failures += 1;
                let text = weir_reconcile::describe(&error);
                tracing::error!(resource = query.name(), error = %text, "watch failed, trying again in {delay:.1?}");
                tokio::time::sleep(delay).await;
            }
        }
        // A server that closes at once must not make this loop spin.
        tokio::time::sleep_until(begun + SHORTEST_ROUND).await;
    }
}

async fn round(
    client: &Client,
    query: &Query,
    from: &mut Option<String>,
    on: &mut (impl FnMut(Event<'_>) + Send),
) -> Result<(), WatchError> {
    let version = match from.take() {
        Some(version) => version,
        None => list(client, query, on).await?,
    };
    *from = Some(version);
    follow(client, query, from, on).await
}

#[derive(Deserialize)]
struct List<'a> {
    #[serde(default)]
    metadata: ListMeta,
    #[serde(borrow, default)]
    /// An empty list of metadata comes as null.
    items: Option<Vec<&'a RawValue>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct ListMeta {
    resource_version: String,
    #[serde(rename = "continue")]
    token: Option<String>,
}

async fn list(
    client: &Client,
    query: &Query,
    on: &mut (impl FnMut(Event<'_>) + Send),
) -> Result<String, WatchError> {
    let failed = |source| WatchError::Request { verb: "list", resource: query.name(), source: Box::new(source) };
    on(Event::Start);
    let mut token = None;
    loop {
        let request = query.list_request(token.as_deref()).map_err(|e| failed(kube::Error::BuildRequest(e)))?;
        let text = match client.request_text(request).await {
            Err(kube::Error::Api(status)) if status.code == 410 => {
                return Err(WatchError::Expired { resource: query.name() });
            }
            other => other.map_err(failed)?,
        };
        let page: List<'_> = serde_json::from_str(&text)
            .map_err(|source| WatchError::Decode { verb: "list", resource: query.name(), source })?;
        for item in page.items.unwrap_or_default() {
            match Raw::parse(item.get()) {
                Ok(raw) => on(Event::Listed(&raw)),
                Err(error) => tracing::error!(resource = query.name(), error = %error, "skipped an object without metadata"),
            }
        }
        token = page.metadata.token.filter(|token| !token.is_empty());
        if token.is_none() {
            on(Event::Synced);
            return Ok(page.metadata.resource_version);
        }
    }
}

#[derive(Deserialize)]
struct Line<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
    #[serde(borrow)]
    object: &'a RawValue,
}

async fn follow(
    client: &Client,
    query: &Query,
    from: &mut Option<String>,
    on: &mut (impl FnMut(Event<'_>) + Send),
) -> Result<(), WatchError> {
    let failed = |source| WatchError::Request { verb: "watch", resource: query.name(), source: Box::new(source) };
    let expired = || WatchError::Expired { resource: query.name() };
    let request = query
        .watch_request(from.as_deref().unwrap_or_default(), WATCH_SECONDS)
        .map_err(|e| failed(kube::Error::BuildRequest(e)))?;
    let response = client.send(request.map(kube::client::Body::from)).await.map_err(failed)?;
    let status = response.status();
    if status.as_u16() == 410 {
        return Err(expired());
    }
    if !status.is_success() {
        return Err(failed(lines::refusal(response).await));
    }
    let mut lines = std::pin::pin!(lines::split(response.into_body()));
    loop {
        let next = tokio::time::timeout(SILENCE, lines.next()).await;
        let line = match next {
            Ok(Some(Ok(line))) => line,
            Ok(Some(Err(source))) => return Err(WatchError::Stream { resource: query.name(), source }),
            // Closed by the server at its time, or silent for too long: go on from the last version.
            Ok(None) | Err(_) => return Ok(()),
        };
        let decode = |source| WatchError::Decode { verb: "watch", resource: query.name(), source };
        let line: Line<'_> = serde_json::from_slice(&line).map_err(decode)?;
        if line.kind == "ERROR" {
            return Err(match serde_json::from_str::<kube::core::Status>(line.object.get()) {
                Ok(status) if status.code == 410 => expired(),
                Ok(status) => failed(kube::Error::Api(Box::new(status))),
                Err(source) => decode(source),
            });
        }
        let raw = Raw::parse(line.object.get()).map_err(decode)?;
        *from = Some(raw.meta.resource_version.clone());
        match line.kind {
            "ADDED" | "MODIFIED" => on(Event::Changed(&raw)),
            "DELETED" => on(Event::Gone(&raw)),
            _ => {}
        }
    }
}
