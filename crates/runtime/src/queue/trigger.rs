//! Why an object runs.

use std::{collections::BTreeSet, fmt};

/// One reason to run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Trigger {
    /// The process started, or took over as leader, and the object was there.
    Start,
    /// The object is new.
    Created,
    /// Its spec changed (`metadata.generation` moved), or something else its reconciler calls relevant.
    Changed,
    /// It is being deleted.
    Deleted,
    /// `reconcile.fluxcd.io/requestedAt` changed.
    Requested,
    /// Something new is there to work on: a source's new artifact, a new chart.
    Artifact,
    /// An object it depends on changed.
    Dependency,
    /// A ConfigMap, Secret or other input changed.
    Input,
    /// An object in the cluster no longer is as we left it.
    Drift,
    /// Something it waits for in the cluster moved.
    Health,
    /// Its interval has passed.
    Interval,
    /// The delay after a failure, or the deadline of a wait, has passed.
    Retry,
    /// Any other reason, for logs.
    Other(&'static str),
}

impl Trigger {
    /// Whether a run under way is out of date because of this: its cancellation token fires.
    #[must_use]
    pub const fn preempts(self) -> bool {
        matches!(self, Self::Changed | Self::Deleted | Self::Requested | Self::Artifact)
    }

    /// Whether somebody or something waits for the outcome: goes before periodic work.
    #[must_use]
    pub const fn urgent(self) -> bool {
        !matches!(self, Self::Start | Self::Interval | Self::Retry)
    }

    /// The trigger as one word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Created => "created",
            Self::Changed => "changed",
            Self::Deleted => "deleted",
            Self::Requested => "requested",
            Self::Artifact => "artifact",
            Self::Dependency => "dependency",
            Self::Input => "input",
            Self::Drift => "drift",
            Self::Health => "health",
            Self::Interval => "interval",
            Self::Retry => "retry",
            Self::Other(name) => name,
        }
    }
}

impl fmt::Display for Trigger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// All reasons for one run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Triggers(BTreeSet<Trigger>);

impl Triggers {
    /// Whether `trigger` is among them.
    #[must_use]
    pub fn contains(&self, trigger: Trigger) -> bool {
        self.0.contains(&trigger)
    }

    /// Adds one.
    pub fn insert(&mut self, trigger: Trigger) {
        self.0.insert(trigger);
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether nothing but `trigger` is there.
    #[must_use]
    pub fn only(&self, trigger: Trigger) -> bool {
        self.0.len() == 1 && self.contains(trigger)
    }

    /// Whether any is urgent.
    #[must_use]
    pub fn urgent(&self) -> bool {
        self.iter().any(Trigger::urgent)
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = Trigger> + '_ {
        self.0.iter().copied()
    }
}

impl FromIterator<Trigger> for Triggers {
    fn from_iter<I: IntoIterator<Item = Trigger>>(iter: I) -> Self {
        Self(iter.into_iter().collect())
    }
}

impl fmt::Display for Triggers {
    /// Joined by commas.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, trigger) in self.iter().enumerate() {
            if i > 0 {
                f.write_str(",")?;
            }
            f.write_str(trigger.as_str())?;
        }
        Ok(())
    }
}
