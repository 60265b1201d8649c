//! Moving over the text: bytes, lines, blanks, markers.

use super::Parser;
use crate::{Error, ErrorKind, Position};

pub(super) fn is_blank(byte: u8) -> bool {
    byte == b' ' || byte == b'\t'
}

/// Space, tab, line break or the end of the text (0).
pub(super) fn is_blank_or_break(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | 0)
}

fn small(n: usize) -> u32 {
    // The text's length was checked to fit.
    u32::try_from(n).unwrap_or(u32::MAX)
}

impl<'a> Parser<'a> {
    /// The byte here; 0 at the end.
    pub(super) fn peek(&self) -> u8 {
        self.bytes.get(self.pos).copied().unwrap_or(0)
    }

    /// The byte `n` further on; 0 past the end.
    pub(super) fn peek_at(&self, n: usize) -> u8 {
        self.bytes.get(self.pos + n).copied().unwrap_or(0)
    }

    pub(super) fn at_end(&self) -> bool {
        self.pos >= self.bytes.len()
    }

    pub(super) fn at_break(&self) -> bool {
        matches!(self.peek(), b'\n' | b'\r')
    }

    /// Steps over `n` bytes that are no line breaks.
    pub(super) fn advance(&mut self, n: usize) {
        self.pos += n;
    }

    /// Steps over one line break.
    pub(super) fn advance_break(&mut self) {
        if self.peek() == b'\r' && self.peek_at(1) == b'\n' {
            self.pos += 1;
        }
        self.pos += 1;
        self.line += 1;
        self.line_start = self.pos;
    }

    /// Bytes from the start of the line.
    pub(super) fn column(&self) -> usize {
        self.pos - self.line_start
    }

    /// The column as an indentation, to compare with a parent's that may be -1.
    pub(super) fn indent(&self) -> i32 {
        i32::try_from(self.column()).unwrap_or(i32::MAX)
    }

    pub(super) fn slice(&self, start: usize, end: usize) -> &'a str {
        self.text.get(start..end).unwrap_or_default()
    }

    pub(super) fn position(&self) -> Position {
        Position { start: small(self.pos), end: small(self.pos), line: self.line, column: small(self.column() + 1) }
    }

    pub(super) fn finish(&self, mut position: Position) -> Position {
        position.end = small(self.pos);
        position
    }

    pub(super) fn skip_spaces(&mut self) {
        while is_blank(self.peek()) {
            self.pos += 1;
        }
    }

    /// To the line break or the end.
    pub(super) fn skip_line(&mut self) {
        while !self.at_end() && !self.at_break() {
            self.pos += 1;
        }
    }

    /// Over blanks, line breaks and comments to the next content. Comments on lines of their own are kept as pending.
    pub(super) fn skip_blank(&mut self) {
        loop {
            self.skip_spaces();
            match self.peek() {
                b'#' => self.take_pending_comment(),
                b'\n' | b'\r' => {
                    let blank =
                        self.bytes.get(self.line_start..self.pos).is_none_or(|l| l.iter().all(|b| is_blank(*b)));
                    if blank {
                        self.pending.blank_line();
                    }
                    self.advance_break();
                }
                _ => return,
            }
        }
    }

    fn take_pending_comment(&mut self) {
        let (start, column) = (self.pos, self.column());
        let own_line = self.bytes.get(self.line_start..self.pos).is_none_or(|l| l.iter().all(|b| is_blank(*b)));
        self.skip_line();
        let text = self.slice(start, self.pos);
        if own_line {
            self.pending.push(text, column);
        }
    }

    /// The content here is indented by blanks only; a tab does not count as one.
    pub(super) fn check_indentation(&self) -> Result<(), Error> {
        let before = self.bytes.get(self.line_start..self.pos).unwrap_or_default();
        if before.contains(&b'\t') && before.iter().all(|b| is_blank(*b)) {
            return Err(self.syntax("found a tab character where an indentation space is expected"));
        }
        Ok(())
    }

    /// A comment behind what was just read, on the same line.
    pub(super) fn take_line_comment(&mut self) -> Option<&'a str> {
        let before = self.pos;
        self.skip_spaces();
        if self.peek() != b'#' || self.pos == before {
            return None;
        }
        let start = self.pos;
        self.skip_line();
        Some(self.slice(start, self.pos))
    }

    /// `---` or `...` at the start of a line, followed by a blank.
    pub(super) fn at_marker(&self, marker: &[u8; 3]) -> bool {
        self.column() == 0
            && self.bytes.get(self.pos..self.pos + 3) == Some(marker.as_slice())
            && is_blank_or_break(self.peek_at(3))
    }

    pub(super) fn at_any_marker(&self) -> bool {
        matches!(self.peek(), b'-' | b'.') && (self.at_marker(b"---") || self.at_marker(b"..."))
    }

    /// A document ends here.
    pub(super) fn at_document_end(&self) -> bool {
        self.at_end() || self.at_any_marker()
    }

    /// An indicator (`-`, `?` or `:`) followed by a blank.
    pub(super) fn at_indicator(&self, indicator: u8) -> bool {
        self.peek() == indicator && is_blank_or_break(self.peek_at(1))
    }

    pub(super) fn error(&self, kind: ErrorKind) -> Error {
        Error::new(kind, self.line, small(self.column() + 1))
    }

    pub(super) fn syntax(&self, what: &'static str) -> Error {
        self.error(ErrorKind::Syntax(what))
    }

    pub(super) fn limit(&self, what: &'static str, limit: usize) -> Error {
        self.error(ErrorKind::Limit { what, limit })
    }
}
