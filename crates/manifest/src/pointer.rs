//! JSON pointers (RFC 6901) on JSON values.

use serde_json::{Map, Value};

/// A JSON pointer, parsed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Pointer(Vec<String>);

/// The text is no JSON pointer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no JSON pointer: it has to start with '/'")]
pub struct InvalidPointer {
    /// What was written.
    pub text: String,
}

impl Pointer {
    /// Reads a pointer.
    ///
    /// # Errors
    /// When it is not empty and does not start with `/`.
    pub fn parse(text: &str) -> Result<Self, InvalidPointer> {
        if text.is_empty() {
            return Ok(Self(Vec::new()));
        }
        let Some(rest) = text.strip_prefix('/') else { return Err(InvalidPointer { text: text.to_owned() }) };
        Ok(Self(rest.split('/').map(|part| part.replace("~1", "/").replace("~0", "~")).collect()))
    }

    /// Its keys.
    #[must_use]
    pub fn parts(&self) -> &[String] {
        &self.0
    }

    /// The value it points at.
    #[must_use]
    pub fn get<'a>(&self, root: &'a Map<String, Value>) -> Option<&'a Value> {
        let (first, rest) = self.0.split_first()?;
        rest.iter().try_fold(root.get(first)?, |value, key| match value {
            Value::Object(map) => map.get(key),
            Value::Array(list) => list.get(index(key)?),
            _ => None,
        })
    }

    /// Removes the value it points at; nothing happens when there is none.
    pub fn remove(&self, root: &mut Map<String, Value>) {
        let Some((last, parents)) = self.0.split_last() else { return };
        if parents.is_empty() {
            root.remove(last);
            return;
        }
        let parent = Self(parents.to_vec());
        match parent.get_mut(root) {
            Some(Value::Object(map)) => {
                map.remove(last);
            }
            Some(Value::Array(list)) => {
                if let Some(at) = index(last).filter(|at| *at < list.len()) {
                    list.remove(at);
                }
            }
            _ => {}
        }
    }

    /// Puts a value where it points at, making the mappings on the way; an element of a list has to be there.
    pub fn set(&self, root: &mut Map<String, Value>, value: Value) {
        let Some((last, parents)) = self.0.split_last() else { return };
        let mut at = root;
        let mut parents = parents.iter();
        while let Some(key) = parents.next() {
            let slot = at.entry(key.as_str()).or_insert_with(|| Value::Object(Map::new()));
            if slot.is_array() {
                set_in_list(slot, parents.chain([last]), value);
                return;
            }
            match slot {
                Value::Object(map) => at = map,
                _ => return,
            }
        }
        at.insert(last.clone(), value);
    }

    fn get_mut<'a>(&self, root: &'a mut Map<String, Value>) -> Option<&'a mut Value> {
        let (first, rest) = self.0.split_first()?;
        rest.iter().try_fold(root.get_mut(first)?, step_mut)
    }
}

fn set_in_list<'a>(list: &mut Value, keys: impl Iterator<Item = &'a String>, value: Value) {
    let mut slot = Some(list);
    let mut keys = keys.peekable();
    while let Some(key) = keys.next() {
        let Some(at) = slot else { return };
        if keys.peek().is_none()
            && let Value::Object(map) = at
        {
            map.insert(key.clone(), value);
            return;
        }
        slot = step_mut(at, key);
    }
    if let Some(at) = slot {
        *at = value;
    }
}

#[expect(clippy::ptr_arg, reason = "the shape that try_fold over a list of keys asks for")]
fn step_mut<'a>(value: &'a mut Value, key: &String) -> Option<&'a mut Value> {
    match value {
        Value::Object(map) => map.get_mut(key.as_str()),
        Value::Array(list) => list.get_mut(index(key)?),
        _ => None,
    }
}

fn index(key: &str) -> Option<usize> {
    key.parse().ok()
}

/// `key` as one part of a pointer's text.
#[must_use]
pub fn escape(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn map(value: Value) -> Map<String, Value> {
        value.as_object().unwrap().clone()
    }

    #[test]
    fn finds_removes_and_sets() {
        let mut root = map(json!({"a": {"b/c": [{"d": 1}, {"d": 2}]}}));
        let pointer = Pointer::parse("/a/b~1c/1/d").unwrap();
        assert_eq!(pointer.get(&root), Some(&json!(2)));
        pointer.set(&mut root, json!(3));
        assert_eq!(pointer.get(&root), Some(&json!(3)));
        pointer.remove(&mut root);
        assert_eq!(Value::Object(root.clone()), json!({"a": {"b/c": [{"d": 1}, {}]}}));
        Pointer::parse("/a/b~1c/0").unwrap().remove(&mut root);
        Pointer::parse("/x/y").unwrap().set(&mut root, json!(true));
        Pointer::parse("/nothing/here").unwrap().remove(&mut root);
        assert_eq!(Value::Object(root), json!({"a": {"b/c": [{}]}, "x": {"y": true}}));
    }

    #[test]
    fn refuses_a_path_without_slash() {
        assert!(Pointer::parse("spec").is_err());
        assert_eq!(escape("a/b~c"), "a~1b~0c");
    }
}
