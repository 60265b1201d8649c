//! Text to nodes, by recursive descent over the bytes of the text.
//!
//! Accepts what go-yaml accepts, with two leniences: comments may stand behind tabs, and flow collections may be indented less
//! than their parent.

mod block;
mod block_scalar;
mod comments;
mod cursor;
mod flow;
mod properties;
mod scalar;

use self::comments::Pending;
use crate::{Data, Document, Error, ErrorKind, Limits, Node};

/// Reads every document of `text`. Documents without content are left out, as a reader of manifests does.
///
/// # Errors
/// The first thing that is no YAML or passes a limit, with its line and column.
pub fn parse(text: &str, limits: &Limits) -> Result<Vec<Document>, Error> {
    Parser::new(text, *limits)?.stream()
}

/// Reads exactly one document; none is null.
///
/// # Errors
/// As [`parse`], and when there is more than one.
pub fn parse_one(text: &str, limits: &Limits) -> Result<Document, Error> {
    let mut documents = parse(text, limits)?;
    match (documents.pop(), documents.is_empty()) {
        (None, _) => Ok(Node::null()),
        (Some(node), true) => Ok(node),
        (Some(node), false) => {
            let what = ErrorKind::Syntax("expected a single document");
            Err(Error::new(what, node.position.line, node.position.column))
        }
    }
}

/// The state of a reader.
pub(crate) struct Parser<'a> {
    text: &'a str,
    bytes: &'a [u8],
    pos: usize,
    line: u32,
    line_start: usize,
    limits: Limits,
    nodes: usize,
    depth: usize,
    anchors: Vec<String>,
    pending: Pending,
}

impl<'a> Parser<'a> {
    fn new(text: &'a str, limits: Limits) -> Result<Self, Error> {
        if text.len() > limits.size || u32::try_from(text.len()).is_err() {
            return Err(Error::new(ErrorKind::Limit { what: "size in bytes", limit: limits.size }, 0, 0));
        }
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let parser = Self {
            text,
            bytes: text.as_bytes(),
            pos: 0,
            line: 1,
            line_start: 0,
            limits,
            nodes: 0,
            depth: 0,
            anchors: Vec::new(),
            pending: Pending::default(),
        };
        parser.refuse_control_characters()?;
        Ok(parser)
    }

    fn refuse_control_characters(&self) -> Result<(), Error> {
        let control = |&b: &u8| (b < 0x20 && !matches!(b, b'\t' | b'\n' | b'\r')) || b == 0x7f;
        let Some(at) = self.bytes.iter().position(control) else { return Ok(()) };
        let before = self.bytes.get(..at).unwrap_or_default();
        let line = 1 + before.iter().filter(|&&b| b == b'\n').count();
        let column = 1 + before.iter().rev().take_while(|&&b| b != b'\n').count();
        let small = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        Err(Error::new(ErrorKind::Syntax("control characters are not allowed"), small(line), small(column)))
    }

    fn stream(mut self) -> Result<Vec<Document>, Error> {
        let mut documents = Vec::new();
        let mut count = 0usize;
        loop {
            self.skip_blank();
            if self.at_end() {
                break;
            }
            if self.at_marker(b"...") {
                self.advance(3);
                self.end_of_line("did not find expected <document start>")?;
                continue;
            }
            let explicit = self.document_start()?;
            count += 1;
            if count > self.limits.documents {
                return Err(self.limit("number of documents", self.limits.documents));
            }
            self.anchors.clear();
            let mut node = self.document(explicit)?;
            self.skip_blank();
            if !self.at_end() && !self.at_any_marker() {
                return Err(self.syntax("did not find expected <document start>"));
            }
            self.pending.close_document(&mut node);
            if !(matches!(&node.data, Data::Scalar(text) if text.is_empty()) && node.is_null()) {
                documents.push(node);
            }
        }
        Ok(documents)
    }

    /// Directives and the `---` line; false when the document starts without.
    fn document_start(&mut self) -> Result<bool, Error> {
        while self.column() == 0 && self.peek() == b'%' {
            self.skip_line();
            self.skip_blank();
            if !self.at_marker(b"---") && self.peek() != b'%' {
                return Err(self.syntax("did not find expected <document start>"));
            }
        }
        if self.at_marker(b"---") {
            self.advance(3);
            return Ok(true);
        }
        Ok(false)
    }

    fn document(&mut self, explicit: bool) -> Result<Node, Error> {
        if explicit {
            // Content on the line of the marker may not be a block collection.
            return self.node(-1, block::Inline::AfterKey, false);
        }
        self.node(-1, block::Inline::Start, false)
    }

    fn end_of_line(&mut self, otherwise: &'static str) -> Result<(), Error> {
        self.skip_spaces();
        if self.at_end() || self.at_break() || self.peek() == b'#' { Ok(()) } else { Err(self.syntax(otherwise)) }
    }

    /// Counts a node against the limits.
    fn count(&mut self) -> Result<(), Error> {
        self.nodes += 1;
        if self.nodes > self.limits.nodes {
            return Err(self.limit("number of nodes", self.limits.nodes));
        }
        Ok(())
    }

    fn deeper(&mut self) -> Result<(), Error> {
        self.depth += 1;
        if self.depth > self.limits.depth {
            return Err(self.limit("depth", self.limits.depth));
        }
        Ok(())
    }
}
