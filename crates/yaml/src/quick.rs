//! The YAML that programs print, read in one pass and without nodes.
//!
//! What a cluster is told is nearly always block mappings and sequences of simple scalars. [`read`] reads those and gives up at
//! whatever else it meets: anchors, tags, merge keys, flow collections but the simplest, tabs, unusual characters, and whatever
//! is wrong. The reader of nodes does the rest and has the last word: what is accepted here it accepts, too, and with the same
//! value. Tests hold one against the other.

mod scalar;

use serde_json::{Map, Value};

use crate::{Limits, Resolved, Schema, resolve};

/// Collections in each other; the limits of the reader of nodes count more things and are wider.
const DEPTH: usize = 150;
/// Bytes of a key. A longer one may be too long for a key.
const KEY_LENGTH: usize = 512;

/// The value of a text by go-yaml v2's rules, with `floats` its whole floats as floats, of its outermost mapping only the `wanted`
/// entries; none when it is not as simple as that.
pub(crate) fn read(text: &str, limits: &Limits, floats: bool, wanted: Option<fn(&str) -> bool>) -> Option<Value> {
    let tame = limits.depth > DEPTH + 2 && text.len() <= limits.size.min(limits.nodes) && is_tame(text.as_bytes());
    if !tame {
        return None;
    }
    let mut reader = Reader {
        text,
        bytes: text.as_bytes(),
        pos: 0,
        line: 0,
        column: END,
        comment: false,
        breaks: 0,
        depth: 0,
        floats,
    };
    reader.line_start();
    if reader.column == 0 && reader.text.get(reader.pos..).is_some_and(|rest| rest.starts_with("---\n")) {
        reader.pos += 3;
        reader.next_line();
    }
    if reader.column == END {
        return None;
    }
    let (column, build) = (reader.column, true);
    let value = if reader.at_dash() {
        reader.sequence(column, build)?
    } else {
        let key = reader.key()?;
        reader.mapping(column, key, build, wanted)?
    };
    (reader.column == END).then_some(value)
}

/// The column of what does not exist.
const END: i32 = -1;

/// Whether a text has no characters that YAML treats in a way of its own: controls and breaks but the line feed, and marks.
fn is_tame(bytes: &[u8]) -> bool {
    let mut high = false;
    for chunk in bytes.chunks(64) {
        let wild = chunk.iter().fold(false, |found, byte| found | (*byte < 0x20 && *byte != b'\n') | (*byte == 0x7F));
        high |= !chunk.is_ascii();
        if wild {
            return false;
        }
    }
    !high
        || memchr::memchr3_iter(0xC2, 0xE2, 0xEF, bytes).all(|at| match bytes.get(at..) {
            Some([0xC2, next, ..]) => *next >= 0xA0,
            Some([0xE2, next, last, ..]) => *next != 0x80 || !matches!(last, 0xA8 | 0xA9),
            _ => false,
        })
}

struct Reader<'a> {
    text: &'a str,
    bytes: &'a [u8],
    pos: usize,
    /// Where the line begins.
    line: usize,
    /// The column of the first character of a line that was just reached; [`END`] at the end.
    column: i32,
    /// A comment was passed on the way to it, and how many line breaks.
    comment: bool,
    breaks: usize,
    depth: usize,
    /// Whole floats stay floats.
    floats: bool,
}

impl<'a> Reader<'a> {
    fn byte(&self) -> Option<u8> {
        self.bytes.get(self.pos).copied()
    }

    /// A blank, a line break or the end so many bytes ahead.
    fn is_space_at(&self, offset: usize) -> bool {
        self.bytes.get(self.pos + offset).is_none_or(|byte| matches!(byte, b' ' | b'\n'))
    }

    fn at_dash(&self) -> bool {
        self.byte() == Some(b'-') && self.is_space_at(1)
    }

    /// `---` or `...`, which begin and end documents at the start of a line.
    fn at_marker(&self) -> bool {
        let rest = self.bytes.get(self.pos..).unwrap_or_default();
        rest.starts_with(b"---") || rest.starts_with(b"...")
    }

    fn skip_blanks(&mut self) {
        while self.byte() == Some(b' ') {
            self.pos += 1;
        }
    }

    /// The end of the line.
    fn line_end(&self) -> usize {
        let rest = self.bytes.get(self.pos..).unwrap_or_default();
        memchr::memchr(b'\n', rest).map_or(self.bytes.len(), |at| self.pos + at)
    }

