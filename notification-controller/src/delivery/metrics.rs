//! Counters of deliveries.

use std::time::Duration;

use prometheus_client::metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram};
use weir_api::notification::Provider;
use weir_runtime::{Metrics, ObjectKey};

use crate::{provider::type_name, queue::Queue};

type Labels = Vec<(String, String)>;

/// How a try ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The provider has it.
    Delivered,
    /// It failed and may be tried again.
    Failed,
    /// Nobody wants it.
    Dropped,
    /// Nobody can send it.
    Unsupported,
}

impl Outcome {
    const fn word(self) -> &'static str {
        match self {
            Self::Delivered => "delivered",
            Self::Failed => "failed",
            Self::Dropped => "dropped",
            Self::Unsupported => "unsupported",
        }
    }
}

/// Counters of deliveries, per provider; clones share them.
#[derive(Clone, Debug)]
pub struct DeliveryMetrics {
    deliveries: Family<Labels, Counter>,
    durations: Family<Labels, Histogram, fn() -> Histogram>,
    dead: Family<Labels, Counter>,
}

fn buckets() -> Histogram {
    Histogram::new([0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 15.0, 30.0])
}

impl DeliveryMetrics {
    /// Registers them, and gauges of the queue's depth.
    #[must_use]
    pub fn new(metrics: &Metrics, queue: &Queue) -> Self {
        let own = Self {
            deliveries: Family::default(),
            durations: Family::new_with_constructor(buckets),
            dead: Family::default(),
        };
        let [events, bytes, waiting] = [Gauge::<i64>::default(), Gauge::default(), Gauge::default()];
        let per_provider = Family::<Labels, Gauge>::default();
        metrics.register(|r| {
            r.register(
                "weir_notification_deliveries",
                "Tries to deliver an event to a provider, by result",
                own.deliveries.clone(),
            );
            r.register("weir_notification_delivery_duration_seconds", "How long tries took", own.durations.clone());
            r.register("weir_notification_dead_letters", "Deliveries given up", own.dead.clone());
            r.register("weir_notification_queue_events", "Events that wait to be delivered", events.clone());
            r.register("weir_notification_queue_bytes", "Bytes of events that wait to be delivered", bytes.clone());
            r.register("weir_notification_queue_deliveries", "Deliveries that wait", waiting.clone());
            r.register(
                "weir_notification_queue_provider_deliveries",
                "Deliveries that wait, per provider",
                per_provider.clone(),
            );
        });
        let queue = queue.clone();
        metrics.on_scrape(move || {
            let int = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
            let (e, b, d) = queue.depth();
            events.set(int(e));
            bytes.set(int(b));
            waiting.set(int(d));
            per_provider.clear();
            for (provider, count) in queue.per_provider() {
                per_provider.get_or_create(&labels(&provider)).set(int(count));
            }
        });
        own
    }

    pub(super) fn attempt(&self, provider: &Provider, outcome: Outcome, took: Option<Duration>) {
        let mut labels = labels(&ObjectKey::of(provider));
        labels.push(("type".to_owned(), type_name(provider.spec.type_)));
        if let Some(took) = took {
            self.durations.get_or_create(&labels).observe(took.as_secs_f64());
        }
        labels.push(("result".to_owned(), outcome.word().to_owned()));
        self.deliveries.get_or_create(&labels).inc();
    }

    pub(super) fn dead(&self, provider: &ObjectKey) {
        self.dead.get_or_create(&labels(provider)).inc();
    }
}

fn labels(key: &ObjectKey) -> Labels {
    vec![("namespace".to_owned(), key.namespace.clone()), ("name".to_owned(), key.name.clone())]
}
