//! How often a caller may make us ask the API server.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Mutex, PoisonError},
};

use tokio::time::Instant;

/// Callers remembered; those that asked nothing lately are forgotten first.
const KEPT: usize = 4096;

/// A bucket of tokens per caller.
#[derive(Debug)]
pub(super) struct Limits<K> {
    per_second: f64,
    burst: f64,
    buckets: Mutex<HashMap<K, (f64, Instant)>>,
}

impl<K: Eq + Hash + Clone> Limits<K> {
    /// `burst` at once, then so many a second.
    pub(super) fn new(per_second: f64, burst: f64) -> Self {
        Self { per_second, burst, buckets: Mutex::default() }
    }

    /// Whether the caller may ask once more now.
    pub(super) fn take(&self, caller: &K, now: Instant) -> bool {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let filled = |(tokens, at): (f64, Instant)| {
            (tokens + now.saturating_duration_since(at).as_secs_f64() * self.per_second).min(self.burst)
        };
        if buckets.len() >= KEPT && !buckets.contains_key(caller) {
            buckets.retain(|_, bucket| filled(*bucket) < self.burst);
            if buckets.len() >= KEPT {
                buckets.clear();
            }
        }
        let tokens = buckets.get(caller).map_or(self.burst, |bucket| filled(*bucket));
        let may = tokens >= 1.0;
        buckets.insert(caller.clone(), (if may { tokens - 1.0 } else { tokens }, now));
        may
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn each_caller_has_its_own_burst_and_rate_and_few_are_remembered() {
        let (limits, now) = (Limits::new(2.0, 3.0), Instant::now());
        let may = |caller: usize, at: Instant| limits.take(&caller, at);
        assert_eq!([0; 5].map(|_| may(1, now)), [true, true, true, false, false]);
        assert!(may(2, now), "another is not held back");
        let later = now + Duration::from_secs(1);
        assert_eq!([0; 3].map(|_| may(1, later)), [true, true, false]);
        for caller in 0..2 * KEPT {
            may(caller, later);
        }
        assert!(limits.buckets.lock().unwrap().len() <= KEPT);
    }
}
