//! Nodes to text as go-yaml v3 writes them in kyaml's settings: two columns a level, comments and styles kept.

use crate::resolve::{Resolved, Schema, resolve};
use crate::writer::{Place, V3, Writer, is_simple_key};
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
    let mut emitter = Emitter { w: Writer::new(V3), options };
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

#[derive(Clone, Copy, PartialEq)]
enum Context {
    Root,
    Sequence,
    Mapping,
}

struct Emitter {
    w: Writer,
    options: EmitOptions,
}

impl Emitter {
    fn document(&mut self, node: &Node) {
        let none = Comments::default();
        let comments = node.comments().unwrap_or(&none);
        if !comments.head.is_empty() {
            self.comment_lines(&comments.head);
            self.w.end_line();
        }
        self.node(node, Context::Root);
        if matches!(node.data, Data::Scalar(_) | Data::Alias(_)) {
            self.line_comment(node);
        }
        if !self.w.at_indention() || self.w.column() > 0 {
            self.w.put_break();
        }
        if !comments.foot.is_empty() {
            self.w.end_line();
            self.w.indent = 0;
            self.comment_lines(&comments.foot);
        }
    }

    /// Comment lines at the current indentation; the cursor stays behind the last.
    fn comment_lines(&mut self, text: &str) {
        for (index, line) in text.lines().enumerate() {
            if index > 0 && line.is_empty() {
                self.w.put_break();
                continue;
            }
            self.w.write_indent();
            self.w.raw(line);
        }
        self.w.end_line();
    }

    fn line_comment(&mut self, node: &Node) {
        if let Some(comments) = node.comments()
            && !comments.line.is_empty()
        {
            self.w.raw(" ");
            self.w.raw(&comments.line);
        }
    }

    fn properties(&mut self, node: &Node, tag: Option<&str>) {
        if let Some(anchor) = node.anchor() {
            self.w.indicator(&format!("&{anchor}"), true, false, false);
        }
        if let Some(tag) = tag {
            let tag = if tag.starts_with('!') { tag.to_owned() } else { format!("!<{tag}>") };
            self.w.indicator(&tag, true, false, false);
        }
    }

    fn node(&mut self, node: &Node, context: Context) {
        match &node.data {
            Data::Alias(name) => self.w.indicator(&format!("*{name}"), true, false, false),
            Data::Scalar(text) => self.scalar(node, text, Place::default()),
            Data::Sequence(items) => {
                self.properties(node, node.tag().filter(|t| *t != "!!seq"));
                if items.is_empty() || node.style == Style::Flow {
                    self.flow_sequence(items);
                } else {
                    self.sequence(items, context);
                }
            }
            Data::Mapping(entries) => {
                self.properties(node, node.tag().filter(|t| *t != "!!map"));
                if entries.is_empty() || node.style == Style::Flow {
                    self.flow_mapping(entries);
                } else {
                    self.mapping(entries);
                }
            }
        }
    }

    fn scalar(&mut self, node: &Node, text: &str, place: Place) {
        let (tag, style) = scalar_form(node, text);
        self.properties(node, tag);
        self.w.scalar(text, style, place);
    }

    fn sequence(&mut self, items: &[Node], context: Context) {
        let before = self.w.indent;
        let compact = context == Context::Mapping
            && self.options.sequences == SequenceIndent::Compact
            && (self.w.column() == 0 || !self.w.at_indention());
        self.w.indent = if before < 0 {
            0
        } else if compact {
            before
        } else {
            before + 2
        };
        for item in items {
            let comments = item.comments();
            if let Some(comments) = comments.filter(|c| !c.head.is_empty()) {
                self.comment_lines(&comments.head);
            }
            self.w.write_indent();
            self.w.indicator("-", true, false, true);
            self.node(item, Context::Sequence);
            if !is_block_collection(item) && !is_block_scalar(item) {
                self.line_comment(item);
            }
            if let Some(comments) = comments.filter(|c| !c.foot.is_empty()) {
                self.foot(&comments.foot);
            }
        }
        self.w.indent = before;
    }

