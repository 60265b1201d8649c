//! Plain and quoted scalars.

use std::borrow::Cow;

use super::Fault;
use super::cursor::is_blank;
use super::scan::Scanner;
use super::token::{Kind, Mark, Token};
use crate::Style;

/// A scalar being read: a slice of the text as long as nothing was folded or escaped.
struct Pieces<'a> {
    text: &'a str,
    start: usize,
    end: usize,
    owned: Option<String>,
}

impl<'a> Pieces<'a> {
    fn new(text: &'a str, start: usize) -> Self {
        Self { text, start, end: start, owned: None }
    }

    /// Takes the text from `start` to `end` as it stands.
    fn take(&mut self, start: usize, end: usize) {
        match &mut self.owned {
            None if start == self.end => self.end = end,
            _ => {
                let piece = self.text.get(start..end).unwrap_or_default();
                self.owned().push_str(piece);
            }
        }
    }

    fn owned(&mut self) -> &mut String {
        let (text, start, end) = (self.text, self.start, self.end);
        self.owned.get_or_insert_with(|| text.get(start..end).unwrap_or_default().to_owned())
    }

    fn finish(self) -> Cow<'a, str> {
        match self.owned {
            Some(owned) => Cow::Owned(owned),
            None => Cow::Borrowed(self.text.get(self.start..self.end).unwrap_or_default()),
        }
    }
}

/// Line breaks between two parts of a scalar.
#[derive(Default)]
struct Breaks {
    first: Option<&'static str>,
    /// The first is a separator that is kept, not a line feed that folds.
    kept: Option<String>,
    more: String,
}

impl Breaks {
    fn push(&mut self, text: &str) {
        if self.first.is_none() && self.kept.is_none() {
            if text == "\n" {
                self.first = Some("\n");
            } else {
                self.kept = Some(text.to_owned());
            }
        } else {
            self.more.push_str(text);
        }
    }

    /// One break is a blank, more are one less.
    fn fold_into(&mut self, out: &mut String) {
        if self.first.take().is_some() {
            if self.more.is_empty() {
                out.push(' ');
            }
        } else if let Some(kept) = self.kept.take() {
            out.push_str(&kept);
        }
        out.push_str(&self.more);
        self.more.clear();
    }
}

impl<'a> Scanner<'a> {
    pub(super) fn push_scalar(&mut self, value: Cow<'a, str>, style: Style, start: Mark, end: Mark) {
        self.tokens.push_back(Token { kind: Kind::Scalar(value, style), start, end });
    }

    /// A plain scalar, which may go on on further lines indented more than the collection around it.
    pub(super) fn plain(&mut self) -> Result<(), Fault> {
        let start = self.mark();
        let least = self.indent + 1;
        let mut pieces = Pieces::new(self.text, self.pos);
        let mut end = start;
        let mut breaks = Breaks::default();
        let (mut blank_from, mut new_line) = (self.pos, false);
        loop {
            if self.at_any_marker() || self.peek() == b'#' {
                break;
            }
            let run = self.plain_run();
            if run > 0 {
                if new_line {
                    breaks.fold_into(pieces.owned());
                    new_line = false;
                } else if self.pos > blank_from {
                    pieces.take(blank_from, self.pos);
                }
                pieces.take(self.pos, self.pos + run);
                self.advance(run);
                end = self.mark();
            }
            if !is_blank(self.peek()) && !self.is_break_at(0) {
                break;
            }
            blank_from = self.pos;
            loop {
                if self.is_break_at(0) {
                    breaks.push(self.take_break());
                    new_line = true;
                } else if is_blank(self.peek()) {
                    if new_line && self.peek() == b'\t' && self.indent_here() < least {
                        return Err(self.syntax("found a tab character that violates indentation"));
                    }
                    self.pos += 1;
                } else {
                    break;
                }
            }
            if self.flow == 0 && self.indent_here() < least {
                break;
            }
        }
        if new_line {
            self.key_allowed = true;
        }
        self.push_scalar(pieces.finish(), Style::Plain, start, end);
        Ok(())
    }

    /// Bytes up to a blank, a line break, the end, or what ends a plain scalar.
    fn plain_run(&self) -> usize {
        let flow = self.flow > 0;
        let rest = self.bytes.get(self.pos..).unwrap_or_default();
        let ends = |at: usize, byte: u8| match byte {
            b' ' | b'\t' | b'\n' | b'\r' => true,
            b':' => self.is_space_at(at + 1),
            b',' | b'?' | b'[' | b']' | b'{' | b'}' => flow,
            0xC2 | 0xE2 => self.is_break_at(at),
            _ => false,
        };
        rest.iter().enumerate().position(|(at, byte)| ends(at, *byte)).unwrap_or(rest.len())
    }

