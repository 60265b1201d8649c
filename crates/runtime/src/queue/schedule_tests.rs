use super::*;

fn key(name: &str) -> ObjectKey {
    ObjectKey::new("ns", name)
}

fn schedule(concurrent: usize) -> Schedule {
    Schedule::new(Options { concurrent, ..Options::default() })
}

fn names(schedule: &mut Schedule, now: Instant) -> Vec<String> {
    std::iter::from_fn(|| schedule.next(now).map(|t| t.key.name)).collect()
}

#[test]
fn many_wakes_make_one_run_that_sees_all_triggers() {
    let (mut s, now) = (schedule(4), Instant::now());
    s.wake(&key("a"), Trigger::Start, now);
    s.wake(&key("a"), Trigger::Input, now);
    s.wake(&key("a"), Trigger::Input, now);
    let taken = s.next(now).unwrap();
    assert_eq!(taken.triggers.to_string(), "start,input");
    assert!(s.next(now).is_none());
}

#[test]
fn one_run_per_object_and_a_wake_during_it_queues_another() {
    let (mut s, now) = (schedule(4), Instant::now());
    s.wake(&key("a"), Trigger::Created, now);
    let first = s.next(now).unwrap();
    s.wake(&key("a"), Trigger::Drift, now);
    assert!(s.next(now).is_none(), "it is still running");
    assert!(!first.cancel.is_cancelled(), "drift does not preempt");
    s.wake(&key("a"), Trigger::Changed, now);
    assert!(first.cancel.is_cancelled());
    assert_eq!(s.done(&key("a"), Next::Interval(now + Duration::from_secs(60)), now), Some(Duration::ZERO));
    let second = s.next(now).unwrap();
    assert_eq!(second.triggers.to_string(), "changed,drift");
    assert!(!second.cancel.is_cancelled());
    assert_eq!(s.next_due(), None, "the interval of the first run was overtaken");
}

#[test]
fn changes_go_before_periodic_work_and_move_up() {
    let (mut s, now) = (schedule(10), Instant::now());
    for name in ["p1", "p2", "p3"] {
        s.wake(&key(name), Trigger::Start, now);
    }
    s.wake(&key("c1"), Trigger::Changed, now);
    s.wake(&key("p3"), Trigger::Requested, now);
    assert_eq!(names(&mut s, now), ["c1", "p3", "p1", "p2"]);
}

#[test]
fn concurrency_is_limited() {
    let (mut s, now) = (schedule(2), Instant::now());
    for name in ["a", "b", "c"] {
        s.wake(&key(name), Trigger::Created, now);
    }
    assert_eq!(names(&mut s, now), ["a", "b"]);
    assert_eq!(s.stats(now).depth, 1);
    s.done(&key("b"), Next::Never, now);
    assert_eq!(names(&mut s, now), ["c"]);
}

#[test]
fn backoff_grows_per_object_and_starts_over() {
    let (mut s, mut now) = (schedule(1), Instant::now());
    s.wake(&key("a"), Trigger::Created, now);
    for expected in [750, 1500, 3000] {
        let taken = s.next(now).unwrap();
        let delay = s.done(&taken.key, Next::Backoff, now).unwrap();
        assert_eq!(delay, Duration::from_millis(expected));
        assert!(s.next(now).is_none());
        now = s.next_due().unwrap();
    }
    let taken = s.next(now).unwrap();
    assert_eq!((taken.failures, taken.triggers.to_string()), (3, "retry".to_owned()));
    s.done(&taken.key, Next::Never, now);
    s.wake(&key("a"), Trigger::Changed, now);
    assert_eq!(s.next(now).unwrap().failures, 0);
}

