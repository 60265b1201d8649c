//! What a plain scalar means.

use crate::{Data, Node};

/// Which words and numbers a reader knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Schema {
    /// go-yaml v3 into an untyped value: `yes` and `on` are strings, `0o17` is a number.
    #[default]
    V3,
    /// As v3, after being written and read once more: so kyaml converts, and folded scalars may change on the way.
    Kyaml,
    /// go-yaml v2, which sigs.k8s.io/yaml reads with: YAML 1.1 booleans.
    V2,
}

/// The value of a plain scalar.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Resolved {
    /// Null.
    Null,
    /// A boolean.
    Bool(bool),
    /// An integer that fits i64.
    Int(i64),
    /// An integer past i64.
    Uint(u64),
    /// A float.
    Float(f64),
    /// A date or a time.
    Timestamp,
    /// Anything else.
    Str,
}

/// What plain `text` means under `schema`.
#[must_use]
pub fn resolve(text: &str, schema: Schema) -> Resolved {
    let Some(&first) = text.as_bytes().first() else { return Resolved::Null };
    match first {
        b'y' | b'Y' | b'n' | b'N' | b't' | b'T' | b'f' | b'F' | b'o' | b'O' | b'~' => word(text, schema),
        b'.' => special_float(text).unwrap_or_else(|| spaced_float(text).map_or(Resolved::Str, Resolved::Float)),
        b'+' | b'-' | b'0'..=b'9' => number(text, schema),
        _ => Resolved::Str,
    }
}

fn word(text: &str, schema: Schema) -> Resolved {
    match text {
        "~" | "null" | "Null" | "NULL" => Resolved::Null,
        "true" | "True" | "TRUE" => Resolved::Bool(true),
        "false" | "False" | "FALSE" => Resolved::Bool(false),
        _ if schema == Schema::V2 => old_bool(text).map_or(Resolved::Str, Resolved::Bool),
        _ => Resolved::Str,
    }
}

/// The booleans of YAML 1.1 that 1.2 dropped.
pub(crate) fn old_bool(text: &str) -> Option<bool> {
    match text {
        "y" | "Y" | "yes" | "Yes" | "YES" | "on" | "On" | "ON" => Some(true),
        "n" | "N" | "no" | "No" | "NO" | "off" | "Off" | "OFF" => Some(false),
        _ => None,
    }
}

fn special_float(text: &str) -> Option<Resolved> {
    match text {
        ".nan" | ".NaN" | ".NAN" => Some(Resolved::Float(f64::NAN)),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => Some(Resolved::Float(f64::INFINITY)),
        "-.inf" | "-.Inf" | "-.INF" => Some(Resolved::Float(f64::NEG_INFINITY)),
        _ => None,
    }
}

fn number(text: &str, schema: Schema) -> Resolved {
    if let Some(float) = special_float(text) {
        return float;
    }
    if is_timestamp(text) {
        return Resolved::Timestamp;
    }
    let stripped;
    let plain = if text.contains('_') {
        stripped = text.replace('_', "");
        stripped.as_str()
    } else {
        text
    };
    if let Some(int) = go_integer(plain) {
        return int;
    }
    if is_float_text(plain)
        && let Some(float) = go_float(plain)
    {
        return Resolved::Float(float);
    }
    // "0b" and "0o" with a sign inside are what is left of two lenient parsers.
    for (prefix, radix) in [("0b", 2), ("0o", 8)] {
        if radix == 8 && schema == Schema::V2 {
            continue;
        }
        if let Some(digits) = plain.strip_prefix(prefix)
            && let Some(int) = radix_integer(digits, radix)
        {
            return int;
        }
    }
    Resolved::Str
}

fn radix_integer(digits: &str, radix: u32) -> Option<Resolved> {
    i64::from_str_radix(digits, radix)
        .map(Resolved::Int)
        .or_else(|_| u64::from_str_radix(digits, radix).map(Resolved::Uint))
        .ok()
}

/// An integer as Go reads it with base 0: sign, then 0x, 0o, 0b, a leading 0 for octal, or decimal.
fn go_integer(plain: &str) -> Option<Resolved> {
    let (negative, digits) = match plain.as_bytes().first()? {
        b'-' => (true, plain.get(1..)?),
        b'+' => (false, plain.get(1..)?),
        _ => (false, plain),
    };
    let signed = digits.len() != plain.len();
    let (radix, body) = match digits.as_bytes() {
        [b'0', b'x' | b'X', ..] => (16, digits.get(2..)?),
        [b'0', b'o' | b'O', ..] => (8, digits.get(2..)?),
        [b'0', b'b' | b'B', ..] => (2, digits.get(2..)?),
        [b'0', _, ..] => (8, digits.get(1..)?),
        _ => (10, digits),
    };
    if body.is_empty() || !body.bytes().all(|b| b.is_ascii_alphanumeric()) {
        return None;
    }
    let magnitude = u64::from_str_radix(body, radix).ok()?;
    match (negative, i64::try_from(magnitude)) {
        (false, Ok(int)) => Some(Resolved::Int(int)),
        // Go's unsigned parser takes no sign.
        (false, Err(_)) if signed => None,
        (false, Err(_)) => Some(Resolved::Uint(magnitude)),
        (true, Ok(int)) => Some(Resolved::Int(-int)),
        (true, Err(_)) => (magnitude == i64::MIN.unsigned_abs()).then_some(Resolved::Int(i64::MIN)),
    }
}

