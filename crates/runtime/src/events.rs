//! Events: to the cluster (core/v1), and to notification-controller.
//!
//! ```text
//! Event ─► record ─┬─► cluster: bounded queue, one task, repeats counted           never waits; written when no run
//!                  │                                                              is under way, or after 2 s
//!                  └─► receiver: POST or gRPC, acknowledged ─► done                 waits ≤ 2 s
//!                                └─ not in time ─► outbox, tried again with backoff
//! ```
//!
//! # Guarantees
//! * When [`Recorder::record`] returns, the receiver has acknowledged the event or it is in the outbox.
//! * Events about one object reach the receiver in the order they were recorded, but for one the receiver takes and is
//!   not heard to have taken: it is sent twice, and the receiver drops the second.
//! * An event the receiver refuses again and again while it takes others is given up; others do not wait for it.
//! * `Trace` never leaves the cluster; without `--events-addr` nothing does.
//!
//! # Caveats
//! The outbox is in memory and bounded: after a crash, or an outage longer than it can hold, events are lost; those
//! given up are counted in `weir_events_dropped_total`. A crash between an event and the status write that follows
//! repeats the event.

mod allowance;
mod calm;
mod cluster;
mod outbox;
mod sender;
mod target;
mod wire;

use std::{sync::Arc, time::Duration};

use tokio_util::sync::CancellationToken;
use weir_reconcile::{Event, Severity};

pub use sender::{InvalidEventsAddr, SendError};
pub use target::Target;

use self::{calm::Calm, outbox::Outbox, sender::Sender};
use crate::{client::Clients, clock::Clock, metrics::Metrics, runtime::RuntimeError, settings::Settings};

/// How long a run waits for an acknowledgement before the event goes to the outbox.
const ACKNOWLEDGE: Duration = Duration::from_secs(2);

/// Longest message, in characters.
pub const LONGEST_MESSAGE: usize = 39_000;

/// Records events; clones share the queues.
#[derive(Clone, Debug)]
pub struct Recorder {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    controller: String,
    instance: String,
    clock: Clock,
    calm: Calm,
    cluster: Option<cluster::Cluster>,
    outbox: Option<Outbox>,
}

impl Recorder {
    /// Records nothing, for tests.
    #[must_use]
    pub fn off() -> Self {
        let inner = Inner {
            controller: String::new(),
            instance: String::new(),
            clock: Clock::system(),
            calm: Calm::default(),
            cluster: None,
            outbox: None,
        };
        Self { inner: Arc::new(inner) }
    }

    /// Starts the tasks behind the queues. They end after `shutdown`, once what is queued had a moment to go out.
    ///
    /// # Errors
    /// When `--events-addr` is no address.
    pub fn start(
        settings: &Settings,
        clients: &Clients,
        metrics: &Metrics,
        clock: Clock,
        shutdown: &CancellationToken,
    ) -> Result<Self, RuntimeError> {
        let sender = Sender::new(&settings.events_addr, &settings.common.grpc, settings, clients)
            .map_err(|error| RuntimeError::Flag(Box::new(error)))?;
        let outbox = sender.map(|sender| Outbox::start(sender, metrics, shutdown));
        let calm = Calm::default();
        let writer = cluster::Writer::new(clients.own(), settings, clock, calm.clone());
        let cluster = cluster::Cluster::start(writer, metrics, shutdown);
        let inner = Inner {
            controller: settings.name.to_owned(),
            instance: settings.environment.hostname.clone(),
            clock,
            calm,
            cluster: Some(cluster),
            outbox,
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// A run is under way until what is returned is dropped: what only tells people waits for it a little.
    pub(crate) fn work(&self) -> calm::Work {
        self.inner.calm.work()
    }

    /// Records one event. Never fails: see the module for what is guaranteed.
    pub async fn record(&self, target: &Target, event: &Event, traceparent: Option<&str>) {
        let inner = &self.inner;
        let now = inner.clock.now();
        let metadata = wire::metadata(target, event, traceparent);
        if let Some(cluster) = &inner.cluster {
            cluster.record(target, event, wire::annotations(&metadata), now);
        }
        if event.severity == Severity::Trace || !target.is_complete() {
            return;
        }
        if let Some(outbox) = &inner.outbox {
            let wire = wire::event(target, event, metadata, now, &inner.controller, &inner.instance);
            outbox.send(wire, ACKNOWLEDGE).await;
        }
    }

    /// Waits until queued events are out, or `limit` has passed.
    pub async fn flush(&self, limit: Duration) {
        let flush = async {
            if let Some(cluster) = &self.inner.cluster {
                cluster.flush().await;
            }
            if let Some(outbox) = &self.inner.outbox {
                outbox.flush().await;
            }
        };
        let _ = tokio::time::timeout(limit, flush).await;
    }
}
