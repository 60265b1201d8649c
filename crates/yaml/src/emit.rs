//! Nodes to text as go-yaml v3 writes them in kyaml's settings: two columns a level, comments and styles kept.
//!
//! ```text
//! node --[`comments`: heads, line comments and feet wait here until their place comes]--> [`Writer`] --> text
//! ```
//! go-yaml takes a tree as a row of events and keeps at most one comment of a sort waiting. A comment that finds no place where
//! it stands is written at the next one, so the order of the steps below matters.

mod comments;

use self::comments::Waiting;
use crate::resolve::{Resolved, Schema, resolve};
use crate::writer::{Place, V3, Writer, analysis_of};
use crate::{Comments, Data, Node, Style};

/// Where the items of a sequence below a key stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SequenceIndent {
    /// Below the key.
    #[default]
    Compact,
    /// Two columns further in.
    Wide,
}

/// How documents are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct EmitOptions {
    /// Where the items of a sequence stand.
    pub sequences: SequenceIndent,
}

/// The text of a document with compact sequences.
#[must_use]
pub fn emit(node: &Node) -> String {
    emit_with(node, EmitOptions::default())
}

/// The text of a document.
#[must_use]
pub fn emit_with(node: &Node, options: EmitOptions) -> String {
    let mut emitter = Emitter { w: Writer::new(V3), options, waiting: Waiting::default(), flow: 0 };
    emitter.document(node);
    emitter.w.out
}

/// The texts of documents, separated by `---` lines.
#[must_use]
pub fn emit_all(nodes: &[Node], options: EmitOptions) -> String {
    let texts: Vec<String> = nodes.iter().map(|n| emit_with(n, options)).collect();
    texts.join("---\n")
}

/// Where the first sequence below a key of a document stands, to write it back the same way.
#[must_use]
pub fn sequence_indent_of(node: &Node) -> SequenceIndent {
    first_sequence(node).unwrap_or_default()
}

fn first_sequence(node: &Node) -> Option<SequenceIndent> {
    match &node.data {
        Data::Mapping(entries) => entries.iter().find_map(|(key, value)| match &value.data {
            Data::Sequence(items) if !items.is_empty() && value.style != Style::Flow => {
                let wide = value.position.column > key.position.column;
                Some(if wide { SequenceIndent::Wide } else { SequenceIndent::Compact })
            }
            _ => first_sequence(value),
        }),
        Data::Sequence(items) => items.iter().find_map(first_sequence),
        _ => None,
    }
}

/// What a node is part of.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Context {
    Root,
    Sequence,
    Mapping,
    /// A key on one line.
    Key,
    /// A key behind `?`.
    LongKey,
}

/// Longest key, with its anchor and tag, that is written without `?`.
const SIMPLE_KEY: usize = 128;

struct Emitter<'a> {
    w: Writer,
    options: EmitOptions,
    waiting: Waiting<'a>,
    /// Flow collections around.
    flow: usize,
}

impl<'a> Emitter<'a> {
    fn document(&mut self, node: &'a Node) {
        let (head, foot) = node.document_comments();
        self.waiting.add(head, "", "");
        if !head.is_empty() {
            self.head();
            self.w.put_break();
        }
        self.begin(node, "");
        self.head();
        self.open(node, Context::Root);
        self.line_and_foot();
        self.body(node, Context::Root);
        self.waiting.add("", "", foot);
        self.w.foot_indent = Some(0);
        self.foot();
        self.w.foot_indent = None;
        self.w.write_indent();
    }

    /// The comments a node brings when it begins. `tail`: the foot of the entry before it.
    fn begin(&mut self, node: &'a Node, tail: &'a str) {
        let takes_tail = matches!(node.data, Data::Scalar(_) | Data::Mapping(_));
        self.waiting.tail(if takes_tail { tail } else { "" });
        let Some(comments) = node.comments() else { return };
        match node.data {
            Data::Scalar(_) | Data::Alias(_) => {
                self.waiting.add(&comments.head, &comments.line, &comments.foot);
            }
            Data::Mapping(_) | Data::Sequence(_) => self.waiting.add(&comments.head, "", ""),
        }
    }

