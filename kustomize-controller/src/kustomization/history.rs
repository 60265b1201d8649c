//! `status.history`: the last distinct results, newest first.

use std::{collections::BTreeMap, time::Duration};

use jiff::Timestamp;
use weir_api::kustomize::Snapshot;

/// How many snapshots are kept.
const LIMIT: usize = 5;

/// One finished run, as history records it.
#[derive(Clone, Debug)]
pub struct Run<'a> {
    /// Digest of the built manifests, `sha256:<hex>`.
    pub digest: &'a str,
    /// Reason of the Ready condition at the end of the run.
    pub status: &'a str,
    /// When it ended.
    pub ended: Timestamp,
    /// How long it took.
    pub took: Duration,
    /// `revision`, `originRevision` and the steps' durations.
    pub metadata: BTreeMap<String, String>,
}

/// `history` with `run` in it: a run with the digest and status of an earlier one is counted there and moves to the
/// front; any other is a new entry. The oldest beyond five is dropped.
#[must_use]
pub fn upsert(history: &[Snapshot], run: Run<'_>) -> Vec<Snapshot> {
    let same = |s: &&Snapshot| s.digest == run.digest && s.last_reconciled_status == run.status;
    let earlier = history.iter().find(same);
    let ended = Timestamp::from_second(run.ended.as_second()).unwrap_or(run.ended);
    let newest = Snapshot {
        digest: run.digest.to_owned(),
        first_reconciled: earlier.map_or(ended, |s| s.first_reconciled),
        last_reconciled: ended,
        last_reconciled_duration: run.took.into(),
        last_reconciled_status: run.status.to_owned(),
        metadata: run.metadata,
        total_reconciliations: earlier.map_or(0, |s| s.total_reconciliations).saturating_add(1),
    };
    let others = history.iter().filter(|s| !same(s)).cloned();
    std::iter::once(newest).chain(others).take(LIMIT).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run<'a>(digest: &'a str, status: &'a str, second: i64) -> Run<'a> {
        Run {
            digest,
            status,
            ended: Timestamp::constant(second, 7),
            took: Duration::from_millis(20),
            metadata: BTreeMap::from([("revision".to_owned(), "main@sha1:1".to_owned())]),
        }
    }

    #[test]
    fn the_same_result_is_counted_and_moves_to_the_front() {
        let history = upsert(&[], run("sha256:a", "ReconciliationSucceeded", 10));
        let history = upsert(&history, run("sha256:b", "ReconciliationSucceeded", 20));
        let history = upsert(&history, run("sha256:a", "ReconciliationSucceeded", 30));
        let seen: Vec<_> = history.iter().map(|s| (s.digest.as_str(), s.total_reconciliations)).collect();
        assert_eq!(seen, [("sha256:a", 2), ("sha256:b", 1)]);
        assert_eq!(history[0].first_reconciled, Timestamp::constant(10, 0));
        assert_eq!(history[0].last_reconciled, Timestamp::constant(30, 0));
    }

    #[test]
    fn another_status_of_the_same_digest_is_another_entry_and_five_are_kept() {
        let mut history = upsert(&[], run("sha256:a", "HealthCheckFailed", 1));
        history = upsert(&history, run("sha256:a", "ReconciliationSucceeded", 2));
        assert_eq!(history.len(), 2);
        for (n, digest) in ["sha256:c", "sha256:d", "sha256:e", "sha256:f"].into_iter().enumerate() {
            history = upsert(&history, run(digest, "ReconciliationSucceeded", 10 + n as i64));
        }
        assert_eq!(history.len(), 5);
        assert_eq!(history[0].digest, "sha256:f");
        assert!(history.iter().all(|s| s.last_reconciled_status != "HealthCheckFailed"));
    }
}
