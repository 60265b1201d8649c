//! Lists whose items are merged by keys.
//!
//! Kept close to what kyaml's steps do one after another, because the order of the result follows from them: items are found
//! by their keys, the patch's first; merged; then the old list is laid over the result.

use std::collections::HashMap;

use weir_yaml::{Data, Node};

use super::{Merger, Outcome};
use crate::Error;
use crate::schema::At;

type Values = Vec<String>;

/// Items by number, so that one item can stand in two lists while the result is put together.
struct Arena {
    nodes: Vec<Node>,
}

impl Arena {
    fn add(&mut self, node: Node) -> usize {
        self.nodes.push(node);
        self.nodes.len() - 1
    }

    fn get(&self, at: usize) -> Option<&Node> {
        self.nodes.get(at)
    }
}

impl Arena {
    /// The items in order; one that is named again is repeated, as the original repeats items that lack a key.
    fn into_items(self, order: &[usize]) -> Vec<Node> {
        let mut taken: Vec<Option<Node>> = self.nodes.into_iter().map(Some).collect();
        let mut places: HashMap<usize, usize> = HashMap::with_capacity(order.len());
        let mut items: Vec<Node> = Vec::with_capacity(order.len());
        for &at in order {
            let again = places.get(&at).and_then(|&place| items.get(place)).cloned();
            if let Some(node) = again.or_else(|| taken.get_mut(at).and_then(Option::take)) {
                places.entry(at).or_insert(items.len());
                items.push(node);
            }
        }
        items
    }
}

impl<'a> Merger<'a> {
    pub(super) fn items(&self, dest: Node, patch: Option<Node>, at: At<'a>, keys: &[String]) -> Result<Node, Error> {
        let (style, position) = (dest.style, dest.position);
        let Data::Sequence(old) = dest.data else { return Ok(dest) };
        let wanted = match patch.map(|p| p.data) {
            Some(Data::Sequence(items)) => items,
            _ => Vec::new(),
        };
        let by_value = [String::new()];
        let keys = if keys.is_empty() { by_value.as_slice() } else { keys };
        let mut arena = Arena { nodes: Vec::with_capacity(old.len()) };
        let mut list: Vec<usize> = old.into_iter().map(|node| arena.add(node)).collect();
        let mut all = all_values(&wanted, &list, &arena, keys, self.of_values);
        if keys.len() > 1 {
            unify(&mut all);
        }
        let mut result: Vec<usize> = Vec::new();
        let mut last_keys: Vec<String> = Vec::new();
        for values in &all {
            let (valid_keys, valid_values) = valid(&all, values, keys);
            self.one(&mut arena, &mut list, &mut result, &wanted, at, &valid_keys, &valid_values)?;
            last_keys = valid_keys;
        }
        if !all.is_empty() && self.of_values {
            overlay(&arena, &mut list, &result, &last_keys);
            result = list;
        } else if !all.is_empty() {
            overlay(&arena, &mut result, &list, &last_keys);
        } else {
            result = list;
        }
        let items = arena.into_items(&result);
        let mut node = Node::new(Data::Sequence(items));
        (node.style, node.position) = (style, position);
        Ok(node)
    }

    /// Merges the items with one set of key values.
    #[allow(clippy::too_many_arguments)]
    fn one(
        &self,
        arena: &mut Arena,
        list: &mut Vec<usize>,
        result: &mut Vec<usize>,
        wanted: &[Node],
        at: At<'a>,
        keys: &[String],
        values: &[String],
    ) -> Result<(), Error> {
        let (find_keys, find_values) = valid(std::slice::from_ref(&values.to_vec()), values, keys);
        let found = list.iter().copied().find(|&i| arena.get(i).is_some_and(|n| matches(n, &find_keys, &find_values)));
        let patch = wanted.iter().find(|n| matches(n, &find_keys, &find_values)).cloned();
        let dest = found.and_then(|i| arena.get(i)).cloned();
        let merged = match self.merge(dest, patch, at.item())? {
            Outcome::Gone => None,
            Outcome::Kept(node) | Outcome::Taken(node) if is_nothing(&node) => None,
            Outcome::Kept(node) => match found.and_then(|i| arena.nodes.get_mut(i)) {
                Some(slot) => {
                    *slot = node;
                    found
                }
                None => Some(arena.add(node)),
            },
            Outcome::Taken(node) => Some(arena.add(node)),
        };
        let Some(slot) = merged else {
            set_element(arena, list, None, keys, values);
            return Ok(());
        };
        for (key, value) in keys.iter().zip(values) {
            if let Some(node) = arena.nodes.get_mut(slot)
                && node.as_mapping().is_some()
                && node.get(key).is_none()
                && !value.is_empty()
            {
                node.set(key, Node::scalar(value));
            }
        }
        set_element(arena, result, Some(slot), keys, values);
        Ok(())
    }
}

pub(super) fn is_nothing(node: &Node) -> bool {
    node.is_null() || node.as_mapping().is_some_and(<[_]>::is_empty)
}

fn key_text(node: &Node, key: &str) -> Option<String> {
    if key.is_empty() {
        return node.as_str().map(str::to_owned);
    }
    node.get(key).filter(|v| !v.is_null()).and_then(Node::as_str).map(str::to_owned)
}

