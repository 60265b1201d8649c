//! Moving over the text: bytes, line breaks, blanks.
//!
//! As in YAML 1.1, NEL, LS and PS break lines like the line feed does.

use super::Fault;
use super::scan::Scanner;
use super::token::Mark;
use crate::{Error, ErrorKind};

pub(super) fn is_blank(byte: u8) -> bool {
    byte == b' ' || byte == b'\t'
}

/// What anchors, tag handles and directive names are made of.
pub(super) fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-'
}

/// The number of bytes of the line break that begins at `at`; 0 when there is none.
pub(super) fn break_width(bytes: &[u8], at: usize) -> usize {
    let byte = |n: usize| bytes.get(at + n).copied().unwrap_or(0);
    match byte(0) {
        b'\n' => 1,
        b'\r' => 1 + usize::from(byte(1) == b'\n'),
        0xC2 if byte(1) == 0x85 => 2,
        0xE2 if byte(1) == 0x80 && matches!(byte(2), 0xA8 | 0xA9) => 3,
        _ => 0,
    }
}

impl<'a> Scanner<'a> {
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

    /// A line break begins `n` bytes further on.
    pub(super) fn is_break_at(&self, n: usize) -> bool {
        break_width(self.bytes, self.pos + n) > 0
    }

    pub(super) fn is_break_or_end_at(&self, n: usize) -> bool {
        self.pos + n >= self.bytes.len() || self.is_break_at(n)
    }

    /// A blank, a line break or the end is `n` bytes further on.
    pub(super) fn is_space_at(&self, n: usize) -> bool {
        is_blank(self.peek_at(n)) || self.is_break_or_end_at(n)
    }

    /// Steps over `n` bytes that are no line breaks and not only blanks.
    pub(super) fn advance(&mut self, n: usize) {
        self.pos += n;
        self.newlines = 0;
    }

    pub(super) fn skip_blanks(&mut self) {
        while is_blank(self.peek()) {
            self.pos += 1;
        }
    }

    /// Steps over the line break here, if any, and returns what it reads as.
    pub(super) fn take_break(&mut self) -> &'a str {
        let width = break_width(self.bytes, self.pos);
        if width == 0 {
            return "";
        }
        let start = self.pos;
        self.pos += width;
        self.line += 1;
        self.line_start = self.pos;
        self.newlines += 1;
        if width == 3 { self.slice(start, self.pos) } else { "\n" }
    }

    /// To the line break or the end.
    pub(super) fn skip_line(&mut self) {
        while let Some(&byte) = self.bytes.get(self.pos) {
            if matches!(byte, b'\n' | b'\r' | 0xC2 | 0xE2) && self.is_break_at(0) {
                break;
            }
            if !is_blank(byte) {
                self.newlines = 0;
            }
            self.pos += 1;
        }
    }

    pub(super) fn column(&self) -> usize {
        self.pos - self.line_start
    }

    /// The column as an indentation, to compare with a parent's that may be -1.
    pub(super) fn indent_here(&self) -> i32 {
        i32::try_from(self.column()).unwrap_or(i32::MAX)
    }

    pub(super) fn slice(&self, start: usize, end: usize) -> &'a str {
        self.text.get(start..end).unwrap_or_default()
    }

    pub(super) fn mark(&self) -> Mark {
        // The length of the text was checked to fit.
        Mark { at: i32::try_from(self.pos).unwrap_or(i32::MAX), line: self.line, column: self.indent_here() }
    }

    /// `---` or `...` at the start of a line, followed by a blank.
    pub(super) fn at_marker(&self, marker: &[u8; 3]) -> bool {
        self.pos == self.line_start
            && self.bytes.get(self.pos..self.pos + 3) == Some(marker.as_slice())
            && self.is_space_at(3)
    }

    pub(super) fn at_any_marker(&self) -> bool {
        matches!(self.peek(), b'-' | b'.') && (self.at_marker(b"---") || self.at_marker(b"..."))
    }

    /// An error at the place reached.
    pub(super) fn syntax(&self, what: &'static str) -> Fault {
        error_at(ErrorKind::Syntax(what), self.mark())
    }
}

pub(super) fn error_at(kind: ErrorKind, mark: Mark) -> Fault {
    let count = |n: i32| u32::try_from(n).unwrap_or(0) + 1;
    Box::new(Error::new(kind, count(mark.line), count(mark.column)))
}
