//! Anchors, aliases and tags.

use super::Parser;
use super::cursor::is_blank_or_break;
use crate::{Data, Error, ErrorKind, Node};

/// Tag and anchor in front of a node.
#[derive(Debug, Default)]
pub(super) struct Properties {
    pub(super) tag: Option<String>,
    pub(super) anchor: Option<String>,
}

impl Properties {
    pub(super) fn is_empty(&self) -> bool {
        self.tag.is_none() && self.anchor.is_none()
    }

    pub(super) fn apply(&self, node: &mut Node) {
        if let Some(tag) = &self.tag
            && tag != "!"
        {
            node.set_tag(Some(tag));
        } else if self.tag.is_some() && matches!(node.data, Data::Scalar(_)) {
            // The non-specific tag makes a string of any scalar.
            node.set_tag(Some("!!str"));
        }
        if let Some(anchor) = &self.anchor {
            node.set_anchor(Some(anchor));
        }
    }
}

impl Parser<'_> {
    pub(super) fn alias(&mut self) -> Result<Node, Error> {
        self.advance(1);
        let name = self.anchor_name()?;
        if !self.anchors.contains(&name) {
            return Err(self.error(ErrorKind::UnknownAnchor(name)));
        }
        Ok(Node::new(Data::Alias(name)))
    }

    pub(super) fn anchor_name(&mut self) -> Result<String, Error> {
        let start = self.pos;
        while !is_blank_or_break(self.peek()) && !matches!(self.peek(), b',' | b'[' | b']' | b'{' | b'}') {
            // As in YAML 1.1, only what a word is made of.
            if !(self.peek().is_ascii_alphanumeric() || matches!(self.peek(), b'_' | b'-')) {
                break;
            }
            self.advance(1);
        }
        if self.pos == start {
            return Err(self.syntax("did not find expected alphabetic or numeric character of an anchor"));
        }
        let next = self.peek();
        if !(is_blank_or_break(next) || matches!(next, b'?' | b':' | b',' | b']' | b'}' | b'%' | b'@' | b'`')) {
            return Err(self.syntax("did not find expected alphabetic or numeric character of an anchor"));
        }
        Ok(self.slice(start, self.pos).to_owned())
    }

    /// Tag and anchor, in any order.
    pub(super) fn properties(&mut self) -> Result<Properties, Error> {
        let mut properties = Properties::default();
        loop {
            match self.peek() {
                b'&' if properties.anchor.is_none() => {
                    self.advance(1);
                    let name = self.anchor_name()?;
                    if !self.anchors.contains(&name) {
                        self.anchors.push(name.clone());
                    }
                    properties.anchor = Some(name);
                }
                b'!' if properties.tag.is_none() => properties.tag = Some(self.tag()?),
                _ => return Ok(properties),
            }
            if !(is_blank_or_break(self.peek()) || matches!(self.peek(), b',' | b']' | b'}')) {
                return Err(self.syntax("did not find expected whitespace or line break after a tag or an anchor"));
            }
            self.skip_spaces();
        }
    }

    fn tag(&mut self) -> Result<String, Error> {
        let start = self.pos;
        if self.peek_at(1) == b'<' {
            while !matches!(self.peek(), b'>' | 0 | b'\n' | b'\r') {
                self.advance(1);
            }
            if self.peek() != b'>' {
                return Err(self.syntax("did not find the expected '>' of a tag"));
            }
            self.advance(1);
            let uri = self.slice(start + 2, self.pos - 1);
            return Ok(uri.strip_prefix("tag:yaml.org,2002:").map_or_else(|| uri.to_owned(), |s| format!("!!{s}")));
        }
        while !is_blank_or_break(self.peek()) && !matches!(self.peek(), b',' | b'[' | b']' | b'{' | b'}') {
            self.advance(1);
        }
        Ok(self.slice(start, self.pos).to_owned())
    }
}
