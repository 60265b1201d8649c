//! Metrics under the names that Flux, controller-runtime and client-go use, so that their dashboards keep working.
//!
//! Served in Prometheus' classic text format at `--metrics-addr` `/metrics`. A service adds its own with
//! [`Metrics::register`].

mod classic;
mod controller;
mod process;

use std::{
    collections::{BTreeMap, HashMap},
    fmt,
    sync::{Arc, Mutex, atomic::AtomicU64},
};

use http::Method;
use prometheus_client::{
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::Registry,
};

use crate::{key::ObjectKey, queue::Waker};

pub(crate) use self::controller::{Controller, Result};

type Labels = Vec<(String, String)>;
type Seconds = Gauge<f64, AtomicU64>;
type Histograms = Family<Labels, Histogram, fn() -> Histogram>;
type Hook = Box<dyn Fn() + Send + Sync>;

/// All metrics of the process; clones share them.
#[derive(Clone)]
pub struct Metrics {
    inner: Arc<Inner>,
}

struct Inner {
    registry: Mutex<Registry>,
    hooks: Mutex<Vec<Hook>>,
    infos: Mutex<HashMap<(String, ObjectKey), Labels>>,
    requests: Family<Labels, Counter>,
    durations: Histograms,
    info: Family<Labels, Gauge>,
    reconciles: Family<Labels, Counter>,
    errors: Family<Labels, Counter>,
    panics: Family<Labels, Counter>,
    times: Histograms,
    max_concurrent: Family<Labels, Gauge>,
    active: Family<Labels, Gauge>,
    queue: Queue,
    leader: Family<Labels, Gauge>,
    events_dropped: Counter,
    events_waiting: Gauge,
}

struct Queue {
    waited: Histograms,
    worked: Histograms,
    depth: Family<Labels, Gauge>,
    adds: Family<Labels, Counter>,
    retries: Family<Labels, Counter>,
    unfinished: Family<Labels, Seconds>,
    longest: Family<Labels, Seconds>,
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Metrics")
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

/// Flux's buckets: ten, exponential, from 10 ms to 30 minutes.
fn flux_buckets() -> Histogram {
    Histogram::new(prometheus_client::metrics::histogram::exponential_buckets_range(0.01, 1800.0, 10))
}

/// controller-runtime's buckets.
fn controller_runtime_buckets() -> Histogram {
    Histogram::new([
        0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.25, 1.5,
        1.75, 2.0, 2.5, 3.0, 3.5, 4.0, 4.5, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0, 15.0, 20.0, 25.0, 30.0, 40.0, 50.0, 60.0,
    ])
}

/// client-go's buckets for its work queues.
fn queue_buckets() -> Histogram {
    Histogram::new([1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 0.1, 1.0, 10.0, 100.0, 1000.0])
}

impl Metrics {
    /// All of the runtime's metrics, at zero.
    #[must_use]
    pub fn new() -> Self {
        let histograms = |make: fn() -> Histogram| Histograms::new_with_constructor(make);
        let inner = Inner {
            registry: Mutex::new(Registry::default()),
            hooks: Mutex::default(),
            infos: Mutex::default(),
            requests: Family::default(),
            durations: histograms(flux_buckets),
            info: Family::default(),
            reconciles: Family::default(),
            errors: Family::default(),
            panics: Family::default(),
            times: histograms(controller_runtime_buckets),
            max_concurrent: Family::default(),
            active: Family::default(),
            queue: Queue {
                waited: histograms(queue_buckets),
                worked: histograms(queue_buckets),
                depth: Family::default(),
                adds: Family::default(),
                retries: Family::default(),
                unfinished: Family::default(),
                longest: Family::default(),
            },
            leader: Family::default(),
            events_dropped: Counter::default(),
            events_waiting: Gauge::default(),
        };
        let metrics = Self { inner: Arc::new(inner) };
        metrics.register(|registry| metrics.register_own(registry));
        metrics
    }

