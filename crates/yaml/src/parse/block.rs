//! Block nodes: mappings and sequences by indentation.

use std::collections::HashMap;

use super::Parser;
use super::cursor::is_blank_or_break;
use super::properties::Properties;
use crate::{Data, Error, ErrorKind, Node, Style};

/// Where a node begins, which decides whether a block collection may begin on the same line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Inline {
    /// At the start of a document.
    Start,
    /// Behind `- `, `? ` or an explicit `: `: a collection may begin here.
    AfterIndicator,
    /// Behind `key: ` or `---`: a collection must begin on a line of its own.
    AfterKey,
}

/// Keys of a mapping seen so far, to find one given twice.
#[derive(Default)]
pub(super) struct Keys {
    many: HashMap<String, u32>,
}

impl Parser<'_> {
    /// A node whose content stands right of column `parent` (or, for a sequence with `same_indent`, at it).
    pub(super) fn node(&mut self, parent: i32, inline: Inline, same_indent: bool) -> Result<Node, Error> {
        self.deeper()?;
        let node = self.node_inner(parent, inline, same_indent);
        self.depth -= 1;
        node
    }

    fn node_inner(&mut self, parent: i32, inline: Inline, same_indent: bool) -> Result<Node, Error> {
        let at = self.position();
        let line_comment = if inline == Inline::Start { None } else { self.take_line_comment().map(str::to_owned) };
        let before = self.line;
        self.skip_blank();
        let mut own_line = self.line != before || inline == Inline::Start;
        let mut properties = Properties::default();
        if own_line && self.is_outside(parent, same_indent) {
            return self.empty(at, &properties, line_comment);
        }
        let document_head = if parent < 0 { self.pending.open_document() } else { None };
        if matches!(self.peek(), b'&' | b'!') {
            let start = (self.pos, self.line, self.line_start);
            properties = self.properties()?;
            let here = self.position();
            let after = self.line;
            let mark = self.take_line_comment().map(str::to_owned);
            self.skip_blank();
            if self.line != after {
                own_line = true;
                if self.is_outside(parent, same_indent) {
                    return self.empty(here, &properties, line_comment.or(mark));
                }
            } else if self.at_end() {
                return self.empty(here, &properties, line_comment);
            } else if own_line || inline == Inline::AfterIndicator {
                // On one line with what follows: they may belong to a key. Let the entry read them again.
                let indent = i32::try_from(start.0 - start.2).unwrap_or(i32::MAX);
                if self.is_key_ahead()? {
                    (self.pos, self.line, self.line_start) = start;
                    return self.mapping(indent, document_head);
                }
            }
        }
        if own_line {
            self.check_indentation()?;
        }
        let may_collect = own_line || inline == Inline::AfterIndicator;
        let mut node = self.content(parent, may_collect, properties.is_empty() || own_line, document_head)?;
        properties.apply(&mut node);
        if let Some(comment) = line_comment {
            node.comments_mut().line = comment;
        }
        Ok(node)
    }

    /// The content here belongs to a parent: it is not indented enough, or the document ends.
    fn is_outside(&self, parent: i32, same_indent: bool) -> bool {
        if self.at_document_end() {
            return true;
        }
        let indent = self.indent();
        indent < parent || (indent == parent && !(same_indent && self.at_indicator(b'-')))
    }

    fn empty(
        &mut self,
        at: crate::Position,
        properties: &Properties,
        line_comment: Option<String>,
    ) -> Result<Node, Error> {
        self.count()?;
        let mut node = Node::scalar("");
        node.position = at;
        properties.apply(&mut node);
        if let Some(comment) = line_comment {
            node.comments_mut().line = comment;
        }
        Ok(node)
    }

    fn content(
        &mut self,
        parent: i32,
        may_collect: bool,
        dash_ok: bool,
        document_head: Option<String>,
    ) -> Result<Node, Error> {
        let indent = self.indent();
        match self.peek() {
            b'-' if self.at_indicator(b'-') => {
                if !may_collect || !dash_ok {
                    return Err(self.syntax("block sequence entries are not allowed in this context"));
                }
                return self.sequence(indent, document_head);
            }
            b'?' | b':' if is_blank_or_break(self.peek_at(1)) => {
                if !may_collect {
                    return Err(self.syntax("mapping keys are not allowed in this context"));
                }
                return self.mapping(indent, document_head);
            }
            b'|' | b'>' => {
                let mut node = self.block_scalar(parent)?;
                if let Some(head) = document_head {
                    node.comments_mut().head = head;
                }
                return Ok(node);
            }
            _ => {}
        }
        if may_collect && self.is_key_ahead()? {
            return self.mapping(indent, document_head);
        }
        let mut node = self.atom(parent)?;
        if let Some(comment) = self.take_line_comment() {
            node.comments_mut().line = comment.to_owned();
        }
        if let Some(head) = document_head {
            node.comments_mut().head = head;
        }
        self.pending.content();
        self.skip_spaces();
        if !self.at_end() && !self.at_break() {
            return Err(if self.at_indicator(b':') {
                self.syntax("mapping values are not allowed in this context")
            } else {
                self.syntax("did not find expected end of the value")
            });
        }
        Ok(node)
    }

    /// An alias, quoted scalar, flow collection or plain scalar.
    fn atom(&mut self, parent: i32) -> Result<Node, Error> {
        self.count()?;
        let at = self.position();
        let mut node = match self.peek() {
            b'*' => self.alias()?,
            b'"' => self.double_quoted()?,
            b'\'' => self.single_quoted()?,
            b'[' | b'{' => self.flow_collection()?,
            _ => self.plain_block(parent)?,
        };
        node.position = self.finish(at);
        Ok(node)
    }

    /// A key and its `:` follow on this line. Does not move.
    fn is_key_ahead(&mut self) -> Result<bool, Error> {
        let start = (self.pos, self.line, self.line_start, self.nodes);
        let found = match self.peek() {
            b'"' | b'\'' | b'[' | b'{' | b'*' | b'&' | b'!' => self.structured_key_ahead(),
            b'?' | b':' if is_blank_or_break(self.peek_at(1)) => Ok(true),
            _ => {
                self.plain_line(false);
                Ok(true)
            }
        };
        let result = found.map(|single| {
            self.skip_spaces();
            single && self.line == start.1 && self.at_indicator(b':')
        });
        (self.pos, self.line, self.line_start, self.nodes) = start;
        result
    }

    fn structured_key_ahead(&mut self) -> Result<bool, Error> {
        let line = self.line;
        if matches!(self.peek(), b'&' | b'!') {
            let anchors = self.anchors.len();
            let properties = self.properties();
            self.anchors.truncate(anchors);
            properties?;
        }
        match self.peek() {
            b'*' => {
                self.advance(1);
                let _ = self.anchor_name()?;
            }
            b'"' | b'\'' => self.skip_quoted(),
            b'[' | b'{' => self.skip_flow(),
            _ => {
                self.plain_line(false);
            }
        }
        Ok(self.line == line)
    }

    fn sequence(&mut self, indent: i32, head: Option<String>) -> Result<Node, Error> {
        self.count()?;
        let at = self.position();
        let mut items: Vec<Node> = Vec::new();
        loop {
            let mut head_node = Node::null();
            self.pending.attach_head(&mut head_node);
            self.advance(1);
            let mut item = self.node(indent, Inline::AfterIndicator, false)?;
            if let Some(comments) = head_node.comments()
                && !comments.head.is_empty()
            {
                item.comments_mut().head.clone_from(&comments.head);
            }
            items.push(item);
            self.pending.content();
            self.skip_blank();
            let goes_on = !self.at_document_end() && self.indent() == indent && self.at_indicator(b'-');
            if let Some(last) = items.last_mut() {
                if goes_on {
                    self.pending.attach_foot_between(last);
                } else {
                    self.pending.attach_foot_at_end(last, usize::try_from(indent + 1).unwrap_or(0));
                }
            }
            if !goes_on {
                break;
            }
        }
        if !self.at_document_end() && self.indent() > indent {
            return Err(self.syntax("did not find expected '-' indicator"));
        }
        let mut node = Node::new(Data::Sequence(items));
        node.position = self.finish(at);
        if let Some(head) = head {
            node.comments_mut().head = head;
        }
        Ok(node)
    }

    fn mapping(&mut self, indent: i32, head: Option<String>) -> Result<Node, Error> {
        self.count()?;
        let at = self.position();
        let mut entries: Vec<(Node, Node)> = Vec::new();
        let mut keys = Keys::default();
        loop {
            let (key, value) = self.entry(indent)?;
            self.check_duplicate(&mut keys, &entries, &key)?;
            entries.push((key, value));
            self.pending.content();
            self.skip_blank();
            let goes_on = !self.at_document_end() && self.indent() == indent;
            if let Some((key, _)) = entries.last_mut() {
                if goes_on {
                    self.pending.attach_foot_between(key);
                } else {
                    self.pending.attach_foot_at_end(key, usize::try_from(indent).unwrap_or(0));
                }
            }
            if !goes_on {
                break;
            }
        }
        if !self.at_document_end() && self.indent() > indent {
            return Err(self.syntax("did not find expected key"));
        }
        let mut node = Node::new(Data::Mapping(entries));
        node.position = self.finish(at);
        if let Some(head) = head {
            node.comments_mut().head = head;
        }
        Ok(node)
    }

    fn entry(&mut self, indent: i32) -> Result<(Node, Node), Error> {
        let mut holder = Node::null();
        self.pending.attach_head(&mut holder);
        self.pending.content();
        self.check_indentation()?;
        let explicit = self.at_indicator(b'?');
        let mut key = if explicit {
            self.advance(1);
            let key = self.node(indent, Inline::AfterIndicator, false)?;
            self.skip_blank();
            key
        } else {
            self.simple_key()?
        };
        if let Some(comments) = holder.comments()
            && !comments.head.is_empty()
        {
            key.comments_mut().head.clone_from(&comments.head);
        }
        if explicit && (self.at_document_end() || self.indent() != indent || !self.at_indicator(b':')) {
            let mut value = Node::scalar("");
            value.position = self.position();
            return Ok((key, value));
        }
        if !self.at_indicator(b':') {
            return Err(self.syntax("could not find expected ':'"));
        }
        self.advance(1);
        let inline = if explicit { Inline::AfterIndicator } else { Inline::AfterKey };
        let value = self.node(indent, inline, true)?;
        Ok((key, value))
    }

    /// A key on one line, up to its `:`.
    fn simple_key(&mut self) -> Result<Node, Error> {
        let line = self.line;
        let properties = if matches!(self.peek(), b'&' | b'!') { self.properties()? } else { Properties::default() };
        self.count()?;
        let at = self.position();
        let mut key = match self.peek() {
            b':' if self.at_indicator(b':') => Node::scalar(""),
            b'*' => self.alias()?,
            b'"' => self.double_quoted()?,
            b'\'' => self.single_quoted()?,
            b'[' | b'{' => self.flow_collection()?,
            b'-' if self.at_indicator(b'-') => return Err(self.syntax("did not find expected key")),
            _ => {
                self.refuse_plain_start(false)?;
                let text = self.plain_line(false);
                Node::scalar(text)
            }
        };
        key.position = self.finish(at);
        if self.line != line {
            return Err(self.syntax("mapping values are not allowed in this context"));
        }
        properties.apply(&mut key);
        self.skip_spaces();
        Ok(key)
    }

    pub(super) fn check_duplicate(&self, keys: &mut Keys, entries: &[(Node, Node)], key: &Node) -> Result<(), Error> {
        const FEW: usize = 12;
        if self.limits.duplicate_keys {
            return Ok(());
        }
        let Some(text) = key.as_str() else { return Ok(()) };
        if key.style == Style::Plain && text == "<<" {
            return Ok(());
        }
        let first = if entries.len() < FEW {
            entries.iter().find(|(k, _)| k.as_str() == Some(text)).map(|(k, _)| k.position.line)
        } else {
            if keys.many.is_empty() {
                for (key, _) in entries {
                    if let Some(text) = key.as_str() {
                        keys.many.insert(text.to_owned(), key.position.line);
                    }
                }
            }
            keys.many.insert(text.to_owned(), key.position.line)
        };
        match first {
            Some(first) => {
                let kind = ErrorKind::DuplicateKey { key: text.to_owned(), first };
                Err(Error::new(kind, key.position.line, key.position.column))
            }
            None => Ok(()),
        }
    }
}
