//! Aliases replaced by what they name, merge keys carried out.

use std::collections::HashSet;

use crate::aliases::Aliases;
use crate::{Data, Error, ErrorKind, Limits, Node};

/// Bytes of text copied for aliases.
const ALIAS_BYTES: usize = 64 << 20;

impl Node {
    /// The document without aliases, anchors and merge keys.
    ///
    /// # Errors
    /// An alias that names nothing, and expansion past the limit.
    pub fn expand(self, limits: &Limits) -> Result<Node, Error> {
        if !needs_expansion(&self) {
            return Ok(self);
        }
        let aliases = Aliases::of(&self);
        Expansion { aliases, limits: *limits, through_aliases: 0, alias_bytes: 0, alias_depth: 0, depth: 0 }
            .expand(&self)
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

struct Expansion<'a> {
    aliases: Aliases<'a>,
    limits: Limits,
    /// Nodes made for aliases.
    through_aliases: usize,
    /// Bytes of their text.
    alias_bytes: usize,
    alias_depth: usize,
    depth: usize,
}

impl<'a> Expansion<'a> {
    fn expand(&mut self, node: &'a Node) -> Result<Node, Error> {
        let limit = |what, limit| error(node, ErrorKind::Limit { what, limit });
        self.through_aliases += usize::from(self.alias_depth > 0);
        if self.through_aliases > self.limits.expansion {
            return Err(limit("alias expansion", self.limits.expansion));
        }
        if self.alias_depth > 0 {
            self.alias_bytes += node.as_str().map_or(0, str::len);
        }
        if self.alias_bytes > ALIAS_BYTES {
            return Err(limit("text of aliases", ALIAS_BYTES));
        }
        self.depth += 1;
        if self.depth > self.limits.depth {
            return Err(limit("depth", self.limits.depth));
        }
        let mut out = match &node.data {
            Data::Scalar(_) => node.clone(),
            Data::Alias(name) => {
                let unknown = || error(node, ErrorKind::UnknownAnchor(name.clone()));
                let target = self.aliases.target(node).ok_or_else(unknown)?;
                self.alias_depth += 1;
                let expanded = self.expand(target);
                self.alias_depth -= 1;
                expanded?
            }
            Data::Sequence(items) => {
                let mut expanded = Vec::with_capacity(items.len());
                for item in items {
                    expanded.push(self.expand(item)?);
                }
                node.with_data(Data::Sequence(expanded))
            }
            Data::Mapping(entries) => self.mapping(node, entries)?,
        };
        self.depth -= 1;
        out.set_anchor(None);
        Ok(out)
    }

    fn mapping(&mut self, node: &'a Node, entries: &'a [(Node, Node)]) -> Result<Node, Error> {
        let mut expanded: Vec<(Node, Node)> = Vec::with_capacity(entries.len());
        let mut merges = Vec::new();
        for (key, value) in entries {
            let value = self.expand(value)?;
            if is_merge_key(key) {
                merges.push(value);
            } else {
                expanded.push((self.expand(key)?, value));
            }
        }
        if !merges.is_empty() {
            let mut given = expanded.iter().map(|(key, _)| key.as_str().map(str::to_owned)).collect();
            for merge in merges {
                merge_into(&mut expanded, &mut given, merge).map_err(|kind| error(node, kind))?;
            }
        }
        Ok(node.with_data(Data::Mapping(expanded)))
    }
}

fn error(node: &Node, kind: ErrorKind) -> Error {
    Error::new(kind, node.position.line, node.position.column)
}

/// Adds the entries of a merged mapping whose keys are not `given` yet.
fn merge_into(
    entries: &mut Vec<(Node, Node)>,
    given: &mut HashSet<Option<String>>,
    merge: Node,
) -> Result<(), ErrorKind> {
    match merge.data {
        Data::Mapping(more) => {
            for (key, value) in more {
                if given.insert(key.as_str().map(str::to_owned)) {
                    entries.push((key, value));
                }
            }
            Ok(())
        }
        Data::Sequence(items) => items.into_iter().try_for_each(|item| merge_into(entries, given, item)),
        _ => Err(ErrorKind::NotJson("map merge requires map or sequence of maps as the value")),
    }
}
