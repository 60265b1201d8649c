//! Events that were accepted and not yet delivered, on disk and in memory.
//!
//! ```text
//! accept ─► journal (fsync) ─► acknowledged ─► route (which alerts) ─► deliveries ─► done
//!                    │
//!                    └─► watchers
//! ```
//!
//! # Guarantees
//! * [`Queue::accept`] returns when the event is on disk; after a kill it is there again, with the deliveries that were not
//!   done and the knowledge of what was accepted lately.
//! * An event that says the same as one accepted within the interval is a duplicate, also across a restart.
//! * What is kept is bounded in number and bytes; beyond it events are refused, not forgotten.
//!
//! # Caveats
//! That a delivery is done is written but not waited for: when the machine dies in that moment, it is delivered again.

mod compact;
mod dead;
mod record;
mod state;
mod watcher;

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use jiff::Timestamp;
use tokio::sync::{mpsc, watch};
use weir_proto::WireEvent;
use weir_runtime::ObjectKey;

pub use dead::DeadLetter;
pub use record::Target;
pub use state::Open;
pub use watcher::{Lost, Watcher};

use crate::{
    event::Prepared,
    journal::{Journal, JournalError, MAX_PAYLOAD},
};
use record::Record;
use state::State;

/// Bounds of a queue.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// How long an equal event is a duplicate.
    pub dedupe: Duration,
    /// Events that may wait.
    pub max_events: usize,
    /// Bytes of events that may wait.
    pub max_bytes: usize,
    /// Deliveries that may wait for one provider; beyond it its oldest is given up.
    pub max_per_provider: usize,
    /// Size of a journal's segment.
    pub segment: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            dedupe: Duration::from_secs(300),
            max_events: 10_000,
            max_bytes: 32 << 20,
            max_per_provider: 2_000,
            segment: 1 << 20,
        }
    }
}

/// What became of an event that was handed over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Accepted {
    /// It is on disk under this id.
    New(u64),
    /// The same was accepted a short while ago.
    Duplicate,
}

/// An event was not accepted.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// Too many wait.
    #[error("too many events wait to be delivered: see weir_notification_queue_events and the alerts' events")]
    Full,
    /// It is too large.
    #[error("the event is too large")]
    TooLarge,
    /// The service is ending.
    #[error("the service is ending")]
    Ending,
    /// It could not be made safe.
    #[error("the event could not be written")]
    Journal(#[source] JournalError),
}

/// An event that was accepted, for watchers.
#[derive(Clone, Debug)]
pub struct Seen {
    /// Its id; ids grow.
    pub id: u64,
    /// The event.
    pub event: Arc<WireEvent>,
}

/// The queue; clones share it.
#[derive(Clone, Debug)]
pub struct Queue {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    journal: Journal,
    state: Mutex<State>,
    options: Options,
    dir: PathBuf,
    arrived: mpsc::UnboundedSender<u64>,
    /// Tells watchers that there is more.
    more: watch::Sender<()>,
}

/// What opening a queue gives.
#[derive(Debug)]
pub struct Opened {
    /// The queue.
    pub queue: Queue,
    /// Ids of events to route, those that waited first. One task reads it.
    pub arrivals: mpsc::UnboundedReceiver<u64>,
    /// Events whose deliveries were known and not done, oldest first.
    pub resumed: Vec<u64>,
    /// Bytes of the journal that could not be read.
    pub damaged: u64,
}

impl Queue {
    /// Opens the queue kept in `dir`. Blocks.
    ///
    /// # Errors
    /// When the directory cannot be used.
    pub fn open(dir: &Path, options: Options, now: Timestamp) -> Result<Opened, JournalError> {
        let (journal, recovery) = Journal::open(dir, options.segment)?;
        let mut state = State::new(options.dedupe);
        let mut damaged = recovery.damaged;
        for recovered in recovery.records {
            match serde_json::from_slice::<Record>(&recovered.payload) {
                Ok(record) => state.replay(record, recovered.segment),
                Err(_) => damaged += recovered.payload.len() as u64,
            }
        }
        state.forget_seen(now);
        let (arrived, arrivals) = mpsc::unbounded_channel();
        let mut resumed = Vec::new();
        for (id, open) in state.open() {
            if open.targets.is_some() {
                resumed.push(*id);
            } else {
                // The receiver is right below, so this cannot fail.
                let _ = arrived.send(*id);
            }
        }
        let more = watch::Sender::new(());
        let dir = dir.to_owned();
        let inner = Inner { journal, state: Mutex::new(state), options, dir, arrived, more };
        Ok(Opened { queue: Self { inner: Arc::new(inner) }, arrivals, resumed, damaged })
    }

