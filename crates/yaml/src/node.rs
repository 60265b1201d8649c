//! The node: what a place in a YAML document holds, with everything needed to write it back.

/// How a node was, or is to be, written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Style {
    /// Plain scalar or block collection.
    #[default]
    Plain,
    /// `'text'`
    SingleQuoted,
    /// `"text"`
    DoubleQuoted,
    /// `|` block scalar
    Literal,
    /// `>` block scalar
    Folded,
    /// `{a: b}` or `[a, b]`
    Flow,
}

impl Style {
    /// The scalar stands in quotes or as a block: it is a string whatever its text.
    #[must_use]
    pub fn is_quoted(self) -> bool {
        matches!(self, Style::SingleQuoted | Style::DoubleQuoted | Style::Literal | Style::Folded)
    }
}

/// Where a node stands in the text it was read from. All zero for a node that was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Position {
    /// First byte of the node's own text (after tag and anchor).
    pub start: u32,
    /// Byte after the node's text.
    pub end: u32,
    /// Line, counted from 1.
    pub line: u32,
    /// Column in bytes, counted from 1.
    pub column: u32,
}

/// Comments around a node; each line with its `#`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Comments {
    /// Lines above.
    pub head: String,
    /// At the end of the node's line.
    pub line: String,
    /// Lines below, set off by a blank line.
    pub foot: String,
}

impl Comments {
    /// No comment at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.head.is_empty() && self.line.is_empty() && self.foot.is_empty()
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Extra {
    tag: Option<String>,
    /// The tag stands in the text, so it is written back.
    tag_written: bool,
    anchor: Option<String>,
    comments: Comments,
    /// Head and foot of the document this node is the content of.
    document: Option<Box<(String, String)>>,
}

/// What a node holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Data {
    /// A scalar's text, without quotes and with escapes undone.
    Scalar(String),
    /// Keys and values in order.
    Mapping(Vec<(Node, Node)>),
    /// Items in order.
    Sequence(Vec<Node>),
    /// The name of an anchor that stands earlier in the document.
    Alias(String),
}

/// A place in a YAML document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// What it holds.
    pub data: Data,
    /// How it is written.
    pub style: Style,
    /// Where it was read.
    pub position: Position,
    extra: Option<Box<Extra>>,
}

/// A document of a stream.
pub type Document = Node;

impl Default for Node {
    fn default() -> Self {
        Self::null()
    }
}

impl Node {
    /// A node holding `data`, plain.
    #[must_use]
    pub fn new(data: Data) -> Self {
        Self { data, style: Style::Plain, position: Position::default(), extra: None }
    }

    /// A plain scalar: its text says whether it is a number, a boolean, null or a string.
    #[must_use]
    pub fn scalar(text: impl Into<String>) -> Self {
        Self::new(Data::Scalar(text.into()))
    }

    /// A string, whatever its text looks like.
    #[must_use]
    pub fn string(text: impl Into<String>) -> Self {
        let mut node = Self::scalar(text);
        node.set_tag(Some("!!str"));
        node
    }

    /// Null.
    #[must_use]
    pub fn null() -> Self {
        Self::scalar("null")
    }

    /// An empty mapping.
    #[must_use]
    pub fn mapping() -> Self {
        Self::new(Data::Mapping(Vec::new()))
    }

    /// An empty sequence.
    #[must_use]
    pub fn sequence() -> Self {
        Self::new(Data::Sequence(Vec::new()))
    }

    /// The explicit tag in short form, `!!str` or `!mine`.
    #[must_use]
    pub fn tag(&self) -> Option<&str> {
        self.extra.as_ref()?.tag.as_deref()
    }

    /// Sets or drops the explicit tag.
    pub fn set_tag(&mut self, tag: Option<&str>) {
        if tag.is_some() || self.extra.is_some() {
            let extra = self.extra_mut();
            extra.tag = tag.map(str::to_owned);
            extra.tag_written = false;
        }
    }

    /// Sets a tag that is written even where the text says the same. `!` says nothing and is not written.
    pub(crate) fn set_written_tag(&mut self, tag: &str) {
        let extra = self.extra_mut();
        extra.tag = Some(tag.to_owned());
        extra.tag_written = tag != "!";
    }

