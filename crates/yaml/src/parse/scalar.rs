//! Scalars: plain, quoted, block.

use super::Parser;
use super::cursor::is_blank_or_break;
use crate::{Error, Node, Style};

fn is_flow_indicator(byte: u8) -> bool {
    matches!(byte, b',' | b'[' | b']' | b'{' | b'}')
}

impl<'a> Parser<'a> {
    /// A plain scalar may not begin with what stands here.
    pub(super) fn refuse_plain_start(&self, flow: bool) -> Result<(), Error> {
        let next = self.peek_at(1);
        let bad = match self.peek() {
            b',' | b'[' | b']' | b'{' | b'}' | b'#' | b'&' | b'*' | b'!' | b'|' | b'>' | b'\'' | b'"' | b'%' | b'@'
            | b'`' => true,
            b'-' => is_blank_or_break(next),
            b'?' | b':' => is_blank_or_break(next) || (flow && is_flow_indicator(next)),
            b'\t' => true,
            _ => false,
        };
        if bad { Err(self.syntax("found character that cannot start any token")) } else { Ok(()) }
    }

    /// The part of a plain scalar on this line, without trailing blanks; stops in front of them.
    pub(super) fn plain_line(&mut self, flow: bool) -> &'a str {
        let start = self.pos;
        let mut end = start;
        loop {
            let byte = self.peek();
            match byte {
                0 if self.at_end() => break,
                b'\n' | b'\r' => break,
                b' ' | b'\t' => {
                    self.pos += 1;
                    if self.peek() == b'#' {
                        break;
                    }
                    continue;
                }
                b':' => {
                    let next = self.peek_at(1);
                    if is_blank_or_break(next) || (flow && is_flow_indicator(next)) {
                        break;
                    }
                }
                _ if flow && is_flow_indicator(byte) => break,
                _ => {}
            }
            self.pos += 1;
            end = self.pos;
        }
        self.pos = end;
        self.slice(start, end)
    }

    /// A plain scalar in a block, which may go on on lines indented more than `parent`.
    pub(super) fn plain_block(&mut self, parent: i32) -> Result<Node, Error> {
        self.refuse_plain_start(false)?;
        let first = self.plain_line(false);
        let mut text: Option<String> = None;
        while let Some(breaks) = self.next_plain_line(parent) {
            let line = self.plain_line(false);
            let joined = text.get_or_insert_with(|| first.to_owned());
            fold(joined, breaks);
            joined.push_str(line);
        }
        Ok(Node::scalar(text.unwrap_or_else(|| first.to_owned())))
    }

    /// Moves to the next line of a plain scalar, if there is one; the number of line breaks stepped over.
    fn next_plain_line(&mut self, parent: i32) -> Option<usize> {
        let start = (self.pos, self.line, self.line_start);
        self.skip_spaces();
        let mut breaks = 0usize;
        while self.at_break() {
            self.advance_break();
            breaks += 1;
            self.skip_spaces();
        }
        let goes_on = breaks > 0
            && !self.at_end()
            && self.peek() != b'#'
            && self.indent() > parent
            && !self.at_any_marker()
            && !self.at_indicator(b':');
        if !goes_on {
            (self.pos, self.line, self.line_start) = start;
            return None;
        }
        Some(breaks)
    }

    /// A plain scalar in a flow collection.
    pub(super) fn plain_flow(&mut self) -> Result<Node, Error> {
        self.refuse_plain_start(true)?;
        let mut text = self.plain_line(true).to_owned();
        loop {
            let start = (self.pos, self.line, self.line_start);
            self.skip_spaces();
            let mut breaks = 0usize;
            while self.at_break() {
                self.advance_break();
                breaks += 1;
                self.skip_spaces();
            }
            let next = self.peek();
            let ends = self.at_end() || is_flow_indicator(next) || next == b'#' || self.at_any_marker();
            if breaks == 0 || ends || self.at_indicator(b':') {
                (self.pos, self.line, self.line_start) = start;
                return Ok(Node::scalar(text));
            }
            fold(&mut text, breaks);
            text.push_str(self.plain_line(true));
        }
    }

    /// Over a quoted scalar to judge whether it is a key; errors are found when it is read.
    pub(super) fn skip_quoted(&mut self) {
        let quote = self.peek();
        self.advance(1);
        while !self.at_end() && !self.at_break() {
            let byte = self.peek();
            self.advance(1);
            if byte == quote {
                if quote == b'\'' && self.peek() == b'\'' {
                    self.advance(1);
                    continue;
                }
                return;
            }
            if byte == b'\\' && quote == b'"' && !self.at_break() {
                self.advance(1);
            }
        }
    }

    pub(super) fn single_quoted(&mut self) -> Result<Node, Error> {
        self.advance(1);
        let mut text = String::new();
        loop {
            let start = self.pos;
            while !matches!(self.peek(), b'\'' | b'\n' | b'\r') && !self.at_end() {
                self.pos += 1;
            }
            if self.at_end() {
                return Err(self.syntax("found unexpected end of stream while scanning a quoted scalar"));
            }
            if self.at_break() {
                text.push_str(self.slice(start, self.pos).trim_end_matches([' ', '\t']));
                let breaks = self.quoted_breaks()?;
                fold(&mut text, breaks);
                continue;
            }
            text.push_str(self.slice(start, self.pos));
            self.advance(1);
            if self.peek() != b'\'' {
                break;
            }
            text.push('\'');
            self.advance(1);
        }
        let mut node = Node::scalar(text);
        node.style = Style::SingleQuoted;
        Ok(node)
    }

    pub(super) fn double_quoted(&mut self) -> Result<Node, Error> {
        self.advance(1);
        let mut text = String::new();
        // Blanks made by escapes survive a line break; the others do not.
        let mut keep = 0usize;
        loop {
            let start = self.pos;
            while !matches!(self.peek(), b'"' | b'\\' | b'\n' | b'\r') && !self.at_end() {
                self.pos += 1;
            }
            if self.at_end() {
                return Err(self.syntax("found unexpected end of stream while scanning a quoted scalar"));
            }
            text.push_str(self.slice(start, self.pos));
            match self.peek() {
                b'"' => {
                    self.advance(1);
                    break;
                }
                b'\\' if matches!(self.peek_at(1), b'\n' | b'\r') => {
                    self.advance(1);
                    let breaks = self.quoted_breaks()?;
                    text.extend(std::iter::repeat_n('\n', breaks - 1));
                    keep = text.len();
                }
                b'\\' => {
                    self.escape(&mut text)?;
                    keep = text.len();
                }
                _ => {
                    let trimmed = text.trim_end_matches([' ', '\t']).len().max(keep);
                    text.truncate(trimmed);
                    let breaks = self.quoted_breaks()?;
                    fold(&mut text, breaks);
                    keep = text.len();
                }
            }
        }
        let mut node = Node::scalar(text);
        node.style = Style::DoubleQuoted;
        Ok(node)
    }

    /// Over the line breaks inside quotes and the blanks after them.
    fn quoted_breaks(&mut self) -> Result<usize, Error> {
        let mut breaks = 0usize;
        while self.at_break() {
            self.advance_break();
            breaks += 1;
            if self.at_any_marker() {
                return Err(self.syntax("found unexpected document indicator"));
            }
            self.skip_spaces();
        }
        Ok(breaks)
    }

    fn escape(&mut self, text: &mut String) -> Result<(), Error> {
        let code = self.peek_at(1);
        let (plain, digits) = match code {
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
            text.push(plain);
            return Ok(());
        }
        let value = self.hex(digits)?;
        let value = self.surrogate_pair(value)?;
        let Some(char) = char::from_u32(value) else {
            return Err(self.syntax("found invalid Unicode character escape code"));
        };
        text.push(char);
        Ok(())
    }

    fn hex(&mut self, digits: usize) -> Result<u32, Error> {
        let value = self.text.get(self.pos..self.pos + digits).filter(|d| d.bytes().all(|b| b.is_ascii_hexdigit()));
        let value = value.and_then(|d| u32::from_str_radix(d, 16).ok());
        self.advance(if value.is_some() { digits } else { 0 });
        value.ok_or_else(|| self.syntax("did not find expected hexadecimal number"))
    }

    /// JSON writes characters past the first plane as two escapes.
    fn surrogate_pair(&mut self, high: u32) -> Result<u32, Error> {
        if !(0xD800..0xDC00).contains(&high) || self.peek() != b'\\' || self.peek_at(1) != b'u' {
            return Ok(high);
        }
        self.advance(2);
        let low = self.hex(4)?;
        if !(0xDC00..0xE000).contains(&low) {
            return Err(self.syntax("found invalid Unicode character escape code"));
        }
        Ok(0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00))
    }
}

/// Joins lines: one break is a space, more are one less.
fn fold(text: &mut String, breaks: usize) {
    if breaks <= 1 {
        text.push(' ');
    } else {
        text.extend(std::iter::repeat_n('\n', breaks - 1));
    }
}