    fn slice(&self, start: usize, end: usize) -> &'a str {
        self.text.get(start..end).unwrap_or_default()
    }

    /// From the end of a line to the next one that holds more than a comment.
    fn next_line(&mut self) {
        (self.comment, self.breaks) = (false, 0);
        if self.byte().is_none() {
            self.column = END;
            return;
        }
        self.pos += 1;
        self.breaks = 1;
        self.line_start();
    }

    /// As [`Self::next_line`], from the start of a line.
    fn line_start(&mut self) {
        loop {
            self.line = self.pos;
            self.skip_blanks();
            match self.byte() {
                None => self.column = END,
                Some(b'\n') => {
                    self.pos += 1;
                    self.breaks += 1;
                    continue;
                }
                Some(b'#') => {
                    self.comment = true;
                    self.pos = self.line_end();
                    if self.byte().is_some() {
                        self.pos += 1;
                        self.breaks += 1;
                        continue;
                    }
                    self.column = END;
                }
                Some(_) => self.column = self.here(),
            }
            return;
        }
    }

    /// The column of the position. Only blanks and dashes stand before it.
    fn here(&self) -> i32 {
        i32::try_from(self.pos - self.line).unwrap_or(i32::MAX)
    }

    fn deeper<T>(&mut self, read: impl FnOnce(&mut Self) -> Option<T>) -> Option<T> {
        self.depth += 1;
        if self.depth > DEPTH {
            return None;
        }
        let value = read(self);
        self.depth -= 1;
        value
    }

    /// What begins at the position, inside of the collection at column `parent`.
    fn node(&mut self, parent: i32, build: bool) -> Option<Value> {
        let column = self.here();
        if column == 0 && self.at_marker() {
            return None;
        }
        if self.at_dash() {
            return self.deeper(|it| it.sequence(column, build));
        }
        if let Some(key) = self.key() {
            return self.deeper(|it| it.mapping(column, key, build, None));
        }
        self.scalar(parent, build)
    }

    /// A mapping, the position behind the `:` of its first key.
    fn mapping(
        &mut self,
        column: i32,
        mut key: &'a str,
        build: bool,
        wanted: Option<fn(&str) -> bool>,
    ) -> Option<Value> {
        let mut map = Map::new();
        loop {
            let build = build && wanted.is_none_or(|wanted| wanted(key));
            let value = self.entry(column, build)?;
            if build {
                map.insert(key.to_owned(), value);
            }
            if self.column != column {
                break;
            }
            if self.at_dash() {
                return None;
            }
            key = self.key()?;
        }
        (self.column < column).then_some(Value::Object(map))
    }

    /// The value of a key.
    fn entry(&mut self, column: i32, build: bool) -> Option<Value> {
        self.skip_blanks();
        match self.byte() {
            None | Some(b'\n') => {}
            Some(b'#') => self.pos = self.line_end(),
            Some(_) => return self.scalar(column, build),
        }
        self.next_line();
        if self.column > column {
            return self.node(column, build);
        }
        // A sequence may stand right below its key.
        if self.column == column && self.at_dash() {
            return self.deeper(|it| it.sequence(column, build));
        }
        Some(Value::Null)
    }

    /// A sequence, the position at its first `-`.
    fn sequence(&mut self, column: i32, build: bool) -> Option<Value> {
        let mut items = Vec::new();
        loop {
            self.pos += 1;
            self.skip_blanks();
            let item = match self.byte() {
                Some(b'#') => return None,
                Some(b'\n') | None => {
                    self.next_line();
                    if self.column > column { self.node(column, build)? } else { Value::Null }
                }
                Some(_) => self.node(column, build)?,
            };
            if build {
                items.push(item);
            }
            if self.column != column || !self.at_dash() {
                break;
            }
        }
        (self.column <= column).then_some(Value::Array(items))
    }

    /// A key and its `:`; nothing is read when there is none, or none as simple as that.
    fn key(&mut self) -> Option<&'a str> {
        let first = self.byte()?;
        let (text, end) = match first {
            b'"' | b'\'' => {
                let from = self.pos + 1;
                let rest = self.bytes.get(from..)?;
                let len = memchr::memchr3(first, b'\\', b'\n', rest)?;
                (rest.get(len) == Some(&first)).then_some(())?;
                (self.slice(from, from + len), from + len + 1)
            }
            _ if first.is_ascii_alphanumeric() || matches!(first, b'_' | b'/' | b'$' | b'.') && !self.at_marker() => {
                let end = self.pos + self.plain_key()?;
                let text = self.slice(self.pos, end);
                (resolve(text, Schema::V2) == Resolved::Str).then_some(())?;
                (text, end)
            }
            _ => return None,
        };
        let ends = self.bytes.get(end) == Some(&b':')
            && self.bytes.get(end + 1).is_none_or(|byte| matches!(byte, b' ' | b'\n'));
        if !ends || text.len() > KEY_LENGTH {
            return None;
        }
        self.pos = end + 1;
        Some(text)
    }

    /// How long the plain text before a `:` is.
    fn plain_key(&self) -> Option<usize> {
        let rest = self.bytes.get(self.pos..)?;
        let mut at = 0;
        loop {
            at += memchr::memchr3(b':', b'#', b'\n', rest.get(at..)?)?;
            let before = rest.get(at.checked_sub(1)?)?;
            match rest.get(at)? {
                b':' if rest.get(at + 1).is_none_or(|byte| matches!(byte, b' ' | b'\n')) => {
                    return (*before != b' ').then_some(at);
                }
                b'\n' => return None,
                b'#' if *before == b' ' => return None,
                _ => at += 1,
            }
        }
    }
}

#[cfg(test)]
mod tests;
