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

/// What an allocation takes beside its content.
const ALLOCATION: usize = 16;
/// Entries of a map of values stand in nodes of this many, which are allocated whole.
const MAP_NODE: usize = 11;

/// About how many bytes of memory a node takes, those it keeps in reserve included.
fn weight(node: &Node) -> usize {
    size_of::<Node>() + inside(node)
}

fn inside(node: &Node) -> usize {
    let allocated = |bytes: usize| if bytes == 0 { 0 } else { ALLOCATION + bytes };
    match &node.data {
        Data::Scalar(text) | Data::Alias(text) => allocated(text.capacity()),
        Data::Sequence(items) => {
            allocated(items.capacity() * size_of::<Node>()) + items.iter().map(inside).sum::<usize>()
        }
        Data::Mapping(entries) => {
            let below = entries.iter().map(|(key, value)| inside(key) + inside(value)).sum::<usize>();
            allocated(entries.capacity() * size_of::<(Node, Node)>()) + below
        }
    }
}

/// The same of a value.
fn value_weight(value: &Value) -> usize {
    let inside = match value {
        Value::String(text) => ALLOCATION + text.capacity(),
        Value::Array(items) => ALLOCATION + items.iter().map(value_weight).sum::<usize>(),
        Value::Object(map) => {
            let places = map.len().div_ceil(MAP_NODE) * MAP_NODE * (size_of::<String>() + size_of::<Value>());
            let below = map.iter().map(|(key, value)| 2 * ALLOCATION + key.capacity() + value_weight(value));
            places + below.sum::<usize>()
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
    };
    size_of::<Value>() + inside
}
