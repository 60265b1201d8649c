//! Aliases replaced by what they name, merge keys carried out.

use std::collections::HashMap;

use crate::{Data, Error, ErrorKind, Limits, Node};

impl Node {
    /// The document without aliases, anchors and merge keys.
    ///
    /// # Errors
    /// An alias that names nothing, and expansion past the limit.
    pub fn expand(self, limits: &Limits) -> Result<Node, Error> {
        if !needs_expansion(&self) {
            return Ok(self);
        }
        let mut anchors = HashMap::new();
        let mut budget = limits.expansion;
        expand(&self, &mut anchors, &mut budget, limits.expansion)
    }

    /// The number of nodes here and below.
    fn count(&self) -> usize {
        match &self.data {
            Data::Mapping(entries) => 1 + entries.iter().map(|(k, v)| k.count() + v.count()).sum::<usize>(),
            Data::Sequence(items) => 1 + items.iter().map(Node::count).sum::<usize>(),
            _ => 1,
        }
    }
}

fn needs_expansion(node: &Node) -> bool {
    if node.anchor().is_some() {
        return true;
    }
    match &node.data {
        Data::Mapping(entries) => {
            entries.iter().any(|(k, v)| needs_expansion(k) || needs_expansion(v) || is_merge_key(k))
        }
        Data::Sequence(items) => items.iter().any(needs_expansion),
        Data::Alias(_) => true,
        Data::Scalar(_) => false,
    }
}

fn is_merge_key(key: &Node) -> bool {
    key.as_str() == Some("<<") && key.tag().is_none_or(|t| t == "!!merge") && !key.style.is_quoted()
}

type Anchors = HashMap<String, Node>;

fn expand(node: &Node, anchors: &mut Anchors, budget: &mut usize, limit: usize) -> Result<Node, Error> {
    let error = |kind| Error::new(kind, node.position.line, node.position.column);
    let mut out = match &node.data {
        Data::Scalar(_) => node.clone(),
        Data::Alias(name) => {
            let unknown = || error(ErrorKind::UnknownAnchor(name.clone()));
            let target = anchors.get(name).ok_or_else(unknown)?;
            let size = target.count();
            *budget =
                budget.checked_sub(size).ok_or_else(|| error(ErrorKind::Limit { what: "alias expansion", limit }))?;
            target.clone()
        }
        Data::Sequence(items) => {
            let mut expanded = Vec::with_capacity(items.len());
            for item in items {
                expanded.push(expand(item, anchors, budget, limit)?);
            }
            node.with_data(Data::Sequence(expanded))
        }
        Data::Mapping(entries) => {
            let mut expanded: Vec<(Node, Node)> = Vec::with_capacity(entries.len());
            let mut merges = Vec::new();
            for (key, value) in entries {
                let value = expand(value, anchors, budget, limit)?;
                if is_merge_key(key) {
                    merges.push(value);
                } else {
                    expanded.push((expand(key, anchors, budget, limit)?, value));
                }
            }
            for merge in merges {
                merge_into(&mut expanded, merge).map_err(error)?;
            }
            node.with_data(Data::Mapping(expanded))
        }
    };
    if let Some(anchor) = node.anchor() {
        out.set_anchor(None);
        anchors.insert(anchor.to_owned(), out.clone());
    }
    Ok(out)
}

fn merge_into(entries: &mut Vec<(Node, Node)>, merge: Node) -> Result<(), ErrorKind> {
    match merge.data {
        Data::Mapping(more) => {
            for (key, value) in more {
                if !entries.iter().any(|(k, _)| k.as_str() == key.as_str()) {
                    entries.push((key, value));
                }
            }
            Ok(())
        }
        Data::Sequence(items) => items.into_iter().try_for_each(|item| merge_into(entries, item)),
        _ => Err(ErrorKind::NotJson("map merge requires map or sequence of maps as the value")),
    }
}
