//! The work queue: which object runs next, and when.
//!
//! [`Schedule`] is the pure core (the time is an argument, no locks, no tasks); [`Waker`] is its shared handle, the one
//! thing other watches need to wake an object.
//!
//! ```text
//! wake(key, trigger) ─┐                         ┌─ run ends: again? ─► ready
//! due (interval, retry, deadline) ─► ready ─► running ─┤
//!                         urgent first          └─ next look ─► due
//! ```
//!
//! # Flow
//! An object is idle, ready, or running. A wake makes an idle one ready and is remembered on a running one, which then
//! becomes ready again as soon as its run ends. When its time comes, an idle object becomes ready by itself.
//!
//! # Guarantees
//! * At most one run per object at a time; at most `concurrent` runs in all.
//! * A wake is never lost: after it, a run begins that was not running when the wake came.
//! * Many wakes before a run begins make one run; it sees all their triggers.
//! * Ready because of a change goes before ready because of time, in order of arrival within each; so a burst of
//!   intervals (or a restart) does not delay a user's change.
//! * A preempting wake ([`Trigger::preempts`]) fires the running run's cancellation token.
//! * Backoff grows per object while its runs fail, from `min` to `max`, and starts over at the first run that does not.
//!
//! # Assumptions
//! Every run taken with [`Schedule::next`] is handed back with [`Schedule::done`], also when it panicked.
//!
//! # Caveats
//! A stream of preempting wakes faster than runs complete keeps cancelling; each run decides itself at which point it
//! heeds its token, and should finish what leaves the cluster half changed.

mod schedule;
mod trigger;

use std::{
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use tokio::sync::Notify;

pub use schedule::{Next, Options, Schedule, Taken};
pub use trigger::{Trigger, Triggers};

use crate::{clock, key::ObjectKey};

/// Wakes objects of one kind; cheap to clone.
#[derive(Clone, Debug)]
pub struct Waker {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    schedule: Mutex<Schedule>,
    changed: Notify,
    /// Nothing is left to put back, or an object was woken while it ran.
    repaired: Notify,
}

impl Default for Waker {
    fn default() -> Self {
        Self::new(Options::default())
    }
}

impl Waker {
    /// A waker over an empty schedule.
    #[must_use]
    pub fn new(options: Options) -> Self {
        let schedule = Mutex::new(Schedule::new(options));
        Self { shared: Arc::new(Shared { schedule, changed: Notify::new(), repaired: Notify::new() }) }
    }

    /// Has the object run soon, because of `trigger`. An object that is not in the store is dropped when its turn comes.
    pub fn wake(&self, key: &ObjectKey, trigger: Trigger) {
        let is_running = {
            let mut schedule = self.lock();
            schedule.wake(key, trigger, clock::instant());
            schedule.is_running(key)
        };
        self.shared.changed.notify_one();
        if is_running {
            self.shared.repaired.notify_waiters();
        }
    }

    /// Changes the schedule under its lock and has the driver look at it again.
    pub fn with<T>(&self, change: impl FnOnce(&mut Schedule) -> T) -> T {
        let (out, repairing) = {
            let mut schedule = self.lock();
            (change(&mut schedule), schedule.is_repairing())
        };
        self.shared.changed.notify_one();
        if !repairing {
            self.shared.repaired.notify_waiters();
        }
        out
    }

    /// Waits until nothing is left to put back or `key` has to run again, at most for `limit`.
    pub async fn repaired(&self, key: &ObjectKey, limit: Duration) {
        let repaired = async {
            loop {
                let ended = self.shared.repaired.notified();
                if self.peek(|schedule| !schedule.is_repairing() || schedule.is_woken(key)) {
                    return;
                }
                ended.await;
            }
        };
        let _ = tokio::time::timeout(limit, repaired).await;
    }

    /// Looks at the schedule without waking the driver.
    pub fn peek<T>(&self, look: impl FnOnce(&Schedule) -> T) -> T {
        look(&self.lock())
    }

    /// Waits for the next run to begin; cancel-safe.
    pub async fn next(&self) -> Taken {
        loop {
            let changed = self.shared.changed.notified();
            let due = {
                let mut schedule = self.lock();
                if let Some(taken) = schedule.next(clock::instant()) {
                    return taken;
                }
                schedule.next_due()
            };
            match due {
                Some(at) => {
                    let _ = tokio::time::timeout_at(at, changed).await;
                }
                None => changed.await,
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Schedule> {
        // A panic while the lock is held leaves the schedule consistent enough: every change is a few map operations.
        self.shared.schedule.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}
