//! When to look again: jitter around an interval, backoff after errors. Randomness is an argument.

use std::time::Duration;

/// `interval` moved by up to `percent` either way; `random` is in 0..1. Zero percent, or a zero interval, is exact.
#[must_use]
pub fn jitter(interval: Duration, percent: u8, random: f64) -> Duration {
    let spread = f64::from(percent.min(100)) / 100.0;
    let factor = 1.0 + spread * (random.clamp(0.0, 1.0) * 2.0 - 1.0);
    interval.mul_f64(factor.max(0.0))
}

/// The delay before try `attempt` (0 is the first retry): doubles from `min`, never above `max`.
#[must_use]
pub fn backoff(attempt: u32, min: Duration, max: Duration) -> Duration {
    let factor = 2u32.saturating_pow(attempt.min(31));
    min.checked_mul(factor).map_or(max, |delay| delay.min(max))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jitter_stays_within_the_percentage() {
        let hour = Duration::from_secs(3600);
        assert_eq!(jitter(hour, 5, 0.0), Duration::from_secs(3420));
        assert_eq!(jitter(hour, 5, 1.0), Duration::from_secs(3780));
        assert_eq!(jitter(hour, 0, 0.9), hour);
    }

    #[test]
    fn backoff_doubles_up_to_the_limit() {
        let (min, max) = (Duration::from_millis(750), Duration::from_secs(900));
        assert_eq!(backoff(0, min, max), min);
        assert_eq!(backoff(3, min, max), Duration::from_secs(6));
        assert_eq!(backoff(40, min, max), max);
    }
}
