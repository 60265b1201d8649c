//! What changes objects, a file per field of the kustomization file.

pub(crate) mod images;
pub(crate) mod labels;
pub(crate) mod names;
pub(crate) mod patches;
pub(crate) mod references;
pub(crate) mod replacements;
pub(crate) mod replicas;
pub(crate) mod sort;
pub(crate) mod value_add;
pub(crate) mod variables;
