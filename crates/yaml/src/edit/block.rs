//! How a text is written as the block it was.

use std::ops::Range;

use super::form;
use crate::writer::analysis_of;
use crate::{Node, Style};

/// A block scalar's parts in the text.
struct Block<'t> {
    text: &'t str,
    /// `|` or `>` and the signs behind it.
    header: Range<usize>,
    /// Lines with text, the last break with them, and the blank lines that follow.
    lines: Range<usize>,
    blank: Range<usize>,
    indent: usize,
    line_break: &'static str,
}

/// What is replaced so that the block scalar at `start..end` reads as `value`.
pub(super) fn splices(text: &str, start: usize, end: usize, node: &Node, value: &str) -> Vec<(Range<usize>, String)> {
    let block = Block::new(text, start, end, node.as_str().unwrap_or_default());
    let header = text.get(block.header.clone()).unwrap_or_default();
    let body = value.trim_end_matches('\n');
    let fits = block.indent > 0
        && !body.is_empty()
        && !body.starts_with([' ', '\n', '\t'])
        && analysis_of(value).block
        && !value.contains(['\r', '\u{85}', '\u{2028}', '\u{2029}', '\t']);
    if !fits {
        // It cannot be a block at this indentation: it goes where the header stood.
        let quoted = form::inline(value, Style::DoubleQuoted, false, false);
        return vec![(block.header, quoted), (block.lines, String::new())];
    }
    let ends = value.len() - body.len();
    let chomp = match ends {
        0 => "-",
        1 => "",
        _ => "+",
    };
    let kept = header.contains('+');
    let folded = node.style == Style::Folded && !body.contains('\n');
    let digits: String = header.chars().filter(char::is_ascii_digit).collect();
    let new_header = format!("{}{digits}{chomp}", if folded { '>' } else { '|' });
    let pad = " ".repeat(block.indent);
    let line = |line: &str| if line.is_empty() { String::new() } else { format!("{pad}{line}") };
    let mut lines = body.split('\n').map(line).collect::<Vec<_>>().join(block.line_break);
    let written_break = text.get(block.lines.clone()).is_some_and(|lines| lines.ends_with(['\n', '\r']));
    if written_break || ends > 0 {
        lines.push_str(block.line_break);
    }
    // Blank lines below belong to the text only where they are kept.
    let range = if kept || ends > 1 { block.lines.start..block.blank.end } else { block.lines.clone() };
    if ends > 1 {
        lines.push_str(&block.line_break.repeat(ends - 1));
    }
    let mut splices = Vec::new();
    if new_header != header {
        splices.push((block.header, new_header));
    }
    splices.push((range, lines));
    splices
}

impl<'t> Block<'t> {
    /// `value`: what the scalar at `start..end` reads as.
    fn new(text: &'t str, start: usize, end: usize, value: &str) -> Self {
        let rest = text.get(start..end).unwrap_or_default();
        let signs = rest.bytes().take_while(|byte| matches!(byte, b'|' | b'>' | b'+' | b'-' | b'0'..=b'9')).count();
        let content = rest.find('\n').map_or(end, |at| start + at + 1);
        let line_break = if text.get(..content).is_some_and(|before| before.ends_with("\r\n")) { "\r\n" } else { "\n" };
        // At the end of the text without a line break the node ends inside of its last line.
        let end = match text.get(end..).and_then(|after| after.find('\n')) {
            _ if text.get(..end).is_some_and(|before| before.ends_with(['\n', '\r'])) => end,
            Some(more) => end + more + 1,
            None => text.len(),
        };
        let mut block = Self {
            text,
            header: start..start + signs,
            lines: content..content,
            blank: content..end,
            indent: 0,
            line_break,
        };
        block.find_lines();
        // With an explicit indentation the first line may begin with blanks of its own.
        let first = value.split('\n').find(|line| !line.trim_start_matches(' ').is_empty()).unwrap_or_default();
        block.indent = block.indent.saturating_sub(first.len() - first.trim_start_matches(' ').len());
        block
    }

    fn find_lines(&mut self) {
        let mut at = self.lines.start;
        for line in self.text.get(self.blank.clone()).unwrap_or_default().split_inclusive('\n') {
            at += line.len();
            let text = line.trim_end_matches(['\n', '\r']);
            let body = text.trim_start_matches(' ');
            if body.is_empty() {
                continue;
            }
            if self.indent == 0 {
                self.indent = text.len() - body.len();
            }
            self.lines.end = at;
            self.blank.start = at;
        }
        if self.lines.is_empty() {
            // Nothing but blank lines: all of them are what follows.
            self.blank.start = self.lines.start;
        }
    }
}
