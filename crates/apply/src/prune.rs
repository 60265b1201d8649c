//! Deletes what left the source, and says what could not be deleted.

use weir_manifest::{Deletion, Metadata, Policy, inventory::Entry};

use crate::{
    cluster::{Cluster, DeleteOptions},
    error::RequestError,
    read::spoken,
    table::Owner,
    watch::{Ownership, Watches},
};

/// Tries to delete an object that others write meanwhile.
const TRIES: usize = 4;

/// What became of objects that were to go.
#[derive(Debug, Default)]
pub struct Pruned {
    /// Deleted, or being deleted.
    pub deleted: Vec<Entry>,
    /// Were gone already.
    pub gone: Vec<Entry>,
    /// Stay, because they say so or belong to somebody else.
    pub kept: Vec<Entry>,
    /// Could not be deleted: they stay in the inventory, so that it is tried again.
    pub survivors: Vec<(Entry, PruneError)>,
}

/// An object could not be deleted.
#[derive(Debug, thiserror::Error)]
#[error("{object} {step} failed: {}", spoken(object, cause))]
pub struct PruneError {
    /// Which object.
    pub object: weir_manifest::ObjectRef,
    /// What was tried.
    pub step: &'static str,
    /// What the server said.
    pub cause: RequestError,
}

impl Pruned {
    /// The change log: a line for each object that was deleted.
    #[must_use]
    pub fn log(&self) -> String {
        self.deleted.iter().map(|entry| format!("{} deleted", entry.object)).collect::<Vec<_>>().join("\n")
    }

    /// Everything that went wrong, in one text.
    #[must_use]
    pub fn errors(&self) -> Option<String> {
        if self.survivors.is_empty() {
            return None;
        }
        Some(self.survivors.iter().map(|(_, error)| error.to_string()).collect::<Vec<_>>().join("; "))
    }
}

enum End {
    Deleted,
    Gone,
    Kept,
}

/// Deletes objects in order, in the background. Only those that carry the owner's labels and do not say otherwise.
pub async fn prune(
    deletions: Vec<Deletion>,
    cluster: &Cluster,
    watches: &Watches,
    ownership: &Ownership,
    owner: &Owner,
) -> Pruned {
    let mut pruned = Pruned::default();
    for Deletion { entry } in deletions {
        // First of all, so that its end is no drift.
        watches.forget(owner, &entry.object);
        match one(&entry, cluster, ownership, owner).await {
            Ok(End::Deleted) => pruned.deleted.push(entry),
            Ok(End::Gone) => pruned.gone.push(entry),
            Ok(End::Kept) => pruned.kept.push(entry),
            Err((step, cause)) => {
                let error = PruneError { object: entry.object.clone(), step, cause };
                pruned.survivors.push((entry, error));
            }
        }
    }
    pruned
}

/// Deletes an object as it was looked at: whoever takes it over, or says that it is to stay, in between is heard.
async fn one(
    entry: &Entry,
    cluster: &Cluster,
    ownership: &Ownership,
    owner: &Owner,
) -> Result<End, (&'static str, RequestError)> {
    for _ in 0..TRIES {
        match look_and_delete(entry, cluster, ownership, owner, true).await {
            Err((_, error)) if error.is_conflict() => {}
            end => return end,
        }
    }
    // Some controllers write their status all the time.
    look_and_delete(entry, cluster, ownership, owner, false).await
}

async fn look_and_delete(
    entry: &Entry,
    cluster: &Cluster,
    ownership: &Ownership,
    owner: &Owner,
    exactly: bool,
) -> Result<End, (&'static str, RequestError)> {
    let live = match cluster.get_metadata(entry).await {
        Ok(Some(live)) => live,
        Ok(None) => return Ok(End::Gone),
        // Without its kind no object is left.
        Err(error) if error.is_no_match() => return Ok(End::Gone),
        Err(error) => return Err(("query", error)),
    };
    let is_ours = ownership.owner(&Metadata::of(&live)).is_some_and(|whose| whose == *owner);
    if !is_ours || !Policy::of(&live).may_prune() {
        return Ok(End::Kept);
    }
    if live.is_terminating() {
        return Ok(End::Deleted);
    }
    let version = exactly.then(|| live.resource_version().to_owned());
    let options = DeleteOptions { uid: Some(live.uid().to_owned()), version };
    match cluster.delete(entry, &options).await {
        Ok(true) => Ok(End::Deleted),
        Ok(false) => Ok(End::Gone),
        Err(error) => Err(("delete", error)),
    }
}
