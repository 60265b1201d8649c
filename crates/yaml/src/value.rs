//! Nodes to JSON values and back, as sigs.k8s.io/yaml converts: aliases and merge keys resolved, keys made strings.

use std::collections::HashMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Number, Value};

use crate::resolve::{Resolved, Schema, resolve};
use crate::{Data, Error, ErrorKind, Limits, Node, Style, parse};

/// The JSON value of a document under [`Schema::V2`], what sigs.k8s.io/yaml makes of it.
///
/// # Errors
/// What JSON cannot hold (NaN, a mapping as a key), and aliases that expand past the limit.
pub fn to_value(node: &Node) -> Result<Value, Error> {
    to_value_with(node, Schema::V2, &Limits::default())
}

/// The JSON value of a document under a schema and limits.
///
/// # Errors
/// As [`to_value`].
pub fn to_value_with(node: &Node, schema: Schema, limits: &Limits) -> Result<Value, Error> {
    let mut reader =
        Reader { schema, limits: *limits, anchors: HashMap::new(), expanded: 0, aliases: 0, depth: 0, flow: 0 };
    reader.value(node)
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

fn string_node(text: &str) -> Node {
    let mut node = Node::scalar(text);
    if resolve(text, Schema::V2) != Resolved::Str || crate::resolve::is_base60(text) {
        node.style = Style::DoubleQuoted;
    }
    node
}

pub(crate) fn number_text(number: &Number) -> String {
    match number.as_f64() {
        Some(float) if number.is_f64() => crate::print::float_text(float),
        _ => number.to_string(),
    }
}

struct Reader<'a> {
    schema: Schema,
    limits: Limits,
    anchors: HashMap<&'a str, &'a Node>,
    expanded: usize,
    aliases: usize,
    depth: usize,
    /// Flow collections around the node.
    flow: usize,
}

impl<'a> Reader<'a> {
    fn value(&mut self, node: &'a Node) -> Result<Value, Error> {
        if self.aliases > 0 {
            self.expanded += 1;
            if self.expanded > self.limits.expansion {
                return Err(error(node, ErrorKind::Limit { what: "alias expansion", limit: self.limits.expansion }));
            }
        }
        self.depth += 1;
        if self.depth > self.limits.depth {
            return Err(error(node, ErrorKind::Limit { what: "depth", limit: self.limits.depth }));
        }
        let flow = usize::from(node.style == Style::Flow);
        self.flow += flow;
        let value = self.data(node);
        self.flow -= flow;
        self.depth -= 1;
        value
    }

    fn data(&mut self, node: &'a Node) -> Result<Value, Error> {
        if let Some(anchor) = node.anchor() {
            self.anchors.insert(anchor, node);
        }
        match &node.data {
            // Inside of a flow collection kyaml writes an empty value as an empty string.
            Data::Scalar(text) if text.is_empty() && self.flow > 0 && self.schema == Schema::Kyaml => {
                Ok(Value::String(String::new()))
            }
            Data::Scalar(text) => scalar_value(node, text, self.schema),
            Data::Sequence(items) => {
                let mut array = Vec::with_capacity(items.len());
                for item in items {
                    array.push(self.value(item)?);
                }
                Ok(Value::Array(array))
            }
            Data::Mapping(entries) => {
                let mut map = Map::new();
                self.mapping(node, entries, &mut map)?;
                Ok(Value::Object(map))
            }
            Data::Alias(name) => {
                let target = self.target(node, name)?;
                self.aliases += 1;
                let value = self.value(target);
                self.aliases -= 1;
                value
            }
        }
    }

