//! Schemas that refer to themselves without getting anywhere: `{"$ref": "#"}`.
//!
//! A reference that leads back to where it started, through keywords that look at the same value, would be followed for
//! ever. One that goes through `properties` or `items` looks at a smaller value each time and is fine.

use std::collections::{HashMap, HashSet};

use serde_json::Value;

/// Keywords whose schemas look at the same value.
const SAME_VALUE: [&str; 4] = ["not", "if", "then", "else"];
const SAME_VALUE_LISTS: [&str; 3] = ["allOf", "anyOf", "oneOf"];
const SAME_VALUE_MAPS: [&str; 2] = ["dependentSchemas", "dependencies"];

const REFERENCES: [&str; 3] = ["$ref", "$dynamicRef", "$recursiveRef"];

/// The pointer of a schema on an endless path, if there is one.
pub(super) fn find(schema: &Value) -> Option<String> {
    if !refers(schema) {
        return None;
    }
    let mut all = Vec::new();
    walk(schema, String::new(), &mut all);
    let places: HashMap<&str, &Value> = all.iter().map(|(pointer, value)| (pointer.as_str(), *value)).collect();
    let anchors: HashMap<String, &str> = all
        .iter()
        .flat_map(|(pointer, value)| {
            ["$anchor", "$dynamicAnchor", "$id", "id"]
                .into_iter()
                .filter_map(|key| value.get(key)?.as_str())
                .map(|name| (name.trim_start_matches('#').to_owned(), pointer.as_str()))
        })
        .collect();
    let mut done = HashSet::new();
    all.iter().find_map(|(pointer, _)| endless(pointer, &places, &anchors, &mut done))
}

/// Whether there is any reference.
fn refers(value: &Value) -> bool {
    match value {
        Value::Object(map) => map.iter().any(|(key, inner)| REFERENCES.contains(&key.as_str()) || refers(inner)),
        Value::Array(items) => items.iter().any(refers),
        _ => false,
    }
}

/// Every object in the schema with its pointer. The depth is bounded by the parser.
fn walk<'a>(value: &'a Value, pointer: String, out: &mut Vec<(String, &'a Value)>) {
    match value {
        Value::Object(map) => {
            for (key, inner) in map {
                let key = key.replace('~', "~0").replace('/', "~1");
                walk(inner, format!("{pointer}/{key}"), out);
            }
            out.push((pointer, value));
        }
        Value::Array(items) => {
            for (at, inner) in items.iter().enumerate() {
                walk(inner, format!("{pointer}/{at}"), out);
            }
        }
        _ => {}
    }
}

/// Depth first over the schemas that look at the same value, without recursion.
fn endless(
    start: &str,
    places: &HashMap<&str, &Value>,
    anchors: &HashMap<String, &str>,
    done: &mut HashSet<String>,
) -> Option<String> {
    let mut path: Vec<(String, Vec<String>)> = Vec::new();
    let mut open = HashSet::new();
    let mut next = Some(start.to_owned());
    loop {
        if let Some(pointer) = next.take() {
            if open.contains(&pointer) {
                return Some(if pointer.is_empty() { "#".to_owned() } else { format!("#{pointer}") });
            }
            if !done.contains(&pointer)
                && let Some(schema) = places.get(pointer.as_str())
            {
                let below = same_value(&pointer, schema, anchors);
                open.insert(pointer.clone());
                path.push((pointer, below));
            }
        }
        let (pointer, below) = path.last_mut()?;
        match below.pop() {
            Some(it) => next = Some(it),
            None => {
                open.remove(pointer);
                done.insert(std::mem::take(pointer));
                path.pop();
            }
        }
    }
}

fn same_value(pointer: &str, schema: &Value, anchors: &HashMap<String, &str>) -> Vec<String> {
    let mut out = Vec::new();
    for key in REFERENCES {
        if let Some(target) = schema.get(key).and_then(Value::as_str) {
            out.extend(resolved(target, anchors));
        }
    }
    out.extend(SAME_VALUE.iter().filter(|key| schema.get(**key).is_some()).map(|key| format!("{pointer}/{key}")));
    for key in SAME_VALUE_LISTS {
        let count = schema.get(key).and_then(Value::as_array).map_or(0, Vec::len);
        out.extend((0..count).map(|at| format!("{pointer}/{key}/{at}")));
    }
    for key in SAME_VALUE_MAPS {
        for name in schema.get(key).and_then(Value::as_object).into_iter().flat_map(|it| it.keys()) {
            out.push(format!("{pointer}/{key}/{}", name.replace('~', "~0").replace('/', "~1")));
        }
    }
    out
}

/// Where a reference leads inside this schema. What stands before `#` names the schema itself or one inside it.
fn resolved(target: &str, anchors: &HashMap<String, &str>) -> Option<String> {
    let (document, fragment) = target.split_once('#').unwrap_or((target, ""));
    let named = |name: &str| name == document || name.strip_suffix(document).is_some_and(|it| it.ends_with('/'));
    let base = if document.is_empty() { "" } else { anchors.iter().find(|(name, _)| named(name))?.1 };
    match fragment {
        "" => Some(base.to_owned()),
        pointer if pointer.starts_with('/') => Some(format!("{base}{}", decoded(pointer))),
        name => anchors.get(name).map(|it| (*it).to_owned()),
    }
}

/// Percent signs of a fragment.
fn decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let hex = bytes.get(at + 1..at + 3).and_then(|it| std::str::from_utf8(it).ok());
        match hex.filter(|_| *byte == b'%').and_then(|it| u8::from_str_radix(it, 16).ok()) {
            Some(value) => {
                out.push(value);
                at += 3;
            }
            None => {
                out.push(*byte);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}
