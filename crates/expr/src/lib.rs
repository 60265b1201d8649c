//! CEL expressions in Flux's environment: health checks, readiness of dependencies, filters of receivers.
//!
//! ```text
//! text --Expression::compile--> Expression --eval_bool(variables as JSON)--> bool
//! ```
//!
//! The environment is what Flux configures of cel-go: the standard library, optional values, numbers of different types
//! compared by value, and the extension libraries strings, sets and encoders. Evaluation reads no clock and is bounded by
//! a budget of steps and bytes instead of a deadline; text length, nesting and regular expressions are bounded too.

mod budget;
mod check;
mod convert;
mod environment;
mod error;
mod functions;
mod guard;
mod health;
mod sets;
mod stack;

pub use check::Declared;
pub use error::{CompileError, EvalError, Problem};
pub use health::{Health, HealthExprs, InvalidHealthExpr};

use std::{collections::BTreeSet, fmt};

use cel::{Context, Value as CelValue, common::ast::IdedExpr};
use serde_json::Value;

/// The longest text that is compiled, in bytes.
pub const MAX_TEXT: usize = 8 * 1024;

/// An expression that has been read and checked, ready to be evaluated any number of times.
#[derive(Clone)]
pub struct Expression {
    text: String,
    tree: IdedExpr,
    free: BTreeSet<String>,
    depth: usize,
}

impl Expression {
    /// Reads an expression; which variables exist is not known until it is evaluated.
    ///
    /// # Errors
    /// When the text is not an expression, or one beyond the limits.
    pub fn compile(text: &str) -> Result<Self, CompileError> {
        Self::read(text, None).map_err(|problem| CompileError { text: text.to_owned(), problem })
    }

    /// Reads an expression and checks it against what is declared: variables that do not exist, functions that do not
    /// exist and a result that cannot be of the type are errors now instead of at evaluation.
    ///
    /// # Errors
    /// As [`Expression::compile`], and when the check fails.
    pub fn compile_with(text: &str, declared: &Declared<'_>) -> Result<Self, CompileError> {
        Self::read(text, Some(declared)).map_err(|problem| CompileError { text: text.to_owned(), problem })
    }

    fn read(text: &str, declared: Option<&Declared<'_>>) -> Result<Self, String> {
        if text.len() > MAX_TEXT {
            return Err(format!("longer than {MAX_TEXT} bytes"));
        }
        stack::with_room(usize::MAX, || {
            let tree = environment::parse(text)?;
            let free = check::free_variables(&tree);
            if let Some(problem) = declared.and_then(|declared| check::problem(&tree, &free, declared)) {
                return Err(problem);
            }
            let tree = guard::guarded(tree)?;
            let depth = guard::depth(&tree);
            Ok(Self { text: text.to_owned(), tree, free, depth })
        })
    }

    /// The text it was read from.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The variables it reads, in order.
    pub fn variables(&self) -> impl Iterator<Item = &str> {
        self.free.iter().map(String::as_str)
    }

    /// Evaluates to a boolean; anything else is an error.
    ///
    /// # Errors
    /// When the evaluation fails or takes more than the budget.
    pub fn eval_bool(&self, variables: &[(&str, &Value)]) -> Result<bool, EvalError> {
        match self.evaluate(variables)? {
            CelValue::Bool(result) => Ok(result),
            _ => Err(self.failed(Problem::NotBoolean)),
        }
    }

    /// Evaluates to a string; anything else is an error.
    ///
    /// # Errors
    /// When the evaluation fails or takes more than the budget.
    pub fn eval_string(&self, variables: &[(&str, &Value)]) -> Result<String, EvalError> {
        match self.evaluate(variables)? {
            CelValue::String(result) => Ok(result.to_string()),
            _ => Err(self.failed(Problem::NotString)),
        }
    }

    fn evaluate(&self, variables: &[(&str, &Value)]) -> Result<CelValue, EvalError> {
        let (result, exhausted) = stack::with_room(self.depth, || {
            let mut context = Context::with_env(environment::shared());
            for (name, value) in variables {
                // What is not read is not converted: objects can be large.
                if self.free.contains(*name) {
                    context.add_variable_as_val(*name, convert::to_cel(value));
                }
            }
            let (result, exhausted) = budget::with_budget(|| CelValue::resolve(&self.tree, &context));
            (result.map_err(|error| Problem::from_cel(&error, &self.text)), exhausted)
        });
        if exhausted {
            return Err(self.failed(Problem::TooCostly));
        }
        result.map_err(|problem| self.failed(problem))
    }

    fn failed(&self, problem: Problem) -> EvalError {
        EvalError { text: self.text.clone(), problem }
    }
}

impl fmt::Debug for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Expression").field(&self.text).finish()
    }
}
