//! Health of a custom resource by expressions over its own fields.

use serde_json::Value;

use crate::{CompileError, EvalError, Expression};

/// What the expressions say of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Health {
    /// It is as its spec wants it.
    Current,
    /// It is on the way, or nobody can say.
    InProgress,
    /// It failed.
    Failed,
}

/// The three expressions of a health check, compiled; the fields of the object are their variables.
#[derive(Clone, Debug)]
pub struct HealthExprs {
    /// Whether it is as its spec wants it.
    pub current: Expression,
    /// Whether it is on the way.
    pub in_progress: Option<Expression>,
    /// Whether it failed.
    pub failed: Option<Expression>,
}

/// A health check that cannot be compiled.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidHealthExpr {
    /// There is no `current`.
    #[error("expression Current not specified")]
    NoCurrent,
    /// One of the expressions is malformed.
    #[error("failed to parse the expression {field}")]
    Malformed {
        /// `Current`, `InProgress` or `Failed`.
        field: &'static str,
        /// What is wrong with it.
        #[source]
        cause: CompileError,
    },
}

impl HealthExprs {
    /// Compiles the expressions; an empty one counts as absent.
    ///
    /// # Errors
    /// When `current` is missing or one of them is malformed.
    pub fn compile(current: &str, in_progress: Option<&str>, failed: Option<&str>) -> Result<Self, InvalidHealthExpr> {
        let compile = |field, text: &str| {
            Expression::compile(text).map_err(|cause| InvalidHealthExpr::Malformed { field, cause })
        };
        let optional = |field, text: Option<&str>| {
            text.filter(|text| !text.is_empty()).map(|text| compile(field, text)).transpose()
        };
        if current.is_empty() {
            return Err(InvalidHealthExpr::NoCurrent);
        }
        Ok(Self {
            current: compile("Current", current)?,
            failed: optional("Failed", failed)?,
            in_progress: optional("InProgress", in_progress)?,
        })
    }

    /// The health of an object: in progress while `status.observedGeneration` is another than `metadata.generation`, then
    /// what the first expression that is true says, in the order in progress, failed, current.
    ///
    /// # Errors
    /// When an expression cannot be evaluated, also because a field is missing: the check fails then.
    pub fn evaluate(&self, object: &Value) -> Result<Health, EvalError> {
        let observed = object.pointer("/status/observedGeneration").and_then(Value::as_i64);
        let generation = object.pointer("/metadata/generation").and_then(Value::as_i64);
        if let (Some(observed), Some(generation)) = (observed, generation)
            && observed != generation
        {
            return Ok(Health::InProgress);
        }
        let fields: Vec<(&str, &Value)> =
            object.as_object().into_iter().flatten().map(|(name, value)| (name.as_str(), value)).collect();
        let order = [
            (self.in_progress.as_ref(), Health::InProgress),
            (self.failed.as_ref(), Health::Failed),
            (Some(&self.current), Health::Current),
        ];
        for (expression, health) in order {
            if let Some(expression) = expression
                && expression.eval_bool(&fields)?
            {
                return Ok(health);
            }
        }
        Ok(Health::InProgress)
    }
}
