//! Status, from a conclusion to the API server.
//!
//! # Flow
//! The status as it should be is compared with the newest known; what differs becomes one JSON merge patch, with
//! `null` for what goes. Nothing differs: nothing is sent. Events were acknowledged before (see [`crate::events`]).
//!
//! # Guarantees
//! * A status that is already there costs no request.
//! * Fields that the kind's type does not know are left alone.
//!
//! # Assumptions
//! Nobody else writes this kind's status; a foreign write is overwritten where it differs, at the next conclusion.
//!
//! # Caveats
//! Lists are replaced whole: that is what a merge patch can say. An object that goes and comes back under the same name
//! during a run gets the old one's status once; objects with a finalizer cannot.

mod diff;
mod progress;

use kube::Resource;
use serde_json::{Value, json};
use weir_api::meta::Condition;
use weir_reconcile::Conditions;

pub(crate) use progress::Progress;

pub use diff::merge_patch;

/// Annotation that asks for a reconcile.
pub const REQUESTED_AT: &str = "reconcile.fluxcd.io/requestedAt";

/// The status of an object as JSON; an empty map when there is none.
pub(crate) fn status_of<O: serde::Serialize>(object: &O) -> Value {
    match serde_json::to_value(object) {
        Ok(Value::Object(mut map)) => map.remove("status").unwrap_or_else(|| json!({})),
        _ => json!({}),
    }
}

/// The conditions in a status; those that make no sense are left out.
pub(crate) fn conditions_of(status: &Value) -> Vec<Condition> {
    let list = status.get("conditions").and_then(Value::as_array);
    list.map(|list| list.iter().filter_map(|c| serde_json::from_value(c.clone()).ok()).collect()).unwrap_or_default()
}

/// Puts conditions into a status.
pub(crate) fn with_conditions(status: &Value, conditions: Conditions) -> Value {
    let mut map = status.as_object().cloned().unwrap_or_default();
    if let Ok(list) = serde_json::to_value(conditions.into_vec()) {
        map.insert("conditions".to_owned(), list);
    }
    Value::Object(map)
}

/// Says in the status that the request on the object was handled.
pub(crate) fn with_handled<O: Resource>(mut status: Value, object: &O) -> Value {
    let requested = object.meta().annotations.as_ref().and_then(|map| map.get(REQUESTED_AT));
    if let (Some(map), Some(requested)) = (status.as_object_mut(), requested) {
        map.insert("lastHandledReconcileAt".to_owned(), Value::String(requested.clone()));
    }
    status
}

/// The whole patch that turns `live` into `desired`, or `None`.
pub(crate) fn status_patch(live: &Value, desired: &Value) -> Option<Value> {
    merge_patch(live, desired).map(|status| json!({ "status": status }))
}
