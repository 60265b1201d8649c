//! The new text must read as the old one with the new scalars.

use super::{Change, Edit, EditError, Step, display, form};
use crate::{Data, Node, parse};

impl Edit<'_> {
    pub(super) fn check(&self, text: &str) -> Result<(), EditError> {
        let first = || self.changes.first().map_or_else(String::new, |change| display(&change.path));
        let after = parse(text, &self.limits).map_err(|_| EditError::Unsafe { path: first() })?;
        if after.len() != self.documents.len() {
            return Err(EditError::Unsafe { path: first() });
        }
        for (document, (old, new)) in self.documents.iter().zip(&after).enumerate() {
            let changes: Vec<&Change> = self.changes.iter().filter(|change| change.document == document).collect();
            let mut path = Vec::new();
            if !same(old, new, &mut path, &changes) {
                return Err(EditError::Unsafe { path: display(&path) });
            }
        }
        Ok(())
    }
}

/// True when the nodes are the same but for the changes; else `path` is where they are not.
fn same(old: &Node, new: &Node, path: &mut Vec<Step>, changes: &[&Change]) -> bool {
    if old.tag() != new.tag() || old.anchor() != new.anchor() {
        return false;
    }
    if let Some(change) = changes.iter().find(|change| change.path == *path) {
        return new.as_str() == Some(change.value.as_str()) && (change.any_kind || form::is_text(new));
    }
    let mut child = |step: Step, old: &Node, new: &Node| {
        path.push(step);
        let same = same(old, new, path, changes);
        if same {
            path.pop();
        }
        same
    };
    match (&old.data, &new.data) {
        (Data::Scalar(a), Data::Scalar(b)) | (Data::Alias(a), Data::Alias(b)) => a == b && old.style == new.style,
        (Data::Mapping(a), Data::Mapping(b)) => {
            a.len() == b.len()
                && a.iter().zip(b).all(|((key, value), (new_key, new_value))| {
                    // A key is no path of its own; no change can mean it.
                    let step = Step::Key(key.as_str().unwrap_or_default().to_owned());
                    same_key(key, new_key) && child(step, value, new_value)
                })
        }
        (Data::Sequence(a), Data::Sequence(b)) => {
            let mut items = a.iter().zip(b).enumerate();
            a.len() == b.len() && items.all(|(index, (item, new_item))| child(Step::Index(index), item, new_item))
        }
        _ => false,
    }
}

fn same_key(old: &Node, new: &Node) -> bool {
    same(old, new, &mut Vec::new(), &[])
}