    /// The comments a collection brings when it ends. The foot of a key waits for the next entry.
    fn end(&mut self, node: &'a Node, context: Context) {
        if let Some(comments) = node.comments() {
            let key = matches!(context, Context::Key | Context::LongKey);
            self.waiting.add("", &comments.line, if key { "" } else { &comments.foot });
        }
    }

    /// Anchor, tag and, for a scalar, its text.
    fn open(&mut self, node: &'a Node, context: Context) {
        match &node.data {
            Data::Alias(name) => self.w.indicator(&format!("*{name}"), true, false, false),
            Data::Scalar(text) => {
                let (tag, style) = scalar_form(node, text);
                self.properties(node, tag);
                let place = Place { flow: self.flow > 0, simple_key: context == Context::Key };
                let mut line = std::mem::take(&mut self.waiting.line);
                self.w.scalar(text, style, place, &mut line);
                self.waiting.line = line;
            }
            Data::Sequence(_) => self.properties(node, collection_tag(node, "!!seq")),
            Data::Mapping(_) => self.properties(node, collection_tag(node, "!!map")),
        }
    }

    fn properties(&mut self, node: &Node, tag: Option<&str>) {
        if let Some(anchor) = node.anchor() {
            self.w.indicator(&format!("&{anchor}"), true, false, false);
        }
        if let Some(tag) = tag {
            self.w.indicator(&written_tag(tag), true, false, false);
        }
    }

    /// What stands inside of a collection.
    fn body(&mut self, node: &'a Node, context: Context) {
        let flow = self.flow > 0 || node.style == Style::Flow || node.is_empty_collection();
        match &node.data {
            Data::Sequence(items) if flow => self.flow_sequence(node, items, context),
            Data::Sequence(items) => self.sequence(node, items, context),
            Data::Mapping(entries) if flow => self.flow_mapping(node, entries, context),
            Data::Mapping(entries) => self.mapping(node, entries, context),
            Data::Scalar(_) | Data::Alias(_) => {}
        }
    }

    fn sequence(&mut self, node: &'a Node, items: &'a [Node], context: Context) {
        let before = self.w.indent;
        let compact = matches!(context, Context::Mapping | Context::LongKey)
            && self.options.sequences == SequenceIndent::Compact
            && (self.w.column() == 0 || !self.w.at_indention());
        self.w.indent = match before {
            ..0 => 0,
            _ if compact => before,
            _ => before + 2,
        };
        for item in items {
            self.begin(item, "");
            self.head();
            self.w.write_indent();
            self.w.indicator("-", true, false, true);
            self.open(item, Context::Sequence);
            self.line_and_foot();
            self.body(item, Context::Sequence);
        }
        self.end(node, context);
        self.w.indent = before;
    }

    fn mapping(&mut self, node: &'a Node, entries: &'a [(Node, Node)], context: Context) {
        let before = self.w.indent;
        self.w.indent = if before < 0 { 0 } else { before + 2 };
        let mut foot = "";
        for (key, value) in entries {
            self.begin_key(key, foot);
            foot = foot_of(key);
            self.head();
            self.w.write_indent();
            let key_line = std::mem::take(&mut self.waiting.line);
            if !key_line.is_empty() {
                self.waiting.key_line = key_line;
            }
            let simple = is_simple_key(key);
            if simple {
                self.open(key, Context::Key);
                self.body(key, Context::Key);
                self.begin(value, "");
                self.w.indicator(":", false, false, false);
            } else {
                self.w.indicator("?", true, false, true);
                self.open(key, Context::LongKey);
                self.body(key, Context::LongKey);
                self.begin(value, "");
                self.w.write_indent();
                self.w.indicator(":", true, false, true);
            }
            self.value(value);
        }
        self.waiting.tail(foot);
        self.end(node, context);
        self.head();
        self.w.indent = before;
    }