    fn register_own(&self, r: &mut Registry) {
        let m = &self.inner;
        let q = &m.queue;
        r.register(
            "rest_client_requests",
            "Requests to the API server, by status code, method and host",
            m.requests.clone(),
        );
        r.register("gotk_reconcile_duration_seconds", "How long each reconcile of an object took", m.durations.clone());
        r.register("gotk_resource_info", "The state of each object", m.info.clone());
        r.register("controller_runtime_reconcile", "Reconciles per controller, by result", m.reconciles.clone());
        r.register("controller_runtime_reconcile_errors", "Reconciles that failed, per controller", m.errors.clone());
        r.register("controller_runtime_reconcile_panics", "Reconciles that panicked, per controller", m.panics.clone());
        r.register(
            "controller_runtime_reconcile_time_seconds",
            "How long reconciles took, per controller",
            m.times.clone(),
        );
        r.register(
            "controller_runtime_max_concurrent_reconciles",
            "Reconciles at a time, at most",
            m.max_concurrent.clone(),
        );
        r.register("controller_runtime_active_workers", "Reconciles under way", m.active.clone());
        r.register("workqueue_depth", "Objects that wait to be reconciled", q.depth.clone());
        r.register("workqueue_adds", "Wakes of objects", q.adds.clone());
        r.register("workqueue_retries", "Reconciles put off by backoff", q.retries.clone());
        r.register(
            "workqueue_unfinished_work_seconds",
            "Time taken so far by reconciles under way",
            q.unfinished.clone(),
        );
        r.register(
            "workqueue_longest_running_processor_seconds",
            "Time taken so far by the longest of them",
            q.longest.clone(),
        );
        r.register("workqueue_queue_duration_seconds", "How long objects waited for a reconcile", q.waited.clone());
        r.register("workqueue_work_duration_seconds", "How long reconciles took", q.worked.clone());
        r.register("leader_election_master_status", "Whether this instance leads", m.leader.clone());
        r.register(
            "weir_events_dropped",
            "Events given up because the receiver did not take them",
            m.events_dropped.clone(),
        );
        r.register("weir_events_waiting", "Events that wait to be sent again", m.events_waiting.clone());
    }

    /// Adds metrics of a service. Counters are registered without `_total`, which is appended when they are served.
    pub fn register(&self, with: impl FnOnce(&mut Registry)) {
        with(&mut self.inner.registry.lock().unwrap_or_else(std::sync::PoisonError::into_inner));
    }

    /// Runs `hook` before each scrape, to set gauges.
    pub fn on_scrape(&self, hook: impl Fn() + Send + Sync + 'static) {
        self.inner.hooks.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(Box::new(hook));
    }

    /// Everything in the classic text format.
    #[must_use]
    pub fn text(&self) -> String {
        for hook in self.inner.hooks.lock().unwrap_or_else(std::sync::PoisonError::into_inner).iter() {
            hook();
        }
        let mut open = String::new();
        let registry = self.inner.registry.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        // Writing into a String cannot fail.
        let _ = prometheus_client::encoding::text::encode_registry(&mut open, &registry);
        let mut text = classic::from_open_metrics(&open);
        process::append(&mut text);
        text
    }

    pub(crate) fn request(&self, code: Option<u16>, method: &Method, host: &str) {
        let code = code.map_or_else(|| "<error>".to_owned(), |code| code.to_string());
        let labels = labels(&[("code", &code), ("method", method.as_str()), ("host", host)]);
        self.inner.requests.get_or_create(&labels).inc();
    }

    /// Metrics of one controller: `controller` is the kind in lower case.
    pub(crate) fn controller(&self, kind: &str, concurrent: usize, waker: &Waker) -> Controller {
        let name = kind.to_lowercase();
        let own = labels(&[("controller", &name)]);
        let queue = labels(&[("controller", &name), ("name", &name)]);
        let limit = i64::try_from(concurrent).unwrap_or(i64::MAX);
        self.inner.max_concurrent.get_or_create(&own).set(limit);
        let waited = self.inner.queue.waited.get_or_create_owned(&queue);
        let worked = self.inner.queue.worked.get_or_create_owned(&queue);
        for result in ["success", "error", "requeue", "requeue_after"] {
            self.inner.reconciles.get_or_create_owned(&labels(&[("controller", &name), ("result", result)]));
        }
        self.inner.errors.get_or_create_owned(&own);
        self.inner.panics.get_or_create_owned(&own);
        let (metrics, waker, labels) = (self.clone(), waker.clone(), (own.clone(), queue));
        self.on_scrape(move || metrics.scrape_queue(&waker, &labels.0, &labels.1));
        Controller::new(self.clone(), kind, name, own, waited, worked)
    }