    /// The tag, unless it says nothing; true when it must be written.
    pub(crate) fn telling_tag(&self) -> Option<(&str, bool)> {
        let extra = self.extra.as_ref()?;
        let tag = extra.tag.as_deref().filter(|tag| *tag != "!")?;
        Some((tag, extra.tag_written))
    }

    /// The anchor's name.
    #[must_use]
    pub fn anchor(&self) -> Option<&str> {
        self.extra.as_ref()?.anchor.as_deref()
    }

    /// Sets or drops the anchor.
    pub fn set_anchor(&mut self, anchor: Option<&str>) {
        if anchor.is_some() || self.extra.is_some() {
            self.extra_mut().anchor = anchor.map(str::to_owned);
        }
    }

    /// The comments around it.
    #[must_use]
    pub fn comments(&self) -> Option<&Comments> {
        self.extra.as_ref().map(|e| &e.comments)
    }

    /// The comments around it, to change.
    pub fn comments_mut(&mut self) -> &mut Comments {
        &mut self.extra_mut().comments
    }

    pub(crate) fn set_comments(&mut self, comments: Comments) {
        if !comments.is_empty() {
            self.extra_mut().comments = comments;
        }
    }

    /// Comments of the document this node is the content of: above it, set off by a blank line, and at its end.
    #[must_use]
    pub fn document_comments(&self) -> (&str, &str) {
        match self.extra.as_ref().and_then(|extra| extra.document.as_deref()) {
            Some((head, foot)) => (head, foot),
            None => ("", ""),
        }
    }

    /// Sets the comments of the document this node is the content of.
    pub fn set_document_comments(&mut self, head: String, foot: String) {
        if !head.is_empty() || !foot.is_empty() {
            self.extra_mut().document = Some(Box::new((head, foot)));
        } else if let Some(extra) = &mut self.extra {
            extra.document = None;
        }
    }

    /// A document without content.
    pub(crate) fn is_absent(&self) -> bool {
        let empty = matches!(&self.data, Data::Scalar(text) if text.is_empty());
        empty && self.style == Style::Plain && self.anchor().is_none() && self.is_null()
    }

    fn extra_mut(&mut self) -> &mut Extra {
        self.extra.get_or_insert_with(Box::default)
    }

    /// Forgets comments here and below.
    pub fn clear_comments(&mut self) {
        if let Some(extra) = &mut self.extra {
            extra.comments = Comments::default();
            extra.document = None;
            if extra.tag.is_none() && extra.anchor.is_none() {
                self.extra = None;
            }
        }
        match &mut self.data {
            Data::Mapping(entries) => entries.iter_mut().for_each(|(k, v)| {
                k.clear_comments();
                v.clear_comments();
            }),
            Data::Sequence(items) => items.iter_mut().for_each(Node::clear_comments),
            Data::Scalar(_) | Data::Alias(_) => {}
        }
    }

