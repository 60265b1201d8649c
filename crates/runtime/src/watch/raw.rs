//! One object as text, with the few fields every kind has.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::key::ObjectKey;

/// An object's JSON and its metadata.
#[derive(Clone, Debug)]
pub struct Raw<'a> {
    /// Metadata.
    pub meta: Meta,
    /// The whole object.
    pub json: &'a str,
}

/// The part of metadata that watches look at.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Meta {
    /// Name.
    pub name: String,
    /// Namespace, or empty.
    pub namespace: String,
    /// UID.
    pub uid: String,
    /// Resource version.
    pub resource_version: String,
    /// Generation, where the kind has one.
    pub generation: Option<i64>,
    /// When deletion was asked for.
    pub deletion_timestamp: Option<String>,
    /// Labels.
    pub labels: Option<BTreeMap<String, String>>,
    /// Annotations.
    pub annotations: Option<BTreeMap<String, String>>,
    /// Finalizers.
    pub finalizers: Vec<String>,
}

impl<'a> Raw<'a> {
    /// Reads the metadata of an object.
    ///
    /// # Errors
    /// When `json` is no object with metadata.
    pub fn parse(json: &'a str) -> Result<Self, serde_json::Error> {
        #[derive(Deserialize)]
        struct Outer {
            metadata: Meta,
        }
        let outer: Outer = serde_json::from_str(json)?;
        Ok(Self { meta: outer.metadata, json })
    }

    /// Namespace and name.
    #[must_use]
    pub fn key(&self) -> ObjectKey {
        ObjectKey::new(self.meta.namespace.clone(), self.meta.name.clone())
    }

    /// Decodes a part of the object.
    ///
    /// # Errors
    /// When the JSON does not fit `T`.
    pub fn decode<T: Deserialize<'a>>(&self) -> Result<T, serde_json::Error> {
        serde_json::from_str(self.json)
    }
}

impl Meta {
    /// The resource version as a number; 0 when it is none.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.resource_version.parse().unwrap_or(0)
    }

    /// The value of an annotation.
    #[must_use]
    pub fn annotation(&self, key: &str) -> Option<&str> {
        self.annotations.as_ref()?.get(key).map(String::as_str)
    }

    /// The value of a label.
    #[must_use]
    pub fn label(&self, key: &str) -> Option<&str> {
        self.labels.as_ref()?.get(key).map(String::as_str)
    }
}
