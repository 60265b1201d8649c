//! Which event is tried next. Pure: time is an argument.
//!
//! # Guarantees
//! * Events about one object go out in the order they came.
//! * An event the receiver always refuses holds back its own object only, and is given up: after [`REFUSALS`] refusals
//!   with another event taken in between, which shows that it is the event's fault and not the receiver's, or after
//!   [`LONGEST`] of refusals.
//! * While the receiver is not there one event at a time is tried, each time another one, and none is given up but the
//!   oldest of more than [`KEPT`].

use std::{collections::VecDeque, time::Duration};

use tokio::time::Instant;
use weir_proto::WireEvent;
use weir_reconcile::schedule::backoff;

/// Events kept; the oldest are given up beyond it.
const KEPT: usize = 1000;
const FIRST_DELAY: Duration = Duration::from_secs(1);
const LONGEST_DELAY: Duration = Duration::from_secs(60);
/// Refusals that are the event's own fault.
const REFUSALS: u32 = 5;
/// How long a receiver may refuse an event when it takes no other either.
const LONGEST: Duration = Duration::from_secs(3600);
/// Failures in a row after which the receiver is said to be down.
const DOWN: u32 = 3;

/// How a try failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Failed {
    /// Nobody answered.
    Unreachable,
    /// The receiver answered, and not well.
    Refused,
}

/// What comes of a failed try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is tried again.
    Kept,
    /// It is tried again; nobody is there, and this is the moment to say so.
    Down,
    /// It is given up.
    GivenUp { tries: u32 },
}

/// What to do.
#[derive(Debug, PartialEq)]
pub(super) enum Next {
    /// Nothing waits.
    Empty,
    /// Nothing before this moment.
    At(Instant),
    /// Try this one.
    Try(u64, Box<WireEvent>),
}

#[derive(Debug)]
struct Kept {
    id: u64,
    event: WireEvent,
    since: Instant,
    due: Instant,
    tries: u32,
    /// Refusals with another event taken since the one before.
    refusals: u32,
    /// Events taken when it was refused last.
    taken: u64,
}

/// The events that wait, oldest first.
#[derive(Debug, Default)]
pub(super) struct Lineup {
    kept: VecDeque<Kept>,
    next: u64,
    /// Events taken so far.
    taken: u64,
    /// Failures to reach the receiver in a row, and when to try again.
    down: u32,
    again: Option<Instant>,
}

impl Lineup {
    pub(super) fn len(&self) -> usize {
        self.kept.len()
    }

    /// Whether an event cannot go at once: the receiver is down, or another event of its object waits.
    pub(super) fn must_wait(&self, event: &WireEvent) -> bool {
        self.again.is_some() || self.kept.iter().any(|kept| same_object(&kept.event, event))
    }

    /// The receiver took an event that was never kept.
    pub(super) fn accepted(&mut self) {
        self.taken += 1;
        (self.down, self.again) = (0, None);
    }

    /// Keeps an event that was not tried. Gives the one that must go for it.
    pub(super) fn keep(&mut self, event: WireEvent, now: Instant) -> Option<WireEvent> {
        let given_up = if self.kept.len() >= KEPT { self.kept.pop_front().map(|kept| kept.event) } else { None };
        let id = self.next;
        self.next += 1;
        self.kept.push_back(Kept { id, event, since: now, due: now, tries: 0, refusals: 0, taken: self.taken });
        given_up
    }

    /// Keeps an event whose first try failed.
    pub(super) fn keep_failed(&mut self, event: WireEvent, failed: Failed, now: Instant) -> Option<WireEvent> {
        let given_up = self.keep(event, now);
        self.failed(self.next - 1, failed, now);
        given_up
    }

