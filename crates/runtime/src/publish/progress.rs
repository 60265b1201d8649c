//! The `Reconciling` condition while a run lasts.
//!
//! A run says what it is doing as often as it likes; only what lasts is written: the newest phase, half a second after
//! it began. A short run costs the one write of its conclusion, also for a new generation: until then
//! `observedGeneration` tells everybody that it is under way.

use std::time::Duration;

use kube::{Client, Resource};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use tokio::sync::watch;
use weir_api::names;
use weir_reconcile::{Conditions, Phase, conditions, describe};

use super::{conditions_of, status_of, status_patch, with_conditions};
use crate::{
    api,
    clock::Clock,
    key::ObjectKey,
    store::{Store, Stored},
};

/// How long a phase lasts before it is worth a write.
const LASTS: Duration = Duration::from_millis(500);

pub(crate) struct Progress<O, W> {
    pub client: Client,
    pub store: Store<O>,
    pub key: ObjectKey,
    pub manager: &'static str,
    pub clock: Clock,
    pub phases: watch::Receiver<Option<Phase>>,
    /// Takes in the reply.
    pub wrote: W,
}

impl<O, W> Progress<O, W>
where
    O: Resource<DynamicType = ()> + DeserializeOwned + Serialize,
    W: Fn(Stored<O>),
{
    /// Writes phases that last until the run drops its sender or `stop` completes; a write under way is finished.
    pub(crate) async fn publish(mut self, stop: tokio_util::sync::CancellationToken) {
        loop {
            let changed = stop.run_until_cancelled(self.phases.changed()).await;
            if !matches!(changed, Some(Ok(()))) || stop.run_until_cancelled(tokio::time::sleep(LASTS)).await.is_none() {
                return;
            }
            let phase = self.phases.borrow_and_update().clone();
            if let Some(phase) = phase {
                self.write(&phase).await;
            }
        }
    }

    async fn write(&self, phase: &Phase) {
        let Some(stored) = self.store.stored(&self.key) else { return };
        let Ok(object) = &stored.object else { return };
        let live = status_of(&**object);
        let generation = object.meta().generation;
        let mut list = Conditions::new(&conditions_of(&live), generation, self.clock.now());
        if stored.peek.fresh {
            list.mark_unknown(conditions::READY, "Progressing", beginning(&O::group(&()), &live, generation));
        }
        list.mark_true(conditions::RECONCILING, "Progressing", phase.message.clone());
        list.remove(conditions::STALLED);
        let desired = with_conditions(&live, list);
        let Some(patch) = status_patch(&live, &desired) else { return };
        match api::patch_status(&self.client, &self.key, self.manager, &patch).await {
            Ok(stored) => (self.wrote)(stored),
            // Only a courtesy: the conclusion says it all again.
            Err(error) => {
                let error = describe(&error);
                tracing::debug!(error, "failed to write progress");
            }
        }
    }
}

/// What `Ready` says in the first run of a generation. Flux has a text of its own for sources, which tools know.
fn beginning(group: &str, status: &Value, generation: Option<i64>) -> String {
    if group != names::group::SOURCE {
        return "Reconciliation in progress".to_owned();
    }
    let observed = status.get("observedGeneration").and_then(Value::as_i64).unwrap_or_default();
    format!("processing object: new generation {observed} -> {}", generation.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_new_generation_is_announced_as_flux_does() {
        let text = |group, status: Value| beginning(group, &status, Some(3));
        let sources = "source.toolkit.fluxcd.io";
        assert_eq!(text(sources, json!({"observedGeneration": -1})), "processing object: new generation -1 -> 3");
        assert_eq!(text(sources, json!({"observedGeneration": 2})), "processing object: new generation 2 -> 3");
        assert_eq!(text(sources, json!({})), "processing object: new generation 0 -> 3");
        assert_eq!(text("kustomize.toolkit.fluxcd.io", json!({"observedGeneration": 2})), "Reconciliation in progress");
    }
}
