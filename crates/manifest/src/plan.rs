//! What will change, decided and printable, before anything is changed.

use std::fmt;

use serde_json::{Map, Value};

use crate::{
    fields::{Cleanup, applied_by},
    inventory::Entry,
    normalize::comparable,
    object::Object,
    pointer::{Pointer, escape},
    policy::{Policy, Ssa},
    reference::ObjectRef,
};

/// How much has to be read of the cluster to plan for an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Read {
    /// Nothing: the object says it is not to be touched.
    Nothing,
    /// The live object first, and a dry-run only when there is none.
    UnlessPresent,
    /// The live object first, since it decides what is sent.
    LiveFirst,
    /// A dry-run, and the live object when there is one.
    DryRun,
}

/// What has to be read for an object with these ignored paths.
#[must_use]
pub fn read_for(desired: &Object, ignored: &[Pointer]) -> Read {
    let policy = Policy::of(desired);
    if policy.is_excluded() {
        Read::Nothing
    } else if policy.ssa == Ssa::IfNotPresent {
        Read::UnlessPresent
    } else if ignored.is_empty() {
        Read::DryRun
    } else {
        Read::LiveFirst
    }
}

/// What the cluster says of a desired object.
#[derive(Clone, Debug)]
pub enum Live {
    /// There is no such object; the server would accept it.
    Absent,
    /// It is there; `dry_run` is what applying `sent` would make of it.
    Present {
        /// As it is.
        live: Object,
        /// As it would be.
        dry_run: Object,
        /// What is sent when not the desired object itself: ignored fields are left alone in it.
        sent: Option<Object>,
    },
    /// It is there or not, and is not to be touched.
    Untouched,
    /// It is there, and the server refuses ours merged with what others put into its lists.
    Entangled {
        /// As it is.
        live: Object,
    },
    /// It is there, and the server refuses the change because a field cannot change.
    Immutable {
        /// As it is.
        live: Object,
    },
}

/// What is done with one object.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// It is not there.
    Create {
        /// What is sent.
        object: Object,
    },
    /// It differs.
    Configure {
        /// What is sent.
        object: Object,
        /// A JSON patch sent before.
        cleanup: Option<Value>,
        /// What differs, secrets masked.
        fields: Vec<FieldChange>,
    },
    /// It is as it should be.
    Unchanged {
        /// As it is.
        live: Object,
    },
    /// It is not to be touched.
    Skip,
    /// It is deleted and made again.
    Recreate {
        /// What is sent.
        object: Object,
        /// The uid of what is deleted.
        uid: String,
    },
}

/// One object of a plan.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// Which object, in which version.
    pub entry: Entry,
    /// What is done with it.
    pub action: Action,
    /// Whether all its desired fields are ours afterwards, so that a change of them is seen in the managed fields.
    pub owned: bool,
}

/// An object that leaves the cluster.
#[derive(Clone, Debug, PartialEq)]
pub struct Deletion {
    /// Which object, in which version.
    pub entry: Entry,
}

/// Changes in the order they are made. Prints one line per object that changes; with `{:#}` also what changes in it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plan {
    /// Objects that are created or changed, those that are not included.
    pub changes: Vec<Change>,
    /// Objects that are deleted, in order.
    pub deletions: Vec<Deletion>,
}

/// A field that differs; values of secrets are masked.
#[derive(Clone, Debug, PartialEq)]
pub struct FieldChange {
    /// JSON pointer.
    pub path: String,
    /// As it is.
    pub from: Option<Value>,
    /// As it will be.
    pub to: Option<Value>,
}

/// What decides between changes.
#[derive(Clone, Copy, Debug)]
pub struct Rules<'a> {
    /// What is cleaned up on live objects.
    pub cleanup: &'a Cleanup,
    /// Paths of this object that are left alone.
    pub ignored: &'a [Pointer],
}

/// What to do with one object.
#[must_use]
pub fn diff(desired: Object, live: Live, rules: Rules<'_>) -> Change {
    let entry = Entry { object: desired.reference(), version: desired.version().to_owned() };
    let mut owned = rules.ignored.is_empty();
    let action = match live {
        Live::Absent => Action::Create { object: desired },
        Live::Untouched => Action::Skip,
        Live::Entangled { live } => {
            // What applying would make of it cannot be asked; compared is what we send.
            let fields = sent_differences(&desired, &live);
            let cleanup = rules.cleanup.untangle(&desired, &live);
            Action::Configure { object: desired, cleanup, fields }
        }
        Live::Immutable { live } => Action::Recreate { object: desired, uid: live.uid().to_owned() },
        Live::Present { live, .. } if Policy::of(&live).is_excluded() => Action::Skip,
        Live::Present { live, dry_run, sent } => {
            let cleanup = rules.cleanup.patch(&desired, &live);
            let fields = differences(&live, &dry_run, rules.ignored);
            if cleanup.is_none() && fields.is_empty() {
                let owner = rules.cleanup.owner.as_str();
                owned &= applied_by(&live, owner).is_some_and(|have| Some(have) == applied_by(&dry_run, owner));
                Action::Unchanged { live }
            } else {
                Action::Configure { object: sent.unwrap_or(desired), cleanup, fields }
            }
        }
    };
    Change { entry, action, owned }
}

