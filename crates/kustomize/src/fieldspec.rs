//! Field specs: places in objects of certain kinds, as `spec/template/spec/containers/image`.

use serde::Deserialize;
use weir_yaml::{Data, Node, Resolved, Schema, resolve};

use crate::Error;
use crate::resid::Gvk;
use crate::resource::Resource;

/// A place in objects of certain kinds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct FieldSpec {
    pub(crate) group: String,
    pub(crate) version: String,
    pub(crate) kind: String,
    pub(crate) path: String,
    pub(crate) create: bool,
}

/// What to make where nothing is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Create {
    Nothing,
    Scalar,
    Mapping,
}

impl FieldSpec {
    pub(crate) fn new(path: &str) -> Self {
        Self { path: path.to_owned(), ..Self::default() }
    }

    pub(crate) fn gvk(&self) -> Gvk {
        Gvk { group: self.group.clone(), version: self.version.clone(), kind: self.kind.clone() }
    }

    pub(crate) fn selects(&self, resource: &Resource) -> bool {
        if !self.kind.is_empty() && self.kind != resource.kind() {
            return false;
        }
        let (group, version) = split_api_version(resource.api_version());
        (self.group.is_empty() || self.group == group) && (self.version.is_empty() || self.version == version)
    }

    /// Calls `set` on every node at this place, making what is missing where the spec says so.
    pub(crate) fn apply(
        &self,
        resource: &mut Resource,
        create: Create,
        set: &mut dyn FnMut(&mut Node) -> Result<(), Error>,
    ) -> Result<(), Error> {
        if !self.selects(resource) {
            return Ok(());
        }
        self.apply_node(&mut resource.node, create, set).map_err(|error| {
            let id = resource.id();
            error.told(|error| format!("considering field '{}' of object {id}: {error}", self.path))
        })
    }

    /// The same on a node whose kind is known to fit.
    pub(crate) fn apply_node(
        &self,
        node: &mut Node,
        create: Create,
        set: &mut dyn FnMut(&mut Node) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let path = split_path(&self.path, '/');
        let create = if self.create { create } else { Create::Nothing };
        walk(node, &path, create, set)
    }
}

pub(crate) fn split_api_version(api_version: &str) -> (&str, &str) {
    api_version.split_once('/').unwrap_or(("", api_version))
}

fn walk(
    node: &mut Node,
    path: &[String],
    create: Create,
    set: &mut dyn FnMut(&mut Node) -> Result<(), Error>,
) -> Result<(), Error> {
    let Some((head, rest)) = path.split_first() else { return set(node) };
    if node.is_null() {
        return Ok(());
    }
    match &mut node.data {
        Data::Sequence(items) => items.iter_mut().try_for_each(|item| walk(item, path, create, set)),
        Data::Mapping(_) => {
            let (name, is_list) = head.strip_suffix("[]").map_or((head.as_str(), false), |n| (n, true));
            if name.is_empty() {
                return Err(Error::object("cannot set or create an empty field name"));
            }
            if name == "-" || name.starts_with('[') || name.bytes().all(|b| b.is_ascii_digit()) {
                return Err(Error::object("expected a list, found a mapping"));
            }
            if name == "*" {
                return Err(Error::object("a field spec has no wildcards; name the field"));
            }
            let made = match create {
                // A path that says it leads to a list makes one of a null, but nothing of nothing.
                _ if is_list => node.get(name).is_some().then(Node::sequence),
                Create::Nothing => None,
                _ if !rest.is_empty() => Some(Node::mapping()),
                Create::Scalar => Some(Node::string("")),
                Create::Mapping => Some(Node::mapping()),
            };
            if let Some(made) = made
                && node.get(name).is_none_or(Node::is_null)
            {
                node.set(name, made);
            }
            match node.get_mut(name) {
                Some(field) => walk(field, rest, create, set),
                None => Ok(()),
            }
        }
        Data::Scalar(_) | Data::Alias(_) => Err(Error::object("expected sequence or mapping node")),
    }
}

/// Splits a path; a separator behind a backslash is part of a name.
pub(crate) fn split_path(path: &str, separator: char) -> Vec<String> {
    let mut parts: Vec<&str> = path.split(separator).collect();
    if parts.len() > 1 && parts.first().is_some_and(|p| p.is_empty()) {
        parts.remove(0);
    }
    let mut out: Vec<String> = Vec::with_capacity(parts.len());
    for part in parts {
        match out.last_mut().filter(|last| last.ends_with('\\')) {
            Some(last) => {
                last.pop();
                last.push(separator);
                last.push_str(part);
            }
            None => out.push(part.to_owned()),
        }
    }
    out
}

/// Splits a replacement's field path: `[name=a.b]` stays one part, `[a.b]` becomes the key `a.b`.
pub(crate) fn split_smart(path: &str) -> Vec<String> {
    let parts = split_path(path, '.');
    let mut out = Vec::with_capacity(parts.len());
    let mut rest = parts.into_iter();
    while let Some(part) = rest.next() {
        if !part.starts_with('[') || part.ends_with(']') {
            out.push(part);
            continue;
        }
        let mut joined = part;
        for next in rest.by_ref() {
            joined.push('.');
            joined.push_str(&next);
            if next.ends_with(']') {
                break;
            }
        }
        out.push(if joined.contains('=') { joined } else { joined.trim_matches(['[', ']']).to_owned() });
    }
    out
}

/// A scalar that is read as a string.
pub(crate) fn is_string(node: &Node) -> bool {
    let Data::Scalar(text) = &node.data else { return false };
    match node.tag() {
        Some(tag) => tag == "!!str",
        None => node.style.is_quoted() || resolve(text, Schema::V3) == Resolved::Str,
    }
}

/// Replaces a scalar's text; its style stays, so a quoted one stays a string.
pub(crate) fn set_scalar(node: &mut Node, text: &str) -> Result<(), Error> {
    let Data::Scalar(old) = &mut node.data else {
        return Err(Error::object("wrong node kind: expected a scalar"));
    };
    text.clone_into(old);
    node.set_tag(None);
    Ok(())
}

/// Makes a scalar the string `text`.
pub(crate) fn set_string(node: &mut Node, text: &str) -> Result<(), Error> {
    set_scalar(node, text)?;
    node.set_tag(Some("!!str"));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_split_as_kustomize_splits_them() {
        assert_eq!(split_path("metadata/annotations/a\\/b", '/'), ["metadata", "annotations", "a/b"]);
        assert_eq!(split_path("/a/b", '/'), ["a", "b"]);
        assert_eq!(split_smart("spec.[name=a.b].x"), ["spec", "[name=a.b]", "x"]);
        assert_eq!(split_smart("metadata.annotations.[a.b/c]"), ["metadata", "annotations", "a.b/c"]);
    }
}
