//! Time zones, from the tz database built into the program.

use std::rc::Rc;

use jiff::{
    Timestamp,
    tz::{TimeZone, TimeZoneDatabase},
};

/// A time zone.
#[derive(Clone, Debug)]
pub enum Zone {
    /// UTC.
    Utc,
    /// An offset east of UTC in seconds, with a name or none.
    Fixed(Rc<str>, i64),
    /// A zone with rules, and the name Go has for it (`Local`, `Europe/Berlin`).
    Rules(Rc<str>, TimeZone),
}

/// Seconds of 400 years.
const CALENDAR_CYCLE: i64 = 146_097 * 86_400;

/// What a zone is at a moment.
pub struct Offset {
    /// `CET`; empty when there is none.
    pub name: String,
    /// Seconds east of UTC.
    pub seconds: i64,
    /// Whether it is daylight saving time.
    pub summer: bool,
}

impl Zone {
    /// The zone of this name in the tz database; the case of letters matters, as in Go on Linux. The empty name and
    /// `UTC` are UTC.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        if matches!(name, "" | "UTC") {
            return Some(Self::Utc);
        }
        let zone = TimeZoneDatabase::bundled().get(name).ok()?;
        (zone.iana_name() == Some(name)).then(|| Self::Rules(name.into(), zone))
    }

    /// The local zone of the machine; `UTC` when its rules are those of UTC.
    #[must_use]
    pub fn local(zone: TimeZone) -> Self {
        if zone == TimeZone::UTC { Self::Utc } else { Self::Rules("Local".into(), zone) }
    }

    /// Its name, as Go's `Location` prints it.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Utc => "UTC",
            Self::Fixed(name, _) | Self::Rules(name, _) => name,
        }
    }

    /// What it is at a moment, in seconds since 1970.
    #[must_use]
    pub fn at(&self, seconds: i64) -> Offset {
        match self {
            Self::Utc => Offset { name: "UTC".into(), seconds: 0, summer: false },
            Self::Fixed(name, seconds) => Offset { name: (**name).into(), seconds: *seconds, summer: false },
            Self::Rules(_, zone) => {
                // After the year 9999 the rules repeat as the calendar does, every 400 years.
                let beyond = seconds.saturating_sub(Timestamp::MAX.as_second());
                let cycles = if beyond > 0 { (beyond - 1) / CALENDAR_CYCLE + 1 } else { 0 };
                let moment = Timestamp::from_second(seconds - cycles * CALENDAR_CYCLE).unwrap_or(Timestamp::MIN);
                let info = zone.to_offset_info(moment);
                Offset {
                    name: info.abbreviation().to_owned(),
                    seconds: i64::from(info.offset().seconds()),
                    summer: info.dst().is_dst(),
                }
            }
        }
    }

    /// The offset of an abbreviation in this zone: the one in effect at that local time if there is one, else any.
    #[must_use]
    pub fn offset_of(&self, abbreviation: &str, local_seconds: i64) -> Option<i64> {
        let Self::Rules(_, zone) = self else {
            let fixed = self.at(local_seconds);
            return (fixed.name == abbreviation).then_some(fixed.seconds);
        };
        let mut offsets = vec![];
        let changes = zone.following(Timestamp::MIN).take(1_000);
        for change in changes.filter(|it| it.abbreviation() == abbreviation) {
            let seconds = i64::from(change.offset().seconds());
            if !offsets.contains(&seconds) {
                offsets.push(seconds);
            }
        }
        let first = self.at(i64::MIN);
        if first.name == abbreviation {
            offsets.insert(0, first.seconds);
        }
        let in_effect = |offset: &&i64| self.at(local_seconds.saturating_sub(**offset)).name == abbreviation;
        offsets.iter().find(in_effect).or(offsets.first()).copied()
    }
}
