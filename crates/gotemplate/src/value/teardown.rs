//! Freeing values: without recursion, and also those that hold themselves.

use std::cell::{Cell, RefCell};

use crate::value::{Map, Value, map::WeakMap};

/// Whether a value may hold others.
pub(super) fn is_nested(value: &Value) -> bool {
    matches!(value, Value::List(_) | Value::Map(_))
}

/// Drops values however deeply they are nested: a template can nest a list a million times.
pub(super) fn drop_all(mut values: Vec<Value>) {
    let mut at = 0;
    while let Some(value) = values.get_mut(at) {
        at += 1;
        if !is_nested(value) {
            continue;
        }
        let inner = match std::mem::take(value) {
            Value::List(list) => list.into_items(),
            Value::Map(map) => map.into_values(),
            _ => None,
        };
        let Some(mut inner) = inner else { continue };
        inner.retain(is_nested);
        if !inner.is_empty() {
            values.append(&mut inner);
        }
    }
}

thread_local! {
    static SCOPES: Cell<usize> = const { Cell::new(0) };
    static NOTED: RefCell<Vec<WeakMap>> = const { RefCell::new(Vec::new()) };
    /// How many are noted before those that are gone, and those noted twice, are forgotten.
    static ENOUGH: Cell<usize> = const { Cell::new(FEW) };
}

const FEW: usize = 1_024;

/// Remembers a map that got a list or a map while others hold it: it may now hold itself.
pub(super) fn note(map: &Map) {
    if SCOPES.get() > 0 {
        NOTED.with_borrow_mut(|noted| {
            if noted.len() >= ENOUGH.get() {
                noted.retain(|it| !it.is_gone());
                noted.sort_unstable_by_key(WeakMap::address);
                noted.dedup_by_key(|it| it.address());
                ENOUGH.set(FEW.max(2 * noted.len()));
            }
            noted.push(map.downgrade());
        });
    }
}

/// While one exists, maps that templates change are remembered, and when the last one of the thread goes those that
/// still live are emptied. Without it a map that holds itself (`set $d "self" $d`) is never freed.
///
/// So hold one around a whole rendering and take no [`Value`] that templates could change out of it.
#[derive(Debug)]
pub struct Scope(());

impl Scope {
    /// Starts remembering.
    #[must_use]
    #[allow(clippy::new_without_default, reason = "it is made for what it does, not for what it holds")]
    pub fn new() -> Self {
        SCOPES.set(SCOPES.get() + 1);
        Self(())
    }
}

impl Drop for Scope {
    fn drop(&mut self) {
        SCOPES.set(SCOPES.get() - 1);
        if SCOPES.get() == 0 {
            ENOUGH.set(FEW);
            let noted = NOTED.with_borrow_mut(std::mem::take);
            for map in noted {
                drop_all(map.clear());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deep_values_are_freed_without_recursion() {
        let mut value = Value::list(Vec::new());
        for depth in 0..200_000 {
            value = if depth % 2 == 0 { Value::list(vec![value]) } else { Value::map([("k", value)]) };
        }
        drop(value);
    }

    #[test]
    fn a_map_that_holds_itself_is_emptied_with_the_scope() {
        let probe = {
            let _scope = Scope::new();
            let map = Map::new();
            let other = Map::new();
            map.set("other", Value::Map(other.clone()));
            other.set("back", Value::Map(map.clone()));
            other.downgrade()
        };
        assert!(probe.is_gone());
    }

    #[test]
    fn what_is_gone_is_not_remembered() {
        let _scope = Scope::new();
        let held = Map::new();
        let other = held.clone();
        for _ in 0..100_000 {
            let short = Map::new();
            let twin = short.clone();
            twin.set("k", Value::list(Vec::new()));
            other.set("k", Value::Map(short));
        }
        assert!(NOTED.with_borrow(Vec::len) <= 2 * FEW);
    }

    #[test]
    fn a_map_nobody_changed_is_left_alone() {
        let kept = Value::map([("a", Value::map([("b", Value::int(1))]))]);
        drop(Scope::new());
        assert_eq!(kept.to_string(), "map[a:map[b:1]]");
    }
}
