//! Events of the cluster itself: core/v1, as `kubectl describe` and `flux events` show them.

use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};

use jiff::Timestamp;
use k8s_openapi::{
    api::core::v1::{Event as CoreEvent, EventSource},
    apimachinery::pkg::apis::meta::v1::{ObjectMeta, Time},
};
use kube::{
    Client,
    api::{Api, Patch, PatchParams, PostParams},
};
use serde_json::json;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use weir_reconcile::{Event, Severity};

use super::{Target, allowance::Allowance, calm::Calm, wire};
use crate::{clock::Clock, metrics::Metrics, settings::Settings};

/// Events that may wait; more are dropped.
const WAITING: usize = 1024;
/// Repeats within this time are counted on the first event.
const SAME: Duration = Duration::from_secs(600);
/// Events remembered for that.
const REMEMBERED: usize = 1024;
/// How long one write may take.
const WRITE: Duration = Duration::from_secs(10);
/// How long an event waits for a moment without runs.
const PATIENCE: Duration = Duration::from_secs(2);

#[derive(Clone, Debug)]
pub(super) struct Cluster {
    sender: mpsc::Sender<Message>,
    metrics: Metrics,
}

#[derive(Debug)]
enum Message {
    Event(Box<Recorded>),
    Flush(oneshot::Sender<()>),
}

#[derive(Debug)]
struct Recorded {
    target: Target,
    warning: bool,
    reason: String,
    message: String,
    annotations: BTreeMap<String, String>,
    at: Timestamp,
}

impl Cluster {
    pub(super) fn start(writer: Writer, metrics: &Metrics, shutdown: &CancellationToken) -> Self {
        let (sender, receiver) = mpsc::channel(WAITING);
        tokio::spawn(writer.drive(receiver, shutdown.clone()));
        Self { sender, metrics: metrics.clone() }
    }

    pub(super) fn record(&self, target: &Target, event: &Event, annotations: BTreeMap<String, String>, at: Timestamp) {
        let recorded = Recorded {
            target: target.clone(),
            warning: event.severity == Severity::Error,
            reason: event.reason.clone(),
            message: wire::message(event),
            annotations,
            at,
        };
        if self.sender.try_send(Message::Event(Box::new(recorded))).is_err() {
            self.metrics.event_dropped();
        }
    }

    pub(super) async fn flush(&self) {
        let (done, flushed) = oneshot::channel();
        if self.sender.send(Message::Flush(done)).await.is_ok() {
            let _ = flushed.await;
        }
    }
}

pub(super) struct Writer {
    client: Client,
    component: String,
    host: String,
    clock: Clock,
    /// Hash of what makes two events the same, and the event written for it.
    known: HashMap<u64, Known>,
    allowance: Allowance,
    calm: Calm,
}

struct Known {
    namespace: String,
    name: String,
    count: i32,
    last: Timestamp,
}

impl Writer {
    pub(super) fn new(client: Client, settings: &Settings, clock: Clock, calm: Calm) -> Self {
        Self {
            client,
            component: settings.name.to_owned(),
            host: settings.environment.hostname.clone(),
            clock,
            known: HashMap::new(),
            allowance: Allowance::default(),
            calm,
        }
    }

    async fn drive(mut self, mut receiver: mpsc::Receiver<Message>, shutdown: CancellationToken) {
        while let Some(message) = receiver.recv().await {
            match message {
                Message::Event(recorded) => {
                    if !self.allowance.take(about(&recorded.target), recorded.at) {
                        tracing::debug!(reason = recorded.reason, "too many events about one object, not written");
                        continue;
                    }
                    // Before the queue is full rather than never.
                    if receiver.len() < WAITING / 2 {
                        let waited = self.clock.now().duration_since(recorded.at);
                        let limit = PATIENCE.saturating_sub(Duration::try_from(waited).unwrap_or_default());
                        let _ = shutdown.run_until_cancelled(self.calm.wait(limit)).await;
                    }
                    let write = tokio::time::timeout(WRITE, self.write(&recorded)).await;
                    let error = match write {
                        Ok(Ok(())) => continue,
                        Ok(Err(error)) => error.to_string(),
                        Err(_) => "no answer in time".to_owned(),
                    };
                    tracing::debug!(error, "failed to write a Kubernetes event");
                }
                Message::Flush(done) => {
                    let _ = done.send(());
                }
            }
        }
    }

