//! Go's characters: decoding of bytes that need not be UTF-8, simple case mappings, categories.

use crate::text::Str;

/// The characters of a text with their places and widths. A byte that is not UTF-8 is U+FFFD of width 1.
pub fn runes(text: &[u8]) -> impl Iterator<Item = (usize, char, usize)> + '_ {
    let mut at = 0;
    std::iter::from_fn(move || {
        let tail = text.get(at..).filter(|it| !it.is_empty())?;
        let (letter, width) = decode(tail);
        let place = at;
        at += width;
        Some((place, letter, width))
    })
}

/// The first character of a text that is not empty, and how many bytes it takes.
pub fn decode(text: &[u8]) -> (char, usize) {
    match text.first() {
        None => ('\u{FFFD}', 0),
        Some(byte) if byte.is_ascii() => (char::from(*byte), 1),
        Some(_) => {
            let head = text.get(..text.len().min(4)).unwrap_or_default();
            let valid = match std::str::from_utf8(head) {
                Ok(valid) => valid,
                Err(error) => {
                    head.get(..error.valid_up_to()).and_then(|it| std::str::from_utf8(it).ok()).unwrap_or_default()
                }
            };
            valid.chars().next().map_or(('\u{FFFD}', 1), |letter| (letter, letter.len_utf8()))
        }
    }
}

/// The text with every character mapped; what is not UTF-8 becomes U+FFFD.
pub fn map(text: &[u8], mut change: impl FnMut(char) -> char) -> Str {
    runes(text).map(|(_, letter, _)| change(letter)).collect::<String>().into()
}

/// `unicode.ToUpper`: never more than one character.
pub fn upper(letter: char) -> char {
    match letter {
        // Where the full mapping has several characters, the simple one is another or none.
        '\u{1F80}'..='\u{1F87}' | '\u{1F90}'..='\u{1F97}' | '\u{1FA0}'..='\u{1FA7}' => offset(letter, 8),
        '\u{1FB3}' | '\u{1FC3}' | '\u{1FF3}' => offset(letter, 9),
        _ => single(letter, letter.to_uppercase()),
    }
}

/// `unicode.ToLower`.
pub fn lower(letter: char) -> char {
    match letter {
        '\u{130}' => 'i',
        _ => single(letter, letter.to_lowercase()),
    }
}

/// `unicode.ToTitle`.
pub fn title(letter: char) -> char {
    match letter {
        '\u{1C4}'..='\u{1C6}' => '\u{1C5}',
        '\u{1C7}'..='\u{1C9}' => '\u{1C8}',
        '\u{1CA}'..='\u{1CC}' => '\u{1CB}',
        '\u{1F1}'..='\u{1F3}' => '\u{1F2}',
        // Georgian letters have capitals but no title case.
        '\u{10D0}'..='\u{10FA}' | '\u{10FD}'..='\u{10FF}' => letter,
        _ => upper(letter),
    }
}

fn offset(letter: char, by: u32) -> char {
    char::from_u32(u32::from(letter) + by).unwrap_or(letter)
}

fn single(letter: char, mut mapped: impl ExactSizeIterator<Item = char>) -> char {
    if mapped.len() == 1 { mapped.next().unwrap_or(letter) } else { letter }
}

/// The category of titlecase letters.
pub fn is_title(letter: char) -> bool {
    matches!(letter, '\u{1C5}' | '\u{1C8}' | '\u{1CB}' | '\u{1F2}' | '\u{1F88}'..='\u{1F8F}' | '\u{1F98}'..='\u{1F9F}'
        | '\u{1FA8}'..='\u{1FAF}' | '\u{1FBC}' | '\u{1FCC}' | '\u{1FFC}')
}

/// `unicode.IsSpace`.
pub fn is_space(letter: char) -> bool {
    matches!(
        letter,
        '\t' | '\n' | '\u{B}' | '\u{C}' | '\r' | ' ' | '\u{85}' | '\u{A0}' | '\u{1680}' | '\u{2000}'
            ..='\u{200A}' | '\u{2028}' | '\u{2029}' | '\u{202F}' | '\u{205F}' | '\u{3000}'
    )
}

/// `unicode.IsUpper`: category Lu.
pub fn is_upper(letter: char) -> bool {
    if letter.is_ascii() {
        return letter.is_ascii_uppercase();
    }
    in_category(letter, "Lu")
}

/// `unicode.IsLower`: category Ll.
pub fn is_lower(letter: char) -> bool {
    if letter.is_ascii() {
        return letter.is_ascii_lowercase();
    }
    in_category(letter, "Ll")
}

/// `unicode.IsLetter`: category L.
pub fn is_letter(letter: char) -> bool {
    if letter.is_ascii() {
        return letter.is_ascii_alphabetic();
    }
    in_category(letter, "L")
}

/// `unicode.IsDigit`: category Nd.
pub fn is_digit(letter: char) -> bool {
    if letter.is_ascii() {
        return letter.is_ascii_digit();
    }
    in_category(letter, "Nd")
}

/// `unicode.IsNumber`: category N.
pub fn is_number(letter: char) -> bool {
    if letter.is_ascii() {
        return letter.is_ascii_digit();
    }
    in_category(letter, "N")
}

/// `unicode.IsPunct`: category P.
pub fn is_punct(letter: char) -> bool {
    if letter.is_ascii() {
        return letter.is_ascii_punctuation() && !"$+<=>^`|~".contains(letter);
    }
    in_category(letter, "P")
}

/// Asks the tables of the regex crate.
fn in_category(letter: char, category: &str) -> bool {
    let mut buffer = [0; 4];
    let text = letter.encode_utf8(&mut buffer);
    super::regexp::Regexp::compile(format!("\\p{{{category}}}").as_bytes())
        .is_ok_and(|pattern| pattern.is_match(text.as_bytes()))
}

/// The last character of a text and how many bytes it takes.
pub fn decode_last(text: &[u8]) -> Option<(char, usize)> {
    let last = *text.last()?;
    if last.is_ascii() {
        return Some((char::from(last), 1));
    }
    for width in 2..=4.min(text.len()) {
        let tail = text.get(text.len() - width..).unwrap_or_default();
        if let (letter, read) = decode(tail)
            && read == width
        {
            return Some((letter, width));
        }
    }
    Some(('\u{FFFD}', 1))
}
