//! List and watch of one kind, object by object: the text of each is handed on by itself, so that one that cannot be
//! decoded never stops the others, and nothing larger than a page is held.
//!
//! ```text
//! list (streamed, or in pages of 500) ─► Start, Listed…, Synced ─► watch from there ─► Changed, Gone …
//!        ▲                                              │ closed: watch again from the last version
//!        └────────── too old (410): list again ─────────┘ failed: the same after a growing delay
//! ```

mod lines;
mod query;
mod raw;
mod secondary;

use std::time::Duration;

use futures::StreamExt;
use http_body_util::BodyExt;
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
    /// The server does not stream lists: they are read in pages instead.
    #[error("the server does not stream lists of {resource}")]
    NoStreams {
        /// Plural and group.
        resource: String,
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
/// A streamed list that brings nothing for this long is read in pages instead.
const STALLED_LIST: Duration = Duration::from_secs(30);
/// Annotation of the bookmark that ends a streamed list.
const INITIAL_EVENTS_END: &str = "k8s.io/initial-events-end";
/// Rounds follow each other no faster.
const SHORTEST_ROUND: Duration = Duration::from_millis(200);
/// Delays after failures.
const FIRST_DELAY: Duration = Duration::from_millis(500);
const LONGEST_DELAY: Duration = Duration::from_secs(30);

/// Lists and watches until dropped, handing everything to `on` in order. Failures are logged and tried again.
pub async fn run(client: Client, query: Query, on: impl FnMut(Event<'_>) + Send) {
    let mut watch = Watch { client, query, on, from: None, streams: true };
    let mut failures = 0;
    loop {
        let begun = clock::instant();
        match watch.round().await {
            Ok(()) => failures = 0,
            Err(WatchError::Expired { .. }) => watch.from = None,
            Err(WatchError::NoStreams { .. }) => watch.streams = false,
            Err(error) => {
                if begun.elapsed() > LONGEST_DELAY {
                    failures = 0;
                }
                let delay = backoff(failures, FIRST_DELAY, LONGEST_DELAY).mul_f64(0.75 + rand::random::<f64>() / 2.0);
                failures += 1;
                let text = weir_reconcile::describe(&error);
                tracing::error!(resource = watch.query.name(), error = %text, "watch failed, trying again in {delay:.1?}");
                tokio::time::sleep(delay).await;
            }
        }
        // A server that closes at once must not make this loop spin.
        tokio::time::sleep_until(begun + SHORTEST_ROUND).await;
    }
}

struct Watch<F> {
    client: Client,
    query: Query,
    on: F,
    /// The version to go on from; `None` before the first list and when the server forgot it.
    from: Option<String>,
    /// Whether the server streams lists (Kubernetes 1.34 and newer): nothing but the object at hand is held then.
    streams: bool,
}

#[derive(Deserialize)]
struct List<'a> {
    #[serde(default)]
    metadata: ListMeta,
    /// An empty list of metadata comes as null.
    #[serde(borrow, default)]
    items: Option<Vec<&'a RawValue>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct ListMeta {
    resource_version: String,
    #[serde(rename = "continue")]
    token: Option<String>,
}

impl<F: FnMut(Event<'_>) + Send> Watch<F> {
    async fn round(&mut self) -> Result<(), WatchError> {
        if self.from.is_none() && !self.streams {
            self.list().await?;
        }
        self.follow().await
    }

    /// Lists in pages.
    async fn list(&mut self) -> Result<(), WatchError> {
        (self.on)(Event::Start);
        let mut token = None;
        loop {
            let request = self.query.list_request(token.as_deref());
            let request = request.map_err(|e| self.failed("list", kube::Error::BuildRequest(e)))?;
            let response = self.send("list", request).await?;
            let body = response.into_body().collect().await.map_err(|e| self.failed("list", e))?.to_bytes();
            let page: List<'_> = serde_json::from_slice(&body).map_err(|source| self.decode("list", source))?;
            for item in page.items.into_iter().flatten() {
                self.hand(item.get(), Hand::Listed)?;
            }
            token = page.metadata.token.filter(|token| !token.is_empty());
            if token.is_none() {
                (self.on)(Event::Synced);
                self.from = Some(page.metadata.resource_version);
                return Ok(());
            }
        }
    }

    /// Watches from the last version, or streams what is there first. Ends without error when the server closes.
    async fn follow(&mut self) -> Result<(), WatchError> {
        let mut listing = self.from.is_none();
        let request = self.query.watch_request(self.from.as_deref(), WATCH_SECONDS);
        let request = request.map_err(|e| self.failed("watch", kube::Error::BuildRequest(e)))?;
        let response = self.send("watch", request).await?;
        let mut lines = std::pin::pin!(lines::split(response.into_body()));
        if listing {
            (self.on)(Event::Start);
        }
        loop {
            let line = match tokio::time::timeout(if listing { STALLED_LIST } else { SILENCE }, lines.next()).await {
                Ok(Some(Ok(line))) => line,
                Ok(Some(Err(source))) => {
                    return Err(WatchError::Stream { resource: self.query.name(), source });
                }
                Ok(None) | Err(_) if listing => return Err(WatchError::NoStreams { resource: self.query.name() }),
                // Closed by the server at its time, or silent for too long: go on from the last version.
                Ok(None) | Err(_) => return Ok(()),
            };
            let line: Line<'_> = serde_json::from_slice(&line).map_err(|source| self.decode("watch", source))?;
            match line.kind {
                "ADDED" if listing => {
                    self.hand(line.object.get(), Hand::Listed)?;
                }
                "ADDED" | "MODIFIED" => self.from = Some(self.hand(line.object.get(), Hand::Changed)?),
                "DELETED" => self.from = Some(self.hand(line.object.get(), Hand::Gone)?),
                "BOOKMARK" => {
                    let raw = Raw::parse(line.object.get()).map_err(|source| self.decode("watch", source))?;
                    if listing && raw.meta.annotation(INITIAL_EVENTS_END) == Some("true") {
                        listing = false;
                        (self.on)(Event::Synced);
                    }
                    if !listing {
                        self.from = Some(raw.meta.resource_version);
                    }
                }
                _ => return Err(self.error_event(line.object)),
            }
        }
    }

    /// Hands one object on. Returns its version.
    fn hand(&mut self, json: &str, how: Hand) -> Result<String, WatchError> {
        let raw = Raw::parse(json).map_err(|source| self.decode("watch", source))?;
        (self.on)(match how {
            Hand::Listed => Event::Listed(&raw),
            Hand::Changed => Event::Changed(&raw),
            Hand::Gone => Event::Gone(&raw),
        });
        Ok(raw.meta.resource_version)
    }

    async fn send(
        &self,
        verb: &'static str,
        request: http::Request<Vec<u8>>,
    ) -> Result<http::Response<kube::client::Body>, WatchError> {
        let response = self.client.send(request.map(kube::client::Body::from)).await;
        let response = response.map_err(|source| self.failed(verb, source))?;
        match response.status().as_u16() {
            200 => Ok(response),
            410 => Err(WatchError::Expired { resource: self.query.name() }),
            400 | 422 if self.from.is_none() && self.streams => {
                Err(WatchError::NoStreams { resource: self.query.name() })
            }
            _ => Err(self.failed(verb, lines::refusal(response).await)),
        }
    }

    fn error_event(&self, object: &RawValue) -> WatchError {
        match serde_json::from_str::<kube::core::Status>(object.get()) {
            Ok(status) if status.code == 410 => WatchError::Expired { resource: self.query.name() },
            Ok(status) => self.failed("watch", kube::Error::Api(Box::new(status))),
            Err(source) => self.decode("watch", source),
        }
    }

    fn failed(&self, verb: &'static str, source: kube::Error) -> WatchError {
        WatchError::Request { verb, resource: self.query.name(), source: Box::new(source) }
    }

    fn decode(&self, verb: &'static str, source: serde_json::Error) -> WatchError {
        WatchError::Decode { verb, resource: self.query.name(), source }
    }
}

#[derive(Clone, Copy)]
enum Hand {
    Listed,
    Changed,
    Gone,
}

#[derive(Deserialize)]
struct Line<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
    #[serde(borrow)]
    object: &'a RawValue,
}

#[cfg(test)]
mod tests;
