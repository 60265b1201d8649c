//! Somebody who looks at events as they are accepted.
//!
//! A watcher holds a place and no events: however many watch, and however slowly, only what the queue keeps is in memory.

use tokio::sync::watch;

use super::{Queue, Seen, state::After};

/// A watcher was so slow that the queue does not keep what comes next for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too slow, watch again")]
pub struct Lost;

/// See the module.
#[derive(Debug)]
pub struct Watcher {
    queue: Queue,
    place: u64,
    /// Where events that were kept when this began end.
    past: u64,
    more: watch::Receiver<()>,
}

impl Watcher {
    pub(super) fn new(queue: Queue, place: u64, past: u64) -> Self {
        let more = queue.inner.more.subscribe();
        Self { queue, place, past, more }
    }

    /// Whether all events that were kept when this began have been given.
    #[must_use]
    pub fn is_synced(&self) -> bool {
        self.place >= self.past
    }

    /// The next event, once there is one.
    ///
    /// # Errors
    /// When it is not kept any more.
    pub async fn next(&mut self) -> Result<Seen, Lost> {
        loop {
            // Before the look, so that what comes after it wakes us.
            self.more.mark_unchanged();
            match self.queue.state().after(self.place) {
                After::Next(seen) => {
                    self.place += 1;
                    return Ok(seen);
                }
                After::Lost => return Err(Lost),
                After::Nothing => {}
            }
            // The sender lives in the queue we hold.
            let _ = self.more.changed().await;
        }
    }
}
