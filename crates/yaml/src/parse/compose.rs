//! Tokens to nodes: documents and block collections.

use std::collections::{HashMap, HashSet};

use super::Fault;
use super::comments::Place;
use super::cursor::error_at;
use super::keys::Keys;
use super::scan::Scanner;
use super::token::{Kind, Mark, Token};
use crate::{Comments, Data, Document, ErrorKind, Limits, Node, Position};

const YAML_TAGS: &str = "tag:yaml.org,2002:";

pub(super) struct Composer<'a> {
    scanner: Scanner<'a>,
    pub(super) limits: Limits,
    nodes: usize,
    documents: usize,
    /// Comments passed and not given to a node yet.
    pending: Comments,
    /// Comments above a `-` whose content is a collection: its head.
    stem: String,
    tags: HashMap<String, String>,
    anchors: HashSet<&'a str>,
    /// The end of the last token that is content.
    content_end: i32,
}

/// Tag and anchor in front of a node.
#[derive(Default)]
struct Properties<'a> {
    tag: Option<String>,
    anchor: Option<&'a str>,
}

impl Properties<'_> {
    fn is_empty(&self) -> bool {
        self.tag.is_none() && self.anchor.is_none()
    }

    fn apply(self, node: &mut Node) {
        if let Some(tag) = self.tag {
            node.set_written_tag(&tag);
        }
        if let Some(anchor) = self.anchor {
            node.set_anchor(Some(anchor));
        }
    }
}

pub(super) fn unsigned(n: i32) -> u32 {
    u32::try_from(n).unwrap_or(0)
}

pub(super) fn position(start: Mark, end: i32) -> Position {
    Position {
        start: unsigned(start.at),
        end: unsigned(end.max(start.at)),
        line: unsigned(start.line) + 1,
        column: unsigned(start.column) + 1,
    }
}

impl<'a> Composer<'a> {
    /// Reads as go-yaml v3 does.
    pub(super) fn new(text: &'a str, limits: &Limits) -> Result<Self, Fault> {
        Self::with_lookahead(text, limits, 2)
    }

    /// Reads as go-yaml v2 does, which knows no comments and looks no further than it must.
    pub(super) fn frugal(text: &'a str, limits: &Limits) -> Result<Self, Fault> {
        Self::with_lookahead(text, limits, 0)
    }

    fn with_lookahead(text: &'a str, limits: &Limits, ahead: usize) -> Result<Self, Fault> {
        let mut scanner = Scanner::new(text, limits, ahead)?;
        scanner.next()?;
        scanner.take();
        Ok(Self {
            scanner,
            limits: *limits,
            nodes: 0,
            documents: 0,
            pending: Comments::default(),
            stem: String::new(),
            tags: HashMap::new(),
            anchors: HashSet::new(),
            content_end: 0,
        })
    }

