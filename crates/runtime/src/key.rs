//! Names of objects within one kind.

use std::fmt;

use kube::Resource;

/// Whether a text from a spec is one segment of a path, read the same however often it is decoded. Names of objects are put
/// into paths that are asked for under our own identity, so what a path would read as something else must not be in them.
#[must_use]
pub fn is_segment(text: &str) -> bool {
    (1..=253).contains(&text.len())
        && text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_' | b':'))
}

/// Namespace and name; the namespace is empty for cluster-scoped objects.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectKey {
    /// Namespace, or empty.
    pub namespace: String,
    /// Name.
    pub name: String,
}

impl ObjectKey {
    /// A key from its parts.
    #[must_use]
    pub fn new(namespace: impl Into<String>, name: impl Into<String>) -> Self {
        Self { namespace: namespace.into(), name: name.into() }
    }

    /// The key of an object.
    #[must_use]
    pub fn of<K: Resource>(object: &K) -> Self {
        let meta = object.meta();
        Self::new(meta.namespace.clone().unwrap_or_default(), meta.name.clone().unwrap_or_default())
    }
}

impl fmt::Display for ObjectKey {
    /// `namespace/name`, or `name` without namespace.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.namespace.is_empty() { f.write_str(&self.name) } else { write!(f, "{}/{}", self.namespace, self.name) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_segments_and_paths_are_not() {
        for good in ["web", "kube-root-ca.crt", "v1", "a_b", "system:x", "0"] {
            assert!(is_segment(good), "{good}");
        }
        for bad in ["", ".", "..", "../x", "a/b", "a%2Fb", "a?b", "a#b", "a b", "\u{e4}", &"x".repeat(254)] {
            assert!(!is_segment(bad), "{bad}");
        }
    }
}
