//! Files of the journal's directory.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::{JournalError, Recovered, Recovery, frame};

const LOCK: &str = "lock";

/// The file of a segment.
pub(super) fn path(dir: &Path, number: u64) -> PathBuf {
    dir.join(format!("{number:020}.log"))
}

/// The numbers of all segments, ascending.
pub(super) fn list(dir: &Path) -> Result<Vec<u64>, JournalError> {
    let mut numbers = Vec::new();
    for entry in fs::read_dir(dir).map_err(JournalError::file("read", dir))? {
        let entry = entry.map_err(JournalError::file("read", dir))?;
        let name = entry.file_name();
        let number: Option<u64> = name.to_str().and_then(|name| name.strip_suffix(".log")?.parse().ok());
        numbers.extend(number);
    }
    numbers.sort_unstable();
    Ok(numbers)
}

/// Makes names in the directory as durable as the files.
pub(super) fn sync_dir(dir: &Path) -> std::io::Result<()> {
    fs::File::open(dir)?.sync_all()
}

/// Takes the directory for this process; the lock goes with the process.
pub(super) fn lock(dir: &Path) -> Result<fs::File, JournalError> {
    let path = dir.join(LOCK);
    let file = fs::OpenOptions::new().create(true).truncate(false).write(true).open(&path);
    let file = file.map_err(JournalError::file("open", &path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(fs::TryLockError::WouldBlock) => Err(JournalError::Locked { path: dir.display().to_string() }),
        Err(fs::TryLockError::Error(source)) => Err(JournalError::file("lock", &path)(source)),
    }
}

/// Reads every segment, and cuts off what a kill left half written at the end of the last one.
pub(super) fn recover(dir: &Path) -> Result<Recovery, JournalError> {
    let mut recovery = Recovery::default();
    let numbers = list(dir)?;
    for number in &numbers {
        let path = path(dir, *number);
        let bytes = fs::read(&path).map_err(JournalError::file("read", &path))?;
        let found = frame::decode(&bytes);
        recovery.damaged += found.damaged as u64;
        let records = found.records.iter().map(|payload| Recovered { segment: *number, payload: payload.to_vec() });
        recovery.records.extend(records);
    }
    Ok(recovery)
}
