//! Reading times by a layout.

use super::{
    Time, civil,
    duration::quote,
    format::{DAYS, MONTHS},
    layout::{self, Element, OffsetStyle},
    zone::Zone,
};

/// Why a text is not a time, in Go's words.
pub struct InvalidTime(pub String);

/// What went wrong at one element: it does not have the form, or is out of its range.
enum Problem {
    Bad,
    Range(&'static str),
}

/// What has been read so far.
#[derive(Default)]
struct Fields {
    year: i64,
    month: Option<u32>,
    day: Option<u32>,
    year_day: Option<u32>,
    hour: u32,
    minute: u32,
    second: u32,
    nanos: u32,
    /// Whether AM (false) or PM (true) was read.
    pm: Option<bool>,
    utc: bool,
    offset: Option<i64>,
    zone_name: Vec<u8>,
}

/// Reads a time. Without a zone in the text it is one of `zone`, and abbreviations are those of `zone`.
pub fn parse(layout: &[u8], text: &[u8], zone: &Zone) -> Result<Time, InvalidTime> {
    let mut fields = Fields::default();
    let (mut layout_left, mut rest) = (layout, text);
    let cannot = |value: &[u8], element: &[u8]| {
        let (text, layout) = (quote(text), quote(layout));
        let (value, element) = (quote(value), quote(element));
        InvalidTime(format!("parsing time {text} as {layout}: cannot parse {value} as {element}"))
    };
    let wrong = |what: &str| InvalidTime(format!("parsing time {}: {what}", quote(text)));
    loop {
        let chunk = layout::next(layout_left);
        rest = skip(rest, chunk.prefix).map_err(|left| cannot(left, chunk.prefix))?;
        layout_left = chunk.rest;
        let Some(element) = chunk.element else {
            if rest.is_empty() {
                break;
            }
            return Err(wrong(&format!("extra text: {}", quote(rest))));
        };
        rest = match fields.read(element, rest, layout_left) {
            Ok(after) => after,
            Err(Problem::Bad) => return Err(cannot(rest, chunk.written)),
            Err(Problem::Range(what)) => return Err(wrong(&format!("{what} out of range"))),
        };
    }
    fields.settle().map_err(&wrong)?;
    Ok(fields.time(zone))
}

/// Without the prefix; runs of spaces count as one.
fn skip<'a>(mut text: &'a [u8], mut prefix: &[u8]) -> Result<&'a [u8], &'a [u8]> {
    let without_spaces = |it: &[u8]| it.iter().take_while(|byte| **byte == b' ').count();
    while let Some(first) = prefix.first() {
        if *first == b' ' {
            if text.first().is_some_and(|it| *it != b' ') {
                return Err(text);
            }
            prefix = tail(prefix, without_spaces(prefix));
            text = tail(text, without_spaces(text));
            continue;
        }
        if text.first() != Some(first) {
            return Err(text);
        }
        prefix = tail(prefix, 1);
        text = tail(text, 1);
    }
    Ok(text)
}

fn tail(text: &[u8], from: usize) -> &[u8] {
    text.get(from..).unwrap_or_default()
}

fn digit(text: &[u8], at: usize) -> Option<u32> {
    text.get(at).filter(|it| it.is_ascii_digit()).map(|it| u32::from(it - b'0'))
}

/// One or two digits; two if `fixed`.
fn number(text: &[u8], fixed: bool) -> Result<(u32, &[u8]), Problem> {
    match (digit(text, 0), digit(text, 1)) {
        (Some(tens), Some(ones)) => Ok((tens * 10 + ones, tail(text, 2))),
        (Some(ones), None) if !fixed => Ok((ones, tail(text, 1))),
        _ => Err(Problem::Bad),
    }
}

/// Up to three digits; three if `fixed`.
fn number3(text: &[u8], fixed: bool) -> Result<(u32, &[u8]), Problem> {
    let length = (0..3).take_while(|at| digit(text, *at).is_some()).count();
    if length == 0 || (fixed && length != 3) {
        return Err(Problem::Bad);
    }
    Ok(((0..length).filter_map(|at| digit(text, at)).fold(0, |sum, it| sum * 10 + it), tail(text, length)))
}

