//! Text to tokens.
//!
//! The grammar and its limits are libyaml's, as go-yaml has them: block structure shows in tokens made where indentation grows
//! and shrinks, a key without `?` is recognised when its `:` comes (on one line, within 1,024 characters), and the tokens for
//! it are put in front of it then. Comments are collected beside the tokens, with the place of the token they go with.

use std::collections::VecDeque;

use super::Fault;
use super::comments::Comment;
use super::cursor::error_at;
use super::token::{Kind, Mark, Token};
use crate::{Error, ErrorKind, Limits};

/// Characters between the start of a key and its `:`.
const KEY_LENGTH: usize = 1024;

/// A place where a key without `?` may have begun.
#[derive(Debug, Clone, Copy, Default)]
struct KeyStart {
    possible: bool,
    /// Nothing but a key may begin here.
    required: bool,
    /// Its first token is not handed out before it is known whether it is one.
    waits: bool,
    token: usize,
    mark: Mark,
}

pub(super) struct Scanner<'a> {
    pub(super) text: &'a str,
    pub(super) bytes: &'a [u8],
    pub(super) pos: usize,
    pub(super) line: i32,
    pub(super) line_start: usize,
    /// Line breaks since anything but blanks was read.
    pub(super) newlines: i32,
    pub(super) tokens: VecDeque<Token<'a>>,
    /// Tokens taken from the queue so far.
    taken: usize,
    pub(super) ready: bool,
    pub(super) ahead: usize,
    pub(super) comments: VecDeque<Comment<'a>>,
    pub(super) indent: i32,
    indents: Vec<i32>,
    pub(super) flow: usize,
    keys: Vec<KeyStart>,
    pub(super) key_allowed: bool,
    depth: usize,
    ended: bool,
}

impl<'a> Scanner<'a> {
    /// `ahead`: tokens read before the first is handed out; comments need to see two.
    pub(super) fn new(text: &'a str, limits: &Limits, ahead: usize) -> Result<Self, Fault> {
        let too_long = || Box::new(Error::new(ErrorKind::Limit { what: "size in bytes", limit: limits.size }, 0, 0));
        if text.len() > limits.size || i32::try_from(text.len()).is_err() {
            return Err(too_long());
        }
        let start = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
        let mut scanner = Self {
            text,
            bytes: text.as_bytes(),
            pos: start,
            line: 0,
            line_start: start,
            newlines: 0,
            tokens: VecDeque::new(),
            taken: 0,
            ready: false,
            ahead,
            comments: VecDeque::new(),
            indent: -1,
            indents: Vec::new(),
            flow: 0,
            keys: vec![KeyStart::default()],
            key_allowed: true,
            depth: limits.depth,
            ended: false,
        };
        scanner.refuse_control_characters()?;
        let here = scanner.mark();
        scanner.tokens.push_back(Token { kind: Kind::StreamStart, start: here, end: here });
        Ok(scanner)
    }

    /// Makes the next token ready; it stays until [`Self::take`].
    pub(super) fn next(&mut self) -> Result<(), Fault> {
        if !self.ready {
            while self.tokens.len() <= self.ahead || self.head_may_be_key()? {
                self.fetch()?;
            }
            self.ready = true;
        }
        Ok(())
    }

