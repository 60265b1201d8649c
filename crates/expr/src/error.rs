//! What can be wrong with an expression, without the values it was evaluated with.

use cel::ExecutionError;

/// A text that is not an expression that could be evaluated here.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("failed to parse the CEL expression '{text}': {problem}")]
pub struct CompileError {
    /// The expression.
    pub text: String,
    /// What is wrong, with line and column where known.
    pub problem: String,
}

/// An evaluation that gave no result.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct EvalError {
    /// The expression.
    pub text: String,
    /// What went wrong.
    pub problem: Problem,
}

impl std::fmt::Display for EvalError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.problem {
            Problem::NotBoolean => write!(f, "failed to evaluate CEL expression as boolean: '{}'", self.text),
            Problem::NotString => write!(f, "failed to evaluate CEL expression as string: '{}'", self.text),
            problem => write!(f, "failed to evaluate the CEL expression '{}': {problem}", self.text),
        }
    }
}

/// What went wrong in an evaluation.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// The result is no boolean.
    #[error("the result is not a boolean")]
    NotBoolean,
    /// The result is no string.
    #[error("the result is not a string")]
    NotString,
    /// A field or key is not there; `has(…)` or `.?` would allow that.
    #[error("no such key: {0}")]
    NoSuchKey(String),
    /// A variable or function does not exist.
    #[error("no such attribute(s): {0}")]
    NoSuchAttribute(String),
    /// It took more than the budget.
    #[error("it takes too many steps; compare fewer elements")]
    TooCostly,
    /// Anything else.
    #[error("{0}")]
    Other(String),
}

impl Problem {
    /// What the interpreter says, cut down to types and names: its own text may quote values.
    pub(crate) fn from_cel(error: &ExecutionError, text: &str) -> Self {
        match error {
            // A key that does not stand in the expression was computed from values.
            ExecutionError::NoSuchKey(key) if text.contains(key.as_str()) => Self::NoSuchKey(key.to_string()),
            ExecutionError::NoSuchKey(_) => Self::NoSuchKey("(computed)".to_owned()),
            ExecutionError::UndeclaredReference(name) => Self::NoSuchAttribute(name.to_string()),
            ExecutionError::NoSuchOverload(overload) => Self::Other(overload.to_string()),
            ExecutionError::UnexpectedType { got, want } => Self::Other(format!("expected {want}, got {got}")),
            ExecutionError::FunctionError { function, message } if function == "matches" => {
                Self::Other(format!("{function}: {message}"))
            }
            ExecutionError::FunctionError { function, .. } => Self::Other(format!("{function}: invalid argument")),
            ExecutionError::InvalidArgumentCount { expected, actual } => {
                Self::Other(format!("expected {expected} arguments, got {actual}"))
            }
            ExecutionError::ValuesNotComparable(a, b) => {
                Self::Other(format!("no such overload: {} cannot be compared with {}", a.type_of(), b.type_of()))
            }
            ExecutionError::UnsupportedBinaryOperator(operator, a, b) => {
                Self::Other(format!("no such overload: {} {operator} {}", a.type_of(), b.type_of()))
            }
            ExecutionError::UnsupportedIndex(..) => Self::Other("value cannot be indexed with that key".to_owned()),
            ExecutionError::IndexOutOfBounds(_) => Self::Other("index out of bounds".to_owned()),
            ExecutionError::DivisionByZero(_) => Self::Other("division by zero".to_owned()),
            ExecutionError::RemainderByZero(_) => Self::Other("modulus by zero".to_owned()),
            ExecutionError::Overflow(..) => Self::Other("integer overflow".to_owned()),
            ExecutionError::DuplicateKey(_) => Self::Other("duplicate key in a map".to_owned()),
            _ => Self::Other("operation not supported on values of these types".to_owned()),
        }
    }
}
