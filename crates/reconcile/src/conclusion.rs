//! What a reconcile hands to the runtime.

use std::{collections::BTreeMap, time::Duration};

use jiff::Timestamp;

/// The end of a reconcile, complete: the runtime only sends it.
#[derive(Clone, Debug, PartialEq)]
pub struct Conclusion<S> {
    /// The whole status as it should be; the runtime sends what differs from the live one, or nothing.
    pub status: S,
    /// What to tell people, in order.
    pub events: Vec<Event>,
    /// When to look again.
    pub requeue: Requeue,
    /// How it went, for metrics and logs.
    pub outcome: Outcome,
}

/// How a reconcile ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The cluster equals the spec.
    Success,
    /// Applied, and waiting for something in the cluster; no worker is held.
    Waiting,
    /// It failed and will be tried again.
    Failed,
    /// It failed and waits for a change of spec or input.
    Stalled,
}

/// When the runtime looks at the object again, if nothing wakes it sooner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Requeue {
    /// After the interval; the runtime adds jitter.
    Interval(Duration),
    /// After exactly this long.
    After(Duration),
    /// At this time: the deadline of a wait.
    At(Timestamp),
    /// With exponential backoff, `--min-retry-delay` to `--max-retry-delay`.
    Backoff,
    /// Only when it changes or something wakes it.
    Never,
}

/// How much an event matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Recorded in the cluster as Normal, never sent on.
    Trace,
    /// Normal.
    Info,
    /// Warning.
    Error,
}

/// Something that people should hear of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// How much it matters.
    pub severity: Severity,
    /// One CamelCase word, usually the reason of the condition.
    pub reason: String,
    /// What happened; the runtime cuts it at 39,000 characters.
    pub message: String,
    /// `revision`, `originRevision`, `token`, … without prefix: the runtime puts the kind's group before each.
    pub metadata: BTreeMap<String, String>,
}

impl Event {
    /// An event with no metadata.
    #[must_use]
    pub fn new(severity: Severity, reason: impl Into<String>, message: impl Into<String>) -> Self {
        Self { severity, reason: reason.into(), message: message.into(), metadata: BTreeMap::new() }
    }

    /// Adds one entry of metadata.
    #[must_use]
    pub fn with(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.metadata.insert(key.into(), value.into());
        self
    }
}

/// What a reconcile is doing, said while it runs: the runtime makes it the `Reconciling` condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Phase {
    /// For people, for example `Building manifests for revision main@sha1:… with a timeout of 30s`.
    pub message: String,
}

impl Phase {
    /// A phase by its message.
    #[must_use]
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into() }
    }
}
