//! Nodes to JSON values and back, as sigs.k8s.io/yaml converts: aliases and merge keys resolved, keys made strings.

mod read;
mod scalar;

use serde_json::{Number, Value};

use self::read::Reader;
pub(crate) use self::scalar::plain_value;
use crate::resolve::{Resolved, Schema, resolve};
use crate::{Data, Error, Limits, Node, Style, parse};

/// The JSON value of a document under [`Schema::V2`], what sigs.k8s.io/yaml makes of it.
///
/// # Errors
/// What JSON cannot hold (NaN, a mapping as a key), and aliases that expand past the limit.
pub fn to_value(node: &Node) -> Result<Value, Error> {
    to_value_with(node, Schema::V2, &Limits { duplicate_keys: true, ..Limits::default() })
}

/// The JSON value of a document under a schema and limits. Where a key given twice was accepted by the reader and the limits
/// accept it too, its last value counts.
///
/// # Errors
/// As [`to_value`].
pub fn to_value_with(node: &Node, schema: Schema, limits: &Limits) -> Result<Value, Error> {
    Reader::new(node, schema, limits).read()
}

/// As [`to_value_with`] under [`Schema::V2`], and a float is a float even if it is whole.
pub(crate) fn to_value_with_floats(node: &Node, limits: &Limits) -> Result<Value, Error> {
    Reader::new(node, Schema::V2, limits).keeping_floats().read()
}

/// Every document of a text as a JSON value.
///
/// # Errors
/// As [`parse`] and [`to_value`].
pub fn parse_values(text: &str) -> Result<Vec<Value>, Error> {
    parse(text, &Limits::default())?.iter().map(to_value).collect()
}

/// The single document of a text as a JSON value.
///
/// # Errors
/// As [`crate::parse_one`] and [`to_value`].
pub fn parse_value(text: &str) -> Result<Value, Error> {
    to_value(&crate::parse_one(text, &Limits::default())?)
}

/// A node holding a JSON value. Strings stand in quotes where their text could be read as something else.
#[must_use]
pub fn from_value(value: &Value) -> Node {
    match value {
        Value::Null => Node::null(),
        Value::Bool(b) => Node::scalar(if *b { "true" } else { "false" }),
        Value::Number(n) => Node::scalar(number_text(n)),
        Value::String(s) => string_node(s),
        Value::Array(items) => Node::new(Data::Sequence(items.iter().map(from_value).collect())),
        Value::Object(entries) => {
            Node::new(Data::Mapping(entries.iter().map(|(k, v)| (string_node(k), from_value(v))).collect()))
        }
    }
}

pub(crate) fn string_node(text: &str) -> Node {
    let mut node = Node::scalar(text);
    if resolve(text, Schema::V2) != Resolved::Str || crate::resolve::is_base60(text) {
        node.style = if text.contains('\n') { Style::Literal } else { Style::DoubleQuoted };
    } else if text == "<<" {
        node.set_tag(Some("!!str"));
    }
    node
}

pub(crate) fn number_text(number: &Number) -> String {
    match number.as_f64() {
        Some(float) if number.is_f64() => crate::print::float_text(float),
        _ => number.to_string(),
    }
}
