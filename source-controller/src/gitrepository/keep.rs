//! Where repositories are kept between fetches: outside the storage, which everybody may read.

use std::{
    fs::{self, DirBuilder, Metadata},
    hash::{DefaultHasher, Hash, Hasher},
    io,
    os::unix::fs::{DirBuilderExt, MetadataExt},
    path::{Path, PathBuf},
};

/// A directory below `temporary` for the process whose storage is at `storage`: the same after a restart, so that a cache
/// neither is lost nor piles up, and readable to nobody else.
///
/// # Errors
/// When it cannot be made, or somebody else's is in its place.
pub fn directory(temporary: &Path, storage: &Path) -> io::Result<PathBuf> {
    let mut hasher = DefaultHasher::new();
    fs::canonicalize(storage).unwrap_or_else(|_| storage.to_owned()).hash(&mut hasher);
    let path = temporary.join(format!("weir-git-{:016x}", hasher.finish()));
    match DirBuilder::new().mode(0o700).create(&path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    let (found, process) = (fs::symlink_metadata(&path)?, fs::metadata("/proc/self")?);
    if is_ours(&found, process.uid()) {
        return Ok(path);
    }
    let said = format!("{} belongs to somebody else: remove it, or set TMPDIR to another directory", path.display());
    Err(io::Error::new(io::ErrorKind::PermissionDenied, said))
}

fn is_ours(found: &Metadata, user: u32) -> bool {
    found.is_dir() && found.uid() == user && found.mode() & 0o077 == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_after_a_restart_and_nobody_elses() {
        let (tmp, storage) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let made = directory(tmp.path(), storage.path()).unwrap();
        assert_eq!(directory(tmp.path(), storage.path()).unwrap(), made);
        assert_ne!(directory(tmp.path(), Path::new("/data")).unwrap(), made);
        fs::remove_dir(&made).unwrap();
        std::os::unix::fs::symlink(storage.path(), &made).unwrap();
        assert!(directory(tmp.path(), storage.path()).is_err(), "a link leads elsewhere");
        fs::remove_file(&made).unwrap();
        DirBuilder::new().mode(0o755).create(&made).unwrap();
        assert!(directory(tmp.path(), storage.path()).is_err(), "others can read it");
    }
}
