//! From accepted events to providers.
//!
//! ```text
//! queue ─ids─► route (which alerts) ─► lane per (alert, provider, object) ─► attempt ─► done
//!                                          │  one after another, in order        │
//!                                          └────────── backoff ◄─────────────────┘ ─► dead letters
//! ```
//!
//! # Guarantees
//! * A delivery is tried until the provider takes it, nobody wants it any more, or it is given up for its age or its number of
//!   tries; what is given up is told and kept.
//! * Events about one object reach one provider in the order they were accepted.
//! * Lanes are independent, and a provider has only so many tries under way: one that is slow or dead delays nobody else.
//!
//! # Caveats
//! At least once: a kill between the provider's answer and the record of it repeats the delivery.

mod attempt;
mod lane;
mod metrics;
mod route;

use std::{
    collections::{HashMap, VecDeque},
    panic::AssertUnwindSafe,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use futures::FutureExt;
use tokio::sync::{Semaphore, broadcast, mpsc};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use weir_runtime::{ObjectKey, Trace, clock::Clock, trace::Exporter};

pub use metrics::DeliveryMetrics;

use crate::{
    edge::Edge,
    provider::http::Clients,
    queue::{Open, Queue, Target},
};

/// Tries under way for one provider at a time.
const PER_PROVIDER: usize = 4;
/// How long tries under way may take to end at shutdown.
const GRACE: Duration = Duration::from_secs(5);
/// How often the queue is looked after.
const MAINTENANCE: Duration = Duration::from_secs(10);

/// How long and how often to try.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// Delay after the first failure.
    pub first: Duration,
    /// The longest delay.
    pub longest: Duration,
    /// Tries before a delivery is given up.
    pub tries: u32,
    /// Tries when the error says that trying again soon cannot help.
    pub hopeless: u32,
    /// Age at which a delivery is given up.
    pub age: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            first: Duration::from_secs(1),
            longest: Duration::from_secs(300),
            tries: 60,
            hopeless: 6,
            age: Duration::from_secs(4 * 3600),
        }
    }
}

/// Delivers; clones share it.
pub struct Dispatcher<E: Edge> {
    inner: Arc<Inner<E>>,
}

impl<E: Edge> Clone for Dispatcher<E> {
    fn clone(&self) -> Self {
        Self { inner: Arc::clone(&self.inner) }
    }
}

/// What a dispatcher needs.
pub struct Context<E: Edge> {
    /// The cluster.
    pub edge: Arc<E>,
    /// The events.
    pub queue: Queue,
    /// The clock.
    pub clock: Clock,
    /// Where traces go.
    pub exporter: Exporter,
    /// Counters.
    pub metrics: DeliveryMetrics,
    /// How long to try.
    pub patience: Patience,
    /// `--no-cross-namespace-refs`.
    pub no_cross_namespace: bool,
    /// Gate ObjectLevelWorkloadIdentity.
    pub object_level_identity: bool,
}

struct Inner<E: Edge> {
    context: Context<E>,
    clients: Clients,
    lanes: Mutex<HashMap<Lane, VecDeque<u64>>>,
    gates: Mutex<HashMap<ObjectKey, Arc<Semaphore>>>,
    changed: broadcast::Sender<ObjectKey>,
    tasks: TaskTracker,
    shutdown: CancellationToken,
}

/// What is delivered in order.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Lane {
    target: Target,
    object: (String, String, String),
}

impl<E: Edge> Dispatcher<E> {
    /// A dispatcher that does nothing yet.
    pub fn new(context: Context<E>, shutdown: CancellationToken) -> Self {
        let inner = Inner {
            context,
            clients: Clients::default(),
            lanes: Mutex::default(),
            gates: Mutex::default(),
            changed: broadcast::Sender::new(256),
            tasks: TaskTracker::new(),
            shutdown,
        };
        Self { inner: Arc::new(inner) }
    }

    /// A provider or an alert changed: what waits for it is tried at once.
    pub fn changed(&self, key: ObjectKey) {
        // Nobody listens when nothing waits.
        let _ = self.inner.changed.send(key);
    }

    /// Takes up what waits since before, then routes and delivers what arrives, until shutdown. Alerts and providers must
    /// be known when this is called.
    pub async fn run(self, mut arrivals: mpsc::UnboundedReceiver<u64>, resumed: Vec<u64>) {
        let inner = &self.inner;
        for id in resumed {
            let Some(open) = inner.context.queue.get(id) else { continue };
            for target in open.targets.iter().flatten() {
                lane::push(inner, target.clone(), id, &open);
            }
        }
        let mut maintenance = tokio::time::interval(MAINTENANCE);
        loop {
            tokio::select! {
                () = inner.shutdown.cancelled() => break,
                _ = maintenance.tick() => inner.maintain().await,
                arrived = arrivals.recv() => match arrived {
                    Some(id) => {
                        if AssertUnwindSafe(route::route(inner, id)).catch_unwind().await.is_err() {
                            tracing::error!(id, "panic while looking for an event's alerts, it is dropped");
                            inner.context.queue.route(id, Vec::new());
                        }
                    }
                    None => break,
                },
            }
        }
        inner.tasks.close();
        if tokio::time::timeout(GRACE, inner.tasks.wait()).await.is_err() {
            tracing::info!("deliveries under way did not end in time, they are made again after the restart");
        }
    }
}

impl<E: Edge> Inner<E> {
    async fn maintain(&self) {
        if let Err(error) = self.context.queue.maintain(self.context.clock.now()).await {
            let error = weir_reconcile::describe(&error);
            tracing::error!(error, "cannot compact the event journal");
        }
        let idle = |gate: &Arc<Semaphore>| Arc::strong_count(gate) == 1;
        lock(&self.gates).retain(|_, gate| !idle(gate));
    }

    fn gate(&self, provider: &ObjectKey) -> Arc<Semaphore> {
        let mut gates = lock(&self.gates);
        Arc::clone(gates.entry(provider.clone()).or_insert_with(|| Arc::new(Semaphore::new(PER_PROVIDER))))
    }

    /// The trace of one delivery, which continues the one the event came with.
    fn begin_trace(&self, open: &Open) -> Trace {
        let trace = Trace::begin(&self.context.exporter, "notification", self.context.clock);
        if let Some(parent) = &open.traceparent {
            trace.continue_from(parent);
        }
        let object = &open.event.involved_object;
        trace.attribute("k8s.namespace.name", object.namespace.clone());
        trace.attribute("weir.kind", object.kind.clone());
        trace.attribute("weir.name", object.name.clone());
        trace.attribute("weir.reason", open.event.reason.clone());
        let revision = format!("{}/revision", crate::event::group(object));
        if let Some(revision) = open.event.metadata.get(&revision) {
            trace.attribute("weir.revision", revision.clone());
        }
        trace
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
