//! What a run learnt and did on its way, whether or not it got to the end.

use std::{collections::BTreeMap, time::Duration};

use weir_api::{meta, names::weir};
use weir_manifest::Inventory;
use weir_reconcile::{Event, Severity};

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
    /// What is managed now; `None` while that did not change.
    pub inventory: Option<Inventory>,
    /// What to tell people, in order.
    pub events: Vec<Event>,
    /// Something in the cluster was changed.
    pub changed: bool,
    /// How long the steps took.
    pub took: Took,
}

impl Facts {
    /// Adds an event about the revision at hand.
    pub fn tell(&mut self, severity: Severity, reason: &str, message: impl Into<String>) {
        let event = self.about(Event::new(severity, reason, message));
        self.events.push(event);
    }

    /// An event with the revision at hand.
    #[must_use]
    pub fn about(&self, event: Event) -> Event {
        let add = |event: Event, key: &str, value: &Option<String>| match value {
            Some(value) => event.with(key, value.clone()),
            None => event,
        };
        let event = add(event, "revision", &self.revision);
        add(event, "originRevision", &self.origin)
    }
}
