//! YAML as `sigs.k8s.io/yaml` v1.6 treats it, over plain values: what Helm's values, `fromYaml`, `toYaml` and `toYamlPretty`, and
//! Kubernetes' manifests go through.
//!
//! Reading goes by go-yaml v2's rules: `yes`, `on` and `y` are booleans, `0777` and `0o17` octal, `1_000` a number, timestamps
//! strings, keys made strings, merge keys carried out where they stand. Of a stream the first document is read, as Go does.
//! A number is held as Go's JSON holds it: `1e3` and `1.0` are the integers 1000 and 1, `1.5` a float. Code that wants
//! `float64` for every number (Helm does) converts after reading.

use serde_json::Value;

use crate::{Error, Limits, Node, Schema, parse, print, to_value_with};

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
    let limits = Limits { duplicate_keys: !strict, ..*limits };
    match parse(text, &limits)?.first() {
        Some(node) => to_value_with(node, Schema::V2, &limits),
        None => Ok(Value::Null),
    }
}

/// The text `yaml.Marshal` prints for a value, ending in a line break: keys in natural order, sequences below their key
/// without indentation, lines folded past 80 columns, text of more than one line as a block. A float prints as Go's JSON
/// writes it: 1e6 as `1e+06`, or as an integer when it is whole and fits 64 bits.
///
/// # Errors
/// What Go refuses, since it writes JSON and reads it back as YAML: control characters from DEL to U+009F, keys past 1,024
/// characters, and a value nested too deeply. (`toYaml` prints nothing then.)
pub fn to_string(value: &Value) -> Result<String, Error> {
    Ok(print::to_string(value))
}

/// The text Helm's `toYamlPretty` prints: go-yaml v3 at two columns, sequences indented below their key, nothing folded. A
/// float prints by its kind: `1000000.0` as `1e+06`, the integer `1000000` as it is.
#[must_use]
pub fn to_string_pretty(value: &Value) -> String {
    let options = crate::EmitOptions { sequences: crate::SequenceIndent::Wide };
    let mut node: Node = crate::from_value(value);
    sort(&mut node);
    crate::emit_with(&node, options)
}

fn sort(node: &mut Node) {
    match &mut node.data {
        crate::Data::Mapping(entries) => {
            entries.sort_by(|(a, _), (b, _)| {
                print::key_order(a.as_str().unwrap_or_default(), b.as_str().unwrap_or_default())
            });
            entries.iter_mut().for_each(|(_, value)| sort(value));
        }
        crate::Data::Sequence(items) => items.iter_mut().for_each(sort),
        crate::Data::Scalar(_) | crate::Data::Alias(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_first_document_counts_and_the_last_of_two_keys() {
        assert_eq!(from_str("a: 1\na: 2\n---\nb: 1\n").unwrap(), json!({"a": 2}));
        assert!(from_str_strict("a: 1\na: 2\n").is_err());
        assert_eq!(from_str("# nothing\n").unwrap(), Value::Null);
    }

    #[test]
    fn pretty_indents_sequences() {
        let value = json!({"b": [1, {"c": "yes"}], "a": "x: y"});
        assert_eq!(to_string_pretty(&value), "a: 'x: y'\nb:\n  - 1\n  - c: \"yes\"\n");
        assert_eq!(to_string(&value).unwrap(), "a: 'x: y'\nb:\n- 1\n- c: \"yes\"\n");
    }
}
