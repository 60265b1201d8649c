//! A native kustomize engine: a tree of files in, objects out, with the output of kustomize v5.
//!
//! ```text
//! Tree + path --build--> Vec<Resource> --print--> text, byte for byte what `kustomize build` prints
//! Tree + path + Overrides --flux::generate--> the kustomization.yaml that kustomize-controller builds from
//! ```
//! Pure: files, remote bases and charts come through [`Tree`], [`Remote`] and [`HelmInflator`].

mod charts;
mod config;
mod error;
mod fieldspec;
pub mod flux;
mod generate;
mod jsonpatch;
mod kustomization;
mod loader;
mod merge;
mod meter;
mod options;
mod origin;
mod read;
mod remote;
mod resid;
mod resmap;
mod resource;
mod schema;
mod selector;
mod target;
mod transform;
pub mod tree;

pub use charts::{Chart, ChartFolder, HelmInflator};
pub use error::{Error, TreeError};
pub use kustomization::FILE_NAMES;
pub use options::{Budget, LoadRestrictions, Options, Remote, Reorder};
pub use remote::{RemoteBase, shown};
pub use resource::Resource;
pub use tree::{Kind, MemTree, Overlay, Tree, is_below, join, parent};

/// Builds the kustomization in folder `path` of a tree.
///
/// # Errors
/// The first file or field that is not as it should be; the chain of causes names file, field and reason.
pub fn build(tree: &dyn Tree, path: &str, options: &Options<'_>) -> Result<Vec<Resource>, Error> {
    target::build(tree, path, options)
}

/// The text `kustomize build` prints for these objects.
///
/// # Errors
/// When an object holds what cannot be printed, such as a number as a key.
pub fn print(resources: &[Resource]) -> Result<String, Error> {
    let mut out = String::new();
    for (index, resource) in resources.iter().enumerate() {
        if index > 0 {
            out.push_str("---\n");
        }
        out.push_str(&resource.to_yaml()?);
    }
    Ok(out)
}
