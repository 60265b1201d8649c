//! A directory for files that matter to this process only, and the removal of what killed processes left.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use tempfile::TempDir;

/// A directory of this process; it goes with the value, or, after a kill, when the next one of the same prefix is made
/// beside it.
///
/// # Guarantees
/// A directory whose process lives is never removed: it is locked for as long as that lives.
#[derive(Debug)]
pub struct Scratch {
    path: PathBuf,
    _lock: File,
    _dir: TempDir,
}

impl Scratch {
    /// Makes a directory below `parent`, whose name begins with `prefix`, and removes those of processes that are gone.
    ///
    /// # Errors
    /// When `parent` cannot be written to.
    pub fn new(parent: &Path, prefix: &str) -> io::Result<Self> {
        fs::create_dir_all(parent)?;
        for entry in fs::read_dir(parent)?.flatten() {
            let name = entry.file_name();
            if name.to_string_lossy().starts_with(prefix)
                && let Ok(lock) = File::open(entry.path().join("lock"))
                && lock.try_lock().is_ok()
            {
                // Best effort: what cannot be removed now is tried again at the next start.
                let _ = fs::remove_dir_all(entry.path());
            }
        }
        let dir = tempfile::Builder::new().prefix(prefix).tempdir_in(parent)?;
        let lock = File::create(dir.path().join("lock"))?;
        lock.lock()?;
        Ok(Self { path: dir.path().to_owned(), _lock: lock, _dir: dir })
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A fresh directory in it, which goes with the value.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn directory(&self, prefix: &str) -> io::Result<TempDir> {
        tempfile::Builder::new().prefix(prefix).tempdir_in(&self.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_killed_process_left_goes_and_what_lives_stays() {
        let parent = tempfile::tempdir().unwrap();
        let living = Scratch::new(parent.path(), "x-").unwrap();
        // As SIGKILL leaves it: the files, and no lock.
        let dead = parent.path().join("x-dead");
        fs::create_dir_all(dead.join("ocirepository-1/big")).unwrap();
        File::create(dead.join("lock")).unwrap();
        let strange = parent.path().join("x-strange");
        fs::create_dir(&strange).unwrap();
        let second = Scratch::new(parent.path(), "x-").unwrap();
        assert!(!dead.exists() && living.path().exists() && second.path().exists());
        assert!(strange.exists(), "nobody said that it is ours");
        let kept = second.path().to_owned();
        drop(second);
        assert!(!kept.exists());
    }
}
