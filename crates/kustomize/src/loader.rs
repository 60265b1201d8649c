//! Reading files for one kustomization: restrictions, cycles and the budget.

use std::cell::RefCell;
use std::rc::Rc;

use crate::meter::Meter;
use crate::options::{LoadRestrictions, Options};
use crate::tree::{Kind, Tree, is_below, join};
use crate::{Error, TreeError};

/// What a build has used up.
#[derive(Debug, Default)]
struct Used {
    files: usize,
    bytes: usize,
    bases: usize,
}

/// Reads below one kustomization's folder.
#[derive(Clone)]
pub(crate) struct Loader<'a> {
    tree: &'a dyn Tree,
    pub(crate) options: &'a Options<'a>,
    /// The folder, links followed.
    pub(crate) root: String,
    /// The folders of the kustomizations that led here, outermost first.
    ancestors: Vec<String>,
    used: Rc<RefCell<Used>>,
    pub(crate) meter: Meter,
}

impl<'a> Loader<'a> {
    pub(crate) fn new(tree: &'a dyn Tree, path: &str, options: &'a Options<'a>) -> Result<Self, Error> {
        let refused = Error::Refused { path: path.to_owned(), reason: "the path leaves the tree" };
        let joined = join("", path).ok_or(refused)?;
        let root = tree.resolve(&joined).map_err(|source| Error::Read { path: path.to_owned(), source })?;
        if tree.kind(&root) != Kind::Dir {
            return Err(Error::NoKustomization { path: path.to_owned(), reason: "is no directory" });
        }
        Ok(Self { tree, options, root, ancestors: Vec::new(), used: Rc::default(), meter: Meter::new(options) })
    }

    /// A path as shown in messages and origins: seen from the tree's root.
    pub(crate) fn display(&self, path: &str) -> String {
        join(&self.root, path).unwrap_or_else(|| path.to_owned())
    }

    fn located(&self, path: &str) -> Result<String, Error> {
        let refused = |reason| Error::Refused { path: path.to_owned(), reason };
        if path.is_empty() {
            return Err(refused("the path is empty"));
        }
        if path.starts_with('/') {
            return Err(refused("absolute paths are not allowed"));
        }
        let joined = join(&self.root, path).ok_or_else(|| refused("the path leaves the tree"))?;
        self.tree.resolve(&joined).map_err(|source| Error::Read { path: path.to_owned(), source })
    }

    pub(crate) fn kind(&self, path: &str) -> Kind {
        self.located(path).map_or(Kind::Missing, |located| self.tree.kind(&located))
    }

    /// The content of a file named by the kustomization.
    pub(crate) fn read(&self, path: &str) -> Result<Vec<u8>, Error> {
        if is_url(path) {
            return match self.options.remote {
                Some(remote) => remote.file(path),
                None => Err(no_remote(path)),
            };
        }
        let located = self.located(path)?;
        if self.options.load_restrictions == LoadRestrictions::RootOnly && !is_below(&located, &self.root) {
            let reason = "files must stand in or below the folder of the kustomization";
            return Err(Error::Refused { path: path.to_owned(), reason });
        }
        let content = self.tree.read(&located).map_err(|source| Error::Read { path: path.to_owned(), source })?;
        self.count(content.len())?;
        Ok(content)
    }

    /// The same as text.
    pub(crate) fn read_text(&self, path: &str) -> Result<String, Error> {
        let content = self.read(path)?;
        String::from_utf8(content).map_err(|_| Error::Read {
            path: path.to_owned(),
            source: TreeError::Io("the file is not UTF-8 text".to_owned()),
        })
    }

    fn count(&self, bytes: usize) -> Result<(), Error> {
        self.meter.go_on()?;
        let mut used = self.used.borrow_mut();
        used.files += 1;
        used.bytes += bytes;
        let budget = self.options.budget;
        if used.files > budget.files {
            return Err(Error::Budget { what: "number of files", limit: budget.files });
        }
        if used.bytes > budget.bytes {
            return Err(Error::Budget { what: "bytes read", limit: budget.bytes });
        }
        Ok(())
    }

    /// A loader for another folder. Folders that contain one that led here are refused.
    pub(crate) fn enter(&self, path: &str) -> Result<Loader<'a>, Error> {
        let refused = |reason| Error::Refused { path: path.to_owned(), reason };
        if is_remote_base(path) && self.kind(path) == Kind::Missing {
            return Err(no_remote(path));
        }
        if path.split('/').any(|p| p != ".." && p.contains("..")) {
            return Err(refused("the path is ambiguous; check the indentation of the kustomization file"));
        }
        let root = self.located(path)?;
        if self.tree.kind(&root) != Kind::Dir {
            let source = if self.tree.kind(&root) == Kind::File { TreeError::NotAFile } else { TreeError::Missing };
            return Err(match source {
                TreeError::NotAFile => refused("must be a directory"),
                source => Error::Read { path: path.to_owned(), source },
            });
        }
        let mut ancestors = self.ancestors.clone();
        ancestors.push(self.root.clone());
        if ancestors.iter().any(|visited| is_below(visited, &root)) {
            return Err(refused("cycle detected: the folder contains one that led here"));
        }
        let budget = self.options.budget;
        if ancestors.len() >= budget.depth {
            return Err(Error::Budget { what: "depth of kustomizations", limit: budget.depth });
        }
        let mut used = self.used.borrow_mut();
        used.bases += 1;
        if used.bases > budget.bases {
            return Err(Error::Budget { what: "number of kustomizations", limit: budget.bases });
        }
        drop(used);
        Ok(Loader { root, ancestors, ..self.clone() })
    }

    /// The kustomization file of the folder: its name and text.
    pub(crate) fn kustomization(&self) -> Result<(String, String), Error> {
        let found: Vec<&str> =
            crate::kustomization::FILE_NAMES.into_iter().filter(|name| self.kind(name) == Kind::File).collect();
        match found.as_slice() {
            [name] => Ok(((*name).to_owned(), self.read_text(name)?)),
            [] => Err(Error::NoKustomization {
                path: self.shown_root(),
                reason: "unable to find one of 'kustomization.yaml', 'kustomization.yml' or 'Kustomization'",
            }),
            _ => Err(Error::NoKustomization { path: self.shown_root(), reason: "holds several kustomization files" }),
        }
    }

    fn shown_root(&self) -> String {
        if self.root.is_empty() { ".".to_owned() } else { self.root.clone() }
    }

    /// The folder's own name.
    pub(crate) fn root_name(&self) -> &str {
        self.root.rsplit('/').next().unwrap_or_default()
    }
}

fn is_url(path: &str) -> bool {
    path.starts_with("http://") || path.starts_with("https://")
}

/// What kustomize would clone.
fn is_remote_base(path: &str) -> bool {
    is_url(path)
        || ["git::", "git@", "ssh://", "file://", "github.com/", "gh:"].iter().any(|p| path.starts_with(p))
        || path.contains("?ref=")
        || path.contains(".git//")
}

fn no_remote(path: &str) -> Error {
    Error::Unavailable { what: format!("remote resource {path}"), hint: "copy it into the repository" }
}
