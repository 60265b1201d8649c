//! Objects as JSON, YAML or names.

use std::io::IsTerminal;

use serde_json::{Value, json};

use crate::{object, text};

/// How to print objects.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// Aligned columns
    #[default]
    Table,
    /// More columns, nothing wrapped
    Wide,
    /// The objects as JSON
    Json,
    /// The objects as YAML
    Yaml,
    /// One `kind.group/name` per line
    Name,
}

/// A subset of formats for what is not a list of objects.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum DocumentFormat {
    /// For people
    #[default]
    Text,
    /// As JSON
    Json,
    /// As YAML
    Yaml,
}

/// Objects as one document: a single object as it is, several as a list.
pub fn document(objects: &[Value], single: bool) -> Value {
    match objects {
        [object] if single => object.clone(),
        _ => json!({ "apiVersion": "v1", "items": objects, "kind": "List", "metadata": { "resourceVersion": "" } }),
    }
}

/// Names, a line each.
pub fn names(objects: &[Value]) -> String {
    objects.iter().map(|object| format!("{}\n", text::clean(&object::resource_name(object)))).collect()
}

/// JSON as kubectl prints it. On a terminal, characters that could harm it are escaped.
pub fn to_json(value: &Value) -> String {
    to_json_for(value, std::io::stdout().is_terminal())
}

fn to_json_for(value: &Value, terminal: bool) -> String {
    let mut out = String::new();
    pretty(&mut out, value, 0);
    out.push('\n');
    if terminal { text::escape_json(&out) } else { out }
}

/// Indented by four, keys in the order given.
fn pretty(out: &mut String, value: &Value, depth: usize) {
    let line = |out: &mut String, depth: usize| {
        out.push('\n');
        out.extend(std::iter::repeat_n("    ", depth));
    };
    match value {
        Value::Object(map) if !map.is_empty() => {
            out.push('{');
            for (position, (key, value)) in map.iter().enumerate() {
                if position > 0 {
                    out.push(',');
                }
                line(out, depth + 1);
                out.push_str(&Value::from(key.as_str()).to_string());
                out.push_str(": ");
                pretty(out, value, depth + 1);
            }
            line(out, depth);
            out.push('}');
        }
        Value::Array(items) if !items.is_empty() => {
            out.push('[');
            for (position, value) in items.iter().enumerate() {
                if position > 0 {
                    out.push(',');
                }
                line(out, depth + 1);
                pretty(out, value, depth + 1);
            }
            line(out, depth);
            out.push(']');
        }
        other => out.push_str(&other.to_string()),
    }
}

/// YAML as kubectl prints it. On a terminal, characters that could harm it are left out; elsewhere it is exact.
pub fn to_yaml(value: &Value) -> String {
    to_yaml_for(value, std::io::stdout().is_terminal())
}

fn to_yaml_for(value: &Value, terminal: bool) -> String {
    let text = weir_yaml::to_string(value);
    if terminal { text::clean_lines(&text) } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_looks_like_kubectls() {
        let value = json!({ "a": [1, "x\u{9b}"], "b": {}, "c": [] });
        assert_eq!(
            to_json_for(&value, false),
            "{\n    \"a\": [\n        1,\n        \"x\u{9b}\"\n    ],\n    \"b\": {},\n    \"c\": []\n}\n"
        );
        assert!(to_json_for(&value, true).contains("x\\u009b"));
    }

    #[test]
    fn yaml_is_exact_where_nobody_reads_it_from_a_screen() {
        let value = json!({ "a": "x\u{202e}y\u{200b}z", "b": "\u{1b}[2J" });
        let read: Value = weir_yaml::parse_value(&to_yaml_for(&value, false)).unwrap();
        assert_eq!(read, value);
        assert!(!to_yaml_for(&value, true).contains(['\u{202e}', '\u{200b}', '\u{1b}']));
    }

    #[test]
    fn one_object_by_name_is_no_list() {
        let object = json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "a" } });
        assert_eq!(document(std::slice::from_ref(&object), true), object);
        assert_eq!(document(std::slice::from_ref(&object), false)["kind"], "List");
        assert_eq!(names(&[object]), "configmap/a\n");
    }
}