    /// As [`Self::begin`]; the foot of a key waits for the next entry.
    fn begin_key(&mut self, key: &'a Node, tail: &'a str) {
        let takes_tail = matches!(key.data, Data::Scalar(_) | Data::Mapping(_));
        self.waiting.tail(if takes_tail { tail } else { "" });
        if let Some(comments) = key.comments() {
            let line = if matches!(key.data, Data::Scalar(_) | Data::Alias(_)) { comments.line.as_str() } else { "" };
            self.waiting.add(&comments.head, line, "");
        }
    }

    /// The value of a block mapping's entry, behind its `:`.
    fn value(&mut self, value: &'a Node) {
        self.key_line(value);
        self.open(value, Context::Mapping);
        self.line_and_foot();
        self.body(value, Context::Mapping);
    }

    /// A comment behind a key goes behind its scalar, or in front of its block.
    fn key_line(&mut self, value: &Node) {
        if self.waiting.key_line.is_empty() {
            return;
        }
        match value.data {
            Data::Scalar(_) if self.waiting.line.is_empty() => {
                self.waiting.line = std::mem::take(&mut self.waiting.key_line);
            }
            Data::Mapping(_) | Data::Sequence(_) if value.style != Style::Flow => {
                std::mem::swap(&mut self.waiting.line, &mut self.waiting.key_line);
                self.line();
                std::mem::swap(&mut self.waiting.line, &mut self.waiting.key_line);
            }
            _ => {}
        }
    }

    fn flow_open(&mut self, bracket: &str) -> i32 {
        let before = self.w.indent;
        self.w.indicator(bracket, true, true, false);
        self.w.indent = if before < 0 { 2 } else { before + 2 };
        self.flow += 1;
        before
    }

    fn flow_sequence(&mut self, node: &'a Node, items: &'a [Node], context: Context) {
        let mut before = None;
        // A comment behind an item stands behind its comma, which is written before it then.
        let mut comma_written = false;
        for item in items {
            self.begin(item, "");
            match before {
                None => before = Some(self.flow_open("[")),
                Some(_) if !comma_written => self.w.indicator(",", false, false, false),
                Some(_) => {}
            }
            self.head();
            if self.w.column() == 0 {
                self.w.write_indent();
            }
            comma_written = self.waiting.is_any();
            self.open(item, Context::Sequence);
            self.comma_and_comments();
            self.body(item, Context::Sequence);
        }
        self.end(node, context);
        let before = before.unwrap_or_else(|| self.flow_open("["));
        self.flow -= 1;
        self.w.indent = before;
        if self.w.column() == 0 {
            self.w.write_indent();
        }
        self.w.indicator("]", false, false, false);
        self.line_and_foot();
    }

    fn flow_mapping(&mut self, node: &'a Node, entries: &'a [(Node, Node)], context: Context) {
        let mut before = None;
        let mut comma_written = false;
        let mut foot = "";
        for (key, value) in entries {
            self.begin_key(key, foot);
            foot = foot_of(key);
            match before {
                None => before = Some(self.flow_open("{")),
                Some(_) if !comma_written => self.w.indicator(",", false, false, false),
                Some(_) => {}
            }
            self.head();
            if self.w.column() == 0 {
                self.w.write_indent();
            }
            if is_simple_key(key) {
                self.open(key, Context::Key);
                self.body(key, Context::Key);
                self.begin(value, "");
                self.w.indicator(":", false, false, false);
            } else {
                self.w.indicator("?", true, false, false);
                self.open(key, Context::LongKey);
                self.body(key, Context::LongKey);
                self.begin(value, "");
                self.w.indicator(":", true, false, false);
            }
            comma_written = self.waiting.is_any();
            self.open(value, Context::Mapping);
            self.comma_and_comments();
            self.body(value, Context::Mapping);
        }
        self.waiting.tail(foot);
        self.end(node, context);
        let first = before.is_none();
        let before = before.unwrap_or_else(|| self.flow_open("{"));
        if self.waiting.is_any_around() && !first && !comma_written {
            self.w.indicator(",", false, false, false);
        }
        self.head();
        self.flow -= 1;
        self.w.indent = before;
        self.w.indicator("}", false, false, false);
        self.line_and_foot();
    }

