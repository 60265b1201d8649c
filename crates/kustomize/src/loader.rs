//! Reading files for one kustomization: restrictions, cycles and the budget.

use std::cell::RefCell;
use std::rc::Rc;

use crate::meter::Meter;
use crate::options::{LoadRestrictions, Options};
use crate::remote::{RemoteBase, shown};
use crate::tree::{Kind, Tree, is_below, join};
use crate::{Error, TreeError};

/// What a build has used up.
#[derive(Debug, Default)]
struct Used {
    files: usize,
    bytes: usize,
    bases: usize,
}

/// The tree a kustomization stands in: the caller's, or a fetched one.
#[derive(Clone)]
enum Files<'a> {
    Given(&'a dyn Tree),
    Fetched(Rc<dyn Tree>),
}

impl<'a> std::ops::Deref for Files<'a> {
    type Target = dyn Tree + 'a;

    fn deref(&self) -> &Self::Target {
        match self {
            Self::Given(tree) => *tree,
            Self::Fetched(tree) => tree.as_ref(),
        }
    }
}

/// Reads below one kustomization's folder.
#[derive(Clone)]
pub(crate) struct Loader<'a> {
    tree: Files<'a>,
    pub(crate) options: &'a Options<'a>,
    /// The folder, links followed.
    pub(crate) root: String,
    /// The folders of the kustomizations that led here within this tree, outermost first.
    ancestors: Vec<String>,
    /// The remote bases that led here, as they are written.
    remotes: Vec<String>,
    /// How many kustomizations led here.
    depth: usize,
    restrictions: LoadRestrictions,
    used: Rc<RefCell<Used>>,
    pub(crate) meter: Meter,
}

impl<'a> Loader<'a> {
    pub(crate) fn new(tree: &'a dyn Tree, path: &str, options: &'a Options<'a>) -> Result<Self, Error> {
        let refused = Error::Refused { path: shown(path), reason: "the path leaves the tree" };
        let joined = join("", path).ok_or(refused)?;
        let root = tree.resolve(&joined).map_err(|source| Error::Read { path: shown(path), source })?;
        if tree.kind(&root) != Kind::Dir {
            return Err(Error::NoKustomization { path: shown(path), reason: "is no directory" });
        }
        Ok(Self {
            tree: Files::Given(tree),
            options,
            root,
            ancestors: Vec::new(),
            remotes: Vec::new(),
            depth: 0,
            restrictions: options.load_restrictions,
            used: Rc::default(),
            meter: Meter::new(options),
        })
    }

    /// A path as shown in messages: seen from the tree's root, behind the address of a fetched one.
    pub(crate) fn display(&self, path: &str) -> String {
        if is_url(path) {
            return shown(path);
        }
        let here = join(&self.root, path).unwrap_or_else(|| path.to_owned());
        match self.remotes.last() {
            Some(remote) => format!("{}: {here}", shown(remote)),
            None => here,
        }
    }

    /// The tree the kustomization stands in.
    pub(crate) fn tree(&self) -> &dyn Tree {
        &*self.tree
    }

    /// A path seen from the tree's root.
    pub(crate) fn in_tree(&self, path: &str) -> Result<String, Error> {
        let refused = |reason| Error::Refused { path: shown(path), reason };
        if path.starts_with('/') {
            return Err(refused("absolute paths are not allowed"));
        }
        join(&self.root, path).ok_or_else(|| refused("the path leaves the tree"))
    }

    fn located(&self, path: &str) -> Result<String, Error> {
        let refused = |reason| Error::Refused { path: shown(path), reason };
        if path.is_empty() {
            return Err(refused("the path is empty"));
        }
        if path.starts_with('/') {
            return Err(refused("absolute paths are not allowed"));
        }
        let joined = join(&self.root, path).ok_or_else(|| refused("the path leaves the tree"))?;
        self.tree.resolve(&joined).map_err(|source| Error::Read { path: shown(path), source })
    }

    pub(crate) fn kind(&self, path: &str) -> Kind {
        self.located(path).map_or(Kind::Missing, |located| self.tree.kind(&located))
    }

