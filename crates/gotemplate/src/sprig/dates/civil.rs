//! The calendar, over the whole range of Go's times.

/// A moment taken apart in some zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Civil {
    pub year: i64,
    /// From 1.
    pub month: u32,
    /// From 1.
    pub day: u32,
    pub hour: u32,
    pub minute: u32,
    pub second: u32,
    /// From 0, which is Sunday.
    pub weekday: u32,
    /// From 1.
    pub year_day: u32,
}

/// Go counts from this year (its first of March), so that all its moments are positive.
const ABSOLUTE_YEARS: i64 = 292_277_022_400;
/// Days from 1970-01-01 back to the first of March of year 0.
const EPOCH_DAYS: i128 = 719_468;
const DAYS_PER_ERA: i128 = 146_097;

/// Seconds from Go's beginning to 1970.
fn absolute_epoch() -> i128 {
    (i128::from(ABSOLUTE_YEARS / 400) * DAYS_PER_ERA + EPOCH_DAYS) * 86_400
}

/// Seconds since 1970 with the zone's offset added, taken apart. Like Go's, the arithmetic wraps around.
pub fn civil(seconds: i64, offset: i64) -> Civil {
    let wrapped = (i128::from(seconds) + i128::from(offset) + absolute_epoch()).rem_euclid(1 << 64);
    let days = wrapped / 86_400;
    let rest = u32::try_from(wrapped % 86_400).unwrap_or(0);
    let era = days / DAYS_PER_ERA;
    let day_of_era = days % DAYS_PER_ERA;
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    // Months from March.
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let number = |it: i128| u32::try_from(it).unwrap_or(0);
    let month = number(if month < 10 { month + 3 } else { month - 9 });
    let year = era * 400 + year_of_era + i128::from(month <= 2) - i128::from(ABSOLUTE_YEARS);
    let year = i64::try_from(year).unwrap_or(i64::MAX);
    let day = number(day);
    Civil {
        year,
        month,
        day,
        hour: rest / 3_600,
        minute: rest / 60 % 60,
        second: rest % 60,
        // The beginning was a Wednesday.
        weekday: number((days + 3) % 7),
        year_day: days_before(month, is_leap(year)) + day,
    }
}

pub fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

/// Days of a year before a month (1 to 13).
pub fn days_before(month: u32, leap: bool) -> u32 {
    const BEFORE: [u32; 14] = [0, 0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365];
    let days = usize::try_from(month).ok().and_then(|it| BEFORE.get(it)).copied().unwrap_or(365);
    days + u32::from(leap && month > 2)
}

pub fn days_in(month: u32, year: i64) -> u32 {
    let leap = is_leap(year);
    days_before(month + 1, leap) - days_before(month, leap)
}

/// Days since 1970; months and days may lie outside their range and count on.
pub fn days_from_civil(year: i64, month: i64, day: i64) -> i128 {
    let months = i128::from(year) * 12 + i128::from(month) - 1;
    // Years that begin with March.
    let (year, month) = ((months - 2).div_euclid(12), (months - 2).rem_euclid(12));
    let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let day_of_year = (153 * month + 2) / 5;
    let day_of_era = 365 * year_of_era + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * DAYS_PER_ERA + day_of_era - EPOCH_DAYS + i128::from(day) - 1
}
