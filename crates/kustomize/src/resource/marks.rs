//! What the original notes of an object in annotations of its own while it builds.
//!
//! Here these are fields of [`Resource`]. Patches and files can meet them all the same: a JSON patch finds `annotations` where
//! an object has none but these, one that removes them all makes the build forget, and a file may bring some along.

use weir_yaml::{Data, Node};

use super::{Behavior, Previous, Resource};
use crate::Error;

const NAMES: &str = "internal.config.kubernetes.io/previousNames";
const NAMESPACES: &str = "internal.config.kubernetes.io/previousNamespaces";
const KINDS: &str = "internal.config.kubernetes.io/previousKinds";
const PREFIXES: &str = "internal.config.kubernetes.io/prefixes";
const SUFFIXES: &str = "internal.config.kubernetes.io/suffixes";
const NEEDS_HASH: &str = "internal.config.kubernetes.io/needsHashSuffix";
const BEHAVIOR: &str = "internal.config.kubernetes.io/generatorBehavior";
const NAME_CHANGE: &str = "internal.config.kubernetes.io/allowNameChange";
const KIND_CHANGE: &str = "internal.config.kubernetes.io/allowKindChange";
const FROM_HELM: &str = "internal.config.kubernetes.io/helm-generated";
const OWN: &str = "internal.config.kubernetes.io/";

impl Resource {
    /// The annotations the original would have now, besides those that are shown.
    fn marks(&self) -> Vec<(&'static str, String)> {
        let mut marks = Vec::new();
        let mut list = |key, texts: Vec<&str>| {
            if !texts.is_empty() {
                marks.push((key, texts.join(",")));
            }
        };
        list(NAMES, self.previous.iter().map(|p| p.name.as_str()).collect());
        list(NAMESPACES, self.previous.iter().map(|p| p.namespace.as_str()).collect());
        list(KINDS, self.previous.iter().map(|p| p.kind.as_str()).collect());
        list(PREFIXES, self.prefixes.iter().map(String::as_str).collect());
        list(SUFFIXES, self.suffixes.iter().map(String::as_str).collect());
        let mut flag = |key, set: bool, text: &str| {
            if set {
                marks.push((key, text.to_owned()));
            }
        };
        flag(NEEDS_HASH, self.needs_hash, "enabled");
        flag(BEHAVIOR, self.generated, "create");
        flag(NAME_CHANGE, self.allow_name_change, "enabled");
        flag(KIND_CHANGE, self.allow_kind_change, "enabled");
        flag(FROM_HELM, self.from_helm, "true");
        marks
    }

    /// Writes the marks into the annotations. False when there are none.
    pub(crate) fn show_marks(&mut self) -> bool {
        let marks = self.marks();
        if marks.is_empty() {
            return false;
        }
        let metadata = self.node.get_or_insert_with("metadata", Node::mapping);
        if metadata.get("annotations").is_none_or(Node::is_null) {
            metadata.set("annotations", Node::mapping());
        }
        if let Some(annotations) = metadata.get_mut("annotations").filter(|a| a.as_mapping().is_some()) {
            for (key, text) in marks {
                annotations.set(key, Node::string(text));
            }
        }
        true
    }

    /// Takes the marks out of the annotations again. False when they were removed meanwhile.
    pub(crate) fn hide_marks(&mut self) -> bool {
        let Some(metadata) = self.node.get_mut("metadata") else { return false };
        let Some(annotations) = metadata.get_mut("annotations") else { return false };
        let Data::Mapping(entries) = &mut annotations.data else { return false };
        let before = entries.len();
        entries.retain(|(key, _)| !key.as_str().is_some_and(is_mark));
        let found = entries.len() < before;
        if entries.is_empty() {
            metadata.remove("annotations");
        }
        found
    }

    /// Forgets what is noted of the object, as when a patch removed its annotations.
    pub(crate) fn forget(&mut self) {
        self.previous.clear();
        self.prefixes.clear();
        self.suffixes.clear();
        self.behavior = Behavior::Create;
        (self.needs_hash, self.generated, self.from_helm) = (false, false, false);
        (self.allow_name_change, self.allow_kind_change) = (false, false);
    }

    /// Notes what a file says of the object's past.
    ///
    /// # Errors
    /// When its lists are not of one length.
    pub(crate) fn adopt_marks(&mut self) -> Result<(), Error> {
        let list = |key: &str| -> Vec<String> {
            self.annotation(key).map(|text| text.split(',').map(str::to_owned).collect()).unwrap_or_default()
        };
        let (names, namespaces, kinds) = (list(NAMES), list(NAMESPACES), list(KINDS));
        if names.is_empty() {
            return Ok(());
        }
        if names.len() != namespaces.len() || names.len() != kinds.len() {
            let text = format!("the annotations of {} name unequal numbers of previous names and kinds", self.id());
            return Err(Error::Object(text));
        }
        let (prefixes, suffixes) = (list(PREFIXES), list(SUFFIXES));
        let gvk = self.gvk();
        for ((name, namespace), kind) in names.into_iter().zip(namespaces).zip(kinds) {
            let past = crate::resid::Gvk { kind: kind.clone(), ..gvk.clone() };
            let namespace = crate::resid::effective_namespace(&past, &namespace).to_owned();
            self.previous.push(Previous { kind, name, namespace });
        }
        (self.prefixes, self.suffixes) = (prefixes, suffixes);
        self.hide_marks();
        Ok(())
    }
}

/// An annotation that only the build itself uses.
fn is_mark(key: &str) -> bool {
    key.starts_with(OWN)
        && [NAMES, NAMESPACES, KINDS, PREFIXES, SUFFIXES, NEEDS_HASH, BEHAVIOR, NAME_CHANGE, KIND_CHANGE, FROM_HELM]
            .contains(&key)
}
