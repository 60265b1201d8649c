//! Words: letter case, camel and snake case, initials, abbreviations.
//!
//! Each rule set is that of the library behind Sprig: `strings.Title`, Masterminds/goutils, huandu/xstrings v1.5.

use crate::{sprig::unicode, text::Str};

/// The first letter of each word in title case. Words end at what is neither letter, digit nor underscore; beyond ASCII
/// only spaces end them.
pub fn title(text: &[u8]) -> Str {
    let mut previous = ' ';
    unicode::map(text, |letter| {
        let starts = is_separator(previous);
        previous = letter;
        if starts { unicode::title(letter) } else { letter }
    })
}

fn is_separator(letter: char) -> bool {
    if letter.is_ascii() {
        return !letter.is_ascii_alphanumeric() && letter != '_';
    }
    !unicode::is_letter(letter) && !unicode::is_digit(letter) && unicode::is_space(letter)
}

/// The first letter of each word in lower case; words end at spaces.
pub fn untitle(text: &[u8]) -> Str {
    let mut first = true;
    unicode::map(text, |letter| {
        if unicode::is_space(letter) {
            first = true;
            letter
        } else if std::mem::take(&mut first) {
            unicode::lower(letter)
        } else {
            letter
        }
    })
}

/// Small letters become capitals, title case at the start of a word, capitals become small.
pub fn swap_case(text: &[u8]) -> Str {
    let mut after_space = true;
    unicode::map(text, |letter| {
        if unicode::is_upper(letter) || unicode::is_title(letter) {
            after_space = false;
            unicode::lower(letter)
        } else if unicode::is_lower(letter) {
            if std::mem::take(&mut after_space) { unicode::title(letter) } else { unicode::upper(letter) }
        } else {
            after_space = unicode::is_space(letter);
            letter
        }
    })
}

/// The first byte of each word as a character of its own; words end at spaces.
pub fn initials(text: &[u8]) -> String {
    let mut gap = true;
    let mut out = String::new();
    for letter in text.iter().copied().map(char::from) {
        if unicode::is_space(letter) {
            gap = true;
        } else if std::mem::take(&mut gap) {
            out.push(letter);
        }
    }
    out
}

/// Without spaces. When there is one, every byte is taken for a character, as the original does.
pub fn no_space(text: &[u8]) -> Str {
    if !text.iter().copied().map(char::from).any(unicode::is_space) {
        return Str::from(text);
    }
    let kept: String = text.iter().copied().map(char::from).filter(|it| !unicode::is_space(*it)).collect();
    Str::from(kept)
}

/// Cut to `width` bytes with dots: at the end, and from `offset` on also at the beginning.
pub fn abbreviate(text: &[u8], offset: i64, width: i64) -> Str {
    let length = i64::try_from(text.len()).unwrap_or(i64::MAX);
    if length <= width {
        return Str::from(text);
    }
    let part = |start: i64, end: i64| {
        let place = |it: i64| usize::try_from(it).unwrap_or_default();
        text.get(place(start)..place(end)).unwrap_or_default()
    };
    let mut offset = offset.min(length);
    if length - offset < width - 3 {
        offset = length - (width - 3);
    }
    let dots = b"...".as_slice();
    if offset <= 4 {
        return Str::from([part(0, width - 3), dots].concat());
    }
    if width < 7 {
        return Str::default();
    }
    if offset + width - 3 < length {
        return Str::from([dots, &abbreviate(part(offset, length), 0, width - 3)].concat());
    }
    Str::from([dots, part(length - (width - 3), length)].concat())
}

fn is_connector(letter: char) -> bool {
    letter == '-' || letter == '_' || unicode::is_space(letter)
}

/// `some_words` as `SomeWords`. A connector at the beginning or before another connector stays.
pub fn pascal(text: &[u8]) -> String {
    let mut letters = unicode::runes(text).map(|(_, letter, _)| letter);
    let mut out = String::new();
    let mut current = loop {
        match letters.next() {
            // Of nothing but connectors, the original writes the last one twice.
            None => {
                out.extend(out.chars().next_back());
                return out;
            }
            Some(letter) if is_connector(letter) => out.push(letter),
            Some(letter) => break letter,
        }
    };
    let mut word_upper = unicode::is_upper(current);
    current = unicode::upper(current);
    for letter in letters {
        let previous = std::mem::replace(&mut current, letter);
        if is_connector(current) && is_connector(previous) {
            out.push(previous);
            continue;
        }
        if is_connector(previous) {
            word_upper = unicode::is_upper(current);
            current = unicode::upper(current);
        } else {
            if word_upper {
                if unicode::is_upper(current) {
                    current = unicode::lower(current);
                } else {
                    word_upper = false;
                }
            }
            out.push(previous);
        }
    }
    out.push(current);
    out
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Word {
    /// Nothing, or a replacement character.
    Invalid,
    Number,
    Upper,
    Alphabet,
    Connector,
    Punct,
    Other,
}

/// `HTTPServer` as `http_server`, with `_` or another connector.
pub fn lower_words(text: &[u8], connector: u8) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() + text.len() / 4);
    let mut words = Words { rest: text };
    let (mut kind, mut word) = words.next();
    while !words.rest.is_empty() {
        if kind != Word::Connector {
            push_lower(&mut out, kind, word, connector);
        }
        let (previous, last) = (kind, word);
        (kind, word) = words.next();
        match previous {
            Word::Number => {
                words.tail(&mut out, &mut kind, &mut word, connector);
                if !matches!(kind, Word::Invalid | Word::Punct | Word::Connector) {
                    out.push(connector);
                }
            }
            Word::Connector => push_lower(&mut out, previous, last, connector),
            Word::Punct => {}
            _ if kind != Word::Number => {
                if !matches!(kind, Word::Connector | Word::Punct) {
                    out.push(connector);
                }
            }
            _ if words.rest.is_empty() => {}
            _ => {
                let number = word;
                (kind, word) = words.next();
                if kind == Word::Alphabet {
                    // Small letters follow the number: it begins a word (`HTTP2xx` is `http_2xx`).
                    out.push(connector);
                    push_lower(&mut out, Word::Number, number, connector);
                    words.tail(&mut out, &mut kind, &mut word, connector);
                    if !matches!(kind, Word::Invalid | Word::Connector | Word::Punct) {
                        out.push(connector);
                    }
                } else {
                    // The number ends the word before it (`Bld4Floor` is `bld4_floor`).
                    push_lower(&mut out, Word::Number, number, connector);
                    if !matches!(kind, Word::Connector | Word::Punct) {
                        out.push(connector);
                    }
                }
            }
        }
    }
    push_lower(&mut out, kind, word, connector);
    out
}

