//! Comments on lines of their own, until it is known to which node they belong.
//!
//! A block of comment lines directly above an entry is its head. A block directly below an entry and followed by a blank line
//! is its foot, as is what stands below the last entry of a collection at its indentation or deeper. What opens a document
//! and is followed by a blank line belongs to the document.

use crate::Node;

#[derive(Debug)]
struct Block {
    text: String,
    column: usize,
    blank_before: bool,
    blank_after: bool,
}

/// Comment lines read and not attached yet, in blocks without blank lines inside.
#[derive(Debug, Default)]
pub(super) struct Pending {
    blocks: Vec<Block>,
    blank: bool,
}

impl Pending {
    pub(super) fn blank_line(&mut self) {
        self.blank = true;
        if let Some(last) = self.blocks.last_mut() {
            last.blank_after = true;
        }
    }

    pub(super) fn push(&mut self, text: &str, column: usize) {
        let blank_before = std::mem::take(&mut self.blank);
        if let Some(last) = self.blocks.last_mut()
            && !blank_before
            && last.column == column
        {
            last.text.push('\n');
            last.text.push_str(text);
            return;
        }
        self.blocks.push(Block { text: text.to_owned(), column, blank_before, blank_after: false });
    }

    /// Content was read: a blank line before it says nothing about comments after it.
    pub(super) fn content(&mut self) {
        self.blank = false;
    }

    fn join(blocks: impl Iterator<Item = Block>) -> String {
        let mut out = String::new();
        for block in blocks {
            if !out.is_empty() {
                out.push_str(if block.blank_before { "\n\n" } else { "\n" });
            }
            out.push_str(&block.text);
        }
        out
    }

    /// Gives an entry that starts here everything pending.
    pub(super) fn attach_head(&mut self, node: &mut Node) {
        if self.blocks.is_empty() {
            return;
        }
        let text = Self::join(self.blocks.drain(..));
        node.comments_mut().head = text;
    }

    /// A document's content starts: what is set off by a blank line is the document's own.
    pub(super) fn open_document(&mut self) -> Option<String> {
        let count = self.blocks.iter().rposition(|b| b.blank_after).map(|at| at + 1)?;
        Some(Self::join(self.blocks.drain(..count)))
    }

    /// An entry of the same collection follows: a block right below the previous entry and set off from the next is a foot.
    pub(super) fn attach_foot_between(&mut self, previous: &mut Node) {
        let is_foot = self.blocks.first().is_some_and(|b| !b.blank_before && b.blank_after);
        if is_foot {
            let block = self.blocks.remove(0);
            previous.comments_mut().foot = block.text;
        }
    }

    /// The collection ends: what stands at its indentation or deeper is the last entry's foot.
    pub(super) fn attach_foot_at_end(&mut self, last: &mut Node, column: usize) {
        let count = self.blocks.iter().take_while(|b| b.column >= column).count();
        if count == 0 || (column == 0 && self.blocks.first().is_some_and(|b| b.blank_before)) {
            return;
        }
        let text = Self::join(self.blocks.drain(..count));
        last.comments_mut().foot = text;
    }

    /// The document ends: what is left is its foot.
    pub(super) fn close_document(&mut self, root: &mut Node) {
        if !self.blocks.is_empty() {
            let text = Self::join(self.blocks.drain(..));
            root.comments_mut().foot = text;
        }
    }
}
