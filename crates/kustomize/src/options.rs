//! What a build may do.

use std::rc::Rc;
use std::sync::{Arc, atomic::AtomicBool};

use crate::remote::RemoteBase;
use crate::{Error, HelmInflator};

/// Which files outside of a kustomization's own folder may be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LoadRestrictions {
    /// None: every file must stand in or below the folder of the kustomization file that names it.
    #[default]
    RootOnly,
    /// Any file of the tree.
    None,
}

/// The order of the output when the kustomization file does not say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Reorder {
    /// Namespaces first, webhooks last, the rest by kind: what the kustomize command does.
    #[default]
    Legacy,
    /// As read: what the kustomize library and Flux do.
    None,
}

/// Bounds on a build.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    /// Files read.
    pub files: usize,
    /// Bytes read.
    pub bytes: usize,
    /// Kustomizations nested in each other.
    pub depth: usize,
    /// Kustomizations built.
    pub bases: usize,
    /// Objects in the build.
    pub resources: usize,
    /// Bytes of memory, about: objects as they are read, and all that is ever copied into them.
    pub memory: usize,
}

impl Default for Budget {
    fn default() -> Self {
        Self { files: 100_000, bytes: 512 << 20, depth: 64, bases: 10_000, resources: 500_000, memory: 4 << 30 }
    }
}

/// Fetches what is not in the tree.
pub trait Remote {
    /// The content of a file at an HTTP address.
    ///
    /// # Errors
    /// When it cannot be had.
    fn file(&self, url: &str) -> Result<Vec<u8>, Error>;

    /// The repository of a remote base, at its reference; the engine goes to the folder in it.
    ///
    /// # Errors
    /// When it cannot be had.
    fn base(&self, base: &RemoteBase) -> Result<Rc<dyn crate::Tree>, Error>;
}

/// How to build.
#[derive(Default, Clone, Copy)]
pub struct Options<'a> {
    /// Which files may be read.
    pub load_restrictions: LoadRestrictions,
    /// The order of the output.
    pub reorder: Reorder,
    /// Bounds.
    pub budget: Budget,
    /// Ends the build soon after it becomes true, from any thread.
    pub interrupt: Option<&'a Arc<AtomicBool>>,
    /// Label every object as managed by kustomize.
    pub managed_by_label: bool,
    /// Fetches remote files and bases; without it they are refused.
    pub remote: Option<&'a dyn Remote>,
    /// Renders charts; without it they are refused.
    pub charts: Option<&'a dyn HelmInflator>,
}
