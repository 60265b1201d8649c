//! Comments, and the tokens they go with.
//!
//! go-yaml's rules, which leave no comment without a place but follow no simple principle: what stands behind a token is its
//! line comment; a block of comment lines is the head of what follows, or the foot of what stood before when a blank line or a
//! smaller indentation comes after it.

use super::cursor::is_blank;
use super::scan::Scanner;
use super::token::{Kind, Mark};

/// Bytes looked through for the next comment line.
const WINDOW: usize = 512;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Head,
    Line,
    Foot,
}

#[derive(Debug)]
pub(super) struct Comment<'a> {
    pub(super) place: Place,
    pub(super) text: Text<'a>,
    /// The comment goes with the first token that starts here or later.
    pub(super) token: i32,
    pub(super) start: Mark,
    /// Where the search that found it began; 0 for a line comment.
    pub(super) scanned_from: i32,
    /// Where it was known to be over; 0 for a line comment.
    pub(super) end: i32,
}

/// One line as it stands in the text, or lines put together.
#[derive(Debug)]
pub(super) enum Text<'a> {
    Line(&'a str),
    Lines(String),
}

impl Text<'_> {
    pub(super) fn as_str(&self) -> &str {
        match self {
            Text::Line(line) => line,
            Text::Lines(lines) => lines,
        }
    }
}

/// A block of comment lines while it is being read.
struct Block {
    text: String,
    start: Mark,
    scanned_from: i32,
    token: i32,
}

impl<'a> Scanner<'a> {
    /// go-yaml v2 knows none, and looks at each line below a comment as at any other.
    fn knows_comments(&self) -> bool {
        self.ahead > 0
    }

    /// Over blanks, line breaks and comments to where the next token begins.
    pub(super) fn skip_to_token(&mut self) {
        let scanned_from = self.mark();
        loop {
            while self.peek() == b' ' || (self.peek() == b'\t' && (self.flow > 0 || !self.key_allowed)) {
                self.pos += 1;
            }
            self.lift_entry_comment();
            if self.peek() == b'#' {
                if self.knows_comments() {
                    self.comment_lines(scanned_from);
                } else {
                    self.skip_line();
                }
            }
            if !self.is_break_at(0) {
                return;
            }
            self.take_break();
            if self.flow == 0 {
                self.key_allowed = true;
            }
        }
    }

    /// `- # comment` above the content of a sequence's first item is that content's head.
    fn lift_entry_comment(&mut self) {
        if self.comments.back().is_none_or(|comment| comment.place != Place::Line) || self.is_break_at(0) {
            return;
        }
        let mut last = self.tokens.iter().rev().map(|token| &token.kind);
        if !matches!((last.next(), last.next()), (Some(Kind::Entry), Some(Kind::SequenceStart))) {
            return;
        }
        let here = self.mark();
        if let Some(comment) = self.comments.back_mut() {
            comment.place = Place::Head;
            if comment.start.line == here.line - 1 {
                comment.token = here.at;
            }
        }
    }

    /// A comment behind a token, on its line.
    pub(super) fn line_comment(&mut self, token: Mark) {
        if self.newlines > 0 || !self.knows_comments() {
            return;
        }
        let blanks = self.bytes.iter().skip(self.pos).take(WINDOW).take_while(|byte| is_blank(**byte)).count();
        if blanks == WINDOW || self.peek_at(blanks) != b'#' {
            return;
        }
        self.pos += blanks;
        let start = self.mark();
        let text = Text::Line(self.rest_of_line());
        self.comments.push_back(Comment { place: Place::Line, text, token: token.at, start, scanned_from: 0, end: 0 });
    }

