//! YAML as `sigs.k8s.io/yaml` v1.6 treats it, over plain values: what Helm's values, `fromYaml`, `toYaml` and `toYamlPretty`, and
//! Kubernetes' manifests go through.
//!
//! Reading goes by go-yaml v2's rules: `yes`, `on` and `y` are booleans, `0777` and `0o17` octal, `1_000` a number, timestamps
//! strings, keys made strings, merge keys carried out where they stand. Of a stream the first document is read, as Go does.
//! A number is held as Go's JSON holds it: `1e3` and `1.0` are the integers 1000 and 1, `1.5` a float. Code that wants
//! `float64` for every number (Helm does) converts after reading.

use std::fmt::Write;

use serde_json::{Map, Value};

use crate::parse::parse_first_v2;
use crate::{Data, EmitOptions, Error, ErrorKind, Limits, Node, Schema, SequenceIndent, print, quick, to_value_with};

/// Mappings and sequences in each other that are printed.
const DEPTH: usize = 500;
/// A key this long in bytes is no longer than 1,024 characters of JSON, whatever must be escaped in it.
const SHORT_KEY: usize = 160;

/// The value of the first document of `text`; [`Value::Null`] when there is none. Of a key given twice the last value counts.
///
/// # Errors
/// What is no YAML, passes a limit of [`Limits::default`], or has no form in JSON (NaN, null as a key).
pub fn from_str(text: &str) -> Result<Value, Error> {
    from_str_with(text, false, &Limits::default())
}

/// As [`from_str`], and a key given twice is refused.
///
/// # Errors
/// As [`from_str`], and [`crate::ErrorKind::DuplicateKey`].
pub fn from_str_strict(text: &str) -> Result<Value, Error> {
    from_str_with(text, true, &Limits::default())
}

/// As [`from_str`] or, when `strict`, [`from_str_strict`], within `limits`; their `duplicate_keys` does not count.
///
/// # Errors
/// As [`from_str`] and [`from_str_strict`].
pub fn from_str_with(text: &str, strict: bool, limits: &Limits) -> Result<Value, Error> {
    // Which key is given twice is for the reader of nodes to tell.
    let quick = if strict { None } else { quick::read(text, limits, false, None) };
    quick.map_or_else(|| from_nodes(text, strict, limits), Ok)
}

/// Reads whatever YAML there is.
pub(crate) fn from_nodes(text: &str, strict: bool, limits: &Limits) -> Result<Value, Error> {
    // What is a key given twice shows only in what the keys mean.
    let reading = Limits { duplicate_keys: true, ..*limits };
    let limits = Limits { duplicate_keys: !strict, ..*limits };
    match parse_first_v2(text, &reading)? {
        Some(node) => to_value_with(&node, Schema::V2, &limits),
        None => Ok(Value::Null),
    }
}

/// As [`from_str`], and a float is a float even if it is whole: `1e3` is 1000.0. So read what goes into Go structs whose fields
/// are texts: there the reader prints the float itself, as `1e+03`.
///
/// # Errors
/// As [`from_str`]; NaN and infinity are refused.
pub fn from_str_floats(text: &str) -> Result<Value, Error> {
    let limits = Limits::default();
    quick::read(text, &limits, true, None).map_or_else(|| floats_from_nodes(text, limits), Ok)
}

/// As [`from_str_floats`], and of an outermost mapping only the entries whose key is wanted. The others are checked and not
/// kept, which is several times faster for whoever wants to know an object's name only.
///
/// # Errors
/// As [`from_str_floats`].
pub fn from_str_keeping(text: &str, wanted: fn(&str) -> bool) -> Result<Value, Error> {
    let limits = Limits::default();
    if let Some(value) = quick::read(text, &limits, true, Some(wanted)) {
        return Ok(value);
    }
    let mut value = floats_from_nodes(text, limits)?;
    if let Value::Object(map) = &mut value {
        map.retain(|key, _| wanted(key));
    }
    Ok(value)
}