    /// The content of a file named by the kustomization.
    pub(crate) fn read(&self, path: &str) -> Result<Vec<u8>, Error> {
        if is_url(path) {
            let remote = self.options.remote.ok_or_else(|| no_remote(path))?;
            let content = remote.file(path)?;
            self.count(content.len())?;
            return Ok(content);
        }
        let located = self.located(path)?;
        self.within(path, &located)?;
        let content = self.tree.read(&located).map_err(|source| Error::Read { path: shown(path), source })?;
        self.count(content.len())?;
        Ok(content)
    }

    fn within(&self, path: &str, located: &str) -> Result<(), Error> {
        if self.restrictions == LoadRestrictions::RootOnly && !is_below(located, &self.root) {
            let reason = "files must stand in or below the folder of the kustomization";
            return Err(Error::Refused { path: shown(path), reason });
        }
        Ok(())
    }

    /// Whether a file might be read from there, if it were there.
    pub(crate) fn allowed(&self, path: &str) -> Result<(), Error> {
        self.within(path, &self.in_tree(path)?)
    }

    /// The same as text.
    pub(crate) fn read_text(&self, path: &str) -> Result<String, Error> {
        let content = self.read(path)?;
        String::from_utf8(content).map_err(|_| Error::Read {
            path: shown(path),
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

    /// A loader for another folder or a remote base. Folders that contain one that led here are refused.
    pub(crate) fn enter(&self, path: &str) -> Result<Loader<'a>, Error> {
        let refused = |reason| Error::Refused { path: shown(path), reason };
        if let Some(base) = RemoteBase::parse(path) {
            return self.enter_remote(&base);
        }
        if path.split('/').any(|p| p != ".." && p.contains("..")) {
            return Err(refused("the path is ambiguous; check the indentation of the kustomization file"));
        }
        let root = self.located(path)?;
        match self.tree.kind(&root) {
            Kind::Dir => {}
            Kind::File => return Err(refused("must be a directory")),
            Kind::Missing => return Err(Error::Read { path: shown(path), source: TreeError::Missing }),
        }
        let mut ancestors = self.ancestors.clone();
        ancestors.push(self.root.clone());
        if ancestors.iter().any(|visited| is_below(visited, &root)) {
            return Err(refused("cycle detected: the folder contains one that led here"));
        }
        let depth = self.deeper()?;
        Ok(Loader { root, ancestors, depth, ..self.clone() })
    }

    /// Counts a kustomization; how deep it stands.
    fn deeper(&self) -> Result<usize, Error> {
        let budget = self.options.budget;
        if self.depth + 1 >= budget.depth {
            return Err(Error::Budget { what: "depth of kustomizations", limit: budget.depth });
        }
        let mut used = self.used.borrow_mut();
        used.bases += 1;
        if used.bases > budget.bases {
            return Err(Error::Budget { what: "number of kustomizations", limit: budget.bases });
        }
        Ok(self.depth + 1)
    }

    /// A fetched repository is a tree of its own, with the restrictions on.
    fn enter_remote(&self, base: &RemoteBase) -> Result<Loader<'a>, Error> {
        let refused = |reason| Error::Refused { path: shown(&base.raw), reason };
        if self.remotes.iter().any(|visited| visited.starts_with(&base.raw)) {
            return Err(refused("cycle detected: the remote base led here"));
        }
        let remote = self.options.remote.ok_or_else(|| no_remote(&base.raw))?;
        let depth = self.deeper()?;
        self.meter.go_on()?;
        let tree = remote.base(base)?;
        let read = |source| Error::Read { path: shown(&base.raw), source };
        let root = tree.resolve(&base.path).map_err(read)?;
        match tree.kind(&root) {
            Kind::Dir => {}
            Kind::File => return Err(refused("must be a directory")),
            Kind::Missing => return Err(read(TreeError::Missing)),
        }
        let mut remotes = self.remotes.clone();
        remotes.push(base.raw.clone());
        let restrictions = LoadRestrictions::RootOnly;
        Ok(Loader {
            tree: Files::Fetched(tree),
            root,
            ancestors: Vec::new(),
            remotes,
            depth,
            restrictions,
            ..self.clone()
        })
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

pub(crate) fn is_url(path: &str) -> bool {
    path.starts_with("http://") || path.starts_with("https://")
}

fn no_remote(path: &str) -> Error {
    Error::Unavailable {
        what: format!("remote resource {}", shown(path)),
        hint: "copy it into the repository, or allow remote bases",
    }
}
