use jiff::SignedDuration;

use super::*;
use crate::event::{prepare, tests::sample};

const T0: Timestamp = Timestamp::constant(1_700_000_000, 0);

fn event(n: usize) -> Prepared {
    let mut event = sample(&[]);
    event.message = format!("message {n}");
    prepare(event)
}

fn target(alert: &str, provider: &str) -> Target {
    Target { alert: ObjectKey::new("apps", alert), provider: ObjectKey::new("apps", provider) }
}

fn open(dir: &Path) -> Opened {
    Queue::open(dir, Options { segment: 4_000, ..Options::default() }, T0).unwrap()
}

fn waiting(queue: &Queue) -> Vec<(u64, String, Option<usize>)> {
    let state = queue.state();
    let row = |(id, open): (&u64, &Open)| (*id, open.event.message.clone(), open.targets.as_ref().map(|t| t.len()));
    state.open().iter().map(row).collect()
}

#[tokio::test]
async fn a_restart_continues_where_it_was() {
    let dir = tempfile::tempdir().unwrap();
    let opened = open(dir.path());
    for n in 0..3 {
        assert_eq!(opened.queue.accept(&event(n), T0).await.unwrap(), Accepted::New(n as u64 + 1));
    }
    opened.queue.route(1, vec![target("a", "p"), target("b", "q")]);
    opened.queue.done(1, &target("a", "p"));
    opened.queue.route(2, vec![]);
    drop(opened);
    let mut opened = open(dir.path());
    let expected = [(1, "message 0".to_owned(), Some(1)), (3, "message 2".to_owned(), None)];
    assert_eq!(waiting(&opened.queue), expected);
    assert_eq!(opened.resumed, [1]);
    assert_eq!(opened.arrivals.try_recv(), Ok(3));
    assert!(opened.queue.is_open(1, &target("b", "q")) && !opened.queue.is_open(1, &target("a", "p")));
    assert_eq!(opened.queue.accept(&event(9), T0).await.unwrap(), Accepted::New(4));
    let mut watcher = opened.queue.watch(true);
    let mut ids = Vec::new();
    while let Some(seen) = futures::FutureExt::now_or_never(watcher.next()) {
        ids.push(seen.unwrap().id);
    }
    assert_eq!(ids, [1, 2, 3, 4]);
}

#[tokio::test]
async fn duplicates_are_known_for_the_interval_and_across_restarts() {
    let dir = tempfile::tempdir().unwrap();
    let opened = open(dir.path());
    opened.queue.accept(&event(1), T0).await.unwrap();
    opened.queue.route(1, vec![]);
    let later = T0 + SignedDuration::from_secs(299);
    assert_eq!(opened.queue.accept(&event(1), later).await.unwrap(), Accepted::Duplicate);
    drop(opened);
    let opened = open(dir.path());
    assert_eq!(opened.queue.accept(&event(1), later).await.unwrap(), Accepted::Duplicate);
    let after = T0 + SignedDuration::from_secs(300);
    assert_eq!(opened.queue.accept(&event(1), after).await.unwrap(), Accepted::New(2));
}

#[tokio::test]
async fn of_two_equal_events_at_once_one_is_taken() {
    let dir = tempfile::tempdir().unwrap();
    let opened = open(dir.path());
    let same = event(1);
    let answers = futures::future::join_all((0..8).map(|_| opened.queue.accept(&same, T0))).await;
    let new = answers.iter().filter(|answer| matches!(answer, Ok(Accepted::New(_)))).count();
    assert_eq!((new, answers.len()), (1, 8));
}

#[tokio::test]
async fn the_queue_is_bounded() {
    let dir = tempfile::tempdir().unwrap();
    let options = Options { max_events: 2, max_per_provider: 1, ..Options::default() };
    let opened = Queue::open(dir.path(), options, T0).unwrap();
    for n in 0..2 {
        opened.queue.accept(&event(n), T0).await.unwrap();
    }
    assert!(matches!(opened.queue.accept(&event(2), T0).await, Err(Refused::Full)));
    assert!(opened.queue.route(1, vec![target("a", "p")]).is_empty());
    assert!(opened.queue.route(2, vec![target("a", "other")]).is_empty());
    opened.queue.done(2, &target("a", "other"));
    opened.queue.accept(&event(2), T0).await.unwrap();
    assert_eq!(opened.queue.route(3, vec![target("a", "p")]), [(1, target("a", "p"))], "the oldest makes room");
}

#[tokio::test]
async fn compaction_gives_back_space_and_keeps_what_waits() {
    let dir = tempfile::tempdir().unwrap();
    let opened = open(dir.path());
    opened.queue.accept(&event(0), T0).await.unwrap();
    opened.queue.route(1, vec![target("a", "p"), target("b", "q")]);
    opened.queue.done(1, &target("a", "p"));
    for n in 1..200 {
        let Accepted::New(id) = opened.queue.accept(&event(n), T0).await.unwrap() else { panic!("event {n}") };
        opened.queue.route(id, vec![]);
    }
    let before: u64 = crate::journal::segments(dir.path()).unwrap().iter().map(|(_, size)| size).sum();
    let later = T0 + SignedDuration::from_secs(1000);
    opened.queue.accept(&event(500), later).await.unwrap();
    opened.queue.maintain(later).await.unwrap();
    let after: u64 = crate::journal::segments(dir.path()).unwrap().iter().map(|(_, size)| size).sum();
    assert!(after * 10 < before, "{before} -> {after}");
    opened.queue.done(1, &target("b", "nobody"));
    drop(opened);
    let opened = open(dir.path());
    assert_eq!(
        waiting(&opened.queue).iter().map(|row| (row.0, row.2)).collect::<Vec<_>>(),
        [(1, Some(1)), (201, None)]
    );
    assert!(opened.queue.is_open(1, &target("b", "q")));
    assert_eq!(opened.queue.accept(&event(500), later).await.unwrap(), Accepted::Duplicate);
}

/// The journal as a kill at any byte leaves it: every acknowledged event is there, and nothing that was done comes back
/// unless its mark was cut.
#[tokio::test]
async fn a_kill_at_every_byte_loses_nothing_that_was_acknowledged() {
    let dir = tempfile::tempdir().unwrap();
    let opened = Queue::open(dir.path(), Options::default(), T0).unwrap();
    let mut acknowledged = Vec::new();
    let size = |dir: &Path| crate::journal::segments(dir).unwrap().iter().map(|(_, size)| *size).sum::<u64>();
    for n in 0..4 {
        let Accepted::New(id) = opened.queue.accept(&event(n), T0).await.unwrap() else { panic!("event {n}") };
        acknowledged.push((id, size(dir.path())));
        opened.queue.route(id, vec![target("a", "p")]);
        opened.queue.done(id, &target("a", "p"));
    }
    drop(opened);
    let file = std::fs::read(crate::journal::segment_path(dir.path(), 1)).unwrap();
    for cut in (0..=file.len()).step_by(7) {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(crate::journal::segment_path(dir.path(), 1), &file[..cut]).unwrap();
        let opened = Queue::open(dir.path(), Options::default(), T0).unwrap();
        for (n, (_, safe_at)) in acknowledged.iter().enumerate() {
            let known = opened.queue.accept(&event(n), T0).await.unwrap() == Accepted::Duplicate;
            assert_eq!(known, *safe_at <= cut as u64, "event {n}, cut at {cut}");
        }
    }
}