/// The number of a name, whole or its first three letters, in any case.
fn name<'a>(names: &[&str], short: bool, text: &'a [u8]) -> Result<(u32, &'a [u8]), Problem> {
    for (at, name) in (0..).zip(names) {
        let name = if short { name.get(..3).unwrap_or(name) } else { name };
        if text.get(..name.len()).is_some_and(|it| it.eq_ignore_ascii_case(name.as_bytes())) {
            return Ok((at, tail(text, name.len())));
        }
    }
    Err(Problem::Bad)
}

fn within(number: u32, range: std::ops::Range<u32>, what: &'static str) -> Result<u32, Problem> {
    if range.contains(&number) { Ok(number) } else { Err(Problem::Range(what)) }
}

impl Fields {
    /// Reads one element and answers what follows it.
    fn read<'a>(&mut self, element: Element, text: &'a [u8], layout_left: &[u8]) -> Result<&'a [u8], Problem> {
        let (value, rest);
        match element {
            Element::Year => {
                let written = text.get(..2).and_then(|it| std::str::from_utf8(it).ok()).ok_or(Problem::Bad)?;
                // A sign and one digit will do.
                let year: i64 = written.parse().map_err(|_| Problem::Bad)?;
                self.year = year + if year >= 69 { 1900 } else { 2000 };
                rest = tail(text, 2);
            }
            Element::LongYear => {
                let digits = text.get(..4).filter(|it| it.iter().all(u8::is_ascii_digit)).ok_or(Problem::Bad)?;
                self.year = digits.iter().fold(0, |year, it| year * 10 + i64::from(it - b'0'));
                rest = tail(text, 4);
            }
            Element::Month | Element::LongMonth => {
                (value, rest) = name(&MONTHS, element == Element::Month, text)?;
                self.month = Some(value + 1);
            }
            Element::NumMonth | Element::ZeroMonth => {
                (value, rest) = number(text, element == Element::ZeroMonth)?;
                self.month = Some(within(value, 1..13, "month")?);
            }
            Element::WeekDay | Element::LongWeekDay => (_, rest) = name(&DAYS, element == Element::WeekDay, text)?,
            Element::Day | Element::UnderDay | Element::ZeroDay => {
                let spaced = element == Element::UnderDay && text.first() == Some(&b' ');
                (value, rest) = number(tail(text, usize::from(spaced)), element == Element::ZeroDay)?;
                self.day = Some(value);
            }
            Element::UnderYearDay | Element::ZeroYearDay => {
                let under = element == Element::UnderYearDay;
                let spaces = text.iter().take(2).take_while(|it| under && **it == b' ').count();
                (value, rest) = number3(tail(text, spaces), !under)?;
                self.year_day = Some(value);
            }
            Element::Hour => {
                (value, rest) = number(text, false)?;
                self.hour = within(value, 0..24, "hour")?;
            }
            Element::Hour12 | Element::ZeroHour12 => {
                (value, rest) = number(text, element == Element::ZeroHour12)?;
                self.hour = within(value, 0..13, "hour")?;
            }
            Element::Minute | Element::ZeroMinute => {
                (value, rest) = number(text, element == Element::ZeroMinute)?;
                self.minute = within(value, 0..60, "minute")?;
            }
            Element::Second | Element::ZeroSecond => return self.second(element, text, layout_left),
            Element::UpperPm | Element::LowerPm => {
                let upper = element == Element::UpperPm;
                self.pm = Some(match text.get(..2) {
                    Some(b"PM") if upper => true,
                    Some(b"AM") if upper => false,
                    Some(b"pm") if !upper => true,
                    Some(b"am") if !upper => false,
                    _ => return Err(Problem::Bad),
                });
                rest = tail(text, 2);
            }
            Element::Offset(iso, style) => return self.offset(iso, style, text),
            Element::ZoneName => return self.zone_name(text),
            Element::Fraction { digits, trimmed: false, .. } => {
                self.nanos = nanoseconds(text.get(..=digits).ok_or(Problem::Bad)?)?;
                rest = tail(text, digits + 1);
            }
            Element::Fraction { .. } => return self.optional_fraction(text),
        }
        Ok(rest)
    }

    /// A second, with the fraction that may follow it in the text though the layout has none.
    fn second<'a>(&mut self, element: Element, text: &'a [u8], layout_left: &[u8]) -> Result<&'a [u8], Problem> {
        let (value, rest) = number(text, element == Element::ZeroSecond)?;
        self.second = within(value, 0..60, "second")?;
        if matches!(layout::next(layout_left).element, Some(Element::Fraction { .. })) {
            return Ok(rest);
        }
        self.optional_fraction(rest)
    }

    fn optional_fraction<'a>(&mut self, text: &'a [u8]) -> Result<&'a [u8], Problem> {
        if !matches!(text, [b'.' | b',', b'0'..=b'9', ..]) {
            return Ok(text);
        }
        let length = 1 + tail(text, 1).iter().take_while(|it| it.is_ascii_digit()).count();
        self.nanos = nanoseconds(text.get(..length).unwrap_or_default())?;
        Ok(tail(text, length))
    }

    fn offset<'a>(&mut self, iso: bool, style: OffsetStyle, text: &'a [u8]) -> Result<&'a [u8], Problem> {
        if iso && text.first() == Some(&b'Z') {
            self.utc = true;
            return Ok(tail(text, 1));
        }
        let colons = matches!(style, OffsetStyle::Colon | OffsetStyle::ColonSeconds);
        let parts = match style {
            OffsetStyle::Short => 1,
            OffsetStyle::Plain | OffsetStyle::Colon => 2,
            OffsetStyle::Seconds | OffsetStyle::ColonSeconds => 3,
        };
        let length = 1 + 2 * parts + if colons { parts - 1 } else { 0 };
        let written = text.get(..length).ok_or(Problem::Bad)?;
        let mut numbers = [0_u32; 3];
        let mut left = tail(written, 1);
        if colons && (written.get(3) != Some(&b':') || (parts == 3 && written.get(6) != Some(&b':'))) {
            return Err(Problem::Bad);
        }
        let mut bad = false;
        for slot in numbers.iter_mut().take(parts) {
            match number(left, true) {
                Ok((value, _)) => *slot = value,
                Err(_) => {
                    bad = true;
                    break;
                }
            }
            left = tail(left, if colons { 3 } else { 2 });
        }
        let [hours, minutes, seconds] = numbers;
        for (value, limit, what) in [
            (hours, 24, "time zone offset hour"),
            (minutes, 60, "time zone offset minute"),
            (seconds, 60, "time zone offset second"),
        ] {
            within(value, 0..limit + 1, what)?;
        }
        let offset = i64::from((hours * 60 + minutes) * 60 + seconds);
        self.offset = Some(match written.first() {
            Some(b'+') => offset,
            Some(b'-') => -offset,
            _ => return Err(Problem::Bad),
        });
        if bad { Err(Problem::Bad) } else { Ok(tail(text, length)) }
    }

    fn zone_name<'a>(&mut self, text: &'a [u8]) -> Result<&'a [u8], Problem> {
        if text.starts_with(b"UTC") {
            self.utc = true;
            return Ok(tail(text, 3));
        }
        let length = zone_name_length(text).ok_or(Problem::Bad)?;
        self.zone_name = text.get(..length).unwrap_or_default().to_vec();
        Ok(tail(text, length))
    }

    /// Brings hour, month and day together.
    fn settle(&mut self) -> Result<(), &'static str> {
        match self.pm {
            Some(true) if self.hour < 12 => self.hour += 12,
            Some(false) if self.hour == 12 => self.hour = 0,
            _ => {}
        }
        if let Some(year_day) = self.year_day {
            let leap = civil::is_leap(self.year);
            if year_day < 1 || year_day > 365 + u32::from(leap) {
                return Err("day-of-year out of range");
            }
            let month = (1..13).rev().find(|month| civil::days_before(*month, leap) < year_day).unwrap_or(1);
            let day = year_day - civil::days_before(month, leap);
            if self.month.is_some_and(|it| it != month) {
                return Err("day-of-year does not match month");
            }
            if self.day.is_some_and(|it| it != day) {
                return Err("day-of-year does not match day");
            }
            (self.month, self.day) = (Some(month), Some(day));
        }
        let (month, day) = (self.month.unwrap_or(1), self.day.unwrap_or(1));
        if day < 1 || day > civil::days_in(month, self.year) {
            return Err("day out of range");
        }
        (self.month, self.day) = (Some(month), Some(day));
        Ok(())
    }

    fn time(&self, zone: &Zone) -> Time {
        let (month, day) = (i64::from(self.month.unwrap_or(1)), i64::from(self.day.unwrap_or(1)));
        let days = i64::try_from(civil::days_from_civil(self.year, month, day)).unwrap_or(0);
        let local = days * 86_400 + i64::from((self.hour * 60 + self.minute) * 60 + self.second);
        let made = |seconds, zone| Time { seconds, nanos: self.nanos, zone, monotonic: None };
        if self.utc {
            return made(local, Zone::Utc);
        }
        let name = String::from_utf8_lossy(&self.zone_name).into_owned();
        if let Some(offset) = self.offset {
            let seconds = local - offset;
            let there = zone.at(seconds);
            let same = there.seconds == offset && (name.is_empty() || there.name == name);
            return made(seconds, if same { zone.clone() } else { Zone::Fixed(name.into(), offset) });
        }
        if !name.is_empty() {
            if let Some(offset) = zone.offset_of(&name, local) {
                return made(local - offset, zone.clone());
            }
            let hours: i64 = name.strip_prefix("GMT").and_then(|it| it.parse().ok()).unwrap_or(0);
            return made(local, Zone::Fixed(name.into(), hours * 3_600));
        }
        let offset = zone.at(local).seconds;
        let offset = if offset == 0 { 0 } else { zone.at(local - offset).seconds };
        made(local - offset, zone.clone())
    }
}

