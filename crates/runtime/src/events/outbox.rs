//! Events on their way to the receiver: sent at once, else kept and tried again.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use weir_proto::WireEvent;
use weir_reconcile::{describe, schedule::backoff};

use super::sender::{SendError, Sender};
use crate::metrics::Metrics;

/// Events kept; the oldest are given up beyond it.
const KEPT: usize = 1000;
const FIRST_DELAY: Duration = Duration::from_secs(1);
const LONGEST_DELAY: Duration = Duration::from_secs(60);

#[derive(Clone, Debug)]
pub(super) struct Outbox {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    sender: Sender,
    metrics: Metrics,
    kept: Mutex<VecDeque<WireEvent>>,
    more: Notify,
    empty: Notify,
}

impl Outbox {
    pub(super) fn start(sender: Sender, metrics: &Metrics, shutdown: &CancellationToken) -> Self {
        let inner = Inner {
            sender,
            metrics: metrics.clone(),
            kept: Mutex::default(),
            more: Notify::new(),
            empty: Notify::new(),
        };
        let outbox = Self { inner: Arc::new(inner) };
        tokio::spawn(drive(Arc::clone(&outbox.inner), shutdown.clone()));
        outbox
    }

    /// Sends within `limit`, or keeps. With something kept before it the event lines up behind, so that order stays
    /// and a receiver that is down does not slow every run.
    pub(super) async fn send(&self, event: WireEvent, limit: Duration) {
        if lock(&self.inner.kept).is_empty() {
            match tokio::time::timeout(limit, self.inner.sender.send(&event)).await {
                Ok(Ok(())) => return,
                Ok(Err(error)) if error.is_final() => {
                    refused(&self.inner.metrics, &error);
                    return;
                }
                Ok(Err(error)) => {
                    let error = describe(&error);
                    tracing::debug!(error, "event not taken, trying again");
                }
                Err(_) => tracing::debug!("event not acknowledged in time, trying again"),
            }
        }
        self.keep(event);
    }

    fn keep(&self, event: WireEvent) {
        let count = {
            let mut kept = lock(&self.inner.kept);
            if kept.len() >= KEPT {
                kept.pop_front();
                self.inner.metrics.event_dropped();
            }
            kept.push_back(event);
            kept.len()
        };
        self.inner.metrics.events_waiting(count);
        self.inner.more.notify_one();
    }

    /// Completes when nothing is kept.
    pub(super) async fn flush(&self) {
        loop {
            let empty = self.inner.empty.notified();
            if lock(&self.inner.kept).is_empty() {
                return;
            }
            self.inner.more.notify_one();
            empty.await;
        }
    }
}

async fn drive(inner: Arc<Inner>, shutdown: CancellationToken) {
    let mut failures = 0;
    loop {
        let Some(event) = lock(&inner.kept).front().cloned() else {
            inner.empty.notify_waiters();
            inner.more.notified().await;
            continue;
        };
        match inner.sender.send(&event).await {
            Ok(()) => failures = 0,
            Err(error) if error.is_final() => refused(&inner.metrics, &error),
            Err(error) => {
                let delay = backoff(failures, FIRST_DELAY, LONGEST_DELAY);
                failures += 1;
                if failures == 3 {
                    let error = describe(&error);
                    tracing::error!(error, "events receiver does not answer, events are kept");
                }
                tokio::select! {
                    () = tokio::time::sleep(delay) => {}
                    // One more try at once when the process ends.
                    () = shutdown.cancelled(), if failures < 1000 => failures = 1000,
                }
                continue;
            }
        }
        let count = {
            let mut kept = lock(&inner.kept);
            // Overflow may have taken the event from the front meanwhile.
            if kept.front() == Some(&event) {
                kept.pop_front();
            }
            kept.len()
        };
        inner.metrics.events_waiting(count);
    }
}

fn refused(metrics: &Metrics, error: &SendError) {
    metrics.event_dropped();
    let error = describe(error);
    tracing::error!(error, "events receiver refused an event");
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}