/// Where two states of an object differ in labels, annotations or body (neither in other metadata nor in status),
/// ignored paths aside. Values of Secrets are masked.
#[must_use]
pub fn differences(live: &Object, next: &Object, ignored: &[Pointer]) -> Vec<FieldChange> {
    let (mut from, mut to) = (compared(live), compared(next));
    for path in ignored.iter().rev() {
        path.remove(&mut from);
        path.remove(&mut to);
    }
    let mut changes = Vec::new();
    compare_maps(&from, &to, &mut String::new(), &mut changes);
    if live.group().is_empty() && live.kind() == "Secret" {
        for change in changes.iter_mut().filter(|change| !change.path.starts_with("/metadata/labels")) {
            for value in [&mut change.from, &mut change.to].into_iter().flatten() {
                *value = Value::from("***");
            }
        }
    }
    changes
}

/// Where a live object does not have what is sent.
fn sent_differences(desired: &Object, live: &Object) -> Vec<FieldChange> {
    let mut changes = differences(live, desired, &[]);
    changes.retain(|change| change.to.is_some());
    changes
}

fn compared(object: &Object) -> Map<String, Value> {
    let mut map = comparable(object);
    let mut metadata = Map::new();
    for field in ["labels", "annotations"] {
        if let Some(value) = object.at(&["metadata", field]) {
            metadata.insert(field.to_owned(), value.clone());
        }
    }
    map.insert("metadata".to_owned(), Value::Object(metadata));
    map
}

fn compare_maps(from: &Map<String, Value>, to: &Map<String, Value>, path: &mut String, out: &mut Vec<FieldChange>) {
    let keys = from.keys().chain(to.keys().filter(|key| !from.contains_key(*key)));
    for key in keys {
        let length = path.len();
        path.push('/');
        path.push_str(&escape(key));
        compare_values(from.get(key), to.get(key), path, out);
        path.truncate(length);
    }
}

fn compare_values(from: Option<&Value>, to: Option<&Value>, path: &mut String, out: &mut Vec<FieldChange>) {
    match (from, to) {
        (Some(Value::Object(from)), Some(Value::Object(to))) => compare_maps(from, to, path, out),
        (Some(Value::Array(from)), Some(Value::Array(to))) if from.len() == to.len() => {
            for (at, (from, to)) in from.iter().zip(to).enumerate() {
                let length = path.len();
                path.push_str(&format!("/{at}"));
                compare_values(Some(from), Some(to), path, out);
                path.truncate(length);
            }
        }
        _ if is_same(from, to) => {}
        _ => out.push(FieldChange { path: path.clone(), from: from.cloned(), to: to.cloned() }),
    }
}

/// Equal, or both nothing: absent, null, an empty mapping and an empty list mean the same to Kubernetes.
fn is_same(from: Option<&Value>, to: Option<&Value>) -> bool {
    let is_nothing = |value: Option<&Value>| match value {
        None | Some(Value::Null) => true,
        Some(Value::Object(map)) => map.is_empty(),
        Some(Value::Array(list)) => list.is_empty(),
        Some(_) => false,
    };
    match (from, to) {
        (Some(Value::Number(a)), Some(Value::Number(b))) => a == b || a.as_f64() == b.as_f64(),
        _ => from == to || (is_nothing(from) && is_nothing(to)),
    }
}

impl Action {
    /// The word Flux uses for it.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Create { .. } | Self::Recreate { .. } => "created",
            Self::Configure { .. } => "configured",
            Self::Unchanged { .. } => "unchanged",
            Self::Skip => "skipped",
        }
    }
}

impl Plan {
    /// Whether nothing would change.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let changes = |c: &Change| !matches!(c.action, Action::Unchanged { .. } | Action::Skip);
        self.deletions.is_empty() && !self.changes.iter().any(changes)
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Change { entry, action, owned: _ } in &self.changes {
            match action {
                Action::Unchanged { .. } | Action::Skip => continue,
                Action::Recreate { .. } => writeln!(f, "{} recreated", entry.object)?,
                _ => writeln!(f, "{} {}", entry.object, action.word())?,
            }
            if let (true, Action::Configure { fields, .. }) = (f.alternate(), action) {
                fields.iter().try_for_each(|field| writeln!(f, "  {field}"))?;
            }
        }
        self.deletions.iter().try_for_each(|d| writeln!(f, "{} deleted", d.entry.object))
    }
}

impl fmt::Display for FieldChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.from, &self.to) {
            (Some(from), Some(to)) => write!(f, "~ {}: {from} -> {to}", self.path),
            (None, Some(to)) => write!(f, "+ {}: {to}", self.path),
            (Some(from), None) => write!(f, "- {}: {from}", self.path),
            (None, None) => Ok(()),
        }
    }
}

/// The objects to delete, last applied first.
#[must_use]
pub fn deletions(stale: Vec<Entry>) -> Vec<Deletion> {
    let mut deletions: Vec<Deletion> = stale.into_iter().map(|entry| Deletion { entry }).collect();
    deletions.sort_by(|a, b| crate::order::compare(&b.entry.object, &a.entry.object));
    deletions
}

/// One line of a change log: `Kind/namespace/name created`.
#[must_use]
pub fn line(object: &ObjectRef, word: &str) -> String {
    format!("{object} {word}")
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
