//! Values: YAML files, merged over one another, and tables in them.
//!
//! Numbers from YAML are floats, as Helm's decoder makes them; only `--set` makes integers. Both print alike in YAML, and
//! templates can tell them apart (`kindOf`, `printf "%d"`).

pub mod coalesce;

use serde_json::{Map, Number, Value};

use crate::decode::{DecodeError, mapping};

/// A table of values.
pub type Table = Map<String, Value>;

/// Why values cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ValuesError {
    /// A document is not YAML, or not a mapping.
    #[error("cannot unmarshal yaml document: {0}")]
    Decode(DecodeError),
    /// A line that cuts documents says more than that.
    #[error("error reading yaml document: invalid Yaml document separator: {0}")]
    Separator(String),
    /// Values of a subchart are no table.
    #[error("type mismatch on {0}: not a table")]
    NotATable(String),
}

/// The values of a text. Helm 4 merges the documents of a stream, the later over the earlier.
///
/// # Errors
/// When a document is not YAML or not a mapping.
pub fn read(text: &str) -> Result<Table, ValuesError> {
    let mut out = Table::new();
    for document in documents(text)? {
        let table = mapping(document, "map[string]interface {}").map_err(ValuesError::Decode)?;
        merge_maps(&mut out, floats(table));
    }
    Ok(out)
}

/// The values of the first document of a text, which is all that Helm 3 reads.
///
/// # Errors
/// As [`read`].
pub fn read_first(text: &str) -> Result<Table, ValuesError> {
    mapping(text, "map[string]interface {}").map(floats).map_err(ValuesError::Decode)
}

/// The documents of a stream, as Kubernetes' YAML reader cuts it: at lines that start with `---`, where nothing but a comment
/// may follow.
fn documents(text: &str) -> Result<Vec<&str>, ValuesError> {
    let mut out = Vec::new();
    let (mut start, mut at) = (0, 0);
    for line in text.split_inclusive('\n') {
        let next = at + line.len();
        if let Some(rest) = line.strip_prefix("---").map(str::trim) {
            if !rest.is_empty() && !rest.starts_with('#') {
                return Err(ValuesError::Separator(rest.to_owned()));
            }
            out.extend(text.get(start..at).filter(|it| !it.is_empty()));
            start = next;
        }
        at = next;
    }
    out.extend(text.get(start..).filter(|it| !it.is_empty()));
    Ok(out)
}

fn floats(table: Table) -> Table {
    table.into_iter().map(|(key, value)| (key, float(value))).collect()
}

/// The value with every number a float.
#[must_use]
pub fn float(value: Value) -> Value {
    match value {
        Value::Number(number) => {
            let number = number.as_f64().and_then(Number::from_f64).unwrap_or(number);
            Value::Number(number)
        }
        Value::Array(items) => Value::Array(items.into_iter().map(float).collect()),
        Value::Object(map) => Value::Object(floats(map)),
        other => other,
    }
}

/// Lays `over` over `base`: tables are merged, anything else is replaced. Null stays null.
pub fn merge_maps(base: &mut Table, over: Table) {
    for (key, value) in over {
        match (base.get_mut(&key), value) {
            (Some(Value::Object(below)), Value::Object(above)) => merge_maps(below, above),
            (_, value) => {
                base.insert(key, value);
            }
        }
    }
}

/// The table at a path of keys separated by dots.
#[must_use]
pub fn table<'a>(values: &'a Table, path: &str) -> Option<&'a Table> {
    let mut at = values;
    for key in path.split('.') {
        at = at.get(key)?.as_object()?;
    }
    Some(at)
}

/// The value at a path; `None` when there is none or it is a table.
#[must_use]
pub fn leaf<'a>(values: &'a Table, path: &str) -> Option<&'a Value> {
    let value = match path.rsplit_once('.') {
        None => values.get(path),
        Some((parent, key)) => table(values, parent)?.get(key),
    };
    value.filter(|it| !it.is_object())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object(value: Value) -> Table {
        value.as_object().unwrap().clone()
    }

    #[test]
    fn numbers_are_floats_and_documents_merge() {
        let it = read("a: 1\nb: {c: 1, d: [2]}\n---\nb: {c: x}\n---\n# nothing\n").unwrap();
        assert_eq!(Value::Object(it), json!({"a": 1.0, "b": {"c": "x", "d": [2.0]}}));
        assert_eq!(read("").unwrap(), Table::new());
        assert_eq!(read("---\na: 1\n---\n---\nb: x---y").unwrap(), object(json!({"a": 1.0, "b": "x---y"})));
        assert_eq!(read("--- # a\na: 1\n---\t#b\r\nb: 2\n---").unwrap(), object(json!({"a": 1.0, "b": 2.0})));
        for (text, rest) in [("a: 1\n--- b", "b"), ("--- {a: 1}\n", "{a: 1}"), ("---- \n", "-")] {
            let error = read(text).unwrap_err().to_string();
            assert_eq!(error, format!("error reading yaml document: invalid Yaml document separator: {rest}"));
            assert!(read_first(text).is_ok() || rest == "-", "{text}");
        }
        let error = read("- a\n").unwrap_err().to_string();
        assert!(error.contains("cannot unmarshal array into Go value of type map[string]interface {}"), "{error}");
    }

    #[test]
    fn paths_lead_to_tables_and_leaves() {
        let it = object(json!({"a": {"b": {"c": true}}, "d": 1}));
        assert!(table(&it, "a.b").is_some() && table(&it, "a.b.c").is_none() && table(&it, "d").is_none());
        assert_eq!(leaf(&it, "a.b.c"), Some(&json!(true)));
        assert_eq!(leaf(&it, "a.b"), None);
        assert_eq!(leaf(&it, "d"), Some(&json!(1)));
    }
}
