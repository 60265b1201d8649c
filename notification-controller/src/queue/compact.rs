//! Giving back disk space: what old segments still hold that matters is written again, then they are deleted.

use std::{
    path::Path,
    sync::{Mutex, PoisonError},
};

use super::state::State;
use crate::journal::{Journal, JournalError, segments};

/// Segments that may stand before anything is done.
const KEEP: usize = 3;

/// Rewrites and deletes the closed segments when less than half of them is still needed.
///
/// A kill in between leaves both: records that stand for older ones replace them when they are read.
pub(super) async fn compact(journal: &Journal, state: &Mutex<State>, dir: &Path) -> Result<(), JournalError> {
    let sizes = segments(dir)?;
    let Some((current, _)) = sizes.last().copied() else { return Ok(()) };
    let closed: u64 = sizes.iter().rev().skip(1).map(|(_, size)| size).sum();
    if sizes.len() <= KEEP {
        return Ok(());
    }
    let receipts: Vec<_> = {
        let state = state.lock().unwrap_or_else(PoisonError::into_inner);
        // A record on its way may stand in any segment: next time.
        if state.is_settling() || state.bytes_before(current) as u64 * 2 > closed {
            return Ok(());
        }
        // Under the lock, so that nothing that happens later to these events is written before them.
        state.needed_before(current).iter().map(|record| journal.append(&record.encode())).collect()
    };
    let mut to = current;
    for receipt in receipts {
        to = receipt.wait().await?;
    }
    journal.remove_before(current).wait().await?;
    state.lock().unwrap_or_else(PoisonError::into_inner).moved(current, to);
    Ok(())
}
