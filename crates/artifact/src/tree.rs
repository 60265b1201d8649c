//! An unpacked artifact as the tree a kustomize build reads.

use std::io::{self, ErrorKind, Read};

use cap_std::fs::Dir;
use weir_kustomize::{Kind, Tree, TreeError};

/// The largest file that is read, unless said otherwise.
const LARGEST: u64 = 64 << 20;

/// Files below a directory that cannot be left: links are followed inside of it and refused where they lead out.
///
/// Guarantees: what is no regular file (a FIFO, a device, a socket) is never opened, so that nothing blocks.
#[derive(Debug)]
pub struct DirTree {
    dir: Dir,
    largest: u64,
}

impl DirTree {
    /// The tree of a directory.
    #[must_use]
    pub fn new(dir: Dir) -> Self {
        Self { dir, largest: LARGEST }
    }

    /// The same with another bound on the size of a file, in bytes.
    #[must_use]
    pub fn with_largest(self, largest: u64) -> Self {
        Self { largest, ..self }
    }
}

fn at(path: &str) -> &str {
    if path.is_empty() { "." } else { path }
}

fn failed(error: &io::Error) -> TreeError {
    match error.kind() {
        ErrorKind::NotFound | ErrorKind::NotADirectory => TreeError::Missing,
        // cap-std refuses a path or a link that leaves the directory with this kind.
        ErrorKind::PermissionDenied => TreeError::Escapes,
        _ => TreeError::Io(error.kind().to_string()),
    }
}

impl Tree for DirTree {
    fn read(&self, path: &str) -> Result<Vec<u8>, TreeError> {
        let metadata = self.dir.metadata(at(path)).map_err(|error| failed(&error))?;
        if !metadata.is_file() {
            return Err(TreeError::NotAFile);
        }
        let file = self.dir.open(path).map_err(|error| failed(&error))?;
        let mut content = Vec::with_capacity(usize::try_from(metadata.len().min(self.largest)).unwrap_or_default());
        // One byte more than allowed tells a file that is too large, also when it grew meanwhile.
        file.take(self.largest + 1).read_to_end(&mut content).map_err(|error| failed(&error))?;
        if u64::try_from(content.len()).is_ok_and(|size| size > self.largest) {
            return Err(TreeError::TooLarge(self.largest));
        }
        Ok(content)
    }

    fn kind(&self, path: &str) -> Kind {
        match self.dir.metadata(at(path)) {
            Ok(metadata) if metadata.is_file() => Kind::File,
            Ok(metadata) if metadata.is_dir() => Kind::Dir,
            _ => Kind::Missing,
        }
    }

    fn list(&self, dir: &str) -> Result<Vec<String>, TreeError> {
        let mut names = Vec::new();
        for entry in self.dir.read_dir(at(dir)).map_err(|error| failed(&error))? {
            let name = entry.map_err(|error| failed(&error))?.file_name();
            // A name that is no text cannot stand in a kustomization.
            if let Ok(name) = name.into_string() {
                names.push(name);
            }
        }
        names.sort_unstable();
        Ok(names)
    }

    fn resolve(&self, path: &str) -> Result<String, TreeError> {
        match self.dir.canonicalize(at(path)) {
            Ok(resolved) => {
                let resolved = resolved.to_str().ok_or_else(|| TreeError::Io("a name is not UTF-8".to_owned()))?;
                Ok(weir_kustomize::join("", resolved).unwrap_or_default())
            }
            // What is not there has nothing to follow; reading it says so.
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(path.to_owned()),
            Err(error) => Err(failed(&error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use cap_std::ambient_authority;
    use weir_kustomize::{Options, build};

    use super::*;

    fn tree() -> (tempfile::TempDir, DirTree) {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("secret"), "kind: Secret").unwrap();
        let root = dir.path().join("root");
        std::fs::create_dir_all(root.join("a/b")).unwrap();
        std::fs::write(root.join("a/x.yaml"), "x").unwrap();
        symlink("../a/x.yaml", root.join("a/inside")).unwrap();
        symlink("x.yaml", root.join("a/link")).unwrap();
        symlink("../../secret", root.join("a/out")).unwrap();
        symlink("/etc/hostname", root.join("a/absolute")).unwrap();
        let tree = DirTree::new(Dir::open_ambient_dir(&root, ambient_authority()).unwrap());
        (dir, tree)
    }

    #[test]
    fn files_are_read_and_links_followed_inside() {
        let (_dir, tree) = tree();
        assert_eq!(tree.read("a/link").unwrap(), b"x");
        assert_eq!(tree.resolve("a/inside").unwrap(), "a/x.yaml");
        assert_eq!(tree.resolve("").unwrap(), "");
        assert_eq!(tree.list("a").unwrap(), ["absolute", "b", "inside", "link", "out", "x.yaml"]);
        assert_eq!((tree.kind("a/b"), tree.kind("a/none"), tree.kind("")), (Kind::Dir, Kind::Missing, Kind::Dir));
    }

    #[test]
    fn links_that_lead_out_are_refused() {
        let (_dir, tree) = tree();
        for path in ["a/out", "a/absolute"] {
            assert_eq!(tree.read(path), Err(TreeError::Escapes), "{path}");
            assert_eq!(tree.kind(path), Kind::Missing);
            assert_eq!(tree.resolve(path), Err(TreeError::Escapes));
        }
    }

    #[test]
    fn what_is_no_file_or_too_large_is_not_read() {
        let (dir, tree) = tree();
        let fifo = dir.path().join("root/fifo");
        let made = std::process::Command::new("mkfifo").arg(&fifo).status().unwrap();
        assert!(made.success());
        assert_eq!(tree.read("fifo"), Err(TreeError::NotAFile));
        assert_eq!(tree.read("a/b"), Err(TreeError::NotAFile));
        assert_eq!(tree.with_largest(0).read("a/x.yaml"), Err(TreeError::TooLarge(0)));
    }

    #[test]
    fn a_build_cannot_read_through_a_link_that_leads_out() {
        let (dir, tree) = tree();
        let file = dir.path().join("root/kustomization.yaml");
        std::fs::write(file, "resources: [a/out]").unwrap();
        let error = build(&tree, "", &Options::default()).unwrap_err().chain();
        assert!(error.contains("a/out") && !error.contains("Secret"), "{error}");
    }
}
