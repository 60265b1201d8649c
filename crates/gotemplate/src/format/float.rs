//! Floating point numbers, as `strconv.FormatFloat` writes them.

use crate::format::printer::Printer;

/// How a float is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// `-d.dddde±dd`
    Exponent,
    /// `-ddd.dddd`
    Fixed,
    /// The exponent form for large and for small numbers, else the fixed form.
    General,
    /// `-ddddp±ddd`
    Binary,
    /// `-0x1.yyyyyyyyp±ddd`
    Hex,
}

/// Decimal digits without leading or trailing zeros that mean nothing; the number is 0.DIGITS × 10^point.
struct Decimal {
    digits: Vec<u8>,
    point: i32,
}

/// No float has more digits than this, before or after the point.
const MOST_DIGITS: usize = 1100;

/// A float as text. Without a precision, as many digits as are needed to tell it from every other float of its size
/// (32 or 64 bits).
#[must_use]
pub fn float_text(number: f64, style: Style, precision: Option<usize>, bits: u32) -> String {
    if number.is_nan() {
        return "NaN".to_owned();
    }
    if number.is_infinite() {
        return if number > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
    }
    let sign = if number.is_sign_negative() { "-" } else { "" };
    let magnitude = number.abs();
    let body = match (style, precision) {
        (Style::Binary, _) => binary(magnitude, bits),
        (Style::Hex, precision) => hex(magnitude, precision, bits),
        (Style::Fixed, Some(precision)) => {
            let exact = precision.min(MOST_DIGITS);
            let zeros = if exact == precision { String::new() } else { "0".repeat(precision - exact) };
            format!("{magnitude:.exact$}{zeros}")
        }
        (Style::Exponent, Some(precision)) => exponent_form(&rounded(magnitude, precision + 1), precision),
        (Style::Fixed, None) => {
            let decimal = shortest(magnitude, bits);
            let fraction = (decimal.digits.len() as i32 - decimal.point).max(0);
            fixed_form(&decimal, fraction as usize)
        }
        (Style::Exponent, None) => {
            let decimal = shortest(magnitude, bits);
            exponent_form(&decimal, decimal.digits.len().saturating_sub(1))
        }
        (Style::General, precision) => general(magnitude, precision, bits),
    };
    format!("{sign}{body}")
}

fn general(magnitude: f64, precision: Option<usize>, bits: u32) -> String {
    let decimal = match precision {
        None => shortest(magnitude, bits),
        Some(precision) => rounded(magnitude, precision.max(1)),
    };
    let count = decimal.digits.len();
    let wanted = precision.map_or(count, |it| it.max(1));
    let threshold = match precision {
        None => 6,
        Some(_) if wanted > count && count as i32 >= decimal.point => count as i32,
        Some(_) => i32::try_from(wanted).unwrap_or(i32::MAX),
    };
    let exponent = decimal.point - 1;
    if exponent < -4 || exponent >= threshold {
        return exponent_form(&decimal, wanted.min(count).saturating_sub(1));
    }
    fixed_form(&decimal, (count as i32 - decimal.point).max(0) as usize)
}

/// The shortest digits that read back as the same number.
fn shortest(magnitude: f64, bits: u32) -> Decimal {
    let text = if bits == 32 { format!("{:e}", magnitude as f32) } else { format!("{magnitude:e}") };
    from_exponent_text(&text)
}

/// Exactly so many digits, without trailing zeros, the last one rounded.
fn rounded(magnitude: f64, count: usize) -> Decimal {
    from_exponent_text(&format!("{magnitude:.*e}", (count - 1).min(MOST_DIGITS)))
}

fn from_exponent_text(text: &str) -> Decimal {
    let (mantissa, exponent) = text.split_once('e').unwrap_or((text, "0"));
    let mut digits: Vec<u8> = mantissa.bytes().filter(u8::is_ascii_digit).collect();
    while digits.last() == Some(&b'0') {
        digits.pop();
    }
    let point = if digits.is_empty() { 0 } else { exponent.parse::<i32>().unwrap_or(0) + 1 };
    Decimal { digits, point }
}

fn digit(decimal: &Decimal, place: usize) -> char {
    decimal.digits.get(place).map_or('0', |it| char::from(*it))
}

fn exponent_form(decimal: &Decimal, precision: usize) -> String {
    let mut out = String::from(digit(decimal, 0));
    if precision > 0 {
        out.push('.');
        out.extend((1..=precision).map(|place| digit(decimal, place)));
    }
    let exponent = if decimal.digits.is_empty() { 0 } else { decimal.point - 1 };
    out.push_str(&format!("e{}{:02}", if exponent < 0 { '-' } else { '+' }, exponent.abs()));
    out
}

fn fixed_form(decimal: &Decimal, precision: usize) -> String {
    let mut out = String::new();
    if decimal.point > 0 {
        out.extend((0..decimal.point as usize).map(|place| digit(decimal, place)));
    } else {
        out.push('0');
    }
    if precision > 0 {
        out.push('.');
        for place in 0..precision as i32 {
            let place = decimal.point + place;
            out.push(usize::try_from(place).map_or('0', |place| digit(decimal, place)));
        }
    }
    out
}