    fn comma_and_comments(&mut self) {
        if self.waiting.is_any() {
            self.w.indicator(",", false, false, false);
        }
        self.line_and_foot();
    }

    fn line_and_foot(&mut self) {
        self.line();
        self.foot();
    }
}

fn foot_of(key: &Node) -> &str {
    key.comments().map_or("", |Comments { foot, .. }| foot)
}

/// A key that is written on one line in front of its `:`.
fn is_simple_key(key: &Node) -> bool {
    let anchor = key.anchor().map_or(0, str::len);
    let tag = |tag: Option<&str>| tag.map_or(0, str::len);
    let length = match &key.data {
        Data::Alias(name) => name.len(),
        Data::Scalar(text) => {
            if text.len() > SIMPLE_KEY || analysis_of(text).multiline {
                return false;
            }
            anchor + tag(scalar_form(key, text).0) + text.len()
        }
        Data::Sequence(items) if items.is_empty() => anchor + tag(collection_tag(key, "!!seq")),
        Data::Mapping(entries) if entries.is_empty() => anchor + tag(collection_tag(key, "!!map")),
        Data::Sequence(_) | Data::Mapping(_) => return false,
    };
    length <= SIMPLE_KEY
}

/// The tag of a collection, if it must be written.
fn collection_tag<'n>(node: &'n Node, implied: &str) -> Option<&'n str> {
    let (tag, written) = node.telling_tag()?;
    (written || tag != implied).then_some(tag)
}

/// A tag as it stands in a text; characters that may not are escaped.
fn written_tag(tag: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-;/?:@&=+$,_.~*'()[]".contains(c);
    let escaped = |rest: &str| {
        let mut out = String::with_capacity(rest.len());
        for char in rest.chars() {
            if plain(char) {
                out.push(char);
            } else {
                let mut buffer = [0; 4];
                for byte in char.encode_utf8(&mut buffer).bytes() {
                    out.push_str(&format!("%{byte:02X}"));
                }
            }
        }
        out
    };
    match (tag.strip_prefix("!!"), tag.strip_prefix('!')) {
        (Some(rest), _) => format!("!!{}", escaped(rest)),
        (None, Some(rest)) => format!("!{}", escaped(rest)),
        (None, None) => format!("!<{}>", escaped(tag)),
    }
}

/// The tag that must be written and the style to wish for.
fn scalar_form<'n>(node: &'n Node, text: &str) -> (Option<&'n str>, Style) {
    let plain = if text.contains('\n') { Style::Literal } else { Style::Plain };
    let quoted = node.style.is_quoted();
    let style = if quoted { node.style } else { plain };
    let tag = match node.telling_tag() {
        Some((tag, true)) => return (Some(tag), style),
        // go-yaml knows a merge key by its tag and writes it out.
        None if !quoted && text == "<<" => return (Some("!!merge"), style),
        None => return (None, style),
        Some(("!!str", false)) if quoted => return (None, style),
        Some((tag, false)) => tag,
    };
    let implied = match resolve(text, Schema::V3) {
        Resolved::Null => "!!null",
        Resolved::Bool(_) => "!!bool",
        Resolved::Int(_) | Resolved::Uint(_) => "!!int",
        Resolved::Float(_) => "!!float",
        Resolved::Timestamp => "!!timestamp",
        Resolved::Str => "!!str",
    };
    match tag {
        _ if tag == implied => (None, style),
        "!!str" if style == Style::Plain => (None, Style::DoubleQuoted),
        "!!str" => (None, style),
        _ => (Some(tag), style),
    }
}
