//! What a build has used up, and whether it is to go on.
//!
//! Input is bounded while it is read, but a small one can ask for much: every replacement times every object, a JSON patch
//! that copies a document into itself again and again. So every loop over objects, fields and items asks the meter, and what
//! is copied into objects is counted, never mind that some of it goes again.

use std::{
    cell::Cell,
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use serde_json::Value;
use weir_yaml::{Data, Node};

use crate::{Error, Options};

/// See the module. Clones share the count.
#[derive(Debug, Clone, Default)]
pub(crate) struct Meter(Rc<Inner>);

#[derive(Debug)]
struct Inner {
    interrupt: Option<Arc<AtomicBool>>,
    limit: usize,
    used: Cell<usize>,
}

impl Default for Inner {
    fn default() -> Self {
        Self { interrupt: None, limit: usize::MAX, used: Cell::default() }
    }
}

impl Meter {
    pub(crate) fn new(options: &Options<'_>) -> Self {
        let interrupt = options.interrupt.cloned();
        Self(Rc::new(Inner { interrupt, limit: options.budget.memory, used: Cell::default() }))
    }

    /// Fails once the build is to end.
    pub(crate) fn go_on(&self) -> Result<(), Error> {
        match &self.0.interrupt {
            Some(interrupt) if interrupt.load(Ordering::Relaxed) => Err(Error::Interrupted),
            _ => Ok(()),
        }
    }

    /// Counts bytes that objects take more than before.
    pub(crate) fn grow(&self, bytes: usize) -> Result<(), Error> {
        let used = self.0.used.get().saturating_add(bytes);
        self.0.used.set(used);
        let limit = self.0.limit;
        if used > limit { Err(Error::Budget { what: "memory of the build in bytes", limit }) } else { Ok(()) }
    }

    /// Counts a node that is put into objects.
    pub(crate) fn take(&self, node: &Node) -> Result<(), Error> {
        self.go_on()?;
        self.grow(weight(node))
    }

    /// The same for a value.
    pub(crate) fn take_value(&self, value: &Value) -> Result<(), Error> {
        self.go_on()?;
        self.grow(value_weight(value))
    }
}

/// About how many bytes of memory a node takes.
fn weight(node: &Node) -> usize {
    let inside = match &node.data {
        Data::Scalar(text) | Data::Alias(text) => text.len(),
        Data::Sequence(items) => items.iter().map(weight).sum(),
        Data::Mapping(entries) => entries.iter().map(|(key, value)| weight(key) + weight(value)).sum(),
    };
    size_of::<Node>() + inside
}

/// The same of a value; a key of a map is kept beside its value.
fn value_weight(value: &Value) -> usize {
    let inside = match value {
        Value::String(text) => text.len(),
        Value::Array(items) => items.iter().map(value_weight).sum(),
        Value::Object(map) => map.iter().map(|(key, value)| size_of::<String>() + key.len() + value_weight(value)).sum(),
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
    };
    size_of::<Value>() + inside
}