fn floats_from_nodes(text: &str, limits: Limits) -> Result<Value, Error> {
    let limits = Limits { duplicate_keys: true, ..limits };
    match parse_first_v2(text, &limits)? {
        Some(node) => crate::value::to_value_with_floats(&node, &limits),
        None => Ok(Value::Null),
    }
}

/// The text of a float where a Go struct wants a text: in the precision of 32 bits, `20230101.0` as `2.02301e+07`.
#[must_use]
pub fn float_as_text(float: f64) -> String {
    print::float32_text(float)
}

/// The text `yaml.Marshal` prints for a value, ending in a line break: keys in natural order, sequences below their key
/// without indentation, lines folded past 80 columns, text of more than one line as a block. A float prints as Go's JSON
/// writes it and YAML reads it: `1000000.0` as `1000000`, `1e21` as `1e+21`.
///
/// # Errors
/// What Go refuses, since it writes JSON and reads it back as YAML: control characters from DEL to U+009F, keys past 1,024
/// characters; and a value nested more than 500 deep. (`toYaml` prints nothing then.)
pub fn to_string(value: &Value) -> Result<String, Error> {
    to_string_within(value, usize::MAX)
}

/// As [`to_string`], and what is longer than so many bytes is refused with [`ErrorKind::Limit`]: the lines of a text are
/// indented, so that it can become many times as long as the value is.
///
/// # Errors
/// As [`to_string`].
pub fn to_string_within(value: &Value, limit: usize) -> Result<String, Error> {
    let too_long = || Error::new(ErrorKind::Limit { what: "size", limit }, 0, 0);
    match survives(value, DEPTH)? {
        true => print::to_string_within(value, limit).ok_or_else(too_long),
        // What does not simply survive the way through JSON and back goes that way.
        false => {
            let limits = Limits { size: usize::MAX, depth: DEPTH, nodes: usize::MAX, ..Limits::default() };
            let value = from_str_with(&go_json(value), false, &limits)?;
            print::to_string_within(&value, limit).ok_or_else(too_long)
        }
    }
}

/// True when a value is the same once it was written as JSON and read as YAML.
fn survives(value: &Value, depth: usize) -> Result<bool, Error> {
    if depth == 0 {
        return Err(Error::new(ErrorKind::Limit { what: "depth", limit: DEPTH }, 0, 0));
    }
    // The characters that YAML does not take as they are; the check is coarse for the sake of speed.
    let plain = |text: &str| text.is_ascii() && !text.contains('\x7f') || text.chars().all(survives_quoted);
    Ok(match value {
        Value::String(text) => plain(text),
        Value::Array(items) => {
            let mut all = true;
            for item in items {
                all &= survives(item, depth - 1)?;
            }
            all
        }
        Value::Object(map) => {
            let mut all = true;
            for (key, value) in map {
                all &= key.len() <= SHORT_KEY && plain(key) && survives(value, depth - 1)?;
            }
            all
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => true,
    })
}

fn survives_quoted(char: char) -> bool {
    !matches!(char, '\x7f'..='\u{9f}' | '\u{fffe}' | '\u{ffff}')
}

/// The JSON text Go's encoder writes, as far as reading it goes.
fn go_json(value: &Value) -> String {
    let mut out = String::new();
    write_json(value, &mut out);
    out
}

fn write_json(value: &Value, out: &mut String) {
    match value {
        Value::String(text) => write_json_text(text, out),
        Value::Array(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write_json(item, out);
            }
            out.push(']');
        }
        Value::Object(map) => {
            out.push('{');
            for (index, (key, value)) in map.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write_json_text(key, out);
                out.push(':');
                write_json(value, out);
            }
            out.push('}');
        }
        Value::Number(number) => out.push_str(&crate::value::number_text(number)),
        Value::Null | Value::Bool(_) => out.push_str(&value.to_string()),
    }
}

