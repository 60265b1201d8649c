//! Putting back comes before telling: when many objects drift at once, the runs that put them back write their events and
//! status once nothing is left to put back, or after a second.
//!
//! A status costs the API server more than most repairs. Such a run gives its slot away meanwhile; its object does not run
//! again before it has told. Only successes wait: a failure is news.

use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};
use weir_reconcile::Outcome;

use crate::{
    clock,
    queue::{Schedule, Trigger, Waker},
    reconciler::Run,
};

/// How long a run waits at most before it tells.
const LONGEST: Duration = Duration::from_secs(1);
/// Runs that may wait; each keeps its status.
const WAITING: usize = 256;
/// Of those that waited, how many tell at a time.
const AT_A_TIME: usize = 4;

#[derive(Debug)]
pub(super) struct Telling {
    places: Semaphore,
    turns: Semaphore,
}

impl Default for Telling {
    fn default() -> Self {
        Self { places: Semaphore::new(WAITING), turns: Semaphore::new(AT_A_TIME) }
    }
}

/// A turn to tell, and how long was waited for it.
#[derive(Debug, Default)]
pub(super) struct Turn<'a> {
    pub(super) waited: Duration,
    _held: Option<(SemaphorePermit<'a>, SemaphorePermit<'a>)>,
}

impl Telling {
    /// Waits for the turn of a run that is at its end.
    pub(super) async fn turn(&self, run: &Run, waker: &Waker, outcome: Outcome) -> Turn<'_> {
        if outcome != Outcome::Success || !run.triggers.contains(Trigger::Drift) {
            return Turn::default();
        }
        let Ok(place) = self.places.try_acquire() else { return Turn::default() };
        run.release();
        if !waker.peek(Schedule::is_repairing) {
            return Turn::default();
        }
        let began = clock::instant();
        let wait = async {
            waker.repaired(&run.key, LONGEST).await;
            self.turns.acquire().await.ok()
        };
        let turn = run.cancel_token().run_until_cancelled_owned(wait).await.flatten();
        Turn { waited: began.elapsed(), _held: turn.map(|turn| (place, turn)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{clock::Clock, key::ObjectKey, queue::Next};

    fn key(name: &str) -> ObjectKey {
        ObjectKey::new("n", name)
    }

    fn run(waker: &Waker, name: &str, trigger: Trigger) -> Run {
        Run::detached(key(name), trigger, Clock::system()).of(waker)
    }

    #[tokio::test]
    async fn telling_waits_for_others_that_are_put_back_but_not_for_ever() {
        let (waker, telling) = (Waker::default(), Telling::default());
        waker.wake(&key("a"), Trigger::Drift);
        let _ = waker.next().await;
        let alone = telling.turn(&run(&waker, "a", Trigger::Drift), &waker, Outcome::Success).await;
        assert!(alone._held.is_none() && alone.waited.is_zero());

        waker.wake(&key("b"), Trigger::Drift);
        let _ = waker.next().await;
        for (trigger, outcome) in [(Trigger::Changed, Outcome::Success), (Trigger::Drift, Outcome::Failed)] {
            assert!(telling.turn(&run(&waker, "a", trigger), &waker, outcome).await._held.is_none());
        }
        let late = telling.turn(&run(&waker, "a", Trigger::Drift), &waker, Outcome::Success).await;
        assert!(late._held.is_some() && late.waited >= LONGEST);
        drop(late);

        let again = run(&waker, "a", Trigger::Drift);
        let end = async {
            tokio::task::yield_now().await;
            waker.with(|schedule| schedule.release(&key("b")));
        };
        let (turn, ()) = tokio::join!(telling.turn(&again, &waker, Outcome::Success), end);
        assert!(turn._held.is_some());
        drop(turn);

        for name in ["a", "b"] {
            waker.with(|schedule| schedule.done(&key(name), Next::Never, clock::instant()));
            waker.wake(&key(name), Trigger::Drift);
            let _ = waker.next().await;
        }
        waker.wake(&key("a"), Trigger::Drift);
        let again = telling.turn(&run(&waker, "a", Trigger::Drift), &waker, Outcome::Success).await;
        assert!(again.waited < LONGEST, "it has to run again");
    }
}
