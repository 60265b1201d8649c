//! Scalars, and the flow collections that are as good as scalars.

use std::borrow::Cow;

use serde_json::Value;

use super::{END, Reader};
use crate::value::plain_value;

fn text(build: bool, text: impl Into<String>) -> Value {
    if build { Value::String(text.into()) } else { Value::Null }
}

/// Line breaks between two parts of a text: one is a blank, more are one less.
fn fold(breaks: usize, out: &mut String) {
    match breaks {
        0 | 1 => out.push(' '),
        more => out.extend(std::iter::repeat_n('\n', more - 1)),
    }
}

/// How a block scalar ends.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Chomp {
    Strip,
    Clip,
    Keep,
}

impl<'a> Reader<'a> {
    /// A scalar inside of the collection at column `parent`, and the way to the next line.
    pub(super) fn scalar(&mut self, parent: i32, build: bool) -> Option<Value> {
        let value = match self.byte()? {
            b'"' => text(build, self.quoted(b'"')?),
            b'\'' => text(build, self.quoted(b'\'')?),
            kind @ (b'|' | b'>') => return self.block_scalar(parent, kind == b'|', build),
            b'[' => self.list(build)?,
            b'{' => {
                self.pos += 1;
                self.skip_blanks();
                (self.byte()? == b'}').then_some(())?;
                self.pos += 1;
                Value::Object(serde_json::Map::new())
            }
            b'&' | b'*' | b'!' | b'%' | b'@' | b'`' | b',' | b']' | b'}' | b'#' => return None,
            b'-' | b'?' | b':' if self.is_space_at(1) => return None,
            _ => return self.plain(parent, build),
        };
        self.rest_is_blank()?;
        self.next_line();
        Some(value)
    }

    /// Nothing but a comment may follow on the line.
    fn rest_is_blank(&mut self) -> Option<()> {
        let from = self.pos;
        self.skip_blanks();
        match self.byte() {
            None | Some(b'\n') => Some(()),
            Some(b'#') if self.pos > from => {
                self.pos = self.line_end();
                Some(())
            }
            Some(_) => None,
        }
    }

    /// A plain scalar, which may go on on further lines indented more than `parent`.
    fn plain(&mut self, parent: i32, build: bool) -> Option<Value> {
        let (first, mut ended) = self.plain_line()?;
        let mut whole = Cow::Borrowed(first);
        self.next_line();
        while self.column > parent {
            if ended || self.comment {
                return None;
            }
            let breaks = self.breaks;
            let line;
            (line, ended) = self.plain_line()?;
            if build {
                let whole = whole.to_mut();
                fold(breaks, whole);
                whole.push_str(line);
            }
            self.next_line();
        }
        // Of what is not kept only the infinite is refused.
        let may_be_infinite = whole.trim_start_matches(['-', '+']).starts_with('.');
        if build || may_be_infinite { plain_value(&whole, self.floats) } else { Some(Value::Null) }
    }

    /// The text of a plain scalar on this line, and whether a comment ends it.
    fn plain_line(&mut self) -> Option<(&'a str, bool)> {
        let (start, end) = (self.pos, self.line_end());
        let line = self.bytes.get(start..end)?;
        self.pos = end;
        for at in memchr::memchr2_iter(b':', b'#', line) {
            if line.get(at) == Some(&b':') {
                if line.get(at + 1).is_none_or(|next| *next == b' ') {
                    return None;
                }
            } else if at > 0 && line.get(at - 1) == Some(&b' ') {
                return Some((self.slice(start, start + at).trim_end_matches(' '), true));
            }
        }
        Some((self.slice(start, end).trim_end_matches(' '), false))
    }

