//! What is kept of a managed object to notice that somebody else changed it.
//!
//! Server-side apply keeps, in `metadata.managedFields`, which fields we own: whoever changes or removes one of them takes
//! it out of our entry. So an object whose entry of ours did not move still has every value we applied, whatever others
//! did to its status or to fields of their own: no false alarm from controllers, and nothing missed. An object without
//! such an entry (or one we do not wholly own) is followed by its generation, or its resourceVersion where the kind has no
//! generation, with labels, annotations, owner references and finalizers.

use std::{
    collections::BTreeMap,
    hash::{DefaultHasher, Hash, Hasher},
};

use serde::Deserialize;
use serde_json::Value;

use crate::object::Object;

/// The metadata that a watch delivers, as far as it is used.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Metadata {
    /// Name.
    pub name: String,
    /// Namespace; empty when there is none.
    pub namespace: String,
    /// Uid.
    pub uid: String,
    /// Resource version.
    pub resource_version: String,
    /// When it was made, RFC 3339; `None` before it is stored.
    pub creation_timestamp: Option<String>,
    /// Generation, where the kind has one.
    pub generation: Option<i64>,
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// Annotations.
    pub annotations: BTreeMap<String, String>,
    /// Owner references.
    pub owner_references: Vec<Value>,
    /// Finalizers.
    pub finalizers: Vec<String>,
    /// Set when it is being deleted.
    pub deletion_timestamp: Option<String>,
    /// Who manages which fields.
    pub managed_fields: Vec<Managed>,
}

/// One entry of the managed fields.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Managed {
    pub(crate) manager: String,
    pub(crate) operation: String,
    pub(crate) subresource: String,
    pub(crate) time: Option<String>,
    #[serde(rename = "fieldsV1")]
    pub(crate) fields: Value,
}

/// An object's state in 16 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fingerprint {
    /// Of the uid and the fields we own; zero when we own none.
    owned: u64,
    /// Of the uid, the generation or version, and the metadata.
    full: u64,
}

impl Metadata {
    /// The metadata of an object; empty when it cannot be read, which no stored object's is.
    #[must_use]
    pub fn of(object: &Object) -> Self {
        object.at(&["metadata"]).and_then(|value| Self::deserialize(value).ok()).unwrap_or_default()
    }

    /// The resource version as a number, which grows with every write; zero when it is none.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.resource_version.parse().unwrap_or_default()
    }

    /// When a field manager last changed this very object by applying it, RFC 3339; `None` when it never did.
    ///
    /// A copy of an object may carry the managed fields of the original: those are older than the copy.
    #[must_use]
    pub fn applied_at(&self, manager: &str) -> Option<&str> {
        let (time, made) = (self.entry_of(manager)?.time.as_deref()?, self.creation_timestamp.as_deref()?);
        // Both are in whole seconds and in UTC.
        (time >= made).then_some(time)
    }

    fn entry_of(&self, manager: &str) -> Option<&Managed> {
        let applies = |e: &&Managed| e.manager == manager && e.operation == "Apply" && e.subresource.is_empty();
        self.managed_fields.iter().find(applies)
    }

    /// Its fingerprint, for the field manager that applies it.
    #[must_use]
    pub fn fingerprint(&self, manager: &str) -> Fingerprint {
        let owned = self.entry_of(manager).map_or(0, |entry| {
            let mut hasher = DefaultHasher::new();
            (&self.uid, self.deletion_timestamp.is_some()).hash(&mut hasher);
            hash(&entry.fields, &mut hasher);
            hasher.finish().max(1)
        });
        let mut hasher = DefaultHasher::new();
        (&self.uid, self.deletion_timestamp.is_some(), &self.labels, &self.annotations, &self.finalizers)
            .hash(&mut hasher);
        for owner in &self.owner_references {
            hash(owner, &mut hasher);
        }
        match self.generation {
            Some(generation) if generation > 0 => generation.hash(&mut hasher),
            _ => self.resource_version.hash(&mut hasher),
        }
        Fingerprint { owned, full: hasher.finish() }
    }
}

impl Fingerprint {
    /// The same, for an object whose desired fields are not all ours: every change counts.
    #[must_use]
    pub fn of_shared(self) -> Self {
        Self { owned: 0, ..self }
    }