    /// The event to try now: the first of its object, and due. The oldest; but while nobody is there the one tried least
    /// often, so that not one alone decides whether somebody is.
    pub(super) fn next(&self, now: Instant) -> Next {
        if self.kept.is_empty() {
            return Next::Empty;
        }
        if let Some(again) = self.again.filter(|again| *again > now) {
            return Next::At(again);
        }
        let first = |(at, kept): &(usize, &Kept)| {
            !self.kept.iter().take(*at).any(|before| same_object(&before.event, &kept.event))
        };
        let heads = || self.kept.iter().enumerate().filter(first).map(|(_, kept)| kept);
        // While nobody is there an event's own delay means nothing.
        let due = |kept: &&Kept| self.again.is_some() || kept.due <= now;
        let tries = |kept: &Kept| if self.again.is_some() { kept.tries } else { 0 };
        match heads().filter(due).min_by_key(|kept| (tries(kept), kept.id)) {
            Some(kept) => Next::Try(kept.id, Box::new(kept.event.clone())),
            None => Next::At(heads().map(|kept| kept.due).min().unwrap_or(now)),
        }
    }

    /// The receiver took it.
    pub(super) fn done(&mut self, id: u64) {
        self.accepted();
        self.remove(id);
    }

    /// It is not to be tried again.
    pub(super) fn remove(&mut self, id: u64) {
        self.kept.retain(|kept| kept.id != id);
    }

    /// A try failed.
    pub(super) fn failed(&mut self, id: u64, failed: Failed, now: Instant) -> Verdict {
        let taken = self.taken;
        // Overflow may have taken the event meanwhile.
        let Some(kept) = self.kept.iter_mut().find(|kept| kept.id == id) else { return Verdict::Kept };
        kept.tries += 1;
        let others_pass = kept.tries > 1 && taken > kept.taken;
        if others_pass || kept.tries == 1 {
            (kept.refusals, kept.taken) = (kept.refusals + 1, taken);
        }
        if failed == Failed::Refused {
            kept.due = now + backoff(kept.tries - 1, FIRST_DELAY, LONGEST_DELAY);
        }
        let (tries, refusals, age) = (kept.tries, kept.refusals, now.duration_since(kept.since));
        if failed == Failed::Unreachable && !(others_pass && refusals >= REFUSALS) {
            self.again = Some(now + backoff(self.down, FIRST_DELAY, LONGEST_DELAY));
            self.down += 1;
            return if self.down == DOWN { Verdict::Down } else { Verdict::Kept };
        }
        (self.down, self.again) = (0, None);
        if refusals >= REFUSALS || age >= LONGEST {
            self.remove(id);
            return Verdict::GivenUp { tries };
        }
        Verdict::Kept
    }

    /// Everything is due at once.
    pub(super) fn hurry(&mut self) {
        let now = self.kept.iter().map(|kept| kept.since).min();
        for kept in &mut self.kept {
            kept.due = now.unwrap_or(kept.due);
        }
        (self.down, self.again) = (0, None);
    }
}

