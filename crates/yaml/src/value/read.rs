//! Nodes to JSON values.

use std::collections::HashSet;

use serde_json::{Map, Value};

use super::scalar::{key_text, scalar_value};
use crate::aliases::Aliases;
use crate::resolve::Schema;
use crate::{Data, Error, ErrorKind, Limits, Node, Style};

/// Past this many nodes go-yaml wants fewer of them to come from aliases; at the other bound one in ten.
const FREE_NODES: f64 = 400_000.0;
const MANY_NODES: f64 = 4_000_000.0;
/// Bytes of text read through aliases. Go shares such text, so it has no measure for this.
const ALIAS_BYTES: usize = 64 << 20;

pub(super) struct Reader<'a> {
    root: &'a Node,
    schema: Schema,
    limits: Limits,
    aliases: Option<Aliases<'a>>,
    /// Nodes read, and those of them read through aliases.
    read: usize,
    through_aliases: usize,
    /// Bytes of their text.
    alias_bytes: usize,
    alias_depth: usize,
    depth: usize,
    /// Flow collections around the node.
    flow: usize,
    /// Whole floats stay floats.
    floats: bool,
}

impl<'a> Reader<'a> {
    pub(super) fn new(root: &'a Node, schema: Schema, limits: &Limits) -> Self {
        Self {
            root,
            schema,
            limits: *limits,
            aliases: None,
            read: 1,
            through_aliases: 0,
            alias_bytes: 0,
            alias_depth: 0,
            depth: 0,
            flow: 0,
            floats: false,
        }
    }

    /// Keeps whole floats as floats, where they become integers otherwise.
    pub(super) fn keeping_floats(mut self) -> Self {
        self.floats = true;
        self
    }

    pub(super) fn read(mut self) -> Result<Value, Error> {
        self.value(self.root)
    }

    fn value(&mut self, node: &'a Node) -> Result<Value, Error> {
        self.count(node)?;
        self.depth += 1;
        if self.depth > self.limits.depth {
            return Err(limit(node, "depth", self.limits.depth));
        }
        let flow = usize::from(node.style == Style::Flow);
        self.flow += flow;
        let value = self.data(node);
        self.flow -= flow;
        self.depth -= 1;
        value
    }

    /// Counts a node; too many through aliases are a bomb, by go-yaml's measure and by our own.
    fn count(&mut self, node: &Node) -> Result<(), Error> {
        self.read += 1;
        if self.alias_depth == 0 {
            return Ok(());
        }
        self.through_aliases += 1;
        self.count_text(node)?;
        let (read, through) = (self.read as f64, self.through_aliases as f64);
        let share = 0.99 - 0.89 * ((read - FREE_NODES) / (MANY_NODES - FREE_NODES)).clamp(0.0, 1.0);
        let bomb = self.through_aliases > 100 && self.read > 1000 && through / read > share;
        if bomb || self.through_aliases > self.limits.expansion {
            return Err(limit(node, "alias expansion", self.limits.expansion));
        }
        Ok(())
    }

    /// Counts the text that an alias repeats.
    fn count_text(&mut self, node: &Node) -> Result<(), Error> {
        self.alias_bytes += node.as_str().map_or(0, str::len);
        if self.alias_bytes > ALIAS_BYTES { Err(limit(node, "text of aliases", ALIAS_BYTES)) } else { Ok(()) }
    }

    fn data(&mut self, node: &'a Node) -> Result<Value, Error> {
        match &node.data {
            // Inside of a flow collection kyaml writes an empty value as an empty string.
            Data::Scalar(text) if text.is_empty() && self.flow > 0 && self.schema == Schema::Kyaml => {
                Ok(Value::String(String::new()))
            }
            Data::Scalar(text) => scalar_value(node, text, self.schema, self.floats),
            Data::Sequence(items) => {
                let mut array = Vec::with_capacity(items.len());
                for item in items {
                    array.push(self.value(item)?);
                }
                Ok(Value::Array(array))
            }
            Data::Mapping(entries) => {
                let mut map = Map::new();
                // The outermost mapping of an object is read into text keys, whatever they look like.
                let any_key = self.schema == Schema::Kyaml && self.depth == 1;
                self.mapping(node, entries, &mut map, any_key)?;
                Ok(Value::Object(map))
            }
            Data::Alias(_) => {
                let target = self.target(node)?;
                self.alias_depth += 1;
                let value = self.value(target);
                self.alias_depth -= 1;
                value
            }
        }
    }

