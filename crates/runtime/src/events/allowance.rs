//! How many events about one object are written to the cluster: 25 at once, then one more every five minutes, as client-go
//! limits them. The receiver of events has its own limits.

use std::collections::HashMap;

use jiff::Timestamp;

/// Events at once.
const BURST: f64 = 25.0;
/// Seconds until there may be one more.
const REFILL: f64 = 300.0;
/// Objects remembered.
const REMEMBERED: usize = 4096;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Allowance {
    left: HashMap<u64, (f64, Timestamp)>,
}

impl Allowance {
    /// Whether an event about an object may be written now; if so, it counts.
    pub(super) fn take(&mut self, object: u64, now: Timestamp) -> bool {
        if self.left.len() >= REMEMBERED && !self.left.contains_key(&object) {
            self.left.retain(|_, (left, at)| grown(*left, *at, now) < BURST);
            if self.left.len() >= REMEMBERED {
                self.left.clear();
            }
        }
        let (left, at) = self.left.entry(object).or_insert((BURST, now));
        *left = grown(*left, *at, now);
        *at = now;
        if *left < 1.0 {
            return false;
        }
        *left -= 1.0;
        true
    }
}

fn grown(left: f64, at: Timestamp, now: Timestamp) -> f64 {
    (left + now.duration_since(at).as_secs_f64().max(0.0) / REFILL).min(BURST)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_700_000_000 + second).unwrap()
    }

    #[test]
    fn a_burst_and_then_one_every_five_minutes_for_each_object() {
        let mut allowance = Allowance::default();
        let taken = (0..30).filter(|_| allowance.take(1, at(0))).count();
        assert_eq!(taken, 25);
        assert!(!allowance.take(1, at(299)));
        assert!(allowance.take(2, at(299)), "another object");
        assert!(allowance.take(1, at(301)));
        assert!(!allowance.take(1, at(302)));
        assert_eq!((0..30).filter(|_| allowance.take(1, at(100_000))).count(), 25);
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let mut allowance = Allowance::default();
        for object in 0..10_000 {
            allowance.take(object, at(0));
        }
        assert!(allowance.left.len() <= REMEMBERED);
    }
}
