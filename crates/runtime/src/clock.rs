//! The only place that reads the time; everywhere else it is an argument.
//!
//! [`Clock`] hands out both wall time and monotonic time; under `tokio::time::pause` the monotonic one stands still,
//! and [`Clock::fixed`] lets a test choose the wall time.

use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

/// Tells the time.
#[derive(Clone, Copy, Debug, Default)]
pub struct Clock {
    /// Wall time at a monotonic moment, for tests; wall time then moves with the monotonic one.
    fixed: Option<(Timestamp, Instant)>,
}

impl Clock {
    /// The machine's clock.
    #[must_use]
    pub const fn system() -> Self {
        Self { fixed: None }
    }

    /// A clock that shows `time` now and moves on with tokio's (possibly paused) time.
    #[must_use]
    pub fn fixed(time: Timestamp) -> Self {
        Self { fixed: Some((time, Instant::now())) }
    }

    /// Wall time.
    #[must_use]
    #[allow(clippy::disallowed_methods)]
    pub fn now(&self) -> Timestamp {
        match self.fixed {
            Some((time, since)) => time.saturating_add(since.elapsed()).unwrap_or(time),
            None => Timestamp::now(),
        }
    }

    /// Monotonic time, for deadlines and measurements.
    #[must_use]
    pub fn instant(&self) -> Instant {
        Instant::now()
    }

    /// The monotonic moment at which wall time will show `at`; now when that is past.
    #[must_use]
    pub fn instant_of(&self, at: Timestamp) -> Instant {
        self.instant() + self.until(at)
    }

    /// How long until wall time shows `at`; zero when that is past.
    #[must_use]
    pub fn until(&self, at: Timestamp) -> Duration {
        Duration::try_from(at.duration_since(self.now())).unwrap_or_default()
    }
}

/// Wall time of the machine.
#[must_use]
pub fn now() -> Timestamp {
    Clock::system().now()
}

/// Monotonic time of the machine (of tokio, when a test has paused it).
#[must_use]
pub fn instant() -> Instant {
    Clock::system().instant()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fixed_clock_starts_where_it_is_told() {
        let start = Timestamp::constant(1_700_000_000, 0);
        let clock = Clock::fixed(start);
        let now = clock.now();
        assert!(now >= start && now.as_second() < 1_700_000_600);
        let hour = Duration::from_secs(3600);
        let until = clock.until(start.saturating_add(hour).unwrap());
        assert!(until <= hour && until > hour / 2);
        assert_eq!(clock.until(Timestamp::UNIX_EPOCH), Duration::ZERO);
    }
}
