//! `strconv.Quote` and which characters it leaves as they are.

use crate::{format::tables, lex::decode};

/// A string in double quotes, as `strconv.Quote` writes it. (What is not UTF-8 is escaped, so the result is text.)
#[must_use]
pub fn quote(text: &[u8]) -> String {
    String::from_utf8_lossy(&quote_bytes(text, b'"', false)).into_owned()
}

/// The same with everything beyond ASCII escaped, as `strconv.QuoteToASCII` writes it.
#[must_use]
pub fn quote_ascii(text: &[u8]) -> String {
    String::from_utf8_lossy(&quote_bytes(text, b'"', true)).into_owned()
}

/// A text between quotes of a kind.
#[must_use]
pub fn quote_bytes(text: &[u8], quote: u8, ascii: bool) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() + 2);
    out.push(quote);
    let mut rest = text;
    while let Some((char, len)) = decode(rest) {
        match rest.first() {
            Some(byte) if len == 1 && char == char::REPLACEMENT_CHARACTER => {
                out.extend_from_slice(format!("\\x{byte:02x}").as_bytes());
            }
            _ => push_escaped(&mut out, char, quote, ascii),
        }
        rest = rest.get(len..).unwrap_or_default();
    }
    out.push(quote);
    out
}

fn push_escaped(out: &mut Vec<u8>, char: char, quote: u8, ascii: bool) {
    if char == char::from(quote) || char == '\\' {
        out.push(b'\\');
        out.push(char as u8);
        return;
    }
    if is_printable(char) && (char.is_ascii() || !ascii) {
        out.extend_from_slice(char.encode_utf8(&mut [0; 4]).as_bytes());
        return;
    }
    let code = u32::from(char);
    let escape = match char {
        '\u{7}' => "\\a".to_owned(),
        '\u{8}' => "\\b".to_owned(),
        '\u{c}' => "\\f".to_owned(),
        '\n' => "\\n".to_owned(),
        '\r' => "\\r".to_owned(),
        '\t' => "\\t".to_owned(),
        '\u{b}' => "\\v".to_owned(),
        _ if code < 0x20 || code == 0x7f => format!("\\x{code:02x}"),
        _ if code < 0x10000 => format!("\\u{code:04x}"),
        _ => format!("\\U{code:08x}"),
    };
    out.extend_from_slice(escape.as_bytes());
}

/// Whether a text may stand in raw quotes: no control characters but tabs, no raw quotes, no byte order marks.
pub(super) fn can_backquote(text: &[u8]) -> bool {
    let mut rest = text;
    while let Some((char, len)) = decode(rest) {
        let wrong_byte = len == 1 && char == char::REPLACEMENT_CHARACTER;
        let control = (char < ' ' && char != '\t') || char == '\u{7f}';
        if wrong_byte || control || char == '`' || char == '\u{feff}' {
            return false;
        }
        rest = rest.get(len..).unwrap_or_default();
    }
    true
}

/// The first so many characters of a text.
pub(crate) fn first_chars(text: &[u8], count: usize) -> &[u8] {
    let mut end = 0;
    for _ in 0..count {
        match decode(text.get(end..).unwrap_or_default()) {
            Some((_, len)) => end += len,
            None => break,
        }
    }
    text.get(..end).unwrap_or_default()
}

/// How many characters a text has; a byte that is not UTF-8 counts as one.
pub(super) fn char_count(text: &[u8]) -> usize {
    if text.is_ascii() {
        return text.len();
    }
    let (mut count, mut rest) = (0, text);
    while let Some((_, len)) = decode(rest) {
        count += 1;
        rest = rest.get(len..).unwrap_or_default();
    }
    count
}

/// Whether Go prints it as it is.
pub(crate) fn is_printable(char: char) -> bool {
    match char {
        ' '..='~' => true,
        _ => !char.is_ascii() && within(tables::PRINTABLE, char),
    }
}

/// Whether it is a letter or a decimal digit; for characters beyond ASCII.
pub(crate) fn is_letter_or_digit(char: char) -> bool {
    within(tables::LETTERS_AND_DIGITS, char)
}

fn within(ranges: &[(u32, u32)], char: char) -> bool {
    let code = u32::from(char);
    ranges
        .binary_search_by(|(first, last)| {
            if code < *first {
                std::cmp::Ordering::Greater
            } else if code > *last {
                std::cmp::Ordering::Less
            } else {
                std::cmp::Ordering::Equal
            }
        })
        .is_ok()
}
