//! Schemas that refer to themselves without getting anywhere: `{"$ref": "#"}`.
//!
//! A reference that leads back to where it started, through keywords that look at the same value, would be followed for
//! ever. One that goes through `properties` or `items` looks at a smaller value each time and is fine.

use std::{
    borrow::Cow,
    collections::{HashMap, HashSet},
    fmt::Write as _,
};

use serde_json::Value;

/// Keywords whose schemas look at the same value.
const SAME_VALUE: [&str; 4] = ["not", "if", "then", "else"];
const SAME_VALUE_LISTS: [&str; 3] = ["allOf", "anyOf", "oneOf"];
const SAME_VALUE_MAPS: [&str; 2] = ["dependentSchemas", "dependencies"];

const REFERENCES: [&str; 3] = ["$ref", "$dynamicRef", "$recursiveRef"];

/// The pointer of a schema on an endless path, if there is one.
pub(super) fn find(schema: &Value) -> Option<String> {
    // A way that leads back leads through a reference.
    let mut found = Found::default();
    walk(schema, &mut String::new(), &mut found);
    let mut done = HashSet::new();
    let Found { references, anchors } = found;
    references.iter().find_map(|pointer| endless(pointer, schema, &anchors, &mut done))
}

/// What a schema holds that references are about.
#[derive(Default)]
struct Found {
    /// Pointers of schemas with references.
    references: Vec<String>,
    /// Names of schemas, with their pointers.
    anchors: HashMap<String, String>,
}

/// The depth is bounded by the parser.
fn walk(value: &Value, pointer: &mut String, found: &mut Found) {
    let here = pointer.len();
    match value {
        Value::Object(map) => {
            for (key, inner) in map {
                match inner {
                    Value::Object(_) | Value::Array(_) => {
                        pointer.push('/');
                        pointer.push_str(&escaped(key));
                        walk(inner, pointer, found);
                        pointer.truncate(here);
                    }
                    Value::String(name) if ["$anchor", "$dynamicAnchor", "$id", "id"].contains(&key.as_str()) => {
                        found.anchors.insert(name.trim_start_matches('#').to_owned(), pointer.clone());
                    }
                    Value::String(_) if REFERENCES.contains(&key.as_str()) => found.references.push(pointer.clone()),
                    _ => {}
                }
            }
        }
        Value::Array(items) => {
            for (at, inner) in items.iter().enumerate() {
                // Writing to a string cannot fail.
                let _ = write!(pointer, "/{at}");
                walk(inner, pointer, found);
                pointer.truncate(here);
            }
        }
        _ => {}
    }
}

/// A key in a pointer.
fn escaped(key: &str) -> Cow<'_, str> {
    if key.contains(['~', '/']) { key.replace('~', "~0").replace('/', "~1").into() } else { key.into() }
}

/// Depth first over the schemas that look at the same value, without recursion.
fn endless(start: &str, root: &Value, anchors: &HashMap<String, String>, done: &mut HashSet<String>) -> Option<String> {
    let mut path: Vec<(String, Vec<String>)> = Vec::new();
    let mut open = HashSet::new();
    let mut next = Some(start.to_owned());
    loop {
        if let Some(pointer) = next.take() {
            if open.contains(&pointer) {
                return Some(if pointer.is_empty() { "#".to_owned() } else { format!("#{pointer}") });
            }
            if !done.contains(&pointer)
                && let Some(schema) = root.pointer(&pointer)
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

fn same_value(pointer: &str, schema: &Value, anchors: &HashMap<String, String>) -> Vec<String> {
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
            out.push(format!("{pointer}/{key}/{}", escaped(name)));
        }
    }
    out
}

/// Where a reference leads inside this schema. What stands before `#` names the schema itself or one inside it.
fn resolved(target: &str, anchors: &HashMap<String, String>) -> Option<String> {
    let (document, fragment) = target.split_once('#').unwrap_or((target, ""));
    let named = |name: &str| name == document || name.strip_suffix(document).is_some_and(|it| it.ends_with('/'));
    let base = if document.is_empty() { "" } else { anchors.iter().find(|(name, _)| named(name))?.1 };
    match fragment {
        "" => Some(base.to_owned()),
        pointer if pointer.starts_with('/') => Some(format!("{base}{}", decoded(pointer))),
        name => anchors.get(name).cloned(),
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
