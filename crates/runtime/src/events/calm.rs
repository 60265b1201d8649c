//! Whether runs are under way: what only tells people waits for a moment without.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::sync::Notify;

/// How long no run is under way before it is calm: in a burst of short runs there are moments without.
const QUIET: Duration = Duration::from_millis(100);

/// Counts runs; clones share the count.
#[derive(Clone, Debug, Default)]
pub(crate) struct Calm {
    inner: Arc<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    working: AtomicUsize,
    begun: AtomicU64,
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
        self.inner.begun.fetch_add(1, Ordering::SeqCst);
        self.inner.working.fetch_add(1, Ordering::SeqCst);
        Work { inner: Arc::clone(&self.inner) }
    }

    /// Waits until no run was under way for a moment, at most for `limit`.
    pub(crate) async fn wait(&self, limit: Duration) {
        let calm = async {
            loop {
                let (calm, begun) = (self.inner.calm.notified(), self.inner.begun.load(Ordering::SeqCst));
                if self.inner.working.load(Ordering::SeqCst) > 0 {
                    calm.await;
                    continue;
                }
                tokio::time::sleep(QUIET).await;
                if self.inner.begun.load(Ordering::SeqCst) == begun {
                    return;
                }
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
    async fn calm_is_when_no_run_was_under_way_for_a_moment_or_it_took_too_long() {
        let calm = Calm::default();
        calm.wait(FOR_EVER).await;
        let begins = async {
            tokio::task::yield_now().await;
            let work = calm.work();
            tokio::time::sleep(QUIET * 2).await;
            drop(work);
            calm.inner.working.load(Ordering::SeqCst)
        };
        let waited = async {
            calm.wait(FOR_EVER).await;
            calm.inner.working.load(Ordering::SeqCst)
        };
        assert_eq!(tokio::join!(waited, begins), (0, 0), "a run that begins in the moment is waited for");
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
