//! What can be wrong with a text, and the bounds a reader keeps.

use std::fmt;

/// Bounds on what is read. Past one of them the text is refused, in memory proportional to the bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the whole text.
    pub size: usize,
    /// Nesting of mappings and sequences.
    pub depth: usize,
    /// Nodes of all documents together.
    pub nodes: usize,
    /// Nodes that aliases may add when a document is expanded.
    pub expansion: usize,
    /// Documents in the text.
    pub documents: usize,
    /// Accept a key given twice (the last one wins) instead of refusing it.
    pub duplicate_keys: bool,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            size: 64 << 20,
            depth: 200,
            nodes: 8_000_000,
            expansion: 1_000_000,
            documents: 200_000,
            duplicate_keys: false,
        }
    }
}

/// Why a text was refused, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    /// What is wrong.
    pub kind: ErrorKind,
    /// Line, counted from 1; 0 when no place is known.
    pub line: u32,
    /// Column in bytes, counted from 1.
    pub column: u32,
}

/// What is wrong with a text. Keys and anchors may be named; other content is not repeated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ErrorKind {
    /// The text is not YAML.
    Syntax(&'static str),
    /// A key stands twice in a mapping; the line of the first.
    DuplicateKey {
        /// The key.
        key: String,
        /// Where it stood first.
        first: u32,
    },
    /// An alias names no anchor before it.
    UnknownAnchor(String),
    /// A bound of [`Limits`] was passed.
    Limit {
        /// What there is too much of.
        what: &'static str,
        /// The bound.
        limit: usize,
    },
    /// The text is not UTF-8.
    Encoding,
    /// The node has no counterpart in JSON.
    NotJson(&'static str),
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, line: u32, column: u32) -> Self {
        Self { kind, line, column }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.line > 0 {
            write!(f, "line {}, column {}: ", self.line, self.column)?;
        }
        match &self.kind {
            ErrorKind::Syntax(what) | ErrorKind::NotJson(what) => f.write_str(what),
            ErrorKind::DuplicateKey { key, first } => write!(f, "key {key:?} already stands on line {first}"),
            ErrorKind::UnknownAnchor(name) => write!(f, "alias *{name} names no anchor before it"),
            ErrorKind::Limit { what, limit } => write!(f, "{what} exceeds the limit of {limit}"),
            ErrorKind::Encoding => f.write_str("text is not valid UTF-8"),
        }
    }
}

impl std::error::Error for Error {}