    /// Takes an event over: when this returns `New`, it is on disk and will be delivered.
    ///
    /// # Errors
    /// When it cannot be kept; the sender should try again later.
    pub async fn accept(&self, prepared: &Prepared, now: Timestamp) -> Result<Accepted, Refused> {
        loop {
            if self.state().is_duplicate(&prepared.key, now) {
                // The first of the two may not be safe yet, and may fail to become so.
                self.inner.journal.barrier().wait().await.map_err(Refused::Journal)?;
                if self.state().is_duplicate(&prepared.key, now) {
                    return Ok(Accepted::Duplicate);
                }
            }
            if let Some(id) = self.accept_new(prepared, now).await? {
                return Ok(Accepted::New(id));
            }
        }
    }

    /// `None` when somebody else has just brought the same event.
    async fn accept_new(&self, prepared: &Prepared, now: Timestamp) -> Result<Option<u64>, Refused> {
        let (id, receipt) = {
            let mut state = self.state();
            if state.is_duplicate(&prepared.key, now) {
                return Ok(None);
            }
            let id = state.next_id();
            let record = Record::Accepted {
                id,
                at: now,
                key: prepared.key.clone(),
                traceparent: prepared.traceparent.clone(),
                event: prepared.event.clone(),
            };
            let payload = record.encode();
            if payload.len() > MAX_PAYLOAD {
                return Err(Refused::TooLarge);
            }
            let (events, bytes) = state.load();
            if events >= self.inner.options.max_events || bytes + payload.len() > self.inner.options.max_bytes {
                return Err(Refused::Full);
            }
            state.accept(record, payload.len());
            // Under the lock, so that ids are on disk in order.
            (id, self.inner.journal.append(&payload))
        };
        match receipt.wait().await {
            Ok(segment) => self.state().settle(id, &prepared.key, segment),
            Err(error) => {
                self.state().withdraw(id, &prepared.key);
                return Err(Refused::Journal(error));
            }
        }
        let _ = self.inner.arrived.send(id);
        self.inner.more.send_replace(());
        Ok(Some(id))
    }

    /// An event that is not done.
    #[must_use]
    pub fn get(&self, id: u64) -> Option<Open> {
        self.state().get(id).cloned()
    }

    /// Whether this delivery is still to be made.
    #[must_use]
    pub fn is_open(&self, id: u64, target: &Target) -> bool {
        self.state().get(id).is_some_and(|open| open.targets.as_ref().is_some_and(|targets| targets.contains(target)))
    }

    /// Says where an event goes; with no target it is done. Gives the deliveries of overfull providers that are given up
    /// for these.
    pub fn route(&self, id: u64, targets: Vec<Target>) -> Vec<(u64, Target)> {
        let mut state = self.state();
        let record = Record::Routed { id, targets };
        self.inner.journal.note(&record.encode());
        let Record::Routed { targets, .. } = record else { return Vec::new() };
        let providers: Vec<_> = targets.iter().map(|target| target.provider.clone()).collect();
        state.route(id, targets);
        providers.iter().flat_map(|provider| state.overflow(provider, self.inner.options.max_per_provider)).collect()
    }

    /// Says that a delivery needs no further try.
    pub fn done(&self, id: u64, target: &Target) {
        let mut state = self.state();
        if state.done(id, target) {
            self.inner.journal.note(&Record::Done { id, target: target.clone() }.encode());
        }
    }

    /// Keeps a delivery that was given up where people can look at it, and counts it as done.
    pub fn bury(&self, letter: &DeadLetter) {
        if let Err(error) = dead::append(&self.inner.dir, letter) {
            tracing::error!(error = %error, "cannot write to the dead letters");
        }
        self.done(letter.id, &letter.target);
    }

    /// Events accepted from now on; with `replay` those still kept come first, oldest first.
    #[must_use]
    pub fn watch(&self, replay: bool) -> Watcher {
        let (oldest, newest) = self.state().places();
        Watcher::new(self.clone(), if replay { oldest } else { newest }, newest)
    }

    /// Waiting events, their bytes, and waiting deliveries.
    #[must_use]
    pub fn depth(&self) -> (usize, usize, usize) {
        let state = self.state();
        let (events, bytes) = state.load();
        (events, bytes, state.deliveries())
    }

    /// Waiting deliveries per provider.
    #[must_use]
    pub fn per_provider(&self) -> Vec<(ObjectKey, usize)> {
        self.state().per_provider()
    }

    /// Forgets keys that are old, and gives back space on disk when most of it is not needed any more.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub async fn maintain(&self, now: Timestamp) -> Result<(), JournalError> {
        self.state().forget_seen(now);
        compact::compact(&self.inner.journal, &self.inner.state, &self.inner.dir).await
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.inner.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
