//! The whole disk as a tree: a person at a terminal may read what they may read. Kustomize's own load restrictions,
//! which are the engine's matter, still apply.

use std::{
    fs,
    io::Read as _,
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use weir_kustomize::{Kind, Tree, TreeError};

/// No manifest is larger.
const LIMIT: u64 = 256 << 20;

/// The disk.
pub struct Disk;

/// A canonical path as the tree names it: from the root, without the first slash.
pub fn in_tree(path: &Path) -> String {
    path.to_string_lossy().trim_start_matches('/').to_owned()
}

fn on_disk(path: &str) -> PathBuf {
    Path::new("/").join(path)
}

fn failed(error: &std::io::Error) -> TreeError {
    match error.kind() {
        std::io::ErrorKind::NotFound => TreeError::Missing,
        _ => TreeError::Io(error.to_string()),
    }
}

fn regular(metadata: &fs::Metadata) -> Result<(), TreeError> {
    match metadata.is_file() {
        false => Err(TreeError::NotAFile),
        true if metadata.len() > LIMIT => Err(TreeError::TooLarge(LIMIT)),
        true => Ok(()),
    }
}

impl Tree for Disk {
    fn read(&self, path: &str) -> Result<Vec<u8>, TreeError> {
        let path = on_disk(path);
        // Looked at first, because opening a device may do something; and again once it is open, because it may be another by
        // then: a FIFO without a writer would be waited for.
        regular(&fs::metadata(&path).map_err(|error| failed(&error))?)?;
        let mut options = fs::OpenOptions::new();
        let flags = rustix::fs::OFlags::NONBLOCK.bits().cast_signed();
        let file = options.read(true).custom_flags(flags).open(path).map_err(|error| failed(&error))?;
        regular(&file.metadata().map_err(|error| failed(&error))?)?;
        let mut content = Vec::new();
        file.take(LIMIT + 1).read_to_end(&mut content).map_err(|error| failed(&error))?;
        if content.len() as u64 > LIMIT { Err(TreeError::TooLarge(LIMIT)) } else { Ok(content) }
    }

    fn kind(&self, path: &str) -> Kind {
        match fs::metadata(on_disk(path)) {
            Ok(metadata) if metadata.is_file() => Kind::File,
            Ok(metadata) if metadata.is_dir() => Kind::Dir,
            _ => Kind::Missing,
        }
    }

    fn list(&self, dir: &str) -> Result<Vec<String>, TreeError> {
        let entries = fs::read_dir(on_disk(dir)).map_err(|error| failed(&error))?;
        let mut names = Vec::new();
        for entry in entries {
            let name = entry.map_err(|error| failed(&error))?.file_name();
            names.push(name.into_string().map_err(|name| TreeError::Io(format!("{} is not UTF-8", name.display())))?);
        }
        names.sort();
        Ok(names)
    }

    fn resolve(&self, path: &str) -> Result<String, TreeError> {
        on_disk(path).canonicalize().map(|path| in_tree(&path)).map_err(|error| failed(&error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_disk() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("b"), "x").unwrap();
        fs::create_dir(dir.path().join("a")).unwrap();
        std::os::unix::fs::symlink("b", dir.path().join("link")).unwrap();
        let root = in_tree(&dir.path().canonicalize().unwrap());
        let at = |name: &str| format!("{root}/{name}");
        assert_eq!(Disk.list(&root).unwrap(), ["a", "b", "link"]);
        assert_eq!(Disk.read(&at("link")).unwrap(), b"x");
        assert_eq!(Disk.resolve(&at("link")).unwrap(), at("b"));
        assert_eq!(
            (Disk.kind(&at("a")), Disk.kind(&at("b")), Disk.kind(&at("c"))),
            (Kind::Dir, Kind::File, Kind::Missing)
        );
        assert!(matches!(Disk.read(&at("a")), Err(TreeError::NotAFile)));
        assert!(matches!(Disk.read(&at("c")), Err(TreeError::Missing)));
    }
}
