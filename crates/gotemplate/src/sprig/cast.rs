//! Numbers out of anything, as spf13/cast v1.7 makes them: what cannot be read is 0.

use crate::{
    types::{Kind, Type},
    value::Value,
};

/// An `int64`. Floats lose their fraction; strings may have a base prefix and a fraction of zeros.
pub fn to_int64(value: &Value) -> i64 {
    match value {
        Value::Bool(it) => i64::from(*it),
        Value::Int(_, it) => *it,
        Value::Uint(kind, it) if *kind != Kind::Uintptr => it.cast_signed(),
        Value::Float(_, it) => truncate(*it),
        Value::String(text) => parse_integer(text),
        Value::Named(named, inner) if Type::Named(named) == Type::Named(&crate::types::JSON_NUMBER) => to_int64(inner),
        Value::Named(named, inner) if is_calendar(named.name) => to_int64(inner),
        _ => 0,
    }
}

/// A `float64`.
pub fn to_float64(value: &Value) -> f64 {
    match value {
        Value::Bool(it) => f64::from(u8::from(*it)),
        Value::Int(_, it) => *it as f64,
        Value::Uint(kind, it) if *kind != Kind::Uintptr => *it as f64,
        Value::Float(_, it) => *it,
        Value::String(text) => parse_float(text).unwrap_or(0.0),
        Value::Named(named, inner) if Type::Named(named) == Type::Named(&crate::types::JSON_NUMBER) => {
            to_float64(inner)
        }
        Value::Named(named, inner) if is_calendar(named.name) => to_float64(inner),
        _ => 0.0,
    }
}

fn is_calendar(name: &str) -> bool {
    matches!(name, "time.Month" | "time.Weekday")
}

/// A float as an `int64` the way amd64 converts: what does not fit is the smallest number.
pub fn truncate(number: f64) -> i64 {
    const LIMIT: f64 = 9_223_372_036_854_775_808.0;
    if (-LIMIT..LIMIT).contains(&number) { number as i64 } else { i64::MIN }
}

fn parse_integer(text: &[u8]) -> i64 {
    parse_int(without_zero_fraction(text), 0).unwrap_or(0)
}

/// `12.00` is `12`.
fn without_zero_fraction(text: &[u8]) -> &[u8] {
    let kept = text.len() - text.iter().rev().take_while(|it| **it == b'0').count();
    match text.get(..kept) {
        Some([head @ .., b'.']) if kept < text.len() => head,
        _ => text,
    }
}

/// Why a text is no number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotANumber {
    /// It does not have the form.
    Syntax,
    /// It is too large, or too small; the nearest that fits.
    Range(i64),
}

/// `strconv.ParseInt(text, base, 64)`. Base 0 takes the base from the prefix and lets underscores separate digits.
pub fn parse_int(text: &[u8], base: u32) -> Result<i64, NotANumber> {
    let (negative, digits) = match text {
        [b'+', rest @ ..] => (false, rest),
        [b'-', rest @ ..] => (true, rest),
        rest => (false, rest),
    };
    let underscores = base == 0;
    let (base, digits) = if base == 0 { prefix(digits) } else { (base, digits) };
    if digits.is_empty() {
        return Err(NotANumber::Syntax);
    }
    let (mut total, mut overflow) = (0_u64, false);
    for byte in digits {
        if *byte == b'_' && underscores {
            continue;
        }
        let digit = char::from(*byte).to_digit(base).ok_or(NotANumber::Syntax)?;
        let next = total.checked_mul(u64::from(base)).and_then(|it| it.checked_add(u64::from(digit)));
        overflow |= next.is_none();
        total = next.unwrap_or(u64::MAX);
    }
    if digits.contains(&b'_') && !underscores_fit(text) {
        return Err(NotANumber::Syntax);
    }
    let limit = if negative { i64::MIN } else { i64::MAX };
    if overflow || total > limit.unsigned_abs() {
        return Err(NotANumber::Range(limit));
    }
    Ok(if negative { 0_i64.wrapping_sub_unsigned(total) } else { total.cast_signed() })
}

/// The base by its prefix, and the digits.
fn prefix(digits: &[u8]) -> (u32, &[u8]) {
    match digits {
        [b'0', letter, rest @ ..] if !rest.is_empty() => match letter.to_ascii_lowercase() {
            b'x' => (16, rest),
            b'b' => (2, rest),
            b'o' => (8, rest),
            _ => (8, digits.get(1..).unwrap_or_default()),
        },
        [b'0', rest @ ..] if !rest.is_empty() => (8, rest),
        _ => (10, digits),
    }
}