fn write_json_text(text: &str, out: &mut String) {
    out.push('"');
    for char in text.chars() {
        match char {
            '"' | '\\' => out.extend(['\\', char]),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\x08' => out.push_str("\\b"),
            '\x0c' => out.push_str("\\f"),
            '\0'..' ' | '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                write!(out, "\\u{:04x}", u32::from(char)).expect("writing to a string does not fail");
            }
            _ => out.push(char),
        }
    }
    out.push('"');
}

/// The text Helm's `toYamlPretty` prints: go-yaml v3 at two columns, sequences indented below their key, nothing folded. A
/// float prints by its kind: `1000000.0` as `1e+06`, the integer `1000000` as it is.
#[must_use]
pub fn to_string_pretty(value: &Value) -> String {
    crate::emit_with(&pretty_node(value), EmitOptions { sequences: SequenceIndent::Wide })
}

/// As [`to_string_pretty`]; none when that would be longer than about so many bytes.
#[must_use]
pub fn to_string_pretty_within(value: &Value, limit: usize) -> Option<String> {
    (size(value, 2) <= limit).then(|| to_string_pretty(value))
}

/// About how many bytes a value takes in print, with the indentation of all its lines.
fn size(value: &Value, indent: usize) -> usize {
    let lines = |text: &str| text.bytes().filter(|byte| *byte == b'\n').count();
    match value {
        Value::String(text) => text.len().saturating_add(lines(text).saturating_mul(indent)),
        Value::Array(items) => {
            items.iter().fold(0, |sum, it| size(it, indent + 2).saturating_add(indent + 2).saturating_add(sum))
        }
        Value::Object(map) => map
            .iter()
            .fold(0, |sum, (key, it)| size(it, indent + 2).saturating_add(indent + key.len() + 2).saturating_add(sum)),
        Value::Null | Value::Bool(_) | Value::Number(_) => 4,
    }
}

fn pretty_node(value: &Value) -> Node {
    match value {
        Value::Number(number) => match number.as_f64() {
            Some(float) if number.is_f64() => Node::scalar(print::general_text(float)),
            _ => Node::scalar(number.to_string()),
        },
        Value::Array(items) => Node::new(Data::Sequence(items.iter().map(pretty_node).collect())),
        Value::Object(map) => pretty_mapping(map),
        Value::Null | Value::Bool(_) | Value::String(_) => crate::from_value(value),
    }
}

