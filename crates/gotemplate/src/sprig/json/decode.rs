//! Reading, with Go's errors.

use std::fmt;

use crate::{
    sprig::unicode,
    text::Str,
    value::{Map, Value},
};

/// Go's limit on nesting.
const MAX_DEPTH: usize = 10_000;

/// Why a text is not JSON, in Go's words.
#[derive(Debug)]
pub struct DecodeError {
    what: String,
    /// What Go has decoded by then: nil unless only a number was too large.
    pub partial: Value,
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

/// What an open bracket has collected.
enum Open {
    List(Vec<Value>),
    /// The key waits for its value.
    Map(Map, Str),
}

struct Decoder<'a> {
    text: &'a [u8],
    at: usize,
    open: Vec<Open>,
    /// The first number that was too large: Go goes on and reports it at the end.
    too_large: Option<String>,
}

/// Reads JSON into an `interface {}`: numbers become `float64`, of keys that come twice the last one counts.
///
/// # Errors
/// When the text is not JSON.
pub fn decode(text: &[u8]) -> Result<Value, DecodeError> {
    let mut decoder = Decoder { text, at: 0, open: Vec::new(), too_large: None };
    let value = decoder.document().map_err(|what| DecodeError { what, partial: Value::Nil })?;
    match decoder.too_large {
        None => Ok(value),
        Some(what) => Err(DecodeError { what, partial: value }),
    }
}

