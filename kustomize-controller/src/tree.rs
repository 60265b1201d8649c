//! An unpacked artifact as the tree that the build engine reads.

use std::io::Read as _;

use weir_artifact::cap_std::fs::Dir;
use weir_kustomize::{Kind, Tree, TreeError};

/// The largest file that is read.
const LARGEST: u64 = 64 << 20;

/// Files below a directory that cannot be left. Archives bring no links, so there are none to follow.
#[derive(Debug)]
pub struct DirTree<'a>(&'a Dir);

impl<'a> DirTree<'a> {
    /// The tree of a directory.
    #[must_use]
    pub fn new(dir: &'a Dir) -> Self {
        Self(dir)
    }
}

fn at(path: &str) -> &str {
    if path.is_empty() { "." } else { path }
}

fn failed(error: &std::io::Error) -> TreeError {
    match error.kind() {
        std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory => TreeError::Missing,
        _ => TreeError::Io(error.to_string()),
    }
}

impl Tree for DirTree<'_> {
    fn read(&self, path: &str) -> Result<Vec<u8>, TreeError> {
        let file = self.0.open(at(path)).map_err(|e| failed(&e))?;
        let size = match file.metadata() {
            Ok(metadata) if metadata.is_file() => metadata.len(),
            _ => return Err(TreeError::NotAFile),
        };
        if size > LARGEST {
            return Err(TreeError::TooLarge(LARGEST));
        }
        let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or_default());
        file.take(LARGEST).read_to_end(&mut bytes).map_err(|e| failed(&e))?;
        Ok(bytes)
    }

    fn kind(&self, path: &str) -> Kind {
        match self.0.metadata(at(path)) {
            Ok(metadata) if metadata.is_file() => Kind::File,
            Ok(metadata) if metadata.is_dir() => Kind::Dir,
            _ => Kind::Missing,
        }
    }

    fn list(&self, dir: &str) -> Result<Vec<String>, TreeError> {
        let mut names = Vec::new();
        for entry in self.0.read_dir(at(dir)).map_err(|e| failed(&e))? {
            // A name that is no text cannot stand in a kustomization.
            if let Ok(name) = entry.map_err(|e| failed(&e))?.file_name().into_string() {
                names.push(name);
            }
        }
        names.sort_unstable();
        Ok(names)
    }
}
