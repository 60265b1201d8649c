//! Writing times by a layout.

use super::{
    Time,
    layout::{self, Element, OffsetStyle},
};

pub const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
pub const DAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

/// The time by a layout.
pub fn format(time: &Time, layout: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(layout.len() + 10);
    let mut rest = layout;
    let zone = time.zone.at(time.seconds);
    let civil = time.civil();
    while !rest.is_empty() {
        let chunk = layout::next(rest);
        rest = chunk.rest;
        out.extend_from_slice(chunk.prefix);
        let Some(element) = chunk.element else { break };
        let hour12 = (civil.hour + 11) % 12 + 1;
        let text = match element {
            Element::Year => pad(civil.year.abs() % 100, 2),
            Element::LongYear => pad(civil.year, 4),
            Element::Month => short(&MONTHS, civil.month.wrapping_sub(1)),
            Element::LongMonth => long(&MONTHS, civil.month.wrapping_sub(1)),
            Element::NumMonth => civil.month.to_string(),
            Element::ZeroMonth => pad(civil.month, 2),
            Element::WeekDay => short(&DAYS, civil.weekday),
            Element::LongWeekDay => long(&DAYS, civil.weekday),
            Element::Day => civil.day.to_string(),
            Element::UnderDay => format!("{:>2}", civil.day),
            Element::ZeroDay => pad(civil.day, 2),
            Element::UnderYearDay => format!("{:>3}", civil.year_day),
            Element::ZeroYearDay => pad(civil.year_day, 3),
            Element::Hour => pad(civil.hour, 2),
            Element::Hour12 => hour12.to_string(),
            Element::ZeroHour12 => pad(hour12, 2),
            Element::Minute => civil.minute.to_string(),
            Element::ZeroMinute => pad(civil.minute, 2),
            Element::Second => civil.second.to_string(),
            Element::ZeroSecond => pad(civil.second, 2),
            Element::UpperPm => if civil.hour >= 12 { "PM" } else { "AM" }.into(),
            Element::LowerPm => if civil.hour >= 12 { "pm" } else { "am" }.into(),
            Element::ZoneName if zone.name.is_empty() => offset(zone.seconds, OffsetStyle::Plain),
            Element::ZoneName => zone.name.clone(),
            Element::Offset(true, _) if zone.seconds == 0 => "Z".into(),
            Element::Offset(_, style) => offset(zone.seconds, style),
            Element::Fraction { digits, trimmed, separator } => fraction(time.nanos, digits, trimmed, separator),
        };
        out.extend_from_slice(text.as_bytes());
    }
    out
}

/// With zeros before, after the sign.
fn pad(number: impl Into<i64>, width: usize) -> String {
    let number: i64 = number.into();
    let digits = number.unsigned_abs();
    let sign = if number < 0 { "-" } else { "" };
    format!("{sign}{digits:0width$}")
}

fn long(names: &[&str], at: u32) -> String {
    usize::try_from(at).ok().and_then(|at| names.get(at)).copied().unwrap_or_default().to_owned()
}

fn short(names: &[&str], at: u32) -> String {
    long(names, at).chars().take(3).collect()
}

fn offset(seconds: i64, style: OffsetStyle) -> String {
    // The sign is that of the minutes: half a minute west counts as east.
    let minutes = seconds / 60;
    let sign = if minutes < 0 { '-' } else { '+' };
    let (hour, minute) = (minutes.abs() / 60, minutes.abs() % 60);
    // Go takes the seconds from the offset with its sign turned only when the minutes are below zero.
    let second = if minutes < 0 { -seconds % 60 } else { seconds % 60 };
    let second = pad(second, 2);
    match style {
        OffsetStyle::Plain => format!("{sign}{hour:02}{minute:02}"),
        OffsetStyle::Colon => format!("{sign}{hour:02}:{minute:02}"),
        OffsetStyle::Short => format!("{sign}{hour:02}"),
        OffsetStyle::Seconds => format!("{sign}{hour:02}{minute:02}{second}"),
        OffsetStyle::ColonSeconds => format!("{sign}{hour:02}:{minute:02}:{second}"),
    }
}

fn fraction(nanos: u32, digits: usize, trimmed: bool, separator: u8) -> String {
    let all = format!("{nanos:09}");
    let mut kept: String = all.chars().take(digits).collect();
    if trimmed {
        kept.truncate(kept.trim_end_matches('0').len());
        if kept.is_empty() {
            return String::new();
        }
    }
    format!("{}{kept}", char::from(separator))
}
