//! Tokens to nodes: flow collections, `[a, b]` and `{a: b}`.

use super::compose::{Composer, Keys, foot_to_key, position};
use super::token::Kind;
use crate::{Data, Error, Node, Style};

impl<'a> Composer<'a> {
    pub(super) fn flow_sequence(&mut self, anchor: Option<&'a str>) -> Result<Node, Error> {
        let head = self.flow_start(anchor);
        let mut items = Vec::new();
        while self.flow_goes_on(items.is_empty(), &Kind::FlowSequenceEnd, "did not find expected ',' or ']'")? {
            let item = if self.at(&[Kind::Key])? { self.single_pair()? } else { self.node(false, false)? };
            items.push(item);
        }
        Ok(self.flow_end(head, Data::Sequence(items)))
    }

    pub(super) fn flow_mapping(&mut self, anchor: Option<&'a str>) -> Result<Node, Error> {
        let head = self.flow_start(anchor);
        let mut entries: Vec<(Node, Node)> = Vec::new();
        let mut keys = Keys::default();
        while self.flow_goes_on(entries.is_empty(), &Kind::FlowMappingEnd, "did not find expected ',' or '}'")? {
            let (key, value) = foot_to_key_of(self.flow_entry()?);
            self.check_duplicate(&mut keys, &entries, &key)?;
            entries.push((key, value));
        }
        Ok(self.flow_end(head, Data::Mapping(entries)))
    }

    /// Over the opening bracket; what stood above it.
    fn flow_start(&mut self, anchor: Option<&'a str>) -> String {
        self.register(anchor);
        let head = self.take_comments().head;
        self.take();
        head
    }

    fn flow_end(&mut self, head: String, data: Data) -> Node {
        let mut comments = self.take_comments();
        self.take();
        comments.head = head;
        let mut node = Node::new(data);
        node.style = Style::Flow;
        node.set_comments(comments);
        node
    }

    /// Another item follows; the comma before it is taken.
    fn flow_goes_on(&mut self, first: bool, end: &Kind<'a>, otherwise: &'static str) -> Result<bool, Error> {
        if self.peek()?.kind.is(end) {
            return Ok(false);
        }
        if !first {
            if !self.at(&[Kind::Comma])? {
                return Err(self.unexpected(otherwise));
            }
            self.take();
        }
        Ok(!self.peek()?.kind.is(end))
    }

    fn flow_entry(&mut self) -> Result<(Node, Node), Error> {
        if !self.at(&[Kind::Key])? {
            let key = self.node(false, false)?;
            let at = self.peek()?.start;
            return Ok((key, self.empty(at)?));
        }
        self.take();
        let key = if self.at(&[Kind::Value, Kind::Comma, Kind::FlowMappingEnd])? {
            let at = self.peek()?.start;
            self.empty(at)?
        } else {
            self.node(false, false)?
        };
        let value = self.flow_value(&Kind::FlowMappingEnd)?;
        Ok((key, value))
    }

    fn flow_value(&mut self, end: &Kind<'a>) -> Result<Node, Error> {
        let mut at = self.peek()?.start;
        if self.at(&[Kind::Value])? {
            at = self.take().end;
            if !self.peek()?.kind.is(end) && !self.at(&[Kind::Comma])? {
                return self.node(false, false);
            }
        }
        self.empty(at)
    }

    /// `a: b` in a sequence, a mapping of its own.
    fn single_pair(&mut self) -> Result<Node, Error> {
        self.count()?;
        let start = self.peek()?.start;
        self.take();
        let key = if self.at(&[Kind::Value, Kind::Comma, Kind::FlowSequenceEnd])? {
            // go-yaml goes past the token here, so that `[? : a]` is refused.
            let end = self.take().end;
            self.empty(end)?
        } else {
            self.node(false, false)?
        };
        let value = self.flow_value(&Kind::FlowSequenceEnd)?;
        let (key, value) = foot_to_key(key, value);
        self.peek()?;
        let mut node = Node::new(Data::Mapping(vec![(key, value)]));
        node.style = Style::Flow;
        node.position = position(start, self.span_end());
        Ok(node)
    }
}

fn foot_to_key_of((key, value): (Node, Node)) -> (Node, Node) {
    foot_to_key(key, value)
}
