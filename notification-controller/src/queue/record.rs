//! What the journal holds.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use weir_proto::WireEvent;
use weir_runtime::ObjectKey;

/// Where a delivery goes: an alert and its provider, in one namespace.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(from = "Names", into = "Names")]
pub struct Target {
    /// The alert that asked for it.
    pub alert: ObjectKey,
    /// The provider that takes it.
    pub provider: ObjectKey,
}

#[derive(Clone, Serialize, Deserialize)]
struct Names {
    namespace: String,
    alert: String,
    provider: String,
}

impl From<Names> for Target {
    fn from(names: Names) -> Self {
        Self {
            alert: ObjectKey::new(names.namespace.clone(), names.alert),
            provider: ObjectKey::new(names.namespace, names.provider),
        }
    }
}

impl From<Target> for Names {
    fn from(target: Target) -> Self {
        Self { namespace: target.alert.namespace, alert: target.alert.name, provider: target.provider.name }
    }
}

/// One step in the life of an event.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "camelCase")]
pub(super) enum Record {
    /// It came in.
    Accepted {
        id: u64,
        at: Timestamp,
        key: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        traceparent: Option<String>,
        event: WireEvent,
    },
    /// It goes there.
    Routed { id: u64, targets: Vec<Target> },
    /// One delivery needs no further try.
    Done { id: u64, target: Target },
    /// What was left of it when the journal was compacted; stands for all records of it before this one.
    Kept {
        id: u64,
        at: Timestamp,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        traceparent: Option<String>,
        event: WireEvent,
        targets: Option<BTreeSet<Target>>,
    },
    /// An event with this key was accepted then.
    Seen { id: u64, at: Timestamp, key: String },
}

impl Record {
    pub(super) fn encode(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("records have string keys only")
    }
}
