//! Walks a template and prints.

use crate::{context::Ctx, error::ExecError, value::Value};

/// Executes a template of the context's set.
pub(crate) fn run(ctx: Ctx<'_>, name: &str, _data: &Value) -> Result<Vec<u8>, ExecError> {
    let message = match ctx.set.lookup(name) {
        Some(template) => format!("template: {}: not yet", template.name()),
        None => format!("template: no template {name:?}"),
    };
    Err(ExecError {
        message,
        source_name: name.to_owned(),
        template: name.to_owned(),
        span: crate::Span::default(),
        bound: None,
        cause: None,
    })
}
