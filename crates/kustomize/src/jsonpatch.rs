//! JSON patches (RFC 6902) with the behaviour of the library kustomize uses.

use serde::Deserialize;
use serde_json::Value;

use crate::Error;
use crate::meter::Meter;

/// One operation.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Operation {
    op: String,
    path: String,
    #[serde(default)]
    from: Option<String>,
    #[serde(default, deserialize_with = "present")]
    value: Option<Value>,
}

/// A null that is written is a value.
fn present<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

/// The operations in a patch's text, JSON or YAML.
pub(crate) fn parse(text: &str, file: &str) -> Result<Vec<Operation>, Error> {
    // What begins like JSON must be JSON.
    if text.starts_with('[') {
        return serde_json::from_str(text).map_err(|error| Error::field(file, "patch", error));
    }
    let value = crate::read::first_value(text, file)?;
    serde_json::from_value(value).map_err(|error| Error::field(file, "patch", error))
}

/// Applies the operations in order.
pub(crate) fn apply(document: &mut Value, operations: &[Operation], meter: &Meter) -> Result<(), Error> {
    for operation in operations {
        match operation.op.as_str() {
            "add" | "replace" => operation.value.iter().try_for_each(|value| meter.take_value(value))?,
            // What is copied can hold what was copied before: it doubles with every operation.
            "copy" => copied(document, operation).into_iter().try_for_each(|value| meter.take_value(value))?,
            _ => meter.go_on()?,
        }
        step(document, operation).map_err(|reason| {
            Error::object(format!("json patch operation {} {}: {reason}", operation.op, operation.path))
        })?;
    }
    Ok(())
}

fn copied<'a>(document: &'a Value, operation: &Operation) -> Option<&'a Value> {
    find(document, operation.from.as_deref()?).ok()
}

fn step(document: &mut Value, operation: &Operation) -> Result<(), String> {
    let value = || operation.value.clone().ok_or_else(|| "value is missing".to_owned());
    let from = || operation.from.as_deref().ok_or_else(|| "from is missing".to_owned());
    match operation.op.as_str() {
        "add" => add(document, &operation.path, operation.value.clone().unwrap_or(Value::Null)),
        "remove" => remove(document, &operation.path).map(|_| ()),
        "replace" => replace(document, &operation.path, operation.value.clone().unwrap_or(Value::Null)),
        "move" => {
            let taken = remove(document, from()?)?;
            add(document, &operation.path, taken)
        }
        "copy" => {
            let copied = find(document, from()?)?.clone();
            add(document, &operation.path, copied)
        }
        "test" => {
            let expected = value().unwrap_or(Value::Null);
            let found = find(document, &operation.path).cloned().unwrap_or(Value::Null);
            if found == expected { Ok(()) } else { Err("test failed".to_owned()) }
        }
        _ => Err("unknown operation".to_owned()),
    }
}

fn tokens(path: &str) -> Result<Vec<String>, String> {
    if path.is_empty() {
        return Ok(Vec::new());
    }
    // A missing first slash is forgiven: the first part is dropped either way.
    let mut parts: Vec<String> = path.split('/').map(|t| t.replace("~1", "/").replace("~0", "~")).collect();
    parts.remove(0);
    Ok(parts)
}

/// An index into a list; negative ones count from the end.
fn index(token: &str, length: usize) -> Result<usize, String> {
    let number: i64 = token.parse().map_err(|_| format!("{token} is no list index"))?;
    let length = i64::try_from(length).unwrap_or(i64::MAX);
    let at = if number < 0 { number + length } else { number };
    usize::try_from(at).map_err(|_| format!("index {token} is out of range"))
}

fn child<'a>(value: &'a mut Value, token: &str) -> Result<&'a mut Value, String> {
    match value {
        Value::Object(map) => map.get_mut(token).ok_or_else(|| format!("{token} does not exist")),
        Value::Array(items) => {
            let at = index(token, items.len())?;
            items.get_mut(at).ok_or_else(|| format!("index {token} is out of range"))
        }
        _ => Err(format!("{token} is looked for in a scalar")),
    }
}

