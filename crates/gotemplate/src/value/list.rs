//! Slices.

use std::{ops::Deref, rc::Rc};

use crate::{types::Type, value::Value};

/// A slice that is not nil, with its type. Never changed once made: a changed list is another one.
#[derive(Clone)]
pub struct List(Rc<Inner>);

struct Inner {
    of: Type,
    items: Vec<Value>,
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
        Self(Rc::new(Inner { of, items }))
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
        &self.0.items
    }
}
