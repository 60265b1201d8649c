//! A Kubernetes object: any JSON object with an apiVersion, a kind and a name.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::reference::{GroupKind, ObjectRef};

/// A Kubernetes object of any kind. `Debug` prints its name only, since it may hold a secret.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Object(Map<String, Value>);

/// Not a Kubernetes object.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidObject {
    /// It is a list, a string, ….
    #[error("expected a mapping with apiVersion, kind and metadata.name")]
    NotAMapping,
    /// A part that every object has is missing or is no text.
    #[error("{what} is missing in {of}")]
    Missing {
        /// The field.
        what: &'static str,
        /// What is known of the object.
        of: String,
    },
}

impl Object {
    /// An object from JSON; apiVersion, kind and metadata.name have to be there.
    ///
    /// # Errors
    /// When they are not.
    pub fn from_value(value: Value) -> Result<Self, InvalidObject> {
        let Value::Object(map) = value else { return Err(InvalidObject::NotAMapping) };
        let object = Self(map);
        let of = format!("{}/{}", if object.kind().is_empty() { "?" } else { object.kind() }, object.name());
        for (what, text) in
            [("apiVersion", object.api_version()), ("kind", object.kind()), ("metadata.name", object.name())]
        {
            if text.is_empty() {
                return Err(InvalidObject::Missing { what, of });
            }
        }
        Ok(object)
    }

    /// `apps/v1`.
    #[must_use]
    pub fn api_version(&self) -> &str {
        self.text(&["apiVersion"]).unwrap_or_default()
    }

    /// `apps`; empty for the core group.
    #[must_use]
    pub fn group(&self) -> &str {
        self.api_version().split_once('/').map_or("", |(group, _)| group)
    }

    /// `v1`.
    #[must_use]
    pub fn version(&self) -> &str {
        let api_version = self.api_version();
        api_version.split_once('/').map_or(api_version, |(_, version)| version)
    }

    /// `Deployment`.
    #[must_use]
    pub fn kind(&self) -> &str {
        self.text(&["kind"]).unwrap_or_default()
    }

    /// Group and kind.
    #[must_use]
    pub fn group_kind(&self) -> GroupKind {
        GroupKind { group: self.group().to_owned(), kind: self.kind().to_owned() }
    }

    /// `metadata.name`.
    #[must_use]
    pub fn name(&self) -> &str {
        self.text(&["metadata", "name"]).unwrap_or_default()
    }

    /// `metadata.namespace`; empty when there is none.
    #[must_use]
    pub fn namespace(&self) -> &str {
        self.text(&["metadata", "namespace"]).unwrap_or_default()
    }

    /// `metadata.uid`; empty when it was never stored.
    #[must_use]
    pub fn uid(&self) -> &str {
        self.text(&["metadata", "uid"]).unwrap_or_default()
    }

    /// `metadata.resourceVersion`; empty when it was never stored.
    #[must_use]
    pub fn resource_version(&self) -> &str {
        self.text(&["metadata", "resourceVersion"]).unwrap_or_default()
    }

    /// `metadata.generation`.
    #[must_use]
    pub fn generation(&self) -> Option<i64> {
        self.at(&["metadata", "generation"]).and_then(Value::as_i64)
    }

    /// Whether it is being deleted.
    #[must_use]
    pub fn is_terminating(&self) -> bool {
        self.text(&["metadata", "deletionTimestamp"]).is_some_and(|time| !time.is_empty())
    }

    /// The value of a label.
    #[must_use]
    pub fn label(&self, key: &str) -> Option<&str> {
        self.text(&["metadata", "labels", key])
    }

    /// The value of an annotation.
    #[must_use]
    pub fn annotation(&self, key: &str) -> Option<&str> {
        self.text(&["metadata", "annotations", key])
    }

    /// Sets a label.
    pub fn set_label(&mut self, key: &str, value: &str) {
        self.set_metadata_entry("labels", key, value);
    }

    /// Sets an annotation.
    pub fn set_annotation(&mut self, key: &str, value: &str) {
        self.set_metadata_entry("annotations", key, value);
    }

