//! Character classes and escapes.

use super::{
    groups,
    syntax::{Flags, SyntaxError, next, skip, until},
};

/// What never matches: a class with nothing in it.
const NOTHING: &str = r"[^\x00-\x{10FFFF}]";

/// A character that stands for itself.
pub fn literal(letter: char, fold: bool) -> String {
    let mut out = String::new();
    if letter.is_ascii() && !letter.is_ascii_alphanumeric() {
        out.push_str(&format!("\\x{:02X}", u32::from(letter)));
    } else {
        out.push(letter);
    }
    folded(out, fold && (letter.is_alphabetic() || !letter.is_ascii()))
}

/// A character by its number, which may be one no text holds.
pub fn code_point(code: u32, fold: bool) -> String {
    char::from_u32(code).map_or_else(|| NOTHING.to_owned(), |letter| literal(letter, fold))
}

/// In both cases, if asked for.
pub fn folded(text: String, fold: bool) -> String {
    if fold { format!("(?i:{text})") } else { text }
}

/// A class that begins with `[`, and what follows it.
pub fn bracketed(whole: &[u8], flags: Flags) -> Result<(String, &[u8]), SyntaxError> {
    let mut rest = skip(whole, 1);
    let mut out = String::from("[");
    if rest.first() == Some(&b'^') {
        out.push('^');
        rest = skip(rest, 1);
    }
    let empty = out.len();
    let mut first = true;
    while first || rest.first() != Some(&b']') {
        first = false;
        if let Some((text, after)) = named(rest)? {
            out.push_str(&text);
            rest = after;
            continue;
        }
        if rest.first() == Some(&b'\\') {
            match rest.get(1) {
                Some(b'p' | b'P') => {
                    let (text, after) = unicode(rest)?;
                    out.push_str(&text);
                    rest = after;
                    continue;
                }
                Some(letter) => {
                    if let Some(text) = groups::perl(*letter) {
                        out.push_str(&text);
                        rest = skip(rest, 2);
                        continue;
                    }
                }
                None => {}
            }
        }
        let start = rest;
        let (low, after) = member(rest, whole)?;
        let (high, after) = match after {
            [b'-', second, ..] if *second != b']' => member(skip(after, 1), whole)?,
            _ => (low, after),
        };
        if high < low {
            return Err(SyntaxError::new("invalid character class range", until(start, after)));
        }
        range(&mut out, low, high);
        rest = after;
    }
    let text = match (out.len() == empty, empty) {
        (true, 1) => NOTHING.to_owned(),
        (true, _) => r"(?s:.)".to_owned(),
        _ => folded(out + "]", flags.fold),
    };
    Ok((text, skip(rest, 1)))
}

/// A range of characters without the surrogates, which no text holds.
fn range(out: &mut String, low: u32, high: u32) {
    let mut put = |low: u32, high: u32| {
        if low <= high {
            out.push_str(&format!("\\x{{{low:X}}}-\\x{{{high:X}}}"));
        }
    };
    put(low, high.min(0xD7FF));
    put(low.max(0xE000), high);
}

fn member<'a>(rest: &'a [u8], whole: &[u8]) -> Result<(u32, &'a [u8]), SyntaxError> {
    match rest.first() {
        None => Err(SyntaxError::new("missing closing ]", whole)),
        Some(b'\\') => escaped(rest),
        Some(_) => next(rest).map(|(letter, after)| (u32::from(letter), after)),
    }
}

/// `[:alpha:]` at the beginning, if it has the form of one.
fn named(rest: &[u8]) -> Result<Option<(String, &[u8])>, SyntaxError> {
    let Some(inner) = rest.strip_prefix(b"[:").filter(|_| rest.len() > 2) else { return Ok(None) };
    let Some(end) = inner.windows(2).position(|pair| pair == b":]") else { return Ok(None) };
    let after = skip(inner, end + 2);
    match groups::posix(until(inner, skip(inner, end))) {
        Some(text) => Ok(Some((text, after))),
        None => Err(SyntaxError::new("invalid character class range", until(rest, after))),
    }
}

/// `\pL`, `\p{Greek}`, `\P{^L}` at the beginning.
pub fn unicode(rest: &[u8]) -> Result<(String, &[u8]), SyntaxError> {
    let mut negated = rest.get(1) == Some(&b'P');
    let (letter, after) = next(skip(rest, 2))?;
    let (name, after) = if letter == '{' {
        let Some(end) = rest.iter().position(|it| *it == b'}') else {
            std::str::from_utf8(rest)
                .map_err(|error| SyntaxError::new("invalid UTF-8", skip(rest, error.valid_up_to())))?;
            return Err(SyntaxError::new("invalid character class range", rest));
        };
        (rest.get(3..end).unwrap_or_default(), skip(rest, end + 1))
    } else {
        (until(skip(rest, 2), after), after)
    };
    let name = std::str::from_utf8(name)
        .map_err(|error| SyntaxError::new("invalid UTF-8", skip(name, error.valid_up_to())))?;
    let bare = name.strip_prefix('^').unwrap_or(name);
    negated ^= bare.len() != name.len();
    match groups::unicode(bare, negated) {
        Some(text) => Ok((text, after)),
        None => Err(SyntaxError::new("invalid character class range", until(rest, after))),
    }
}

/// An escape that stands for one character, by its number.
pub fn escaped(rest: &[u8]) -> Result<(u32, &[u8]), SyntaxError> {
    let after = skip(rest, 1);
    if after.is_empty() {
        return Err(SyntaxError::new("trailing backslash at end of expression", b""));
    }
    let (letter, mut after) = next(after)?;
    let octal = |text: &[u8]| text.first().filter(|it| (b'0'..=b'7').contains(it)).map(|it| u32::from(*it - b'0'));
    let code = match letter {
        '1'..='7' if octal(after).is_none() => None,
        '0'..='7' => {
            let mut code = u32::from(letter) - u32::from('0');
            for _ in 0..2 {
                let Some(digit) = octal(after) else { break };
                code = code * 8 + digit;
                after = skip(after, 1);
            }
            Some(code)
        }
        'x' => {
            let (code, left) = hexadecimal(after)?;
            after = left;
            code
        }
        'a' => Some(7),
        'f' => Some(12),
        'n' => Some(10),
        'r' => Some(13),
        't' => Some(9),
        'v' => Some(11),
        letter if letter.is_ascii() && !letter.is_ascii_alphanumeric() => Some(u32::from(letter)),
        _ => None,
    };
    code.map(|code| (code, after)).ok_or_else(|| SyntaxError::new("invalid escape sequence", until(rest, after)))
}

/// What follows `\x`: two digits, or any number in braces. `None` when it is neither; the rest is then where it broke.
fn hexadecimal(text: &[u8]) -> Result<(Option<u32>, &[u8]), SyntaxError> {
    if text.is_empty() {
        return Ok((None, text));
    }
    let (first, mut rest) = next(text)?;
    if first != '{' {
        let (second, after) = next(rest)?;
        let code = first.to_digit(16).zip(second.to_digit(16)).map(|(high, low)| high * 16 + low);
        return Ok((code, after));
    }
    let (mut code, mut digits) = (0_u32, 0);
    while !rest.is_empty() {
        let (letter, after) = next(rest)?;
        rest = after;
        match letter.to_digit(16) {
            _ if letter == '}' => return Ok(((digits > 0).then_some(code), rest)),
            Some(digit) if code * 16 + digit <= 0x10_FFFF => code = code * 16 + digit,
            _ => break,
        }
        digits += 1;
    }
    Ok((None, rest))
}
