//! Number constants, which have no type until they are used.

use crate::{ast::Number, lex::Kind, parse::unquote::unquote_char};

/// A constant under every type that can represent it.
pub(crate) fn parse(text: &[u8], kind: Kind) -> Result<Number, String> {
    let text = String::from_utf8_lossy(text).into_owned();
    let mut number = Number::default();
    match kind {
        Kind::CharConstant => {
            let char = unquote_char(text.as_bytes())?;
            number.int = Some(i64::from(char));
            number.uint = Some(u64::from(char));
            number.float = Some(f64::from(char));
        }
        Kind::Complex => {
            let pair = complex(&text).ok_or("syntax error scanning complex number")?;
            set_complex(&mut number, pair);
        }
        _ => match text.strip_suffix('i').and_then(parse_float) {
            Some(imaginary) => set_complex(&mut number, (0.0, imaginary)),
            None => real(&mut number, &text)?,
        },
    }
    number.text = text;
    Ok(number)
}

fn real(number: &mut Number, text: &str) -> Result<(), String> {
    number.uint = parse_uint(text);
    number.int = parse_int(text);
    if number.int == Some(0) {
        number.uint = Some(0);
    }
    if let Some(int) = number.int {
        number.float = Some(int as f64);
    } else if let Some(uint) = number.uint {
        number.float = Some(uint as f64);
    } else if let Some(float) = parse_float(text) {
        if !text.contains(['.', 'e', 'E', 'p', 'P']) {
            return Err(format!("integer overflow: {}", crate::format::quote(text.as_bytes())));
        }
        number.float = Some(float);
        set_integers(number, float);
    }
    if number.float.is_none() {
        return Err(format!("illegal number syntax: {}", crate::format::quote(text.as_bytes())));
    }
    Ok(())
}

/// The integers a float stands for exactly.
fn set_integers(number: &mut Number, float: f64) {
    const LIMIT: f64 = 9_223_372_036_854_775_808.0;
    if float.fract() != 0.0 {
        return;
    }
    // At the edges a conversion in Go yields what the processor does: the least integer.
    number.int = if (-LIMIT..LIMIT).contains(&float) { Some(float as i64) } else { None };
    number.uint = if (0.0..2.0 * LIMIT).contains(&float) { Some(float as u64) } else { None };
}

fn set_complex(number: &mut Number, pair: (f64, f64)) {
    number.complex = Some(pair);
    if pair.1 == 0.0 {
        number.float = Some(pair.0);
        set_integers(number, pair.0);
    }
}

/// `1+2i`
fn complex(text: &str) -> Option<(f64, f64)> {
    let body = text.strip_suffix('i')?;
    let bytes = body.as_bytes();
    let middle = (1..bytes.len()).rev().find(|at| {
        matches!(bytes.get(*at), Some(b'+' | b'-')) && !matches!(bytes.get(at - 1), Some(b'e' | b'E' | b'p' | b'P'))
    })?;
    Some((parse_float(body.get(..middle)?)?, parse_float(body.get(middle..)?)?))
}

/// An unsigned integer with Go's prefixes and underscores; `None` when it is none or too large.
pub(crate) fn parse_uint(text: &str) -> Option<u64> {
    let (base, digits) = match text.as_bytes() {
        [b'0', b'x' | b'X', ..] => (16, text.get(2..)?),
        [b'0', b'o' | b'O', ..] => (8, text.get(2..)?),
        [b'0', b'b' | b'B', ..] => (2, text.get(2..)?),
        [b'0', _, ..] => (8, text.get(1..)?),
        _ => (10, text),
    };
    if !underscores_fit(text) {
        return None;
    }
    let digits: String = digits.chars().filter(|it| *it != '_').collect();
    if digits.is_empty() || digits.starts_with('+') {
        return None;
    }
    u64::from_str_radix(&digits, base).ok()
}

/// The same with a sign.
pub(crate) fn parse_int(text: &str) -> Option<i64> {
    let (negative, digits) = match text.as_bytes().first()? {
        b'-' => (true, text.get(1..)?),
        b'+' => (false, text.get(1..)?),
        _ => (false, text),
    };
    let number = i128::from(parse_uint(digits)?);
    i64::try_from(if negative { -number } else { number }).ok()
}

/// Underscores may only separate digits, or follow a base prefix.
fn underscores_fit(text: &str) -> bool {
    if !text.contains('_') {
        return true;
    }
    let digits = text.trim_start_matches(['+', '-']);
    let bytes = digits.as_bytes();
    let hex = matches!(bytes, [b'0', b'x' | b'X', ..]);
    let prefixed = matches!(bytes, [b'0', b'x' | b'X' | b'o' | b'O' | b'b' | b'B', ..]);
    // What came before: a digit (or the prefix), an underscore, or anything else.
    let mut before = if prefixed { b'0' } else { b'^' };
    for byte in bytes.get(if prefixed { 2 } else { 0 }..).unwrap_or_default() {
        let digit = byte.is_ascii_digit() || (hex && byte.is_ascii_hexdigit());
        if digit {
            before = b'0';
        } else if *byte == b'_' {
            if before != b'0' {
                return false;
            }
            before = b'_';
        } else {
            if before == b'_' {
                return false;
            }
            before = b'!';
        }
    }
    before != b'_'
}

/// A float as `strconv.ParseFloat` reads it; `None` when it is none or too large.
pub(crate) fn parse_float(text: &str) -> Option<f64> {
    if !underscores_fit(text) {
        return None;
    }
    let clean: String = text.chars().filter(|it| *it != '_').collect();
    let unsigned = clean.trim_start_matches(['+', '-']);
    let number = if unsigned.starts_with("0x") || unsigned.starts_with("0X") {
        let magnitude = hex_float(unsigned.get(2..)?)?;
        if clean.starts_with('-') { -magnitude } else { magnitude }
    } else {
        clean.parse::<f64>().ok()?
    };
    number.is_finite().then_some(number)
}

/// `1.8p3`, the exponent being required.
fn hex_float(text: &str) -> Option<f64> {
    let (mantissa, exponent) = text.split_once(['p', 'P'])?;
    let mut exponent: i64 = exponent.parse().ok()?;
    exponent = exponent.clamp(-1_000_000, 1_000_000);
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let (mut bits, mut sticky) = (0_u128, false);
    for (place, digit) in whole.chars().chain(fraction.chars()).enumerate() {
        let digit = digit.to_digit(16)?;
        if bits >> 100 == 0 {
            bits = bits << 4 | u128::from(digit);
            exponent -= if place >= whole.len() { 4 } else { 0 };
        } else {
            sticky |= digit != 0;
            exponent += if place < whole.len() { 4 } else { 0 };
        }
    }
    // What was cut off only matters for rounding: one more bit below all others says that there was something.
    let bits = bits << 1 | u128::from(sticky);
    let (mut scaled, mut left) = (bits as f64, exponent - 1);
    while left != 0 && scaled != 0.0 && scaled.is_finite() {
        let step = left.clamp(-1000, 1000);
        scaled *= 2_f64.powi(i32::try_from(step).ok()?);
        left -= step;
    }
    Some(scaled)
}
