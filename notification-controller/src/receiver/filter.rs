//! Expressions that choose among a receiver's objects.

use serde_json::Value;
use weir_api::notification::ReceiverSpec;
use weir_expr::{Declared, EvalError, Expression};

use super::ReceiverError;

const DECLARED: Declared<'_> = Declared { variables: &["res", "req"], output: Some("bool") };

/// A receiver's expressions: the one for all objects, and one for each entry of `resources`.
#[derive(Debug)]
pub(super) struct Filters {
    all: Option<Expression>,
    each: Vec<Option<Expression>>,
}

/// Compiles a receiver's expressions.
pub(super) fn compile(spec: &ReceiverSpec) -> Result<Filters, ReceiverError> {
    let compile = |text: Option<&String>, which: &dyn Fn() -> String| {
        let text = text.filter(|text| !text.is_empty());
        let compiled = text.map(|text| Expression::compile_with(text, &DECLARED)).transpose();
        compiled.map_err(|source| ReceiverError::Expression { which: which(), source: Box::new(source) })
    };
    let all = compile(spec.resource_filter.as_ref(), &|| "resourceFilter expression".to_owned())?;
    let mut each = Vec::with_capacity(spec.resources.len());
    for (index, resource) in spec.resources.iter().enumerate() {
        each.push(compile(resource.filter.as_ref(), &|| {
            let (kind, name) = (resource.kind.as_str(), &resource.name);
            format!("filter expression for resources[{index}] (kind={kind:?}, name={name:?})")
        })?);
    }
    Ok(Filters { all, each })
}

impl Filters {
    /// Whether there is any expression, so that the request's body matters.
    pub(super) fn any(&self) -> bool {
        self.all.is_some() || self.each.iter().any(Option::is_some)
    }

    /// Whether an object of entry `index` is woken: all of its expressions say so.
    pub(super) fn accept(&self, index: usize, object: &Value, request: &Value) -> Result<bool, EvalError> {
        let variables = [("res", object), ("req", request)];
        for expression in self.all.iter().chain(self.each.get(index).into_iter().flatten()) {
            if !expression.eval_bool(&variables)? {
                return Ok(false);
            }
        }
        Ok(true)
    }
}