    fn foot(&mut self, text: &str) {
        self.comment_lines(text);
        self.w.end_line();
    }

    fn mapping(&mut self, entries: &[(Node, Node)]) {
        let before = self.w.indent;
        self.w.indent = if before < 0 { 0 } else { before + 2 };
        let last = entries.len().saturating_sub(1);
        for (index, (key, value)) in entries.iter().enumerate() {
            self.entry(key, value, index == last);
        }
        self.w.indent = before;
    }

    fn entry(&mut self, key: &Node, value: &Node, last: bool) {
        if let Some(comments) = key.comments().filter(|c| !c.head.is_empty()) {
            self.comment_lines(&comments.head);
        }
        self.w.write_indent();
        self.key(key);
        if is_block_collection(value) {
            self.line_comment(value);
        }
        self.node(value, Context::Mapping);
        if !is_block_collection(value) && !is_block_scalar(value) {
            self.line_comment(value);
        }
        if let Some(comments) = key.comments().filter(|c| !c.foot.is_empty()) {
            self.comment_lines(&comments.foot);
            if !last {
                self.w.end_line();
            }
        }
    }

    fn key(&mut self, key: &Node) {
        match &key.data {
            Data::Scalar(text) if is_simple_key(text) => {
                if text == "<<" && key.style == Style::Plain && key.tag().is_none() {
                    // Written out by go-yaml v3.
                    self.properties(key, Some("!!merge"));
                }
                self.scalar(key, text, Place { flow: false, simple_key: true });
                self.w.indicator(":", false, false, false);
            }
            Data::Alias(name) => {
                self.w.indicator(&format!("*{name}"), true, false, false);
                self.w.indicator(":", true, false, false);
            }
            _ => {
                self.w.indicator("?", true, false, true);
                self.node(key, Context::Mapping);
                self.w.write_indent();
                self.w.indicator(":", true, false, true);
            }
        }
    }

    fn flow_sequence(&mut self, items: &[Node]) {
        self.w.indicator("[", true, true, false);
        for (index, item) in items.iter().enumerate() {
            if index > 0 {
                self.w.indicator(",", false, false, false);
            }
            self.flow_node(item, false);
        }
        self.w.indicator("]", false, false, false);
    }

    fn flow_mapping(&mut self, entries: &[(Node, Node)]) {
        self.w.indicator("{", true, true, false);
        for (index, (key, value)) in entries.iter().enumerate() {
            if index > 0 {
                self.w.indicator(",", false, false, false);
            }
            self.flow_node(key, true);
            self.w.indicator(":", false, false, false);
            self.flow_node(value, false);
        }
        self.w.indicator("}", false, false, false);
    }

    fn flow_node(&mut self, node: &Node, key: bool) {
        match &node.data {
            Data::Scalar(text) => {
                self.scalar(node, text, Place { flow: true, simple_key: key });
            }
            Data::Alias(name) => self.w.indicator(&format!("*{name}"), true, false, false),
            Data::Sequence(items) => {
                self.properties(node, node.tag().filter(|t| *t != "!!seq"));
                self.flow_sequence(items);
            }
            Data::Mapping(entries) => {
                self.properties(node, node.tag().filter(|t| *t != "!!map"));
                self.flow_mapping(entries);
            }
        }
    }
}

fn is_block_collection(node: &Node) -> bool {
    node.style != Style::Flow
        && matches!(node.data, Data::Mapping(_) | Data::Sequence(_))
        && !node.is_empty_collection()
}

fn is_block_scalar(node: &Node) -> bool {
    matches!(node.style, Style::Literal | Style::Folded) && matches!(node.data, Data::Scalar(_))
}

/// The tag that must be written and the style to wish for.
fn scalar_form<'a>(node: &'a Node, text: &str) -> (Option<&'a str>, Style) {
    let plain = if text.contains('\n') { Style::Literal } else { Style::Plain };
    let style = if node.style.is_quoted() { node.style } else { plain };
    let tag = match node.tag() {
        None => return (None, style),
        Some("!!str") if node.style.is_quoted() => return (None, style),
        Some(tag) => tag,
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