    fn rest_of_line(&mut self) -> &'a str {
        let start = self.pos;
        self.skip_line();
        self.slice(start, self.pos)
    }

    /// The column that content must reach to belong to the collection going on.
    fn least_column(&self) -> i32 {
        self.indent.max(0)
    }

    /// Comment lines from here to the next token.
    fn comment_lines(&mut self, scanned_from: Mark) {
        let (after, after_value) = self.commented_token().unwrap_or((0, false));
        let mut block =
            Block { text: String::new(), start: Mark::default(), scanned_from: scanned_from.at, token: after };
        // The line below what was read last.
        let mut foot_line = -1;
        if scanned_from.line > 0 {
            foot_line = self.line - self.newlines + 1;
            if self.newlines == 0 && self.indent_here() > 1 {
                foot_line += 1;
            }
        }
        let (mut blank_line, mut below) = (false, self.newlines <= 1);
        let (mut line, mut column) = (self.line, self.indent_here());
        let mut ahead = 0;
        while ahead < WINDOW {
            column += 1;
            let byte = self.peek_at(ahead);
            if is_blank(byte) {
                ahead += 1;
                continue;
            }
            let here = Mark { at: self.mark().at + i32::try_from(ahead).unwrap_or(0), line, column };
            let outside = block.start.column - 1 < self.least_column();
            let closes = self.flow > 0 && matches!(byte, b']' | b'}');
            if closes || self.is_break_or_end_at(ahead) {
                let over = below && ((block.start.line == foot_line && !after_value) || outside);
                if closes || (!blank_line && over) {
                    if outside && !block.text.is_empty() {
                        block.token = block.start.at;
                    }
                    self.foot(&mut block, here);
                } else if !blank_line && !block.text.is_empty() && self.pos + ahead < self.bytes.len() {
                    block.text.push('\n');
                }
                if !self.is_break_at(ahead) {
                    break;
                }
                (blank_line, below) = (true, false);
                column = 0;
                line += 1;
                ahead += 1;
                continue;
            }
            if column - 1 < self.least_column() && column != block.start.column {
                self.foot(&mut block, here);
            }
            if byte != b'#' {
                break;
            }
            if block.text.is_empty() {
                block.start = here;
            } else {
                block.text.push('\n');
            }
            blank_line = false;
            self.comment_line(&mut block, ahead);
            // The search goes on behind the line break.
            ahead = 1;
            column = 0;
            line = self.line;
        }
        if !block.text.is_empty() {
            let end = self.mark().at + i32::try_from(ahead).unwrap_or(0) - 1;
            let token = block.start.at;
            self.push_block(Place::Head, block, token, end);
        }
    }

    /// The token a foot goes with, and whether it is a `:`.
    fn commented_token(&self) -> Option<(i32, bool)> {
        let mut last = self.tokens.iter().rev();
        let token = last.next()?;
        let token = if matches!(token.kind, Kind::Comma) { last.next().unwrap_or(token) } else { token };
        Some((token.start.at, matches!(token.kind, Kind::Value)))
    }

    /// Appends the comment `ahead` bytes further on, over any blank lines in between; ends at its line break.
    fn comment_line(&mut self, block: &mut Block, ahead: usize) {
        let target = self.pos + ahead;
        while self.pos < target {
            if self.is_break_at(0) {
                self.take_break();
            } else {
                self.pos += 1;
            }
        }
        let text = self.rest_of_line();
        block.text.push_str(text);
    }

    /// The block read so far is a foot; the next begins here.
    fn foot(&mut self, block: &mut Block, here: Mark) {
        if block.text.is_empty() {
            return;
        }
        let next = Block { text: String::new(), start: block.start, scanned_from: here.at, token: here.at };
        let block = std::mem::replace(block, next);
        let token = block.token;
        self.push_block(Place::Foot, block, token, here.at);
    }

    fn push_block(&mut self, place: Place, block: Block, token: i32, end: i32) {
        self.comments.push_back(Comment {
            place,
            text: Text::Lines(block.text),
            token,
            start: block.start,
            scanned_from: block.scanned_from,
            end,
        });
    }
}
