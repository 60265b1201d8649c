//! Which node an alias means.

use std::collections::HashMap;

use crate::{Data, Node};

/// The target of every alias of a document, by the place of the alias in memory.
#[derive(Debug, Default)]
pub(crate) struct Aliases<'a> {
    targets: HashMap<*const Node, &'a Node>,
}

impl<'a> Aliases<'a> {
    /// An alias means the last node before it that carries the anchor, which may be one around it.
    pub(crate) fn of(root: &'a Node) -> Self {
        let mut aliases = Self::default();
        aliases.walk(root, &mut HashMap::new());
        aliases
    }

    pub(crate) fn target(&self, alias: &Node) -> Option<&'a Node> {
        self.targets.get(&std::ptr::from_ref(alias)).copied()
    }

    fn walk(&mut self, node: &'a Node, anchors: &mut HashMap<&'a str, &'a Node>) {
        if let Some(name) = node.anchor() {
            anchors.insert(name, node);
        }
        match &node.data {
            Data::Alias(name) => {
                if let Some(target) = anchors.get(name.as_str()) {
                    self.targets.insert(std::ptr::from_ref(node), target);
                }
            }
            Data::Mapping(entries) => {
                for (key, value) in entries {
                    self.walk(key, anchors);
                    self.walk(value, anchors);
                }
            }
            Data::Sequence(items) => items.iter().for_each(|item| self.walk(item, anchors)),
            Data::Scalar(_) => {}
        }
    }
}