    /// A scalar's text.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match &self.data {
            Data::Scalar(text) => Some(text),
            _ => None,
        }
    }

    /// Entries of a mapping.
    #[must_use]
    pub fn as_mapping(&self) -> Option<&[(Node, Node)]> {
        match &self.data {
            Data::Mapping(entries) => Some(entries),
            _ => None,
        }
    }

    /// Entries of a mapping, to change.
    pub fn as_mapping_mut(&mut self) -> Option<&mut Vec<(Node, Node)>> {
        match &mut self.data {
            Data::Mapping(entries) => Some(entries),
            _ => None,
        }
    }

    /// Items of a sequence.
    #[must_use]
    pub fn as_sequence(&self) -> Option<&[Node]> {
        match &self.data {
            Data::Sequence(items) => Some(items),
            _ => None,
        }
    }

    /// Items of a sequence, to change.
    pub fn as_sequence_mut(&mut self) -> Option<&mut Vec<Node>> {
        match &mut self.data {
            Data::Sequence(items) => Some(items),
            _ => None,
        }
    }

    /// It is a scalar that means null.
    #[must_use]
    pub fn is_null(&self) -> bool {
        match &self.data {
            Data::Scalar(text) => match self.telling_tag() {
                Some((tag, _)) => tag == "!!null",
                None => !self.style.is_quoted() && matches!(text.as_str(), "" | "~" | "null" | "Null" | "NULL"),
            },
            _ => false,
        }
    }

    /// A mapping or sequence without entries.
    #[must_use]
    pub fn is_empty_collection(&self) -> bool {
        match &self.data {
            Data::Mapping(entries) => entries.is_empty(),
            Data::Sequence(items) => items.is_empty(),
            _ => false,
        }
    }

    fn index_of(&self, key: &str) -> Option<usize> {
        // A key given twice means its last value, as when it is decoded.
        self.as_mapping()?.iter().rposition(|(k, _)| k.as_str() == Some(key))
    }

    /// The value of a key of a mapping.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Node> {
        let index = self.index_of(key)?;
        self.as_mapping()?.get(index).map(|(_, v)| v)
    }

    /// The value of a key of a mapping, to change.
    pub fn get_mut(&mut self, key: &str) -> Option<&mut Node> {
        let index = self.index_of(key)?;
        self.as_mapping_mut()?.get_mut(index).map(|(_, v)| v)
    }

    /// The text of a scalar under a key.
    #[must_use]
    pub fn get_str(&self, key: &str) -> Option<&str> {
        self.get(key)?.as_str()
    }

    /// Sets a key of a mapping; the entry keeps its place, a new one goes last. Anything but a mapping becomes one.
    pub fn set(&mut self, key: &str, value: Node) {
        if let Some(slot) = self.get_mut(key) {
            *slot = value;
            return;
        }
        self.entries().push((Node::scalar(key), value));
    }

    /// The value of a key, made by `make` when it is not there.
    pub fn get_or_insert_with(&mut self, key: &str, make: impl FnOnce() -> Node) -> &mut Node {
        let index = match self.index_of(key) {
            Some(index) => index,
            None => {
                let entries = self.entries();
                entries.push((Node::scalar(key), make()));
                entries.len() - 1
            }
        };
        let (_, value) = self.entries().get_mut(index).expect("the entry was just found or pushed");
        value
    }

    /// The entries; anything but a mapping becomes an empty one first.
    fn entries(&mut self) -> &mut Vec<(Node, Node)> {
        if !matches!(self.data, Data::Mapping(_)) {
            *self = Node::mapping();
        }
        match &mut self.data {
            Data::Mapping(entries) => entries,
            _ => unreachable!("it was just made a mapping"),
        }
    }

    /// Removes a key of a mapping and returns its value.
    pub fn remove(&mut self, key: &str) -> Option<Node> {
        let index = self.index_of(key)?;
        Some(self.as_mapping_mut()?.remove(index).1)
    }

    /// The node below a path of keys.
    #[must_use]
    pub fn at(&self, path: &[&str]) -> Option<&Node> {
        path.iter().try_fold(self, |node, key| node.get(key))
    }

    /// The node below a path of keys, to change.
    pub fn at_mut(&mut self, path: &[&str]) -> Option<&mut Node> {
        path.iter().try_fold(self, |node, key| node.get_mut(key))
    }

    /// Same data and tags; comments, styles that do not change the meaning, and positions aside.
    #[must_use]
    pub fn same_data(&self, other: &Node) -> bool {
        match (&self.data, &other.data) {
            (Data::Scalar(a), Data::Scalar(b)) => {
                a == b && crate::resolve::scalar_kind(self) == crate::resolve::scalar_kind(other)
            }
            (Data::Mapping(a), Data::Mapping(b)) => {
                a.len() == b.len() && a.iter().zip(b).all(|((k, v), (l, w))| k.same_data(l) && v.same_data(w))
            }
            (Data::Sequence(a), Data::Sequence(b)) => {
                a.len() == b.len() && a.iter().zip(b).all(|(v, w)| v.same_data(w))
            }
            (Data::Alias(a), Data::Alias(b)) => a == b,
            _ => false,
        }
    }

    /// A node like this one that holds something else.
    pub(crate) fn with_data(&self, data: Data) -> Node {
        Node { data, style: self.style, position: self.position, extra: self.extra.clone() }
    }
}
