//! `ValueAddTransformer`: puts a value into fields, also as a part of a path.

use serde::Deserialize;
use weir_yaml::{Data, Node};

use super::names::{NamespaceArgs, set_namespace};
use crate::Error;
use crate::fieldspec::{set_scalar, split_path};
use crate::resmap::ResMap;
use crate::selector::Selector;

/// Where a value goes.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Target {
    pub(crate) selector: Option<Selector>,
    pub(crate) field_path: String,
    pub(crate) file_path_position: i64,
}

/// Adds `value` at the targets.
pub(crate) fn add(map: &mut ResMap, value: &str, targets: &[Target]) -> Result<(), Error> {
    if targets.is_empty() {
        return Err(Error::object("must specify at least one target"));
    }
    for target in targets {
        if target.field_path.is_empty() {
            return Err(Error::object("fieldPath cannot be empty"));
        }
        let position = usize::try_from(target.file_path_position)
            .map_err(|_| Error::object("filePathPosition cannot be negative"))?;
        let matcher = target.selector.as_ref().map(Selector::matcher).transpose()?;
        let ResMap { list, meter } = &mut *map;
        for resource in list {
            meter.go_on()?;
            if matcher.as_ref().is_some_and(|m| !m.selects(resource)) {
                continue;
            }
            if target.field_path == "metadata/namespace" {
                let args = NamespaceArgs { namespace: value.to_owned(), ..NamespaceArgs::default() };
                set_namespace(resource, &args)?;
                continue;
            }
            let mut here = &mut resource.node;
            let parts = split_path(&target.field_path, '/');
            for (at, part) in parts.iter().enumerate() {
                let last = at + 1 == parts.len();
                here = child(here, part, last)?;
            }
            meter.grow(value.len())?;
            let old = here.as_str().unwrap_or_default().to_owned();
            let new = if position > 0 { insert_part(&old, position - 1, value) } else { value.to_owned() };
            set_scalar(here, &new)?;
        }
    }
    Ok(())
}

fn child<'a>(node: &'a mut Node, part: &str, last: bool) -> Result<&'a mut Node, Error> {
    let make = || if last { Node::scalar("") } else { Node::mapping() };
    if let Some((key, value)) = part.strip_prefix('[').and_then(|p| p.strip_suffix(']')).and_then(|p| p.split_once('='))
    {
        let items = match &mut node.data {
            Data::Sequence(items) => items,
            _ => return Err(Error::object(format!("{part} is looked for in what is no list"))),
        };
        let at = match items.iter().position(|item| item.get_str(key) == Some(value)) {
            Some(at) => at,
            None => {
                let mut item = Node::mapping();
                item.set(key, Node::scalar(value));
                items.push(item);
                items.len() - 1
            }
        };
        return items.get_mut(at).ok_or_else(|| Error::object("the item is gone"));
    }
    if !matches!(node.data, Data::Mapping(_)) && !node.is_null() {
        return Err(Error::object(format!("{part} is looked for in what is no mapping")));
    }
    if node.get(part).is_none_or(Node::is_null) {
        node.set(part, make());
    }
    node.get_mut(part).ok_or_else(|| Error::object("the field is gone"))
}

/// Inserts a part into a file path; a position past the end appends.
fn insert_part(path: &str, position: usize, part: &str) -> String {
    if path.is_empty() {
        return part.to_owned();
    }
    let absolute = path.starts_with('/');
    let mut parts: Vec<&str> = path.split('/').filter(|p| !p.is_empty()).collect();
    parts.insert(position.min(parts.len()), part);
    let joined = parts.join("/");
    if absolute { format!("/{joined}") } else { joined }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_inserted_into_a_path() {
        for (path, position, expected) in [
            ("", 0, "P"),
            ("/", 0, "/P"),
            ("pie", 0, "P/pie"),
            ("/pie", 0, "/P/pie"),
            ("raw", 9, "raw/P"),
            ("a/b", 1, "a/P/b"),
        ] {
            assert_eq!(insert_part(path, position, "P"), expected);
        }
    }
}
