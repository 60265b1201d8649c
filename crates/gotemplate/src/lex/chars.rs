//! Characters and what stands around delimiters.

use std::fmt::Write as _;

/// The first character of a text; U+FFFD for a byte that is not UTF-8.
pub(crate) fn decode(text: &[u8]) -> Option<(char, usize)> {
    let first = *text.first()?;
    if first < 0x80 {
        return Some((char::from(first), 1));
    }
    let len = match first {
        0xC2..=0xDF => 2,
        0xE0..=0xEF => 3,
        0xF0..=0xF4 => 4,
        _ => return Some((char::REPLACEMENT_CHARACTER, 1)),
    };
    let decoded = text.get(..len).and_then(|it| std::str::from_utf8(it).ok()).and_then(|it| it.chars().next());
    Some(decoded.map_or((char::REPLACEMENT_CHARACTER, 1), |char| (char, len)))
}

/// A character as `%#U` prints it; the end of the text is -1.
pub(super) fn named(char: Option<char>) -> String {
    let Some(char) = char else {
        return "U+FFFFFFFFFFFFFFFF".to_owned();
    };
    let mut out = format!("U+{:04X}", u32::from(char));
    if crate::format::is_printable(char) {
        let _ = write!(out, " '{char}'");
    }
    out
}

pub(super) fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

pub(super) fn is_alphanumeric(char: char) -> bool {
    match char {
        '_' | 'a'..='z' | 'A'..='Z' | '0'..='9' => true,
        _ => !char.is_ascii() && crate::format::is_letter_or_digit(char),
    }
}

pub(super) fn trims_left(text: &[u8]) -> bool {
    matches!(text, [b'-', space, ..] if is_space(*space))
}

pub(super) fn trims_right(text: &[u8]) -> bool {
    matches!(text, [space, b'-', ..] if is_space(*space))
}

pub(super) fn trimmed_end(text: &[u8]) -> usize {
    text.iter().rposition(|it| !is_space(*it)).map_or(0, |last| last + 1)
}
