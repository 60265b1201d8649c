//! Dates: times with their zones, layouts as Go writes them, durations.

pub mod civil;
pub mod duration;
mod format;
mod functions;
mod layout;
mod object;
mod parse;
pub mod zone;

pub use functions::{register, register_world};
pub use object::TIME;

use civil::Civil;
use zone::Zone;

/// A `time.Time`.
#[derive(Clone, Debug)]
pub struct Time {
    /// Seconds since 1970.
    pub seconds: i64,
    /// Nanoseconds within the second.
    pub nanos: u32,
    /// Where its clock hangs.
    pub zone: Zone,
    /// Nanoseconds on the clock that never jumps, for times that came from `now`; Go prints them.
    pub monotonic: Option<i64>,
}

/// Seconds from the year 1 to 1970.
const YEAR_ONE: i64 = -62_135_596_800;
const SECOND: i64 = 1_000_000_000;
/// The seconds from 1885 on in which Go keeps both clocks.
const PACKED: std::ops::Range<i64> = -2_682_288_000..-2_682_288_000 + (1 << 33);

impl Time {
    /// The beginning of the year 1 in UTC, which is Go's zero time.
    #[must_use]
    pub fn zero() -> Self {
        Self { seconds: YEAR_ONE, nanos: 0, zone: Zone::Utc, monotonic: None }
    }

    /// So many nanoseconds since 1970.
    #[must_use]
    pub fn from_nanos(nanos: i128, zone: Zone) -> Self {
        let seconds = i64::try_from(nanos.div_euclid(i128::from(SECOND))).unwrap_or(i64::MAX);
        let nanos = u32::try_from(nanos.rem_euclid(i128::from(SECOND))).unwrap_or(0);
        Self { seconds, nanos, zone, monotonic: None }
    }

    /// Nanoseconds since the year 1. Go counts from there, and what does not fit wraps around.
    #[must_use]
    pub fn total_nanos(&self) -> i128 {
        i128::from(self.seconds.wrapping_sub(YEAR_ONE)) * i128::from(SECOND) + i128::from(self.nanos)
    }

    /// The same moment in another zone.
    #[must_use]
    pub fn in_zone(&self, zone: Zone) -> Self {
        Self { seconds: self.seconds, nanos: self.nanos, zone, monotonic: None }
    }

    /// Taken apart in its zone.
    #[must_use]
    pub fn civil(&self) -> Civil {
        civil::civil(self.seconds, self.zone.at(self.seconds).seconds)
    }

    /// So many nanoseconds later.
    #[must_use]
    pub fn plus(&self, nanos: i64) -> Self {
        let total = i64::from(self.nanos) + nanos.rem_euclid(SECOND);
        let seconds = self.seconds.wrapping_add(nanos.div_euclid(SECOND)).wrapping_add(total.div_euclid(SECOND));
        Self {
            seconds,
            nanos: u32::try_from(total.rem_euclid(SECOND)).unwrap_or(0),
            zone: self.zone.clone(),
            monotonic: self.monotonic.filter(|_| PACKED.contains(&seconds)).and_then(|it| it.checked_add(nanos)),
        }
    }

    /// The nanoseconds from another moment to this one, at most what a duration holds.
    #[must_use]
    pub fn since(&self, other: &Self) -> i64 {
        let nanos = self.total_nanos() - other.total_nanos();
        i64::try_from(nanos).unwrap_or(if nanos < 0 { i64::MIN } else { i64::MAX })
    }

    /// By a layout.
    #[must_use]
    pub fn format(&self, layout: &[u8]) -> Vec<u8> {
        format::format(self, layout)
    }

    /// As `%v` prints it.
    #[must_use]
    pub fn display(&self) -> String {
        let mut out = String::from_utf8_lossy(&self.format(b"2006-01-02 15:04:05.999999999 -0700 MST")).into_owned();
        if let Some(clock) = self.monotonic {
            let sign = if clock < 0 { '-' } else { '+' };
            let clock = clock.unsigned_abs();
            out.push_str(&format!(" m={sign}{}.{:09}", clock / 1_000_000_000, clock % 1_000_000_000));
        }
        out
    }

    /// As JSON: RFC 3339 in quotes.
    ///
    /// # Errors
    /// When the year has not four digits, or the offset a day.
    pub fn to_json(&self) -> Result<String, String> {
        let failed =
            |why: &str| Err(format!("json: error calling MarshalJSON for type time.Time: Time.MarshalJSON: {why}"));
        if !(0..10_000).contains(&self.civil().year) {
            return failed("year outside of range [0,9999]");
        }
        if self.zone.at(self.seconds).seconds.abs() >= 86_400 {
            return failed("timezone hour outside of range [0,23]");
        }
        let text = self.format(b"2006-01-02T15:04:05.999999999Z07:00");
        Ok(format!("\"{}\"", String::from_utf8_lossy(&text)))
    }

    /// Whether both are the same in memory, as `reflect.DeepEqual` sees them: moment, zone and clock.
    #[must_use]
    pub fn identical(&self, other: &Self) -> bool {
        let same_zone = match (&self.zone, &other.zone) {
            (Zone::Utc, Zone::Utc) => true,
            (Zone::Fixed(a, b), Zone::Fixed(c, d)) => a == c && b == d,
            (Zone::Rules(a, _), Zone::Rules(b, _)) => a == b,
            _ => false,
        };
        self.seconds == other.seconds && self.nanos == other.nanos && self.monotonic == other.monotonic && same_zone
    }
}
