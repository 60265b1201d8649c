//! An object in the build, with what it was called before.

mod marks;

use weir_yaml::{Data, Limits, Node, Schema};

use crate::Error;
use crate::fieldspec::is_string;
use crate::resid::{Gvk, Id};

/// What a generated object does to one of the same name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Behavior {
    #[default]
    Create,
    Replace,
    Merge,
}

/// A name an object had before it was changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Previous {
    pub(crate) kind: String,
    pub(crate) name: String,
    pub(crate) namespace: String,
}

/// An object: a YAML node and its history in this build.
#[derive(Debug, Clone)]
pub struct Resource {
    pub(crate) node: Node,
    pub(crate) previous: Vec<Previous>,
    pub(crate) prefixes: Vec<String>,
    pub(crate) suffixes: Vec<String>,
    pub(crate) behavior: Behavior,
    pub(crate) needs_hash: bool,
    /// Made by a generator.
    pub(crate) generated: bool,
    pub(crate) allow_name_change: bool,
    pub(crate) allow_kind_change: bool,
    pub(crate) from_helm: bool,
    pub(crate) variables: Vec<String>,
}

impl Resource {
    /// An object from a node.
    #[must_use]
    pub fn new(node: Node) -> Self {
        Self {
            node,
            previous: Vec::new(),
            prefixes: Vec::new(),
            suffixes: Vec::new(),
            behavior: Behavior::Create,
            needs_hash: false,
            generated: false,
            allow_name_change: false,
            allow_kind_change: false,
            from_helm: false,
            variables: Vec::new(),
        }
    }

    /// The object's node.
    #[must_use]
    pub fn node(&self) -> &Node {
        &self.node
    }

    /// The object as a JSON value.
    ///
    /// # Errors
    /// When it holds what JSON cannot, such as a number as a key.
    pub fn to_value(&self) -> Result<serde_json::Value, Error> {
        node_value(&self.node).map_err(|source| Error::yaml(&self.id().to_string(), source))
    }

    /// The object as kustomize prints it.
    ///
    /// # Errors
    /// As [`Resource::to_value`].
    pub fn to_yaml(&self) -> Result<String, Error> {
        Ok(weir_yaml::to_string(&self.to_value()?))
    }

    /// `kind`.
    #[must_use]
    pub fn kind(&self) -> &str {
        self.node.get_str("kind").unwrap_or_default()
    }

    /// `apiVersion`.
    #[must_use]
    pub fn api_version(&self) -> &str {
        self.node.get_str("apiVersion").unwrap_or_default()
    }

    /// `metadata.name`.
    #[must_use]
    pub fn name(&self) -> &str {
        self.metadata("name")
    }

    /// `metadata.namespace`.
    #[must_use]
    pub fn namespace(&self) -> &str {
        self.metadata("namespace")
    }

    fn metadata(&self, key: &str) -> &str {
        let value = self.node.at(&["metadata", key]);
        value.filter(|v| !v.is_null()).and_then(Node::as_str).unwrap_or_default()
    }

    pub(crate) fn gvk(&self) -> Gvk {
        Gvk::new(self.api_version(), self.kind())
    }

    /// What it is called now.
    pub(crate) fn id(&self) -> Id {
        Id::new(self.gvk(), self.name(), self.namespace())
    }

    /// What it was called at first.
    pub(crate) fn original_id(&self) -> Id {
        self.previous_ids().next().unwrap_or_else(|| self.id())
    }

    /// What it was called before, oldest first. Group and version are always today's.
    pub(crate) fn previous_ids(&self) -> impl Iterator<Item = Id> {
        let gvk = self.gvk();
        self.previous.iter().map(move |p| Id {
            gvk: Gvk { group: gvk.group.clone(), version: gvk.version.clone(), kind: p.kind.clone() },
            name: p.name.clone(),
            namespace: p.namespace.clone(),
        })
    }

    /// What it was called and is called.
    pub(crate) fn all_ids(&self) -> impl Iterator<Item = Id> {
        self.previous_ids().chain(std::iter::once(self.id()))
    }

    /// Remembers what it is called, before that changes.
    pub(crate) fn remember_id(&mut self) {
        let id = self.id();
        self.previous.push(Previous { kind: id.gvk.kind, name: id.name, namespace: id.namespace });
    }

    pub(crate) fn set_name(&mut self, name: &str) {
        let metadata = self.node.get_or_insert_with("metadata", Node::mapping);
        metadata.set("name", Node::string(name));
    }

    pub(crate) fn set_namespace(&mut self, namespace: &str) {
        if namespace.is_empty() {
            if let Some(metadata) = self.node.get_mut("metadata") {
                metadata.remove("namespace");
            }
            return;
        }
        let metadata = self.node.get_or_insert_with("metadata", Node::mapping);
        metadata.set("namespace", Node::string(namespace));
    }

    pub(crate) fn set_kind(&mut self, kind: &str) {
        self.node.set("kind", Node::string(kind));
    }

    pub(crate) fn set_api_version(&mut self, api_version: &str) {
        self.node.set("apiVersion", Node::scalar(api_version));
    }

    /// A string map of `metadata`, `labels` or `annotations`.
    pub(crate) fn string_map(&self, field: &str) -> Vec<(String, String)> {
        let map = self.node.at(&["metadata", field]).and_then(Node::as_mapping).unwrap_or_default();
        map.iter().filter_map(|(k, v)| Some((k.as_str()?.to_owned(), text_of(v)))).collect()
    }

    pub(crate) fn annotation(&self, key: &str) -> Option<&str> {
        self.node.at(&["metadata", "annotations", key])?.as_str()
    }

    /// Writes a string map of `metadata`; an empty one is removed.
    pub(crate) fn set_string_map(&mut self, field: &str, map: &[(String, String)]) {
        if map.is_empty() {
            if let Some(metadata) = self.node.get_mut("metadata") {
                metadata.remove(field);
            }
            return;
        }
        let entries = map.iter().map(|(k, v)| (Node::scalar(k), Node::string(v))).collect();
        let metadata = self.node.get_or_insert_with("metadata", Node::mapping);
        metadata.set(field, Node::new(Data::Mapping(entries)));
    }

    pub(crate) fn set_annotation(&mut self, key: &str, value: &str) {
        let mut map = self.string_map("annotations");
        match map.iter_mut().find(|(k, _)| k == key) {
            Some((_, old)) => value.clone_into(old),
            None => map.push((key.to_owned(), value.to_owned())),
        }
        self.set_string_map("annotations", &map);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.node.is_null() || self.node.is_empty_collection()
    }
}

/// The text of a scalar, null included; collections have none.
pub(crate) fn text_of(node: &Node) -> String {
    node.as_str().unwrap_or_default().to_owned()
}

/// An object as a JSON value. Keys of the object itself may be numbers or booleans, those below not.
pub(crate) fn node_value(node: &Node) -> Result<serde_json::Value, weir_yaml::Error> {
    if let Some(entries) = node.as_mapping()
        && entries.iter().any(|(key, _)| !is_string(key) && !key.is_null())
    {
        let mut node = node.clone();
        if let Data::Mapping(entries) = &mut node.data {
            entries.iter_mut().for_each(|(key, _)| key.set_tag(Some("!!str")));
        }
        return weir_yaml::to_value_with(&node, Schema::Kyaml, &Limits::default());
    }
    weir_yaml::to_value_with(node, Schema::Kyaml, &Limits::default())
}
