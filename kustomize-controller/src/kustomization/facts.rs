//! What a run learnt and did on its way, whether or not it got to the end.

use std::{collections::BTreeMap, fmt::Display, time::Duration};

use jiff::Timestamp;
use weir_api::{
    kustomize::Kustomization,
    meta,
    names::{annotation, weir},
};
use weir_manifest::Inventory;
use weir_reconcile::{Event, Severity};
use weir_runtime::redact::{MASK, Secret};

/// How long the steps took, of those that ran.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Took {
    /// Fetching and unpacking the artifact.
    pub fetch: Option<Duration>,
    /// Building and substituting.
    pub build: Option<Duration>,
    /// Dry-runs, applies and deletions.
    pub apply: Option<Duration>,
    /// Waiting for health.
    pub health: Option<Duration>,
}

impl Took {
    /// As history and events carry it.
    #[must_use]
    pub fn metadata(&self) -> BTreeMap<String, String> {
        let Self { fetch, build, apply, health } = *self;
        let entries = [
            (weir::FETCH_DURATION, fetch),
            (weir::BUILD_DURATION, build),
            (weir::APPLY_DURATION, apply),
            (weir::HEALTH_DURATION, health),
        ];
        let told = |(key, took): (&str, Option<Duration>)| Some((key.to_owned(), rounded(took?).to_string()));
        entries.into_iter().filter_map(told).collect()
    }
}

/// A duration for people: whole milliseconds.
#[must_use]
pub fn rounded(duration: Duration) -> meta::Duration {
    meta::Duration(Duration::from_millis(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)))
}

/// See the module. Filled step by step, read by [`super::conclude`].
#[derive(Debug, Default)]
pub struct Facts {
    /// Which run it is.
    pub run: String,
    /// The request that this run is the first to handle.
    pub requested: Option<String>,
    /// Revision of the source's artifact.
    pub revision: Option<String>,
    /// What the artifact was made from.
    pub origin: Option<String>,
    /// The build began: the revision counts as attempted.
    pub attempted: bool,
    /// What the run said last that it was doing.
    pub phase: Option<String>,
    /// Digest of the built manifests.
    pub digest: Option<String>,
    /// What was built is not made of the artifact alone.
    pub is_remote: bool,
    /// What is managed now; `None` while that did not change.
    pub inventory: Option<Inventory>,
    /// What to tell people, in order.
    pub events: Vec<Event>,
    /// What must not be told.
    pub secrets: Secrets,
    /// Something in the cluster was changed.
    pub changed: bool,
    /// How long the steps took.
    pub took: Took,
    /// When to look again at the latest, for what had to wait.
    pub again: Option<Timestamp>,
}

/// Values of Secrets that were put into objects. Prints nothing of them.
#[derive(Clone, Debug, Default)]
pub struct Secrets(Vec<Secret<String>>);

impl Secrets {
    /// Shorter values are left: masking them would make texts unreadable and tell more than it hides.
    const SHORTEST: usize = 6;

    /// Adds values, as they are put into objects: without their newlines.
    pub fn add<'a>(&mut self, values: impl Iterator<Item = &'a str>) {
        let lines = values.map(|value| value.replace('\n', "")).filter(|value| value.len() >= Self::SHORTEST);
        self.0.extend(lines.map(Secret::new));
        // One value may hold another.
        self.0.sort_by_key(|value| std::cmp::Reverse(value.expose().len()));
    }

    /// A text without them.
    #[must_use]
    pub fn masked(&self, text: String) -> String {
        self.0.iter().fold(text, |text, value| match text.contains(value.expose().as_str()) {
            true => text.replace(value.expose().as_str(), MASK),
            false => text,
        })
    }
}

impl Facts {
    /// Of a run that begins.
    #[must_use]
    pub fn begin(ks: &Kustomization, run: impl Display) -> Self {
        let asked = ks.metadata.annotations.as_ref().and_then(|all| all.get(annotation::RECONCILE_REQUEST));
        let handled = ks.status.as_ref().and_then(|status| status.last_handled_reconcile_at.as_ref());
        let requested = asked.filter(|asked| !asked.is_empty() && handled != Some(asked)).cloned();
        Self { run: run.to_string(), requested, ..Self::default() }
    }

    /// Adds an event about the revision at hand.
    pub fn tell(&mut self, severity: Severity, reason: &str, message: impl Into<String>) {
        let event = self.about(Event::new(severity, reason, message));
        self.events.push(event);
    }

    /// An event with the revision at hand. What was asked for is told again although the same was told before: the token
    /// lets it through where repetitions are dropped.
    #[must_use]
    pub fn about(&self, event: Event) -> Event {
        let add = |event: Event, key: &str, value: &Option<String>| match value {
            Some(value) => event.with(key, value.clone()),
            None => event,
        };
        let event = add(event, "revision", &self.revision);
        let event = add(event, "originRevision", &self.origin);
        add(event, "token", &self.requested)
    }

    /// Adds the event that ends a successful run. It is never a repetition: its token is the run's own.
    pub fn tell_finished(&mut self, reason: &str, took: Duration, interval: meta::Duration) {
        let message = format!("Reconciliation finished in {}, next run in {interval}", rounded(took));
        let mut event = self.about(Event::new(Severity::Info, reason, message)).with("commit_status", "update");
        event.metadata.entry("token".to_owned()).or_insert_with(|| self.run.clone());
        self.events.push(event);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn begin(asked: Option<&str>, handled: Option<&str>) -> Facts {
        let mut ks = json!({"apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization",
            "metadata": {"name": "app", "namespace": "n", "annotations": {}},
            "spec": {"interval": "10m", "prune": true, "sourceRef": {"kind": "GitRepository", "name": "s"}}, "status": {}});
        if let Some(asked) = asked {
            ks["metadata"]["annotations"]["reconcile.fluxcd.io/requestedAt"] = json!(asked);
        }
        if let Some(handled) = handled {
            ks["status"]["lastHandledReconcileAt"] = json!(handled);
        }
        Facts::begin(&serde_json::from_value(ks).unwrap(), "run-1")
    }

    #[test]
    fn a_request_is_one_until_it_is_handled() {
        assert_eq!(begin(Some("now"), None).requested.as_deref(), Some("now"));
        assert_eq!(begin(Some("now"), Some("before")).requested.as_deref(), Some("now"));
        assert_eq!(begin(Some("now"), Some("now")).requested, None);
        assert_eq!(begin(None, Some("now")).requested, None);
    }

    #[test]
    fn events_carry_revisions_and_a_token_where_repetitions_are_wanted() {
        let tokens = |mut facts: Facts| {
            facts.revision = Some("main@sha1:1".to_owned());
            facts.origin = Some("v1".to_owned());
            facts.tell(Severity::Error, "BuildFailed", "m");
            facts.tell_finished("R", Duration::from_secs(1), meta::Duration(Duration::from_secs(60)));
            for event in &facts.events {
                assert_eq!(
                    (event.metadata["revision"].as_str(), event.metadata["originRevision"].as_str()),
                    ("main@sha1:1", "v1")
                );
            }
            facts.events.iter().map(|event| event.metadata.get("token").cloned()).collect::<Vec<_>>()
        };
        assert_eq!(tokens(begin(Some("now"), None)), [Some("now".to_owned()), Some("now".to_owned())]);
        assert_eq!(tokens(begin(None, None)), [None, Some("run-1".to_owned())], "the same failure is told once");
    }
}