/// A dot or comma and digits, of which nine count.
fn nanoseconds(text: &[u8]) -> Result<u32, Problem> {
    let [b'.' | b',', digits @ ..] = text else { return Err(Problem::Bad) };
    let digits = digits.get(..digits.len().min(9)).unwrap_or_default();
    if !digits.iter().all(u8::is_ascii_digit) {
        return Err(Problem::Bad);
    }
    Ok((0..9).map(|at| digit(digits, at).unwrap_or(0)).fold(0, |sum, it| sum * 10 + it))
}

/// How long the abbreviation of a zone is that a text begins with.
fn zone_name_length(text: &[u8]) -> Option<usize> {
    if text.len() < 3 {
        return None;
    }
    if text.starts_with(b"ChST") || text.starts_with(b"MeST") {
        return Some(4);
    }
    if text.starts_with(b"GMT") {
        return Some(3 + signed_offset(tail(text, 3)));
    }
    if matches!(text.first(), Some(b'+' | b'-')) {
        return Some(signed_offset(text)).filter(|it| *it > 0);
    }
    match text.iter().take(6).take_while(|it| it.is_ascii_uppercase()).count() {
        3 => Some(3),
        4 if text.get(3) == Some(&b'T') || text.starts_with(b"WITA") => Some(4),
        5 if text.get(4) == Some(&b'T') => Some(5),
        _ => None,
    }
}

/// How long a sign and a number up to 23 are.
fn signed_offset(text: &[u8]) -> usize {
    let [b'+' | b'-', digits @ ..] = text else { return 0 };
    let length = digits.iter().take_while(|it| it.is_ascii_digit()).count();
    let number = digits.get(..length).and_then(|it| std::str::from_utf8(it).ok()).and_then(|it| it.parse::<u64>().ok());
    if number.is_some_and(|it| it <= 23) { length + 1 } else { 0 }
}