/// The bits of the mantissa and the exponent of the last one.
fn parts(magnitude: f64, bits: u32) -> (u64, i32) {
    if bits == 32 {
        let raw = (magnitude as f32).to_bits();
        let (exponent, fraction) = ((raw >> 23 & 0xff) as i32, u64::from(raw & 0x7f_ffff));
        return if exponent == 0 { (fraction, -149) } else { (fraction | 1 << 23, exponent - 150) };
    }
    let raw = magnitude.to_bits();
    let (exponent, fraction) = ((raw >> 52 & 0x7ff) as i32, raw & ((1 << 52) - 1));
    if exponent == 0 { (fraction, -1074) } else { (fraction | 1 << 52, exponent - 1075) }
}

fn binary(magnitude: f64, bits: u32) -> String {
    let (mantissa, exponent) = parts(magnitude, bits);
    format!("{mantissa}p{exponent:+}")
}

fn hex(magnitude: f64, precision: Option<usize>, bits: u32) -> String {
    let (mantissa, exponent) = parts(magnitude, bits);
    if mantissa == 0 {
        let zeros =
            precision.map_or(String::new(), |it| if it == 0 { String::new() } else { format!(".{}", "0".repeat(it)) });
        return format!("0x0{zeros}p+00");
    }
    // The leading bit goes to bit 60: one hexadecimal digit before the point, fifteen after.
    let shift = mantissa.leading_zeros() as i32 - 3;
    let mut mantissa = mantissa << shift;
    let mut exponent = exponent - shift + 60;
    if let Some(precision) = precision.filter(|it| *it < 15) {
        let dropped = 60 - 4 * precision as u32;
        let half = 1_u64 << (dropped - 1);
        let rest = mantissa & ((1 << dropped) - 1);
        mantissa >>= dropped;
        if rest > half || (rest == half && mantissa & 1 == 1) {
            mantissa += 1;
        }
        mantissa <<= dropped;
        if mantissa >> 61 != 0 {
            mantissa >>= 1;
            exponent += 1;
        }
    }
    let mut digits = format!("{:015x}", mantissa & ((1 << 60) - 1));
    match precision {
        None => digits.truncate(digits.trim_end_matches('0').len()),
        Some(precision) => {
            digits.truncate(precision.min(15));
            digits.push_str(&"0".repeat(precision.saturating_sub(15)));
        }
    }
    let point = if digits.is_empty() { "" } else { "." };
    format!("0x{}{point}{digits}p{}{:02}", mantissa >> 60, if exponent < 0 { '-' } else { '+' }, exponent.abs())
}

impl Printer {
    /// A float with any of the verbs; false when the verb is not for floats.
    pub(super) fn float(&mut self, number: f64, bits: u32, verb: char) -> bool {
        let (style, precision) = match verb {
            'v' | 'g' | 'G' => (Style::General, None),
            'b' => (Style::Binary, None),
            'x' | 'X' => (Style::Hex, None),
            'f' | 'F' => (Style::Fixed, Some(6)),
            'e' | 'E' => (Style::Exponent, Some(6)),
            _ => return false,
        };
        let precision = self.flags.precision.or(precision);
        let mut text = float_text(number, style, precision, bits);
        if verb.is_ascii_uppercase() && number.is_finite() {
            text.make_ascii_uppercase();
        }
        let (sign, body) = match text.as_bytes() {
            [sign @ (b'-' | b'+'), body @ ..] => (*sign, body),
            body => (b'+', body),
        };
        let flags = self.flags;
        let sign = if flags.space && sign == b'+' && !flags.plus { b' ' } else { sign };
        if !number.is_finite() {
            self.infinite(sign, body, number);
            return true;
        }
        let body = if flags.sharp && verb != 'b' { sharpened(body, verb, precision) } else { body.to_vec() };
        if !flags.plus && sign == b'+' {
            self.pad(&body);
            return true;
        }
        let width = flags.width.unwrap_or(0);
        if flags.zero && !flags.minus && width > body.len() + 1 {
            self.buf.push(sign);
            self.fill(width - body.len() - 1, b'0');
            self.buf.extend_from_slice(&body);
            return true;
        }
        let mut signed = vec![sign];
        signed.extend_from_slice(&body);
        self.pad(&signed);
        true
    }

    /// Infinities and NaN are never padded with zeros.
    fn infinite(&mut self, sign: u8, body: &[u8], number: f64) {
        let mut text = vec![sign];
        text.extend_from_slice(body);
        if number.is_nan() && !self.flags.space && !self.flags.plus {
            text.remove(0);
        }
        self.pad_with_spaces(&text);
    }
}

/// With `#`: always a decimal point, and the zeros that were cut off.
fn sharpened(body: &[u8], verb: char, precision: Option<usize>) -> Vec<u8> {
    let mut missing: i64 = match verb {
        'v' | 'g' | 'G' | 'x' => precision.map_or(6, |it| it as i64),
        _ => 0,
    };
    let is_hex = matches!(verb, 'x' | 'X');
    let tail = body
        .iter()
        .position(|it| matches!(it, b'p' | b'P') || (!is_hex && matches!(it, b'e' | b'E')))
        .unwrap_or(body.len());
    let (number, tail) = body.split_at(tail);
    let mut seen = false;
    for byte in number.iter().filter(|it| **it != b'.') {
        seen |= *byte != b'0';
        missing -= i64::from(seen);
    }
    let mut out = number.to_vec();
    if !number.contains(&b'.') {
        if number == b"0" {
            missing -= 1;
        }
        out.push(b'.');
    }
    out.resize(out.len() + usize::try_from(missing).unwrap_or(0), b'0');
    out.extend_from_slice(tail);
    out
}