    /// Sets `metadata.namespace`; an empty one removes it.
    pub fn set_namespace(&mut self, namespace: &str) {
        let metadata = self.metadata_mut();
        if namespace.is_empty() {
            metadata.remove("namespace");
        } else {
            metadata.insert("namespace".to_owned(), Value::from(namespace));
        }
    }

    /// What it is called.
    #[must_use]
    pub fn reference(&self) -> ObjectRef {
        ObjectRef {
            group: self.group().to_owned(),
            kind: self.kind().to_owned(),
            namespace: self.namespace().to_owned(),
            name: self.name().to_owned(),
        }
    }

    /// The value below a path of keys.
    #[must_use]
    pub fn at(&self, path: &[&str]) -> Option<&Value> {
        let (first, rest) = path.split_first()?;
        rest.iter().try_fold(self.0.get(*first)?, |value, key| value.get(key))
    }

    /// The text below a path of keys.
    #[must_use]
    pub fn text(&self, path: &[&str]) -> Option<&str> {
        self.at(path).and_then(Value::as_str)
    }

    /// The whole number below a path of keys.
    #[must_use]
    pub fn integer(&self, path: &[&str]) -> Option<i64> {
        self.at(path).and_then(Value::as_i64)
    }

    /// Its fields.
    #[must_use]
    pub fn as_map(&self) -> &Map<String, Value> {
        &self.0
    }

    /// Its fields, to change them.
    pub fn as_map_mut(&mut self) -> &mut Map<String, Value> {
        &mut self.0
    }

    /// The object as JSON.
    #[must_use]
    pub fn into_value(self) -> Value {
        Value::Object(self.0)
    }

    /// `metadata`, made if it is not there.
    pub fn metadata_mut(&mut self) -> &mut Map<String, Value> {
        child(&mut self.0, "metadata")
    }

    fn set_metadata_entry(&mut self, field: &str, key: &str, value: &str) {
        child(self.metadata_mut(), field).insert(key.to_owned(), Value::from(value));
    }
}

/// The mapping below a key; whatever else stood there is replaced.
fn child<'a>(map: &'a mut Map<String, Value>, key: &str) -> &'a mut Map<String, Value> {
    let slot = map.entry(key).or_insert_with(|| Value::Object(Map::new()));
    if !slot.is_object() {
        *slot = Value::Object(Map::new());
    }
    slot.as_object_mut().expect("a mapping was put there if there was none")
}

impl fmt::Debug for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Object({})", self.reference())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn reads_what_every_object_has() {
        let object = Object::from_value(json!({
            "apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {"name": "a", "namespace": "b", "labels": {"x/y": "z"}, "generation": 3},
        }))
        .unwrap();
        assert_eq!((object.group(), object.version(), object.label("x/y")), ("apps", "v1", Some("z")));
        assert_eq!(object.generation(), Some(3));
        assert_eq!(object.reference().to_string(), "Deployment/b/a");
        assert_eq!(format!("{object:?}"), "Object(Deployment/b/a)");
    }

    #[test]
    fn refuses_what_is_no_object() {
        assert_eq!(Object::from_value(json!([])), Err(InvalidObject::NotAMapping));
        let error = Object::from_value(json!({"apiVersion": "v1", "kind": "Secret"})).unwrap_err();
        assert_eq!(error.to_string(), "metadata.name is missing in Secret/");
        assert!(Object::from_value(json!({"kind": "Secret", "metadata": {"name": "x"}})).is_err());
    }

    #[test]
    fn labels_are_set_even_where_there_were_none() {
        let mut object =
            Object::from_value(json!({"apiVersion": "v1", "kind": "A", "metadata": {"name": "a", "labels": null}}))
                .unwrap();
        object.set_label("k", "v");
        object.set_namespace("ns");
        assert_eq!((object.label("k"), object.namespace()), (Some("v"), "ns"));
        object.set_namespace("");
        assert!(object.as_map()["metadata"].get("namespace").is_none());
    }
}