    /// Whether an object seen now is still as it was when `self` was taken.
    #[must_use]
    pub fn still(self, now: Self) -> bool {
        if self.owned == 0 { self.full == now.full } else { self.owned == now.owned }
    }
}

/// Hashes a value so that the order of keys does not count.
fn hash(value: &Value, hasher: &mut DefaultHasher) {
    match value {
        Value::Null => 0_u8.hash(hasher),
        Value::Bool(b) => (1_u8, b).hash(hasher),
        Value::Number(n) => (2_u8, n.to_string()).hash(hasher),
        Value::String(s) => (3_u8, s).hash(hasher),
        Value::Array(list) => {
            (4_u8, list.len()).hash(hasher);
            list.iter().for_each(|v| hash(v, hasher));
        }
        Value::Object(map) => {
            (5_u8, map.len()).hash(hasher);
            let mut keys: Vec<&String> = map.keys().collect();
            keys.sort_unstable();
            for key in keys {
                key.hash(hasher);
                hash(map.get(key).unwrap_or(&Value::Null), hasher);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const US: &str = "kustomize-controller";

    fn print(metadata: Value) -> Fingerprint {
        Metadata::deserialize(metadata).unwrap().fingerprint(US)
    }

    fn applied(fields: Value, version: &str) -> Value {
        json!({"name": "a", "uid": "u", "resourceVersion": version, "managedFields": [
            {"manager": US, "operation": "Apply", "fieldsV1": fields},
            {"manager": "kube-controller-manager", "operation": "Update", "subresource": "status", "fieldsV1": {"x": version}}]})
    }

    #[test]
    fn only_the_very_object_counts_as_applied() {
        let at = |made: Value, manager: &str, operation: &str, time: Value| {
            let metadata = json!({"name": "a", "creationTimestamp": made, "managedFields": [
                {"manager": manager, "operation": operation, "time": time, "fieldsV1": {}}]});
            Metadata::deserialize(metadata).unwrap().applied_at(US).map(str::to_owned)
        };
        let (early, late) = ("2026-01-01T00:00:00Z", "2026-01-01T00:00:05Z");
        assert_eq!(at(json!(early), US, "Apply", json!(late)).as_deref(), Some(late));
        assert_eq!(at(json!(early), US, "Apply", json!(early)).as_deref(), Some(early));
        assert_eq!(at(json!(late), US, "Apply", json!(early)), None, "a copy, with the managed fields of the original");
        assert_eq!(at(json!(early), "kubectl", "Apply", json!(late)), None);
        assert_eq!(at(json!(early), US, "Update", json!(late)), None);
        assert_eq!(at(Value::Null, US, "Apply", json!(late)), None);
        assert_eq!(at(json!(early), US, "Apply", Value::Null), None);
    }

    #[test]
    fn others_may_write_what_is_theirs() {
        let before = print(applied(json!({"f:data": {"f:a": {}}}), "1"));
        let mut later = applied(json!({"f:data": {"f:a": {}}}), "2");
        later["annotations"] = json!({"deployment.kubernetes.io/revision": "1"});
        assert!(before.still(print(later.clone())));
        assert!(!before.of_shared().still(print(later)));
    }

    #[test]
    fn a_field_taken_from_us_a_new_uid_and_a_deletion_are_seen() {
        let before = print(applied(json!({"f:data": {"f:a": {}, "f:b": {}}}), "1"));
        assert!(!before.still(print(applied(json!({"f:data": {"f:a": {}}}), "2"))));
        let mut other = applied(json!({"f:data": {"f:a": {}, "f:b": {}}}), "2");
        assert!(before.still(print(other.clone())));
        other["deletionTimestamp"] = json!("2026-01-01T00:00:00Z");
        assert!(!before.still(print(other.clone())));
        other["deletionTimestamp"] = Value::Null;
        other["uid"] = json!("v");
        assert!(!before.still(print(other)));
    }

    #[test]
    fn without_an_entry_generation_counts_or_else_the_version() {
        let plain = |version: &str, generation: Option<i64>| {
            print(json!({"name": "a", "uid": "u", "resourceVersion": version, "generation": generation}))
        };
        assert!(plain("1", Some(1)).still(plain("2", Some(1))));
        assert!(!plain("1", Some(1)).still(plain("2", Some(2))));
        assert!(!plain("1", None).still(plain("2", None)));
        assert!(plain("1", None).still(plain("1", None)));
    }
}
