//! Events on their way to the receiver: sent at once, else kept and tried again.

mod lineup;

use std::{
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use weir_proto::WireEvent;
use weir_reconcile::describe;

use self::lineup::{Failed, Lineup, Next, Verdict};
use super::sender::{SendError, Sender};
use crate::{clock, metrics::Metrics};

#[derive(Clone, Debug)]
pub(super) struct Outbox {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    sender: Sender,
    metrics: Metrics,
    lineup: Mutex<Lineup>,
    more: Notify,
    empty: Notify,
}

impl Outbox {
    pub(super) fn start(sender: Sender, metrics: &Metrics, shutdown: &CancellationToken) -> Self {
        let inner = Inner {
            sender,
            metrics: metrics.clone(),
            lineup: Mutex::default(),
            more: Notify::new(),
            empty: Notify::new(),
        };
        let outbox = Self { inner: Arc::new(inner) };
        tokio::spawn(drive(Arc::clone(&outbox.inner), shutdown.clone()));
        outbox
    }

    /// Sends within `limit`, or keeps. Behind another event of its object, or while the receiver does not answer, the
    /// event lines up, so that order stays and a receiver that is down does not slow every run.
    pub(super) async fn send(&self, event: WireEvent, limit: Duration) {
        let inner = &self.inner;
        if !inner.lineup().must_wait(&event) {
            let failed = match tokio::time::timeout(limit, inner.sender.send(&event)).await {
                Ok(Ok(())) => {
                    inner.lineup().accepted();
                    return;
                }
                Ok(Err(error)) if error.is_final() => {
                    refused(&inner.metrics, &event, &error);
                    return;
                }
                Ok(Err(error)) => {
                    let (failed, error) = (failure(&error), describe(&error));
                    tracing::debug!(error, "event not taken, trying again");
                    failed
                }
                Err(_) => {
                    tracing::debug!("event not acknowledged in time, trying again");
                    Failed::Unreachable
                }
            };
            let given_up = inner.lineup().keep_failed(event, failed, clock::instant());
            inner.kept(given_up);
            return;
        }
        let given_up = inner.lineup().keep(event, clock::instant());
        inner.kept(given_up);
    }

    /// Completes when nothing is kept.
    pub(super) async fn flush(&self) {
        loop {
            let empty = self.inner.empty.notified();
            if self.inner.lineup().len() == 0 {
                return;
            }
            self.inner.more.notify_one();
            empty.await;
        }
    }
}

impl Inner {
    fn lineup(&self) -> MutexGuard<'_, Lineup> {
        self.lineup.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// One more waits, perhaps in place of the oldest.
    fn kept(&self, given_up: Option<WireEvent>) {
        if let Some(event) = given_up {
            self.metrics.event_dropped();
            tracing::error!(
                object = object(&event),
                reason = event.reason,
                "too many events wait, the oldest is given up"
            );
        }
        self.metrics.events_waiting(self.lineup().len());
        self.more.notify_one();
    }
}

/// Works the line off.
async fn drive(inner: Arc<Inner>, shutdown: CancellationToken) {
    let mut last_call = false;
    loop {
        let next = inner.lineup().next(clock::instant());
        let (id, event) = match next {
            Next::Try(id, event) => (id, event),
            Next::Empty => {
                inner.empty.notify_waiters();
                inner.more.notified().await;
                continue;
            }
            Next::At(due) => {
                tokio::select! {
                    () = tokio::time::sleep_until(due) => {}
                    () = inner.more.notified() => {}
                    // One more try of everything at once when the process ends.
                    () = shutdown.cancelled(), if !last_call => {
                        last_call = true;
                        inner.lineup().hurry();
                    }
                }
                continue;
            }
        };
        let sent = inner.sender.send(&event).await;
        let now = clock::instant();
        match &sent {
            Ok(()) => inner.lineup().done(id),
            Err(error) if error.is_final() => {
                refused(&inner.metrics, &event, error);
                inner.lineup().remove(id);
            }
            Err(error) => {
                let verdict = inner.lineup().failed(id, failure(error), now);
                told(&inner.metrics, &event, error, verdict);
            }
        }
        inner.metrics.events_waiting(inner.lineup().len());
    }
}

/// Whether the receiver answered for this event, or is not there for any.
fn failure(error: &SendError) -> Failed {
    if error.is_answer() { Failed::Refused } else { Failed::Unreachable }
}

fn told(metrics: &Metrics, event: &WireEvent, error: &SendError, verdict: Verdict) {
    let error = describe(error);
    match verdict {
        Verdict::Kept => tracing::debug!(error, object = object(event), "event not taken, trying again"),
        Verdict::Down => tracing::error!(error, "events receiver does not answer, events are kept"),
        Verdict::GivenUp { tries } => {
            metrics.event_dropped();
            let (object, reason, message) = (object(event), &event.reason, &event.message);
            tracing::error!(error, tries, object, reason, message, "events receiver refuses an event, it is given up");
        }
    }
}

fn refused(metrics: &Metrics, event: &WireEvent, error: &SendError) {
    metrics.event_dropped();
    let error = describe(error);
    tracing::error!(error, object = object(event), reason = event.reason, "events receiver refused an event");
}

fn object(event: &WireEvent) -> String {
    let object = &event.involved_object;
    format!("{}/{}/{}", object.kind, object.namespace, object.name)
}