    fn target(&mut self, alias: &Node) -> Result<&'a Node, Error> {
        let root = self.root;
        let target = self.aliases.get_or_insert_with(|| Aliases::of(root)).target(alias);
        target.ok_or_else(|| {
            let name = if let Data::Alias(name) = &alias.data { name.clone() } else { String::new() };
            error(alias, ErrorKind::UnknownAnchor(name))
        })
    }

    /// `any_key`: keys are texts, whatever they mean.
    fn mapping(
        &mut self,
        node: &'a Node,
        entries: &'a [(Node, Node)],
        map: &mut Map<String, Value>,
        any_key: bool,
    ) -> Result<(), Error> {
        let inline = self.schema == Schema::V2;
        if !inline && !self.limits.duplicate_keys {
            refuse_duplicates(entries, self.schema)?;
        }
        let mut merges = Vec::new();
        for (key, value) in entries {
            if is_merge(key, self.schema) {
                if inline {
                    self.merge(node, value, map)?;
                } else {
                    merges.push(value);
                }
                continue;
            }
            if any_key && key.is_null() {
                // go-yaml v3 leaves out what has null for a text key.
                continue;
            }
            let name = self.key(key, any_key)?;
            let value = self.value(value)?;
            if inline && !self.limits.duplicate_keys && map.contains_key(&name) {
                return Err(self.duplicate(key, name, entries));
            }
            map.insert(name, value);
        }
        for merge in merges {
            self.merge(node, merge, map)?;
        }
        Ok(())
    }

    fn duplicate(&mut self, key: &Node, name: String, entries: &'a [(Node, Node)]) -> Error {
        let first = entries.iter().find(|(other, _)| self.key(other, false).is_ok_and(|other| other == name));
        let first = first.map_or(0, |(other, _)| other.position.line);
        error(key, ErrorKind::DuplicateKey { key: name, first })
    }

    fn key(&mut self, key: &'a Node, any_key: bool) -> Result<String, Error> {
        self.count(key)?;
        let target = if matches!(key.data, Data::Alias(_)) { self.target(key)? } else { key };
        if !std::ptr::eq(target, key) {
            self.count_text(target)?;
        }
        let Some(text) = target.as_str() else {
            return Err(error(key, ErrorKind::NotJson("a mapping or sequence cannot be a key")));
        };
        if any_key {
            return Ok(text.to_owned());
        }
        key_text(target, text, self.schema)
    }

    /// What stands behind `<<`. go-yaml v2 carries it out where it stands, over what came before; v3 at the end, for keys
    /// that are not given, the first mapping first.
    fn merge(&mut self, node: &'a Node, merge: &'a Node, map: &mut Map<String, Value>) -> Result<(), Error> {
        if self.depth > self.limits.depth {
            return Err(limit(node, "depth", self.limits.depth));
        }
        let refused = || error(merge, ErrorKind::NotJson("map merge requires map or sequence of maps as the value"));
        let target = if matches!(merge.data, Data::Alias(_)) { self.target(merge)? } else { merge };
        match &target.data {
            Data::Mapping(_) => self.merge_mapping(merge, map),
            Data::Sequence(items) if !matches!(merge.data, Data::Alias(_)) => {
                let count = items.len();
                for index in 0..count {
                    let index = if self.schema == Schema::V2 { count - 1 - index } else { index };
                    let Some(item) = items.get(index) else { continue };
                    let target = if matches!(item.data, Data::Alias(_)) { self.target(item)? } else { item };
                    if !matches!(target.data, Data::Mapping(_)) {
                        return Err(refused());
                    }
                    self.merge_mapping(item, map)?;
                }
                Ok(())
            }
            _ => Err(refused()),
        }
    }

    fn merge_mapping(&mut self, merge: &'a Node, map: &mut Map<String, Value>) -> Result<(), Error> {
        let alias = matches!(merge.data, Data::Alias(_));
        let target = if alias { self.target(merge)? } else { merge };
        let Data::Mapping(entries) = &target.data else { return Ok(()) };
        self.alias_depth += usize::from(alias);
        self.depth += 1;
        if self.depth > self.limits.depth {
            return Err(limit(merge, "depth", self.limits.depth));
        }
        self.count(target)?;
        let mut merged = Map::new();
        self.mapping(target, entries, &mut merged, self.schema != Schema::V2)?;
        self.depth -= 1;
        self.alias_depth -= usize::from(alias);
        for (key, value) in merged {
            if self.schema != Schema::V2 {
                map.entry(key).or_insert(value);
            } else if !self.limits.duplicate_keys && map.contains_key(&key) {
                return Err(error(merge, ErrorKind::DuplicateKey { key, first: 0 }));
            } else {
                map.insert(key, value);
            }
        }
        Ok(())
    }
}

/// go-yaml v3 compares keys by kind and text.
fn refuse_duplicates(entries: &[(Node, Node)], schema: Schema) -> Result<(), Error> {
    let mut seen: HashSet<(u8, &str)> = HashSet::with_capacity(entries.len());
    for (key, _) in entries {
        let name = match &key.data {
            Data::Scalar(_) if schema == Schema::Kyaml && is_merge(key, schema) => continue,
            Data::Scalar(text) => (0, text.as_str()),
            Data::Alias(name) => (1, name.as_str()),
            Data::Mapping(_) => (2, ""),
            Data::Sequence(_) => (3, ""),
        };
        if !seen.insert(name) {
            let same = |other: &&(Node, Node)| other.0.as_str() == key.as_str();
            let first = entries.iter().find(same).map_or(0, |(other, _)| other.position.line);
            return Err(error(key, ErrorKind::DuplicateKey { key: name.1.to_owned(), first }));
        }
    }
    Ok(())
}

fn is_merge(key: &Node, schema: Schema) -> bool {
    if key.as_str() != Some("<<") {
        return false;
    }
    match key.tag() {
        Some(tag) => tag == "!!merge" || (tag == "!" && (schema == Schema::V2 || key.style == Style::Plain)),
        None => key.style == Style::Plain,
    }
}

pub(super) fn error(node: &Node, kind: ErrorKind) -> Error {
    Error::new(kind, node.position.line, node.position.column)
}

fn limit(node: &Node, what: &'static str, limit: usize) -> Error {
    error(node, ErrorKind::Limit { what, limit })
}
