//! Whether runs are under way: what only tells people waits for a moment without.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::sync::Notify;

/// Counts runs; clones share the count.
#[derive(Clone, Debug, Default)]
pub(crate) struct Calm {
    inner: Arc<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    working: AtomicUsize,
    calm: Notify,
}

/// A run, until dropped.
#[derive(Debug)]
pub(crate) struct Work {
    inner: Arc<Inner>,
}

impl Calm {
    /// A run begins.
    pub(crate) fn work(&self) -> Work {
        self.inner.working.fetch_add(1, Ordering::SeqCst);
        Work { inner: Arc::clone(&self.inner) }
    }

    /// Waits until no run is under way, at most for `limit`.
    pub(crate) async fn wait(&self, limit: Duration) {
        let calm = async {
            loop {
                let calm = self.inner.calm.notified();
                if self.inner.working.load(Ordering::SeqCst) == 0 {
                    return;
                }
                calm.await;
            }
        };
        let _ = tokio::time::timeout(limit, calm).await;
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        if self.inner.working.fetch_sub(1, Ordering::SeqCst) == 1 {
            self.inner.calm.notify_waiters();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FOR_EVER: Duration = Duration::from_secs(3600);

    #[tokio::test]
    async fn calm_is_when_no_run_is_under_way_or_it_took_too_long() {
        let calm = Calm::default();
        calm.wait(FOR_EVER).await;
        let (first, second) = (calm.work(), calm.work());
        drop(first);
        calm.wait(Duration::from_millis(1)).await;
        let ends = async {
            tokio::task::yield_now().await;
            drop(second);
        };
        tokio::join!(calm.wait(FOR_EVER), ends);
    }
}
