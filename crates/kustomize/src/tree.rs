//! The files a build may read.

use std::collections::{BTreeMap, BTreeSet};

use crate::TreeError;

/// What stands at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A regular file.
    File,
    /// A folder.
    Dir,
    /// Nothing, or something that is neither file nor folder.
    Missing,
}

/// A folder of files. Paths are relative to its root, `/`-separated, without `.` and `..`; the root is the empty path.
pub trait Tree {
    /// The content of a file.
    ///
    /// # Errors
    /// Missing, no regular file, outside of the tree, too large.
    fn read(&self, path: &str) -> Result<Vec<u8>, TreeError>;

    /// What stands at a path, links followed inside the tree.
    fn kind(&self, path: &str) -> Kind;

    /// The names in a folder, sorted.
    ///
    /// # Errors
    /// As [`Tree::read`].
    fn list(&self, dir: &str) -> Result<Vec<String>, TreeError>;

    /// The path with links followed; the path itself where there are none.
    ///
    /// # Errors
    /// A link that leads out of the tree.
    fn resolve(&self, path: &str) -> Result<String, TreeError> {
        Ok(path.to_owned())
    }
}

/// `path` seen from folder `base`, without `.` and `..`; none when it leaves the tree or is absolute.
#[must_use]
pub fn join(base: &str, path: &str) -> Option<String> {
    if path.starts_with('/') {
        return None;
    }
    let mut parts: Vec<&str> = base.split('/').filter(|p| !p.is_empty()).collect();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            name => parts.push(name),
        }
    }
    Some(parts.join("/"))
}

/// The folder of a path.
#[must_use]
pub fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(dir, _)| dir)
}

/// `path` is `dir` or stands below it.
#[must_use]
pub fn is_below(path: &str, dir: &str) -> bool {
    dir.is_empty() || path == dir || path.strip_prefix(dir).is_some_and(|rest| rest.starts_with('/'))
}

/// A tree in memory.
#[derive(Debug, Clone, Default)]
pub struct MemTree {
    files: BTreeMap<String, Vec<u8>>,
}

impl MemTree {
    /// An empty tree.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds or replaces a file.
    pub fn insert(&mut self, path: impl Into<String>, content: impl Into<Vec<u8>>) {
        self.files.insert(path.into(), content.into());
    }

    /// The tree with a file added.
    #[must_use]
    pub fn with(mut self, path: impl Into<String>, content: impl Into<Vec<u8>>) -> Self {
        self.insert(path, content);
        self
    }
}

impl Tree for MemTree {
    fn read(&self, path: &str) -> Result<Vec<u8>, TreeError> {
        match self.files.get(path) {
            Some(content) => Ok(content.clone()),
            None if self.kind(path) == Kind::Dir => Err(TreeError::NotAFile),
            None => Err(TreeError::Missing),
        }
    }

    fn kind(&self, path: &str) -> Kind {
        if self.files.contains_key(path) {
            return Kind::File;
        }
        if path.is_empty() {
            return Kind::Dir;
        }
        let prefix = format!("{path}/");
        let mut below = self.files.range(prefix.clone()..);
        if below.next().is_some_and(|(p, _)| p.starts_with(&prefix)) { Kind::Dir } else { Kind::Missing }
    }

    fn list(&self, dir: &str) -> Result<Vec<String>, TreeError> {
        if self.kind(dir) != Kind::Dir {
            return Err(TreeError::Missing);
        }
        let prefix = if dir.is_empty() { String::new() } else { format!("{dir}/") };
        let names: BTreeSet<String> = self
            .files
            .range(prefix.clone()..)
            .take_while(|(p, _)| p.starts_with(&prefix))
            .filter_map(|(p, _)| p.strip_prefix(&prefix)?.split('/').next().map(str::to_owned))
            .collect();
        Ok(names.into_iter().collect())
    }
}

/// A tree with a file laid over it, such as a generated kustomization file.
pub struct Overlay<'a> {
    base: &'a dyn Tree,
    path: String,
    content: Vec<u8>,
}

impl<'a> Overlay<'a> {
    /// `base` with `content` at `path`.
    #[must_use]
    pub fn new(base: &'a dyn Tree, path: impl Into<String>, content: impl Into<Vec<u8>>) -> Self {
        Self { base, path: path.into(), content: content.into() }
    }
}

impl Tree for Overlay<'_> {
    fn read(&self, path: &str) -> Result<Vec<u8>, TreeError> {
        if path == self.path { Ok(self.content.clone()) } else { self.base.read(path) }
    }

    fn kind(&self, path: &str) -> Kind {
        if path == self.path { Kind::File } else { self.base.kind(path) }
    }

    fn list(&self, dir: &str) -> Result<Vec<String>, TreeError> {
        let mut names = self.base.list(dir)?;
        if parent(&self.path) == dir {
            let name = self.path.rsplit('/').next().unwrap_or_default().to_owned();
            if let Err(at) = names.binary_search(&name) {
                names.insert(at, name);
            }
        }
        Ok(names)
    }

    fn resolve(&self, path: &str) -> Result<String, TreeError> {
        if path == self.path { Ok(path.to_owned()) } else { self.base.resolve(path) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_never_leave_the_tree() {
        assert_eq!(join("a/b", "../c").as_deref(), Some("a/c"));
        assert_eq!(join("a", "../.."), None);
        assert_eq!(join("a", "/etc/passwd"), None);
        assert_eq!(join("", "./x//y/.").as_deref(), Some("x/y"));
    }

    #[test]
    fn a_tree_in_memory_lists_and_reads() {
        let tree = MemTree::new().with("a/b.yaml", "x").with("a/c/d.yaml", "y").with("ab", "z");
        assert_eq!(tree.list("a").unwrap(), ["b.yaml", "c"]);
        assert_eq!(tree.kind("a/c"), Kind::Dir);
        assert_eq!(tree.kind("a/"), Kind::Missing);
        assert_eq!(tree.read("a"), Err(TreeError::NotAFile));
    }
}
