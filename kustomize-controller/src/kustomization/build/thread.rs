//! A build on a thread of its own, which ends when its time is up.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::task::{JoinError, JoinHandle};
use weir_api::meta;
use weir_runtime::Run;

use super::Built;
use crate::kustomization::error::Error;

/// The most a build may take, whatever `spec.timeout` says: few builds run at a time, and the others wait for them.
pub const LONGEST: Duration = Duration::from_secs(60);

/// Builds beside the runtime's threads: a large build takes a while and never yields. `build` is given what tells it to end.
/// `None` when something newer came.
///
/// Guarantees: when this returns, the thread is done with the build; when it is dropped, it soon will be.
///
/// # Errors
/// When the build fails, or takes longer than `limit`.
pub async fn within(
    limit: Duration,
    run: &Run,
    build: impl FnOnce(Arc<AtomicBool>) -> Result<Built, Error> + Send + 'static,
) -> Result<Option<Built>, Error> {
    let limit = limit.min(LONGEST);
    let stop = Stop::default();
    let interrupt = Arc::clone(&stop.0);
    let mut thread = tokio::task::spawn_blocking(move || build(interrupt));
    tokio::select! {
        biased;
        built = &mut thread => return ended(built).map(Some),
        () = run.cancelled() => {}
        () = tokio::time::sleep(limit) => {}
    }
    let (is_late, built) = (!run.is_cancelled(), stop.end(thread).await);
    match built {
        // It got to its end in the same moment, or failed by itself.
        Ok(built) => Ok(Some(built)),
        Err(error) if !error.is_interrupted_build() => Err(error),
        Err(_) if is_late => Err(Error::BuildTimeout { after: meta::Duration(limit) }),
        Err(_) => Ok(None),
    }
}

/// Ends a build, at the latest when it is dropped: a thread that nobody waits for would hold up the end of the process.
#[derive(Default)]
struct Stop(Arc<AtomicBool>);

impl Stop {
    async fn end(&self, thread: JoinHandle<Result<Built, Error>>) -> Result<Built, Error> {
        self.0.store(true, Ordering::Relaxed);
        ended(thread.await)
    }
}

impl Drop for Stop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

fn ended(thread: Result<Result<Built, Error>, JoinError>) -> Result<Built, Error> {
    match thread {
        Ok(built) => built,
        Err(panic) if panic.is_panic() => std::panic::resume_unwind(panic.into_panic()),
        Err(_) => Err(Error::Shutdown),
    }
}

#[cfg(test)]
mod tests {
    use weir_runtime::{ObjectKey, Trigger, clock::Clock};

    use super::*;
    use crate::kustomization::build;

    fn run() -> Run {
        Run::detached(ObjectKey::new("n", "a"), Trigger::Changed, Clock::system())
    }

    fn built() -> Built {
        Built { objects: Vec::new(), digest: "sha256:0".to_owned(), is_remote: false }
    }

    /// Ends when it is told to, and says so.
    fn endless(interrupt: &AtomicBool) -> Result<Built, Error> {
        while !interrupt.load(Ordering::Relaxed) {
            std::thread::sleep(Duration::from_millis(1));
        }
        Err(Error::Build(build::Error::Interrupted))
    }

    #[tokio::test]
    async fn a_build_that_takes_too_long_is_ended_and_its_thread_with_it() {
        let (ended, mark) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
        let noted = Arc::clone(&ended);
        let work = move |interrupt: Arc<AtomicBool>| {
            let result = endless(&interrupt);
            noted.store(true, Ordering::Relaxed);
            result
        };
        let error = within(Duration::from_millis(5), &run(), work).await.unwrap_err();
        assert!(ended.load(Ordering::Relaxed), "the thread is done before anybody hears of it");
        let text = "kustomize build was ended after 5ms: it takes too long; make it smaller, or raise spec.timeout, up to 1m0s for a build";
        assert_eq!(error.to_string(), text);
        let noted = Arc::clone(&mark);
        let run = run();
        let dropped = within(LONGEST, &run, move |interrupt| {
            let result = endless(&interrupt);
            noted.store(true, Ordering::Relaxed);
            result
        });
        assert!(tokio::time::timeout(Duration::from_millis(5), dropped).await.is_err());
        while !mark.load(Ordering::Relaxed) {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    #[tokio::test]
    async fn something_newer_ends_a_build() {
        let run = run();
        run.cancel_token().cancel();
        assert!(within(LONGEST, &run, |interrupt| endless(&interrupt)).await.unwrap().is_none());
        assert!(within(LONGEST, &run, |_| Ok(built())).await.unwrap().is_some(), "done before it could be ended");
    }

    #[tokio::test]
    async fn a_failure_is_that_of_the_build() {
        let error = within(LONGEST, &run(), |_| Err(Error::Path { path: "x".to_owned() })).await.unwrap_err();
        assert!(matches!(error, Error::Path { .. }));
    }
}