    fn target(&self, node: &Node, name: &str) -> Result<&'a Node, Error> {
        let unknown = || error(node, ErrorKind::UnknownAnchor(name.to_owned()));
        self.anchors.get(name).copied().ok_or_else(unknown)
    }

    fn mapping(
        &mut self,
        node: &'a Node,
        entries: &'a [(Node, Node)],
        map: &mut Map<String, Value>,
    ) -> Result<(), Error> {
        let mut merges = Vec::new();
        for (key, value) in entries {
            if is_merge(key) {
                merges.push(value);
                // Its anchors count from here on.
                continue;
            }
            if let Some(anchor) = key.anchor() {
                self.anchors.insert(anchor, key);
            }
            let name = self.key(key)?;
            let value = self.value(value)?;
            map.insert(name, value);
        }
        for merge in merges {
            self.merge(node, merge, map)?;
        }
        Ok(())
    }

    fn key(&self, key: &'a Node) -> Result<String, Error> {
        let key = match &key.data {
            Data::Alias(name) => self.target(key, name)?,
            _ => key,
        };
        let kind = crate::resolve::scalar_kind(key);
        let is_text = kind == "str" || (kind == "timestamp" && self.schema != Schema::Kyaml);
        if self.schema != Schema::V2 && !is_text {
            return Err(error(key, ErrorKind::NotJson("a key must be a string; quote it")));
        }
        let Some(text) = key.as_str() else {
            return Err(error(key, ErrorKind::NotJson("a mapping or sequence cannot be a key")));
        };
        Ok(match scalar_value(key, text, self.schema)? {
            Value::String(text) => text,
            Value::Number(n) => match n.as_f64() {
                // Go prints a float key with the digits of 32 bits.
                Some(float) if n.is_f64() => crate::print::float32_text(float),
                _ => n.to_string(),
            },
            Value::Bool(b) => b.to_string(),
            _ => return Err(error(key, ErrorKind::NotJson("null cannot be a key"))),
        })
    }

    /// What stands behind `<<`: keys that are not given are taken from there, the first mapping first.
    fn merge(&mut self, node: &'a Node, merge: &'a Node, map: &mut Map<String, Value>) -> Result<(), Error> {
        let refused = || error(merge, ErrorKind::NotJson("map merge requires map or sequence of maps as the value"));
        if self.depth > self.limits.depth {
            return Err(error(node, ErrorKind::Limit { what: "depth", limit: self.limits.depth }));
        }
        let target = match &merge.data {
            Data::Alias(name) => self.target(merge, name)?,
            _ => merge,
        };
        match &target.data {
            Data::Mapping(_) => {
                self.aliases += 1;
                let merged = self.value(target);
                self.aliases -= 1;
                if let Value::Object(merged) = merged? {
                    for (key, value) in merged {
                        map.entry(key).or_insert(value);
                    }
                }
                Ok(())
            }
            Data::Sequence(items) if !matches!(merge.data, Data::Alias(_)) => {
                for item in items {
                    if matches!(item.data, Data::Sequence(_) | Data::Scalar(_)) {
                        return Err(refused());
                    }
                    self.merge(node, item, map)?;
                }
                Ok(())
            }
            _ => Err(refused()),
        }
    }
}

fn is_merge(key: &Node) -> bool {
    key.as_str() == Some("<<") && (key.style == Style::Plain && key.tag().is_none() || key.tag() == Some("!!merge"))
}

fn error(node: &Node, kind: ErrorKind) -> Error {
    Error::new(kind, node.position.line, node.position.column)
}

/// The bytes of a binary, as far as JSON can hold them.
fn binary(node: &Node, text: &str) -> Result<Value, Error> {
    let packed: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    let bytes = STANDARD.decode(packed).map_err(|_| error(node, ErrorKind::NotJson("!!binary value is not base64")))?;
    Ok(Value::String(String::from_utf8_lossy(&bytes).into_owned()))
}

/// A text that means `resolved` may carry `tag`.
fn fits(tag: &str, resolved: Resolved) -> bool {
    match resolved {
        Resolved::Null => tag == "!!null",
        Resolved::Bool(_) => tag == "!!bool",
        Resolved::Int(_) | Resolved::Uint(_) => matches!(tag, "!!int" | "!!float"),
        Resolved::Float(_) => tag == "!!float",
        Resolved::Timestamp => tag == "!!timestamp",
        Resolved::Str => false,
    }
}

fn scalar_value(node: &Node, text: &str, schema: Schema) -> Result<Value, Error> {
    let resolved = match node.tag() {
        None if node.style.is_quoted() => Resolved::Str,
        None => resolve(text, schema),
        Some("!!binary") => return binary(node, text),
        Some("!!str") => Resolved::Str,
        Some(tag @ ("!!int" | "!!float" | "!!bool" | "!!null" | "!!timestamp")) => {
            let resolved = resolve(text, schema);
            if !fits(tag, resolved) {
                return Err(error(node, ErrorKind::NotJson("the scalar cannot be decoded as its tag says")));
            }
            resolved
        }
        Some(_) => Resolved::Str,
    };
    Ok(match resolved {
        Resolved::Null => Value::Null,
        Resolved::Bool(b) => Value::Bool(b),
        Resolved::Int(n) if node.tag() == Some("!!float") => float_value(node, n as f64)?,
        Resolved::Int(n) => Value::Number(n.into()),
        Resolved::Uint(n) => Value::Number(n.into()),
        Resolved::Float(f) => float_value(node, f)?,
        Resolved::Str if schema == Schema::Kyaml && node.style == Style::Folded => {
            Value::String(refolded(text).unwrap_or_else(|| text.to_owned()))
        }
        Resolved::Timestamp if schema != Schema::V2 => Value::String(crate::resolve::rfc3339(text)),
        Resolved::Timestamp | Resolved::Str => Value::String(text.to_owned()),
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

/// Go's JSON writes a whole float without a point, so it comes back as an integer where it fits.
fn float_value(node: &Node, float: f64) -> Result<Value, Error> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if float.fract() == 0.0 && float.abs() < EXACT {
        return Ok(Value::Number((float as i64).into()));
    }
    if float.fract() == 0.0 && float.abs() < 1e21 {
        let text = format!("{float:.0}");
        if let Ok(n) = text.parse::<i64>() {
            return Ok(Value::Number(n.into()));
        }
        if let Ok(n) = text.parse::<u64>() {
            return Ok(Value::Number(n.into()));
        }
    }
    let refused = || error(node, ErrorKind::NotJson("NaN and infinity have no JSON form"));
    Number::from_f64(float).map(Value::Number).ok_or_else(refused)
}
