//! The finalizer: put on before the first work, taken off when nothing is left.

use std::sync::Arc;

use kube::Resource;
use serde_json::json;
use uuid::Uuid;
use weir_reconcile::describe;

use super::{
    Shared,
    attempt::{self, End},
};
use crate::{
    api,
    key::ObjectKey,
    queue::Taken,
    reconciler::{FINALIZER, Finalized, Reconciler},
    store::Stored,
};

/// Tries against others who write finalizers at the same time.
const TRIES: usize = 5;

/// Makes sure that the object carries its finalizer, or none when it needs none, and goes on with what the server
/// answers: no second run is needed for it.
pub(super) async fn ensure<R: Reconciler>(
    shared: &Shared<R>,
    key: &ObjectKey,
    object: Arc<R::Object>,
) -> Result<Arc<R::Object>, End> {
    let present = |name: &str| object.meta().finalizers.iter().flatten().any(|f| f == name);
    match shared.reconciler.finalizer(&object) {
        Some(name) if present(name) => return Ok(object),
        Some(name) => change(shared, key, name, true).await?,
        None if present(FINALIZER) => change(shared, key, FINALIZER, false).await?,
        None => return Ok(object),
    }
    shared.handle.store.get(key).ok_or(End::gone())
}

/// Handles a deletion.
pub(super) async fn finalize<R: Reconciler>(
    shared: &Arc<Shared<R>>,
    key: &ObjectKey,
    object: Arc<R::Object>,
    taken: Taken,
    id: Uuid,
) -> End {
    let name = shared.reconciler.finalizer(&object).unwrap_or(FINALIZER);
    if !object.meta().finalizers.iter().flatten().any(|f| f == name) {
        return End::nothing();
    }
    let run = attempt::start(shared, key, taken, id);
    match attempt::watched(shared, &run, shared.reconciler.finalize(Arc::clone(&object), &run)).await {
        Ok(Finalized::Done(events)) => {
            attempt::send_events(shared, &object, &run, &events).await;
            run.trace().end();
            match change(shared, key, name, false).await {
                Ok(()) => End { timed: true, ..End::nothing() },
                Err(end) => end,
            }
        }
        Ok(Finalized::NotYet(conclusion)) => attempt::conclude(shared, &object, &run, conclusion).await,
        Err(panic) => attempt::panicked(shared, &object, &run, &panic).await,
    }
}

/// Puts a finalizer on or takes it off, against the version it was read at.
async fn change<R: Reconciler>(shared: &Shared<R>, key: &ObjectKey, name: &str, on: bool) -> Result<(), End> {
    let client = shared.context.clients.own();
    let manager = shared.context.settings.field_manager;
    let Some(mut stored) = shared.handle.store.stored(key) else { return Err(End::gone()) };
    for _ in 0..TRIES {
        let Some(patch) = patch(&stored, name, on) else { return Ok(()) };
        match api::patch::<R::Object>(&client, key, manager, "finalizers", &patch).await {
            Ok(stored) => {
                shared.wrote(key, stored);
                return Ok(());
            }
            Err(error) if error.is_gone() => return Err(End::gone()),
            Err(error) if error.is_conflict() => match api::get::<R::Object>(&client, key).await {
                Ok(newer) if newer.uid == stored.uid => {
                    shared.wrote(key, newer.clone());
                    stored = newer;
                }
                Ok(_) => return Err(End::gone()),
                Err(error) if error.is_gone() => return Err(End::gone()),
                Err(error) => return Err(failed(&error)),
            },
            Err(error) => return Err(failed(&error)),
        }
    }
    Err(End::backoff())
}

fn failed(error: &api::WriteError) -> End {
    let error = describe(error);
    tracing::error!(error, "failed to write the finalizer");
    End::backoff()
}

/// The merge patch, or `None` when nothing is to be done.
fn patch<O: Resource>(stored: &Stored<O>, name: &str, on: bool) -> Option<serde_json::Value> {
    let object = stored.object.as_ref().ok()?;
    let meta = object.meta();
    let mut list = meta.finalizers.clone().unwrap_or_default();
    if list.iter().any(|f| f == name) == on {
        return None;
    }
    if on {
        list.push(name.to_owned());
    } else {
        list.retain(|f| f != name);
    }
    Some(json!({ "metadata": { "uid": stored.uid, "resourceVersion": meta.resource_version, "finalizers": list } }))
}
