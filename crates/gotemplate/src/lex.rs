//! Cuts a template into tokens.

mod chars;
mod token;

pub(crate) use chars::decode;
pub(crate) use token::{Kind, Token};

use memchr::memmem;

use chars::{is_alphanumeric, is_space, named, trimmed_end, trims_left, trims_right};

/// Cuts a source, one token at a time.
pub(crate) struct Lexer<'a> {
    text: &'a [u8],
    at: usize,
    start: usize,
    inside: bool,
    parens: usize,
    /// Whether `break` and `continue` are keywords (they are not where functions of these names exist).
    pub(crate) loop_words: (bool, bool),
    /// What the last error token says.
    pub(crate) error: String,
    left: memmem::Finder<'static>,
}

const LEFT: &[u8] = b"{{";
const RIGHT: &[u8] = b"}}";

impl<'a> Lexer<'a> {
    pub(crate) fn new(text: &'a [u8], loop_words: (bool, bool)) -> Self {
        Self {
            text,
            at: 0,
            start: 0,
            inside: false,
            parens: 0,
            loop_words,
            error: String::new(),
            left: memmem::Finder::new(LEFT),
        }
    }

    fn rest(&self) -> &'a [u8] {
        self.text.get(self.at..).unwrap_or_default()
    }

    /// The next character, with how many bytes it takes; `None` at the end.
    fn peek(&self) -> Option<(char, usize)> {
        decode(self.rest())
    }

    fn next(&mut self) -> Option<char> {
        let (char, len) = self.peek()?;
        self.at += len;
        Some(char)
    }

    fn accept(&mut self, valid: &[u8]) -> bool {
        let found = self.rest().first().is_some_and(|it| valid.contains(it));
        self.at += usize::from(found);
        found
    }

    fn accept_run(&mut self, valid: &[u8]) {
        while self.accept(valid) {}
    }

    fn emit(&mut self, kind: Kind) -> Token {
        let token = Token { kind, start: self.start, end: self.at };
        self.start = self.at;
        token
    }

    fn fail(&mut self, message: String) -> Token {
        self.error = message;
        Token { kind: Kind::Error, start: self.start, end: self.at }
    }

    fn word(&self) -> &'a [u8] {
        self.text.get(self.start..self.at).unwrap_or_default()
    }

    /// The next token; after an error only nonsense follows.
    pub(crate) fn token(&mut self) -> Token {
        if self.inside {
            return self.inside();
        }
        loop {
            if let Some(token) = self.text_or_delimiter() {
                return token;
            }
        }
    }

    /// Outside of actions; `None` after a comment.
    fn text_or_delimiter(&mut self) -> Option<Token> {
        let Some(distance) = self.left.find(self.rest()) else {
            self.at = self.text.len();
            let kind = if self.at > self.start { Kind::Text } else { Kind::Eof };
            return Some(self.emit(kind));
        };
        if distance > 0 {
            let delimiter = self.at + distance;
            let text = self.text.get(self.start..delimiter).unwrap_or_default();
            let trim = trims_left(self.text.get(delimiter + 2..).unwrap_or_default());
            let kept = if trim { trimmed_end(text) } else { text.len() };
            let token = Token { kind: Kind::Text, start: self.start, end: self.start + kept };
            self.at = delimiter;
            self.start = delimiter;
            if kept > 0 {
                return Some(token);
            }
        }
        self.left_delimiter()
    }

    fn left_delimiter(&mut self) -> Option<Token> {
        self.at += LEFT.len();
        let marker = if trims_left(self.rest()) { 2 } else { 0 };
        if self.rest().get(marker..).is_some_and(|rest| rest.starts_with(b"/*")) {
            self.at += marker;
            self.start = self.at;
            return self.comment();
        }
        let token = self.emit(Kind::LeftDelim);
        self.inside = true;
        self.at += marker;
        self.start = self.at;
        self.parens = 0;
        Some(token)
    }

    fn comment(&mut self) -> Option<Token> {
        self.at += 2;
        let Some(end) = memmem::find(self.rest(), b"*/") else {
            return Some(self.fail("unclosed comment".to_owned()));
        };
        self.at += end + 2;
        let Some(trim) = self.at_right_delimiter() else {
            return Some(self.fail("comment ends before closing delimiter".to_owned()));
        };
        self.close(trim);
        None
    }

    /// Steps over the right delimiter, its marker and the space it trims.
    fn close(&mut self, trim: bool) {
        self.at += if trim { 4 } else { 2 };
        if trim {
            let rest = self.rest();
            self.at += rest.iter().position(|it| !is_space(*it)).unwrap_or(rest.len());
        }
        self.start = self.at;
    }

    /// Whether a right delimiter stands here, and if so whether it trims.
    fn at_right_delimiter(&self) -> Option<bool> {
        let rest = self.rest();
        if trims_right(rest) && rest.get(2..).is_some_and(|rest| rest.starts_with(RIGHT)) {
            return Some(true);
        }
        rest.starts_with(RIGHT).then_some(false)
    }

    fn right_delimiter(&mut self, trim: bool) -> Token {
        let start = self.at + if trim { 2 } else { 0 };
        self.close(trim);
        self.inside = false;
        Token { kind: Kind::RightDelim, start, end: start + 2 }
    }

    fn inside(&mut self) -> Token {
        if let Some(trim) = self.at_right_delimiter() {
            if self.parens == 0 {
                return self.right_delimiter(trim);
            }
            return self.fail("unclosed left paren".to_owned());
        }
        let Some((char, len)) = self.peek() else {
            return self.fail("unclosed action".to_owned());
        };
        if u8::try_from(char).is_ok_and(is_space) {
            return self.space();
        }
        if matches!(char, '+' | '-' | '0'..='9') {
            return self.number();
        }
        if is_alphanumeric(char) {
            return self.identifier();
        }
        self.at += len;
        match char {
            '=' => self.emit(Kind::Assign),
            ':' => {
                if self.next() != Some('=') {
                    return self.fail("expected :=".to_owned());
                }
                self.emit(Kind::Declare)
            }
            '|' => self.emit(Kind::Pipe),
            '"' => self.quoted(b'"', Kind::String, "unterminated quoted string"),
            '\'' => self.quoted(b'\'', Kind::CharConstant, "unterminated character constant"),
            '`' => self.raw(),
            '$' => self.field_or_variable(Kind::Variable),
            '.' => match self.rest().first() {
                Some(next) if !next.is_ascii_digit() => self.field_or_variable(Kind::Field),
                _ => {
                    self.at -= 1;
                    self.number()
                }
            },
            '(' => {
                self.parens += 1;
                self.emit(Kind::LeftParen)
            }
            ')' => {
                let Some(parens) = self.parens.checked_sub(1) else {
                    return self.fail("unexpected right paren".to_owned());
                };
                self.parens = parens;
                self.emit(Kind::RightParen)
            }
            '!'..='~' => self.emit(Kind::Char),
            _ => self.fail(format!("unrecognized character in action: {}", named(Some(char)))),
        }
    }

    /// A run of space, except the last one where it belongs to a trimming delimiter.
    fn space(&mut self) -> Token {
        let rest = self.rest();
        let run = rest.iter().position(|it| !is_space(*it)).unwrap_or(rest.len());
        let trims =
            rest.get(run - 1..).is_some_and(trims_right) && rest.get(run + 1..).is_some_and(|it| it.starts_with(RIGHT));
        if trims && run == 1 {
            return self.right_delimiter(true);
        }
        self.at += if trims { run - 1 } else { run };
        self.emit(Kind::Space)
    }

    fn alphanumerics(&mut self) {
        loop {
            let is_word = |it: &u8| it.is_ascii_alphanumeric() || *it == b'_';
            let rest = self.rest();
            self.at += rest.iter().position(|it| !is_word(it)).unwrap_or(rest.len());
            match self.peek() {
                Some((char, len)) if !char.is_ascii() && is_alphanumeric(char) => self.at += len,
                _ => return,
            }
        }
    }

    fn identifier(&mut self) -> Token {
        self.alphanumerics();
        if !self.at_terminator() {
            return self.bad_character();
        }
        let kind = match self.word() {
            b"block" => Kind::Block,
            b"break" if self.loop_words.0 => Kind::Break,
            b"continue" if self.loop_words.1 => Kind::Continue,
            b"define" => Kind::Define,
            b"else" => Kind::Else,
            b"end" => Kind::End,
            b"if" => Kind::If,
            b"range" => Kind::Range,
            b"nil" => Kind::Nil,
            b"template" => Kind::Template,
            b"with" => Kind::With,
            b"true" | b"false" => Kind::Bool,
            _ => Kind::Identifier,
        };
        self.emit(kind)
    }

    fn bad_character(&mut self) -> Token {
        let message = format!("bad character {}", named(self.peek().map(|it| it.0)));
        self.fail(message)
    }

    fn field_or_variable(&mut self, kind: Kind) -> Token {
        if self.at_terminator() {
            return self.emit(if kind == Kind::Variable { kind } else { Kind::Dot });
        }
        self.alphanumerics();
        if !self.at_terminator() {
            return self.bad_character();
        }
        self.emit(kind)
    }

    /// Whether what stands here may follow an identifier.
    fn at_terminator(&self) -> bool {
        match self.rest().first() {
            None => true,
            Some(b' ' | b'\t' | b'\r' | b'\n' | b'.' | b',' | b'|' | b':' | b')' | b'(') => true,
            Some(_) => self.rest().starts_with(RIGHT),
        }
    }

    fn quoted(&mut self, quote: u8, kind: Kind, unterminated: &str) -> Token {
        loop {
            let byte = self.rest().first().copied();
            self.at += usize::from(byte.is_some());
            match byte {
                Some(b'\\') => {
                    let escaped = self.rest().first().copied();
                    self.at += usize::from(escaped.is_some());
                    if matches!(escaped, None | Some(b'\n')) {
                        return self.fail(unterminated.to_owned());
                    }
                }
                None | Some(b'\n') => return self.fail(unterminated.to_owned()),
                Some(byte) if byte == quote => return self.emit(kind),
                Some(_) => {}
            }
        }
    }

    fn raw(&mut self) -> Token {
        match self.rest().iter().position(|it| *it == b'`') {
            Some(distance) => {
                self.at += distance + 1;
                self.emit(Kind::RawString)
            }
            None => self.fail("unterminated raw quoted string".to_owned()),
        }
    }

    fn number(&mut self) -> Token {
        if !self.scan_number() {
            return self.bad_number();
        }
        if matches!(self.rest().first(), Some(b'+' | b'-')) {
            if !self.scan_number() || !self.word().ends_with(b"i") {
                return self.bad_number();
            }
            return self.emit(Kind::Complex);
        }
        self.emit(Kind::Number)
    }

    fn bad_number(&mut self) -> Token {
        let message = format!("bad number syntax: {}", crate::format::quote(self.word()));
        self.fail(message)
    }

    /// Takes what looks like a number; whether it is one is found out later.
    fn scan_number(&mut self) -> bool {
        const DECIMAL: &[u8] = b"0123456789_";
        const HEX: &[u8] = b"0123456789abcdefABCDEF_";
        self.accept(b"+-");
        let mut digits = DECIMAL;
        if self.accept(b"0") {
            if self.accept(b"xX") {
                digits = HEX;
            } else if self.accept(b"oO") {
                digits = b"01234567_";
            } else if self.accept(b"bB") {
                digits = b"01_";
            }
        }
        self.accept_run(digits);
        if self.accept(b".") {
            self.accept_run(digits);
        }
        if (digits == DECIMAL && self.accept(b"eE")) || (digits == HEX && self.accept(b"pP")) {
            self.accept(b"+-");
            self.accept_run(DECIMAL);
        }
        self.accept(b"i");
        match self.peek() {
            Some((char, len)) if is_alphanumeric(char) => {
                self.at += len;
                false
            }
            _ => true,
        }
    }
}
