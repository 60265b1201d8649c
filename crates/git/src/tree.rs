//! A commit's tree, read straight from the packs: no working copy.

use std::{collections::BTreeSet, path::PathBuf};

use gix::{
    hash::{ObjectId, oid},
    objs::{CommitRef, Exists, FindExt, Kind, TreeRef, tree::EntryKind},
};

use crate::{Error, options::Limits, store};

/// A file of a tree.
#[derive(Debug)]
pub struct TreeFile<'a> {
    /// Path from the root of the tree, with `/` between parts. Checked: it stays below the root and means the same file on
    /// every file system.
    pub path: &'a str,
    /// Whether it is executable.
    pub executable: bool,
    /// The content.
    pub content: &'a [u8],
}

/// What a visitor of a tree answers for a directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Descend {
    /// Go in.
    Yes,
    /// Leave it out, unread.
    No,
}

/// Takes in a tree: depth first, names by bytes.
pub trait Visitor {
    /// What can go wrong.
    type Error: std::error::Error + Send + Sync + 'static;

    /// A directory comes. Its path has no slash at the end.
    ///
    /// # Errors
    /// Ends the visit.
    fn directory(&mut self, path: &str) -> Result<Descend, Self::Error>;

    /// Whether the file at this path is wanted; its content is not read otherwise.
    ///
    /// # Errors
    /// Ends the visit.
    fn wants(&mut self, path: &str) -> Result<bool, Self::Error>;

    /// A file.
    ///
    /// # Errors
    /// Ends the visit.
    fn file(&mut self, file: TreeFile<'_>) -> Result<(), Self::Error>;

    /// A symbolic link, with its target as it is written. Asked only when [`Visitor::wants_links`] says so.
    ///
    /// # Errors
    /// Ends the visit.
    fn link(&mut self, _path: &str, _target: &[u8]) -> Result<(), Self::Error> {
        Ok(())
    }

    /// Whether symbolic links are of interest.
    fn wants_links(&self) -> bool {
        false
    }

    /// The place of a submodule, whose files are not part of the tree.
    ///
    /// # Errors
    /// Ends the visit.
    fn submodule(&mut self, _path: &str) -> Result<(), Self::Error> {
        Ok(())
    }
}

/// Who wrote a commit, when, and what they said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commit {
    /// The commit's id.
    pub id: ObjectId,
    /// `Name <mail>`.
    pub author: String,
    /// The committer's time.
    pub time: jiff::Timestamp,
    /// The first line of the message.
    pub summary: String,
}

/// A tree that can be visited, as often as needed.
#[derive(Clone)]
pub struct Tree {
    objects: gix::odb::Handle,
    root: ObjectId,
    limits: Limits,
    dir: PathBuf,
}

impl std::fmt::Debug for Tree {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Tree({})", self.root)
    }
}

/// Follows tags from `id` to a commit and reads it.
pub(crate) fn commit(objects: &gix::odb::Handle, id: ObjectId) -> Result<Option<(Commit, ObjectId)>, Error> {
    let mut id = id;
    let mut buffer = Vec::new();
    for _ in 0..16 {
        let data = objects.find(&id, &mut buffer).map_err(Error::damaged)?;
        match data.kind {
            Kind::Commit => {
                let commit = CommitRef::from_bytes(data.data, gix::hash::Kind::Sha1).map_err(Error::damaged)?;
                return Ok(Some(describe(id, &commit)));
            }
            Kind::Tag => {
                let tag = gix::objs::TagRef::from_bytes(data.data, gix::hash::Kind::Sha1).map_err(Error::damaged)?;
                id = tag.target();
            }
            Kind::Tree | Kind::Blob => return Ok(None),
        }
    }
    Ok(None)
}

