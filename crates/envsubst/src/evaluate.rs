//! Pieces into text.

use crate::{
    MAX_OUTPUT, Mode,
    error::{Error, Problem},
    functions,
    parse::{Expression, Operation, Piece},
};

type Lookup<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Evaluates pieces one after another.
pub(crate) fn evaluate(pieces: &[Piece<'_>], lookup: Lookup<'_>, mode: Mode) -> Result<String, Error> {
    let mut out = String::new();
    for piece in pieces {
        match piece {
            Piece::Text(text) => out.push_str(text),
            Piece::Unescaped(text) => out.push_str(text),
            Piece::Expression(expression) => {
                let value = expand(expression, lookup, mode)?;
                if value.len() > MAX_OUTPUT - out.len().min(MAX_OUTPUT) {
                    return Err(expression.fail(Problem::TooLong));
                }
                out.push_str(&value);
            }
        }
    }
    Ok(out)
}

fn single(piece: &Piece<'_>, lookup: Lookup<'_>, mode: Mode) -> Result<String, Error> {
    evaluate(std::slice::from_ref(piece), lookup, mode)
}

/// The operands are evaluated first, whether they are needed or not: a missing variable in a default that is not used is
/// an error too, as in the original.
fn expand(expression: &Expression<'_>, lookup: Lookup<'_>, mode: Mode) -> Result<String, Error> {
    let operand = |piece: &Piece<'_>| single(piece, lookup, mode);
    match &expression.operation {
        Operation::Default(pieces) => {
            let default = evaluate(pieces, lookup, mode)?;
            Ok(lookup(expression.name).filter(|value| !value.is_empty()).unwrap_or(default))
        }
        Operation::Value | Operation::Nothing => expression.value(lookup, mode),
        Operation::Length => Ok(expression.value(lookup, mode)?.len().to_string()),
        Operation::Case { upper, all } => Ok(functions::case(&expression.value(lookup, mode)?, *upper, *all)),
        Operation::Substring { from, length } => {
            let from = operand(from)?;
            let length = length.as_deref().map(operand).transpose()?;
            let value = expression.value(lookup, mode)?;
            functions::substring(&value, &from, length.as_deref()).ok_or_else(|| expression.fail(Problem::NotText))
        }
        Operation::Trim { end, longest, pattern } => {
            let pattern = operand(pattern)?;
            Ok(functions::trim(&expression.value(lookup, mode)?, *end, *longest, &pattern))
        }
        Operation::Replace { which, from, to } => {
            let from = operand(from)?;
            let to = to.as_deref().map(operand).transpose()?.unwrap_or_default();
            let value = expression.value(lookup, mode)?;
            functions::replace(&value, *which, &from, &to).ok_or_else(|| expression.fail(Problem::TooLong))
        }
    }
}

impl Expression<'_> {
    /// The variable's value; empty when it is not set and nobody minds.
    fn value(&self, lookup: Lookup<'_>, mode: Mode) -> Result<String, Error> {
        match lookup(self.name) {
            Some(value) => Ok(value),
            None if mode.strict => Err(self.fail(Problem::NotSet)),
            None => Ok(String::new()),
        }
    }

    fn fail(&self, problem: Problem) -> Error {
        Error { problem, variable: Some(self.name.chars().take(64).collect()), line: self.line }
    }
}