    /// The next token; comments up to it become pending.
    #[inline]
    pub(super) fn peek(&mut self) -> Result<&Token<'a>, Fault> {
        if !self.scanner.ready || !self.scanner.comments.is_empty() {
            self.advance()?;
        }
        Ok(self.scanner.shown())
    }

    fn advance(&mut self) -> Result<(), Fault> {
        self.scanner.next()?;
        if self.scanner.comments.is_empty() {
            return Ok(());
        }
        let token = self.scanner.shown();
        let (at, ends_block) = (token.start.at, matches!(token.kind, Kind::BlockEnd));
        while let Some(comment) = self.scanner.comments.front() {
            // A head waits for what it stands above.
            if at < comment.token || (ends_block && comment.place == Place::Head) {
                break;
            }
            let slot = match comment.place {
                Place::Head => &mut self.pending.head,
                Place::Line => &mut self.pending.line,
                Place::Foot => &mut self.pending.foot,
            };
            if !slot.is_empty() {
                slot.push('\n');
            }
            slot.push_str(comment.text.as_str());
            self.scanner.comments.pop_front();
        }
        Ok(())
    }

    pub(super) fn take(&mut self) -> Token<'a> {
        let token = self.scanner.take();
        if !matches!(token.kind, Kind::BlockEnd | Kind::SequenceStart | Kind::MappingStart) {
            self.content_end = token.end.at;
        }
        token
    }

    pub(super) fn take_comments(&mut self) -> Comments {
        self.stem.clear();
        std::mem::take(&mut self.pending)
    }

    /// An error at the next token.
    pub(super) fn unexpected(&mut self, what: &'static str) -> Fault {
        match self.peek() {
            Ok(token) => error_at(ErrorKind::Syntax(what), token.start),
            Err(error) => error,
        }
    }

    pub(super) fn span_end(&self) -> i32 {
        self.content_end
    }

    /// Counts a node against the limits.
    pub(super) fn count(&mut self) -> Result<(), Fault> {
        self.nodes += 1;
        if self.nodes <= self.limits.nodes {
            return Ok(());
        }
        let limit = ErrorKind::Limit { what: "number of nodes", limit: self.limits.nodes };
        Err(self.peek().map_or_else(|error| error, |token| error_at(limit, token.start)))
    }

    /// The next document; none at the end of the stream.
    pub(super) fn document(&mut self) -> Result<Option<Document>, Fault> {
        let first = self.documents == 0;
        if !first {
            while matches!(self.peek()?.kind, Kind::DocumentEnd) {
                self.take();
            }
        }
        let (explicit, start) = match self.peek()? {
            Token { kind: Kind::StreamEnd, .. } => return Ok(None),
            Token { kind: Kind::Version(..) | Kind::TagDirective(..) | Kind::DocumentStart, start, .. } => {
                (true, *start)
            }
            Token { start, .. } => (!first, *start),
        };
        self.documents += 1;
        if self.documents > self.limits.documents {
            let limit = ErrorKind::Limit { what: "number of documents", limit: self.limits.documents };
            return Err(error_at(limit, start));
        }
        // Clearing a table costs its capacity, and documents may be many.
        if !self.anchors.is_empty() {
            self.anchors = HashSet::new();
        }
        let (head, mut node) =
            if explicit { (String::new(), self.explicit_document()?) } else { self.bare_document()? };
        if matches!(self.peek()?.kind, Kind::DocumentEnd) {
            self.take();
        }
        let last = self.take_comments();
        let foot = if last.foot.is_empty() { last.head } else { last.foot };
        self.tags = HashMap::new();
        node.set_document_comments(head, foot);
        Ok(Some(node))
    }

    /// A document that begins without `---`. What a blank line sets off from its content is its own comment.
    fn bare_document(&mut self) -> Result<(String, Node), Fault> {
        self.directives()?;
        let mut head = String::new();
        let pending = &mut self.pending.head;
        let set_off = pending.ends_with('\n').then(|| pending.len() - 1).or_else(|| pending.rfind("\n\n"));
        if let Some(at) = set_off.filter(|at| *at > 0) {
            let rest = pending.get(at..).unwrap_or_default().trim_start_matches('\n').to_owned();
            head = std::mem::replace(pending, rest);
            head.truncate(at);
        }
        Ok((head, self.node(true, false)?))
    }

    fn explicit_document(&mut self) -> Result<Node, Fault> {
        self.directives()?;
        if !matches!(self.peek()?.kind, Kind::DocumentStart) {
            return Err(self.unexpected("did not find expected <document start>"));
        }
        self.take();
        match self.peek()? {
            Token {
                kind:
                    Kind::Version(..) | Kind::TagDirective(..) | Kind::DocumentStart | Kind::DocumentEnd | Kind::StreamEnd,
                start,
                ..
            } => {
                let start = *start;
                self.empty(start)
            }
            _ => self.node(true, false),
        }
    }

    fn directives(&mut self) -> Result<(), Fault> {
        let mut versions = 0;
        loop {
            match &self.peek()?.kind {
                Kind::Version(..) if versions > 0 => return Err(self.unexpected("found duplicate %YAML directive")),
                Kind::Version(1, 1) => versions += 1,
                Kind::Version(..) => return Err(self.unexpected("found incompatible YAML document")),
                Kind::TagDirective(handle, prefix) => {
                    let (handle, prefix) = ((*handle).to_owned(), prefix.clone());
                    if self.tags.insert(handle, prefix).is_some() {
                        return Err(self.unexpected("found duplicate %TAG directive"));
                    }
                }
                _ => break,
            }
            self.take();
        }
        for (handle, prefix) in [("!", "!"), ("!!", YAML_TAGS)] {
            if !self.tags.contains_key(handle) {
                self.tags.insert(handle.to_owned(), prefix.to_owned());
            }
        }
        Ok(())
    }

    /// A node that is not there.
    pub(super) fn empty(&mut self, at: Mark) -> Result<Node, Fault> {
        self.count()?;
        let mut node = Node::scalar("");
        node.position = position(at, at.at);
        Ok(node)
    }

    /// `block`: block collections may begin here; `indentless`: also a sequence at its parent's indentation.
    pub(super) fn node(&mut self, block: bool, indentless: bool) -> Result<Node, Fault> {
        self.count()?;
        if matches!(self.peek()?.kind, Kind::Alias(_)) {
            return self.alias();
        }
        let before = self.peek()?.start;
        let properties = self.properties()?;
        let token = self.peek()?;
        let start = token.start;
        let mut node = match token.kind {
            Kind::Entry if indentless => Node::new(Data::Sequence(self.indentless_sequence(&properties)?)),
            Kind::Scalar(..) => self.scalar(),
            Kind::FlowSequenceStart => self.flow_sequence(properties.anchor)?,
            Kind::FlowMappingStart => self.flow_mapping(properties.anchor)?,
            Kind::SequenceStart if block => self.block_sequence(properties.anchor)?,
            Kind::MappingStart if block => self.block_mapping(properties.anchor)?,
            _ if properties.is_empty() => return Err(self.unexpected("did not find expected node content")),
            _ => {
                let mut node = Node::scalar("");
                let end = Mark { at: self.content_end, ..before };
                node.position = Position { start: unsigned(end.at), ..position(end, end.at) };
                self.register(properties.anchor);
                properties.apply(&mut node);
                return Ok(node);
            }
        };
        node.position = position(start, self.content_end);
        self.register(properties.anchor.filter(|_| matches!(node.data, Data::Scalar(_))));
        properties.apply(&mut node);
        Ok(node)
    }

    /// An anchor counts from its node on, inside of it too.
    pub(super) fn register(&mut self, anchor: Option<&'a str>) {
        self.anchors.extend(anchor);
    }

    fn alias(&mut self) -> Result<Node, Fault> {
        let comments = self.take_comments();
        let token = self.take();
        let Kind::Alias(name) = token.kind else { return Err(self.unexpected("did not find expected node content")) };
        if !self.anchors.contains(name) {
            return Err(error_at(ErrorKind::UnknownAnchor(name.to_owned()), token.start));
        }
        let mut node = Node::new(Data::Alias(name.to_owned()));
        node.position = position(token.start, token.end.at);
        node.set_comments(comments);
        Ok(node)
    }

    fn scalar(&mut self) -> Node {
        let comments = self.take_comments();
        let Kind::Scalar(text, style) = self.take().kind else { return Node::scalar("") };
        let mut node = Node::scalar(text);
        node.style = style;
        node.set_comments(comments);
        node
    }

    /// Anchor and tag, in any order.
    fn properties(&mut self) -> Result<Properties<'a>, Fault> {
        let mut properties = Properties::default();
        for _ in 0..2 {
            match &self.peek()?.kind {
                Kind::Anchor(name) if properties.anchor.is_none() => properties.anchor = Some(name),
                Kind::Tag(handle, rest) if properties.tag.is_none() => {
                    let (handle, rest) = (*handle, rest.clone());
                    properties.tag = Some(self.tag(handle, rest)?);
                }
                _ => break,
            }
            self.take();
        }
        Ok(properties)
    }

    /// A tag's short form, `!!str` for `tag:yaml.org,2002:str`.
    fn tag(&mut self, handle: &str, rest: String) -> Result<String, Fault> {
        let tag = if handle.is_empty() {
            rest
        } else {
            let Some(prefix) = self.tags.get(handle) else {
                return Err(self.unexpected("found undefined tag handle"));
            };
            format!("{prefix}{rest}")
        };
        Ok(tag.strip_prefix(YAML_TAGS).map(|short| format!("!!{short}")).unwrap_or(tag))
    }

    fn block_sequence(&mut self, anchor: Option<&'a str>) -> Result<Node, Fault> {
        self.register(anchor);
        let head = std::mem::take(&mut self.stem);
        self.take();
        let mut items = Vec::new();
        loop {
            if matches!(self.peek()?.kind, Kind::BlockEnd) {
                break;
            }
            if !matches!(self.peek()?.kind, Kind::Entry) {
                return Err(self.unexpected("did not find expected '-' indicator"));
            }
            let mark = self.entry()?;
            let item = if matches!(self.peek()?.kind, Kind::Entry | Kind::BlockEnd) {
                self.empty(mark)?
            } else {
                self.node(true, false)?
            };
            items.push(item);
        }
        self.take();
        let mut node = Node::new(Data::Sequence(items));
        node.set_comments(Comments { head, ..Comments::default() });
        Ok(node)
    }

    fn indentless_sequence(&mut self, properties: &Properties<'a>) -> Result<Vec<Node>, Fault> {
        self.register(properties.anchor);
        let mut items = Vec::new();
        while matches!(self.peek()?.kind, Kind::Entry) {
            let mark = self.entry()?;
            let empty = matches!(self.peek()?.kind, Kind::Entry | Kind::Key | Kind::Value | Kind::BlockEnd);
            let item = if empty { self.empty(mark)? } else { self.node(true, false)? };
            items.push(item);
        }
        Ok(items)
    }

    /// Over a `-`; what stood above it belongs to the collection that begins behind it, if one does.
    fn entry(&mut self) -> Result<Mark, Fault> {
        let above = self.pending.head.len();
        let mark = self.take().end;
        if above > 0 && matches!(self.peek()?.kind, Kind::SequenceStart | Kind::MappingStart) {
            let rest = self.pending.head.get(above + 1..).unwrap_or_default().to_owned();
            self.stem = std::mem::replace(&mut self.pending.head, rest);
            self.stem.truncate(above);
        }
        Ok(mark)
    }

    fn block_mapping(&mut self, anchor: Option<&'a str>) -> Result<Node, Fault> {
        self.register(anchor);
        let head = std::mem::take(&mut self.stem);
        self.take();
        let mut entries: Vec<(Node, Node)> = Vec::new();
        let mut keys = Keys::default();
        while !matches!(self.peek()?.kind, Kind::BlockEnd) {
            if !matches!(self.peek()?.kind, Kind::Key) {
                return Err(self.unexpected("did not find expected key"));
            }
            let mark = self.take().end;
            let mut key = self.block_part(mark)?;
            if let Some((previous, _)) = entries.last_mut() {
                // What a smaller indentation ended belongs to the entry before.
                move_foot(&mut key, previous);
            }
            let next = self.peek()?;
            let (at_value, mark) = (matches!(next.kind, Kind::Value), next.start);
            let value = if at_value {
                let mark = self.take().end;
                self.block_part(mark)?
            } else {
                self.empty(mark)?
            };
            let (key, value) = foot_to_key(key, value);
            if !self.limits.duplicate_keys {
                keys.check(&entries, &key)?;
            }
            entries.push((key, value));
        }
        let mut comments = self.take_comments();
        self.take();
        if let Some((key, _)) = entries.last_mut()
            && !comments.foot.is_empty()
        {
            key.comments_mut().foot = std::mem::take(&mut comments.foot);
        }
        let mut node = Node::new(Data::Mapping(entries));
        comments.head = head;
        node.set_comments(comments);
        Ok(node)
    }

    /// A key or a value of a block mapping; nothing may be there.
    fn block_part(&mut self, mark: Mark) -> Result<Node, Fault> {
        if matches!(self.peek()?.kind, Kind::Key | Kind::Value | Kind::BlockEnd) {
            self.empty(mark)
        } else {
            self.node(true, true)
        }
    }
}

fn move_foot(from: &mut Node, to: &mut Node) {
    if from.comments().is_some_and(|comments| !comments.foot.is_empty()) {
        to.comments_mut().foot = std::mem::take(&mut from.comments_mut().foot);
    }
}

/// A foot of the value is the entry's, and stands at its key.
pub(super) fn foot_to_key(mut key: Node, mut value: Node) -> (Node, Node) {
    if key.comments().is_none_or(|comments| comments.foot.is_empty()) {
        move_foot(&mut value, &mut key);
    }
    (key, value)
}