/// The key values of all items, the patch's first (or last), each once; what an item lacks is empty.
fn all_values(wanted: &[Node], list: &[usize], arena: &Arena, keys: &[String], patch_last: bool) -> Vec<Values> {
    let mut all: Vec<Values> = Vec::new();
    let mut seen = std::collections::HashSet::new();
    let old: Vec<&Node> = list.iter().filter_map(|&i| arena.get(i)).collect();
    let mut sources = [wanted.iter().collect::<Vec<_>>(), old];
    if patch_last {
        sources.reverse();
    }
    for source in sources {
        for node in source {
            let values: Values = keys.iter().map(|key| key_text(node, key).unwrap_or_default()).collect();
            if seen.insert(values.clone()) {
                all.push(values);
            }
        }
    }
    all
}

/// Key values that agree where both are given are one: `{80, ""}` and `{80, TCP}`.
fn unify(all: &mut [Values]) {
    const MANY: usize = 2_000;
    if all.len() > MANY {
        return;
    }
    for i in 0..all.len() {
        for j in 0..all.len() {
            let (Some(a), Some(b)) = (all.get(i), all.get(j)) else { continue };
            if let Some(joined) = join(a, b) {
                if let Some(slot) = all.get_mut(i) {
                    slot.clone_from(&joined);
                }
                if let Some(slot) = all.get_mut(j) {
                    *slot = joined;
                }
            }
        }
    }
}

fn join(a: &[String], b: &[String]) -> Option<Values> {
    let mut common = false;
    let mut joined = Vec::with_capacity(a.len());
    for (x, y) in a.iter().zip(b) {
        if x == y {
            common = true;
        } else if !x.is_empty() && !y.is_empty() {
            return None;
        }
        joined.push(if x.is_empty() { y.clone() } else { x.clone() });
    }
    common.then_some(joined)
}

/// The keys that any item has, and this item's values of them; all keys when no item has any.
fn valid(all: &[Values], values: &[String], keys: &[String]) -> (Vec<String>, Values) {
    let used: Vec<bool> =
        (0..keys.len()).map(|i| all.iter().any(|v| v.get(i).is_some_and(|text| !text.is_empty()))).collect();
    if !used.contains(&true) {
        return (keys.to_vec(), values.to_vec());
    }
    let keep = |list: &[String]| -> Vec<String> {
        list.iter().zip(&used).filter(|(_, used)| **used).map(|(text, _)| text.clone()).collect()
    };
    (keep(keys), keep(values))
}

/// The text of a field as it is written; a mapping or list has the empty one.
fn raw_text<'n>(node: &'n Node, key: &str) -> Option<&'n str> {
    if key.is_empty() {
        return node.as_str();
    }
    node.get(key).map(|field| field.as_str().unwrap_or_default())
}

fn matches(node: &Node, keys: &[String], values: &[String]) -> bool {
    keys.iter().zip(values).all(|(key, value)| raw_text(node, key) == Some(value))
}

/// Puts an item in the place of those with its key values, at the end when there are none; without an item removes them.
fn set_element(arena: &Arena, list: &mut Vec<usize>, element: Option<usize>, keys: &[String], values: &[String]) {
    let of_maps = keys.first().is_some_and(|k| !k.is_empty()) && values.first().is_some_and(|v| !v.is_empty());
    let mut out = Vec::with_capacity(list.len() + 1);
    let mut found_any = false;
    for &slot in list.iter() {
        let Some(node) = arena.get(slot) else { continue };
        if is_nothing(node) {
            continue;
        }
        if of_maps && node.as_mapping().is_none() {
            out.push(slot);
            continue;
        }
        // Keys without a value are not looked at; an empty value stands for any.
        let found = !values.is_empty()
            && keys.iter().zip(values).all(|(key, value)| match value.as_str() {
                "" if !key.is_empty() => node.get(key).is_some(),
                value => raw_text(node, key) == Some(value),
            });
        if !found {
            if !values.is_empty() {
                out.push(slot);
            }
            continue;
        }
        found_any = true;
        if let Some(element) = element {
            out.push(element);
        }
    }
    if let Some(element) = element
        && !found_any
        && arena.get(element).is_some_and(|n| !n.is_null())
    {
        out.push(element);
    }
    *list = out;
}

/// Lays a list over another: the old one over the merged items, or these over it.
fn overlay(arena: &Arena, result: &mut Vec<usize>, list: &[usize], keys: &[String]) {
    for &slot in list {
        let Some(node) = arena.get(slot) else { continue };
        if keys.first().is_some_and(String::is_empty) {
            let value = key_text(node, "").unwrap_or_default();
            set_element(arena, result, Some(slot), keys, &[value]);
            continue;
        }
        let mut values = Vec::with_capacity(keys.len());
        for key in keys {
            match node.get(key) {
                Some(value) => values.push(value.as_str().unwrap_or_default().to_owned()),
                None => result.push(slot),
            }
        }
        if keys.len() > 1 {
            set_element(arena, result, None, keys, &values);
        }
        set_element(arena, result, Some(slot), keys, &values);
    }
}
