//! Values held against `values.schema.json`.
//!
//! References inside the schema are followed; those to files and the network are not, whatever they name. Patterns are
//! matched in linear time.

mod cycles;
mod wording;

use std::fmt::Write as _;

use jsonschema::{PatternOptions, Retrieve, Uri};
use serde_json::Value;

use crate::{chart::Chart, values::Table};

/// Charts whose schemas the values do not meet, and how.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("values don't meet the specifications of the schema(s) in the following chart(s):\n{0}")]
pub struct SchemaErrors(pub String);

/// Holds the values of a chart and its dependencies against their schemas.
///
/// # Errors
/// When a schema is broken, refers to files or the network, or is not met.
pub fn validate(chart: &Chart, values: &Table) -> Result<(), SchemaErrors> {
    let mut out = String::new();
    collect(chart, values, &mut out);
    if out.is_empty() { Ok(()) } else { Err(SchemaErrors(out)) }
}

fn collect(chart: &Chart, values: &Table, out: &mut String) {
    if let Some(schema) = &chart.schema
        && let Err(text) = single(schema, values)
    {
        let _ = write!(out, "{}:\n{text}", chart.name());
    }
    for sub in &chart.dependencies {
        match values.get(sub.name()) {
            None | Some(Value::Null) => {}
            Some(Value::Object(below)) => collect(sub, below, out),
            Some(other) => {
                let found = crate::decode::type_word(other);
                let _ = writeln!(out, "{}:\ninvalid type for values: expected object (map), got {found}", sub.name());
            }
        }
    }
}

/// What is wrong with values under one schema, as Helm words it.
fn single(schema: &[u8], values: &Table) -> Result<(), String> {
    let schema: Value = serde_json::from_slice(schema).map_err(|error| error.to_string())?;
    if let Some(place) = cycles::find(&schema) {
        return Err(format!("schema refers to itself without end at {place}\n"));
    }
    let validator = jsonschema::options()
        .with_retriever(Nothing)
        .with_pattern_options(PatternOptions::regex())
        .build(&schema)
        .map_err(|error| format!("{}\n", wording::broken(&error)))?;
    let instance = Value::Object(whole_numbers(values));
    let found: Vec<_> = validator.iter_errors(&instance).collect();
    if found.is_empty() { Ok(()) } else { Err(wording::text(&found)) }
}

/// Numbers without fraction as integers: every draft then takes `1.0` for an integer, as Helm's library does.
fn whole_numbers(table: &Table) -> Table {
    fn whole(value: &Value) -> Value {
        match value {
            Value::Number(number) => match number.as_f64() {
                Some(float) if number.is_f64() && float.fract() == 0.0 && float.abs() < 9e15 => {
                    Value::from(float as i64)
                }
                _ => value.clone(),
            },
            Value::Array(items) => Value::Array(items.iter().map(whole).collect()),
            Value::Object(table) => Value::Object(whole_numbers(table)),
            other => other.clone(),
        }
    }
    table.iter().map(|(key, value)| (key.clone(), whole(value))).collect()
}

/// Follows no reference: no file, no network. A `urn:` stands for anything, as in Helm.
struct Nothing;

impl Retrieve for Nothing {
    fn retrieve(&self, uri: &Uri<String>) -> Result<Value, Box<dyn std::error::Error + Send + Sync>> {
        if uri.scheme().as_str().eq_ignore_ascii_case("urn") {
            return Ok(Value::Bool(true));
        }
        Err(format!("{uri}: references to files and the network are not followed").into())
    }
}

#[cfg(test)]
mod tests;
