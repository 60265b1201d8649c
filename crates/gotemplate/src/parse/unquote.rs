//! String and character constants.

use std::borrow::Cow;

use crate::lex::decode;

/// The value of a constant in double or raw quotes; `None` when an escape is wrong.
pub(crate) fn unquote(quoted: &[u8]) -> Option<Cow<'_, [u8]>> {
    let inner = quoted.get(1..quoted.len().checked_sub(1)?)?;
    if quoted.first() == Some(&b'`') {
        return Some(match memchr::memchr(b'\r', inner) {
            None => inner.into(),
            Some(_) => inner.iter().copied().filter(|it| *it != b'\r').collect(),
        });
    }
    if inner.is_ascii() && memchr::memchr3(b'\\', b'"', b'\n', inner).is_none() {
        return Some(inner.into());
    }
    let mut out = Vec::with_capacity(inner.len());
    let mut rest = inner;
    while !rest.is_empty() {
        let (char, len) = unescape(rest, b'"')?;
        match char {
            Unescaped::Byte(byte) => out.push(byte),
            Unescaped::Char(char) => out.extend_from_slice(char.encode_utf8(&mut [0; 4]).as_bytes()),
        }
        rest = rest.get(len..)?;
    }
    Some(out.into())
}

/// The character of a constant in single quotes; an error as Go words it.
pub(crate) fn unquote_char(quoted: &[u8]) -> Result<u32, String> {
    let rest = quoted.get(1..).unwrap_or_default();
    let (char, len) = unescape(rest, b'\'').ok_or("invalid syntax")?;
    if rest.get(len..) != Some(b"'") {
        return Err(format!("malformed character constant: {}", String::from_utf8_lossy(quoted)));
    }
    Ok(match char {
        Unescaped::Byte(byte) => u32::from(byte),
        Unescaped::Char(char) => u32::from(char),
    })
}

enum Unescaped {
    Byte(u8),
    Char(char),
}

/// The first character or escape of a text, with its length.
fn unescape(text: &[u8], quote: u8) -> Option<(Unescaped, usize)> {
    let (char, len) = decode(text)?;
    if char != '\\' {
        if u8::try_from(char).is_ok_and(|it| it == quote) || char == '\n' {
            return None;
        }
        return Some((Unescaped::Char(char), len));
    }
    let code = *text.get(1)?;
    let simple = |byte: u8| Some((Unescaped::Byte(byte), 2));
    match code {
        b'a' => simple(7),
        b'b' => simple(8),
        b'f' => simple(12),
        b'n' => simple(b'\n'),
        b'r' => simple(b'\r'),
        b't' => simple(b'\t'),
        b'v' => simple(11),
        b'\\' => simple(b'\\'),
        b'\'' | b'"' if code == quote => simple(code),
        b'x' | b'u' | b'U' => {
            let digits = match code {
                b'x' => 2,
                b'u' => 4,
                _ => 8,
            };
            let number = digits_of(text.get(2..2 + digits)?, 16)?;
            let char = if code == b'x' {
                Unescaped::Byte(u8::try_from(number).ok()?)
            } else {
                Unescaped::Char(char::from_u32(number)?)
            };
            Some((char, 2 + digits))
        }
        b'0'..=b'7' => {
            let number = digits_of(text.get(1..4)?, 8)?;
            Some((Unescaped::Byte(u8::try_from(number).ok()?), 4))
        }
        _ => None,
    }
}

fn digits_of(digits: &[u8], base: u32) -> Option<u32> {
    digits.iter().try_fold(0_u32, |number, digit| {
        let digit = char::from(*digit).to_digit(base)?;
        number.checked_mul(base)?.checked_add(digit)
    })
}
