//! Comments that wait for their place in the text.

use super::Emitter;

/// At most one comment of a sort; a newer one takes the place of one that found none.
#[derive(Debug, Default)]
pub(super) struct Waiting<'a> {
    /// Above what follows.
    pub(super) head: &'a str,
    /// Behind what was written.
    pub(super) line: &'a str,
    /// Behind a key, whose value comes first.
    pub(super) key_line: &'a str,
    /// Below what was written.
    pub(super) foot: &'a str,
    /// Below the entry before.
    pub(super) tail: &'a str,
}

impl<'a> Waiting<'a> {
    pub(super) fn add(&mut self, head: &'a str, line: &'a str, foot: &'a str) {
        for (slot, text) in [(&mut self.head, head), (&mut self.line, line), (&mut self.foot, foot)] {
            if !text.is_empty() {
                *slot = text;
            }
        }
    }

    pub(super) fn tail(&mut self, text: &'a str) {
        if !text.is_empty() {
            self.tail = text;
        }
    }

    /// Something waits that stands behind or below.
    pub(super) fn is_any(&self) -> bool {
        !(self.line.is_empty() && self.foot.is_empty() && self.tail.is_empty())
    }

    /// Something waits that stands above or below.
    pub(super) fn is_any_around(&self) -> bool {
        !(self.head.is_empty() && self.foot.is_empty() && self.tail.is_empty())
    }
}

impl Emitter<'_> {
    /// What stands below the entry before, and above what follows.
    pub(super) fn head(&mut self) {
        let tail = std::mem::take(&mut self.waiting.tail);
        if !tail.is_empty() {
            self.w.write_indent();
            self.w.comment(tail);
            self.w.foot_indent = Some(self.w.indent.max(0));
        }
        let head = std::mem::take(&mut self.waiting.head);
        if !head.is_empty() {
            self.w.write_indent();
            self.w.comment(head);
        }
    }

    pub(super) fn line(&mut self) {
        let line = std::mem::take(&mut self.waiting.line);
        if !line.is_empty() {
            self.w.line_comment(line);
        }
    }

    pub(super) fn foot(&mut self) {
        let foot = std::mem::take(&mut self.waiting.foot);
        if !foot.is_empty() {
            self.w.write_indent();
            self.w.comment(foot);
            self.w.foot_indent = Some(self.w.indent.max(0));
        }
    }
}
