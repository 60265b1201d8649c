//! A kind for tests, and its reconciler.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use kube::{CustomResource, Resource, ResourceExt};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weir_api::meta::Condition;
use weir_reconcile::{Conclusion, Conditions, Event, Outcome, Phase, Requeue, Severity, conditions};
use weir_runtime::{Finalized, ObjectKey, Reconciler, Run};

#[derive(CustomResource, Serialize, Deserialize, Clone, Debug, JsonSchema)]
#[kube(group = "test.weir.dev", version = "v1", kind = "Widget", namespaced, status = "WidgetStatus")]
#[serde(rename_all = "camelCase")]
pub struct WidgetSpec {
    pub size: u32,
    /// What the reconciler does: nothing special, `panic`, `fail`, `slow`, `repeat`.
    #[serde(default)]
    pub mode: String,
    #[serde(default)]
    pub suspend: bool,
}

#[derive(Serialize, Deserialize, Clone, Debug, Default, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct WidgetStatus {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_handled_reconcile_at: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
}

/// What was done, in order: `reconcile NAME TRIGGERS`, `finalize NAME`, `gone NAME`.
#[derive(Clone, Default)]
pub struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    pub fn add(&self, line: String) {
        self.0.lock().unwrap().push(line);
    }

    pub fn lines(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }

    pub fn count(&self, start: &str) -> usize {
        self.lines().iter().filter(|line| line.starts_with(start)).count()
    }
}

pub struct Widgets {
    pub log: Log,
}

impl Reconciler for Widgets {
    type Object = Widget;
    type Status = WidgetStatus;

    async fn reconcile(&self, object: Arc<Widget>, run: &Run) -> Conclusion<WidgetStatus> {
        self.log.add(format!("reconcile {} {}", object.name_any(), run.triggers));
        let old = object.status.clone().unwrap_or_default();
        let generation = object.meta().generation;
        let mut list = Conditions::new(&old.conditions, generation, run.now);
        list.remove(conditions::RECONCILING);
        let mut status = WidgetStatus { observed_generation: generation, size: Some(object.spec.size), ..old };
        let mut events = Vec::new();
        let (mut requeue, mut outcome) = (Requeue::Interval(Duration::from_secs(600)), Outcome::Success);
        match object.spec.mode.as_str() {
            "panic" => panic!("widget {} is cursed", object.name_any()),
            "fail" => {
                list.mark_false(conditions::READY, "BuildFailed", "it does not fit");
                events.push(Event::new(Severity::Error, "BuildFailed", "it does not fit").with("revision", "r1"));
                (requeue, outcome) = (Requeue::Backoff, Outcome::Failed);
            }
            "slow" => {
                run.progress(Phase::new("polishing"));
                tokio::select! {
                    () = run.cancelled() => {
                        self.log.add(format!("cancelled {}", object.name_any()));
                        (requeue, outcome) = (Requeue::Backoff, Outcome::Failed);
                    }
                    () = tokio::time::sleep(Duration::from_secs(20)) => {}
                }
            }
            _ => {
                let moved = status.observed_generation != object.status.as_ref().and_then(|s| s.observed_generation);
                list.mark_true(conditions::READY, "Succeeded", format!("size {}", object.spec.size));
                if moved {
                    let told = Event::new(Severity::Info, "Succeeded", format!("size {}", object.spec.size));
                    events.push(told.with("revision", "r1").with("token", "t"));
                }
            }
        }
        status.conditions = list.into_vec();
        Conclusion { status, events, requeue, outcome }
    }

    async fn finalize(&self, object: Arc<Widget>, _: &Run) -> Finalized<WidgetStatus> {
        self.log.add(format!("finalize {}", object.name_any()));
        Finalized::done()
    }

    fn gone(&self, key: &ObjectKey) {
        self.log.add(format!("gone {}", key.name));
    }
}
