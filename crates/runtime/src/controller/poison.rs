//! An object that does not fit its kind: it says so itself, and nobody else is held up.

use serde_json::Value;
use weir_reconcile::{Conditions, conditions, describe};

use super::Shared;
use crate::{
    api,
    controller::attempt::End,
    key::ObjectKey,
    publish::{conditions_of, status_patch, with_conditions},
    reconciler::Reconciler,
    store::Undecodable,
};

/// Marks the object as stalled. One that is being deleted is held too: what it made cannot be undone without
/// understanding it, and its spec can still be corrected.
pub(super) async fn mark<R: Reconciler>(shared: &Shared<R>, key: &ObjectKey, poison: &Undecodable) -> End {
    let message = format!("{} {key} cannot be understood, correct it: {}", shared.kind, poison.message);
    tracing::error!(error = poison.message, "cannot decode the object");
    let live = serde_json::json!({ "conditions": poison.conditions });
    let mut list = Conditions::new(&conditions_of(&live), poison.generation, shared.context.clock.now());
    list.remove(conditions::RECONCILING);
    list.mark_true(conditions::STALLED, "InvalidSpec", message.clone());
    list.mark_false(conditions::READY, "InvalidSpec", message);
    let desired = with_conditions(&live, list);
    if let Some(patch) = status_patch(&live, &without_null(desired)) {
        let manager = shared.context.settings.field_manager;
        match api::patch_status::<R::Object>(&shared.context.clients.own(), key, manager, &patch).await {
            Ok(stored) => shared.wrote(key, stored),
            Err(error) if error.is_gone() => return End::gone(),
            Err(error) => {
                let error = describe(&error);
                tracing::error!(error, "failed to mark the object");
                return End::backoff();
            }
        }
    }
    End::failed_for_good()
}

fn without_null(mut status: Value) -> Value {
    if let Some(map) = status.as_object_mut() {
        map.retain(|_, value| !value.is_null());
    }
    status
}