fn describe(id: ObjectId, commit: &CommitRef<'_>) -> (Commit, ObjectId) {
    let printable = |text: &[u8]| -> String {
        String::from_utf8_lossy(text).chars().filter(|c| !c.is_control()).take(1000).collect()
    };
    let author = match commit.author() {
        Ok(author) => format!("{} <{}>", printable(author.name), printable(author.email)),
        Err(_) => String::new(),
    };
    let seconds = commit.time().map_or(0, |time| time.seconds);
    let time = jiff::Timestamp::from_second(seconds).unwrap_or_default();
    let first = commit.message.split(|b| *b == b'\n').next().unwrap_or_default();
    (Commit { id, author, time, summary: printable(first).trim().to_owned() }, commit.tree())
}

impl Tree {
    pub(crate) fn new(objects: gix::odb::Handle, root: ObjectId, limits: Limits, dir: PathBuf) -> Self {
        Self { objects, root, limits, dir }
    }

    /// Whether every tree and file is here and has a name that may be written.
    pub(crate) fn check(&self) -> Result<(), Error> {
        let mut seen = BTreeSet::new();
        let mut left = vec![self.root];
        let mut buffer = Vec::new();
        while let Some(id) = left.pop() {
            for entry in self.tree(&id, &mut buffer)?.entries {
                let id = entry.oid.to_owned();
                if safe_name(entry.filename).is_none() {
                    return Err(Error::Path { path: crate::error::clean(entry.filename) });
                }
                match entry.mode.kind() {
                    EntryKind::Tree if seen.insert(id) => left.push(id),
                    EntryKind::Blob | EntryKind::BlobExecutable if !self.objects.exists(&id) => {
                        return Err(Error::damaged(format!("object {id} is missing")));
                    }
                    _ => {}
                }
            }
            if seen.len() as u64 > self.limits.tree_entries {
                return Err(self.limit("directories of a tree", self.limits.tree_entries));
            }
        }
        Ok(())
    }

    fn limit(&self, what: &'static str, limit: u64) -> Error {
        Error::Limit { host: "the repository".to_owned(), what, limit }
    }

    fn tree<'b>(&self, id: &oid, buffer: &'b mut Vec<u8>) -> Result<TreeRef<'b>, Error> {
        self.objects.find_tree(id, buffer).map_err(Error::damaged)
    }

    /// Shows the tree to a visitor. Symbolic links and submodules are passed over, unless the visitor asks for them.
    /// Blocking: call it off the runtime's threads.
    ///
    /// # Errors
    /// When an entry has a name that must not be written, the tree is too large, an object is broken (the repository is then
    /// fetched anew next time), or the visitor fails.
    pub fn visit<V: Visitor>(&self, visitor: &mut V) -> Result<(), Error> {
        let mut walk =
            Walk { tree: self, visitor, left: self.limits.tree_entries, path: String::new(), blob: Vec::new() };
        let result = walk.level(self.root, 0);
        if matches!(result, Err(Error::Damaged { .. })) {
            store::distrust(&self.dir);
        }
        result
    }
}

struct Walk<'a, V> {
    tree: &'a Tree,
    visitor: &'a mut V,
    left: u64,
    path: String,
    blob: Vec<u8>,
}

