//! What a lease says, and what to make of it. No I/O.

use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::{
    api::coordination::v1::{Lease, LeaseSpec},
    apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta},
};
use tokio::time::Instant;

/// The last version seen, and when it was first seen by our own clock.
#[derive(Debug, Default)]
pub(super) struct Observed {
    version: Option<String>,
    since: Option<Instant>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Decision {
    /// Somebody else holds it.
    Wait,
    /// It is ours, free, or not renewed for its whole duration.
    Take,
}

impl Observed {
    pub(super) fn decide(&mut self, lease: &Lease, identity: &str, duration: Duration, now: Instant) -> Decision {
        let version = lease.metadata.resource_version.clone();
        if self.version != version || self.since.is_none() {
            self.version = version;
            self.since = Some(now);
        }
        let holder = holder(lease);
        if holder.is_empty() || holder == identity {
            return Decision::Take;
        }
        let theirs = lease.spec.as_ref().and_then(|spec| spec.lease_duration_seconds);
        let theirs = theirs.and_then(|s| u64::try_from(s).ok()).map_or(duration, Duration::from_secs);
        let expired = self.since.is_some_and(|since| now.saturating_duration_since(since) >= theirs);
        if expired { Decision::Take } else { Decision::Wait }
    }
}

pub(super) fn holder(lease: &Lease) -> &str {
    lease.spec.as_ref().and_then(|spec| spec.holder_identity.as_deref()).unwrap_or_default()
}

pub(super) fn first(name: &str, namespace: &str, identity: &str, duration: Duration, now: Timestamp) -> Lease {
    let metadata =
        ObjectMeta { name: Some(name.to_owned()), namespace: Some(namespace.to_owned()), ..ObjectMeta::default() };
    let mut lease = taken(Lease { metadata, spec: None }, identity, duration, now);
    if let Some(spec) = &mut lease.spec {
        spec.lease_transitions = Some(0);
    }
    lease
}

/// The lease as we hold it: a renewal keeps when it was acquired, a takeover counts a transition.
pub(super) fn taken(mut lease: Lease, identity: &str, duration: Duration, now: Timestamp) -> Lease {
    let renewal = holder(&lease) == identity;
    let mut spec = lease.spec.take().unwrap_or_default();
    if !renewal {
        spec.acquire_time = Some(MicroTime(now));
        spec.lease_transitions = Some(spec.lease_transitions.unwrap_or(0).saturating_add(1));
    }
    spec.holder_identity = Some(identity.to_owned());
    spec.lease_duration_seconds = Some(i32::try_from(duration.as_secs()).unwrap_or(i32::MAX));
    spec.renew_time = Some(MicroTime(now));
    lease.spec = Some(spec);
    lease
}

/// The lease as nobody holds it: empty holder, one second, as client-go leaves it.
pub(super) fn released(mut lease: Lease, now: Timestamp) -> Lease {
    let transitions = lease.spec.as_ref().and_then(|spec| spec.lease_transitions);
    lease.spec = Some(LeaseSpec {
        holder_identity: Some(String::new()),
        lease_duration_seconds: Some(1),
        acquire_time: Some(MicroTime(now)),
        renew_time: Some(MicroTime(now)),
        lease_transitions: transitions,
        ..LeaseSpec::default()
    });
    lease
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::constant(1_700_000_000, 0);
    const TERM: Duration = Duration::from_secs(35);

    fn versioned(mut lease: Lease, version: &str) -> Lease {
        lease.metadata.resource_version = Some(version.to_owned());
        lease
    }

    #[test]
    fn a_lease_is_taken_only_after_its_whole_term_unchanged() {
        let (mut seen, start) = (Observed::default(), Instant::now());
        let lease = versioned(first("l", "n", "them", TERM, NOW), "1");
        assert_eq!(seen.decide(&lease, "us", TERM, start), Decision::Wait);
        assert_eq!(seen.decide(&lease, "us", TERM, start + TERM - Duration::from_secs(1)), Decision::Wait);
        let renewed = versioned(lease, "2");
        let late = start + TERM;
        assert_eq!(seen.decide(&renewed, "us", TERM, late), Decision::Wait, "it was renewed");
        assert_eq!(seen.decide(&renewed, "us", TERM, late + TERM), Decision::Take);
        assert_eq!(seen.decide(&renewed, "them", TERM, late), Decision::Take, "the holder renews");
        assert_eq!(seen.decide(&versioned(released(renewed, NOW), "3"), "us", TERM, late), Decision::Take);
    }

    #[test]
    fn renewals_keep_and_takeovers_count() {
        let lease = first("l", "n", "a", TERM, NOW);
        let later = NOW.saturating_add(Duration::from_secs(5)).unwrap();
        let renewed = taken(lease, "a", TERM, later).spec.unwrap();
        assert_eq!((renewed.lease_transitions, renewed.acquire_time.clone()), (Some(0), Some(MicroTime(NOW))));
        let lease = Lease { spec: Some(renewed), ..Lease::default() };
        let stolen = taken(lease, "b", TERM, later).spec.unwrap();
        assert_eq!((stolen.lease_transitions, stolen.acquire_time), (Some(1), Some(MicroTime(later))));
    }

    #[test]
    fn names_carry_the_shard() {
        assert_eq!(super::super::lease_name("source-controller", ""), "source-controller-leader-election");
        let sharded = super::super::lease_name("source-controller", "sharding.fluxcd.io/key=shard1");
        assert_eq!(sharded.len(), "source-controller-leader-election-".len() + 8);
    }
}