impl Decoder<'_> {
    fn document(&mut self) -> Result<Value, String> {
        let mut value = self.opened_or_scalar("looking for beginning of value")?;
        // Each round ends one value and goes on with what is open around it.
        loop {
            let Some(done) = value.take() else {
                value = self.opened_or_scalar("looking for beginning of value")?;
                continue;
            };
            let Some(open) = self.open.pop() else {
                self.space();
                return match self.peek() {
                    None => Ok(done),
                    Some(_) => Err(self.invalid("after top-level value")),
                };
            };
            value = match open {
                Open::List(mut items) => {
                    items.push(done);
                    self.space();
                    match self.peek() {
                        Some(b',') => {
                            self.at += 1;
                            self.open.push(Open::List(items));
                            None
                        }
                        Some(b']') => {
                            self.at += 1;
                            Some(Value::list(items))
                        }
                        _ => return Err(self.invalid("after array element")),
                    }
                }
                Open::Map(map, key) => {
                    map.set(key, done);
                    self.space();
                    match self.peek() {
                        Some(b',') => {
                            self.at += 1;
                            self.space();
                            if self.peek() != Some(b'"') {
                                return Err(self.invalid("looking for beginning of object key string"));
                            }
                            self.key(map)?;
                            None
                        }
                        Some(b'}') => {
                            self.at += 1;
                            Some(Value::Map(map))
                        }
                        _ => return Err(self.invalid("after object key:value pair")),
                    }
                }
            };
        }
    }

    /// A scalar, an empty list or map, or nothing yet: the first value inside a bracket comes next.
    fn opened_or_scalar(&mut self, place: &str) -> Result<Option<Value>, String> {
        self.space();
        if self.open.len() >= MAX_DEPTH && matches!(self.peek(), Some(b'[' | b'{')) {
            return Err("exceeded max depth".into());
        }
        match self.peek() {
            Some(b'[') => {
                self.at += 1;
                self.space();
                if self.peek() == Some(b']') {
                    self.at += 1;
                    return Ok(Some(Value::list(Vec::new())));
                }
                self.open.push(Open::List(Vec::new()));
                Ok(None)
            }
            Some(b'{') => {
                self.at += 1;
                self.space();
                match self.peek() {
                    Some(b'}') => {
                        self.at += 1;
                        Ok(Some(Value::Map(Map::new())))
                    }
                    Some(b'"') => {
                        self.key(Map::new())?;
                        Ok(None)
                    }
                    _ => Err(self.invalid("looking for beginning of object key string")),
                }
            }
            Some(b'"') => Ok(Some(Value::String(self.string()?))),
            Some(b't') => self.word("true", Value::Bool(true)),
            Some(b'f') => self.word("false", Value::Bool(false)),
            Some(b'n') => self.word("null", Value::Nil),
            Some(b'-' | b'0'..=b'9') => self.number().map(Some),
            _ => Err(self.invalid(place)),
        }
    }

    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\r' | b'\n')) {
            self.at += 1;
        }
    }

    fn invalid(&self, place: &str) -> String {
        match self.peek() {
            None => "unexpected end of JSON input".into(),
            Some(byte) => format!("invalid character {} {place}", quoted(byte)),
        }
    }

    /// Where no space may follow: Go sees one at the end of the text.
    fn broken(&self, place: &str) -> String {
        format!("invalid character {} {place}", quoted(self.peek().unwrap_or(b' ')))
    }

    fn key(&mut self, map: Map) -> Result<(), String> {
        let key = self.string()?;
        self.space();
        if self.peek() != Some(b':') {
            return Err(self.invalid("after object key"));
        }
        self.at += 1;
        self.open.push(Open::Map(map, key));
        Ok(())
    }

    fn word(&mut self, word: &str, value: Value) -> Result<Option<Value>, String> {
        for wanted in word.bytes() {
            if self.peek() != Some(wanted) {
                return Err(self.broken(&format!("in literal {word} (expecting {})", quoted(wanted))));
            }
            self.at += 1;
        }
        Ok(Some(value))
    }

    fn digits(&mut self) -> usize {
        let start = self.at;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        self.at - start
    }

    fn number(&mut self) -> Result<Value, String> {
        let start = self.at;
        self.number_syntax()?;
        let text = self.text.get(start..self.at).and_then(|it| std::str::from_utf8(it).ok()).unwrap_or_default();
        let number: f64 = text.parse().unwrap_or(0.0);
        if number.is_finite() {
            return Ok(Value::float(number));
        }
        self.too_large
            .get_or_insert_with(|| format!("json: cannot unmarshal number {text} into Go value of type float64"));
        Ok(Value::Nil)
    }

    fn number_syntax(&mut self) -> Result<(), String> {
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        if self.peek() == Some(b'0') {
            self.at += 1;
        } else if self.digits() == 0 {
            return Err(self.broken("in numeric literal"));
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            if self.digits() == 0 {
                return Err(self.broken("after decimal point in numeric literal"));
            }
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            if self.digits() == 0 {
                return Err(self.broken("in exponent of numeric literal"));
            }
        }
        Ok(())
    }

    fn string(&mut self) -> Result<Str, String> {
        self.at += 1;
        let mut out = Vec::new();
        loop {
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(Str::from(out));
                }
                Some(b'\\') => {
                    self.at += 1;
                    self.escape(&mut out)?;
                }
                Some(byte) if byte < b' ' => return Err(self.invalid("in string literal")),
                None => return Err(self.invalid("")),
                Some(_) => {
                    let (letter, width) = unicode::decode(self.text.get(self.at..).unwrap_or_default());
                    out.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes());
                    self.at += width;
                }
            }
        }
    }

    fn escape(&mut self, out: &mut Vec<u8>) -> Result<(), String> {
        let plain = match self.peek() {
            Some(it @ (b'"' | b'\\' | b'/')) => it,
            Some(b'b') => 8,
            Some(b'f') => 12,
            Some(b'n') => b'\n',
            Some(b'r') => b'\r',
            Some(b't') => b'\t',
            Some(b'u') => {
                self.at += 1;
                let code = self.hexadecimal()?;
                let letter = self.paired(code)?;
                out.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes());
                return Ok(());
            }
            _ => return Err(self.broken("in string escape code")),
        };
        out.push(plain);
        self.at += 1;
        Ok(())
    }

    fn hexadecimal(&mut self) -> Result<u32, String> {
        let mut code = 0;
        for _ in 0..4 {
            let digit = self.peek().and_then(|it| char::from(it).to_digit(16));
            let Some(digit) = digit else { return Err(self.broken("in \\u hexadecimal character escape")) };
            code = code * 16 + digit;
            self.at += 1;
        }
        Ok(code)
    }

    /// Two surrogates are one character; one alone is U+FFFD.
    fn paired(&mut self, code: u32) -> Result<char, String> {
        if let Some(letter) = char::from_u32(code) {
            return Ok(letter);
        }
        let before = self.at;
        if code < 0xDC00 && self.text.get(self.at..self.at + 2) == Some(b"\\u") {
            self.at += 2;
            let low = self.hexadecimal()?;
            if (0xDC00..0xE000).contains(&low) {
                let code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
                return Ok(char::from_u32(code).unwrap_or('\u{FFFD}'));
            }
            self.at = before;
        }
        Ok('\u{FFFD}')
    }
}

/// How long the number is that a text begins with.
pub fn number_length(text: &[u8]) -> Option<usize> {
    let mut decoder = Decoder { text, at: 0, open: Vec::new(), too_large: None };
    decoder.number_syntax().ok().map(|()| decoder.at)
}

/// A byte as Go shows it in these errors.
fn quoted(byte: u8) -> String {
    match byte {
        b'\'' => r"'\''".into(),
        b'"' => "'\"'".into(),
        _ => {
            let text: String = char::from(byte).into();
            let quoted = crate::format::quote(text.as_bytes());
            format!("'{}'", quoted.trim_matches('"'))
        }
    }
}
