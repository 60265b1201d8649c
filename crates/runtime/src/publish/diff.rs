//! JSON merge patches (RFC 7386).

use serde_json::{Map, Value};

/// The smallest merge patch that makes `from` equal `to`, or `None` when they are equal. A `null` in `to` is the same
/// as an absent key: a merge patch cannot say otherwise.
#[must_use]
pub fn merge_patch(from: &Value, to: &Value) -> Option<Value> {
    let (Value::Object(old), Value::Object(new)) = (from, to) else {
        return if from == to { None } else { Some(to.clone()) };
    };
    let mut patch = Map::new();
    for (key, wanted) in new.iter().filter(|(_, value)| !value.is_null()) {
        match old.get(key).filter(|value| !value.is_null()) {
            Some(current) => {
                if let Some(inner) = merge_patch(current, wanted) {
                    patch.insert(key.clone(), inner);
                }
            }
            None => {
                patch.insert(key.clone(), without_nulls(wanted));
            }
        }
    }
    for (key, _) in old.iter().filter(|(_, value)| !value.is_null()) {
        if new.get(key).is_none_or(Value::is_null) {
            patch.insert(key.clone(), Value::Null);
        }
    }
    if patch.is_empty() { None } else { Some(Value::Object(patch)) }
}

/// A null in a new object would be taken for a removal; the server drops it anyway.
fn without_nulls(value: &Value) -> Value {
    match value {
        Value::Object(map) => Value::Object(
            map.iter().filter(|(_, v)| !v.is_null()).map(|(k, v)| (k.clone(), without_nulls(v))).collect(),
        ),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_what_differs_and_null_for_what_goes() {
        for (from, to, patch) in [
            (json!({"a": 1}), json!({"a": 1}), None),
            (json!({"a": 1, "b": 2}), json!({"a": 1, "c": {"d": 3}}), Some(json!({"b": null, "c": {"d": 3}}))),
            (json!({"a": {"x": 1, "y": 2}}), json!({"a": {"x": 1, "y": 3}}), Some(json!({"a": {"y": 3}}))),
            (json!({"l": [1, 2]}), json!({"l": [1]}), Some(json!({"l": [1]}))),
            (json!({"a": null}), json!({}), None),
            (json!({}), json!({"a": null}), None),
            (json!({"a": {"x": 1}}), json!({"a": {}}), Some(json!({"a": {"x": null}}))),
            (json!({"a": "x"}), json!({"a": {"b": 1}}), Some(json!({"a": {"b": 1}}))),
        ] {
            assert_eq!(merge_patch(&from, &to), patch, "{from} -> {to}");
        }
    }
}
