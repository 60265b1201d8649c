//! What goes wrong when a template is parsed or executed, worded as Go words it.

use std::fmt;

/// A place in the source of a template.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    /// Byte offset of the start.
    pub offset: usize,
    /// How many bytes it covers; at least 1 where there is text.
    pub len: usize,
    /// Line, from 1.
    pub line: usize,
    /// Byte column, from 1. (Go's messages count columns from 0.)
    pub column: usize,
}

/// A template that cannot be parsed.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
#[error("{message}")]
pub struct ParseError {
    /// The whole text, as Go words it: `template: x:1: unexpected "}" in operand`.
    pub message: String,
    /// The name under which the text was parsed.
    pub name: String,
    /// Where in the text.
    pub span: Span,
}

/// Which bound an execution ran into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bound {
    /// Too many steps.
    Steps,
    /// Too much output.
    Output,
    /// Templates nested too deeply.
    Depth,
    /// Out of time.
    Deadline,
}

impl fmt::Display for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Steps => "the template takes too many steps",
            Self::Output => "the template writes too much",
            Self::Depth => "templates are nested too deeply",
            Self::Deadline => "the template takes too long",
        })
    }
}

/// An execution that failed.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
#[error("{message}")]
pub struct ExecError {
    /// The whole text, as Go words it: `template: x:1:2: executing "x" at <.a.b>: nil pointer evaluating interface {}.b`.
    pub message: String,
    /// The text under which the failing source was parsed: a file's name.
    pub source_name: String,
    /// The name of the template that was executing.
    pub template: String,
    /// Where in that source.
    pub span: Span,
    /// The bound that was exceeded, if that is the reason.
    pub bound: Option<Bound>,
    /// What went wrong in a template executed from within (`include`, `tpl`); its text is part of the message.
    pub cause: Option<Box<Failure>>,
}

impl ExecError {
    /// The innermost failure: where it really happened.
    #[must_use]
    pub fn innermost(&self) -> InnerFailure<'_> {
        match self.cause.as_deref() {
            None => InnerFailure::Exec(self),
            Some(Failure::Exec(inner)) => inner.innermost(),
            Some(Failure::Parse(inner)) => InnerFailure::Parse(inner),
        }
    }
}

/// The innermost failure of an execution.
#[derive(Clone, Copy, Debug)]
pub enum InnerFailure<'a> {
    /// A text given to `tpl` that cannot be parsed.
    Parse(&'a ParseError),
    /// An execution.
    Exec(&'a ExecError),
}

/// Either kind of failure.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum Failure {
    /// The text cannot be parsed.
    #[error(transparent)]
    Parse(#[from] ParseError),
    /// The execution failed.
    #[error(transparent)]
    Exec(#[from] ExecError),
}

/// What a function returns as error. Go wraps it: `error calling NAME: TEXT`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FuncError {
    pub(crate) message: String,
    pub(crate) bound: Option<Bound>,
    pub(crate) cause: Option<Box<Failure>>,
}

impl FuncError {
    /// An error with this text.
    #[must_use]
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), bound: None, cause: None }
    }

    /// The same error with a text before it: `TEXT: ERROR`, or whatever `wrap` makes of the text it had.
    #[must_use]
    pub fn reworded(mut self, wrap: impl FnOnce(&str) -> String) -> Self {
        self.message = wrap(&self.message);
        self
    }

    /// The bound that was exceeded, if that is the reason.
    #[must_use]
    pub fn bound(&self) -> Option<Bound> {
        self.bound
    }
}

impl fmt::Display for FuncError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for FuncError {}

impl From<Failure> for FuncError {
    fn from(failure: Failure) -> Self {
        let bound = match &failure {
            Failure::Exec(error) => error.bound,
            Failure::Parse(_) => None,
        };
        Self { message: failure.to_string(), bound, cause: Some(Box::new(failure)) }
    }
}

impl From<ExecError> for FuncError {
    fn from(error: ExecError) -> Self {
        Failure::Exec(error).into()
    }
}

impl From<ParseError> for FuncError {
    fn from(error: ParseError) -> Self {
        Failure::Parse(error).into()
    }
}

impl From<Bound> for FuncError {
    fn from(bound: Bound) -> Self {
        Self { message: bound.to_string(), bound: Some(bound), cause: None }
    }
}
