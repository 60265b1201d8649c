//! The pure scheduling core.

use std::{
    collections::{BTreeSet, HashMap, VecDeque},
    time::Duration,
};

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use weir_reconcile::schedule::backoff;

use super::{Trigger, Triggers};
use crate::key::ObjectKey;

/// Limits of a schedule.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Runs at a time.
    pub concurrent: usize,
    /// First delay after a failure.
    pub min_delay: Duration,
    /// Longest delay after failures.
    pub max_delay: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self { concurrent: 4, min_delay: Duration::from_millis(750), max_delay: Duration::from_secs(900) }
    }
}

/// When to look at an object again after a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// At this moment, because of the interval.
    Interval(Instant),
    /// At this moment, because something failed; the failure count stays as it is.
    Retry(Instant),
    /// At this moment, because something is waited for; the failure count starts over.
    Deadline(Instant),
    /// After the object's backoff; counts as a failure.
    Backoff,
    /// When woken.
    Never,
    /// It is gone: everything known of it is dropped, unless it was woken meanwhile.
    Gone,
}

/// A run that may begin.
#[derive(Clone, Debug)]
pub struct Taken {
    /// Which object.
    pub key: ObjectKey,
    /// Why.
    pub triggers: Triggers,
    /// Fires when the run is out of date.
    pub cancel: CancellationToken,
    /// Failures in a row before this run.
    pub failures: u32,
    /// How long it was ready before it began.
    pub waited: Duration,
}

#[derive(Debug, Default)]
struct Entry {
    state: State,
    /// Reasons gathered for the next run.
    triggers: Triggers,
    /// When it becomes ready by itself, and why.
    due: Option<(Instant, u64, Trigger)>,
    failures: u32,
}

#[derive(Debug, Default)]
enum State {
    #[default]
    Idle,
    Ready {
        since: Instant,
        urgent: bool,
    },
    Running {
        since: Instant,
        cancel: CancellationToken,
        /// It takes one of the slots; not once it only waits or tells.
        holds: bool,
        /// It puts something back.
        repairs: bool,
    },
}

/// See the module.
#[derive(Debug, Default)]
pub struct Schedule {
    options: Options,
    entries: HashMap<ObjectKey, Entry>,
    urgent: VecDeque<ObjectKey>,
    periodic: VecDeque<ObjectKey>,
    due: BTreeSet<(Instant, u64, ObjectKey)>,
    running: usize,
    /// Objects that are to be put back, and runs that are at it.
    repairs: usize,
    ticket: u64,
    adds: u64,
    retries: u64,
}

impl Schedule {
    /// Nothing to do yet.
    #[must_use]
    pub fn new(options: Options) -> Self {
        Self { options, ..Self::default() }
    }

    /// Changes the limits; runs under way are not touched.
    pub fn configure(&mut self, options: Options) {
        self.options = options;
    }

    /// Has `key` run soon.
    pub fn wake(&mut self, key: &ObjectKey, trigger: Trigger, now: Instant) {
        self.adds += 1;
        let entry = self.entries.entry(key.clone()).or_default();
        if trigger == Trigger::Drift && !entry.triggers.contains(trigger) {
            self.repairs += 1;
        }
        entry.triggers.insert(trigger);
        match &mut entry.state {
            State::Running { cancel, .. } => {
                if trigger.preempts() {
                    cancel.cancel();
                }
            }
            State::Ready { urgent, .. } => {
                // Its place in the periodic line stays behind and is skipped when met.
                if trigger.urgent() && !*urgent {
                    *urgent = true;
                    self.urgent.push_back(key.clone());
                }
            }
            State::Idle => {
                let urgent = trigger.urgent();
                entry.state = State::Ready { since: now, urgent };
                if urgent { &mut self.urgent } else { &mut self.periodic }.push_back(key.clone());
            }
        }
    }

    /// Forgets an object that is gone. A run under way is told, and forgets it at its end.
    pub fn forget(&mut self, key: &ObjectKey) {
        let Some(entry) = self.entries.get_mut(key) else { return };
        if let Some((at, ticket, _)) = entry.due.take() {
            self.due.remove(&(at, ticket, key.clone()));
        }
        if std::mem::take(&mut entry.triggers).contains(Trigger::Drift) {
            self.repairs = self.repairs.saturating_sub(1);
        }
        if let State::Running { cancel, .. } = &entry.state {
            cancel.cancel();
        } else {
            self.entries.remove(key);
        }
    }

    /// Tells every run under way that it is out of date: the process ends.
    pub fn cancel_all(&mut self) {
        for entry in self.entries.values() {
            if let State::Running { cancel, .. } = &entry.state {
                cancel.cancel();
            }
        }
    }

    /// The next run that may begin now, if any.
    pub fn next(&mut self, now: Instant) -> Option<Taken> {
        self.release_due(now);
        if self.running >= self.options.concurrent.max(1) {
            return None;
        }
        let key = loop {
            let (key, from_urgent) = match self.urgent.pop_front() {
                Some(key) => (key, true),
                None => (self.periodic.pop_front()?, false),
            };
            // Lines may hold keys that were forgotten, or that moved up to the urgent line.
            match self.entries.get(&key).map(|entry| &entry.state) {
                Some(State::Ready { urgent, .. }) if *urgent == from_urgent => break key,
                _ => {}
            }
        };
        let entry = self.entries.get_mut(&key)?;
        let since = if let State::Ready { since, .. } = entry.state { since } else { now };
        if let Some((at, ticket, _)) = entry.due.take() {
            self.due.remove(&(at, ticket, key.clone()));
        }
        let cancel = CancellationToken::new();
        let triggers = std::mem::take(&mut entry.triggers);
        let repairs = triggers.contains(Trigger::Drift);
        entry.state = State::Running { since: now, cancel: cancel.clone(), holds: true, repairs };
        self.running += 1;
        let waited = now.saturating_duration_since(since);
        Some(Taken { key, triggers, cancel, failures: entry.failures, waited })
    }