/// A text being cut into words.
struct Words<'a> {
    rest: &'a [u8],
}

impl<'a> Words<'a> {
    /// Small letters and numbers that follow, as they are.
    fn tail(&mut self, out: &mut Vec<u8>, kind: &mut Word, word: &mut &'a [u8], connector: u8) {
        while matches!(kind, Word::Alphabet | Word::Number) {
            push_lower(out, *kind, word, connector);
            (*kind, *word) = self.next();
        }
    }

    fn next(&mut self) -> (Word, &'a [u8]) {
        let Some((first, width)) = valid(self.rest) else {
            return (Word::Invalid, std::mem::take(&mut self.rest));
        };
        let (kind, length) = match first {
            it if is_connector(it) => (Word::Connector, self.run(width, is_connector)),
            it if unicode::is_punct(it) => (Word::Punct, self.run(width, unicode::is_punct)),
            it if unicode::is_upper(it) => (Word::Upper, self.capital(width)),
            it if is_alphabet(it) => (Word::Alphabet, self.run(width, small)),
            it if unicode::is_number(it) => (Word::Number, self.run(width, unicode::is_number)),
            _ => (Word::Other, self.run(width, is_other)),
        };
        let (word, rest) = self.rest.split_at(length.min(self.rest.len()));
        self.rest = rest;
        (kind, word)
    }

    /// How many bytes from the beginning belong together. Bytes that are not UTF-8 belong to the character before.
    fn run(&self, mut length: usize, belongs: impl Fn(char) -> bool) -> usize {
        loop {
            let left = self.rest.get(length..).unwrap_or_default();
            match valid(left) {
                None => return self.rest.len(),
                Some((letter, width)) if belongs(letter) => length += width,
                Some(_) => return length,
            }
        }
    }

    /// A word that begins with a capital: all capitals (`HTTP`, without the one that begins the next word), or one
    /// capital and small letters.
    fn capital(&self, first: usize) -> usize {
        let left = self.rest.get(first..).unwrap_or_default();
        match valid(left) {
            None => self.rest.len(),
            Some((letter, mut last)) if unicode::is_upper(letter) => {
                let mut length = first + last;
                loop {
                    let left = self.rest.get(length..).unwrap_or_default();
                    match valid(left) {
                        None => return self.rest.len(),
                        Some((letter, width)) if unicode::is_upper(letter) => {
                            last = width;
                            length += width;
                        }
                        Some((letter, _)) if is_alphabet(letter) => return length - last,
                        Some(_) => return length,
                    }
                }
            }
            Some((letter, width)) if is_alphabet(letter) => self.run(first + width, small),
            Some(_) => first,
        }
    }
}

/// The first character that is not U+FFFD, with the bytes up to its end.
fn valid(text: &[u8]) -> Option<(char, usize)> {
    unicode::runes(text).find(|(_, letter, _)| *letter != '\u{FFFD}').map(|(at, letter, width)| (letter, at + width))
}

fn is_alphabet(letter: char) -> bool {
    // Ideographs are letters but no alphabet.
    let ideograph = matches!(letter, '\u{3400}'..='\u{4D85}' | '\u{4E00}'..='\u{9FCC}' | '\u{20000}'..='\u{2B81D}');
    !ideograph && unicode::is_letter(letter)
}

fn small(letter: char) -> bool {
    is_alphabet(letter) && !unicode::is_upper(letter)
}

fn is_other(letter: char) -> bool {
    !is_connector(letter) && !is_alphabet(letter) && !unicode::is_number(letter) && !unicode::is_punct(letter)
}

fn push_lower(out: &mut Vec<u8>, kind: Word, word: &[u8], connector: u8) {
    if !matches!(kind, Word::Upper | Word::Connector) {
        out.extend_from_slice(word);
        return;
    }
    for (_, letter, _) in unicode::runes(word) {
        if is_connector(letter) {
            out.push(connector);
        } else {
            let letter = if unicode::is_upper(letter) { unicode::lower(letter) } else { letter };
            out.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes());
        }
    }
}
