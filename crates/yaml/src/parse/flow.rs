//! Flow collections: `[a, b]` and `{a: b}`.

use super::Parser;
use super::block::Keys;
use super::cursor::is_blank_or_break;
use crate::{Data, Error, ErrorKind, Node, Style};

impl Parser<'_> {
    pub(super) fn flow_collection(&mut self) -> Result<Node, Error> {
        self.deeper()?;
        let node = if self.peek() == b'[' { self.flow_sequence() } else { self.flow_mapping() };
        self.depth -= 1;
        node
    }

    /// Over blanks, line breaks and comments inside a flow collection.
    fn skip_flow_blank(&mut self) -> Result<(), Error> {
        loop {
            self.skip_spaces();
            match self.peek() {
                b'#' => self.skip_line(),
                b'\n' | b'\r' => self.advance_break(),
                _ if self.at_end() => return Err(self.syntax("did not find expected ',' or the end of a collection")),
                _ if self.at_any_marker() => return Err(self.syntax("found unexpected document indicator")),
                _ => return Ok(()),
            }
        }
    }

    fn flow_sequence(&mut self) -> Result<Node, Error> {
        self.advance(1);
        let mut items = Vec::new();
        loop {
            self.skip_flow_blank()?;
            if self.peek() == b']' {
                self.advance(1);
                break;
            }
            if self.at_indicator(b'?') {
                self.advance(1);
                let entry = self.flow_entry()?;
                items.push(single_pair(entry));
            } else {
                let item = self.flow_node()?;
                self.skip_flow_blank()?;
                if self.at_flow_colon(&item) {
                    self.advance(1);
                    let value = self.flow_value()?;
                    items.push(single_pair((item, value)));
                } else {
                    items.push(item);
                }
            }
            self.flow_separator(b']')?;
        }
        let mut node = Node::new(Data::Sequence(items));
        node.style = Style::Flow;
        Ok(node)
    }

    fn flow_mapping(&mut self) -> Result<Node, Error> {
        self.advance(1);
        let mut entries: Vec<(Node, Node)> = Vec::new();
        let mut keys = Keys::default();
        loop {
            self.skip_flow_blank()?;
            if self.peek() == b'}' {
                self.advance(1);
                break;
            }
            if self.at_indicator(b'?') {
                self.advance(1);
                self.skip_flow_blank()?;
            }
            let entry = self.flow_entry()?;
            self.check_duplicate(&mut keys, &entries, &entry.0)?;
            entries.push(entry);
            self.flow_separator(b'}')?;
        }
        let mut node = Node::new(Data::Mapping(entries));
        node.style = Style::Flow;
        Ok(node)
    }

    fn flow_separator(&mut self, end: u8) -> Result<(), Error> {
        self.skip_flow_blank()?;
        match self.peek() {
            b',' => {
                self.advance(1);
                Ok(())
            }
            byte if byte == end => Ok(()),
            _ => Err(self.syntax("did not find expected ',' or the end of a collection")),
        }
    }

    fn flow_entry(&mut self) -> Result<(Node, Node), Error> {
        self.skip_flow_blank()?;
        let key = if self.peek() == b':' && is_blank_or_break(self.peek_at(1)) {
            self.count()?;
            Node::scalar("")
        } else {
            self.flow_node()?
        };
        self.skip_flow_blank()?;
        if !self.at_flow_colon(&key) {
            self.count()?;
            return Ok((key, Node::scalar("")));
        }
        self.advance(1);
        let value = self.flow_value()?;
        Ok((key, value))
    }

    /// A `:` that ends a key: followed by a blank or an indicator, or by anything behind quotes and collections.
    fn at_flow_colon(&self, key: &Node) -> bool {
        if self.peek() != b':' {
            return false;
        }
        let next = self.peek_at(1);
        let json_like = key.style.is_quoted() || key.style == Style::Flow;
        json_like || is_blank_or_break(next) || matches!(next, b',' | b'[' | b']' | b'{' | b'}')
    }

    fn flow_value(&mut self) -> Result<Node, Error> {
        self.skip_flow_blank()?;
        if matches!(self.peek(), b',' | b']' | b'}') {
            self.count()?;
            let mut node = Node::scalar("");
            node.position = self.position();
            return Ok(node);
        }
        self.flow_node()
    }

    fn flow_node(&mut self) -> Result<Node, Error> {
        self.count()?;
        let properties = self.properties()?;
        self.skip_flow_blank()?;
        let at = self.position();
        let mut node = match self.peek() {
            b'*' => {
                self.advance(1);
                let name = self.flow_alias()?;
                Node::new(Data::Alias(name))
            }
            b'"' => self.double_quoted()?,
            b'\'' => self.single_quoted()?,
            b'[' | b'{' => self.flow_collection()?,
            b',' | b']' | b'}' => Node::scalar(""),
            _ => self.plain_flow()?,
        };
        node.position = self.finish(at);
        properties.apply(&mut node);
        Ok(node)
    }

    fn flow_alias(&mut self) -> Result<String, Error> {
        let start = self.pos;
        while self.peek().is_ascii_alphanumeric() || matches!(self.peek(), b'_' | b'-') {
            self.advance(1);
        }
        let name = self.slice(start, self.pos).to_owned();
        if !self.anchors.contains(&name) {
            return Err(self.error(ErrorKind::UnknownAnchor(name)));
        }
        Ok(name)
    }

    /// Over a flow collection to judge whether it is a key; errors are found when it is read.
    pub(super) fn skip_flow(&mut self) {
        let mut depth = 0usize;
        while !self.at_end() && !self.at_break() {
            match self.peek() {
                b'[' | b'{' => depth += 1,
                b']' | b'}' => depth = depth.saturating_sub(1),
                b'"' | b'\'' => {
                    self.skip_quoted();
                    continue;
                }
                _ => {}
            }
            self.advance(1);
            if depth == 0 {
                return;
            }
        }
    }
}

fn single_pair(entry: (Node, Node)) -> Node {
    let mut node = Node::new(Data::Mapping(vec![entry]));
    node.style = Style::Flow;
    node
}