fn same_object(a: &WireEvent, b: &WireEvent) -> bool {
    let (a, b) = (&a.involved_object, &b.involved_object);
    (&a.kind, &a.namespace, &a.name) == (&b.kind, &b.namespace, &b.name)
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use weir_proto::WireReference;

    use super::*;

    fn event(name: &str, message: &str) -> WireEvent {
        let involved_object = WireReference { name: name.to_owned(), ..WireReference::default() };
        WireEvent {
            involved_object,
            severity: "info".to_owned(),
            timestamp: Timestamp::UNIX_EPOCH,
            message: message.to_owned(),
            reason: "R".to_owned(),
            metadata: std::collections::BTreeMap::new(),
            reporting_controller: "c".to_owned(),
            reporting_instance: String::new(),
        }
    }

    fn tried(lineup: &Lineup, now: Instant) -> (u64, String) {
        match lineup.next(now) {
            Next::Try(id, event) => (id, event.message),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn an_event_that_is_always_refused_holds_back_its_object_only_and_is_given_up() {
        let (mut lineup, now) = (Lineup::default(), Instant::now());
        assert_eq!(lineup.keep_failed(event("a", "poison"), Failed::Refused, now), None);
        assert!(lineup.must_wait(&event("a", "later")) && !lineup.must_wait(&event("b", "other")));
        lineup.keep(event("a", "later"), now);
        lineup.keep(event("b", "other"), now);
        let (id, message) = tried(&lineup, now);
        assert_eq!(message, "other", "the poison is not due yet");
        lineup.done(id);
        let mut at = now;
        for refusals in 2..=REFUSALS {
            at += Duration::from_secs(120);
            let (id, message) = tried(&lineup, at);
            assert_eq!(message, "poison", "the later one waits for it");
            let verdict = lineup.failed(id, Failed::Refused, at);
            let given_up = Verdict::GivenUp { tries: refusals };
            assert_eq!(verdict, if refusals < REFUSALS { Verdict::Kept } else { given_up });
            lineup.accepted();
        }
        assert_eq!(tried(&lineup, at).1, "later");
        assert_eq!(lineup.len(), 1);
    }

    #[test]
    fn a_receiver_that_refuses_everything_costs_no_event_for_an_hour() {
        let (mut lineup, now) = (Lineup::default(), Instant::now());
        lineup.keep(event("a", "m"), now);
        let mut at = now;
        for _ in 0..50 {
            at += Duration::from_secs(60);
            assert_eq!(lineup.failed(0, Failed::Refused, at), Verdict::Kept);
        }
        at += Duration::from_secs(600);
        assert_eq!(lineup.failed(0, Failed::Refused, at), Verdict::GivenUp { tries: 51 });
    }

    #[test]
    fn while_nobody_is_there_one_is_tried_at_a_time_and_none_is_given_up() {
        let (mut lineup, now) = (Lineup::default(), Instant::now());
        lineup.keep_failed(event("a", "a1"), Failed::Unreachable, now);
        assert!(lineup.must_wait(&event("b", "b1")), "no run waits for a receiver that is down");
        lineup.keep(event("b", "b1"), now);
        lineup.keep(event("a", "a2"), now);
        assert_eq!(lineup.next(now), Next::At(now + FIRST_DELAY));
        let mut at = now;
        let mut seen = Vec::new();
        for _ in 0..100 {
            at += LONGEST_DELAY;
            let Next::Try(id, event) = lineup.next(at) else { panic!("due") };
            seen.push(event.message);
            assert!(!matches!(lineup.failed(id, Failed::Unreachable, at), Verdict::GivenUp { .. }));
            assert!(matches!(lineup.next(at), Next::At(_)));
        }
        assert_eq!(&seen[..3], ["b1", "a1", "b1"], "not one alone decides whether somebody is there");
        assert!(!seen.contains(&"a2".to_owned()));
        at += LONGEST_DELAY;
        lineup.accepted();
        let mut order = Vec::new();
        while let Next::Try(id, event) = lineup.next(at) {
            order.push(event.message);
            lineup.done(id);
        }
        assert_eq!(order, ["a1", "b1", "a2"], "as they came");
        assert_eq!(lineup.next(at), Next::Empty);
    }

    #[test]
    fn one_that_nobody_answers_while_others_pass_is_given_up_too() {
        let (mut lineup, now) = (Lineup::default(), Instant::now());
        lineup.keep_failed(event("a", "slow"), Failed::Unreachable, now);
        let mut at = now;
        for _ in 2..REFUSALS {
            lineup.accepted();
            at += LONGEST_DELAY;
            assert!(!matches!(lineup.failed(0, Failed::Unreachable, at), Verdict::GivenUp { .. }));
        }
        lineup.accepted();
        assert_eq!(lineup.failed(0, Failed::Unreachable, at), Verdict::GivenUp { tries: REFUSALS });
    }

    #[test]
    fn the_oldest_goes_when_too_many_wait_and_the_end_hurries_all() {
        let (mut lineup, now) = (Lineup::default(), Instant::now());
        for n in 0..KEPT {
            assert_eq!(lineup.keep(event(&n.to_string(), "m"), now), None);
        }
        let given_up = lineup.keep_failed(event("last", "m"), Failed::Unreachable, now).unwrap();
        assert_eq!(given_up.involved_object.name, "0");
        assert!(matches!(lineup.next(now), Next::At(_)));
        lineup.hurry();
        assert!(matches!(lineup.next(now), Next::Try(..)));
        // A try whose event was given up meanwhile changes nothing.
        assert_eq!(lineup.failed(0, Failed::Refused, now), Verdict::Kept);
    }
}
