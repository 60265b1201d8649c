//! Maps, which are shared by all who hold them.

use std::{
    cell::{Cell, Ref, RefCell},
    collections::BTreeMap,
    rc::{Rc, Weak},
};

use crate::{
    text::Str,
    types::{ANY_MAP, Type},
    value::Value,
};

/// A map from string that is not nil. All clones are one map, as in Go.
#[derive(Clone)]
pub struct Map(Rc<Inner>);

type Later = dyn FnOnce() -> BTreeMap<Str, Value>;

struct Inner {
    of: Type,
    entries: RefCell<BTreeMap<Str, Value>>,
    /// What makes the entries, until somebody asks for them.
    later: Cell<Option<Box<Later>>>,
}

impl Inner {
    fn entries(&self) -> &RefCell<BTreeMap<Str, Value>> {
        if let Some(make) = self.later.take() {
            *self.entries.borrow_mut() = make();
        }
        &self.entries
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        super::teardown::drop_all(values(&self.entries));
    }
}

fn values(entries: &RefCell<BTreeMap<Str, Value>>) -> Vec<Value> {
    std::mem::take(&mut *entries.borrow_mut()).into_values().filter(super::teardown::is_nested).collect()
}

impl Default for Map {
    fn default() -> Self {
        Self::new()
    }
}

impl Map {
    /// An empty `map[string]interface {}`.
    #[must_use]
    pub fn new() -> Self {
        Self::of(ANY_MAP)
    }

    /// An empty map of a type (`STRING_MAP`, a named one).
    #[must_use]
    pub fn of(of: Type) -> Self {
        Self::from_entries(of, BTreeMap::new())
    }

    /// A map of a type with these entries.
    #[must_use]
    pub fn from_entries(of: Type, entries: BTreeMap<Str, Value>) -> Self {
        Self(Rc::new(Inner { of, entries: RefCell::new(entries), later: Cell::new(None) }))
    }

    /// A map of a type whose entries are made when somebody asks for them: most templates do not ask for all they are given.
    #[must_use]
    pub fn lazy(of: Type, make: impl FnOnce() -> BTreeMap<Str, Value> + 'static) -> Self {
        let later = Cell::new(Some(Box::new(make) as Box<Later>));
        Self(Rc::new(Inner { of, entries: RefCell::default(), later }))
    }

    /// The type of the map.
    #[must_use]
    pub fn type_of(&self) -> Type {
        self.0.of
    }

    /// The value at a key.
    #[must_use]
    pub fn get(&self, key: impl AsRef<[u8]>) -> Option<Value> {
        self.0.entries().borrow().get(key.as_ref()).cloned()
    }

    /// Whether there is an entry, be it nil.
    #[must_use]
    pub fn contains(&self, key: impl AsRef<[u8]>) -> bool {
        self.0.entries().borrow().contains_key(key.as_ref())
    }

    /// Puts an entry, for all who hold this map.
    pub fn set(&self, key: impl Into<Str>, value: Value) {
        if super::teardown::is_nested(&value) && Rc::strong_count(&self.0) > 1 {
            super::teardown::note(self);
        }
        self.0.entries().borrow_mut().insert(key.into(), value);
    }

    /// Takes the values out when nobody else holds the map.
    pub(super) fn into_values(self) -> Option<Vec<Value>> {
        Rc::into_inner(self.0).map(|inner| values(&inner.entries))
    }

    pub(super) fn downgrade(&self) -> WeakMap {
        WeakMap(Rc::downgrade(&self.0))
    }

    /// Takes an entry out, for all who hold this map.
    pub fn remove(&self, key: impl AsRef<[u8]>) -> Option<Value> {
        self.0.entries().borrow_mut().remove(key.as_ref())
    }

    /// How many entries it has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.entries().borrow().len()
    }

    /// Whether it has no entry.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.entries().borrow().is_empty()
    }

    /// The keys in order.
    #[must_use]
    pub fn keys(&self) -> Vec<Str> {
        self.0.entries().borrow().keys().cloned().collect()
    }

    /// A copy of the entries in key order, safe to walk while the map is changed.
    #[must_use]
    pub fn entries(&self) -> Vec<(Str, Value)> {
        self.0.entries().borrow().iter().map(|(key, value)| (key.clone(), value.clone())).collect()
    }

    /// The entries themselves; nobody may change the map while this is held.
    #[must_use]
    pub fn borrow(&self) -> Ref<'_, BTreeMap<Str, Value>> {
        self.0.entries().borrow()
    }

    /// Whether both are the same map in memory.
    #[must_use]
    pub fn same(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }

    /// A number that stands for where it is in memory.
    #[must_use]
    pub fn address(&self) -> usize {
        Rc::as_ptr(&self.0).cast::<u8>() as usize
    }
}

/// A map that is not kept alive.
pub(super) struct WeakMap(Weak<Inner>);

impl WeakMap {
    pub(super) fn is_gone(&self) -> bool {
        self.0.strong_count() == 0
    }

    /// As [`Map::address`].
    pub(super) fn address(&self) -> usize {
        self.0.as_ptr().cast::<u8>() as usize
    }

    /// Empties the map if anybody still holds it.
    pub(super) fn clear(&self) -> Vec<Value> {
        self.0.upgrade().map(|inner| values(&inner.entries)).unwrap_or_default()
    }
}
