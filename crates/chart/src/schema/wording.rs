//! Errors in the words of Helm's library.

use jsonschema::{
    ValidationError,
    error::{TypeKind, ValidationErrorKind as Kind},
};
use serde_json::Value;

/// What is wrong with the schema itself.
pub(super) fn broken(error: &ValidationError<'_>) -> String {
    format!("values.schema.json: {error}")
}

/// A line per error: `- at '/a/b': got string, want number`.
pub(super) fn text(errors: &[ValidationError<'_>]) -> String {
    let mut out = String::new();
    for error in errors {
        lines(error, 0, &mut out);
    }
    out.push('\n');
    out
}

fn lines(error: &ValidationError<'_>, depth: usize, out: &mut String) {
    if !out.is_empty() {
        out.push('\n');
    }
    out.push_str(&"  ".repeat(depth));
    let place = error.instance_path().as_str();
    out.push_str(&format!("- at '{place}': {}", message(error)));
    if let Kind::AnyOf { context } | Kind::OneOfNotValid { context } = error.kind() {
        for inner in context.iter().flatten() {
            lines(inner, depth + 1, out);
        }
    }
}

fn message(error: &ValidationError<'_>) -> String {
    let found = error.instance();
    let quoted = |names: &[String]| names.iter().map(|it| format!("'{it}'")).collect::<Vec<_>>().join(", ");
    match error.kind() {
        Kind::Type { kind } => {
            let wanted = match kind {
                TypeKind::Single(it) => it.to_string(),
                TypeKind::Multiple(many) => many.iter().map(|it| it.to_string()).collect::<Vec<_>>().join(" or "),
            };
            format!("got {}, want {wanted}", type_of(found))
        }
        Kind::Required { property } => {
            format!("missing property '{}'", property.as_str().unwrap_or_default())
        }
        Kind::AdditionalProperties { unexpected } => {
            format!("additional properties {} not allowed", quoted(unexpected))
        }
        Kind::Enum { options } => {
            let options = options.as_array().map(Vec::as_slice).unwrap_or_default();
            let shown: Vec<String> = options.iter().map(plain).collect();
            match shown.as_slice() {
                [only] => format!("value must be {only}"),
                many => format!("value must be one of {}", many.join(", ")),
            }
        }
        Kind::Constant { expected_value } => format!("value must be {}", plain(expected_value)),
        Kind::Pattern { pattern } => {
            format!("'{}' does not match pattern '{pattern}'", found.as_str().unwrap_or_default())
        }
        Kind::Minimum { limit } => format!("minimum: got {found}, want {limit}"),
        Kind::Maximum { limit } => format!("maximum: got {found}, want {limit}"),
        Kind::ExclusiveMinimum { limit } => format!("exclusiveMinimum: got {found}, want {limit}"),
        Kind::ExclusiveMaximum { limit } => format!("exclusiveMaximum: got {found}, want {limit}"),
        Kind::MinLength { limit } => format!("minLength: got {}, want {limit}", length(found)),
        Kind::MaxLength { limit } => format!("maxLength: got {}, want {limit}", length(found)),
        Kind::MinItems { limit } => format!("minItems: got {}, want {limit}", length(found)),
        Kind::MaxItems { limit } => format!("maxItems: got {}, want {limit}", length(found)),
        Kind::MinProperties { limit } => format!("minProperties: got {}, want {limit}", length(found)),
        Kind::MaxProperties { limit } => format!("maxProperties: got {}, want {limit}", length(found)),
        Kind::Format { format } => format!("'{}' is not valid {format}", found.as_str().unwrap_or_default()),
        Kind::AnyOf { .. } => "'anyOf' failed".to_owned(),
        Kind::OneOfNotValid { .. } => "'oneOf' failed, none matched".to_owned(),
        Kind::OneOfMultipleValid { .. } => "'oneOf' failed, more than one matched".to_owned(),
        Kind::Not { .. } => "'not' failed".to_owned(),
        Kind::FalseSchema => "false schema".to_owned(),
        Kind::UniqueItems => "items must be unique".to_owned(),
        Kind::MultipleOf { multiple_of } => format!("multipleOf: got {found}, want {multiple_of}"),
        // Others are rare; the crate's words name the rule, and the value is not repeated.
        other => format!("'{}' failed", other.keyword()),
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => format!("'{text}'"),
        other => other.to_string(),
    }
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Bool(_) => "boolean",
        other => crate::decode::type_word(other),
    }
}

fn length(value: &Value) -> usize {
    match value {
        Value::String(text) => text.chars().count(),
        Value::Array(items) => items.len(),
        Value::Object(table) => table.len(),
        _ => 0,
    }
}