    /// A run has nothing left to do but wait or tell: another may begin in its place. It is still the object's only run,
    /// and has to be ended.
    pub fn release(&mut self, key: &ObjectKey) {
        let Some(State::Running { holds, repairs, .. }) = self.entries.get_mut(key).map(|e| &mut e.state) else {
            return;
        };
        if std::mem::take(holds) {
            self.running = self.running.saturating_sub(1);
        }
        if std::mem::take(repairs) {
            self.repairs = self.repairs.saturating_sub(1);
        }
    }

    /// Whether a run of an object is under way.
    #[must_use]
    pub fn is_running(&self, key: &ObjectKey) -> bool {
        self.entries.get(key).is_some_and(|entry| matches!(entry.state, State::Running { .. }))
    }

    /// Whether an object was woken since its run began.
    #[must_use]
    pub fn is_woken(&self, key: &ObjectKey) -> bool {
        self.entries.get(key).is_some_and(|entry| !entry.triggers.is_empty())
    }

    /// Whether something that drifted is not put back yet.
    #[must_use]
    pub fn is_repairing(&self) -> bool {
        self.repairs > 0
    }

    /// Ends a run. Returns how long until the object is looked at again, if it is.
    pub fn done(&mut self, key: &ObjectKey, next: Next, now: Instant) -> Option<Duration> {
        let options = self.options;
        self.release(key);
        let entry = self.entries.get_mut(key)?;
        if !matches!(entry.state, State::Running { .. }) {
            return None;
        }
        entry.state = State::Idle;
        let delay = match next {
            Next::Backoff => {
                let delay = backoff(entry.failures, options.min_delay, options.max_delay);
                entry.failures = entry.failures.saturating_add(1);
                self.retries += 1;
                Some((delay, Trigger::Retry))
            }
            Next::Retry(at) => Some((at.saturating_duration_since(now), Trigger::Retry)),
            Next::Interval(at) => {
                entry.failures = 0;
                Some((at.saturating_duration_since(now), Trigger::Interval))
            }
            Next::Deadline(at) => {
                entry.failures = 0;
                Some((at.saturating_duration_since(now), Trigger::Retry))
            }
            Next::Never => {
                entry.failures = 0;
                None
            }
            Next::Gone => None,
        };
        if entry.triggers.is_empty() {
            match delay {
                Some((delay, trigger)) => self.plan(key, now + delay, trigger),
                None if next == Next::Gone => {
                    self.entries.remove(key);
                }
                None => {}
            }
            return delay.map(|(delay, _)| delay);
        }
        let urgent = entry.triggers.urgent();
        entry.state = State::Ready { since: now, urgent };
        if urgent { &mut self.urgent } else { &mut self.periodic }.push_back(key.clone());
        Some(Duration::ZERO)
    }

    /// When time alone makes the next object ready; `None` also while all slots are taken.
    #[must_use]
    pub fn next_due(&self) -> Option<Instant> {
        if self.running >= self.options.concurrent.max(1) {
            return None;
        }
        self.due.first().map(|(at, _, _)| *at)
    }

    /// Numbers for metrics.
    #[must_use]
    pub fn stats(&self, now: Instant) -> Stats {
        let mut stats = Stats { running: self.running, adds: self.adds, retries: self.retries, ..Stats::default() };
        for entry in self.entries.values() {
            match &entry.state {
                State::Ready { .. } => stats.depth += 1,
                State::Running { since, .. } => {
                    let ran = now.saturating_duration_since(*since);
                    stats.unfinished += ran;
                    stats.longest = stats.longest.max(ran);
                }
                State::Idle => {}
            }
        }
        stats
    }

    /// The options in force.
    #[must_use]
    pub fn options(&self) -> Options {
        self.options
    }

    fn plan(&mut self, key: &ObjectKey, at: Instant, trigger: Trigger) {
        self.ticket += 1;
        let ticket = self.ticket;
        if let Some(entry) = self.entries.get_mut(key) {
            entry.due = Some((at, ticket, trigger));
            self.due.insert((at, ticket, key.clone()));
        }
    }

    fn release_due(&mut self, now: Instant) {
        while let Some(first) = self.due.first()
            && first.0 <= now
        {
            let Some((_, _, key)) = self.due.pop_first() else { return };
            let trigger = self.entries.get_mut(&key).and_then(|entry| entry.due.take());
            if let Some((_, _, trigger)) = trigger {
                self.wake(&key, trigger, now);
            }
        }
    }
}

/// Numbers of a schedule at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Objects that are ready.
    pub depth: usize,
    /// Runs under way.
    pub running: usize,
    /// Wakes so far.
    pub adds: u64,
    /// Backoffs so far.
    pub retries: u64,
    /// Time the runs under way have taken together.
    pub unfinished: Duration,
    /// Time the longest of them has taken.
    pub longest: Duration,
}

#[cfg(test)]
#[path = "schedule_tests.rs"]
mod tests;
