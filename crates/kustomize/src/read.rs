//! Objects from the text of a file.

use weir_yaml::{Data, Limits, Node};

use crate::Error;
use crate::resource::{Resource, node_value};

fn limits() -> Limits {
    Limits::default()
}

/// The objects of a stream of documents; lists are taken apart, aliases and merge keys resolved.
pub(crate) fn resources(text: &str, file: &str) -> Result<Vec<Resource>, Error> {
    let documents = weir_yaml::parse(text, &limits()).map_err(|source| Error::yaml(file, source))?;
    let mut out = Vec::with_capacity(documents.len());
    for mut node in documents {
        node.clear_comments();
        let node = node.expand(&limits()).map_err(|source| Error::yaml(file, source))?;
        if node.is_null() || node.is_empty_collection() {
            continue;
        }
        take_apart(node, file, &mut out)?;
    }
    Ok(out)
}

fn take_apart(node: Node, file: &str, out: &mut Vec<Resource>) -> Result<(), Error> {
    check(&node, file)?;
    let kind = node.get_str("kind").unwrap_or_default();
    if !kind.ends_with("List") {
        let mut resource = Resource::new(node);
        resource.adopt_marks()?;
        out.push(resource);
        return Ok(());
    }
    let mut node = node;
    match node.get("items").map(|items| (items.is_null(), &items.data)) {
        None => {
            out.push(Resource::new(node));
            Ok(())
        }
        Some((true, _)) => Ok(()),
        Some((false, Data::Sequence(_))) => {
            let Some(Node { data: Data::Sequence(items), .. }) = node.remove("items") else { return Ok(()) };
            items.into_iter().filter(|i| !i.is_null()).try_for_each(|item| take_apart(item, file, out))
        }
        Some(_) => Err(Error::field(file, "items", "must be a list")),
    }
}

/// An object must have a kind and, lists aside, a name.
fn check(node: &Node, file: &str) -> Result<(), Error> {
    let line = node.position.line;
    let refused = |field: &str, reason: &str| {
        let place = if line > 0 { format!("line {line}: {field}") } else { field.to_owned() };
        Err(Error::field(file, place, reason))
    };
    if node.as_mapping().is_none() {
        return refused("document", "must be an object");
    }
    let kind = node.get("kind").filter(|k| !k.is_null()).and_then(Node::as_str).unwrap_or_default();
    if kind.is_empty() {
        return refused("kind", "missing in object");
    }
    if !kind.ends_with("List") {
        let name = node.at(&["metadata", "name"]).filter(|n| !n.is_null()).and_then(Node::as_str).unwrap_or_default();
        if name.is_empty() {
            return refused("metadata.name", "missing in object");
        }
    }
    Ok(())
}

/// The first document of a text as a value; kustomize passes over the others where it wants one.
pub(crate) fn first_value(text: &str, file: &str) -> Result<serde_json::Value, Error> {
    let limits = Limits { duplicate_keys: true, ..Limits::default() };
    let documents = weir_yaml::parse(text, &limits).map_err(|source| Error::yaml(file, source))?;
    match documents.first() {
        Some(node) => weir_yaml::to_value(node).map_err(|source| Error::yaml(file, source)),
        None => Ok(serde_json::Value::Null),
    }
}

/// A configuration object of `transformers` or `generators` as a value.
pub(crate) fn config_value(resource: &Resource) -> Result<serde_json::Value, Error> {
    node_value(&resource.node).map_err(|source| Error::yaml(&resource.id().to_string(), source))
}