    /// The token [`Self::next`] made ready.
    pub(super) fn shown(&self) -> &Token<'a> {
        self.tokens.front().expect("the queue was filled before")
    }

    /// Takes the token [`Self::next`] made ready.
    pub(super) fn take(&mut self) -> Token<'a> {
        self.ready = false;
        self.taken += 1;
        self.tokens.pop_front().expect("a token is taken after it was seen")
    }

    /// The first token of the queue may turn out to begin a key; more must be read to know.
    fn head_may_be_key(&mut self) -> Result<bool, Fault> {
        let head = self.taken;
        let Some(level) = self.keys.iter().position(|key| key.possible && key.waits && key.token == head) else {
            return Ok(false);
        };
        self.key_is_valid(level)
    }

    fn key_is_valid(&mut self, level: usize) -> Result<bool, Fault> {
        let (line, pos) = (self.line, self.pos);
        let text = self.text;
        let Some(key) = self.keys.get_mut(level).filter(|key| key.possible) else { return Ok(false) };
        let start = usize::try_from(key.mark.at).unwrap_or(0);
        let far = || {
            // A character takes up to four bytes.
            let bytes = pos - start;
            bytes > KEY_LENGTH
                && (bytes > 4 * KEY_LENGTH
                    || text.get(start..pos).is_none_or(|between| between.chars().count() > KEY_LENGTH))
        };
        if key.mark.line == line && !far() {
            return Ok(true);
        }
        if key.required {
            return Err(self.syntax("could not find expected ':'"));
        }
        key.possible = false;
        Ok(false)
    }

    fn save_key(&mut self) -> Result<(), Fault> {
        if !self.key_allowed {
            return Ok(());
        }
        self.drop_key()?;
        let key = KeyStart {
            possible: true,
            required: self.flow == 0 && self.indent == self.indent_here(),
            waits: true,
            token: self.taken + self.tokens.len(),
            mark: self.mark(),
        };
        if let Some(last) = self.keys.last_mut() {
            *last = key;
        }
        Ok(())
    }

    fn drop_key(&mut self) -> Result<(), Fault> {
        let missing = self.keys.last().is_some_and(|key| key.possible && key.required);
        if missing {
            return Err(self.syntax("could not find expected ':'"));
        }
        if let Some(last) = self.keys.last_mut() {
            last.possible = false;
        }
        Ok(())
    }

    fn check_depth(&self) -> Result<(), Fault> {
        if self.flow + self.indents.len() > self.depth {
            return Err(error_at(ErrorKind::Limit { what: "depth", limit: self.depth }, self.mark()));
        }
        Ok(())
    }

    /// A block collection begins at `column`, unless it is going on there. `before`: the number of the token it stands in
    /// front of; the end of the queue when none.
    fn deeper(&mut self, column: i32, before: Option<usize>, kind: Kind<'a>, mark: Mark) -> Result<(), Fault> {
        if self.flow > 0 || self.indent >= column {
            return Ok(());
        }
        self.indents.push(self.indent);
        self.indent = column;
        self.check_depth()?;
        self.insert(before, Token { kind, start: mark, end: mark });
        Ok(())
    }

    fn insert(&mut self, before: Option<usize>, token: Token<'a>) {
        match before {
            Some(number) if number >= self.taken => {
                let at = (number - self.taken).min(self.tokens.len());
                self.tokens.insert(at, token);
            }
            _ => self.tokens.push_back(token),
        }
    }

    /// Block collections indented more than `column` end here. What stood below them as a comment may decide where.
    fn shallower(&mut self, column: i32, scanned_from: Mark) {
        if self.flow > 0 {
            return;
        }
        let mut mark = scanned_from;
        mark.at -= 1;
        while self.indent > column {
            let mut stop = mark.at;
            for comment in self.comments.iter().rev() {
                if comment.end < stop {
                    break;
                }
                if comment.start.column == self.indent + 1 {
                    mark = comment.start;
                }
                stop = comment.scanned_from;
            }
            self.tokens.push_back(Token { kind: Kind::BlockEnd, start: mark, end: mark });
            self.indent = self.indents.pop().unwrap_or(-1);
        }
    }

    /// Reads one token (and those that it shows to be missing) into the queue.
    fn fetch(&mut self) -> Result<(), Fault> {
        let scanned_from = self.mark();
        if self.ended {
            let here = self.mark();
            self.tokens.push_back(Token { kind: Kind::StreamEnd, start: here, end: here });
            return Ok(());
        }
        self.skip_to_token();
        // Only a comment that ends the text may leave characters of more bytes on the line.
        let column = if self.at_end() { self.slice(self.line_start, self.pos).chars().count() } else { self.column() };
        self.shallower(i32::try_from(column).unwrap_or(i32::MAX), scanned_from);
        if self.at_end() {
            return self.end_of_stream();
        }
        if self.pos == self.line_start {
            if self.peek() == b'%' {
                self.end_of_blocks()?;
                return self.directive();
            }
            for (marker, kind) in [(b"---", Kind::DocumentStart), (b"...", Kind::DocumentEnd)] {
                if self.at_marker(marker) {
                    self.end_of_blocks()?;
                    self.push_indicator(kind, 3);
                    return Ok(());
                }
            }
        }
        let byte = self.peek();
        let goes_with_last = if self.flow == 0 { byte == b':' } else { byte == b',' };
        let comments_to = match self.tokens.back() {
            Some(last) if goes_with_last => last.start,
            _ => self.mark(),
        };
        self.content(byte)?;
        if !matches!(self.tokens.back(), Some(Token { kind: Kind::Entry, .. })) {
            self.line_comment(comments_to);
        }
        Ok(())
    }

    fn content(&mut self, byte: u8) -> Result<(), Fault> {
        let flow = self.flow > 0;
        match byte {
            b'[' => self.flow_start(Kind::FlowSequenceStart),
            b'{' => self.flow_start(Kind::FlowMappingStart),
            b']' => self.flow_end(Kind::FlowSequenceEnd),
            b'}' => self.flow_end(Kind::FlowMappingEnd),
            b',' => self.comma(),
            b'-' if self.is_space_at(1) => self.entry(),
            b'?' if flow || self.is_space_at(1) => self.key(),
            b':' if flow || self.is_space_at(1) => self.value(),
            b'*' | b'&' => {
                self.save_key()?;
                self.key_allowed = false;
                self.anchor(byte == b'*')
            }
            b'!' => {
                self.save_key()?;
                self.key_allowed = false;
                self.tag()
            }
            b'|' | b'>' if !flow => {
                self.drop_key()?;
                self.key_allowed = true;
                self.block_scalar(byte == b'|')
            }
            b'\'' | b'"' => {
                self.save_key()?;
                self.key_allowed = false;
                self.quoted(byte)
            }
            _ if self.may_start_plain(byte) => {
                self.save_key()?;
                self.key_allowed = false;
                self.plain()
            }
            _ => Err(self.syntax("found character that cannot start any token")),
        }
    }

    fn may_start_plain(&self, byte: u8) -> bool {
        match byte {
            b'-' => !super::cursor::is_blank(self.peek_at(1)),
            b'?' | b':' => self.flow == 0 && !self.is_space_at(1),
            b',' | b'[' | b']' | b'{' | b'}' | b'#' | b'&' | b'*' | b'!' | b'|' | b'>' | b'\'' | b'"' | b'%' | b'@'
            | b'`' => false,
            _ => !self.is_space_at(0),
        }
    }

    fn push_indicator(&mut self, kind: Kind<'a>, width: usize) {
        let start = self.mark();
        self.advance(width);
        let end = self.mark();
        self.tokens.push_back(Token { kind, start, end });
    }

    fn end_of_blocks(&mut self) -> Result<(), Fault> {
        self.shallower(-1, self.mark());
        self.drop_key()?;
        self.key_allowed = false;
        Ok(())
    }

    fn end_of_stream(&mut self) -> Result<(), Fault> {
        // What ends without a line break ends as if there were one.
        if self.pos != self.line_start {
            self.line_start = self.pos;
            self.line += 1;
        }
        self.end_of_blocks()?;
        self.ended = true;
        let here = self.mark();
        self.tokens.push_back(Token { kind: Kind::StreamEnd, start: here, end: here });
        Ok(())
    }

    fn flow_start(&mut self, kind: Kind<'a>) -> Result<(), Fault> {
        self.save_key()?;
        self.keys.push(KeyStart { token: self.taken + self.tokens.len(), ..KeyStart::default() });
        self.flow += 1;
        self.check_depth()?;
        self.key_allowed = true;
        self.push_indicator(kind, 1);
        Ok(())
    }

    fn flow_end(&mut self, kind: Kind<'a>) -> Result<(), Fault> {
        self.drop_key()?;
        if self.flow > 0 {
            self.flow -= 1;
            let inner = self.keys.pop().map_or(0, |key| key.token);
            // go-yaml forgets that a collection may be a key when no key could begin in it: `{? a}: b` is refused.
            if let Some(key) = self.keys.last_mut().filter(|key| key.token == inner) {
                key.waits = false;
            }
        }
        self.key_allowed = false;
        self.push_indicator(kind, 1);
        Ok(())
    }

    fn comma(&mut self) -> Result<(), Fault> {
        self.drop_key()?;
        self.key_allowed = true;
        self.push_indicator(Kind::Comma, 1);
        Ok(())
    }

    fn entry(&mut self) -> Result<(), Fault> {
        if self.flow == 0 {
            if !self.key_allowed {
                return Err(self.syntax("block sequence entries are not allowed in this context"));
            }
            self.deeper(self.indent_here(), None, Kind::SequenceStart, self.mark())?;
        }
        self.drop_key()?;
        self.key_allowed = true;
        self.push_indicator(Kind::Entry, 1);
        Ok(())
    }

    fn key(&mut self) -> Result<(), Fault> {
        if self.flow == 0 {
            if !self.key_allowed {
                return Err(self.syntax("mapping keys are not allowed in this context"));
            }
            self.deeper(self.indent_here(), None, Kind::MappingStart, self.mark())?;
        }
        self.drop_key()?;
        self.key_allowed = self.flow == 0;
        self.push_indicator(Kind::Key, 1);
        Ok(())
    }

    fn value(&mut self) -> Result<(), Fault> {
        let level = self.keys.len() - 1;
        if self.key_is_valid(level)?
            && let Some(key) = self.keys.get_mut(level)
        {
            let KeyStart { token, mark, .. } = *key;
            key.possible = false;
            self.insert(Some(token), Token { kind: Kind::Key, start: mark, end: mark });
            self.deeper(mark.column, Some(token), Kind::MappingStart, mark)?;
            self.key_allowed = false;
        } else {
            if self.flow == 0 {
                if !self.key_allowed {
                    return Err(self.syntax("mapping values are not allowed in this context"));
                }
                self.deeper(self.indent_here(), None, Kind::MappingStart, self.mark())?;
            }
            self.key_allowed = self.flow == 0;
        }
        self.push_indicator(Kind::Value, 1);
        Ok(())
    }

    /// Control characters and characters that are none are refused wherever they stand.
    fn refuse_control_characters(&mut self) -> Result<(), Fault> {
        let bytes = self.bytes;
        let refused = |at: usize, byte: u8| match byte {
            b'\t' | b'\n' | b'\r' => false,
            0..0x20 | 0x7F => true,
            0xC2 => bytes.get(at + 1).is_some_and(|next| *next < 0xA0 && *next != 0x85),
            0xEF => matches!((bytes.get(at + 1), bytes.get(at + 2)), (Some(0xBF), Some(0xBE | 0xBF))),
            _ => false,
        };
        let Some(at) = bytes.iter().enumerate().position(|(at, byte)| refused(at, *byte)) else { return Ok(()) };
        let before = bytes.get(..at).unwrap_or_default();
        let lines = before.iter().filter(|byte| **byte == b'\n').count();
        let column = before.iter().rev().take_while(|byte| **byte != b'\n').count();
        let small = |n: usize| u32::try_from(n + 1).unwrap_or(u32::MAX);
        Err(Box::new(Error::new(ErrorKind::Syntax("control characters are not allowed"), small(lines), small(column))))
    }
}
