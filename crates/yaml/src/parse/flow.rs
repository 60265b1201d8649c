//! Tokens to nodes: flow collections, `[a, b]` and `{a: b}`.

use super::Fault;
use super::compose::{Composer, foot_to_key, position};
use super::keys::Keys;
use super::token::Kind;
use crate::{Data, Node, Style};

#[derive(Debug, Clone, Copy)]
enum Bracket {
    Square,
    Curly,
}

impl Bracket {
    fn closes(self, kind: &Kind<'_>) -> bool {
        match self {
            Bracket::Square => matches!(kind, Kind::FlowSequenceEnd),
            Bracket::Curly => matches!(kind, Kind::FlowMappingEnd),
        }
    }
}

impl<'a> Composer<'a> {
    pub(super) fn flow_sequence(&mut self, anchor: Option<&'a str>) -> Result<Node, Fault> {
        let head = self.flow_start(anchor);
        let mut items = Vec::new();
        while self.flow_goes_on(items.is_empty(), Bracket::Square, "did not find expected ',' or ']'")? {
            let item =
                if matches!(self.peek()?.kind, Kind::Key) { self.single_pair()? } else { self.node(false, false)? };
            items.push(item);
        }
        Ok(self.flow_end(head, Data::Sequence(items)))
    }

    pub(super) fn flow_mapping(&mut self, anchor: Option<&'a str>) -> Result<Node, Fault> {
        let head = self.flow_start(anchor);
        let mut entries: Vec<(Node, Node)> = Vec::new();
        let mut keys = Keys::default();
        while self.flow_goes_on(entries.is_empty(), Bracket::Curly, "did not find expected ',' or '}'")? {
            let (key, value) = {
                let (key, value) = self.flow_entry()?;
                foot_to_key(key, value)
            };
            if !self.limits.duplicate_keys {
                keys.check(&entries, &key)?;
            }
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
    fn flow_goes_on(&mut self, first: bool, end: Bracket, otherwise: &'static str) -> Result<bool, Fault> {
        if end.closes(&self.peek()?.kind) {
            return Ok(false);
        }
        if !first {
            if !matches!(self.peek()?.kind, Kind::Comma) {
                return Err(self.unexpected(otherwise));
            }
            self.take();
        }
        Ok(!end.closes(&self.peek()?.kind))
    }

    fn flow_entry(&mut self) -> Result<(Node, Node), Fault> {
        if !matches!(self.peek()?.kind, Kind::Key) {
            let key = self.node(false, false)?;
            let at = self.peek()?.start;
            return Ok((key, self.empty(at)?));
        }
        self.take();
        let key = if matches!(self.peek()?.kind, Kind::Value | Kind::Comma | Kind::FlowMappingEnd) {
            let at = self.peek()?.start;
            self.empty(at)?
        } else {
            self.node(false, false)?
        };
        let value = self.flow_value(Bracket::Curly)?;
        Ok((key, value))
    }

    fn flow_value(&mut self, end: Bracket) -> Result<Node, Fault> {
        let mut at = self.peek()?.start;
        if matches!(self.peek()?.kind, Kind::Value) {
            at = self.take().end;
            if !end.closes(&self.peek()?.kind) && !matches!(self.peek()?.kind, Kind::Comma) {
                return self.node(false, false);
            }
        }
        self.empty(at)
    }

    /// `a: b` in a sequence, a mapping of its own.
    fn single_pair(&mut self) -> Result<Node, Fault> {
        self.count()?;
        let start = self.peek()?.start;
        self.take();
        let key = if matches!(self.peek()?.kind, Kind::Value | Kind::Comma | Kind::FlowSequenceEnd) {
            // go-yaml goes past the token here, so that `[? : a]` is refused.
            let end = self.take().end;
            self.empty(end)?
        } else {
            self.node(false, false)?
        };
        let value = self.flow_value(Bracket::Square)?;
        let (key, value) = foot_to_key(key, value);
        self.peek()?;
        let mut node = Node::new(Data::Mapping(vec![(key, value)]));
        node.style = Style::Flow;
        node.position = position(start, self.span_end());
        Ok(node)
    }
}