fn find<'a>(document: &'a Value, path: &str) -> Result<&'a Value, String> {
    let mut here = document;
    for token in tokens(path)? {
        here = match here {
            Value::Object(map) => map.get(&token).ok_or_else(|| format!("{token} does not exist"))?,
            Value::Array(items) => {
                let at = index(&token, items.len())?;
                items.get(at).ok_or_else(|| format!("index {token} is out of range"))?
            }
            _ => return Err(format!("{token} is looked for in a scalar")),
        };
    }
    Ok(here)
}

fn holder<'a>(document: &'a mut Value, path: &str) -> Result<(&'a mut Value, String), String> {
    let mut tokens = tokens(path)?;
    let last = tokens.pop().ok_or_else(|| "the whole document cannot be changed".to_owned())?;
    let mut here = document;
    for token in tokens {
        here = child(here, &token)?;
    }
    Ok((here, last))
}

fn add(document: &mut Value, path: &str, value: Value) -> Result<(), String> {
    let (holder, token) = holder(document, path)?;
    match holder {
        Value::Object(map) => {
            map.insert(token, value);
            Ok(())
        }
        Value::Array(items) if token == "-" => {
            items.push(value);
            Ok(())
        }
        Value::Array(items) => {
            // Counted from the end, the new item's own place is included.
            let at = index(&token, items.len() + usize::from(token.starts_with('-')))?;
            if at > items.len() {
                return Err(format!("index {token} is out of range"));
            }
            items.insert(at, value);
            Ok(())
        }
        _ => Err("the parent is a scalar".to_owned()),
    }
}

fn remove(document: &mut Value, path: &str) -> Result<Value, String> {
    let (holder, token) = holder(document, path)?;
    match holder {
        Value::Object(map) => map.remove(&token).ok_or_else(|| "there is nothing to remove".to_owned()),
        Value::Array(items) => {
            let at = index(&token, items.len())?;
            if at >= items.len() {
                return Err(format!("index {token} is out of range"));
            }
            Ok(items.remove(at))
        }
        _ => Err("the parent is a scalar".to_owned()),
    }
}

fn replace(document: &mut Value, path: &str, value: Value) -> Result<(), String> {
    if path.is_empty() {
        *document = value;
        return Ok(());
    }
    let (holder, token) = holder(document, path)?;
    if let Value::Object(map) = holder {
        // A key that is not there is set, other than the RFC says.
        map.insert(token, value);
        return Ok(());
    }
    *child(holder, &token)? = value;
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn patched(document: Value, patch: &str) -> Result<Value, Error> {
        let mut document = document;
        apply(&mut document, &parse(patch, "patch").unwrap(), &Meter::default())?;
        Ok(document)
    }

    #[test]
    fn lists_are_changed_by_index_and_end() {
        let patch = "- {op: add, path: /a/-, value: 3}\n- {op: add, path: /a/0, value: 0}\n- {op: remove, path: /a/1}";
        assert_eq!(patched(json!({"a": [1, 2]}), patch).unwrap(), json!({"a": [0, 2, 3]}));
    }

    #[test]
    fn what_is_not_there_can_be_replaced_but_not_removed() {
        assert_eq!(patched(json!({"a": 1}), "- {op: replace, path: /b, value: 1}").unwrap(), json!({"a": 1, "b": 1}));
        assert!(patched(json!({"a": [1]}), "- {op: replace, path: /a/1, value: 1}").is_err());
        assert!(patched(json!({"a": 1}), "- {op: remove, path: /b}").is_err());
        assert!(patched(json!({"a": 1}), "- {op: add, path: /b/c, value: 1}").is_err());
        assert!(patched(json!({"a": 1}), "- {op: test, path: /a, value: 2}").is_err());
    }

    #[test]
    fn slashes_in_keys_are_escaped() {
        let patch = "- {op: add, path: /m/a~1b, value: x}";
        assert_eq!(patched(json!({"m": {}}), patch).unwrap(), json!({"m": {"a/b": "x"}}));
    }
}