fn pretty_mapping(map: &Map<String, Value>) -> Node {
    let mut entries: Vec<(&String, &Value)> = map.iter().collect();
    print::sort_entries(&mut entries, print::key_order_v3);
    let node = |(key, value): (&String, &Value)| (crate::value::string_node(key), pretty_node(value));
    Node::new(Data::Mapping(entries.into_iter().map(node).collect()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_first_document_counts_and_the_last_of_two_keys() {
        assert_eq!(from_str("a: 1\na: 2\n---\nb: [\n").unwrap(), json!({"a": 2}));
        assert!(from_str_strict("a: 1\na: 2\n").is_err());
        assert_eq!(from_str("# nothing\n").unwrap(), Value::Null);
    }

    #[test]
    fn a_tab_below_a_comment_is_looked_at() {
        for refused in ["a: {}\n# c\n\t# d\nb: 1\n", "# c\n\t# d\na: 1\n", "# c\n\t\na: 1\n", "- a\n# c\n \t# d\n- b\n"]
        {
            let error = from_str(refused).unwrap_err().to_string();
            assert!(error.ends_with("found character that cannot start any token"), "{refused:?}: {error}");
        }
        for taken in ["a: [1,\n# c\n\t# d\n2]\n", "a: | # c\n  x\n# d\nb: 1\n"] {
            assert!(from_str(taken).is_ok(), "{taken:?}");
        }
    }

    #[test]
    fn floats_can_stay_floats() {
        let text = "a: 72445e2\nb: 1.0\nc: 5\nd: 1.5\n";
        assert_eq!(from_str(text).unwrap(), json!({"a": 7_244_500, "b": 1, "c": 5, "d": 1.5}));
        assert_eq!(from_str_floats(text).unwrap(), json!({"a": 7_244_500.0, "b": 1.0, "c": 5, "d": 1.5}));
        assert!(from_str_floats("a: .inf").is_err());
    }

    #[test]
    fn merge_keys_count_where_they_stand() {
        let text = "x: &x {a: 1, b: 1}\nm: {a: 2, <<: *x, b: 2}\nz: {<<: [{c: 1}, {c: 2}]}\n";
        let expected = json!({"x": {"a": 1, "b": 1}, "m": {"a": 1, "b": 2}, "z": {"c": 1}});
        assert_eq!(from_str(text).unwrap(), expected);
        assert!(from_str_strict(text).is_err());
    }

    #[test]
    fn keys_are_what_they_mean() {
        let text = "{1: a, 0x10: b, yes: c, 1e10: d, .inf: e, 2001-01-01: f, 1.0: g}";
        let expected = json!({"1": "g", "16": "b", "true": "c", "1e+10": "d", ".inf": "e", "2001-01-01": "f"});
        assert_eq!(from_str(text).unwrap(), expected);
        for refused in ["~: 1", "[a]: 1", "18446744073709551615: a", "a: .nan"] {
            assert!(from_str(refused).is_err(), "{refused}");
        }
    }

    #[test]
    fn pretty_indents_sequences() {
        let value = json!({"b": [1, {"c": "yes"}], "a": "x: y", "n": 1e6, "m": 1_000_000});
        assert_eq!(to_string_pretty(&value), "a: 'x: y'\nb:\n  - 1\n  - c: \"yes\"\nm: 1000000\n\"n\": 1e+06\n");
        assert_eq!(to_string(&value).unwrap(), "a: 'x: y'\nb:\n- 1\n- c: \"yes\"\nm: 1000000\n\"n\": 1000000\n");
    }

    #[test]
    fn what_json_and_yaml_do_not_agree_on_is_printed_as_go_prints_it() {
        assert!(to_string(&json!({"a": "\u{7f}"})).is_err());
        assert!(to_string(&json!({"k".repeat(1100): 1})).is_err());
        assert_eq!(to_string(&json!({"a": "x \u{85} y"})).unwrap(), "a: x y\n");
        assert_eq!(to_string(&json!({"k".repeat(200): 1})).unwrap(), format!("? {}\n: 1\n", "k".repeat(200)));
    }

    #[test]
    fn what_is_printed_is_bounded() {
        let lines = "x\n".repeat(1000);
        let deep = (0..100).fold(json!(lines), |value, _| json!({"k": value}));
        let length = to_string(&deep).unwrap().len();
        assert!(length > 200_000);
        assert_eq!(to_string_within(&deep, length).unwrap().len(), length);
        assert!(to_string_within(&deep, length - 1).is_err());
        assert!(to_string_pretty_within(&deep, 10_000).is_none());
        assert_eq!(to_string_pretty_within(&deep, 1 << 20), Some(to_string_pretty(&deep)));
        let many = json!(vec![lines; 1000]);
        assert!(to_string_within(&many, 1 << 20).is_err());
    }

    #[test]
    fn aliases_do_not_multiply_text() {
        let text = format!("a: &a {}\nb: [{}]\n", "x".repeat(1 << 20), "*a, ".repeat(100));
        assert!(from_str(&text).unwrap_err().to_string().contains("text of aliases"));
        let text = format!("a: &a {}\nb: [{}]\n", "x".repeat(1 << 20), "*a, ".repeat(10));
        assert_eq!(from_str(&text).unwrap()["b"].as_array().unwrap().len(), 10);
    }

    #[test]
    fn depth_is_bounded() {
        let deep = (0..600).fold(json!(1), |value, _| json!([value]));
        assert!(to_string(&deep).is_err());
    }
}