#[test]
fn an_interval_comes_due_and_a_wake_overtakes_it() {
    let (mut s, now) = (schedule(1), Instant::now());
    let minute = Duration::from_secs(60);
    s.wake(&key("a"), Trigger::Created, now);
    s.next(now).unwrap();
    s.done(&key("a"), Next::Interval(now + minute), now);
    assert_eq!(s.next_due(), Some(now + minute));
    assert!(s.next(now + minute - Duration::from_millis(1)).is_none());
    assert!(s.next(now + minute).unwrap().triggers.only(Trigger::Interval));
    s.done(&key("a"), Next::Interval(now + 2 * minute), now + minute);
    s.wake(&key("a"), Trigger::Requested, now + minute);
    assert!(s.next(now + minute).unwrap().triggers.only(Trigger::Requested));
    s.done(&key("a"), Next::Interval(now + 3 * minute), now + minute);
    assert_eq!(s.next_due(), Some(now + 3 * minute), "only the newest interval counts");
}

#[test]
fn what_is_gone_is_forgotten_unless_woken_again() {
    let (mut s, now) = (schedule(4), Instant::now());
    s.wake(&key("a"), Trigger::Start, now);
    s.forget(&key("a"));
    assert!(s.next(now).is_none());
    s.wake(&key("a"), Trigger::Created, now);
    let run = s.next(now).unwrap();
    s.forget(&key("a"));
    assert!(run.cancel.is_cancelled());
    s.wake(&key("a"), Trigger::Created, now);
    s.done(&key("a"), Next::Gone, now);
    assert!(s.next(now).is_some(), "it was created again meanwhile");
    s.done(&key("a"), Next::Gone, now);
    assert!(s.entries.is_empty() && s.due.is_empty() && s.running == 0);
}

#[tokio::test]
async fn the_waker_sleeps_until_something_is_due_or_woken() {
    let waker = super::super::Waker::new(Options::default());
    let (other, now) = (waker.clone(), Instant::now());
    assert!(tokio::time::timeout(Duration::from_millis(20), waker.next()).await.is_err(), "nothing to do");
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_millis(20)).await;
        other.wake(&key("a"), Trigger::Created);
    });
    assert_eq!(waker.next().await.key, key("a"));
    let due = now + Duration::from_millis(100);
    waker.with(|s| s.done(&key("a"), Next::Retry(due), Instant::now()));
    assert!(waker.next().await.triggers.only(Trigger::Retry));
    assert!(Instant::now() >= due);
}

#[test]
fn a_run_that_only_tells_gives_its_slot_away_and_is_still_the_only_one() {
    let (mut s, now) = (schedule(1), Instant::now());
    s.wake(&key("a"), Trigger::Drift, now);
    s.wake(&key("b"), Trigger::Created, now);
    assert_eq!(names(&mut s, now), ["a"]);
    s.release(&key("a"));
    s.release(&key("a"));
    s.wake(&key("a"), Trigger::Changed, now);
    assert_eq!(names(&mut s, now), ["b"], "the slot is free, the object is not");
    assert_eq!(s.done(&key("a"), Next::Never, now), Some(Duration::ZERO));
    assert!(s.next(now).is_none(), "the slot was given back once");
    s.done(&key("b"), Next::Never, now);
    assert_eq!(names(&mut s, now), ["a"]);
}

#[test]
fn repairs_are_those_asked_for_and_those_under_way() {
    let (mut s, now) = (schedule(4), Instant::now());
    for name in ["a", "b", "b", "c"] {
        s.wake(&key(name), Trigger::Drift, now);
    }
    s.wake(&key("d"), Trigger::Changed, now);
    s.forget(&key("c"));
    assert_eq!(names(&mut s, now).len(), 3);
    s.release(&key("a"));
    s.done(&key("a"), Next::Never, now);
    assert!(s.is_repairing());
    s.wake(&key("b"), Trigger::Drift, now);
    s.done(&key("b"), Next::Never, now);
    assert!(s.is_repairing(), "once more");
    assert_eq!(names(&mut s, now), ["b"]);
    s.done(&key("b"), Next::Never, now);
    assert!(!s.is_repairing());
}
