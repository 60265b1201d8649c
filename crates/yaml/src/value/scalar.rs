//! Scalars to JSON values and to the keys of JSON objects.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Number, Value};

use super::read::error;
use crate::resolve::{Resolved, Schema, resolve};
use crate::{Error, ErrorKind, Limits, Node, Style};

/// The bytes of a binary, as far as JSON can hold them. Only line breaks may stand between its characters.
fn binary(node: &Node, text: &str) -> Result<String, Error> {
    let packed: String = text.chars().filter(|c| !matches!(c, '\n' | '\r')).collect();
    let bytes = STANDARD.decode(packed).map_err(|_| error(node, ErrorKind::NotJson("!!binary value is not base64")))?;
    Ok(go_text(&bytes))
}

/// Bytes as Go's JSON writes them: each byte that is no UTF-8 becomes a replacement character.
fn go_text(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        out.push_str(chunk.valid());
        out.extend(chunk.invalid().iter().map(|_| '\u{fffd}'));
    }
    out
}

/// A text that means `resolved` may carry `tag`.
fn fits(tag: &str, resolved: Resolved) -> bool {
    match resolved {
        Resolved::Null => tag == "!!null",
        Resolved::Bool(_) => tag == "!!bool",
        Resolved::Int(_) => matches!(tag, "!!int" | "!!float"),
        Resolved::Uint(_) => tag == "!!int",
        Resolved::Float(_) => tag == "!!float",
        Resolved::Timestamp => tag == "!!timestamp",
        Resolved::Str => false,
    }
}

/// What a scalar means by its tag, style and text.
fn meaning(node: &Node, text: &str, schema: Schema) -> Result<Resolved, Error> {
    match node.tag() {
        None if node.style.is_quoted() => Ok(Resolved::Str),
        None => Ok(resolve(text, schema)),
        Some("!") if schema != Schema::V2 && !node.style.is_quoted() => Ok(resolve(text, schema)),
        Some(tag @ ("!!int" | "!!float" | "!!bool" | "!!null" | "!!timestamp")) => {
            let resolved = match resolve(text, schema) {
                // Without its own tag nothing is looked at as a date.
                Resolved::Timestamp if tag != "!!timestamp" => Resolved::Str,
                other => other,
            };
            if !fits(tag, resolved) {
                return Err(error(node, ErrorKind::NotJson("the scalar cannot be decoded as its tag says")));
            }
            Ok(match resolved {
                Resolved::Int(n) if tag == "!!float" => Resolved::Float(n as f64),
                other => other,
            })
        }
        Some(_) => Ok(Resolved::Str),
    }
}

/// The value of a scalar; with `floats`, a whole float is a float.
pub(super) fn scalar_value(node: &Node, text: &str, schema: Schema, floats: bool) -> Result<Value, Error> {
    if node.tag() == Some("!!binary") {
        return Ok(Value::String(binary(node, text)?));
    }
    Ok(match meaning(node, text, schema)? {
        Resolved::Null => Value::Null,
        Resolved::Bool(b) => Value::Bool(b),
        Resolved::Int(n) => Value::Number(n.into()),
        Resolved::Uint(n) => Value::Number(n.into()),
        Resolved::Float(f) => float_value(f, floats).ok_or_else(|| not_finite(node))?,
        Resolved::Str if schema == Schema::Kyaml && node.style == Style::Folded => {
            Value::String(refolded(text).unwrap_or_else(|| text.to_owned()))
        }
        Resolved::Timestamp if schema != Schema::V2 => Value::String(crate::resolve::rfc3339(text)),
        Resolved::Timestamp | Resolved::Str => Value::String(text.to_owned()),
    })
}

/// A scalar as the key of a JSON object.
pub(super) fn key_text(node: &Node, text: &str, schema: Schema) -> Result<String, Error> {
    if schema != Schema::V2 {
        let is_text =
            crate::resolve::scalar_kind(node) == "str" && node.tag().is_none_or(|tag| tag == "!!str" || tag == "!");
        let key = || ErrorKind::NotJson("a key must be a string; quote it");
        return if is_text { Ok(text.to_owned()) } else { Err(error(node, key())) };
    }
    if node.tag() == Some("!!binary") {
        return binary(node, text);
    }
    Ok(match meaning(node, text, schema)? {
        Resolved::Str | Resolved::Timestamp => text.to_owned(),
        Resolved::Bool(b) => b.to_string(),
        Resolved::Int(n) => n.to_string(),
        Resolved::Float(f) => crate::print::float32_text(f),
        Resolved::Uint(_) => return Err(error(node, ErrorKind::NotJson("a number past 63 bits cannot be a key"))),
        Resolved::Null => return Err(error(node, ErrorKind::NotJson("null cannot be a key"))),
    })
}

/// A folded scalar's text once it was written by go-yaml v3 and read back.
fn refolded(text: &str) -> Option<String> {
    let mut folded = Node::scalar(text);
    folded.style = Style::Folded;
    let mut document = Node::mapping();
    document.set("text", folded);
    let read = crate::parse_one(&crate::emit(&document), &Limits::default()).ok()?;
    read.get_str("text").map(str::to_owned)
}

/// What plain text without a tag means to go-yaml v2, as JSON; none when JSON cannot hold it. With `floats`, a whole float is a
/// float.
pub(crate) fn plain_value(text: &str, floats: bool) -> Option<Value> {
    Some(match resolve(text, Schema::V2) {
        Resolved::Null => Value::Null,
        Resolved::Bool(b) => Value::Bool(b),
        Resolved::Int(n) => Value::Number(n.into()),
        Resolved::Uint(n) => Value::Number(n.into()),
        Resolved::Float(f) => float_value(f, floats)?,
        Resolved::Timestamp | Resolved::Str => Value::String(text.to_owned()),
    })
}

/// Go's JSON writes a whole float without a point, so it comes back as an integer where it fits. None for NaN and infinity.
fn float_value(float: f64, floats: bool) -> Option<Value> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if floats {
        return Number::from_f64(float).map(Value::Number);
    }
    if float.fract() == 0.0 && float.abs() < EXACT {
        return Some(Value::Number((float as i64).into()));
    }
    if float.fract() == 0.0 && float.abs() < 1e21 {
        // The digits are the shortest that give the float back, filled up with zeros.
        let text = crate::print::whole_text(float);
        if let Ok(n) = text.parse::<i64>() {
            return Some(Value::Number(n.into()));
        }
        if let Ok(n) = text.parse::<u64>() {
            return Some(Value::Number(n.into()));
        }
    }
    Number::from_f64(float).map(Value::Number)
}

fn not_finite(node: &Node) -> Error {
    error(node, ErrorKind::NotJson("NaN and infinity have no JSON form"))
}
