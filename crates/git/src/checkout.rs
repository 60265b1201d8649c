//! A tree written into a directory, for those who need files.

use std::io::Write;

use cap_std::fs::{Dir, DirBuilder, OpenOptions, OpenOptionsExt};

use crate::{
    Error,
    tree::{Descend, Tree, TreeFile, Visitor},
};

impl Tree {
    /// Writes the tree into an empty directory: files with mode 0600, or 0700 when executable. Blocking.
    ///
    /// # Errors
    /// As [`Tree::visit`], and when the file system fails.
    pub fn write_to(&self, dir: &Dir) -> Result<(), Error> {
        self.write_some(dir, |_, _| true)
    }

    /// Writes what `wanted(path, is_directory)` accepts; a directory that is not wanted is not read.
    ///
    /// # Errors
    /// As [`Tree::write_to`].
    pub fn write_some(&self, dir: &Dir, wanted: impl FnMut(&str, bool) -> bool) -> Result<(), Error> {
        self.visit(&mut Writer { dir, wanted })
    }
}

struct Writer<'a, F> {
    dir: &'a Dir,
    wanted: F,
}

impl<F: FnMut(&str, bool) -> bool> Visitor for Writer<'_, F> {
    type Error = std::io::Error;

    fn directory(&mut self, path: &str) -> Result<Descend, Self::Error> {
        if !(self.wanted)(path, true) {
            return Ok(Descend::No);
        }
        self.dir.create_dir_with(path, &DirBuilder::new())?;
        Ok(Descend::Yes)
    }

    fn wants(&mut self, path: &str) -> Result<bool, Self::Error> {
        Ok((self.wanted)(path, false))
    }

    fn file(&mut self, file: TreeFile<'_>) -> Result<(), Self::Error> {
        let mut options = OpenOptions::new();
        // Never through something that is already there.
        options.write(true).create_new(true).mode(if file.executable { 0o700 } else { 0o600 });
        self.dir.open_with(file.path, &options)?.write_all(file.content)
    }
}
