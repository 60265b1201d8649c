//! Keys of a mapping, to find one given twice.

use std::collections::HashMap;

use super::Fault;
use crate::{Error, ErrorKind, Node, Style};

/// A mapping of fewer entries is searched, which is cheaper than a table.
const FEW: usize = 12;

/// Keys of a mapping seen so far.
#[derive(Default)]
pub(super) struct Keys {
    /// Line of each key, once there are many.
    lines: HashMap<String, u32>,
}

impl Keys {
    /// Refuses `key` when `entries`, all of the mapping so far, have it already. A merge key may stand more than once.
    pub(super) fn check(&mut self, entries: &[(Node, Node)], key: &Node) -> Result<(), Fault> {
        let Some(text) = key.as_str() else { return Ok(()) };
        if key.style == Style::Plain && text == "<<" {
            return Ok(());
        }
        let first = if entries.len() < FEW {
            entries.iter().find(|(other, _)| other.as_str() == Some(text)).map(|(other, _)| other.position.line)
        } else {
            self.fill(entries);
            self.lines.insert(text.to_owned(), key.position.line)
        };
        match first {
            Some(first) => {
                let kind = ErrorKind::DuplicateKey { key: text.to_owned(), first };
                Err(Box::new(Error::new(kind, key.position.line, key.position.column)))
            }
            None => Ok(()),
        }
    }

    fn fill(&mut self, entries: &[(Node, Node)]) {
        if !self.lines.is_empty() {
            return;
        }
        for (key, _) in entries {
            if let Some(text) = key.as_str() {
                self.lines.insert(text.to_owned(), key.position.line);
            }
        }
    }
}
