//! What can be wrong with a text or a variable.

use std::fmt;

/// A substitution that cannot be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// What is wrong.
    pub problem: Problem,
    /// The variable of the expression, when its name could be read.
    pub variable: Option<String>,
    /// The line of the expression, from 1; 0 when no text is involved.
    pub line: usize,
}

/// What is wrong with an expression, in the original's words where it has some.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// `${` without a name after it.
    #[error("unable to parse variable name")]
    NoName,
    /// Something that is no operator follows the name, or the expression is not closed.
    #[error("missing closing brace")]
    NotClosed,
    /// An operand is missing.
    #[error("unable to parse substitution within function")]
    NoOperand,
    /// The operator does not take what follows it.
    #[error("bad substitution")]
    Malformed,
    /// Not set, no default, strict mode.
    #[error("variable not set (strict mode)")]
    NotSet,
    /// A cut between bytes of one character.
    #[error("substring cuts a character in two")]
    NotText,
    /// The result is longer than [`crate::MAX_OUTPUT`].
    #[error("result is too long")]
    TooLong,
    /// Expressions within expressions beyond any use.
    #[error("expressions are nested too deeply")]
    TooDeep,
    /// A key that cannot be a variable's name.
    #[error("var name is invalid, must match '^[_[:alpha:]][_[:alpha:][:digit:]]*$'")]
    InvalidName,
}

impl Error {
    pub(crate) fn in_name(name: &str) -> Self {
        Self { problem: Problem::InvalidName, variable: Some(name.chars().take(64).collect()), line: 0 }
    }

    /// The next move, where there is a usual one.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        let name = self.variable.as_deref().unwrap_or("var");
        match self.problem {
            Problem::NotSet => Some(format!(
                "set {name} in postBuild.substitute or substituteFrom, give it a default with ${{{name}:-default}}, or \
                 write $${{{name}}} if it is not meant as a variable"
            )),
            Problem::NotClosed => Some(format!(
                "a default is written ${{{name}:-default}}; write $${{…}} for text that is not a variable"
            )),
            Problem::NoName | Problem::NoOperand | Problem::Malformed => {
                Some("write $${…} for text that is not a variable".to_owned())
            }
            Problem::NotText | Problem::TooLong | Problem::TooDeep | Problem::InvalidName => None,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.problem, &self.variable) {
            (Problem::InvalidName, Some(name)) => return write!(f, "'{name}' {}", self.problem),
            (problem, Some(name)) => write!(f, "{problem}: {name:?}")?,
            (problem, None) => write!(f, "{problem}")?,
        }
        write!(f, " on line {}", self.line)
    }
}

impl std::error::Error for Error {}