    /// A scalar in quotes, the cursor on the first.
    pub(super) fn quoted(&mut self, quote: u8) -> Result<(), Fault> {
        let start = self.mark();
        self.advance(1);
        let mut pieces = Pieces::new(self.text, self.pos);
        loop {
            if self.at_any_marker() {
                return Err(self.syntax("found unexpected document indicator"));
            }
            if self.at_end() {
                return Err(self.syntax("found unexpected end of stream"));
            }
            let escaped_break = self.quoted_run(quote, &mut pieces)?;
            if self.peek() == quote {
                break;
            }
            self.quoted_blanks(escaped_break, &mut pieces);
        }
        self.advance(1);
        let style = if quote == b'"' { Style::DoubleQuoted } else { Style::SingleQuoted };
        let end = self.mark();
        self.push_scalar(pieces.finish(), style, start, end);
        Ok(())
    }

    /// Text up to a blank, a line break or the closing quote; true when it ended in an escaped line break.
    fn quoted_run(&mut self, quote: u8, pieces: &mut Pieces<'a>) -> Result<bool, Fault> {
        loop {
            let rest = self.bytes.get(self.pos..).unwrap_or_default();
            let ends = |at: usize, byte: u8| match byte {
                b' ' | b'\t' | b'\n' | b'\r' => true,
                b'\\' => quote == b'"',
                0xC2 | 0xE2 => self.is_break_at(at),
                _ => byte == quote,
            };
            let run = rest.iter().enumerate().position(|(at, byte)| ends(at, *byte)).unwrap_or(rest.len());
            if run > 0 {
                pieces.take(self.pos, self.pos + run);
                self.advance(run);
            }
            match self.peek() {
                b'\'' if quote == b'\'' && self.peek_at(1) == b'\'' => {
                    pieces.owned().push('\'');
                    self.advance(2);
                }
                b'\\' if quote == b'"' && self.is_break_at(1) => {
                    pieces.owned();
                    self.advance(1);
                    self.take_break();
                    return Ok(true);
                }
                b'\\' if quote == b'"' => self.escape(pieces)?,
                _ => return Ok(false),
            }
        }
    }

    /// Blanks and line breaks inside quotes. `new_line`: they come behind an escaped line break.
    fn quoted_blanks(&mut self, mut new_line: bool, pieces: &mut Pieces<'a>) {
        let from = self.pos;
        let mut breaks = Breaks::default();
        let escaped = new_line;
        loop {
            if self.is_break_at(0) {
                let text = self.take_break();
                if escaped {
                    // The break that would fold was escaped; these are kept.
                    breaks.more.push_str(text);
                } else {
                    breaks.push(text);
                }
                new_line = true;
            } else if is_blank(self.peek()) {
                self.pos += 1;
            } else {
                break;
            }
        }
        if new_line {
            breaks.fold_into(pieces.owned());
        } else {
            pieces.take(from, self.pos);
        }
    }

    fn escape(&mut self, pieces: &mut Pieces<'a>) -> Result<(), Fault> {
        let (plain, digits) = match self.peek_at(1) {
            b'0' => ('\0', 0),
            b'a' => ('\x07', 0),
            b'b' => ('\x08', 0),
            b't' | b'\t' => ('\t', 0),
            b'n' => ('\n', 0),
            b'v' => ('\x0b', 0),
            b'f' => ('\x0c', 0),
            b'r' => ('\r', 0),
            b'e' => ('\x1b', 0),
            b' ' => (' ', 0),
            b'"' => ('"', 0),
            b'\'' => ('\'', 0),
            b'\\' => ('\\', 0),
            b'N' => ('\u{85}', 0),
            b'_' => ('\u{a0}', 0),
            b'L' => ('\u{2028}', 0),
            b'P' => ('\u{2029}', 0),
            b'x' => (' ', 2),
            b'u' => (' ', 4),
            b'U' => (' ', 8),
            _ => return Err(self.syntax("found unknown escape character")),
        };
        self.advance(2);
        if digits == 0 {
            pieces.owned().push(plain);
            return Ok(());
        }
        let hex = self.text.get(self.pos..self.pos + digits).filter(|hex| hex.bytes().all(|b| b.is_ascii_hexdigit()));
        let Some(code) = hex.and_then(|hex| u32::from_str_radix(hex, 16).ok()) else {
            return Err(self.syntax("did not find expected hexadecimal number"));
        };
        let Some(char) = char::from_u32(code) else {
            return Err(self.syntax("found invalid Unicode character escape code"));
        };
        pieces.owned().push(char);
        self.advance(digits);
        Ok(())
    }
}