    async fn write(&mut self, recorded: &Recorded) -> Result<(), kube::Error> {
        let same = same(recorded);
        let cutoff = self.clock.now().saturating_sub(SAME).unwrap_or(Timestamp::MIN);
        if let Some(known) = self.known.get_mut(&same).filter(|known| known.last >= cutoff) {
            known.count = known.count.saturating_add(1);
            known.last = recorded.at;
            let api: Api<CoreEvent> = Api::namespaced(self.client.clone(), &known.namespace);
            let patch = json!({ "count": known.count, "lastTimestamp": Time(recorded.at) });
            match api.patch_metadata(&known.name, &PatchParams::default(), &Patch::Merge(&patch)).await {
                Ok(_) => return Ok(()),
                // It expired or was deleted: begin anew.
                Err(kube::Error::Api(status)) if status.code == 404 => {
                    self.known.remove(&same);
                }
                Err(error) => return Err(error),
            }
        }
        if self.known.len() >= REMEMBERED {
            self.known.retain(|_, known| known.last >= cutoff);
            if self.known.len() >= REMEMBERED {
                self.known.clear();
            }
        }
        let event = self.event(recorded);
        let namespace = event.metadata.namespace.clone().unwrap_or_default();
        let name = event.metadata.name.clone().unwrap_or_default();
        let api: Api<CoreEvent> = Api::namespaced(self.client.clone(), &namespace);
        api.create(&PostParams::default(), &event).await?;
        self.known.insert(same, Known { namespace, name, count: 1, last: recorded.at });
        Ok(())
    }

    fn event(&self, recorded: &Recorded) -> CoreEvent {
        let target = &recorded.target;
        let namespace = if target.namespace.is_empty() { "default" } else { &target.namespace };
        let short: String = target.name.chars().take(230).collect();
        let suffix = recorded.at.as_nanosecond();
        let time = Time(recorded.at);
        CoreEvent {
            metadata: ObjectMeta {
                name: Some(format!("{short}.{suffix:x}")),
                namespace: Some(namespace.to_owned()),
                annotations: Some(recorded.annotations.clone()).filter(|map| !map.is_empty()),
                ..ObjectMeta::default()
            },
            involved_object: target.reference(),
            reason: Some(recorded.reason.clone()),
            message: Some(recorded.message.clone()),
            type_: Some(if recorded.warning { "Warning" } else { "Normal" }.to_owned()),
            count: Some(1),
            first_timestamp: Some(time.clone()),
            last_timestamp: Some(time),
            source: Some(EventSource { component: Some(self.component.clone()), host: None }),
            reporting_component: Some(self.component.clone()),
            reporting_instance: Some(self.host.clone()),
            ..CoreEvent::default()
        }
    }
}

/// Which object an event is about.
fn about(target: &Target) -> u64 {
    use std::hash::{DefaultHasher, Hash, Hasher};
    let mut hasher = DefaultHasher::new();
    (&target.uid, &target.kind, &target.namespace, &target.name).hash(&mut hasher);
    hasher.finish()
}

fn same(recorded: &Recorded) -> u64 {
    use std::hash::{DefaultHasher, Hash, Hasher};
    let mut hasher = DefaultHasher::new();
    about(&recorded.target).hash(&mut hasher);
    (recorded.warning, &recorded.reason, &recorded.message).hash(&mut hasher);
    hasher.finish()
}
