//! Puts an object back that drifted, with as few requests as it takes: it was accepted as it is desired before, so it is
//! applied without a dry-run.
//!
//! ```text
//! seen clean ──────────────────────────────► apply
//! seen otherwise, or gone ──► metadata ──┬─► [clean up] ─► apply
//!                                        └─► not to be touched, going, refused: None, a plan has to be made
//! ```

use weir_manifest::{Cleanup, Object, Policy, Ssa, inventory::Entry};

use crate::{
    error::RequestError,
    execute::{Context, Done, Outcome, take_note},
};

/// Puts one object back. `None` when that takes a plan: somebody says the object is not to be touched, it is on its way
/// out, or the server refuses. What a plan finds then is what people are told.
///
/// # Caveats
/// `desired` is sent as it is: not for objects of which fields are ignored.
pub async fn repair(desired: &Object, cleanup: &Cleanup, context: Context<'_>) -> Option<Done> {
    let Policy { ssa, reconcile, .. } = Policy::of(desired);
    if !reconcile || !matches!(ssa, Ssa::Override | Ssa::Merge) {
        return None;
    }
    let entry = Entry { object: desired.reference(), version: desired.version().to_owned() };
    let (outcome, live) = match attempt(desired, &entry, cleanup, context).await {
        Ok(repaired) => repaired?,
        Err(error) => {
            tracing::debug!(object = %entry.object, error = %error, "not put back at once");
            return None;
        }
    };
    if outcome.is_change() {
        tracing::info!(object = %entry.object, "drift is corrected");
    }
    Some(take_note(entry, outcome, &live, true, context).await)
}

async fn attempt(
    desired: &Object,
    entry: &Entry,
    cleanup: &Cleanup,
    context: Context<'_>,
) -> Result<Option<(Outcome, Object)>, RequestError> {
    let Context { cluster, watches, .. } = context;
    let before = match watches.glimpse(&entry.object).filter(|glimpse| glimpse.clean) {
        Some(glimpse) => glimpse.version.to_string(),
        None => match cluster.get_metadata(entry).await? {
            None => return Ok(Some((Outcome::Created, cluster.apply(desired, false).await?))),
            Some(live) if Policy::of(&live).is_excluded() || live.is_terminating() => return Ok(None),
            Some(live) => match cleanup.before_apply(desired, &live) {
                None => live.resource_version().to_owned(),
                Some(patch) => {
                    cluster.json_patch(entry, &patch).await?;
                    String::new()
                }
            },
        },
    };
    let live = cluster.apply(desired, false).await?;
    let outcome = if live.resource_version() == before { Outcome::Unchanged } else { Outcome::Configured };
    Ok(Some((outcome, live)))
}
