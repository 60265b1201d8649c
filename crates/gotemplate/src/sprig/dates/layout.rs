//! Layouts: the reference time `Mon Jan 2 15:04:05 MST 2006` as people write it, cut into its elements.

/// An element of a layout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Element {
    LongMonth,
    Month,
    NumMonth,
    ZeroMonth,
    LongWeekDay,
    WeekDay,
    Day,
    UnderDay,
    ZeroDay,
    UnderYearDay,
    ZeroYearDay,
    Hour,
    Hour12,
    ZeroHour12,
    Minute,
    ZeroMinute,
    Second,
    ZeroSecond,
    LongYear,
    Year,
    UpperPm,
    LowerPm,
    ZoneName,
    /// An offset: whether `Z` stands for UTC, and how it is written.
    Offset(bool, OffsetStyle),
    /// A fraction of a second after a dot or comma: as many digits as there are, or without zeros at the end.
    Fraction {
        digits: usize,
        trimmed: bool,
        separator: u8,
    },
}

/// How an offset is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OffsetStyle {
    /// `-0700`
    Plain,
    /// `-07:00`
    Colon,
    /// `-07`
    Short,
    /// `-070000`
    Seconds,
    /// `-07:00:00`
    ColonSeconds,
}

const OFFSETS: [(&[u8], OffsetStyle); 5] = [
    (b"070000", OffsetStyle::Seconds),
    (b"07:00:00", OffsetStyle::ColonSeconds),
    (b"0700", OffsetStyle::Plain),
    (b"07:00", OffsetStyle::Colon),
    (b"07", OffsetStyle::Short),
];

/// What stands before the first element, the element as written and what it is, and what follows.
pub struct Chunk<'a> {
    pub prefix: &'a [u8],
    pub written: &'a [u8],
    pub element: Option<Element>,
    pub rest: &'a [u8],
}

/// Cuts off the first element.
pub fn next(layout: &[u8]) -> Chunk<'_> {
    for at in 0..layout.len() {
        let tail = layout.get(at..).unwrap_or_default();
        // A day of two digits may follow an underscore that belongs to the text.
        let (skipped, tail) =
            if tail.starts_with(b"_2006") { (1, tail.get(1..).unwrap_or_default()) } else { (0, tail) };
        if let Some((element, length)) = element(tail) {
            let (written, rest) = tail.split_at(length);
            return Chunk {
                prefix: layout.get(..at + skipped).unwrap_or_default(),
                written,
                element: Some(element),
                rest,
            };
        }
    }
    Chunk { prefix: layout, written: b"", element: None, rest: b"" }
}

fn element(text: &[u8]) -> Option<(Element, usize)> {
    use Element as E;
    let named = |long: &[u8], long_element, short_element| {
        if text.starts_with(long) {
            return Some((long_element, long.len()));
        }
        (!text.get(3).is_some_and(u8::is_ascii_lowercase)).then_some((short_element, 3))
    };
    match text {
        [b'J', b'a', b'n', ..] => named(b"January", E::LongMonth, E::Month),
        [b'M', b'o', b'n', ..] => named(b"Monday", E::LongWeekDay, E::WeekDay),
        [b'M', b'S', b'T', ..] => Some((E::ZoneName, 3)),
        [b'0', b'1', ..] => Some((E::ZeroMonth, 2)),
        [b'0', b'2', ..] => Some((E::ZeroDay, 2)),
        [b'0', b'3', ..] => Some((E::ZeroHour12, 2)),
        [b'0', b'4', ..] => Some((E::ZeroMinute, 2)),
        [b'0', b'5', ..] => Some((E::ZeroSecond, 2)),
        [b'0', b'6', ..] => Some((E::Year, 2)),
        [b'0', b'0', b'2', ..] => Some((E::ZeroYearDay, 3)),
        [b'1', b'5', ..] => Some((E::Hour, 2)),
        [b'1', ..] => Some((E::NumMonth, 1)),
        [b'2', b'0', b'0', b'6', ..] => Some((E::LongYear, 4)),
        [b'2', ..] => Some((E::Day, 1)),
        [b'_', b'_', b'2', ..] => Some((E::UnderYearDay, 3)),
        [b'_', b'2', ..] => Some((E::UnderDay, 2)),
        [b'3', ..] => Some((E::Hour12, 1)),
        [b'4', ..] => Some((E::Minute, 1)),
        [b'5', ..] => Some((E::Second, 1)),
        [b'P', b'M', ..] => Some((E::UpperPm, 2)),
        [b'p', b'm', ..] => Some((E::LowerPm, 2)),
        [sign @ (b'-' | b'Z'), rest @ ..] => {
            let (digits, style) = OFFSETS.iter().find(|(digits, _)| rest.starts_with(digits))?;
            Some((E::Offset(*sign == b'Z', *style), digits.len() + 1))
        }
        [separator @ (b'.' | b','), digit @ (b'0' | b'9'), rest @ ..] => {
            let digits = 1 + rest.iter().take_while(|it| *it == digit).count();
            let ends = !text.get(1 + digits).is_some_and(u8::is_ascii_digit);
            let fraction = E::Fraction { digits, trimmed: *digit == b'9', separator: *separator };
            ends.then_some((fraction, 1 + digits))
        }
        _ => None,
    }
}