impl<V: Visitor> Walk<'_, V> {
    fn level(&mut self, id: ObjectId, depth: usize) -> Result<(), Error> {
        if depth > self.tree.limits.tree_depth {
            return Err(self.tree.limit("directories in directories", self.tree.limits.tree_depth as u64));
        }
        let mut buffer = Vec::new();
        let mut entries = self.tree.tree(&id, &mut buffer)?.entries;
        // Git sorts a directory as if its name ended in a slash; files on disk are listed by name alone.
        entries.sort_unstable_by_key(|entry| entry.filename);
        let parent = self.path.len();
        let mut last: Option<&[u8]> = None;
        for entry in entries {
            self.left = self
                .left
                .checked_sub(1)
                .ok_or_else(|| self.tree.limit("entries of a tree", self.tree.limits.tree_entries))?;
            let name = safe_name(entry.filename)
                .filter(|name| last != Some(name.as_bytes()))
                .ok_or_else(|| Error::Path { path: self.shown(entry.filename) })?;
            last = Some(entry.filename);
            if parent > 0 {
                self.path.push('/');
            }
            self.path.push_str(name);
            match entry.mode.kind() {
                EntryKind::Tree => {
                    if self.visitor.directory(&self.path).map_err(visitor)? == Descend::Yes {
                        self.level(entry.oid.to_owned(), depth + 1)?;
                    }
                }
                EntryKind::Blob => self.file(entry.oid, false)?,
                EntryKind::BlobExecutable => self.file(entry.oid, true)?,
                EntryKind::Link => self.link(entry.oid)?,
                EntryKind::Commit => self.visitor.submodule(&self.path).map_err(visitor)?,
            }
            self.path.truncate(parent);
        }
        Ok(())
    }

    fn file(&mut self, id: &oid, executable: bool) -> Result<(), Error> {
        if !self.visitor.wants(&self.path).map_err(visitor)? {
            return Ok(());
        }
        let blob = self.tree.objects.find_blob(id, &mut self.blob).map_err(Error::damaged)?;
        let file = TreeFile { path: &self.path, executable, content: blob.data };
        self.visitor.file(file).map_err(visitor)?;
        // One large file must not hold its memory for the rest of the visit.
        if self.blob.capacity() > 4 * 1024 * 1024 {
            self.blob = Vec::new();
        }
        Ok(())
    }

    fn link(&mut self, id: &oid) -> Result<(), Error> {
        if !self.visitor.wants_links() {
            return Ok(());
        }
        let blob = self.tree.objects.find_blob(id, &mut self.blob).map_err(Error::damaged)?;
        self.visitor.link(&self.path, blob.data).map_err(visitor)
    }

    fn shown(&self, name: &[u8]) -> String {
        let name = crate::error::clean(name);
        if self.path.is_empty() { name } else { format!("{}/{name}", self.path) }
    }
}

fn visitor(error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::Visitor { source: Box::new(error) }
}

/// A name that is one plain part of a path everywhere, and no disguise of `.git`.
fn safe_name(name: &[u8]) -> Option<&str> {
    let name = std::str::from_utf8(name).ok()?;
    if name.is_empty() || name == "." || name == ".." || name.len() > 255 {
        return None;
    }
    if name.chars().any(|c| matches!(c, '/' | '\\' | '\0')) {
        return None;
    }
    (!is_dot_git(name)).then_some(name)
}

/// `.git` as some file system may read it: other case, NTFS short name, trailing dots, spaces or streams, characters that
/// HFS+ ignores.
fn is_dot_git(name: &str) -> bool {
    let visible: String = name
        .chars()
        .filter(|c| !matches!(*c as u32, 0x200c..=0x200f | 0x202a..=0x202e | 0x206a..=0x206f | 0xfeff))
        .flat_map(char::to_lowercase)
        .collect();
    let plain = visible.split(':').next().unwrap_or_default().trim_end_matches(['.', ' ']);
    matches!(plain, ".git" | "git~1")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn disguises_of_dot_git_and_ways_out_are_refused() {
        for name in [
            ".git",
            ".GIT",
            ".Git",
            "git~1",
            "GIT~1",
            ".git.",
            ".git ",
            ".git. .",
            ".git::$INDEX_ALLOCATION",
            ".g\u{200c}it",
            "\u{feff}.git",
            ".gi\u{202e}t",
            "..",
            ".",
            "",
            "a/b",
            "a\\b",
            "..\\x",
            "/etc",
            "a\0b",
        ] {
            assert_eq!(safe_name(name.as_bytes()), None, "{name:?}");
        }
        assert_eq!(safe_name(b"\xff\xfe"), None);
        assert_eq!(safe_name("x".repeat(256).as_bytes()), None);
        for name in [".github", ".gitignore", "git", "git~2", "a..b", "...", "-rf", "c:", "ü", ".git-x", "a b", "~"] {
            assert_eq!(safe_name(name.as_bytes()), Some(name), "{name:?}");
        }
    }
}