/// `[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?`
fn is_float_text(text: &str) -> bool {
    let body = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (mantissa, exponent) = match body.split_once(['e', 'E']) {
        Some((m, e)) => (m, Some(e.strip_prefix(['-', '+']).unwrap_or(e))),
        None => (body, None),
    };
    let digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
    let mantissa_ok = match mantissa.split_once('.') {
        Some(("", fraction)) => !fraction.is_empty() && digits(fraction),
        Some((whole, fraction)) => digits(whole) && digits(fraction),
        None => !mantissa.is_empty() && digits(mantissa),
    };
    mantissa_ok && exponent.is_none_or(|e| !e.is_empty() && digits(e))
}

/// A float as Go parses it; what overflows is no float.
fn go_float(text: &str) -> Option<f64> {
    if !is_float_text(text) {
        return None;
    }
    text.parse::<f64>().ok().filter(|f| f.is_finite())
}

/// A float as Go writes it in code: an underscore may stand between two digits.
fn spaced_float(text: &str) -> Option<f64> {
    let bytes = text.as_bytes();
    let digit = |at: Option<usize>| at.and_then(|at| bytes.get(at)).is_some_and(u8::is_ascii_digit);
    let placed = |at: usize| digit(at.checked_sub(1)) && digit(Some(at + 1));
    let well = bytes.iter().enumerate().all(|(at, byte)| *byte != b'_' || placed(at));
    if well { go_float(&text.replace('_', "")) } else { None }
}

fn take_digits(text: &str, min: usize, max: usize) -> Option<(&str, &str)> {
    let len = text.bytes().take(max).take_while(u8::is_ascii_digit).count();
    (len >= min).then(|| text.split_at(len))
}

/// A date `2006-1-2`, or with a time `T15:4:5.999Z` / `T15:4:5+07:00` / ` 15:4:5`.
pub(crate) fn is_timestamp(text: &str) -> bool {
    let year = text.bytes().take_while(u8::is_ascii_digit).count();
    if year != 4 || text.as_bytes().get(4) != Some(&b'-') {
        return false;
    }
    timestamp_parts(text).is_some()
}

/// A timestamp as Go's JSON writes a time: RFC 3339, without trailing zeros in the fraction.
pub(crate) fn rfc3339(text: &str) -> String {
    timestamp_parts(text).unwrap_or_else(|| text.to_owned())
}

/// Checks a timestamp and writes it in RFC 3339.
fn timestamp_parts(text: &str) -> Option<String> {
    let (year, rest) = take_digits(text, 4, 4)?;
    let (month, rest) = take_digits(rest.strip_prefix('-')?, 1, 2)?;
    let (day, rest) = take_digits(rest.strip_prefix('-')?, 1, 2)?;
    if !valid_date(year.parse().ok()?, month.parse().ok()?, day.parse().ok()?) {
        return None;
    }
    let date = format!("{year}-{month:0>2}-{day:0>2}");
    if rest.is_empty() {
        return Some(format!("{date}T00:00:00Z"));
    }
    let (zoned, rest) = match rest.as_bytes().first()? {
        b'T' | b't' => (true, rest.get(1..)?),
        b' ' => (false, rest.get(1..)?),
        _ => return None,
    };
    let (hour, rest) = take_digits(rest, 1, 2)?;
    let (minute, rest) = take_digits(rest.strip_prefix(':')?, 1, 2)?;
    let (second, mut rest) = take_digits(rest.strip_prefix(':')?, 1, 2)?;
    if hour.parse::<u8>().ok()? > 23 || minute.parse::<u8>().ok()? > 59 || second.parse::<u8>().ok()? > 59 {
        return None;
    }
    let mut time = format!("{date}T{hour:0>2}:{minute:0>2}:{second:0>2}");
    if let Some(fraction) = rest.strip_prefix(['.', ',']) {
        let (digits, after) = take_digits(fraction, 1, usize::MAX)?;
        rest = after;
        let digits = digits.get(..9).unwrap_or(digits).trim_end_matches('0');
        if !digits.is_empty() {
            time = format!("{time}.{digits}");
        }
    }
    if (!zoned && rest.is_empty()) || (zoned && rest == "Z") {
        return Some(format!("{time}Z"));
    }
    let zone = rest;
    let (hours, rest) = take_digits(rest.strip_prefix(['+', '-'])?, 2, 2)?;
    let (minutes, rest) = take_digits(rest.strip_prefix(':')?, 2, 2)?;
    let in_range = hours.parse::<u8>().ok()? <= 24 && minutes.parse::<u8>().ok()? < 60;
    if !zoned || !rest.is_empty() || !in_range {
        return None;
    }
    Some(if matches!(zone, "+00:00" | "-00:00") { format!("{time}Z") } else { format!("{time}{zone}") })
}