    /// Text in quotes, the position at the first; ends behind the last.
    fn quoted(&mut self, quote: u8) -> Option<Cow<'a, str>> {
        self.pos += 1;
        let mut start = self.pos;
        let mut out: Option<String> = None;
        loop {
            let rest = self.bytes.get(self.pos..)?;
            let escape = if quote == b'"' { b'\\' } else { quote };
            self.pos += memchr::memchr3(quote, escape, b'\n', rest)?;
            let piece = self.slice(start, self.pos);
            match self.byte()? {
                b'\n' => {
                    let whole = out.get_or_insert_default();
                    whole.push_str(piece.trim_end_matches(' '));
                    fold(self.quoted_breaks()?, whole);
                }
                b'\\' => {
                    let whole = out.get_or_insert_default();
                    whole.push_str(piece);
                    self.escape(whole)?;
                }
                _ if quote == b'\'' && self.bytes.get(self.pos + 1) == Some(&quote) => {
                    let whole = out.get_or_insert_default();
                    whole.push_str(piece);
                    whole.push('\'');
                    self.pos += 2;
                }
                _ => {
                    self.pos += 1;
                    return Some(match out {
                        None => Cow::Borrowed(piece),
                        Some(mut whole) => {
                            whole.push_str(piece);
                            Cow::Owned(whole)
                        }
                    });
                }
            }
            start = self.pos;
        }
    }

    /// The character of an escape, or none for an escaped line break.
    fn escape(&mut self, out: &mut String) -> Option<()> {
        let digits = match *self.bytes.get(self.pos + 1)? {
            b'\n' => {
                self.pos += 1;
                // Further breaks are kept.
                let breaks = self.quoted_breaks()?;
                out.extend(std::iter::repeat_n('\n', breaks - 1));
                return Some(());
            }
            b'x' => 2,
            b'u' => 4,
            simple => {
                out.push(match simple {
                    b'n' => '\n',
                    b't' => '\t',
                    b'r' => '\r',
                    b'"' | b'\\' | b' ' => char::from(simple),
                    _ => return None,
                });
                self.pos += 2;
                return Some(());
            }
        };
        let hex = self.text.get(self.pos + 2..self.pos + 2 + digits)?;
        let is_hex = hex.bytes().all(|byte| byte.is_ascii_hexdigit());
        out.push(is_hex.then(|| u32::from_str_radix(hex, 16).ok().and_then(char::from_u32))??);
        self.pos += 2 + digits;
        Some(())
    }

    /// Over line breaks and indentation inside of quotes; how many breaks there are.
    fn quoted_breaks(&mut self) -> Option<usize> {
        let mut breaks = 0;
        while self.byte()? == b'\n' {
            self.pos += 1;
            breaks += 1;
            if self.at_marker() {
                return None;
            }
            self.skip_blanks();
        }
        Some(breaks)
    }

    /// `|` and `>`, and the way to the next line. Folded text is only skipped.
    fn block_scalar(&mut self, parent: i32, literal: bool, build: bool) -> Option<Value> {
        if build && !literal {
            return None;
        }
        self.pos += 1;
        let chomp = match self.byte()? {
            b'-' => Chomp::Strip,
            b'+' => Chomp::Keep,
            _ => Chomp::Clip,
        };
        self.pos += usize::from(chomp != Chomp::Clip);
        self.skip_blanks();
        (self.byte() == Some(b'\n')).then_some(())?;
        let indent = self.block_indent(parent)?;
        let (mut out, mut breaks) = (String::new(), 0);
        // The position is at the break before a line.
        while self.blank_line_follows(indent)? {
            breaks += 1;
        }
        while let Some(line) = self.block_line(indent)? {
            if build {
                out.extend(std::iter::repeat_n('\n', breaks));
                out.push_str(line);
            }
            breaks = usize::from(self.byte().is_some());
            while self.blank_line_follows(indent)? {
                breaks += 1;
            }
        }
        let kept = match chomp {
            Chomp::Strip => 0,
            Chomp::Clip => breaks.min(1),
            Chomp::Keep => breaks,
        };
        out.extend(std::iter::repeat_n('\n', kept));
        self.next_line();
        Some(text(build, out))
    }

    /// The indentation of a block scalar: that of its first line with text.
    fn block_indent(&self, parent: i32) -> Option<usize> {
        let mut at = self.pos;
        let mut widest = 0;
        loop {
            let line = self.bytes.get(at + 1..)?;
            let width = line.iter().take_while(|byte| **byte == b' ').count();
            if *line.get(width)? != b'\n' {
                let deep = i32::try_from(width).is_ok_and(|width| width > parent.max(END + 1));
                return (deep && widest <= width).then_some(width);
            }
            widest = widest.max(width);
            at += 1 + width;
        }
    }

    /// The width of the indentation of the line after the position, up to `most`, and what stands behind it; none at the end.
    fn indentation(&self, most: usize) -> (usize, Option<u8>) {
        let line = self.bytes.get(self.pos + 1..).unwrap_or_default();
        let width = line.iter().take(most).take_while(|byte| **byte == b' ').count();
        (width, line.get(width).copied())
    }

    /// The next line of a block scalar, up to its break; none when the next line is no part of it.
    #[allow(clippy::option_option, reason = "giving up is something else than the end")]
    fn block_line(&mut self, indent: usize) -> Option<Option<&'a str>> {
        let (width, next) = self.indentation(indent);
        if width < indent || next.is_none() {
            // A text that ends in blanks is for the other reader.
            return (next.is_some() || width == 0).then_some(None);
        }
        self.pos += 1 + indent;
        let start = self.pos;
        self.pos = self.line_end();
        Some(Some(self.slice(start, self.pos)))
    }

    /// Goes to the end of the next line if it is blank and no line of the text.
    fn blank_line_follows(&mut self, indent: usize) -> Option<bool> {
        if self.byte().is_none() {
            return Some(false);
        }
        let (width, next) = self.indentation(indent);
        if next == Some(b'\n') {
            self.pos += 1 + width;
        }
        Some(next == Some(b'\n'))
    }

    /// A list in brackets on one line, of simple things.
    fn list(&mut self, build: bool) -> Option<Value> {
        let mut items = Vec::new();
        self.pos += 1;
        self.skip_blanks();
        if self.byte()? == b']' {
            self.pos += 1;
            return Some(Value::Array(items));
        }
        loop {
            let item = self.list_item(build)?;
            if build {
                items.push(item);
            }
            self.skip_blanks();
            match self.byte()? {
                b',' => self.pos += 1,
                b']' => break,
                _ => return None,
            }
            self.skip_blanks();
        }
        self.pos += 1;
        Some(Value::Array(items))
    }

    fn list_item(&mut self, build: bool) -> Option<Value> {
        let start = self.pos;
        match self.byte()? {
            quote @ (b'"' | b'\'') => {
                let item = self.quoted(quote)?;
                // A key is a pair, and text of more lines is not simple. The line itself may be long: it is not looked through.
                let is_simple = !self.slice(start, self.pos).contains('\n') && self.byte() != Some(b':');
                is_simple.then(|| text(build, item))
            }
            first if first.is_ascii_alphanumeric() || matches!(first, b'/' | b'_') => {
                let simple =
                    |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'/' | b'_' | b'-' | b'*' | b'+');
                while self.byte().is_some_and(simple) {
                    self.pos += 1;
                }
                if build { plain_value(self.slice(start, self.pos), self.floats) } else { Some(Value::Null) }
            }
            _ => None,
        }
    }
}
