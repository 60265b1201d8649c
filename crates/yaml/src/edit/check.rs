//! The new text must read as the old one with the new scalars.

use std::collections::HashMap;

use super::{Change, Edit, EditError, Place, Step, display, form};
use crate::{Data, Node, parse};

impl Edit<'_> {
    pub(super) fn check(&self, text: &str) -> Result<(), EditError> {
        let any = || self.changes.keys().next().map_or_else(String::new, |(_, path)| display(path));
        let after = parse(text, &self.limits).map_err(|_| EditError::Unsafe { path: any() })?;
        if after.len() != self.documents.len() {
            return Err(EditError::Unsafe { path: any() });
        }
        for (document, (old, new)) in self.documents.iter().zip(&after).enumerate() {
            let mut place = (document, Vec::new());
            if !same(old, new, &mut place, &self.changes) {
                return Err(EditError::Unsafe { path: display(&place.1) });
            }
        }
        Ok(())
    }
}

/// True when the nodes are the same but for the changes; else `place` is where they are not.
fn same(old: &Node, new: &Node, place: &mut Place, changes: &HashMap<Place, Change>) -> bool {
    if old.tag() != new.tag() || old.anchor() != new.anchor() {
        return false;
    }
    if let Some(change) = changes.get(place) {
        return new.as_str() == Some(change.value.as_str()) && (change.any_kind || form::is_text(new));
    }
    let mut child = |step: Step, old: &Node, new: &Node| {
        place.1.push(step);
        let same = same(old, new, place, changes);
        if same {
            place.1.pop();
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
    same(old, new, &mut Place::default(), &HashMap::new())
}
