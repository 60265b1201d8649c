//! Block scalars: `|` and `>`.

use std::borrow::Cow;

use super::Fault;
use super::cursor::is_blank;
use super::scan::Scanner;
use super::token::Mark;
use crate::Style;

/// How a block scalar ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Chomp {
    Strip,
    Clip,
    Keep,
}

impl Scanner<'_> {
    pub(super) fn block_scalar(&mut self, literal: bool) -> Result<(), Fault> {
        let start = self.mark();
        self.advance(1);
        let (chomp, increment) = self.block_header()?;
        self.skip_blanks();
        if self.peek() == b'#' {
            self.line_comment(start);
            self.skip_line();
        }
        if !self.is_break_or_end_at(0) {
            return Err(self.syntax("did not find expected comment or line break"));
        }
        self.take_break();
        let indent = increment.map_or(0, |n| self.indent.max(0) + n);
        let (text, end) = self.block_text(indent, literal, chomp)?;
        let style = if literal { Style::Literal } else { Style::Folded };
        self.push_scalar(Cow::Owned(text), style, start, end);
        Ok(())
    }

    /// The sign of how it ends and the indentation, in any order.
    fn block_header(&mut self) -> Result<(Chomp, Option<i32>), Fault> {
        let mut chomp = self.chomp();
        let increment = match self.peek() {
            b'0' => return Err(self.syntax("found an indentation indicator equal to 0")),
            digit @ b'1'..=b'9' => {
                self.advance(1);
                Some(i32::from(digit - b'0'))
            }
            _ => None,
        };
        if chomp.is_none() && increment.is_some() {
            chomp = self.chomp();
        }
        Ok((chomp.unwrap_or(Chomp::Clip), increment))
    }

    fn chomp(&mut self) -> Option<Chomp> {
        let chomp = match self.peek() {
            b'+' => Chomp::Keep,
            b'-' => Chomp::Strip,
            _ => return None,
        };
        self.advance(1);
        Some(chomp)
    }

    /// The lines and where they end. `indent`: their indentation, 0 when the first line with text shows it.
    fn block_text(&mut self, mut indent: i32, literal: bool, chomp: Chomp) -> Result<(String, Mark), Fault> {
        let mut text = String::new();
        let mut end = self.mark();
        let mut line_break = "";
        let mut after_blank = false;
        let mut breaks = String::new();
        self.block_breaks(&mut indent, &mut breaks, &mut end)?;
        while self.indent_here() == indent && !self.at_end() {
            let blank = is_blank(self.peek());
            if !literal && !after_blank && !blank && line_break == "\n" {
                if breaks.is_empty() {
                    text.push(' ');
                }
            } else {
                text.push_str(line_break);
            }
            text.push_str(&breaks);
            breaks.clear();
            after_blank = blank;
            let start = self.pos;
            self.skip_line();
            text.push_str(self.slice(start, self.pos));
            line_break = self.take_break();
            self.block_breaks(&mut indent, &mut breaks, &mut end)?;
        }
        if chomp != Chomp::Strip {
            text.push_str(line_break);
        }
        if chomp == Chomp::Keep {
            text.push_str(&breaks);
        }
        Ok((text, end))
    }

    /// Over blank lines and the indentation of the next line; finds the indentation when it is 0.
    fn block_breaks(&mut self, indent: &mut i32, breaks: &mut String, end: &mut Mark) -> Result<(), Fault> {
        *end = self.mark();
        let mut widest = 0;
        loop {
            while self.peek() == b' ' && (*indent == 0 || self.indent_here() < *indent) {
                self.pos += 1;
            }
            widest = widest.max(self.indent_here());
            if self.peek() == b'\t' && (*indent == 0 || self.indent_here() < *indent) {
                return Err(self.syntax("found a tab character where an indentation space is expected"));
            }
            if !self.is_break_at(0) {
                break;
            }
            breaks.push_str(self.take_break());
            *end = self.mark();
        }
        if *indent == 0 {
            *indent = widest.max(self.indent + 1).max(1);
        }
        Ok(())
    }
}
