//! Durations as Go reads them: `1h2m`, `-1.5h`, `300ms`.

/// Why a text is no duration, in Go's words.
pub struct InvalidDuration(pub String);

const LIMIT: u64 = 1 << 63;

/// Reads a duration as nanoseconds.
pub fn parse(text: &[u8]) -> Result<i64, InvalidDuration> {
    let invalid = |what: &str| InvalidDuration(format!("time: {what} {}", quote(text)));
    let wrong = || invalid("invalid duration");
    let (negative, mut rest) = match text {
        [sign @ (b'-' | b'+'), rest @ ..] => (*sign == b'-', rest),
        rest => (false, rest),
    };
    if rest == b"0" {
        return Ok(0);
    }
    if rest.is_empty() {
        return Err(wrong());
    }
    let mut total = 0_u64;
    while !rest.is_empty() {
        let (whole, after) = digits(rest);
        let mut number = 0_u64;
        for digit in whole {
            number = number
                .checked_mul(10)
                .and_then(|it| it.checked_add(u64::from(digit - b'0')))
                .filter(|it| *it <= LIMIT)
                .ok_or_else(wrong)?;
        }
        let (fraction, after) = match after {
            [b'.', after @ ..] => digits(after),
            after => (&b""[..], after),
        };
        if whole.is_empty() && fraction.is_empty() {
            return Err(wrong());
        }
        let length = after.iter().position(|it| *it == b'.' || it.is_ascii_digit()).unwrap_or(after.len());
        let (name, after) = after.split_at_checked(length).unwrap_or_default();
        if name.is_empty() {
            return Err(invalid("missing unit in duration"));
        }
        let Some(unit) = unit(name) else {
            return Err(invalid(&format!("unknown unit {} in duration", quote(name))));
        };
        if number > LIMIT / unit {
            return Err(wrong());
        }
        let part = number * unit + fraction_of(fraction, unit);
        total = total.checked_add(part).filter(|it| part <= LIMIT && *it <= LIMIT).ok_or_else(wrong)?;
        rest = after;
    }
    match (negative, i64::try_from(total)) {
        (false, Ok(nanos)) => Ok(nanos),
        (false, Err(_)) => Err(wrong()),
        (true, _) => Ok(0_i64.wrapping_sub_unsigned(total)),
    }
}

fn digits(text: &[u8]) -> (&[u8], &[u8]) {
    let length = text.iter().take_while(|it| it.is_ascii_digit()).count();
    text.split_at_checked(length).unwrap_or_default()
}

fn unit(name: &[u8]) -> Option<u64> {
    Some(match name {
        b"ns" => 1,
        b"us" | b"\xC2\xB5s" | b"\xCE\xBCs" => 1_000,
        b"ms" => 1_000_000,
        b"s" => 1_000_000_000,
        b"m" => 60_000_000_000,
        b"h" => 3_600_000_000_000,
        _ => return None,
    })
}

/// A decimal fraction of a unit; digits beyond what 64 bits hold do not count.
fn fraction_of(digits: &[u8], unit: u64) -> u64 {
    let (mut value, mut scale) = (0_u64, 1_f64);
    for digit in digits {
        if value > (LIMIT - 1) / 10 {
            break;
        }
        let next = value * 10 + u64::from(digit - b'0');
        if next > LIMIT {
            break;
        }
        value = next;
        scale *= 10.0;
    }
    (value as f64 * (unit as f64 / scale)) as u64
}

/// In quotes, as package time quotes: control characters and what is not ASCII byte by byte.
pub fn quote(text: &[u8]) -> String {
    let mut out = String::from("\"");
    for byte in text {
        match byte {
            b'"' | b'\\' => {
                out.push('\\');
                out.push(char::from(*byte));
            }
            b' '..=0x7F => out.push(char::from(*byte)),
            _ => out.push_str(&format!("\\x{byte:02x}")),
        }
    }
    out.push('"');
    out
}
