//! What one controller counts.

use std::{collections::BTreeMap, time::Duration};

use prometheus_client::metrics::histogram::Histogram;

use super::{Labels, Metrics, labels};
use crate::key::ObjectKey;

/// How a reconcile ended, for `controller_runtime_reconcile_total`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Result {
    /// Nothing more to do.
    Success,
    /// Again at a time.
    RequeueAfter,
    /// Again at once.
    Requeue,
    /// It failed.
    Error,
}

/// Metrics of one controller.
#[derive(Clone, Debug)]
pub(crate) struct Controller {
    metrics: Metrics,
    kind: String,
    name: String,
    own: Labels,
    waited: Histogram,
    worked: Histogram,
}

impl Controller {
    pub(super) fn new(
        metrics: Metrics,
        kind: &str,
        name: String,
        own: Labels,
        waited: Histogram,
        worked: Histogram,
    ) -> Self {
        Self { metrics, kind: kind.to_owned(), name, own, waited, worked }
    }

    pub(crate) fn begun(&self, waited: Duration) {
        self.waited.observe(waited.as_secs_f64());
    }

    /// A run ended. `own` is false for runs that did nothing (suspended objects), which Flux does not time.
    pub(crate) fn ended(&self, key: &ObjectKey, took: Duration, result: Result, timed: bool) {
        let m = &self.metrics.inner;
        let word = match result {
            Result::Success => "success",
            Result::RequeueAfter => "requeue_after",
            Result::Requeue => "requeue",
            Result::Error => "error",
        };
        m.reconciles.get_or_create(&labels(&[("controller", &self.name), ("result", word)])).inc();
        if result == Result::Error {
            m.errors.get_or_create(&self.own).inc();
        }
        m.times.get_or_create(&self.own).observe(took.as_secs_f64());
        self.worked.observe(took.as_secs_f64());
        if timed {
            m.durations.get_or_create(&self.object(key)).observe(took.as_secs_f64());
        }
    }

    pub(crate) fn panicked(&self) {
        self.metrics.inner.panics.get_or_create(&self.own).inc();
    }

    pub(crate) fn info(&self, key: &ObjectKey, labels: BTreeMap<&'static str, String>) {
        self.metrics.info(&self.kind, key, labels);
    }

    /// The object is gone: so are its series.
    pub(crate) fn gone(&self, key: &ObjectKey) {
        self.metrics.inner.durations.remove(&self.object(key));
        self.metrics.info(&self.kind, key, BTreeMap::new());
    }

    fn object(&self, key: &ObjectKey) -> Labels {
        labels(&[("kind", &self.kind), ("name", &key.name), ("namespace", &key.namespace)])
    }
}