    fn scrape_queue(&self, waker: &Waker, own: &Labels, queue: &Labels) {
        let stats = waker.peek(|schedule| schedule.stats(crate::clock::instant()));
        let int = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
        let m = &self.inner;
        m.active.get_or_create(own).set(int(stats.running));
        m.queue.depth.get_or_create(queue).set(int(stats.depth));
        m.queue.adds.get_or_create(queue).inner().store(stats.adds, std::sync::atomic::Ordering::Relaxed);
        m.queue.retries.get_or_create(queue).inner().store(stats.retries, std::sync::atomic::Ordering::Relaxed);
        m.queue.unfinished.get_or_create(queue).set(stats.unfinished.as_secs_f64());
        m.queue.longest.get_or_create(queue).set(stats.longest.as_secs_f64());
    }

    pub(crate) fn leader(&self, lease: &str, leads: bool) {
        self.inner.leader.get_or_create(&labels(&[("name", lease)])).set(i64::from(leads));
    }

    pub(crate) fn event_dropped(&self) {
        self.inner.events_dropped.inc();
    }

    pub(crate) fn events_waiting(&self, count: usize) {
        self.inner.events_waiting.set(i64::try_from(count).unwrap_or(i64::MAX));
    }

    /// Sets the series of one object; an empty map removes it.
    pub(crate) fn info(&self, kind: &str, key: &ObjectKey, labels: BTreeMap<&'static str, String>) {
        let mut infos = self.inner.infos.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let new: Labels = labels.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        let id = (kind.to_owned(), key.clone());
        let old = if new.is_empty() { infos.remove(&id) } else { infos.insert(id, new.clone()) };
        if let Some(old) = old.filter(|old| *old != new) {
            self.inner.info.remove(&old);
        }
        if !new.is_empty() {
            self.inner.info.get_or_create(&new).set(1);
        }
    }
}

fn labels(pairs: &[(&str, &str)]) -> Labels {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn names_are_those_of_the_dashboards_and_series_go_with_their_object() {
        let metrics = Metrics::new();
        let waker = Waker::default();
        let controller = metrics.controller("GitRepository", 2, &waker);
        let key = ObjectKey::new("apps", "web");
        controller.begun(Duration::from_millis(1));
        controller.ended(&key, Duration::from_millis(20), Result::RequeueAfter, true);
        controller.info(&key, BTreeMap::from([("name", "web".to_owned()), ("ready", "True".to_owned())]));
        metrics.request(Some(200), &Method::GET, "127.0.0.1:6443");
        metrics.leader("x-leader-election", true);
        let text = metrics.text();
        for line in [
            r#"gotk_reconcile_duration_seconds_bucket{le="0.01",kind="GitRepository",name="web",namespace="apps"} 0"#,
            r#"gotk_reconcile_duration_seconds_count{kind="GitRepository",name="web",namespace="apps"} 1"#,
            r#"controller_runtime_reconcile_total{controller="gitrepository",result="requeue_after"} 1"#,
            r#"controller_runtime_reconcile_errors_total{controller="gitrepository"} 0"#,
            r#"controller_runtime_max_concurrent_reconciles{controller="gitrepository"} 2"#,
            r#"controller_runtime_active_workers{controller="gitrepository"} 0"#,
            r#"workqueue_depth{controller="gitrepository",name="gitrepository"} 0"#,
            r#"workqueue_adds_total{controller="gitrepository",name="gitrepository"} 0"#,
            r#"workqueue_longest_running_processor_seconds{controller="gitrepository",name="gitrepository"} 0.0"#,
            r#"rest_client_requests_total{code="200",method="GET",host="127.0.0.1:6443"} 1"#,
            r#"gotk_resource_info{name="web",ready="True"} 1"#,
            r#"leader_election_master_status{name="x-leader-election"} 1"#,
            "# TYPE rest_client_requests_total counter",
            "# TYPE process_cpu_seconds_total counter",
        ] {
            assert!(text.lines().any(|l| l == line), "missing {line} in\n{text}");
        }
        assert!(!text.contains("# EOF") && !text.contains("# UNIT"));
        controller.info(&key, BTreeMap::from([("name", "web".to_owned()), ("ready", "False".to_owned())]));
        assert!(!metrics.text().contains(r#"ready="True""#));
        controller.gone(&key);
        let text = metrics.text();
        assert!(!text.contains(r#"name="web""#), "{text}");
    }

    #[test]
    fn buckets_are_flux() {
        let buckets: Vec<_> =
            prometheus_client::metrics::histogram::exponential_buckets_range(0.01, 1800.0, 10).collect();
        assert_eq!(buckets.len(), 10);
        assert!((buckets[0] - 0.01).abs() < 1e-9 && (buckets[9] - 1800.0).abs() < 1e-6);
    }
}
