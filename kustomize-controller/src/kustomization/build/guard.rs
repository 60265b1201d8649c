//! A tree that can be read only so much of.

use std::cell::Cell;

use weir_kustomize::{Budget, Kind, Tree, TreeError};

use super::Settings;

/// What the folder of a Kustomization without a file of its own is made of is read twice: once to see what is there, once to
/// build it.
const TWICE: usize = 2;

/// See the module.
pub(super) struct Guarded<'a> {
    tree: &'a dyn Tree,
    settings: &'a Settings,
    files: Cell<usize>,
    bytes: Cell<usize>,
}

impl<'a> Guarded<'a> {
    pub(super) fn new(tree: &'a dyn Tree, budget: Budget, settings: &'a Settings) -> Self {
        let [files, bytes] = [budget.files, budget.bytes].map(|limit| Cell::new(limit.saturating_mul(TWICE)));
        Self { tree, settings, files, bytes }
    }

    fn take(of: &Cell<usize>, count: usize, what: &str) -> Result<(), TreeError> {
        let left = of.get().checked_sub(count);
        of.set(left.unwrap_or_default());
        left.map(|_| ()).ok_or_else(|| TreeError::Io(format!("the build reads too many {what}")))
    }
}

impl Tree for Guarded<'_> {
    fn kind(&self, path: &str) -> Kind {
        self.tree.kind(path)
    }

    fn resolve(&self, path: &str) -> Result<String, TreeError> {
        self.tree.resolve(path)
    }

    fn read(&self, path: &str) -> Result<Vec<u8>, TreeError> {
        self.settings.go_on().map_err(|error| TreeError::Io(error.to_string()))?;
        Self::take(&self.files, 1, "files")?;
        let content = self.tree.read(path)?;
        Self::take(&self.bytes, content.len(), "bytes")?;
        Ok(content)
    }

    fn list(&self, path: &str) -> Result<Vec<String>, TreeError> {
        self.settings.go_on().map_err(|error| TreeError::Io(error.to_string()))?;
        self.tree.list(path)
    }
}
