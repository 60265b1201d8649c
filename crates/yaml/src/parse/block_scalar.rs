//! Block scalars: `|` and `>`.

use super::Parser;
use super::cursor::is_blank;
use crate::{Error, Node, Style};

/// How a block scalar ends.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Chomp {
    Strip,
    Clip,
    Keep,
}

impl Parser<'_> {
    /// A `|` or `>` scalar below a parent at column `parent`.
    pub(super) fn block_scalar(&mut self, parent: i32) -> Result<Node, Error> {
        self.count()?;
        let at = self.position();
        let literal = self.peek() == b'|';
        self.advance(1);
        let (chomp, increment) = self.block_header()?;
        let comment = self.take_line_comment().map(str::to_owned);
        self.skip_spaces();
        if !self.at_end() && !self.at_break() {
            return Err(self.syntax("did not find expected comment or line break after a block scalar's header"));
        }
        if self.at_break() {
            self.advance_break();
        }
        let base = parent.max(-1);
        let indent = match increment {
            Some(n) => usize::try_from(base.max(0)).unwrap_or(0) + n,
            None => self.detect_indent(usize::try_from(base + 1).unwrap_or(0).max(1))?,
        };
        let text = self.block_text(indent, literal, chomp);
        let mut node = Node::scalar(text);
        node.style = if literal { Style::Literal } else { Style::Folded };
        node.position = self.finish(at);
        if let Some(comment) = comment {
            node.comments_mut().line = comment;
        }
        self.pending.content();
        Ok(node)
    }

    fn block_header(&mut self) -> Result<(Chomp, Option<usize>), Error> {
        let (mut chomp, mut increment) = (Chomp::Clip, None);
        loop {
            match self.peek() {
                b'+' => chomp = Chomp::Keep,
                b'-' => chomp = Chomp::Strip,
                b'0' => return Err(self.syntax("found an indentation indicator equal to 0")),
                digit @ b'1'..=b'9' if increment.is_none() => increment = Some(usize::from(digit - b'0')),
                _ => return Ok((chomp, increment)),
            }
            self.advance(1);
        }
    }

    /// The indentation of the first line with text, at least `least`; blank lines may be indented less.
    fn detect_indent(&mut self, least: usize) -> Result<usize, Error> {
        let (mut at, mut widest) = (self.pos, 0);
        loop {
            let rest = self.bytes.get(at..).unwrap_or_default();
            let column = rest.iter().take_while(|&&b| b == b' ').count();
            widest = widest.max(column);
            match rest.get(column) {
                Some(b'\n') => at += column + 1,
                Some(b'\r') => at += column + 1 + usize::from(rest.get(column + 1) == Some(&b'\n')),
                Some(b'\t') if column < least => {
                    return Err(self.syntax("found a tab character where an indentation space is expected"));
                }
                _ => return Ok(widest.max(least)),
            }
        }
    }

    /// Steps over blank lines and the indentation of the next one; the number of lines.
    fn block_breaks(&mut self, indent: usize) -> usize {
        let mut breaks = 0;
        loop {
            while self.column() < indent && self.peek() == b' ' {
                self.pos += 1;
            }
            if !self.at_break() {
                return breaks;
            }
            self.advance_break();
            breaks += 1;
        }
    }

    fn block_text(&mut self, indent: usize, literal: bool, chomp: Chomp) -> String {
        let mut text = String::new();
        let mut leading_break = false;
        let mut leading_blank = false;
        let mut trailing = self.block_breaks(indent);
        while self.column() == indent && !self.at_end() {
            let blank = is_blank(self.peek());
            if !literal && leading_break && !leading_blank && !blank {
                if trailing == 0 {
                    text.push(' ');
                }
            } else if leading_break {
                text.push('\n');
            }
            text.extend(std::iter::repeat_n('\n', trailing));
            leading_blank = blank;
            let start = self.pos;
            self.skip_line();
            text.push_str(self.slice(start, self.pos));
            leading_break = self.at_break();
            if leading_break {
                self.advance_break();
            }
            trailing = self.block_breaks(indent);
        }
        if chomp != Chomp::Strip && leading_break {
            text.push('\n');
        }
        if chomp == Chomp::Keep {
            text.extend(std::iter::repeat_n('\n', trailing));
        }
        text
    }
}