/// Whether underscores stand only between digits, or between prefix and digits.
fn underscores_fit(text: &[u8]) -> bool {
    let text = text.strip_prefix(b"+").or_else(|| text.strip_prefix(b"-")).unwrap_or(text);
    let mut last = b'^';
    let mut rest = text;
    let mut hex = false;
    if let [b'0', letter, ..] = text
        && matches!(letter.to_ascii_lowercase(), b'b' | b'o' | b'x')
    {
        hex = letter.eq_ignore_ascii_case(&b'x');
        rest = text.get(2..).unwrap_or_default();
        last = b'0';
    }
    for byte in rest {
        let digit = byte.is_ascii_digit() || (hex && byte.is_ascii_hexdigit());
        match *byte {
            _ if digit => last = b'0',
            b'_' if last != b'0' => return false,
            b'_' => last = b'_',
            _ if last == b'_' => return false,
            _ => last = b'!',
        }
    }
    last != b'_'
}

/// `strconv.ParseFloat(text, 64)`: decimal, hexadecimal, `inf`, `nan`; `None` also when it is too large.
pub fn parse_float(text: &[u8]) -> Option<f64> {
    let text = std::str::from_utf8(text).ok()?;
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    if ["inf", "infinity", "nan"].iter().any(|it| unsigned.eq_ignore_ascii_case(it)) {
        if unsigned.eq_ignore_ascii_case("nan") && unsigned.len() != text.len() {
            return None;
        }
        return text.parse().ok();
    }
    if unsigned.get(..2).is_some_and(|it| it.eq_ignore_ascii_case("0x")) {
        let number = hexadecimal(unsigned.get(2..)?, underscores_fit(text.as_bytes()))?;
        return number.is_finite().then_some(if text.starts_with('-') { -number } else { number });
    }
    if !unsigned.starts_with(|it: char| it.is_ascii_digit() || it == '.') {
        return None;
    }
    if text.contains('_') {
        if !underscores_fit(text.as_bytes()) {
            return None;
        }
        return text.replace('_', "").parse().ok().filter(|it: &f64| it.is_finite());
    }
    text.parse().ok().filter(|it: &f64| it.is_finite())
}

/// `1.8p3`; the exponent must be there.
fn hexadecimal(text: &str, underscores: bool) -> Option<f64> {
    let (mantissa, exponent) = text.split_once(['p', 'P'])?;
    let mut exponent: i64 = exponent.strip_prefix('+').unwrap_or(exponent).parse().ok()?;
    let (mut value, mut sticky, mut digits, mut fraction) = (0_u128, false, 0, false);
    for letter in mantissa.chars() {
        match letter {
            '.' if !fraction => fraction = true,
            '_' if underscores => {}
            _ => {
                let digit = letter.to_digit(16)?;
                digits += 1;
                if value >> 120 == 0 {
                    value = value << 4 | u128::from(digit);
                    exponent -= if fraction { 4 } else { 0 };
                } else {
                    sticky |= digit != 0;
                    exponent += if fraction { 0 } else { 4 };
                }
            }
        }
    }
    if digits == 0 {
        return None;
    }
    Some(scaled(value, sticky, exponent))
}

/// `value · 2^exponent`, rounded to even once.
fn scaled(value: u128, sticky: bool, exponent: i64) -> f64 {
    if value == 0 {
        return 0.0;
    }
    let high = 127 - i64::from(value.leading_zeros());
    // The place of the last bit a float64 of this size has; 2^-1074 is the smallest number.
    let last = (high + exponent - 52).max(-1074) - exponent;
    let rounded = if last <= 0 {
        value
    } else if last > 127 {
        0
    } else {
        let rest = value & ((1 << last) - 1);
        let half = 1_u128 << (last - 1);
        let kept = value >> last;
        let up = rest > half || (rest == half && (sticky || kept & 1 == 1));
        kept + u128::from(up)
    };
    let mut number = rounded as f64;
    let mut left = exponent + last.max(0);
    while left != 0 && number != 0.0 && number.is_finite() {
        let step = left.clamp(-500, 500);
        number *= 2_f64.powi(i32::try_from(step).unwrap_or(0));
        left -= step;
    }
    number
}
