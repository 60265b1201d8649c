//! Slices.

use std::{cell::OnceCell, ops::Deref, rc::Rc};

use crate::{types::Type, value::Value};

/// A slice that is not nil, with its type. A changed list is another one, but for one thing: `sortAlpha` sorts a
/// `[]string` in place ([`List::sort_with`]), and whoever holds the same list sees it sorted.
#[derive(Clone)]
pub struct List(Rc<Inner>);

struct Inner {
    of: Type,
    items: Vec<Value>,
    /// The same items, once they are sorted. They hold no others.
    sorted: OnceCell<Box<[Value]>>,
}

impl Drop for Inner {
    fn drop(&mut self) {
        super::teardown::drop_all(std::mem::take(&mut self.items));
    }
}

impl List {
    /// A list of a slice type (`ANY_SLICE`, `STRING_SLICE`, a named one). The elements must be of its element type.
    #[must_use]
    pub fn new(of: Type, items: Vec<Value>) -> Self {
        Self(Rc::new(Inner { of, items, sorted: OnceCell::new() }))
    }

    /// The type of the slice.
    #[must_use]
    pub fn type_of(&self) -> Type {
        self.0.of
    }

    /// Whether both are the same slice in memory.
    #[must_use]
    pub fn same(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }

    /// Sorts it for all who hold it; the second time nothing is left to do. `sort` gets the items and puts them in order.
    pub(crate) fn sort_with(&self, sort: impl FnOnce(&mut [Value])) {
        self.0.sorted.get_or_init(|| {
            let mut items = self.0.items.clone().into_boxed_slice();
            sort(&mut items);
            items
        });
    }

    /// A number that stands for where it is in memory.
    #[must_use]
    pub fn address(&self) -> usize {
        Rc::as_ptr(&self.0).cast::<u8>() as usize
    }
}

impl List {
    /// Takes the elements out when nobody else holds the list.
    pub(super) fn into_items(self) -> Option<Vec<Value>> {
        Rc::into_inner(self.0).map(|mut inner| std::mem::take(&mut inner.items))
    }
}

impl Deref for List {
    type Target = [Value];
    fn deref(&self) -> &[Value] {
        match self.0.sorted.get() {
            None => &self.0.items,
            Some(sorted) => sorted,
        }
    }
}
