//! What the scanner makes of the text.

use std::borrow::Cow;

use crate::Style;

/// A place in the text: byte, line and column, all counted from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Mark {
    pub(super) at: i32,
    pub(super) line: i32,
    /// In bytes; comments found on lines of their own count from 1, as they do in go-yaml.
    pub(super) column: i32,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Kind<'a> {
    StreamStart,
    StreamEnd,
    /// `%YAML major.minor`
    Version(u8, u8),
    /// `%TAG handle prefix`
    TagDirective(&'a str, String),
    DocumentStart,
    DocumentEnd,
    SequenceStart,
    MappingStart,
    BlockEnd,
    FlowSequenceStart,
    FlowSequenceEnd,
    FlowMappingStart,
    FlowMappingEnd,
    /// `-`
    Entry,
    /// `,`
    Comma,
    /// `?`, or made where a key without one begins.
    Key,
    /// `:`
    Value,
    Alias(&'a str),
    Anchor(&'a str),
    /// Handle and the rest.
    Tag(&'a str, String),
    Scalar(Cow<'a, str>, Style),
}

#[derive(Debug, Clone)]
pub(super) struct Token<'a> {
    pub(super) kind: Kind<'a>,
    pub(super) start: Mark,
    pub(super) end: Mark,
}