fn valid_date(year: u32, month: u32, day: u32) -> bool {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let days = match month {
        2 => 28 + u32::from(leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return false,
    };
    (1..=days).contains(&day)
}

/// Base 60 of YAML 1.1, `190:20:30`: nobody reads it any more, but it is still written in quotes.
pub(crate) fn is_base60(text: &str) -> bool {
    let Some(&first) = text.as_bytes().first() else { return false };
    if !(matches!(first, b'+' | b'-') || first.is_ascii_digit()) || !text.contains(':') {
        return false;
    }
    let body = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (body, fraction) = body.split_once('.').unwrap_or((body, ""));
    let mut parts = body.split(':');
    let head = parts.next().unwrap_or_default();
    head.starts_with(|c: char| c.is_ascii_digit())
        && head.bytes().all(|b| b.is_ascii_digit() || b == b'_')
        && fraction.bytes().all(|b| b.is_ascii_digit() || b == b'_')
        && parts.all(|p| match p.as_bytes() {
            [d] => d.is_ascii_digit(),
            [t, d] => (b'0'..=b'5').contains(t) && d.is_ascii_digit(),
            _ => false,
        })
}

/// What kind of scalar a node is once tag, style and text are weighed; `""` for a collection.
pub(crate) fn scalar_kind(node: &Node) -> &'static str {
    let Data::Scalar(text) = &node.data else { return "" };
    match node.telling_tag().map(|(tag, _)| tag) {
        Some("!!str") => return "str",
        Some("!!null") => return "null",
        Some("!!bool") => return "bool",
        Some("!!int") => return "int",
        Some("!!float") => return "float",
        Some(_) => return "str",
        None if node.style.is_quoted() => return "str",
        None => {}
    }
    match resolve(text, Schema::V3) {
        Resolved::Null => "null",
        Resolved::Bool(_) => "bool",
        Resolved::Int(_) | Resolved::Uint(_) => "int",
        Resolved::Float(_) => "float",
        Resolved::Timestamp => "timestamp",
        Resolved::Str => "str",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_go_reads_them() {
        for (text, expected) in [
            ("0", Resolved::Int(0)),
            ("0777", Resolved::Int(511)),
            ("08", Resolved::Float(8.0)),
            ("0x1F", Resolved::Int(31)),
            ("-0x1F", Resolved::Int(-31)),
            ("0o17", Resolved::Int(15)),
            ("1_000", Resolved::Int(1000)),
            ("+12", Resolved::Int(12)),
            ("9223372036854775808", Resolved::Uint(9_223_372_036_854_775_808)),
            ("-9223372036854775808", Resolved::Int(i64::MIN)),
            ("1e3", Resolved::Float(1000.0)),
            ("1.", Resolved::Float(1.0)),
            (".5", Resolved::Float(0.5)),
            ("1e999", Resolved::Str),
            ("1.2.3", Resolved::Str),
            ("-", Resolved::Str),
            ("12e", Resolved::Str),
            ("2001-01-01", Resolved::Timestamp),
            ("2001-13-01", Resolved::Str),
            ("2001-1-1T1:2:3Z", Resolved::Timestamp),
            ("2001-01-01 01:02:03.5", Resolved::Timestamp),
            ("0b101", Resolved::Int(5)),
        ] {
            assert_eq!(resolve(text, Schema::V3), expected, "{text}");
        }
    }

    #[test]
    fn words_depend_on_the_schema() {
        assert_eq!(resolve("yes", Schema::V3), Resolved::Str);
        assert_eq!(resolve("yes", Schema::V2), Resolved::Bool(true));
        assert_eq!(resolve("n", Schema::V2), Resolved::Bool(false));
        assert_eq!(resolve("True", Schema::V3), Resolved::Bool(true));
        assert_eq!(resolve("tRue", Schema::V2), Resolved::Str);
        assert_eq!(resolve("", Schema::V2), Resolved::Null);
    }

    #[test]
    fn base_sixty_is_recognised() {
        assert!(is_base60("190:20:30"));
        assert!(is_base60("1:20"));
        assert!(!is_base60("1:60"));
        assert!(!is_base60("a:1"));
    }
}
